//JAVA 25+
//SOURCES Fault.java
//SOURCES HttpConnection.java

package stream.simulator;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;

/** Writes events to the connection, each as a whole and immediately, unless the fault requires something else. */
final class EventWriter implements AutoCloseable {

    private static final int MERGED_EVENTS = 4;
    private static final int LARGE_PIECE = 4096;

    private final HttpConnection.Body body;
    private final OutputStream out;
    private final Fault fault;
    private int waiting;

    EventWriter(HttpConnection.Body body, Fault fault) throws IOException {
        this.body = body;
        this.out = fault == Fault.GZIP ? new GZIPOutputStream(body, 512, true) : body;
        this.fault = fault;
        if (fault == Fault.ODD_LINES) {
            out.write(new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF});
        }
    }

    void send(String events) throws IOException {
        var text = fault == Fault.ODD_LINES ? odd(events) : fault == Fault.RETURN_LINES ? events.replace('\n', '\r') : events;
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        if (fault == Fault.BYTES) {
            for (byte single : bytes) {
                out.write(single);
                out.flush();
            }
            return;
        }
        out.write(bytes);
        waiting++;
        if (switch (fault) {
            case BURST -> false;
            case FIREHOSE -> body.waiting() >= LARGE_PIECE;
            case MERGED -> waiting % MERGED_EVENTS == 0;
            default -> true;
        }) {
            out.flush();
        }
    }

    /** Mixed line ends, no space after the colon, an id, a retry, and the data in two lines at a comma. */
    private String odd(String events) {
        var comma = events.indexOf(",\"");
        var split = events.startsWith("data: {") && comma > 0
                ? events.substring(0, comma + 1) + "\ndata:" + events.substring(comma + 1) : events;
        var lines = split.replaceFirst("data: ", "id: 7\nretry: 1000\ndata:");
        return waiting % 2 == 0 ? lines.replace("\n", "\r\n") : lines;
    }

    /** Writes nothing more until the client or the server closes the connection. */
    void awaitClose() throws IOException {
        flush();
        body.awaitClose();
    }

    void flush() throws IOException {
        out.flush();
    }

    /** Ends the connection in the middle of the answer. */
    void cut() throws IOException {
        body.cut();
    }

    /** The same with a TCP reset. */
    void reset() throws IOException {
        body.reset();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
