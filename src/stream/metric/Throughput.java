//JAVA 25+

package stream.metric;

import java.util.Comparator;
import java.util.List;

/** What a server delivered in the time that was measured: from the first start to the last end. */
public final class Throughput {

    private double startMillis = Double.POSITIVE_INFINITY;
    private double endMillis = Double.NEGATIVE_INFINITY;
    private int requests;
    private double tokens;

    /**
     * Adds a completed request.
     *
     * @param atMillis     when it began, since any moment
     * @param totalMillis  how long it took
     * @param outputTokens NaN if they are not known
     */
    public void add(double atMillis, double totalMillis, double outputTokens) {
        startMillis = Math.min(startMillis, atMillis);
        endMillis = Math.max(endMillis, atMillis + totalMillis);
        requests++;
        tokens += outputTokens;
    }

    public double seconds() {
        return requests == 0 ? 0 : (endMillis - startMillis) / 1000;
    }

    /** Returns for how long at least one of several was going on; shards of a run overlap, runs one after the other do not. */
    public static double secondsOfAny(List<Throughput> several) {
        var millis = 0.0;
        var endMillis = Double.NEGATIVE_INFINITY;
        for (var each : several.stream().filter(one -> one.requests > 0)
                .sorted(Comparator.comparing(one -> one.startMillis)).toList()) {
            millis += Math.max(0, each.endMillis - Math.max(endMillis, each.startMillis));
            endMillis = Math.max(endMillis, each.endMillis);
        }
        return millis / 1000;
    }

    public int requests() {
        return requests;
    }

    /** Returns NaN if those of a request are not known. */
    public double tokens() {
        return tokens;
    }
}
