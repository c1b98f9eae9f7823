//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Prompts.java
//SOURCES Events.java

// Dialects: one type per API of a server. It knows the path, how a key is sent, what a request says, and what the JSON of an
// event means. A new API is a new type here, in Dialect.ALL, and a section in docs/dialects.md.

package stream;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;
import tools.jackson.databind.node.ObjectNode;

/** An API that streams answers to prompts. */
sealed interface Dialect permits ChatDialect, CompletionsDialect, ResponsesDialect {

    /** All APIs, the default first. */
    List<Dialect> ALL = List.of(new ChatDialect(), new CompletionsDialect(), new ResponsesDialect());

    /** OpenAI's own completions-only names; an open model such as Llama-3-8B-Instruct is a chat model. */
    Pattern LEGACY_NAME = Pattern.compile(
            "(gpt-.*|davinci-|curie-)instruct.*|((text|code)-)?(davinci|curie|babbage|ada|cushman)(-.*)?");

    /** OpenAI's reasoning models refuse max_tokens and any temperature but their own. */
    Pattern REASONING_NAME = Pattern.compile("(o[1-9]|gpt-5)([-.].*)?");

    /** Its name in options and in the column api. */
    String word();

    /** The path of the endpoint, relative to the base URL. */
    String path();

    /** Returns the header, name and value, that carries a key. */
    default Map.Entry<String, String> authentication(String key) {
        return Map.entry("Authorization", "Bearer " + key);
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

    /** Returns what the option {@code --api} accepts. */
    static String words() {
        return "auto, " + ALL.stream().map(Dialect::word).collect(Collectors.joining(", "));
    }

    /** Puts the messages of a prompt into the body as an array. */
    default void putMessages(ObjectNode body, String field, Prompt prompt) {
        var array = body.putArray(field);
        for (var message : prompt.messages()) {
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
        putMessages(body, "messages", prompt);
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
        putMessages(body, "input", prompt);
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

/**
 * Decodes the events of one stream, in their order. Not safe for use by several threads.
 *
 * <p>Most servers send the same JSON again and again with another text in it. An event that differs from the previous one
 * in nothing but the inside of the string that is its text means the same with that text, and is not parsed.
 */
final class StreamDecoder {

    private static final StreamEvent DONE = new StreamEvent(EventKind.DONE, null, null, true);
    private static final StreamEvent NOTHING = new StreamEvent(EventKind.OTHER, null, null, false);
    /** Few buffers are in use at the same time; one for each thread would be one for each stream. */
    private static final JsonFactory JSON =
            JsonFactory.builder().recyclerPool(JsonRecyclerPools.newConcurrentDequePool()).build();

    private final Dialect dialect;
    private String lastData;
    private StreamEvent lastEvent; // null if the next event cannot be like it
    private int textStart;
    private int textEnd;

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
        if (data.equals("[DONE]")) {
            return DONE;
        }
        var isError = "error".equals(type);
        if (!data.startsWith("{")) {
            var hasMessage = !data.isBlank() && !data.equals("null");
            return isError ? StreamEvent.error("error", hasMessage ? data : "no message") : NOTHING;
        }
        var text = isError || lastEvent == null ? null : textIfLikeLast(data);
        return text == null ? parse(isError, data)
                : new StreamEvent(lastEvent.kind(), text, lastEvent.about(), lastEvent.last());
    }

    /** Returns the text of an event that differs from the last one in its text alone, else null. */
    private String textIfLikeLast(String data) {
        var end = data.length() - (lastData.length() - textEnd);
        if (end <= textStart || !data.regionMatches(0, lastData, 0, textStart)
                || !data.regionMatches(end, lastData, textEnd, lastData.length() - textEnd)) {
            return null;
        }
        for (int i = textStart; i < end; i++) {
            var letter = data.charAt(i);
            if (letter == '"' || letter == '\\' || letter < ' ') {
                return null; // the string ends elsewhere, or is not written as it reads
            }
        }
        return data.substring(textStart, end);
    }

    private StreamEvent parse(boolean isError, String data) {
        lastEvent = null;
        try (var json = JSON.createParser(ObjectReadContext.empty(), data)) {
            json.nextToken();
            var parser = dialect.eventParser(json);
            var event = parser.parse(isError);
            if (event.kind() == EventKind.CONTENT || event.kind() == EventKind.REASONING) {
                remember(data, event, parser.textOffset(event.kind()));
            }
            return event;
        } catch (JacksonException e) {
            return StreamEvent.error("bad_event",
                    "an event that is not JSON: " + data.substring(0, Math.min(80, data.length())));
        }
    }

    /** Remembers an event whose text is in the data without escapes, after the quote at the offset. */
    private void remember(String data, StreamEvent event, int offset) {
        textStart = offset + 1;
        textEnd = textStart + event.text().length();
        if (data.startsWith(event.text(), textStart) && data.startsWith("\"", textEnd)) {
            lastData = data;
            lastEvent = event;
        }
    }
}

/**
 * Reads the JSON of one event in one pass, without a tree, and keeps what has a meaning for this tool. What is not of the
 * expected form is skipped.
 */
abstract sealed class EventParser permits ChoicesParser, ResponsesParser {

    private final JsonParser json;
    private String objectType;
    private String message;
    private String errorType;
    private String errorMessage;
    private Usage usage;

    String type;
    String finishReason;
    String content;
    int contentOffset;
    String reasoning;
    int reasoningOffset;
    String tool;
    String model;
    String fingerprint;
    boolean opensAnswer;

    EventParser(JsonParser json) {
        this.json = json;
    }

    /** Reads the value of a member of an object. */
    interface MemberReader {
        void read(String name);
    }

    /** Reads a member of the event that only this API has. */
    abstract void readMember(String name);

    /** Interprets what was read. */
    abstract void interpret();

    /** Whether the API ends a stream with this event. */
    boolean isLast() {
        return false;
    }

    /** Parses the event; {@code isError} if the type of the server-sent event was error. */
    StreamEvent parse(boolean isError) {
        members(name -> {
            switch (name) {
                case "usage" -> readUsage();
                case "error" -> readError();
                case "type" -> type = text();
                case "object" -> objectType = text();
                case "model" -> model = text();
                case "system_fingerprint" -> fingerprint = text();
                case "message" -> message = text();
                default -> readMember(name);
            }
        });
        interpret();
        return event(isError);
    }

    private StreamEvent event(boolean isError) {
        if (errorMessage != null || isError || "error".equals(type) || "error".equals(objectType)) {
            return StreamEvent.error(errorType != null ? errorType : "error",
                    errorMessage != null ? errorMessage : message != null ? message : "no message");
        }
        var about = finishReason == null && usage == null && model == null && fingerprint == null ? null
                : new StreamEvent.About(finishReason, usage, null, model, fingerprint);
        if (content != null) {
            return new StreamEvent(EventKind.CONTENT, content, about, isLast());
        }
        if (reasoning != null) {
            return new StreamEvent(EventKind.REASONING, reasoning, about, isLast());
        }
        if (tool != null) {
            return new StreamEvent(EventKind.TOOL, tool, about, isLast());
        }
        if (finishReason != null) {
            return new StreamEvent(EventKind.FINISH, finishReason, about, isLast());
        }
        var kind = usage != null ? EventKind.USAGE : opensAnswer ? EventKind.ROLE : EventKind.OTHER;
        return new StreamEvent(kind, null, about, isLast());
    }

    /** Returns where the text of an event of kind content or reasoning begins in the data, with its quote. */
    int textOffset(EventKind kind) {
        return kind == EventKind.CONTENT ? contentOffset : reasoningOffset;
    }

    /** Calls the reader with the value of each member as the current token; what it leaves is skipped. */
    void members(MemberReader reader) {
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            var name = json.currentName();
            json.nextToken();
            reader.read(name);
            json.skipChildren();
        }
    }

    /** Does the same if the current token begins an object, else nothing. */
    void membersOfObject(MemberReader reader) {
        if (json.currentToken() == JsonToken.START_OBJECT) {
            members(reader);
        }
    }

    /** Reads the members of the first object of an array; the others are skipped. */
    void membersOfFirst(MemberReader reader) {
        if (json.currentToken() != JsonToken.START_ARRAY) {
            return;
        }
        for (var first = true; json.nextToken() != JsonToken.END_ARRAY; ) {
            if (first && json.currentToken() == JsonToken.START_OBJECT) {
                members(reader);
                first = false;
            } else {
                json.skipChildren();
            }
        }
    }

    /** Returns the current string; null if it is empty, or not a string. */
    String text() {
        if (json.currentToken() != JsonToken.VALUE_STRING) {
            return null;
        }
        var text = json.getString();
        return text.isEmpty() ? null : text;
    }

    /** Returns where the current token begins in the data; a string begins with its quote. */
    int offset() {
        return (int) json.currentTokenLocation().getCharOffset();
    }

    /** Returns the current number; null if it is not a whole number, negative, or too large for an int. */
    private Integer count() {
        var isCount = json.currentToken() == JsonToken.VALUE_NUMBER_INT
                && json.getNumberType() == JsonParser.NumberType.INT && json.getIntValue() >= 0;
        return isCount ? Integer.valueOf(json.getIntValue()) : null;
    }

    /** Keeps the first text that is not empty. */
    void readContent() {
        if (content == null) {
            content = text();
            contentOffset = offset();
        }
    }

    /** Keeps the arguments of all calls in the current value, which is what streams. */
    void readToolCalls() {
        if (!json.currentToken().isStructStart()) {
            return;
        }
        tool = "";
        for (int depth = 1; depth > 0; ) {
            switch (json.nextToken()) {
                case START_OBJECT, START_ARRAY -> depth++;
                case END_OBJECT, END_ARRAY -> depth--;
                case VALUE_STRING -> tool += "arguments".equals(json.currentName()) ? json.getString() : "";
                default -> { }
            }
        }
    }

    void readUsage() {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            return;
        }
        var counts = new Integer[3];
        members(name -> {
            switch (name) {
                case "prompt_tokens", "input_tokens" -> counts[0] = count();
                case "completion_tokens", "output_tokens" -> counts[2] = count();
                case "prompt_tokens_details", "input_tokens_details" -> membersOfObject(
                        detail -> counts[1] = detail.equals("cached_tokens") ? count() : counts[1]);
                default -> { }
            }
        });
        usage = new Usage(counts[0], counts[1], counts[2]);
    }

    void readError() {
        if (json.currentToken() == JsonToken.VALUE_NULL) {
            return;
        }
        failed(json.currentToken() == JsonToken.VALUE_STRING ? json.getString() : "no message");
        errorType = "error";
        membersOfObject(name -> {
            if (name.equals("message") && text() != null) {
                errorMessage = text();
            } else if (name.equals("type") && text() != null || name.equals("code") && text() != null) {
                errorType = text();
            }
        });
    }

    /** Notes that the server failed, unless an error has said so already. */
    void failed(String why) {
        errorMessage = errorMessage != null ? errorMessage : why;
    }
}

/** Events of the chat and the completions API, which differ in what a choice holds. */
final class ChoicesParser extends EventParser {

    ChoicesParser(JsonParser json) {
        super(json);
    }

    @Override
    void readMember(String name) {
        switch (name) {
            case "choices" -> membersOfFirst(this::readChoice); // a second answer to the same question has its own clock
            case "x_groq" -> membersOfObject(member -> {
                if (member.equals("usage")) {
                    readUsage();
                }
            });
            default -> { }
        }
    }

    private void readChoice(String name) {
        switch (name) {
            case "text" -> readContent();
            case "finish_reason" -> finishReason = text();
            case "delta" -> membersOfObject(this::readDelta);
            default -> { }
        }
    }

    private void readDelta(String name) {
        switch (name) {
            case "role" -> opensAnswer = text() != null;
            case "content", "refusal" -> readContent();
            case "reasoning_content", "reasoning" -> {
                if (reasoning == null) {
                    reasoning = text();
                    reasoningOffset = offset();
                }
            }
            case "tool_calls", "function_call" -> readToolCalls();
            default -> { }
        }
    }

    @Override
    void interpret() { }
}

/** Events of the Responses API. */
final class ResponsesParser extends EventParser {

    private String delta;
    private int deltaOffset;

    ResponsesParser(JsonParser json) {
        super(json);
    }

    @Override
    void readMember(String name) {
        switch (name) {
            case "delta" -> {
                delta = text();
                deltaOffset = offset();
            }
            case "response" -> membersOfObject(this::readResponse);
            default -> { }
        }
    }

    private void readResponse(String name) {
        switch (name) {
            case "status" -> finishReason = finishReason != null ? finishReason : text();
            case "usage" -> readUsage();
            case "error" -> readError();
            case "model" -> model = text();
            case "incomplete_details" -> membersOfObject(
                    detail -> finishReason = detail.equals("reason") ? text() : finishReason);
            default -> { }
        }
    }

    @Override
    boolean isLast() {
        return "response.completed".equals(type) || "response.incomplete".equals(type);
    }

    @Override
    void interpret() {
        if (type == null || isLast()) {
            return;
        }
        finishReason = null; // it was the status of a response in progress
        switch (type) {
            case "response.output_text.delta", "response.refusal.delta" -> {
                content = delta;
                contentOffset = deltaOffset;
            }
            case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" -> {
                reasoning = delta;
                reasoningOffset = deltaOffset;
            }
            case "response.function_call_arguments.delta" -> tool = delta == null ? "" : delta;
            case "response.created" -> opensAnswer = true;
            case "response.failed" -> failed("the response failed");
            default -> { }
        }
    }
}
