package stream.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.metric.Metric;
import tools.jackson.databind.json.JsonMapper;

/** A metric is one entry of an enum: whatever it can be compared by is in every output and in the documentation. */
@Execution(ExecutionMode.CONCURRENT)
class MetricOutputsTest {

    @TempDir
    Path folder;

    static List<Metric> comparable() {
        return Arrays.stream(Metric.values()).filter(Metric::isComparable).toList();
    }

    private Path run() {
        var run = new RunOnDisk(folder.resolve("r"));
        for (int i = 0; i < 24; i++) {
            for (var model : List.of("one", "two")) {
                run.answer(model, "p" + i % 8, i / 8 + 1, (model.equals("one") ? 100 : 150) + i, 5 + i % 2,
                        40, "ttft_any_ms", "90.000",
                        "itl_any_p50_ms", "5.000", "connection_reused", "true");
            }
        }
        return run.write();
    }

    private static String compare(Object... arguments) {
        return Printed.compare(arguments).expect(0).out();
    }

    @ParameterizedTest
    @MethodSource("comparable")
    void aMetricIsInEveryOutput(Metric metric) throws Exception {
        var run = run();
        var picture = folder.resolve(metric.word() + ".svg");
        assertTrue(compare(run, "--metric", metric.word(), "--export", picture).contains("\n" + metric.title() + " "), "text");
        assertTrue(Files.readString(picture).contains("<title>" + metric.caption()), "picture");
        assertTrue(compare(run, "--metric", metric.word(), "--format", "markdown").contains("| " + metric.title() + " |"),
                "Markdown");
        assertTrue(compare(run, "--format", "csv").lines().findFirst().get().contains("," + metric.word() + "_ratio,"), "CSV");
        var json = JsonMapper.shared().readTree(compare(run, "--metric", metric.word(), "--format", "json"));
        assertEquals(List.of(metric.word()), List.copyOf(json.at("/sections/0/groups/1/against").propertyNames()), "JSON");
        assertTrue(json.at("/headline").asString().toLowerCase().contains(metric.goal()), json.at("/headline").asString());
        var page = folder.resolve("report.html");
        compare(run, "--metric", metric.word(), "--export", page);
        assertTrue(Files.readString(page).contains("\"word\":\"" + metric.word() + "\",\"title\":\"" + metric.title() + "\""),
                "page");
    }

    @Test
    void whatCanBeComparedIsInTheDocumentation() throws Exception {
        var documented = Files.readString(Path.of("docs/measurement.md")) + Files.readString(Path.of("docs/comparing.md"));
        assertEquals(List.of(), comparable().stream().filter(metric -> !documented.contains("**" + metric.title() + "**")
                && !documented.contains("`" + metric.title() + "`")).toList());
    }

    /** A request that never ends has an infinite time, and nothing per second. */
    @Test
    void theWorstValueIsThatOfTheFamily() {
        comparable().forEach(metric -> assertEquals(Double.POSITIVE_INFINITY, metric.worst(), metric.name()));
        assertEquals(0, Metric.TOKENS_PER_S.worst());
        assertTrue(Double.isNaN(Metric.OUTPUT_TOKENS.worst()) && Double.isNaN(Metric.QUEUE.worst()));
    }
}
