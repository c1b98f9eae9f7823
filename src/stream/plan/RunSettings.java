//JAVA 25+
//SOURCES ../api/ConnectionSettings.java
//SOURCES ../api/Sampling.java
//SOURCES EchoSettings.java
//SOURCES LoadSettings.java
//SOURCES Plan.java
//SOURCES RecordSettings.java
//SOURCES RequestSettings.java

package stream.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.api.ConnectionSettings;
import stream.api.Sampling;

/**
 * How a run is to be done, checked.
 *
 * @param simulate   whether the built-in simulator answers
 * @param connection how connections are made
 * @param ask        whether the prompts are asked for on the terminal
 */
public record RunSettings(boolean simulate, RequestSettings request, LoadSettings load, ConnectionSettings connection,
        RecordSettings record, EchoSettings echo, boolean ask) {

    /** From this number of requests on the error of the client is measured first. */
    private static final int CALIBRATED_BATCH = 20;

    /** Returns the same run with what may be chosen again when it is resumed. */
    public RunSettings resumed(RecordSettings recordNow, EchoSettings echoNow) {
        return new RunSettings(simulate, request, load, connection, recordNow, echoNow, ask);
    }

    /** Returns the settings of one question among several of a session. */
    public RunSettings forQuestion(String system, Sampling sampling, Plan.Order order, int concurrency) {
        return new RunSettings(simulate, request.forQuestion(system, sampling),
                new LoadSettings(order, concurrency, load.selfWarmup(), load.calibrate()), connection, record, echo, ask);
    }

    /** Whether the JVM is warmed up first: a single request to each model is not worth the wait, its row is marked cold. */
    public boolean warmsUp(Plan plan) {
        return switch (load.selfWarmup()) {
            case NEVER -> false;
            case BATCHES -> ask || plan.size() > plan.models().size();
            case ALWAYS -> true;
        };
    }

    /** Whether connections are opened before the first request; a single request to each model may open its own. */
    public boolean opensAhead(Plan plan) {
        return connection.reuse() && !ask && plan.size() > plan.models().size();
    }

    public boolean calibrates(Plan plan) {
        return load.calibrate() || plan.size() >= CALIBRATED_BATCH;
    }

    /** Returns the words of a command line that shape the requests, but for prompts and models; without certificates to trust. */
    public List<String> arguments() {
        var words = new ArrayList<>(request.arguments());
        words.addAll(load.arguments());
        words.addAll(connection.arguments());
        words.addAll(record.arguments());
        if (simulate) {
            words.add("--simulate");
        }
        return words;
    }

    /** Returns the options by the names that they have in run.json. */
    public Map<String, Object> options() {
        var options = new LinkedHashMap<>(request.options());
        options.putAll(load.options());
        options.putAll(connection.options());
        options.putAll(record.options());
        options.putAll(echo.options());
        options.put("ask", ask);
        return options;
    }
}
