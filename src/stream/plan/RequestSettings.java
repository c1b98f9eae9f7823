//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../api/Sampling.java
//SOURCES ../client/Limits.java
//SOURCES Retries.java

package stream.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.api.Sampling;
import stream.client.Limits;
import stream.terminal.OptionChecks;

/**
 * What a request asks for, and when it is given up or sent again.
 *
 * @param system              system message for prompts without one; null for none
 * @param uniquePrefix        whether each prompt begins with a line of its own
 * @param timeoutSeconds      for a whole request, 0.001 to 1,000,000
 * @param stallTimeoutSeconds longest silence between two events, 0.001 to 1,000,000
 * @param retries             when a request is sent again
 * @param limits              what one answer may take of the memory
 */
public record RequestSettings(String system, Sampling sampling, boolean uniquePrefix, double timeoutSeconds,
        double stallTimeoutSeconds,
        Retries retries, Limits limits) {

    /** @throws UserError if a value is not in its range */
    public RequestSettings {
        new OptionChecks()
                .atLeast("--max-tokens", sampling.maxTokens(), 1)
                .within("--temperature", sampling.temperature(), 0, 2)
                .within("--timeout", timeoutSeconds, 0.001, 1e6)
                .within("--stall-timeout", stallTimeoutSeconds, 0.001, 1e6)
                .atLeast("--retries", retries.most(), 0)
                .atLeast("--max-event-mb", limits.eventBytes() >> 20, 1)
                .atLeast("--max-answer-mb", limits.answerBytes() >> 20, 1)
                .throwIfAny();
    }

    RequestSettings forQuestion(String systemOfIt, Sampling samplingOfIt) {
        return new RequestSettings(systemOfIt, samplingOfIt, uniquePrefix, timeoutSeconds, stallTimeoutSeconds, retries, limits);
    }

    /** Returns the words of a command line that set the same. */
    List<String> arguments() {
        var words = new ArrayList<String>();
        if (system != null) {
            words.add("--system=" + (system.startsWith("@") ? "@" : "") + system);
        }
        words.addAll(List.of("--max-tokens", String.valueOf(sampling.maxTokens()), "--temperature",
                String.valueOf(sampling.temperature())));
        if (sampling.seed() != null) {
            words.addAll(List.of("--seed-param", String.valueOf(sampling.seed())));
        }
        words.addAll(List.of("--timeout", String.valueOf(timeoutSeconds), "--stall-timeout", String.valueOf(stallTimeoutSeconds)));
        if (!retries.equals(Retries.DEFAULT)) {
            words.addAll(List.of("--retries", String.valueOf(retries.most())));
        }
        words.addAll(List.of("--max-event-mb", String.valueOf(limits.eventBytes() >> 20),
                "--max-answer-mb", String.valueOf(limits.answerBytes() >> 20)));
        if (uniquePrefix) {
            words.add("--unique-prefix");
        }
        return words;
    }

    /** Returns the settings by the names that they have in run.json. */
    Map<String, Object> options() {
        var options = new LinkedHashMap<String, Object>();
        options.put("system", system);
        options.put("max_tokens", sampling.maxTokens());
        options.put("temperature", sampling.temperature());
        options.put("seed_param", sampling.seed());
        options.put("timeout_s", timeoutSeconds);
        options.put("stall_timeout_s", stallTimeoutSeconds);
        options.put("retries", retries.most());
        options.put("retries_of_empty_streams", retries.ofEmptyStreams());
        options.put("max_event_mb", limits.eventBytes() >> 20);
        options.put("max_answer_mb", limits.answerBytes() >> 20);
        options.put("unique_prefix", uniquePrefix);
        return options;
    }
}
