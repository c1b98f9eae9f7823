//JAVA 25+

package stream.simulator;

import java.io.InterruptedIOException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;

/**
 * What a server can do at a time, so that it saturates as real ones do, at a load that is known. Safe for use by several threads.
 *
 * <p>A request waits for a slot, in the order of arrival; then its prompt takes its time; then its tokens follow each other at the
 * pace of the model, or slower if all answers together would exceed the tokens per second. These are shared evenly.
 */
public final class Capacity {

    /**
     * How much it is.
     *
     * @param slots             answers at a time; {@link Integer#MAX_VALUE} for no limit
     * @param tokensPerSecond   of all answers together; infinite for no limit
     * @param promptTokenMillis by which each token of a prompt delays the first token of the answer
     */
    public record Limits(int slots, double tokensPerSecond, double promptTokenMillis) {

        public static final Limits NONE = new Limits(Integer.MAX_VALUE, Double.POSITIVE_INFINITY, 0);
    }

    private final Limits limits;
    private final Semaphore free;
    private final AtomicInteger generating = new AtomicInteger();

    Capacity(Limits limits) {
        this.limits = limits;
        this.free = new Semaphore(limits.slots(), true);
    }

    /** Whether requests may have to wait for a slot. */
    boolean isLimited() {
        return limits.slots() < Integer.MAX_VALUE;
    }

    /** Waits for a slot. */
    Slot take() throws InterruptedIOException {
        try {
            free.acquire();
            return new Slot();
        } catch (InterruptedException e) {
            throw new InterruptedIOException("the server is closed");
        }
    }

    /** A place among the answers; closing it makes room for the next. For one thread. */
    final class Slot implements AutoCloseable {

        private boolean generates;

        /** @param promptTokens counted only if they take time */
        long promptNanos(IntSupplier promptTokens) {
            return limits.promptTokenMillis() == 0 ? 0 : Math.round(limits.promptTokenMillis() * 1e6 * promptTokens.getAsInt());
        }

        /**
         * Returns the time from one event to the next.
         *
         * @param ownNanos that of the model if it has the server for itself
         * @param tokens   that the event brings
         */
        long gapNanos(long ownNanos, int tokens) {
            if (!generates) {
                generates = true;
                generating.incrementAndGet();
            }
            return Math.max(ownNanos, Math.round(1e9 * generating.get() * tokens / limits.tokensPerSecond()));
        }

        @Override
        public void close() {
            if (generates) {
                generating.decrementAndGet();
            }
            free.release();
        }
    }
}
