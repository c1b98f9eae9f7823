//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4

package stream.prompt;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON that a user wrote: a key that occurs twice is an error, and where a user may write comments they are allowed. */
public final class HandWrittenJson {

    static final JsonMapper STRICT = JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    public static final JsonMapper WITH_COMMENTS = JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS, JsonReadFeature.ALLOW_TRAILING_COMMA).build();

    private HandWrittenJson() { }

    /** Returns the line of the error, from 1; 1 if it is not known. */
    public static int line(JacksonException e) {
        return e.getLocation() == null ? 1 : e.getLocation().getLineNr();
    }

    /** Returns what is wrong, without what would have been right instead. */
    public static String problem(Exception e) {
        var message = e instanceof JacksonException json ? json.getOriginalMessage() : String.valueOf(e.getMessage());
        return message.lines().findFirst().orElse("?").replaceFirst(": (was )?expect.*", "")
                .replaceFirst(": enable `.*", ""); // a feature of the parser is nothing that a user can enable
    }
}
