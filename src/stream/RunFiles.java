//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Shards.java
//SOURCES Events.java
//SOURCES Models.java
//SOURCES Metrics.java
//SOURCES ThinkTags.java

// RunFiles: the schema of a run's files. The columns of events.csv and requests.csv, run.json, the lock, and what a resumed run
// finds on disk. A new column is added to its enum here, to the row that Journal writes, and to docs/files.md.

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
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

import okio.BufferedSink;
import okio.ByteString;
import okio.Okio;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The files of a run, by their names. */
final class RunFiles {

    static final String EVENTS = "events.csv";
    static final String REQUESTS = "requests.csv";
    static final String MANIFEST = "run.json";

    private RunFiles() { }

    /** Whether a folder is that of a run. */
    static boolean isRun(Path folder) {
        return Files.isRegularFile(folder.resolve(REQUESTS));
    }

    /** Returns the folders of the runs in a folder, in the order in which the runs began. */
    static List<Path> runsIn(Path folder) throws IOException {
        try (var inside = Files.list(folder)) {
            return inside.filter(RunFiles::isRun)
                    .sorted(Comparator.comparing(RunFiles::runId).thenComparing(Path::getFileName)).toList();
        }
    }

    /** Run ids begin with the time, and stay in run.json if the folder is renamed. */
    private static String runId(Path folder) {
        try {
            return RunManifest.read(folder).runId();
        } catch (IOException e) {
            return folder.getFileName().toString();
        }
    }
}

/** A column of a CSV file. */
interface Column {
    String name();

    /** Its name in the header. */
    default String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns the header of a file with these columns. */
    static String[] header(Column[] columns) {
        return Arrays.stream(columns).map(Column::word).toArray(String[]::new);
    }
}

/** The columns of events.csv, one row per server-sent event. */
enum EventColumn implements Column {
    REQUEST_ID, MODEL, PROMPT_ID, REPETITION, ATTEMPT, EVENT, KIND, ELAPSED_MS, DELAY_MS, READ, TEXT, TOKENS, EMPTY_CHOICE
}

/** The columns of requests.csv, one row per attempt. */
enum RequestColumn implements Column {
    REQUEST_ID, RUN_ID, STARTED_AT, MODEL, MODEL_NAME, API, BASE_URL, PROMPT_ID, REPETITION, ATTEMPT, PHASE, STATUS,
    HTTP_STATUS, ERROR_TYPE, ERROR, RETRY_AFTER_MS, SCHEDULED_MS, QUEUE_MS, DNS_MS, CONNECT_MS, TLS_MS, SENT_MS, HEADERS_MS,
    FIRST_EVENT_MS, TTFT_MS, TTFT_REASONING_MS, TTLT_MS, TOTAL_MS, ITL_MEAN_MS, ITL_P50_MS, ITL_P95_MS, ITL_MAX_MS, TPOT_MS,
    OUTPUT_TOKENS_PER_S, EVENTS, CONTENT_EVENTS, COALESCED_EVENTS, PROMPT_TOKENS, CACHED_PROMPT_TOKENS, OUTPUT_TOKENS,
    TOKEN_SOURCE, FINISH_REASON, HTTP_VERSION, CONNECTION_REUSED, SERVER_PROCESSING_MS, SERVER_REQUEST_ID, SYSTEM_FINGERPRINT,
    REPORTED_MODEL, TAINTED, OUTPUT, TOKENS_PER_EVENT, TTFT_ANY_MS, REASONING_TOKENS, REASONING_EVENTS, TOOL_EVENTS,
    ITL_ANY_MEAN_MS, ITL_ANY_P50_MS, OUTPUT_CHARS, COST, RESENT, STREAM_END;

    /** Whether the files of the first version have it. */
    boolean isOfFirstVersion() {
        return compareTo(OUTPUT) <= 0;
    }

    /** Returns the column in which a metric of a request is; null if it is computed from several, or from the events. */
    static RequestColumn of(Metric metric) {
        return switch (metric) {
            case TTFT -> TTFT_MS;
            case ITL -> ITL_P50_MS;
            case TPOT -> TPOT_MS;
            case TTLT -> TTLT_MS;
            case TOTAL -> TOTAL_MS;
            case TTFT_ANY -> TTFT_ANY_MS;
            case ITL_P95 -> ITL_P95_MS;
            case ITL_ANY -> ITL_ANY_P50_MS;
            case TTFT_NET, CHARS_PER_S, FIRST_100_CHARS, TTST -> null;
            case TOKENS_PER_S -> OUTPUT_TOKENS_PER_S;
            case OUTPUT_TOKENS -> OUTPUT_TOKENS;
            case CACHED_TOKENS -> CACHED_PROMPT_TOKENS;
            case REASONING_TOKENS -> REASONING_TOKENS;
            case OUTPUT_CHARS -> OUTPUT_CHARS;
            case TOKENS_PER_EVENT -> TOKENS_PER_EVENT;
            case EVENTS -> EVENTS;
            case CONTENT_EVENTS -> CONTENT_EVENTS;
            case COALESCED_EVENTS -> COALESCED_EVENTS;
            case REASONING_EVENTS -> REASONING_EVENTS;
            case TOOL_EVENTS -> TOOL_EVENTS;
            case QUEUE -> QUEUE_MS;
            case SENT -> SENT_MS;
            case HEADERS -> HEADERS_MS;
        };
    }
}

/** What limits the figures of a completed answer, as its row in requests.csv tells. */
enum AnswerCaveat {
    /** It has no visible text. */
    REASONING_ALONE(Warning.REASONING_ALONE),
    /** The server's count of its tokens cannot be right. */
    COUNT_CONTRADICTED(Warning.COUNT_CONTRADICTED),
    /** The server's count is that of several choices. */
    SEVERAL_CHOICES(Warning.SEVERAL_CHOICES),
    /** Its visible text has a think tag. */
    THOUGHTS_IN_TEXT(Warning.THOUGHTS_IN_TEXT);

    private final Warning warning;

    AnswerCaveat(Warning warning) {
        this.warning = warning;
    }

    /** Returns what the user is told of so many answers with it. */
    Warning warning() {
        return warning;
    }

    /**
     * Reads a row.
     *
     * @param row returns the text of a column; empty for blank, and for a column that the file lacks
     * @throws NumberFormatException if a number is not one
     */
    static Set<AnswerCaveat> of(Function<RequestColumn, String> row) {
        var found = EnumSet.noneOf(AnswerCaveat.class);
        var source = row.apply(RequestColumn.TOKEN_SOURCE);
        if (row.apply(RequestColumn.TTFT_MS).isEmpty() && !row.apply(RequestColumn.TTFT_REASONING_MS).isEmpty()) {
            found.add(REASONING_ALONE);
        }
        if (source.equals(TokenSource.USAGE_OF_ALL_CHOICES.word())) {
            found.add(SEVERAL_CHOICES);
        } else if (source.equals(TokenSource.USAGE.word()) && AnswerMetrics.contradictCount(number(row, RequestColumn.CONTENT_EVENTS)
                + number(row, RequestColumn.REASONING_EVENTS), number(row, RequestColumn.OUTPUT_TOKENS))) {
            found.add(COUNT_CONTRADICTED);
        }
        if (row.apply(RequestColumn.TTFT_REASONING_MS).isEmpty() && ThinkTags.areIn(row.apply(RequestColumn.OUTPUT))) {
            found.add(THOUGHTS_IN_TEXT);
        }
        return found;
    }

    private static double number(Function<RequestColumn, String> row, RequestColumn column) {
        return row.apply(column).isEmpty() ? 0 : Double.parseDouble(row.apply(column));
    }
}

/**
 * The error of the client: the difference between its times and those of a server that is known. In microseconds, null
 * where there are too few values for the quantile.
 */
record ClientOverhead(int streams, int events, Double ttftP50Micros, Double ttftP99Micros, Double itlP50Micros,
                      Double itlP99Micros) {

    private static final String[] QUANTILES = {"ttft_p50_ms", "ttft_p99_ms", "itl_p50_ms", "itl_p99_ms"};

    static ClientOverhead of(JsonNode json) {
        return !json.isObject() ? null : new ClientOverhead(json.path("streams").asInt(0), json.path("events").asInt(0),
                micros(json, 0), micros(json, 1), micros(json, 2), micros(json, 3));
    }

    private static Double micros(JsonNode json, int quantile) {
        var millis = json.path(QUANTILES[quantile]);
        return millis.isNumber() ? Double.valueOf(millis.doubleValue() * 1000) : null;
    }

    ObjectNode json() {
        var json = JsonNodeFactory.instance.objectNode().put("streams", streams).put("events", events);
        var micros = new Double[] {ttftP50Micros, ttftP99Micros, itlP50Micros, itlP99Micros};
        for (int i = 0; i < micros.length; i++) {
            json.put(QUANTILES[i], micros[i] == null ? null : Double.valueOf(Metrics.millis(micros[i])));
        }
        return json;
    }

    /** Returns the median error of a metric; null if it is not known, or the metric is neither TTFT nor ITL. */
    Double medianMicros(Metric metric) {
        return metric == Metric.TTFT ? ttftP50Micros : metric == Metric.ITL ? itlP50Micros : null;
    }
}

/**
 * A part of a plan, as run.json has it.
 *
 * @param plan a digest of all that is to be run; the same for all parts
 */
record ShardEntry(Shard shard, String plan) {

    /** Returns null if there is no such entry. */
    static ShardEntry of(JsonNode json) {
        return !json.path("index").isInt() || !json.path("count").isInt() ? null
                : new ShardEntry(new Shard(json.get("index").intValue(), json.get("count").intValue()), json.path("plan").asString(""));
    }

    /** Whether both are parts of the same plan, which is cut into as many. */
    boolean isOfSamePlan(ShardEntry other) {
        return plan.equals(other.plan) && shard.count() == other.shard.count();
    }

    ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("index", shard.index()).put("count", shard.count()).put("plan", plan);
    }
}

/**
 * How far the clock of a server is ahead of that of this machine, in milliseconds: somewhere between these.
 *
 * @param server its base URL
 */
record ClockOffset(String server, long leastMillis, long mostMillis) { }

/**
 * The configuration and the result of a run: run.json. It never holds a key. What is missing, or not of its type, reads as
 * null, false, or an empty list.
 *
 * @param startedAt       ISO 8601, UTC; null if it is not known
 * @param versions        of this tool, Java, OkHttp and the system, and the number of processors
 * @param arguments       the command line, for a resumption; secrets in URLs are left out
 * @param options         the settings of the run by their names
 * @param clientOverhead  null if it was not measured
 * @param plannedRequests without the warm-up; null if it is not known
 * @param selfWarmup      whether the JVM was warmed up first; null if it is not known
 * @param resumedAt       when the run was resumed
 * @param finishedAt      null while it goes on, or if it was cut off
 * @param counts          null until it is finished
 * @param shard           null if the run is the whole plan
 * @param clockOffsets    of the servers that told the time; empty until the run is finished
 */
record RunManifest(String runId, String startedAt, boolean simulated, long seed, Map<String, Object> versions,
                   List<String> arguments, Map<String, Object> options, List<ModelEntry> models, List<PromptEntry> prompts,
                   ClientOverhead clientOverhead, Integer plannedRequests, Boolean selfWarmup, List<String> resumedAt,
                   String finishedAt, Counts counts, ShardEntry shard, List<ClockOffset> clockOffsets) {

    private static final Pattern SECRET_IN_URL =
            Pattern.compile("(?i)(//)[^/@\\s]+(?=@)|([?&][\\w-]*(key|token|secret|sig|signature|password)=)[^&\\s,]+");

    /** A model of the run; {@code extra} as JSON, the others null where it sets none. The proxy is that through which its server is reached. */
    record ModelEntry(String label, String name, String api, String baseUrl, String keyVariable, Integer maxTokens,
                      Double temperature, Price price, boolean thinkTags, String proxy, JsonNode extra) { }

    /** A prompt of the run; the digest tells whether it has changed. The text is that of a question on the terminal, else null. */
    record PromptEntry(String id, String source, String digest, Map<String, String> labels, String text) {

        /** Of a prompt whose text is in its source. */
        PromptEntry(String id, String source, String digest, Map<String, String> labels) {
            this(id, source, digest, labels, null);
        }
    }

    /**
     * How the requests ended.
     *
     * @param resent requests that were sent once more because they were lost
     */
    record Counts(int requests, int completed, int failed, int resent) { }

    /** Removes the secrets of URLs and the values of headers from a command line. */
    static List<String> withoutSecrets(List<String> arguments) {
        var words = new ArrayList<String>();
        for (var word : arguments) {
            var isHeader = !words.isEmpty() && words.getLast().equals("--header");
            words.add(isHeader ? RequestHeader.withoutValue(word)
                    : word.startsWith("--header=") ? "--header=" + RequestHeader.withoutValue(word.substring("--header=".length()))
                    : SECRET_IN_URL.matcher(word).replaceAll("$1$2" + RequestHeader.LEFT_OUT));
        }
        return List.copyOf(words);
    }

    /** Whether a secret of a URL was left out of the command line, so that the run cannot be resumed; headers can be given again. */
    boolean lacksSecret() {
        return arguments.stream().anyMatch(word -> word.contains(RequestHeader.LEFT_OUT) && !word.endsWith(": " + RequestHeader.LEFT_OUT));
    }

    /** The manifest of a folder without one. */
    static RunManifest unknown() {
        return of(JsonNodeFactory.instance.objectNode());
    }

    /** Returns what is known of a run of another tool. */
    static RunManifest ofTool(String tool, Map<String, Object> options, List<String> models) {
        return new RunManifest(null, null, false, 0, Map.of("tool", tool), List.of(), options, models.stream().map(model ->
                new ModelEntry(model, model, null, null, null, null, null, null, false, null, JsonNodeFactory.instance.nullNode())).toList(),
                List.of(), null, null, null, List.of(), null, null, null, List.of());
    }

    /** Reads run.json of a folder; throws IOException if there is none, or if it is not a JSON object. */
    static RunManifest read(Path folder) throws IOException {
        try {
            if (JsonMapper.shared().readTree(Files.readString(folder.resolve(RunFiles.MANIFEST))) instanceof ObjectNode json) {
                return of(json);
            }
        } catch (JacksonException e) {
            // reported below
        }
        throw new IOException("run.json is not a JSON object");
    }

    private static RunManifest of(ObjectNode json) {
        var models = new ArrayList<ModelEntry>();
        for (var model : json.path("models")) {
            models.add(new ModelEntry(text(model, "label"), text(model, "name"), text(model, "api"), text(model, "base_url"),
                    text(model, "api_key_env"), whole(model, "max_tokens"),
                    model.path("temperature").isNumber() ? Double.valueOf(model.get("temperature").doubleValue()) : null,
                    Price.of(model.path("price"), problem -> { }), model.path("think_tags").asBoolean(false), text(model, "proxy"),
                    model.path("extra")));
        }
        var prompts = new ArrayList<PromptEntry>();
        for (var prompt : json.path("prompts")) {
            var labels = new LinkedHashMap<String, String>();
            prompt.path("labels").properties().forEach(label -> labels.put(label.getKey(), label.getValue().asString("")));
            prompts.add(new PromptEntry(text(prompt, "id"), text(prompt, "source"), text(prompt, "digest"), labels, text(prompt, "text")));
        }
        var counts = json.path("counts");
        return new RunManifest(text(json, "run_id"), text(json, "started_at"), json.path("simulated").asBoolean(false),
                json.path("seed").asLong(0), scalars(json.path("versions")), texts(json.path("arguments")),
                scalars(json.path("options")), models, prompts, ClientOverhead.of(json.path("client_overhead")),
                whole(json, "planned_requests"),
                json.path("self_warmup").isBoolean() ? Boolean.valueOf(json.get("self_warmup").booleanValue()) : null,
                texts(json.path("resumed_at")), text(json, "finished_at"),
                !counts.isObject() ? null : new Counts(counts.path("requests").asInt(0), counts.path("completed").asInt(0),
                        counts.path("failed").asInt(0), counts.path("resent").asInt(0)), ShardEntry.of(json.path("shard")),
                json.path("clock_offsets").valueStream().map(offset -> new ClockOffset(text(offset, "server"),
                        offset.path("least_ms").asLong(0), offset.path("most_ms").asLong(0))).toList());
    }

    /** Returns null where there is no text. */
    private static String text(JsonNode json, String name) {
        return json.path(name).isString() ? json.get(name).stringValue() : null;
    }

    private static Integer whole(JsonNode json, String name) {
        return json.path(name).isInt() ? Integer.valueOf(json.get(name).intValue()) : null;
    }

    private static List<String> texts(JsonNode array) {
        return array.valueStream().filter(JsonNode::isString).map(JsonNode::stringValue).toList();
    }

    private static Map<String, Object> scalars(JsonNode object) {
        var values = new LinkedHashMap<String, Object>();
        object.properties().forEach(entry -> {
            var value = entry.getValue();
            values.put(entry.getKey(), value.isString() ? value.stringValue() : value.isBoolean() ? (Object) value.booleanValue()
                    : value.isNumber() ? value.numberValue() : value.isNull() ? null : value.toString());
        });
        return values;
    }

    /** Returns what run.json contains. */
    ObjectNode json() {
        var json = JsonNodeFactory.instance.objectNode().put("run_id", runId).put("started_at", startedAt)
                .put("simulated", simulated).put("seed", seed);
        json.set("versions", scalars(versions));
        arguments.forEach(json.putArray("arguments")::add);
        json.set("options", scalars(options));
        var modelList = json.putArray("models");
        for (var model : models) {
            modelList.addObject().put("label", model.label()).put("name", model.name()).put("api", model.api())
                    .put("base_url", model.baseUrl()).put("api_key_env", model.keyVariable())
                    .put("max_tokens", model.maxTokens()).put("temperature", model.temperature()).put("think_tags", model.thinkTags())
                    .put("proxy", model.proxy())
                    .<ObjectNode>set("price", model.price() == null ? JsonNodeFactory.instance.nullNode() : model.price().json())
                    .set("extra", model.extra());
        }
        var promptList = json.putArray("prompts");
        for (var prompt : prompts) {
            var entry = promptList.addObject().put("id", prompt.id()).put("source", prompt.source()).put("digest", prompt.digest());
            prompt.labels().forEach(entry.putObject("labels")::put);
            if (prompt.text() != null) {
                entry.put("text", prompt.text());
            }
        }
        json.set("client_overhead", clientOverhead == null ? JsonNodeFactory.instance.nullNode() : clientOverhead.json());
        json.put("planned_requests", plannedRequests).put("self_warmup", selfWarmup);
        if (shard != null) {
            json.set("shard", shard.json());
        }
        if (!resumedAt.isEmpty()) {
            resumedAt.forEach(json.putArray("resumed_at")::add);
        }
        if (finishedAt != null) {
            json.put("finished_at", finishedAt);
        }
        if (counts != null) {
            json.putObject("counts").put("requests", counts.requests()).put("completed", counts.completed())
                    .put("failed", counts.failed()).put("resent", counts.resent());
        }
        if (!clockOffsets.isEmpty()) {
            var offsets = json.putArray("clock_offsets");
            clockOffsets.forEach(offset -> offsets.addObject().put("server", offset.server()).put("least_ms", offset.leastMillis())
                    .put("most_ms", offset.mostMillis()));
        }
        return json;
    }

    private static ObjectNode scalars(Map<String, Object> values) {
        var json = JsonNodeFactory.instance.objectNode();
        values.forEach((name, value) -> {
            switch (value) {
                case null -> json.putNull(name);
                case Boolean flag -> json.put(name, flag);
                case Integer whole -> json.put(name, whole);
                case Long whole -> json.put(name, whole);
                case Number number -> json.put(name, number.doubleValue());
                default -> json.put(name, value.toString());
            }
        });
        return json;
    }

    /** Writes run.json as a whole; a reader sees the old file or the new one. */
    void write(Path folder) throws IOException {
        var file = folder.resolve(RunFiles.MANIFEST);
        var part = folder.resolve(RunFiles.MANIFEST + ".part");
        Files.writeString(part, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json()) + "\n");
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Returns the currencies of the models that have a price, by their labels. */
    Map<String, String> currencies() {
        var currencies = new LinkedHashMap<String, String>();
        models.stream().filter(model -> model.price() != null).forEach(model -> currencies.put(model.label(), model.price().currency()));
        return currencies;
    }

    /** Returns the same with the error that was measured now; with what is known already if it is null. */
    RunManifest withOverhead(ClientOverhead overhead) {
        return overhead == null ? this : new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options, models, prompts, overhead,
                plannedRequests, selfWarmup, resumedAt, finishedAt, counts, shard, clockOffsets);
    }

    /** Returns the same with another prompt. */
    RunManifest withPrompt(PromptEntry prompt) {
        var all = new ArrayList<>(prompts);
        all.add(prompt);
        return new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options, models, List.copyOf(all), clientOverhead,
                plannedRequests, selfWarmup, resumedAt, finishedAt, counts, shard, clockOffsets);
    }

    /** Returns the manifest of the run that goes on now. */
    RunManifest resumedNow() {
        var times = new ArrayList<>(resumedAt);
        times.add(Instant.now().toString());
        return new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options, models, prompts, clientOverhead,
                plannedRequests, selfWarmup, List.copyOf(times), null, counts, shard, clockOffsets);
    }

    /** Whether requests of the plan are missing, so that it can be resumed. */
    boolean isIncomplete() {
        return !arguments.isEmpty() && (counts == null || plannedRequests != null && counts.requests() < plannedRequests);
    }

    /** Returns the same of a run whose timing is simulated by a server elsewhere. */
    RunManifest asSimulated() {
        return new RunManifest(runId, startedAt, true, seed, versions, arguments, options, models, prompts, clientOverhead,
                plannedRequests, selfWarmup, resumedAt, finishedAt, counts, shard, clockOffsets);
    }

    /**
     * Returns the manifest of the finished run; what was resent before it was resumed counts too, and the clock of a server that was not
     * asked since stays as it was.
     */
    RunManifest finishedNow(int requests, int completed, int failed, int resentNow, List<ClockOffset> offsets) {
        var resent = (counts == null ? 0 : counts.resent()) + resentNow;
        var clocks = new LinkedHashMap<String, ClockOffset>();
        clockOffsets.forEach(offset -> clocks.put(offset.server(), offset));
        offsets.forEach(offset -> clocks.put(offset.server(), offset));
        return new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options, models, prompts, clientOverhead,
                plannedRequests, selfWarmup, resumedAt, Instant.now().toString(),
                new Counts(requests, completed, failed, resent), shard, List.copyOf(clocks.values()));
    }
}

/** Keeps a second process from writing to a run. The system releases it when this process ends, however it ends. */
final class RunLock implements AutoCloseable {

    private final Path file;
    private final FileChannel channel;

    private RunLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Throws IOException, with a message for the user, if another process has it. */
    static RunLock take(Path folder) throws IOException {
        var file = folder.resolve(".lock");
        var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return new RunLock(file, channel);
            }
        } catch (OverlappingFileLockException e) {
            // this process has it
        }
        channel.close();
        throw new IOException("another process is still running it");
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

/** What a run that was cut off left on disk: the last attempt at each request, once the files are repaired. */
final class ResumeState {

    /** Of a run that begins. */
    static final ResumeState NONE = new ResumeState();

    /**
     * The last attempt at a request.
     *
     * @param number     from 1
     * @param errorType  empty if it did not fail
     * @param httpStatus null if there was no response
     */
    record LastAttempt(int number, RequestStatus status, String errorType, Integer httpStatus) { }

    /** An attempt with a row in requests.csv: how many events it had, and how many of them are in events.csv. */
    private static final class EventCount {
        private final long expected;
        private long found;

        EventCount(long expected) {
            this.expected = expected;
        }
    }

    private final Map<String, LastAttempt> attempts = new HashMap<>();

    /**
     * Removes from both files what is torn or has no counterpart in the other, and reads what is left. Of an attempt that
     * was cut off while it streamed nothing is left.
     */
    static ResumeState repair(Path folder) throws IOException {
        var requests = folder.resolve(RunFiles.REQUESTS);
        var events = folder.resolve(RunFiles.EVENTS);
        var counts = new HashMap<String, EventCount>();
        CsvRows.forEach(requests, row ->
                counts.put(attempt(row), new EventCount(Long.parseLong(row.get(RequestColumn.EVENTS.word())))));
        CsvRows.forEach(events, row -> {
            if (counts.containsKey(attempt(row))) {
                counts.get(attempt(row)).found++;
            }
        });
        counts.values().removeIf(count -> count.expected != count.found);
        keep(requests, RequestColumn.values(), counts.keySet());
        keep(events, EventColumn.values(), counts.keySet());
        var state = new ResumeState();
        CsvRows.forEach(requests, state::add);
        return state;
    }

    private static String attempt(CSVRecord row) {
        return row.get(RequestColumn.REQUEST_ID.word()) + "\n" + row.get(RequestColumn.ATTEMPT.word());
    }

    private void add(CSVRecord row) {
        var httpStatus = row.get(RequestColumn.HTTP_STATUS.word());
        attempts.put(CsvFile.unguarded(row.get(RequestColumn.REQUEST_ID.word())),
                new LastAttempt(Integer.parseInt(row.get(RequestColumn.ATTEMPT.word())),
                        RequestStatus.of(row.get(RequestColumn.STATUS.word())), row.get(RequestColumn.ERROR_TYPE.word()),
                        httpStatus.isEmpty() ? null : Integer.valueOf(httpStatus)));
    }

    /** Returns null if the request has not been sent. */
    LastAttempt lastAttempt(String requestId) {
        return attempts.get(requestId);
    }

    Map<String, LastAttempt> lastAttempts() {
        return Map.copyOf(attempts);
    }

    /** Writes the file again with the rows of these attempts only. */
    private static void keep(Path file, Column[] columns, Set<String> attempts) throws IOException {
        var part = file.resolveSibling(file.getFileName() + ".part");
        Files.deleteIfExists(part);
        try (var kept = new CsvFile(part, columns, false)) {
            CsvRows.forEach(file, row -> {
                if (attempts.contains(attempt(row))) {
                    kept.row(Arrays.stream(columns).map(Column::word) // a run of an earlier version lacks the newest ones
                            .map(column -> row.isMapped(column) ? row.get(column) : "").toArray());
                }
            });
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}

/** Reads the whole rows of a CSV file of a run, of which the last one may be torn. */
final class CsvRows {

    /** Receives a whole row. */
    interface RowConsumer {
        void row(CSVRecord row) throws IOException;
    }

    private CsvRows() { }

    /** Passes on all rows that are whole; what follows a damaged place is not read. */
    static void forEach(Path file, RowConsumer consumer) throws IOException {
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
        CSVRecord last = null; // only the row after it tells that a row is whole
        var lastIsTorn = !endsWithLineEnd(file);
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var row : rows) {
                pass(last, consumer);
                last = row;
            }
        } catch (UncheckedIOException e) {
            lastIsTorn = false; // the torn row ends inside its quotes, and was not read
        }
        if (!lastIsTorn) {
            pass(last, consumer);
        }
    }

    private static void pass(CSVRecord row, RowConsumer consumer) throws IOException {
        if (row != null && row.isConsistent()) {
            consumer.row(row);
        }
    }

    private static boolean endsWithLineEnd(Path file) throws IOException {
        try (var bytes = FileChannel.open(file)) {
            var last = ByteBuffer.allocate(2);
            return bytes.size() >= 2 && bytes.read(last, bytes.size() - 2) == 2 && last.get(0) == '\r' && last.get(1) == '\n';
        }
    }
}

/** A CSV file that is written while a run goes on. */
final class CsvFile implements AutoCloseable {

    private static final CSVFormat FORMAT = CSVFormat.RFC4180;

    /** What a spreadsheet takes for a formula, unless it is a number. */
    private static final Pattern FORMULA = Pattern.compile("[=+\\-@\t\r](?!\\d+(\\.\\d+)?$).*", Pattern.DOTALL);

    private final BufferedSink out;
    private final boolean guarded;
    private StringBuilder cell = new StringBuilder();

    /** Creates the file and writes its header, or appends to one that exists. */
    CsvFile(Path file, Column[] columns, boolean guarded) throws IOException {
        this.guarded = guarded;
        var isNew = Files.notExists(file);
        out = Okio.buffer(Okio.sink(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
        if (isNew) {
            row((Object[]) Column.header(columns));
            flush();
        }
    }

    /** Puts a quote before a text that a spreadsheet would take for a formula, if that is wanted. */
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
     * Adds the row of an event, in the order of {@link EventColumn}. Only its text may need quotes: numbers and kinds never
     * do, and the cells with which all rows of an attempt begin are quoted once, by {@link #cells}. Half a character, as some
     * servers stream it, becomes a question mark.
     *
     * @param delayMicros {@link AnswerMetrics#NONE} on the first event
     * @param tokens      {@link StreamEvent#NO_COUNT} if they are not known
     */
    void eventRow(ByteString start, int number, EventKind kind, long elapsedMicros, long delayMicros, int read,
                  String text, int tokens) throws IOException {
        var row = out.getBuffer();
        row.write(start).writeByte(',').writeDecimalLong(number).writeByte(',').writeUtf8(kind.word()).writeByte(',');
        Metrics.writeMillis(row, elapsedMicros);
        row.writeByte(',');
        if (delayMicros != AnswerMetrics.NONE) {
            Metrics.writeMillis(row, delayMicros);
        }
        row.writeByte(',').writeDecimalLong(read);
        var bytesBefore = row.size();
        FORMAT.print(guarded(text), cell, false);
        row.writeUtf8(cell.toString());
        // a builder that has held an emoji stays twice as wide, and is slow
        cell = row.size() - bytesBefore == cell.length() ? cell.delete(0, cell.length()) : new StringBuilder();
        row.writeByte(',');
        if (tokens != StreamEvent.NO_COUNT) {
            row.writeDecimalLong(tokens);
        }
        row.writeByte(',');
        if (kind.hasEmptyChoice()) {
            row.writeUtf8("true");
        }
        row.writeByte('\r').writeByte('\n');
        out.emitCompleteSegments();
    }

    /** Writes all rows to the file. */
    void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
