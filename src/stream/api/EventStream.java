//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES EventFields.java

package stream.api;

import java.io.IOException;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import okio.Buffer;
import okio.ByteString;

/**
 * Bytes of an event stream in, events out; {@link EventFields} reads them. This does what okhttp-sse does not: each line end (LF,
 * CR or CRLF) becomes one LF as soon as it arrives, because okhttp-sse waits for the byte after a CR; a byte-order mark, which
 * hides the first event from it, is dropped; the {@code error: {...}} line of older llama.cpp servers, which it passes over,
 * becomes an exception, and so does an event that does not end before it fills the memory. It never waits: an event is parsed once
 * it is whole.
 *
 * <p>What the first bytes show to be a document in JSON or HTML is not parsed: {@link #document} returns it.
 */
public final class EventStream {

    private static final ByteString ERROR_FIELD = ByteString.encodeUtf8("error:");
    private static final ByteString MARK = ByteString.decodeHex("efbbbf");
    private static final List<ByteString> FIELDS = List.of(ByteString.encodeUtf8("data:"), ByteString.encodeUtf8("event:"),
            ByteString.encodeUtf8("id:"), ByteString.encodeUtf8("retry:"), ERROR_FIELD, ByteString.encodeUtf8(":"));
    private static final long MOST_DOCUMENT_BYTES = 64 * 1024;

    /** Receives what a stream brings. */
    public interface Receiver {

        /** One or more lines have ended. */
        void lines();

        /** An event; {@code type} may be null. Returns whether more are wanted. */
        boolean event(String type, String data);

        /** Whether data without the empty line after it is an event, at the end of the stream; the WHATWG's standard says no. */
        default boolean isWhole(String data) {
            return false;
        }
    }

    /** The server reported an error in a line of its own; the message is what followed the colon. */
    public static final class ErrorLine extends IOException {
        ErrorLine(String message) {
            super(message);
        }
    }

    /** An event that does not end. */
    public static final class EndlessEvent extends IOException { }

    /** What the body of a response is, as its first bytes tell. */
    private enum Form { UNKNOWN, EVENTS, DOCUMENT }

    private final long mostEventBytes;
    private final boolean isExpected;
    private final Receiver receiver;
    private final Buffer incoming = new Buffer();
    private final Buffer lines = new Buffer(); // the same with LF as the only line end: what is not yet a whole event
    private final Buffer whole = new Buffer();
    private final EventFields fields;
    private boolean begun;
    private boolean endedWithReturn;
    private long scanned; // bytes of the lines
    private int matched; // bytes of ERROR_FIELD that the current line began with; -1 if it began otherwise
    private boolean lineIsError;
    private Form form = Form.UNKNOWN;
    private boolean ending;
    private boolean endedWithEvent;
    private boolean wantsMore = true;

    /**
     * @param isExpected whether a body that begins neither as events nor as JSON or HTML is taken for events
     * @param fields     reads the events
     */
    public EventStream(long mostEventBytes, boolean isExpected, EventFields fields, Receiver receiver) {
        this.fields = fields;
        this.mostEventBytes = mostEventBytes;
        this.isExpected = isExpected;
        this.receiver = receiver;
    }

    private boolean event(String type, String data) {
        endedWithEvent = !ending || receiver.isWhole(data);
        wantsMore = endedWithEvent ? receiver.event(type, data) : wantsMore;
        return wantsMore;
    }

    /** Where the bytes are to be put, before {@link #decode} is called. */
    public Buffer incoming() {
        return incoming;
    }

    /**
     * Parses the events that are whole; returns whether more are wanted.
     *
     * @throws ErrorLine    if the server reports an error in a line of its own
     * @throws EndlessEvent if an event is longer than it may be
     */
    public boolean decode() throws IOException {
        normalise();
        recogniseForm(false);
        if (form != Form.EVENTS) {
            wantsMore = lines.size() < MOST_DOCUMENT_BYTES;
            return wantsMore;
        }
        whole.write(lines, scanEvents());
        if (!whole.exhausted()) {
            fields.read(whole, this::event);
        }
        if (wantsMore && lineIsError && lines.indexOf((byte) '\n') >= 0) {
            throw new ErrorLine(restOfLine());
        }
        if (lines.size() > mostEventBytes) {
            throw new EndlessEvent();
        }
        return wantsMore;
    }

    /**
     * Tells that the stream has ended in order. An event without the empty line after it counts if its data is whole. Returns what
     * belongs to no event, as one line; null if there is nothing.
     *
     * @throws ErrorLine if the last line is an error that the server reports
     */
    public String end() throws IOException {
        recogniseForm(true);
        if (form != Form.EVENTS) {
            return null;
        }
        if (lineIsError) {
            throw new ErrorLine(restOfLine());
        }
        var rest = rest();
        var beside = rest(line -> FIELDS.stream().noneMatch(field -> line.startsWith(field.utf8())));
        lines.writeUtf8("\n\n");
        whole.writeAll(lines);
        ending = true;
        endedWithEvent = false;
        fields.read(whole, this::event);
        return endedWithEvent ? beside : rest;
    }

    /** Returns the lines that belong to no event so far, as one line without comments; null if there are none. */
    public String rest() {
        return rest(line -> !line.startsWith(":"));
    }

    private String rest(Predicate<String> isMeant) {
        var text = lines.snapshot().utf8().lines().filter(line -> !line.isBlank() && isMeant.test(line))
                .collect(Collectors.joining(" "));
        return text.isEmpty() ? null : text;
    }

    /** Returns the body if it is a document in JSON or HTML, at most 64 KB of it; null if it is not. */
    public String document() {
        return form == Form.DOCUMENT ? lines.snapshot().utf8().strip() : null;
    }

    /** Looks at the first bytes until they tell what the body is. */
    private void recogniseForm(boolean isAll) throws IOException {
        if (form != Form.UNKNOWN) {
            return;
        }
        while (!lines.exhausted() && Character.isWhitespace(lines.getByte(0))) {
            lines.skip(1);
        }
        if (lines.rangeEquals(0, MARK)) {
            lines.skip(MARK.size()); // after an empty line
        }
        if (lines.exhausted() || lines.size() < MARK.size() && lines.rangeEquals(0, MARK, 0, (int) lines.size())) {
            return;
        }
        var mayBeField = false;
        for (var field : FIELDS) {
            var isBegun = lines.rangeEquals(0, field, 0, (int) Math.min(lines.size(), field.size()));
            if (isBegun && lines.size() >= field.size()) {
                form = Form.EVENTS;
                return;
            }
            mayBeField |= isBegun;
        }
        if ("{[<".indexOf(lines.getByte(0)) >= 0) {
            form = Form.DOCUMENT;
        } else if (!mayBeField || isAll) {
            form = isExpected ? Form.EVENTS : Form.DOCUMENT;
        }
    }

    private void normalise() throws IOException {
        if (!begun) {
            if (incoming.size() < MARK.size() && incoming.rangeEquals(0, MARK, 0, (int) incoming.size())) {
                return; // may be a mark
            }
            begun = true;
            incoming.skip(incoming.rangeEquals(0, MARK) ? MARK.size() : 0);
        }
        if (endedWithReturn && !incoming.exhausted()) {
            endedWithReturn = false;
            incoming.skip(incoming.getByte(0) == '\n' ? 1 : 0); // the second half of a line end that has been passed on
        }
        for (long length; (length = incoming.indexOf((byte) '\r')) >= 0; ) {
            lines.write(incoming, length);
            lines.writeByte('\n');
            endedWithReturn = incoming.size() == 1;
            incoming.skip(!endedWithReturn && incoming.getByte(1) == '\n' ? 2 : 1);
        }
        lines.write(incoming, incoming.size());
    }

    /** Looks for error fields and ends of events in the lines that are new; returns how many bytes the whole events have. */
    private long scanEvents() {
        var end = 0L;
        var lineEnded = false;
        while (scanned < lines.size() && !lineIsError) {
            if (matched < 0) {
                scanned = lines.indexOf((byte) '\n', scanned);
                if (scanned < 0) {
                    scanned = lines.size();
                    break;
                }
            }
            var next = lines.getByte(scanned++);
            if (next == '\n') {
                end = matched == 0 ? scanned : end; // an empty line
                matched = 0;
                lineEnded = true;
            } else {
                matched = next == ERROR_FIELD.getByte(matched) ? matched + 1 : -1;
                lineIsError = matched == ERROR_FIELD.size();
            }
        }
        if (lineEnded) {
            receiver.lines();
        }
        scanned -= end;
        return end;
    }

    /** Returns what follows the colon of an error field. */
    private String restOfLine() throws IOException {
        lines.skip(scanned);
        return lines.readUtf8().lines().findFirst().orElse("").strip();
    }
}
