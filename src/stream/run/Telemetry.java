//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS io.prometheus:prometheus-metrics-core:1.10.0
//DEPS io.prometheus:prometheus-metrics-exporter-httpserver:1.10.0
//SOURCES ../terminal/UserError.java
//SOURCES ../api/AnthropicDialect.java
//SOURCES ../api/CompletionsDialect.java
//SOURCES ../api/Dialect.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/Model.java
//SOURCES ../api/Usage.java
//SOURCES ../metric/AnswerMetrics.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../client/AnswerState.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Outcome.java
//SOURCES ../client/Recording.java
//SOURCES ../plan/Job.java
//SOURCES ../record/Attempt.java
//SOURCES ../record/AttemptObserver.java

package stream.run;

import java.io.IOException;
import java.net.InetAddress;
import java.util.Arrays;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Unit;
import stream.api.AnthropicDialect;
import stream.api.CompletionsDialect;
import stream.api.Dialect;
import stream.api.EventKind;
import stream.api.Model;
import stream.client.Outcome;
import stream.metric.AnswerMetrics;
import stream.record.Attempt;
import stream.record.AttemptObserver;
import stream.terminal.UserError;

/**
 * Metrics of a run. Those named {@code gen_ai_client_*} are the client metrics of OpenTelemetry's semantic conventions for
 * generative AI (repository semantic-conventions-genai, status development, 2026), in the names that Prometheus gives them; those
 * named {@code stream_*} are this tool's. All are described in docs/machines.md.
 *
 * <p>The journal's thread counts, so that no measuring thread does.
 */
public final class Telemetry implements AttemptObserver, AutoCloseable {

    /** Of times to a first token or an end: 1 ms to 82 s, each double the one before. */
    private static final double[] LONG_SECONDS = doubling(0.001, 18);

    /** Of times between tokens: 0.1 ms to 3.3 s. */
    private static final double[] SHORT_SECONDS = doubling(0.0001, 16);

    private static final double[] TOKENS = {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576};

    /** The labels of all metrics with the names of OpenTelemetry; {@code model} is this tool's label of the model. */
    private static final String[] LABELS = {"gen_ai_operation_name", "gen_ai_provider_name",
            "gen_ai_request_model", "server_address",
        "server_port", "model"};

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final Histogram duration = histogram("gen_ai_client_operation_duration", "GenAI operation duration.", LONG_SECONDS,
            with(LABELS, "error_type"));
    private final Histogram firstChunk = histogram("gen_ai_client_operation_time_to_first_chunk",
            "From the request to the first event of the stream, be it a role without text.", LONG_SECONDS, LABELS);
    private final Histogram perChunk = histogram("gen_ai_client_operation_time_per_output_chunk",
            "From each event of the stream to the next.", SHORT_SECONDS, LABELS);
    private final Histogram tokens = Histogram.builder().name("gen_ai_client_token_usage").help("Tokens as the server counts them.")
            .classicOnly().classicUpperBounds(TOKENS).labelNames(with(LABELS, "gen_ai_token_type"))
            .withoutExemplars().register(registry);
    private final Histogram ttft = histogram("stream_time_to_first_token",
            "From the request to the first visible text.", LONG_SECONDS,
            "model");
    private final Histogram itl = histogram("stream_inter_token_latency",
            "Between consecutive events with visible text.", SHORT_SECONDS,
            "model");
    private final Histogram clientDelay = histogram("stream_client_delay",
            "From the slot being free to the start of the clock: the client's own delay.", SHORT_SECONDS, "model");
    private final Gauge inFlight = Gauge.builder().name("stream_requests_in_flight").help("Attempts that have begun and not ended.")
            .labelNames("model").register(registry);
    private final Counter started = counter("stream_attempts_started", "Attempts that have begun.", "model");
    private final Counter completed = counter("stream_requests_completed", "Requests whose answer is complete.", "model");
    private final Counter failed = counter("stream_requests_failed",
            "Requests whose last attempt did not complete, by status and type.",
            "model", "status", "error_type");
    private final Counter retried = counter("stream_attempts_retried", "Attempts that are followed by another.", "model");
    private final HTTPServer server;

    private Telemetry(int port) throws IOException {
        server = HTTPServer.builder().inetAddress(InetAddress.getLoopbackAddress()).port(port).registry(registry).buildAndStart();
    }

    /**
     * Exposes metrics on this machine's loopback address.
     *
     * @param port 0 for any that is free
     * @throws UserError if the port is taken
     */
    public static Telemetry start(int port) {
        try {
            return new Telemetry(port);
        } catch (IOException e) {
            throw new UserError("--metrics-port " + port + ": cannot be opened (" + e.getMessage()
                    + "); name another, or 0 for any");
        }
    }

    private static double[] doubling(double first, int count) {
        var bounds = new double[count];
        for (int i = 0; i < count; i++) {
            bounds[i] = Math.round(first * (1L << i) * 1e4) / 1e4;
        }
        return bounds;
    }

    private static String[] with(String[] labels, String another) {
        var all = Arrays.copyOf(labels, labels.length + 1);
        all[labels.length] = another;
        return all;
    }

    private Histogram histogram(String name, String help, double[] bounds, String... labels) {
        return Histogram.builder().name(name).unit(Unit.SECONDS).help(help).classicOnly()
                .classicUpperBounds(bounds).labelNames(labels)
                .withoutExemplars().register(registry);
    }

    private Counter counter(String name, String help, String... labels) {
        return Counter.builder().name(name).help(help).labelNames(labels).withoutExemplars().register(registry);
    }

    public String address() {
        return "http://" + InetAddress.getLoopbackAddress().getHostAddress() + ":" + server.getPort() + "/metrics";
    }

    @Override
    public void started(Attempt attempt) {
        var model = attempt.job().model().label();
        started.labelValues(model).inc();
        inFlight.labelValues(model).inc();
    }

    @Override
    public void event(Attempt attempt, EventKind kind, long elapsedMicros, long delayMicros, long gapMicros) {
        var model = attempt.job().model();
        if (delayMicros == AnswerMetrics.NONE) {
            firstChunk.labelValues(labels(model, null)).observe(elapsedMicros / 1e6);
        } else {
            perChunk.labelValues(labels(model, null)).observe(delayMicros / 1e6);
        }
        if (gapMicros != AnswerMetrics.NONE) {
            itl.labelValues(model.label()).observe(gapMicros / 1e6);
        } else if (kind == EventKind.CONTENT) {
            ttft.labelValues(model.label()).observe(elapsedMicros / 1e6);
        }
    }

    @Override
    public void ended(Attempt attempt, AnswerMetrics metrics) {
        var model = attempt.job().model();
        var end = attempt.end().get();
        var outcome = end.result().outcome();
        inFlight.labelValues(model.label()).dec();
        clientDelay.labelValues(model.label()).observe((attempt.recording().startNanos() - attempt.readyNanos()) / 1e9);
        var errorType = outcome instanceof Outcome.Completed ? "" : outcome instanceof Outcome.Failed failure ? failure.type()
                : outcome.status().word();
        duration.labelValues(labels(model, errorType)).observe(end.result().endMicros() / 1e6);
        var usage = end.result().answer().usage();
        if (usage.promptTokens() != null) {
            tokens.labelValues(labels(model, "input")).observe(usage.promptTokens());
        }
        if (metrics.countedTokens(usage) != null) {
            tokens.labelValues(labels(model, "output")).observe(usage.outputTokens());
        }
        if (!end.last()) {
            retried.labelValues(model.label()).inc();
        } else if (outcome instanceof Outcome.Completed) {
            completed.labelValues(model.label()).inc();
        } else {
            failed.labelValues(model.label(), outcome.status().word(), errorType).inc();
        }
    }

    /** Returns the values of {@link #LABELS}, and one more unless that is null. */
    private static String[] labels(Model model, String another) {
        var values = new String[] {operation(model.dialect()), provider(model.dialect()), model.name(), model.url().host(),
            String.valueOf(model.url().port()), model.label()};
        return another == null ? values : with(values, another);
    }

    /** Returns the well-known name of the operation in OpenTelemetry's conventions. */
    private static String operation(Dialect dialect) {
        return dialect instanceof CompletionsDialect ? "text_completion" : "chat";
    }

    /** Returns the provider whose API it is, which the conventions ask for where the provider itself is not known. */
    private static String provider(Dialect dialect) {
        return dialect instanceof AnthropicDialect ? "anthropic" : "openai";
    }

    @Override
    public void close() {
        server.close();
    }
}
