//JAVA 25+
//DEPS commons-io:commons-io:2.20.0
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES RunFiles.java
//SOURCES RecordedRun.java

// ImportedRuns: result files of vLLM's bench client, AIPerf and GuideLLM, read as runs whose figures have the definitions of their tool.

package stream;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.commons.io.input.BOMInputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.databind.json.JsonMapper;

/** A run of another tool. */
final class ImportedRun extends RecordedRun {

    private final MetricDefinition own;
    private final Map<String, MetricDefinition.Times> times = new HashMap<>();
    private final Map<String, long[]> gapsMicros = new HashMap<>();
    private final Map<String, String> texts = new HashMap<>();

    /**
     * Creates a run without requests.
     *
     * @param title what it is called: the name of the file, and which of several runs in it
     */
    ImportedRun(Path file, String title, MetricDefinition own, Map<String, Object> options, Set<String> models) {
        super(file, title, RunManifest.ofTool(own.tool(), options, List.copyOf(models)));
        this.own = own;
    }

    /**
     * Adds a request.
     *
     * @param found   its times as its tool defines them
     * @param gaps    those between its tokens, in microseconds; empty where the tool does not tell them
     * @param text    its answer; null if that is not known
     */
    void add(ImportedRequest request, MetricDefinition.Times found, long[] gaps, String text) {
        for (int again = 2; times.containsKey(request.id()); again++) { // an id that is there twice is another request
            request.put(RequestColumn.REQUEST_ID, request.id().replaceFirst(" #\\d+$", "") + " #" + again);
        }
        add(request);
        times.put(request.id(), found);
        gapsMicros.put(request.id(), gaps);
        if (text != null) {
            texts.put(request.id(), text);
        }
    }

    @Override
    MetricDefinition definition(MetricDefinition asked) {
        return asked == null || asked == own ? own : null;
    }

    @Override
    boolean isSuccess(RecordedAnswer answer, MetricDefinition definition) {
        return answer.completed(); // as the tool says
    }

    @Override
    boolean knowsPrompts() {
        return false;
    }

    @Override
    void readEvents(MetricDefinition definition, EventVisitor visitor, ReadProblems problems, PrintStream progress) {
        for (var answer : answers()) {
            answer.setTimes(times.get(answer.requestId()));
            var gaps = gapsMicros.get(answer.requestId());
            for (int i = 0; i < gaps.length; i++) {
                visitor.gap(answer, i + 1, gaps[i]);
            }
        }
    }

    @Override
    Map<String, String> outputs(Set<String> requestIds) {
        var outputs = new HashMap<String, String>();
        requestIds.stream().filter(texts::containsKey).forEach(id -> outputs.put(id, texts.get(id)));
        return outputs;
    }
}

/** A request of another tool, with the cells that it would have in requests.csv. */
final class ImportedRequest implements Row {

    private final Map<RequestColumn, String> cells = new EnumMap<>(RequestColumn.class);

    /** Creates one that was measured and has a prompt of its own. */
    ImportedRequest(String id, String model, RequestStatus status) {
        put(RequestColumn.REQUEST_ID, id);
        put(RequestColumn.MODEL, model);
        put(RequestColumn.MODEL_NAME, model);
        put(RequestColumn.PROMPT_ID, id);
        put(RequestColumn.REPETITION, 1);
        put(RequestColumn.ATTEMPT, 1);
        put(RequestColumn.PHASE, Phase.MEASURED.word());
        put(RequestColumn.STATUS, status.word());
    }

    String id() {
        return cells.get(RequestColumn.REQUEST_ID);
    }

    /** Null and numbers that are not finite are blank. */
    ImportedRequest put(RequestColumn column, Object value) {
        if (value != null && !(value instanceof Double number && !Double.isFinite(number))) {
            cells.put(column, String.valueOf(value));
        }
        return this;
    }

    /** Notes the output tokens as counted by the server or a tokenizer. */
    ImportedRequest putTokens(double outputTokens) {
        return put(RequestColumn.OUTPUT_TOKENS, outputTokens).put(RequestColumn.TOKEN_SOURCE, TokenSource.USAGE.word());
    }

    @Override
    public String text(Column column) {
        return column instanceof RequestColumn of ? cells.getOrDefault(of, "") : "";
    }
}

/** A file that another tool wrote. */
abstract class ToolFile {

    private static final JsonMapper JSON = JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();
    private static final String OF_AIPERF = "profile_export.jsonl";
    private static final String MARK_AND_SPACES = "\u00ef\u00bb\u00bf \t\r\n"; // a byte-order mark, byte by byte

    private final Path path;
    private final MetricDefinition definition;

    ToolFile(Path path, MetricDefinition definition) {
        this.path = path;
        this.definition = definition;
    }

    /**
     * Returns the file if this is one that holds JSON, or a folder of AIPerf; null if it is something else.
     *
     * @throws IOException if it is JSON of no tool that is known
     */
    static ToolFile in(Path given) throws IOException {
        var path = Files.isDirectory(given) && Files.isRegularFile(given.resolve(OF_AIPERF)) ? given.resolve(OF_AIPERF) : given;
        if (!Files.isRegularFile(path) || !beginsAsJson(path)) {
            return null;
        }
        var keys = keysOfFirstObject(path);
        if (keys.contains("num_prompts") && keys.contains("backend")) {
            return new VllmFile(path);
        } else if (keys.contains("metadata") && (keys.contains("metrics") || keys.contains("error"))) {
            return new AiperfFile(path);
        } else if (keys.contains("benchmarks")) {
            return new GuidellmFile(path);
        }
        throw new IOException(path + ": not a result of vLLM, AIPerf or GuideLLM; name such a file or the folder of a run");
    }

    private static boolean beginsAsJson(Path path) throws IOException {
        try (var in = new BufferedInputStream(Files.newInputStream(path))) {
            int letter;
            do {
                letter = in.read();
            } while (MARK_AND_SPACES.indexOf(letter) >= 0);
            return letter == '{';
        }
    }

    private static Set<String> keysOfFirstObject(Path path) throws IOException {
        var keys = new LinkedHashSet<String>();
        try (var json = JSON.createParser(path)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                keys.add(json.currentName());
                json.nextToken();
                json.skipChildren();
            }
        } catch (JacksonException e) {
            throw new IOException(path + ":" + HandWrittenJson.line(e) + ": not JSON: " + HandWrittenJson.problem(e));
        }
        return keys;
    }

    Path path() {
        return path;
    }

    /** Returns the runs in the file, in their order; throws IOException if it lacks what is needed. */
    final List<ImportedRun> runs(ReadProblems problems) throws IOException {
        var runs = new ArrayList<ImportedRun>();
        if (isLineByLine()) {
            readLines(runs, problems);
        } else {
            readObjects(runs, problems);
        }
        if (runs.isEmpty()) {
            throw lacks("any request", "there is nothing to compare");
        }
        return runs;
    }

    /** A line that is not JSON is left out. */
    private void readLines(List<ImportedRun> runs, ReadProblems problems) throws IOException {
        try (var lines = new BufferedReader(new InputStreamReader(BOMInputStream.builder().setPath(path).get(), StandardCharsets.UTF_8))) {
            String text;
            for (int line = 1; (text = lines.readLine()) != null; line++) {
                try {
                    if (!text.isBlank()) {
                        addTo(runs, JSON.readTree(text), line, problems);
                    }
                } catch (JacksonException e) {
                    problems.add(path, line, "not JSON");
                }
            }
        }
    }

    private void readObjects(List<ImportedRun> runs, ReadProblems problems) throws IOException {
        try (MappingIterator<JsonNode> objects = JSON.readerFor(JsonNode.class).readValues(path)) {
            for (int number = 1; objects.hasNextValue(); number++) {
                addTo(runs, objects.nextValue(), number, problems);
            }
        } catch (JacksonException e) {
            var at = path + ":" + HandWrittenJson.line(e) + ": not JSON: ";
            if (runs.isEmpty()) {
                throw new IOException(at + HandWrittenJson.problem(e));
            }
            problems.add(at + HandWrittenJson.problem(e) + "; what follows is not read");
        }
    }

    /** Whether each line of the file is an object of its own. */
    boolean isLineByLine() {
        return false;
    }

    /**
     * Adds what one object of the file tells: a run, or a request of the run that is there.
     *
     * @param line where it stands, from 1
     */
    abstract void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException;

    /** Returns a run without requests. */
    final ImportedRun run(String title, Map<String, Object> options, Set<String> models) {
        return new ImportedRun(path, title, definition, options, models);
    }

    /** Returns what the run is called if the file holds only one. */
    final String fileName() {
        return path.getFileName().toString();
    }

    /** Returns the name of one of several runs in the file; {@code number} from 1. */
    final String title(int number) {
        return number == 1 ? fileName() : fileName() + " #" + number;
    }

    /** Returns an exception that tells what the file lacks. */
    final IOException lacks(String what, String remedy) {
        return new IOException(path + ": a result of " + definition.tool() + " without " + what + "; " + remedy);
    }

    /** Returns NaN where there is no finite number. */
    static double number(JsonNode json, String name) {
        return number(json.path(name));
    }

    static double number(JsonNode json) {
        return json.isNumber() && Double.isFinite(json.doubleValue()) ? json.doubleValue() : Double.NaN;
    }

    /** Returns a time in ISO 8601 from seconds since 1970; null for NaN. */
    static String instant(double epochSeconds) {
        return Double.isNaN(epochSeconds) ? null
                : Instant.EPOCH.plus(Duration.ofNanos(BigDecimal.valueOf(epochSeconds).movePointRight(9).longValue())).toString();
    }
}

/**
 * What {@code vllm bench serve --save-result --save-detailed} writes, from {@code vllm/benchmarks/serve.py} at commit 009e6d4a
 * (September 2026): one object per run, {@code ttfts} in seconds, {@code itls} a list per request, in the order in which the requests
 * were sent, {@code errors} empty for a success. A failed request keeps what came before its error.
 */
final class VllmFile extends ToolFile {

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

    VllmFile(Path path) {
        super(path, MetricDefinition.VLLM);
    }

    @Override
    void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException {
        for (var list : List.of("ttfts", "itls", "output_lens", "errors")) {
            if (!json.path(list).isArray()) {
                throw lacks(list, "run vllm bench serve with --save-result --save-detailed");
            }
            if (json.get(list).size() != json.get("ttfts").size()) {
                throw lacks("an entry in " + list + " for each of its " + json.get("ttfts").size() + " ttfts", "save it again");
            }
        }
        var model = json.path("model_id").asString("model");
        var options = new LinkedHashMap<String, Object>();
        options.put("concurrency", json.path("max_concurrency").isNumber() ? json.get("max_concurrency").intValue() : null);
        options.put("rate", json.path("request_rate").isNumber() ? json.get("request_rate").doubleValue() : null);
        var run = run(title(runs.size() + 1), options, Set.of(model));
        runs.add(run);
        var beginSeconds = begin(json);
        for (int i = 0; i < json.get("ttfts").size(); i++) {
            if (isReadable(json, i)) {
                add(run, json, i, model, beginSeconds);
            } else {
                problems.add(run.title() + ": ttfts, itls or output_lens of request " + (i + 1) + " are not numbers, at least 0; it is left out");
            }
        }
    }

    private static boolean isReadable(JsonNode json, int at) {
        var itls = json.get("itls").get(at);
        return number(json.get("ttfts").get(at)) >= 0 && number(json.get("output_lens").get(at)) >= 0 && itls.isArray()
                && itls.valueStream().allMatch(gap -> number(gap) >= 0);
    }

    private static void add(ImportedRun run, JsonNode json, int at, String model, double beginSeconds) {
        var times = new TokenTimes(json.get("itls").get(at).size() + 1, true);
        var gaps = new long[json.get("itls").get(at).size()];
        var seconds = json.get("ttfts").get(at).doubleValue();
        var isSuccess = json.get("errors").get(at).asString("").isEmpty() && seconds > 0;
        if (seconds > 0) {
            times.add(micros(seconds));
        }
        for (int i = 0; i < gaps.length; i++) {
            seconds += json.get("itls").get(at).get(i).doubleValue();
            gaps[i] = times.add(micros(seconds));
        }
        var tokens = json.get("output_lens").get(at).doubleValue();
        var found = MetricDefinition.VLLM.times(times, tokens, Double.NaN);
        var text = json.path("generated_texts").path(at).asString(null);
        var request = new ImportedRequest(String.valueOf(at + 1), model, isSuccess ? RequestStatus.COMPLETED : RequestStatus.FAILED)
                .put(RequestColumn.ERROR, isSuccess ? null : lastLine(json.get("errors").get(at).asString("")))
                .put(RequestColumn.EVENTS, times.count()).put(RequestColumn.TTFT_MS, found.ttft())
                .put(RequestColumn.STARTED_AT, instant(beginSeconds + number(json.path("start_times").path(at))
                        - number(json.path("start_times").path(0))));
        if (isSuccess) {
            request.putTokens(tokens).put(RequestColumn.OUTPUT_CHARS, text == null ? null : text.codePointCount(0, text.length()));
        }
        run.add(request, found, gaps, text);
    }

    private static long micros(double seconds) {
        return Math.round(seconds * 1e6);
    }

    /** Returns when the run began, in seconds since 1970; NaN if that is not known. It is written when the run ends, in local time. */
    private static double begin(JsonNode json) {
        try {
            var end = LocalDateTime.parse(json.path("date").asString(""), DATE).atZone(ZoneId.systemDefault());
            return end.toEpochSecond() - number(json, "duration");
        } catch (DateTimeException e) {
            return Double.NaN;
        }
    }

    /** Returns the line of a Python traceback that tells what happened. */
    private static String lastLine(String error) {
        var lines = error.strip().lines().toList();
        return lines.isEmpty() ? "the tool does not say why" : lines.getLast().strip();
    }
}

/**
 * What AIPerf writes to {@code profile_export.jsonl}, as of version 0.13 (September 2026): one object per request, {@code metrics} with
 * a value and a unit each, none if it failed; epoch nanoseconds. It names neither the model nor the prompt.
 */
final class AiperfFile extends ToolFile {

    private static final Map<String, Double> MILLIS = Map.of("ms", 1.0, "s", 1e3, "sec", 1e3, "us", 1e-3, "ns", 1e-6);

    AiperfFile(Path path) {
        super(path, MetricDefinition.AIPERF);
    }

    @Override
    boolean isLineByLine() {
        return true;
    }

    @Override
    void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException {
        var metadata = json.path("metadata");
        var metrics = json.path("metrics");
        var hasFailed = json.hasNonNull("error");
        if (!metadata.isObject()) {
            problems.add(path(), line, "no metadata");
            return;
        }
        if (runs.isEmpty()) {
            if (!metadata.has("request_start_ns")) {
                throw lacks("metadata.request_start_ns", "it is of a version before December 2025; profile again with a newer one");
            }
            runs.add(run(fileName(), Map.of(), Set.of(fileName())));
        }
        if (!metadata.path("benchmark_phase").asString("profiling").equals("profiling")) {
            return;
        }
        if (!hasFailed && Double.isNaN(millis(metrics, "request_latency"))) {
            problems.add(path(), line, "no request_latency in a unit that is known");
            return;
        }
        var isCancelled = metadata.path("was_cancelled").asBoolean(false);
        var found = new MetricDefinition.Times(millis(metrics, "time_to_first_token"), millis(metrics, "inter_token_latency"), Double.NaN,
                millis(metrics, "request_latency"), millis(metrics, "request_latency"), millis(metrics, "time_to_second_token"),
                value(metrics, "e2e_output_token_throughput"));
        var request = new ImportedRequest(metadata.path("x_request_id").asString(String.valueOf(line)), fileName(),
                isCancelled ? RequestStatus.CANCELLED : hasFailed ? RequestStatus.FAILED : RequestStatus.COMPLETED)
                .put(RequestColumn.ERROR, hasFailed ? json.get("error").path("message").asString("") : null)
                .put(RequestColumn.TTFT_MS, found.ttft())
                .put(RequestColumn.STARTED_AT, instant(number(metadata, "request_start_ns") / 1e9))
                .putTokens(value(metrics, "output_sequence_length"));
        runs.getFirst().add(request, found, gaps(metrics.path("inter_chunk_latency")), null);
    }

    private static long[] gaps(JsonNode metric) {
        var unit = MILLIS.getOrDefault(metric.path("unit").asString("ms"), Double.NaN);
        return metric.path("value").valueStream().filter(value -> number(value) >= 0)
                .mapToLong(value -> Math.round(value.doubleValue() * unit * 1000)).toArray();
    }

    private static double value(JsonNode metrics, String name) {
        return number(metrics.path(name), "value");
    }

    private static double millis(JsonNode metrics, String name) {
        return value(metrics, name) * MILLIS.getOrDefault(metrics.path(name).path("unit").asString("ms"), Double.NaN);
    }
}

/**
 * What GuideLLM writes to its JSON report, schema versions 1 and 2 (0.5 to 0.8, October 2026): {@code benchmarks}, each a run, with
 * {@code requests.successful}, {@code errored} and {@code incomplete}; milliseconds, but {@code request_latency} in seconds; times since
 * 1970 in seconds. Requests of its warm-up and cool-down are in the lists, and left out as its own figures leave them out.
 */
final class GuidellmFile extends ToolFile {

    private static final Set<Integer> KNOWN_VERSIONS = Set.of(1, 2);

    GuidellmFile(Path path) {
        super(path, MetricDefinition.GUIDELLM);
    }

    @Override
    void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException {
        if (!KNOWN_VERSIONS.contains(json.path("metadata").path("version").asInt(0))) {
            throw lacks("a metadata.version of 1 or 2", "versions before 0.5 define their figures otherwise, later ones are not known");
        }
        for (var benchmark : json.get("benchmarks")) {
            var options = new LinkedHashMap<String, Object>();
            options.put("strategy", benchmark.path("config").path("strategy").path("type_").asString(null));
            var model = model(json, benchmark);
            var run = run(title(runs.size() + 1), options, Set.of(model));
            runs.add(run);
            if (!benchmark.path("requests").path("successful").isArray()) {
                throw lacks("benchmarks[].requests.successful", "write the report with all requests (sample_size)");
            }
            add(run, benchmark, "successful", RequestStatus.COMPLETED, model, problems);
            add(run, benchmark, "errored", RequestStatus.FAILED, model, problems);
            add(run, benchmark, "incomplete", RequestStatus.CANCELLED, model, problems);
            var made = benchmark.path("scheduler_metrics").path("requests_made").path("successful").asInt(0);
            var written = benchmark.get("requests").get("successful").size();
            if (written < made) {
                problems.add(run.title() + ": GuideLLM wrote " + written + " of its " + made + " successful requests (sample_size)");
            }
        }
    }

    private static String model(JsonNode json, JsonNode benchmark) {
        return java.util.stream.Stream.of(benchmark.path("config").path("backend").path("model"),
                        json.path("config").path("spec").path("backend").path("model"), json.path("args").path("model"))
                .map(model -> model.asString("")).filter(model -> !model.isEmpty()).findFirst().orElse("model");
    }

    private static void add(ImportedRun run, JsonNode benchmark, String list, RequestStatus status, String model, ReadProblems problems) {
        for (var request : benchmark.path("requests").path(list)) {
            var timings = request.path("info").path("timings");
            var begin = number(request, "request_start_time");
            var end = number(request, "request_end_time");
            if (Double.isNaN(begin)) {
                problems.add(run.title() + ": request " + request.path("request_id").asString("without an id")
                        + " has no request_start_time; it is left out");
                continue;
            }
            if (end < number(benchmark, "start_time") || begin > number(benchmark, "end_time")) {
                continue; // of the warm-up or the cool-down
            }
            var last = (number(timings, "last_token_iteration") - number(timings, "request_start")) * 1000;
            var found = new MetricDefinition.Times(number(request, "time_to_first_token_ms"), number(request, "inter_token_latency_ms"),
                    number(request, "time_per_output_token_ms"), last, number(request, "request_latency") * 1000, Double.NaN,
                    number(request, "output_tokens_per_second"));
            var text = request.path("output").asString(null);
            run.add(new ImportedRequest(request.path("request_id").asString(list + " " + run.answers().size()), model, status)
                    .put(RequestColumn.ERROR, status == RequestStatus.COMPLETED ? null : request.path("info").path("error").asString(""))
                    .put(RequestColumn.TTFT_MS, found.ttft()).put(RequestColumn.STARTED_AT, instant(begin))
                    .put(RequestColumn.OUTPUT_CHARS, text == null ? null : text.codePointCount(0, text.length()))
                    .putTokens(number(request, "output_tokens")), found, new long[0], text);
        }
    }
}
