package stream;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Waits for what another thread or process does. */
final class Await {

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long PERIOD_MILLIS = 5;

    private Await() { }

    /** Looks again and again; fails after half a minute, and says what did not happen. */
    static void until(String what, Callable<Boolean> condition) throws Exception {
        var deadlineNanos = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.call()) {
            assertTrue(System.nanoTime() < deadlineNanos, "never: " + what);
            Thread.sleep(PERIOD_MILLIS);
        }
    }
}
