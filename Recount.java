///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Count the figures of each request anew, as this tool or another would
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS commons-io:commons-io:2.20.0
//DEPS me.tongfei:progressbar:0.10.2
//DEPS org.hdrhistogram:HdrHistogram:2.2.2
//SOURCES Results.java

// Recount: reads recorded runs, however large, and counts the figures of each request anew from its events: as this tool
// defines them, or as vLLM's bench client, GuideLLM or AIPerf would have from the very same stream.
//
// To run just:
//   jbang Recount.java                                  the newest run under results/, a CSV row a request
//   jbang Recount.java --as vllm results/RUN_ID         what vLLM's client would have said
//
// Read it from the outside in: command line, definitions, tokens and gaps, what one request took, a run on disk. Compare.java reads runs
// with it. Events go by one at a time: memory grows with the requests, not with the events.
//
// It does not judge: a broken row is left out and named, everything else is taken as it is written.

package stream;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.HdrHistogram.IntCountsHistogram;
import org.HdrHistogram.PackedHistogram;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.apache.commons.io.input.BOMInputStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** The command that prints a row for each request. */
@Command(name = "recount", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        version = Prompts.VERSION,
        description = "Counts the figures of each request anew, as this tool or another would.")
public class Recount implements Callable<Integer> {

    @Parameters(paramLabel = "RUN", arity = "0..*", description = "Folders of runs (default: the newest in results/).")
    List<Path> runs = new ArrayList<>();

    @Option(names = "--as", paramLabel = "ours|vllm|guidellm|aiperf", defaultValue = "ours",
            description = "Whose definitions (default: ${DEFAULT-VALUE}).")
    String as;

    private final PrintStream out;
    private final PrintStream err;

    Recount(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 all is counted, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Recount(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("recount: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        try {
            var definition = Definition.of(as);
            var problems = new Problems();
            try (var rows = new CSVPrinter(out, CSVFormat.RFC4180)) {
                rows.printRecord("run_id", "request_id", "model", "status", "ttft_ms", "itl_ms", "tpot_ms", "ttlt_ms",
                        "total_ms", "output_tokens");
                for (var folder : RecordedRun.folders(runs)) {
                    var run = RecordedRun.read(folder, problems);
                    run.readEvents(definition, RecordedRun.Audience.NOBODY, problems, null);
                    for (var answer : run.answers()) {
                        print(rows, run, answer);
                    }
                }
            }
            problems.lines().forEach(line -> err.println("recount: " + line));
            return 0;
        } catch (IOException | IllegalArgumentException e) {
            err.println("recount: " + e.getMessage());
            return 2;
        }
    }

    private static void print(CSVPrinter rows, RecordedRun run, Answered answer) throws IOException {
        rows.print(run.name());
        rows.print(answer.requestId());
        rows.print(answer.model());
        rows.print(answer.status());
        for (var measure : List.of(Measure.TTFT, Measure.ITL, Measure.TPOT, Measure.TTLT, Measure.TOTAL)) {
            rows.print(answer.knows(measure) ? Figures.millis(answer.get(measure) * 1000) : null);
        }
        rows.print(answer.knows(Measure.OUTPUT_TOKENS) ? (long) answer.get(Measure.OUTPUT_TOKENS) : null);
        rows.println();
    }
}

/** What requests.csv holds of a request as a number, and what it is called there. Times are milliseconds. */
enum Measure {
    TTFT("ttft_ms"), ITL("itl_p50_ms"), TPOT("tpot_ms"), TTLT("ttlt_ms"), TOTAL("total_ms"),
    TOKENS_PER_S("output_tokens_per_s"), OUTPUT_TOKENS("output_tokens"), CACHED_TOKENS("cached_prompt_tokens"),
    EVENTS("events"), CONTENT_EVENTS("content_events"), COALESCED_EVENTS("coalesced_events"),
    QUEUE("queue_ms"), SENT("sent_ms"), HEADERS("headers_ms");

    private final String column;

    Measure(String column) {
        this.column = column;
    }

    String column() {
        return column;
    }

    /** Its name in options, JSON and CSV. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

/** Whose definitions of the figures hold. Each other tool's are those of its source, as of November 2026. */
enum Definition {
    /** design.md's: a token is an event with visible text. */
    OURS(EnumSet.of(EventKind.CONTENT)),

    /**
     * vllm/benchmarks/lib/endpoint_request_func.py: TTFT ends with the first chunk that has choices, be it a role alone;
     * each later one, the one with the finish reason too, ends an ITL; the latency ends with the last of them, and TPOT is
     * (latency - TTFT) / (output tokens - 1).
     */
    VLLM(EnumSet.of(EventKind.ROLE, EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL, EventKind.FINISH)),

    /**
     * guidellm/schemas/request_stats.py and benchmark/schemas/metrics.py: text, reasoning and tool calls are tokens; ITL is
     * one mean a request, (last - first) / (output tokens - 1), weighted with their number where requests are taken
     * together; TPOT is the time to the last token / output tokens, with the first, weighted with these.
     */
    GUIDELLM(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL)),

    /**
     * aiperf/metrics/types: TTFT ends with the first response that has data, be it reasoning; the request latency with the
     * last; ITL is one mean a request, (request latency - TTFT) / (output sequence length - 1). It has no TPOT.
     */
    AIPERF(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL));

    private final Set<EventKind> tokens;

    Definition(Set<EventKind> tokens) {
        this.tokens = tokens;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Throws IllegalArgumentException with the words for the user. */
    static Definition of(String word) {
        for (var definition : values()) {
            if (definition.word().equals(word)) {
                return definition;
            }
        }
        throw new IllegalArgumentException("--as '" + word + "'; it takes one of "
                + Arrays.stream(values()).map(Definition::word).collect(Collectors.joining(", ")));
    }

    /** Whether an event of this kind is a token here. */
    boolean isToken(EventKind kind) {
        return tokens.contains(kind);
    }

    /** Whether each gap between two tokens is an ITL, and not one mean for each request. */
    boolean hasGaps() {
        return this == OURS || this == VLLM;
    }

    /** How much a request counts when the values of several are taken together. */
    double weight(Measure measure, Answered answer) {
        return this != GUIDELLM ? 1 : switch (measure) {
            case ITL -> answer.get(Measure.OUTPUT_TOKENS) - 1;
            case TPOT -> answer.get(Measure.OUTPUT_TOKENS);
            default -> 1;
        };
    }

    /** Puts the figures of this tool into an answer whose tokens have gone by; ours stand in requests.csv. */
    void settle(Answered answer, Tokens seen) {
        if (this == OURS) {
            return;
        }
        var first = seen.count() == 0 ? Double.NaN : seen.firstMicros() / 1e3;
        var last = seen.count() == 0 ? Double.NaN : seen.lastMicros() / 1e3;
        var tokens = answer.get(Measure.OUTPUT_TOKENS);
        var perToken = tokens < 2 ? Double.NaN : (last - first) / (tokens - 1);
        answer.set(Measure.TTFT, first);
        answer.set(Measure.TTLT, last);
        answer.set(Measure.TOTAL, this == GUIDELLM ? answer.get(Measure.TOTAL) : last);
        answer.set(Measure.ITL, this == VLLM ? seen.medianGapMillis() : perToken);
        answer.set(Measure.TPOT, this == VLLM ? perToken : this == GUIDELLM ? last / tokens : Double.NaN);
        answer.set(Measure.TOKENS_PER_S, tokens / answer.get(Measure.TOTAL) * 1000);
    }
}

/** The tokens of one answer that have gone by. */
final class Tokens {

    private final double[] gapsMillis; // null if nobody asks for them
    private int count;
    private int events;
    private long firstMicros;
    private long lastMicros;

    Tokens(int most, boolean keepsGaps) {
        gapsMillis = keepsGaps ? new double[most] : null;
    }

    /** Adds one; returns the microseconds since the one before, {@link Figures#NONE} for the first. */
    long add(long elapsedMicros) {
        var gap = count == 0 ? Figures.NONE : elapsedMicros - lastMicros;
        if (count == 0) {
            firstMicros = elapsedMicros;
        } else if (gapsMillis != null && count <= gapsMillis.length) {
            gapsMillis[count - 1] = gap / 1e3;
        }
        count++;
        lastMicros = elapsedMicros;
        return gap;
    }

    int count() {
        return count;
    }

    /** Counts an event of any kind; returns how many there were. */
    int countEvent() {
        return ++events;
    }

    long firstMicros() {
        return firstMicros;
    }

    long lastMicros() {
        return lastMicros;
    }

    /** Returns NaN where there is no gap. */
    double medianGapMillis() {
        var gaps = Math.min(count - 1, gapsMillis.length);
        return gaps < 1 ? Double.NaN : Figures.quantile(Arrays.copyOf(gapsMillis, gaps), 0.5);
    }
}

/**
 * Gaps between tokens, however many, in bounded memory: to the microsecond below 16 ms, above that to a
 * sixteen-thousandth of their length. Quantiles interpolate as {@link Figures#quantile} does.
 */
final class Gaps {

    private static final long LONGEST_MICROS = 24L * 3600 * 1_000_000;

    private final PackedHistogram counts = new PackedHistogram(LONGEST_MICROS, 4);

    void add(long micros) {
        counts.recordValue(Math.min(micros, LONGEST_MICROS));
    }

    /** Returns null if they are too few to carry it. */
    Double quantileMillis(double fraction) {
        var count = counts.getTotalCount();
        if (Figures.quantile(new double[(int) Math.min(count, 100)], fraction) == null) {
            return null;
        }
        var rank = fraction * (count - 1);
        var below = (long) Math.floor(rank);
        var lower = Double.NaN;
        for (var value : counts.recordedValues()) {
            var seen = value.getTotalCountToThisValue();
            var middle = value.getValueIteratedTo() < 1 << 14 ? value.getValueIteratedTo()
                    : counts.medianEquivalentValue(value.getValueIteratedTo());
            lower = Double.isNaN(lower) && seen > below ? middle : lower;
            if (seen > Math.min(below + 1, count - 1)) {
                return (lower + (rank - below) * (middle - lower)) / 1e3;
            }
        }
        return null;
    }
}

/** The gaps again, by where in the answer they were; the later ones lie in wider and wider classes. */
final class Positions {

    private static final int EXACT = 32;
    private static final int PER_DOUBLING = 8;
    private static final int FEWEST = 3;

    private final List<IntCountsHistogram> classes = new ArrayList<>();

    void add(int token, long micros) {
        var at = classOf(token);
        while (classes.size() <= at) {
            classes.add(new IntCountsHistogram(2));
        }
        classes.get(at).recordValue(micros);
    }

    /** One class for each of the first 32 tokens, eight for each doubling after that. */
    private static int classOf(int token) {
        var doublings = token < EXACT ? 0 : 31 - Integer.numberOfLeadingZeros(token) - 5;
        return token < EXACT ? token : EXACT + doublings * PER_DOUBLING + (token >> 2 + doublings) - PER_DOUBLING;
    }

    private static int firstOf(int at) {
        var doublings = (at - EXACT) / PER_DOUBLING;
        return at < EXACT ? at : PER_DOUBLING + (at - EXACT) % PER_DOUBLING << 2 + doublings;
    }

    /** Puts the median of each class with more than a few gaps into two arrays: first token, milliseconds. */
    void into(ArrayNode tokens, ArrayNode millis) {
        for (int at = 0; at < classes.size(); at++) {
            var gaps = classes.get(at);
            if (gaps.getTotalCount() >= FEWEST) {
                tokens.add(firstOf(at));
                millis.add(gaps.getValueAtPercentile(50) / 1e3);
            }
        }
    }
}

/** What a measured request came to in its last attempt. */
final class Answered {

    private static final Set<String> STATUSES = Set.of("completed", "truncated", "failed", "timeout", "stalled", "cancelled");

    private final String requestId;
    private final String model;
    private final String modelName;
    private final String baseUrl;
    private final String promptId;
    private final int repetition;
    private final int attempt;
    private final String status;
    private final String error;
    private final String reportedModel;
    private final boolean reasoningAlone;
    private final boolean tainted;
    private final boolean counted;
    private final Instant startedAt; // null if it is not known
    private final double[] values = new double[Measure.values().length];

    Answered(RecordedRun.Row row) {
        requestId = CsvFile.unguarded(row.text("request_id"));
        model = row.shared("model");
        modelName = row.shared("model_name");
        baseUrl = row.shared("base_url");
        promptId = row.shared("prompt_id");
        repetition = (int) row.number("repetition");
        attempt = (int) row.number("attempt");
        status = row.oneOf("status", STATUSES);
        error = row.shared("error");
        reportedModel = row.shared("reported_model");
        reasoningAlone = row.text("ttft_ms").isEmpty() && !row.text("ttft_reasoning_ms").isEmpty();
        tainted = !row.text("tainted").isEmpty();
        counted = row.text("token_source").equals("usage");
        startedAt = row.time("started_at");
        for (var measure : Measure.values()) {
            values[measure.ordinal()] = row.number(measure.column());
        }
    }

    String requestId() {
        return requestId;
    }

    /** Label of the model. */
    String model() {
        return model;
    }

    /** What the server calls it. */
    String modelName() {
        return modelName;
    }

    String baseUrl() {
        return baseUrl;
    }

    String promptId() {
        return promptId;
    }

    int repetition() {
        return repetition;
    }

    int attempt() {
        return attempt;
    }

    String status() {
        return status;
    }

    /** Why it failed; empty if it did not. */
    String error() {
        return error;
    }

    /** What the server says that it served; empty if it does not say. */
    String reportedModel() {
        return reportedModel;
    }

    /** Whether it holds reasoning and no visible text. */
    boolean isReasoningAlone() {
        return reasoningAlone;
    }

    boolean completed() {
        return status.equals("completed");
    }

    /** Whether its timing is in doubt. */
    boolean tainted() {
        return tainted;
    }

    /** Whether the server counted its tokens; else its events were. */
    boolean tokensAreCounted() {
        return counted;
    }

    /** Returns null if it is not known. */
    Instant startedAt() {
        return startedAt;
    }

    /** Returns NaN where it is not known. */
    double get(Measure measure) {
        return values[measure.ordinal()];
    }

    boolean knows(Measure measure) {
        return !Double.isNaN(get(measure));
    }

    void set(Measure measure, double value) {
        values[measure.ordinal()] = value;
    }
}

/** What could not be read, place by place, without filling the screen. */
final class Problems {

    private static final int MOST_PER_FILE = 3;

    private final Map<Path, Integer> counts = new LinkedHashMap<>();
    private final List<String> lines = new ArrayList<>();

    /** Notes a row that is left out. */
    void add(Path file, long line, String why) {
        if (counts.merge(file, 1, Integer::sum) <= MOST_PER_FILE) {
            lines.add(file + ":" + line + ": " + why + "; the row is left out");
        }
    }

    /** Notes anything else. */
    void add(String line) {
        lines.add(line);
    }

    /** Returns a line for each, and one for those that are too many to tell. */
    List<String> lines() {
        var all = new ArrayList<>(lines);
        counts.forEach((file, count) -> {
            if (count > MOST_PER_FILE) {
                all.add(file + ": " + (count - MOST_PER_FILE) + " more rows are left out");
            }
        });
        return all;
    }
}

/** A run on disk. */
final class RecordedRun {

    private static final Set<String> NEEDED =
            Set.of("request_id", "model", "prompt_id", "repetition", "attempt", "phase", "status");
    private static final Set<String> NEEDED_OF_EVENTS = Set.of("request_id", "attempt", "kind", "elapsed_ms");
    private static final CSVFormat LENIENT = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true)
            .setTrailingData(true).setLenientEof(true).setAllowMissingColumnNames(true)
            .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW).get();
    private static final Map<String, EventKind> KINDS = Arrays.stream(EventKind.values())
            .collect(Collectors.toMap(EventKind::word, kind -> kind));
    private static final long LONG_FILE = 64 << 20;

    /** Hears the events of the answers that count, in the order of the file. */
    interface Audience {
        /** Hears nothing. */
        Audience NOBODY = new Audience() {
            @Override
            public void event(Answered answer, EventKind kind, long elapsedMicros, String text) { }

            @Override
            public void gap(Answered answer, int token, long micros) { }
        };

        void event(Answered answer, EventKind kind, long elapsedMicros, String text);

        /** The time between a token, counted from 0, and the one before. */
        void gap(Answered answer, int token, long micros);
    }

    /** A row can't be taken; the message says why. */
    private static final class BadRow extends RuntimeException {
        BadRow(String message) {
            super(message, null, false, false);
        }
    }

    /** Takes rows. */
    private interface Taker {
        void row(Row row);
    }

    /** A row of a CSV file, whose columns may stand in any order. */
    final class Row {
        private final CSVRecord cells;

        private Row(CSVRecord cells) {
            this.cells = cells;
        }

        /** Returns the empty text where there is no such column. */
        String text(String column) {
            return cells.isMapped(column) ? cells.get(column) : "";
        }

        /** The same, as one object for all rows that hold it. */
        String shared(String column) {
            return texts.computeIfAbsent(text(column), text -> text);
        }

        /** Returns NaN for blank. */
        double number(String column) {
            var text = text(column);
            if (text.isEmpty()) {
                return Double.NaN;
            }
            try {
                var number = Double.parseDouble(text);
                if (number >= 0 && number < Double.POSITIVE_INFINITY) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // said below
            }
            throw new BadRow(column + " '" + text + "' is not a number from 0");
        }

        String oneOf(String column, Set<String> words) {
            if (!words.contains(text(column))) {
                throw new BadRow(column + " '" + text(column) + "' is none");
            }
            return shared(column);
        }

        /** Returns null for blank. */
        Instant time(String column) {
            try {
                return text(column).isEmpty() ? null : Instant.parse(text(column));
            } catch (DateTimeException e) {
                throw new BadRow(column + " '" + text(column) + "' is not a time");
            }
        }
    }

    private final Path folder;
    private final JsonNode record;
    private final Map<String, Answered> answers = new LinkedHashMap<>();
    private final Map<String, String> texts = new HashMap<>();

    private RecordedRun(Path folder, JsonNode record) {
        this.folder = folder;
        this.record = record;
    }

    /** Returns the folders of runs that these are, or that are in them; throws IOException if one is neither. */
    static List<Path> folders(List<Path> given) throws IOException {
        if (given.isEmpty()) {
            var all = Files.isDirectory(Path.of("results")) ? RunRecord.inside(Path.of("results")) : List.<Path>of();
            if (all.isEmpty()) {
                throw new IOException("results: no runs there; name the folder of one");
            }
            return List.of(all.getLast());
        }
        var folders = new ArrayList<Path>();
        for (var path : given) {
            var folder = Files.isRegularFile(path) && path.getFileName().toString().matches("(requests|events)\\.csv")
                    ? path.toAbsolutePath().getParent() : path;
            if (Files.isRegularFile(folder.resolve("requests.csv"))) {
                folders.add(folder);
            } else if (!Files.exists(folder)) {
                throw new IOException(path + ": no such folder; name the folder of a run");
            } else {
                var inside = Files.isDirectory(folder) ? RunRecord.inside(folder) : List.<Path>of();
                if (inside.isEmpty()) {
                    throw new IOException(path + ": no run of this tool, there is no requests.csv in it; name the folder of a run");
                }
                folders.addAll(inside);
            }
        }
        return folders.stream().distinct().toList();
    }

    /** Reads all but the events; throws IOException if there is nothing of this tool. */
    static RecordedRun read(Path folder, Problems problems) throws IOException {
        JsonNode record;
        try {
            record = JsonMapper.shared().readTree(Files.readString(folder.resolve("run.json")));
        } catch (IOException | JacksonException e) {
            record = JsonMapper.shared().createObjectNode();
            problems.add(folder + ": no run.json that can be read; what it would say is not known");
        }
        var run = new RecordedRun(folder, record);
        run.forEachRow(folder.resolve("requests.csv"), NEEDED, problems, null, run::add);
        var planned = record.path("planned_requests").asInt(0);
        if (record.isObject() && record.has("run_id") && !record.has("finished_at")) {
            problems.add(folder + ": still being written, or cut off: " + run.answers.size()
                    + (planned > 0 ? " of " + planned : "") + " requests are there");
        }
        return run;
    }

    private void add(Row row) {
        if (row.text("phase").equals(Phase.MEASURED.word())) {
            var answer = new Answered(row);
            answers.merge(answer.requestId(), answer,
                    (before, after) -> after.attempt() >= before.attempt() ? after : before);
        }
    }

    /** Lets all whole rows of a file be taken; null for the place of progress shows none. */
    private void forEachRow(Path file, Set<String> needed, Problems problems, PrintStream progress, Taker taker)
            throws IOException {
        try (var bytes = open(file, progress);
             var rows = CSVParser.parse(BOMInputStream.builder().setInputStream(bytes).get(), StandardCharsets.UTF_8, LENIENT)) {
            var columns = rows.getHeaderNames();
            for (var column : needed) {
                if (!columns.contains(column)) {
                    throw new IOException(file + ": not a file of this tool, it has no column " + column);
                }
            }
            if (needed == NEEDED) {
                Arrays.stream(Measure.values()).filter(measure -> !columns.contains(measure.column()))
                        .forEach(measure -> problems.add(file + ": no column " + measure.column() + ", it stays blank"));
            }
            var line = rows.getCurrentLineNumber();
            for (var iterator = rows.iterator(); iterator.hasNext(); line = rows.getCurrentLineNumber()) {
                var cells = iterator.next();
                if (!cells.isConsistent()) {
                    problems.add(file, line + 1, cells.size() + " cells instead of " + columns.size());
                    continue;
                }
                try {
                    taker.row(new Row(cells));
                } catch (BadRow e) {
                    problems.add(file, line + 1, e.getMessage());
                }
            }
        } catch (FileSystemException e) {
            throw new IOException(file + ": can't be read (" + e.getClass().getSimpleName() + ")");
        } catch (UncheckedIOException e) {
            problems.add(file + ": can't be read to its end (" + e.getCause().getMessage() + "); the rows before count");
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": not a file of this tool (" + e.getMessage() + ")");
        }
    }

    private static InputStream open(Path file, PrintStream progress) throws IOException {
        var size = Files.size(file);
        if (progress == null || size < LONG_FILE || System.console() == null || !System.console().isTerminal()) {
            return Files.newInputStream(file);
        }
        return ProgressBar.wrap(Files.newInputStream(file), new ProgressBarBuilder().setTaskName(file.getFileName().toString())
                .setInitialMax(size).setUnit(" MB", 1 << 20).setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(200)
                .setConsumer(new ConsoleProgressBarConsumer(progress, 79)));
    }

    /** Reads the texts of some answers, by request id. */
    Map<String, String> outputs(Set<String> requestIds) throws IOException {
        var outputs = new HashMap<String, String>();
        forEachRow(folder.resolve("requests.csv"), NEEDED, new Problems(), null, row -> {
            var id = CsvFile.unguarded(row.text("request_id"));
            if (requestIds.contains(id)) {
                outputs.put(id, CsvFile.unguarded(row.text("output")));
            }
        });
        return outputs;
    }

    /**
     * Lets all events of the answers go by, and settles the figures of these as they are defined.
     *
     * @param progress where progress is shown when it takes long; null for nowhere
     */
    void readEvents(Definition definition, Audience audience, Problems problems, PrintStream progress) throws IOException {
        if (definition != Definition.OURS) {
            for (var answer : answers.values()) {
                List.of(Measure.TTFT, Measure.ITL, Measure.TPOT, Measure.TTLT, Measure.TOKENS_PER_S)
                        .forEach(measure -> answer.set(measure, Double.NaN));
            }
        }
        var file = folder.resolve("events.csv");
        if (!Files.isRegularFile(file)) {
            problems.add(file + ": not there; what is counted from events stays blank");
            return;
        }
        var passage = new Passage(definition, audience);
        forEachRow(file, NEEDED_OF_EVENTS, problems, progress, passage::take);
        passage.inFlight.forEach(definition::settle);
    }

    /** The events as they go by. Only answers whose events have not all gone by hold anything. */
    private final class Passage {
        private final Definition definition;
        private final Audience audience;
        private final Map<Answered, Tokens> inFlight = new HashMap<>();
        private final Set<Answered> over = new HashSet<>();
        private String requestId = "";
        private Answered answer; // of that request
        private Tokens tokens; // of that answer

        Passage(Definition definition, Audience audience) {
            this.definition = definition;
            this.audience = audience;
        }

        void take(Row row) {
            var id = row.text("request_id");
            if (!id.equals(requestId)) {
                requestId = id;
                answer = answers.get(CsvFile.unguarded(id));
                tokens = inFlight.get(answer);
            }
            if (answer == null || row.number("attempt") != answer.attempt()) {
                return; // of a warm-up, or of an attempt that was not the last
            }
            var kind = KINDS.get(row.text("kind"));
            var micros = micros(row.text("elapsed_ms"));
            if (kind == null) {
                throw new BadRow("kind '" + row.text("kind") + "' is none");
            }
            var events = answer.knows(Measure.EVENTS) ? (int) answer.get(Measure.EVENTS) : 0;
            if (tokens == null) {
                if (over.contains(answer)) {
                    throw new BadRow("request " + id + " had its " + events + " events already");
                }
                tokens = new Tokens(events, definition == Definition.VLLM);
                inFlight.put(answer, tokens);
            }
            if (micros < tokens.lastMicros()) {
                throw new BadRow("elapsed_ms '" + row.text("elapsed_ms") + "' is before the token before it");
            }
            audience.event(answer, kind, micros, row.text("text"));
            if (definition.isToken(kind)) {
                var gap = tokens.add(micros);
                if (gap != Figures.NONE) {
                    audience.gap(answer, tokens.count() - 1, gap);
                }
            }
            if (tokens.countEvent() == events) {
                definition.settle(answer, inFlight.remove(answer));
                over.add(answer);
                tokens = null;
            }
        }
    }

    /** Reads milliseconds with up to three decimals as whole microseconds, which a double may miss by one. */
    static long micros(String millis) {
        var micros = 0L;
        var decimals = -1;
        for (int i = 0; i < millis.length(); i++) {
            var letter = millis.charAt(i);
            if (letter == '.' && decimals < 0) {
                decimals = 0;
            } else if (letter >= '0' && letter <= '9' && decimals < 3 && i < 15) {
                micros = micros * 10 + letter - '0';
                decimals += decimals < 0 ? 0 : 1;
            } else {
                throw new BadRow("elapsed_ms '" + millis + "' is not a number of milliseconds");
            }
        }
        if (millis.isEmpty()) {
            throw new BadRow("elapsed_ms is blank");
        }
        for (var scale = Math.max(0, decimals); scale < 3; scale++) {
            micros *= 10;
        }
        return micros;
    }

    Path folder() {
        return folder;
    }

    /** The run's id, else the name of its folder. */
    String name() {
        return record.path("run_id").asString(folderName());
    }

    /** What the folder is called: the run's id, unless somebody gave it a better name. */
    String folderName() {
        return folder.toAbsolutePath().normalize().getFileName().toString();
    }

    /** What run.json holds; an empty object if there is none. */
    JsonNode record() {
        return record;
    }

    /** The last attempts of all measured requests, in the order in which they were written. */
    List<Answered> answers() {
        return List.copyOf(answers.values());
    }
}
