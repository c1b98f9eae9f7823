//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../prompt/Prompt.java
//SOURCES Dialect.java
//SOURCES EventParser.java
//SOURCES ResponsesParser.java

package stream.api;

import stream.prompt.Prompt;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.node.ObjectNode;

/** {@code /responses}, whose events name their type; token counts come without being asked for. */
final class ResponsesDialect implements Dialect {
    @Override
    public String word() {
        return "responses";
    }

    @Override
    public String path() {
        return "responses";
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        putMessages(body, "input", prompt.messages());
        body.put("max_output_tokens", answerLimit);
    }

    @Override
    public boolean acceptsSeedAndUsage() {
        return false;
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new ResponsesParser(json);
    }
}
