//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES AnswerPart.java
//SOURCES Fault.java
//SOURCES SimulatedAnswer.java
//SOURCES SimulatedDialect.java
//SOURCES SimulatedRequest.java
//SOURCES SimulatedTypes.java

package stream.simulator;

import java.util.ArrayList;
import java.util.List;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/messages} of Anthropic. */
final class SimulatedAnthropic implements SimulatedDialect {

    private int block;

    @Override
    public SimulatedTypes types() {
        return SimulatedTypes.ofAnthropic();
    }

    @Override
    public String promptKey() {
        return "messages";
    }

    @Override
    public String limitKey() {
        return "max_tokens";
    }

    @Override
    public List<String> opening(SimulatedAnswer answer) {
        var message = message(answer);
        message.putArray("content");
        message.putNull("stop_reason").set("usage", usage(answer, 1));
        return List.of(typed("message_start", ",\"message\":" + message), typed("ping", ""));
    }

    @Override
    public List<String> begin(SimulatedAnswer answer, AnswerPart part) {
        return List.of(typed("content_block_start", index() + ",\"content_block\":" + block(answer, part, "")));
    }

    @Override
    public String delta(SimulatedAnswer answer, AnswerPart part, String text, boolean withFinish) {
        var delta = switch (part) {
            case REASONING -> "\"thinking_delta\",\"thinking\":";
            case TEXT -> "\"text_delta\",\"text\":";
            case TOOL_CALL -> "\"input_json_delta\",\"partial_json\":";
        };
        return typed("content_block_delta",
                index() + ",\"delta\":{\"type\":" + delta + SimulatedAnswer.quoted(text) + "}" + answer.sim());
    }

    @Override
    public List<String> end(SimulatedAnswer answer, AnswerPart part) {
        var events = new ArrayList<String>();
        if (part == AnswerPart.REASONING) {
            events.add(typed("content_block_delta", index() + ",\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2lt\"}"));
        }
        events.add(typed("content_block_stop", index()));
        block++;
        return events;
    }

    @Override
    public List<String> closing(SimulatedAnswer answer) {
        if (answer.request().fault() == Fault.NO_DONE) {
            return List.of();
        }
        return List.of(typed("message_delta", ",\"delta\":{\"stop_reason\":\"" + stopReason(answer)
                + "\",\"stop_sequence\":null},\"usage\":" + usage(answer, answer.outputTokens())), typed("message_stop", ""));
    }

    @Override
    public String error(String message) {
        return "event: error\n" + SimulatedAnswer.event(refusal("overloaded_error", null, message).toString());
    }

    @Override
    public ObjectNode refusal(String type, String code, String message) {
        var body = JsonNodeFactory.instance.objectNode().put("type", "error");
        body.putObject("error").put("type", type).put("message", message);
        return body;
    }

    private static String typed(String type, String members) {
        return "event: " + type + "\n" + SimulatedAnswer.event("{\"type\":\"" + type + "\"" + members + "}");
    }

    private String index() {
        return ",\"index\":" + block;
    }

    private static String stopReason(SimulatedAnswer answer) {
        return switch (answer.finishReason()) {
            case "length" -> "max_tokens";
            case "tool_calls" -> "tool_use";
            case "content_filter" -> "refusal";
            default -> "end_turn";
        };
    }

    private static ObjectNode message(SimulatedAnswer answer) {
        return JsonNodeFactory.instance.objectNode().put("id", "msg_sim_" + answer.number()).put("type", "message")
                .put("role", "assistant").put("model", answer.request().model()).putNull("stop_sequence");
    }

    private static ObjectNode usage(SimulatedAnswer answer, int outputTokens) {
        return JsonNodeFactory.instance.objectNode().put("input_tokens", answer.promptTokens())
                .put("cache_creation_input_tokens", 0)
                .put("cache_read_input_tokens", 0).put("output_tokens", outputTokens);
    }

    /** Returns a part as a block of the content; of a tool call the input is empty while it is streamed. */
    private static ObjectNode block(SimulatedAnswer answer, AnswerPart part, String text) {
        var block = JsonNodeFactory.instance.objectNode();
        return switch (part) {
            case REASONING -> block.put("type", "thinking").put("thinking", text).put("signature", "");
            case TEXT -> block.put("type", "text").put("text", text);
            case TOOL_CALL -> block.put("type", "tool_use").put("id", "toolu_sim").put("name", answer.request().tool().name())
                    .<ObjectNode>set("input", text.isEmpty() ? JsonNodeFactory.instance.objectNode()
                    : answer.request().tool().json());
        };
    }

    @Override
    public ObjectNode whole(SimulatedAnswer answer) {
        var message = message(answer).put("stop_reason", stopReason(answer));
        var content = message.putArray("content");
        answer.parts().forEach(part -> content.add(block(answer, part, answer.text(part))));
        return message.<ObjectNode>set("usage", usage(answer, answer.outputTokens()));
    }
}
