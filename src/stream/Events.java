//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okio:okio-jvm:3.18.1

// Events: the bytes of a response to server-sent events, and the typed event that each dialect makes of one.

package stream;

import java.io.IOException;
import java.util.Locale;

import okio.Buffer;
import okio.ByteString;
import okio.ForwardingSource;
import okio.Source;

/** What a server-sent event is, in the column kind. */
enum EventKind {
    /** Opens the answer; no text yet. */
    ROLE,
    /** Reasoning of the model, before the answer. */
    REASONING,
    /** Visible text, not empty. */
    CONTENT,
    /** Part of a tool call. */
    TOOL,
    /** Says why the answer ended. */
    FINISH,
    /** Token counts alone. */
    USAGE,
    /** The server reports that it failed. */
    ERROR,
    /** {@code [DONE]}. */
    DONE,
    /** Anything else; never a token. */
    OTHER;

    private final String word = name().toLowerCase(Locale.ROOT);

    String word() {
        return word;
    }
}

/**
 * What one server-sent event means.
 *
 * @param text  visible text, reasoning, arguments of a tool call, finish reason or error message; else null
 * @param about what it says of the whole answer; null for most events
 * @param last  whether no event follows
 */
record StreamEvent(EventKind kind, String text, About about, boolean last) {

    /** What an event says of the whole answer; null where it says nothing. */
    record About(String finishReason, Usage usage, String errorType, String model, String fingerprint) { }

    static StreamEvent error(String errorType, String message) {
        return new StreamEvent(EventKind.ERROR, message, new About(null, null, errorType, null, null), false);
    }
}

/** Token counts as the server gives them; null where it gives none. */
record Usage(Integer promptTokens, Integer cachedPromptTokens, Integer outputTokens) {

    static final Usage UNKNOWN = new Usage(null, null, null);

    /** A later count replaces an earlier one; null, for none, replaces nothing. */
    Usage with(Usage later) {
        return later == null ? this : new Usage(later.promptTokens != null ? later.promptTokens : promptTokens,
                later.cachedPromptTokens != null ? later.cachedPromptTokens : cachedPromptTokens,
                later.outputTokens != null ? later.outputTokens : outputTokens);
    }
}

/**
 * Does for okhttp-sse what it does not do itself: drops a byte-order mark, which hides the first event from it; turns
 * the {@code error: {...}} line of older llama.cpp servers, which it passes over, into an exception; ends an event that
 * does not end before it fills the memory; and a stream that ends with a carriage return, where it would never return.
 */
final class RepairedSource extends ForwardingSource {

    private static final byte[] ERROR_FIELD = {'e', 'r', 'r', 'o', 'r', ':'};
    private static final ByteString MARK = ByteString.decodeHex("efbbbf");

    /** The server reported an error in a line of its own; the message is what followed the colon. */
    static final class ErrorLine extends IOException {
        ErrorLine(String message) {
            super(message);
        }
    }

    /** An event that does not end. */
    static final class EndlessEvent extends IOException { }

    private final Buffer incoming = new Buffer();
    private final long mostEventBytes;
    private final Runnable onLine;
    private long bytesSinceEvent;
    private boolean begun;
    private boolean lineIsError;
    private boolean lineEnded;
    private boolean endsWithReturn;
    private int matched; // bytes of ERROR_FIELD that the current line began with; -1 if it began otherwise

    /** {@code onLine} is called after each read that brings the end of a line. */
    RepairedSource(Source source, long mostEventBytes, Runnable onLine) {
        super(source);
        this.mostEventBytes = mostEventBytes;
        this.onLine = onLine;
    }

    @Override
    public long read(Buffer sink, long byteCount) throws IOException {
        if (lineIsError) {
            throw new ErrorLine(restOfLine());
        }
        if (super.read(incoming, byteCount) < 0) {
            return endReturn(sink);
        }
        if (!begun) {
            begun = true;
            dropMark();
        }
        lineEnded = false;
        var harmless = upToErrorField();
        if (lineEnded) {
            onLine.run();
        }
        bytesSinceEvent += harmless;
        if (bytesSinceEvent > mostEventBytes) {
            throw new EndlessEvent();
        }
        endsWithReturn = harmless > 0 && incoming.getByte(harmless - 1) == '\r';
        sink.write(incoming, harmless);
        return harmless;
    }

    /** After a carriage return at the end of a stream okhttp-sse waits for a line feed for ever; so one is added. */
    private long endReturn(Buffer sink) {
        if (!endsWithReturn) {
            return -1;
        }
        endsWithReturn = false;
        sink.writeByte('\n');
        return 1;
    }

    /** Tells that what has come since the last call was a whole event. */
    void eventEnded() {
        bytesSinceEvent = 0;
    }

    private void dropMark() throws IOException {
        while (incoming.size() < MARK.size() && incoming.rangeEquals(0, MARK, 0, (int) incoming.size())) {
            if (super.read(incoming, MARK.size() - incoming.size()) < 0) {
                return;
            }
        }
        if (incoming.rangeEquals(0, MARK)) {
            incoming.skip(MARK.size());
        }
    }

    /** Returns how many bytes come before the end of an error field's name; all of them if there is no such name. */
    private long upToErrorField() {
        for (long at = 0; at < incoming.size(); ) {
            if (matched < 0) {
                var lineEnd = incoming.indexOf((byte) '\n', at);
                if (lineEnd < 0) {
                    break;
                }
                at = lineEnd + 1;
                matched = 0;
                lineEnded = true;
                continue;
            }
            var next = incoming.getByte(at++);
            lineEnded |= next == '\n' || next == '\r';
            matched = next == ERROR_FIELD[matched] ? matched + 1 : next == '\n' || next == '\r' ? 0 : -1;
            if (matched == ERROR_FIELD.length) {
                lineIsError = true;
                return at;
            }
        }
        return incoming.size();
    }

    private String restOfLine() throws IOException {
        while (incoming.indexOf((byte) '\n') < 0 && super.read(incoming, 8192) >= 0) {
            // one line, however many reads it comes in
        }
        return incoming.readUtf8().lines().findFirst().orElse("").strip();
    }
}
