//JAVA 25+

package stream.api;

import java.util.Arrays;
import java.util.Locale;

/** The failures that this tool finds by itself; the column error_type has others in the words of the server. */
public enum FailureKind {
    /** There is no address of the server. */
    DNS,
    /** No connection could be opened. */
    CONNECT, TLS,
    /** The connection ended before the response began. */
    CONNECTION, REDIRECT,
    /** The bytes of the response are not valid HTTP. */
    INVALID_HTTP,
    /** A body that this tool does not read, a document instead of a stream, a stream without an event. */
    UNKNOWN_ENCODING, NOT_STREAMED, EMPTY_STREAM,
    /** An event that is not JSON. */
    BAD_EVENT,
    /** Something grew beyond its limit. */
    ENDLESS_EVENT, ENDLESS_ANSWER;

    /** Its name in the column error_type. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether a word of the column error_type is one of these. */
    public static boolean isKnown(String word) {
        return Arrays.stream(values()).anyMatch(kind -> kind.word().equals(word));
    }
}
