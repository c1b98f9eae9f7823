//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2

package stream.compare;

import java.util.List;

import org.apache.commons.statistics.inference.OneWayAnova;

/** Whether machines that ask the same differ. */
public final class Machines {

    private static final double LEVEL = 0.01;

    private Machines() { }

    /** Whether the means of these samples, one of each machine, differ by more than chance (analysis of variance, level of 1 %). */
    public static boolean differ(List<double[]> samples) {
        return OneWayAnova.withDefaults().test(samples).getPValue() <= LEVEL;
    }
}
