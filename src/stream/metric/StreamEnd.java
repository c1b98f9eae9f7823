//JAVA 25+

package stream.metric;

import java.util.Arrays;
import java.util.Locale;

/** How a stream ended, as far as tools differ in what they make of it: the column stream_end. */
public enum StreamEnd {
    /** With its end: a finish reason or the last event. */
    COMPLETE,
    /** Without one; the server closed it in order. */
    CLOSED_EARLY,
    /** With an event that reports an error. */
    ERROR_EVENT,
    /** The request was refused, or the connection broke, or the client ended it. */
    OTHER;

    /** Its name in the column stream_end. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns {@link #OTHER} if there is no such end. */
    public static StreamEnd of(String word) {
        return Arrays.stream(values()).filter(end -> end.word().equals(word)).findFirst().orElse(OTHER);
    }
}
