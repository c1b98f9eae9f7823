//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2

package stream.compare;

import java.util.Arrays;

import org.apache.commons.statistics.distribution.TDistribution;

/** Whether values change with time. */
final class Trend {

    private static final double SIGNIFICANT = 0.01; // each group is asked, and a caveat that is always there is not read

    private Trend() { }

    /** Whether values in the order of time have a trend, by the slope of a line through them (Student's test). */
    static boolean isSignificant(double[] inTime) {
        var size = inTime.length;
        var middle = (size - 1) / 2.0;
        var mean = Arrays.stream(inTime).average().orElse(0);
        var products = 0.0;
        var squares = 0.0;
        var total = 0.0;
        for (int i = 0; i < size; i++) {
            products += (i - middle) * (inTime[i] - mean);
            squares += (i - middle) * (i - middle);
            total += (inTime[i] - mean) * (inTime[i] - mean);
        }
        if (size < 3 || total == 0) {
            return false;
        }
        var rest = total - products * products / squares;
        return rest <= 0 || 2 * TDistribution.of(size - 2).survivalProbability(
                Math.abs(products) / Math.sqrt(squares * rest / (size - 2))) < SIGNIFICANT;
    }
}
