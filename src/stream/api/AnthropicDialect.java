//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../prompt/Prompt.java
//SOURCES AnthropicParser.java
//SOURCES Dialect.java
//SOURCES EventParser.java

package stream.api;

import java.util.Map;
import java.util.stream.Collectors;

import stream.prompt.Prompt;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.node.ObjectNode;

/** {@code /messages} of Anthropic: the system message stands apart, events name their type, and token counts come unasked. */
public final class AnthropicDialect implements Dialect {
    @Override
    public String word() {
        return "anthropic";
    }

    @Override
    public String path() {
        return "messages";
    }

    @Override
    public String ownBaseUrl() {
        return "https://api.anthropic.com/v1";
    }

    @Override
    public String baseUrlVariable() {
        return "ANTHROPIC_BASE_URL";
    }

    @Override
    public String keyVariable() {
        return "ANTHROPIC_API_KEY";
    }

    @Override
    public Map.Entry<String, String> authentication(String key) {
        return Map.entry("x-api-key", key);
    }

    @Override
    public Map<String, String> headers() {
        return Map.of("anthropic-version", "2023-06-01");
    }

    @Override
    public void putPrompt(ObjectNode body, String model, Prompt prompt, int answerLimit) {
        if (prompt.hasSystem()) {
            body.put("system", prompt.messages().stream().filter(Prompt.Message::isSystem).map(Prompt.Message::content)
                    .collect(Collectors.joining("\n\n")));
        }
        putMessages(body, "messages", prompt.messages().stream().filter(message -> !message.isSystem()).toList());
        body.put("max_tokens", answerLimit);
    }

    @Override
    public boolean acceptsSeedAndUsage() {
        return false;
    }

    @Override
    public EventParser eventParser(JsonParser json) {
        return new AnthropicParser(json);
    }
}
