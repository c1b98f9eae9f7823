//JAVA 25+

package stream.simulator;

/** A request that a simulated API refuses; the message is that for the client, the code may be null. */
final class RefusedRequest extends RuntimeException {

    private final String code;

    RefusedRequest(String code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    String code() {
        return code;
    }
}
