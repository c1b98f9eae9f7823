//JAVA 25+
//SOURCES ../terminal/Count.java
//SOURCES ../terminal/UserError.java
//SOURCES Estimate.java
//SOURCES Interval.java
//SOURCES LoadCheck.java
//SOURCES Pair.java
//SOURCES RunsAndPrompts.java
//SOURCES Sample.java
//SOURCES Scope.java
//SOURCES Spread.java
//SOURCES TimeDependence.java
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

import stream.terminal.Count;
import stream.terminal.UserError;

/**
 * How a group differs from a baseline.
 *
 * <p>The unit is the prompt: a model has its own strengths, so repetitions of one prompt tell little about others. The interval is
 * Student's over the means of the prompts. Its variance is made larger where requests close in time are alike. Several runs are a
 * second source of chance ({@link RunsAndPrompts}). {@code Bench.java verdicts} simulates how often a verdict is false, beside
 * Wilcoxon's test; docs/comparing.md quotes it.
 *
 * @param ratio      geometric mean of the ratios; null if a group is empty or has times of 0
 * @param interval95 its 95 % interval; null if there are too few for one
 * @param interval90 its 90 % interval, which two one-sided tests of 5 % each use; null as above
 * @param pValue     two-sided, corrected if it is one of several; null as above
 * @param spread     null if there are no pairs, or each run counts as one value
 */
public record Difference(Sample sample, Double ratio, Interval interval95, Interval interval90, Double pValue, LoadCheck load,
        Spread spread) {

    /** With fewer prompts a verdict is about these prompts only. */
    static final int FEWEST_PROMPTS = 6;

    /** With fewer runs in which both groups were asked, a verdict is about these runs only. */
    static final int FEWEST_RUNS = 3;

    private static final int FEWEST_DEGREES = 5;
    private static final int FEWEST_FOR_OWN_VARIANCE = 6; // repetitions of each prompt; with fewer all prompts share one
    private static final double LEAST_POSITIVE = 0.9; // a time of 0 has no ratio: events that came together
    private static final double SIGNIFICANT = 0.05;
    private static final double BEYOND_LOAD = 3; // times the spread of what changed slowly; chosen by simulation
    private static final double POWER_QUANTILE = 0.84; // of the normal distribution, for four chances in five
    private static final long MOST_THAT_HELP = 1_000_000;

    private static Difference unknown(Sample sample, Double ratio, Spread spread) {
        return new Difference(sample, ratio, null, null, null, LoadCheck.NONE, spread);
    }

    private static Difference of(Estimate estimate, Sample sample, LoadCheck load, Spread spread) {
        return new Difference(sample, Math.exp(estimate.mean()), estimate.interval(0.95), estimate.interval(0.9), estimate.pValue(),
                load, spread);
    }

    /**
     * Compares answers to the same questions; a few pairs with a time of 0 are left out, with many there is no ratio.
     *
     * @param runs in how many runs they were asked
     */
    public static Difference ofPairs(Collection<Pair> pairs, int runs) {
        var inTime = pairs.stream().filter(pair -> pair.value() > 0 && pair.baseline() > 0)
                .sorted(Comparator.comparingDouble(Pair::time)).toList();
        var byPrompt = new LinkedHashMap<String, List<Pair>>();
        inTime.forEach(pair -> byPrompt.computeIfAbsent(pair.prompt(), absent -> new ArrayList<>()).add(pair));
        var prompts = byPrompt.size();
        var unit = prompts < FEWEST_PROMPTS ? Unit.REPETITIONS : Unit.PROMPTS;
        var sample = new Sample(unit, prompts, inTime.size(), true, new Scope(unit == Unit.REPETITIONS ? prompts : 0, runs));
        if (inTime.size() < LEAST_POSITIVE * pairs.size() || prompts == 0) {
            return unknown(sample, null, null);
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
            return unknown(sample, Math.exp(mean), spread);
        }
        var time = TimeDependence.of(weighted);
        var ownVariances = byPrompt.values().stream().allMatch(own -> own.size() >= FEWEST_FOR_OWN_VARIANCE);
        var independent = unit == Unit.PROMPTS ? new Estimate.Part(betweenVariance / prompts, prompts - 1)
                : new Estimate.Part(ownVariances ? time.variance() : withinVariance * meanSize / prompts, degreesWithin);
        return of(Estimate.of(mean, independent.plus(new Estimate.Part(time.excess(), TimeDependence.WAVES))), sample,
                loadCheck(mean, independent, time, weighted.length), spread);
    }

    private static LoadCheck loadCheck(double mean, Estimate.Part independent, TimeDependence time, int size) {
        var atMost = new Estimate(mean, independent.variance() + time.mostExcess(), independent.degrees());
        return new LoadCheck(time.pValue(), Math.abs(mean) < BEYOND_LOAD * time.slowSpread() * Math.sqrt((size - 1.0) / size),
                atMost.pValue() > SIGNIFICANT);
    }

    /**
     * Compares groups that were both asked in each of several runs, as run by prompt of the logarithms of their ratios.
     *
     * @param size pairs of answers
     */
    static Difference ofRunsInPairs(double[][] logRatios, int size) {
        var prompts = logRatios[0].length;
        return of(RunsAndPrompts.ofPairs(logRatios), new Sample(Unit.RUNS, logRatios.length, size, true,
                new Scope(prompts < FEWEST_PROMPTS ? prompts : 0, 0)), LoadCheck.NONE, null);
    }

    /**
     * Compares sides that have runs of their own, as run by prompt of the logarithms of their times.
     *
     * @param size answers of the smaller side
     */
    public static Difference ofSides(double[][] values, double[][] baseline, int size) {
        var prompts = values.length == 0 ? 0 : values[0].length;
        var sample = new Sample(Unit.RUNS, Math.min(values.length, baseline.length), size, false,
                new Scope(prompts < FEWEST_PROMPTS ? prompts : 0, 0));
        if (prompts == 0) {
            return unknown(sample, null, null);
        }
        var estimate = RunsAndPrompts.ofSides(values, baseline);
        return Double.isFinite(estimate.mean()) ? of(estimate, sample, LoadCheck.NONE, null) : unknown(sample, null, null);
    }

    /**
     * Compares groups without counterparts, by the means of the logarithms of their units (Welch 1947).
     *
     * @param values   one for each prompt or answer of the group
     * @param baseline the same of the baseline
     */
    public static Difference ofMeans(double[] values, double[] baseline, Sample sample) {
        var fewest = Math.min(values.length, baseline.length);
        var mean = fewest == 0 ? Double.NaN : mean(values) - mean(baseline);
        if (fewest < 2 || !Double.isFinite(mean)) {
            return unknown(sample, Double.isFinite(mean) ? Math.exp(mean) : null, null);
        }
        var one = new Estimate.Part(variance(values) / values.length, values.length - 1);
        var other = new Estimate.Part(variance(baseline) / baseline.length, baseline.length - 1);
        return of(Estimate.of(mean, one.plus(other)), sample, LoadCheck.NONE, null);
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
     * them stays at 5 % (Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure), and their checks of the load.
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
                    corrected.set(j, each.corrected(least, tested.size()));
                }
            }
        }
        return corrected;
    }

    private Difference corrected(double corrected, int checks) {
        return new Difference(sample, ratio, interval95, interval90, corrected, load.corrected(checks), spread);
    }

    public Unit unit() {
        return sample.unit();
    }

    /** Prompts, or runs of the smaller side. */
    public int units() {
        return sample.units();
    }

    /** Pairs of answers, or answers of the smaller side. */
    public int size() {
        return sample.size();
    }

    /** Returns null if there are too few for an interval. */
    public Double lower95() {
        return interval95 == null ? null : interval95.lower();
    }

    /** Returns null if there are too few for an interval. */
    public Double upper95() {
        return interval95 == null ? null : interval95.upper();
    }

    /** Whether answers to the same questions were compared. */
    public boolean isPaired() {
        return sample.paired();
    }

    /** Whether it is more than chance. */
    boolean isSignificant() {
        return pValue != null && pValue <= SIGNIFICANT;
    }

    /** Whether load that lasts may have made the difference. */
    public boolean mayBeLoad() {
        return isSignificant() && load.mayExplain();
    }

    /** Whether it holds for the prompts of the comparison only. */
    public boolean isForThesePromptsOnly() {
        return sample.scope().prompts() > 0;
    }

    /**
     * Returns the conclusion.
     *
     * @param margin share that counts as the same, such as 0.05; at least 0
     */
    public Verdict verdict(double margin) {
        if (interval95 == null) {
            return Verdict.TOO_FEW;
        }
        if (interval90.lower() > 1 / (1 + margin) && interval90.upper() < 1 + margin) {
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
        if (spread == null || ratio == null || interval95 == null) {
            return null;
        }
        var effect = Math.abs(Math.log(ratio));
        var room = Math.log1p(margin) - effect;
        var error = Math.max(effect / (1.96 + POWER_QUANTILE), room / (1.645 + 1.282));
        var repetitions = (double) size() / units();
        var between = isForThesePromptsOnly() ? 0 : spread.between() * spread.between();
        var within = spread.within() * spread.within();
        var prompts = (between + within / repetitions) / (error * error);
        var left = units() * error * error - between;
        var moreRepetitions = left > 0 ? Math.max(1, within / left - repetitions) : Double.POSITIVE_INFINITY;
        var morePrompts = isForThesePromptsOnly() ? Double.POSITIVE_INFINITY : Math.max(1, prompts - units());
        var isPrompts = morePrompts * repetitions < 0.99 * moreRepetitions * units(); // else it is easier to repeat
        var number = isPrompts ? morePrompts : moreRepetitions;
        return number * (isPrompts ? repetitions : units()) < MOST_THAT_HELP
                ? new More(isPrompts ? Unit.PROMPTS : Unit.REPETITIONS, roundedUp(number)) : null;
    }

    /** An estimate has no more than two significant digits. */
    private static long roundedUp(double count) {
        var unit = count < 20 ? 1 : Math.pow(10, Math.floor(Math.log10(count)) - 1);
        return (long) (Math.ceil(count / unit) * unit);
    }

    /** Returns the size of the sample in words. */
    String count() {
        var answers = Count.of(size(), isPaired() ? "pair" : "answer");
        return switch (unit()) {
            case RUNS -> Unit.RUNS.count(units()) + (isPaired() ? "" : " of each");
            case PROMPTS -> Unit.PROMPTS.count(units()) + (size() == units() ? "" : " and " + answers);
            case REPETITIONS -> answers + " of " + Unit.PROMPTS.count(units());
        };
    }

    /** Says why there is no ratio, if there is none. */
    String whyWithoutRatio() {
        return (unit() == Unit.RUNS ? "no prompt that all runs have, or " : "") + "times of 0 ms";
    }

    /** Whether its phrase is all that is to be said of the verdict. */
    public boolean verdictIsPlain(double margin) {
        var verdict = verdict(margin);
        return verdict == Verdict.FASTER || verdict == Verdict.SLOWER || verdict == Verdict.SAME;
    }

    /** Returns the verdict in words. */
    public String verdictWords(double margin) {
        var limits = sample.scope().words(false);
        var scope = limits.isEmpty() ? "" : " (" + limits + ")";
        return switch (verdict(margin)) {
            case FASTER -> "faster" + scope;
            case SLOWER -> "slower" + scope;
            case SAME -> "the same within " + percent(margin) + scope;
            case TOO_FEW -> ratio == null ? "not comparable: " + whyWithoutRatio() : count() + ", too few: " + needed();
            case UNCLEAR -> {
                var more = more(margin);
                yield "not distinguishable with " + count() + (more == null ? "" : "; about "
                        + String.format(Locale.ROOT, "%,d", more.number()) + " more " + more.unit().word() + " would be enough");
            }
        };
    }

    /** Says what an interval needs. Student's test has no least p value, so no family of comparisons needs more. */
    private String needed() {
        return unit() == Unit.RUNS ? "2 runs of each are needed"
                : !isPaired() || unit() == Unit.PROMPTS ? FEWEST_PROMPTS + " prompts are needed"
                : FEWEST_PROMPTS + " prompts or " + (FEWEST_DEGREES / units() + (FEWEST_DEGREES % units() > 0 ? 1 : 0) + 1)
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
