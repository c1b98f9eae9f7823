//JAVA 25+

package stream.plan;

/**
 * Who answers, as the echo shows it.
 *
 * @param requestId the request; unique among those in flight
 * @param label     of the model
 * @param colour    number of the model in the run, from 0
 */
public record Speaker(String requestId, String label, String promptId, int colour) { }
