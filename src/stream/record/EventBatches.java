//JAVA 25+
//SOURCES EventBatch.java
//SOURCES EventScanner.java

package stream.record;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** Lets a thread of its own scan, while the caller uses what was scanned before. */
final class EventBatches implements AutoCloseable {

    private static final int AHEAD = 3;

    /** Stands for the end of the file; the problem is null if it was read to there. */
    private record Filled(EventBatch batch, IOException problem) { }

    private final BlockingQueue<EventBatch> free = new ArrayBlockingQueue<>(AHEAD);
    private final BlockingQueue<Filled> filled = new ArrayBlockingQueue<>(AHEAD + 1);
    private final Thread thread;
    private EventBatch last;

    /** The scanner belongs to these batches until they are closed. */
    EventBatches(EventScanner scanner, Set<String> idsWithText) {
        for (int i = 0; i < AHEAD; i++) {
            free.add(new EventBatch());
        }
        thread = Thread.ofPlatform().daemon().name("scanner").start(() -> scan(scanner, idsWithText));
    }

    private void scan(EventScanner scanner, Set<String> idsWithText) {
        try {
            for (EventBatch batch; (batch = free.take()).fill(scanner, idsWithText); ) {
                filled.put(new Filled(batch, null));
            }
            filled.put(new Filled(null, null));
        } catch (IOException e) {
            filled.add(new Filled(null, e));
        } catch (InterruptedException e) {
            // the caller wants no more
        }
    }

    /** Returns the next rows, valid until the next call; null after the last one that could be scanned. */
    EventBatch next() throws IOException {
        try {
            if (last != null) {
                free.put(last);
            }
            var next = filled.take();
            last = next.batch();
            if (next.problem() != null) {
                throw next.problem();
            }
            return last;
        } catch (InterruptedException e) {
            throw new InterruptedIOException("interrupted");
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                // the file may only be closed when nobody reads it
            }
        }
    }
}
