//JAVA 25+
//SOURCES AnswerMetrics.java
//SOURCES Metrics.java

package stream.metric;

import java.util.Arrays;

/** The times of some events of an answer, one after the other, in whole microseconds. */
public final class EventSeries {

    private int count;
    private long firstMicros = AnswerMetrics.NONE;
    private long lastMicros = AnswerMetrics.NONE;
    private double[] gapsMicros;

    EventSeries() {
        gapsMicros = new double[64];
    }

    /** Begins with what another has. */
    EventSeries(EventSeries other) {
        count = other.count;
        firstMicros = other.firstMicros;
        lastMicros = other.lastMicros;
        gapsMicros = other.gapsMicros.clone();
    }

    void add(long elapsedMicros) {
        if (count == 0) {
            firstMicros = elapsedMicros;
        } else {
            if (count > gapsMicros.length) {
                gapsMicros = Arrays.copyOf(gapsMicros, gapsMicros.length * 2);
            }
            gapsMicros[count - 1] = elapsedMicros - lastMicros;
        }
        count++;
        lastMicros = elapsedMicros;
    }

    int count() {
        return count;
    }

    /** Returns null if there is no event. */
    Long firstMicros() {
        return count == 0 ? null : Long.valueOf(firstMicros);
    }

    /** Returns null if there is no event. */
    Long lastMicros() {
        return count == 0 ? null : Long.valueOf(lastMicros);
    }

    /** Returns null if there are fewer than two events. */
    public Double meanGapMicros() {
        return count < 2 ? null : (double) (lastMicros - firstMicros) / (count - 1);
    }

    /** Returns null if there are too few events for the quantile. */
    public Double gapMicros(double fraction) {
        return Metrics.quantile(count < 2 ? new double[0] : Arrays.copyOf(gapsMicros, count - 1), fraction);
    }

    /** Returns null if there are fewer than two events. */
    public Double longestGapMicros() {
        return count < 2 ? null : Arrays.stream(gapsMicros, 0, count - 1).max().getAsDouble();
    }
}
