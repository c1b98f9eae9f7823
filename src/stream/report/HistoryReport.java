//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/Table.java
//SOURCES ../terminal/TextLayout.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/ChangePoints.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/HistoryPoint.java
//SOURCES ../compare/ModelHistory.java
//SOURCES ../compare/RunHistory.java
//SOURCES HistoryChart.java
//SOURCES RatioBar.java
//SOURCES Svg.java
//FILES stream/report/history.html=history.html

package stream.report;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import stream.compare.Aggregate;
import stream.compare.HistoryPoint;
import stream.compare.ModelHistory;
import stream.compare.RunHistory;
import stream.metric.Metric;
import stream.metric.Metrics;
import stream.terminal.OneLine;
import stream.terminal.Table;
import stream.terminal.TextLayout;

/** A history as text, Markdown, CSV or a page. */
final class HistoryReport {

    private final List<ModelHistory> models;
    private final List<String> notes;

    HistoryReport(RunHistory history) {
        this.models = history.models();
        this.notes = history.notes();
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
            text.append("**").append(Table.escaped(model.sentence())).append("**\n\n")
                    .append(table(model, false).markdown()).append('\n');
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
            var row = new ArrayList<>(List.of(group.label(), point.began(), String.valueOf(group.requests()),
                    String.valueOf(group.failed()),
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
            rows.printRecord("model", "metric", "run", "began", "n", "failed", "p50_ms", "ratio", "low", "high",
                    "change_ratio", "change_low",
                    "change_high");
            for (var model : models) {
                for (var point : model.points()) {
                    var group = point.group();
                    var change = point.change();
                    var median = group.quantile(model.metric(), 0.5);
                    rows.printRecord(model.model(), model.metric().word(), group.label(), group.firstStart(),
                            group.requests(), group.failed(),
                            median == null ? "" : Metrics.millis(median * 1000), number(point.ratio()), number(point.lower()),
                            number(point.upper()), number(change == null ? null : change.ratio()),
                            number(change == null ? null : change.lower()),
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
        try (var template = HistoryReport.class.getResourceAsStream("history.html")) {
            return new String(template.readAllBytes(), StandardCharsets.UTF_8).replace("{{body}}", body);
        }
    }

    private static String rows(ModelHistory model) {
        var html = new StringBuilder("<div class=\"scroll\"><table><thead><tr><th>run</th><th>began "
                + "(UTC)</th><th>n</th><th>failed</th>"
                + "<th>p50 ms</th><th>ratio</th><th>95 % interval</th><th>change</th></tr></thead><tbody>\n");
        for (var point : model.points()) {
            html.append(point.change() == null ? "<tr>" : "<tr class=\"change\">");
            for (var cell : List.of(point.group().label(), point.began(), String.valueOf(point.group().requests()),
                    String.valueOf(point.group().failed()), median(point, model.metric()),
                    ratio(point.ratio()), point.lower() == null
                    ? "" : String.format(Locale.ROOT, "%.2f to %.2f", point.lower(), point.upper()),
                    point.change() == null ? "" : ModelHistory.changed(point))) {
                html.append("<td>").append(Svg.escaped(cell)).append("</td>");
            }
            html.append("</tr>\n");
        }
        return html.append("</tbody></table></div>\n").toString();
    }
}
