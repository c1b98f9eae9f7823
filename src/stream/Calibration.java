//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Prompts.java
//SOURCES Events.java
//SOURCES Models.java
//SOURCES Metrics.java
//SOURCES Client.java
//SOURCES Plan.java
//SOURCES Journal.java
//SOURCES Runner.java
//SOURCES SimulatedServer.java

// Calibration

package stream;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the tool adds to what it measures, in microseconds: the difference between its times and the server's. Null
 * where the sample can't carry the percentile.
 */
record Overhead(int streams, int events, Double ttftP50Micros, Double ttftP99Micros, Double itlP50Micros,
                Double itlP99Micros) {

    /** As it stands in run.json, in milliseconds. */
    ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("streams", streams).put("events", events)
                .put("ttft_p50_ms", millis(ttftP50Micros)).put("ttft_p99_ms", millis(ttftP99Micros))
                .put("itl_p50_ms", millis(itlP50Micros)).put("itl_p99_ms", millis(itlP99Micros));
    }

    private static Double millis(Double micros) {
        return micros == null ? null : Double.valueOf(AnswerMetrics.millis(micros));
    }
}

/** Streams simulated answers to this very tool, through the path that real ones take, files included. */
final class LoopbackLoad {

    /** Enough for the compilers to have seen what counts, in well under a second. */
    private static final int WARMUP_TOKENS = 1000;
    private static final int WARMUP_STREAMS = 32;
    private static final int CALIBRATION_TOKENS = 25;
    private static final int CALIBRATION_SAMPLES = 100;

    private LoopbackLoad() { }

    /** Lets the JVM compile and load what the first real requests would otherwise wait for. */
    static void warmUp() throws IOException, InterruptedException {
        run(8, WARMUP_STREAMS, "sim-ttft1-itl0-n" + WARMUP_TOKENS, times -> { });
        run(256, 256, "sim-ttft5-itl2-n20", times -> { });
    }

    /** Measures the tool's own error with that many streams at once, each token so many milliseconds after the last. */
    static Overhead calibrate(int concurrency, double itlMillis) throws IOException, InterruptedException {
        var streams = Math.max(concurrency, Math.min(CALIBRATION_SAMPLES, concurrency * 4));
        var overhead = new Overhead[1];
        run(concurrency, streams, "sim-ttft50-itl" + itlMillis + "-n" + CALIBRATION_TOKENS + "-clock",
                times -> overhead[0] = overhead(times));
        return overhead[0];
    }

    /** Takes, for each stream, the time of arrival and of sending of each token, in turn, in microseconds. */
    interface Taker {
        void take(List<List<Double>> streams);
    }

    private static void run(int concurrency, int streams, String modelName, Taker taker)
            throws IOException, InterruptedException {
        try (var server = SimulatedServer.start(1)) {
            stream(server.baseUrl(), concurrency, streams, modelName, taker);
        }
    }

    /** Streams from a simulator that is there already; throws IllegalStateException if a stream does not complete. */
    static void stream(String baseUrl, int concurrency, int streams, String modelName, Taker taker)
            throws IOException, InterruptedException {
        var folder = Files.createTempDirectory("stream-self");
        var model = model(baseUrl, modelName);
        var prompt = Prompt.ofText("self", "Warm up", "self");
        var body = model.body(prompt, new Sampling(1_000_000_000, 0, null), true);
        try (var client = new StreamClient(concurrency, List.of(), Map.of(), Limits.DEFAULT)) {
            try (var journal = Journal.open(folder, "self", List.of(), false, Journal.Audience.NOBODY)) {
                var jobs = new ArrayList<Job>();
                for (int i = 1; i <= streams; i++) {
                    jobs.add(new Job("self|" + i, Phase.MEASURED, prompt, model, i, 0));
                }
                new ClosedLoop(concurrency).send(jobs, journal::failed, (job, readyNanos, onSent) -> {
                    var attempt = new Attempt(job, 1, Instant.now(), readyNanos, new Recording(), new AtomicReference<>());
                    var exchange = new Exchange(client, model, body, attempt.recording(), onSent);
                    journal.begin(attempt);
                    attempt.end().set(new Attempt.Ended(exchange.run(), true, null));
                });
                journal.close();
                if (journal.summary().completed() != streams) {
                    throw new IllegalStateException(journal.summary().failed() + " of " + streams
                            + " simulated streams did not complete");
                }
            }
            if (modelName.endsWith("-clock")) {
                taker.take(times(folder.resolve("events.csv")));
            }
        } finally {
            try (var files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
    }

    static Model model(String baseUrl, String name) {
        var options = new ModelOptions();
        options.api = "chat";
        options.specs = List.of(name);
        try {
            return ModelCatalog.of(options, Map.of(), ModelCatalog.Access.toSimulator(baseUrl)).models().getFirst();
        } catch (BadModel e) {
            throw new IllegalStateException(e);
        }
    }

    /** Each token is the time when it was sent. */
    static List<List<Double>> times(Path file) throws IOException {
        var streams = new HashMap<String, List<Double>>();
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var row : rows) {
                if (row.get("kind").equals(EventKind.CONTENT.word())) {
                    var times = streams.computeIfAbsent(row.get("request_id"), id -> new ArrayList<>());
                    times.add(Double.parseDouble(row.get("elapsed_ms")) * 1000);
                    times.add(Long.parseLong(row.get("text").strip()) / 1000.0);
                }
            }
        }
        return List.copyOf(streams.values());
    }

    /** Returns the errors of all streams together. */
    static Overhead overhead(List<List<Double>> streams) {
        var ttft = new ArrayList<Double>();
        var itl = new ArrayList<Double>();
        for (var times : streams) {
            ttft.add(times.get(0) - times.get(1));
            for (int i = 2; i < times.size(); i += 2) {
                itl.add(Math.abs(times.get(i) - times.get(i - 2) - (times.get(i + 1) - times.get(i - 1))));
            }
        }
        return new Overhead(streams.size(), ttft.size() + itl.size(), quantile(ttft, 0.5), quantile(ttft, 0.99),
                quantile(itl, 0.5), quantile(itl, 0.99));
    }

    private static Double quantile(List<Double> values, double fraction) {
        return AnswerMetrics.quantile(values.stream().mapToDouble(Double::doubleValue).toArray(), fraction);
    }
}
