//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/Warning.java
//SOURCES UsageRequest.java

package stream.api;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import stream.terminal.Warning;
import tools.jackson.databind.node.ObjectNode;

/**
 * The parameters of a request that a server may refuse. Azure deployments and gateways give OpenAI's models names that do not tell
 * which parameters they take, so the refusal does.
 *
 * @param usage   which token counts are asked for
 * @param changed parameters that were refused, with the name under which the server wants the value; an empty name leaves it out
 */
public record RequestForm(UsageRequest usage, Map<String, String> changed) {

    private static final String LEFT_OUT = "";

    /** What follows for each parameter that this tool sets by itself if a server does not know it. */
    private static final List<Map.Entry<String, String>> ALTERNATIVES = List.of(Map.entry("max_tokens", "max_completion_tokens"),
            Map.entry("max_completion_tokens", "max_tokens"), Map.entry("temperature", LEFT_OUT), Map.entry("seed", LEFT_OUT));

    /** A value that is too large is refused in other words. */
    private static final Pattern NOT_SUPPORTED =
            Pattern.compile("(?i)unsupported|n[o']t support|unrecogni|unknown|unexpected|not permitted"
            + "|not allowed|not accepted|deprecated|extra (inputs|fields)");

    /**
     * Returns the form after a refusal; this one if the refusal names no parameter that can be changed.
     *
     * @param refusal the server's message
     * @param body    the JSON that was refused
     * @param own     parameters that the user has set for the model or the prompt, which stay as they are
     */
    public RequestForm without(String refusal, String body, Set<String> own) {
        if (usage == UsageRequest.WITH_EACH_EVENT && refusal.contains("continuous_usage_stats")) {
            return new RequestForm(UsageRequest.AT_THE_END, changed);
        }
        if (usage != UsageRequest.NONE && refusal.contains("stream_options")) {
            return new RequestForm(UsageRequest.NONE, changed);
        }
        if (!NOT_SUPPORTED.matcher(refusal).find()) {
            return this;
        }
        for (var each : ALTERNATIVES) {
            var isSent = body.contains("\"" + each.getKey() + "\":"); // inside a text of JSON the quotes are escaped
            var mayChange = !own.contains(each.getKey()) && !changed.containsKey(each.getKey())
                    && !changed.containsValue(each.getKey());
            if (isSent && mayChange && names(refusal, each.getKey())) {
                var more = new HashMap<>(changed);
                more.put(each.getKey(), each.getValue());
                return new RequestForm(usage, Map.copyOf(more));
            }
        }
        return this;
    }

    private static boolean names(String refusal, String parameter) {
        return Pattern.compile("(?<!\\w)" + parameter + "(?!\\w)").matcher(refusal).find();
    }

    /** Returns what neither form has refused. */
    RequestForm and(RequestForm other) {
        var all = new HashMap<>(changed);
        all.putAll(other.changed);
        return new RequestForm(usage.compareTo(other.usage) < 0 ? usage : other.usage, Map.copyOf(all));
    }

    /** Changes the body of a request. */
    public void applyTo(ObjectNode body) {
        changed.forEach((parameter, other) -> {
            var value = body.remove(parameter);
            if (value != null && !other.equals(LEFT_OUT)) {
                body.set(other, value);
            }
        });
    }

    /** Returns what the user is told of the differences to an earlier form, a line each. */
    public List<String> changesSince(RequestForm before, String label, String server) {
        var lines = new ArrayList<String>();
        if (usage == UsageRequest.NONE && before.usage != UsageRequest.NONE) {
            lines.add(Warning.NO_USAGE.about(server));
        }
        changed.forEach((parameter, other) -> {
            if (!before.changed.containsKey(parameter)) {
                lines.add(other.equals(LEFT_OUT) ? Warning.PARAMETER_LEFT_OUT.about(label, parameter)
                        : Warning.PARAMETER_RENAMED.about(label, parameter, other));
            }
        });
        return lines;
    }
}
