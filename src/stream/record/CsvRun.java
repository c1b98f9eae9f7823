//JAVA 25+
//DEPS commons-io:commons-io:2.20.0
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES ../terminal/ReadProgress.java
//SOURCES ../api/EventKind.java
//SOURCES ../metric/AnswerMetrics.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/TextTimes.java
//SOURCES ../metric/TokenTimes.java
//SOURCES Column.java
//SOURCES CsvFile.java
//SOURCES EventBatch.java
//SOURCES EventBatches.java
//SOURCES EventCells.java
//SOURCES EventColumn.java
//SOURCES EventScanner.java
//SOURCES ReadProblems.java
//SOURCES RecordedAnswer.java
//SOURCES RecordedRun.java
//SOURCES RequestColumn.java
//SOURCES Row.java
//SOURCES RunFiles.java
//SOURCES RunManifest.java

package stream.record;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.apache.commons.io.input.BOMInputStream;
import stream.api.EventKind;
import stream.metric.AnswerMetrics;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.metric.TextTimes;
import stream.metric.TokenTimes;
import stream.terminal.ReadProgress;

/**
 * A run on disk, as this tool writes it.
 *
 * <p>Rows are read one at a time: memory grows with the requests, not with the events.
 */
public final class CsvRun extends RecordedRun {

    private static final Set<Column> NEEDED_OF_REQUESTS = Set.of(RequestColumn.REQUEST_ID, RequestColumn.MODEL,
            RequestColumn.PROMPT_ID, RequestColumn.REPETITION, RequestColumn.ATTEMPT, RequestColumn.PHASE, RequestColumn.STATUS);
    private static final Set<Column> NEEDED_OF_EVENTS =
            Set.of(EventColumn.REQUEST_ID, EventColumn.ATTEMPT, EventColumn.KIND, EventColumn.ELAPSED_MS);
    private static final CSVFormat LENIENT = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true)
            .setTrailingData(true).setLenientEof(true).setAllowMissingColumnNames(true)
            .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW).get();
    private static final long LONG_FILE = 64 << 20;

    /** Receives the rows of a file. */
    private interface RowConsumer {
        void row(Row row);
    }

    /** A row of a CSV file, whose columns may stand in any order. */
    private record CsvRow(CSVRecord cells) implements Row {
        @Override
        public String text(Column column) {
            return cells.isMapped(column.word()) ? cells.get(column.word()) : "";
        }
    }

    private CsvRun(Path folder, RunManifest manifest) {
        super(folder, folder.toAbsolutePath().normalize().getFileName().toString(), manifest);
    }

    /** Returns the folders of runs that these are, or that are in them; throws IOException if one is neither. */
    public static List<Path> folders(List<Path> given) throws IOException {
        if (given.isEmpty()) {
            var all = Files.isDirectory(Path.of("results")) ? RunFiles.runsIn(Path.of("results")) : List.<Path>of();
            if (all.isEmpty()) {
                throw new IOException("results: no runs there; name the folder of one");
            }
            return List.of(all.getLast());
        }
        var folders = new ArrayList<Path>();
        for (var path : given) {
            var folder = Files.isRegularFile(path) && path.getFileName().toString().matches("(requests|events)\\.csv")
                    ? path.toAbsolutePath().getParent() : path;
            if (RunFiles.isRun(folder)) {
                folders.add(folder);
            } else if (!Files.exists(folder)) {
                throw new IOException(path + ": no such file or folder; name the folder of a run");
            } else {
                var inside = Files.isDirectory(folder) ? RunFiles.runsIn(folder) : List.<Path>of();
                if (inside.isEmpty()) {
                    throw new IOException(path + ": no run of this tool, there is no requests.csv in it; name the folder of a "
                            + "run, or a result file of another tool");
                }
                folders.addAll(inside);
            }
        }
        return folders.stream().distinct().toList();
    }

    /** Reads all but the events; throws IOException if there is nothing of this tool. */
    public static CsvRun read(Path folder, ReadProblems problems) throws IOException {
        RunManifest manifest;
        try {
            manifest = RunManifest.read(folder);
        } catch (IOException e) {
            manifest = RunManifest.unknown();
            problems.add(folder + ": no run.json that can be read; what it would tell is not known");
        }
        var run = new CsvRun(folder, manifest);
        run.forEachRow(folder.resolve(RunFiles.REQUESTS), NEEDED_OF_REQUESTS, problems, null, run::add);
        var planned = manifest.plannedRequests();
        if (manifest.runId() != null && manifest.finishedAt() == null) {
            problems.add(folder + ": still being written, or cut off: " + run.answers().size()
                    + (planned != null && planned > 0 ? " of " + planned : "") + " requests are there");
        }
        return run;
    }

    @Override
    public MetricDefinition definition(MetricDefinition asked) {
        return asked == null ? MetricDefinition.OURS : asked;
    }

    @Override
    public boolean isSuccess(RecordedAnswer answer, MetricDefinition definition) {
        return answer.isSuccess(definition);
    }

    @Override
    public boolean knowsPrompts() {
        return true;
    }

    /**
     * The part of a file that a CSV parser reads.
     *
     * @param columns the names in the header; null if the part begins with it
     * @param offset  bytes before it
     * @param lines   lines before it
     */
    private record Rest(List<String> columns, long offset, long lines) {
        static final Rest WHOLE = new Rest(null, 0, 0);

        static Rest after(EventScanner scanner) {
            return scanner.columns() == null ? WHOLE : new Rest(scanner.columns(), scanner.offset(), scanner.line());
        }

        CSVFormat format() {
            return columns == null ? LENIENT
                    : LENIENT.builder().setHeader(columns.toArray(String[]::new)).setSkipHeaderRecord(false).get();
        }
    }

    private void forEachRow(Path file, Set<Column> needed, ReadProblems problems, PrintStream progress, RowConsumer consumer)
            throws IOException {
        forEachRow(file, Rest.WHOLE, needed, problems, progress, consumer);
    }

    /** Passes on all whole rows of a part of a file; null for the place of progress shows none. */
    private void forEachRow(Path file, Rest rest, Set<Column> needed, ReadProblems problems,
            PrintStream progress, RowConsumer consumer)
            throws IOException {
        try (var bytes = open(file, progress)) {
            bytes.skipNBytes(rest.offset());
            forEachRow(file, bytes, rest, needed, problems, consumer);
        } catch (FileSystemException e) {
            throw new IOException(file + ": cannot be read (" + e.getClass().getSimpleName() + ")");
        }
    }

    private static void forEachRow(Path file, InputStream bytes, Rest rest, Set<Column> needed,
            ReadProblems problems, RowConsumer consumer)
            throws IOException {
        try (var rows = CSVParser.parse(BOMInputStream.builder().setInputStream(bytes).get(),
                StandardCharsets.UTF_8, rest.format())) {
            var columns = rows.getHeaderNames();
            for (var column : needed) {
                if (!columns.contains(column.word())) {
                    throw new IOException(file + ": not a file of this tool, it has no column " + column.word());
                }
            }
            if (needed == NEEDED_OF_REQUESTS) {
                Arrays.stream(Metric.values()).map(RequestColumn::of)
                        .filter(column -> column != null && column.isOfFirstVersion() && !columns.contains(column.word()))
                        .forEach(column -> problems.add(file + ": no column " + column.word() + ", it stays blank"));
            }
            var line = rows.getCurrentLineNumber();
            for (var iterator = rows.iterator(); iterator.hasNext(); line = rows.getCurrentLineNumber()) {
                var cells = iterator.next();
                if (!cells.isConsistent()) {
                    problems.add(file, rest.lines() + line + 1, cells.size() + " cells instead of " + columns.size());
                    continue;
                }
                try {
                    consumer.row(new CsvRow(cells));
                } catch (BadRow e) {
                    problems.add(file, rest.lines() + line + 1, e.getMessage());
                }
            }
        } catch (UncheckedIOException e) {
            problems.add(file + ": cannot be read to its end (" + e.getCause().getMessage() + "); the rows before count");
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": not a file of this tool (" + e.getMessage() + ")");
        }
    }

    private static InputStream open(Path file, PrintStream progress) throws IOException {
        var size = Files.size(file);
        if (progress == null || size < LONG_FILE || System.console() == null || !System.console().isTerminal()) {
            return Files.newInputStream(file);
        }
        return ReadProgress.of(Files.newInputStream(file), "reading " + file.getFileName(), size, progress);
    }

    /**
     * Notes every attempt of which requests.csv tells another number of events than events.csv has. Rows that cannot be read
     * are not noted again.
     */
    void countEvents(ReadProblems problems) throws IOException {
        var missing = new LinkedHashMap<String, Long>();
        forEachRow(path().resolve(RunFiles.REQUESTS), NEEDED_OF_REQUESTS, new ReadProblems(), null,
                row -> missing.put(attemptOf(row), (long) row.number(RequestColumn.EVENTS)));
        var events = path().resolve(RunFiles.EVENTS);
        if (Files.isRegularFile(events)) {
            forEachRow(events, NEEDED_OF_EVENTS, new ReadProblems(), null, row -> missing.merge(attemptOf(row), -1L, Long::sum));
        }
        missing.forEach((attempt, count) -> {
            if (count != 0) {
                problems.add(events + ": " + Math.abs(count) + " events "
                        + (count > 0 ? "missing" : "without a row in " + RunFiles.REQUESTS) + " for " + attempt);
            }
        });
    }

    private static String attemptOf(Row row) {
        return CsvFile.unguarded(row.text(EventColumn.REQUEST_ID)) + ", attempt " + row.text(EventColumn.ATTEMPT);
    }

    @Override
    public Map<String, String> outputs(Set<String> requestIds) throws IOException {
        var outputs = new HashMap<String, String>();
        forEachRow(path().resolve(RunFiles.REQUESTS), NEEDED_OF_REQUESTS, new ReadProblems(), null, row -> {
            var id = CsvFile.unguarded(row.text(EventColumn.REQUEST_ID));
            if (requestIds.contains(id)) {
                outputs.put(id, CsvFile.unguarded(row.text(RequestColumn.OUTPUT)));
            }
        });
        return outputs;
    }

    @Override
    public void readEvents(List<EventReading> readings, ReadProblems problems, PrintStream progress) throws IOException {
        for (var reading : readings) {
            if (reading.definition() != MetricDefinition.OURS) { // what stays if the events are not there
                answers().forEach(answer -> reading.visitor().measured(answer,
                        answer.with(MetricDefinition.Times.unknown(answer.get(Metric.TOTAL)))));
            }
        }
        var file = path().resolve(RunFiles.EVENTS);
        if (!Files.isRegularFile(file)) {
            problems.add(file + ": not there; what is counted from events stays blank");
            return;
        }
        var reader = new EventReader(readings);
        try (var bytes = open(file, progress)) {
            var scanner = new EventScanner(bytes);
            var withText = answers().stream().filter(reader::wantsContent).map(RecordedAnswer::requestId)
                    .collect(Collectors.toSet());
            try (var batches = new EventBatches(scanner, withText)) {
                for (EventBatch batch; (batch = batches.next()) != null; ) {
                    reader.read(batch, file, problems);
                }
            }
            if (!scanner.isAtEnd()) {
                forEachRow(file, Rest.after(scanner), NEEDED_OF_EVENTS, problems, progress,
                        row -> reader.read(new RowOfEvent(row)));
            }
        } catch (FileSystemException e) {
            throw new IOException(file + ": cannot be read (" + e.getClass().getSimpleName() + ")");
        }
        reader.inFlight.forEach(reader::settle);
    }

    /** The cells of an event as a CSV parser has read them. */
    private record RowOfEvent(Row row) implements EventCells {

        @Override
        public String requestId() {
            return CsvFile.unguarded(row.text(EventColumn.REQUEST_ID));
        }

        @Override
        public double attempt() {
            return row.number(EventColumn.ATTEMPT);
        }

        @Override
        public EventKind kind() {
            return EventKind.of(row.text(EventColumn.KIND), !row.text(EventColumn.EMPTY_CHOICE).isEmpty());
        }

        @Override
        public long elapsedMicros() {
            return micros(row.text(EventColumn.ELAPSED_MS));
        }

        @Override
        public String text() {
            return CsvFile.unguarded(row.text(EventColumn.TEXT));
        }

        @Override
        public int textLength() {
            var text = text();
            return text.codePointCount(0, text.length());
        }

        @Override
        public String written(EventColumn column) {
            return row.text(column);
        }
    }

    /** The times of an answer whose events are being read; of its tokens for each reading. */
    private static final class AnswerTimes {
        private final TokenTimes[] tokens;
        private final TextTimes text = new TextTimes();
        private int events; // that were read
        private long lastMicros; // of the last token of any reading

        AnswerTimes(List<EventReading> readings, int events) {
            tokens = readings.stream().map(reading -> new TokenTimes(events, reading.definition().hasMedianGap()))
                    .toArray(TokenTimes[]::new);
        }
    }

    /** Reads events one by one; memory is used only for answers whose events are not all read. */
    private final class EventReader {
        private final List<EventReading> readings;
        private final Map<RecordedAnswer, AnswerTimes> inFlight = new HashMap<>();
        private final Set<RecordedAnswer> complete = new HashSet<>();
        private String requestId = "";
        private RecordedAnswer answer; // of that request
        private AnswerTimes times; // of that answer

        EventReader(List<EventReading> readings) {
            this.readings = readings;
        }

        boolean wantsContent(RecordedAnswer of) {
            return readings.stream().anyMatch(reading -> reading.visitor().wantsContent(of));
        }

        void read(EventBatch batch, Path file, ReadProblems problems) {
            for (int row = 0; row < batch.size(); row++) {
                batch.move(row);
                try {
                    read(batch);
                } catch (BadRow e) {
                    problems.add(file, batch.line() + 1, e.getMessage());
                }
            }
        }

        void read(EventCells cells) {
            var id = cells.requestId();
            if (!id.equals(requestId)) {
                requestId = id;
                answer = answer(id);
                times = inFlight.get(answer);
            }
            if (answer == null || cells.attempt() != answer.attempt()) {
                return; // of a warm-up, or of an attempt that was not the last
            }
            var kind = cells.kind();
            var micros = cells.elapsedMicros();
            if (kind == null) {
                throw new BadRow("unknown kind '" + cells.written(EventColumn.KIND) + "'");
            }
            var events = answer.knows(Metric.EVENTS) ? (int) answer.get(Metric.EVENTS) : 0;
            if (times == null) {
                if (complete.contains(answer)) {
                    throw new BadRow("request " + id + " had its " + events + " events already");
                }
                times = new AnswerTimes(readings, events);
                inFlight.put(answer, times);
            }
            if (micros < times.lastMicros) {
                throw new BadRow("elapsed_ms '" + cells.written(EventColumn.ELAPSED_MS) + "' is before the token before it");
            }
            if (kind == EventKind.CONTENT) {
                times.text.add(cells.textLength(), micros);
            }
            for (int i = 0; i < times.tokens.length; i++) {
                read(cells, kind, micros, readings.get(i), times.tokens[i]);
            }
            if (++times.events == events) {
                settle(answer, inFlight.remove(answer));
                complete.add(answer);
                times = null;
            }
        }

        private void read(EventCells cells, EventKind kind, long micros, EventReading reading, TokenTimes tokens) {
            if (kind == EventKind.CONTENT && reading.visitor().wantsContent(answer)) {
                reading.visitor().content(answer, micros, cells.text());
            }
            if (reading.definition().isToken(kind)) {
                times.lastMicros = micros;
                var gap = tokens.add(micros);
                if (gap != AnswerMetrics.NONE) {
                    reading.visitor().gap(answer, tokens.count() - 1, gap);
                }
            }
        }

        /** Tells what is computed from the events of an answer once they are read. */
        private void settle(RecordedAnswer read, AnswerTimes found) {
            for (int i = 0; i < found.tokens.length; i++) {
                var definition = readings.get(i).definition();
                readings.get(i).visitor().measured(read, definition == MetricDefinition.OURS ? read.with(found.text)
                        : read.with(definition.times(found.tokens[i], read.get(Metric.OUTPUT_TOKENS), read.get(Metric.TOTAL))));
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
}
