//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES ../api/ChunkDecoder.java
//SOURCES InputConsumer.java
//SOURCES InputWorker.java
//SOURCES ReadClock.java

package stream.client;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

import okio.Buffer;
import stream.api.ChunkDecoder;

/**
 * What a socket has brought, in the order in which it came. The {@link SocketReader} adds, and one thread at a time takes: one
 * that waits, with {@link #read}, or a consumer in turns. Neither side takes a lock.
 */
final class SocketInput extends InputStream {

    /** So much may wait to be taken; more is left to the operating system, which holds the server up. */
    private static final long MOST_WAITING_BYTES = 1 << 20;
    private static final byte[] NOTHING = {};

    /** What one read brought; nothing at the end of the connection. */
    private static final class Segment {
        private final byte[] bytes;
        private final long nanos;
        private final IOException failure;
        private volatile Segment next;

        Segment(byte[] bytes, long nanos, IOException failure) {
            this.bytes = bytes;
            this.nanos = nanos;
            this.failure = failure;
        }
    }

    private final SocketChannel channel;
    private final SelectionKey key;
    private final InputWorker worker;
    private final ReadClock clock;
    private final AtomicBoolean hasTurn = new AtomicBoolean();
    private volatile long added;
    private volatile long taken;
    private volatile boolean paused;
    private volatile boolean closed;
    private volatile InputConsumer consumer;
    private volatile Thread waiting;
    private volatile Thread waitingToWrite;
    private volatile int timeoutMillis;
    private Segment newest = new Segment(NOTHING, 0, null); // the adding thread's
    private Segment current = newest; // from here on the taking thread's
    private int position;
    private byte[] givenBack = NOTHING;
    private boolean ended;
    private boolean lineIsEmpty;

    /** For the {@link SocketReader} alone. */
    SocketInput(SocketChannel channel, Selector selector, InputWorker worker, ReadClock clock) throws IOException {
        this.channel = channel;
        this.worker = worker;
        this.clock = clock;
        this.key = channel.register(selector, SelectionKey.OP_READ, this);
    }

    // The adding side.

    void add(byte[] bytes, long nanos) {
        added += bytes.length;
        append(new Segment(bytes, nanos, null));
        if (added - taken > MOST_WAITING_BYTES) {
            key.interestOpsAnd(~SelectionKey.OP_READ);
            paused = true; // from now on the taking side may undo this
            resumeIfTaken();
        }
    }

    void end(long nanos) {
        append(new Segment(NOTHING, nanos, null));
    }

    void fail(IOException failure) {
        append(new Segment(NOTHING, System.nanoTime(), failure));
        letWrite();
    }

    void letWrite() {
        LockSupport.unpark(waitingToWrite);
    }

    private void append(Segment segment) {
        newest.next = segment;
        newest = segment;
        if (consumer != null) {
            askForTurn();
        } else {
            LockSupport.unpark(waiting);
        }
    }

    private void resumeIfTaken() {
        if (paused && added - taken <= MOST_WAITING_BYTES / 2) {
            paused = false;
            want(SelectionKey.OP_READ);
        }
    }

    /** Asks the reader for reads or writes; returns false if the connection is closed. */
    private boolean want(int operation) {
        try {
            key.interestOpsOr(operation);
            key.selector().wakeup();
            return true;
        } catch (CancelledKeyException e) {
            return false;
        }
    }

    // The taking side, in turns.

    /** Lets a consumer take what there is and what comes, until it {@linkplain #takeBack gives that up}. */
    void handTo(InputConsumer next) {
        consumer = next;
        askForTurn();
        worker.wake();
    }

    /** Lets {@link #read} take what comes, after these bytes; to be called by the consumer. */
    void takeBack(byte[] bytes) {
        consumer = null;
        givenBack = bytes == null ? NOTHING : bytes;
    }

    void askForTurn() {
        if (hasTurn.compareAndSet(false, true)) {
            worker.add(this);
        }
    }

    boolean giveTurn() {
        hasTurn.set(false);
        var taking = consumer;
        return taking != null && taking.take(this);
    }

    /**
     * Whether there are bytes to take. The clock shows the read that brought them.
     *
     * @throws IOException if there never will be
     */
    boolean hasBytes() throws IOException {
        if (position == current.bytes.length) {
            if (closed) {
                throw new SocketException("Socket closed");
            }
            if (!ended && current.next == null) {
                return false;
            }
            if (!takeNext()) {
                throw new EOFException();
            }
        }
        return true;
    }

    /** Takes the bytes that one read brought, as chunks of a body. */
    void take(ChunkDecoder chunks, Buffer payload) {
        position = chunks.decode(current.bytes, position, current.bytes.length, payload);
    }

    // The taking side, for threads that wait.

    void setTimeout(int millis) {
        timeoutMillis = millis;
    }

    /**
     * Whether the connection has ended, or has brought what nobody asked for; a TLS layer takes session tickets at any time.
     * Without one the socket itself is asked, too: what it brings was not asked for, and the reader may not have come to it yet.
     */
    boolean isUnusable(boolean secure) {
        try {
            if (!secure && channel.read(ByteBuffer.allocate(1)) != 0) {
                return true;
            }
        } catch (IOException e) {
            return true;
        }
        for (var segment = current.next; segment != null; segment = segment.next) {
            if (segment.bytes.length == 0 || !secure) {
                return true;
            }
        }
        return ended || !secure && position < current.bytes.length;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (givenBack.length > 0) {
            var count = Math.min(length, givenBack.length);
            System.arraycopy(givenBack, 0, bytes, offset, count);
            givenBack = Arrays.copyOfRange(givenBack, count, givenBack.length);
            return count;
        }
        if (position == current.bytes.length && !takeNext()) {
            return -1;
        }
        var count = upToEmptyLine(Math.min(length, current.bytes.length - position));
        System.arraycopy(current.bytes, position, bytes, offset, count);
        position += count;
        return count;
    }

    /**
     * Returns how many of the next bytes there are up to an empty line, which ends headers, so that a consumer can have the body.
     */
    private int upToEmptyLine(int most) {
        for (int count = 1; count <= most; count++) {
            var next = current.bytes[position + count - 1];
            if (next == '\n' && lineIsEmpty) {
                return count;
            }
            lineIsEmpty = next == '\n' || next == '\r' && lineIsEmpty;
        }
        return most;
    }

    /** Waits for what the next read brings; returns false at the end of the connection. */
    private boolean takeNext() throws IOException {
        if (ended) {
            return false;
        }
        var segment = current.next != null ? current.next : await();
        taken += current.bytes.length;
        resumeIfTaken();
        current.next = null; // else one that has grown old keeps all later ones from the collector
        current = segment;
        position = 0;
        ended = segment.bytes.length == 0; // after a failure, too: nothing more will come
        clock.read(segment.nanos, !ended);
        if (segment.failure != null) {
            throw segment.failure;
        }
        return !ended;
    }

    private Segment await() throws IOException {
        var deadlineNanos = System.nanoTime() + timeoutMillis * 1_000_000L;
        waiting = Thread.currentThread();
        try {
            while (true) {
                if (closed) {
                    throw new SocketException("Socket closed");
                }
                var segment = current.next;
                if (segment != null) {
                    return segment;
                }
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("interrupted"); // parking would return at once, again and again
                }
                if (timeoutMillis == 0) {
                    LockSupport.park(this);
                } else if (System.nanoTime() < deadlineNanos) {
                    LockSupport.parkNanos(this, deadlineNanos - System.nanoTime());
                } else {
                    throw new SocketTimeoutException("Read timed out");
                }
            }
        } finally {
            waiting = null;
        }
    }

    /** Writes all of a buffer to the socket. */
    void write(ByteBuffer bytes) throws IOException {
        waitingToWrite = Thread.currentThread();
        try {
            while (bytes.hasRemaining()) {
                if (channel.write(bytes) == 0) {
                    if (!want(SelectionKey.OP_WRITE)) {
                        throw new SocketException("Socket closed");
                    }
                    if (Thread.currentThread().isInterrupted()) {
                        throw new InterruptedIOException("interrupted");
                    }
                    LockSupport.park(this);
                }
            }
        } finally {
            waitingToWrite = null;
        }
    }

    @Override
    public int read() throws IOException {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int available() {
        return givenBack.length > 0 ? givenBack.length : current.bytes.length - position;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        channel.close();
        key.selector().wakeup(); // the operating system's socket is closed there
        LockSupport.unpark(waiting);
        letWrite();
        if (consumer != null) {
            askForTurn();
            worker.wake();
        }
    }
}
