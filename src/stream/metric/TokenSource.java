//JAVA 25+

package stream.metric;

import java.util.Locale;

/** Who counted the output tokens of an answer: the column token_source. */
public enum TokenSource {
    /** The server. */
    USAGE,
    /** The server, but those of several choices together, of which one is measured. */
    USAGE_OF_ALL_CHOICES,
    /** This tool, one for each event with visible text. */
    EVENTS;

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
