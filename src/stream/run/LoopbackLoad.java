//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/ConnectionSettings.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/Model.java
//SOURCES ../api/ModelCatalog.java
//SOURCES ../api/ModelSettings.java
//SOURCES ../api/Sampling.java
//SOURCES ../api/UsageRequest.java
//SOURCES ../metric/Metrics.java
//SOURCES ../metric/Phase.java
//SOURCES ../client/Exchange.java
//SOURCES ../client/Limits.java
//SOURCES ../client/Recording.java
//SOURCES ../client/StreamClient.java
//SOURCES ../plan/Job.java
//SOURCES ../record/AnswerListener.java
//SOURCES ../record/AnswerReceiver.java
//SOURCES ../record/Attempt.java
//SOURCES ../record/AttemptObserver.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../record/Column.java
//SOURCES ../record/CsvRows.java
//SOURCES ../record/EventColumn.java
//SOURCES ../record/Journal.java
//SOURCES ../record/RunFiles.java
//SOURCES ../record/Summary.java
//SOURCES ../simulator/SimulatedServer.java
//SOURCES ClosedLoop.java

package stream.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

import stream.api.ConnectionSettings;
import stream.api.EventKind;
import stream.api.Model;
import stream.api.ModelCatalog;
import stream.api.ModelSettings;
import stream.api.Sampling;
import stream.api.UsageRequest;
import stream.client.Exchange;
import stream.client.Limits;
import stream.client.Recording;
import stream.client.StreamClient;
import stream.metric.Metrics;
import stream.metric.Phase;
import stream.plan.Job;
import stream.prompt.Prompt;
import stream.record.AnswerListener;
import stream.record.AnswerReceiver;
import stream.record.Attempt;
import stream.record.AttemptObserver;
import stream.record.ClientOverhead;
import stream.record.CsvRows;
import stream.record.EventColumn;
import stream.record.Journal;
import stream.record.RunFiles;
import stream.simulator.SimulatedServer;

/**
 * Streams simulated answers to this process, through the code that real ones pass, including the files.
 *
 * <p>The tokens of the simulated server are the time when they were sent. Client and server share the process, so the error is an
 * upper bound.
 */
public final class LoopbackLoad {

    /** Enough for the compilers to have compiled the hot path, in well under a second. */
    private static final int WARMUP_TOKENS = 250;
    private static final int WARMUP_REQUESTS = 256;

    /** From so many streams in flight on they are paced in the warm-up, too, so that threads wait and are woken as they will. */
    private static final int MANY_STREAMS = 32;
    private static final int WARMUP_STREAMS = 32;
    private static final int CALIBRATION_TOKENS = 25;
    private static final int CALIBRATION_SAMPLES = 100;
    private static final double USUAL_ITL_MILLIS = 20; // 50 tokens a second

    private LoopbackLoad() { }

    /** The same for any number of streams in flight. */
    public static void warmUp() throws IOException, InterruptedException {
        warmUp(WARMUP_REQUESTS);
    }

    /**
     * Lets the JVM compile and load what the first real requests would otherwise wait for, in runs of so many streams in flight.
     */
    public static void warmUp(int concurrency) throws IOException, InterruptedException {
        run(8, WARMUP_STREAMS, "sim-ttft1-itl0-n" + WARMUP_TOKENS, AttemptObserver.NONE);
        var streams = Math.clamp(concurrency, 8, WARMUP_REQUESTS);
        run(streams, WARMUP_REQUESTS, streams < MANY_STREAMS ? "sim-ttft1-itl0-n3" : "sim-ttft5-itl2-n20", AttemptObserver.NONE);
    }

    /** Measures the error of the client at a usual pace. */
    public static ClientOverhead calibrate(int concurrency) throws IOException, InterruptedException {
        return calibrate(concurrency, USUAL_ITL_MILLIS, AttemptObserver.NONE);
    }

    /**
     * Measures the error of the client.
     *
     * @param concurrency streams in flight, at least 1
     * @param itlMillis   time between two tokens of a stream, at least 0
     * @param observer    is told of all that happens
     */
    public static ClientOverhead calibrate(int concurrency, double itlMillis, AttemptObserver observer)
            throws IOException, InterruptedException {
        var streams = Math.max(concurrency, Math.min(CALIBRATION_SAMPLES, concurrency * 4));
        return overhead(run(concurrency, streams, "sim-ttft50-itl" + itlMillis + "-n" + CALIBRATION_TOKENS + "-clock", observer));
    }

    private static List<List<TokenTime>> run(int concurrency, int streams, String modelName, AttemptObserver observer)
            throws IOException, InterruptedException {
        try (var server = SimulatedServer.start(1)) {
            return stream(server.baseUrl(), concurrency, streams, modelName, observer);
        }
    }

    /**
     * Streams from a simulated server that is running already. Returns the times of the tokens of a {@code -clock} model, of
     * any other an empty list.
     *
     * @throws IllegalStateException if a stream does not complete
     */
    public static List<List<TokenTime>> stream(String baseUrl, int concurrency, int streams,
            String modelName, AttemptObserver observer)
            throws IOException, InterruptedException {
        var folder = Files.createTempDirectory("stream-self");
        var model = model(baseUrl, modelName);
        var prompt = Prompt.ofText("self", "Warm up", "self");
        var body = model.body(prompt, new Sampling(1_000_000_000, 0, null), UsageRequest.AT_THE_END);
        try (var client = new StreamClient(concurrency, List.of(), Map.of(), Limits.DEFAULT, ConnectionSettings.DEFAULT)) {
            try (var journal = Journal.open(folder, "self", List.of(), false, AnswerListener.NONE, observer, AnswerReceiver.NONE)) {
                var jobs = new ArrayList<Job>();
                for (int i = 1; i <= streams; i++) {
                    jobs.add(new Job("self|" + i, Phase.MEASURED, prompt, model, i, 0));
                }
                new ClosedLoop(concurrency).send(jobs, journal::failed, (job, readyNanos, onSent) -> {
                    var attempt = new Attempt(job, 1, Instant.now(), readyNanos, new Recording(), new AtomicReference<>());
                    var exchange = new Exchange(client, model, body, attempt.recording(), onSent);
                    journal.begin(attempt);
                    attempt.end().set(new Attempt.End(exchange.run(), true, null));
                });
                journal.close();
                if (journal.summary().completed() != streams) {
                    throw new IllegalStateException(journal.summary().failed() + " of " + streams
                            + " simulated streams did not complete");
                }
            }
            return modelName.endsWith("-clock") ? tokenTimes(folder.resolve(RunFiles.EVENTS)) : List.of();
        } finally {
            try (var files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
    }

    public static Model model(String baseUrl, String name) {
        return ModelCatalog.of(new ModelSettings(List.of(name), null, null, "chat", false, List.of()), Map.of(),
                ModelCatalog.Access.toSimulator(baseUrl)).models().getFirst();
    }

    /**
     * When a token arrived and when it was sent, since the request was sent and since it was received.
     *
     * @param sentMicros as the simulated server wrote it into the token
     */
    public record TokenTime(double arrivedMicros, double sentMicros) { }

    /** Reads the times of the tokens of each stream of a run with a {@code -clock} model. */
    public static List<List<TokenTime>> tokenTimes(Path events) throws IOException {
        var streams = new HashMap<String, List<TokenTime>>();
        CsvRows.forEach(events, row -> {
            if (row.get(EventColumn.KIND.word()).equals(EventKind.CONTENT.word())) {
                streams.computeIfAbsent(row.get(EventColumn.REQUEST_ID.word()), absent -> new ArrayList<>())
                        .add(new TokenTime(Double.parseDouble(row.get(EventColumn.ELAPSED_MS.word())) * 1000,
                                Long.parseLong(row.get(EventColumn.TEXT.word()).strip()) / 1000.0));
            }
        });
        return List.copyOf(streams.values());
    }

    /** Returns the errors of all streams together. */
    public static ClientOverhead overhead(List<List<TokenTime>> streams) {
        var ttft = new ArrayList<Double>();
        var itl = new ArrayList<Double>();
        for (var tokens : streams) {
            ttft.add(tokens.getFirst().arrivedMicros() - tokens.getFirst().sentMicros());
            for (int i = 1; i < tokens.size(); i++) {
                itl.add(Math.abs(tokens.get(i).arrivedMicros() - tokens.get(i - 1).arrivedMicros()
                        - (tokens.get(i).sentMicros() - tokens.get(i - 1).sentMicros())));
            }
        }
        return new ClientOverhead(streams.size(), ttft.size() + itl.size(), quantile(ttft, 0.5), quantile(ttft, 0.99),
                quantile(itl, 0.5), quantile(itl, 0.99));
    }

    private static Double quantile(List<Double> values, double fraction) {
        return Metrics.quantile(values.stream().mapToDouble(Double::doubleValue).toArray(), fraction);
    }
}
