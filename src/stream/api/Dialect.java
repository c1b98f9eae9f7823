//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../prompt/Prompt.java
//SOURCES AnthropicDialect.java
//SOURCES ChatDialect.java
//SOURCES CompletionsDialect.java
//SOURCES EventParser.java
//SOURCES ResponsesDialect.java

package stream.api;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import stream.prompt.Prompt;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.node.ObjectNode;

/** An API that streams answers to prompts. */
public sealed interface Dialect permits ChatDialect, CompletionsDialect, ResponsesDialect, AnthropicDialect {

    /** All APIs, the default first. */
    List<Dialect> ALL = List.of(new ChatDialect(), new CompletionsDialect(), new ResponsesDialect(), new AnthropicDialect());

    /** OpenAI's own completions-only names; an open model such as Llama-3-8B-Instruct is a chat model. */
    Pattern LEGACY_NAME = Pattern.compile(
            "(gpt-.*|davinci-|curie-)instruct.*|((text|code)-)?(davinci|curie|babbage|ada|cushman)(-.*)?");

    /** OpenAI's reasoning models refuse max_tokens and any temperature but their own. */
    Pattern REASONING_NAME = Pattern.compile("(o[1-9]|gpt-5)([-.].*)?");

    /** Its name in options and in the column api. */
    String word();

    /** The path of the endpoint, relative to the base URL. */
    String path();

    /** The server of those who defined the API. */
    default String ownBaseUrl() {
        return "https://api.openai.com/v1";
    }

    /** The environment variable that names another server. */
    default String baseUrlVariable() {
        return "OPENAI_BASE_URL";
    }

    /** The environment variable of the key. */
    default String keyVariable() {
        return "OPENAI_API_KEY";
    }

    /** Returns the header, name and value, that carries a key. */
    default Map.Entry<String, String> authentication(String key) {
        return Map.entry("Authorization", "Bearer " + key);
    }

    /** Headers that the API requires beside the key. */
    default Map<String, String> headers() {
        return Map.of();
    }

    /**
     * Puts the prompt and the limit of the answer into the body of a request.
     *
     * @param answerLimit in tokens, at least 1
     */
    void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit);

    /** Whether a request may ask for a seed, and for token counts inside the stream. */
    default boolean acceptsSeedAndUsage() {
        return true;
    }

    /** Returns a parser of one event, whose opening brace is the current token of the JSON parser. */
    EventParser eventParser(JsonParser json);

    /** Returns null if there is no API of this name. */
    static Dialect of(String word) {
        return ALL.stream().filter(dialect -> dialect.word().equals(word)).findFirst().orElse(null);
    }

    /** Returns the API through which a model of this name is called if the user does not say. */
    static Dialect ofModelName(String name) {
        return LEGACY_NAME.matcher(name).matches() ? of("completions") : ALL.getFirst();
    }

    static boolean isReasoningModel(String name) {
        return REASONING_NAME.matcher(name).matches();
    }

    /** Returns what the option {@code --api} accepts, separated by commas. */
    static String words() {
        return "auto, " + ALL.stream().map(Dialect::word).collect(Collectors.joining(", "));
    }

    /** Puts messages into the body as an array. */
    default void putMessages(ObjectNode body, String field, List<Prompt.Message> messages) {
        var array = body.putArray(field);
        for (var message : messages) {
            array.addObject().put("role", message.role()).put("content", message.content());
        }
    }
}
