//JAVA 25+

package stream.run;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.sun.management.GarbageCollectorMXBean;

/**
 * Notices when this process was paused: a thread that wakes up every few milliseconds sees by how much it is late. That covers
 * pauses of the collector, a saturated CPU, and a machine that slept.
 */
final class PauseDetector {

    /** How often {@link #tick} is to be called. */
    static final long PERIOD_MILLIS = 20;

    /** Shorter pauses occur on a busy desktop all the time. */
    private static final long NOTICED_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long CLOCK_JUMP_MILLIS = 1000;

    private record Pause(long fromNanos, long toNanos, String cause) { }

    /** What the last tick left, in one object so that no thread sees half of it. */
    private record Noticed(long lastNanos, List<Pause> pauses) { }

    private volatile Noticed noticed;
    private long lastWallMillis;

    /** Begins with what both clocks show now. */
    PauseDetector(long nowNanos, long wallMillis) {
        noticed = new Noticed(nowNanos, List.of());
        lastWallMillis = wallMillis;
    }

    /** To be called every {@link #PERIOD_MILLIS}, by one thread, with what both clocks show. */
    void tick(long nowNanos, long wallMillis) {
        var lastNanos = noticed.lastNanos();
        var pause = Math.abs(wallMillis - lastWallMillis - (nowNanos - lastNanos) / 1_000_000) > CLOCK_JUMP_MILLIS
                ? new Pause(lastNanos, nowNanos, "clock") : pause(lastNanos, nowNanos);
        var pauses = noticed.pauses();
        if (pause != null) {
            pauses = new ArrayList<>(pauses);
            pauses.add(pause);
        }
        noticed = new Noticed(nowNanos, pauses);
        lastWallMillis = wallMillis;
    }

    /** Returns the pause of a thread that last ran then and runs now; null if it is too short. */
    private static Pause pause(long lastNanos, long nowNanos) {
        var lateNanos = nowNanos - lastNanos - TimeUnit.MILLISECONDS.toNanos(PERIOD_MILLIS);
        return lateNanos <= NOTICED_NANOS ? null : new Pause(nowNanos - lateNanos, nowNanos,
                (collectedWithin(lateNanos / 1_000_000) ? "gc:" : "cpu:") + lateNanos / 1_000_000 + "ms");
    }

    /** Whether a collection took most of the last so many milliseconds; asked only after a pause, since asking is slow. */
    private static boolean collectedWithin(long millis) {
        var uptimeMillis = ManagementFactory.getRuntimeMXBean().getUptime();
        for (var collector : ManagementFactory.getPlatformMXBeans(GarbageCollectorMXBean.class)) {
            var last = collector.getLastGcInfo();
            if (last != null && last.getEndTime() >= uptimeMillis - millis && last.getDuration() > millis / 2) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns what was noticed in this time, each cause with its length. After a pause the thread of an exchange may run before the
     * one that ticks, so a pause that lasts until the end of this time counts although no tick has noticed it.
     *
     * @param toNanos not later than now
     */
    List<String> during(long fromNanos, long toNanos) {
        var seen = noticed;
        var causes = new ArrayList<String>();
        for (var pause : seen.pauses()) {
            if (pause.toNanos() - fromNanos > 0 && toNanos - pause.fromNanos() > 0) {
                causes.add(pause.cause());
            }
        }
        var last = pause(seen.lastNanos(), toNanos);
        if (last != null) {
            causes.add(last.cause());
        }
        return causes;
    }
}
