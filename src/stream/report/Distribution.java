//JAVA 25+

package stream.report;

import java.util.ArrayList;
import java.util.List;

/** A cumulative distribution, thinned to what a chart can show. */
final class Distribution {

    private static final int MOST_POINTS = 200;

    /** The share of the values that are not above this value. */
    record Point(double value, double share) { }

    private Distribution() { }

    /** Returns at most 200 points of values in ascending order, with the first and the last among them. */
    static List<Point> points(double[] sorted) {
        var count = Math.min(sorted.length, MOST_POINTS);
        var points = new ArrayList<Point>(count);
        for (int i = 0; i < count; i++) {
            var rank = count == sorted.length ? i : (int) Math.round(i * (sorted.length - 1.0) / (count - 1));
            points.add(new Point(sorted[rank], (rank + 1.0) / sorted.length));
        }
        return points;
    }
}
