//JAVA 25+

package stream.metric;

import java.util.Locale;

/** Whether a request counts: the column phase. */
public enum Phase {
    WARMUP, MEASURED;

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
