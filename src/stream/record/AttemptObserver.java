//JAVA 25+
//SOURCES ../api/EventKind.java
//SOURCES ../metric/AnswerMetrics.java
//SOURCES Attempt.java

package stream.record;

import stream.api.EventKind;
import stream.metric.AnswerMetrics;

/** Is told of attempts in all phases by the thread that writes them, after they happened. */
public interface AttemptObserver {

    /** Ignores everything. */
    AttemptObserver NONE = new AttemptObserver() { };

    default void started(Attempt attempt) { }

    /**
     * The next event.
     *
     * @param elapsedMicros since the request was sent
     * @param delayMicros   since the event before; {@link AnswerMetrics#NONE} for the first
     * @param gapMicros     since the visible text before; NONE for the first, and for events without visible text
     */
    default void event(Attempt attempt, EventKind kind, long elapsedMicros, long delayMicros, long gapMicros) { }

    default void ended(Attempt attempt, AnswerMetrics metrics) { }
}
