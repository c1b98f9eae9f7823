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

/** {@code /completions}, the legacy API: a chat is sent as text. */
public final class CompletionsDialect implements Dialect {
    @Override
    public String word() {
        return "completions";
    }

    @Override
    public String path() {
        return "completions";
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        body.put("prompt", prompt.asText()).put("max_tokens", answerLimit);
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new ChoicesParser(json);
    }
}
