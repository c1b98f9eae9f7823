//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//SOURCES Events.java
//SOURCES Metrics.java

// Sockets: the thread that reads all sockets and times each read; the phases of the network before the first event.

package stream;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

import javax.net.SocketFactory;

import okhttp3.Call;
import okhttp3.EventListener;
import okhttp3.Handshake;
import okhttp3.Protocol;
import okio.Buffer;

/** When the socket read returned whose bytes were taken last, and how many reads were taken; written by the one thread that takes. */
final class ReadClock {

    private volatile long lastReadNanos;
    private volatile int reads;

    /** Notes a read that has just returned; the end of the connection is one that brought nothing. */
    void read(long nanos, boolean broughtBytes) {
        lastReadNanos = nanos;
        reads += broughtBytes ? 1 : 0;
    }

    long lastReadNanos() {
        return lastReadNanos;
    }

    int reads() {
        return reads;
    }
}

/**
 * Waits for all sockets of a run in one thread, and reads each as soon as something has come, so that an event has its time
 * before anything else is done with it: however long it takes to parse, the next read is not late. Beside the read and its
 * time this thread does nothing.
 */
final class SocketReader implements AutoCloseable {

    private static final int MOST_BYTES = 64 * 1024;

    private final Selector selector;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(MOST_BYTES);
    private final List<InputWorker> workers;
    private int added;
    private volatile boolean closing;

    private SocketReader(Selector selector, List<InputWorker> workers) {
        this.selector = selector;
        this.workers = workers;
    }

    static SocketReader start() throws IOException {
        var workers = new ArrayList<InputWorker>();
        for (int i = 0; i < Math.max(1, Runtime.getRuntime().availableProcessors() / 2); i++) {
            workers.add(InputWorker.start());
        }
        var reader = new SocketReader(Selector.open(), workers);
        Thread.ofPlatform().name("sockets").daemon().start(reader::readAll);
        return reader;
    }

    /** Returns what a connected channel brings from now on, until it ends or is closed. */
    synchronized SocketInput read(SocketChannel channel, ReadClock clock) throws IOException {
        channel.configureBlocking(false);
        var input = new SocketInput(channel, selector, workers.get(added++ % workers.size()), clock);
        selector.wakeup();
        return input;
    }

    @Override
    public void close() {
        closing = true;
        selector.wakeup();
        workers.forEach(InputWorker::close);
    }

    private void readAll() {
        try (selector) {
            while (!closing) {
                selector.select(this::read);
                workers.forEach(InputWorker::wake);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read(SelectionKey key) {
        var input = (SocketInput) key.attachment();
        try {
            if (key.isReadable()) {
                buffer.clear();
                var count = ((SocketChannel) key.channel()).read(buffer);
                var nanos = System.nanoTime();
                if (count < 0) {
                    key.interestOpsAnd(~SelectionKey.OP_READ);
                    input.end(nanos);
                } else if (count > 0) {
                    var bytes = new byte[count];
                    buffer.flip().get(bytes);
                    input.add(bytes, nanos);
                }
            }
            if (key.isWritable()) {
                key.interestOpsAnd(~SelectionKey.OP_WRITE);
                input.letWrite();
            }
        } catch (CancelledKeyException e) {
            // closed by this side, which has told the input
        } catch (IOException e) {
            key.cancel();
            input.fail(e);
        } catch (OutOfMemoryError e) {
            key.cancel();
            input.fail(new IOException("there is no memory for what the server sends", e));
        }
    }
}

/** Takes what sockets have brought, in turns on a thread that many streams share; it must not wait. */
interface InputConsumer {

    /** Takes what there is now; returns whether another turn is wanted though nothing new may come. */
    boolean take(SocketInput input);
}

/**
 * A thread that lets the consumers of many inputs take their turns. It is woken only if it has nothing to do, and rests for a
 * millisecond after work, so that a thousand streams do not need a thousand wake-ups: what it takes has its time already.
 */
final class InputWorker implements AutoCloseable {

    private static final long REST_NANOS = 1_000_000;

    private final Queue<SocketInput> ready = new ConcurrentLinkedQueue<>();
    private volatile boolean idle;
    private volatile boolean closing;
    private Thread thread;

    static InputWorker start() {
        var worker = new InputWorker();
        worker.thread = Thread.ofPlatform().name("events").daemon().unstarted(worker::run);
        worker.thread.start();
        return worker;
    }

    /** Gives an input a turn; {@link #wake} is to be called after one or more of these. */
    void add(SocketInput input) {
        ready.add(input);
    }

    /** Wakes the thread if it has nothing to do and now has. */
    void wake() {
        if (idle && !ready.isEmpty()) {
            idle = false;
            LockSupport.unpark(thread);
        }
    }

    @Override
    public void close() {
        closing = true;
        LockSupport.unpark(thread);
    }

    private void run() {
        var again = new ArrayList<SocketInput>();
        while (!closing) {
            var worked = false;
            for (SocketInput input; (input = ready.poll()) != null; worked = true) {
                if (input.giveTurn()) {
                    again.add(input);
                }
            }
            if (worked) {
                again.forEach(SocketInput::askForTurn);
                again.clear();
                LockSupport.parkNanos(REST_NANOS);
            } else {
                idle = true;
                if (ready.isEmpty() && !closing) {
                    LockSupport.park(this);
                }
                idle = false;
            }
        }
    }
}

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
     * Whether the connection has ended, or has brought what nobody asked for; a TLS layer takes session tickets at any time. Without
     * one the socket itself is asked, too: what it brings was not asked for, and the reader may not have come to it yet.
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

    /** Returns how many of the next bytes there are up to an empty line, which ends headers, so that a consumer can have the body. */
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

/**
 * Makes sockets that note the time of each read. A body source would do for that if HTTP had no chunks and no TLS:
 * it sees each chunk as a read of its own, however many of them one socket read brought.
 */
final class TimedSockets extends SocketFactory {

    /** Both ends of a TCP connection; a TLS socket has the same ones as the plain socket that it is layered over. */
    private record Ends(SocketAddress local, SocketAddress remote) {
        static Ends of(Socket socket) {
            return new Ends(socket.getLocalSocketAddress(), socket.getRemoteSocketAddress());
        }
    }

    private final Map<Ends, TimedSocket> sockets = new ConcurrentHashMap<>();
    private final Map<SocketAddress, Queue<SocketChannel>> openedAhead = new ConcurrentHashMap<>();
    private SocketReader reader; // null before the first connection

    /** Returns the timed socket of the connection that this socket, plain or TLS, belongs to. */
    TimedSocket of(Socket socket) {
        return sockets.get(Ends.of(socket));
    }

    /**
     * Opens a connection that the next socket to this address takes over.
     *
     * @throws IOException if there is no connection in time
     */
    void openAhead(InetSocketAddress address, int timeoutMillis) throws IOException {
        var channel = SocketChannel.open();
        try {
            channel.socket().connect(address, timeoutMillis);
            openedAhead.computeIfAbsent(address, absent -> new ConcurrentLinkedQueue<>()).add(channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private synchronized SocketReader reader() throws IOException {
        if (reader == null) {
            reader = SocketReader.start();
        }
        return reader;
    }

    /** Closes the connections that were opened ahead and not taken over, and reads no others any more. */
    synchronized void close() {
        if (reader != null) {
            reader.close();
        }
        for (var channels : openedAhead.values()) {
            for (SocketChannel channel; (channel = channels.poll()) != null; ) {
                try {
                    channel.close();
                } catch (IOException e) {
                    // nothing is left to close
                }
            }
        }
    }

    private SocketChannel pollOpenedAhead(SocketAddress address) {
        var channels = openedAhead.get(address);
        return channels == null ? null : channels.poll();
    }

    @Override
    public Socket createSocket() throws IOException {
        return new TimedSocket(SocketChannel.open());
    }

    @Override
    public Socket createSocket(String host, int port) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    /** A socket over a channel, because only a channel tells without waiting whether the server has closed it. */
    final class TimedSocket extends Socket {

        private final ReadClock clock = new ReadClock();
        private SocketChannel channel;
        private Socket socket;
        private boolean openedAhead;
        private int timeoutMillis;
        private Ends ends;
        private SocketInput input;

        TimedSocket(SocketChannel channel) {
            this.channel = channel;
            this.socket = channel.socket();
        }

        ReadClock clock() {
            return clock;
        }

        /** Returns what the connection brings. */
        SocketInput input() throws IOException {
            getInputStream();
            return input;
        }

        /** Whether the connection was open before a request asked for one. */
        boolean wasOpenedAhead() {
            return openedAhead;
        }

        /**
         * Returns whether the server has closed the connection, or sent what nobody asked for. To be called between two
         * requests, by the only thread that uses the connection.
         */
        synchronized boolean isUnusable(boolean secure) {
            return input != null && input.isUnusable(secure);
        }

        @Override
        public void connect(SocketAddress address, int timeoutMillis) throws IOException {
            var ready = pollOpenedAhead(address);
            if (ready == null) {
                socket.connect(address, timeoutMillis);
            } else {
                channel.close();
                channel = ready;
                socket = ready.socket();
                openedAhead = true;
            }
            socket.setTcpNoDelay(true);
            ends = Ends.of(this);
            sockets.put(ends, this);
        }

        @Override
        public synchronized InputStream getInputStream() throws IOException {
            if (input == null) {
                input = reader().read(channel, clock);
                input.setTimeout(timeoutMillis);
            }
            return input;
        }

        @Override
        public synchronized void close() throws IOException {
            if (ends != null) {
                sockets.remove(ends, this);
            }
            if (input != null) {
                input.close();
            }
            socket.close();
        }

        // What OkHttp and the JDK's TLS sockets ask of a socket beside that.

        @Override
        public OutputStream getOutputStream() throws IOException {
            getInputStream();
            return new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    write(new byte[] {(byte) b}, 0, 1);
                }

                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    input.write(ByteBuffer.wrap(bytes, offset, length));
                }

                @Override
                public void close() throws IOException {
                    TimedSocket.this.close();
                }
            };
        }

        @Override
        public void setSoTimeout(int millis) throws SocketException {
            timeoutMillis = millis;
            if (input != null) {
                input.setTimeout(millis);
            }
        }

        @Override
        public int getSoTimeout() throws SocketException {
            return timeoutMillis;
        }

        @Override
        public boolean getTcpNoDelay() throws SocketException {
            return socket.getTcpNoDelay();
        }

        @Override
        public void setSoLinger(boolean on, int seconds) throws SocketException {
            socket.setSoLinger(on, seconds);
        }

        @Override
        public int getSoLinger() throws SocketException {
            return socket.getSoLinger();
        }

        @Override
        public InetAddress getInetAddress() {
            return socket.getInetAddress();
        }

        @Override
        public InetAddress getLocalAddress() {
            return socket.getLocalAddress();
        }

        @Override
        public int getPort() {
            return socket.getPort();
        }

        @Override
        public int getLocalPort() {
            return socket.getLocalPort();
        }

        @Override
        public SocketAddress getRemoteSocketAddress() {
            return socket.getRemoteSocketAddress();
        }

        @Override
        public SocketAddress getLocalSocketAddress() {
            return socket.getLocalSocketAddress();
        }

        @Override
        public void shutdownInput() throws IOException {
            socket.shutdownInput();
        }

        @Override
        public void shutdownOutput() throws IOException {
            socket.shutdownOutput();
        }

        @Override
        public boolean isConnected() {
            return socket.isConnected();
        }

        @Override
        public boolean isBound() {
            return socket.isBound();
        }

        @Override
        public boolean isClosed() {
            return socket.isClosed();
        }

        @Override
        public boolean isInputShutdown() {
            return socket.isInputShutdown();
        }

        @Override
        public boolean isOutputShutdown() {
            return socket.isOutputShutdown();
        }
    }
}

/**
 * What happened on the network before the first event. Null where it did not happen or is not known.
 *
 * @param dnsMicros     how long the name look-up took, in microseconds; null on a reused connection
 * @param connectMicros how long TCP took to connect; null on a reused connection
 * @param tlsMicros     how long the TLS handshake took; null without TLS and on a reused connection
 * @param sentMicros    when the last byte of the request was written, from the start
 * @param headersMicros when the read came that ended the response headers, from the start
 */
record Network(Long dnsMicros, Long connectMicros, Long tlsMicros, Long sentMicros, Long headersMicros,
               String httpVersion, Boolean connectionReused) { }

/** Records the times of the network phases as OkHttp goes through them. */
final class Phases extends EventListener {

    private long dnsStartNanos;
    private long dnsEndNanos;
    private long connectStartNanos;
    private long tlsStartNanos;
    private long tlsEndNanos;
    private long connectEndNanos;
    private long sentNanos;
    private final Runnable onSent;

    Phases(Runnable onSent) {
        this.onSent = onSent;
    }

    @Override
    public void dnsStart(Call call, String domainName) {
        dnsStartNanos = System.nanoTime();
    }

    @Override
    public void dnsEnd(Call call, String domainName, List<InetAddress> addresses) {
        dnsEndNanos = System.nanoTime();
    }

    @Override
    public void connectStart(Call call, InetSocketAddress address, Proxy proxy) {
        connectStartNanos = System.nanoTime();
    }

    @Override
    public void secureConnectStart(Call call) {
        tlsStartNanos = System.nanoTime();
    }

    @Override
    public void secureConnectEnd(Call call, Handshake handshake) {
        tlsEndNanos = System.nanoTime();
    }

    @Override
    public void connectEnd(Call call, InetSocketAddress address, Proxy proxy, Protocol protocol) {
        connectEndNanos = System.nanoTime();
    }

    @Override
    public void requestBodyEnd(Call call, long byteCount) {
        sentNanos = System.nanoTime();
        onSent.run();
    }

    @Override
    public void callFailed(Call call, IOException failure) {
        onSent.run();
    }

    /** Notes that the connection was open already when the client asked for one. */
    void openedAhead() {
        dnsStartNanos = 0;
        connectStartNanos = 0;
    }

    boolean isConnectionReused() {
        return connectStartNanos == 0;
    }

    Network network(long startNanos, long headersNanos, Protocol protocol) {
        return new Network(between(dnsStartNanos, dnsEndNanos),
                between(connectStartNanos, tlsStartNanos != 0 ? tlsStartNanos : connectEndNanos),
                between(tlsStartNanos, tlsEndNanos), between(startNanos, sentNanos), between(startNanos, headersNanos),
                protocol == null ? null : (protocol == Protocol.H2_PRIOR_KNOWLEDGE ? Protocol.HTTP_2 : protocol).toString(),
                sentNanos == 0 ? null : isConnectionReused());
    }

    private static Long between(long startNanos, long endNanos) {
        return startNanos == 0 || endNanos == 0 ? null : Metrics.micros(endNanos - startNanos);
    }
}
