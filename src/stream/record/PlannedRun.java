//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/UserError.java
//SOURCES ../terminal/Version.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/Dialect.java
//SOURCES ../api/EnvironmentProxies.java
//SOURCES ../api/Model.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/LoadSettings.java
//SOURCES ../plan/Plan.java
//SOURCES ../plan/RequestSettings.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../plan/Shard.java
//SOURCES ClientOverhead.java
//SOURCES RunManifest.java
//SOURCES ShardEntry.java

package stream.record;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

import okhttp3.OkHttp;
import stream.api.EnvironmentProxies;
import stream.api.Model;
import stream.plan.Job;
import stream.plan.Plan;
import stream.plan.RunSettings;
import stream.plan.Shard;
import stream.prompt.Prompt;
import stream.terminal.UserError;
import stream.terminal.Version;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What run.json tells of a plan, and how a plan differs from it. */
public final class PlannedRun {

    private static final DateTimeFormatter RUN_ID_TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private PlannedRun() { }

    /**
     * Creates the folder of a run, which no other run has, and returns its id.
     *
     * @param ids the ids to try, of which two may be the same: the random part is short
     */
    public static String newRun(Path results, Supplier<String> ids) throws IOException {
        Files.createDirectories(results);
        while (true) {
            var id = ids.get();
            try {
                Files.createDirectory(results.resolve(id));
                return id;
            } catch (FileAlreadyExistsException e) {
                // another run began in the same second
            }
        }
    }

    /** Returns an id for a run that begins now. */
    public static String newId() {
        return RUN_ID_TIME.format(Instant.now()) + "-%04x".formatted(ThreadLocalRandom.current().nextInt(0x10000));
    }

    /**
     * Describes a run that begins.
     *
     * @param arguments the command line, with which the run can be resumed
     * @param proxies   through which the servers are reached
     */
    public static RunManifest manifest(String runId, RunSettings settings, Plan plan,
            List<String> arguments, ClientOverhead overhead,
                                ShardEntry shard, EnvironmentProxies proxies) {
        var models = plan.models().stream().map(model -> entry(model, proxies.shown(model.url().uri()))).toList();
        var prompts = plan.prompts().stream()
                .map(prompt -> new RunManifest.PromptEntry(prompt.id(), prompt.source(), digest(prompt), prompt.labels())).toList();
        return new RunManifest(runId, Instant.now().toString(), settings.simulate(), settings.load().order().seed(), versions(),
                RunManifest.withoutSecrets(arguments), settings.options(), models, prompts, overhead, plan.jobs().size(),
                settings.warmsUp(plan), List.of(), null, null, shard, List.of());
    }

    /** {@code proxy} is null for none. */
    private static RunManifest.ModelEntry entry(Model model, String proxy) {
        return new RunManifest.ModelEntry(model.label(), model.name(), model.dialect().word(), model.server(), model.keyVariable(),
                model.maxTokens(), model.temperature(), model.price(), model.readsThinkTags(), proxy,
                JsonMapper.shared().<JsonNode>valueToTree(model.extra()));
    }

    /** Describes a part of a plan. The digest is of what is sent to which model how often, wherever its server is. */
    public static ShardEntry shard(Shard shard, RunSettings settings, Plan whole) {
        var parts = new ArrayList<String>();
        whole.prompts().forEach(prompt -> parts.add(prompt.id() + " " + digest(prompt)));
        whole.models().forEach(model -> parts.add(String.join(" ", model.label(), model.name(), model.dialect().word(),
                String.valueOf(model.maxTokens()), String.valueOf(model.temperature()), new TreeMap<>(model.extra()).toString())));
        whole.jobs().stream().map(Job::requestId).sorted().forEach(parts::add);
        parts.add(settings.request().system() + " " + settings.request().sampling() + " " + settings.request().uniquePrefix());
        return new ShardEntry(shard, digest(String.join("\u0000", parts)));
    }

    private static Map<String, Object> versions() {
        var versions = new LinkedHashMap<String, Object>();
        versions.put("stream", Version.NUMBER);
        versions.put("java", Runtime.version().toString());
        versions.put("okhttp", OkHttp.VERSION);
        versions.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch"));
        versions.put("cpus", Runtime.getRuntime().availableProcessors());
        versions.put("machine", machine());
        return versions;
    }

    /**
     * Returns the name of this machine; null if it has none. Where the kernel tells it, no name server is asked, which may take
     * long.
     */
    private static String machine() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            // not Linux
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return null;
        }
    }

    /**
     * Returns a digest of all that is sent of a prompt, and of its labels; the same in every run. It detects a change, not a
     * forgery, because loading a cryptographic digest takes a tenth of a start.
     */
    private static String digest(Prompt prompt) {
        return digest(String.join("\u0000", prompt.id(), prompt.messages().toString(),
                prompt.maxTokens() + " " + prompt.temperature() + " " + prompt.model(),
                new TreeMap<>(prompt.extra()).toString(), new TreeMap<>(prompt.labels()).toString()));
    }

    /** Returns the entry of a question, of one message. */
    public static RunManifest.PromptEntry question(Prompt prompt) {
        return new RunManifest.PromptEntry(prompt.id(), prompt.source(), digest(prompt), prompt.labels(),
                prompt.messages().getFirst().content());
    }

    private static String digest(String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        var one = new CRC32();
        var other = new CRC32C();
        one.update(bytes);
        other.update(bytes);
        return Long.toHexString(one.getValue() << 32 | other.getValue());
    }

    /** Throws UserError, with a line for each difference, if the prompts and models are not those of the run. */
    public static void requireSame(RunManifest manifest, Plan plan) {
        var differences = new ArrayList<String>();
        var digests = new HashMap<String, String>();
        manifest.prompts().forEach(prompt -> digests.put(prompt.id(), prompt.digest()));
        for (var prompt : plan.prompts()) {
            var digest = digests.remove(prompt.id());
            if (!digest(prompt).equals(digest)) {
                differences.add(prompt.source() + ": " + (digest == null ? "is new" : "has changed")
                        + " since the run began (prompt " + prompt.id() + "); restore it, or begin a new run");
            }
        }
        manifest.prompts().stream().filter(prompt -> digests.containsKey(prompt.id())).forEach(prompt ->
                differences.add(prompt.source() + ": prompt " + prompt.id()
                        + " was in it when the run began; restore it, or begin a new run"));
        var models = new LinkedHashMap<String, RunManifest.ModelEntry>();
        manifest.models().forEach(model -> models.put(model.label(), model));
        for (var model : plan.models()) {
            var was = models.remove(model.label());
            if (was == null) {
                differences.add("model " + model.label() + " is new since the run began; take it out, or begin a new run");
            } else {
                addDifferences(differences, was, entry(model, was.proxy()), manifest.simulated());
            }
        }
        models.keySet().forEach(label ->
                differences.add("model " + label + " was there when the run began; restore it, or begin a new run"));
        UserError.throwIfAny(differences);
    }

    private static void addDifferences(List<String> differences, RunManifest.ModelEntry was,
            RunManifest.ModelEntry is, boolean simulated) {
        var before = was.name() + (simulated ? "" : " at " + was.baseUrl());
        var now = is.name() + (simulated ? "" : " at " + is.baseUrl());
        if (!now.equals(before)) {
            differences.add("model " + is.label() + " was " + before + " when the run began, it is " + now
                    + " now; set the environment as it was, or begin a new run");
        }
        var parameters = parameters(was); // null where the run was begun by a version that did not keep it
        parameters(is).forEach((name, value) -> {
            if (parameters.get(name) != null && !value.equals(parameters.get(name))) {
                differences.add("model " + is.label() + " has " + name + " " + value
                        + ", when the run began it was " + parameters.get(name)
                        + "; restore it, or begin a new run");
            }
        });
        if (!Objects.equals(is.price(), was.price())) {
            differences.add("model " + is.label() + " has another price than when the run began; restore it, or begin a new run");
        }
    }

    private static Map<String, String> parameters(RunManifest.ModelEntry model) {
        var parameters = new LinkedHashMap<String, String>();
        parameters.put("api", model.api());
        parameters.put("max_tokens", String.valueOf(model.maxTokens()));
        parameters.put("temperature", String.valueOf(model.temperature()));
        parameters.put("think_tags", String.valueOf(model.thinkTags()));
        parameters.put("extra", model.extra().isMissingNode() ? null : model.extra().toString());
        return parameters;
    }
}
