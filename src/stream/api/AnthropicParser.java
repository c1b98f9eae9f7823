//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES EventParser.java
//SOURCES Usage.java

package stream.api;

import java.util.Objects;

import tools.jackson.core.JsonParser;

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
