//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES AnswerPart.java
//SOURCES Fault.java
//SOURCES SimulatedAnswer.java
//SOURCES SimulatedDialect.java
//SOURCES SimulatedRequest.java

package stream.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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
        return SimulatedAnswer.event("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"" + error
                + "}]}")
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
