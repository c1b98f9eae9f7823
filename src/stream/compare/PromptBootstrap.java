//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES Difference.java
//SOURCES PromptValue.java

package stream.compare;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Draws prompts again and again with all their answers, to see how much a quantile varies (Efron and Tibshirani 1993, An
 * Introduction to the Bootstrap, chapter 13). The draws depend on the sizes only, so the same files give the same figures.
 */
final class PromptBootstrap {

    private static final int DRAWS = 1_000;
    private static final int DRAWS_OF_MANY = 200;
    private static final int MANY = 20_000;

    private final int prompts;
    private final double[] figures; // ascending

    /**
     * @param size   of the smaller group
     * @param values of all groups
     * @param figure of a number of draws for each prompt
     */
    PromptBootstrap(int prompts, int size, int values, ToDoubleFunction<int[]> figure) {
        this.prompts = prompts;
        this.figures = new double[values > MANY ? DRAWS_OF_MANY : DRAWS];
        var random = new SplittableRandom(size);
        for (int draw = 0; draw < figures.length; draw++) {
            var counts = new int[prompts];
            for (int i = 0; i < prompts; i++) {
                counts[random.nextInt(prompts)]++;
            }
            figures[draw] = figure.applyAsDouble(counts);
        }
        Arrays.sort(figures);
    }

    /** Returns how often each prompt counts in what was measured. */
    static int[] once(int prompts) {
        var all = new int[prompts];
        Arrays.fill(all, 1);
        return all;
    }

    /** Whether there are enough for an interval; of fewer, the simulations of StatisticsTest find it too narrow. */
    static boolean isEnough(int prompts, int size, double fraction) {
        return prompts >= Difference.FEWEST_PROMPTS && size >= (fraction > 0.95 ? 160 : fraction > 0.5 ? 60 : 6);
    }

    /**
     * Returns an end of an interval. A bootstrap of few prompts is too narrow, so the level is moved out as far as Student's
     * distribution is wider than the normal one (Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 5.3).
     *
     * @param level 0.025 for the lower end of the 95 % interval
     */
    double end(double level) {
        var wider = NormalDistribution.of(0, 1)
                .cumulativeProbability(TDistribution.of(prompts - 1).inverseCumulativeProbability(level)
                * Math.sqrt(prompts / (prompts - 1.0)));
        var place = wider * (figures.length - 1);
        return figures[(int) (wider < 0.5 ? Math.floor(place) : Math.ceil(place))];
    }

    /** Returns the two-sided p value of a figure of 1, as much wider as the ends are: it is 0.05 where an end of 95 % is 1. */
    double pValueOfOne() {
        var below = (1.0 + Arrays.stream(figures).filter(each -> each <= 1).count()) / (figures.length + 1);
        var above = (1.0 + Arrays.stream(figures).filter(each -> each >= 1).count()) / (figures.length + 1);
        var oneSided = Math.min(0.5, Math.min(below, above));
        return 2 * TDistribution.of(prompts - 1).cumulativeProbability(
                NormalDistribution.of(0, 1).inverseCumulativeProbability(oneSided) * Math.sqrt((prompts - 1.0) / prompts));
    }

    /** Values in ascending order, for each the place of its prompt, and how many each prompt has. */
    record Sorted(double[] values, int[] prompts, int[] ofPrompts) {

        static Sorted of(List<PromptValue> values, List<String> names) {
            var places = new LinkedHashMap<String, Integer>();
            names.forEach(name -> places.put(name, places.size()));
            var known = values.stream().filter(value -> places.containsKey(value.prompt()))
                    .sorted(Comparator.comparingDouble(PromptValue::value)).toList();
            var prompts = known.stream().mapToInt(value -> places.get(value.prompt())).toArray();
            var ofPrompts = new int[names.size()];
            for (var prompt : prompts) {
                ofPrompts[prompt]++;
            }
            return new Sorted(known.stream().mapToDouble(PromptValue::value).toArray(), prompts, ofPrompts);
        }

        int size() {
            return values.length;
        }

        /** Returns the quantile if the values of each prompt are taken so many times; of type 1, without interpolation. */
        double quantile(int[] counts, double fraction) {
            var total = 0L;
            for (int prompt = 0; prompt < counts.length; prompt++) {
                total += (long) counts[prompt] * ofPrompts[prompt];
            }
            var rank = Math.max(1, (long) Math.ceil(fraction * total));
            var upTo = total;
            for (int i = values.length - 1; i > 0; i--) { // a high quantile is near the end
                upTo -= counts[prompts[i]];
                if (upTo < rank && counts[prompts[i]] > 0) {
                    return values[i];
                }
            }
            return total == 0 ? values[values.length - 1] : values[0];
        }
    }
}
