//JAVA 25+
//SOURCES ../client/Recording.java
//SOURCES Attempt.java

package stream.record;

import java.time.Duration;
import java.time.Instant;

/**
 * The monotonic time of a run: 0 is the instant at which its first request might have been sent. A run that is resumed, in another
 * process, goes on at the time of the wall clock. Not safe for use by several threads.
 */
final class RunClock {

    private Instant begin; // of the run, by the wall clock; null if it is not resumed
    private long originNanos;
    private boolean hasOrigin;

    /**
     * Goes on from a row of the run that is resumed; the first one decides.
     *
     * @param startedAt   its start by the wall clock
     * @param startMillis its start since the beginning of the run
     */
    void resume(Instant startedAt, double startMillis) {
        if (begin == null) {
            begin = startedAt.minusNanos((long) (startMillis * 1e6));
        }
    }

    /** Takes the first attempt of this process as the beginning, unless the run has begun before. */
    void begin(Attempt attempt) {
        if (!hasOrigin) {
            hasOrigin = true;
            var before = begin == null ? 0 : Math.max(0, Duration.between(begin, attempt.startedAt()).toNanos());
            originNanos = attempt.readyNanos() - before;
        }
    }

    /** Returns the microseconds from the beginning of the run to the start of an attempt's clock. */
    long startMicros(Attempt attempt) {
        return (attempt.recording().startNanos() - originNanos) / 1000;
    }
}
