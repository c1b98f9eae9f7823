//JAVA 25+

package stream;

import java.util.Locale;

/** Whether a request counts: the column phase. */
enum Phase {
    WARMUP, MEASURED;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
