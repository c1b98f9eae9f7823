//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES ../terminal/OptionChecks.java
//SOURCES LoadSettings.java
//SOURCES Plan.java

package stream.plan;

import java.util.concurrent.ThreadLocalRandom;

import picocli.CommandLine.Option;
import stream.terminal.OptionChecks;

/** The options that say how many requests are sent, in which order and how many of them at a time. */
public final class LoadOptions {

    @Option(names = {"-n", "--repeat"}, paramLabel = "N", defaultValue = "1",
            description = "Measured repetitions of each prompt and model (default: ${DEFAULT-VALUE}).")
    int repeat;

    @Option(names = "--warmup", paramLabel = "N", defaultValue = "0",
            description = "Unmeasured requests per model first (default: ${DEFAULT-VALUE}).")
    int warmup;

    @Option(names = {"-c", "--concurrency"}, paramLabel = "N", defaultValue = "1",
            description = "Requests in flight (default: ${DEFAULT-VALUE}).")
    public int concurrency;

    @Option(names = "--order", paramLabel = "interleaved|by-model", defaultValue = "interleaved",
            description = "interleaved shuffles the models inside each prompt and repetition (default: ${DEFAULT-VALUE}).")
    String order;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the order of the models and of the simulator"
            + " (default: random, and recorded).")
    public Long seed;

    @Option(names = "--no-self-warmup", description = "Do not warm the JVM up before a batch by streaming simulated events"
            + " to this process.")
    boolean noSelfWarmup;

    @Option(names = "--calibrate", description = "Measure the error of the client first; batches of 20 and more always do.")
    boolean calibrate;

    /**
     * Returns the settings; without a seed one is drawn.
     *
     * @throws UserError if a value is not in its range
     */
    public LoadSettings settings() {
        new OptionChecks().oneOf("--order", order, "interleaved", "by-model").throwIfAny();
        return new LoadSettings(new Plan.Order(repeat, warmup, order.equals("interleaved"), seed != null ? seed
                : ThreadLocalRandom.current().nextLong(1_000_000_000)), concurrency,
                noSelfWarmup ? LoadSettings.SelfWarmup.NEVER : LoadSettings.SelfWarmup.BATCHES, calibrate);
    }
}
