//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//SOURCES Events.java
//SOURCES Metrics.java
//SOURCES Client.java
//SOURCES Plan.java
//SOURCES RunFiles.java

// Journal

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;

import okio.ByteString;

/** What a user should know about a run, each with its cause and the next step. */
enum Warning {
    COMPRESSED("%s sends compressed streams; their timing is the compressor's. Ask for it to be turned off."),
    NO_USAGE("%s refuses stream_options; output tokens are counted from events. A newer server can do it."),
    OVERHEAD("the tool's own error is more than a tenth of what was measured with %s. Use a larger machine, or less."),
    STRAIN("this process was held up while it measured; the column tainted of %s says where. Leave the machine alone."),
    MODEL_IN_PROMPT("%s; the prompts' own models are ignored since --model names others. Leave --model out to use them."),
    REASONING_ALONE("%s are reasoning alone, without a visible text. The token limit may have ended them; raise --max-tokens."),
    ONE_MODEL("%s are one model: the server answers for each of them as %s. A difference between them is chance.");

    private final String pattern;

    Warning(String pattern) {
        this.pattern = pattern;
    }

    String text(Object... what) {
        return pattern.formatted(what);
    }

    String about(Object... what) {
        return "warning: " + text(what);
    }
}

/**
 * One attempt at a request of the plan; the thread that sends it sets its end, the journal writes it down.
 *
 * @param number     from 1
 * @param readyNanos when its slot was free and nothing but this tool was in its way
 * @param end        holds null as long as events may come
 */
record Attempt(Job job, int number, Instant startedAt, long readyNanos, Recording recording,
               AtomicReference<Ended> end) {

    /**
     * How it ended.
     *
     * @param last    whether no other attempt follows
     * @param tainted why its timing should not be trusted; null when nothing was seen
     */
    record Ended(ExchangeResult ending, boolean last, String tainted) { }
}

/**
 * Writes events.csv and requests.csv while the run goes on. It comes by every few milliseconds and takes what is
 * there, so that no measured thread ever waits for it, or has to wake it.
 */
final class Journal implements AutoCloseable {

    static final String[] EVENT_COLUMNS = {"request_id", "model", "prompt_id", "repetition", "attempt", "event", "kind",
        "elapsed_ms", "delay_ms", "read", "text"};
    static final String[] REQUEST_COLUMNS = {"request_id", "run_id", "started_at", "model", "model_name", "api",
        "base_url", "prompt_id", "repetition", "attempt", "phase", "status", "http_status", "error_type", "error",
        "retry_after_ms", "scheduled_ms", "queue_ms", "dns_ms", "connect_ms", "tls_ms", "sent_ms", "headers_ms",
        "first_event_ms", "ttft_ms", "ttft_reasoning_ms", "ttlt_ms", "total_ms", "itl_mean_ms", "itl_p50_ms",
        "itl_p95_ms", "itl_max_ms", "tpot_ms", "output_tokens_per_s", "events", "content_events", "coalesced_events",
        "prompt_tokens", "cached_prompt_tokens", "output_tokens", "token_source", "finish_reason", "http_version",
        "connection_reused", "server_processing_ms", "server_request_id", "system_fingerprint", "reported_model",
        "tainted", "output"};

    static final Map<String, Integer> COLUMN = new HashMap<>();

    static {
        for (var name : REQUEST_COLUMNS) {
            COLUMN.put(name, COLUMN.size());
        }
    }

    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final DateTimeFormatter STARTED_AT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** Who wants to hear of the measured answers while they come; called on the journal's thread. */
    interface Audience {
        /** Hears nothing. */
        Audience NOBODY = new Audience() {
            @Override
            public void content(Job job, String text) { }

            @Override
            public void reasoning(Job job, String text) { }

            @Override
            public void end(Job job, boolean last) { }

            @Override
            public void say(String line) { }
        };

        /** The next piece of visible text. */
        void content(Job job, String text);

        /** The next piece of reasoning, before or between visible text. */
        void reasoning(Job job, String text);

        /** No more comes of this attempt; {@code last} if the request is not tried again. */
        void end(Job job, boolean last);

        /** A line for the user. */
        void say(String line);
    }

    /** An attempt whose events are coming in, what they add up to, and the cells with which all their rows begin. */
    private final class Open implements Recording.Taker {

        private final Attempt attempt;
        private final AnswerMetrics figures = new AnswerMetrics();
        private final StringBuilder output = new StringBuilder();
        private final ByteString rowStart;

        Open(Attempt attempt) {
            var job = attempt.job();
            this.attempt = attempt;
            this.rowStart = events.cells(job.requestId(), job.model().label(), job.prompt().id(), job.repetition(),
                    attempt.number());
        }

        @Override
        public void event(long elapsedMicros, int read, EventKind kind, String text) throws IOException {
            var number = figures.events();
            var delayMicros = figures.add(elapsedMicros, read, kind);
            if (kind == EventKind.CONTENT) {
                output.append(text);
                if (attempt.job().phase() == Phase.MEASURED) {
                    audience.content(attempt.job(), text);
                }
            } else if (kind == EventKind.REASONING && attempt.job().phase() == Phase.MEASURED) {
                audience.reasoning(attempt.job(), text);
            }
            if (!failed) {
                events.eventRow(rowStart, number, kind, elapsedMicros, delayMicros, read, text);
            }
        }
    }

    private final String runId;
    private final Path folder;
    private final CsvFile events;
    private final CsvFile requests;
    private final Audience audience;
    private final Summary summary;
    private final Set<String> said = ConcurrentHashMap.newKeySet();
    private final Queue<Attempt> arrivals = new ConcurrentLinkedQueue<>();
    private final Queue<CountDownLatch> settling = new ConcurrentLinkedQueue<>();
    private final List<Open> open = new ArrayList<>();
    private final Thread writer = Thread.ofPlatform().name("journal").unstarted(this::writeAll);
    private long lookedNanos = System.nanoTime();
    private volatile boolean closing;
    private volatile boolean failed;

    private Journal(Path folder, String runId, List<String> labels, boolean guarded, Audience audience)
            throws IOException {
        this.summary = new Summary(labels);
        this.folder = folder;
        this.runId = runId;
        this.audience = audience;
        this.events = new CsvFile(folder.resolve("events.csv"), EVENT_COLUMNS, guarded);
        this.requests = new CsvFile(folder.resolve("requests.csv"), REQUEST_COLUMNS, guarded);
    }

    /**
     * Creates both files, or goes on in those of a run that was cut off; throws IOException if it can't.
     *
     * @param guarded whether texts that a spreadsheet would take for formulas get a quote before them
     */
    static Journal open(Path folder, String runId, List<String> labels, boolean guarded, Audience audience)
            throws IOException {
        var goesOn = Files.exists(folder.resolve("requests.csv"));
        var journal = new Journal(folder, runId, labels, guarded, audience);
        if (goesOn) {
            ResumeState.forEachRow(folder.resolve("requests.csv"), REQUEST_COLUMNS, row -> {
                if (row.get("phase").equals(Phase.MEASURED.word())) {
                    journal.summary.add(row::get);
                }
            });
        }
        journal.writer.start();
        return journal;
    }

    /** Announces an attempt that is about to be sent. */
    void begin(Attempt attempt) {
        arrivals.add(attempt);
    }

    /** Says a line once. */
    void warn(String line) {
        if (said.add(line)) {
            audience.say(line);
        }
    }

    /** Waits until all attempts are written; to be called when all have ended. */
    void settle() throws InterruptedException {
        var settled = new CountDownLatch(1);
        settling.add(settled);
        settled.await();
    }

    /** Whether the files could not be written. */
    boolean failed() {
        return failed;
    }

    /** What was written; only after closing. */
    Summary summary() {
        return summary;
    }

    @Override
    public void close() {
        closing = true;
        LockSupport.unpark(writer);
        while (writer.isAlive()) {
            try {
                writer.join();
            } catch (InterruptedException e) {
                // what was measured is written all the same
            }
        }
    }

    private void writeAll() {
        boolean last;
        do {
            last = closing;
            try {
                writeWhatIsThere();
            } catch (IOException e) {
                fail(e);
            }
            if (!last) {
                LockSupport.parkNanos(PERIOD_NANOS);
            }
        } while (!last || !open.isEmpty());
        for (var file : List.of(events, requests)) {
            try {
                file.close();
            } catch (IOException e) {
                fail(e);
            }
        }
    }

    private void fail(IOException e) {
        if (failed) {
            return;
        }
        warn(folder + ": can't be written any more (" + e.getMessage() + "); the run stops, what is there can be read");
        failed = true;
    }

    private void writeWhatIsThere() throws IOException {
        var settled = new ArrayList<CountDownLatch>();
        for (CountDownLatch latch; (latch = settling.poll()) != null; ) {
            settled.add(latch);
        }
        for (Attempt attempt; (attempt = arrivals.poll()) != null; ) {
            open.add(new Open(attempt));
        }
        var ended = new ArrayList<Open>();
        try {
            for (var each : open) {
                var isOver = each.attempt.end().get() != null; // asked before the events are taken, so none is missed
                if (each.attempt.recording().drain(each) && isOver) {
                    ended.add(each);
                }
            }
            if (!failed) {
                events.flush();
            }
            for (var each : ended) {
                write(each);
            }
            if (!failed) {
                requests.flush();
                lookForFiles();
            }
        } finally {
            open.removeAll(ended);
            if (open.isEmpty()) {
                settled.forEach(CountDownLatch::countDown);
            } else {
                settling.addAll(settled); // a long answer is taken in several turns
            }
        }
    }

    private void write(Open at) throws IOException {
        var job = at.attempt.job();
        var ended = at.attempt.end().get();
        var row = requestRow(runId, at.attempt, at.figures, at.output.toString());
        if (!failed) {
            requests.row(row);
        }
        if (job.phase() == Phase.MEASURED) {
            summary.add(name -> String.valueOf(Objects.requireNonNullElse(row[COLUMN.get(name)], "")));
            audience.end(job, ended.last());
        }
        if (ended.last() && !(ended.ending().outcome() instanceof Outcome.Completed)) {
            sayFailure(job, ended.ending().outcome());
        } else if (at.figures.ttftMicros() == null && at.figures.ttftReasoningMicros() != null) {
            warn(Warning.REASONING_ALONE.about(job.model().label() + ": answers"));
        }
    }

    /** What is written to a file that was removed is lost without an error. */
    private void lookForFiles() throws IOException {
        if (System.nanoTime() - lookedNanos > LOOK_NANOS) {
            lookedNanos = System.nanoTime();
            if (Files.notExists(folder.resolve("events.csv")) || Files.notExists(folder.resolve("requests.csv"))) {
                throw new IOException("it was removed");
            }
        }
    }

    /** A cause that no other prompt can change is said once: of a server for all its models, else of the model. */
    private void sayFailure(Job job, Outcome outcome) {
        if (outcome instanceof Outcome.Cancelled) {
            return;
        }
        var line = outcome.words(job.model());
        var one = job.model().label() + ", " + job.prompt().id() + ": " + line;
        if (outcome instanceof Outcome.Failed failure && failure.concernsAllPrompts()) {
            var everywhere = failure.httpStatus() == null;
            if (said.add(everywhere ? line : job.model().label() + line)) {
                audience.say(everywhere ? job.model().server() + ": " + line : one);
            }
        } else {
            audience.say(one);
        }
    }

    /** Returns the row of an attempt that has ended, in the order of {@link #REQUEST_COLUMNS}; null is blank. */
    static Object[] requestRow(String runId, Attempt attempt, AnswerMetrics figures, String output) {
        var job = attempt.job();
        var model = job.model();
        var ending = attempt.end().get().ending();
        var network = ending.network();
        var usage = ending.usage();
        var counted = usage.outputTokens() != null;
        var outputTokens = counted ? usage.outputTokens() : Integer.valueOf(figures.contentEvents());
        var known = counted || outputTokens > 0;
        var failure = ending.outcome() instanceof Outcome.Failed failed ? failed : null;
        var queueMicros = AnswerMetrics.micros(attempt.recording().startNanos() - attempt.readyNanos());
        var seconds = figures.ttltMicros() == null ? 0 : figures.ttltMicros() / 1e6;
        return new Object[] {job.requestId(), runId, STARTED_AT.format(attempt.startedAt()), model.label(),
            model.name(), model.api().word(), model.server(), job.prompt().id(), job.repetition(), attempt.number(),
            job.phase().word(), ending.outcome().status(), ending.httpStatus(),
            failure == null ? null : failure.type(), ending.outcome().detail(), withDecimals(ending.retryAfterMillis()), null,
            AnswerMetrics.millis(queueMicros), AnswerMetrics.millis(network.dnsMicros()), AnswerMetrics.millis(network.connectMicros()),
            AnswerMetrics.millis(network.tlsMicros()), AnswerMetrics.millis(network.sentMicros()),
            AnswerMetrics.millis(network.headersMicros()), AnswerMetrics.millis(figures.firstEventMicros()),
            AnswerMetrics.millis(figures.ttftMicros()), AnswerMetrics.millis(figures.ttftReasoningMicros()),
            AnswerMetrics.millis(figures.ttltMicros()), AnswerMetrics.millis(ending.endMicros()),
            AnswerMetrics.millis(figures.itlMeanMicros()), AnswerMetrics.millis(figures.itlMicros(0.5)),
            AnswerMetrics.millis(figures.itlMicros(0.95)), AnswerMetrics.millis(figures.itlMaxMicros()),
            AnswerMetrics.millis(figures.tpotMicros(outputTokens)),
            seconds == 0 ? null : AnswerMetrics.millis(outputTokens / seconds * 1000), figures.events(),
            figures.contentEvents(), figures.coalescedEvents(), usage.promptTokens(), usage.cachedPromptTokens(),
            known ? outputTokens : null, known ? counted ? "usage" : "events" : null, ending.finishReason(), network.httpVersion(),
            network.connectionReused(), withDecimals(ending.serverProcessingMillis()), ending.serverRequestId(),
            ending.fingerprint(), ending.reportedModel(),
            attempt.end().get().tainted(), output};
    }

    /** Milliseconds of another clock than ours, with as many decimals as ours. */
    private static String withDecimals(Number millis) {
        return millis == null ? null : AnswerMetrics.millis(millis.doubleValue() * 1000);
    }
}

/** The table at the end of a run, made of nothing but columns of requests.csv: measured phase, last attempts. */
final class Summary {

    private static final String ROW = "%-24s %8s %9s %6s%s %9s %9s %8s %8s %9s %10s%n";
    private static final List<String> COLUMNS =
            List.of("ttft_ms", "itl_p50_ms", "itl_p95_ms", "output_tokens_per_s", "total_ms");

    /** The last attempt at a request; a value that is not known is NaN. */
    private record Last(String model, boolean completed, boolean reasoningAlone, String served, double[] values) { }

    private final List<String> models;
    private final Map<String, Integer> retries = new HashMap<>();
    private final Map<String, Last> requests = new LinkedHashMap<>();

    /** The table lists these first, in this order, also those without a request. */
    Summary(List<String> labels) {
        models = new ArrayList<>(labels);
    }

    /**
     * Adds an attempt, which replaces the one before at the same request, given the text in each column of its row.
     * Throws NumberFormatException if a number is none.
     */
    void add(UnaryOperator<String> row) {
        var values = COLUMNS.stream().map(row).mapToDouble(text -> text.isEmpty() ? Double.NaN : Double.parseDouble(text))
                .toArray();
        var model = row.apply("model");
        if (!models.contains(model)) {
            models.add(model);
        }
        if (Integer.parseInt(row.apply("attempt")) > 1) {
            retries.merge(model, 1, Integer::sum);
        }
        var completed = row.apply("status").equals("completed");
        var reasoningAlone = completed && row.apply("ttft_ms").isEmpty() && !row.apply("ttft_reasoning_ms").isEmpty();
        var reported = row.apply("reported_model");
        var served = !completed || reported.isEmpty() ? null : reported + " at " + row.apply("base_url");
        requests.put(row.apply("request_id"), new Last(model, completed, reasoningAlone, served, values));
    }

    int requests() {
        return requests.size();
    }

    int completed() {
        return (int) requests.values().stream().filter(Last::completed).count();
    }

    int failed() {
        return requests() - completed();
    }

    /** Returns the quantile of a column over the completed requests of a model; null if they can't carry it. */
    private Double quantile(String model, String column, double fraction) {
        var at = COLUMNS.indexOf(column);
        return AnswerMetrics.quantile(requests.values().stream().filter(last -> last.completed() && last.model().equals(model))
                .mapToDouble(last -> last.values()[at]).filter(value -> !Double.isNaN(value)).toArray(), fraction);
    }

    private String cell(String model, String column, double fraction, int decimals) {
        var quantile = quantile(model, column, fraction);
        return quantile == null ? "" : String.format(Locale.ROOT, "%." + decimals + "f", quantile);
    }

    /** Whether the median of a column of milliseconds is below so many microseconds for any model. */
    boolean hasMedianBelow(String column, double micros) {
        return models.stream().map(model -> quantile(model, column, 0.5))
                .anyMatch(median -> median != null && median * 1000 < micros);
    }

    void print(PrintStream out, boolean simulated) {
        out.println(simulated ? "Simulated latencies in ms: they say nothing about the real models of these names"
                : "Latencies in ms");
        var retried = !retries.isEmpty();
        out.printf(ROW, "model", "requests", "completed", "failed", retried ? " retries" : "", "TTFT p50", "TTFT p95",
                "ITL p50", "ITL p95", "tokens/s", "total p50");
        for (var model : models) {
            var own = requests.values().stream().filter(last -> last.model().equals(model)).toList();
            var completed = own.stream().filter(Last::completed).count();
            out.printf(ROW, model, own.size(), completed, own.size() - completed,
                    retried ? "%8d".formatted(retries.getOrDefault(model, 0)) : "", cell(model, "ttft_ms", 0.5, 1),
                    cell(model, "ttft_ms", 0.95, 1), cell(model, "itl_p50_ms", 0.5, 2), cell(model, "itl_p95_ms", 0.5, 2),
                    cell(model, "output_tokens_per_s", 0.5, 1), cell(model, "total_ms", 0.5, 1));
        }
        for (var model : models) {
            var alone = requests.values().stream().filter(last -> last.model().equals(model) && last.reasoningAlone()).count();
            if (alone > 0) {
                out.println(Warning.REASONING_ALONE.about(model + ": " + alone + " completed answers"));
            }
        }
        modelsServedAs().forEach((served, labels) -> {
            if (labels.size() > 1) {
                out.println(Warning.ONE_MODEL.about(String.join(", ", labels), served));
            }
        });
    }

    /** Returns the labels for which a server answered with one and the same model. */
    private Map<String, List<String>> modelsServedAs() {
        var labels = new LinkedHashMap<String, List<String>>();
        for (var model : models) {
            var served = requests.values().stream().filter(last -> last.model().equals(model)).map(Last::served)
                    .filter(Objects::nonNull).distinct().toList();
            if (served.size() == 1) {
                labels.computeIfAbsent(served.getFirst(), key -> new ArrayList<>()).add(model);
            }
        }
        return labels;
    }
}
