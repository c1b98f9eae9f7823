//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES PromptValue.java

package stream.compare;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;

import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * The 95 % interval of a quantile of a group, over prompts like these: two of its values, chosen by the binomial distribution
 * (David and Nagaraja 2003, Order Statistics, section 7.1) of as many independent values as the answers to repeated prompts are
 * worth (Korn and Graubard 1998, Confidence Intervals for Proportions with Small Expected Number of Positive Counts).
 *
 * @param lower lower end, in the unit of the values
 * @param upper upper end; infinite if the quantile may be of answers that never came
 */
public record QuantileInterval(double lower, double upper) {

    private static final double TAIL = 0.025;

    /**
     * Returns null if there are too few prompts: for p95 below 72, for p99 below 368. That depends on the plan alone. Repetitions
     * do not replace prompts, since nobody knows beforehand how much prompts differ, and an interval that is shown only where they
     * seem not to is too narrow.
     *
     * @param fraction 0 to 1, as 0.95 for p95
     */
    static QuantileInterval of(List<PromptValue> values, double fraction) {
        var sorted = values.stream().sorted(Comparator.comparingDouble(PromptValue::value)).toList();
        var prompts = values.stream().map(PromptValue::prompt).distinct().count();
        if (prompts < 2 || !(rank(prompts, fraction, 1 - TAIL) >= 1 && rank(prompts, fraction, TAIL) <= prompts)) {
            return null;
        }
        var independent = independent(sorted, prompts, fraction);
        var lower = Math.max(1, rank(independent, fraction, 1 - TAIL));
        var upper = Math.min(independent, rank(independent, fraction, TAIL));
        var each = values.size() / independent;
        return new QuantileInterval(sorted.get((int) Math.floor(lower * each) - 1).value(),
                sorted.get(Math.min(sorted.size(), (int) Math.ceil(upper * each)) - 1).value());
    }

    /** Returns how many independent values these are worth, by how alike the prompts are in what is below the quantile. */
    private static double independent(List<PromptValue> sorted, long prompts, double fraction) {
        var size = sorted.size();
        var rank = Math.max(1, (int) Math.ceil(fraction * size));
        var share = rank / (double) size;
        var excess = new HashMap<String, Double>();
        for (int i = 0; i < size; i++) {
            excess.merge(sorted.get(i).prompt(), (i < rank ? 1 : 0) - share, Double::sum);
        }
        var variance = prompts / (prompts - 1.0) * excess.values().stream().mapToDouble(sum -> sum * sum).sum() / size / size;
        var wider = TDistribution.of(prompts - 1).inverseCumulativeProbability(TAIL)
                / TDistribution.of(size - 1).inverseCumulativeProbability(TAIL);
        return Math.min(size, size * share * (1 - share) / ((size - 1) * variance * wider * wider));
    }

    /** Returns the rank whose value is above the quantile of the population with this probability; between 0 and size + 1. */
    private static double rank(double size, double fraction, double probability) {
        var low = 0.0;
        var high = size + 1;
        while (high - low > 1e-9 * size) {
            var middle = (low + high) / 2;
            if (BetaDistribution.of(middle, size - middle + 1).cumulativeProbability(fraction) > probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }
}
