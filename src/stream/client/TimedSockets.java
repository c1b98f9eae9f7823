//JAVA 25+
//SOURCES ReadClock.java
//SOURCES SocketInput.java
//SOURCES SocketReader.java

package stream.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

import javax.net.SocketFactory;

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
