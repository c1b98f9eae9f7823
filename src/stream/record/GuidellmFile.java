//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ImportedRequest.java
//SOURCES ImportedRun.java
//SOURCES ReadProblems.java
//SOURCES RecordedRun.java
//SOURCES RequestColumn.java
//SOURCES ToolFile.java

package stream.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

import stream.metric.MetricDefinition;
import stream.metric.RequestStatus;
import tools.jackson.databind.JsonNode;

/**
 * What GuideLLM writes to its JSON report, schema versions 1 and 2 (0.5 to 0.8, October 2026): {@code benchmarks}, each a run, with
 * {@code requests.successful}, {@code errored} and {@code incomplete}; milliseconds, but {@code request_latency} in seconds; times
 * since 1970 in seconds. Requests of its warm-up and cool-down are in the lists, and left out as its own figures leave them out.
 */
final class GuidellmFile extends ToolFile {

    private static final Set<Integer> KNOWN_VERSIONS = Set.of(1, 2);

    GuidellmFile(Path path) {
        super(path, MetricDefinition.GUIDELLM);
    }

    @Override
    void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException {
        if (!KNOWN_VERSIONS.contains(json.path("metadata").path("version").asInt(0))) {
            throw lacks("a metadata.version of 1 or 2",
                    "versions before 0.5 define their figures otherwise, later ones are not known");
        }
        for (var benchmark : json.get("benchmarks")) {
            var options = new LinkedHashMap<String, Object>();
            options.put("strategy", benchmark.path("config").path("strategy").path("type_").asString(null));
            var model = model(json, benchmark);
            var run = run(title(runs.size() + 1), options, Set.of(model));
            runs.add(run);
            if (!benchmark.path("requests").path("successful").isArray()) {
                throw lacks("benchmarks[].requests.successful", "write the report with all requests (sample_size)");
            }
            add(run, benchmark, "successful", RequestStatus.COMPLETED, model, problems);
            add(run, benchmark, "errored", RequestStatus.FAILED, model, problems);
            add(run, benchmark, "incomplete", RequestStatus.CANCELLED, model, problems);
            var made = benchmark.path("scheduler_metrics").path("requests_made").path("successful").asInt(0);
            var written = benchmark.get("requests").get("successful").size();
            if (written < made) {
                problems.add(run.title() + ": GuideLLM wrote " + written + " of its " + made
                        + " successful requests (sample_size)");
            }
        }
    }

    private static String model(JsonNode json, JsonNode benchmark) {
        return java.util.stream.Stream.of(benchmark.path("config").path("backend").path("model"),
                        json.path("config").path("spec").path("backend").path("model"), json.path("args").path("model"))
                .map(model -> model.asString("")).filter(model -> !model.isEmpty()).findFirst().orElse("model");
    }

    private static void add(ImportedRun run, JsonNode benchmark, String list, RequestStatus status,
            String model, ReadProblems problems) {
        for (var request : benchmark.path("requests").path(list)) {
            var timings = request.path("info").path("timings");
            var begin = number(request, "request_start_time");
            var end = number(request, "request_end_time");
            if (Double.isNaN(begin)) {
                problems.add(run.title() + ": request " + request.path("request_id").asString("without an id")
                        + " has no request_start_time; it is left out");
                continue;
            }
            if (end < number(benchmark, "start_time") || begin > number(benchmark, "end_time")) {
                continue; // of the warm-up or the cool-down
            }
            var last = (number(timings, "last_token_iteration") - number(timings, "request_start")) * 1000;
            var found = new MetricDefinition.Times(number(request, "time_to_first_token_ms"),
                    number(request, "inter_token_latency_ms"),
                    number(request, "time_per_output_token_ms"), last, number(request, "request_latency") * 1000, Double.NaN,
                    number(request, "output_tokens_per_second"));
            var text = request.path("output").asString(null);
            run.add(new ImportedRequest(request.path("request_id").asString(list + " " + run.answers().size()), model, status)
                    .put(RequestColumn.ERROR, status == RequestStatus.COMPLETED
                    ? null : request.path("info").path("error").asString(""))
                    .put(RequestColumn.TTFT_MS, found.ttft()).put(RequestColumn.STARTED_AT, instant(begin))
                    .put(RequestColumn.OUTPUT_CHARS, text == null ? null : text.codePointCount(0, text.length()))
                    .putTokens(number(request, "output_tokens")), found, new long[0], text);
        }
    }
}
