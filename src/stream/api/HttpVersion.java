//JAVA 25+

package stream.api;

import java.util.Arrays;
import java.util.stream.Collectors;

/** A version of HTTP that the user may ask for. */
public enum HttpVersion {
    HTTP_1_1("1.1"), HTTP_2("2");

    private final String word;

    HttpVersion(String word) {
        this.word = word;
    }

    String word() {
        return word;
    }

    /** Returns null if there is no such version. */
    static HttpVersion of(String word) {
        return Arrays.stream(values()).filter(version -> version.word.equals(word)).findFirst().orElse(null);
    }

    static String words() {
        return Arrays.stream(values()).map(HttpVersion::word).collect(Collectors.joining(", "));
    }
}
