//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../prompt/Prompt.java
//SOURCES Dialect.java
//SOURCES Price.java
//SOURCES RequestForm.java
//SOURCES Sampling.java
//SOURCES Secret.java
//SOURCES UsageRequest.java

package stream.api;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import okhttp3.HttpUrl;
import okhttp3.Request;
import stream.prompt.Prompt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

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
public record Model(String label, String name, Dialect dialect, HttpUrl url, HttpUrl modelsUrl, String server, Secret key,
             String keyVariable, boolean azure, Map<String, String> headers, List<Secret> secrets, Integer maxTokens,
             Double temperature, Price price, boolean readsThinkTags, Map<String, Object> extra) {

    private static final int SHORTEST_SECRET = 8;

    /** Adds the headers; one of the user's replaces that of the key. */
    public void authorise(Request.Builder request) {
        if (key != null) {
            var header = azure ? Map.entry("api-key", key.value()) : dialect.authentication(key.value());
            request.header(header.getKey(), header.getValue());
        }
        headers.forEach(request::header);
    }

    /** Returns the text without the key and the values of the user's headers, which some servers quote. */
    public String withoutSecrets(String text) {
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
    public Long mostOutputTokens(JsonNode body) {
        var limits = java.util.stream.Stream.of("max_tokens", "max_completion_tokens", "max_output_tokens").map(body::path)
                .filter(JsonNode::isNumber).mapToLong(JsonNode::longValue).max();
        var answers = Math.max(1, Math.max(body.path("n").asInt(1), body.path("best_of").asInt(1)));
        return limits.isEmpty() ? null : Long.valueOf(limits.getAsLong() * answers);
    }

    /** Returns the most that its server may be asked for; OpenAI's own refuses parameters that it does not know. */
    public UsageRequest mostUsage() {
        return !dialect.acceptsSeedAndUsage() ? UsageRequest.NONE
                : azure || url.host().equals("api.openai.com") ? UsageRequest.AT_THE_END : UsageRequest.WITH_EACH_EVENT;
    }

    /** Returns the form of a request before the server has refused anything. */
    RequestForm fullForm() {
        return new RequestForm(mostUsage(), Map.of());
    }

    /** Returns the JSON body of a streaming request that asks for these token counts. */
    public String body(Prompt prompt, Sampling sampling, UsageRequest usage) {
        return body(prompt, sampling, new RequestForm(usage, Map.of()));
    }

    /** Returns the JSON body of a streaming request, as its server accepts it; what the user adds stays as it is. */
    public String body(Prompt prompt, Sampling sampling, RequestForm form) {
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
