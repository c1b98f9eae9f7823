//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../metric/GapPositions.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../record/Column.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../record/RequestColumn.java
//SOURCES ../record/RunManifest.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/Race.java
//SOURCES ../compare/Section.java
//SOURCES Distribution.java

package stream.report;

import java.io.IOException;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;

import stream.compare.Comparison;
import stream.compare.Group;
import stream.compare.Section;
import stream.metric.Metric;
import stream.metric.Metrics;
import stream.record.ClientOverhead;
import stream.record.RecordedAnswer;
import stream.record.RecordedRun;
import stream.record.RequestColumn;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The data of the charts of a report, as JSON. */
final class ReportCharts {

    private static final int MOST_ROWS = 60;
    private static final int SLOWEST = 10;
    private static final int MOST_LINES = 8;
    private static final int LONGEST_TEXT = 2_000;

    private final List<Section> sections;
    private final List<RecordedRun> runs;

    ReportCharts(Comparison.Source source) {
        sections = source.sections();
        runs = source.runs();
    }

    /** Adds what concerns the runs as a whole; throws IOException if the text of an answer cannot be read. */
    void addRuns(ObjectNode json) throws IOException {
        runs.forEach(run -> metadata(json.withArray("recorded").addObject(), run));
        runs.forEach(run -> waterfall(json.withArray("waterfall"), run));
        load(json.putArray("load"));
        failures(json.putArray("failures"));
        slowest(json.putArray("slowest"));
    }

    /** Adds distributions, gaps by position and the races of a section. */
    void add(Section section, ObjectNode json) {
        for (var group : section.groups().stream().limit(MOST_LINES).toList()) {
            distribution(json.withArray("ttft").addObject().put("label", group.label()), group);
            var gaps = json.withArray("itl").addObject().put("label", group.label())
                    .put("error_ms", error(group, ClientOverhead::itlP50Micros))
                    .put("error_p99_ms", error(group, ClientOverhead::itlP99Micros));
            var tokens = gaps.putArray("token");
            var millis = gaps.putArray("ms");
            group.positions().medians().forEach(median -> {
                tokens.add(median.token());
                millis.add(median.millis());
            });
        }
        section.races().forEach(race -> {
            var entry = json.withArray("races").addObject().put("prompt", race.prompt());
            race.lanes().forEach(racing -> {
                var lane = entry.withArray("lanes").addObject().put("label", racing.label())
                        .put("repetition", racing.answer().repetition()).put("total_ms", millis(racing.answer(), Metric.TOTAL));
                var times = lane.putArray("ms");
                var texts = lane.putArray("text");
                racing.pieces().forEach(piece -> {
                    times.add(piece.elapsedMicros() / 1e3);
                    texts.add(piece.text());
                });
            });
        });
    }

    private void distribution(ObjectNode line, Group group) {
        line.put("error_ms", error(group, ClientOverhead::ttftP50Micros))
                .put("error_p99_ms", error(group, ClientOverhead::ttftP99Micros));
        var millis = line.putArray("ms");
        var shares = line.putArray("share");
        for (var point : Distribution.points(group.values(Metric.TTFT))) {
            millis.add(point.value());
            shares.add(point.share());
        }
    }

    /** Returns the largest error of the client among the runs of the group, in milliseconds; null if none states one. */
    private static Double error(Group group, Function<ClientOverhead, Double> quantile) {
        return group.byRun().keySet().stream().map(run -> run.manifest().clientOverhead()).filter(Objects::nonNull)
                .map(quantile).filter(Objects::nonNull).max(Double::compare).map(micros -> micros / 1e3).orElse(null);
    }

    private static void metadata(ObjectNode json, RecordedRun run) {
        json.put("run", run.name()).put("folder", run.path().toString()).put("requests", run.answers().size());
        var manifest = run.manifest().json();
        for (var key : List.of("started_at", "finished_at", "simulated", "client_overhead", "versions", "options", "models")) {
            if (manifest.hasNonNull(key)) {
                json.set(key, manifest.get(key));
            }
        }
    }

    private void waterfall(ArrayNode rows, RecordedRun run) {
        var first = run.answers().stream().filter(answer -> !Double.isNaN(answer.startMillis()))
                .sorted(Comparator.comparingDouble(RecordedAnswer::startMillis))
                .limit(Math.max(1, MOST_ROWS / runs.size())).toList();
        for (var answer : first) {
            var since = Math.round(answer.startMillis() - first.getFirst().startMillis());
            var row = rows.addObject().put("run", run.name()).put("request_id", answer.requestId())
                    .put("model", answer.model()).put("status", answer.status().word()).put("start_ms", since);
            for (var metric : List.of(Metric.QUEUE, Metric.SENT, Metric.HEADERS, Metric.TTFT, Metric.TTLT, Metric.TOTAL)) {
                row.put(RequestColumn.of(metric).word(), millis(answer, metric));
            }
        }
    }

    /** Throughput of each model of a run, with the concurrency of the run. */
    private void load(ArrayNode points) {
        for (var run : runs) {
            var byModel = run.answers().stream().filter(answer -> answer.completed() && !Double.isNaN(answer.startMillis())
                    && answer.knows(Metric.TOTAL)).collect(Collectors.groupingBy(RecordedAnswer::model, LinkedHashMap::new,
                            Collectors.toList()));
            var options = run.manifest().json().path("options");
            byModel.forEach((model, answers) -> {
                var begin = answers.stream().mapToDouble(RecordedAnswer::startMillis).min().orElseThrow();
                var end = answers.stream().mapToDouble(answer -> answer.startMillis() - begin + answer.get(Metric.TOTAL)).max()
                        .orElseThrow();
                var tokens = answers.stream().mapToDouble(answer -> answer.get(Metric.OUTPUT_TOKENS))
                        .filter(count -> !Double.isNaN(count)).sum();
                var ttfts = answers.stream().filter(answer -> answer.knows(Metric.TTFT))
                        .mapToDouble(answer -> answer.get(Metric.TTFT)).toArray();
                var point = points.addObject().put("run", run.name()).put("model", model)
                        .put("tokens_per_s", tokens / end * 1000).put("requests_per_s", answers.size() / end * 1000)
                        .put("ttft_p50_ms", Metrics.quantile(ttfts, 0.5));
                point.set("concurrency", options.path("concurrency").isNumber() ? options.get("concurrency") : null);
                point.set("rate", options.path("rate").isNumber() ? options.get("rate") : null);
            });
        }
    }

    private void failures(ArrayNode rows) {
        sections.stream().flatMap(section -> section.groups().stream()).flatMap(group -> group.failures().stream())
                .limit(MOST_ROWS).forEach(answer -> rows.addObject().put("request_id", answer.requestId())
                        .put("model", answer.model()).put("status", answer.status().word()).put("error", answer.error())
                        .put("total_ms", millis(answer, Metric.TOTAL)));
    }

    private void slowest(ArrayNode rows) throws IOException {
        var runOf = new IdentityHashMap<RecordedAnswer, RecordedRun>();
        sections.stream().flatMap(section -> section.groups().stream()).forEach(group -> group.byRun().forEach(
                (run, answers) -> answers.stream().filter(answer -> answer.knows(Metric.TOTAL))
                        .forEach(answer -> runOf.put(answer, run))));
        var slowest = runOf.keySet().stream().sorted(Comparator.comparingDouble((RecordedAnswer answer) -> answer.get(Metric.TOTAL))
                .reversed().thenComparing(RecordedAnswer::requestId)).limit(SLOWEST).toList();
        var texts = new IdentityHashMap<RecordedRun, Map<String, String>>();
        for (var run : runs) {
            var requestIds = slowest.stream().filter(answer -> runOf.get(answer) == run).map(RecordedAnswer::requestId)
                    .collect(Collectors.toSet());
            texts.put(run, requestIds.isEmpty() ? Map.of() : run.outputs(requestIds));
        }
        for (var answer : slowest) {
            var text = texts.get(runOf.get(answer)).getOrDefault(answer.requestId(), "");
            var row = rows.addObject().put("run", runOf.get(answer).name()).put("request_id", answer.requestId())
                    .put("model", answer.model());
            for (var metric : List.of(Metric.TTFT, Metric.TTLT, Metric.TOTAL, Metric.OUTPUT_TOKENS)) {
                row.put(RequestColumn.of(metric).word(), millis(answer, metric));
            }
            row.put("text", text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + " [...]");
        }
    }

    private static Double millis(RecordedAnswer answer, Metric metric) {
        return answer.knows(metric) ? answer.get(metric) : null;
    }
}
