//JAVA 25+
//DEPS org.apache.commons:commons-statistics-ranking:1.2
//SOURCES Difference.java
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
 */
public final class ChangePoints {

    /** At most one series in a hundred without a change gets a mark. */
    private static final double LEVEL = 0.01;
    private static final int ORDERS = 1999;
    private static final double RESEMBLE = 1.28; // one-sided, a tenth of the series without correlation

    /** The fewest values for which the test can be significant: five before and five after, in 2 of 252 orders. */
    static final int FEWEST = 10;

    private ChangePoints() { }

    /**
     * A change of the level.
     *
     * @param at     index of the first value after it
     * @param ratio  of the level after it to the level before, if the values are logarithms
     * @param lower  of the 95 % interval of the ratio, from the variation of the runs (Welch)
     */
    public record Change(int at, double ratio, double lower, double upper) { }

    /** Returns the changes of a series of logarithms, in their order. */
    public static List<Change> of(double[] series) {
        var cuts = new TreeSet<Integer>();
        find(series, 0, series.length, cuts, new SplittableRandom(1));
        var ends = placedAgain(series, cuts);
        var changes = new ArrayList<Change>();
        var from = 0;
        for (int i = 0; i + 1 < ends.size(); i++) {
            var difference = Difference.ofMeans(Arrays.copyOfRange(series, ends.get(i), ends.get(i + 1)),
                    Arrays.copyOfRange(series, from, ends.get(i)), Unit.RUNS,
                    Math.min(ends.get(i) - from, ends.get(i + 1) - ends.get(i)), 0);
            changes.add(new Change(ends.get(i), difference.ratio(), Objects.requireNonNullElse(difference.lower95(), Double.NaN),
                    Objects.requireNonNullElse(difference.upper95(), Double.NaN)));
            from = ends.get(i);
        }
        return changes;
    }

    /**
     * Whether values resemble the one before them more than chance allows, after the levels between the changes are subtracted; the
     * test for a change does not keep its level then.
     */
    public static boolean runsResemble(double[] series, List<Change> changes) {
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
        var products = 0.0;
        var squares = 0.0;
        for (int i = 0; i < rest.length; i++) {
            products += i == 0 ? 0 : rest[i] * rest[i - 1];
            squares += rest[i] * rest[i];
        }
        var bias = (changes.size() + 1.0) / rest.length; // of the correlation of values whose own mean is subtracted
        return squares > 0 && products / squares + bias > RESEMBLE / Math.sqrt(rest.length);
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
