//JAVA 25+

package stream.simulator;

import java.util.Locale;
import java.util.Map;

/**
 * A request as it was read.
 *
 * @param path    without a query
 * @param headers names in lower case
 */
record HttpRequest(String method, String path, Map<String, String> headers, byte[] body) {

    /** Returns null if there is no such header. */
    String header(String name) {
        return headers.get(name.toLowerCase(Locale.ROOT));
    }
}
