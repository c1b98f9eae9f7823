//JAVA 25+

package stream.api;

/** How a response tells that its timing is made up. */
public final class SimulatedTiming {

    /** The name of the header; the value does not matter. */
    public static final String HEADER = "x-simulated";

    private SimulatedTiming() { }
}
