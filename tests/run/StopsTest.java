package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Which requests are not sent any more. */
@Execution(ExecutionMode.CONCURRENT)
class StopsTest {

    private static final long LONG_MILLIS = 60_000; // the limit of a test

    private final Stops stops = new Stops();

    @Test
    void aStoppedModelIsEndedAndAPostponedOneIsOnlyNotAskedAgain() {
        stops.stop("stopped");
        assertTrue(stops.postpone("postponed"));
        assertFalse(stops.postpone("postponed"), "it is said once");
        assertEquals("true true", stops.isStopped("stopped") + " " + stops.isLeftOut("stopped"));
        assertEquals("false true", stops.isStopped("postponed") + " " + stops.isLeftOut("postponed"));
        assertEquals("false false", stops.isStopped("other") + " " + stops.isLeftOut("other"));
        stops.forgetPostponed();
        assertEquals("false true", stops.isLeftOut("postponed") + " " + stops.isLeftOut("stopped"));
    }

    @Test
    void aWaitEndsWhenItsModelOrAllAreStopped() throws Exception {
        assertFalse(stops.isLeftOutWithin("m", 1));
        var waiting = new Thread(() -> stops.isLeftOutWithin("m", LONG_MILLIS));
        waiting.start();
        stops.stop("m");
        waiting.join();
        assertTrue(stops.isLeftOutWithin("m", LONG_MILLIS), "it does not begin");
        var other = new Thread(() -> stops.isLeftOutWithin("other", LONG_MILLIS));
        other.start();
        stops.stopAll();
        other.join();
        assertTrue(stops.areAllStopped() && stops.areStoppedWithin(LONG_MILLIS) && stops.isStopped("other"));
    }
}
