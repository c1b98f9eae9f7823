//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/UserError.java
//SOURCES ../prompt/HandWrittenJson.java
//SOURCES ../prompt/UserFile.java
//SOURCES Dialect.java
//SOURCES EnvironmentProxies.java
//SOURCES Model.java
//SOURCES ModelSettings.java
//SOURCES NamedModel.java
//SOURCES Price.java
//SOURCES RequestHeader.java
//SOURCES ResponsesDialect.java
//SOURCES Secret.java

package stream.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import okhttp3.HttpUrl;
import stream.prompt.HandWrittenJson;
import stream.prompt.UserFile;
import stream.terminal.UserError;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Turns names, options and environment into models; it alone decides which key goes to which server. */
public final class ModelCatalog {

    private static final String AZURE_API_VERSION = "2024-10-21"; // the newest that Azure calls generally available
    private static final String AZURE_INFERENCE_API_VERSION = "2024-05-01-preview";
    private static final Pattern AZURE_HOST =
            Pattern.compile(".*\\.(openai|cognitiveservices|services\\.ai)\\.azure\\.com");
    private static final Set<String> FILE_KEYS = new LinkedHashSet<>(List.of("label", "name", "base_url", "api",
            "api_key_env", "max_tokens", "temperature", "headers", "price", "think_tags", "extra"));
    private static final String NO_KEY = ""; // of a model that gets none, though its server's variable may be set
    private static final List<String> DEFAULT_MODELS = List.of("gpt-4", "gpt-3.5-turbo", "text-davinci-003");

    private final ModelSettings settings;
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
    public record Access(HttpUrl simulator, boolean keyNeeded) {
        public static final Access WITH_KEYS = new Access(null, true);
        public static final Access WITHOUT_KEYS = new Access(null, false);

        public static Access toSimulator(String baseUrl) {
            return new Access(HttpUrl.get(baseUrl), false);
        }
    }

    /** What the user wrote about one model; null where it was left out. */
    private record ModelSpec(String label, String name, String baseUrl, String api, String keyVariable, Integer maxTokens,
                             Double temperature, List<String> headers, Price price, boolean thinkTags, Map<String, Object> extra) {
        static ModelSpec ofName(String name) {
            return of(null, name, null);
        }

        static ModelSpec of(String label, String name, String baseUrl) {
            return new ModelSpec(label, name, baseUrl, null, null, null, null, List.of(), null, false, Map.of());
        }
    }

    private ModelCatalog(ModelSettings settings, Map<String, String> environment, Access access) {
        this.settings = settings;
        this.environment = environment;
        this.access = access;
    }

    /** Reads the models that the user named, or the default ones; throws if any of them cannot be called. */
    public static ModelCatalog of(ModelSettings settings, Map<String, String> environment, Access access) {
        var catalog = new ModelCatalog(settings, environment, access);
        var specs = new ArrayList<ModelSpec>();
        for (var list : settings.specs()) {
            for (var spec : NamedModel.split(list)) {
                catalog.parse(spec, specs);
            }
        }
        if (settings.file() != null) {
            catalog.readFile(specs);
        }
        if (!settings.namesModels()) {
            DEFAULT_MODELS.forEach(name -> specs.add(ModelSpec.ofName(name)));
        }
        if (!settings.api().equals("auto") && Dialect.of(settings.api()) == null) {
            catalog.problems.add("--api '" + settings.api() + "'; must be one of " + Dialect.words());
        }
        var labels = new HashSet<String>();
        for (var spec : specs) {
            var model = catalog.problems.isEmpty() ? catalog.resolve(spec) : null;
            if (model != null && !labels.add(model.label())) {
                catalog.problems.add("--model: two models are labelled '" + model.label()
                        + "'; give one another with LABEL=NAME");
            }
            catalog.models.add(model);
        }
        catalog.throwProblems();
        return catalog;
    }

    public List<Model> models() {
        return List.copyOf(models);
    }

    /** What the user should know, a line each. */
    public Set<String> notes() {
        return notes;
    }

    /** Returns the model of this name on the run's server, for a prompt that names its own. */
    public Model named(String name) {
        var model = resolve(ModelSpec.ofName(name));
        throwProblems();
        return model;
    }

    private void throwProblems() {
        UserError.throwIfAny(List.copyOf(new LinkedHashSet<>(problems)));
    }

    private void parse(String spec, List<ModelSpec> specs) {
        var model = NamedModel.of(spec);
        if (model == null) {
            problems.add("--model '" + spec + "'; must be NAME, LABEL=NAME or LABEL=NAME@BASE_URL"
                    + (spec.contains(" ") && !spec.contains("\"") ? ", a name with spaces in double quotes" : ""));
        } else if (model.serverWithoutScheme() != null && !spec.contains("\"")) {
            var server = model.serverWithoutScheme();
            problems.add("--model '" + spec + "'; write "
                    + spec.substring(0, spec.length() - server.length()) + "http://" + server);
        } else {
            specs.add(ModelSpec.of(model.label(), model.name(), model.baseUrl()));
        }
    }

    private void readFile(List<ModelSpec> specs) {
        var file = settings.file();
        try {
            var root = HandWrittenJson.WITH_COMMENTS.readTree(UserFile.decode("--models " + file, Files.readAllBytes(file)));
            if (!root.isArray() || root.isEmpty()) {
                problems.add("--models " + file + ": not a list of models: [{\"name\": ...}]");
                return;
            }
            for (var entry : root) {
                specs.add(spec(file + ", model " + (specs.size() + 1), entry));
            }
        } catch (NoSuchFileException e) {
            problems.add("--models " + file + ": no such file");
        } catch (IOException e) {
            problems.add("--models " + file + ": cannot be read (" + e.getMessage() + ")");
        } catch (UserError e) {
            problems.add(e.getMessage());
        } catch (JacksonException e) {
            problems.add("--models " + file + ":" + HandWrittenJson.line(e) + ": not JSON: " + HandWrittenJson.problem(e));
        }
    }

    private ModelSpec spec(String where, JsonNode entry) {
        for (var key : entry.propertyNames()) {
            if (!FILE_KEYS.contains(key)) {
                problems.add("--models " + where + ": unknown key '" + key + "'; there are "
                        + String.join(", ", FILE_KEYS));
            }
        }
        var api = text(where, entry, "api");
        if (api != null && !api.equals("auto") && Dialect.of(api) == null) {
            problems.add("--models " + where + ": api '" + api + "'; must be one of " + Dialect.words());
        }
        if (text(where, entry, "name") == null) {
            problems.add("--models " + where + ": no name");
        }
        var maxTokens = number(where, entry, "max_tokens", 1, Integer.MAX_VALUE);
        if (maxTokens != null && maxTokens != maxTokens.intValue()) {
            problems.add("--models " + where + ": max_tokens is " + entry.get("max_tokens") + "; must be a whole number");
        }
        if (entry.has("extra") && !entry.get("extra").isObject()) {
            problems.add("--models " + where + ": extra is not an object; write {\"parameter\": value}");
        }
        var keyVariable = entry.path("api_key_env").isNull() || entry.path("api_key_env").asString("-").isEmpty() ? NO_KEY
                : text(where, entry, "api_key_env");
        if (keyVariable != null && !keyVariable.equals(NO_KEY) && !keyVariable.matches("[A-Za-z_][A-Za-z0-9_]*")) {
            problems.add("--models " + where + ": api_key_env is not the name of an environment variable"
                    + " (is it the key itself?)");
        }
        var headers = new ArrayList<String>();
        for (var header : entry.path("headers").properties()) {
            if (header.getValue().isString()) {
                headers.add(header.getKey() + ": " + header.getValue().stringValue());
            } else {
                problems.add("--models " + where + ": header " + header.getKey() + " is not a text; write {\"Name\": \"value\"}");
            }
        }
        if (entry.has("headers") && !entry.get("headers").isObject()) {
            problems.add("--models " + where + ": headers is not an object; write {\"Name\": \"value\"}");
        }
        var price = !entry.has("price") ? null
                : Price.of(entry.get("price"), problem -> problems.add("--models " + where + ": " + problem));
        if (entry.hasNonNull("think_tags") && !entry.get("think_tags").isBoolean()) {
            problems.add("--models " + where + ": think_tags is " + entry.get("think_tags") + "; must be true or false");
        }
        var extra = new LinkedHashMap<String, Object>();
        entry.path("extra").properties().forEach(field -> extra.put(field.getKey(), field.getValue()));
        return new ModelSpec(text(where, entry, "label"), text(where, entry, "name"), text(where, entry, "base_url"), api,
                keyVariable, maxTokens == null ? null : maxTokens.intValue(),
                number(where, entry, "temperature", 0, 2), headers, price,
                entry.path("think_tags").asBoolean(false), extra);
    }

    private String text(String where, JsonNode entry, String key) {
        var value = entry.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isString() || value.stringValue().isBlank()) {
            problems.add("--models " + where + ": " + key + " is " + value + "; must be a text");
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
            problems.add("--models " + where + ": " + key + " is " + value + "; must be a number from "
                    + (int) least + (most == Integer.MAX_VALUE ? "" : " to " + (int) most));
            return null;
        }
        return value.doubleValue();
    }

    /** Returns null after adding to the problems. */
    private Model resolve(ModelSpec spec) {
        var label = spec.label() == null ? spec.name() : spec.label();
        if (label.contains("|")) {
            problems.add("--model: the label '" + label + "' contains a |, which separates the parts of a request_id; leave it"
                    + " out");
            return null;
        }
        var simulator = access.simulator();
        var dialect = dialect(spec);
        var runBase = simulator != null ? simulator
                : baseUrl(settings.baseUrl() != null ? "--base-url" : dialect.baseUrlVariable(), runBaseUrl(dialect));
        var ownBase = spec.baseUrl() == null || simulator != null ? runBase
                : baseUrl("model " + label, spec.baseUrl());
        if (runBase == null || ownBase == null) {
            return null;
        }
        var proxyProblem = simulator != null ? null : new EnvironmentProxies(environment).problem(ownBase);
        if (proxyProblem != null) {
            problems.add(proxyProblem);
            return null;
        }
        var azure = isAzure(ownBase);
        var keyVariable = simulator != null ? null : keyVariable(spec, azure, sameServer(ownBase, runBase) ? dialect : null);
        var key = keyVariable == null ? null : key(keyVariable);
        if (!problems.isEmpty() || !mayCall(label, spec, ownBase, key, dialect)) {
            return null;
        }
        var own = simulator != null ? List.<RequestHeader>of() : headers(label, spec, sameServer(ownBase, runBase));
        var headers = new LinkedHashMap<>(dialect.headers());
        if ("OPENAI_API_KEY".equals(keyVariable) && key != null) {
            headers.putAll(accountHeaders());
        }
        own.forEach(header -> headers.put(header.name(), header.value()));
        return new Model(label, spec.name(), dialect,
                azure ? azureUrl(ownBase, dialect.path(), spec.name()) : below(ownBase, dialect.path()),
                azure ? azureUrl(ownBase, "models", null) : below(ownBase, "models"), shown(ownBase), key,
                key == null ? null : keyVariable, azure, headers,
                own.stream().map(header -> new Secret(header.value())).toList(), spec.maxTokens(), spec.temperature(), spec.price(),
                spec.thinkTags() || settings.thinkTags(), spec.extra());
    }

    /** The headers of the command line belong to the run's server, those of the file to their model. */
    private List<RequestHeader> headers(String label, ModelSpec spec, boolean onRunServer) {
        var headers = new ArrayList<RequestHeader>();
        try {
            for (var header : onRunServer ? settings.headers() : List.<String>of()) {
                headers.add(RequestHeader.of("--header", header, environment));
            }
            for (var header : spec.headers()) {
                headers.add(RequestHeader.of("model " + label + ": header", header, environment));
            }
        } catch (UserError e) {
            problems.addAll(e.problems());
        }
        return headers;
    }

    private Dialect dialect(ModelSpec spec) {
        var word = spec.api() != null ? spec.api() : settings.api();
        return word.equals("auto") ? Dialect.ofModelName(spec.name()) : Dialect.of(word);
    }

    private String runBaseUrl(Dialect dialect) {
        var fromEnvironment = environment.getOrDefault(dialect.baseUrlVariable(), "").strip();
        return settings.baseUrl() != null ? settings.baseUrl() : fromEnvironment.isEmpty() ? dialect.ownBaseUrl() : fromEnvironment;
    }

    private HttpUrl baseUrl(String option, String text) {
        var url = HttpUrl.parse(text.strip());
        if (url == null) {
            var shown = text.strip().replaceFirst("//[^/@]*@", "//(user)@");
            var hasNoScheme = !shown.contains("://") && HttpUrl.parse("http://" + shown) != null;
            problems.add(option + " '" + shown + "'" + (hasNoScheme ? ": write http://" + shown + " or https://" + shown
                    : " is not an http:// or https:// address"));
            return null;
        }
        return url.encodedPath().equals("/") && !isAzure(url)
                ? url.newBuilder().encodedPath("/v1").build() : url;
    }

    /**
     * A key belongs to one server: that of the API to the run's, any other to the model that names it. {@code dialect} is null
     * for a model on another server.
     */
    private String keyVariable(ModelSpec spec, boolean azure, Dialect dialect) {
        if (spec.keyVariable() != null) {
            return getsNoKey(spec) ? null : spec.keyVariable();
        }
        if (settings.withoutKey()) {
            return null;
        }
        if (azure && key("AZURE_OPENAI_API_KEY") != null) {
            return "AZURE_OPENAI_API_KEY";
        }
        return dialect == null ? null : dialect.keyVariable();
    }

    /** Whether the user wants no key to be sent. */
    private boolean getsNoKey(ModelSpec spec) {
        return spec.keyVariable() == null ? settings.withoutKey() : spec.keyVariable().equals(NO_KEY);
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

    private boolean mayCall(String label, ModelSpec spec, HttpUrl base, Secret key, Dialect dialect) {
        for (var variable : List.of("OPENAI_ORG_ID", "OPENAI_PROJECT_ID")) {
            if (key != null && !fitsHeader(environment.getOrDefault(variable, "").strip())) {
                problems.add(variable + " has a character that is not allowed in a header; set it again");
                return false;
            }
        }
        if (key != null && !fitsHeader(key.value())) {
            problems.add("model " + label + ": its key has a character that is not allowed in a header; set it again");
            return false;
        }
        if (EnvironmentProxies.isLoopback(base.host()) || !access.keyNeeded() || getsNoKey(spec)
                || key == null && spec.keyVariable() == null && EnvironmentProxies.isPrivate(base.host())) {
            return true;
        }
        if (key == null && spec.keyVariable() != null) {
            problems.add("model " + label + ": " + spec.keyVariable() + " is not set; it must hold the key for "
                    + base.host());
        } else if (key == null && spec.baseUrl() != null) {
            problems.add("model " + label + ": no key for " + base.host()
                    + "; name its variable with api_key_env in a --models file, set --base-url and " + dialect.keyVariable()
                    + ", or send none with --no-key");
        } else if (key == null) {
            problems.add("no key for " + base.host() + "; set " + dialect.keyVariable()
                    + ", or send none with --no-key, or try it without a server, with --simulate");
        } else if (!base.isHttps() && !settings.insecureHttp()) {
            problems.add("model " + label + ": the key would go unencrypted to " + base.host()
                    + "; use https://, allow it with --insecure-http, or send none with --no-key");
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

    /** A gateway before Azure has another name, and the version or the path of Azure. */
    private static boolean isAzure(HttpUrl base) {
        return AZURE_HOST.matcher(base.host()).matches() || base.queryParameter("api-version") != null
                || base.encodedPath().contains("/openai/deployments/");
    }

    /** Azure names the deployment in the path and wants a version, unless the base URL is its newer /openai/v1. */
    private HttpUrl azureUrl(HttpUrl base, String path, String deployment) {
        var segments = base.encodedPath();
        if (segments.contains("/openai/v1")) {
            return below(base, path);
        }
        var url = base.newBuilder();
        var isInference = segments.matches(".*/models/?"); // of Azure AI, with the model in the body
        if (base.queryParameter("api-version") == null) {
            url.setQueryParameter("api-version", environment.getOrDefault("OPENAI_API_VERSION",
                    isInference ? AZURE_INFERENCE_API_VERSION : AZURE_API_VERSION));
        }
        if (isInference) {
            return below(url.build(), path);
        }
        if (!segments.contains("/openai")) {
            url.addPathSegment("openai");
        }
        if (deployment != null && !segments.contains("/deployments/") && !path.equals(new ResponsesDialect().path())) {
            url.addPathSegment("deployments").addPathSegment(deployment);
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

}
