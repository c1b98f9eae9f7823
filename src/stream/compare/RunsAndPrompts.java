//JAVA 25+
//SOURCES Difference.java
//SOURCES Estimate.java

package stream.compare;

import java.util.Arrays;

/**
 * Estimates where runs and prompts are both sources of chance: a day changes all prompts of a run, and each prompt suits one model
 * better than the other. The variance is that of the runs and that of the prompts, less what both contain, which is that of a
 * single cell (a crossed two-way layout with random effects; Searle, Casella and McCulloch 1992, Variance Components, chapter 4).
 * Logarithms are given as run by prompt.
 */
final class RunsAndPrompts {

    private RunsAndPrompts() { }

    /** The ratios of two models that were both asked in each run. */
    static Estimate ofPairs(double[][] logRatios) {
        var cells = new Cells(logRatios);
        var runs = cells.runs.length;
        return estimate(cells.mean, new Estimate.Part(variance(cells.runs) / runs, runs - 1), cells.prompts,
                cells.squares / cells.degrees() / runs, cells.degrees());
    }

    /**
     * Two sides, each with runs of its own. Both sides have one variance between runs: with few runs, two would be too uncertain
     * (Student's test in place of Welch's).
     */
    static Estimate ofSides(double[][] values, double[][] baseline) {
        var own = new Cells(values);
        var other = new Cells(baseline);
        var degrees = values.length + baseline.length - 2;
        var perRun = 1.0 / values.length + 1.0 / baseline.length;
        var between = (variance(own.runs) * (values.length - 1) + variance(other.runs) * (baseline.length - 1)) / degrees;
        var differences = new double[own.prompts.length];
        Arrays.setAll(differences, prompt -> own.prompts[prompt] - other.prompts[prompt]);
        return estimate(own.mean - other.mean, new Estimate.Part(between * perRun, degrees), differences,
                (own.squares + other.squares) / (own.degrees() + other.degrees()) * perRun, own.degrees() + other.degrees());
    }

    /** @param cell variance of a prompt's difference that comes from its cells */
    private static Estimate estimate(double mean, Estimate.Part runs, double[] prompts, double cell, double cellDegrees) {
        if (prompts.length < Difference.FEWEST_PROMPTS) {
            return Estimate.of(mean, runs); // for these prompts only
        }
        var ofPrompts = new Estimate.Part(variance(prompts) / prompts.length, prompts.length - 1);
        var cells = new Estimate.Part(cell / prompts.length, cellDegrees);
        var larger = runs.variance() > ofPrompts.variance() ? runs : ofPrompts;
        var sum = runs.variance() + ofPrompts.variance() - cells.variance();
        return Estimate.of(mean, sum <= larger.variance() ? larger
                : new Estimate.Part(sum, Estimate.Part.degrees(sum, runs, ofPrompts, cells)));
    }

    /** The means of the rows and columns, and what they do not explain. */
    private static final class Cells {
        private final double[] runs;
        private final double[] prompts;
        private final double mean;
        private final double squares;

        Cells(double[][] cells) {
            runs = Arrays.stream(cells).mapToDouble(RunsAndPrompts::mean).toArray();
            prompts = new double[cells[0].length];
            for (var run : cells) {
                for (int prompt = 0; prompt < prompts.length; prompt++) {
                    prompts[prompt] += run[prompt] / cells.length;
                }
            }
            mean = mean(runs);
            var sum = 0.0;
            for (int run = 0; run < runs.length; run++) {
                for (int prompt = 0; prompt < prompts.length; prompt++) {
                    var rest = cells[run][prompt] - runs[run] - prompts[prompt] + mean;
                    sum += rest * rest;
                }
            }
            squares = sum;
        }

        int degrees() {
            return (runs.length - 1) * (prompts.length - 1);
        }
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    private static double variance(double[] values) {
        var mean = mean(values);
        return Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum() / (values.length - 1);
    }
}
