//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES ../terminal/Warning.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/Dialect.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/Model.java
//SOURCES ../api/Price.java
//SOURCES ../api/Usage.java
//SOURCES ../metric/AnswerMetrics.java
//SOURCES ../metric/EventSeries.java
//SOURCES ../metric/Metrics.java
//SOURCES ../metric/Phase.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../metric/StreamEnd.java
//SOURCES ../metric/TokenSource.java
//SOURCES ../client/AnswerState.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Network.java
//SOURCES ../client/Outcome.java
//SOURCES ../client/Recording.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/Speaker.java
//SOURCES AnswerListener.java
//SOURCES AnswerReceiver.java
//SOURCES Attempt.java
//SOURCES AttemptObserver.java
//SOURCES Column.java
//SOURCES CsvFile.java
//SOURCES CsvRows.java
//SOURCES EventColumn.java
//SOURCES RequestColumn.java
//SOURCES RunClock.java
//SOURCES RunFiles.java
//SOURCES Summary.java

package stream.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
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
import java.util.concurrent.locks.LockSupport;

import okio.ByteString;
import stream.api.EventKind;
import stream.api.Price;
import stream.api.Usage;
import stream.client.AnswerState;
import stream.client.Network;
import stream.client.Outcome;
import stream.client.Recording;
import stream.metric.AnswerMetrics;
import stream.metric.Metrics;
import stream.metric.Phase;
import stream.metric.TokenSource;
import stream.plan.Job;
import stream.plan.Speaker;
import stream.terminal.Warning;

/**
 * Writes events.csv and requests.csv while the run goes on, on a thread of its own. It polls every few milliseconds, so that
 * a thread that measures never waits for it, nor has to wake it. {@link #begin}, {@link #warn} and {@link #failed} may be called
 * by any thread.
 */
public final class Journal implements AutoCloseable {

    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final DateTimeFormatter STARTED_AT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** An attempt whose events are coming in, their metrics, and the cells with which all their rows begin. */
    private final class OpenAttempt implements Recording.EventConsumer {

        private final Attempt attempt;
        private final Speaker speaker;
        private final boolean isMeasured;
        private final AnswerMetrics metrics = new AnswerMetrics();
        private final StringBuilder output = new StringBuilder();
        private long lastContentMicros = AnswerMetrics.NONE;
        private final ByteString rowStart;

        OpenAttempt(Attempt attempt) {
            var job = attempt.job();
            this.attempt = attempt;
            this.speaker = job.speaker();
            this.isMeasured = job.phase() == Phase.MEASURED;
            this.rowStart = events.cells(job.requestId(), job.model().label(), job.prompt().id(), job.repetition(),
                    attempt.number());
        }

        @Override
        public void event(long elapsedMicros, int read, EventKind kind, String text, int tokens) throws IOException {
            var number = metrics.events();
            var delayMicros = metrics.add(elapsedMicros, read, kind, tokens);
            var gapMicros = AnswerMetrics.NONE;
            if (kind == EventKind.CONTENT) {
                output.append(text);
                gapMicros = lastContentMicros == AnswerMetrics.NONE ? AnswerMetrics.NONE : elapsedMicros - lastContentMicros;
                lastContentMicros = elapsedMicros;
            }
            observer.event(attempt, kind, elapsedMicros, delayMicros, gapMicros);
            if (isMeasured) {
                tell(elapsedMicros, delayMicros, read, kind, text);
            }
            if (!failed) {
                events.eventRow(rowStart, number, kind, elapsedMicros, delayMicros, read, text, tokens);
            }
        }

        private void tell(long elapsedMicros, long delayMicros, int read, EventKind kind, String text) {
            if (kind == EventKind.CONTENT) {
                listener.content(speaker, text);
            } else if (kind == EventKind.REASONING) {
                listener.reasoning(speaker, text);
            }
            if (listener.wantsEvents()) {
                listener.event(speaker, Metrics.millis(elapsedMicros),
                        delayMicros == AnswerMetrics.NONE ? "" : Metrics.millis(delayMicros), read, kind.word(), text);
            }
        }
    }

    private final String runId;
    private final RunClock clock = new RunClock();
    private final Path folder;
    private final CsvFile events;
    private final CsvFile requests;
    private final AnswerListener listener;
    private final AttemptObserver observer;
    private final AnswerReceiver receiver;
    private final Summary summary;
    private final Set<String> reported = ConcurrentHashMap.newKeySet();
    private final Queue<Attempt> arrivals = new ConcurrentLinkedQueue<>();
    private final Queue<CountDownLatch> settling = new ConcurrentLinkedQueue<>();
    private final List<OpenAttempt> open = new ArrayList<>();
    private final Thread writer = Thread.ofPlatform().name("journal").unstarted(this::writeAll);
    private long lookedNanos = System.nanoTime();
    private volatile boolean closing;
    private volatile boolean failed;

    private Journal(Path folder, String runId, List<String> labels, boolean guarded,
            AnswerListener listener, AttemptObserver observer, AnswerReceiver receiver)
            throws IOException {
        this.receiver = receiver;
        this.summary = new Summary(labels);
        this.folder = folder;
        this.runId = runId;
        this.listener = listener;
        this.observer = observer;
        this.events = new CsvFile(folder.resolve(RunFiles.EVENTS), EventColumn.values(), guarded);
        this.requests = new CsvFile(folder.resolve(RunFiles.REQUESTS), RequestColumn.values(), guarded);
    }

    /**
     * Creates both files, or goes on in those of a run that was cut off; throws IOException if it cannot.
     *
     * @param guarded whether texts that a spreadsheet would take for formulas get a quote before them
     */
    public static Journal open(Path folder, String runId, List<String> labels, boolean guarded,
            AnswerListener listener, AttemptObserver observer, AnswerReceiver receiver)
            throws IOException {
        var isResumed = Files.exists(folder.resolve(RunFiles.REQUESTS));
        var journal = new Journal(folder, runId, labels, guarded, listener, observer, receiver);
        if (isResumed) {
            CsvRows.forEach(folder.resolve(RunFiles.REQUESTS), row -> {
                var startMillis = row.get(RequestColumn.START_MS.word());
                journal.clock.resume(Instant.parse(row.get(RequestColumn.STARTED_AT.word())),
                        startMillis.isEmpty() ? 0 : Double.parseDouble(startMillis)); // an earlier version did not record it
                if (row.get(RequestColumn.PHASE.word()).equals(Phase.MEASURED.word())) {
                    journal.summary.add(column -> CsvFile.unguarded(row.get(column.word())));
                }
            });
        }
        journal.writer.start();
        return journal;
    }

    /** Announces an attempt that is about to be sent. */
    public void begin(Attempt attempt) {
        arrivals.add(attempt);
    }

    /** Tells the user a line once. */
    public void warn(String line) {
        if (reported.add(line)) {
            listener.say(line);
        }
    }

    /** Waits until all attempts are written; to be called when all have ended. */
    public void settle() throws InterruptedException {
        var settled = new CountDownLatch(1);
        settling.add(settled);
        settled.await();
    }

    /** Whether the files could not be written. */
    public boolean failed() {
        return failed;
    }

    /** What was written; only after closing. */
    public Summary summary() {
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
        warn(folder + ": cannot be written any more (" + e.getMessage() + "); the run stops, what was written can be read");
        failed = true;
    }

    private void writeWhatIsThere() throws IOException {
        var settled = new ArrayList<CountDownLatch>();
        for (CountDownLatch latch; (latch = settling.poll()) != null; ) {
            settled.add(latch);
        }
        for (Attempt attempt; (attempt = arrivals.poll()) != null; ) {
            clock.begin(attempt);
            open.add(new OpenAttempt(attempt));
            observer.started(attempt);
            if (open.getLast().isMeasured) {
                listener.begin(open.getLast().speaker);
            }
        }
        var ended = new ArrayList<OpenAttempt>();
        try {
            for (var each : open) {
                var isOver = each.attempt.end().get() != null; // asked before the events are taken, so none is missed
                if (each.attempt.recording().drain(each) && isOver) {
                    ended.add(each);
                    if (!failed) {
                        events.flush(); // a row of requests.csv is never there without its events
                    }
                    write(each);
                }
            }
            if (!failed) {
                events.flush();
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

    private void write(OpenAttempt ended) throws IOException {
        var job = ended.attempt.job();
        var end = ended.attempt.end().get();
        observer.ended(ended.attempt, ended.metrics);
        var row = requestRow(runId, ended.attempt, ended.metrics, ended.output.toString());
        row.put(RequestColumn.START_MS, Metrics.millis(clock.startMicros(ended.attempt)));
        if (!failed) {
            requests.row(Arrays.stream(RequestColumn.values()).map(row::get).toArray());
        }
        if (ended.isMeasured) {
            var outcome = end.result().outcome();
            summary.add(column -> cell(row, column));
            listener.end(ended.speaker, end.last(), outcome instanceof Outcome.Completed ? null : outcome.message(job.model()),
                    name -> cell(row, RequestColumn.valueOf(name.toUpperCase(Locale.ROOT))));
            if (end.last()) {
                receiver.answered(job, outcome instanceof Outcome.Completed ? ended.output.toString() : null);
            }
        }
        if (end.last() && !(end.result().outcome() instanceof Outcome.Completed)) {
            reportFailure(job, end.result().outcome());
        } else if (ended.metrics.ttftMicros() == null && ended.metrics.ttftReasoningMicros() != null) {
            warn(Warning.REASONING_ALONE.about(job.model().label() + ": an answer"));
        } else if (end.last() && !end.result().answer().hasGenerated()
                && reported.add("nothing generated " + job.model().server())) {
            var event = end.result().answer().notUnderstood();
            listener.say(Warning.NOTHING_GENERATED.about(job.model().server(), event == null ? ""
                    : "; the first event without a meaning for this tool was " + event));
        }
    }

    private static String cell(Map<RequestColumn, Object> row, RequestColumn column) {
        return String.valueOf(Objects.requireNonNullElse(row.get(column), ""));
    }

    /** What is written to a file that was removed is lost without an error. */
    private void lookForFiles() throws IOException {
        if (System.nanoTime() - lookedNanos > LOOK_NANOS) {
            lookedNanos = System.nanoTime();
            if (Files.notExists(folder.resolve(RunFiles.EVENTS)) || Files.notExists(folder.resolve(RunFiles.REQUESTS))) {
                throw new IOException("it was removed");
            }
        }
    }

    /** A cause that is the same for every prompt is reported once: for a server with all its models, else for the model. */
    private void reportFailure(Job job, Outcome outcome) {
        if (outcome instanceof Outcome.Cancelled) {
            return;
        }
        var line = outcome.message(job.model());
        var ofRequest = job.model().label() + ", " + job.prompt().id() + ": " + line;
        if (outcome instanceof Outcome.Failed failure && failure.concernsAllPrompts()) {
            var concernsServer = failure.httpStatus() == null;
            if (reported.add(concernsServer ? line : job.model().label() + line)) {
                listener.say(concernsServer ? job.model().server() + ": " + line : ofRequest);
            }
        } else {
            listener.say(ofRequest);
        }
    }

    /** Returns the row of an attempt that has ended, but for the time of the run; a column without a value is blank. */
    static Map<RequestColumn, Object> requestRow(String runId, Attempt attempt, AnswerMetrics metrics, String output) {
        var row = new EnumMap<RequestColumn, Object>(RequestColumn.class);
        putIdentity(row, runId, attempt);
        putOutcome(row, attempt.end().get());
        row.put(RequestColumn.QUEUE_MS,
                Metrics.millis(Metrics.micros(attempt.recording().startNanos() - attempt.readyNanos())));
        putNetwork(row, attempt.end().get().result().network());
        putMetrics(row, metrics, attempt.end().get().result().answer());
        row.put(RequestColumn.OUTPUT, output);
        row.put(RequestColumn.OUTPUT_CHARS, output.codePointCount(0, output.length()));
        row.put(RequestColumn.COST, cost(attempt.job().model().price(), metrics,
                attempt.end().get().result().answer().billedUsage()));
        return row;
    }

    /** Returns null if the price, or one of the counts, is not known. */
    private static String cost(Price price, AnswerMetrics metrics, Usage billed) {
        var cost = price == null || billed == null || metrics.countedTokens(billed) == null ? null : price.cost(billed);
        return cost == null ? null : Price.plain(cost);
    }

    private static void putIdentity(Map<RequestColumn, Object> row, String runId, Attempt attempt) {
        var job = attempt.job();
        row.put(RequestColumn.REQUEST_ID, job.requestId());
        row.put(RequestColumn.RUN_ID, runId);
        row.put(RequestColumn.STARTED_AT, STARTED_AT.format(attempt.startedAt()));
        row.put(RequestColumn.MODEL, job.model().label());
        row.put(RequestColumn.MODEL_NAME, job.model().name());
        row.put(RequestColumn.API, job.model().dialect().word());
        row.put(RequestColumn.BASE_URL, job.model().server());
        row.put(RequestColumn.PROMPT_ID, job.prompt().id());
        row.put(RequestColumn.REPETITION, job.repetition());
        row.put(RequestColumn.ATTEMPT, attempt.number());
        row.put(RequestColumn.PHASE, job.phase().word());
    }

    private static void putOutcome(Map<RequestColumn, Object> row, Attempt.End end) {
        var result = end.result();
        row.put(RequestColumn.STATUS, result.outcome().status().word());
        row.put(RequestColumn.HTTP_STATUS, result.httpStatus());
        row.put(RequestColumn.ERROR_TYPE, result.outcome() instanceof Outcome.Failed failed ? failed.type() : null);
        row.put(RequestColumn.ERROR, result.outcome().detail());
        row.put(RequestColumn.RETRY_AFTER_MS, withDecimals(result.retryAfterMillis()));
        row.put(RequestColumn.TOTAL_MS, Metrics.millis(result.endMicros()));
        row.put(RequestColumn.FINISH_REASON, result.answer().finishReason());
        row.put(RequestColumn.SERVER_PROCESSING_MS, withDecimals(result.serverProcessingMillis()));
        row.put(RequestColumn.SERVER_REQUEST_ID, result.serverRequestId());
        row.put(RequestColumn.SYSTEM_FINGERPRINT, result.answer().fingerprint());
        row.put(RequestColumn.REPORTED_MODEL, result.answer().reportedModel());
        row.put(RequestColumn.TAINTED, end.tainted());
        row.put(RequestColumn.RESENT, result.resent());
        row.put(RequestColumn.STREAM_END, result.outcome().end().word());
    }

    private static void putNetwork(Map<RequestColumn, Object> row, Network network) {
        row.put(RequestColumn.DNS_MS, Metrics.millis(network.dnsMicros()));
        row.put(RequestColumn.CONNECT_MS, Metrics.millis(network.connectMicros()));
        row.put(RequestColumn.TLS_MS, Metrics.millis(network.tlsMicros()));
        row.put(RequestColumn.SENT_MS, Metrics.millis(network.sentMicros()));
        row.put(RequestColumn.HEADERS_MS, Metrics.millis(network.headersMicros()));
        row.put(RequestColumn.HTTP_VERSION, network.httpVersion());
        row.put(RequestColumn.CONNECTION_REUSED, network.connectionReused());
    }

    private static void putMetrics(Map<RequestColumn, Object> row, AnswerMetrics metrics, AnswerState answer) {
        var usage = answer.usage();
        var isCounted = metrics.countedTokens(usage) != null;
        var source = !isCounted ? TokenSource.EVENTS : answer.countsSeveralChoices()
                ? TokenSource.USAGE_OF_ALL_CHOICES : TokenSource.USAGE;
        var outputTokens = isCounted ? usage.outputTokens() : Integer.valueOf(metrics.contentEvents());
        row.put(RequestColumn.FIRST_EVENT_MS, Metrics.millis(metrics.firstEventMicros()));
        row.put(RequestColumn.TTFT_MS, Metrics.millis(metrics.ttftMicros()));
        row.put(RequestColumn.TTFT_REASONING_MS, Metrics.millis(metrics.ttftReasoningMicros()));
        row.put(RequestColumn.TTLT_MS, Metrics.millis(metrics.ttltMicros()));
        row.put(RequestColumn.ITL_MEAN_MS, Metrics.millis(metrics.content().meanGapMicros()));
        row.put(RequestColumn.ITL_P50_MS, Metrics.millis(metrics.content().gapMicros(0.5)));
        row.put(RequestColumn.ITL_P95_MS, Metrics.millis(metrics.content().gapMicros(0.95)));
        row.put(RequestColumn.ITL_MAX_MS, Metrics.millis(metrics.content().longestGapMicros()));
        row.put(RequestColumn.TTFT_ANY_MS, Metrics.millis(metrics.ttftAnyMicros()));
        row.put(RequestColumn.ITL_ANY_MEAN_MS, Metrics.millis(metrics.generated().meanGapMicros()));
        row.put(RequestColumn.ITL_ANY_P50_MS, Metrics.millis(metrics.generated().gapMicros(0.5)));
        if (source != TokenSource.USAGE_OF_ALL_CHOICES) {
            row.put(RequestColumn.TPOT_MS, Metrics.millis(metrics.tpotMicros(metrics.visibleTokens(usage))));
            row.put(RequestColumn.OUTPUT_TOKENS_PER_S, withDecimals(metrics.outputTokensPerSecond(outputTokens)));
        }
        row.put(RequestColumn.EVENTS, metrics.events());
        row.put(RequestColumn.CONTENT_EVENTS, metrics.contentEvents());
        row.put(RequestColumn.COALESCED_EVENTS, metrics.coalescedEvents());
        row.put(RequestColumn.REASONING_EVENTS, metrics.reasoningEvents());
        row.put(RequestColumn.TOOL_EVENTS, metrics.toolEvents());
        row.put(RequestColumn.TOKENS_PER_EVENT, withDecimals(metrics.tokensPerEvent()));
        row.put(RequestColumn.PROMPT_TOKENS, usage.promptTokens());
        row.put(RequestColumn.CACHED_PROMPT_TOKENS, usage.cachedPromptTokens());
        row.put(RequestColumn.REASONING_TOKENS, usage.reasoningTokens());
        if (isCounted || outputTokens > 0) {
            row.put(RequestColumn.OUTPUT_TOKENS, outputTokens);
            row.put(RequestColumn.TOKEN_SOURCE, source.word());
        }
    }

    /** Writes a number with as many decimals as milliseconds have. */
    private static String withDecimals(Number number) {
        return number == null ? null : Metrics.millis(number.doubleValue() * 1000);
    }
}
