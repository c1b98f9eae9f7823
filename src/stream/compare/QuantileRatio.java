//JAVA 25+
//SOURCES ../metric/Metrics.java
//SOURCES Difference.java
//SOURCES Interval.java
//SOURCES LoadCheck.java
//SOURCES PromptBootstrap.java
//SOURCES PromptValue.java
//SOURCES Sample.java

package stream.compare;

import java.util.List;
import java.util.stream.Collectors;

import stream.metric.Metrics;

/**
 * The ratio of a quantile of two groups, with its interval over prompts like these.
 *
 * @param ratio   null if a group has too few values for the quantile
 * @param lower   lower end of the 95 % interval; null if there are too few for one
 * @param upper   upper end
 * @param lower90 lower end of the 90 % interval
 * @param upper90 upper end
 * @param pValue  two-sided
 */
public record QuantileRatio(Double ratio, Double lower, Double upper, Double lower90, Double upper90, Double pValue) {

    /**
     * Compares the same quantile of two groups; prompts that only one of them has are left out.
     *
     * @param fraction 0 to 1, as 0.95 for p95
     * @param isPrompts whether prompts are the only source of chance; else there is no interval
     */
    static QuantileRatio of(List<PromptValue> values, List<PromptValue> baseline, double fraction, boolean isPrompts) {
        var ofBaseline = baseline.stream().map(PromptValue::prompt).collect(Collectors.toSet());
        var prompts = values.stream().map(PromptValue::prompt).distinct().filter(ofBaseline::contains).toList();
        var own = PromptBootstrap.Sorted.of(values, prompts);
        var other = PromptBootstrap.Sorted.of(baseline, prompts);
        var size = Math.min(own.size(), other.size());
        if (size < Math.max(1, Metrics.leastValues(fraction))) {
            return new QuantileRatio(null, null, null, null, null, null);
        }
        var once = PromptBootstrap.once(prompts.size());
        var ratio = ratio(own.quantile(once, fraction), other.quantile(once, fraction));
        if (!isPrompts || !PromptBootstrap.isEnough(prompts.size(), size, fraction)) {
            return new QuantileRatio(ratio, null, null, null, null, null);
        }
        var draws = new PromptBootstrap(prompts.size(), size, own.size() + other.size(),
                counts -> ratio(own.quantile(counts, fraction), other.quantile(counts, fraction)));
        return new QuantileRatio(ratio, Math.min(ratio, draws.end(0.025)), Math.max(ratio, draws.end(0.975)),
                Math.min(ratio, draws.end(0.05)), Math.max(ratio, draws.end(0.95)), draws.pValueOfOne());
    }

    /** Returns the same as a difference between groups. */
    Difference difference(Sample sample) {
        return new Difference(sample, ratio,
                lower == null ? null : new Interval(lower, upper), lower == null ? null : new Interval(lower90, upper90), pValue,
                LoadCheck.NONE, null);
    }

    private static double ratio(double value, double baseline) {
        return value == baseline ? 1 : value / baseline;
    }
}
