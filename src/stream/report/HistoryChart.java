//JAVA 25+
//SOURCES ../compare/HistoryPoint.java
//SOURCES ../compare/ModelHistory.java
//SOURCES Palette.java
//SOURCES Svg.java

package stream.report;

import java.util.List;
import java.util.Locale;

import stream.compare.ModelHistory;

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
        this.reach = model.points().stream()
                .flatMap(point -> java.util.stream.Stream.of(point.ratio(), point.lower(), point.upper()))
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
