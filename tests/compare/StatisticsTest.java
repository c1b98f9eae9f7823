//DEPS org.junit.jupiter:junit-jupiter:5.14.4

package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntToDoubleFunction;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.metric.Metrics;

/** Whether a difference is real: compared with SciPy, and with simulated truths. */
@Execution(ExecutionMode.CONCURRENT)
public class StatisticsTest {

    /** Tag of tests that simulate thousands of runs; Pit.java leaves them out. */
    public static final String SIMULATION = "simulation";

    /** 24 pairs drawn with NumPy. */
    static final double[] VALUES = {215.076, 223.339, 132.602, 148.284, 181.895, 158.636, 169.971, 292.221, 156.439,
        154.414, 285.201, 207.067, 215.692, 181.386, 190.717, 254.409, 142.653, 184.821, 98.789, 144.267, 148.177, 155.168,
        163.331, 231.919};

    static final double[] BASELINE = {172.634, 280.538, 196.197, 121.505, 167.637, 153.859, 188.058, 314.67, 162.29,
        174.333, 273.077, 191.089, 202.172, 134.073, 191.97, 195.887, 116.38, 160.824, 122.912, 153.231, 89.655, 157.166,
        143.14, 152.863};

    static List<Pair> pairs(double[] values, double[] baseline, int prompts) {
        var pairs = new ArrayList<Pair>();
        for (int i = 0; i < values.length; i++) {
            pairs.add(new Pair("p" + i % prompts, i, values[i], baseline[i]));
        }
        return pairs;
    }

    /** The logarithms of their ratios. */
    private static final double[] RATIOS = IntStream.range(0, 24).mapToDouble(i -> Math.log(VALUES[i] / BASELINE[i])).toArray();

    private static Difference ofRatios(double[] ratios, IntUnaryOperator prompt) {
        return Difference.ofPairs(IntStream.range(0, ratios.length)
                .mapToObj(i -> new Pair("p" + prompt.applyAsInt(i), i, Math.exp(ratios[i]), 1)).toList(), 1);
    }

    private static double[] sorted(double[] values) {
        return Arrays.stream(values).sorted().toArray();
    }

    private static void assertDifference(Difference found, double... expected) {
        var figures = List.of(found.ratio(), found.lower95(), found.upper95(), found.interval90().lower(),
                found.interval90().upper(), found.pValue());
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], figures.get(i), 1e-9, "figure " + i);
        }
    }

    /** The figures of this and the next tests are printed by statistics_figures.py, which computes them from the documentation. */
    @Test
    void figuresAreThoseOfSciPy() {
        assertDifference(Difference.ofPairs(pairs(VALUES, BASELINE, 24), 1), 1.0612224287223702,
                0.9728011745166677, 1.1576805957116063,
                0.9874246460162922, 1.140535683170323, 0.17106015488777943);
        assertDifference(Difference.ofPairs(pairs(VALUES, BASELINE, 8), 1), 1.0612224287223702,
                0.9454831052483167, 1.191129737773187,
                0.9672865414941897, 1.164280691307614, 0.26477027315074503);
        assertDifference(Difference.ofPairs(pairs(VALUES, BASELINE, 2), 1), 1.0612224287223702,
                0.9710421137451333, 1.159777755549534,
                0.9859893895448503, 1.1421959051134176, 0.1791407838311541);
        var means = Differences.ofMeans(logarithms(VALUES, 5), logarithms(BASELINE, 7));
        assertDifference(means, 0.9937176953414524, 0.7248520654995346, 1.3623122634743483);
        assertEquals(0.9651151940924488, means.pValue(), 1e-9, "scipy.stats.ttest_ind(..., equal_var=False)");
    }

    /** The 24 values as four runs of six prompts, each run longer than the one before it. */
    private static double[][] runs(double[] logarithms, double perRun, double perPrompt) {
        return IntStream.range(0, 4).mapToObj(run -> IntStream.range(0, 6)
                .mapToDouble(prompt -> logarithms[run * 6 + prompt] + perRun * run + perPrompt * prompt).toArray())
                .toArray(double[][]::new);
    }

    private static double[][] withoutTheSixth(double[][] runs) {
        return Arrays.stream(runs).map(run -> Arrays.copyOf(run, 5)).toArray(double[][]::new);
    }

    @Test
    void runsAndPromptsAreBothSourcesOfChance() {
        var values = runs(logarithms(VALUES, 24), 0.1, 0);
        var baseline = runs(logarithms(BASELINE, 24), 0, 0);
        assertDifference(Difference.ofSides(values, Arrays.copyOf(baseline, 2), 12), 1.0810237360945065, 0.7872360714399423,
                1.4844496592517706, 0.8473861720006045, 1.3790788150823061, 0.5326438434943711);
        assertDifference(Difference.ofSides(runs(logarithms(VALUES, 24), 0, 0.2), baseline, 24), 1.7496599911786224,
                1.0812571095734826, 2.831250826122895, 1.1914418214531226, 2.569416340444974, 0.02891221052907299);
        assertDifference(Difference.ofRunsInPairs(runs(RATIOS, 0.1, 0), 24), 1.2329645568409244, 0.8730655102285614,
                1.7412228299202435, 0.9552111449965653, 1.5914822669195334, 0.14903840018844966);
        assertDifference(Difference.ofRunsInPairs(runs(RATIOS, 0.1, 0.2), 24), 2.0328148908829893, 1.2442230751637084,
                3.3212182470188543, 1.3719882583410992, 3.011932759243958, 0.011231868812537146);
    }

    @Test
    void withFewerThanSixPromptsTheRunsAreTheOnlySourceOfChance() {
        var values = withoutTheSixth(runs(logarithms(VALUES, 24), 0.1, 0));
        var sides = Difference.ofSides(values, withoutTheSixth(runs(logarithms(BASELINE, 24), 0, 0)), 20);
        assertDifference(sides, 1.206792086485389, 0.8895996409658654, 1.63708152852058, 0.9472373475915045, 1.5374680313299969,
                0.18222362304866496);
        assertEquals(new Sample(Unit.RUNS, 4, 20, false, new Scope(5, 0)), sides.sample());
        var pairs = Difference.ofRunsInPairs(withoutTheSixth(runs(RATIOS, 0.1, 0)), 20);
        assertDifference(pairs, 1.2067920864853892, 0.8663674382143903, 1.680980927682756, 0.9444924438183541, 1.5419362532071723,
                0.16883674851383607);
        assertEquals(new Sample(Unit.RUNS, 4, 20, true, new Scope(5, 0)), pairs.sample());
    }

    /** With one repetition of a prompt its own variance is not known; that of the others stands for it. */
    @Test
    void promptsWithFewRepetitionsShareOneVariance() {
        var unequal = ofRatios(RATIOS, i -> i == 23 ? 1 : 0);
        var rest = Arrays.copyOf(RATIOS, 23);
        var variance = variance(rest) * (1 / 23.0 + 1) / 4;
        var half = org.apache.commons.statistics.distribution.TDistribution.of(22).inverseCumulativeProbability(0.975)
                * Math.sqrt(variance);
        assertEquals(Math.exp(Math.log(unequal.ratio()) + half), unequal.upper95(), 1e-9);
    }

    private static double variance(double[] values) {
        var mean = Arrays.stream(values).average().orElseThrow();
        return Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum() / (values.length - 1);
    }

    @Test
    void promptsCountAlikeHoweverOftenTheyWereAsked() {
        var unequal = ofRatios(RATIOS, i -> Math.min(i % 10, 7)); // 2, 3 or 6 times
        assertDifference(unequal, 1.0799852115618418, 0.9508775536711944, 1.2266227682934627, 0.9736133416544851, 1.197978712175655,
                0.2088019273382572);
        assertSpread(0.09814702891904029, 0.17491380764656217, unequal);
        assertSpread(0.12231040429034902, 0.18391454884673092, ofRatios(RATIOS, i -> i == 23 ? 8 : i % 8)); // the ninth prompt once
        assertDifference(ofRatios(RATIOS, i -> Math.min(i % 4, 2)), 1.0740382516544895, 0.9825028568529902, 1.1741015895993847,
                0.9976024128778038, 1.1563305692989856, 0.11088302089197596);
        assertSpread(0.0836246250874747, 0.1898989730288058, ofRatios(RATIOS, i -> i % 8));
        assertSpread(0, 0.20978297959868236, ofRatios(RATIOS, i -> i % 2));
        assertSpread(0.21949057255306603, 0.13157219180316598, ofRatios(sorted(RATIOS), i -> i / 12));
        assertSpread(0.20602573661111648, 0.20602573661111648, ofRatios(RATIOS, i -> i));
    }

    private static void assertSpread(double between, double within, Difference found) {
        assertEquals(between, found.spread().between(), 1e-9);
        assertEquals(within, found.spread().within(), 1e-9);
    }

    @Test
    void dependenceOnTimeMakesEachKindOfIntervalWider() {
        assertDifference(ofRatios(sorted(RATIOS), i -> i), 1.0612224287223704, 0.8958707522516531,
                1.2570932139405917, 0.9232759705372641,
                1.2197794366597265, 0.465622464764099);
        assertDifference(ofRatios(sorted(RATIOS), i -> i % 2), 1.0612224287223704, 0.8942482135452426,
                1.2593741045996831, 0.9218943490103304,
                1.221607491609417, 0.47033785343588724);
    }

    @Test
    void dependenceOnTimeIsMeasuredFromSixteenValuesOn() {
        assertDependence(new TimeDependence(1.0610137853719563, 2.386959422535702, 0.0052126374186497884, 9.693048325496127,
                3.83262065195059), sorted(RATIOS));
        assertDependence(new TimeDependence(1.0610137853719563, 0, 0.5869883347479795, 3.5977961864566974, 0), RATIOS);
        assertDependence(new TimeDependence(0.5050874737123735, 0.2609327302830136, 0.19175444700954594, 2.1637186109362774,
                1.2671779191039827), Arrays.copyOf(RATIOS, 16));
        assertDependence(new TimeDependence(0.43675477116069616, 0, 1, 1.6460074087403402, 0), Arrays.copyOf(RATIOS, 15));
        assertEquals(new TimeDependence(0, 0, 1, 0, 0), TimeDependence.of(new double[20]));
    }

    private static void assertDependence(TimeDependence expected, double[] series) {
        var found = TimeDependence.of(series);
        assertEquals(expected.variance(), found.variance(), 1e-9);
        assertEquals(expected.excess(), found.excess(), 1e-9);
        assertEquals(expected.pValue(), found.pValue(), 1e-9);
        assertEquals(expected.mostExcess(), found.mostExcess(), 1e-9);
        assertEquals(expected.slowSpread(), found.slowSpread(), 1e-9);
    }

    @Test
    void aFewTimesOfZeroAreLeftOutAndOfManyThereIsNoRatio() {
        for (var zeros : List.of(2, 3)) { // of 24: fewer, and more, than a tenth
            var values = VALUES.clone();
            Arrays.fill(values, 0, zeros, 0);
            var found = Difference.ofPairs(pairs(values, BASELINE, 24), 1);
            assertEquals(24 - zeros, found.size());
            assertEquals(zeros == 3, found.ratio() == null);
        }
        var values = Arrays.copyOf(VALUES, 20);
        Arrays.fill(values, 0, 2, 0);
        assertNotNull(Difference.ofPairs(pairs(values, BASELINE, 20), 1).ratio(), "a tenth is few");
    }

    /** Each prompt but for the first five degrees of freedom: ten answers to five prompts have five, nine have four. */
    @Test
    void repetitionsNeedFiveDegreesOfFreedom() {
        assertNotNull(ofRatios(Arrays.copyOf(RATIOS, 10), i -> i % 5).lower95());
        var tooFew = ofRatios(Arrays.copyOf(RATIOS, 9), i -> i % 5);
        assertNull(tooFew.lower95());
        assertEquals(Math.exp((RATIOS[0] + RATIOS[5] + RATIOS[1] + RATIOS[6] + RATIOS[2] + RATIOS[7] + RATIOS[3] + RATIOS[8]) / 10
                + RATIOS[4] / 5),
                tooFew.ratio(), 1e-9);
        assertNotNull(tooFew.spread());
        assertNotNull(Differences.ofMeans(new double[] {1, 2}, new double[] {2, 3}).lower95());
        assertNull(Differences.ofMeans(new double[] {1}, new double[] {2, 3}).lower95());
        assertNull(Differences.ofMeans(new double[] {1, Double.NEGATIVE_INFINITY}, new double[] {2, 3}).ratio(), "a time of 0");
        assertNull(Differences.ofMeans(new double[] {1, Double.NaN}, new double[] {2, 3}).ratio());
    }

    @Test
    void equalRunsDifferByNothingAndExactlyEqualDistancesByNoChance() {
        var same = Differences.ofMeans(new double[] {1, 1}, new double[] {1, 1});
        assertDifference(same, 1, 1, 1, 1, 1, 1);
        assertEquals(Verdict.SAME, same.verdict(0.05));
        var apart = Differences.ofMeans(new double[] {2, 2}, new double[] {1, 1});
        assertDifference(apart, Math.E, Math.E, Math.E, Math.E, Math.E, 0);
        assertEquals(Verdict.SLOWER, apart.verdict(0.05));
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
        assertFalse(Difference.ofPairs(random, 1).load().seen());
        var dependent = Difference.ofPairs(inOrder, 1);
        assertTrue(dependent.load().seen());
        assertDifference(dependent, 1.0612224287223702, 0.8963417441389911, 1.256432661523765,
                0.9245494753906381, 1.218099272348373,
                0.4557734074143104);
        Collections.shuffle(inOrder, new Random(1));
        assertEquals(dependent, Difference.ofPairs(inOrder, 1), "the times decide, not the order of the list");
    }

    @Test
    void aTrendIsOneFromThePValueOfOnePercentOn() {
        for (var slope : List.of(0.0039, 0.0040)) { // 1 % at 0.0039323 (scipy.stats.linregress)
            assertEquals(slope == 0.0040,
                    Trend.isSignificant(IntStream.range(0, 24).mapToDouble(i -> RATIOS[i] + slope * i).toArray()));
            assertEquals(slope == 0.0040,
                    Trend.isSignificant(IntStream.range(0, 24).mapToDouble(i -> -RATIOS[i] - slope * i).toArray()));
        }
        assertTrue(Trend.isSignificant(new double[] {1, 2, 3}), "a line without a rest");
        assertFalse(Trend.isSignificant(new double[] {1, 2}), "two values are on a line always");
        assertFalse(Trend.isSignificant(new double[] {3, 3, 3, 3}));
    }

    @Test
    void machinesDifferFromThePValueOfOnePercentOn() {
        for (var shift : List.of(0.16, 0.17)) { // 1 % at 0.16529 (scipy.stats.f_oneway)
            var third = Arrays.stream(RATIOS, 16, 24).map(each -> each + shift).toArray();
            assertEquals(shift == 0.17, Machines.differ(List.of(Arrays.copyOf(RATIOS, 8),
                    Arrays.copyOfRange(RATIOS, 8, 16), third)));
        }
    }

    @Test
    void aChangeHasTheRatioAndIntervalOfWelch() {
        var series = IntStream.range(0, 24).mapToDouble(i -> RATIOS[i] + (i < 12 ? 0 : 1)).toArray();
        var change = ChangePoints.of(series).getFirst();
        assertEquals(12, change.at());
        assertEquals(3.217211037184098, change.ratio(), 1e-9);
        assertEquals(2.7351700658378233, change.lower(), 1e-9);
        assertEquals(3.784205957448822, change.upper(), 1e-9);
        assertFalse(Changes.runsResemble(series, ChangePoints.of(series)), "of the rest without the two levels");
        assertTrue(Changes.runsResemble(series, List.of()));
    }

    @Test
    void runsResembleFromTheFifthOfSeriesOnThatAreMostAlike() {
        for (var weight : List.of(0.131, 0.132)) { // 0.84 / sqrt(24) is passed at 0.1316
            var sorted = sorted(RATIOS);
            var series = IntStream.range(0, 24).mapToDouble(i -> weight * sorted[i] + RATIOS[i]).toArray();
            assertEquals(weight == 0.132, Changes.runsResemble(series, List.of()));
        }
        assertFalse(Changes.runsResemble(new double[12], List.of()));
    }

    /** Draws whose figures are 0, 1, 2, ... have the ends of SciPy's normal and Student's distribution, away from the middle. */
    @Test
    void theEndsOfABootstrapAreAsFarOutAsStudentsDistributionIsWider() {
        assertEquals(List.of(5.0, 994.0, 21.0, 978.0), ends(8)); // 5.73, 993.27, 21.39, 977.61
        assertEquals(List.of(18.0, 981.0, 41.0, 958.0), ends(30)); // 18.74, 980.26, 41.94, 957.06
    }

    private static List<Double> ends(int prompts) {
        var next = new AtomicInteger();
        var draws = new PromptBootstrap(prompts, 100, 100, counts -> next.getAndIncrement());
        return List.of(draws.end(0.025), draws.end(0.975), draws.end(0.05), draws.end(0.95));
    }

    @Test
    void eachDrawTakesAsManyPromptsAsThereAreAndFewerDrawsAreMadeOfManyValues() {
        var draws = new AtomicInteger();
        var seen = new TreeSet<Integer>();
        new PromptBootstrap(6, 10, 20_000, counts -> {
            assertEquals(6, Arrays.stream(counts).sum());
            Arrays.stream(counts).forEach(seen::add);
            return draws.incrementAndGet();
        });
        assertEquals(1000, draws.get());
        assertTrue(seen.containsAll(List.of(0, 1, 2, 3, 4)), "with replacement: " + seen);
        new PromptBootstrap(6, 10, 20_001, counts -> draws.incrementAndGet());
        assertEquals(1200, draws.get());
        assertEquals("[1, 1, 1]", Arrays.toString(PromptBootstrap.once(3)));
    }

    /**
     * The p value is of the smaller share of the draws on a side of 1, as much wider as the ends of the interval are, and never 0:
     * 2 * t.cdf(norm.ppf(21 / 1001) * sqrt(7 / 8), 7) with SciPy.
     */
    @Test
    void thePValueOfABootstrapFitsItsInterval() {
        assertEquals(0.09883135086051377, pValue(i -> i < 20 ? 0.9 : 1.1), 1e-9);
        assertEquals(0.09883135086051377, pValue(i -> i < 980 ? 0.9 : 1.1), 1e-9);
        assertEquals(0.12428472181331171, pValue(i -> i < 20 ? 0.9 : i < 30 ? 1 : 1.1), 1e-9, "1 is on both sides");
        assertEquals(0.12428472181331171, pValue(i -> i < 970 ? 0.9 : i < 980 ? 1 : 1.1), 1e-9);
        assertEquals(0.023285477567710197, pValue(i -> 2), 1e-9);
        assertEquals(1, pValue(i -> 1), 1e-9);
        for (var below : List.of(4, 5)) { // the lower end of 95 % is the sixth draw: 5.73
            assertEquals(below == 4, pValue(i -> i < below ? 0.9 : 1.1) <= 0.05);
        }
    }

    private static double pValue(IntToDoubleFunction figure) {
        var next = new AtomicInteger();
        return new PromptBootstrap(8, 100, 100, counts -> figure.applyAsDouble(next.getAndIncrement())).pValueOfOne();
    }

    @ParameterizedTest
    @CsvSource({"6, 6, 0.5, true", "5, 60, 0.5, false", "6, 5, 0.5, false", "6, 60, 0.95, true",
            "6, 59, 0.95, false", "6, 160, 0.99, true",
        "6, 159, 0.99, false"})
    void aBootstrapNeedsSixPromptsAndValuesInTheTail(int prompts, int size, double fraction, boolean enough) {
        assertEquals(enough, PromptBootstrap.isEnough(prompts, size, fraction));
    }

    @Test
    void aQuantileOfDrawnPromptsCountsEachAnswerOfAPromptAsOftenAsThePrompt() {
        var values = List.of(new PromptValue("b", 40), new PromptValue("a", 10), new PromptValue("c", 99), new PromptValue("b", 20),
                new PromptValue("a", 30));
        var sorted = PromptBootstrap.Sorted.of(values, List.of("a", "b")); // 10 a, 20 b, 30 a, 40 b
        assertEquals(4, sorted.size(), "prompts that the other group lacks are left out");
        assertEquals(20, sorted.quantile(new int[] {1, 1}, 0.5));
        assertEquals(30, sorted.quantile(new int[] {1, 1}, 0.51));
        assertEquals(10, sorted.quantile(new int[] {1, 1}, 0));
        assertEquals(40, sorted.quantile(new int[] {1, 1}, 1));
        assertEquals(10, sorted.quantile(new int[] {2, 0}, 0.5));
        assertEquals(40, sorted.quantile(new int[] {0, 2}, 0.75));
        assertEquals(40, sorted.quantile(new int[] {0, 0}, 0.5));
    }

    /** A quantile that is twice that of the other group in all draws is twice it in both intervals. */
    @Test
    void aRatioOfQuantilesHasItsIntervalAndPValueFromTheDraws() {
        var values = spread(400, 40, 0);
        var twice = values.stream().map(each -> new PromptValue(each.prompt(), 2 * each.value())).toList();
        var found = QuantileRatio.of(twice, values, 0.95, true);
        assertEquals(new QuantileRatio(2.0, 2.0, 2.0, 2.0, 2.0, found.pValue()), found);
        assertTrue(found.pValue() < 0.01, found.toString());
        assertEquals(new QuantileRatio(1.0, 1.0, 1.0, 1.0, 1.0, 1.0), QuantileRatio.of(values, values, 0.95, true));
        assertEquals(new QuantileRatio(2.0, null, null, null, null, null), QuantileRatio.of(twice, values, 0.95, false));
        var other = QuantileRatio.of(spread(400, 40, 300), values, 0.9, true);
        assertTrue(other.lower() < other.lower90() && other.lower90() < other.ratio() && other.ratio() < other.upper90()
                && other.upper90() < other.upper(), other.toString());
        assertNotNull(QuantileRatio.of(spread(20, 5, 0), spread(20, 5, 0), 0.95, true).ratio(), "20 values have a p95");
        assertNull(QuantileRatio.of(spread(19, 5, 0), spread(20, 5, 0), 0.95, true).ratio());
        assertNull(QuantileRatio.of(List.of(), List.of(), 0.5, true).ratio());
    }

    /** Values without an order; each prompt is away from the one before it by this much, and the fourth is like the first. */
    private static List<PromptValue> spread(int size, int prompts, double distance) {
        return IntStream.range(0, size)
                .mapToObj(i -> new PromptValue("p" + i % prompts, i * 7919 % 1009 + 1 + distance * (i % prompts % 3))).toList();
    }

    @Test
    void theIntervalOfAQuantileIsThatOfSciPy() {
        assertEquals(new QuantileInterval(937, 978), QuantileInterval.of(spread(400, 400, 0), 0.95));
        // as 110.8 independent values
        assertEquals(new QuantileInterval(1216, 1470), QuantileInterval.of(spread(400, 40, 300), 0.9));
        var fewPrompts = IntStream.range(0, 400).mapToObj(i -> new PromptValue("p" + i % 8, i * 7919 % 1009 + 1 + 100 * (i % 8)))
                .toList();
        assertEquals(new QuantileInterval(666, 1100), QuantileInterval.of(fewPrompts, 0.5)); // as 22.6
        assertNull(QuantileInterval.of(spread(400, 40, 0), 1), "no value is above the largest");
    }

    /** Coverage of the ratio of two p95; 400 data sets, so the standard error is 1.1 points. */
    @Tag(SIMULATION)
    @Test
    void theIntervalOfATailHoldsTheTruth() {
        var random = new SplittableRandom(2);
        for (var size : List.of(new int[] {30, 2}, new int[] {8, 20})) {
            var held = 0;
            for (int experiment = 0; experiment < 400; experiment++) {
                var effects = random.doubles(size[0]).map(unused -> 0.3 * random.nextGaussian()).toArray();
                var found = QuantileRatio.of(tail(random, effects, size[1]), tail(random, effects, size[1]), 0.95, true);
                held += found.lower() <= 1 && 1 <= found.upper() ? 1 : 0;
            }
            assertTrue(held >= 370, size[0] + " x " + size[1] + ": " + held + " of 400");
        }
    }

    /** Coverage of the quantile itself where there is an interval; the truth is that of many prompts. */
    @Tag(SIMULATION)
    @ParameterizedTest
    @CsvSource({"0.95, 80, 2", "0.95, 80, 1", "0.95, 200, 2", "0.99, 400, 1"})
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
        assertEquals(400, known, "shown always, or never");
        assertTrue(held >= 0.925 * known, held + " of 400");
    }

    @Test
    void aHighQuantileHasNoIntervalWhereNoValueIsCertainToBeAboveIt() {
        var random = new SplittableRandom(1);
        assertNull(QuantileInterval.of(tail(random, new double[71], 1), 0.95));
        assertNotNull(QuantileInterval.of(tail(random, new double[72], 1), 0.95));
        assertNull(QuantileInterval.of(tail(random, new double[367], 1), 0.99));
        assertNotNull(QuantileInterval.of(tail(random, new double[368], 1), 0.99));
        assertNull(QuantileInterval.of(tail(random, new double[71], 40), 0.95), "repetitions do not replace prompts");
        assertNull(QuantileInterval.of(tail(random, new double[1], 400), 0.5), "1 prompt");
    }

    private static List<PromptValue> tail(SplittableRandom random, double[] effects, int repetitions) {
        var values = new ArrayList<PromptValue>();
        for (int i = 0; i < effects.length * repetitions; i++) {
            var rare = random.nextInt(20) == 0 ? -Math.log(1 - random.nextDouble()) : 0;
            values.add(new PromptValue("p" + i % effects.length,
                    Math.exp(effects[i % effects.length] + 0.3 * random.nextGaussian() + rare)));
        }
        return values;
    }

    @Test
    void aTailOfFewValuesHasNoInterval() {
        var random = new SplittableRandom(1);
        assertNull(QuantileRatio.of(tail(random, new double[10], 5), tail(random, new double[10], 5), 0.95, true).lower(),
                "50 values");
        assertNull(QuantileRatio.of(tail(random, new double[5], 40), tail(random, new double[5], 40), 0.95, true).lower(),
                "5 prompts");
        assertNull(QuantileRatio.of(tail(random, new double[10], 1), tail(random, new double[10], 1), 0.95, true).ratio(),
                "10 values");
    }

    @Test
    void failuresThatNeverEndHaveAPlaceInAQuantile() {
        var values = new ArrayList<PromptValue>();
        var baseline = new ArrayList<PromptValue>();
        for (int i = 0; i < 20; i++) {
            values.add(new PromptValue("p" + i, i < 5 ? Double.POSITIVE_INFINITY : 200));
            baseline.add(new PromptValue("p" + i, 100));
        }
        assertEquals(2, QuantileRatio.of(values, baseline, 0.5, true).ratio());
        assertEquals(Double.POSITIVE_INFINITY, QuantileRatio.of(values, baseline, 0.95, true).ratio());
    }

    @Test
    void aBaselineThatTheDataChooseIsComparedWithAllOthers() {
        assertEquals(3, Difference.family(4, false));
        assertEquals(6, Difference.family(4, true));
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
        return Differences.of(Unit.PROMPTS, 30, 30, 1.1, 1.01, 1.2, 1.02, 1.19, pValue, false, null);
    }

    @Test
    void timesOfZeroAndEqualSamplesAreNoAccident() {
        assertNull(Difference.ofPairs(pairs(VALUES, new double[24], 24), 1).ratio());
        assertEquals("not comparable: times of 0 ms",
                Difference.ofPairs(pairs(new double[10], new double[10], 10), 1).verdictWords(0.05));
        assertEquals(Verdict.SAME, Difference.ofPairs(pairs(VALUES, VALUES, 24), 1).verdict(0.05));
        assertEquals("not comparable: no prompt that all runs have, or times of 0 ms",
                Difference.ofSides(new double[0][], new double[0][], 3).verdictWords(0.05));
    }

    @Tag(SIMULATION)
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
}
