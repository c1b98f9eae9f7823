//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//SOURCES Metrics.java

// Sockets: the times of socket reads, and of the phases of the network before the first event.

package stream;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

import javax.net.SocketFactory;

import okhttp3.Call;
import okhttp3.EventListener;
import okhttp3.Handshake;
import okhttp3.Protocol;

/** When the last socket read returned, and how many there were; written by the one thread that reads the socket. */
final class ReadClock {

    private volatile long lastReadNanos;
    private volatile int reads;

    /** Notes a read that has just returned; the end of the connection is one that brought nothing. */
    void read(boolean broughtBytes) {
        lastReadNanos = System.nanoTime();
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

    /** Closes the connections that were opened ahead and not taken over. */
    void closeOpenedAhead() {
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
        private Ends ends;
        private TimedInput input;

        TimedSocket(SocketChannel channel) {
            this.channel = channel;
            this.socket = channel.socket();
        }

        ReadClock clock() {
            return clock;
        }

        /** Whether the connection was open before a request asked for one. */
        boolean wasOpenedAhead() {
            return openedAhead;
        }

        /**
         * Returns whether the server has closed the connection, or sent what nobody asked for. To be called between two
         * requests, by the only thread that uses the connection.
         */
        synchronized boolean isUnusable(boolean secure) throws IOException {
            return input != null && input.isUnusable(channel, secure);
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
                input = new TimedInput(socket.getInputStream(), clock);
            }
            return input;
        }

        @Override
        public synchronized void close() throws IOException {
            if (ends != null) {
                sockets.remove(ends, this);
            }
            socket.close();
        }

        // What OkHttp and the JDK's TLS sockets ask of a socket beside that.

        @Override
        public OutputStream getOutputStream() throws IOException {
            return socket.getOutputStream();
        }

        @Override
        public void setSoTimeout(int millis) throws SocketException {
            socket.setSoTimeout(millis);
        }

        @Override
        public int getSoTimeout() throws SocketException {
            return socket.getSoTimeout();
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

    /** Reads ahead where a caller asks for little, so that the two small reads TLS makes of a record are one. */
    private static final class TimedInput extends InputStream {

        private static final int SMALL = 2048;
        private static final int AHEAD = 16 * 1024;

        private final InputStream in;
        private final ReadClock clock;
        private byte[] ahead; // only where it is needed: a thousand of them are a load for the collector
        private int next;
        private int end;

        TimedInput(InputStream in, ReadClock clock) {
            this.in = in;
            this.clock = clock;
        }

        /**
         * Returns whether the connection is closed, or has brought bytes that no TLS layer waits for. What it brought is
         * kept for the TLS layer: session tickets come without being asked for.
         */
        boolean isUnusable(SocketChannel channel, boolean secure) throws IOException {
            var single = ByteBuffer.allocate(1);
            channel.configureBlocking(false);
            try {
                var count = channel.read(single);
                if (count > 0 && secure) {
                    keep(single.get(0));
                    while (end < ahead.length && (count = channel.read(ByteBuffer.wrap(ahead, end, ahead.length - end))) > 0) {
                        end += count;
                    }
                    return count < 0;
                }
                return count != 0;
            } finally {
                channel.configureBlocking(true);
            }
        }

        private void keep(byte single) {
            ahead = ahead != null ? ahead : new byte[AHEAD];
            if (next == end) {
                next = 0;
                end = 0;
            }
            ahead[end++] = single;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (next == end) {
                if (length >= SMALL) {
                    var count = in.read(bytes, offset, length);
                    clock.read(count > 0);
                    return count;
                }
                ahead = ahead != null ? ahead : new byte[AHEAD];
                next = 0;
                end = Math.max(0, in.read(ahead, 0, ahead.length));
                clock.read(end > 0);
                if (end == 0) {
                    return -1;
                }
            }
            var count = Math.min(length, end - next);
            System.arraycopy(ahead, next, bytes, offset, count);
            next += count;
            return count;
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int available() throws IOException {
            return end - next + in.available();
        }

        @Override
        public void close() throws IOException {
            in.close();
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
