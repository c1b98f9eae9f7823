//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES ../compare/ChangePoints.java
//SOURCES ../compare/Difference.java
//SOURCES ../compare/Pair.java
//SOURCES ../compare/Verdict.java
//SOURCES RunDesign.java
//SOURCES VerdictTable.java

package stream.bench;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.apache.commons.statistics.inference.WilcoxonSignedRankTest;
import stream.compare.ChangePoints;
import stream.compare.Difference;
import stream.compare.Pair;
import stream.compare.Verdict;

/**
 * The table of Bench.java verdicts.
 *
 * <p>The seeds are fixed. {@code Bench.java verdicts} prints the table, VerdictSimulationTest pins it.
 */
public final class VerdictSimulation {

    static final double MARGIN = 0.05;
    private static final double SIGNIFICANT = 0.05;

    private VerdictSimulation() { }

    /** Whether it says that one is faster. */
    public static boolean isDifferent(Difference difference) {
        return difference.verdict(MARGIN) == Verdict.FASTER || difference.verdict(MARGIN) == Verdict.SLOWER;
    }

    public static boolean isSame(Difference difference) {
        return difference.verdict(MARGIN) == Verdict.SAME;
    }

    /** Whether Wilcoxon's signed-rank test over the means of the prompts, the alternative to Student's interval, says so. */
    static boolean isDifferentByRanks(List<Pair> pairs) {
        var means = pairs.stream().collect(Collectors.groupingBy(Pair::prompt, Collectors.averagingDouble(Pair::logRatio)));
        return WilcoxonSignedRankTest.withDefaults().test(means.values().stream().mapToDouble(mean -> mean).toArray())
                .reject(SIGNIFICANT);
    }

    /** Returns the share of data sets for which a verdict is given. */
    public static double share(RunDesign design, double trueRatio, int dataSets, Predicate<Difference> verdict) {
        return shareOfPairs(design, trueRatio, dataSets, pairs -> verdict.test(Difference.ofPairs(pairs)));
    }

    /** Returns the share of the same data sets for which another test finds a difference. */
    static double shareOfPairs(RunDesign design, double trueRatio, int dataSets, Predicate<List<Pair>> test) {
        var random = new SplittableRandom(1);
        var count = 0;
        for (int i = 0; i < dataSets; i++) {
            count += test.test(design.pairs(random, trueRatio)) ? 1 : 0;
        }
        return count / (double) dataSets;
    }

    /** Returns the share of data sets in which any of several equal models is called slower than the fastest. */
    public static double shareOfMany(RunDesign design, int models, int dataSets) {
        var random = new SplittableRandom(1);
        var count = 0;
        for (int i = 0; i < dataSets; i++) {
            count += design.againstFastest(random, models).stream().anyMatch(VerdictSimulation::isDifferent) ? 1 : 0;
        }
        return count / (double) dataSets;
    }

    /** Returns the share of data sets in which two equal sides of several runs are called different. */
    public static double shareOfRuns(RunDesign design, int runsOfEach, int dataSets) {
        var random = new SplittableRandom(1);
        var count = 0;
        for (int i = 0; i < dataSets; i++) {
            count += isDifferent(design.ofRuns(random, runsOfEach)) ? 1 : 0;
        }
        return count / (double) dataSets;
    }

    /**
     * Returns the share of histories in which a change is marked.
     *
     * @param runs        how many
     * @param changeAt    index of the first run after a true change; -1 for none
     * @param ratio       of that change
     * @param spread      standard deviation of the logarithm from run to run
     * @param correlation of a run to the next
     * @param heavyTails  whether the spread has three degrees of freedom
     * @param withCaveat  whether those count too of which the sentence says that runs resemble each other
     */
    public static double shareOfHistories(int runs, int changeAt, double ratio, double spread,
            double correlation, boolean heavyTails,
                                   boolean withCaveat, int dataSets) {
        var random = new SplittableRandom(1);
        var count = 0;
        for (int i = 0; i < dataSets; i++) {
            var series = new double[runs];
            var before = random.nextGaussian();
            for (int run = 0; run < runs; run++) {
                var fresh = heavyTails ? random.nextGaussian() / Math.sqrt(RunDesign.chiSquared3(random) / 3)
                        : random.nextGaussian();
                before = correlation * before + Math.sqrt(1 - correlation * correlation) * fresh;
                series[run] = spread * before + (changeAt >= 0 && run >= changeAt ? Math.log(ratio) : 0);
            }
            var changes = ChangePoints.of(series);
            count += changes.isEmpty() || !withCaveat && ChangePoints.runsResemble(series, changes) ? 0 : 1;
        }
        return count / (double) dataSets;
    }

    /** Returns the table as text. */
    public static String table(int dataSets) {
        return new VerdictTable(dataSets).text();
    }
}
