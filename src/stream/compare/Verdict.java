//JAVA 25+

package stream.compare;

import java.util.Locale;

/** What two groups tell about the difference between them. */
public enum Verdict {
    /** The test is significant, and the ratio below 1. */
    FASTER,
    /** The test is significant, and the ratio above 1. */
    SLOWER,
    /** Both one-sided tests place the ratio within the margin: a difference, if there is one, is too small to matter. */
    SAME,
    /** The sample allows no conclusion. */
    UNCLEAR,
    /** No sample of this size would allow a conclusion. */
    TOO_FEW;

    /** Returns it as people read it. */
    public String phrase() {
        return this == SAME ? "the same" : word().replace('_', ' ');
    }

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
