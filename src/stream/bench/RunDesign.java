//JAVA 25+
//SOURCES ../metric/Metrics.java
//SOURCES ../compare/Difference.java
//SOURCES ../compare/Pair.java
//SOURCES ../compare/Unit.java

package stream.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

import stream.compare.Difference;
import stream.compare.Pair;
import stream.compare.Unit;
import stream.metric.Metrics;

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
public record RunDesign(int prompts, int repetitions, double promptSpread, double noise, double load,
        double correlation, double drift,
                 boolean byModel, double day, boolean heavyTails) {

    public static RunDesign of(int prompts, int repetitions, double promptSpread, double noise) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, 0, 0, 0, false, 0, false);
    }

    public RunDesign withLoad(double spread, double correlationToNext) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, spread, correlationToNext, drift, byModel, day, heavyTails);
    }

    RunDesign oneAfterTheOther(double driftOverRun) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, load, correlation, driftOverRun, true, day, heavyTails);
    }

    public RunDesign onTwoDays(double spread) {
        return new RunDesign(prompts, repetitions, promptSpread, noise, load, correlation, drift, byModel, spread, heavyTails);
    }

    public RunDesign withHeavyTails() {
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
            var noiseNow = noise * (heavyTails
                    ? random.nextGaussian() / Math.sqrt(chiSquared3(random) / 3) : random.nextGaussian());
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
