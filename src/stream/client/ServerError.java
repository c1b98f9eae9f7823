//JAVA 25+
//SOURCES ../api/FailureKind.java

package stream.client;

import stream.api.FailureKind;

/**
 * A failure as it is reported.
 *
 * @param type       the server's code for it, else ours
 * @param message    one line
 * @param httpStatus null if there was no response
 */
public record ServerError(String type, String message, Integer httpStatus) {

    public ServerError(FailureKind kind, String message, Integer httpStatus) {
        this(kind.word(), message, httpStatus);
    }
}
