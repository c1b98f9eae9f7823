//JAVA 25+
//DEPS org.hdrhistogram:HdrHistogram:2.2.2
//SOURCES Metrics.java

package stream.metric;

import org.HdrHistogram.PackedHistogram;

/**
 * Gaps between tokens, however many, in bounded memory: to the microsecond below 32 ms, above that to one part in 32,000. Quantiles
 * interpolate as {@link Metrics#quantile} does.
 */
public final class GapHistogram {

    private static final long LONGEST_MICROS = 24L * 3600 * 1_000_000;

    private final PackedHistogram counts = new PackedHistogram(LONGEST_MICROS, 4);

    public void add(long micros) {
        counts.recordValue(Math.min(micros, LONGEST_MICROS));
    }

    /** Returns null if there are too few of them. */
    public Double quantileMillis(double fraction) {
        var count = counts.getTotalCount();
        if (count < Metrics.leastValues(fraction)) {
            return null;
        }
        var rank = fraction * (count - 1);
        var below = (long) Math.floor(rank);
        var lower = Double.NaN;
        for (var value : counts.recordedValues()) {
            var seen = value.getTotalCountToThisValue();
            var middle = counts.medianEquivalentValue(value.getValueIteratedTo()); // of the values that count as this one
            lower = Double.isNaN(lower) && seen > below ? middle : lower;
            if (seen > Math.min(below + 1, count - 1)) {
                return (lower + (rank - below) * (middle - lower)) / 1e3;
            }
        }
        return null;
    }
}
