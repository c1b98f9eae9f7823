//JAVA 25+
//DEPS org.apache.commons:commons-statistics-descriptive:1.2
//DEPS org.apache.commons:commons-statistics-inference:1.2
//DEPS org.apache.commons:commons-statistics-ranking:1.2
//SOURCES Console.java
//SOURCES Metrics.java

// Statistics: the ratio between two groups, its interval, and the verdict that follows from it.
//
// The unit is the prompt: a model has its own strengths, so repetitions of one prompt tell little about others. The interval is
// Student's over the means of the prompts. Its variance is made larger where requests close in time are alike. Bench.java
// verdicts simulates how often a verdict is false, beside Wilcoxon's test; docs/comparing.md quotes it.

package stream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;
import org.apache.commons.statistics.inference.OneWayAnova;
import org.apache.commons.statistics.ranking.NaturalRanking;

/** What two groups tell about the difference between them. */
enum Verdict {
    /** The test is significant, and the ratio below 1. */
    FASTER,
    /** The test is significant, and the ratio above 1. */
    SLOWER,
    /** Both one-sided tests place the ratio within the margin: a difference, if there is one, is too small to matter. */
    SAME,
    /** The sample allows no conclusion. */
    UNCLEAR,
    /** No sample of this size would allow a conclusion. */
    TOO_FEW;

    /** Returns it as people read it. */
    String phrase() {
        return this == SAME ? "the same" : word().replace('_', ' ');
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

/** What is independent in a comparison, and therefore counted. */
enum Unit {
    /** Prompts: the verdict holds for prompts like these. */
    PROMPTS("prompt"),
    /** Repetitions of few prompts: the verdict holds for these prompts only. */
    REPETITIONS("repetition"),
    /** Runs: the verdict holds for runs at other times, too. */
    RUNS("run");

    private final String noun;

    Unit(String noun) {
        this.noun = noun;
    }

    String word() {
        return noun + "s";
    }

    /** Returns a number of them in words. */
    String count(long number) {
        return Count.of(number, noun);
    }

    /** Throws IllegalArgumentException if there is no such unit. */
    static Unit of(String word) {
        return Arrays.stream(values()).filter(unit -> unit.word().equals(word)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown unit '" + word + "'"));
    }
}

/**
 * Two answers to the same question.
 *
 * @param time     when they were asked, in any unit; only the order counts
 * @param value    at least 0
 * @param baseline at least 0
 */
record Pair(String prompt, double time, double value, double baseline) {
    double logRatio() {
        return Math.log(value / baseline);
    }
}

/**
 * The standard deviations of the logarithm of a ratio.
 *
 * @param between between prompts, without what repetitions explain; 0 if there is none
 * @param within  between the repetitions of a prompt
 */
record Spread(double between, double within) { }

/**
 * How a group differs from a baseline.
 *
 * @param unit     what is counted
 * @param units    how many: prompts, or runs of the smaller side
 * @param size     pairs of answers, or answers of the smaller side
 * @param ratio    geometric mean of the ratios; null if a group is empty or has times of 0
 * @param lower95  lower end of its 95 % interval; null if there are too few for one
 * @param upper95  upper end
 * @param lower90  lower end of its 90 % interval, which two one-sided tests of 5 % each use
 * @param upper90  upper end
 * @param pValue   two-sided, corrected if it is one of several; null as above
 * @param drifting whether requests close in time were more alike than others
 * @param spread   null if there are no pairs
 */
record Difference(Unit unit, int units, int size, Double ratio, Double lower95, Double upper95, Double lower90, Double upper90,
                  Double pValue, boolean drifting, Spread spread) {

    /** With fewer prompts a verdict is about these prompts only. */
    static final int FEWEST_PROMPTS = 6;

    private static final int FEWEST_DEGREES = 5;
    private static final double LEAST_POSITIVE = 0.9; // a time of 0 has no ratio: events that came together
    private static final double SIGNIFICANT = 0.05;
    private static final double DRIFT_SIGNIFICANT = 0.1;
    private static final double OVERWHELMING = 0.0005;
    private static final double POWER_QUANTILE = 0.84; // of the normal distribution, for four chances in five
    private static final long MOST_THAT_HELP = 1_000_000;

    /** A mean of logarithms with its variance, and the degrees of freedom of that. */
    private record Estimate(double mean, double variance, double degrees) {

        double end(double level) {
            return Math.exp(variance == 0 ? mean : mean + TDistribution.of(degrees).inverseCumulativeProbability(level)
                    * Math.sqrt(variance));
        }

        double pValue() {
            return variance == 0 ? mean == 0 ? 1 : 0
                    : Math.min(1, 2 * TDistribution.of(degrees).survivalProbability(Math.abs(mean) / Math.sqrt(variance)));
        }
    }

    private static Difference unknown(Unit unit, int units, int size, Double ratio, Spread spread) {
        return new Difference(unit, units, size, ratio, null, null, null, null, null, false, spread);
    }

    private static Difference of(Estimate estimate, Unit unit, int units, int size, boolean drifting, Spread spread) {
        return new Difference(unit, units, size, Math.exp(estimate.mean()), estimate.end(0.025), estimate.end(0.975),
                estimate.end(0.05), estimate.end(0.95), estimate.pValue(), drifting, spread);
    }

    /** Compares answers to the same questions; a few pairs with a time of 0 are left out, with many there is no ratio. */
    static Difference ofPairs(Collection<Pair> pairs) {
        var inTime = pairs.stream().filter(pair -> pair.value() > 0 && pair.baseline() > 0)
                .sorted(Comparator.comparingDouble(Pair::time)).toList();
        var byPrompt = new LinkedHashMap<String, List<Pair>>();
        inTime.forEach(pair -> byPrompt.computeIfAbsent(pair.prompt(), absent -> new ArrayList<>()).add(pair));
        var prompts = byPrompt.size();
        var unit = prompts < FEWEST_PROMPTS ? Unit.REPETITIONS : Unit.PROMPTS;
        if (inTime.size() < LEAST_POSITIVE * pairs.size() || prompts == 0) {
            return unknown(unit, prompts, inTime.size(), null, null);
        }
        var means = new LinkedHashMap<String, Double>();
        byPrompt.forEach((prompt, own) -> means.put(prompt, own.stream().mapToDouble(Pair::logRatio).average().orElseThrow()));
        var mean = mean(means.values().stream().mapToDouble(each -> each).toArray());
        var betweenVariance = prompts < 2 ? 0 : variance(means.values().stream().mapToDouble(each -> each).toArray());
        var degreesWithin = inTime.size() - prompts;
        var weighted = new double[inTime.size()]; // what each pair adds to the mean, beyond what its prompt does
        var sumWithin = 0.0;
        for (int i = 0; i < weighted.length; i++) {
            var own = byPrompt.get(inTime.get(i).prompt()).size();
            var residual = inTime.get(i).logRatio() - (degreesWithin == 0 ? mean : means.get(inTime.get(i).prompt()));
            sumWithin += residual * residual;
            weighted[i] = residual / prompts / own * Math.sqrt(degreesWithin == 0 ? weighted.length / (weighted.length - 1.0)
                    : own > 1 ? own / (own - 1.0) : 1);
        }
        var withinVariance = degreesWithin == 0 ? 0 : sumWithin / degreesWithin;
        var meanSize = byPrompt.values().stream().mapToDouble(own -> 1.0 / own.size()).average().orElseThrow();
        var spread = new Spread(Math.sqrt(Math.max(0, betweenVariance - withinVariance * meanSize)),
                Math.sqrt(degreesWithin == 0 ? betweenVariance : withinVariance));
        if (unit == Unit.REPETITIONS && degreesWithin < FEWEST_DEGREES) {
            return unknown(unit, prompts, inTime.size(), Math.exp(mean), spread);
        }
        var time = TimeDependence.of(weighted);
        var estimate = unit == Unit.PROMPTS ? new Estimate(mean, betweenVariance / prompts, prompts - 1)
                : new Estimate(mean, time.variance(), degreesWithin);
        return of(enlarged(estimate, time), unit, prompts, inTime.size(), time.pValue() < DRIFT_SIGNIFICANT, spread);
    }

    /** Adds to the variance what requests close in time have in common (degrees of freedom after Satterthwaite 1946). */
    private static Estimate enlarged(Estimate estimate, TimeDependence time) {
        var variance = estimate.variance() + time.excess();
        return time.excess() == 0 ? estimate : new Estimate(estimate.mean(), variance, variance * variance
                / (estimate.variance() * estimate.variance() / estimate.degrees() + time.excess() * time.excess() / TimeDependence.WAVES));
    }

    /**
     * Compares groups without counterparts, by the means of the logarithms of their units (Welch 1947).
     *
     * @param values   one for each prompt, run or answer of the group
     * @param baseline the same of the baseline
     * @param units    prompts or runs of the smaller side
     * @param size     answers of the smaller side
     */
    static Difference ofMeans(double[] values, double[] baseline, Unit unit, int units, int size) {
        var fewest = Math.min(values.length, baseline.length);
        if (fewest == 0) {
            return unknown(unit, 0, 0, null, null);
        }
        var mean = mean(values) - mean(baseline);
        if (fewest < 2 || Double.isInfinite(mean) || Double.isNaN(mean)) {
            return unknown(unit, units, size, Double.isNaN(mean) || Double.isInfinite(mean) ? null : Math.exp(mean), null);
        }
        var one = variance(values) / values.length;
        var other = variance(baseline) / baseline.length;
        var variance = one + other;
        var degrees = variance == 0 ? 1 : variance * variance / (one * one / (values.length - 1) + other * other / (baseline.length - 1));
        return of(new Estimate(mean, variance, degrees), unit, units, size, false, null);
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    private static double variance(double[] values) {
        var mean = mean(values);
        return Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum() / (values.length - 1);
    }

    /** Returns how many comparisons there are: with a baseline that the data choose, those of all groups with each other. */
    static int family(int groups, boolean baselineIsChosen) {
        return baselineIsChosen ? groups * (groups - 1) / 2 : groups - 1;
    }

    /**
     * Corrects the p values of differences that are reported together, so that the chance of any false one among
     * them stays at 5 % (Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure).
     *
     * @param family how many comparisons there are, at least as many as differences
     */
    static List<Difference> corrected(List<Difference> together, int family) {
        var tested = together.stream().filter(difference -> difference.pValue != null)
                .sorted(Comparator.comparing(Difference::pValue)).toList();
        var corrected = new ArrayList<>(together);
        var least = 0.0;
        for (int i = 0; i < tested.size(); i++) {
            var each = tested.get(i);
            least = Math.max(least, Math.min(1, each.pValue * (Math.max(family, tested.size()) - i)));
            for (int j = 0; j < corrected.size(); j++) {
                if (together.get(j) == each) {
                    corrected.set(j, each.withPValue(least));
                }
            }
        }
        return corrected;
    }

    private Difference withPValue(double corrected) {
        return new Difference(unit, units, size, ratio, lower95, upper95, lower90, upper90, corrected, drifting, spread);
    }

    /** Whether answers to the same questions were compared. */
    boolean isPaired() {
        return spread != null;
    }

    /** Whether it is more than chance. */
    boolean isSignificant() {
        return pValue != null && pValue <= SIGNIFICANT;
    }

    /** Whether load that lasts for long may have made the difference: one that is overwhelming cannot come from that alone. */
    boolean mayBeLoad() {
        return drifting && isSignificant() && pValue > OVERWHELMING;
    }

    /** Whether it holds for the prompts of the comparison only. */
    boolean isForThesePromptsOnly() {
        return unit == Unit.REPETITIONS;
    }

    /**
     * Returns the conclusion.
     *
     * @param margin share that counts as the same, such as 0.05; at least 0
     */
    Verdict verdict(double margin) {
        if (lower95 == null) {
            return Verdict.TOO_FEW;
        }
        if (lower90 > 1 / (1 + margin) && upper90 < 1 + margin) {
            return Verdict.SAME;
        }
        return !isSignificant() ? Verdict.UNCLEAR : ratio < 1 ? Verdict.FASTER : Verdict.SLOWER;
    }

    /** How many more prompts or repetitions would be enough. */
    record More(Unit unit, long number) { }

    /**
     * Returns how many more prompts, or repetitions of each, are needed if the true ratio is the observed one: enough for four
     * chances in five of either a significant difference or equivalence, whichever takes fewer requests. Null where more would
     * not help, or nothing is known of the spread.
     */
    More more(double margin) {
        if (spread == null || ratio == null || lower95 == null) {
            return null;
        }
        var effect = Math.abs(Math.log(ratio));
        var room = Math.log1p(margin) - effect;
        var error = Math.max(effect / (1.96 + POWER_QUANTILE), room / (1.645 + 1.282));
        var repetitions = (double) size / units;
        var between = isForThesePromptsOnly() ? 0 : spread.between() * spread.between();
        var within = spread.within() * spread.within();
        var prompts = (between + within / repetitions) / (error * error);
        var left = units * error * error - between;
        var moreRepetitions = left > 0 ? Math.max(1, within / left - repetitions) : Double.POSITIVE_INFINITY;
        var morePrompts = isForThesePromptsOnly() ? Double.POSITIVE_INFINITY : Math.max(1, prompts - units);
        var isPrompts = morePrompts * repetitions < 0.99 * moreRepetitions * units; // else it is easier to repeat
        var number = isPrompts ? morePrompts : moreRepetitions;
        return number * (isPrompts ? repetitions : units) < MOST_THAT_HELP
                ? new More(isPrompts ? Unit.PROMPTS : Unit.REPETITIONS, roundedUp(number)) : null;
    }

    /** An estimate has no more than two significant digits. */
    private static long roundedUp(double count) {
        var unit = count < 20 ? 1 : Math.pow(10, Math.floor(Math.log10(count)) - 1);
        return (long) (Math.ceil(count / unit) * unit);
    }

    /** Returns the size of the sample in words. */
    String count() {
        return switch (unit) {
            case RUNS -> Unit.RUNS.count(units) + " of each";
            case PROMPTS -> Unit.PROMPTS.count(units) + (size == units ? "" : " and " + Count.of(size, isPaired() ? "pair" : "answer"));
            case REPETITIONS -> Count.of(size, isPaired() ? "pair" : "answer") + " of " + Unit.PROMPTS.count(units);
        };
    }

    /** Whether its phrase is all that is to be said of the verdict. */
    boolean verdictIsPlain(double margin) {
        var verdict = verdict(margin);
        return verdict == Verdict.FASTER || verdict == Verdict.SLOWER || verdict == Verdict.SAME;
    }

    /** Returns the verdict in words. */
    String verdictWords(double margin) {
        var scope = isForThesePromptsOnly() ? " (for " + (units == 1 ? "this prompt" : "these " + units + " prompts") + " only)" : "";
        return switch (verdict(margin)) {
            case FASTER -> "faster" + scope;
            case SLOWER -> "slower" + scope;
            case SAME -> "the same median within " + percent(margin) + scope;
            case TOO_FEW -> ratio == null ? "not comparable" : count() + ", too few: " + needed();
            case UNCLEAR -> {
                var more = more(margin);
                yield "not distinguishable with " + count() + (more == null ? "" : "; about "
                        + String.format(Locale.ROOT, "%,d", more.number()) + " more " + more.unit().word() + " would be enough");
            }
        };
    }

    /** Says what an interval needs. Student's test has no least p value, so no family of comparisons needs more. */
    private String needed() {
        return unit == Unit.RUNS ? "2 runs of each are needed"
                : !isPaired() || unit == Unit.PROMPTS ? FEWEST_PROMPTS + " prompts are needed"
                : FEWEST_PROMPTS + " prompts or " + (FEWEST_DEGREES / units + (FEWEST_DEGREES % units > 0 ? 1 : 0) + 1) + " repetitions are needed";
    }

    static String percent(double share) {
        var percent = share * 100;
        return (percent == Math.rint(percent) ? String.valueOf((long) percent) : String.format(Locale.ROOT, "%.1f", percent))
                + " %";
    }

    /**
     * Reads a margin such as {@code 5%} or {@code 0.05}; throws UserError otherwise.
     *
     * @param where the option or the column that it is from
     */
    static double margin(String where, String text) {
        try {
            var percent = text.endsWith("%");
            var value = Double.parseDouble(percent ? text.substring(0, text.length() - 1) : text) / (percent ? 100 : 1);
            if (value > 0 && value < 1) {
                return value;
            }
        } catch (NumberFormatException e) {
            // reported below
        }
        throw new UserError(where + " '" + text + "'; must be a share such as 5%, above 0 and below 100%");
    }
}

/**
 * How much the sum of a series in the order of time varies beyond what independent values would. The series is compared with
 * slow cosine waves: the values of a series without dependence go with them as with any other (Lazarus, Lewis, Stock and Watson
 * 2018, HAR Inference: Recommendations for Practice, the equal-weighted cosine estimator).
 *
 * @param variance of the sum, if the values are independent
 * @param excess   what the dependence adds; 0 if there is none
 * @param pValue   of independence
 */
record TimeDependence(double variance, double excess, double pValue) {

    /** More of them would see faster changes only, fewer would give an uncertain estimate. */
    static final int WAVES = 8;

    /**
     * The estimate is too small where the dependence lasts about as long as the shortest wave; chosen by simulation, so that load
     * that is correlated by 0.8 from request to request leaves a false verdict in 20 comparisons.
     */
    private static final double ALLOWANCE = 1.3;

    private static final int FEWEST_VALUES = 16;

    static TimeDependence of(double[] series) {
        var variance = Arrays.stream(series).map(value -> value * value).sum();
        if (series.length < FEWEST_VALUES || variance == 0) {
            return new TimeDependence(variance, 0, 1);
        }
        var slow = 0.0;
        for (int wave = 1; wave <= WAVES; wave++) {
            var along = 0.0;
            for (int i = 0; i < series.length; i++) {
                along += series[i] * Math.cos(Math.PI * wave * (i + 0.5) / series.length);
            }
            slow += 2 * along * along;
        }
        return new TimeDependence(variance, ALLOWANCE * Math.max(0, slow / WAVES - variance),
                ChiSquaredDistribution.of(WAVES).survivalProbability(slow / variance));
    }
}

/** Whether machines that ask the same differ. */
final class Machines {

    private static final double LEVEL = 0.01;

    private Machines() { }

    /** Whether the means of these samples, one of each machine, differ by more than chance (analysis of variance, level of 1 %). */
    static boolean differ(List<double[]> samples) {
        return OneWayAnova.withDefaults().test(samples).getPValue() <= LEVEL;
    }
}

/**
 * Where a series of runs changes its level. The test is Pettitt's (A. N. Pettitt, A non-parametric approach to the change-point problem,
 * Applied Statistics 28, 1979): the largest of the rank sums before and after each place; its p value is that of random orders of the
 * same values, so that no distribution is assumed. A part in which a change is found is cut there, and both sides are tested. Then
 * each place is estimated again between its neighbours, since another change draws the first estimate towards itself (Bai 1997,
 * Estimating Multiple Breaks One at a Time).
 */
final class ChangePoints {

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
    record Change(int at, double ratio, double lower, double upper) { }

    /** Returns the changes of a series of logarithms, in their order. */
    static List<Change> of(double[] series) {
        var cuts = new TreeSet<Integer>();
        find(series, 0, series.length, cuts, new SplittableRandom(1));
        var ends = placedAgain(series, cuts);
        var changes = new ArrayList<Change>();
        var from = 0;
        for (int i = 0; i + 1 < ends.size(); i++) {
            var difference = Difference.ofMeans(Arrays.copyOfRange(series, ends.get(i), ends.get(i + 1)),
                    Arrays.copyOfRange(series, from, ends.get(i)), Unit.RUNS, Math.min(ends.get(i) - from, ends.get(i + 1) - ends.get(i)), 0);
            changes.add(new Change(ends.get(i), difference.ratio(), Objects.requireNonNullElse(difference.lower95(), Double.NaN),
                    Objects.requireNonNullElse(difference.upper95(), Double.NaN)));
            from = ends.get(i);
        }
        return changes;
    }

    /**
     * Whether values resemble the one before them more than chance allows, after the levels between the changes are subtracted; the test
     * for a change does not keep its level then.
     */
    static boolean runsResemble(double[] series, List<Change> changes) {
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
            var difference = Math.abs(Arrays.stream(values, 0, at).average().orElseThrow() - Arrays.stream(values, at, values.length).average()
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

/** Whether values change with time. */
final class Trend {

    private static final double SIGNIFICANT = 0.01; // each group is asked, and a caveat that is always there is not read

    private Trend() { }

    /** Whether values in the order of time have a trend, by the slope of a line through them (Student's test). */
    static boolean isSignificant(double[] inTime) {
        var size = inTime.length;
        var middle = (size - 1) / 2.0;
        var mean = Arrays.stream(inTime).average().orElse(0);
        var products = 0.0;
        var squares = 0.0;
        var total = 0.0;
        for (int i = 0; i < size; i++) {
            products += (i - middle) * (inTime[i] - mean);
            squares += (i - middle) * (i - middle);
            total += (inTime[i] - mean) * (inTime[i] - mean);
        }
        if (size < 3 || total == 0) {
            return false;
        }
        var rest = total - products * products / squares;
        return rest <= 0 || 2 * TDistribution.of(size - 2).survivalProbability(
                Math.abs(products) / Math.sqrt(squares * rest / (size - 2))) < SIGNIFICANT;
    }
}

/**
 * A value and the prompt that it belongs to.
 *
 * @param value infinite for an answer that never came
 */
record PromptValue(String prompt, double value) { }

/**
 * Draws prompts again and again with all their answers, to see how much a quantile varies (Efron and Tibshirani 1993, An
 * Introduction to the Bootstrap, chapter 13). The draws depend on the sizes only, so the same files give the same figures.
 */
final class PromptBootstrap {

    private static final int DRAWS = 1_000;
    private static final int DRAWS_OF_MANY = 200;
    private static final int MANY = 20_000;

    private final int prompts;
    private final double[] figures; // ascending

    /**
     * @param size   of the smaller group
     * @param values of all groups
     * @param figure of a number of draws for each prompt
     */
    PromptBootstrap(int prompts, int size, int values, ToDoubleFunction<int[]> figure) {
        this.prompts = prompts;
        this.figures = new double[values > MANY ? DRAWS_OF_MANY : DRAWS];
        var random = new SplittableRandom(size);
        for (int draw = 0; draw < figures.length; draw++) {
            var counts = new int[prompts];
            for (int i = 0; i < prompts; i++) {
                counts[random.nextInt(prompts)]++;
            }
            figures[draw] = figure.applyAsDouble(counts);
        }
        Arrays.sort(figures);
    }

    /** Returns how often each prompt counts in what was measured. */
    static int[] once(int prompts) {
        var all = new int[prompts];
        Arrays.fill(all, 1);
        return all;
    }

    /** Whether there are enough for an interval; of fewer, the simulations of StatisticsTest find it too narrow. */
    static boolean isEnough(int prompts, int size, double fraction) {
        return prompts >= Difference.FEWEST_PROMPTS && size >= (fraction > 0.95 ? 160 : fraction > 0.5 ? 60 : 6);
    }

    /**
     * Returns an end of an interval. A bootstrap of few prompts is too narrow, so the level is moved out as far as Student's
     * distribution is wider than the normal one (Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 5.3).
     *
     * @param level 0.025 for the lower end of the 95 % interval
     */
    double end(double level) {
        var wider = NormalDistribution.of(0, 1).cumulativeProbability(TDistribution.of(prompts - 1).inverseCumulativeProbability(level)
                * Math.sqrt(prompts / (prompts - 1.0)));
        var place = wider * (figures.length - 1);
        return figures[(int) (wider < 0.5 ? Math.floor(place) : Math.ceil(place))];
    }

    /** Returns the two-sided p value of a figure of 1. */
    double pValueOfOne() {
        var below = (1.0 + Arrays.stream(figures).filter(each -> each <= 1).count()) / (figures.length + 1);
        var above = (1.0 + Arrays.stream(figures).filter(each -> each >= 1).count()) / (figures.length + 1);
        return Math.min(1, 2 * Math.min(below, above));
    }

    /** Values in ascending order, and for each the place of its prompt. */
    record Sorted(double[] values, int[] prompts) {

        static Sorted of(List<PromptValue> values, List<String> names) {
            var places = new LinkedHashMap<String, Integer>();
            names.forEach(name -> places.put(name, places.size()));
            var known = values.stream().filter(value -> places.containsKey(value.prompt()))
                    .sorted(Comparator.comparingDouble(PromptValue::value)).toList();
            return new Sorted(known.stream().mapToDouble(PromptValue::value).toArray(),
                    known.stream().mapToInt(value -> places.get(value.prompt())).toArray());
        }

        int size() {
            return values.length;
        }

        /** Returns the quantile if the values of each prompt are taken so many times; of type 1, without interpolation. */
        double quantile(int[] counts, double fraction) {
            var total = 0L;
            for (var prompt : prompts) {
                total += counts[prompt];
            }
            var rank = Math.max(1, (long) Math.ceil(fraction * total));
            var below = 0L;
            for (int i = 0; i < values.length; i++) {
                below += counts[prompts[i]];
                if (below >= rank) {
                    return values[i];
                }
            }
            return values[values.length - 1];
        }
    }
}

/**
 * The 95 % interval of a quantile of a group, over prompts like these: two of its values, chosen by the binomial distribution
 * (David and Nagaraja 2003, Order Statistics, section 7.1) of as many independent values as the answers to repeated prompts are
 * worth (Korn and Graubard 1998, Confidence Intervals for Proportions with Small Expected Number of Positive Counts).
 *
 * @param lower lower end, in the unit of the values
 * @param upper upper end; infinite if the quantile may be of answers that never came
 */
record QuantileInterval(double lower, double upper) {

    private static final double TAIL = 0.025;

    /**
     * Returns null if there are too few values: for p95 below 72 independent ones, for p99 below 368.
     *
     * @param fraction 0 to 1, as 0.95 for p95
     */
    static QuantileInterval of(List<PromptValue> values, double fraction) {
        var sorted = values.stream().sorted(Comparator.comparingDouble(PromptValue::value)).toList();
        var prompts = values.stream().map(PromptValue::prompt).distinct().count();
        if (prompts < Difference.FEWEST_PROMPTS) {
            return null;
        }
        var independent = independent(sorted, prompts, fraction);
        var lower = rank(independent, fraction, 1 - TAIL);
        var upper = rank(independent, fraction, TAIL);
        if (!(lower >= 1 && upper <= independent)) { // not a number if the quantile is the largest value
            return null;
        }
        var each = values.size() / independent;
        return new QuantileInterval(sorted.get((int) Math.floor(lower * each) - 1).value(),
                sorted.get(Math.min(sorted.size(), (int) Math.ceil(upper * each)) - 1).value());
    }

    /** Returns how many independent values these are worth, by how alike the prompts are in what is below the quantile. */
    private static double independent(List<PromptValue> sorted, long prompts, double fraction) {
        var size = sorted.size();
        var rank = Math.max(1, (int) Math.ceil(fraction * size));
        var share = rank / (double) size;
        var excess = new HashMap<String, Double>();
        for (int i = 0; i < size; i++) {
            excess.merge(sorted.get(i).prompt(), (i < rank ? 1 : 0) - share, Double::sum);
        }
        var variance = prompts / (prompts - 1.0) * excess.values().stream().mapToDouble(sum -> sum * sum).sum() / size / size;
        var wider = TDistribution.of(prompts - 1).inverseCumulativeProbability(TAIL)
                / TDistribution.of(size - 1).inverseCumulativeProbability(TAIL);
        return Math.min(size, size * share * (1 - share) / ((size - 1) * variance * wider * wider));
    }

    /** Returns the rank whose value is above the quantile of the population with this probability; between 0 and size + 1. */
    private static double rank(double size, double fraction, double probability) {
        var low = 0.0;
        var high = size + 1;
        while (high - low > 1e-9 * size) {
            var middle = (low + high) / 2;
            if (BetaDistribution.of(middle, size - middle + 1).cumulativeProbability(fraction) > probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }
}

/**
 * The ratio of a quantile of two groups, with its interval over prompts like these.
 *
 * @param ratio   null if a group has too few values for the quantile
 * @param lower   lower end of the 95 % interval; null if there are too few for one
 * @param upper   upper end
 * @param lower90 lower end of the 90 % interval
 * @param upper90 upper end
 * @param pValue  two-sided
 */
record QuantileRatio(Double ratio, Double lower, Double upper, Double lower90, Double upper90, Double pValue) {

    /**
     * Compares the same quantile of two groups; prompts that only one of them has are left out.
     *
     * @param fraction 0 to 1, as 0.95 for p95
     */
    static QuantileRatio of(List<PromptValue> values, List<PromptValue> baseline, double fraction) {
        var ofBaseline = baseline.stream().map(PromptValue::prompt).collect(Collectors.toSet());
        var prompts = values.stream().map(PromptValue::prompt).distinct().filter(ofBaseline::contains).toList();
        var own = PromptBootstrap.Sorted.of(values, prompts);
        var other = PromptBootstrap.Sorted.of(baseline, prompts);
        var size = Math.min(own.size(), other.size());
        if (size < Math.max(1, Metrics.leastValues(fraction))) {
            return new QuantileRatio(null, null, null, null, null, null);
        }
        var once = PromptBootstrap.once(prompts.size());
        var ratio = ratio(own.quantile(once, fraction), other.quantile(once, fraction));
        if (!PromptBootstrap.isEnough(prompts.size(), size, fraction)) {
            return new QuantileRatio(ratio, null, null, null, null, null);
        }
        var draws = new PromptBootstrap(prompts.size(), size, own.size() + other.size(),
                counts -> ratio(own.quantile(counts, fraction), other.quantile(counts, fraction)));
        return new QuantileRatio(ratio, Math.min(ratio, draws.end(0.025)), Math.max(ratio, draws.end(0.975)),
                Math.min(ratio, draws.end(0.05)), Math.max(ratio, draws.end(0.95)), draws.pValueOfOne());
    }

    /** Returns the same as a difference between groups; {@code size} in answers of the smaller one. */
    Difference difference(int prompts, int size) {
        return new Difference(Unit.PROMPTS, prompts, size, ratio, lower, upper, lower90, upper90, pValue, false, null);
    }

    private static double ratio(double value, double baseline) {
        return value == baseline ? 1 : value / baseline;
    }
}
