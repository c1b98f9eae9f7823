//JAVA 25+

package stream.metric;

import java.util.Arrays;
import java.util.Locale;

/** How a request ended: the column status. */
public enum RequestStatus {
    /** The answer has its end: a finish reason or the last event. */
    COMPLETED,
    /** The stream ended, or broke, without an end of the answer. */
    TRUNCATED,
    /** The server refused, reported an error, or could not be reached. */
    FAILED,
    /** It took longer than {@code --timeout}. */
    TIMEOUT,
    /** It was silent for longer than {@code --stall-timeout}. */
    STALLED,
    /** The user interrupted it. */
    CANCELLED;

    private final String word = name().toLowerCase(Locale.ROOT);

    public String word() {
        return word;
    }

    /** Returns null if there is no such status. */
    public static RequestStatus of(String word) {
        return Arrays.stream(values()).filter(status -> status.word.equals(word)).findFirst().orElse(null);
    }
}
