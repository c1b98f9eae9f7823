//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES StreamEvent.java

package stream.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.BooleanNode;

/**
 * What a server reports of a failure, in the body of a response or in an event, in whichever form.
 *
 * @param type    the server's word for it; null if it has none
 * @param message null if it has none
 */
public record ErrorReport(String type, String message) {

    private static final int DEEPEST = 8;
    private static final List<String> MESSAGE_KEYS =
            List.of("message", "error", "errors", "msg", "detail", "details", "error_description",
            "description", "title", "reason");

    /** Reads a text that may be JSON, or contain it. */
    public static ErrorReport of(String text) {
        try {
            var root = JsonMapper.shared().readTree(text);
            if (root.isContainer()) {
                var error = located(root);
                return new ErrorReport(type(error), message(error, 0));
            }
            return new ErrorReport(null, root.isString() ? message(root, 0) : root.isNull() || root.isMissingNode() ? null : text);
        } catch (JacksonException e) {
            return new ErrorReport(null, text);
        }
    }

    /** Returns the part that describes the failure, at the places where servers put it; else all of it. */
    private static JsonNode located(JsonNode root) {
        for (var part : List.of(root.path("error"), root.path("choices").path(0).path("error"),
                root.path("response").path("error"))) {
            if (isGiven(part)) {
                return part.isObject() && isGiven(part.path("error")) ? part.get("error") : part;
            }
        }
        return root.isArray() && !root.isEmpty() ? located(root.get(0)) : root;
    }

    private static boolean isGiven(JsonNode part) {
        return !part.isMissingNode() && !part.isNull() && !part.asString("?").isEmpty() && !part.equals(BooleanNode.FALSE);
    }

    private static String type(JsonNode error) {
        for (var key : List.of("code", "type")) {
            var word = error.path(key);
            if (word.isString() && !word.stringValue().isBlank() && !word.stringValue().equals("error")) {
                return word.stringValue();
            }
        }
        return error.path("code").isNumber() ? error.get("code").asString() : null;
    }

    private static String message(JsonNode node, int depth) {
        if (depth > DEEPEST) {
            return null;
        }
        if (node.isString()) {
            return message(node.stringValue(), depth);
        }
        if (node.path("msg").isString() && node.path("loc").isArray()) { // FastAPI says so which parameter it refuses
            return node.get("loc").valueStream().map(part -> part.asString("")).collect(Collectors.joining(".")) + ": "
                    + node.get("msg").stringValue();
        }
        var parts = new ArrayList<JsonNode>();
        if (node.isArray()) {
            node.forEach(parts::add);
        } else if (node.isObject()) {
            MESSAGE_KEYS.forEach(key -> parts.add(node.path(key)));
        }
        return parts.stream().map(part -> message(part, depth + 1)).filter(Objects::nonNull).findFirst().orElse(null);
    }

    /** Some gateways put the JSON of the server before them into their own message. */
    private static String message(String text, int depth) {
        if (text.startsWith("{") || text.startsWith("[")) {
            try {
                var inner = message(JsonMapper.shared().readTree(text), depth + 1);
                return inner != null ? inner : text;
            } catch (JacksonException e) {
                return text;
            }
        }
        return text.isBlank() ? null : text;
    }

    /** Returns the same with this message if there is no other. */
    ErrorReport orElse(String otherMessage) {
        return message != null ? this : new ErrorReport(type, otherMessage);
    }

    StreamEvent event() {
        return StreamEvent.error(type != null ? type : "error", message != null ? message : "no message");
    }
}
