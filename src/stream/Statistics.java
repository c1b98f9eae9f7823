//JAVA 25+
//DEPS org.apache.commons:commons-statistics-descriptive:1.2
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES Console.java
//SOURCES Metrics.java

// Statistics: the bootstrap of a ratio of medians, an equivalence test, rank tests, and the verdict that follows from them.

package stream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;
import org.apache.commons.statistics.inference.MannWhitneyUTest;
import org.apache.commons.statistics.inference.WilcoxonSignedRankTest;

/** What two samples tell about the difference between them. */
enum Verdict {
    /** The interval is below 1, and the test is significant. */
    FASTER,
    /** The interval is above 1, and the test is significant. */
    SLOWER,
    /** Both one-sided tests place the ratio within the margin: a difference, if there is one, is too small to matter. */
    SAME,
    /** The sample allows no conclusion. */
    UNCLEAR,
    /** No sample of this size would allow a conclusion. */
    TOO_FEW;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

/**
 * How a sample of times differs from a baseline.
 *
 * @param size     pairs, or the size of the smaller sample if they are not paired
 * @param paired   whether the same place in both samples belongs together
 * @param ratio    median of the sample / median of the baseline; null if a sample is empty, or the median of the baseline is 0
 * @param lower95  lower end of its 95 % interval; null below {@link #FEWEST} pairs
 * @param upper95  upper end
 * @param lower90  lower end of its 90 % interval, which two one-sided tests of 5 % each use
 * @param upper90  upper end
 * @param pValue   two-sided, of Wilcoxon's signed rank test on the pairs, or of Mann and Whitney's; null as above
 */
record Difference(int size, boolean paired, Double ratio, Double lower95, Double upper95, Double lower90, Double upper90,
                  Double pValue) {

    /** Five pairs that all point in one direction occur by chance once in sixteen times. */
    static final int FEWEST = 6;

    private static final int ENOUGH = 12;
    private static final double SIGNIFICANT = 0.05;
    private static final long MOST_THAT_HELP = 1_000_000;

    /**
     * Compares a sample with a baseline.
     *
     * @param values   times of at least 0, in any unit
     * @param baseline the same; of the same length if they are paired
     */
    static Difference between(double[] values, double[] baseline, boolean paired) {
        if (paired && values.length != baseline.length) {
            throw new IllegalArgumentException(values.length + " values cannot be paired with " + baseline.length);
        }
        var size = Math.min(values.length, baseline.length);
        if (size == 0) {
            return new Difference(0, paired, null, null, null, null, null, null);
        }
        var bootstrap = new Bootstrap(values, baseline, paired);
        var ratio = bootstrap.ratio();
        if (size < FEWEST || ratio == null) {
            return new Difference(size, paired, ratio, null, null, null, null, null);
        }
        var ratios = bootstrap.ratios();
        return new Difference(size, paired, ratio, Math.min(ratio, at(ratios, 0.025, size)),
                Math.max(ratio, at(ratios, 0.975, size)), Math.min(ratio, at(ratios, 0.05, size)),
                Math.max(ratio, at(ratios, 0.95, size)), pValue(values, baseline, paired));
    }

    /**
     * Returns the end of the interval at this level. A bootstrap of very few values is too narrow, so for these the level
     * is moved out as far as Student's distribution is wider than the normal one (Hesterberg 2015, What Teachers Should
     * Know About the Bootstrap, section 5.3). StatisticsTest simulates how often the interval contains the true ratio.
     */
    private static double at(double[] sorted, double level, int size) {
        var wider = size >= ENOUGH ? level : NormalDistribution.of(0, 1).cumulativeProbability(
                TDistribution.of(size - 1).inverseCumulativeProbability(level) * Math.sqrt(size / (size - 1.0)));
        return Metrics.QUANTILE.evaluate(sorted, wider);
    }

    /** The pairs are tested on a logarithmic scale, since a model is so many times slower, not so many milliseconds. */
    private static double pValue(double[] values, double[] baseline, boolean paired) {
        if (!paired) {
            return MannWhitneyUTest.withDefaults().test(values, baseline).getPValue();
        }
        var positive = Arrays.stream(values).allMatch(value -> value > 0)
                && Arrays.stream(baseline).allMatch(value -> value > 0);
        var differences = new double[values.length];
        for (int i = 0; i < differences.length; i++) {
            differences[i] = positive ? Math.log(values[i] / baseline[i]) : values[i] - baseline[i];
        }
        if (Arrays.stream(differences).allMatch(difference -> difference == 0)) {
            return 1; // the test itself refuses these
        }
        return WilcoxonSignedRankTest.withDefaults().test(differences).getPValue();
    }

    /**
     * Corrects the p values of differences that are reported together, so that the chance of any false one among
     * them stays at 5 % (Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure).
     */
    static List<Difference> corrected(List<Difference> together) {
        var tested = together.stream().filter(difference -> difference.pValue != null)
                .sorted(Comparator.comparing(Difference::pValue)).toList();
        var corrected = new ArrayList<>(together);
        var least = 0.0;
        for (int i = 0; i < tested.size(); i++) {
            var each = tested.get(i);
            least = Math.max(least, Math.min(1, each.pValue * (tested.size() - i)));
            for (int j = 0; j < corrected.size(); j++) {
                if (together.get(j) == each) {
                    corrected.set(j, each.withPValue(least));
                }
            }
        }
        return corrected;
    }

    private Difference withPValue(double corrected) {
        return new Difference(size, paired, ratio, lower95, upper95, lower90, upper90, corrected);
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
        var significant = pValue <= SIGNIFICANT;
        return significant && upper95 < 1 ? Verdict.FASTER : significant && lower95 > 1 ? Verdict.SLOWER : Verdict.UNCLEAR;
    }

    /**
     * Returns how many more pairs are needed if the true ratio is the observed one: enough for four chances in five of
     * either a significant difference or equivalence, whichever takes fewer. Null where more would not help.
     */
    Long morePairs(double margin) {
        if (lower95 == null) {
            return ratio == null || size >= FEWEST ? null : (long) FEWEST - size;
        }
        var error = Math.log(upper95 / lower95) / (2 * 1.96);
        var effect = Math.abs(Math.log(ratio));
        var toDiffer = Math.max(Math.pow(error * (1.96 + 0.84) / effect, 2) * size,
                size + Math.log(pValue / SIGNIFICANT) / Math.log(2)); // a pair halves the least p value there can be
        var room = Math.log1p(margin) - effect;
        var toBeSame = room > 0 ? Math.pow(error * (1.645 + 1.282) / room, 2) * size : Double.POSITIVE_INFINITY;
        var needed = Math.min(toDiffer, toBeSame);
        return needed < MOST_THAT_HELP ? Math.max(1, roundedUp(needed - size)) : null;
    }

    /** An estimate has no more than two significant digits. */
    private static long roundedUp(double count) {
        var unit = count < 20 ? 1 : Math.pow(10, Math.floor(Math.log10(count)) - 1);
        return (long) (Math.ceil(count / unit) * unit);
    }

    /** Returns the size of the samples in words. */
    String count() {
        return size + (paired ? " pair" : " value") + (size == 1 ? "" : "s");
    }

    /** Returns the verdict in words. */
    String verdictWords(double margin) {
        return switch (verdict(margin)) {
            case FASTER -> "faster";
            case SLOWER -> "slower";
            case SAME -> "the same within " + percent(margin);
            case TOO_FEW -> ratio == null ? "not comparable" : count() + ", too few: at least " + FEWEST + " are needed";
            case UNCLEAR -> "not distinguishable with " + count() + (morePairs(margin) == null ? ""
                    : "; about " + String.format(Locale.ROOT, "%,d", morePairs(margin)) + " more would be enough");
        };
    }

    static String percent(double share) {
        var percent = share * 100;
        return (percent == Math.rint(percent) ? String.valueOf((long) percent) : String.format(Locale.ROOT, "%.1f", percent))
                + " %";
    }

    /** Reads a margin such as {@code 5%} or {@code 0.05}; throws UserError otherwise. */
    static double margin(String text) {
        try {
            var percent = text.endsWith("%");
            var value = Double.parseDouble(percent ? text.substring(0, text.length() - 1) : text) / (percent ? 100 : 1);
            if (value > 0 && value < 1) {
                return value;
            }
        } catch (NumberFormatException e) {
            // reported below
        }
        throw new UserError("--margin '" + text + "'; must be a share such as 5%, above 0 and below 100%");
    }
}

/**
 * Draws the ratio of two medians again and again from resamples of the same size. Pairs are drawn as pairs, which keeps
 * what they have in common, a long prompt for example, out of the ratio's spread (Efron and Tibshirani 1993, An
 * Introduction to the Bootstrap, chapters 8 and 13). The median of a resample is the estimate of Harrell and Davis 1982:
 * with the middle value alone the interval of paired samples is far too wide (Wilcox and Erceg-Hurn 2012, Comparing Two
 * Dependent Groups via Quantiles). The draws depend on the size only: the same files give the same results.
 */
final class Bootstrap {

    private static final int DRAWS = 4_000;
    private static final int DRAWS_OF_MANY = 1_000;
    private static final int MANY = 5_000;

    /** A sample in ascending order, the place of each value in the sample, and how much of the median each rank below is. */
    private record Ranked(double[] values, int[] places, double[] weightBelow) {

        static Ranked of(double[] sample) {
            var order = new Integer[sample.length];
            Arrays.setAll(order, i -> i);
            Arrays.sort(order, Comparator.comparingDouble(i -> sample[i]));
            var places = Arrays.stream(order).mapToInt(Integer::intValue).toArray();
            var rank = BetaDistribution.of((sample.length + 1) / 2.0, (sample.length + 1) / 2.0);
            var weightBelow = new double[sample.length + 1];
            Arrays.setAll(weightBelow, i -> rank.cumulativeProbability(i / (double) sample.length));
            return new Ranked(Arrays.stream(places).mapToDouble(place -> sample[place]).toArray(), places, weightBelow);
        }

        /** Returns the middle value, or the mean of the two in the middle. */
        double median() {
            return (values[(values.length - 1) / 2] + values[values.length / 2]) / 2;
        }

        /** Returns the median of a resample that took the value of each place so many times. */
        double median(int[] counts) {
            var median = 0.0;
            var rank = 0;
            for (int i = 0; i < values.length; i++) {
                var count = counts[places[i]];
                if (count > 0) {
                    median += values[i] * (weightBelow[rank + count] - weightBelow[rank]);
                    rank += count;
                }
            }
            return median;
        }
    }

    private final Ranked values;
    private final Ranked baseline;
    private final boolean paired;

    Bootstrap(double[] values, double[] baseline, boolean paired) {
        this.values = Ranked.of(values);
        this.baseline = Ranked.of(baseline);
        this.paired = paired;
    }

    /** Returns the ratio of the medians of the samples themselves; null if the baseline's is 0. */
    Double ratio() {
        return baseline.median() == 0 ? null : values.median() / baseline.median();
    }

    /** Returns the ratios of the resamples in ascending order. */
    double[] ratios() {
        var random = new SplittableRandom(values.values.length);
        var ratios = new double[Math.max(values.values.length, baseline.values.length) > MANY ? DRAWS_OF_MANY : DRAWS];
        var counts = new int[values.values.length];
        var baselineCounts = paired ? counts : new int[baseline.values.length];
        for (int i = 0; i < ratios.length; i++) {
            draw(random, counts);
            if (!paired) {
                draw(random, baselineCounts);
            }
            ratios[i] = values.median(counts) / baseline.median(baselineCounts);
        }
        Arrays.sort(ratios);
        return ratios;
    }

    private static void draw(SplittableRandom random, int[] counts) {
        Arrays.fill(counts, 0);
        for (int i = 0; i < counts.length; i++) {
            counts[random.nextInt(counts.length)]++;
        }
    }
}
