//JAVA 25+
//DEPS commons-io:commons-io:2.20.0
//DEPS me.tongfei:progressbar:0.10.2
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Events.java
//SOURCES Metrics.java
//SOURCES Plan.java
//SOURCES RunFiles.java

// RecordedRun

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
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.apache.commons.io.input.BOMInputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a measured request came to in its last attempt. */
final class RecordedAnswer {

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
    private final double[] values = new double[Metric.values().length];

    RecordedAnswer(RecordedRun.Row row) {
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
        for (var measure : Metric.values()) {
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
    double get(Metric measure) {
        return values[measure.ordinal()];
    }

    boolean knows(Metric measure) {
        return !Double.isNaN(get(measure));
    }

    void set(Metric measure, double value) {
        values[measure.ordinal()] = value;
    }
}

/** What could not be read, place by place, without filling the screen. */
final class ReadProblems {

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
            public void event(RecordedAnswer answer, EventKind kind, long elapsedMicros, String text) { }

            @Override
            public void gap(RecordedAnswer answer, int token, long micros) { }
        };

        void event(RecordedAnswer answer, EventKind kind, long elapsedMicros, String text);

        /** The time between a token, counted from 0, and the one before. */
        void gap(RecordedAnswer answer, int token, long micros);
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
    private final Map<String, RecordedAnswer> answers = new LinkedHashMap<>();
    private final Map<String, String> texts = new HashMap<>();

    private RecordedRun(Path folder, JsonNode record) {
        this.folder = folder;
        this.record = record;
    }

    /** Returns the folders of runs that these are, or that are in them; throws IOException if one is neither. */
    static List<Path> folders(List<Path> given) throws IOException {
        if (given.isEmpty()) {
            var all = Files.isDirectory(Path.of("results")) ? RunManifest.inside(Path.of("results")) : List.<Path>of();
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
                var inside = Files.isDirectory(folder) ? RunManifest.inside(folder) : List.<Path>of();
                if (inside.isEmpty()) {
                    throw new IOException(path + ": no run of this tool, there is no requests.csv in it; name the folder of a run");
                }
                folders.addAll(inside);
            }
        }
        return folders.stream().distinct().toList();
    }

    /** Reads all but the events; throws IOException if there is nothing of this tool. */
    static RecordedRun read(Path folder, ReadProblems problems) throws IOException {
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
            var answer = new RecordedAnswer(row);
            answers.merge(answer.requestId(), answer,
                    (before, after) -> after.attempt() >= before.attempt() ? after : before);
        }
    }

    /** Lets all whole rows of a file be taken; null for the place of progress shows none. */
    private void forEachRow(Path file, Set<String> needed, ReadProblems problems, PrintStream progress, Taker taker)
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
                Arrays.stream(Metric.values()).filter(measure -> !columns.contains(measure.column()))
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
        forEachRow(folder.resolve("requests.csv"), NEEDED, new ReadProblems(), null, row -> {
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
    void readEvents(MetricDefinition definition, Audience audience, ReadProblems problems, PrintStream progress) throws IOException {
        if (definition != MetricDefinition.OURS) {
            for (var answer : answers.values()) {
                List.of(Metric.TTFT, Metric.ITL, Metric.TPOT, Metric.TTLT, Metric.TOKENS_PER_S)
                        .forEach(measure -> answer.set(measure, Double.NaN));
            }
        }
        var file = folder.resolve("events.csv");
        if (!Files.isRegularFile(file)) {
            problems.add(file + ": not there; what is counted from events stays blank");
            return;
        }
        var passage = new EventReader(definition, audience);
        forEachRow(file, NEEDED_OF_EVENTS, problems, progress, passage::take);
        passage.inFlight.forEach(definition::settle);
    }

    /** The events as they go by. Only answers whose events have not all gone by hold anything. */
    private final class EventReader {
        private final MetricDefinition definition;
        private final Audience audience;
        private final Map<RecordedAnswer, TokenTimes> inFlight = new HashMap<>();
        private final Set<RecordedAnswer> over = new HashSet<>();
        private String requestId = "";
        private RecordedAnswer answer; // of that request
        private TokenTimes tokens; // of that answer

        EventReader(MetricDefinition definition, Audience audience) {
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
            var events = answer.knows(Metric.EVENTS) ? (int) answer.get(Metric.EVENTS) : 0;
            if (tokens == null) {
                if (over.contains(answer)) {
                    throw new BadRow("request " + id + " had its " + events + " events already");
                }
                tokens = new TokenTimes(events, definition == MetricDefinition.VLLM);
                inFlight.put(answer, tokens);
            }
            if (micros < tokens.lastMicros()) {
                throw new BadRow("elapsed_ms '" + row.text("elapsed_ms") + "' is before the token before it");
            }
            audience.event(answer, kind, micros, row.text("text"));
            if (definition.isToken(kind)) {
                var gap = tokens.add(micros);
                if (gap != AnswerMetrics.NONE) {
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
    List<RecordedAnswer> answers() {
        return List.copyOf(answers.values());
    }
}
