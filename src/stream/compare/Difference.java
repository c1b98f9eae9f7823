//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES ../terminal/Count.java
//SOURCES ../terminal/UserError.java
//SOURCES Pair.java
//SOURCES Spread.java
//SOURCES Unit.java
//SOURCES Verdict.java

package stream.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

import org.apache.commons.statistics.distribution.ChiSquaredDistribution;
import org.apache.commons.statistics.distribution.TDistribution;
import stream.terminal.Count;
import stream.terminal.UserError;

/**
 * How a group differs from a baseline.
 *
 * <p>The unit is the prompt: a model has its own strengths, so repetitions of one prompt tell little about others. The interval is
 * Student's over the means of the prompts. Its variance is made larger where requests close in time are alike. {@code Bench.java
 * verdicts} simulates how often a verdict is false, beside Wilcoxon's test; docs/comparing.md quotes it.
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
public record Difference(Unit unit, int units, int size, Double ratio, Double lower95, Double upper95,
        Double lower90, Double upper90,
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
    public static Difference ofPairs(Collection<Pair> pairs) {
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
                / (estimate.variance() * estimate.variance() / estimate.degrees()
                + time.excess() * time.excess() / TimeDependence.WAVES));
    }

    /**
     * Compares groups without counterparts, by the means of the logarithms of their units (Welch 1947).
     *
     * @param values   one for each prompt, run or answer of the group
     * @param baseline the same of the baseline
     * @param units    prompts or runs of the smaller side
     * @param size     answers of the smaller side
     */
    public static Difference ofMeans(double[] values, double[] baseline, Unit unit, int units, int size) {
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
        var degrees = variance == 0 ? 1
                : variance * variance / (one * one / (values.length - 1) + other * other / (baseline.length - 1));
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
    public static int family(int groups, boolean baselineIsChosen) {
        return baselineIsChosen ? groups * (groups - 1) / 2 : groups - 1;
    }

    /**
     * Corrects the p values of differences that are reported together, so that the chance of any false one among
     * them stays at 5 % (Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure).
     *
     * @param family how many comparisons there are, at least as many as differences
     */
    public static List<Difference> corrected(List<Difference> together, int family) {
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
    public boolean isPaired() {
        return spread != null;
    }

    /** Whether it is more than chance. */
    boolean isSignificant() {
        return pValue != null && pValue <= SIGNIFICANT;
    }

    /** Whether load that lasts for long may have made the difference: one that is overwhelming cannot come from that alone. */
    public boolean mayBeLoad() {
        return drifting && isSignificant() && pValue > OVERWHELMING;
    }

    /** Whether it holds for the prompts of the comparison only. */
    public boolean isForThesePromptsOnly() {
        return unit == Unit.REPETITIONS;
    }

    /**
     * Returns the conclusion.
     *
     * @param margin share that counts as the same, such as 0.05; at least 0
     */
    public Verdict verdict(double margin) {
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
            case PROMPTS -> Unit.PROMPTS.count(units)
                    + (size == units ? "" : " and " + Count.of(size, isPaired() ? "pair" : "answer"));
            case REPETITIONS -> Count.of(size, isPaired() ? "pair" : "answer") + " of " + Unit.PROMPTS.count(units);
        };
    }

    /** Whether its phrase is all that is to be said of the verdict. */
    public boolean verdictIsPlain(double margin) {
        var verdict = verdict(margin);
        return verdict == Verdict.FASTER || verdict == Verdict.SLOWER || verdict == Verdict.SAME;
    }

    /** Returns the verdict in words. */
    public String verdictWords(double margin) {
        var scope = isForThesePromptsOnly() ? " (for " + (units == 1 ? "this prompt" : "these " + units + " prompts") + " only)"
                : "";
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
                : FEWEST_PROMPTS + " prompts or " + (FEWEST_DEGREES / units + (FEWEST_DEGREES % units > 0 ? 1 : 0) + 1)
                + " repetitions are needed";
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
    public static double margin(String where, String text) {
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
