//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES Console.java
//SOURCES Echo.java
//SOURCES Events.java
//SOURCES Metrics.java
//SOURCES Sockets.java
//SOURCES Client.java
//SOURCES Plan.java
//SOURCES RunFiles.java

// Journal: writes events.csv and requests.csv while a run goes on, tells the echo what came, and sums the run up.

package stream;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
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
import java.util.function.Function;

import okio.ByteString;

/**
 * One attempt at a request of the plan. The thread that sends it sets its end, the journal writes it.
 *
 * @param number     from 1
 * @param readyNanos when its slot was free and nothing but this tool delayed it
 * @param end        null until the attempt has ended
 */
record Attempt(Job job, int number, Instant startedAt, long readyNanos, Recording recording,
               AtomicReference<End> end) {

    /**
     * How it ended.
     *
     * @param last    whether no other attempt follows
     * @param tainted why its timing should not be trusted; null if nothing was noticed
     */
    record End(ExchangeResult result, boolean last, String tainted) { }
}

/** Is told of attempts in all phases by the thread that writes them, after they happened. */
interface AttemptObserver {

    /** Ignores everything. */
    AttemptObserver NONE = new AttemptObserver() { };

    default void started(Attempt attempt) { }

    /**
     * The next event.
     *
     * @param elapsedMicros since the request was sent
     * @param delayMicros   since the event before; {@link AnswerMetrics#NONE} for the first
     * @param gapMicros     since the visible text before; NONE for the first, and for events without visible text
     */
    default void event(Attempt attempt, EventKind kind, long elapsedMicros, long delayMicros, long gapMicros) { }

    default void ended(Attempt attempt, AnswerMetrics metrics) { }
}

/**
 * Writes events.csv and requests.csv while the run goes on, on a thread of its own. It polls every few milliseconds, so that
 * a thread that measures never waits for it, nor has to wake it. {@link #begin}, {@link #warn} and {@link #failed} may be called
 * by any thread.
 */
final class Journal implements AutoCloseable {

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
    private final Path folder;
    private final CsvFile events;
    private final CsvFile requests;
    private final AnswerListener listener;
    private final AttemptObserver observer;
    private final Summary summary;
    private final Set<String> reported = ConcurrentHashMap.newKeySet();
    private final Queue<Attempt> arrivals = new ConcurrentLinkedQueue<>();
    private final Queue<CountDownLatch> settling = new ConcurrentLinkedQueue<>();
    private final List<OpenAttempt> open = new ArrayList<>();
    private final Thread writer = Thread.ofPlatform().name("journal").unstarted(this::writeAll);
    private long lookedNanos = System.nanoTime();
    private volatile boolean closing;
    private volatile boolean failed;

    private Journal(Path folder, String runId, List<String> labels, boolean guarded, AnswerListener listener, AttemptObserver observer)
            throws IOException {
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
    static Journal open(Path folder, String runId, List<String> labels, boolean guarded, AnswerListener listener, AttemptObserver observer)
            throws IOException {
        var isResumed = Files.exists(folder.resolve(RunFiles.REQUESTS));
        var journal = new Journal(folder, runId, labels, guarded, listener, observer);
        if (isResumed) {
            CsvRows.forEach(folder.resolve(RunFiles.REQUESTS), row -> {
                if (row.get(RequestColumn.PHASE.word()).equals(Phase.MEASURED.word())) {
                    journal.summary.add(column -> CsvFile.unguarded(row.get(column.word())));
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

    /** Tells the user a line once. */
    void warn(String line) {
        if (reported.add(line)) {
            listener.say(line);
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
        warn(folder + ": cannot be written any more (" + e.getMessage() + "); the run stops, what was written can be read");
        failed = true;
    }

    private void writeWhatIsThere() throws IOException {
        var settled = new ArrayList<CountDownLatch>();
        for (CountDownLatch latch; (latch = settling.poll()) != null; ) {
            settled.add(latch);
        }
        for (Attempt attempt; (attempt = arrivals.poll()) != null; ) {
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
        if (!failed) {
            requests.row(Arrays.stream(RequestColumn.values()).map(row::get).toArray());
        }
        if (ended.isMeasured) {
            var outcome = end.result().outcome();
            summary.add(column -> cell(row, column));
            listener.end(ended.speaker, end.last(), outcome instanceof Outcome.Completed ? null : outcome.message(job.model()),
                    name -> cell(row, RequestColumn.valueOf(name.toUpperCase(Locale.ROOT))));
        }
        if (end.last() && !(end.result().outcome() instanceof Outcome.Completed)) {
            reportFailure(job, end.result().outcome());
        } else if (ended.metrics.ttftMicros() == null && ended.metrics.ttftReasoningMicros() != null) {
            warn(Warning.REASONING_ALONE.about(job.model().label() + ": an answer"));
        } else if (end.last() && !end.result().answer().hasGenerated() && reported.add("nothing generated " + job.model().server())) {
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

    /** Returns the row of an attempt that has ended; a column without a value is blank. */
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
        row.put(RequestColumn.COST, cost(attempt.job().model().price(), metrics, attempt.end().get().result().answer().billedUsage()));
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
        var source = !isCounted ? TokenSource.EVENTS : answer.countsSeveralChoices() ? TokenSource.USAGE_OF_ALL_CHOICES : TokenSource.USAGE;
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

/** The table at the end of a run, made from columns of requests.csv: measured phase, last attempts. */
final class Summary {

    private static final List<RequestColumn> QUANTILES = List.of(RequestColumn.TTFT_MS, RequestColumn.ITL_P50_MS,
            RequestColumn.ITL_P95_MS, RequestColumn.OUTPUT_TOKENS_PER_S, RequestColumn.TOTAL_MS);

    /**
     * The last attempt at a request.
     *
     * @param caveats what limits its figures; empty if it is not complete
     * @param served what the server says it served, and which server; null if it does not say
     * @param contentEvents   how many events with visible text it has; NaN if that is not known
     * @param coalescedEvents how many of these came together with the one before; NaN if that is not known
     * @param values       in the order of {@link #QUANTILES}; NaN where they are not known
     * @param outputTokens NaN if they are not known
     * @param cost         null if it is not known
     */
    private record LastAttempt(String model, boolean completed, Set<AnswerCaveat> caveats, String served, double[] values,
                               double contentEvents, double coalescedEvents, Instant startedAt, double outputTokens, BigDecimal cost) { }

    private final List<String> models;
    private final Map<String, Integer> retries = new HashMap<>();
    private final Map<String, LastAttempt> requests = new LinkedHashMap<>();

    /** The table lists these models first, in this order, including those without a request. */
    Summary(List<String> labels) {
        models = new ArrayList<>(labels);
    }

    /**
     * Adds an attempt, which replaces the previous one at the same request.
     *
     * @param row returns the text of a column; empty for blank
     * @throws NumberFormatException if a number is not one
     */
    void add(Function<RequestColumn, String> row) {
        var values = QUANTILES.stream().map(row)
                .mapToDouble(Summary::number).toArray();
        var model = row.apply(RequestColumn.MODEL);
        if (!models.contains(model)) {
            models.add(model);
        }
        if (Integer.parseInt(row.apply(RequestColumn.ATTEMPT)) > 1) {
            retries.merge(model, 1, Integer::sum);
        }
        var completed = row.apply(RequestColumn.STATUS).equals(RequestStatus.COMPLETED.word());
        var caveats = completed ? AnswerCaveat.of(row) : Set.<AnswerCaveat>of();
        var reported = row.apply(RequestColumn.REPORTED_MODEL);
        var served = !completed || reported.isEmpty() ? null : reported + " at " + row.apply(RequestColumn.BASE_URL);
        var cost = row.apply(RequestColumn.COST);
        requests.put(row.apply(RequestColumn.REQUEST_ID), new LastAttempt(model, completed, caveats, served, values,
                number(row.apply(RequestColumn.CONTENT_EVENTS)), number(row.apply(RequestColumn.COALESCED_EVENTS)),
                Instant.parse(row.apply(RequestColumn.STARTED_AT)), number(row.apply(RequestColumn.OUTPUT_TOKENS)),
                cost.isEmpty() ? null : new BigDecimal(cost)));
    }

    /** Returns NaN for blank. */
    private static double number(String text) {
        return text.isEmpty() ? Double.NaN : Double.parseDouble(text);
    }

    int requests() {
        return requests.size();
    }

    int completed() {
        return (int) requests.values().stream().filter(LastAttempt::completed).count();
    }

    int failed() {
        return requests() - completed();
    }

    private List<LastAttempt> of(String model) {
        return requests.values().stream().filter(request -> request.model().equals(model)).toList();
    }

    /** Returns the quantile of a column over the completed requests of a model; null if there are too few. */
    private Double quantile(String model, RequestColumn column, double fraction) {
        var at = QUANTILES.indexOf(column);
        return Metrics.quantile(of(model).stream().filter(LastAttempt::completed)
                .mapToDouble(request -> request.values()[at]).filter(value -> !Double.isNaN(value)).toArray(), fraction);
    }

    private String cell(String model, RequestColumn column, double fraction, int decimals) {
        var quantile = quantile(model, column, fraction);
        return quantile == null ? "" : String.format(Locale.ROOT, "%." + decimals + "f", quantile);
    }

    /** Whether the median of a metric, TTFT or ITL, is below so many microseconds for any model. */
    boolean hasMedianBelow(Metric metric, double micros) {
        return models.stream().map(model -> quantile(model, RequestColumn.of(metric), 0.5))
                .anyMatch(median -> median != null && median * 1000 < micros);
    }

    /**
     * Prints the table, and what is to be known of it, for a terminal or a file.
     *
     * @param currencies those of the models that have a price, by their labels
     */
    void print(Console console, boolean simulated, Map<String, String> currencies) {
        if (completed() == 0) {
            console.tell("None of " + Count.of(requests(), "request") + " completed.");
            return;
        }
        var out = console.err();
        console.tell(simulated ? "Simulated latencies in ms: they say nothing about the real models of these names"
                : "Latencies in ms");
        out.print(table().text(console.errWidth(), console.isStyled() && console.errIsTerminal()));
        printThroughput(console);
        currencies.forEach((model, currency) -> printCost(console, model, currency));
        for (var model : models) {
            for (var caveat : AnswerCaveat.values()) {
                var answers = of(model).stream().filter(request -> request.caveats().contains(caveat)).count();
                if (answers > 0) {
                    console.tell(caveat.warning().about(model + ": " + Count.of(answers, "completed answer")));
                }
            }
            printBuffered(console, model);
        }
        labelsOfServedModels().forEach((served, labels) -> {
            if (labels.size() > 1) {
                console.tell(Warning.ONE_MODEL.about(String.join(", ", labels), served));
            }
        });
    }

    private void printBuffered(Console console, String model) {
        var completed = of(model).stream().filter(LastAttempt::completed).toList();
        var tokens = completed.stream().mapToDouble(LastAttempt::contentEvents).sum();
        var together = completed.stream().mapToDouble(LastAttempt::coalescedEvents).sum();
        if (AnswerMetrics.wereBuffered(together, tokens)) {
            console.tell("warning: " + model + ": " + Warning.BUFFERED.text(Math.round(together / tokens * 100) + " %"));
        }
    }

    /** Requests and tokens per second of the time in which each model was measured; more load makes them grow, unlike tokens/s. */
    private void printThroughput(Console console) {
        for (var model : models) {
            var throughput = new Throughput();
            of(model).stream().filter(LastAttempt::completed).forEach(request -> throughput.add(request.startedAt().toEpochMilli(),
                    request.values()[QUANTILES.indexOf(RequestColumn.TOTAL_MS)], request.outputTokens()));
            if (throughput.requests() > 1 && throughput.seconds() > 0) {
                console.tell(String.format(Locale.ROOT, "throughput of %s: %.2f requests/s%s", model, throughput.requests() / throughput.seconds(),
                        Double.isNaN(throughput.tokens()) ? "" : String.format(Locale.ROOT, ", %.1f tokens/s",
                                throughput.tokens() / throughput.seconds())));
            }
        }
    }

    private void printCost(Console console, String model, String currency) {
        var completed = of(model).stream().filter(LastAttempt::completed).toList();
        var known = completed.stream().map(LastAttempt::cost).filter(Objects::nonNull).toList();
        if (!known.isEmpty()) {
            var sum = known.stream().reduce(BigDecimal.ZERO, BigDecimal::add);
            var mean = sum.divide(BigDecimal.valueOf(known.size()), MathContext.DECIMAL64);
            console.tell("cost of " + model + ": " + Price.shown(mean) + " " + currency + " per answer, "
                    + Price.shown(mean.movePointRight(3)) + " " + currency + " per 1,000 answers"
                    + (known.size() == completed.size() ? "" : ", of the " + known.size() + " of " + completed.size()
                    + " answers whose tokens the server counted"));
        }
    }

    private Table table() {
        var table = new Table().column("model", true).labels().column("n", false).column("failed", false);
        if (!retries.isEmpty()) {
            table.column("retries", false);
        }
        for (var family : List.of("TTFT", "ITL")) {
            table.column(family, "p50", family + " p50", false).column(family, "p95", family + " p95", false);
        }
        table.column("p50", "total", "total p50", false).column("p50", "tokens/s", "tokens/s p50", false);
        for (var model : models) {
            var requestsOfModel = of(model);
            var completed = requestsOfModel.stream().filter(LastAttempt::completed).count();
            var row = new ArrayList<>(List.of(model, String.valueOf(requestsOfModel.size()),
                    String.valueOf(requestsOfModel.size() - completed)));
            if (!retries.isEmpty()) {
                row.add(String.valueOf(retries.getOrDefault(model, 0)));
            }
            row.addAll(List.of(cell(model, RequestColumn.TTFT_MS, 0.5, 1), cell(model, RequestColumn.TTFT_MS, 0.95, 1),
                    cell(model, RequestColumn.ITL_P50_MS, 0.5, 2), cell(model, RequestColumn.ITL_P95_MS, 0.5, 2),
                    cell(model, RequestColumn.TOTAL_MS, 0.5, 1), cell(model, RequestColumn.OUTPUT_TOKENS_PER_S, 0.5, 1)));
            table.row(row);
            if (completed < requestsOfModel.size()) {
                table.mark(2, Table.Mark.BAD);
            }
        }
        return table;
    }

    /** Returns the labels for which a server answered with one and the same model. */
    private Map<String, List<String>> labelsOfServedModels() {
        var labels = new LinkedHashMap<String, List<String>>();
        for (var model : models) {
            var served = of(model).stream().map(LastAttempt::served).filter(Objects::nonNull).distinct().toList();
            if (served.size() == 1) {
                labels.computeIfAbsent(served.getFirst(), absent -> new ArrayList<>()).add(model);
            }
        }
        return labels;
    }
}
