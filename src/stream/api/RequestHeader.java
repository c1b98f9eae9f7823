//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java

package stream.api;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import stream.terminal.OptionChecks;
import stream.terminal.UserError;

/** A header that the user adds to requests. Its value may be a secret: no message contains it. */
public record RequestHeader(String name, String value) {

    private static final Pattern SYNTAX = Pattern.compile("([!#$%&'*+.^_`|~0-9A-Za-z-]+)\\s*:\\s*(.*?)\\s*");
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");
    private static final Pattern PUBLIC = Pattern.compile("(?i)\\s*(bearer|basic|token)?\\s*");
    private static final Set<String> OWN = Set.of("host", "content-length", "content-type", "transfer-encoding", "connection",
            "accept-encoding");

    /** Stands for a value in run.json. */
    public static final String LEFT_OUT = "(left-out)";

    /** Returns the name of a header as the user wrote it, in lower case; all of it if there is no colon. */
    static String name(String header) {
        return header.replaceFirst("\\s*:.*", "").strip().toLowerCase(Locale.ROOT);
    }

    /** Returns the header as run.json keeps it: without its value, unless that comes from the environment. */
    public static String withoutValue(String header) {
        var parts = SYNTAX.matcher(header);
        return !parts.matches() ? LEFT_OUT
                : isPublic(parts.group(2)) ? header : parts.group(1) + ": " + LEFT_OUT;
    }

    private static boolean isPublic(String value) {
        return REFERENCE.matcher(value).find() && PUBLIC.matcher(REFERENCE.matcher(value).replaceAll("")).matches();
    }

    /**
     * Reads a header and puts the values of the environment in.
     *
     * @throws UserError if it is not valid, or a variable is not set
     */
    static RequestHeader of(String where, String header, Map<String, String> environment) {
        var parts = SYNTAX.matcher(header);
        new OptionChecks().require(parts.matches(), where + ": not a name, a colon and a value; write NAME: VALUE").throwIfAny();
        var name = parts.group(1);
        var at = where + " '" + name + "'";
        new OptionChecks().require(!OWN.contains(name.toLowerCase(Locale.ROOT)), at + " is set by this tool; leave it out")
                .require(!parts.group(2).equals(LEFT_OUT), at + " has no value in run.json; give it again with --header")
                .throwIfAny();
        var value = REFERENCE.matcher(parts.group(2)).replaceAll(reference -> Matcher.quoteReplacement(
                Optional.ofNullable(environment.get(reference.group(1))).map(String::strip).filter(text -> !text.isEmpty())
                        .orElseThrow(() -> new UserError(at + ": " + reference.group(1) + " is not set; set it to the value"))));
        new OptionChecks().require(value.chars().allMatch(c -> c >= ' ' && c < 0x7f || c == '\t'),
                at + ": its value has a character that is not allowed in a header; set it again").throwIfAny();
        return new RequestHeader(name, value);
    }
}
