//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES AnswerPart.java
//SOURCES SimulatedAnswer.java
//SOURCES SimulatedChoices.java
//SOURCES SimulatedTypes.java

package stream.simulator;

import tools.jackson.databind.node.ObjectNode;

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
        return "{\"text\":" + (text == null || part != AnswerPart.TEXT ? "\"\"" : SimulatedAnswer.quoted(text)) + ",\"index\":"
                + index
                + ",\"logprobs\":null,\"finish_reason\":" + finishReason + "}";
    }

    @Override
    void putAnswer(ObjectNode choice, SimulatedAnswer answer) {
        choice.put("text", answer.parts().contains(AnswerPart.TEXT) ? answer.text(AnswerPart.TEXT) : "");
    }
}
