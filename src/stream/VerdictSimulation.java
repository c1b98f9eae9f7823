//JAVA 25+
//SOURCES Statistics.java

// VerdictSimulation: how often a verdict is wrong, and how often a difference is found, in runs whose truth is known. The seeds
// are fixed. Bench.java verdicts prints the table, StatisticsTest pins it.

package stream;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;

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

    private static double chiSquared3(SplittableRandom random) {
        var sum = 0.0;
        for (int i = 0; i < 3; i++) {
            var normal = random.nextGaussian();
            sum += normal * normal;
        }
        return sum;
    }

    /** Returns what two models tell if the first takes so many times as long as the second. */
    Difference difference(SplittableRandom random, double trueRatio) {
        return Difference.ofPairs(pairs(times(random, 0, 2), times(random, 1, 2), trueRatio));
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
                side[i] = java.util.Arrays.stream(times(random, 0, 1)).map(Math::log).average().orElseThrow();
            }
        }
        return Difference.ofMeans(means[0], means[1], Unit.RUNS, runsOfEach, prompts * repetitions);
    }
}

/** The table of Bench.java verdicts. */
final class VerdictSimulation {

    static final double MARGIN = 0.05;

    private VerdictSimulation() { }

    /** Whether it says that one is faster. */
    static boolean isDifferent(Difference difference) {
        return difference.verdict(MARGIN) == Verdict.FASTER || difference.verdict(MARGIN) == Verdict.SLOWER;
    }

    static boolean isSame(Difference difference) {
        return difference.verdict(MARGIN) == Verdict.SAME;
    }

    /** Returns the share of data sets for which a verdict is given. */
    static double share(RunDesign design, double trueRatio, int dataSets, Predicate<Difference> verdict) {
        var random = new SplittableRandom(1);
        var count = 0;
        for (int i = 0; i < dataSets; i++) {
            count += verdict.test(design.difference(random, trueRatio)) ? 1 : 0;
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

    /** Returns the table as text. */
    static String table(int dataSets) {
        var table = new Table().column("runs without a true difference", true).column("false verdicts", false)
                .column("caveat in the sentence", true);
        var spread = RunDesign.of(8, 20, 0.2, 0.2);
        row(table, "8 prompts x 20, each prompt and model with its own effect", share(spread, 1, dataSets, VerdictSimulation::isDifferent), "");
        row(table, "the same with three models, any verdict", shareOfMany(spread, 3, dataSets), "");
        for (var prompts : List.of(3, 1)) {
            row(table, prompts + " x 20, the same", share(RunDesign.of(prompts, 20, 0.2, 0.2), 1, dataSets, VerdictSimulation::isDifferent),
                    prompts == 1 ? "for this prompt only" : "for these 3 prompts only");
        }
        row(table, "30 x 2", share(RunDesign.of(30, 2, 0, 0.2), 1, dataSets, VerdictSimulation::isDifferent), "");
        row(table, "60 x 1", share(RunDesign.of(60, 1, 0, 0.2), 1, dataSets, VerdictSimulation::isDifferent), "");
        row(table, "30 x 2, heavy tails", share(RunDesign.of(30, 2, 0, 0.2).withHeavyTails(), 1, dataSets, VerdictSimulation::isDifferent), "");
        row(table, "--order by-model, +20 % drift, 8 x 20", share(RunDesign.of(8, 20, 0, 0.2).oneAfterTheOther(0.2), 1, dataSets,
                VerdictSimulation::isDifferent), "not at the same time");
        for (var day : List.of(0.05, 0.1)) {
            row(table, "before and after, one run each, 8 x 20, day effect " + day, share(RunDesign.of(8, 20, 0, 0.2).onTwoDays(day), 1, dataSets,
                    VerdictSimulation::isDifferent), "not at the same time");
            row(table, "the same with three runs of each", shareOfRuns(RunDesign.of(8, 20, 0, 0.2).onTwoDays(day), 3, dataSets), "");
        }
        for (var correlation : List.of(0.8, 0.95)) {
            var loaded = RunDesign.of(8, 20, 0, 0.2).withLoad(0.1, correlation);
            row(table, "8 x 20, each model with its own load, correlated by " + correlation,
                    share(loaded, 1, dataSets, VerdictSimulation::isDifferent), "");
            row(table, "of these without the caveat", share(loaded, 1, dataSets, difference -> isDifferent(difference) && !difference.mayBeLoad()),
                    "the load changed");
        }
        table.row(List.of("", "", ""));
        row(table, "\"the same\" at a true ratio of 1.05, 60 x 1, spread 0.1", share(RunDesign.of(60, 1, 0, 0.1), 1.05, dataSets,
                VerdictSimulation::isSame), "");
        row(table, "the same, 200 x 1", share(RunDesign.of(200, 1, 0, 0.1), 1.05, dataSets, VerdictSimulation::isSame), "");
        table.row(List.of("", "", ""));
        row(table, "found: 60 x 1, spread 0.1, true ratio 1.06", share(RunDesign.of(60, 1, 0, 0.1), 1.06, dataSets,
                VerdictSimulation::isDifferent), "");
        row(table, "found: 60 x 1, heavy tails", share(RunDesign.of(60, 1, 0, 0.1).withHeavyTails(), 1.06, dataSets,
                VerdictSimulation::isDifferent), "");
        row(table, "found: 8 x 20, own effects 0.2, true ratio 1.5", share(spread, 1.5, dataSets, VerdictSimulation::isDifferent), "");
        row(table, "found to be the same: 60 x 1, spread 0.1", share(RunDesign.of(60, 1, 0, 0.1), 1, dataSets, VerdictSimulation::isSame), "");
        table.row(List.of("", "", ""));
        var small = RunDesign.of(20, 1, 0, 0.2);
        for (var ratio : List.of(1.0, 1.1, 1.2, 1.5)) {
            row(table, "--fail-if 'ttft_p50 > 1.2x', 20 x 1, true ratio " + ratio + ": fails", share(small, ratio, dataSets,
                    difference -> difference.lower95() > 1.2), "");
            row(table, "undecided", share(small, ratio, dataSets, difference -> difference.lower95() <= 1.2 && difference.upper95() > 1.2), "");
        }
        return table.text();
    }

    private static void row(Table table, String what, double share, String caveat) {
        table.row(List.of(what, String.format(java.util.Locale.ROOT, "%.1f %%", share * 100), caveat));
    }
}
