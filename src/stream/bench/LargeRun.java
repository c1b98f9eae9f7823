//JAVA 25+
//DEPS org.duckdb:duckdb_jdbc:2.0.0.1
//DEPS org.openjdk.jmh:jmh-core:1.37
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../record/CsvRun.java
//SOURCES ../record/NamedRuns.java
//SOURCES ../record/ReadProblems.java
//SOURCES ../compare/Counting.java
//SOURCES ../compare/EventCollector.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/GroupBy.java
//SOURCES ../compare/Grouping.java
//SOURCES ../compare/Section.java
//SOURCES BenchmarkCheck.java

package stream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import stream.compare.Counting;
import stream.compare.EventCollector;
import stream.compare.GroupBy;
import stream.compare.Grouping;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.record.CsvRun;
import stream.record.NamedRuns;
import stream.record.ReadProblems;

// How long the figures of a large run take: TTFT and ITL, each p50, p95 and p99 for each model, from the same two files.
// `duckdb` is what one would ask a database; it may use both processors and as much memory as it likes. `compare` uses
// one, and 256 MB.

@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 1)
@Fork(value = 3, jvmArgs = {"-XX:+UseParallelGC", "-Xmx256m", "--enable-native-access=ALL-UNNAMED"})
public class LargeRun {

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
                        var name = "prompt-" + (first + i) / 3 + "|" + model + "|1," + model + ",prompt-"
                                + (first + i) / 3 + ",1,1,";
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
        var sections = Grouping.of(GroupBy.MODEL, new NamedRuns(List.of(run), Map.of(run, run)), Map.of())
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
        BenchmarkCheck.must(figures.size() == 18, figures + "");
        for (int i = 0; i < 18; i++) {
            var expected = (i % 6 < 3 ? 200 : 10) * (1 + i / 6) * List.of(1.0, 1.45, 1.49).get(i % 3);
            BenchmarkCheck.must(Math.abs(figures.get(i) / expected - 1) < 0.02,
                    "figure " + i + " is " + figures.get(i) + ", not " + expected);
        }
        return figures;
    }
}

// HOW TO RUN: jbang Bench.java LargeRun -p rows=10000000
// Look at the two scores side by side; the disk's cache is warm for both.
