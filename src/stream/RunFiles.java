//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Prompts.java
//SOURCES Events.java
//SOURCES Models.java
//SOURCES Metrics.java
//SOURCES Client.java
//SOURCES Plan.java
//SOURCES Journal.java

// RunFiles

package stream;

import java.io.IOException;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
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
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The configuration and the outcome of a run, as run.json. It never holds a key. */
final class RunManifest {

    private static final Pattern SECRET_IN_URL =
            Pattern.compile("(?i)(//)[^/@\\s]+@|([?&][\\w-]*(key|token|secret|sig|signature|password)=)[^&\\s,]+");
    private static final String LEFT_OUT = "(left-out)";

    private final Path file;
    private final ObjectNode json;

    private RunManifest(Path file, ObjectNode json) {
        this.file = file;
        this.json = json;
    }

    /**
     * Describes a run that begins.
     *
     * @param arguments the command line, so that the run can be resumed; secrets in URLs are left out
     * @param options   what the command line comes to
     */
    static RunManifest begin(Path folder, String runId, boolean simulated, long seed, List<String> arguments,
                           ObjectNode options, List<Model> models, List<Prompt> prompts) {
        var json = JsonMapper.shared().createObjectNode().put("run_id", runId).put("started_at", Instant.now().toString())
                .put("simulated", simulated).put("seed", seed);
        json.putObject("versions").put("stream", Version.NUMBER).put("java", Runtime.version().toString())
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
        return new RunManifest(folder.resolve("run.json"), json);
    }

    /** Returns the folders of the runs in a folder, the newest last. */
    static List<Path> inside(Path folder) throws IOException {
        try (var inside = Files.list(folder)) {
            return inside.filter(run -> Files.isRegularFile(run.resolve("requests.csv")))
                    .sorted(Comparator.comparing(RunManifest::idIn).thenComparing(Path::getFileName)).toList();
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
    static RunManifest read(Path folder) throws IOException {
        var file = folder.resolve("run.json");
        try {
            if (Files.isRegularFile(file) && JsonMapper.shared().readTree(Files.readString(file)) instanceof ObjectNode json
                    && json.path("arguments").isArray()) {
                var record = new RunManifest(file, json);
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
final class ResumeState {

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
    static ResumeState repair(Path folder, int retries, boolean retryFailed) throws IOException {
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
        var remains = new ResumeState();
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
    static ResumeState none() {
        return new ResumeState();
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
     * @param delayMicros {@link AnswerMetrics#NONE} on the first event
     */
    void eventRow(ByteString start, int number, EventKind kind, long elapsedMicros, long delayMicros, int read,
                  String text) throws IOException {
        var row = out.getBuffer();
        row.write(start).writeByte(',').writeDecimalLong(number).writeByte(',').writeUtf8(kind.word()).writeByte(',');
        AnswerMetrics.writeMillis(row, elapsedMicros);
        row.writeByte(',');
        if (delayMicros != AnswerMetrics.NONE) {
            AnswerMetrics.writeMillis(row, delayMicros);
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
