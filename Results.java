///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Lists the runs on disk, checks them, and prints their tables
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES Probe.java

// Results: what runs leave on disk: events.csv, requests.csv, run.json, and the table made of them; and what is left of a
// run that was cut off, once its files are repaired.
//
// To run just:
//   jbang Results.java                        the newest run under results/
//   jbang Results.java results/A results/B    the tables of two runs, one below the other
//
// It prints the table that the run itself printed, computed anew from requests.csv, and says where requests.csv and
// events.csv do not agree. It does not say whether a difference is real. Stream.java writes its files with this class.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

import okhttp3.OkHttp;
import okio.BufferedSink;
import okio.ByteString;
import okio.Okio;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The command that prints and checks runs. */
@Command(name = "results", mixinStandardHelpOptions = true, sortOptions = false, version = Prompts.VERSION,
        description = "Lists the runs on disk, checks them, and prints their tables.")
public class Results implements Callable<Integer> {

    private static final CSVFormat WITH_HEADER =
            CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();

    @Parameters(paramLabel = "RUN", arity = "0..*", description = "Folders of runs (default: the newest in results/).")
    List<Path> runs = new ArrayList<>();

    private final PrintStream out;
    private final PrintStream err;

    Results(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 all is well, 1 a run is damaged, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Results(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("results: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        var exitCode = 0;
        try {
            if (runs.isEmpty()) {
                runs.add(newest(Path.of("results")));
            }
            for (var run : runs) {
                exitCode = Math.max(exitCode, print(run));
            }
            return exitCode;
        } catch (IOException e) {
            err.println("results: " + e.getMessage());
            return 2;
        }
    }

    private static Path newest(Path folder) throws IOException {
        var runs = Files.isDirectory(folder) ? RunRecord.inside(folder) : List.<Path>of();
        if (runs.isEmpty()) {
            throw new IOException(folder + ": no runs there; name the folder of one");
        }
        return runs.getLast();
    }

    private int print(Path run) throws IOException {
        var file = run.resolve("requests.csv");
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new IOException(run + ": no requests.csv in it; name the folder of a run");
        }
        var lastAttempts = new LinkedHashMap<String, CSVRecord>();
        var eventCounts = new HashMap<String, Long>();
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, WITH_HEADER)) {
            if (!rows.getHeaderNames().equals(List.of(Journal.REQUEST_COLUMNS))) {
                throw new IOException(file + ": not a requests.csv of this tool, its columns are others");
            }
            for (var row : rows) {
                if (row.isConsistent()) {
                    eventCounts.put(row.get("request_id") + "\n" + row.get("attempt"), Long.valueOf(row.get("events")));
                    if (row.get("phase").equals(Phase.MEASURED.word())) {
                        lastAttempts.put(row.get("request_id"), row);
                    }
                }
            }
        } catch (UncheckedIOException | IllegalArgumentException e) {
            err.println("results: " + file + ": damaged behind line " + lastAttempts.size() + "; the rows before it count");
        }
        var record = record(run);
        var labels = new ArrayList<String>();
        record.path("models").forEach(model -> labels.add(model.path("label").asString("")));
        var summary = new Summary(labels);
        try {
            lastAttempts.values().forEach(row -> summary.add(row::get));
        } catch (NumberFormatException e) {
            throw new IOException(file + ": damaged, not a number where there should be one (" + e.getMessage() + ")");
        }
        out.println(run);
        summary.print(out, record.path("simulated").asBoolean(false));
        return agrees(run.resolve("events.csv"), eventCounts) ? 0 : 1;
    }

    /** Returns run.json, or an empty object where there is none: the CSV files speak for themselves. */
    private static JsonNode record(Path run) {
        try {
            return JsonMapper.shared().readTree(Files.readString(run.resolve("run.json")));
        } catch (IOException | JacksonException e) {
            return JsonMapper.shared().createObjectNode();
        }
    }

    /** Holds the number of events in each request's row against the rows of events.csv. */
    private boolean agrees(Path file, Map<String, Long> counts) throws IOException {
        var left = new HashMap<>(counts);
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, WITH_HEADER)) {
            for (var row : rows) {
                if (row.isConsistent()) {
                    left.merge(row.get("request_id") + "\n" + row.get("attempt"), -1L, Long::sum);
                }
            }
        } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
            err.println("results: " + file + ": damaged or missing (" + e.getMessage() + ")");
            return false;
        }
        left.values().removeIf(count -> count == 0);
        left.forEach((request, count) -> err.println("results: " + file + ": " + Math.abs(count) + " events "
                + (count > 0 ? "missing" : "without a row in requests.csv") + " for " + request.replace("\n", ", attempt ")));
        return left.isEmpty();
    }
}

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

/** Whether a request counts. */
enum Phase {
    WARMUP, MEASURED;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

/**
 * One request of the plan.
 *
 * @param requestId  prompt, model and repetition; the same in a later run of the same plan
 * @param repetition from 1
 * @param modelIndex place of the model among those of the run, from 0
 */
record Job(String requestId, Phase phase, Prompt prompt, Model model, int repetition, int modelIndex) { }

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
    record Ended(Ending ending, boolean last, String tainted) { }
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
        private final Figures figures = new Figures();
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
            Remains.forEachRow(folder.resolve("requests.csv"), REQUEST_COLUMNS, row -> {
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
    static Object[] requestRow(String runId, Attempt attempt, Figures figures, String output) {
        var job = attempt.job();
        var model = job.model();
        var ending = attempt.end().get().ending();
        var network = ending.network();
        var usage = ending.usage();
        var counted = usage.outputTokens() != null;
        var outputTokens = counted ? usage.outputTokens() : Integer.valueOf(figures.contentEvents());
        var known = counted || outputTokens > 0;
        var failure = ending.outcome() instanceof Outcome.Failed failed ? failed : null;
        var queueMicros = Figures.micros(attempt.recording().startNanos() - attempt.readyNanos());
        var seconds = figures.ttltMicros() == null ? 0 : figures.ttltMicros() / 1e6;
        return new Object[] {job.requestId(), runId, STARTED_AT.format(attempt.startedAt()), model.label(),
            model.name(), model.api().word(), model.server(), job.prompt().id(), job.repetition(), attempt.number(),
            job.phase().word(), ending.outcome().status(), ending.httpStatus(),
            failure == null ? null : failure.type(), ending.outcome().detail(), withDecimals(ending.retryAfterMillis()), null,
            Figures.millis(queueMicros), Figures.millis(network.dnsMicros()), Figures.millis(network.connectMicros()),
            Figures.millis(network.tlsMicros()), Figures.millis(network.sentMicros()),
            Figures.millis(network.headersMicros()), Figures.millis(figures.firstEventMicros()),
            Figures.millis(figures.ttftMicros()), Figures.millis(figures.ttftReasoningMicros()),
            Figures.millis(figures.ttltMicros()), Figures.millis(ending.endMicros()),
            Figures.millis(figures.itlMeanMicros()), Figures.millis(figures.itlMicros(0.5)),
            Figures.millis(figures.itlMicros(0.95)), Figures.millis(figures.itlMaxMicros()),
            Figures.millis(figures.tpotMicros(outputTokens)),
            seconds == 0 ? null : Figures.millis(outputTokens / seconds * 1000), figures.events(),
            figures.contentEvents(), figures.coalescedEvents(), usage.promptTokens(), usage.cachedPromptTokens(),
            known ? outputTokens : null, known ? counted ? "usage" : "events" : null, ending.finishReason(), network.httpVersion(),
            network.connectionReused(), withDecimals(ending.serverProcessingMillis()), ending.serverRequestId(),
            ending.fingerprint(), ending.reportedModel(),
            attempt.end().get().tainted(), output};
    }

    /** Milliseconds of another clock than ours, with as many decimals as ours. */
    private static String withDecimals(Number millis) {
        return millis == null ? null : Figures.millis(millis.doubleValue() * 1000);
    }
}

/** The configuration and the outcome of a run, as run.json. It never holds a key. */
final class RunRecord {

    private static final Pattern SECRET_IN_URL =
            Pattern.compile("(?i)(//)[^/@\\s]+@|([?&][\\w-]*(key|token|secret|sig|signature|password)=)[^&\\s,]+");
    private static final String LEFT_OUT = "(left-out)";

    private final Path file;
    private final ObjectNode json;

    private RunRecord(Path file, ObjectNode json) {
        this.file = file;
        this.json = json;
    }

    /**
     * Describes a run that begins.
     *
     * @param arguments the command line, so that the run can be resumed; secrets in URLs are left out
     * @param options   what the command line comes to
     */
    static RunRecord begin(Path folder, String runId, boolean simulated, long seed, List<String> arguments,
                           ObjectNode options, List<Model> models, List<Prompt> prompts) {
        var json = JsonMapper.shared().createObjectNode().put("run_id", runId).put("started_at", Instant.now().toString())
                .put("simulated", simulated).put("seed", seed);
        json.putObject("versions").put("stream", Prompts.VERSION).put("java", Runtime.version().toString())
                .put("okhttp", OkHttp.VERSION)
                .put("os", System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                        + System.getProperty("os.arch"))
                .put("cpus", Runtime.getRuntime().availableProcessors());
        var words = json.putArray("arguments");
        arguments.forEach(word -> words.add(SECRET_IN_URL.matcher(word).replaceAll("$1$2" + LEFT_OUT)));
        json.set("options", options);
        var modelList = json.putArray("models");
        for (var model : models) {
            var entry = modelList.addObject().put("label", model.label()).put("name", model.name())
                    .put("api", model.api().word()).put("base_url", model.server())
                    .put("api_key_env", model.keyVariable()).put("max_tokens", model.maxTokens())
                    .put("temperature", model.temperature());
            entry.set("extra", JsonMapper.shared().<JsonNode>valueToTree(model.extra()));
        }
        var promptList = json.putArray("prompts");
        for (var prompt : prompts) {
            var entry = promptList.addObject().put("id", prompt.id()).put("source", prompt.source())
                    .put("digest", digest(prompt));
            entry.set("labels", JsonMapper.shared().<JsonNode>valueToTree(prompt.labels()));
        }
        return new RunRecord(folder.resolve("run.json"), json);
    }

    /** Returns the folders of the runs in a folder, the newest last. */
    static List<Path> inside(Path folder) throws IOException {
        try (var inside = Files.list(folder)) {
            return inside.filter(run -> Files.isRegularFile(run.resolve("requests.csv")))
                    .sorted(Comparator.comparing(RunRecord::idIn).thenComparing(Path::getFileName)).toList();
        }
    }

    /** Run ids begin with the time, and stay in run.json when somebody gives the folder another name. */
    private static String idIn(Path folder) {
        var name = folder.getFileName().toString();
        try {
            return JsonMapper.shared().readTree(Files.readString(folder.resolve("run.json"))).path("run_id").asString(name);
        } catch (IOException | JacksonException e) {
            return name;
        }
    }

    /** Reads the record of a run that is to go on; throws IOException with the words for the user. */
    static RunRecord read(Path folder) throws IOException {
        var file = folder.resolve("run.json");
        try {
            if (Files.isRegularFile(file) && JsonMapper.shared().readTree(Files.readString(file)) instanceof ObjectNode json
                    && json.path("arguments").isArray()) {
                var record = new RunRecord(file, json);
                if (record.arguments().stream().anyMatch(word -> word.contains(LEFT_OUT))) {
                    throw new IOException("it was begun with a secret in a URL, which run.json does not keep");
                }
                return record;
            }
        } catch (JacksonException e) {
            // said below
        }
        throw new IOException("no run.json of this tool there");
    }

    /**
     * Returns a digest of all that is sent of a prompt, and of its labels; the same in every run. It is to notice a
     * change, not a forgery, and loading a cryptographic one takes a tenth of a start.
     */
    private static String digest(Prompt prompt) {
        var bytes = String.join("\u0000", prompt.id(), prompt.messages().toString(),
                prompt.maxTokens() + " " + prompt.temperature() + " " + prompt.model(),
                new TreeMap<>(prompt.extra()).toString(), new TreeMap<>(prompt.labels()).toString())
                .getBytes(StandardCharsets.UTF_8);
        var one = new CRC32();
        var other = new CRC32C();
        one.update(bytes);
        other.update(bytes);
        return Long.toHexString(one.getValue() << 32 | other.getValue());
    }

    Path folder() {
        return file.getParent();
    }

    String runId() {
        return json.path("run_id").asString();
    }

    long seed() {
        return json.path("seed").asLong();
    }

    List<String> arguments() {
        return json.path("arguments").valueStream().map(JsonNode::asString).toList();
    }

    int timesResumed() {
        return json.path("resumed_at").size();
    }

    /** Returns why these are not the prompts and models of the run, a line each; none if they are. */
    List<String> differences(List<Prompt> prompts, List<Model> models) {
        var differences = new ArrayList<String>();
        var before = new HashMap<String, String>();
        json.path("prompts").forEach(prompt -> before.put(prompt.path("id").asString(), prompt.path("digest").asString()));
        for (var prompt : prompts) {
            var digest = before.remove(prompt.id());
            if (!digest(prompt).equals(digest)) {
                differences.add(prompt.source() + ": " + (digest == null ? "is new" : "has changed")
                        + " since the run began (prompt " + prompt.id() + "); put it back, or begin a new run");
            }
        }
        json.path("prompts").forEach(prompt -> {
            if (before.containsKey(prompt.path("id").asString())) {
                differences.add(prompt.path("source").asString() + ": prompt " + prompt.path("id").asString()
                        + " was in it when the run began; put it back, or begin a new run");
            }
        });
        var simulated = json.path("simulated").asBoolean();
        var servers = new LinkedHashMap<String, String>();
        json.path("models").forEach(model -> servers.put(model.path("label").asString(), model.path("name").asString()
                + (simulated ? "" : " at " + model.path("base_url").asString())));
        for (var model : models) {
            var server = model.name() + (simulated ? "" : " at " + model.server());
            if (!server.equals(servers.get(model.label()))) {
                differences.add("model " + model.label() + " was " + servers.get(model.label()) + " when the run began, it is "
                        + server + " now; set the environment as it was, or begin a new run");
            }
        }
        return differences;
    }

    /** Notes that the run goes on. */
    void resume() {
        json.withArray("resumed_at").add(Instant.now().toString());
        json.remove(List.of("finished_at", "counts"));
    }

    /** Adds what is known later. */
    void set(String name, JsonNode value) {
        json.set(name, value);
    }

    /** Writes the file again while the run goes on. */
    void write() throws IOException {
        writeFile();
    }

    /**
     * Writes the file again at the end of the run.
     *
     * @param resent requests that were sent once more, since a reused connection was closed under them
     */
    void write(Summary summary, int resent) throws IOException {
        var before = json.path("counts").path("resent").asInt(0); // of a run that was resumed
        json.put("finished_at", Instant.now().toString());
        json.putObject("counts").put("requests", summary.requests()).put("completed", summary.completed())
                .put("failed", summary.failed()).put("resent", before + resent);
        writeFile();
    }

    private void writeFile() throws IOException {
        var part = file.resolveSibling("run.json.part");
        Files.writeString(part, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}

/** Keeps a second process off a run. The system lets go of it when this process ends, however it ends. */
final class RunLock implements AutoCloseable {

    private final Path file;
    private final FileChannel channel;

    private RunLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Throws IOException, with the words for the user, if another process has it. */
    static RunLock take(Path folder) throws IOException {
        var file = folder.resolve(".lock");
        var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return new RunLock(file, channel);
            }
        } catch (OverlappingFileLockException e) {
            // this very process has it
        }
        channel.close();
        throw new IOException("the run is still going on in another process");
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
            channel.close();
        } catch (IOException e) {
            // the folder is gone, and the lock with it
        }
    }
}

/** What a run that was cut off left on disk: the requests that are done, once its files are in order again. */
final class Remains {

    private static final String[] FILES = {"requests.csv", "events.csv"};

    /** Takes a whole row. */
    interface Taker {
        void row(CSVRecord row) throws IOException;
    }

    /** An attempt with a row in requests.csv, and how many of its events are in events.csv. */
    private static final class Found {
        private final long events;
        private long seen;

        Found(long events) {
            this.events = events;
        }
    }

    /** The last attempt at a request; where it starts afresh, earlier attempts do not count as tries. */
    private record Last(int number, boolean startsAfresh, boolean done, boolean failed) {
        private static final Last NONE = new Last(0, false, false, false);
    }

    private final Map<String, Last> requests = new HashMap<>();

    /**
     * Takes out of both files what is torn or has no counterpart in the other, and reads what is left. Of an attempt
     * that was cut off while it streamed nothing is left: it is sent again.
     *
     * @param retries     how often a request may be tried again
     * @param retryFailed whether requests that ended without a complete answer are sent again
     */
    static Remains repair(Path folder, int retries, boolean retryFailed) throws IOException {
        var found = new HashMap<String, Found>();
        var columns = Map.of(FILES[0], Journal.REQUEST_COLUMNS, FILES[1], Journal.EVENT_COLUMNS);
        forEachRow(folder.resolve(FILES[0]), Journal.REQUEST_COLUMNS,
                row -> found.put(attempt(row), new Found(Long.parseLong(row.get("events")))));
        forEachRow(folder.resolve(FILES[1]), Journal.EVENT_COLUMNS, row -> {
            if (found.containsKey(attempt(row))) {
                found.get(attempt(row)).seen++;
            }
        });
        found.values().removeIf(attempt -> attempt.events != attempt.seen);
        for (var file : FILES) {
            keep(folder.resolve(file), columns.get(file), found.keySet());
        }
        var remains = new Remains();
        forEachRow(folder.resolve(FILES[0]), Journal.REQUEST_COLUMNS, row -> remains.add(row, retries, retryFailed));
        return remains;
    }

    private static String attempt(CSVRecord row) {
        return row.get("request_id") + "\n" + row.get("attempt");
    }

    private void add(CSVRecord row, int retries, boolean retryFailed) {
        var number = Integer.parseInt(row.get("attempt"));
        var httpStatus = row.get("http_status").isEmpty() ? null : Integer.valueOf(row.get("http_status"));
        var cancelled = row.get("status").equals("cancelled");
        var triedAgain = row.get("status").equals("failed") && number <= retries
                && new Outcome.Failed(row.get("error_type"), row.get("error"), httpStatus).mayPass();
        var failed = !row.get("status").equals("completed") && !cancelled && !triedAgain;
        requests.put(CsvFile.unguarded(row.get("request_id")), new Last(number, cancelled || failed && retryFailed,
                !cancelled && !triedAgain && !(failed && retryFailed), failed));
    }

    /** Returns how many requests ended without a complete answer, apart from those that were interrupted. */
    int failed() {
        return (int) requests.values().stream().filter(Last::failed).count();
    }

    /** Of a run that begins: nothing. */
    static Remains none() {
        return new Remains();
    }

    private Last last(Job job) {
        return requests.getOrDefault(job.requestId(), Last.NONE);
    }

    /** Whether the request needs no further attempt. */
    boolean isDone(Job job) {
        return last(job).done();
    }

    /** Returns the number of the last attempt at the request, 0 if there is none. */
    int attempts(Job job) {
        return last(job).number();
    }

    /** Returns how many of them count as tries; none where the user interrupted it, or wants it sent again. */
    int retries(Job job) {
        return last(job).startsAfresh() ? 0 : last(job).number();
    }

    /** Hands over all rows that are whole; what follows a damaged place is not read. */
    static void forEachRow(Path file, String[] columns, Taker taker) throws IOException {
        var format = CSVFormat.RFC4180.builder().setHeader(columns).setSkipHeaderRecord(true).get();
        CSVRecord last = null; // whether a row is whole is known when it is not the last
        var lastIsTorn = !endsWithLineEnd(file);
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var row : rows) {
                take(last, taker);
                last = row;
            }
        } catch (UncheckedIOException e) {
            lastIsTorn = false; // the torn one ends inside its quotes, and was not read
        }
        if (!lastIsTorn) {
            take(last, taker);
        }
    }

    private static void take(CSVRecord row, Taker taker) throws IOException {
        if (row != null && row.isConsistent()) {
            taker.row(row);
        }
    }

    private static boolean endsWithLineEnd(Path file) throws IOException {
        try (var bytes = FileChannel.open(file)) {
            var last = ByteBuffer.allocate(2);
            return bytes.size() >= 2 && bytes.read(last, bytes.size() - 2) == 2 && last.get(0) == '\r' && last.get(1) == '\n';
        }
    }

    /** Writes the file anew with the rows of these attempts alone. */
    private static void keep(Path file, String[] columns, Set<String> attempts) throws IOException {
        var part = file.resolveSibling(file.getFileName() + ".part");
        Files.deleteIfExists(part);
        try (var kept = new CsvFile(part, columns, false)) {
            forEachRow(file, columns, row -> {
                if (attempts.contains(attempt(row))) {
                    kept.row((Object[]) row.values());
                }
            });
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}

/** A CSV file that is written while a run goes on. */
final class CsvFile implements AutoCloseable {

    private static final CSVFormat FORMAT = CSVFormat.RFC4180;

    /** What a spreadsheet may take for a formula, unless it is a number. */
    private static final Pattern FORMULA = Pattern.compile("[=+\\-@\t\r](?!\\d+(\\.\\d+)?$).*", Pattern.DOTALL);

    private final BufferedSink out;
    private final boolean guarded;
    private StringBuilder cell = new StringBuilder();

    /** Creates the file and writes its header, or goes on behind the rows of one that is there. */
    CsvFile(Path file, String[] columns, boolean guarded) throws IOException {
        this.guarded = guarded;
        var isNew = Files.notExists(file);
        out = Okio.buffer(Okio.sink(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
        if (isNew) {
            row((Object[]) columns);
            flush();
        }
    }

    /** Makes a text harmless to a spreadsheet if that is wanted: a quote before what would be a formula. */
    private Object guarded(Object value) {
        return guarded && value instanceof String text && FORMULA.matcher(text).matches() ? "'" + text : value;
    }

    /** The text as it was before it was guarded. */
    static String unguarded(String text) {
        return text.startsWith("'") && FORMULA.matcher(text.substring(1)).matches() ? text.substring(1) : text;
    }

    /** Returns the cells with which a row begins, quoted where they must be. */
    ByteString cells(Object... values) {
        return ByteString.encodeUtf8(FORMAT.format(Arrays.stream(values).map(this::guarded).toArray()));
    }

    /** Adds a row; null is blank. */
    void row(Object... values) throws IOException {
        FORMAT.printRecord(new Cells(), Arrays.stream(values).map(this::guarded).toArray());
    }

    /** Where Commons CSV prints to; an answer of megabytes is not copied once more on its way. */
    private final class Cells implements Appendable {
        @Override
        public Appendable append(CharSequence text) throws IOException {
            return append(text, 0, text.length());
        }

        @Override
        public Appendable append(CharSequence text, int start, int end) throws IOException {
            out.writeUtf8(text.toString(), start, end);
            return this;
        }

        @Override
        public Appendable append(char letter) throws IOException {
            out.writeUtf8CodePoint(letter);
            return this;
        }
    }

    /**
     * Adds the row of an event. Only its text may need quotes: numbers and kinds never do, and what all rows of an
     * attempt begin with is quoted once, by {@link #cells}. Half a character, as some servers stream it, becomes a
     * question mark.
     *
     * @param delayMicros {@link Figures#NONE} on the first event
     */
    void eventRow(ByteString start, int number, EventKind kind, long elapsedMicros, long delayMicros, int read,
                  String text) throws IOException {
        var row = out.getBuffer();
        row.write(start).writeByte(',').writeDecimalLong(number).writeByte(',').writeUtf8(kind.word()).writeByte(',');
        Figures.writeMillis(row, elapsedMicros);
        row.writeByte(',');
        if (delayMicros != Figures.NONE) {
            Figures.writeMillis(row, delayMicros);
        }
        row.writeByte(',').writeDecimalLong(read);
        var bytesBefore = row.size();
        FORMAT.print(guarded(text), cell, false);
        row.writeUtf8(cell.toString()).writeByte('\r').writeByte('\n');
        // a builder that has held an emoji stays twice as wide, and slow
        cell = row.size() - bytesBefore == cell.length() + 2 ? cell.delete(0, cell.length()) : new StringBuilder();
        out.emitCompleteSegments();
    }

    /** Lets all rows be seen by others. */
    void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
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
        return Figures.quantile(requests.values().stream().filter(last -> last.completed() && last.model().equals(model))
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
