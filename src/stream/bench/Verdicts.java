//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES VerdictTable.java

package stream.bench;

import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import stream.terminal.Console;
import stream.terminal.OptionChecks;

/** Prints how often a verdict of Compare is wrong, and how often a difference is found, in simulated runs. */
@Command(name = "bench verdicts",
        description = "Simulates how often a verdict of Compare.java is false, and how often a difference is"
        + " found.")
public final class Verdicts implements Callable<Integer> {

    @Option(names = "--data-sets", paramLabel = "N", defaultValue = "2000",
            description = "Simulated data sets for each row (default: ${DEFAULT-VALUE}).")
    private int dataSets;

    private final Console console;

    public Verdicts(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        new OptionChecks().atLeast("--data-sets", dataSets, 1).throwIfAny();
        console.out().print(new VerdictTable(dataSets).text());
        return 0;
    }
}
