//JAVA 25+
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/Version.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../record/RunManifest.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/Section.java
//SOURCES Palette.java
//SOURCES PictureSettings.java
//SOURCES Svg.java

package stream.report;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

import stream.compare.Aggregate;
import stream.compare.Comparison;
import stream.compare.Group;
import stream.metric.Metric;
import stream.terminal.OneLine;
import stream.terminal.Version;

/** One picture of a comparison: the sentence, the distribution of TTFT with its medians, the total, and where it is from. */
final class Card {

    private static final int WIDTH = 960;
    private static final int MARGIN = 36;
    private static final int ROW = 64;
    private static final int AXIS_LEFT = 250;
    private static final int AXIS_RIGHT = 720;
    private static final int TITLE_SIZE = 24;
    private static final int TITLE_CHARACTERS = 62; // of a line, in any usual font
    private static final int LABEL_CHARACTERS = 24;
    private static final int MOST_ROWS = 8;
    private static final int MOST_DOTS = 60;

    private final String name;
    private final Comparison comparison;
    private final PictureSettings settings;

    Card(String name, Comparison comparison, PictureSettings settings) {
        this.name = name;
        this.comparison = comparison;
        this.settings = settings;
    }

    /** Returns it as SVG; throws IOException with a message for the user if there is nothing to draw. */
    String svg() throws IOException {
        if (comparison.source() == null) {
            throw new IOException(name + ": a table of a comparison has no requests to draw; name the folders of the runs");
        }
        var section = comparison.source().sections().getFirst();
        var groups = section.groups().stream().limit(MOST_ROWS).filter(group -> group.values(Metric.TTFT).length > 0).toList();
        if (groups.isEmpty()) {
            throw new IOException(name + ": no completed request has a TTFT; there is nothing to draw");
        }
        var sentence = settings.title() != null ? settings.title() : comparison.headline();
        var title = List.of(OneLine.wrapped(sentence, TITLE_CHARACTERS, "").split("\n"));
        var top = MARGIN + title.size() * (TITLE_SIZE + 8) + 40;
        var svg = new Svg(WIDTH, top + groups.size() * ROW + 92, comparison.headline(), settings.ground());
        for (int i = 0; i < title.size(); i++) {
            svg.text(MARGIN, MARGIN + TITLE_SIZE + i * (TITLE_SIZE + 8), TITLE_SIZE, settings.ink(), true, "start", title.get(i));
        }
        svg.text(AXIS_LEFT, top - 14, 14, settings.soft(), false, "start", "time to first token, and its median");
        svg.text(WIDTH - MARGIN, top - 14, 14, settings.soft(), false, "end", "median total");
        var end = groups.stream().flatMapToDouble(group -> Arrays.stream(group.values(Metric.TTFT))).max().orElseThrow();
        axis(svg, top, top + groups.size() * ROW, end);
        for (int i = 0; i < groups.size(); i++) {
            row(svg, groups.get(i), Palette.svg(section.groups().indexOf(groups.get(i)), settings.dark()), top + i * ROW, end);
        }
        svg.text(MARGIN, top + groups.size() * ROW + 66, 14, settings.soft(), false, "start", origin(groups));
        return svg.toString();
    }

    private void axis(Svg svg, int top, int bottom, double end) {
        var step = Svg.step(end);
        for (double at = 0; at <= end; at += step) {
            svg.line(x(at, end), top, x(at, end), bottom, settings.line(), 1);
            var label = Svg.number(at, step) + (at == 0 ? " ms" : "");
            svg.text(x(at, end), bottom + 20, 13, settings.soft(), false, "middle", label);
        }
    }

    private static double x(double millis, double end) {
        return AXIS_LEFT + millis / end * (AXIS_RIGHT - AXIS_LEFT);
    }

    private void row(Svg svg, Group group, String colour, int top, double end) {
        var middle = top + ROW / 2;
        svg.rectangle(MARGIN, middle - 7, 12, 12, colour, 1);
        svg.text(MARGIN + 20, middle + 5, 16, settings.ink(), true, "start",
                OneLine.withoutMiddle(OneLine.of(group.definition().labelled(group.label())), LABEL_CHARACTERS));
        var values = group.values(Metric.TTFT);
        var dots = Math.min(MOST_DOTS, values.length);
        for (int i = 0; i < dots; i++) { // quantiles, so that many requests look like few
            svg.circle(x(values[(int) ((i + 0.5) * values.length / dots)], end), middle + 6 + i % 3 * 5 - 5, 4, colour, 0.4);
        }
        var median = group.quantile(Metric.TTFT, 0.5);
        svg.rectangle(x(median, end) - 1.5, top + 14, 3, ROW - 24, colour, 1);
        svg.text(x(median, end) + 6, top + 16, 14, settings.ink(), true, "start", Aggregate.TTFT_P50.cell(median) + " ms");
        var total = group.quantile(Metric.TOTAL, 0.5);
        svg.text(WIDTH - MARGIN, middle + 5, 16, settings.ink(), false, "end",
                (total == null ? "" : Aggregate.TOTAL_P50.cell(total) + " ms"));
    }

    private String origin(List<Group> groups) {
        var least = groups.stream().mapToInt(group -> group.completed().size()).min().orElseThrow();
        var most = groups.stream().mapToInt(group -> group.completed().size()).max().orElseThrow();
        var days = comparison.source().runs().stream().map(run -> run.manifest().startedAt()).filter(Objects::nonNull)
                .map(time -> time.substring(0, Math.min(10, time.length()))).sorted().toList();
        return "n = " + (least == most ? String.valueOf(least) : least + " to " + most) + " requests each"
                + (days.isEmpty() ? "" : "  |  " + days.getFirst()) + "  |  stream " + Version.NUMBER
                + (comparison.terms().simulated() ? "  |  simulated" : "");
    }
}
