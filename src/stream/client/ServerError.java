//JAVA 25+
//SOURCES ../api/FailureKind.java

package stream;

/**
 * A failure as it is reported.
 *
 * @param type       the server's code for it, else ours
 * @param message    one line
 * @param httpStatus null if there was no response
 */
record ServerError(String type, String message, Integer httpStatus) {

    ServerError(FailureKind kind, String message, Integer httpStatus) {
        this(kind.word(), message, httpStatus);
    }
}
