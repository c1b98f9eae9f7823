//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Prompts.java
//SOURCES Events.java
//SOURCES EventParsers.java

// Dialects: one type per API of a server. It knows the path, how a key is sent, what a request says, and what the JSON of an
// event means. A new API is a new type here, in Dialect.ALL, and a section in docs/dialects.md.

package stream;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;
import tools.jackson.databind.node.ObjectNode;

/** An API that streams answers to prompts. */
sealed interface Dialect permits ChatDialect, CompletionsDialect, ResponsesDialect, AnthropicDialect {

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

/** {@code /chat/completions}, the API that most servers have. */
final class ChatDialect implements Dialect {
    @Override
    public String word() {
        return "chat";
    }

    @Override
    public String path() {
        return "chat/completions";
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        putMessages(body, "messages", prompt.messages());
        body.put(Dialect.isReasoningModel(model) ? "max_completion_tokens" : "max_tokens", answerLimit);
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new ChoicesParser(json);
    }
}

/** {@code /completions}, the legacy API: a chat is sent as text. */
final class CompletionsDialect implements Dialect {
    @Override
    public String word() {
        return "completions";
    }

    @Override
    public String path() {
        return "completions";
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        body.put("prompt", prompt.asText()).put("max_tokens", answerLimit);
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new ChoicesParser(json);
    }
}

/** {@code /responses}, whose events name their type; token counts come without being asked for. */
final class ResponsesDialect implements Dialect {
    @Override
    public String word() {
        return "responses";
    }

    @Override
    public String path() {
        return "responses";
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        putMessages(body, "input", prompt.messages());
        body.put("max_output_tokens", answerLimit);
    }

    @Override
    public boolean acceptsSeedAndUsage() {
        return false;
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new ResponsesParser(json);
    }
}

/** {@code /messages} of Anthropic: the system message stands apart, events name their type, and token counts come unasked. */
final class AnthropicDialect implements Dialect {
    @Override
    public String word() {
        return "anthropic";
    }

    @Override
    public String path() {
        return "messages";
    }

    @Override
    public String ownBaseUrl() {
        return "https://api.anthropic.com/v1";
    }

    @Override
    public String baseUrlVariable() {
        return "ANTHROPIC_BASE_URL";
    }

    @Override
    public String keyVariable() {
        return "ANTHROPIC_API_KEY";
    }

    @Override
    public Map.Entry<String, String> authentication(String key) {
        return Map.entry("x-api-key", key);
    }

    @Override
    public Map<String, String> headers() {
        return Map.of("anthropic-version", "2023-06-01");
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        if (prompt.hasSystem()) {
            body.put("system", prompt.messages().stream().filter(Prompt.Message::isSystem).map(Prompt.Message::content)
                    .collect(Collectors.joining("\n\n")));
        }
        putMessages(body, "messages", prompt.messages().stream().filter(message -> !message.isSystem()).toList());
        body.put("max_tokens", answerLimit);
    }

    @Override
    public boolean acceptsSeedAndUsage() {
        return false;
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new AnthropicParser(json);
    }
}

/**
 * Decodes the events of one stream, in their order. Not safe for use by several threads.
 *
 * <p>Most servers send the same JSON again and again with another text and other token counts in it. An event that differs from
 * the previous one in nothing else means the same with these, and is not parsed.
 */
final class StreamDecoder {

    private static final StreamEvent DONE = new StreamEvent(EventKind.DONE, null, null, true);
    private static final StreamEvent NOTHING = new StreamEvent(EventKind.OTHER, null, null, false);
    /** Few buffers are in use at the same time; one for each thread would be one for each stream. */
    private static final JsonFactory JSON =
            JsonFactory.builder().recyclerPool(JsonRecyclerPools.newConcurrentDequePool()).build();

    private final Dialect dialect;
    private EventPattern pattern; // of the event before; null if the next one cannot be like it

    StreamDecoder(Dialect dialect) {
        this.dialect = dialect;
    }

    /**
     * Returns what an event means; data that is not JSON is an event of kind error or other. Never throws.
     *
     * @param type the event's type, null if it has none
     * @param data the event's data, without the field names
     */
    StreamEvent decode(String type, String data) {
        var isError = "error".equals(type);
        if (!data.startsWith("{")) {
            var stripped = data.strip();
            return stripped.startsWith("{") ? decode(type, stripped) : decodeOther(isError, stripped);
        }
        var event = isError || pattern == null ? null : pattern.match(data);
        return event == null ? parse(isError, data) : event;
    }

    /** Decodes what is not a JSON object. */
    private static StreamEvent decodeOther(boolean isError, String data) {
        if (data.equals("[DONE]")) {
            return DONE;
        }
        var isArray = data.startsWith("[") && data.contains("\"error\"");
        return isError || isArray ? ErrorReport.of(data).event() : NOTHING;
    }

    /** Whether data is {@code [DONE]} or JSON with its end, so that an event that has lost its empty line can be used. */
    static boolean isWhole(String data) {
        var stripped = data.strip();
        if (!stripped.startsWith("{")) {
            return stripped.equals("[DONE]");
        }
        try (var json = JSON.createParser(ObjectReadContext.empty(), stripped)) {
            json.nextToken();
            json.skipChildren();
            return json.nextToken() == null;
        } catch (JacksonException e) {
            return false;
        }
    }

    private StreamEvent parse(boolean isError, String data) {
        pattern = null;
        try (var json = JSON.createParser(ObjectReadContext.empty(), data)) {
            json.nextToken();
            var parser = dialect.eventParser(json);
            parser.parse();
            if (isError || parser.reportsError()) {
                return ErrorReport.of(data).orElse(parser.failure()).event();
            }
            var event = parser.event();
            pattern = parser.pattern(data, event);
            return event;
        } catch (JacksonException e) {
            return StreamEvent.error(FailureKind.BAD_EVENT.word(),
                    "an event that is not JSON: " + data.substring(0, Math.min(80, data.length())));
        }
    }
}
