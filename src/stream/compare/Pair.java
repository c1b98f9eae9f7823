//JAVA 25+

package stream.compare;

/**
 * Two answers to the same question.
 *
 * @param time     when they were asked, in any unit; only the order counts
 * @param value    at least 0
 * @param baseline at least 0
 */
public record Pair(String prompt, double time, double value, double baseline) {
    public double logRatio() {
        return Math.log(value / baseline);
    }
}
