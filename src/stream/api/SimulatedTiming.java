//JAVA 25+

package stream;

/** How a response tells that its timing is made up. */
final class SimulatedTiming {

    /** The name of the header; the value does not matter. */
    static final String HEADER = "x-simulated";

    private SimulatedTiming() { }
}
