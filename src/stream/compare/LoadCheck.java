//JAVA 25+

package stream.compare;

/**
 * Whether load that lasts from request to request, and differs between the models, may have made a difference.
 *
 * @param pValue      of requests close in time being no more alike than others, corrected if several differences are checked
 * @param withinReach whether what changed slowly could make a difference of this size
 * @param notExcluded whether the difference would be insignificant with as much lasting load as the data allow
 */
public record LoadCheck(double pValue, boolean withinReach, boolean notExcluded) {

    static final LoadCheck NONE = new LoadCheck(1, false, false);

    private static final double SEEN = 0.1;

    /** Returns what a comparison that was written says. */
    public static LoadCheck of(boolean seen, boolean mayExplain) {
        return new LoadCheck(seen ? 0 : 1, mayExplain, mayExplain);
    }

    /** Returns the same as one of several checks (Bonferroni): in one of ten comparisons load is seen by chance. */
    LoadCheck corrected(int checks) {
        return new LoadCheck(pValue * checks, withinReach, notExcluded);
    }

    /** Whether requests close in time were more alike than others. */
    public boolean seen() {
        return pValue < SEEN;
    }

    public boolean mayExplain() {
        return notExcluded || seen() && withinReach;
    }
}
