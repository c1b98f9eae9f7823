//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ImportedRequest.java
//SOURCES ImportedRun.java
//SOURCES ReadProblems.java
//SOURCES RequestColumn.java
//SOURCES ToolFile.java

package stream.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

import stream.metric.MetricDefinition;
import stream.metric.RequestStatus;
import tools.jackson.databind.JsonNode;

/**
 * What AIPerf writes to {@code profile_export.jsonl}, as of version 0.13 (September 2026): one object per request, {@code metrics}
 * with a value and a unit each, none if it failed; epoch nanoseconds. It names neither the model nor the prompt.
 */
final class AiperfFile extends ToolFile {

    private static final Map<String, Double> MILLIS = Map.of("ms", 1.0, "s", 1e3, "sec", 1e3, "us", 1e-3, "ns", 1e-6);

    AiperfFile(Path path) {
        super(path, MetricDefinition.AIPERF);
    }

    @Override
    boolean isLineByLine() {
        return true;
    }

    @Override
    void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException {
        var metadata = json.path("metadata");
        var metrics = json.path("metrics");
        var hasFailed = json.hasNonNull("error");
        if (!metadata.isObject()) {
            problems.add(path(), line, "no metadata");
            return;
        }
        if (runs.isEmpty()) {
            if (!metadata.has("request_start_ns")) {
                throw lacks("metadata.request_start_ns", "it is of a version before December 2025; profile again with a newer one");
            }
            runs.add(run(fileName(), Map.of(), Set.of(fileName())));
        }
        if (!metadata.path("benchmark_phase").asString("profiling").equals("profiling")) {
            return;
        }
        if (!hasFailed && Double.isNaN(millis(metrics, "request_latency"))) {
            problems.add(path(), line, "no request_latency in a unit that is known");
            return;
        }
        var isCancelled = metadata.path("was_cancelled").asBoolean(false);
        var found = new MetricDefinition.Times(millis(metrics, "time_to_first_token"),
                millis(metrics, "inter_token_latency"), Double.NaN,
                millis(metrics, "request_latency"), millis(metrics, "request_latency"), millis(metrics, "time_to_second_token"),
                value(metrics, "e2e_output_token_throughput"));
        var request = new ImportedRequest(metadata.path("x_request_id").asString(String.valueOf(line)), fileName(),
                isCancelled ? RequestStatus.CANCELLED : hasFailed ? RequestStatus.FAILED : RequestStatus.COMPLETED)
                .put(RequestColumn.ERROR, hasFailed ? json.get("error").path("message").asString("") : null)
                .put(RequestColumn.TTFT_MS, found.ttft())
                .put(RequestColumn.STARTED_AT, instant(number(metadata, "request_start_ns") / 1e9))
                .putTokens(value(metrics, "output_sequence_length"));
        runs.getFirst().add(request, found, gaps(metrics.path("inter_chunk_latency")), null);
    }

    private static long[] gaps(JsonNode metric) {
        var unit = MILLIS.getOrDefault(metric.path("unit").asString("ms"), Double.NaN);
        return metric.path("value").valueStream().filter(value -> number(value) >= 0)
                .mapToLong(value -> Math.round(value.doubleValue() * unit * 1000)).toArray();
    }

    private static double value(JsonNode metrics, String name) {
        return number(metrics.path(name), "value");
    }

    private static double millis(JsonNode metrics, String name) {
        return value(metrics, name) * MILLIS.getOrDefault(metrics.path(name).path("unit").asString("ms"), Double.NaN);
    }
}
