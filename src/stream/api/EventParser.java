//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES AnthropicParser.java
//SOURCES ChoicesParser.java
//SOURCES EventKind.java
//SOURCES EventPattern.java
//SOURCES ResponsesParser.java
//SOURCES StreamEvent.java
//SOURCES Usage.java

package stream.api;

import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

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
                : usage != null && choices() != StreamEvent.Choices.OTHERS ? hasChoice()
                ? EventKind.EMPTY_CHOICE_WITH_USAGE : EventKind.USAGE
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
