//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../prompt/Prompt.java
//SOURCES ChoicesParser.java
//SOURCES Dialect.java
//SOURCES EventParser.java

package stream.api;

import stream.prompt.Prompt;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.node.ObjectNode;

/** {@code /chat/completions}, the API that most servers have. */
final class ChatDialect implements Dialect {
    @Override
    public String word() {
        return "chat";
    }

    @Override
    public String path() {
        return "chat/completions";
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        putMessages(body, "messages", prompt.messages());
        body.put(Dialect.isReasoningModel(model) ? "max_completion_tokens" : "max_tokens", answerLimit);
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new ChoicesParser(json);
    }
}
