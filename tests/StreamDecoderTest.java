package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A decoder that passes over what it has just seen must say what one says that parses each event. */
class StreamDecoderTest {

    private static final String CHAT = "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
            + "\"finish_reason\":%s}],\"usage\":null}";

    private static final Dialect DIALECT = Dialect.of("chat");

    private final StreamDecoder decoder = new StreamDecoder(DIALECT);

    private void assertMeansTheSame(String type, String data) {
        assertEquals(new StreamDecoder(DIALECT).decode(type, data), decoder.decode(type, data), data);
    }

    @ParameterizedTest
    @ValueSource(strings = {" token", "", "a", "\\n", "\\\"", "\\\\", "\\u0041", "\\ud83c\\udf0a", "🌊", "ünï", "\",\"x\":\"y",
        "\"},\"finish_reason\":\"stop\"}],\"choices\":[{\"delta\":{\"content\":\"x", "a\tb", "m"})
    void anEventLikeTheOneBeforeMeansWhatItMeansAlone(String text) {
        for (var before : List.of(" first", text, "🌊", "\\n")) {
            assertMeansTheSame(null, CHAT.formatted(before, "null"));
            assertMeansTheSame(null, CHAT.formatted(text, "null"));
            assertMeansTheSame(null, CHAT.formatted(text, "\"stop\""));
            assertMeansTheSame("error", CHAT.formatted(text, "null"));
        }
    }

    @Test
    void textsOfAllShapesDecodeAsIfEachStoodAlone() {
        var random = new Random(7);
        var pieces = List.of("a", " ", "\\n", "\\\"", "\\\\", "ü", "日", "🌊", "\\u00e9", "{", "}", ",", ":", "[DONE]", "\\/");
        var templates = List.of(CHAT, "{\"choices\":[{\"text\":\"%s\",\"finish_reason\":%s}]}",
                "{\"type\":\"response.output_text.delta\",\"delta\":\"%s\",\"n\":%s}",
                "{\"choices\":[{\"delta\":{\"reasoning_content\":\"%s\",\"content\":%s}}]}",
                "{\"choices\":[{\"delta\":{\"content\":\"\",\"refusal\":\"%s\",\"x\":%s}}]}",
                "{\"choices\":[{\"delta\":{\"content\":\"%1$s\"}}],\"whole\":\"%1$s\",\"x\":%2$s}",
                "{\"choices\":[{\"delta\":{\"content\":\"%s\"}}],\"x\":%s,\"usage\":{\"completion_tokens\":%s,\"total_tokens\":%3$s,"
                        + "\"completion_tokens_details\":{\"reasoning_tokens\":%4$s}}}",
                "{\"usage\":{\"completion_tokens\":%3$s,\"completion_tokens\":%4$s},\"choices\":[{\"text\":\"%1$s\"}],\"x\":%2$s}",
                "{\"usage\":{\"completion_tokens\":%3$s},\"choices\":[{\"text\":\"%1$s\"}],\"usage\":{\"completion_tokens\":%4$s},\"x\":%2$s}");
        var counts = List.of("1", "2", "37", "007", "-1", "1.5", "1e3", "null", "\"5\"", "999999999", "9999999999", "0");
        for (int i = 0; i < 20_000; i++) {
            var text = new StringBuilder();
            for (int j = random.nextInt(4); j >= 0; j--) {
                text.append(pieces.get(random.nextInt(pieces.size())));
            }
            var template = templates.get(i / 20 % templates.size());
            assertMeansTheSame(null, template.formatted(text, random.nextInt(10) == 0 ? "\"stop\"" : "null",
                    counts.get(random.nextInt(counts.size())), counts.get(random.nextInt(i % 40 < 30 ? 3 : counts.size()))));
        }
    }

    @Test
    void anEventThatIsCutIsAnErrorAlsoBehindOneThatIsNot() {
        var data = CHAT.formatted("a", "null");
        for (int length = 1; length < data.length(); length++) {
            assertMeansTheSame(null, data);
            assertMeansTheSame(null, data.substring(0, length));
        }
    }
}
