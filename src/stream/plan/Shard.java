//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java

package stream.plan;

import java.util.Arrays;
import java.util.Map;
import java.util.regex.Pattern;

import stream.terminal.OptionChecks;
import stream.terminal.UserError;

/**
 * Which part of a plan a process runs.
 *
 * @param index from 0
 * @param count how many parts there are, from 1
 */
public record Shard(int index, int count) {

    private static final Pattern SYNTAX = Pattern.compile("(?:(\\d{1,6})|auto)(?:/(\\d{1,6}))?");

    /** An engine that runs many processes, as far as it tells each which one it is. */
    private enum Engine {
        SLURM("SLURM_ARRAY_TASK_ID", 0),
        KUBERNETES("JOB_COMPLETION_INDEX", 0),
        GNU_PARALLEL("PARALLEL_SEQ", 1);

        private final String variable;
        private final int first;

        Engine(String variable, int first) {
            this.variable = variable;
            this.first = first;
        }
    }

    /**
     * Reads {@code I/N}, {@code auto/N} or {@code auto}.
     *
     * @throws UserError if it is not valid, or the environment does not tell what it must
     */
    public static Shard of(String text, Map<String, String> environment) {
        var parts = SYNTAX.matcher(text);
        if (!parts.matches() || parts.group(1) != null && parts.group(2) == null) {
            throw new UserError("--shard '" + text + "'; must be I/N with I from 0 to N - 1, auto, or auto/N");
        }
        var count = parts.group(2) == null ? null : Integer.valueOf(parts.group(2));
        return parts.group(1) != null ? checked(text, "I", Integer.parseInt(parts.group(1)), count)
                : ofEngine(text, count, environment);
    }

    /** {@code count} is null if the engine is to tell it. */
    private static Shard ofEngine(String text, Integer count, Map<String, String> environment) {
        var engines = Arrays.stream(Engine.values()).filter(engine -> environment.containsKey(engine.variable)).toList();
        if (engines.size() != 1) {
            throw new UserError("--shard " + text + ": " + (engines.isEmpty() ? "no engine says which shard this is ("
                    + String.join(", ", Arrays.stream(Engine.values()).map(engine -> engine.variable).toList()) + " are not set)"
                    : String.join(" and ", engines.stream().map(engine -> engine.variable).toList())
                    + " are set") + "; write --shard I/N");
        }
        var variable = engines.getFirst().variable;
        var number = number(text, variable, environment);
        if (count != null) {
            return checked(text, variable, number - engines.getFirst().first, count);
        }
        if (engines.getFirst() != Engine.SLURM) {
            throw new UserError("--shard auto: " + variable + " does not tell how many shards there are; write --shard auto/N");
        }
        return checked(text, variable, number - number(text, "SLURM_ARRAY_TASK_MIN", environment),
                number(text, "SLURM_ARRAY_TASK_COUNT", environment));
    }

    private static int number(String text, String variable, Map<String, String> environment) {
        var value = environment.getOrDefault(variable, "");
        new OptionChecks().require(value.matches("\\d{1,6}"), "--shard " + text + ": " + variable + " is '" + value
                + "'; must be a whole number").throwIfAny();
        return Integer.parseInt(value);
    }

    private static Shard checked(String text, String source, int index, int count) {
        new OptionChecks().require(count >= 1 && index >= 0 && index < count,
                "--shard " + text + ": " + source + " makes it shard " + index
                + " of " + count + "; the indices of an array must be consecutive, and I is from 0 to N - 1").throwIfAny();
        return new Shard(index, count);
    }

    public String word() {
        return index + "/" + count;
    }
}
