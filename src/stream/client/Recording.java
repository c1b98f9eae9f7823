//JAVA 25+
//SOURCES ../api/EventKind.java
//SOURCES ../api/StreamEvent.java
//SOURCES ../metric/Metrics.java

package stream.client;

import java.io.IOException;
import java.util.concurrent.locks.LockSupport;

import stream.api.EventKind;
import stream.api.StreamEvent;
import stream.metric.Metrics;

/**
 * The events of one exchange, written by the thread that parses them and read by one other thread at the same time.
 * The writer takes no lock and wakes no thread; the reader polls. Only when the reader is far behind does the writer wait, so
 * that memory does not grow with the number of events; {@link #wasHeldUp} tells.
 */
public final class Recording {

    private static final int CHUNK = 64;
    private static final int MOST_CHUNKS_AHEAD = 512;

    /** Receives the events in their order. */
    public interface EventConsumer {
        /**
         * @param elapsedMicros microseconds since the request was sent
         * @param read          number of the socket read that brought the event's last byte, from 1
         * @param text          null for kinds that have none
         * @param tokens        output tokens so far; {@link StreamEvent#NO_COUNT} if the event does not tell
         */
        void event(long elapsedMicros, int read, EventKind kind, String text, int tokens) throws IOException;
    }

    private static final class Chunk {
        private final long[] atNanos = new long[CHUNK];
        private final int[] read = new int[CHUNK];
        private final EventKind[] kind = new EventKind[CHUNK];
        private final String[] text = new String[CHUNK];
        private final int[] tokens = new int[CHUNK];
        private volatile int size;
        private volatile Chunk next;
    }

    private volatile long startNanos;
    private Chunk tail = new Chunk(); // the writer's
    private long lastNanos;
    private int chunksWritten;
    private boolean heldUp;
    private volatile long heldUpNanos = Long.MIN_VALUE; // when it last was; every millisecond while it is
    private Chunk head = tail; // the reader's
    private int taken;
    private volatile int chunksTaken;

    public void start(long nanos) {
        startNanos = nanos;
    }

    /** Returns 0 before the start. */
    public long startNanos() {
        return startNanos;
    }

    /** Returns the time of the newest event, 0 before the first; for the writer only. */
    long lastNanos() {
        return lastNanos;
    }

    /** Adds an event, with the arguments of {@link EventConsumer#event}; for the writer only. */
    public void add(long atNanos, int read, EventKind kind, String text, int tokens) {
        var chunk = tail;
        var at = chunk.size;
        if (at == CHUNK) {
            while (++chunksWritten - chunksTaken > MOST_CHUNKS_AHEAD) {
                chunksWritten--;
                heldUp = true;
                LockSupport.parkNanos(1_000_000);
                heldUpNanos = System.nanoTime();
            }
            chunk = new Chunk();
            tail.next = chunk;
            tail = chunk;
            at = 0;
        }
        chunk.atNanos[at] = atNanos;
        chunk.read[at] = read;
        chunk.kind[at] = kind;
        chunk.text[at] = text;
        chunk.tokens[at] = tokens;
        chunk.size = at + 1; // publishes the five lines above
        lastNanos = atNanos;
    }

    /** Whether there is room for the events of one more socket read; for a writer that must not wait. */
    boolean hasRoom() {
        if (chunksWritten - chunksTaken > MOST_CHUNKS_AHEAD / 2) {
            heldUp = true;
            heldUpNanos = System.nanoTime();
            return false;
        }
        return true;
    }

    /** Nanoseconds since the writer last had to wait for the reader; endless if it never had. */
    long nanosSinceHeldUp(long nowNanos) {
        return heldUpNanos == Long.MIN_VALUE ? Long.MAX_VALUE : nowNanos - heldUpNanos;
    }

    /**
     * Passes on the events since the last call, a limited number so that other recordings are read too; returns whether
     * these were all. For the reader only.
     */
    public boolean drain(EventConsumer consumer) throws IOException {
        for (int chunks = 0; chunks < MOST_CHUNKS_AHEAD; chunks++) {
            for (var size = head.size; taken < size; taken++) {
                var text = head.text[taken];
                head.text[taken] = null; // else the chunk keeps it reachable, and the collector copies it
                consumer.event(Metrics.micros(head.atNanos[taken] - startNanos), head.read[taken], head.kind[taken], text,
                        head.tokens[taken]);
            }
            if (taken < CHUNK || head.next == null) {
                return true;
            }
            var next = head.next;
            head.next = null; // else a chunk that has grown old keeps all later ones from the collector
            head = next;
            taken = 0;
            chunksTaken++;
        }
        return false;
    }

    /** Whether events waited for the reader, so that the times of later ones may be late; for the writer only. */
    public boolean wasHeldUp() {
        return heldUp;
    }
}
