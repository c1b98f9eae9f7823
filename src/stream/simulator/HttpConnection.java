//JAVA 25+
//SOURCES HttpRequest.java

package stream.simulator;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The server's side of an HTTP/1.1 connection. The JDK's server hides its sockets, and ends each answer as it should;
 * this one can also reset a connection, and end one in the middle of an answer, as real servers do.
 */
final class HttpConnection {

    private static final int LONGEST_HEAD = 64 * 1024;
    private static final int LONGEST_BODY = 64 << 20;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private boolean chunked;
    private boolean withBody;
    private boolean reusable = true;

    HttpConnection(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new BufferedInputStream(socket.getInputStream());
        this.out = socket.getOutputStream();
    }

    /** Whether another request may follow. */
    boolean isReusable() {
        return reusable;
    }

    /** Waits until the client closes the connection, or this side does. */
    void awaitClose() {
        try {
            while (in.read() >= 0) {
                // what a client sends meanwhile has no answer
            }
        } catch (IOException e) {
            // closed
        }
        reusable = false;
    }

    /** Waits for the first byte of a request, and leaves it there. */
    void awaitRequest() throws IOException {
        in.mark(1);
        in.read();
        in.reset();
    }

    /**
     * Waits for a request and reads it whole; returns null if the client has closed the connection instead.
     *
     * @throws IOException if it is not a request, which the client is told
     */
    HttpRequest nextRequest() throws IOException {
        var start = line();
        while (start != null && start.isEmpty()) {
            start = line(); // RFC 9112, section 2.2
        }
        if (start == null) {
            return null;
        }
        var words = start.split(" ");
        if (words.length != 3 || !words[2].startsWith("HTTP/1.")) {
            throw refused(400, "not an HTTP/1.1 request");
        }
        var headers = new HashMap<String, String>();
        var size = start.length();
        for (String line; !(line = lineOfMessage()).isEmpty(); size += line.length()) {
            var colon = line.indexOf(':');
            if (colon < 0 || size > LONGEST_HEAD) {
                throw refused(size > LONGEST_HEAD ? 431 : 400, "bad headers");
            }
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
        }
        chunked = words[2].equals("HTTP/1.1"); // a client of HTTP/1.0 reads a stream up to the end of the connection
        withBody = !words[0].equals("HEAD");
        reusable = chunked && !headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT).matches("(.*,\\s*)?close(\\s*,.*)?");
        if ("100-continue".equalsIgnoreCase(headers.get("expect"))) {
            out.write(bytes("HTTP/1.1 100 Continue\r\n\r\n"));
        }
        var path = words[1].replaceFirst("^https?://[^/]*", "").replaceFirst("\\?.*", "");
        return new HttpRequest(words[0], path, headers, body(headers));
    }

    /** Returns a line without its end; null where the connection ends. */
    private String line() throws IOException {
        var line = new StringBuilder();
        for (int next; (next = in.read()) != '\n'; ) {
            if (next < 0) {
                return null;
            }
            if (line.length() > LONGEST_HEAD) {
                throw refused(431, "a line is too long");
            }
            line.append((char) next);
        }
        return line.toString().stripTrailing();
    }

    private String lineOfMessage() throws IOException {
        var line = line();
        if (line == null) {
            throw new EOFException("the client ended the connection inside a request");
        }
        return line;
    }

    private byte[] body(Map<String, String> headers) throws IOException {
        try {
            if (!"chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
                return bytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
            }
            var body = new ByteArrayOutputStream();
            for (int size; (size = Integer.parseInt(lineOfMessage().replaceFirst(";.*", ""), 16)) != 0; lineOfMessage()) {
                body.write(bytes(body.size() + size > LONGEST_BODY ? LONGEST_BODY + 1 : size));
            }
            while (!lineOfMessage().isEmpty()) {
                // a trailer
            }
            return body.toByteArray();
        } catch (NumberFormatException e) {
            throw refused(400, "the length of the body is not a number");
        }
    }

    private byte[] bytes(int size) throws IOException {
        if (size < 0 || size > LONGEST_BODY) {
            throw refused(413, "the body is too long");
        }
        var bytes = in.readNBytes(size);
        if (bytes.length < size) {
            throw new EOFException("the client ended the connection inside a request");
        }
        return bytes;
    }

    private IOException refused(int status, String why) throws IOException {
        reusable = false;
        respond(status, "text/plain", why + "\n");
        return new IOException(why);
    }

    void respond(int status, String type, String text) throws IOException {
        respond(status, type, text, Map.of());
    }

    void respond(int status, String type, String text, Map<String, String> headers) throws IOException {
        var body = bytes(text);
        var head = head(status, type, headers).append("Content-Length: ").append(body.length).append("\r\n\r\n");
        var response = new ByteArrayOutputStream();
        response.write(bytes(head.toString()));
        if (withBody) {
            response.write(body);
        }
        response.writeTo(out);
    }

    /** Begins a response of status 200 whose body is written bit by bit; its headers are sent at once. */
    Body stream(String type, Map<String, String> headers) throws IOException {
        var head = head(200, type, headers).append(chunked ? "Transfer-Encoding: chunked\r\n" : "").append("\r\n");
        out.write(bytes(head.toString()));
        return new Body();
    }

    private StringBuilder head(int status, String type, Map<String, String> headers) {
        var head = new StringBuilder("HTTP/1.1 ").append(status).append(" \r\nDate: ")
                .append(DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC)))
                .append("\r\nContent-Type: ").append(type).append("\r\n");
        headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        return head.append(reusable ? "" : "Connection: close\r\n");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The body of a streamed response: what was written before a flush is one chunk, and one write to the socket. */
    final class Body extends OutputStream {

        private static final int USUAL_CHUNK = 4096;

        private final ByteArrayOutputStream chunk = new ByteArrayOutputStream(USUAL_CHUNK);
        private boolean ended;

        @Override
        public void write(int single) {
            chunk.write(single);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            chunk.write(bytes, offset, length);
        }

        /** Returns how many bytes wait for a flush. */
        int waiting() {
            return chunk.size();
        }

        @Override
        public void flush() throws IOException {
            if (chunk.size() > 0 && withBody && !ended) {
                var framed = new ByteArrayOutputStream(chunk.size() + 12);
                framed.write(bytes(chunked ? Integer.toHexString(chunk.size()) + "\r\n" : ""));
                chunk.writeTo(framed);
                framed.write(bytes(chunked ? "\r\n" : ""));
                framed.writeTo(out);
            }
            chunk.reset();
        }

        /** Waits until the connection is closed. */
        void awaitClose() {
            HttpConnection.this.awaitClose();
        }

        /** Ends the connection without the chunk that ends a body. */
        void cut() throws IOException {
            flush();
            ended = true;
            socket.close();
            reusable = false;
        }

        /** Ends the connection with a TCP reset. */
        void reset() throws IOException {
            flush();
            socket.setSoLinger(true, 0);
            cut();
        }

        @Override
        public void close() throws IOException {
            flush();
            if (chunked && withBody && !ended) {
                out.write(bytes("0\r\n\r\n"));
            }
            ended = true;
        }
    }
}
