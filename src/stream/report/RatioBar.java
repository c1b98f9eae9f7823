//JAVA 25+

package stream.report;

import java.util.List;

/** Ratios and their intervals as lines of characters, on a logarithmic scale that they share. */
public final class RatioBar {

    private static final int HALF = 9;
    private static final double LEAST_REACH = 0.1; // a difference of a tenth fills the bar if none is larger

    private final double reach;

    private RatioBar(double reach) {
        this.reach = reach;
    }

    /** Returns a bar wide enough for all of these; null for what is not known. */
    public static RatioBar of(List<Double> ratios) {
        return new RatioBar(ratios.stream().filter(ratio -> ratio != null && ratio > 0 && !ratio.isInfinite())
                .mapToDouble(ratio -> Math.abs(Math.log(ratio))).reduce(LEAST_REACH, Math::max));
    }

    /**
     * Returns the line of a ratio; an empty text if the ratio cannot be drawn. The ends of the interval are null if it has none.
     */
    public String of(Double ratio, Double lower, Double upper) {
        if (ratio == null || ratio == 0 || ratio.isInfinite()) {
            return "";
        }
        var bar = new StringBuilder(" ".repeat(2 * HALF + 1));
        bar.setCharAt(HALF, '|');
        if (lower != null) {
            for (int at = place(lower); at <= place(upper); at++) {
                bar.setCharAt(at, '-');
            }
        }
        bar.setCharAt(place(ratio), 'o');
        return bar.toString();
    }

    private int place(double ratio) {
        return HALF + (int) Math.round(Math.clamp(Math.log(ratio) / reach, -1, 1) * HALF);
    }
}
