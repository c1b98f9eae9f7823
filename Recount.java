///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Count the figures of each request anew, as this tool or another would
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES src/stream/Console.java
//SOURCES src/stream/Metrics.java
//SOURCES src/stream/RecordedRun.java

// Recount: reads recorded runs, however large, and counts the figures of each request anew from its events: as this tool
// defines them, or as vLLM's bench client, GuideLLM or AIPerf would have from the very same stream.
//
// To run just:
//   jbang Recount.java                                  the newest run under results/, a CSV row a request
//   jbang Recount.java --as vllm results/RUN_ID         what vLLM's client would have said
//
// Read it from the outside in: command line, definitions, tokens and gaps, what one request took, a run on disk. Compare.java reads runs
// with it. Events go by one at a time: memory grows with the requests, not with the events.
//
// It does not judge: a broken row is left out and named, everything else is taken as it is written.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine;

/** The command that prints a row for each request. */
@Command(name = "recount", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        version = Version.NUMBER,
        description = "Counts the figures of each request anew, as this tool or another would.")
public class Recount implements Callable<Integer> {

    @Parameters(paramLabel = "RUN", arity = "0..*", description = "Folders of runs (default: the newest in results/).")
    List<Path> runs = new ArrayList<>();

    @Option(names = "--as", paramLabel = "ours|vllm|guidellm|aiperf", defaultValue = "ours",
            description = "Whose definitions (default: ${DEFAULT-VALUE}).")
    String as;

    private final PrintStream out;
    private final PrintStream err;

    Recount(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 all is counted, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Recount(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("recount: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        try {
            var definition = MetricDefinition.of(as);
            var problems = new ReadProblems();
            try (var rows = new CSVPrinter(out, CSVFormat.RFC4180)) {
                rows.printRecord("run_id", "request_id", "model", "status", "ttft_ms", "itl_ms", "tpot_ms", "ttlt_ms",
                        "total_ms", "output_tokens");
                for (var folder : RecordedRun.folders(runs)) {
                    var run = RecordedRun.read(folder, problems);
                    run.readEvents(definition, RecordedRun.Audience.NOBODY, problems, null);
                    for (var answer : run.answers()) {
                        print(rows, run, answer);
                    }
                }
            }
            problems.lines().forEach(line -> err.println("recount: " + line));
            return 0;
        } catch (IOException | IllegalArgumentException e) {
            err.println("recount: " + e.getMessage());
            return 2;
        }
    }

    private static void print(CSVPrinter rows, RecordedRun run, RecordedAnswer answer) throws IOException {
        rows.print(run.name());
        rows.print(answer.requestId());
        rows.print(answer.model());
        rows.print(answer.status());
        for (var measure : List.of(Metric.TTFT, Metric.ITL, Metric.TPOT, Metric.TTLT, Metric.TOTAL)) {
            rows.print(answer.knows(measure) ? AnswerMetrics.millis(answer.get(measure) * 1000) : null);
        }
        rows.print(answer.knows(Metric.OUTPUT_TOKENS) ? (long) answer.get(Metric.OUTPUT_TOKENS) : null);
        rows.println();
    }
}
