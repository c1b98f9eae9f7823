//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Fault.java
//SOURCES LatencyProfile.java
//SOURCES RefusedRequest.java
//SOURCES SimulatedDialect.java
//SOURCES SimulatedTypes.java

package stream.simulator;

import java.util.List;
import java.util.stream.Collectors;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a request asks for, checked.
 *
 * @param streamOptions whether it asks for token counts at the end of the stream
 * @param eachUsage     whether it asks for them with each event
 * @param choices       how many answers, from 1
 * @param tool          the tool that the answer calls; null for an answer in text
 */
record SimulatedRequest(String path, String model, LatencyProfile latency, Fault fault, String prompt, int maxTokens,
                        boolean stream, boolean streamOptions, boolean eachUsage, int choices, Tool tool) {

    private static final int MOST_CHOICES = 128; // as OpenAI has it

    /** A tool and the arguments with which it is called. */
    record Tool(String name, ObjectNode json) {

        /** Returns the arguments as text. */
        String arguments() {
            return json.toString();
        }

        /** Returns the first of these tools, in the form of any API, with a value for each of its parameters. */
        static Tool firstOf(JsonNode tools) {
            var first = tools.path(0).path("function").isObject() ? tools.get(0).get("function") : tools.path(0);
            var schema = first.has("input_schema") ? first.get("input_schema") : first.path("parameters");
            var arguments = JsonNodeFactory.instance.objectNode();
            schema.path("properties").properties().forEach(parameter -> {
                switch (parameter.getValue().path("type").asString("string")) {
                    case "number", "integer" -> arguments.put(parameter.getKey(), 1);
                    case "boolean" -> arguments.put(parameter.getKey(), true);
                    case "array" -> arguments.putArray(parameter.getKey());
                    case "object" -> arguments.putObject(parameter.getKey());
                    default -> arguments.put(parameter.getKey(), "Paris");
                }
            });
            return new Tool(first.path("name").asString("weather"),
                    schema.has("properties") ? arguments : arguments.put("city", "Paris"));
        }
    }

    /** Throws RefusedRequest with the message for the client. */
    static SimulatedRequest of(String path, SimulatedDialect dialect, JsonNode body, String faultHeader) {
        dialect.types().check(body);
        var model = body.get("model").stringValue();
        if (model.isEmpty()) {
            throw new RefusedRequest(null, "you must provide a model parameter");
        }
        var prompt = body.get(dialect.promptKey());
        var plus = model.lastIndexOf('+');
        var word = faultHeader != null ? faultHeader : plus < 0 ? "none" : model.substring(plus + 1);
        var fault = Fault.ofWord(word);
        if (fault == null) {
            throw new RefusedRequest(null, "there is no simulated fault '" + word + "'; there are " + Fault.words());
        }
        var limit = body.path(dialect.limitKey()).asInt(body.path("max_completion_tokens").asInt(16_384));
        var choices = body.path("n").asInt(1);
        if (limit < 1 || choices < 1 || choices > MOST_CHOICES) {
            throw new RefusedRequest(null, limit < 1 ? limit + " is less than the minimum of 1 - '" + dialect.limitKey() + "'"
                    : "n is " + choices + "; must be 1 to " + MOST_CHOICES);
        }
        var latency = LatencyProfile.ofModel(plus < 0 ? model : model.substring(0, plus));
        var last = prompt.isArray() && !prompt.isEmpty() ? prompt.get(prompt.size() - 1) : prompt;
        var options = body.path("stream_options");
        return new SimulatedRequest(path, model, latency, fault, text(last), limit,
                body.path("stream").asBoolean(false), options.isObject(), options.path("continuous_usage_stats").asBoolean(false),
                choices, callsTool(body, fault, last) ? Tool.firstOf(body.path("tools")) : null);
    }

    /** Returns the text of a message: of its parts if it has any. */
    private static String text(JsonNode message) {
        var content = message.isObject() ? message.path("content") : message;
        return content.isArray() && !content.isEmpty()
                ? content.valueStream().map(part -> part.path("text").asString("")).collect(Collectors.joining(" "))
                : content.asString(content.toString());
    }

    /** A tool is called if the fault or the request wants it, but not again once its result is there. */
    private static boolean callsTool(JsonNode body, Fault fault, JsonNode lastMessage) {
        var hasResult = lastMessage.path("role").asString("").equals("tool") || lastMessage.toString().contains("tool_result")
                || lastMessage.path("type").asString("").equals("function_call_output");
        var choice = body.path("tool_choice");
        var isWanted = !body.path("tools").isEmpty()
                && (choice.isObject() || List.of("required", "any").contains(choice.asString("")));
        return !hasResult && (fault == Fault.TOOLS || isWanted && !choice.path("type").asString("").equals("auto"));
    }

    SimulatedRequest with(Fault other) {
        return new SimulatedRequest(path, model, latency, other, prompt, maxTokens, stream, streamOptions, eachUsage, choices,
                tool);
    }

    /** Requests of the same key are the same request again. */
    String key() {
        return path + "\n" + model + "\n" + prompt;
    }
}
