//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES RefusedRequest.java

package stream.simulator;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

import tools.jackson.databind.JsonNode;

/** The types of the parameters of a request. */
final class SimulatedTypes {

    /** A type of JSON as OpenAI, and as Anthropic (Pydantic), call it. */
    enum Type {
        STRING("a string", "string", JsonNode::isString),
        OBJECTS("an array of objects", "list", node -> node.isArray() && node.valueStream().allMatch(JsonNode::isObject)),
        ARRAY("an array", "list", JsonNode::isArray),
        TEXT("a string or an array", "string", node -> node.isString() || node.isArray()),
        INTEGER("an integer", "integer", JsonNode::isIntegralNumber),
        DECIMAL("a decimal", "number", JsonNode::isNumber),
        BOOLEAN("a boolean", "boolean", JsonNode::isBoolean),
        OBJECT("an object", "dictionary", JsonNode::isObject);

        private final String ofOpenAi;
        private final String ofAnthropic;
        private final Predicate<JsonNode> accepts;

        Type(String ofOpenAi, String ofAnthropic, Predicate<JsonNode> accepts) {
            this.ofOpenAi = ofOpenAi;
            this.ofAnthropic = ofAnthropic;
            this.accepts = accepts;
        }

        private static String of(JsonNode value) {
            return value.isNull() ? "null" : Arrays.stream(values())
                    .filter(type -> type != OBJECTS && type != TEXT && type.accepts.test(value))
                    .findFirst().map(type -> type.ofOpenAi).orElse("another type");
        }
    }

    private final boolean isAnthropic;
    private final Map<String, Type> required = new LinkedHashMap<>();
    private final Map<String, Type> optional = new LinkedHashMap<>(Map.of("stream", Type.BOOLEAN, "temperature",
            Type.DECIMAL, "top_p", Type.DECIMAL,
            "n", Type.INTEGER, "seed", Type.INTEGER, "stream_options", Type.OBJECT, "tools", Type.OBJECTS));

    private SimulatedTypes(boolean isAnthropic, String promptKey, Type promptType, String... limitKeys) {
        this.isAnthropic = isAnthropic;
        required.put("model", Type.STRING);
        required.put(promptKey, promptType);
        List.of(limitKeys).forEach(key -> optional.put(key, Type.INTEGER));
    }

    /** Returns the types of an API of OpenAI. */
    static SimulatedTypes ofOpenAi(String promptKey, Type promptType, String... limitKeys) {
        return new SimulatedTypes(false, promptKey, promptType, limitKeys);
    }

    /** Returns the types of Anthropic's Messages API. */
    static SimulatedTypes ofAnthropic() {
        return new SimulatedTypes(true, "messages", Type.OBJECTS, "max_tokens");
    }

    /**
     * Checks the body of a request.
     *
     * @throws RefusedRequest if a parameter is missing, or not of its type
     */
    void check(JsonNode body) {
        required.forEach((parameter, type) -> {
            if (!body.has(parameter)) {
                throw isAnthropic ? new RefusedRequest(null, parameter + ": Field required")
                        : new RefusedRequest("missing_required_parameter",
                        parameter.equals("model") ? "you must provide a model parameter"
                        : "Missing required parameter: '" + parameter + "'.");
            }
            check(parameter, type, body.get(parameter));
        });
        optional.forEach((parameter, type) -> {
            if (body.hasNonNull(parameter)) {
                check(parameter, type, body.get(parameter));
            }
        });
        for (var message : body.path("messages")) {
            if (!message.path("role").isString()) {
                throw wrong("messages[].role", Type.STRING, message.path("role"));
            }
            if (!Type.TEXT.accepts.test(message.path("content"))
                    && !(message.path("content").isNull() || message.has("tool_calls"))) {
                throw wrong("messages[].content", Type.TEXT, message.path("content"));
            }
        }
    }

    private void check(String parameter, Type type, JsonNode value) {
        if (!type.accepts.test(value)) {
            throw wrong(parameter, type, value);
        }
        if (type == Type.OBJECTS && value.isEmpty() && parameter.equals("messages")) {
            throw isAnthropic ? new RefusedRequest(null, "messages: at least one message is required")
                    : new RefusedRequest("empty_array",
                    "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an"
                            + " empty array instead.");
        }
    }

    private RefusedRequest wrong(String parameter, Type type, JsonNode value) {
        return isAnthropic ? new RefusedRequest(null, parameter + ": Input should be a valid " + type.ofAnthropic)
                : new RefusedRequest("invalid_type",
                "Invalid type for '" + parameter + "': expected " + type.ofOpenAi + ", but got "
                        + (value.isMissingNode() ? "nothing" : Type.of(value)) + " instead.");
    }
}
