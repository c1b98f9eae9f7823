//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../metric/TokenTimes.java
//SOURCES ImportedRequest.java
//SOURCES ImportedRun.java
//SOURCES ReadProblems.java
//SOURCES RecordedRun.java
//SOURCES RequestColumn.java
//SOURCES ToolFile.java

package stream.record;

import java.io.IOException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

import stream.metric.MetricDefinition;
import stream.metric.RequestStatus;
import stream.metric.TokenTimes;
import tools.jackson.databind.JsonNode;

/**
 * What {@code vllm bench serve --save-result --save-detailed} writes, from {@code vllm/benchmarks/serve.py} at commit 009e6d4a
 * (September 2026): one object per run, {@code ttfts} in seconds, {@code itls} a list per request, in the order in which the
 * requests were sent, {@code errors} empty for a success. A failed request keeps what came before its error.
 */
final class VllmFile extends ToolFile {

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

    VllmFile(Path path) {
        super(path, MetricDefinition.VLLM);
    }

    @Override
    void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException {
        for (var list : List.of("ttfts", "itls", "output_lens", "errors")) {
            if (!json.path(list).isArray()) {
                throw lacks(list, "run vllm bench serve with --save-result --save-detailed");
            }
            if (json.get(list).size() != json.get("ttfts").size()) {
                throw lacks("an entry in " + list + " for each of its " + json.get("ttfts").size() + " ttfts", "save it again");
            }
        }
        var model = json.path("model_id").asString("model");
        var options = new LinkedHashMap<String, Object>();
        options.put("concurrency", json.path("max_concurrency").isNumber() ? json.get("max_concurrency").intValue() : null);
        options.put("rate", json.path("request_rate").isNumber() ? json.get("request_rate").doubleValue() : null);
        var run = run(title(runs.size() + 1), options, Set.of(model));
        runs.add(run);
        var beginSeconds = begin(json);
        for (int i = 0; i < json.get("ttfts").size(); i++) {
            if (isReadable(json, i)) {
                add(run, json, i, model, beginSeconds);
            } else {
                problems.add(run.title() + ": ttfts, itls or output_lens of request " + (i + 1)
                        + " are not numbers, at least 0; it is left out");
            }
        }
    }

    private static boolean isReadable(JsonNode json, int at) {
        var itls = json.get("itls").get(at);
        return number(json.get("ttfts").get(at)) >= 0 && number(json.get("output_lens").get(at)) >= 0 && itls.isArray()
                && itls.valueStream().allMatch(gap -> number(gap) >= 0);
    }

    private static void add(ImportedRun run, JsonNode json, int at, String model, double beginSeconds) {
        var times = new TokenTimes(json.get("itls").get(at).size() + 1, true);
        var gaps = new long[json.get("itls").get(at).size()];
        var seconds = json.get("ttfts").get(at).doubleValue();
        var isSuccess = json.get("errors").get(at).asString("").isEmpty() && seconds > 0;
        if (seconds > 0) {
            times.add(micros(seconds));
        }
        for (int i = 0; i < gaps.length; i++) {
            seconds += json.get("itls").get(at).get(i).doubleValue();
            gaps[i] = times.add(micros(seconds));
        }
        var tokens = json.get("output_lens").get(at).doubleValue();
        var found = MetricDefinition.VLLM.times(times, tokens, Double.NaN);
        var text = json.path("generated_texts").path(at).asString(null);
        var request = new ImportedRequest(String.valueOf(at + 1), model, isSuccess ? RequestStatus.COMPLETED : RequestStatus.FAILED)
                .put(RequestColumn.ERROR, isSuccess ? null : lastLine(json.get("errors").get(at).asString("")))
                .put(RequestColumn.EVENTS, times.count()).put(RequestColumn.TTFT_MS, found.ttft())
                .put(RequestColumn.STARTED_AT, instant(beginSeconds + number(json.path("start_times").path(at))
                        - number(json.path("start_times").path(0))));
        if (isSuccess) {
            request.putTokens(tokens).put(RequestColumn.OUTPUT_CHARS, text == null ? null : text.codePointCount(0, text.length()));
        }
        run.add(request, found, gaps, text);
    }

    private static long micros(double seconds) {
        return Math.round(seconds * 1e6);
    }

    /**
     * Returns when the run began, in seconds since 1970; NaN if that is not known. It is written when the run ends, in local time.
     */
    private static double begin(JsonNode json) {
        try {
            var end = LocalDateTime.parse(json.path("date").asString(""), DATE).atZone(ZoneId.systemDefault());
            return end.toEpochSecond() - number(json, "duration");
        } catch (DateTimeException e) {
            return Double.NaN;
        }
    }

    /** Returns the line of a Python traceback that tells what happened. */
    private static String lastLine(String error) {
        var lines = error.strip().lines().toList();
        return lines.isEmpty() ? "the tool does not say why" : lines.getLast().strip();
    }
}
