//JAVA 25+

package stream.compare;

import java.util.ArrayList;

/**
 * For what a verdict holds.
 *
 * @param prompts how many, if it holds for the compared prompts only; 0 if it holds for prompts like these
 * @param runs    how many, if it holds for the compared runs only; 0 if it holds for runs at other times
 */
public record Scope(int prompts, int runs) {

    /**
     * Returns the limits as the end of a sentence; empty if there are none.
     *
     * @param withRuns whether the runs are named, too
     */
    String words(boolean withRuns) {
        var limits = new ArrayList<String>();
        if (prompts > 0) {
            limits.add("for " + (prompts == 1 ? "this prompt" : "these " + prompts + " prompts"));
        }
        if (runs > 0 && withRuns) {
            limits.add("in " + (runs == 1 ? "this run" : "these " + runs + " runs"));
        }
        return String.join(" ", limits) + (prompts > 0 ? " only" : "");
    }
}
