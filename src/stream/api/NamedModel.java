//JAVA 25+

package stream.api;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A model as {@code NAME}, {@code LABEL=NAME} or {@code LABEL=NAME@BASE_URL}. A name may begin with {@code @}; one with spaces,
 * commas or {@code =} stands in double quotes.
 *
 * @param label   null if it is left out
 * @param baseUrl null if it is left out
 */
record NamedModel(String label, String name, String baseUrl) {

    private static final Pattern SYNTAX =
            Pattern.compile("(?:([^=@\"]+)=)?(?:\"([^\"]+)\"|(@?(?!https?://)[^=@\\s\"][^=\\s\"]*?))(?:@(https?://.*))?");

    /** What follows the last @ of a name if it is a server without its scheme. */
    private static final Pattern SERVER = Pattern.compile("(localhost|\\d{1,3}(\\.\\d{1,3}){3}|[^@/\\s]+:\\d+)(/.*)?");

    /** Splits a list at its commas, but for those in quotes. */
    static List<String> split(String list) {
        var parts = new ArrayList<String>();
        var from = 0;
        var quoted = false;
        for (int i = 0; i < list.length(); i++) {
            quoted ^= list.charAt(i) == '"';
            if (list.charAt(i) == ',' && !quoted) {
                parts.add(list.substring(from, i).strip());
                from = i + 1;
            }
        }
        parts.add(list.substring(from).strip());
        return parts;
    }

    /** Returns null if it is not written so. */
    static NamedModel of(String spec) {
        var parts = SYNTAX.matcher(spec);
        return !parts.matches() ? null
                : new NamedModel(parts.group(1), parts.group(2) != null ? parts.group(2) : parts.group(3), parts.group(4));
    }

    /** Returns its label, or its name if it has none. */
    String labelOrName() {
        return label != null ? label : name;
    }

    /** Returns the server that its name ends with, which lacks its scheme; null if it ends otherwise. */
    String serverWithoutScheme() {
        var server = SERVER.matcher(name.substring(name.lastIndexOf('@') + 1));
        return baseUrl == null && name.lastIndexOf('@') > 0 && server.matches() ? server.group() : null;
    }
}
