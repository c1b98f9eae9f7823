//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../api/Price.java
//SOURCES ../api/RequestHeader.java
//SOURCES ClientOverhead.java
//SOURCES ClockOffset.java
//SOURCES RunFiles.java
//SOURCES ShardEntry.java

package stream.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

import stream.api.Price;
import stream.api.RequestHeader;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

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
public record RunManifest(String runId, String startedAt, boolean simulated, long seed, Map<String, Object> versions,
                   List<String> arguments, Map<String, Object> options, List<ModelEntry> models, List<PromptEntry> prompts,
                   ClientOverhead clientOverhead, Integer plannedRequests, Boolean selfWarmup, List<String> resumedAt,
                   String finishedAt, Counts counts, ShardEntry shard, List<ClockOffset> clockOffsets) {

    private static final Pattern SECRET_IN_URL =
            Pattern.compile("(?i)(//)[^/@\\s]+(?=@)|([?&][\\w-]*(key|token|secret|sig|signature|password)=)[^&\\s,]+");

    /**
     * A model of the run; {@code extra} as JSON, the others null where it sets none. The proxy is that through which its server is
     * reached.
     */
    public record ModelEntry(String label, String name, String api, String baseUrl, String keyVariable, Integer maxTokens,
                      Double temperature, Price price, boolean thinkTags, String proxy, JsonNode extra) { }

    /** A prompt of the run; the digest tells whether it has changed. The text is that of a question on the terminal, else null. */
    public record PromptEntry(String id, String source, String digest, Map<String, String> labels, String text) {

        /** Of a prompt whose text is in its source. */
        public PromptEntry(String id, String source, String digest, Map<String, String> labels) {
            this(id, source, digest, labels, null);
        }
    }

    /**
     * How the requests ended.
     *
     * @param resent requests that were sent once more because they were lost
     */
    public record Counts(int requests, int completed, int failed, int resent) { }

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

    /**
     * Whether a secret of a URL was left out of the command line, so that the run cannot be resumed; headers can be given again.
     */
    public boolean lacksSecret() {
        return arguments.stream().anyMatch(word -> word.contains(RequestHeader.LEFT_OUT)
                && !word.endsWith(": " + RequestHeader.LEFT_OUT));
    }

    /** The manifest of a folder without one. */
    static RunManifest unknown() {
        return of(JsonNodeFactory.instance.objectNode());
    }

    /** Returns what is known of a run of another tool. */
    static RunManifest ofTool(String tool, Map<String, Object> options, List<String> models) {
        return new RunManifest(null, null, false, 0, Map.of("tool", tool), List.of(), options, models.stream().map(model ->
                new ModelEntry(model, model, null, null, null, null, null, null, false, null, JsonNodeFactory.instance.nullNode()))
                .toList(),
                List.of(), null, null, null, List.of(), null, null, null, List.of());
    }

    /** Reads run.json of a folder; throws IOException if there is none, or if it is not a JSON object. */
    public static RunManifest read(Path folder) throws IOException {
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
            prompts.add(new PromptEntry(text(prompt, "id"), text(prompt, "source"), text(prompt, "digest"),
                    labels, text(prompt, "text")));
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
    public ObjectNode json() {
        var json = JsonNodeFactory.instance.objectNode().put("run_id", runId).put("started_at", startedAt)
                .put("simulated", simulated).put("seed", seed);
        json.set("versions", scalars(versions));
        arguments.forEach(json.putArray("arguments")::add);
        json.set("options", scalars(options));
        var modelList = json.putArray("models");
        for (var model : models) {
            modelList.addObject().put("label", model.label()).put("name", model.name()).put("api", model.api())
                    .put("base_url", model.baseUrl()).put("api_key_env", model.keyVariable())
                    .put("max_tokens", model.maxTokens()).put("temperature", model.temperature())
                    .put("think_tags", model.thinkTags())
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
    public void write(Path folder) throws IOException {
        var file = folder.resolve(RunFiles.MANIFEST);
        var part = folder.resolve(RunFiles.MANIFEST + ".part");
        Files.writeString(part, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json()) + "\n");
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Returns the currencies of the models that have a price, by their labels. */
    public Map<String, String> currencies() {
        var currencies = new LinkedHashMap<String, String>();
        models.stream().filter(model -> model.price() != null)
                .forEach(model -> currencies.put(model.label(), model.price().currency()));
        return currencies;
    }

    /** Returns the same with the error that was measured now; with what is known already if it is null. */
    public RunManifest withOverhead(ClientOverhead overhead) {
        return overhead == null ? this : new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options,
                models, prompts, overhead,
                plannedRequests, selfWarmup, resumedAt, finishedAt, counts, shard, clockOffsets);
    }

    /** Returns the same with another prompt. */
    public RunManifest withPrompt(PromptEntry prompt) {
        var all = new ArrayList<>(prompts);
        all.add(prompt);
        return new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options, models,
                List.copyOf(all), clientOverhead,
                plannedRequests, selfWarmup, resumedAt, finishedAt, counts, shard, clockOffsets);
    }

    /** Returns the manifest of the run that goes on now. */
    public RunManifest resumedNow() {
        var times = new ArrayList<>(resumedAt);
        times.add(Instant.now().toString());
        return new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options, models, prompts, clientOverhead,
                plannedRequests, selfWarmup, List.copyOf(times), null, counts, shard, clockOffsets);
    }

    /** Whether requests of the plan are missing, so that it can be resumed. */
    public boolean isIncomplete() {
        return !arguments.isEmpty() && (counts == null || plannedRequests != null && counts.requests() < plannedRequests);
    }

    /** Returns the same of a run whose timing is simulated by a server elsewhere. */
    public RunManifest asSimulated() {
        return new RunManifest(runId, startedAt, true, seed, versions, arguments, options, models, prompts, clientOverhead,
                plannedRequests, selfWarmup, resumedAt, finishedAt, counts, shard, clockOffsets);
    }

    /**
     * Returns the manifest of the finished run; what was resent before it was resumed counts too, and the clock of a server that
     * was not asked since stays as it was.
     */
    public RunManifest finishedNow(int requests, int completed, int failed, int resentNow, List<ClockOffset> offsets) {
        var resent = (counts == null ? 0 : counts.resent()) + resentNow;
        var clocks = new LinkedHashMap<String, ClockOffset>();
        clockOffsets.forEach(offset -> clocks.put(offset.server(), offset));
        offsets.forEach(offset -> clocks.put(offset.server(), offset));
        return new RunManifest(runId, startedAt, simulated, seed, versions, arguments, options, models, prompts, clientOverhead,
                plannedRequests, selfWarmup, resumedAt, Instant.now().toString(),
                new Counts(requests, completed, failed, resent), shard, List.copyOf(clocks.values()));
    }
}
