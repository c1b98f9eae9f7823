//JAVA 25+
//DEPS org.duckdb:duckdb_jdbc:2.0.0.1
//DEPS org.openjdk.jmh:jmh-core:1.37
//SOURCES LargeRunFiles.java

package stream.bench;

import java.io.IOException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
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

    @Param("1000000")
    public int rows;

    private LargeRunFiles run;

    @Setup(Level.Trial)
    public void write() throws IOException {
        run = LargeRunFiles.write(rows);
    }

    @TearDown(Level.Trial)
    public void remove() throws IOException {
        run.close();
    }

    @Benchmark
    public List<Double> compare() throws IOException {
        return run.figures();
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
                         FROM ttft JOIN itl USING (model) ORDER BY model""".formatted(run.folder(), run.folder()))) {
            while (answer.next()) {
                for (int column = 1; column <= 6; column++) {
                    figures.add(answer.getDouble(column));
                }
            }
        }
        return LargeRunFiles.checked(figures);
    }
}

// HOW TO RUN: jbang Bench.java LargeRun -p rows=10000000
// Look at the two scores side by side; the disk's cache is warm for both.
