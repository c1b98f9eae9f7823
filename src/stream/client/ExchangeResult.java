//JAVA 25+
//SOURCES AnswerState.java
//SOURCES Network.java
//SOURCES Outcome.java

package stream.client;

/**
 * How an exchange ended, and what the server told about it. Null where it is not known.
 *
 * @param endMicros              from the start to the end of the stream
 * @param retryAfterMillis       how long the server asks to wait
 * @param serverProcessingMillis what the server says it needed
 * @param form                   how the body came
 * @param resent                 whether the request was sent once more because it was lost
 * @param simulated              whether the server says that its timing is made up
 * @param clock                  what the server says of the time
 */
public record ExchangeResult(Outcome outcome, Integer httpStatus, long endMicros, Long retryAfterMillis, Network network,
                      AnswerState answer, String serverRequestId, Double serverProcessingMillis, BodyForm form, boolean resent,
                      boolean simulated, ServerClock clock) {

    /**
     * How the body of a response came.
     *
     * @param encodedAs  the Content-Encoding of the stream, whose timing is then that of the encoder; null for none
     * @param streamedAs the Content-Type under which events came; null if it is that of events, or there is none
     */
    public record BodyForm(String encodedAs, String streamedAs) {
        public static final BodyForm USUAL = new BodyForm(null, null);
    }

    /**
     * The header Date of a response, and when it can have been written. All are milliseconds since 1970.
     *
     * @param sentMillis     by the clock of this machine, not later than the request
     * @param receivedMillis by the clock of this machine, not earlier than the end of the response's headers
     * @param serverMillis   by the clock of the server, in whole seconds
     */
    public record ServerClock(long sentMillis, long receivedMillis, long serverMillis) { }
}
