//JAVA 25+
//SOURCES ../compare/Changes.java

package stream.bench;

import java.util.SplittableRandom;

import stream.compare.Changes;

/**
 * Series of runs, and how often a change is marked in them.
 *
 * @param runs        how many
 * @param spread      standard deviation of the logarithm from run to run
 * @param correlation of a run to the next
 * @param heavyTails  whether the spread has three degrees of freedom
 * @param changeAt    index of the first run after a true change; the number of runs for none
 * @param ratio       of that change
 * @param drift       by which share the times grow from the first run to the last
 */
record HistorySimulation(int runs, double spread, double correlation, boolean heavyTails, int changeAt,
        double ratio, double drift) {

    static HistorySimulation of(int runs, double spread) {
        return new HistorySimulation(runs, spread, 0, false, runs, 1, 0);
    }

    HistorySimulation correlated(double toNext) {
        return new HistorySimulation(runs, spread, toNext, heavyTails, changeAt, ratio, drift);
    }

    HistorySimulation withHeavyTails() {
        return new HistorySimulation(runs, spread, correlation, true, changeAt, ratio, drift);
    }

    HistorySimulation changed(int at, double toRatio) {
        return new HistorySimulation(runs, spread, correlation, heavyTails, at, toRatio, drift);
    }

    HistorySimulation drifting(double share) {
        return new HistorySimulation(runs, spread, correlation, heavyTails, changeAt, ratio, share);
    }

    /** How often a change is marked, and how often of these without a caveat. */
    record Marked(double share, double withoutCaveat) { }

    Marked marked(int histories) {
        var random = new SplittableRandom(1);
        var marked = 0;
        var withoutCaveat = 0;
        for (int i = 0; i < histories; i++) {
            var changes = Changes.of(series(random));
            marked += changes.isEmpty() ? 0 : 1;
            withoutCaveat += changes.isEmpty() || changes.limit() != null ? 0 : 1;
        }
        return new Marked(marked / (double) histories, withoutCaveat / (double) histories);
    }

    private double[] series(SplittableRandom random) {
        var series = new double[runs];
        var before = random.nextGaussian();
        for (int run = 0; run < runs; run++) {
            before = correlation * before + Math.sqrt(1 - correlation * correlation) * fresh(random);
            series[run] = spread * before + (run >= changeAt ? Math.log(ratio) : 0) + Math.log1p(drift * run / (runs - 1));
        }
        return series;
    }

    private double fresh(SplittableRandom random) {
        if (!heavyTails) {
            return random.nextGaussian();
        }
        var sum = 0.0;
        for (int i = 0; i < 3; i++) {
            var normal = random.nextGaussian();
            sum += normal * normal;
        }
        return random.nextGaussian() / Math.sqrt(sum / 3);
    }
}
