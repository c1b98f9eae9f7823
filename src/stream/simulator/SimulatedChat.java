//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES AnswerPart.java
//SOURCES Fault.java
//SOURCES SimulatedAnswer.java
//SOURCES SimulatedChoices.java
//SOURCES SimulatedRequest.java
//SOURCES SimulatedTypes.java

package stream.simulator;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import tools.jackson.databind.node.ObjectNode;

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
                + CALL_ID + "\",\"type\":\"function\",\"function\":{\"name\":"
                + SimulatedAnswer.quoted(answer.request().tool().name())
                + ",\"arguments\":\"\"}}]", "null")));
    }

    @Override
    public String delta(SimulatedAnswer answer, AnswerPart part, String text, boolean withFinish) {
        if (part == AnswerPart.TEXT && answer.request().fault() == Fault.PARTS) {
            return chunk(answer, delta(0, "\"content\":[{\"type\":\"text\",\"text\":" + SimulatedAnswer.quoted(text) + "}]",
                    "null"));
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
