///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION JMH: what the client costs, and what it adds to what it measures
//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//DEPS org.openjdk.jmh:jmh-core:1.37
//DEPS org.openjdk.jmh:jmh-generator-annprocess:1.37
//DEPS org.duckdb:duckdb_jdbc:2.0.0.1
//SOURCES Stream.java
//SOURCES Compare.java
//SOURCES Simulator.java
//SOURCES src/stream/terminal/Console.java
//SOURCES src/stream/terminal/OptionChecks.java
//SOURCES src/stream/terminal/Table.java
//SOURCES src/stream/terminal/UserError.java
//SOURCES src/stream/prompt/Prompt.java
//SOURCES src/stream/api/ConnectionSettings.java
//SOURCES src/stream/api/Dialect.java
//SOURCES src/stream/api/EventKind.java
//SOURCES src/stream/api/EventStream.java
//SOURCES src/stream/api/Model.java
//SOURCES src/stream/api/ModelCatalog.java
//SOURCES src/stream/api/ModelSettings.java
//SOURCES src/stream/api/Sampling.java
//SOURCES src/stream/api/StreamDecoder.java
//SOURCES src/stream/api/StreamEvent.java
//SOURCES src/stream/api/UsageRequest.java
//SOURCES src/stream/metric/Metric.java
//SOURCES src/stream/metric/MetricDefinition.java
//SOURCES src/stream/metric/Metrics.java
//SOURCES src/stream/client/Exchange.java
//SOURCES src/stream/client/ExchangeResult.java
//SOURCES src/stream/client/Limits.java
//SOURCES src/stream/client/Outcome.java
//SOURCES src/stream/client/Recording.java
//SOURCES src/stream/client/StreamClient.java
//SOURCES src/stream/record/AttemptObserver.java
//SOURCES src/stream/record/ClientOverhead.java
//SOURCES src/stream/record/CsvFile.java
//SOURCES src/stream/record/CsvRun.java
//SOURCES src/stream/record/EventColumn.java
//SOURCES src/stream/record/NamedRuns.java
//SOURCES src/stream/record/ReadProblems.java
//SOURCES src/stream/record/RunFiles.java
//SOURCES src/stream/simulator/SimulatedServer.java
//SOURCES src/stream/run/LoopbackLoad.java
//SOURCES src/stream/run/Telemetry.java
//SOURCES src/stream/compare/Counting.java
//SOURCES src/stream/compare/EventCollector.java
//SOURCES src/stream/compare/Group.java
//SOURCES src/stream/compare/Grouping.java
//SOURCES src/stream/compare/Section.java
//SOURCES src/stream/bench/VerdictSimulation.java
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
// The HOW TO RUN block after each benchmark tells what to look at. Absolute times of a noisy machine mean little: compare
// the two rows of a pair from the same run, and look at the error.

package stream;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.regex.Pattern;

import okio.Buffer;
import okio.ByteString;
import okio.Okio;
import org.apache.commons.io.FileUtils;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

/** Runs JMH. */
public class Bench {

    private static final String HELP = """
            bench accuracy [-c LIST] [RUN...]   the error of the client on this machine, or of recorded runs
            bench accuracy --metrics N          the same N times in turns, without and with Prometheus metrics that are read
            bench verdicts [--data-sets N]      how often a verdict of Compare.java is false, and how often a difference is found
            bench quick                         a page of figures in under two minutes
            bench [--base-url URL] [PATTERN]... benchmarks, with the options of JMH:
            """;
    private static final String BASE_URL = "stream.bench.base-url";

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
            System.out.println(HELP);
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
        new Runner(options(commandLine, baseUrl).include("Costs|Models").forks(1).warmupIterations(1)
                .measurementIterations(3).warmupTime(TimeValue.milliseconds(700))
                .measurementTime(TimeValue.milliseconds(500)).build()).run();
        printMedians(new Runner(options(commandLine, baseUrl).include("Fidelity|Firehose").forks(1)
                .param("streams", "1", "64", "256")
                .param("csv", "true").build()).run());
    }

    /** Prints how often a verdict of Compare is wrong, and how often a difference is found, in simulated runs. */
    @Command(name = "bench verdicts", description = "Simulates how often a verdict of Compare.java is false, and how often a difference is"
            + " found.")
    static final class Verdicts implements Callable<Integer> {

        @Option(names = "--data-sets", paramLabel = "N", defaultValue = "2000",
                description = "Simulated data sets for each row (default: ${DEFAULT-VALUE}).")
        private int dataSets;

        private final Console console;

        Verdicts(Console console) {
            this.console = console;
        }

        @Override
        public Integer call() {
            new OptionChecks().atLeast("--data-sets", dataSets, 1).throwIfAny();
            console.out().print(VerdictSimulation.table(dataSets));
            return 0;
        }
    }

    /** Prints the error of the client on this machine, or that of recorded runs. */
    @Command(name = "bench accuracy", description = "Measures what this tool itself adds to the times that it measures, on this machine.")
    static final class Accuracy implements Callable<Integer> {

        @Parameters(paramLabel = "RUN", arity = "0..*",
                description = "Runs with a -clock model of a simulator, to be evaluated instead of streaming.")
        private List<Path> runs = List.of();

        @Option(names = {"-c", "--concurrency"}, split = ",", paramLabel = "N", defaultValue = "1,64,256,1000",
                description = "Streams in flight (default: ${DEFAULT-VALUE}).")
        private List<Integer> concurrency;

        @Option(names = "--itl", paramLabel = "MS", defaultValue = "20",
                description = "Milliseconds between two tokens of a stream (default: ${DEFAULT-VALUE}).")
        private double itlMillis;

        @Option(names = "--metrics", paramLabel = "N", defaultValue = "0", description = "Measure N times in turns without and with Prometheus"
                + " metrics, which are read ten times a second, and print the medians.")
        private int metricsRounds;

        private final Console console;

        Accuracy(Console console) {
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
            var benchmark = result.getParams().getBenchmark().replaceFirst("^stream\\.", "");
            values.forEach((name, scores) -> System.out.printf(Locale.ROOT, "%-60s %8d %12.3f%n",
                    benchmark + ":" + name + " " + String.join(" ", parameters), scores.size(),
                    Metrics.quantile(scores.stream().mapToDouble(Double::doubleValue).toArray(), 0.5)));
        }
    }

    private static ChainedOptionsBuilder options(CommandLineOptions commandLine, String baseUrl) {
        var builder = new OptionsBuilder().parent(commandLine);
        return baseUrl.isEmpty() ? builder : builder.jvmArgsAppend("-D" + BASE_URL + "=" + baseUrl);
    }

    // What one event costs on its way from the socket to the file, without the socket. Each step has beside it what one
    // would write without regard to cost; `raw` reads the bytes and does nothing with them, which nothing can beat.

    @State(Scope.Benchmark)
    @BenchmarkMode(Mode.AverageTime)
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    @Warmup(iterations = 3, time = 1)
    @Measurement(iterations = 5, time = 1)
    @Fork(5)
    public static class Costs {

        private static final int EVENTS = 1000;
        private static final int READ_BYTES = 8192;
        private static final String DATA = "{\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                + "\"model\":\"gpt-4-0613\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                + "\" token\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}";

        private final byte[] body = ("data: " + DATA + "\n\n").repeat(EVENTS).getBytes(StandardCharsets.UTF_8);
        private final JsonMapper mapper = JsonMapper.shared();
        private Path file;
        private CsvFile csv;
        private final StreamDecoder decoder = new StreamDecoder(Dialect.of("chat"));
        private ByteString rowStart;
        private long micros;

        @Setup
        public void open() throws IOException {
            file = Files.createTempFile("bench", ".csv");
            Files.delete(file);
            csv = new CsvFile(file, EventColumn.values(), false);
            rowStart = csv.cells("sky|gpt-4|1", "gpt-4", "sky", 1, 1);
        }

        @TearDown
        public void close() throws IOException {
            csv.close();
            Files.delete(file);
        }

        /** As it is in a stream whose events differ in their text alone, which is what most servers send. */
        @Benchmark
        public String decode() {
            return decoder.decode(null, DATA).text();
        }

        /** As it is in a stream whose events differ elsewhere too: each is parsed. */
        @Benchmark
        public String decodeEach() {
            return new StreamDecoder(Dialect.of("chat")).decode(null, DATA).text();
        }

        @Benchmark
        public String decodeTree() {
            return mapper.readTree(DATA).path("choices").path(0).path("delta").path("content").asString();
        }

        @Benchmark
        @OperationsPerInvocation(EVENTS)
        public Recording record() {
            var recording = new Recording();
            for (int i = 0; i < EVENTS; i++) {
                recording.add(i, i, EventKind.CONTENT, " token", StreamEvent.NO_COUNT);
            }
            return recording;
        }

        @Benchmark
        public void csvRow() throws IOException {
            micros += 20_001;
            csv.eventRow(rowStart, 7, EventKind.CONTENT, micros, 20_001L, 9, " token", StreamEvent.NO_COUNT);
        }

        @Benchmark
        public String csvRowFormat() {
            micros += 20_001;
            return String.format(Locale.ROOT, "%s,%s,%s,%d,%d,%d,%s,%.3f,%.3f,%d,%s\r\n", "sky|gpt-4|1", "gpt-4", "sky", 1, 1, 7,
                    "content", micros / 1000.0, 20.001, 9, " token");
        }

        /** The event stream with okhttp-sse's parser, the decoder and the record, over bytes that come as reads bring them. */
        @Benchmark
        @OperationsPerInvocation(EVENTS)
        public Recording pipeline() throws IOException {
            var recording = new Recording();
            var events = new int[1];
            var stream = new EventStream(Limits.DEFAULT.eventBytes(), true, new EventStream.Receiver() {
                @Override
                public void lines() { }

                @Override
                public boolean event(String type, String data) {
                    var event = decoder.decode(type, data);
                    recording.add(System.nanoTime(), events[0]++, event.kind(), event.text(), event.outputTokens());
                    return true;
                }
            });
            var bytes = new Buffer().write(body);
            while (bytes.read(stream.incoming(), READ_BYTES) >= 0) {
                stream.decode();
            }
            must(events[0] == EVENTS, "events lost: " + events[0]);
            return recording;
        }

        @Benchmark
        @OperationsPerInvocation(EVENTS)
        public long raw() throws IOException {
            return new Buffer().write(body).readAll(Okio.blackhole());
        }
    }

    // HOW TO RUN: jbang Bench.java Costs -prof gc
    // Look at decode beside decodeTree, csvRow beside csvRowFormat, and pipeline as the sum.

    // How true the times are. A simulator in a process of its own streams 50 tokens a second and writes into each token
    // when it was sent; the client's time less that is its error. Each fork is a cold process that warms itself up, as
    // Stream.java does. `floor` reads the sockets with a virtual thread each and parses nothing until all is over.

    @State(Scope.Benchmark)
    @BenchmarkMode(Mode.AverageTime)
    @OutputTimeUnit(TimeUnit.SECONDS)
    @Warmup(iterations = 0)
    @Measurement(iterations = 1, time = 1, timeUnit = TimeUnit.MILLISECONDS)
    @Fork(5)
    public static class Fidelity {

        private static final int TOKENS = 64;
        private static final String MODEL = "sim-ttft200-itl20-n" + TOKENS + "-clock";

        @Param({"1", "64", "256", "1000"})
        public int streams;

        private final SimulatorProcess simulator = new SimulatorProcess();

        @Setup
        public void start() throws Exception {
            simulator.start();
            LoopbackLoad.warmUp();
        }

        @TearDown
        public void stop() {
            simulator.stop();
        }

        /** JMH's secondary results: errors in milliseconds. */
        @AuxCounters(AuxCounters.Type.EVENTS)
        @State(Scope.Thread)
        public static class Errors {
            public double ttftP50Ms;
            public double ttftP99Ms;
            public double ttftMaxMs;
            public double itlP50Ms;
            public double itlP99Ms;
            public double itlMaxMs;

            void of(List<List<LoopbackLoad.TokenTime>> streams) {
                var ttft = new ArrayList<Double>();
                var itl = new ArrayList<Double>();
                for (var tokens : streams) {
                    must(tokens.size() == TOKENS, "tokens lost: " + tokens.size());
                    ttft.add(tokens.getFirst().arrivedMicros() - tokens.getFirst().sentMicros());
                    for (int i = 1; i < tokens.size(); i++) {
                        itl.add(Math.abs(tokens.get(i).arrivedMicros() - tokens.get(i - 1).arrivedMicros()
                                - (tokens.get(i).sentMicros() - tokens.get(i - 1).sentMicros())));
                    }
                }
                ttftP50Ms = at(ttft, 0.5);
                ttftP99Ms = at(ttft, 0.99);
                ttftMaxMs = at(ttft, 1);
                itlP50Ms = at(itl, 0.5);
                itlP99Ms = at(itl, 0.99);
                itlMaxMs = at(itl, 1);
            }

            private static double at(List<Double> micros, double fraction) {
                var sorted = micros.stream().mapToDouble(Double::doubleValue).sorted().toArray();
                return sorted[(int) Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] / 1000;
            }
        }

        @Benchmark
        public void client(Errors errors) throws Exception {
            errors.of(LoopbackLoad.stream(simulator.baseUrl, streams, streams, MODEL, AttemptObserver.NONE));
        }

        @Benchmark
        public void floor(Errors errors) throws Exception {
            var all = new ArrayList<List<LoopbackLoad.TokenTime>>();
            var readers = new ArrayList<Thread>();
            for (int i = 0; i < streams; i++) {
                var times = new ArrayList<LoopbackLoad.TokenTime>();
                all.add(times);
                readers.add(Thread.startVirtualThread(() -> read(times)));
                Thread.sleep(0, 300_000); // the client lets each start be on its way before the next, too
            }
            for (var reader : readers) {
                reader.join();
            }
            errors.of(all);
        }

        private void read(List<LoopbackLoad.TokenTime> times) {
            var at = URI.create(simulator.baseUrl);
            var request = "{\"model\":\"" + MODEL + "\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";
            var reads = new ArrayList<byte[]>();
            var nanos = new ArrayList<Long>();
            var startNanos = System.nanoTime();
            try (var socket = new Socket(at.getHost(), at.getPort())) {
                socket.setTcpNoDelay(true);
                socket.getOutputStream().write(("POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n"
                        + "Content-Length: " + request.length() + "\r\n\r\n" + request).getBytes(StandardCharsets.US_ASCII));
                var buffer = new byte[8192];
                for (int count; (count = socket.getInputStream().read(buffer)) >= 0; ) {
                    nanos.add(System.nanoTime());
                    reads.add(Arrays.copyOf(buffer, count));
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            var text = new StringBuilder();
            var token = Pattern.compile("\"content\":\" (\\d+)\"");
            for (int i = 0, from = 0; i < reads.size(); i++) {
                text.append(new String(reads.get(i), StandardCharsets.ISO_8859_1));
                for (var found = token.matcher(text); found.find(from); from = found.end()) {
                    times.add(new LoopbackLoad.TokenTime((nanos.get(i) - startNanos) / 1000.0,
                            Long.parseLong(found.group(1)) / 1000.0));
                }
            }
        }
    }

    // HOW TO RUN: jbang Bench.java Fidelity -p streams=64
    // Look at the rows client:ttftP99Ms and floor:ttftP99Ms: what lies between them is ours.

    // As fast as the socket gives: events a second, and processor time per event of this process, which does the reading,
    // decoding and recording, with the CSV files and without. The simulator has a process of its own.

    @State(Scope.Benchmark)
    @BenchmarkMode(Mode.AverageTime)
    @OutputTimeUnit(TimeUnit.SECONDS)
    @Warmup(iterations = 0)
    @Measurement(iterations = 1, time = 1, timeUnit = TimeUnit.MILLISECONDS)
    @Fork(5)
    public static class Firehose {

        private static final int EVENTS = 3_000_000;

        @Param({"true", "false"})
        public boolean csv;

        private final SimulatorProcess simulator = new SimulatorProcess();

        @Setup
        public void start() throws Exception {
            simulator.start();
            LoopbackLoad.warmUp();
        }

        @TearDown
        public void stop() {
            simulator.stop();
        }

        /** JMH's secondary results. */
        @AuxCounters(AuxCounters.Type.EVENTS)
        @State(Scope.Thread)
        public static class Cost {
            public double eventsPerSecond;
            public double cpuMicrosPerEvent;
        }

        @Benchmark
        public void client(Cost cost) throws Exception {
            var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            var cpuNanos = system.getProcessCpuTime();
            var nanos = System.nanoTime();
            var model = "sim-ttft0-itl0-n" + EVENTS + "+firehose";
            if (csv) {
                LoopbackLoad.stream(simulator.baseUrl, 1, 1, model, AttemptObserver.NONE);
            } else {
                var recording = new Recording();
                var end = new AtomicReference<ExchangeResult>();
                var call = LoopbackLoad.model(simulator.baseUrl, model);
                try (var client = new StreamClient(1, List.of(), Map.of(), Limits.DEFAULT, ConnectionSettings.DEFAULT)) {
                    var reader = Thread.startVirtualThread(() -> end.set(new Exchange(client, call,
                            call.body(Prompt.ofText("p", "Hi", "p"), new Sampling(EVENTS, 0, null), UsageRequest.AT_THE_END), recording,
                            () -> { }).run()));
                    var events = new int[1];
                    while (end.get() == null || reader.isAlive()) {
                        recording.drain((micros, read, kind, text, tokens) -> events[0]++);
                        Thread.sleep(1);
                    }
                    recording.drain((micros, read, kind, text, tokens) -> events[0]++);
                    must(events[0] >= EVENTS, "events lost: " + events[0]);
                }
            }
            cost.eventsPerSecond = EVENTS / ((System.nanoTime() - nanos) / 1e9);
            cost.cpuMicrosPerEvent = (system.getProcessCpuTime() - cpuNanos) / 1e3 / EVENTS;
        }
    }

    // HOW TO RUN: jbang Bench.java Firehose
    // Look at cpuMicrosPerEvent with csv=true beside csv=false. Both include what the compilers take.

    // The configured models in JMH's own statistics: single shots at real models, or simulated ones if no server is named.

    @State(Scope.Benchmark)
    @BenchmarkMode(Mode.SingleShotTime)
    @OutputTimeUnit(TimeUnit.MILLISECONDS)
    @Warmup(iterations = 1)
    @Measurement(iterations = 5)
    @Fork(1)
    public static class Models {

        @Param({"gpt-4", "gpt-3.5-turbo", "text-davinci-003"})
        public String model;

        private SimulatedServer simulator;
        private StreamClient client;
        private Model target;
        private String body;

        @Setup(Level.Trial)
        public void start() throws Exception {
            var baseUrl = System.getProperty(BASE_URL);
            if (baseUrl == null) {
                simulator = SimulatedServer.start(1);
            }
            var access = simulator == null ? ModelCatalog.Access.WITH_KEYS
                    : ModelCatalog.Access.toSimulator(simulator.baseUrl());
            target = ModelCatalog.of(new ModelSettings(List.of(model), null, baseUrl, "auto", false, List.of()), System.getenv(), access)
                    .models().getFirst();
            client = new StreamClient(1, List.of(target), System.getenv(), Limits.DEFAULT, ConnectionSettings.DEFAULT);
            body = target.body(Prompt.ofText("p", "Why is the sky blue?", "p"), new Sampling(200, 0, null), UsageRequest.AT_THE_END);
        }

        @TearDown(Level.Trial)
        public void stop() {
            client.close();
            if (simulator != null) {
                simulator.close();
            }
        }

        @Benchmark
        public void total() {
            var ending = new Exchange(client, target, body, new Recording(), () -> { }).run();
            must(ending.outcome() instanceof Outcome.Completed, ending.outcome().message(target));
        }

        @Benchmark
        public void timeToFirstToken() {
            var first = new boolean[1];
            var exchange = new Exchange(client, target, body, new Recording(), () -> { }) {
                @Override
                StreamEvent decode(String type, String data) {
                    var event = super.decode(type, data);
                    if (event.kind() == EventKind.CONTENT) {
                        first[0] = true;
                        abort(Abort.CANCEL);
                    }
                    return event;
                }
            };
            var ending = exchange.run();
            must(first[0], ending.outcome().message(target));
        }
    }

    // HOW TO RUN: jbang Bench.java Models -rf csv -rff results/models.csv
    // Look at the score and its error: where the intervals of two models overlap, this sample cannot tell them apart.

    // How long the figures of a large run take: TTFT and ITL, each p50, p95 and p99 for each model, from the same two files.
    // `duckdb` is what one would ask a database; it may use both processors and as much memory as it likes. `compare` uses
    // one, and 256 MB.

    @State(Scope.Benchmark)
    @BenchmarkMode(Mode.SingleShotTime)
    @OutputTimeUnit(TimeUnit.SECONDS)
    @Warmup(iterations = 0)
    @Measurement(iterations = 1)
    @Fork(value = 3, jvmArgs = {"-XX:+UseParallelGC", "-Xmx256m", "--enable-native-access=ALL-UNNAMED"})
    public static class LargeRun {

        private static final int EVENTS_OF_ONE = 100;
        private static final int AT_ONCE = 30;

        @Param("1000000")
        public int rows;

        private Path folder;

        @Setup(Level.Trial)
        public void write() throws IOException {
            folder = Files.createTempDirectory("large-run");
            Files.writeString(folder.resolve("run.json"), "{\"run_id\": \"large\", \"finished_at\": \"now\"}");
            var random = new SplittableRandom(1);
            try (var requests = Files.newBufferedWriter(folder.resolve("requests.csv"));
                 var events = Files.newBufferedWriter(folder.resolve("events.csv"))) {
                requests.write("request_id,model,prompt_id,repetition,attempt,phase,status,ttft_ms,events,content_events\r\n");
                events.write("request_id,model,prompt_id,repetition,attempt,event,kind,elapsed_ms,delay_ms,read,text\r\n");
                for (int first = 0; first < rows / EVENTS_OF_ONE; first += AT_ONCE) {
                    var elapsed = new double[AT_ONCE];
                    for (int event = 0; event < EVENTS_OF_ONE; event++) {
                        for (int i = 0; i < AT_ONCE; i++) {
                            var model = "model-" + i % 3;
                            var name = "prompt-" + (first + i) / 3 + "|" + model + "|1," + model + ",prompt-" + (first + i) / 3 + ",1,1,";
                            elapsed[i] += (event == 0 ? 200 : 10) * (1 + i % 3) * (0.5 + random.nextDouble());
                            var millis = String.format(Locale.ROOT, "%.3f", elapsed[i]);
                            events.write(name + event + ",content," + millis + ",," + event + ", token\r\n");
                            if (event == 0) {
                                requests.write(name + "measured,completed," + millis + "," + EVENTS_OF_ONE + "," + EVENTS_OF_ONE
                                        + "\r\n");
                            }
                        }
                    }
                }
            }
        }

        @TearDown(Level.Trial)
        public void remove() throws IOException {
            for (var name : List.of("run.json", "requests.csv", "events.csv")) {
                Files.delete(folder.resolve(name));
            }
            Files.delete(folder);
        }

        @Benchmark
        public List<Double> compare() throws IOException {
            var problems = new ReadProblems();
            var run = CsvRun.read(folder, problems);
            var sections = Grouping.of("model", new NamedRuns(List.of(run), Map.of(run, run)), Map.of())
                    .sections(List.of(run), new Counting(MetricDefinition.OURS, false, false, false), problems);
            run.readEvents(MetricDefinition.OURS, new EventCollector(sections), problems, null);
            var figures = new ArrayList<Double>();
            for (var group : sections.getFirst().groups()) {
                for (var fraction : List.of(0.5, 0.95, 0.99)) {
                    figures.add(group.quantile(Metric.TTFT, fraction));
                }
                for (var fraction : List.of(0.5, 0.95, 0.99)) {
                    figures.add(group.gaps(fraction)); // of all gaps
                }
            }
            return checked(figures);
        }

        @Benchmark
        public List<Double> duckdb() throws SQLException {
            var figures = new ArrayList<Double>();
            try (var database = DriverManager.getConnection("jdbc:duckdb:"); var ask = database.createStatement();
                 var answer = ask.executeQuery("""
                         WITH gaps AS (SELECT model, elapsed_ms - lag(elapsed_ms) OVER (PARTITION BY request_id, attempt
                                 ORDER BY event) AS gap FROM read_csv('%s/events.csv') WHERE kind = 'content'),
                             itl AS (SELECT model, quantile_cont(gap, [0.5, 0.95, 0.99]) AS ms FROM gaps GROUP BY model),
                             ttft AS (SELECT model, quantile_cont(ttft_ms, [0.5, 0.95, 0.99]) AS ms
                                 FROM read_csv('%s/requests.csv') WHERE phase = 'measured' AND status = 'completed' GROUP BY model)
                         SELECT ttft.ms[1], ttft.ms[2], ttft.ms[3], itl.ms[1], itl.ms[2], itl.ms[3]
                             FROM ttft JOIN itl USING (model) ORDER BY model""".formatted(folder, folder))) {
                while (answer.next()) {
                    for (int column = 1; column <= 6; column++) {
                        figures.add(answer.getDouble(column));
                    }
                }
            }
            return checked(figures);
        }

        /** Both have to say the same: a model's times are so many times those of the first. */
        private static List<Double> checked(List<Double> figures) {
            must(figures.size() == 18, figures + "");
            for (int i = 0; i < 18; i++) {
                var expected = (i % 6 < 3 ? 200 : 10) * (1 + i / 6) * List.of(1.0, 1.45, 1.49).get(i % 3);
                must(Math.abs(figures.get(i) / expected - 1) < 0.02, "figure " + i + " is " + figures.get(i) + ", not " + expected);
            }
            return figures;
        }
    }

    // HOW TO RUN: jbang Bench.java LargeRun -p rows=10000000
    // Look at the two scores side by side; the disk's cache is warm for both.

    // What a whole process costs, as its user sees it: launcher, start, one request or many, end. `curl` is the baseline of one.

    @State(Scope.Benchmark)
    @BenchmarkMode(Mode.SingleShotTime)
    @OutputTimeUnit(TimeUnit.SECONDS)
    @Warmup(iterations = 1)
    @Measurement(iterations = 5)
    @Fork(1)
    public static class Whole {

        private static final Pattern TIMES = Pattern.compile("(\\d+)m([\\d.]+)s");
        private static final Pattern MOST_RESIDENT = Pattern.compile("VmHWM:\\s+(\\d+) kB");

        private final SimulatorProcess simulator = new SimulatorProcess();
        private Path folder;

        @Setup
        public void start() throws Exception {
            simulator.start();
            folder = Files.createTempDirectory("whole");
        }

        @TearDown
        public void stop() throws IOException {
            simulator.stop();
            FileUtils.deleteDirectory(folder.toFile());
        }

        /** JMH's secondary results. The memory is known on Linux only, and of a process that lives for some milliseconds. */
        @AuxCounters(AuxCounters.Type.EVENTS)
        @State(Scope.Thread)
        public static class Outside {
            public double firstByteSeconds;
            public double cpuSeconds;
            public double residentMb;

            /** Runs a command in a shell, which counts the processor time of all that it has started. */
            void of(String... command) throws Exception {
                var words = new ArrayList<>(List.of("sh", "-c", "\"$@\"; times >&2", "sh"));
                words.addAll(List.of(command));
                var nanos = System.nanoTime();
                var process = new ProcessBuilder(words).start();
                must(process.getInputStream().read() >= 0, "no answer");
                firstByteSeconds = (System.nanoTime() - nanos) / 1e9;
                var rest = new FutureTask<>(() -> process.getInputStream().transferTo(OutputStream.nullOutputStream()));
                Thread.startVirtualThread(rest);
                for (; process.isAlive(); Thread.sleep(5)) {
                    process.descendants().forEach(each -> residentMb = Math.max(residentMb, mostResidentMb(each)));
                }
                rest.get();
                var times = TIMES.matcher(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
                for (cpuSeconds = 0; times.find(); ) {
                    cpuSeconds += 60 * Double.parseDouble(times.group(1)) + Double.parseDouble(times.group(2));
                }
            }

            private static double mostResidentMb(ProcessHandle process) {
                try {
                    var most = MOST_RESIDENT.matcher(Files.readString(Path.of("/proc", String.valueOf(process.pid()), "status")));
                    return most.find() ? Integer.parseInt(most.group(1)) / 1024.0 : 0;
                } catch (IOException e) {
                    return 0; // it has ended, or this is not Linux
                }
            }
        }

        private void stream(Outside outside, String model, int requests) throws Exception {
            outside.of("./jbang", "Stream.java", "--base-url", simulator.baseUrl, "-m", model, "-p", "Hi", "-n", String.valueOf(requests), "-c",
                    String.valueOf(requests), "-q", "-o", folder.toString());
        }

        @Benchmark
        public void oneRequest(Outside outside) throws Exception {
            stream(outside, "sim-ttft1-itl1-n5", 1);
        }

        @Benchmark
        public void twoRequests(Outside outside) throws Exception {
            stream(outside, "sim-ttft1-itl1-n5", 2); // the smallest run that warms itself up
        }

        @Benchmark
        public void thousandRequests(Outside outside) throws Exception {
            stream(outside, "sim-ttft200-itl20-n50", 1000);
        }

        @Benchmark
        public void millionsOfEvents(Outside outside) throws Exception {
            outside.of("./jbang", "Stream.java", "--base-url", simulator.baseUrl, "-m", "sim-ttft0-itl0-n3000000+firehose", "-p", "Hi", "-q",
                    "--max-tokens", "3000000", "-o", folder.toString());
        }

        @Benchmark
        public void curl(Outside outside) throws Exception {
            outside.of("curl", "-sN", simulator.baseUrl + "/chat/completions", "-H", "Content-Type: application/json", "-d",
                    "{\"model\":\"sim-ttft1-itl1-n5\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
        }
    }

    // HOW TO RUN: jbang Bench.java Whole
    // Look at oneRequest beside curl; cpuSeconds of twoRequests less that of oneRequest is the price of the self-warm-up.

    /** A simulator in a process of its own, so that it does not share the client's JVM. */
    private static final class SimulatorProcess {
        private Process process;
        private String baseUrl;

        void start() throws IOException, InterruptedException {
            process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseParallelGC",
                    "-Djdk.pollerMode=1", "-cp", System.getProperty("java.class.path"), "stream.Simulator", "--port", "0")
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start();
            var line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
            baseUrl = line.replaceFirst(".*(http\\S+).*", "$1");
            // a cold server sends later than its own stamp, and the delay would be attributed to the client
            LoopbackLoad.stream(baseUrl, 64, 256, "sim-ttft5-itl2-n50", AttemptObserver.NONE);
        }

        void stop() {
            process.destroy();
        }
    }

    private static void must(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
