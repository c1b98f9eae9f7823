//JAVA 25+
//DEPS org.apache.commons:commons-statistics-ranking:1.2
//SOURCES Difference.java
//SOURCES Estimate.java
//SOURCES Interval.java
//SOURCES Sample.java
//SOURCES Scope.java
//SOURCES Unit.java

package stream.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

import org.apache.commons.statistics.ranking.NaturalRanking;

/**
 * Where a series of runs changes its level. The test is Pettitt's (A. N. Pettitt, A non-parametric approach to the change-point
 * problem, Applied Statistics 28, 1979): the largest of the rank sums before and after each place; its p value is that of random
 * orders of the same values, so that no distribution is assumed. A part in which a change is found is cut there, and both sides are
 * tested. Then each place is estimated again between its neighbours, since another change draws the first estimate towards itself
 * (Bai 1997, Estimating Multiple Breaks One at a Time).
 *
 * <p>A rank test cannot see a change of the last runs, since too many orders end with the same ones. So the last one, two and three
 * are compared with those before by Student's prediction interval, which only a large change leaves.
 */
public final class ChangePoints {

    /** At most one series in a hundred without a change gets a mark. */
    private static final double LEVEL = 0.01;
    private static final int ORDERS = 1999;

    /** How many runs at the end may be a change of their own. */
    static final int MOST_AT_THE_END = 3;
    // at each of the last places; a twentieth of series with heavy tails passes one
    private static final double LEVEL_AT_THE_END = 0.001;
    /** The fewest values for which the test can be significant: five before and five after, in 2 of 252 orders. */
    static final int FEWEST = 10;

    private ChangePoints() { }

    /**
     * A change of the level.
     *
     * @param at     index of the first value after it
     * @param ratio  of the level after it to the level before, if the values are logarithms
     * @param lower  of the 95 % interval of the ratio, from the variation of the runs (Welch; at the end of the series that before
     *               it)
     */
    public record Change(int at, double ratio, double lower, double upper) { }

    /** Returns the changes of a series of logarithms, in their order. */
    public static List<Change> of(double[] series) {
        var cuts = new TreeSet<Integer>();
        find(series, 0, series.length, cuts, new SplittableRandom(1));
        var ends = placedAgain(series, cuts);
        var last = ends.size() == 1 ? 0 : ends.get(ends.size() - 2);
        var changes = new ArrayList<Change>();
        var from = 0;
        for (int i = 0; i + 1 < ends.size(); i++) {
            var difference = Difference.ofMeans(Arrays.copyOfRange(series, ends.get(i), ends.get(i + 1)),
                    Arrays.copyOfRange(series, from, ends.get(i)), new Sample(Unit.RUNS,
                    Math.min(ends.get(i) - from, ends.get(i + 1) - ends.get(i)), 0, false, new Scope(0, 0)));
            var interval = Objects.requireNonNullElse(difference.interval95(), new Interval(Double.NaN, Double.NaN));
            changes.add(new Change(ends.get(i), difference.ratio(), interval.lower(), interval.upper()));
            from = ends.get(i);
        }
        var atTheEnd = atTheEnd(series, last);
        if (atTheEnd != null) {
            changes.add(atTheEnd);
        }
        return changes;
    }

    /** Returns the cuts, each at its place between its neighbours, and the end of the series. */
    private static List<Integer> placedAgain(double[] series, Set<Integer> cuts) {
        var ends = new ArrayList<>(cuts);
        ends.add(series.length);
        for (int i = 0; i + 1 < ends.size(); i++) {
            var from = i == 0 ? 0 : ends.get(i - 1);
            var between = Arrays.copyOfRange(series, from, ends.get(i + 1));
            ends.set(i, from + place(ranks(between), between));
        }
        return ends;
    }

    /** Returns a change of the last runs, compared with those before it from this place on; null if there is none. */
    private static Change atTheEnd(double[] series, int from) {
        Change found = null;
        var least = LEVEL_AT_THE_END;
        for (int count = 1; count <= MOST_AT_THE_END && series.length - count - from >= FEWEST - MOST_AT_THE_END; count++) {
            var at = series.length - count;
            var before = Arrays.copyOfRange(series, from, at);
            var mean = Arrays.stream(before).average().orElseThrow();
            var squares = Arrays.stream(before).map(value -> (value - mean) * (value - mean)).sum();
            var estimate = new Estimate(Arrays.stream(series, at, series.length).average().orElseThrow() - mean,
                    squares / (before.length - 1) * (1.0 / count + 1.0 / before.length), before.length - 1);
            if (series.length >= FEWEST && estimate.pValue() <= least) {
                least = estimate.pValue();
                var interval = estimate.interval(0.95);
                found = new Change(at, Math.exp(estimate.mean()), interval.lower(), interval.upper());
            }
        }
        return found;
    }

    private static double[] ranks(double[] values) {
        return new NaturalRanking().apply(values);
    }

    private static void find(double[] series, int from, int to, Set<Integer> cuts, SplittableRandom random) {
        if (to - from < FEWEST) {
            return;
        }
        var ranks = ranks(Arrays.copyOfRange(series, from, to));
        var size = largest(ranks);
        var asLarge = 1;
        var shuffled = ranks.clone();
        for (int order = 0; order < ORDERS; order++) {
            shuffle(shuffled, random);
            asLarge += largest(shuffled) >= size ? 1 : 0;
        }
        if (asLarge <= LEVEL * (ORDERS + 1)) {
            var cut = from + place(ranks, Arrays.copyOfRange(series, from, to));
            cuts.add(cut);
            find(series, from, cut, cuts, random);
            find(series, cut, to, cuts, random);
        }
    }

    /** Returns the place with the largest statistic; of several that with the largest difference of the means. */
    private static int place(double[] ranks, double[] values) {
        var size = largest(ranks);
        var place = 0;
        var most = -1.0;
        var sum = 0.0;
        for (int at = 1; at < ranks.length; at++) {
            sum += ranks[at - 1];
            var difference = Math.abs(Arrays.stream(values, 0, at).average()
                    .orElseThrow() - Arrays.stream(values, at, values.length).average()
                    .orElseThrow());
            if (Math.abs(2 * sum - at * (ranks.length + 1)) == size && difference > most) {
                most = difference;
                place = at;
            }
        }
        return place;
    }

    /** Returns Pettitt's statistic. */
    private static double largest(double[] ranks) {
        var sum = 0.0;
        var largest = 0.0;
        for (int at = 1; at < ranks.length; at++) {
            sum += ranks[at - 1];
            largest = Math.max(largest, Math.abs(2 * sum - at * (ranks.length + 1)));
        }
        return largest;
    }

    private static void shuffle(double[] values, SplittableRandom random) {
        for (int i = values.length - 1; i > 0; i--) {
            var other = random.nextInt(i + 1);
            var value = values[i];
            values[i] = values[other];
            values[other] = value;
        }
    }
}
