//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Events.java

// Dialects

package stream;

import java.util.regex.Pattern;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;

/** The endpoint that a model is called through. */
enum Api {
    CHAT("chat", "chat/completions"), COMPLETIONS("completions", "completions"), RESPONSES("responses", "responses");

    /** OpenAI's own completions-only names; an open model such as Llama-3-8B-Instruct takes chat. */
    private static final Pattern LEGACY_NAME = Pattern.compile(
            "(gpt-.*|davinci-|curie-)instruct.*|((text|code)-)?(davinci|curie|babbage|ada|cushman)(-.*)?");

    private final String word;
    private final String path;

    Api(String word, String path) {
        this.word = word;
        this.path = path;
    }

    String word() {
        return word;
    }

    String path() {
        return path;
    }

    static Api ofModelName(String name) {
        return LEGACY_NAME.matcher(name).matches() ? COMPLETIONS : CHAT;
    }

    /** Returns null if there is no such word. */
    static Api ofWord(String word) {
        for (var api : values()) {
            if (api.word.equals(word)) {
                return api;
            }
        }
        return null;
    }
}

/**
 * Decodes the events of one stream, of any of the three endpoints; each says by its form which it is. Never throws.
 *
 * <p>Most servers send the same JSON again and again with another text in it. An event that differs from the last one
 * in nothing but the inside of the string that is its text means the same with that text, and is not parsed anew.
 */
final class StreamDecoder {

    private static final StreamEvent DONE = new StreamEvent(EventKind.DONE, null, null, true);
    private static final StreamEvent NOTHING = new StreamEvent(EventKind.OTHER, null, null, false);
    /** Few buffers are in use at once; one for each thread would be one for each stream. */
    private static final JsonFactory JSON =
            JsonFactory.builder().recyclerPool(JsonRecyclerPools.newConcurrentDequePool()).build();

    private String lastData;
    private StreamEvent lastEvent; // null if the next event can't be like it
    private int textStart;
    private int textEnd;

    /**
     * Says what an event means.
     *
     * @param type the event's type, null if it has none
     * @param data the event's data, as server-sent
     */
    StreamEvent decode(String type, String data) {
        if (data.equals("[DONE]")) {
            return DONE;
        }
        var isError = "error".equals(type);
        if (!data.startsWith("{")) {
            return isError ? StreamEvent.error("error", data) : NOTHING;
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
        try (var parser = JSON.createParser(ObjectReadContext.empty(), data)) {
            parser.nextToken();
            var decoder = new EventParser(parser);
            decoder.readEvent();
            var event = decoder.event(isError);
            if (event.kind() == EventKind.CONTENT || event.kind() == EventKind.REASONING) {
                remember(data, event, decoder.textOffset(event.kind()));
            }
            return event;
        } catch (JacksonException e) {
            return StreamEvent.error("bad_event",
                    "an event that can't be read as JSON: " + data.substring(0, Math.min(80, data.length())));
        }
    }

    /** Remembers an event whose text stands in the data, behind a quote at the offset, as it reads. */
    private void remember(String data, StreamEvent event, int offset) {
        textStart = offset + 1;
        textEnd = textStart + event.text().length();
        if (data.startsWith(event.text(), textStart) && data.startsWith("\"", textEnd)) {
            lastData = data;
            lastEvent = event;
        }
    }
}

/** Walks through the JSON of one event once, without a tree, and keeps what has a meaning here. */
final class EventParser {

    private final JsonParser parser;
    private String type;
    private String objectType;
    private String delta;
    private int deltaOffset;
    private String content;
    private int contentOffset;
    private String reasoning;
    private int reasoningOffset;
    private String tool;
    private String finishReason;
    private String model;
    private String fingerprint;
    private String message;
    private String errorType;
    private String errorMessage;
    private Usage usage;
    private boolean role;

    /** The parser stands at the opening brace. */
    EventParser(JsonParser parser) {
        this.parser = parser;
    }

    private interface Field {
        void read(String name);
    }

    /** Calls back at the value of each member; what the callback does not read is passed over. */
    private void members(Field field) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            var name = parser.currentName();
            parser.nextToken();
            field.read(name);
            parser.skipChildren();
        }
    }

    private boolean atObject() {
        return parser.currentToken() == JsonToken.START_OBJECT;
    }

    /** Returns the text at hand, or null if it is none or empty. */
    private String text() {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            return null;
        }
        var text = parser.getString();
        return text.isEmpty() ? null : text;
    }

    /** Where the token at hand begins in the data; a text begins with its quote. */
    private int offset() {
        return (int) parser.currentTokenLocation().getCharOffset();
    }

    /** Returns the count at hand; null if it is none, negative or beyond an int. */
    private Integer count() {
        var isCount = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                && parser.getNumberType() == JsonParser.NumberType.INT && parser.getIntValue() >= 0;
        return isCount ? Integer.valueOf(parser.getIntValue()) : null;
    }

    void readEvent() {
        members(name -> {
            switch (name) {
                case "choices" -> readChoices();
                case "usage" -> readUsage();
                case "x_groq" -> readGroq();
                case "error" -> readError();
                case "type" -> type = text();
                case "object" -> objectType = text();
                case "delta" -> {
                    delta = text();
                    deltaOffset = offset();
                }
                case "response" -> readResponse();
                case "model" -> model = text();
                case "system_fingerprint" -> fingerprint = text();
                case "message" -> message = text();
                default -> { }
            }
        });
    }

    private void readChoices() {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            return;
        }
        for (var first = true; parser.nextToken() != JsonToken.END_ARRAY; ) {
            if (first && atObject()) {
                members(this::readChoice);
                first = false;
            } else {
                parser.skipChildren(); // a second answer to the same question has a clock of its own
            }
        }
    }

    private void readChoice(String name) {
        switch (name) {
            case "text" -> readContent();
            case "finish_reason" -> finishReason = text();
            case "delta" -> {
                if (atObject()) {
                    members(this::readDelta);
                }
            }
            default -> { }
        }
    }

    private void readDelta(String name) {
        switch (name) {
            case "role" -> role = text() != null;
            case "content", "refusal" -> readContent();
            case "reasoning_content", "reasoning" -> {
                if (reasoning == null) {
                    reasoning = text();
                    reasoningOffset = offset();
                }
            }
            case "tool_calls", "function_call" -> readToolCall();
            default -> { }
        }
    }

    /** Keeps the first text that is not empty. */
    private void readContent() {
        if (content == null) {
            content = text();
            contentOffset = offset();
        }
    }

    /** Keeps the arguments of all calls in the delta, which is what streams. */
    private void readToolCall() {
        if (!parser.currentToken().isStructStart()) {
            return;
        }
        tool = "";
        for (int depth = 1; depth > 0; ) {
            switch (parser.nextToken()) {
                case START_OBJECT, START_ARRAY -> depth++;
                case END_OBJECT, END_ARRAY -> depth--;
                case VALUE_STRING -> tool += "arguments".equals(parser.currentName()) ? parser.getString() : "";
                default -> { }
            }
        }
    }

    private void readGroq() {
        if (atObject()) {
            members(name -> {
                if (name.equals("usage")) {
                    readUsage();
                }
            });
        }
    }

    private void readUsage() {
        if (!atObject()) {
            return;
        }
        var counts = new Integer[3];
        members(name -> {
            switch (name) {
                case "prompt_tokens", "input_tokens" -> counts[0] = count();
                case "completion_tokens", "output_tokens" -> counts[2] = count();
                case "prompt_tokens_details", "input_tokens_details" -> {
                    if (atObject()) {
                        members(detail -> counts[1] = detail.equals("cached_tokens") ? count() : counts[1]);
                    }
                }
                default -> { }
            }
        });
        usage = new Usage(counts[0], counts[1], counts[2]);
    }

    private void readError() {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return;
        }
        errorMessage = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getString() : "no message";
        errorType = "error";
        if (atObject()) {
            members(name -> {
                if (name.equals("message") && text() != null) {
                    errorMessage = text();
                } else if (name.equals("type") && text() != null || name.equals("code") && text() != null) {
                    errorType = text();
                }
            });
        }
    }

    private void readResponse() {
        if (atObject()) {
            members(name -> {
                switch (name) {
                    case "status" -> finishReason = finishReason != null ? finishReason : text();
                    case "usage" -> readUsage();
                    case "error" -> readError();
                    case "model" -> model = text();
                    case "incomplete_details" -> {
                        if (atObject()) {
                            members(detail -> finishReason = detail.equals("reason") ? text() : finishReason);
                        }
                    }
                    default -> { }
                }
            });
        }
    }

    /** Says what was read; {@code isError} if the event's own type was error. */
    StreamEvent event(boolean isError) {
        if (type != null && type.startsWith("response.")) {
            readByType();
        }
        if (errorMessage != null || isError || "error".equals(type) || "error".equals(objectType)) {
            return StreamEvent.error(errorType != null ? errorType : "error",
                    errorMessage != null ? errorMessage : message != null ? message : "no message");
        }
        var last = "response.completed".equals(type) || "response.incomplete".equals(type);
        var about = finishReason == null && usage == null && model == null && fingerprint == null ? null
                : new StreamEvent.About(finishReason, usage, null, model, fingerprint);
        if (content != null) {
            return new StreamEvent(EventKind.CONTENT, content, about, last);
        }
        if (reasoning != null) {
            return new StreamEvent(EventKind.REASONING, reasoning, about, last);
        }
        if (tool != null) {
            return new StreamEvent(EventKind.TOOL, tool, about, last);
        }
        if (finishReason != null) {
            return new StreamEvent(EventKind.FINISH, finishReason, about, last);
        }
        return new StreamEvent(usage != null ? EventKind.USAGE : role ? EventKind.ROLE : EventKind.OTHER, null, about,
                last);
    }

    /** Where the text of an event of this kind, content or reasoning, begins in the data, with its quote. */
    int textOffset(EventKind kind) {
        return kind == EventKind.CONTENT ? contentOffset : reasoningOffset;
    }

    private void readByType() {
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
            case "response.created" -> role = true;
            case "response.completed", "response.incomplete" -> {
                return;
            }
            case "response.failed" -> errorMessage = errorMessage != null ? errorMessage : "the response failed";
            default -> { }
        }
        finishReason = null; // the status of a response in progress
    }
}
