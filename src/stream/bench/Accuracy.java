//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/Table.java
//SOURCES ../terminal/UserError.java
//SOURCES ../metric/Metrics.java
//SOURCES ../record/AttemptObserver.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../record/RunFiles.java
//SOURCES ../run/LoopbackLoad.java
//SOURCES ../run/Telemetry.java

package stream.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import stream.metric.Metrics;
import stream.record.AttemptObserver;
import stream.record.ClientOverhead;
import stream.record.RunFiles;
import stream.run.LoopbackLoad;
import stream.run.Telemetry;
import stream.terminal.Console;
import stream.terminal.OptionChecks;
import stream.terminal.Table;
import stream.terminal.UserError;

/** Prints the error of the client on this machine, or that of recorded runs. */
@Command(name = "bench accuracy",
        description = "Measures what this tool itself adds to the times that it measures, on this machine.")
public final class Accuracy implements Callable<Integer> {

    @Parameters(paramLabel = "RUN", arity = "0..*",
            description = "Runs with a -clock model of a simulator, to be evaluated instead of streaming.")
    private List<Path> runs = List.of();

    @Option(names = {"-c", "--concurrency"}, split = ",", paramLabel = "N", defaultValue = "1,64,256,1000",
            description = "Streams in flight (default: ${DEFAULT-VALUE}).")
    private List<Integer> concurrency;

    @Option(names = "--itl", paramLabel = "MS", defaultValue = "20",
            description = "Milliseconds between two tokens of a stream (default: ${DEFAULT-VALUE}).")
    private double itlMillis;

    @Option(names = "--metrics", paramLabel = "N", defaultValue = "0",
            description = "Measure N times in turns without and with Prometheus"
            + " metrics, which are read ten times a second, and print the medians.")
    private int metricsRounds;

    private final Console console;

    public Accuracy(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        var checks = new OptionChecks().within("--itl", itlMillis, 0, 60_000);
        concurrency.forEach(streams -> checks.atLeast("--concurrency", streams, 1));
        checks.throwIfAny();
        var table = new Table().column("streams", false).column("events", false);
        List.of("TTFT p50 ms", "TTFT p99 ms", "ITL p50 ms", "ITL p99 ms").forEach(heading -> table.column(heading, false));
        for (var run : runs) {
            table.row(row(recorded(run)));
        }
        if (runs.isEmpty() && metricsRounds > 0) {
            LoopbackLoad.warmUp();
            table.column("metrics", true);
            for (var streams : concurrency) {
                inTurns(streams).forEach((metrics, overhead) -> {
                    var row = new ArrayList<>(row(overhead));
                    row.add(metrics);
                    table.row(row);
                });
            }
        } else if (runs.isEmpty()) {
            LoopbackLoad.warmUp();
            for (var streams : concurrency) {
                table.row(row(LoopbackLoad.calibrate(streams, itlMillis, AttemptObserver.NONE)));
            }
        }
        console.out().print(table.text());
        return 0;
    }

    /** Returns the medians of the errors without metrics and with metrics that are read, measured in turns. */
    private Map<String, ClientOverhead> inTurns(int streams) throws IOException, InterruptedException {
        var without = new ArrayList<ClientOverhead>();
        var with = new ArrayList<ClientOverhead>();
        for (int round = 0; round < metricsRounds; round++) {
            without.add(LoopbackLoad.calibrate(streams, itlMillis, AttemptObserver.NONE));
            try (var telemetry = Telemetry.start(0); var reader = Executors.newSingleThreadScheduledExecutor()) {
                var page = URI.create(telemetry.address()).toURL();
                reader.scheduleAtFixedRate(() -> {
                    try (var bytes = page.openStream()) {
                        bytes.readAllBytes();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }, 0, 100, TimeUnit.MILLISECONDS);
                with.add(LoopbackLoad.calibrate(streams, itlMillis, telemetry));
                reader.shutdown();
            }
        }
        var medians = new LinkedHashMap<String, ClientOverhead>();
        medians.put("none", median(without));
        medians.put("read", median(with));
        return medians;
    }

    private static ClientOverhead median(List<ClientOverhead> all) {
        return new ClientOverhead(all.getFirst().streams(), all.getFirst().events(), median(all, ClientOverhead::ttftP50Micros),
                median(all, ClientOverhead::ttftP99Micros), median(all, ClientOverhead::itlP50Micros),
                median(all, ClientOverhead::itlP99Micros));
    }

    private static Double median(List<ClientOverhead> all, Function<ClientOverhead, Double> quantile) {
        var micros = all.stream().map(quantile).toList();
        return micros.contains(null) ? null : Metrics.quantile(micros.stream().mapToDouble(value -> value).toArray(), 0.5);
    }

    private static ClientOverhead recorded(Path run) {
        try {
            return LoopbackLoad.overhead(LoopbackLoad.tokenTimes(run.resolve(RunFiles.EVENTS)));
        } catch (IOException | RuntimeException e) {
            throw new UserError(run + ": not a run with a -clock model (" + e.getMessage() + ")");
        }
    }

    private static List<String> row(ClientOverhead overhead) {
        return List.of(String.valueOf(overhead.streams()), String.valueOf(overhead.events()),
                Metrics.millis(overhead.ttftP50Micros()), Metrics.millis(overhead.ttftP99Micros()),
                Metrics.millis(overhead.itlP50Micros()), Metrics.millis(overhead.itlP99Micros()));
    }
}
