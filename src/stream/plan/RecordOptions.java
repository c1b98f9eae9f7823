//JAVA 25+
//DEPS info.picocli:picocli:4.7.7

package stream.plan;

import java.nio.file.Path;

import picocli.CommandLine.Option;

/** The options that say where runs are written and how their answers are shown, the same in every command that asks any. */
public final class RecordOptions {

    @Option(names = {"-o", "--results"}, paramLabel = "DIR", defaultValue = "results",
            description = "Where runs are written, as DIR/RUN_ID/ (default: ${DEFAULT-VALUE}).")
    public Path results;

    @Option(names = "--csv-safe", description = "Put a quote before texts that a spreadsheet would take for formulas.")
    public boolean csvSafe;

    @Option(names = "--typing-delay", paramLabel = "MS", defaultValue = "0",
            description = "Paces the echo, never the measurement (default: ${DEFAULT-VALUE}).")
    public int typingDelayMillis;
}
