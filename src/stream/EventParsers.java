//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Events.java

// EventParsers: what the JSON of an event means, one parser per form of it; what a server reports of a failure.

package stream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.BooleanNode;

/**
 * Reads the JSON of one event in one pass, without a tree, and keeps what has a meaning for this tool. What is not of the
 * expected form is skipped.
 */
abstract sealed class EventParser permits ChoicesParser, ResponsesParser, AnthropicParser {

    /** The text of an event is not in its data as it reads. */
    private static final int NOWHERE = -1;

    private final JsonParser json;
    private final EventPattern pattern = new EventPattern();
    private boolean isError;
    private String failure;
    private Usage usage;

    String type;
    String finishReason;
    String content;
    int contentOffset = NOWHERE;
    String reasoning;
    int reasoningOffset = NOWHERE;
    String tool;
    String apart;
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

    /** Reads a member of the event: here those that most APIs have. */
    void readMember(String name) {
        switch (name) {
            case "usage" -> readUsage();
            case "error" -> readError();
            case "type" -> type = text();
            case "object" -> isError |= "error".equals(text());
            case "model" -> model = text();
            case "system_fingerprint" -> fingerprint = text();
            default -> { }
        }
    }

    /** Interprets what was read. */
    void interpret() { }

    /** Whether the API ends a stream with this event. */
    boolean isLast() {
        return false;
    }

    /** Parses the event, whose opening brace is the current token. */
    void parse() {
        members(this::readMember);
        interpret();
    }

    /** Whether the event tells that the server failed. */
    boolean reportsError() {
        return isError || "error".equals(type);
    }

    /** Notes that the server failed; {@code why} in case that it does not say. */
    void failed(String why) {
        isError = true;
        failure = why;
    }

    /** Returns why the server failed, if it does not say itself; null if that is not known. */
    String failure() {
        return failure;
    }

    StreamEvent event() {
        var choices = choices();
        var about = finishReason == null && usage == null && model == null && fingerprint == null && !choices.hasOthers() ? null
                : new StreamEvent.About(finishReason, usage, null, model, fingerprint, choices);
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
        return new StreamEvent(kindWithoutText(), apart, about, isLast());
    }

    private EventKind kindWithoutText() {
        return opensAnswer ? EventKind.ROLE
                : usage != null && choices() != StreamEvent.Choices.OTHERS ? hasChoice() ? EventKind.EMPTY_CHOICE_WITH_USAGE : EventKind.USAGE
                : isLast() ? EventKind.DONE : hasChoice() ? EventKind.EMPTY_CHOICE : EventKind.OTHER;
    }

    /** Returns which choices the event has; none where the API has no choices. */
    StreamEvent.Choices choices() {
        return StreamEvent.Choices.NONE;
    }

    /** Whether the event has the choice that is measured. */
    private boolean hasChoice() {
        return choices() == StreamEvent.Choices.FIRST || choices() == StreamEvent.Choices.ALL;
    }

    /** Returns how the next event may look; null if the text of this one is not in the data as it reads. */
    EventPattern pattern(String data, StreamEvent event) {
        var offset = event.kind() == EventKind.CONTENT ? contentOffset
                : event.kind() == EventKind.REASONING ? reasoningOffset : NOWHERE;
        var start = offset + 1;
        if (offset < 0 || !data.startsWith(event.text(), start) || !data.startsWith("\"", start + event.text().length())) {
            return null;
        }
        pattern.put(EventPattern.Variable.TEXT, start, start + event.text().length());
        return pattern.of(data, event);
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

    /** Calls the action at the beginning of each object of an array; what it leaves is skipped. */
    void objectsOfArray(Runnable action) {
        if (json.currentToken() != JsonToken.START_ARRAY) {
            return;
        }
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (json.currentToken() == JsonToken.START_OBJECT) {
                action.run();
            }
            json.skipChildren();
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
    private int offset() {
        return (int) json.currentTokenLocation().getCharOffset();
    }

    /** Returns the current number; null if it is not a whole number, negative, or too large for an int. */
    Integer count() {
        var isCount = json.currentToken() == JsonToken.VALUE_NUMBER_INT
                && json.getNumberType() == JsonParser.NumberType.INT && json.getIntValue() >= 0;
        return isCount ? Integer.valueOf(json.getIntValue()) : null;
    }

    /** Keeps the first text that is not empty: a string, or an array of parts. */
    void readContent() {
        if (json.currentToken() == JsonToken.START_ARRAY) {
            objectsOfArray(() -> members(this::readPart));
        } else if (content == null) {
            content = text();
            contentOffset = offset();
        }
    }

    /** Reads a member of a part of a content: its text, or the model's thinking, which has parts of its own. */
    private void readPart(String name) {
        switch (name) {
            case "text" -> addContent(text());
            case "thinking" -> readReasoningParts();
            default -> { }
        }
    }

    private void addContent(String text) {
        contentOffset = content == null && text != null ? offset() : NOWHERE;
        content = joined(content, text);
    }

    /** Keeps the first reasoning that is not empty. */
    void readReasoning() {
        if (reasoning == null) {
            reasoning = text();
            reasoningOffset = offset();
        }
    }

    /** Reads reasoning as a string, or as parts with a text or a summary, unless the event has had it in another form. */
    void readReasoningParts() {
        if (json.currentToken() == JsonToken.START_ARRAY && reasoning == null) {
            objectsOfArray(() -> members(name -> {
                if (name.equals("text") || name.equals("summary")) {
                    reasoning = joined(reasoning, text());
                }
            }));
        } else {
            readReasoning();
        }
    }

    private static String joined(String before, String after) {
        return before == null ? after : after == null ? before : before + after;
    }

    /** Keeps the arguments of all calls in the current value, which is what streams. */
    void readToolCalls() {
        for (int depth = json.currentToken().isStructStart() ? 1 : 0; depth > 0; ) {
            switch (json.nextToken()) {
                case START_OBJECT, START_ARRAY -> depth++;
                case END_OBJECT, END_ARRAY -> depth--;
                case VALUE_STRING -> tool = joined(tool, "arguments".equals(json.currentName()) ? json.getString() : "");
                default -> { }
            }
        }
    }

    void readUsage() {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            return;
        }
        pattern.removeCounts();
        var counts = new Integer[4];
        members(name -> {
            switch (name) {
                case "prompt_tokens", "input_tokens" -> counts[0] = count();
                case "completion_tokens", "output_tokens" ->
                        counts[2] = countThatVaries(EventPattern.Variable.OUTPUT_TOKENS, counts[2]);
                case "total_tokens" -> countThatVaries(EventPattern.Variable.TOTAL_TOKENS, null);
                case "prompt_tokens_details", "input_tokens_details" -> membersOfObject(
                        detail -> counts[1] = detail.equals("cached_tokens") ? count() : counts[1]);
                case "completion_tokens_details", "output_tokens_details" -> membersOfObject(
                        detail -> counts[3] = detail.equals("reasoning_tokens")
                                ? countThatVaries(EventPattern.Variable.REASONING_TOKENS, counts[3]) : counts[3]);
                default -> { }
            }
        });
        setUsage(new Usage(counts[0], counts[1], counts[2], counts[3]));
    }

    /** Returns the current number, like {@link #count}, and notes its place. */
    private Integer countThatVaries(EventPattern.Variable variable, Integer before) {
        var count = count();
        if (count != null) {
            pattern.put(variable, offset(), offset() + String.valueOf(count).length());
        } else if (before != null) {
            pattern.setUnusable();
        }
        return count;
    }

    void setUsage(Usage counted) {
        usage = counted;
    }

    void readError() {
        isError |= isErrorGiven();
    }

    /** Whether the value reports an error; null, false and an empty text do not. */
    boolean isErrorGiven() {
        var token = json.currentToken();
        return token != JsonToken.VALUE_NULL && token != JsonToken.VALUE_FALSE
                && !(token == JsonToken.VALUE_STRING && text() == null);
    }
}

/** Events of the chat and the completions API, which differ in what a choice holds. */
final class ChoicesParser extends EventParser {

    /** Finish reasons with which a server tells that it failed: of OpenRouter, of Zhipu, of vLLM. */
    private static final Set<String> FAILURES = Set.of("error", "network_error", "abort");

    private boolean measured; // whether the choice that is measured has been read
    private boolean hasOthers;
    private int index;
    private boolean choiceFailed;

    ChoicesParser(JsonParser json) {
        super(json);
    }

    @Override
    void readMember(String name) {
        switch (name) {
            case "choices" -> objectsOfArray(this::readChoice);
            case "x_groq" -> membersOfObject(member -> {
                if (member.equals("usage")) {
                    readUsage();
                }
            });
            default -> super.readMember(name);
        }
    }

    @Override
    StreamEvent.Choices choices() {
        return measured ? hasOthers ? StreamEvent.Choices.ALL : StreamEvent.Choices.FIRST
                : hasOthers ? StreamEvent.Choices.OTHERS : StreamEvent.Choices.NONE;
    }

    /** Reads a choice. The one of index 0 is measured; the text of another, which has a clock of its own, is kept apart. */
    private void readChoice() {
        if (measured) {
            hasOthers = true;
            return;
        }
        index = 0;
        choiceFailed = false;
        members(this::readMemberOfChoice);
        measured = index == 0;
        if (!measured) {
            hasOthers = true;
            apart = content != null ? content : reasoning != null ? reasoning : tool;
            content = reasoning = tool = finishReason = null;
            opensAnswer = false;
        } else if (choiceFailed || finishReason != null && FAILURES.contains(finishReason)) {
            failed("the server ended the answer with finish_reason " + finishReason);
        }
    }

    private void readMemberOfChoice(String name) {
        switch (name) {
            case "index" -> index = Objects.requireNonNullElse(count(), 0);
            case "text" -> readContent();
            case "finish_reason" -> finishReason = text();
            case "delta" -> membersOfObject(this::readDelta);
            case "error" -> choiceFailed |= isErrorGiven();
            default -> { }
        }
    }

    private void readDelta(String name) {
        switch (name) {
            case "role" -> opensAnswer = text() != null;
            case "content", "refusal" -> readContent();
            case "reasoning_content", "reasoning", "thinking" -> readReasoning();
            case "reasoning_details" -> readReasoningParts();
            case "tool_calls", "function_call" -> readToolCalls();
            default -> { }
        }
    }
}

/** Events of the Responses API. */
final class ResponsesParser extends EventParser {

    private String delta;

    ResponsesParser(JsonParser json) {
        super(json);
    }

    @Override
    void readMember(String name) {
        switch (name) {
            case "delta" -> readDelta();
            case "response" -> membersOfObject(this::readResponse);
            default -> super.readMember(name);
        }
    }

    /** The type may follow the delta, so it is read as content and sorted in the end. */
    private void readDelta() {
        readContent();
        delta = content;
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
        if (isLast()) {
            return;
        }
        finishReason = null; // it was the status of a response in progress
        content = null;
        switch (String.valueOf(type)) {
            case "response.output_text.delta", "response.refusal.delta" -> content = delta;
            case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" -> {
                reasoning = delta;
                reasoningOffset = contentOffset;
            }
            case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta" ->
                    tool = delta == null ? "" : delta;
            case "response.created" -> opensAnswer = true;
            case "response.failed" -> failed("the response failed");
            default -> { }
        }
    }
}

/** Events of Anthropic's Messages API. */
final class AnthropicParser extends EventParser {

    private String deltaType;
    private boolean startsToolCall;
    private String arguments;

    AnthropicParser(JsonParser json) {
        super(json);
    }

    @Override
    void readMember(String name) {
        switch (name) {
            case "message" -> membersOfObject(this::readMessage);
            case "content_block" -> membersOfObject(this::readBlock);
            case "delta" -> membersOfObject(this::readDelta);
            default -> super.readMember(name);
        }
    }

    /** Reads what message_start tells; its type is that of the message, not of the event. */
    private void readMessage(String name) {
        switch (name) {
            case "model" -> model = text();
            case "usage" -> readUsage();
            default -> { }
        }
    }

    private void readBlock(String name) {
        switch (name) {
            case "type" -> startsToolCall = text() != null && text().endsWith("tool_use");
            case "text" -> readContent();
            case "thinking" -> readReasoning();
            default -> { }
        }
    }

    private void readDelta(String name) {
        switch (name) {
            case "type" -> deltaType = text();
            case "text" -> readContent();
            case "thinking" -> readReasoning();
            case "partial_json" -> arguments = text();
            case "stop_reason" -> finishReason = text();
            default -> { }
        }
    }

    /** The tokens that the cache had are not among the input tokens. */
    @Override
    void readUsage() {
        var input = new Integer[1];
        var cached = new Integer[1];
        var written = new Integer[1];
        var output = new Integer[1];
        membersOfObject(name -> {
            switch (name) {
                case "input_tokens" -> input[0] = count();
                case "cache_read_input_tokens" -> cached[0] = count();
                case "cache_creation_input_tokens" -> written[0] = count();
                case "output_tokens" -> output[0] = count();
                default -> { }
            }
        });
        var beside = cached[0] == null && written[0] == null ? null
                : Integer.valueOf(Objects.requireNonNullElse(cached[0], 0) + Objects.requireNonNullElse(written[0], 0));
        setUsage(new Usage(input[0], beside, cached[0], output[0], null));
    }

    @Override
    boolean isLast() {
        return "message_stop".equals(type);
    }

    @Override
    void interpret() {
        opensAnswer = "message_start".equals(type);
        if (startsToolCall || "input_json_delta".equals(deltaType)) {
            tool = arguments == null ? "" : arguments;
        }
    }
}

/** The JSON of an event, with the places at which the next event may differ from it and still mean the same otherwise. */
final class EventPattern {

    private static final int MOST_PLACES = 4;
    private static final int MOST_DIGITS = 9;

    /** What stands at a place that may differ. */
    enum Variable { TEXT, OUTPUT_TOKENS, REASONING_TOKENS, TOTAL_TOKENS }

    private final Variable[] variables = new Variable[MOST_PLACES];
    private final int[] starts = new int[MOST_PLACES];
    private final int[] ends = new int[MOST_PLACES];
    private int places;
    private boolean unusable;
    private String data;
    private StreamEvent event;

    /** Notes a place; {@code end} is that of the first character after it. */
    void put(Variable variable, int start, int end) {
        if (places == MOST_PLACES || Arrays.asList(variables).subList(0, places).contains(variable)) {
            unusable = true; // a name that an object has twice
            return;
        }
        var at = places++;
        for (; at > 0 && starts[at - 1] > start; at--) {
            variables[at] = variables[at - 1];
            starts[at] = starts[at - 1];
            ends[at] = ends[at - 1];
        }
        variables[at] = variable;
        starts[at] = start;
        ends[at] = end;
    }

    /** Forgets the counts, of which only the last that an event has are used. */
    void removeCounts() {
        places = 0;
    }

    /** Returns this pattern of an event and its data, in which the places are; null if there can be none. */
    EventPattern of(String eventData, StreamEvent meaning) {
        data = eventData;
        event = meaning;
        return unusable ? null : this;
    }

    /** Notes that something stands there twice. */
    void setUnusable() {
        unusable = true;
    }

    /** Returns what the next event means; null if it differs at another place, or is not written as it reads. */
    StreamEvent match(String next) {
        var text = (String) null;
        var output = StreamEvent.NO_COUNT;
        var reasoning = StreamEvent.NO_COUNT;
        var at = 0;
        var from = 0;
        for (int i = 0; i < places; i++) {
            var same = starts[i] - from;
            if (!next.regionMatches(at, data, from, same)) {
                return null;
            }
            at += same;
            var end = variables[i] == Variable.TEXT ? endOfText(next, at) : endOfCount(next, at);
            if (end <= at) {
                return null;
            }
            switch (variables[i]) {
                case TEXT -> text = next.substring(at, end);
                case OUTPUT_TOKENS -> output = Integer.parseInt(next, at, end, 10);
                case REASONING_TOKENS -> reasoning = Integer.parseInt(next, at, end, 10);
                case TOTAL_TOKENS -> { }
            }
            at = end;
            from = ends[i];
        }
        var rest = data.length() - from;
        return next.length() - at == rest && next.regionMatches(at, data, from, rest)
                ? new StreamEvent(event.kind(), text, about(output, reasoning), event.last()) : null;
    }

    private StreamEvent.About about(int output, int reasoning) {
        return event.about() == null || output == StreamEvent.NO_COUNT && reasoning == StreamEvent.NO_COUNT ? event.about()
                : event.about().withCounts(output, reasoning);
    }

    /** Returns where a string ends; -1 if it has escapes. */
    private static int endOfText(String next, int start) {
        for (int i = start; i < next.length(); i++) {
            var letter = next.charAt(i);
            if (letter == '"') {
                return i;
            }
            if (letter == '\\' || letter < ' ') {
                return -1;
            }
        }
        return -1;
    }

    /** Returns where the digits end; -1 if they are not a whole number that fits. */
    private static int endOfCount(String next, int start) {
        var end = start;
        while (end < next.length() && next.charAt(end) >= '0' && next.charAt(end) <= '9') {
            end++;
        }
        return end - start > MOST_DIGITS || end - start > 1 && next.charAt(start) == '0' ? -1 : end;
    }
}

/**
 * What a server reports of a failure, in the body of a response or in an event, in whichever form.
 *
 * @param type    the server's word for it; null if it has none
 * @param message null if it has none
 */
record ErrorReport(String type, String message) {

    private static final int DEEPEST = 8;
    private static final List<String> MESSAGE_KEYS =
            List.of("message", "error", "errors", "msg", "detail", "details", "error_description", "description", "title", "reason");

    /** Reads a text that may be JSON, or contain it. */
    static ErrorReport of(String text) {
        try {
            var root = JsonMapper.shared().readTree(text);
            if (root.isContainer()) {
                var error = located(root);
                return new ErrorReport(type(error), message(error, 0));
            }
            return new ErrorReport(null, root.isString() ? message(root, 0) : root.isNull() || root.isMissingNode() ? null : text);
        } catch (JacksonException e) {
            return new ErrorReport(null, text);
        }
    }

    /** Returns the part that describes the failure, at the places where servers put it; else all of it. */
    private static JsonNode located(JsonNode root) {
        for (var part : List.of(root.path("error"), root.path("choices").path(0).path("error"),
                root.path("response").path("error"))) {
            if (isGiven(part)) {
                return part.isObject() && isGiven(part.path("error")) ? part.get("error") : part;
            }
        }
        return root.isArray() && !root.isEmpty() ? located(root.get(0)) : root;
    }

    private static boolean isGiven(JsonNode part) {
        return !part.isMissingNode() && !part.isNull() && !part.asString("?").isEmpty() && !part.equals(BooleanNode.FALSE);
    }

    private static String type(JsonNode error) {
        for (var key : List.of("code", "type")) {
            var word = error.path(key);
            if (word.isString() && !word.stringValue().isBlank() && !word.stringValue().equals("error")) {
                return word.stringValue();
            }
        }
        return error.path("code").isNumber() ? error.get("code").asString() : null;
    }

    private static String message(JsonNode node, int depth) {
        if (depth > DEEPEST) {
            return null;
        }
        if (node.isString()) {
            return message(node.stringValue(), depth);
        }
        if (node.path("msg").isString() && node.path("loc").isArray()) { // FastAPI says so which parameter it refuses
            return node.get("loc").valueStream().map(part -> part.asString("")).collect(Collectors.joining(".")) + ": "
                    + node.get("msg").stringValue();
        }
        var parts = new ArrayList<JsonNode>();
        if (node.isArray()) {
            node.forEach(parts::add);
        } else if (node.isObject()) {
            MESSAGE_KEYS.forEach(key -> parts.add(node.path(key)));
        }
        return parts.stream().map(part -> message(part, depth + 1)).filter(Objects::nonNull).findFirst().orElse(null);
    }

    /** Some gateways put the JSON of the server before them into their own message. */
    private static String message(String text, int depth) {
        if (text.startsWith("{") || text.startsWith("[")) {
            try {
                var inner = message(JsonMapper.shared().readTree(text), depth + 1);
                return inner != null ? inner : text;
            } catch (JacksonException e) {
                return text;
            }
        }
        return text.isBlank() ? null : text;
    }

    /** Returns the same with this message if there is no other. */
    ErrorReport orElse(String otherMessage) {
        return message != null ? this : new ErrorReport(type, otherMessage);
    }

    StreamEvent event() {
        return StreamEvent.error(type != null ? type : "error", message != null ? message : "no message");
    }
}
