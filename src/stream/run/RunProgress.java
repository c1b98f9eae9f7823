//JAVA 25+
//DEPS org.hdrhistogram:HdrHistogram:2.2.2
//SOURCES ../terminal/OneLine.java

package stream.run;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.HdrHistogram.Histogram;
import stream.terminal.OneLine;

/** How far a run is, as one line. Not safe for use by several threads. */
public final class RunProgress {

    private static final int LONGEST_LABEL = 14;
    private static final long MOST_MICROS = TimeUnit.HOURS.toMicros(1);

    private final int requests;
    private final Map<String, Histogram> ttfts = new LinkedHashMap<>();
    private final long startNanos;
    private int done;
    private int inFlight;
    private int failed;

    /**
     * @param requests   how many there are to be, at least 0
     * @param startNanos when the first may begin
     */
    public RunProgress(int requests, long startNanos) {
        this.requests = requests;
        this.startNanos = startNanos;
    }

    public void begin() {
        inFlight++;
    }

    /** An attempt has ended; {@code ttftMillis} is empty where it is not known. */
    public void end(String model, boolean last, boolean hasFailed, String ttftMillis) {
        inFlight--;
        done += last ? 1 : 0;
        failed += last && hasFailed ? 1 : 0;
        if (!hasFailed && !ttftMillis.isEmpty()) {
            ttfts.computeIfAbsent(model, absent -> new Histogram(MOST_MICROS, 3))
                    .recordValue(Math.min(MOST_MICROS, (long) (Double.parseDouble(ttftMillis) * 1000)));
        }
    }

    /** Whether there is more than one answer to wait for. */
    boolean isBatch() {
        return requests > 1;
    }

    /** Returns the line; what does not fit into so many characters is left out, the medians of models first. */
    public String line(long nowNanos, int width) {
        var counts = done + "/" + requests + " done, " + inFlight + " in flight" + (failed == 0 ? "" : ", " + failed + " failed");
        var left = done == 0 || done >= requests
                ? "" : "; " + duration((nowNanos - startNanos) / done * (requests - done)) + " left";
        var medians = new StringBuilder();
        for (var each : ttfts.entrySet()) {
            var median = String.format(Locale.ROOT, "%s%s %.0f", medians.isEmpty() ? "; TTFT p50 ms: " : ", ",
                    OneLine.withoutMiddle(each.getKey(), LONGEST_LABEL), each.getValue().getValueAtPercentile(50) / 1000.0);
            if (counts.length() + left.length() + medians.length() + median.length() > width) {
                break;
            }
            medians.append(median);
        }
        return OneLine.shortened(counts + medians + left, Math.max(1, width));
    }

    private static String duration(long nanos) {
        var seconds = Math.max(1, TimeUnit.NANOSECONDS.toSeconds(nanos));
        return seconds < 3600 ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d h", seconds / 3600, seconds / 60 % 60);
    }
}
