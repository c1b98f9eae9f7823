//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES ../terminal/UserError.java
//SOURCES ../api/Sampling.java
//SOURCES ../client/Limits.java
//SOURCES RequestSettings.java
//SOURCES Retries.java

package stream.plan;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import picocli.CommandLine.Option;
import stream.api.Sampling;
import stream.client.Limits;
import stream.terminal.UserError;

/** The options that say how prompts are asked, the same in every command that asks any. */
public final class RequestOptions {

    @Option(names = "--system", paramLabel = "TEXT|@FILE",
            description = "System message where the prompt has none; @@TEXT begins with one @.")
    String system;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "200",
            description = "Limit of the answer where neither prompt nor model sets one (default: ${DEFAULT-VALUE}).")
    int maxTokens;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
            description = "0 to 2, where neither prompt nor model sets one (default: ${DEFAULT-VALUE}).")
    double temperature;

    @Option(names = "--seed-param", paramLabel = "N", description = "Seed to send to the model (default: none).")
    Long seedParam;

    @Option(names = "--timeout", paramLabel = "S", defaultValue = "300",
            description = "Seconds for a whole request (default: ${DEFAULT-VALUE}).")
    double timeoutSeconds;

    @Option(names = "--stall-timeout", paramLabel = "S", defaultValue = "60",
            description = "Longest silence between two events, in seconds (default: ${DEFAULT-VALUE}).")
    double stallTimeoutSeconds;

    @Option(names = "--retries", paramLabel = "N", description = "How often a request is sent again after 429, 408, 409, 5xx or a"
            + " connection failure before the answer begins (default: " + Retries.USUAL
            + "). If it is given, also after an answer of status"
            + " 200 without an event, which may have been generated.")
    Integer retries;

    @Option(names = "--max-event-mb", paramLabel = "N", defaultValue = "16",
            description = "Largest event in megabytes; a larger one is a failure (default: ${DEFAULT-VALUE}).")
    int maxEventMegabytes;

    @Option(names = "--max-answer-mb", paramLabel = "N", defaultValue = "64",
            description = "Memory that one answer may take; one that takes more is a failure (default: ${DEFAULT-VALUE}).")
    int maxAnswerMegabytes;

    @Option(names = "--unique-prefix", description = "Begin each prompt with a short unique line, so that no prompt cache"
            + " can match.")
    boolean uniquePrefix;

    /**
     * Returns the settings.
     *
     * @throws UserError if a value is not in its range, or the file of the system message cannot be read
     */
    public RequestSettings settings() {
        return new RequestSettings(systemText(), new Sampling(maxTokens, temperature, seedParam), uniquePrefix, timeoutSeconds,
                stallTimeoutSeconds, retries == null ? Retries.DEFAULT : new Retries(retries, true),
                new Limits((long) maxEventMegabytes << 20, (long) maxAnswerMegabytes << 20));
    }

    /** Returns the system message of the run; null for none. */
    String systemText() {
        if (system == null || !system.startsWith("@")) {
            return system;
        }
        if (system.startsWith("@@")) {
            return system.substring(1);
        }
        try {
            return Files.readString(Path.of(system.substring(1))).strip();
        } catch (IOException e) {
            throw new UserError("--system " + system + ": the file cannot be read as UTF-8 text; name another");
        }
    }
}
