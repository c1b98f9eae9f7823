//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java

package stream.plan;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;

import stream.terminal.OptionChecks;
import stream.terminal.UserError;

/** The time at which several machines begin together. */
public final class StartTime {

    private static final Duration LONGEST_WAIT = Duration.ofDays(1);
    private static final long LONGEST_SLEEP_MILLIS = 1000; // the clock may be set while this waits

    private StartTime() { }

    /** Reads a time with its zone, which may be past; throws UserError if it is not valid, or more than a day away. */
    public static Instant of(String text, Instant now) {
        Instant start;
        try {
            start = OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeException e) {
            throw new UserError("--start-at '" + text + "'; must be a time with its zone, such as 2026-11-25T18:30:00Z");
        }
        new OptionChecks().require(Duration.between(now, start).abs().compareTo(LONGEST_WAIT) <= 0,
                "--start-at " + text + " is more than a day away, it is " + now + " now; name another time").throwIfAny();
        return start;
    }

    /** Waits by the wall clock; returns by how much the time was past already. */
    public static Duration await(Instant start) throws InterruptedException {
        var late = Duration.between(start, Instant.now());
        for (long left; (left = Duration.between(Instant.now(), start).toMillis()) > 0; ) {
            Thread.sleep(Math.min(left, LONGEST_SLEEP_MILLIS));
        }
        return late.isNegative() ? Duration.ZERO : late;
    }
}
