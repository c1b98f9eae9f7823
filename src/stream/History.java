//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES Statistics.java
//SOURCES Groups.java
//SOURCES Comparison.java
//SOURCES Export.java
//SOURCES Pictures.java
//FILES stream/history.html=history.html

// History: a metric of each model over many runs of the same prompts, and where it changed.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * One run in the history of a model.
 *
 * @param ratio  of the run to the mean of all, over the prompts that all have (geometric means); null if it has no value, or is alone
 * @param lower  of its 95 % interval, Student's over the prompts, which tells how exact the run is and not how runs vary; null with
 *               one prompt
 * @param change the change that begins with this run; null if none does
 */
record HistoryPoint(Group group, Double ratio, Double lower, Double upper, ChangePoints.Change change) {

    private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm").withZone(ZoneOffset.UTC);

    /** Returns when the first request was sent, in UTC; empty if that is not known. */
    String began() {
        return group.firstStart() == null ? "" : MINUTE.format(group.firstStart());
    }
}

/**
 * The history of a model.
 *
 * @param points       in the order of time
 * @param runsResemble whether runs resemble the one before them, so that a slow drift looks like a change
 */
record ModelHistory(String model, Metric metric, List<HistoryPoint> points, boolean runsResemble) {

    /**
     * Computes it over the prompts that the newest run with a value has. Runs that lack one of these are left out and noted; runs
     * without a completed request stay, without a ratio.
     */
    static ModelHistory of(Section section, Metric metric, List<String> notes) {
        var groups = section.groups().stream().filter(group -> group.hasValues(metric)).toList();
        var prompts = groups.isEmpty() ? Set.<String>of() : groups.getLast().logMeans(metric).keySet();
        var kept = groups.stream().filter(group -> group.logMeans(metric).keySet().containsAll(prompts)).toList();
        groups.stream().filter(group -> !kept.contains(group)).forEach(group -> notes.add(section.title() + ", " + group.label()
                + ": without some of the prompts of the newest run, left out (" + group.failed() + " of " + group.requests() + " failed)"));
        var means = prompts.stream().collect(Collectors.toMap(prompt -> prompt, prompt ->
                kept.stream().mapToDouble(group -> group.logMeans(metric).get(prompt)).average().orElseThrow()));
        var deviations = kept.stream().map(group -> deviations(group.logMeans(metric), means)).toList();
        var series = deviations.stream().mapToDouble(ModelHistory::mean).toArray();
        var changes = ChangePoints.of(series);
        var points = new ArrayList<HistoryPoint>();
        for (var group : section.groups()) {
            var at = kept.indexOf(group);
            if (at >= 0 && kept.size() > 1) {
                points.add(point(group, deviations.get(at), kept.size(), changes.stream().filter(change -> change.at() == at).findFirst()
                        .orElse(null)));
            } else if (at >= 0 || !group.hasValues(metric)) {
                points.add(new HistoryPoint(group, null, null, null, null));
            }
        }
        return new ModelHistory(section.title(), metric, points, ChangePoints.runsResemble(series, changes));
    }

    private static double[] deviations(Map<String, Double> ofRun, Map<String, Double> means) {
        return means.entrySet().stream().mapToDouble(mean -> ofRun.get(mean.getKey()) - mean.getValue()).toArray();
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    /** The mean of {@code runs} runs contains the run itself, which makes its deviations from that smaller. */
    private static HistoryPoint point(Group group, double[] deviations, int runs, ChangePoints.Change change) {
        var mean = mean(deviations);
        if (deviations.length < 2) {
            return new HistoryPoint(group, Math.exp(mean), null, null, change);
        }
        var variance = Arrays.stream(deviations).map(deviation -> (deviation - mean) * (deviation - mean)).sum()
                / (deviations.length - 1) * runs / (runs - 1);
        var half = TDistribution.of(deviations.length - 1).inverseCumulativeProbability(0.975) * Math.sqrt(variance / deviations.length);
        return new HistoryPoint(group, Math.exp(mean), Math.exp(mean - half), Math.exp(mean + half), change);
    }

    /** Returns what is to be told of it, as a sentence. */
    String sentence() {
        var measured = points.stream().filter(point -> point.ratio() != null).count();
        var failed = points.stream().filter(point -> point.group().completed().isEmpty()).count();
        var changes = points.stream().filter(point -> point.change() != null).map(point -> changed(point) + " with "
                + point.group().label()).toList();
        return model + ", " + metric.title() + " of " + Count.of(points.size(), "run") + ": "
                + (!changes.isEmpty() ? "changed " + String.join(", then ", changes)
                + (runsResemble ? ", but each run resembles the one before: a slow drift looks the same" : "")
                : measured < ChangePoints.FEWEST ? "fewer than " + ChangePoints.FEWEST + ", too few to tell a change"
                : "no change that is more than chance") + (failed == 0 ? "" : "; nothing completed in " + Count.of(failed, "run")) + ".";
    }

    /** Returns a change in words, as in "to 1.25x (1.18 to 1.33)". */
    static String changed(HistoryPoint point) {
        var change = point.change();
        return String.format(Locale.ROOT, "to %.2fx (%.2f to %.2f)", change.ratio(), change.lower(), change.upper());
    }
}

/** The histories of all models. */
final class RunHistory {

    private final List<ModelHistory> models;
    private final List<String> notes;

    private RunHistory(List<ModelHistory> models, List<String> notes) {
        this.models = models;
        this.notes = notes;
    }

    /**
     * Reads the runs.
     *
     * @throws IOException if a run cannot be read, or the folders contain no run
     * @throws UserError   if several metrics are asked for
     */
    static RunHistory of(ComparisonSettings settings, PrintStream progress) throws IOException {
        new OptionChecks().require(settings.metrics().size() <= 1, "--history shows one metric; name one with --metric").throwIfAny();
        var metric = settings.metrics().isEmpty() ? Metric.TTFT : settings.metrics().getFirst();
        var problems = new ReadProblems();
        var source = Comparison.ofEachRun(settings, problems, progress);
        var notes = new ArrayList<String>();
        var models = new ArrayList<ModelHistory>();
        for (var section : source.sections()) {
            models.add(ModelHistory.of(section, metric, notes));
        }
        if (source.sections().stream().flatMap(section -> section.groups().stream()).noneMatch(group -> group.hasValues(metric))) {
            throw new IOException("--history: no run has a value of " + metric.word() + "; name another metric with --metric");
        }
        if (source.runs().stream().anyMatch(run -> run.manifest().simulated())) {
            notes.addFirst("simulated: the figures say nothing about the real models of these names");
        }
        notes.addAll(problems.lines());
        return new RunHistory(List.copyOf(models), List.copyOf(notes));
    }

    /** Returns it as text for a terminal or a file. */
    String text(TextLayout layout) {
        var text = new StringBuilder();
        for (var model : models) {
            text.append(OneLine.wrapped(OneLine.of(model.sentence()), layout.width(), "")).append("\n\n")
                    .append(table(model, true).text(layout.width(), layout.styled())).append('\n');
        }
        notes.forEach(note -> text.append(OneLine.wrapped("note: " + OneLine.of(note), layout.width(), "      ")).append('\n'));
        return text.toString();
    }

    String markdown() {
        var text = new StringBuilder();
        for (var model : models) {
            text.append("**").append(Table.escaped(model.sentence())).append("**\n\n").append(table(model, false).markdown()).append('\n');
        }
        notes.forEach(note -> text.append("- ").append(Table.escaped(note)).append('\n'));
        return text.toString();
    }

    private static Table table(ModelHistory model, boolean drawsBars) {
        var table = new Table().column("run", true).labels().column("began (UTC)", true).optional(0).column("n", false).optional(2)
                .column("failed", false).optional(3).column("p50 ms", false).column("ratio", false).column("95 % interval", false);
        if (drawsBars) {
            table.column("", true).optional(1);
        }
        table.column("change", true);
        var bar = RatioBar.of(model.points().stream().flatMap(point ->
                java.util.stream.Stream.of(point.ratio(), point.lower(), point.upper())).toList());
        for (var point : model.points()) {
            var group = point.group();
            var row = new ArrayList<>(List.of(group.label(), point.began(), String.valueOf(group.requests()), String.valueOf(group.failed()),
                    median(point, model.metric()), ratio(point.ratio()), point.lower() == null ? ""
                            : String.format(Locale.ROOT, "%.2f to %.2f", point.lower(), point.upper())));
            if (drawsBars) {
                row.add(bar.of(point.ratio(), point.lower(), point.upper()));
            }
            row.add(point.change() == null ? "" : ModelHistory.changed(point));
            table.row(row);
            if (point.change() != null) {
                table.mark(row.size() - 1, point.change().ratio() > 1 ? Table.Mark.BAD : Table.Mark.BEST);
            }
        }
        return table;
    }

    private static String ratio(Double ratio) {
        return ratio == null ? "" : String.format(Locale.ROOT, "%.2fx", ratio);
    }

    /** Returns the median of the requests of a run; empty if none completed. */
    private static String median(HistoryPoint point, Metric metric) {
        return Aggregate.TTFT_P50.cell(point.group().quantile(metric, 0.5));
    }

    /** Returns a row for each run of each model, as docs/machines.md describes it. */
    String csv() {
        var text = new StringWriter();
        try (var rows = new CSVPrinter(text, CSVFormat.RFC4180)) {
            rows.printRecord("model", "metric", "run", "began", "n", "failed", "p50_ms", "ratio", "low", "high", "change_ratio", "change_low",
                    "change_high");
            for (var model : models) {
                for (var point : model.points()) {
                    var group = point.group();
                    var change = point.change();
                    var median = group.quantile(model.metric(), 0.5);
                    rows.printRecord(model.model(), model.metric().word(), group.label(), group.firstStart(), group.requests(), group.failed(),
                            median == null ? "" : Metrics.millis(median * 1000), number(point.ratio()), number(point.lower()),
                            number(point.upper()), number(change == null ? null : change.ratio()), number(change == null ? null : change.lower()),
                            number(change == null ? null : change.upper()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter does not fail
        }
        return text.toString();
    }

    private static String number(Double number) {
        return number == null || number.isNaN() ? "" : String.format(Locale.ROOT, "%.4f", number);
    }

    /** Returns it as a page that loads nothing. */
    String html() throws IOException {
        var body = new StringBuilder();
        for (var model : models) {
            body.append("<section><h2>").append(Svg.escaped(model.sentence())).append("</h2>\n").append("<div class=\"scroll\">")
                    .append(new HistoryChart(model).svg()).append("</div>\n").append(rows(model)).append("</section>\n");
        }
        notes.forEach(note -> body.append("<p class=\"note\">").append(Svg.escaped(note)).append("</p>\n"));
        try (var template = RunHistory.class.getResourceAsStream("history.html")) {
            return new String(template.readAllBytes(), StandardCharsets.UTF_8).replace("{{body}}", body);
        }
    }

    private static String rows(ModelHistory model) {
        var html = new StringBuilder("<div class=\"scroll\"><table><thead><tr><th>run</th><th>began (UTC)</th><th>n</th><th>failed</th>"
                + "<th>p50 ms</th><th>ratio</th><th>95 % interval</th><th>change</th></tr></thead><tbody>\n");
        for (var point : model.points()) {
            html.append(point.change() == null ? "<tr>" : "<tr class=\"change\">");
            for (var cell : List.of(point.group().label(), point.began(), String.valueOf(point.group().requests()),
                    String.valueOf(point.group().failed()), median(point, model.metric()),
                    ratio(point.ratio()), point.lower() == null ? "" : String.format(Locale.ROOT, "%.2f to %.2f", point.lower(), point.upper()),
                    point.change() == null ? "" : ModelHistory.changed(point))) {
                html.append("<td>").append(Svg.escaped(cell)).append("</td>");
            }
            html.append("</tr>\n");
        }
        return html.append("</tbody></table></div>\n").toString();
    }
}

/** The ratios of a history with their intervals, a line where a change begins. */
final class HistoryChart {

    private static final int WIDTH = 880;
    private static final int HEIGHT = 260;
    private static final int LEFT = 64;
    private static final int RIGHT = WIDTH - 20;
    private static final int TOP = 36;
    private static final int BOTTOM = HEIGHT - 32;
    private static final double LEAST_REACH = 0.1; // of the logarithm, if no difference is larger
    private static final String INK = "#1f2328";
    private static final String LINE = "#d0d7de";
    private static final String GROUND = "#ffffff";

    private final ModelHistory model;
    private final double reach;

    HistoryChart(ModelHistory model) {
        this.model = model;
        this.reach = model.points().stream().flatMap(point -> java.util.stream.Stream.of(point.ratio(), point.lower(), point.upper()))
                .filter(ratio -> ratio != null && ratio > 0).mapToDouble(ratio -> Math.abs(Math.log(ratio))).max().orElse(0);
    }

    String svg() {
        var svg = new Svg(WIDTH, HEIGHT, model.sentence(), GROUND);
        for (var ratio : List.of(Math.exp(-top()), 1.0, Math.exp(top()))) {
            svg.line(LEFT, y(ratio), RIGHT, y(ratio), LINE, 1);
            svg.text(LEFT - 8, y(ratio) + 5, 13, INK, false, "end", String.format(Locale.ROOT, "%.2fx", ratio));
        }
        var points = model.points();
        for (int i = 0; i < points.size(); i++) {
            var point = points.get(i);
            if (point.ratio() == null) {
                svg.text(x(i), BOTTOM - 4, 13, INK, false, "middle", "-");
                continue;
            }
            if (point.change() != null) {
                var x = (x(i) + x(i - 1)) / 2;
                svg.line(x, TOP - 6, x, BOTTOM, Palette.svg(1, false), 2);
                svg.text(Math.min(x, RIGHT - 170), TOP - 10, 13, Palette.svg(1, false), true, "start", ModelHistory.changed(point));
            }
            if (point.lower() != null) {
                svg.line(x(i), y(point.lower()), x(i), y(point.upper()), Palette.svg(0, false), 2);
            }
            svg.circle(x(i), y(point.ratio()), 4, Palette.svg(0, false), 1);
        }
        svg.text(LEFT, HEIGHT - 8, 13, INK, false, "start", points.getFirst().began());
        svg.text(RIGHT, HEIGHT - 8, 13, INK, false, "end", points.getLast().began());
        return svg.toString();
    }

    private double top() {
        return Math.max(LEAST_REACH, reach);
    }

    private double x(int run) {
        return LEFT + (RIGHT - LEFT) * (run + 0.5) / model.points().size();
    }

    private double y(double ratio) {
        return TOP + (BOTTOM - TOP) * (1 - Math.log(ratio) / top()) / 2;
    }
}
