//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES SimulatedAnswer.java

// SimulatedDialects: how each API writes an answer of a simulated model, streamed and as a whole. The official client libraries
// read it strictly: tests/clients.sh runs them.

package stream;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What the chat and the legacy completions endpoint have in common. */
abstract class SimulatedChoices implements SimulatedDialect {

    abstract String object();

    /** Returns the choice of this index; {@code finishReason} is quoted, or null. */
    abstract String choice(int index, AnswerPart part, String text, String finishReason);

    @Override
    public String limitKey() {
        return "max_tokens";
    }

    /** Returns a chunk with the same choice once for each answer that the request wants. */
    String chunk(SimulatedAnswer answer, AnswerPart part, String text, String finishReason) {
        var reason = finishReason == null ? "null" : SimulatedAnswer.quoted(finishReason);
        return chunk(answer, IntStream.range(0, answer.request().choices())
                .mapToObj(index -> choice(index, part, text, reason)).collect(Collectors.joining(",")));
    }

    String chunk(SimulatedAnswer answer, String choices) {
        var usage = answer.request().eachUsage() ? usage(answer, answer.sentTokens()).toString()
                : answer.request().streamOptions() ? "null" : null;
        return SimulatedAnswer.event(head(answer) + ",\"choices\":[" + choices + "]" + answer.padding()
                + (usage == null ? "" : ",\"usage\":" + usage) + answer.sim() + "}");
    }

    private String head(SimulatedAnswer answer) {
        return "{\"id\":\"sim-" + answer.number() + "\",\"object\":\"" + object() + "\",\"created\":1700000000,\"model\":"
                + SimulatedAnswer.quoted(answer.request().model()) + ",\"system_fingerprint\":\"fp_sim\"";
    }

    @Override
    public List<String> opening(SimulatedAnswer answer) {
        return List.of();
    }

    @Override
    public List<String> begin(SimulatedAnswer answer, AnswerPart part) {
        return List.of();
    }

    @Override
    public String delta(SimulatedAnswer answer, AnswerPart part, String text, boolean withFinish) {
        return chunk(answer, part, text, withFinish ? answer.finishReason() : null);
    }

    @Override
    public List<String> end(SimulatedAnswer answer, AnswerPart part) {
        return List.of();
    }

    @Override
    public List<String> closing(SimulatedAnswer answer) {
        var events = new ArrayList<String>();
        var fault = answer.request().fault();
        var usage = usage(answer, answer.outputTokens()).toString();
        if (fault == Fault.USAGE_EARLY) {
            events.add(SimulatedAnswer.event("{\"choices\":[],\"x_groq\":{\"id\":\"r\",\"usage\":" + usage + "}}"));
        }
        if (fault == Fault.AZURE) {
            events.add(chunk(answer, "{\"index\":0,\"finish_reason\":null,\"content_filter_offsets\":{}}"));
        }
        if (fault != Fault.FINISH_WITH_TEXT) {
            events.add(chunk(answer, AnswerPart.TEXT, null, answer.finishReason()));
        }
        if (answer.request().streamOptions() && fault != Fault.USAGE_EARLY) {
            events.add(SimulatedAnswer.event(head(answer) + ",\"choices\":[],\"usage\":" + usage + "}"));
        }
        if (fault != Fault.NO_DONE) {
            events.add("data: [DONE]\n\n");
        }
        return events;
    }

    @Override
    public String error(String message) {
        return "event: error\n" + SimulatedAnswer.event("{\"message\":" + SimulatedAnswer.quoted(message) + "}");
    }

    @Override
    public String failedChoice(String message) {
        var error = message == null ? "" : ",\"error\":{\"code\":502,\"message\":" + SimulatedAnswer.quoted(message) + "}";
        return SimulatedAnswer.event("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"" + error + "}]}")
                + "data: [DONE]\n\n";
    }

    private static ObjectNode usage(SimulatedAnswer answer, int outputTokens) {
        var usage = JsonNodeFactory.instance.objectNode().put("prompt_tokens", answer.promptTokens())
                .put("completion_tokens", outputTokens).put("total_tokens", answer.promptTokens() + outputTokens);
        usage.putObject("prompt_tokens_details").put("cached_tokens", 0);
        usage.putObject("completion_tokens_details").put("reasoning_tokens", Math.min(outputTokens, answer.reasoningTokens()));
        return usage;
    }

    /** Adds what the API calls an answer to a choice of the whole response. */
    abstract void putAnswer(ObjectNode choice, SimulatedAnswer answer);

    @Override
    public ObjectNode whole(SimulatedAnswer answer) {
        var whole = JsonNodeFactory.instance.objectNode().put("id", "sim-" + answer.number())
                .put("object", object().replace(".chunk", "")).put("created", 1700000000).put("model", answer.request().model());
        var choices = whole.putArray("choices");
        for (int index = 0; index < answer.request().choices(); index++) {
            var choice = choices.addObject().put("index", index).put("finish_reason", answer.finishReason()).putNull("logprobs");
            putAnswer(choice, answer);
        }
        return whole.<ObjectNode>set("usage", usage(answer, answer.outputTokens()));
    }
}

/** {@code /v1/chat/completions}. */
final class SimulatedChat extends SimulatedChoices {

    private static final String CALL_ID = "call_sim";

    @Override
    public SimulatedTypes types() {
        return SimulatedTypes.ofOpenAi("messages", SimulatedTypes.Type.OBJECTS, "max_tokens", "max_completion_tokens");
    }

    @Override
    public String promptKey() {
        return "messages";
    }

    @Override
    String object() {
        return "chat.completion.chunk";
    }

    @Override
    public List<String> opening(SimulatedAnswer answer) {
        var content = answer.request().fault() == Fault.ROLE_NULL ? "null" : "\"\"";
        return List.of(chunk(answer, IntStream.range(0, answer.request().choices()).mapToObj(index ->
                delta(index, "\"role\":\"assistant\",\"content\":" + content + ",\"refusal\":null", "null"))
                .collect(Collectors.joining(","))));
    }

    @Override
    public List<String> begin(SimulatedAnswer answer, AnswerPart part) {
        return part != AnswerPart.TOOL_CALL ? List.of() : List.of(chunk(answer, delta(0, "\"tool_calls\":[{\"index\":0,\"id\":\""
                + CALL_ID + "\",\"type\":\"function\",\"function\":{\"name\":" + SimulatedAnswer.quoted(answer.request().tool().name())
                + ",\"arguments\":\"\"}}]", "null")));
    }

    @Override
    public String delta(SimulatedAnswer answer, AnswerPart part, String text, boolean withFinish) {
        if (part == AnswerPart.TEXT && answer.request().fault() == Fault.PARTS) {
            return chunk(answer, delta(0, "\"content\":[{\"type\":\"text\",\"text\":" + SimulatedAnswer.quoted(text) + "}]", "null"));
        }
        return super.delta(answer, part, text, withFinish);
    }

    @Override
    String choice(int index, AnswerPart part, String text, String finishReason) {
        var quoted = text == null ? null : SimulatedAnswer.quoted(text);
        return delta(index, quoted == null ? "" : switch (part) {
            case REASONING -> "\"reasoning_content\":" + quoted;
            case TEXT -> "\"content\":" + quoted;
            case TOOL_CALL -> "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":" + quoted + "}}]";
        }, finishReason);
    }

    private static String delta(int index, String members, String finishReason) {
        return "{\"index\":" + index + ",\"delta\":{" + members + "},\"logprobs\":null,\"finish_reason\":" + finishReason + "}";
    }

    @Override
    void putAnswer(ObjectNode choice, SimulatedAnswer answer) {
        var message = choice.putObject("message").put("role", "assistant").putNull("content").putNull("refusal");
        for (var part : answer.parts()) {
            switch (part) {
                case REASONING -> message.put("reasoning_content", answer.text(part));
                case TEXT -> message.put("content", answer.text(part));
                case TOOL_CALL -> message.putArray("tool_calls").addObject().put("id", CALL_ID).put("type", "function")
                        .putObject("function").put("name", answer.request().tool().name()).put("arguments", answer.text(part));
            }
        }
        message.putArray("annotations");
    }
}

/** {@code /v1/completions}, which knows neither reasoning nor tools. */
final class SimulatedCompletions extends SimulatedChoices {
    @Override
    public SimulatedTypes types() {
        return SimulatedTypes.ofOpenAi("prompt", SimulatedTypes.Type.TEXT, "max_tokens");
    }

    @Override
    public String promptKey() {
        return "prompt";
    }

    @Override
    String object() {
        return "text_completion";
    }

    @Override
    String choice(int index, AnswerPart part, String text, String finishReason) {
        return "{\"text\":" + (text == null || part != AnswerPart.TEXT ? "\"\"" : SimulatedAnswer.quoted(text)) + ",\"index\":" + index
                + ",\"logprobs\":null,\"finish_reason\":" + finishReason + "}";
    }

    @Override
    void putAnswer(ObjectNode choice, SimulatedAnswer answer) {
        choice.put("text", answer.parts().contains(AnswerPart.TEXT) ? answer.text(AnswerPart.TEXT) : "");
    }
}

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
        return typed("content_block_delta", index() + ",\"delta\":{\"type\":" + delta + SimulatedAnswer.quoted(text) + "}" + answer.sim());
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
        return JsonNodeFactory.instance.objectNode().put("input_tokens", answer.promptTokens()).put("cache_creation_input_tokens", 0)
                .put("cache_read_input_tokens", 0).put("output_tokens", outputTokens);
    }

    /** Returns a part as a block of the content; of a tool call the input is empty while it is streamed. */
    private static ObjectNode block(SimulatedAnswer answer, AnswerPart part, String text) {
        var block = JsonNodeFactory.instance.objectNode();
        return switch (part) {
            case REASONING -> block.put("type", "thinking").put("thinking", text).put("signature", "");
            case TEXT -> block.put("type", "text").put("text", text);
            case TOOL_CALL -> block.put("type", "tool_use").put("id", "toolu_sim").put("name", answer.request().tool().name())
                    .<ObjectNode>set("input", text.isEmpty() ? JsonNodeFactory.instance.objectNode() : answer.request().tool().json());
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
