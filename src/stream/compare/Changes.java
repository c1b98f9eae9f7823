//JAVA 25+
//SOURCES ChangePoints.java

package stream.compare;

import java.util.Arrays;
import java.util.List;

/**
 * What changed over a series of runs.
 *
 * @param list  the changes of the level, in their order; empty if there are none, or a drift explains them as well
 * @param drift ratio of the last run to the first, if a drift may be what changed; null if there is none
 * @param limit what limits the changes; null if nothing does
 */
public record Changes(List<ChangePoints.Change> list, Double drift, Limit limit) {

    /** What looks like a change of the level, too. */
    public enum Limit {
        /** Each run resembles the one before it. */
        RUNS_RESEMBLE,
        /** A straight line fits about as well as the levels do. */
        DRIFT
    }

    private static final double RESEMBLE = 0.84; // one-sided, a fifth of the series without correlation

    /** By how many times the variance of the runs a line must fit worse than the levels do; chosen by simulation. */
    private static final double CLEARLY_WORSE = 7;

    /** Returns what changed in a series of logarithms. */
    public static Changes of(double[] series) {
        var changes = ChangePoints.of(series);
        if (changes.isEmpty()) {
            return new Changes(changes, null, null);
        }
        var limit = runsResemble(series, changes) ? Limit.RUNS_RESEMBLE : null;
        if (changes.stream().allMatch(change -> change.at() >= series.length - ChangePoints.MOST_AT_THE_END)) {
            return new Changes(changes, null, limit); // no drift is so steep
        }
        var aroundLevels = squares(withoutLevels(series, changes));
        var line = Line.through(series);
        var degrees = Math.max(1, series.length - 1 - 2 * changes.size());
        if (line.squares() > aroundLevels + CLEARLY_WORSE * aroundLevels / degrees) {
            return new Changes(changes, null, limit);
        }
        var drift = Math.exp(line.slope() * (series.length - 1));
        return new Changes(line.squares() <= aroundLevels ? List.of() : changes, drift, limit == null ? Limit.DRIFT : limit);
    }

    public boolean isEmpty() {
        return list.isEmpty();
    }

    /**
     * A straight line by least squares.
     *
     * @param squares what it leaves
     */
    private record Line(double slope, double squares) {

        static Line through(double[] series) {
            var middle = (series.length - 1) / 2.0;
            var mean = Arrays.stream(series).average().orElseThrow();
            var products = 0.0;
            var places = 0.0;
            var total = 0.0;
            for (int i = 0; i < series.length; i++) {
                products += (i - middle) * (series[i] - mean);
                places += (i - middle) * (i - middle);
                total += (series[i] - mean) * (series[i] - mean);
            }
            return new Line(products / places, total - products * products / places);
        }
    }

    private static double squares(double[] values) {
        return Arrays.stream(values).map(value -> value * value).sum();
    }

    /**
     * Whether values resemble the one before them more than chance allows, after the levels between the changes are subtracted; the
     * test for a change does not keep its level then.
     */
    static boolean runsResemble(double[] series, List<ChangePoints.Change> changes) {
        var rest = withoutLevels(series, changes);
        var products = 0.0;
        var squares = 0.0;
        for (int i = 0; i < rest.length; i++) {
            products += i == 0 ? 0 : rest[i] * rest[i - 1];
            squares += rest[i] * rest[i];
        }
        var bias = (changes.size() + 1.0) / rest.length; // of the correlation of values whose own mean is subtracted
        return squares > 0 && products / squares + bias > RESEMBLE / Math.sqrt(rest.length);
    }

    /** Returns the values less the mean of those between the same changes. */
    private static double[] withoutLevels(double[] series, List<ChangePoints.Change> changes) {
        var rest = series.clone();
        var from = 0;
        for (int i = 0; i <= changes.size(); i++) {
            var to = i < changes.size() ? changes.get(i).at() : series.length;
            var mean = Arrays.stream(series, from, to).average().orElse(0);
            for (int at = from; at < to; at++) {
                rest[at] -= mean;
            }
            from = to;
        }
        return rest;
    }
}
