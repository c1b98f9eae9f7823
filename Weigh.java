///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Put the requests of runs into groups and weigh these against each other, as JSON
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/Console.java
//SOURCES src/stream/Comparison.java

// Weigh: puts the requests of recorded runs into groups, by model or by anything else, and weighs the groups against each
// other: figures of each group, differences between them, and what stands in the way of comparing them. Prints JSON.
//
// To run just:
//   jbang Weigh.java                          the newest run under results/
//   jbang Weigh.java results/A results/B      the same models in two runs
//
// Read it from the outside in: command line, grouping, a group and its figures, the comparison, and what charts are drawn
// from. Compare.java says the same to people, Report.java draws it.
//
// A figure of a group is made of completed requests alone. It can't tell why two groups differ; it names what it knows to
// be unlike in them.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine;

/** The command that prints a comparison as JSON. */
@Command(name = "weigh", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        version = Version.NUMBER,
        description = "Puts the requests of runs into groups and weighs these against each other, as JSON.")
public class Weigh implements Callable<Integer> {

    @Mixin
    ComparisonOptions weighing = new ComparisonOptions();

    private final PrintStream out;
    private final PrintStream err;

    Weigh(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 it is weighed, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Weigh(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("weigh: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        try {
            out.println(weighing.weigh(err).json().toPrettyString());
            return 0;
        } catch (IOException | IllegalArgumentException e) {
            err.println("weigh: " + e.getMessage());
            return 2;
        }
    }
}
