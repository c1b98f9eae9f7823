//JAVA 25+
//DEPS org.hdrhistogram:HdrHistogram:2.2.2

package stream.metric;

import java.util.ArrayList;
import java.util.List;

import org.HdrHistogram.IntCountsHistogram;

/** Gaps between tokens by their position in the answer; later positions share wider and wider classes. */
public final class GapPositions {

    private static final int EXACT = 32;
    private static final int PER_DOUBLING = 8;
    private static final int FEWEST = 3;
    private static final int DIGITS = 3; // as many as are shown

    private final List<IntCountsHistogram> classes = new ArrayList<>();

    /** Adds the gap before a token, which is counted from 0. */
    public void add(int token, long micros) {
        var at = classOf(token);
        while (classes.size() <= at) {
            classes.add(new IntCountsHistogram(DIGITS));
        }
        classes.get(at).recordValue(micros);
    }

    /** One class for each of the first 32 tokens, eight for each doubling after that. */
    private static int classOf(int token) {
        var doublings = token < EXACT ? 0 : 31 - Integer.numberOfLeadingZeros(token) - 5;
        return token < EXACT ? token : EXACT + doublings * PER_DOUBLING + (token >> 2 + doublings) - PER_DOUBLING;
    }

    private static int firstOf(int at) {
        var doublings = (at - EXACT) / PER_DOUBLING;
        return at < EXACT ? at : PER_DOUBLING + (at - EXACT) % PER_DOUBLING << 2 + doublings;
    }

    /**
     * The median gap at a position in the answer.
     *
     * @param token the first token of the class, counted from 1; the first gap is that before the second token
     */
    public record Median(int token, double millis) { }

    /** Returns the median of each class with more than a few gaps, in the order of the positions. */
    public List<Median> medians() {
        var medians = new ArrayList<Median>();
        for (int at = 0; at < classes.size(); at++) {
            var gaps = classes.get(at);
            if (gaps.getTotalCount() >= FEWEST) {
                medians.add(new Median(firstOf(at) + 1, gaps.medianEquivalentValue(gaps.getValueAtPercentile(50)) / 1e3));
            }
        }
        return medians;
    }
}
