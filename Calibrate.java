///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Measures what this tool itself adds to the times that it measures, on this machine
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/Console.java
//SOURCES src/stream/Metrics.java
//SOURCES src/stream/Calibration.java

// Calibrate: how exact is this tool, here and now? It streams from the built-in simulator, whose tokens say when they
// were sent, and holds its own times against them.
//
// To run just:
//   jbang Calibrate.java                  1, 64, 256 and 1000 streams at once
//   jbang Calibrate.java -c 16 --itl 10   16 streams, a token each 10 ms
//   jbang Calibrate.java results/RUN_ID   the error of a run of Stream.java with a model such as
//                                         sim-ttft200-itl20-n64-clock, whose server had a process of its own
//
// Server and client share this JVM and this machine, so each figure is an upper bound of what the client adds. It does
// not measure the network. Stream.java warms itself up, and calibrates each batch, with the same load. The plan of a
// batch, the slots it is sent through and the waits between attempts are here too, since both send through them.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine;

/** The command that prints the tool's own error. */
@Command(name = "calibrate", mixinStandardHelpOptions = true, sortOptions = false, version = Version.NUMBER,
        description = "Measures what this tool itself adds to the times that it measures, on this machine.")
public class Calibrate implements Callable<Integer> {

    @Parameters(paramLabel = "RUN", arity = "0..*", description = "Runs of a -clock model to take instead of streaming.")
    List<Path> runs = List.of();

    @Option(names = {"-c", "--concurrency"}, split = ",", paramLabel = "N", defaultValue = "1,64,256,1000",
            description = "Streams at once (default: ${DEFAULT-VALUE}).")
    List<Integer> concurrency;

    @Option(names = "--itl", paramLabel = "MS", defaultValue = "20",
            description = "Milliseconds between two tokens of a stream (default: ${DEFAULT-VALUE}).")
    double itlMillis;

    private final PrintStream out;
    private final PrintStream err;

    Calibrate(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 done, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Calibrate(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("calibrate: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        for (var streams : concurrency) {
            if (streams < 1 || !(itlMillis >= 0 && itlMillis <= 60_000)) {
                err.println("calibrate: --concurrency " + streams + " --itl " + itlMillis
                        + "; they take whole numbers from 1, and 0 to 60000 ms");
                return 2;
            }
        }
        if (runs.isEmpty()) {
            LoopbackLoad.warmUp();
        }
        out.printf("%8s %8s %14s %14s %14s %14s%n", "streams", "events", "TTFT p50 ms", "TTFT p99 ms", "ITL p50 ms",
                "ITL p99 ms");
        for (var run : runs) {
            try {
                print(LoopbackLoad.overhead(LoopbackLoad.times(run.resolve("events.csv"))));
            } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
                err.println("calibrate: " + run + ": not a whole run of a -clock model (" + e.getMessage() + ")");
                return 2;
            }
        }
        for (var streams : runs.isEmpty() ? concurrency : List.<Integer>of()) {
            print(LoopbackLoad.calibrate(streams, itlMillis));
        }
        return 0;
    }

    private void print(Overhead overhead) {
        out.printf("%8d %8d %14s %14s %14s %14s%n", overhead.streams(), overhead.events(),
                AnswerMetrics.millis(overhead.ttftP50Micros()), AnswerMetrics.millis(overhead.ttftP99Micros()),
                AnswerMetrics.millis(overhead.itlP50Micros()), AnswerMetrics.millis(overhead.itlP99Micros()));
    }
}
