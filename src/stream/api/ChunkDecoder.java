//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1

package stream.api;

import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;

import okio.Buffer;

/**
 * Decodes chunked framing (RFC 9112, section 7.1) as it comes, up to the last chunk, which it leaves to the HTTP client: what
 * follows then is a body without content, and the connection can be used again.
 */
public final class ChunkDecoder {

    private static final int LONGEST_LINE = 4096;
    private static final int LINE_END = 2;

    private final ByteArrayOutputStream line = new ByteArrayOutputStream(); // the size of the next chunk, as far as it has come
    private long remaining; // bytes of the current chunk, including the line end after it
    private boolean atLast;
    private ProtocolException failure; // null as long as it is chunked

    /**
     * Adds the content of what has come to the payload. Returns the position of the first byte that was not taken: the end, or
     * what follows the size of the last chunk, or what is not chunked; {@link #isAtLast} tells that after the payload is used.
     */
    public int decode(byte[] bytes, int from, int to, Buffer payload) {
        var at = from;
        while (at < to && !atLast && failure == null) {
            if (remaining > LINE_END) {
                var count = (int) Math.min(to - at, remaining - LINE_END);
                payload.write(bytes, at, count);
                remaining -= count;
                at += count;
            } else if (remaining > 0) {
                endChunk(bytes[at++]);
            } else {
                line.write(bytes[at]);
                if (bytes[at++] == '\n') {
                    beginChunk();
                } else if (line.size() > LONGEST_LINE) {
                    failure = new ProtocolException("the size of a chunk does not end");
                }
            }
        }
        return at;
    }

    /** Takes a byte of the line end after a chunk, which may be a line feed alone. */
    private void endChunk(byte next) {
        remaining = next == '\n' ? 0 : remaining - 1;
        if (next != '\n' && (next != '\r' || remaining == 0)) {
            failure = new ProtocolException("a chunk is longer than its size");
        }
    }

    private void beginChunk() {
        var text = line.toString(StandardCharsets.ISO_8859_1);
        var extension = text.indexOf(';');
        try {
            var size = Long.parseLong((extension < 0 ? text : text.substring(0, extension)).strip(), 16);
            if (size < 0 || size > Long.MAX_VALUE - LINE_END) {
                throw new NumberFormatException();
            }
            atLast = size == 0;
            if (!atLast) {
                remaining = size + LINE_END;
                line.reset();
            }
        } catch (NumberFormatException e) {
            failure = new ProtocolException("not the size of a chunk: " + (text.isBlank() ? "an empty line" : text.strip()));
        }
    }

    /**
     * Returns whether the last chunk has come.
     *
     * @throws ProtocolException if what has come is not chunked
     */
    public boolean isAtLast() throws ProtocolException {
        if (failure != null) {
            throw failure;
        }
        return atLast;
    }

    /** Returns the bytes that were taken and that the HTTP client has to see; null inside a chunk. */
    public byte[] untaken() {
        return remaining > 0 ? null : line.toByteArray();
    }
}
