//JAVA 25+
//SOURCES AnswerMetrics.java
//SOURCES Metrics.java

package stream.metric;

import java.util.Arrays;

/** The times of the tokens of one answer, one after the other. */
public final class TokenTimes {

    private final double[] gapsMillis; // null if they are not needed
    private int count;
    private long firstMicros;
    private long secondMicros;
    private long lastMicros;

    public TokenTimes(int most, boolean keepsGaps) {
        gapsMillis = keepsGaps ? new double[most] : null;
    }

    /** Adds one; returns the microseconds since the one before, {@link AnswerMetrics#NONE} for the first. */
    public long add(long elapsedMicros) {
        var gap = count == 0 ? AnswerMetrics.NONE : elapsedMicros - lastMicros;
        if (count == 0) {
            firstMicros = elapsedMicros;
        } else if (gapsMillis != null && count <= gapsMillis.length) {
            gapsMillis[count - 1] = gap / 1e3;
        }
        count++;
        secondMicros = count == 2 ? elapsedMicros : secondMicros;
        lastMicros = elapsedMicros;
        return gap;
    }

    public int count() {
        return count;
    }

    long firstMicros() {
        return firstMicros;
    }

    long lastMicros() {
        return lastMicros;
    }

    /** Returns the time from the first token to the second; NaN if there are fewer than two. */
    double secondGapMillis() {
        return count < 2 ? Double.NaN : (secondMicros - firstMicros) / 1e3;
    }

    /** Returns NaN where there is no gap. */
    double medianGapMillis() {
        var gaps = Math.min(count - 1, gapsMillis.length);
        return gaps < 1 ? Double.NaN : Metrics.quantile(Arrays.copyOf(gapsMillis, gaps), 0.5);
    }
}
