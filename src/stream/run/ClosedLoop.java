//JAVA 25+

package stream.run;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Sends jobs as soon as one of a number of slots is free. */
final class ClosedLoop {

    /** How long the next start waits for the last one to be on its way, in microseconds. */
    private static final long LONGEST_SPACING_MICROS = 1000;

    /** Sends one job; runs on a virtual thread of its own. */
    interface Sender<T> {
        /**
         * @param readyNanos when the slot was free
         * @param onSent     to be called when the request is written
         */
        void send(T job, long readyNanos, Runnable onSent);
    }

    private final int slots;
    private final Semaphore free;
    private final Thread.Builder threads;

    /**
     * Creates one for so many jobs at a time. A job alone gets a platform thread, which its socket wakes directly; a virtual thread
     * is woken by a thread that polls, and that one delays the end of the process by 0.3 s.
     */
    ClosedLoop(int slots) {
        this.slots = slots;
        this.free = new Semaphore(slots);
        this.threads = slots == 1 ? Thread.ofPlatform().name("request") : Thread.ofVirtual().name("request");
    }

    /** Sends all jobs and waits for their ends; begins no more once it is to stop. */
    <T> void send(List<T> jobs, BooleanSupplier stop, Sender<T> sender) throws InterruptedException {
        for (var job : jobs) {
            free.acquire();
            var readyNanos = System.nanoTime();
            if (stop.getAsBoolean()) {
                free.release();
                break;
            }
            var sent = new CountDownLatch(1);
            threads.start(() -> {
                try {
                    sender.send(job, readyNanos, sent::countDown);
                } finally {
                    sent.countDown();
                    free.release();
                }
            });
            // In a burst of starts each would wait for a processor in its own measured time, so each is sent before the next.
            sent.await(LONGEST_SPACING_MICROS, TimeUnit.MICROSECONDS);
        }
        awaitIdle();
    }

    /** Waits until nothing is in flight. */
    void awaitIdle() {
        free.acquireUninterruptibly(slots);
        free.release(slots);
    }
}
