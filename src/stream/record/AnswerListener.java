//JAVA 25+
//SOURCES ../plan/Speaker.java

package stream.record;

import java.util.function.UnaryOperator;

import stream.plan.Speaker;

/**
 * Listens to the measured answers while they come. What concerns an answer is called on one thread, never on one that measures;
 * the rest by any.
 */
public interface AnswerListener extends AutoCloseable {

    /** Ignores everything. */
    AnswerListener NONE = new AnswerListener() { };

    /** The run begins. */
    default void start() { }

    /** An attempt is about to be sent. */
    default void begin(Speaker speaker) { }

    /** The next piece of visible text. */
    default void content(Speaker speaker, String text) { }

    /** The next piece of reasoning, before or between visible text. */
    default void reasoning(Speaker speaker, String text) { }

    /** Whether {@link #event} is to be called. */
    default boolean wantsEvents() {
        return false;
    }

    /**
     * The next event of any kind, as it is written to events.csv.
     *
     * @param delayMillis empty on the first event
     * @param text        null for kinds that have none
     */
    default void event(Speaker speaker, String elapsedMillis, String delayMillis, int read, String kind, String text) { }

    /**
     * No more comes of this attempt.
     *
     * @param last    whether the request is not tried again
     * @param failure what went wrong, as a sentence for the user; null if the answer is complete
     * @param row     returns the cell of a column of requests.csv, given its name; empty if it is not known
     */
    default void end(Speaker speaker, boolean last, String failure, UnaryOperator<String> row) { }

    /** A line for the user. */
    default void say(String line) { }

    /** Waits until all that was told is shown. */
    default void settle() throws InterruptedException { }

    /** Gives up what is not shown yet. */
    default void drop() { }

    /** Nothing is told any more. */
    @Override
    default void close() { }
}
