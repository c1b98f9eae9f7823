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

import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/responses}: each part is an item of the output, with events that open and close it. */
final class SimulatedResponses implements SimulatedDialect {

    private final ArrayNode output = JsonNodeFactory.instance.arrayNode();
    private int sequenceNumber;

    @Override
    public SimulatedTypes types() {
        return SimulatedTypes.ofOpenAi("input", SimulatedTypes.Type.TEXT, "max_output_tokens");
    }

    @Override
    public String promptKey() {
        return "input";
    }

    @Override
    public String limitKey() {
        return "max_output_tokens";
    }

    @Override
    public List<String> opening(SimulatedAnswer answer) {
        return List.of(typed("response.created", ",\"response\":" + response(answer, "in_progress")),
                typed("response.in_progress", ",\"response\":" + response(answer, "in_progress")));
    }

    @Override
    public List<String> begin(SimulatedAnswer answer, AnswerPart part) {
        var added = typed("response.output_item.added", index() + ",\"item\":" + item(answer, part, "in_progress", ""));
        return switch (part) {
            case REASONING -> List.of(added, typed("response.reasoning_summary_part.added", place(answer, part)
                    + ",\"part\":{\"type\":\"summary_text\",\"text\":\"\"}"));
            case TEXT -> List.of(added, typed("response.content_part.added", place(answer, part) + ",\"part\":" + textPart("")));
            case TOOL_CALL -> List.of(added);
        };
    }

    @Override
    public String delta(SimulatedAnswer answer, AnswerPart part, String text, boolean withFinish) {
        var type = switch (part) {
            case REASONING -> "response.reasoning_summary_text.delta";
            case TEXT -> "response.output_text.delta";
            case TOOL_CALL -> "response.function_call_arguments.delta";
        };
        return typed(type, place(answer, part) + ",\"delta\":" + SimulatedAnswer.quoted(text)
                + (part == AnswerPart.TEXT ? ",\"logprobs\":[]" : "") + answer.padding() + answer.sim());
    }

    @Override
    public List<String> end(SimulatedAnswer answer, AnswerPart part) {
        var text = answer.text(part);
        var quoted = SimulatedAnswer.quoted(text);
        var events = new ArrayList<String>();
        switch (part) {
            case REASONING -> {
                events.add(typed("response.reasoning_summary_text.done", place(answer, part) + ",\"text\":" + quoted));
                events.add(typed("response.reasoning_summary_part.done", place(answer, part)
                        + ",\"part\":{\"type\":\"summary_text\",\"text\":" + quoted + "}"));
            }
            case TEXT -> {
                events.add(typed("response.output_text.done", place(answer, part) + ",\"text\":" + quoted + ",\"logprobs\":[]"));
                events.add(typed("response.content_part.done", place(answer, part) + ",\"part\":" + textPart(text)));
            }
            case TOOL_CALL -> events.add(typed("response.function_call_arguments.done", place(answer, part) + ",\"name\":"
                    + SimulatedAnswer.quoted(answer.request().tool().name()) + ",\"arguments\":" + quoted));
        }
        var item = item(answer, part, isIncomplete(answer) ? "incomplete" : "completed", text);
        events.add(typed("response.output_item.done", index() + ",\"item\":" + item));
        output.add(item);
        return events;
    }

    @Override
    public List<String> closing(SimulatedAnswer answer) {
        if (answer.request().fault() == Fault.NO_DONE) {
            return List.of();
        }
        var status = isIncomplete(answer) ? "incomplete" : "completed";
        return List.of(typed("response." + status, ",\"response\":" + response(answer, status)));
    }

    private static boolean isIncomplete(SimulatedAnswer answer) {
        return answer.request().fault() == Fault.INCOMPLETE || List.of("length", "content_filter").contains(answer.finishReason());
    }

    @Override
    public String error(String message) {
        return typed("error", ",\"code\":\"server_error\",\"message\":" + SimulatedAnswer.quoted(message) + ",\"param\":null");
    }

    private String typed(String type, String members) {
        return "event: " + type + "\n" + SimulatedAnswer.event("{\"type\":\"" + type + "\",\"sequence_number\":" + sequenceNumber++
                + members + "}");
    }

    private String index() {
        return ",\"output_index\":" + output.size();
    }

    /** Returns the members that tell to which part of the output an event belongs. */
    private String place(SimulatedAnswer answer, AnswerPart part) {
        return ",\"item_id\":\"" + id(answer, part) + "\"" + index() + switch (part) {
            case REASONING -> ",\"summary_index\":0";
            case TEXT -> ",\"content_index\":0";
            case TOOL_CALL -> "";
        };
    }

    private static String id(SimulatedAnswer answer, AnswerPart part) {
        return (switch (part) {
            case REASONING -> "rs";
            case TEXT -> "msg";
            case TOOL_CALL -> "fc";
        }) + "_sim_" + answer.number();
    }

    private static ObjectNode textPart(String text) {
        var part = JsonNodeFactory.instance.objectNode().put("type", "output_text").put("text", text);
        part.putArray("annotations");
        part.putArray("logprobs");
        return part;
    }

    private static ObjectNode item(SimulatedAnswer answer, AnswerPart part, String status, String text) {
        var item = JsonNodeFactory.instance.objectNode().put("id", id(answer, part));
        switch (part) {
            case REASONING -> {
                var summary = item.put("type", "reasoning").putArray("summary");
                if (!text.isEmpty()) {
                    summary.addObject().put("type", "summary_text").put("text", text);
                }
            }
            case TEXT -> {
                var content = item.put("type", "message").put("status", status).put("role", "assistant").putArray("content");
                if (!text.isEmpty()) {
                    content.add(textPart(text));
                }
            }
            case TOOL_CALL -> item.put("type", "function_call").put("status", status).put("call_id", "call_sim")
                    .put("name", answer.request().tool().name()).put("arguments", text);
        }
        return item;
    }

    private ObjectNode response(SimulatedAnswer answer, String status) {
        var response = JsonNodeFactory.instance.objectNode().put("id", "resp_sim_" + answer.number()).put("object", "response")
                .put("created_at", 1700000000).put("status", status).putNull("error");
        if (status.equals("incomplete")) {
            response.putObject("incomplete_details")
                    .put("reason", answer.finishReason().equals("content_filter") ? "content_filter" : "max_output_tokens");
        } else {
            response.putNull("incomplete_details");
        }
        response.putNull("instructions").putNull("max_output_tokens").put("model", answer.request().model())
                .<ObjectNode>set("output", output.deepCopy()).put("parallel_tool_calls", true).putNull("previous_response_id")
                .put("store", false).put("temperature", 0.0).put("tool_choice", "auto").put("top_p", 1.0)
                .put("truncation", "disabled");
        response.putObject("reasoning").putNull("effort").putNull("summary");
        response.putObject("text").putObject("format").put("type", "text");
        response.putArray("tools");
        response.putObject("metadata");
        if (status.equals("in_progress")) {
            return response.putNull("usage");
        }
        var usage = response.putObject("usage").put("input_tokens", answer.promptTokens())
                .put("output_tokens", answer.outputTokens()).put("total_tokens", answer.promptTokens() + answer.outputTokens());
        usage.putObject("input_tokens_details").put("cached_tokens", 0).put("cache_write_tokens", 0);
        usage.putObject("output_tokens_details").put("reasoning_tokens", answer.reasoningTokens());
        return response;
    }

    @Override
    public ObjectNode whole(SimulatedAnswer answer) {
        var status = isIncomplete(answer) ? "incomplete" : "completed";
        answer.parts().forEach(part -> output.add(item(answer, part, status, answer.text(part))));
        return response(answer, status);
    }
}
