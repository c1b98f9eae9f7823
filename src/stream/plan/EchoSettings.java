//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES EchoMode.java

package stream.plan;

import java.util.LinkedHashMap;
import java.util.Map;

import stream.terminal.OptionChecks;

/**
 * What is shown while a run goes on.
 *
 * @param delayMillis pause after each piece of text, at least 0; paces the echo, never the measurement
 * @param quiet       whether headings, latencies and the line of the progress are left out
 * @param verbose     whether retries are reported
 */
public record EchoSettings(EchoMode mode, boolean quiet, int delayMillis, boolean verbose) {

    /** Nothing is shown. */
    public static final EchoSettings SILENT = new EchoSettings(EchoMode.NONE, true, 0, false);

    /** @throws UserError if a value is not in its range */
    public EchoSettings {
        new OptionChecks().atLeast("--typing-delay", delayMillis, 0).throwIfAny();
    }

    /** Returns the settings by the names that they have in run.json. */
    Map<String, Object> options() {
        var options = new LinkedHashMap<String, Object>();
        options.put("echo", mode.word());
        options.put("typing_delay_ms", delayMillis);
        return options;
    }
}
