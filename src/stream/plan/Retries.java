//JAVA 25+
//SOURCES ../client/Outcome.java

package stream.plan;

import stream.client.Outcome;

/**
 * When a request is sent again, and counted.
 *
 * @param most           how often, at least 0
 * @param ofEmptyStreams whether also after an answer of status 200 that brought no event, which may have been generated and paid
 *                       for
 */
public record Retries(int most, boolean ofEmptyStreams) {

    static final int USUAL = 2;

    /** What applies if the user does not say. */
    static final Retries DEFAULT = new Retries(USUAL, false);

    /** Whether another attempt may be made after such a failure, if not too many were. */
    public boolean follow(Outcome.Failed failure) {
        return failure.isRetryable() || ofEmptyStreams && failure.mayHaveBeenGenerated();
    }
}
