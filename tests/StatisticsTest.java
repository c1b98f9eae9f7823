//DEPS org.junit.jupiter:junit-jupiter:5.14.4

package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

/** Whether a difference is real: compared with SciPy, and with simulated truths. */
class StatisticsTest {

    /** 24 pairs drawn with NumPy. */
    private static final double[] VALUES = {215.076, 223.339, 132.602, 148.284, 181.895, 158.636, 169.971, 292.221, 156.439,
        154.414, 285.201, 207.067, 215.692, 181.386, 190.717, 254.409, 142.653, 184.821, 98.789, 144.267, 148.177, 155.168,
        163.331, 231.919};
    private static final double[] BASELINE = {172.634, 280.538, 196.197, 121.505, 167.637, 153.859, 188.058, 314.67, 162.29,
        174.333, 273.077, 191.089, 202.172, 134.073, 191.97, 195.887, 116.38, 160.824, 122.912, 153.231, 89.655, 157.166,
        143.14, 152.863};

    private static List<Pair> pairs(double[] values, double[] baseline, int prompts) {
        var pairs = new ArrayList<Pair>();
        for (int i = 0; i < values.length; i++) {
            pairs.add(new Pair("p" + i % prompts, i, values[i], baseline[i]));
        }
        return pairs;
    }

    private static void assertDifference(Difference found, double... expected) {
        var figures = List.of(found.ratio(), found.lower95(), found.upper95(), found.lower90(), found.upper90(), found.pValue());
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], figures.get(i), 1e-9, "figure " + i);
        }
    }

    /** The expected figures are computed with NumPy and scipy.stats.t from the definitions in the documentation. */
    @Test
    void figuresAreThoseOfSciPy() {
        assertDifference(Difference.ofPairs(pairs(VALUES, BASELINE, 24)), 1.0612224287223702, 0.9728011745166677, 1.1576805957116063,
                0.9874246460162922, 1.140535683170323, 0.17106015488777943);
        assertDifference(Difference.ofPairs(pairs(VALUES, BASELINE, 8)), 1.0612224287223702, 0.9454831052483167, 1.191129737773187,
                0.9672865414941897, 1.164280691307614, 0.26477027315074503);
        assertDifference(Difference.ofPairs(pairs(VALUES, BASELINE, 2)), 1.0612224287223702, 0.9710421137451333, 1.159777755549534,
                0.9859893895448503, 1.1421959051134176, 0.1791407838311541);
        assertDifference(Difference.ofMeans(logarithms(VALUES, 5), logarithms(BASELINE, 7), Unit.RUNS, 5, 5), 0.9937176953414524,
                0.7248520654995346, 1.3623122634743483);
        assertEquals(0.9651151940924488, Difference.ofMeans(logarithms(VALUES, 5), logarithms(BASELINE, 7), Unit.RUNS, 5, 5).pValue(),
                1e-9, "scipy.stats.ttest_ind(..., equal_var=False)");
    }

    private static double[] logarithms(double[] values, int count) {
        return Arrays.stream(values).limit(count).map(Math::log).toArray();
    }

    /** The same pairs in another order of time: sorted, they depend on it, and the interval is wider. */
    @Test
    void whatIsAlikeCloseInTimeCountsForLess() {
        var random = pairs(VALUES, BASELINE, 8);
        var sorted = new ArrayList<>(random);
        sorted.sort(Comparator.comparingDouble(Pair::logRatio));
        var inOrder = new ArrayList<Pair>();
        for (int i = 0; i < sorted.size(); i++) {
            inOrder.add(new Pair("p" + i % 8, i, sorted.get(i).value(), sorted.get(i).baseline()));
        }
        assertFalse(Difference.ofPairs(random).drifting());
        var dependent = Difference.ofPairs(inOrder);
        assertTrue(dependent.drifting());
        assertDifference(dependent, 1.0612224287223702, 0.8963417441389911, 1.256432661523765, 0.9245494753906381, 1.218099272348373,
                0.4557734074143104);
        Collections.shuffle(inOrder, new Random(1));
        assertEquals(dependent, Difference.ofPairs(inOrder), "the times decide, not the order of the list");
    }

    // Levels and powers. The standard error of a share of 5 % of 2000 data sets is 0.5 points.

    static final List<Arguments> WITHOUT_A_DIFFERENCE = List.of(
            Arguments.of("own effects", RunDesign.of(8, 20, 0.2, 0.2), 0.0, 0.07),
            Arguments.of("30 x 2", RunDesign.of(30, 2, 0, 0.2), 0.03, 0.07),
            Arguments.of("60 x 1", RunDesign.of(60, 1, 0, 0.2), 0.0, 0.07),
            Arguments.of("6 x 5", RunDesign.of(6, 5, 0.3, 0.2), 0.0, 0.07),
            Arguments.of("heavy tails", RunDesign.of(30, 2, 0, 0.2).withHeavyTails(), 0.0, 0.07),
            Arguments.of("load", RunDesign.of(8, 20, 0, 0.2).withLoad(0.1, 0.8), 0.0, 0.07));

    @ParameterizedTest
    @FieldSource("WITHOUT_A_DIFFERENCE")
    void aFalseVerdictIsRare(String name, RunDesign design, double least, double most) {
        var share = VerdictSimulation.share(design, 1, 2000, VerdictSimulation::isDifferent);
        assertTrue(share >= least && share <= most, name + ": " + share);
    }

    @Test
    void amongThreeEqualModelsAFalseVerdictIsRareAlthoughTheFastestIsChosen() {
        var share = VerdictSimulation.shareOfMany(RunDesign.of(8, 20, 0.2, 0.2), 3, 2000);
        assertTrue(share > 0.01 && share <= 0.07, String.valueOf(share));
    }

    @Test
    void severalRunsOfEachSideKeepTheLevelWhateverTheDayDoes() {
        assertTrue(VerdictSimulation.shareOfRuns(RunDesign.of(8, 5, 0, 0.2).onTwoDays(0.1), 3, 2000) <= 0.07);
        assertTrue(VerdictSimulation.share(RunDesign.of(8, 5, 0, 0.2).onTwoDays(0.1), 1, 200, VerdictSimulation::isDifferent) > 0.3,
                "one run of each does not");
    }

    @Test
    void loadThatGoesOnForLongIsAtLeastNoticed() {
        var share = VerdictSimulation.share(RunDesign.of(8, 20, 0, 0.2).withLoad(0.1, 0.95), 1, 2000,
                difference -> VerdictSimulation.isDifferent(difference) && !difference.mayBeLoad());
        assertTrue(share <= 0.07, String.valueOf(share));
    }

    @Test
    void aDifferenceOfSixPercentIsFound() {
        assertTrue(VerdictSimulation.share(RunDesign.of(60, 1, 0, 0.1), 1.06, 2000, VerdictSimulation::isDifferent) >= 0.8);
        assertTrue(VerdictSimulation.share(RunDesign.of(8, 20, 0.2, 0.2), 1.5, 500, VerdictSimulation::isDifferent) >= 0.85);
    }

    @Test
    void whatDiffersByTheMarginIsRarelyCalledTheSame() {
        assertTrue(VerdictSimulation.share(RunDesign.of(60, 1, 0, 0.1), 1.05, 2000, VerdictSimulation::isSame) <= 0.06);
        assertTrue(VerdictSimulation.share(RunDesign.of(200, 1, 0, 0.1), 1.05, 2000, VerdictSimulation::isSame) <= 0.06);
        assertTrue(VerdictSimulation.share(RunDesign.of(60, 1, 0, 0.1), 1 / 1.05, 2000, VerdictSimulation::isSame) <= 0.06);
        assertTrue(VerdictSimulation.share(RunDesign.of(200, 1, 0, 0.1), 1.0, 200, VerdictSimulation::isSame) >= 0.9);
    }

    /** Coverage of the ratio of two p95; 400 data sets, so the standard error is 1.1 points. */
    @Test
    void theIntervalOfATailHoldsTheTruth() {
        var random = new SplittableRandom(2);
        for (var size : List.of(new int[] {30, 2}, new int[] {8, 20})) {
            var held = 0;
            for (int experiment = 0; experiment < 400; experiment++) {
                var effects = random.doubles(size[0]).map(unused -> 0.3 * random.nextGaussian()).toArray();
                var found = QuantileRatio.of(tail(random, effects, size[1]), tail(random, effects, size[1]), 0.95);
                held += found.lower() <= 1 && 1 <= found.upper() ? 1 : 0;
            }
            assertTrue(held >= 370, size[0] + " x " + size[1] + ": " + held + " of 400");
        }
    }

    /** Coverage of the quantile itself where there is an interval; the truth is that of many prompts. */
    @ParameterizedTest
    @CsvSource({"0.95, 60, 2", "0.95, 80, 1", "0.95, 8, 40", "0.99, 400, 1", "0.99, 30, 20"})
    void theIntervalOfAHighQuantileHoldsTheTruth(double fraction, int prompts, int repetitions) {
        var random = new SplittableRandom(3);
        var many = tail(random, random.doubles(200_000).map(unused -> 0.1 * random.nextGaussian()).toArray(), 1);
        var truth = Metrics.quantile(many.stream().mapToDouble(PromptValue::value).toArray(), fraction);
        var known = 0;
        var held = 0;
        for (int experiment = 0; experiment < 400; experiment++) {
            var effects = random.doubles(prompts).map(unused -> 0.1 * random.nextGaussian()).toArray();
            var found = QuantileInterval.of(tail(random, effects, repetitions), fraction);
            known += found != null ? 1 : 0;
            held += found != null && found.lower() <= truth && truth <= found.upper() ? 1 : 0;
        }
        assertTrue(known >= 300 && held >= 0.925 * known, held + " of " + known + " of 400");
    }

    @Test
    void aHighQuantileHasNoIntervalWhereNoValueIsCertainToBeAboveIt() {
        var random = new SplittableRandom(1);
        assertNull(QuantileInterval.of(tail(random, new double[71], 1), 0.95));
        assertNotNull(QuantileInterval.of(tail(random, new double[72], 1), 0.95));
        assertNull(QuantileInterval.of(tail(random, new double[367], 1), 0.99));
        assertNotNull(QuantileInterval.of(tail(random, new double[368], 1), 0.99));
        assertNull(QuantileInterval.of(tail(random, new double[5], 400), 0.95), "5 prompts");
        var six = new ArrayList<PromptValue>();
        var ofHighest = new int[] {0, 0, 1, 2};
        for (int i = 0; i < 90; i++) {
            six.add(new PromptValue("p" + (i < 86 ? i % 6 : ofHighest[i - 86]), i));
        }
        assertNull(QuantileInterval.of(six, 0.95), "how alike 6 prompts are is not certain enough");
    }

    private static List<PromptValue> tail(SplittableRandom random, double[] effects, int repetitions) {
        var values = new ArrayList<PromptValue>();
        for (int i = 0; i < effects.length * repetitions; i++) {
            var rare = random.nextInt(20) == 0 ? -Math.log(1 - random.nextDouble()) : 0;
            values.add(new PromptValue("p" + i % effects.length, Math.exp(effects[i % effects.length] + 0.3 * random.nextGaussian() + rare)));
        }
        return values;
    }

    @Test
    void aTailOfFewValuesHasNoInterval() {
        var random = new SplittableRandom(1);
        assertNull(QuantileRatio.of(tail(random, new double[10], 5), tail(random, new double[10], 5), 0.95).lower(), "50 values");
        assertNull(QuantileRatio.of(tail(random, new double[5], 40), tail(random, new double[5], 40), 0.95).lower(), "5 prompts");
        assertNull(QuantileRatio.of(tail(random, new double[10], 1), tail(random, new double[10], 1), 0.95).ratio(), "10 values");
    }

    @Test
    void failuresThatNeverEndHaveAPlaceInAQuantile() {
        var values = new ArrayList<PromptValue>();
        var baseline = new ArrayList<PromptValue>();
        for (int i = 0; i < 20; i++) {
            values.add(new PromptValue("p" + i, i < 5 ? Double.POSITIVE_INFINITY : 200));
            baseline.add(new PromptValue("p" + i, 100));
        }
        assertEquals(2, QuantileRatio.of(values, baseline, 0.5).ratio());
        assertEquals(Double.POSITIVE_INFINITY, QuantileRatio.of(values, baseline, 0.95).ratio());
    }

    // Verdicts

    @Test
    void aLargeDifferenceIsSlowerOrFaster() {
        var slower = Arrays.stream(BASELINE).map(value -> value * 1.5 + value % 1).toArray();
        assertEquals(Verdict.SLOWER, Difference.ofPairs(pairs(slower, BASELINE, 24)).verdict(0.05));
        assertEquals(Verdict.FASTER, Difference.ofPairs(pairs(BASELINE, slower, 24)).verdict(0.05));
    }

    @Test
    void aDifferenceThatIsRealButWithinTheMarginIsTheSame() {
        var random = new SplittableRandom(3);
        var values = random.doubles(400, 200, 210).toArray();
        var slightlySlower = Arrays.stream(values).map(value -> value * 1.01 + random.nextDouble()).toArray();
        var difference = Difference.ofPairs(pairs(slightlySlower, values, 400));
        assertTrue(difference.pValue() < 0.001, "the test sees it");
        assertEquals(Verdict.SAME, difference.verdict(0.05));
        assertEquals(Verdict.SLOWER, difference.verdict(0.001));
        assertEquals("the same median within 5 %", difference.verdictWords(0.05));
    }

    @Test
    void fewerThanSixPromptsAreForThesePromptsOnly() {
        var slower = Arrays.stream(BASELINE).map(value -> value * 1.5 + value % 1).toArray();
        assertEquals("slower (for these 5 prompts only)", Difference.ofPairs(pairs(slower, BASELINE, 5)).verdictWords(0.05));
        assertEquals("slower (for this prompt only)", Difference.ofPairs(pairs(slower, BASELINE, 1)).verdictWords(0.05));
        assertEquals("slower", Difference.ofPairs(pairs(slower, BASELINE, 6)).verdictWords(0.05));
    }

    @Test
    void tooFewPairsGetNoIntervalAndNoVerdict() {
        var difference = Difference.ofPairs(pairs(VALUES, BASELINE, 24).subList(0, 5));
        assertNull(difference.lower95());
        assertNull(difference.pValue());
        assertEquals("5 pairs of 5 prompts, too few: 6 prompts or 2 repetitions are needed", difference.verdictWords(0.05));
        assertEquals(Verdict.TOO_FEW, difference.verdict(0.05));
        assertEquals("1 run of each, too few: 2 runs of each are needed",
                Difference.ofMeans(new double[] {1}, new double[] {2, 3}, Unit.RUNS, 1, 9).verdictWords(0.05));
    }

    /** Where prompts differ, more of them help, and where requests do, more repetitions. */
    @Test
    void whatASampleCannotTellSaysWhatWouldHelp() {
        var byPrompts = new Difference(Unit.PROMPTS, 8, 160, 1.2, 0.9, 1.5, 0.95, 1.4, 0.2, false, new Spread(0.4, 0.2));
        assertEquals(Unit.PROMPTS, byPrompts.more(0.05).unit());
        var byRequests = new Difference(Unit.PROMPTS, 8, 16, 1.2, 0.9, 1.5, 0.95, 1.4, 0.2, false, new Spread(0, 0.6));
        // (1.96 + 0.84)^2 * 0.6^2 / ln(1.2)^2 = 84.9 pairs, which are 10.6 of each of the 8 prompts: 8.6 more, or 77 more prompts once each
        assertEquals(new Difference.More(Unit.REPETITIONS, 9), byRequests.more(0.05));
        var ofOne = new Difference(Unit.REPETITIONS, 1, 20, 1.1, 0.9, 1.3, 0.95, 1.2, 0.3, false, new Spread(0, 0.4));
        assertEquals("not distinguishable with 20 pairs of 1 prompt; about 120 more repetitions would be enough", ofOne.verdictWords(0.05));
    }

    @Test
    void pValuesOfSeveralPairsAreCorrectedAsHolmDid() {
        var three = List.of(withPValue(0.04), withPValue(0.01), withPValue(0.03));
        // statsmodels' multipletests(..., method='holm')
        assertEquals(List.of(0.06, 0.03, 0.06), Difference.corrected(three, 3).stream().map(Difference::pValue).toList());
        // with a baseline that was chosen there are six comparisons of four groups: 6 * 0.01, 5 * 0.03, 4 * 0.04
        var chosen = Difference.corrected(three, Difference.family(4, true)).stream().map(Difference::pValue).toList();
        assertEquals(0.06, chosen.get(1), 1e-12);
        assertEquals(0.15, chosen.get(2), 1e-12);
        assertEquals(0.16, chosen.get(0), 1e-12);
    }

    private static Difference withPValue(double pValue) {
        return new Difference(Unit.PROMPTS, 30, 30, 1.1, 1.01, 1.2, 1.02, 1.19, pValue, false, null);
    }

    @Test
    void timesOfZeroAndEqualSamplesAreNoAccident() {
        assertNull(Difference.ofPairs(pairs(VALUES, new double[24], 24)).ratio());
        assertEquals("not comparable", Difference.ofPairs(pairs(new double[10], new double[10], 10)).verdictWords(0.05));
        assertEquals(Verdict.SAME, Difference.ofPairs(pairs(VALUES, VALUES, 24)).verdict(0.05));
        assertEquals("not comparable", Difference.ofPairs(List.of()).verdictWords(0.05));
        assertEquals("not comparable", Difference.ofMeans(new double[0], VALUES, Unit.RUNS, 0, 0).verdictWords(0.05));
    }

    @Test
    void aTrendIsSeenAndNoiseIsNot() {
        var random = new SplittableRandom(5);
        var seen = 0;
        var falselySeen = 0;
        for (int experiment = 0; experiment < 500; experiment++) {
            var values = random.doubles(60).map(unused -> 0.2 * random.nextGaussian()).toArray();
            falselySeen += Trend.isSignificant(values) ? 1 : 0;
            for (int i = 0; i < values.length; i++) {
                values[i] += 0.4 * i / values.length;
            }
            seen += Trend.isSignificant(values) ? 1 : 0;
        }
        assertTrue(falselySeen <= 12, falselySeen + " of 500, of which 5 are to be expected");
        assertTrue(seen >= 450, seen + " of 500");
    }

    @ParameterizedTest
    @CsvSource({"5%,0.05", "0.05,0.05", "12.5%,0.125"})
    void aMarginIsAShare(String text, double share) {
        assertEquals(share, Difference.margin(text), 1e-12);
    }

    @ParameterizedTest
    @CsvSource({"0", "-5%", "100%", "many", "NaN", "''"})
    void anImpossibleMarginIsNamed(String text) {
        assertTrue(assertThrows(UserError.class, () -> Difference.margin(text)).getMessage()
                .startsWith("--margin '" + text + "'; must be a share"));
    }
}
