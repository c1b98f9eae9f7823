//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES Plan.java

package stream.plan;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.terminal.OptionChecks;

/**
 * How many requests there are, in which order and how many of them at a time, and what is done before the first of them.
 *
 * @param order       how often each prompt is sent, and in which order
 * @param concurrency requests in flight, at least 1
 * @param selfWarmup  when the JVM is warmed up first
 * @param calibrate   whether even a small batch measures the error of the client first
 */
public record LoadSettings(Plan.Order order, int concurrency, SelfWarmup selfWarmup, boolean calibrate) {

    /** When the JVM is warmed up by streaming simulated events to this process. */
    public enum SelfWarmup {
        NEVER,
        /** Before runs of more than one request to each model, and while the user types. */
        BATCHES,
        /** Once, by a process that goes on to other runs. */
        ALWAYS
    }

    /** @throws UserError if a value is not in its range */
    public LoadSettings {
        new OptionChecks()
                .atLeast("--repeat", order.repeat(), 1)
                .atLeast("--warmup", order.warmup(), 0)
                .atLeast("--concurrency", concurrency, 1)
                .throwIfAny();
    }

    /** Returns the words of a command line that set the same. */
    List<String> arguments() {
        return List.of("-n", String.valueOf(order.repeat()), "--warmup", String.valueOf(order.warmup()), "-c",
                String.valueOf(concurrency),
                "--seed", String.valueOf(order.seed()));
    }

    /** Returns the settings by the names that they have in run.json. */
    Map<String, Object> options() {
        var options = new LinkedHashMap<String, Object>();
        options.put("repeat", order.repeat());
        options.put("warmup", order.warmup());
        options.put("concurrency", concurrency);
        options.put("order", order.interleaved() ? "interleaved" : "by-model");
        return options;
    }
}
