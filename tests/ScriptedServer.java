package stream;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Answers each connection with one script, which gets the stream to write to once a request has been read. */
final class ScriptedServer implements AutoCloseable {

    /** What a stream in chunks begins with. */
    static final String HEADERS = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    interface Script {
        /** Writes the answer to the request of this number on its connection, from 1; closes the connection by throwing. */
        void answer(int request, OutputStream out) throws Exception;
    }

    /** A script throws it to end its connection with a reset. */
    static final class Reset extends RuntimeException { }

    private final ServerSocket listener;

    ScriptedServer(Script script) throws IOException {
        this(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), script);
    }

    ScriptedServer(ServerSocket listener, Script script) {
        this.listener = listener;
        Thread.ofVirtual().start(() -> {
            while (!listener.isClosed()) {
                try {
                    var socket = listener.accept();
                    Thread.ofVirtual().start(() -> {
                        try (socket) {
                            socket.setTcpNoDelay(true);
                            answerAll(socket, script);
                        } catch (Exception e) {
                            // the connection ends
                        }
                    });
                } catch (IOException e) {
                    return;
                }
            }
        });
    }

    private static void answerAll(Socket socket, Script script) throws Exception {
        try {
            for (int request = 1; readRequest(socket.getInputStream()); request++) {
                script.answer(request, socket.getOutputStream());
            }
        } catch (Reset e) {
            socket.setSoLinger(true, 0); // closing is a reset then
        }
    }

    /** Reads a request up to the end of its body; returns false if there is none. */
    private static boolean readRequest(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            var next = in.read();
            if (next < 0) {
                return false;
            }
            head.append((char) next);
        }
        var length = head.toString().toLowerCase(Locale.ROOT).replaceFirst("(?s).*\ncontent-length: (\\d+).*", "$1");
        in.skipNBytes(length.matches("\\d+") ? Integer.parseInt(length) : 0);
        return true;
    }

    String url() {
        return "http://localhost:" + listener.getLocalPort() + "/v1";
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }

    /** Returns a port at which nothing answers. */
    static int freePort() throws IOException {
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    static String chunk(String text) {
        return Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + text + "\r\n";
    }
}
