//JAVA 25+
//SOURCES ../terminal/OneLine.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/Section.java
//SOURCES Distribution.java
//SOURCES Palette.java
//SOURCES Svg.java

package stream.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.metric.Metric;
import stream.terminal.OneLine;

/** The cumulative distribution of a metric in each group as a picture. */
final class DistributionChart {

    private static final int MOST_LINES = 8;
    private static final int WIDTH = 880;
    private static final int LEFT = 64;
    private static final int RIGHT = WIDTH - 28;
    private static final int TOP = 56;
    private static final int BOTTOM = 356;
    private static final int LEGEND_COLUMNS = 2;
    private static final int LEGEND_WIDTH = (RIGHT - LEFT) / LEGEND_COLUMNS;
    private static final int LEGEND_HEIGHT = 24;
    private static final int LABEL_COLUMNS = 42; // of a terminal, which fit in a column of the legend
    private static final String INK = "#1f2328";
    private static final String LINE = "#d0d7de";
    private static final String GROUND = "#ffffff";
    /** The values of a group in ascending order. */
    private record Curve(String label, double[] values) {}

    private final String title;
    private final List<Curve> curves;
    private final double end;

    private DistributionChart(String title, List<Curve> curves) {
        this.title = title;
        this.curves = curves;
        this.end = curves.stream().mapToDouble(curve -> curve.values[curve.values.length - 1]).max().orElseThrow();
    }

    /**
     * Draws the metric with which the name of the file begins, else TTFT.
     *
     * @throws IOException with a message for the user if there is nothing to draw
     */
    static DistributionChart named(String name, Comparison comparison) throws IOException {
        if (comparison.source() == null) {
            throw new IOException(name + ": a table of a comparison has no requests to draw; name the folders of the runs");
        }
        var metric = ComparisonSettings.COMPARABLE.stream()
                .filter(each -> name.toLowerCase(Locale.ROOT).startsWith(each.word()))
                .max(Comparator.comparingInt(each -> each.word().length())).orElse(Metric.TTFT);
        var curves = new ArrayList<Curve>();
        for (var section : comparison.source().sections()) {
            for (var group : section.groups()) {
                if (group.values(metric).length > 0 && curves.size() < MOST_LINES) {
                    curves.add(new Curve((section.title().isEmpty() ? "" : section.title() + ", ")
                            + group.definition().labelled(group.label()), group.values(metric)));
                }
            }
        }
        if (curves.isEmpty()) {
            throw new IOException(name + ": no completed request has a " + metric.name() + "; there is nothing to draw");
        }
        return new DistributionChart(metric.caption() + (comparison.terms().simulated() ? " (simulated)" : ""), curves);
    }

    String svg() {
        var legend = BOTTOM + 68;
        var rows = (curves.size() + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
        var svg = new Svg(WIDTH, legend + rows * LEGEND_HEIGHT, title, GROUND);
        svg.text((LEFT + RIGHT) / 2.0, 30, 16, INK, true, "middle", title);
        axes(svg);
        for (int i = 0; i < curves.size(); i++) {
            var colour = Palette.svg(i, false);
            svg.path(steps(curves.get(i).values), colour, 2.5);
            var x = LEFT + i % LEGEND_COLUMNS * LEGEND_WIDTH;
            var y = legend + i / LEGEND_COLUMNS * LEGEND_HEIGHT;
            svg.line(x, y - 5, x + 24, y - 5, colour, 2.5);
            svg.text(x + 32, y, 14, INK, false, "start", OneLine.withoutMiddle(OneLine.of(curves.get(i).label), LABEL_COLUMNS));
        }
        return svg.toString();
    }

    private void axes(Svg svg) {
        for (int percent = 0; percent <= 100; percent += 25) {
            svg.line(LEFT, y(percent / 100.0), RIGHT, y(percent / 100.0), LINE, 1);
            svg.text(LEFT - 8, y(percent / 100.0) + 5, 13, INK, false, "end", percent + "%");
        }
        var step = Svg.step(end);
        for (int i = 0; i * step <= end; i++) {
            svg.line(x(i * step), TOP, x(i * step), BOTTOM, LINE, 1);
            svg.text(x(i * step), BOTTOM + 20, 13, INK, false, "middle", Svg.number(i * step, step));
        }
        svg.text(LEFT, TOP - 10, 13, INK, false, "start", "share of requests");
        svg.text(RIGHT, BOTTOM + 40, 13, INK, false, "end", "ms");
    }

    /** Returns the path of a distribution: up at each value, then to the right. */
    private String steps(double[] sorted) {
        var path = new StringBuilder(String.format(Locale.ROOT, "M%.1f %.1f", x(sorted[0]), y(0)));
        for (var point : Distribution.points(sorted)) {
            path.append(String.format(Locale.ROOT, "H%.1fV%.1f", x(point.value()), y(point.share())));
        }
        return path.append(String.format(Locale.ROOT, "H%.1f", x(end))).toString();
    }

    private double x(double millis) {
        return LEFT + (end == 0 ? 0 : millis / end) * (RIGHT - LEFT);
    }

    private static double y(double share) {
        return BOTTOM - share * (BOTTOM - TOP);
    }
}
