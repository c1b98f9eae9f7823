//JAVA 25+
//SOURCES Statistics.java

// VerdictSimulation: how often a verdict is wrong, and how often a difference is found, in runs whose truth is known. The seeds
// are fixed. Bench.java verdicts prints the table, StatisticsTest pins it.

package stream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.apache.commons.statistics.inference.WilcoxonSignedRankTest;

/**
 * A run of two or more models as people make it. Spreads are standard deviations of the logarithm of a time.
 *
 * @param prompts      how many
 * @param repetitions  of each
 * @param promptSpread of the effect that a prompt has on each model alone
 * @param noise        of each request
 * @param load         of the load that each model has for itself, and that goes on from request to request
 * @param correlation  of that load from one request to the next
 * @param drift        by how much times grow over the run, as a share
 * @param byModel      whether one model is measured after the other
 * @param day          of the effect that a day has on all requests of a run
 * @param heavyTails   whether the noise has three degrees of freedom
 */
record RunDesign(int prompts, int repetitions, double promptSpread, double noise, double load, double correlation, double drift,
                 boolean byModel, double day, boolean heavyTails) {

    static RunDesign of(int prompts, int repetitions, double promptSpread, double noise) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, 0, 0, 0, false, 0, false);
    }

    RunDesign withLoad(double spread, double correlationToNext) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, spread, correlationToNext, drift, byModel, day, heavyTails);
    }

    RunDesign oneAfterTheOther(double driftOverRun) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, load, correlation, driftOverRun, true, day, heavyTails);
    }

    RunDesign onTwoDays(double spread) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, load, correlation, drift, byModel, spread, heavyTails);
    }

    RunDesign withHeavyTails() {
        return new RunDesign(prompts, repetitions, promptSpread, noise, load, correlation, drift, byModel, day, true);
    }

    /** Returns the times of a model, in the order of time: repetition by repetition, prompt by prompt. */
    private double[] times(SplittableRandom random, int model, int models) {
        var effects = random.doubles(prompts).map(unused -> promptSpread * random.nextGaussian()).toArray();
        var times = new double[prompts * repetitions];
        var loadNow = load * random.nextGaussian();
        var dayNow = day * random.nextGaussian();
        for (int i = 0; i < times.length; i++) {
            var progress = i / (double) times.length;
            var noiseNow = noise * (heavyTails ? random.nextGaussian() / Math.sqrt(chiSquared3(random) / 3) : random.nextGaussian());
            times[i] = 200 * Math.exp(effects[i % prompts] + noiseNow + loadNow + dayNow)
                    * (1 + drift * (byModel ? (model + progress) / models : progress));
            loadNow = correlation * loadNow + load * Math.sqrt(1 - correlation * correlation) * random.nextGaussian();
        }
        return times;
    }

    static double chiSquared3(SplittableRandom random) {
        var sum = 0.0;
        for (int i = 0; i < 3; i++) {
            var normal = random.nextGaussian();
            sum += normal * normal;
        }
        return sum;
    }

    /** Returns the answers of two models if the first takes so many times as long as the second. */
    List<Pair> pairs(SplittableRandom random, double trueRatio) {
        return pairs(times(random, 0, 2), times(random, 1, 2), trueRatio);
    }

    private List<Pair> pairs(double[] values, double[] baseline, double trueRatio) {
        var pairs = new ArrayList<Pair>();
        for (int i = 0; i < values.length; i++) {
            pairs.add(new Pair("p" + i % prompts, i, values[i] * trueRatio, baseline[i]));
        }
        return pairs;
    }

    /** Returns how equal models differ from the one that seems to be the fastest. */
    List<Difference> againstFastest(SplittableRandom random, int models) {
        var times = new ArrayList<double[]>();
        for (int model = 0; model < models; model++) {
            times.add(times(random, model, models));
        }
        times.sort((one, other) -> Double.compare(Metrics.quantile(one, 0.5), Metrics.quantile(other, 0.5)));
        var differences = new ArrayList<Difference>();
        for (int model = 1; model < models; model++) {
            differences.add(Difference.ofPairs(pairs(times.get(model), times.getFirst(), 1)));
        }
        return Difference.corrected(differences, Difference.family(models, true));
    }

    /** Returns what runs on several days tell of two equal sides. */
    Difference ofRuns(SplittableRandom random, int runsOfEach) {
        var means = new double[2][runsOfEach];
        for (var side : means) {
            for (int i = 0; i < side.length; i++) {
                side[i] = Arrays.stream(times(random, 0, 1)).map(Math::log).average().orElseThrow();
            }
        }
        return Difference.ofMeans(means[0], means[1], Unit.RUNS, runsOfEach, prompts * repetitions);
    }
}

/** The table of Bench.java verdicts. */
final class VerdictSimulation {

    static final double MARGIN = 0.05;
    private static final double SIGNIFICANT = 0.05;

    private VerdictSimulation() { }

    /** Whether it says that one is faster. */
    static boolean isDifferent(Difference difference) {
        return difference.verdict(MARGIN) == Verdict.FASTER || difference.verdict(MARGIN) == Verdict.SLOWER;
    }

    static boolean isSame(Difference difference) {
        return difference.verdict(MARGIN) == Verdict.SAME;
    }

    /** Whether Wilcoxon's signed-rank test over the means of the prompts, the alternative to Student's interval, says so. */
    static boolean isDifferentByRanks(List<Pair> pairs) {
        var means = pairs.stream().collect(Collectors.groupingBy(Pair::prompt, Collectors.averagingDouble(Pair::logRatio)));
        return WilcoxonSignedRankTest.withDefaults().test(means.values().stream().mapToDouble(mean -> mean).toArray())
                .reject(SIGNIFICANT);
    }

    /** Returns the share of data sets for which a verdict is given. */
    static double share(RunDesign design, double trueRatio, int dataSets, Predicate<Difference> verdict) {
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
    static double shareOfMany(RunDesign design, int models, int dataSets) {
        var random = new SplittableRandom(1);
        var count = 0;
        for (int i = 0; i < dataSets; i++) {
            count += design.againstFastest(random, models).stream().anyMatch(VerdictSimulation::isDifferent) ? 1 : 0;
        }
        return count / (double) dataSets;
    }

    /** Returns the share of data sets in which two equal sides of several runs are called different. */
    static double shareOfRuns(RunDesign design, int runsOfEach, int dataSets) {
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
    static double shareOfHistories(int runs, int changeAt, double ratio, double spread, double correlation, boolean heavyTails,
                                   boolean withCaveat, int dataSets) {
        var random = new SplittableRandom(1);
        var count = 0;
        for (int i = 0; i < dataSets; i++) {
            var series = new double[runs];
            var before = random.nextGaussian();
            for (int run = 0; run < runs; run++) {
                var fresh = heavyTails ? random.nextGaussian() / Math.sqrt(RunDesign.chiSquared3(random) / 3) : random.nextGaussian();
                before = correlation * before + Math.sqrt(1 - correlation * correlation) * fresh;
                series[run] = spread * before + (changeAt >= 0 && run >= changeAt ? Math.log(ratio) : 0);
            }
            var changes = ChangePoints.of(series);
            count += changes.isEmpty() || !withCaveat && ChangePoints.runsResemble(series, changes) ? 0 : 1;
        }
        return count / (double) dataSets;
    }

    /** Returns the table as text. */
    static String table(int dataSets) {
        return new VerdictTable(dataSets).text();
    }
}

/** The lines of the table, each with what Wilcoxon's test would say where it applies. */
final class VerdictTable {

    private final int dataSets;
    private final Table table = new Table().column("runs without a true difference", true).column("false verdicts", false)
            .column("Wilcoxon", false).column("caveat in the sentence", true);

    VerdictTable(int dataSets) {
        this.dataSets = dataSets;
    }

    String text() {
        withoutDifference();
        table.row(List.of("", "", "", ""));
        sameOrFound();
        table.row(List.of("", "", "", ""));
        limits();
        table.row(List.of("", "", "", ""));
        histories();
        return table.text();
    }

    private void withoutDifference() {
        var spread = RunDesign.of(8, 20, 0.2, 0.2);
        row("8 prompts x 20, each prompt and model with its own effect", spread, 1, "");
        row("the same with three models, any verdict", VerdictSimulation.shareOfMany(spread, 3, dataSets), null, "");
        for (var prompts : List.of(3, 1)) {
            row(prompts + " x 20, the same", VerdictSimulation.share(RunDesign.of(prompts, 20, 0.2, 0.2), 1, dataSets,
                    VerdictSimulation::isDifferent), null, prompts == 1 ? "for this prompt only" : "for these 3 prompts only");
        }
        row("30 x 2", RunDesign.of(30, 2, 0, 0.2), 1, "");
        row("60 x 1", RunDesign.of(60, 1, 0, 0.2), 1, "");
        row("30 x 2, heavy tails", RunDesign.of(30, 2, 0, 0.2).withHeavyTails(), 1, "");
        row("--order by-model, +20 % drift, 8 x 20", RunDesign.of(8, 20, 0, 0.2).oneAfterTheOther(0.2), 1, "not at the same time");
        for (var day : List.of(0.05, 0.1)) {
            var twoDays = RunDesign.of(8, 20, 0, 0.2).onTwoDays(day);
            row("before and after, one run each, 8 x 20, day effect " + day, twoDays, 1, "not at the same time");
            row("the same with three runs of each", VerdictSimulation.shareOfRuns(twoDays, 3, dataSets), null, "");
        }
        for (var correlation : List.of(0.8, 0.95)) {
            var loaded = RunDesign.of(8, 20, 0, 0.2).withLoad(0.1, correlation);
            row("8 x 20, each model with its own load, correlated by " + correlation, loaded, 1, "");
            row("of these without the caveat", VerdictSimulation.share(loaded, 1, dataSets,
                    difference -> VerdictSimulation.isDifferent(difference) && !difference.mayBeLoad()), null, "the load changed");
        }
    }

    private void sameOrFound() {
        var independent = RunDesign.of(60, 1, 0, 0.1);
        row("\"the same\" at a true ratio of 1.05, 60 x 1, spread 0.1",
                VerdictSimulation.share(independent, 1.05, dataSets, VerdictSimulation::isSame), null, "");
        row("the same, 200 x 1",
                VerdictSimulation.share(RunDesign.of(200, 1, 0, 0.1), 1.05, dataSets, VerdictSimulation::isSame), null, "");
        row("found to be the same: 60 x 1, spread 0.1",
                VerdictSimulation.share(independent, 1, dataSets, VerdictSimulation::isSame), null, "");
        row("found: 60 x 1, spread 0.1, true ratio 1.06", independent, 1.06, "");
        row("found: 60 x 1, heavy tails", independent.withHeavyTails(), 1.06, "");
        row("found: 8 x 20, own effects 0.2, true ratio 1.5", RunDesign.of(8, 20, 0.2, 0.2), 1.5, "");
        row("found: 6 x 5, own effects 0.2, true ratio 1.5", RunDesign.of(6, 5, 0.2, 0.2), 1.5, "");
    }

    private void limits() {
        var small = RunDesign.of(20, 1, 0, 0.2);
        for (var ratio : List.of(1.0, 1.1, 1.2, 1.5)) {
            row("--fail-if 'ttft_p50 > 1.2x', 20 x 1, true ratio " + ratio + ": fails", VerdictSimulation.share(small, ratio, dataSets,
                    difference -> difference.lower95() > 1.2), null, "");
            row("undecided", VerdictSimulation.share(small, ratio, dataSets,
                    difference -> difference.lower95() <= 1.2 && difference.upper95() > 1.2), null, "");
        }
    }

    private void histories() {
        var few = Math.max(1, dataSets / 4); // each is tested with 2,000 random orders
        for (var runs : List.of(10, 24, 60)) {
            row("history of " + runs + " runs without a change, spread 0.05: a change is marked",
                    VerdictSimulation.shareOfHistories(runs, -1, 1, 0.05, 0, false, true, few), null, "");
        }
        row("the same with heavy tails, 24 runs", VerdictSimulation.shareOfHistories(24, -1, 1, 0.05, 0, true, true, few), null, "");
        for (var correlation : List.of(0.3, 0.5)) {
            row("the same, each run like the one before (" + correlation + "), 24 runs",
                    VerdictSimulation.shareOfHistories(24, -1, 1, 0.05, correlation, false, true, few), null, "each run resembles the one before");
            row("of these without the caveat", VerdictSimulation.shareOfHistories(24, -1, 1, 0.05, correlation, false, false, few), null, "");
        }
        for (var ratio : List.of(1.05, 1.1)) {
            row("found: 24 runs, from the 13th on " + ratio + "x, spread 0.05",
                    VerdictSimulation.shareOfHistories(24, 12, ratio, 0.05, 0, false, true, few), null, "");
        }
        row("found: 24 runs, from the 20th on 1.1x", VerdictSimulation.shareOfHistories(24, 19, 1.1, 0.05, 0, false, true, few), null, "");
        row("found without the caveat: 24 runs, from the 13th on 1.1x",
                VerdictSimulation.shareOfHistories(24, 12, 1.1, 0.05, 0, false, false, few), null, "");
    }

    private void row(String what, RunDesign design, double trueRatio, String caveat) {
        row(what, VerdictSimulation.share(design, trueRatio, dataSets, VerdictSimulation::isDifferent),
                VerdictSimulation.shareOfPairs(design, trueRatio, dataSets, VerdictSimulation::isDifferentByRanks), caveat);
    }

    private void row(String what, double share, Double byRanks, String caveat) {
        table.row(List.of(what, percent(share), byRanks == null ? "" : percent(byRanks), caveat));
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", share * 100);
    }
}
