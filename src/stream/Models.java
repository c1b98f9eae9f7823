//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-tls:5.5.1
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Prompts.java
//SOURCES Dialects.java
//SOURCES EnvironmentProxies.java
//SOURCES RequestForm.java
//SOURCES NamedModel.java

// Models: which models are called, at which server, through which API, with which key, and what a request to them contains.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Currency;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.tls.HandshakeCertificates;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which models the user asks for.
 *
 * @param specs        each NAME, LABEL=NAME or LABEL=NAME@BASE_URL, or several separated by commas
 * @param file         models as JSON; null for none
 * @param baseUrl      null for OPENAI_BASE_URL, else OpenAI's server
 * @param api          a word of {@link Dialect#words}
 * @param insecureHttp whether a key may be sent over http:// to another machine
 * @param headers      further headers for the run's server, each as the user wrote it
 * @param thinkTags    whether thoughts between think tags in a visible text are read as reasoning, of all models
 * @param withoutKey   whether no key is sent, though one is set
 */
record ModelSettings(List<String> specs, Path file, String baseUrl, String api, boolean insecureHttp, List<String> headers,
                     boolean thinkTags, boolean withoutKey) {

    /** Models that are called as their names tell. */
    ModelSettings(List<String> specs, Path file, String baseUrl, String api, boolean insecureHttp, List<String> headers) {
        this(specs, file, baseUrl, api, insecureHttp, headers, false, false);
    }

    /** Whether the user named any model; else the defaults are called. */
    boolean namesModels() {
        return !specs.isEmpty() || file != null;
    }

    /** Returns the options that name the models with these labels, of those of a file all. */
    List<String> arguments(List<String> labels) {
        var words = new ArrayList<String>();
        var chosen = specs.stream().flatMap(list -> NamedModel.split(list).stream())
                .filter(spec -> NamedModel.of(spec) != null && labels.contains(NamedModel.of(spec).labelOrName())).toList();
        if (!chosen.isEmpty() || !namesModels()) {
            words.addAll(List.of("-m", String.join(",", namesModels() ? chosen : labels)));
        }
        if (file != null) {
            words.addAll(List.of("--models", file.toString()));
        }
        if (baseUrl != null) {
            words.addAll(List.of("--base-url", baseUrl));
        }
        if (!api.equals("auto")) {
            words.addAll(List.of("--api", api));
        }
        if (insecureHttp) {
            words.add("--insecure-http");
        }
        if (thinkTags) {
            words.add("--think-tags");
        }
        if (withoutKey) {
            words.add("--no-key");
        }
        headers.forEach(header -> words.addAll(List.of("--header", header)));
        return words;
    }
}

/** The options that say which models to call, the same in every command that calls any. */
final class ModelOptions {

    @Option(names = {"-m", "--model"}, paramLabel = "LIST",
            description = "Models, comma separated or repeated; LABEL=NAME@BASE_URL gives one its own label and server"
                    + " (default: gpt-4,gpt-3.5-turbo,text-davinci-003).")
    List<String> specs = List.of();

    @Option(names = "--models", paramLabel = "FILE",
            description = "The same as JSON, comments allowed: [{\"label\", \"name\", \"base_url\", \"api\","
                    + " \"api_key_env\", \"max_tokens\", \"temperature\", \"headers\", \"price\", \"think_tags\", \"extra\"}].")
    Path file;

    @Option(names = "--base-url", paramLabel = "URL",
            description = "Server (default: OPENAI_BASE_URL, else OpenAI's own).")
    String baseUrl;

    @Option(names = "--api", paramLabel = "auto|chat|completions|responses|anthropic", defaultValue = "auto",
            description = "Which endpoint; auto sends instruct and davinci-style names to completions, all others to chat"
                    + " (default: ${DEFAULT-VALUE}).")
    String api;

    @Option(names = "--header", paramLabel = "'NAME: VALUE'", description = "A header for the run's server; $${NAME} in the value is"
            + " read from the environment; repeatable.")
    List<String> headers = List.of();

    @Option(names = "--insecure-http",
            description = "Send a key over http:// to a host that is not this machine.")
    boolean insecureHttp;

    @Option(names = "--think-tags", description = "Read what stands between <think> and </think> in the text of an answer as reasoning,"
            + " with times of its own.")
    boolean thinkTags;

    @Option(names = "--no-key", description = "Send no key, to servers that need none, though one may be set.")
    boolean noKey;

    ModelSettings settings() {
        return new ModelSettings(specs, file, baseUrl, api, insecureHttp, headers, thinkTags, noKey);
    }

    /** Replaces the headers whose value is not known by those given now, in a run that is resumed. */
    void giveAgain(List<String> headersNow) {
        var all = new ArrayList<>(headersNow);
        var names = headersNow.stream().map(RequestHeader::name).toList();
        headers.stream().filter(header -> !names.contains(RequestHeader.name(header))).forEach(all::add);
        headers = List.copyOf(all);
    }
}

/**
 * How connections to the servers are made.
 *
 * @param reuse       whether a request may be sent on a connection that another one has opened
 * @param httpVersion {@code 1.1} or {@code 2}; null for what the server prefers
 * @param trust       certificates to trust beside those of the system; null for none
 */
record ConnectionSettings(boolean reuse, String httpVersion, HandshakeCertificates trust) {

    static final ConnectionSettings DEFAULT = new ConnectionSettings(true, null, null);

    /** Returns the protocols over TLS, which the server chooses from. */
    List<Protocol> protocols() {
        return "1.1".equals(httpVersion) ? List.of(Protocol.HTTP_1_1) : List.of(Protocol.HTTP_2, Protocol.HTTP_1_1);
    }

    /** Returns the protocols without TLS, where there is no choice. */
    List<Protocol> plainProtocols() {
        return List.of("2".equals(httpVersion) ? Protocol.H2_PRIOR_KNOWLEDGE : Protocol.HTTP_1_1);
    }

    OkHttpClient.Builder trusting(OkHttpClient.Builder client) {
        return trust == null ? client : client.sslSocketFactory(trust.sslSocketFactory(), trust.trustManager());
    }
}

/** The options that say how to connect, the same in every command that calls a server. */
final class ConnectionOptions {

    @Option(names = "--ca-cert", paramLabel = "FILE", description = "Certificates to trust beside those of the system, as PEM.")
    Path caCert;

    @Option(names = "--connection", paramLabel = "reuse|new", defaultValue = "reuse",
            description = "Whether requests share connections, as most clients do, or each opens its own"
                    + " (default: ${DEFAULT-VALUE}).")
    String connection;

    @Option(names = "--http", paramLabel = "1.1|2", description = "HTTP version: 2 asks for it over TLS, and takes it for granted"
            + " over http:// (default: over TLS what the server prefers, else 1.1).")
    String httpVersion;

    /** Throws UserError if a value is not valid, or the file holds no certificate. */
    ConnectionSettings settings() {
        new OptionChecks().oneOf("--connection", connection, "reuse", "new")
                .require(httpVersion == null || List.of("1.1", "2").contains(httpVersion),
                        "--http '" + httpVersion + "'; must be one of 1.1, 2").throwIfAny();
        return new ConnectionSettings(connection.equals("reuse"), httpVersion, caCert == null ? null : certificates());
    }

    private HandshakeCertificates certificates() {
        try (var file = Files.newInputStream(caCert)) {
            var all = new HandshakeCertificates.Builder().addPlatformTrustedCertificates();
            var found = CertificateFactory.getInstance("X.509").generateCertificates(file);
            new OptionChecks().require(!found.isEmpty(), "--ca-cert " + caCert + ": no certificate in it; name a file in PEM form")
                    .throwIfAny();
            found.forEach(certificate -> all.addTrustedCertificate((X509Certificate) certificate));
            return all.build();
        } catch (NoSuchFileException e) {
            throw new UserError("--ca-cert " + caCert + ": no such file; name one with certificates in PEM form");
        } catch (IOException | CertificateException e) {
            throw new UserError("--ca-cert " + caCert + ": not certificates in PEM form (" + OneLine.firstOf(String.valueOf(e.getMessage()))
                    + ")");
        }
    }
}

/** A header that the user adds to requests. Its value may be a secret: no message contains it. */
record RequestHeader(String name, String value) {

    private static final Pattern SYNTAX = Pattern.compile("([!#$%&'*+.^_`|~0-9A-Za-z-]+)\\s*:\\s*(.*?)\\s*");
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");
    private static final Pattern PUBLIC = Pattern.compile("(?i)\\s*(bearer|basic|token)?\\s*");
    private static final Set<String> OWN = Set.of("host", "content-length", "content-type", "transfer-encoding", "connection",
            "accept-encoding");

    /** Stands for a value in run.json. */
    static final String LEFT_OUT = "(left-out)";

    /** Returns the name of a header as the user wrote it, in lower case; all of it if there is no colon. */
    static String name(String header) {
        return header.replaceFirst("\\s*:.*", "").strip().toLowerCase(Locale.ROOT);
    }

    /** Returns the header as run.json keeps it: without its value, unless that comes from the environment. */
    static String withoutValue(String header) {
        var parts = SYNTAX.matcher(header);
        return !parts.matches() ? LEFT_OUT
                : isPublic(parts.group(2)) ? header : parts.group(1) + ": " + LEFT_OUT;
    }

    private static boolean isPublic(String value) {
        return REFERENCE.matcher(value).find() && PUBLIC.matcher(REFERENCE.matcher(value).replaceAll("")).matches();
    }

    /**
     * Reads a header and puts the values of the environment in.
     *
     * @throws UserError if it is not valid, or a variable is not set
     */
    static RequestHeader of(String where, String header, Map<String, String> environment) {
        var parts = SYNTAX.matcher(header);
        new OptionChecks().require(parts.matches(), where + ": not a name, a colon and a value; write NAME: VALUE").throwIfAny();
        var name = parts.group(1);
        var at = where + " '" + name + "'";
        new OptionChecks().require(!OWN.contains(name.toLowerCase(Locale.ROOT)), at + " is set by this tool; leave it out")
                .require(!parts.group(2).equals(LEFT_OUT), at + " has no value in run.json; give it again with --header").throwIfAny();
        var value = REFERENCE.matcher(parts.group(2)).replaceAll(reference -> Matcher.quoteReplacement(
                Optional.ofNullable(environment.get(reference.group(1))).map(String::strip).filter(text -> !text.isEmpty())
                        .orElseThrow(() -> new UserError(at + ": " + reference.group(1) + " is not set; set it to the value"))));
        new OptionChecks().require(value.chars().allMatch(c -> c >= ' ' && c < 0x7f || c == '\t'),
                at + ": its value has a character that is not allowed in a header; set it again").throwIfAny();
        return new RequestHeader(name, value);
    }
}

/** A key; its value is not printed by accident. */
record Secret(String value) {
    @Override
    public String toString() {
        return "(a key)";
    }
}

/**
 * What a request contains besides the prompt, where neither the prompt nor the model says otherwise.
 *
 * @param maxTokens   limit of the answer in tokens, from 1
 * @param temperature from 0 to 2
 * @param seed        null for none
 */
record Sampling(int maxTokens, double temperature, Long seed) { }

/**
 * What a server charges for a model, in one currency for a million tokens; never negative.
 *
 * @param input       for tokens of the prompt
 * @param cachedInput for tokens of the prompt that the server had in its cache
 * @param output      for output tokens, which include reasoning
 * @param currency    ISO 4217, such as USD
 */
record Price(BigDecimal input, BigDecimal cachedInput, BigDecimal output, String currency) {

    private static final int MILLION = 6; // as a power of ten
    private static final Set<String> KEYS = new LinkedHashSet<>(List.of("input", "cached_input", "output", "currency"));

    /** Reads a price as the user, or run.json, has it; each problem that is found is passed on, and null returned. */
    static Price of(JsonNode json, Consumer<String> problems) {
        var found = new ArrayList<String>();
        if (!json.isObject()) {
            problems.accept("price is " + json + "; write {\"input\": 1.25, \"output\": 10, \"currency\": \"USD\"}");
            return null;
        }
        json.propertyNames().stream().filter(key -> !KEYS.contains(key)).forEach(key ->
                found.add("price has an unknown key '" + key + "'; there are " + String.join(", ", KEYS)));
        var input = amount(json, "input", found);
        var output = amount(json, "output", found);
        var cachedInput = json.has("cached_input") ? amount(json, "cached_input", found) : input;
        var currency = json.path("currency").asString("");
        if (Currency.getAvailableCurrencies().stream().noneMatch(known -> known.getCurrencyCode().equals(currency))) {
            found.add("price.currency is '" + currency + "'; must be a code of ISO 4217, such as USD");
        }
        found.forEach(problems);
        return found.isEmpty() ? new Price(input, cachedInput, output, currency) : null;
    }

    private static BigDecimal amount(JsonNode json, String key, List<String> problems) {
        var amount = json.path(key);
        if (!amount.isNumber() || !Double.isFinite(amount.doubleValue()) || amount.decimalValue().signum() < 0) {
            problems.add("price." + key + " is " + (json.has(key) ? amount : "missing")
                    + "; must be a number, at least 0: what a million tokens cost");
            return null;
        }
        return amount.decimalValue();
    }

    /**
     * Returns the exact cost of an answer; null if the server did not count both its prompt and its output. Tokens of the prompt
     * are taken as not cached where the server does not say.
     */
    BigDecimal cost(Usage usage) {
        if (usage.promptTokens() == null || usage.outputTokens() == null) {
            return null;
        }
        var cached = Math.min(usage.promptTokens(), Objects.requireNonNullElse(usage.cachedPromptTokens(), 0));
        return perMillion(input.multiply(BigDecimal.valueOf(usage.promptTokens() - cached))
                .add(cachedInput.multiply(BigDecimal.valueOf(cached))).add(output.multiply(BigDecimal.valueOf(usage.outputTokens()))));
    }

    /** Returns the most that these tokens can cost. */
    BigDecimal most(long promptTokens, long outputTokens) {
        return perMillion(input.max(cachedInput).multiply(BigDecimal.valueOf(promptTokens))
                .add(output.multiply(BigDecimal.valueOf(outputTokens))));
    }

    private static BigDecimal perMillion(BigDecimal sum) {
        return sum.scaleByPowerOfTen(-MILLION);
    }

    /** Returns an amount to four significant digits. */
    static String shown(BigDecimal amount) {
        return plain(amount.round(new MathContext(4)));
    }

    /** Returns all digits of an amount, without an exponent. */
    static String plain(BigDecimal amount) {
        return amount.stripTrailingZeros().toPlainString();
    }

    ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("input", input).put("cached_input", cachedInput).put("output", output)
                .put("currency", currency);
    }
}

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
 * @param azure       whether the server is Azure's, which has its own header for the key
 * @param headers     further headers: of the API, organisation, project, those of the user
 * @param secrets     values of the user's headers, not to be shown
 * @param maxTokens   null where the model sets none
 * @param temperature null where the model sets none
 * @param price       null if it is not known
 * @param readsThinkTags whether thoughts between think tags in its visible text are read as reasoning
 * @param extra       merged into the request body; a null removes a field from it
 */
record Model(String label, String name, Dialect dialect, HttpUrl url, HttpUrl modelsUrl, String server, Secret key,
             String keyVariable, boolean azure, Map<String, String> headers, List<Secret> secrets, Integer maxTokens,
             Double temperature, Price price, boolean readsThinkTags, Map<String, Object> extra) {

    private static final int SHORTEST_SECRET = 8;

    /** Adds the headers; one of the user's replaces that of the key. */
    void authorise(Request.Builder request) {
        if (key != null) {
            var header = azure ? Map.entry("api-key", key.value()) : dialect.authentication(key.value());
            request.header(header.getKey(), header.getValue());
        }
        headers.forEach(request::header);
    }

    /** Returns the text without the key and the values of the user's headers, which some servers quote. */
    String withoutSecrets(String text) {
        var shown = key == null ? text : without(text, key.value(), "(the key)");
        for (var secret : secrets) {
            shown = secret.value().length() < SHORTEST_SECRET ? shown : without(shown, secret.value(), "(a header)");
        }
        return shown;
    }

    /** A short key, as local servers accept, is a part of other words; only where it stands alone it is taken for the key. */
    private static String without(String text, String secret, String replacement) {
        return secret.length() >= SHORTEST_SECRET ? text.replace(secret, replacement)
                : text.replaceAll("(?<!\\w)" + Pattern.quote(secret) + "(?!\\w)", Matcher.quoteReplacement(replacement));
    }

    /** The limit of an answer to this prompt, in tokens: the prompt's, else the model's, else the run's. */
    int answerLimit(Prompt prompt, Sampling sampling) {
        return prompt.maxTokens() != null ? prompt.maxTokens() : maxTokens != null ? maxTokens : sampling.maxTokens();
    }

    /**
     * Returns the most output tokens that a request can bring, as its body allows: the limit that the API knows, of each of several
     * answers; null if the body has no limit.
     */
    Long mostOutputTokens(JsonNode body) {
        var limits = java.util.stream.Stream.of("max_tokens", "max_completion_tokens", "max_output_tokens").map(body::path)
                .filter(JsonNode::isNumber).mapToLong(JsonNode::longValue).max();
        var answers = Math.max(1, Math.max(body.path("n").asInt(1), body.path("best_of").asInt(1)));
        return limits.isEmpty() ? null : Long.valueOf(limits.getAsLong() * answers);
    }

    /** Returns the most that its server may be asked for; OpenAI's own refuses parameters that it does not know. */
    UsageRequest mostUsage() {
        return !dialect.acceptsSeedAndUsage() ? UsageRequest.NONE
                : azure || url.host().equals("api.openai.com") ? UsageRequest.AT_THE_END : UsageRequest.WITH_EACH_EVENT;
    }

    /** Returns the form of a request before the server has refused anything. */
    RequestForm fullForm() {
        return new RequestForm(mostUsage(), Map.of());
    }

    /** Returns the JSON body of a streaming request that asks for these token counts. */
    String body(Prompt prompt, Sampling sampling, UsageRequest usage) {
        return body(prompt, sampling, new RequestForm(usage, Map.of()));
    }

    /** Returns the JSON body of a streaming request, as its server accepts it; what the user adds stays as it is. */
    String body(Prompt prompt, Sampling sampling, RequestForm form) {
        var body = JsonNodeFactory.instance.objectNode().put("model", name).put("stream", true);
        dialect.putPrompt(body, name, prompt, answerLimit(prompt, sampling));
        var ownTemperature = prompt.temperature() != null ? prompt.temperature() : temperature;
        if (ownTemperature != null || !Dialect.isReasoningModel(name)) {
            body.put("temperature", ownTemperature != null ? ownTemperature : sampling.temperature());
        }
        if (sampling.seed() != null && dialect.acceptsSeedAndUsage()) {
            body.put("seed", sampling.seed());
        }
        if (form.usage() != UsageRequest.NONE && dialect.acceptsSeedAndUsage()) {
            var options = body.putObject("stream_options").put("include_usage", true);
            if (form.usage() == UsageRequest.WITH_EACH_EVENT) {
                options.put("continuous_usage_stats", true);
            }
        }
        form.applyTo(body);
        merge(body, prompt.extra());
        merge(body, extra);
        return body.toString();
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
    record Access(HttpUrl simulator, boolean keyNeeded) {
        static final Access WITH_KEYS = new Access(null, true);
        static final Access WITHOUT_KEYS = new Access(null, false);

        static Access toSimulator(String baseUrl) {
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
    static ModelCatalog of(ModelSettings settings, Map<String, String> environment, Access access) {
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

    List<Model> models() {
        return List.copyOf(models);
    }

    /** What the user should know, a line each. */
    Set<String> notes() {
        return notes;
    }

    /** Returns the model of this name on the run's server, for a prompt that names its own. */
    Model named(String name) {
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
            problems.add("--model '" + spec + "'; write " + spec.substring(0, spec.length() - server.length()) + "http://" + server);
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

/** Asks servers which models they serve. */
final class ModelListing {

    private static final long LONGEST_LIST_BYTES = 4_000_000;
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final String LISTED = "yes";

    private final OkHttpClient client;

    ModelListing(Map<String, String> environment, ConnectionSettings connection) {
        client = connection.trusting(new OkHttpClient.Builder().proxySelector(new EnvironmentProxies(environment))
                .followRedirects(false).callTimeout(TIMEOUT)).build();
    }

    /** Prints a line for each model; returns whether the server of each lists it. */
    boolean print(List<Model> models, PrintStream out) {
        var table = new Table();
        List.of("label", "name", "api", "server", "key", "listed").forEach(heading -> table.column(heading, true));
        var allListed = true;
        for (var model : models) {
            var answer = ask(model);
            allListed &= answer.equals(LISTED);
            table.row(List.of(model.label(), model.name(), model.dialect().word(), model.server(),
                    model.keyVariable() == null ? "none" : model.keyVariable(), answer));
        }
        out.print(table.text());
        return allListed;
    }

    private String ask(Model model) {
        var request = new Request.Builder().url(model.modelsUrl());
        model.authorise(request);
        try (var response = client.newCall(request.build()).execute()) {
            if (response.code() != 200) {
                return "not known, the server answers " + response.code();
            }
            for (var listed : JsonMapper.shared().readTree(response.peekBody(LONGEST_LIST_BYTES).string()).path("data")) {
                if (listed.path("id").asString("").equals(model.name())) {
                    return LISTED;
                }
            }
            return "not listed; name another with --model if the server refuses it";
        } catch (IOException | JacksonException e) {
            return "not known, " + OneLine.firstOf(String.valueOf(e.getMessage()));
        }
    }
}
