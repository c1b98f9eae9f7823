//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2

package stream;

import java.util.List;

import org.apache.commons.statistics.inference.OneWayAnova;

/** Whether machines that ask the same differ. */
final class Machines {

    private static final double LEVEL = 0.01;

    private Machines() { }

    /** Whether the means of these samples, one of each machine, differ by more than chance (analysis of variance, level of 1 %). */
    static boolean differ(List<double[]> samples) {
        return OneWayAnova.withDefaults().test(samples).getPValue() <= LEVEL;
    }
}
