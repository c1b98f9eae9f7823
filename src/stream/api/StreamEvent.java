//JAVA 25+
//SOURCES EventKind.java
//SOURCES Usage.java

package stream.api;

/**
 * What one server-sent event means.
 *
 * @param text  visible text, reasoning, arguments of a tool call, finish reason or error message; of kind other the text of
 *              another choice than the measured one; else null
 * @param about what it says of the whole answer; null for most events
 * @param last  whether no event follows
 */
public record StreamEvent(EventKind kind, String text, About about, boolean last) {

    /** Stands for a count of tokens that is not known. */
    public static final int NO_COUNT = -1;

    /** Which of several choices an event has. */
    public enum Choices {
        /** None, or the API has no choices. */
        NONE,
        /** The one of index 0, which is measured. */
        FIRST,
        /** Others alone. */
        OTHERS,
        /** The first and others. */
        ALL;

        /** Whether there is another one than the first. */
        public boolean hasOthers() {
            return this == OTHERS || this == ALL;
        }
    }

    /**
     * What an event says of the whole answer; null where it says nothing.
     *
     * @param choices whose text, and whose token counts, the event has
     */
    public record About(String finishReason, Usage usage, String errorType, String model, String fingerprint, Choices choices) {

        /** Of an event without choices. */
        public About(String finishReason, Usage usage, String errorType, String model, String fingerprint) {
            this(finishReason, usage, errorType, model, fingerprint, Choices.NONE);
        }

        /** Returns the same with other counts of tokens; {@link #NO_COUNT} leaves one as it is. */
        About withCounts(int outputTokens, int reasoningTokens) {
            return new About(finishReason,
                    usage.withCounts(outputTokens == NO_COUNT ? usage.outputTokens() : Integer.valueOf(outputTokens),
                    reasoningTokens == NO_COUNT ? usage.reasoningTokens() : Integer.valueOf(reasoningTokens)),
                    errorType, model, fingerprint,
                    choices);
        }
    }

    public static StreamEvent error(String errorType, String message) {
        return new StreamEvent(EventKind.ERROR, message, new About(null, null, errorType, null, null), false);
    }

    /** Returns how many output tokens the measured choice has so far, as the event says; {@link #NO_COUNT} if it does not. */
    public int outputTokens() {
        return about == null || about.usage() == null || about.usage().outputTokens() == null
                || about.choices().hasOthers() ? NO_COUNT
                : about.usage().outputTokens();
    }
}
