//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Prompts.java
//SOURCES Dialects.java

// Models

package stream;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import okhttp3.Credentials;
import okhttp3.HttpUrl;
import okhttp3.Request;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The options that say which models to call; the same in every script that calls any. */
final class ModelOptions {

    static final List<String> DEFAULT_MODELS = List.of("gpt-4", "gpt-3.5-turbo", "text-davinci-003");

    @Option(names = {"-m", "--model"}, paramLabel = "LIST",
            description = "Models, comma separated or repeated; LABEL=NAME@BASE_URL gives one its own label and server"
                    + " (default: gpt-4,gpt-3.5-turbo,text-davinci-003).")
    List<String> specs = List.of();

    @Option(names = "--models", paramLabel = "FILE",
            description = "The same as JSON, comments allowed: [{\"label\", \"name\", \"base_url\", \"api\","
                    + " \"api_key_env\", \"max_tokens\", \"temperature\", \"extra\"}].")
    Path file;

    @Option(names = "--base-url", paramLabel = "URL",
            description = "Server (default: OPENAI_BASE_URL, else OpenAI's own).")
    String baseUrl;

    @Option(names = "--api", paramLabel = "auto|chat|completions|responses", defaultValue = "auto",
            description = "Which endpoint; auto sends instruct and davinci-style names to completions"
                    + " (default: ${DEFAULT-VALUE}).")
    String api;

    @Option(names = "--insecure-http",
            description = "Send a key over http:// to a host that is not this machine.")
    boolean insecureHttp;

    /** Whether the user named any model. */
    boolean named() {
        return !specs.isEmpty() || file != null;
    }
}

/** A key; it can't be printed by accident. */
record Secret(String value) {
    @Override
    public String toString() {
        return "(a key)";
    }
}

/**
 * What a request says beside the prompt, where neither the prompt nor the model says otherwise.
 *
 * @param maxTokens   limit of the answer in tokens, from 1
 * @param temperature from 0 to 2
 * @param seed        null for none
 */
record Sampling(int maxTokens, double temperature, Long seed) { }

/**
 * A model to call, with all that a request to it needs.
 *
 * @param label       what it is called in the results; unique
 * @param name        what its server calls it
 * @param url         the endpoint
 * @param modelsUrl   where the server lists its models
 * @param server      the base URL as it may be shown: without user, password and query
 * @param key         null where the server gets none
 * @param keyVariable the environment variable that the key came from; null without a key
 * @param keyHeader   {@code Authorization}, or {@code api-key} at Azure
 * @param headers     further headers: organisation, project
 * @param maxTokens   null where the model sets none
 * @param temperature null where the model sets none
 * @param extra       merged into the request body; a null takes a field out of it
 */
record Model(String label, String name, Api api, HttpUrl url, HttpUrl modelsUrl, String server, Secret key,
             String keyVariable, String keyHeader, Map<String, String> headers, Integer maxTokens, Double temperature,
             Map<String, Object> extra) {

    /** OpenAI's reasoning models refuse max_tokens and any temperature but their own. */
    private static final Pattern REASONING_NAME = Pattern.compile("(o[1-9]|gpt-5)([-.].*)?");

    void authorise(Request.Builder request) {
        headers.forEach(request::header);
        if (key != null) {
            request.header(keyHeader, keyHeader.equals("Authorization") ? "Bearer " + key.value() : key.value());
        }
    }

    /** The limit of an answer to this prompt, in tokens: the prompt's, else the model's, else the run's. */
    int answerLimit(Prompt prompt, Sampling sampling) {
        return prompt.maxTokens() != null ? prompt.maxTokens() : maxTokens != null ? maxTokens : sampling.maxTokens();
    }

    /**
     * Returns the JSON body of a streaming request.
     *
     * @param includeUsage whether to ask for token counts in the stream; some older servers refuse that
     */
    String body(Prompt prompt, Sampling sampling, boolean includeUsage) {
        var limit = answerLimit(prompt, sampling);
        var reasoning = REASONING_NAME.matcher(name).matches();
        var body = JsonNodeFactory.instance.objectNode().put("model", name).put("stream", true);
        switch (api) {
            case CHAT -> {
                messages(body.putArray("messages"), prompt);
                body.put(reasoning ? "max_completion_tokens" : "max_tokens", limit);
            }
            case COMPLETIONS -> body.put("prompt", prompt.asText()).put("max_tokens", limit);
            case RESPONSES -> {
                messages(body.putArray("input"), prompt);
                body.put("max_output_tokens", limit);
            }
        }
        var warmth = prompt.temperature() != null ? prompt.temperature() : temperature;
        if (warmth != null || !reasoning) {
            body.put("temperature", warmth != null ? warmth : sampling.temperature());
        }
        if (sampling.seed() != null && api != Api.RESPONSES) {
            body.put("seed", sampling.seed());
        }
        if (includeUsage && api != Api.RESPONSES) {
            body.putObject("stream_options").put("include_usage", true);
        }
        merge(body, prompt.extra());
        merge(body, extra);
        return body.toString();
    }

    private static void messages(ArrayNode array, Prompt prompt) {
        for (var message : prompt.messages()) {
            array.addObject().put("role", message.role()).put("content", message.content());
        }
    }

    private static void merge(ObjectNode body, Map<String, Object> extra) {
        extra.forEach((field, value) -> {
            if (value == null || value instanceof JsonNode node && node.isNull()) {
                body.remove(field);
            } else {
                body.set(field, JsonMapper.shared().<JsonNode>valueToTree(value));
            }
        });
    }
}

/** Turns names, options and environment into models; it alone decides which key goes to which server. */
final class ModelCatalog {

    private static final String OPENAI = "https://api.openai.com/v1";
    private static final String AZURE_API_VERSION = "2024-10-21"; // the newest that Azure calls generally available
    private static final Pattern AZURE_HOST =
            Pattern.compile(".*\\.(openai|cognitiveservices|services\\.ai)\\.azure\\.com");
    private static final Pattern SPEC = Pattern.compile("(?:([^=@]+)=)?([^=@\\s][^=\\s]*?)(?:@(https?://.*))?");
    private static final Set<String> FILE_KEYS = new LinkedHashSet<>(List.of("label", "name", "base_url", "api",
            "api_key_env", "max_tokens", "temperature", "extra"));
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS, JsonReadFeature.ALLOW_TRAILING_COMMA).build();

    private final ModelOptions options;
    private final Map<String, String> environment;
    private final Access access;
    private final List<String> problems = new ArrayList<>();
    private final Set<String> notes = new LinkedHashSet<>();
    private final List<Model> models = new ArrayList<>();

    /**
     * Which servers are meant, and whether they are to be called.
     *
     * @param simulator all models are there and get no key; null for the models' own servers
     * @param keyNeeded whether a missing key is a problem
     */
    record Access(HttpUrl simulator, boolean keyNeeded) {
        static final Access WITH_KEYS = new Access(null, true);
        static final Access WITHOUT_KEYS = new Access(null, false);

        static Access toSimulator(String baseUrl) {
            return new Access(HttpUrl.get(baseUrl), false);
        }
    }

    /** What a user said of one model; null where it was left out. */
    private record ModelSpec(String label, String name, String baseUrl, String api, String keyVariable, Integer maxTokens,
                        Double temperature, Map<String, Object> extra) {
        static ModelSpec ofName(String name) {
            return new ModelSpec(null, name, null, null, null, null, null, Map.of());
        }
    }

    private ModelCatalog(ModelOptions options, Map<String, String> environment, Access access) {
        this.options = options;
        this.environment = environment;
        this.access = access;
    }

    /** Reads the models that the user named, or the default ones; throws if any of them can't be called. */
    static ModelCatalog of(ModelOptions options, Map<String, String> environment, Access access) throws BadModel {
        var catalog = new ModelCatalog(options, environment, access);
        var wishes = new ArrayList<ModelSpec>();
        for (var list : options.specs) {
            for (var spec : list.split(",", -1)) {
                catalog.parse(spec, wishes);
            }
        }
        if (options.file != null) {
            catalog.readFile(wishes);
        }
        if (!options.named()) {
            ModelOptions.DEFAULT_MODELS.forEach(name -> wishes.add(ModelSpec.ofName(name)));
        }
        if (!options.api.equals("auto") && Api.ofWord(options.api) == null) {
            catalog.problems.add("--api '" + options.api + "'; it takes auto, chat, completions or responses");
        }
        var labels = new HashSet<String>();
        for (var wish : wishes) {
            var model = catalog.problems.isEmpty() ? catalog.resolve(wish) : null;
            if (model != null && !labels.add(model.label())) {
                catalog.problems.add("--model: two models are labelled '" + model.label()
                        + "'; give one another with LABEL=NAME");
            }
            catalog.models.add(model);
        }
        catalog.throwProblems();
        return catalog;
    }

    List<Model> models() {
        return List.copyOf(models);
    }

    /** What the user should know, a line each. */
    Set<String> notes() {
        return notes;
    }

    /** Returns the model of this name on the run's server, for a prompt that names its own. */
    Model named(String name) throws BadModel {
        var model = resolve(ModelSpec.ofName(name));
        throwProblems();
        return model;
    }

    private void throwProblems() throws BadModel {
        if (!problems.isEmpty()) {
            throw new BadModel(new ArrayList<>(new LinkedHashSet<>(problems)));
        }
    }

    private void parse(String spec, List<ModelSpec> wishes) {
        var parts = SPEC.matcher(spec.strip());
        if (!parts.matches()) {
            problems.add("--model '" + spec + "'; it takes NAME, LABEL=NAME or LABEL=NAME@BASE_URL");
            return;
        }
        wishes.add(new ModelSpec(parts.group(1), parts.group(2), parts.group(3), null, null, null, null, Map.of()));
    }

    private void readFile(List<ModelSpec> wishes) {
        var file = options.file;
        try {
            var root = JSON.readTree(PromptReader.decode("--models " + file, Files.readAllBytes(file)));
            if (!root.isArray() || root.isEmpty()) {
                problems.add("--models " + file + ": not a list of models: [{\"name\": ...}]");
                return;
            }
            for (var entry : root) {
                wishes.add(wish(file + ", model " + (wishes.size() + 1), entry));
            }
        } catch (NoSuchFileException e) {
            problems.add("--models " + file + ": no such file");
        } catch (IOException e) {
            problems.add("--models " + file + ": can't be read (" + e.getMessage() + ")");
        } catch (BadPrompt e) {
            problems.add(e.getMessage());
        } catch (JacksonException e) {
            problems.add("--models " + file + ":" + PromptReader.line(e) + ": not JSON: " + PromptReader.firstLine(e));
        }
    }

    private ModelSpec wish(String where, JsonNode entry) {
        for (var key : entry.propertyNames()) {
            if (!FILE_KEYS.contains(key)) {
                problems.add("--models " + where + ": unknown key '" + key + "'; it takes "
                        + String.join(", ", FILE_KEYS));
            }
        }
        var api = text(where, entry, "api");
        if (api != null && !api.equals("auto") && Api.ofWord(api) == null) {
            problems.add("--models " + where + ": api '" + api + "'; it takes auto, chat, completions or responses");
        }
        if (text(where, entry, "name") == null) {
            problems.add("--models " + where + ": no name");
        }
        var maxTokens = number(where, entry, "max_tokens", 1, Integer.MAX_VALUE);
        if (maxTokens != null && maxTokens != maxTokens.intValue()) {
            problems.add("--models " + where + ": max_tokens is " + entry.get("max_tokens") + "; it takes a whole number");
        }
        if (entry.has("extra") && !entry.get("extra").isObject()) {
            problems.add("--models " + where + ": extra is not an object; it takes {\"parameter\": value}");
        }
        var keyVariable = text(where, entry, "api_key_env");
        if (keyVariable != null && !keyVariable.matches("[A-Za-z_][A-Za-z0-9_]*")) {
            problems.add("--models " + where + ": api_key_env is not the name of an environment variable"
                    + " (is it the key itself?)");
        }
        var extra = new LinkedHashMap<String, Object>();
        entry.path("extra").properties().forEach(field -> extra.put(field.getKey(), field.getValue()));
        return new ModelSpec(text(where, entry, "label"), text(where, entry, "name"), text(where, entry, "base_url"), api,
                keyVariable, maxTokens == null ? null : maxTokens.intValue(),
                number(where, entry, "temperature", 0, 2), extra);
    }

    private String text(String where, JsonNode entry, String key) {
        var value = entry.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isString() || value.stringValue().isBlank()) {
            problems.add("--models " + where + ": " + key + " is " + value + "; it takes a text");
            return null;
        }
        return value.stringValue();
    }

    private Double number(String where, JsonNode entry, String key, double least, double most) {
        var value = entry.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isNumber() || value.doubleValue() < least || value.doubleValue() > most) {
            problems.add("--models " + where + ": " + key + " is " + value + "; it takes a number from "
                    + (int) least + (most == Integer.MAX_VALUE ? "" : " to " + (int) most));
            return null;
        }
        return value.doubleValue();
    }

    /** Returns null after adding to the problems. */
    private Model resolve(ModelSpec wish) {
        var label = wish.label() == null ? wish.name() : wish.label();
        if (label.contains("|")) {
            problems.add("--model: the label '" + label + "' holds a |, which separates the parts of a request_id");
            return null;
        }
        var simulator = access.simulator();
        var runBase = simulator != null ? simulator
                : baseUrl(options.baseUrl != null ? "--base-url" : "OPENAI_BASE_URL", runBaseUrl());
        var ownBase = wish.baseUrl() == null || simulator != null ? runBase
                : baseUrl("model " + label, wish.baseUrl());
        if (runBase == null || ownBase == null) {
            return null;
        }
        var azure = AZURE_HOST.matcher(ownBase.host()).matches();
        var keyVariable = simulator != null ? null : keyVariable(wish, azure, sameServer(ownBase, runBase));
        var key = keyVariable == null ? null : key(keyVariable);
        if (!problems.isEmpty() || !mayCall(label, wish, ownBase, key)) {
            return null;
        }
        var apiWord = wish.api() != null ? wish.api() : options.api;
        var api = apiWord.equals("auto") ? Api.ofModelName(wish.name()) : Api.ofWord(apiWord);
        return new Model(label, wish.name(), api,
                azure ? azureUrl(ownBase, api.path(), wish.name()) : below(ownBase, api.path()),
                azure ? azureUrl(ownBase, "models", null) : below(ownBase, "models"), shown(ownBase), key,
                key == null ? null : keyVariable, azure ? "api-key" : "Authorization",
                "OPENAI_API_KEY".equals(keyVariable) && key != null ? accountHeaders() : Map.of(), wish.maxTokens(),
                wish.temperature(), wish.extra());
    }

    private String runBaseUrl() {
        var fromEnvironment = environment.getOrDefault("OPENAI_BASE_URL", "").strip();
        return options.baseUrl != null ? options.baseUrl : fromEnvironment.isEmpty() ? OPENAI : fromEnvironment;
    }

    private HttpUrl baseUrl(String option, String text) {
        var url = HttpUrl.parse(text.strip());
        if (url == null) {
            problems.add(option + " '" + text.replaceFirst("//[^/@]*@", "//(user)@")
                    + "' is no http:// or https:// address");
            return null;
        }
        return url.encodedPath().equals("/") && !AZURE_HOST.matcher(url.host()).matches()
                ? url.newBuilder().encodedPath("/v1").build() : url;
    }

    /** A key belongs to one server: OPENAI_API_KEY to the run's, any other to the model that names it. */
    private String keyVariable(ModelSpec wish, boolean azure, boolean onRunServer) {
        if (wish.keyVariable() != null) {
            return wish.keyVariable();
        }
        if (azure && key("AZURE_OPENAI_API_KEY") != null) {
            return "AZURE_OPENAI_API_KEY";
        }
        return onRunServer ? "OPENAI_API_KEY" : null;
    }

    /** Returns null where the variable is not set; one that holds nothing but spaces is a problem. */
    private Secret key(String variable) {
        var value = environment.get(variable);
        if (value == null) {
            return null;
        }
        if (value.isBlank()) {
            problems.add(variable + " is empty; set it to the key, or unset it");
            return null;
        }
        if (!value.equals(value.strip())) {
            notes.add("warning: " + variable + " has spaces or a line end around the key; they are left out");
        }
        return new Secret(value.strip());
    }

    private boolean mayCall(String label, ModelSpec wish, HttpUrl base, Secret key) {
        for (var variable : List.of("OPENAI_ORG_ID", "OPENAI_PROJECT_ID")) {
            if (key != null && !fitsHeader(environment.getOrDefault(variable, "").strip())) {
                problems.add(variable + " holds a character that a header can't; set it again");
                return false;
            }
        }
        if (key != null && !fitsHeader(key.value())) {
            problems.add("model " + label + ": its key holds a character that a header can't; set it again");
            return false;
        }
        if (isLoopback(base.host()) || !access.keyNeeded()) {
            return true;
        }
        if (key == null && wish.keyVariable() != null) {
            problems.add("model " + label + ": " + wish.keyVariable() + " is not set; it should hold the key for "
                    + base.host());
        } else if (key == null && wish.baseUrl() != null) {
            problems.add("model " + label + ": no key for " + base.host()
                    + "; name its variable with api_key_env in a --models file, or set --base-url and OPENAI_API_KEY");
        } else if (key == null) {
            problems.add("no key for " + base.host() + "; set OPENAI_API_KEY, or try it without one: Stream.java --simulate");
        } else if (!base.isHttps() && !options.insecureHttp) {
            problems.add("model " + label + ": the key would go unencrypted to " + base.host()
                    + "; use https://, or allow it with --insecure-http");
        } else {
            return true;
        }
        return false;
    }

    private static boolean fitsHeader(String value) {
        return value.chars().allMatch(c -> c > ' ' && c < 0x7f);
    }

    private Map<String, String> accountHeaders() {
        var headers = new LinkedHashMap<String, String>();
        Map.of("OPENAI_ORG_ID", "OpenAI-Organization", "OPENAI_PROJECT_ID", "OpenAI-Project")
                .forEach((variable, header) -> {
                    var value = environment.getOrDefault(variable, "").strip();
                    if (!value.isEmpty()) {
                        headers.put(header, value);
                    }
                });
        return headers;
    }

    /** Azure names the deployment in the path and wants a version, unless the base URL is its newer /openai/v1. */
    private HttpUrl azureUrl(HttpUrl base, String path, String deployment) {
        var segments = base.encodedPath();
        if (segments.contains("/openai/v1")) {
            return below(base, path);
        }
        var url = base.newBuilder();
        if (!segments.contains("/openai")) {
            url.addPathSegment("openai");
        }
        if (deployment != null && !segments.contains("/deployments/") && !path.equals(Api.RESPONSES.path())) {
            url.addPathSegment("deployments").addPathSegment(deployment);
        }
        if (base.queryParameter("api-version") == null) {
            url.setQueryParameter("api-version", environment.getOrDefault("OPENAI_API_VERSION", AZURE_API_VERSION));
        }
        return below(url.build(), path);
    }

    private static HttpUrl below(HttpUrl base, String path) {
        var folder = base.encodedPath().replaceFirst("/+$", "");
        return base.newBuilder().encodedPath(folder + "/" + path).build();
    }

    private static String shown(HttpUrl url) {
        return url.newBuilder().username("").password("").query(null).build().toString();
    }

    private static boolean sameServer(HttpUrl a, HttpUrl b) {
        return a.scheme().equals(b.scheme()) && a.host().equals(b.host()) && a.port() == b.port();
    }

    static boolean isLoopback(String hostOrBracketed) {
        var host = hostOrBracketed.replaceAll("[\\[\\]]", "");
        return host.equals("localhost") || host.endsWith(".localhost") || host.equals("::1")
                || host.matches("127(\\.\\d{1,3}){3}");
    }
}

/** The proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, as curl reads them; never one for this machine. */
final class EnvironmentProxies extends ProxySelector {

    private final Map<String, String> environment;

    EnvironmentProxies(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public List<Proxy> select(URI uri) {
        var host = uri.getHost();
        var proxy = HttpUrl.parse(variable(uri.getScheme() + "_proxy"));
        if (proxy == null || ModelCatalog.isLoopback(host) || excepted(host)) {
            return List.of(Proxy.NO_PROXY);
        }
        return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.host(), proxy.port())));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        // the request itself fails, and says so
    }

    /** Returns the value of Proxy-Authorization for this scheme's proxy; null if its address brings no user. */
    String authorization(String scheme) {
        var proxy = HttpUrl.parse(variable(scheme + "_proxy"));
        return proxy == null || proxy.username().isEmpty() ? null
                : Credentials.basic(proxy.username(), proxy.password());
    }

    private boolean excepted(String host) {
        for (var entry : variable("no_proxy").split("[,\\s]+")) {
            var domain = entry.replaceFirst("^\\*?\\.", "").replaceFirst(":\\d+$", "");
            if (entry.equals("*") || !domain.isEmpty() && (host.equals(domain) || host.endsWith("." + domain))) {
                return true;
            }
        }
        return false;
    }

    private String variable(String lowerCase) {
        var value = environment.getOrDefault(lowerCase, environment.getOrDefault(lowerCase.toUpperCase(Locale.ROOT), ""));
        return value.isEmpty() || value.contains("://") || lowerCase.startsWith("no_") ? value : "http://" + value;
    }
}

/** Models that can't be called as configured; each problem is one whole line for the user. */
class BadModel extends Exception {

    private final List<String> problems;

    BadModel(List<String> problems) {
        super(String.join("\n", problems), null, false, false);
        this.problems = List.copyOf(problems);
    }

    List<String> problems() {
        return problems;
    }
}
