///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION JMH: what the client costs, and what it adds to what it measures
//JAVA 25+
//DEPS org.openjdk.jmh:jmh-core:1.37
//DEPS org.openjdk.jmh:jmh-generator-annprocess:1.37
//SOURCES Stream.java
//SOURCES Compare.java
//SOURCES Simulator.java
//SOURCES src/stream/terminal/Console.java
//SOURCES src/stream/metric/Metrics.java
//SOURCES src/stream/bench/Accuracy.java
//SOURCES src/stream/bench/Costs.java
//SOURCES src/stream/bench/Fidelity.java
//SOURCES src/stream/bench/Firehose.java
//SOURCES src/stream/bench/LargeRun.java
//SOURCES src/stream/bench/Models.java
//SOURCES src/stream/bench/Verdicts.java
//SOURCES src/stream/bench/Whole.java
//COMPILE_OPTIONS -proc:full

// Bench: what the client costs and adds, each figure beside the baseline that makes it readable.
//
// To run just:
//   jbang Bench.java accuracy -c 1,64                     the error of the client on this machine
//   jbang Bench.java verdicts                             how often a verdict of Compare.java is false
//   jbang Bench.java quick                                a page of figures in under two minutes
//   jbang Bench.java                                      all of them, with five forks each
//   jbang Bench.java Costs -prof gc                       bytes allocated per event, too
//   jbang Bench.java Fidelity -p streams=64               any of JMH's options
//   jbang Bench.java Models -p model=gpt-4,gpt-3.5-turbo -rf csv -rff results/models.csv
//   jbang Bench.java LargeRun -p rows=10000000            reading a run back, beside DuckDB
//   jbang Bench.java 'Fidelity|Firehose|Whole|LargeRun'   accuracy and cost beside a floor, curl and DuckDB
//   jbang Bench.java Models --base-url http://localhost:8000/v1 -p model=llama
//
// Forks inherit the runtime options of Stream.java, so what is measured is the tool as it is run; LargeRun has those of
// Compare.java.
//
// The benchmarks are in src/stream/bench; the HOW TO RUN block at the end of each file tells what to look at. Absolute times of a
// noisy machine mean little: compare the two rows of a pair from the same run, and look at the error.

package stream;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;

import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import stream.bench.Accuracy;
import stream.bench.Costs;
import stream.bench.Fidelity;
import stream.bench.Firehose;
import stream.bench.LargeRun;
import stream.bench.Models;
import stream.bench.Verdicts;
import stream.bench.Whole;
import stream.metric.Metrics;
import stream.terminal.Console;

/** Runs JMH. */
public class Bench {

    private static final String HELP = """
            bench accuracy [-c LIST] [RUN...]   the error of the client on this machine, or of recorded runs
            bench accuracy --metrics N          the same N times in turns, without and with Prometheus metrics that are read
            bench verdicts [--data-sets N]      how often a verdict of Compare.java is false, and how often a difference is found
            bench quick                         a page of figures in under two minutes
            bench [--base-url URL] [PATTERN]... benchmarks (%s), with the options of JMH:
            """;
    private static final List<Class<?>> BENCHMARKS = List.of(Costs.class, Fidelity.class, Firehose.class,
            Models.class, LargeRun.class,
            Whole.class);


    public static void main(String... args) throws IOException, RunnerException, CommandLineOptionException {
        try {
            run(args);
        } catch (NoBenchmarksException e) {
            Console.ofProcess("bench").say(String.join(" ", args) + ": no benchmark has such a name; -l lists them");
            System.exit(2);
        }
    }

    private static void run(String... args) throws IOException, RunnerException, CommandLineOptionException {
        if (args.length > 0 && args[0].equals("accuracy")) {
            var console = Console.ofProcess("bench accuracy");
            System.exit(console.run(new Accuracy(console), Arrays.copyOfRange(args, 1, args.length)));
        }
        if (args.length > 0 && args[0].equals("verdicts")) {
            var console = Console.ofProcess("bench verdicts");
            System.exit(console.run(new Verdicts(console), Arrays.copyOfRange(args, 1, args.length)));
        }
        var words = new ArrayList<>(List.of(args));
        var quick = words.remove("quick");
        var baseUrl = "";
        var at = words.indexOf("--base-url");
        if (at >= 0 && at + 1 < words.size()) {
            baseUrl = words.get(at + 1);
            words.subList(at, at + 2).clear();
        }
        var wantsHelp = words.remove("--help") | words.remove("-h");
        if (wantsHelp) {
            System.out.printf(HELP + "%n", BENCHMARKS.stream().map(Class::getSimpleName).collect(Collectors.joining(", ")));
            new CommandLineOptions().showHelp();
            return;
        }
        CommandLineOptions commandLine;
        try {
            commandLine = new CommandLineOptions(words.toArray(String[]::new));
        } catch (CommandLineOptionException e) {
            Console.ofProcess("bench").say(e.getMessage() + "; see --help");
            System.exit(2);
            return;
        }
        if (commandLine.shouldList()) {
            new Runner(commandLine).list();
            return;
        }
        if (!quick) {
            printMedians(new Runner(options(commandLine, baseUrl).build()).run());
            return;
        }
        new Runner(options(commandLine, baseUrl).include(pattern(Costs.class, Models.class)).forks(1).warmupIterations(1)
                .measurementIterations(3).warmupTime(TimeValue.milliseconds(700))
                .measurementTime(TimeValue.milliseconds(500)).build()).run();
        printMedians(new Runner(options(commandLine, baseUrl).include(pattern(Fidelity.class, Firehose.class)).forks(1)
                .param("streams", "1", "64", "256")
                .param("csv", "true").build()).run());
    }

    /** JMH adds secondary results up, over iterations and forks; what one wants of an error is the median over forks. */
    private static void printMedians(Collection<RunResult> results) {
        if (results.stream().allMatch(result -> result.getSecondaryResults().isEmpty())) {
            return;
        }
        System.out.printf("%n%-60s %8s %12s%n", "Secondary results, median over forks", "forks", "");
        for (var result : results) {
            var values = new TreeMap<String, List<Double>>();
            for (var fork : result.getBenchmarkResults()) {
                for (var iteration : fork.getIterationResults()) {
                    iteration.getSecondaryResults().forEach((name, secondary) ->
                            values.computeIfAbsent(name, key -> new ArrayList<>()).add(secondary.getScore()));
                }
            }
            var parameters = result.getParams().getParamsKeys().stream()
                    .map(key -> key + "=" + result.getParams().getParam(key)).toList();
            var benchmark = result.getParams().getBenchmark().replaceFirst(".*\\.(?=\\w+\\.)", "");
            values.forEach((name, scores) -> System.out.printf(Locale.ROOT, "%-60s %8d %12.3f%n",
                    benchmark + ":" + name + " " + String.join(" ", parameters), scores.size(),
                    Metrics.quantile(scores.stream().mapToDouble(Double::doubleValue).toArray(), 0.5)));
        }
    }

    private static ChainedOptionsBuilder options(CommandLineOptions commandLine, String baseUrl) {
        var builder = new OptionsBuilder().parent(commandLine);
        return baseUrl.isEmpty() ? builder : builder.jvmArgsAppend("-D" + Models.BASE_URL_PROPERTY + "=" + baseUrl);
    }

    /** Returns the pattern that selects these benchmarks. */
    private static String pattern(Class<?>... benchmarks) {
        return Arrays.stream(benchmarks).map(Class::getName).collect(Collectors.joining("|"));
    }
}
