//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//DEPS org.apache.commons:commons-statistics-descriptive:1.2

package stream.metric;

import okio.Buffer;
import org.apache.commons.statistics.descriptive.Quantile;

/** Quantiles, and times as text. */
public final class Metrics {

    /** Linear interpolation between closest ranks, as NumPy and spreadsheets do it (type 7 of Hyndman and Fan). */
    static final Quantile QUANTILE = Quantile.withDefaults().with(Quantile.EstimationMethod.HF7).withCopy(true);

    private Metrics() { }

    /** Returns how many values a quantile needs: 1 up to the median, 20 up to p95, 100 above. */
    public static int leastValues(double fraction) {
        return fraction > 0.95 ? 100 : fraction > 0.5 ? 20 : 1;
    }

    /**
     * Returns the quantile of values in any order, which stay as they are; null if there are too few.
     *
     * @param fraction 0 to 1, as 0.95 for p95
     */
    public static Double quantile(double[] values, double fraction) {
        return values.length < leastValues(fraction) ? null : QUANTILE.evaluate(values, fraction);
    }

    /** Rounds nanoseconds to the nearest microsecond. */
    public static long micros(long nanos) {
        return Math.floorDiv(nanos + 500, 1000);
    }

    /** Writes microseconds as milliseconds with three decimals; null as an empty text. */
    public static String millis(Number micros) {
        if (micros == null) {
            return "";
        }
        var text = new Buffer();
        writeMillis(text, micros instanceof Double exact ? Math.round(exact) : micros.longValue());
        return text.readUtf8();
    }

    /** Does the same into a buffer. */
    public static void writeMillis(Buffer text, long micros) {
        if (micros < 0) {
            text.writeByte('-');
        }
        var whole = Math.abs(micros);
        var decimals = (int) (whole % 1000);
        text.writeDecimalLong(whole / 1000).writeByte('.').writeByte('0' + decimals / 100)
                .writeByte('0' + decimals / 10 % 10).writeByte('0' + decimals % 10);
    }
}
