//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../api/ConnectionSettings.java
//SOURCES ../api/Sampling.java
//SOURCES ../client/Limits.java
//SOURCES EchoSettings.java
//SOURCES Plan.java
//SOURCES Retries.java

package stream.plan;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.api.ConnectionSettings;
import stream.api.Sampling;
import stream.client.Limits;
import stream.terminal.OptionChecks;

/**
 * How a run is to be done, checked.
 *
 * @param simulate            whether the built-in simulator answers
 * @param ask                 whether the prompts are asked for on the terminal
 * @param system              system message for prompts without one; null for none
 * @param order               how often each prompt is sent, and in which order
 * @param concurrency         requests in flight, at least 1
 * @param timeoutSeconds      for a whole request, 0.001 to 1,000,000
 * @param stallTimeoutSeconds longest silence between two events, 0.001 to 1,000,000
 * @param retries             when a request is sent again
 * @param retryFailed         whether a resumed run sends failed requests again
 * @param results             where runs are written, as DIR/RUN_ID/
 * @param limits              what one answer may take of the memory
 * @param connection          how connections are made
 * @param uniquePrefix        whether each prompt begins with a line of its own
 * @param csvSafe             whether texts that a spreadsheet would take for formulas are guarded
 * @param selfWarmup          when the JVM is warmed up first
 * @param calibrate           whether even a small batch measures the error of the client first
 * @param verbose             whether retries are reported
 * @param metricsPort         where Prometheus metrics are, 0 for any free port; null for nowhere
 */
public record RunSettings(boolean simulate, boolean ask, String system, Sampling sampling, Plan.Order order, int concurrency,
                   double timeoutSeconds, double stallTimeoutSeconds, Retries retries, boolean retryFailed, Path results,
                   Limits limits, ConnectionSettings connection, EchoSettings echo, boolean uniquePrefix, boolean csvSafe,
                   SelfWarmup selfWarmup, boolean calibrate, boolean verbose, Integer metricsPort) {

    /** When the JVM is warmed up by streaming simulated events to this process. */
    public enum SelfWarmup {
        NEVER,
        /** Before runs of more than one request to each model, and while the user types. */
        BATCHES,
        /** Once, by a process that goes on to other runs. */
        ALWAYS
    }

    /** From this number of requests on the error of the client is measured first. */
    private static final int CALIBRATED_BATCH = 20;

    /** @throws UserError if a value is not in its range */
    public RunSettings {
        new OptionChecks()
                .atLeast("--max-tokens", sampling.maxTokens(), 1)
                .within("--temperature", sampling.temperature(), 0, 2)
                .atLeast("--repeat", order.repeat(), 1)
                .atLeast("--warmup", order.warmup(), 0)
                .atLeast("--concurrency", concurrency, 1)
                .within("--timeout", timeoutSeconds, 0.001, 1e6)
                .within("--stall-timeout", stallTimeoutSeconds, 0.001, 1e6)
                .atLeast("--retries", retries.most(), 0)
                .atLeast("--max-event-mb", limits.eventBytes() >> 20, 1)
                .atLeast("--max-answer-mb", limits.answerBytes() >> 20, 1)
                .oneOf("--echo", echo.mode(), "tokens", "lines", "events", "none")
                .atLeast("--typing-delay", echo.delayMillis(), 0)
                .within("--metrics-port", metricsPort == null ? 0 : metricsPort, 0, 65_535)
                .throwIfAny();
    }

    /** Returns the same run with what may be chosen again when it is resumed. */
    public RunSettings resumed(boolean retryFailedNow, Path resultsNow, EchoSettings echoNow, boolean verboseNow) {
        return new RunSettings(simulate, ask, system, sampling, order, concurrency, timeoutSeconds, stallTimeoutSeconds,
                retries, retryFailedNow, resultsNow, limits, connection, echoNow, uniquePrefix, csvSafe, selfWarmup, calibrate,
                verboseNow, metricsPort);
    }

    /** Returns the settings of one question among several of a session. */
    public RunSettings forQuestion(String systemOfIt, Sampling samplingOfIt, Plan.Order orderOfIt, int concurrencyOfIt) {
        return new RunSettings(simulate, ask, systemOfIt, samplingOfIt, orderOfIt, concurrencyOfIt,
                timeoutSeconds, stallTimeoutSeconds,
                retries, retryFailed, results, limits, connection, echo, uniquePrefix, csvSafe, selfWarmup, calibrate, verbose,
                metricsPort);
    }

    /** Whether the JVM is warmed up first: a single request to each model is not worth the wait, its row is marked cold. */
    public boolean warmsUp(Plan plan) {
        return selfWarmup == SelfWarmup.ALWAYS || selfWarmup == SelfWarmup.BATCHES && (ask || plan.size() > plan.models().size());
    }

    /** Whether connections are opened before the first request; a single request to each model may open its own. */
    public boolean opensAhead(Plan plan) {
        return connection.reuse() && !ask && plan.size() > plan.models().size();
    }

    public boolean calibrates(Plan plan) {
        return calibrate || plan.size() >= CALIBRATED_BATCH;
    }

    /** Returns the words of a command line that shape the requests, but for prompts and models; without certificates to trust. */
    public List<String> arguments() {
        var words = new ArrayList<String>();
        var values = new LinkedHashMap<String, Object>();
        if (system != null) {
            words.add("--system=" + (system.startsWith("@") ? "@" : "") + system);
        }
        values.put("--max-tokens", sampling.maxTokens());
        values.put("--temperature", sampling.temperature());
        if (sampling.seed() != null) {
            values.put("--seed-param", sampling.seed());
        }
        values.put("-n", order.repeat());
        values.put("--warmup", order.warmup());
        values.put("-c", concurrency);
        values.put("--seed", order.seed());
        values.put("--timeout", timeoutSeconds);
        values.put("--stall-timeout", stallTimeoutSeconds);
        if (!retries.equals(Retries.DEFAULT)) {
            values.put("--retries", retries.most());
        }
        values.put("--max-event-mb", limits.eventBytes() >> 20);
        values.put("--max-answer-mb", limits.answerBytes() >> 20);
        values.put("--connection", connection.reuse() ? "reuse" : "new");
        if (connection.httpVersion() != null) {
            values.put("--http", connection.httpVersion());
        }
        values.forEach((option, value) -> words.addAll(List.of(option, String.valueOf(value))));
        if (simulate) {
            words.add("--simulate");
        }
        if (uniquePrefix) {
            words.add("--unique-prefix");
        }
        if (csvSafe) {
            words.add("--csv-safe");
        }
        return words;
    }

    /** Returns the options by the names that they have in run.json. */
    public Map<String, Object> options() {
        var options = new LinkedHashMap<String, Object>();
        options.put("system", system);
        options.put("max_tokens", sampling.maxTokens());
        options.put("temperature", sampling.temperature());
        options.put("seed_param", sampling.seed());
        options.put("repeat", order.repeat());
        options.put("warmup", order.warmup());
        options.put("concurrency", concurrency);
        options.put("order", order.interleaved() ? "interleaved" : "by-model");
        options.put("timeout_s", timeoutSeconds);
        options.put("stall_timeout_s", stallTimeoutSeconds);
        options.put("retries", retries.most());
        options.put("echo", echo.mode());
        options.put("typing_delay_ms", echo.delayMillis());
        options.put("connection", connection.reuse() ? "reuse" : "new");
        options.put("http", connection.httpVersion());
        options.put("unique_prefix", uniquePrefix);
        options.put("ask", ask);
        options.put("csv_safe", csvSafe);
        options.put("max_event_mb", limits.eventBytes() >> 20);
        options.put("max_answer_mb", limits.answerBytes() >> 20);
        options.put("retries_of_empty_streams", retries.ofEmptyStreams());
        return options;
    }
}
