//JAVA 25+
//SOURCES ../terminal/OptionChecks.java

package stream.plan;

import java.util.Arrays;
import java.util.Locale;

import stream.terminal.OptionChecks;

/** What of the answers is echoed on standard output. */
public enum EchoMode {
    /** Each piece of text as it comes. */
    TOKENS,
    /** Whole lines, each with its model. */
    LINES,
    /** A line for each event, with its times. */
    EVENTS,
    NONE;

    /**
     * Returns the mode of this word.
     *
     * @throws UserError if there is none
     */
    public static EchoMode of(String word) {
        var words = Arrays.stream(values()).map(EchoMode::word).toArray(String[]::new);
        new OptionChecks().oneOf("--echo", word, words).throwIfAny();
        return valueOf(word.toUpperCase(Locale.ROOT));
    }

    /** Returns its name on the command line and in run.json. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
