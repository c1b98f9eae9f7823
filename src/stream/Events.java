//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-sse:5.5.1
//DEPS com.squareup.okio:okio-jvm:3.18.1

// Events: the bytes of a response to server-sent events, and the typed event that each dialect makes of one.

package stream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;

import okhttp3.sse.internal.ServerSentEventReader;
import okio.Buffer;
import okio.BufferedSource;
import okio.ByteString;
import okio.Okio;
import okio.Source;

/** How a response tells that its timing is made up. */
final class SimulatedTiming {

    /** The name of the header; the value does not matter. */
    static final String HEADER = "x-simulated";

    private SimulatedTiming() { }
}

/** The failures that this tool finds by itself; the column error_type has others in the words of the server. */
enum FailureKind {
    /** There is no address of the server. */
    DNS,
    /** No connection could be opened. */
    CONNECT, TLS,
    /** The connection ended before the response began. */
    CONNECTION, REDIRECT,
    /** The bytes of the response are not valid HTTP. */
    INVALID_HTTP,
    /** A body that this tool does not read, a document instead of a stream, a stream without an event. */
    UNKNOWN_ENCODING, NOT_STREAMED, EMPTY_STREAM,
    /** An event that is not JSON. */
    BAD_EVENT,
    /** Something grew beyond its limit. */
    ENDLESS_EVENT, ENDLESS_ANSWER;

    /** Its name in the column error_type. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether a word of the column error_type is one of these. */
    static boolean isKnown(String word) {
        return Arrays.stream(values()).anyMatch(kind -> kind.word().equals(word));
    }
}

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
    OTHER,
    /** A choice without any text, which some tools count as a token; of kind other for the user. */
    EMPTY_CHOICE("other"),
    /** The same with token counts; of kind usage for the user. */
    EMPTY_CHOICE_WITH_USAGE("usage");

    private static final EventKind[] KINDS = values();

    private final String word;

    EventKind() {
        word = name().toLowerCase(Locale.ROOT);
    }

    EventKind(String word) {
        this.word = word;
    }

    /**
     * Returns the kind that is written so; null if there is no such word.
     *
     * @param word           in the column kind
     * @param hasEmptyChoice the column empty_choice
     */
    static EventKind of(String word, boolean hasEmptyChoice) {
        for (var kind : KINDS) {
            if (kind.word.equals(word) && kind.hasEmptyChoice() == hasEmptyChoice) {
                return kind;
            }
        }
        return null;
    }

    /** Whether it has a choice without text, reasoning, tool call, role and finish reason. */
    boolean hasEmptyChoice() {
        return this == EMPTY_CHOICE || this == EMPTY_CHOICE_WITH_USAGE;
    }

    /** Whether the model generated it: reasoning, visible text, or a part of a tool call. */
    boolean isGenerated() {
        return this == REASONING || this == CONTENT || this == TOOL;
    }

    String word() {
        return word;
    }
}

/**
 * What one server-sent event means.
 *
 * @param text  visible text, reasoning, arguments of a tool call, finish reason or error message; of kind other the text of
 *              another choice than the measured one; else null
 * @param about what it says of the whole answer; null for most events
 * @param last  whether no event follows
 */
record StreamEvent(EventKind kind, String text, About about, boolean last) {

    /** Stands for a count of tokens that is not known. */
    static final int NO_COUNT = -1;

    /** Which of several choices an event has. */
    enum Choices {
        /** None, or the API has no choices. */
        NONE,
        /** The one of index 0, which is measured. */
        FIRST,
        /** Others alone. */
        OTHERS,
        /** The first and others. */
        ALL;

        /** Whether there is another one than the first. */
        boolean hasOthers() {
            return this == OTHERS || this == ALL;
        }
    }

    /**
     * What an event says of the whole answer; null where it says nothing.
     *
     * @param choices whose text, and whose token counts, the event has
     */
    record About(String finishReason, Usage usage, String errorType, String model, String fingerprint, Choices choices) {

        /** Of an event without choices. */
        About(String finishReason, Usage usage, String errorType, String model, String fingerprint) {
            this(finishReason, usage, errorType, model, fingerprint, Choices.NONE);
        }

        /** Returns the same with other counts of tokens; {@link #NO_COUNT} leaves one as it is. */
        About withCounts(int outputTokens, int reasoningTokens) {
            return new About(finishReason, usage.withCounts(outputTokens == NO_COUNT ? usage.outputTokens() : Integer.valueOf(outputTokens),
                    reasoningTokens == NO_COUNT ? usage.reasoningTokens() : Integer.valueOf(reasoningTokens)), errorType, model, fingerprint,
                    choices);
        }
    }

    static StreamEvent error(String errorType, String message) {
        return new StreamEvent(EventKind.ERROR, message, new About(null, null, errorType, null, null), false);
    }

    /** Returns how many output tokens the measured choice has so far, as the event says; {@link #NO_COUNT} if it does not. */
    int outputTokens() {
        return about == null || about.usage() == null || about.usage().outputTokens() == null || about.choices().hasOthers() ? NO_COUNT
                : about.usage().outputTokens();
    }
}

/**
 * Token counts as the server gives them; null where it gives none.
 *
 * @param inputTokens        of the prompt, without those that the API counts beside them
 * @param cacheTokensBeside  those that were read from a cache or written to it, if the API does not count them as input tokens
 * @param cachedPromptTokens those of the prompt that the server had in its cache
 * @param outputTokens       of the answer, including its reasoning
 * @param reasoningTokens    those of the output that are reasoning
 */
record Usage(Integer inputTokens, Integer cacheTokensBeside, Integer cachedPromptTokens, Integer outputTokens, Integer reasoningTokens) {

    static final Usage UNKNOWN = new Usage(null, null, null, null);

    /** Counts of an API that counts all tokens of the prompt together. */
    Usage(Integer promptTokens, Integer cachedPromptTokens, Integer outputTokens, Integer reasoningTokens) {
        this(promptTokens, null, cachedPromptTokens, outputTokens, reasoningTokens);
    }

    /** Returns all tokens of the prompt; null if they are not known. */
    Integer promptTokens() {
        return inputTokens == null || cacheTokensBeside == null ? inputTokens : Integer.valueOf(inputTokens + cacheTokensBeside);
    }

    /**
     * Returns what is known after a later event. A later count replaces an earlier one, unless it is 0 or null: some gateways send zeros
     * for what they do not know. Where both the input and the output are 0, nothing was counted.
     */
    Usage with(Usage later) {
        return later == null || later.isOfZeros() ? this : new Usage(later(inputTokens, later.inputTokens),
                later(cacheTokensBeside, later.cacheTokensBeside), later(cachedPromptTokens, later.cachedPromptTokens),
                later(outputTokens, later.outputTokens), later(reasoningTokens, later.reasoningTokens));
    }

    private boolean isOfZeros() {
        return promptTokens() != null && promptTokens() == 0 && outputTokens != null && outputTokens == 0;
    }

    private static Integer later(Integer before, Integer after) {
        return after == null || after == 0 && before != null ? before : after;
    }

    /** Returns the same with other counts of the output. */
    Usage withCounts(Integer output, Integer reasoning) {
        return new Usage(inputTokens, cacheTokensBeside, cachedPromptTokens, output, reasoning);
    }
}

/**
 * Decodes chunked framing (RFC 9112, section 7.1) as it comes, up to the last chunk, which it leaves to the HTTP client: what
 * follows then is a body without content, and the connection can be used again.
 */
final class ChunkDecoder {

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
    int decode(byte[] bytes, int from, int to, Buffer payload) {
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
    boolean isAtLast() throws ProtocolException {
        if (failure != null) {
            throw failure;
        }
        return atLast;
    }

    /** Returns the bytes that were taken and that the HTTP client has to see; null inside a chunk. */
    byte[] untaken() {
        return remaining > 0 ? null : line.toByteArray();
    }
}

/** Decodes a body in gzip, whose members may come one by one, as from a proxy that compresses each event by itself. */
final class GzipMembers {

    private static final Set<String> NAMES = Set.of("gzip", "x-gzip"); // RFC 9110, section 8.4.1.3

    private GzipMembers() { }

    /** Whether a Content-Encoding, in lower case, is gzip. */
    static boolean isNamed(String contentEncoding) {
        return NAMES.contains(contentEncoding);
    }

    /** Returns the decoded body; what a member has is there as soon as it has come. Throws IOException if it is not gzip. */
    static Source decoded(BufferedSource body) throws IOException {
        return Okio.source(new GZIPInputStream(body.inputStream())); // Okio's own source ends with an error after the first member
    }
}

/**
 * Bytes of an event stream in, events out; okhttp-sse parses them. This does what okhttp-sse does not: each line end (LF, CR or
 * CRLF) becomes one LF as soon as it arrives, because okhttp-sse waits for the byte after a CR; a byte-order mark, which hides
 * the first event from it, is dropped; the {@code error: {...}} line of older llama.cpp servers, which it passes over, becomes an
 * exception, and so does an event that does not end before it fills the memory. It never waits: an event is parsed once it is whole.
 *
 * <p>What the first bytes show to be a document in JSON or HTML is not parsed: {@link #document} returns it.
 */
final class EventStream {

    private static final ByteString ERROR_FIELD = ByteString.encodeUtf8("error:");
    private static final ByteString MARK = ByteString.decodeHex("efbbbf");
    private static final List<ByteString> FIELDS = List.of(ByteString.encodeUtf8("data:"), ByteString.encodeUtf8("event:"),
            ByteString.encodeUtf8("id:"), ByteString.encodeUtf8("retry:"), ERROR_FIELD, ByteString.encodeUtf8(":"));
    private static final long MOST_DOCUMENT_BYTES = 64 * 1024;

    /** Receives what a stream brings. */
    interface Receiver {

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
    static final class ErrorLine extends IOException {
        ErrorLine(String message) {
            super(message);
        }
    }

    /** An event that does not end. */
    static final class EndlessEvent extends IOException { }

    /** What the body of a response is, as its first bytes tell. */
    private enum Form { UNKNOWN, EVENTS, DOCUMENT }

    private final long mostEventBytes;
    private final boolean isExpected;
    private final Receiver receiver;
    private final Buffer incoming = new Buffer();
    private final Buffer lines = new Buffer(); // the same with LF as the only line end: what is not yet a whole event
    private final Buffer whole = new Buffer();
    private final ServerSentEventReader parser;
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
     */
    EventStream(long mostEventBytes, boolean isExpected, Receiver receiver) {
        this.mostEventBytes = mostEventBytes;
        this.isExpected = isExpected;
        this.receiver = receiver;
        this.parser = new ServerSentEventReader(whole, new ServerSentEventReader.Callback() {
            @Override
            public void onEvent(String id, String type, String data) {
                endedWithEvent = !ending || receiver.isWhole(data);
                wantsMore = endedWithEvent ? receiver.event(type, data) : wantsMore;
            }

            @Override
            public void onRetryChange(long millis) {
                // nothing is asked for again because of it
            }
        });
    }

    /** Where the bytes are to be put, before {@link #decode} is called. */
    Buffer incoming() {
        return incoming;
    }

    /**
     * Parses the events that are whole; returns whether more are wanted.
     *
     * @throws ErrorLine    if the server reports an error in a line of its own
     * @throws EndlessEvent if an event is longer than it may be
     */
    boolean decode() throws IOException {
        normalise();
        recogniseForm(false);
        if (form != Form.EVENTS) {
            wantsMore = lines.size() < MOST_DOCUMENT_BYTES;
            return wantsMore;
        }
        whole.write(lines, scanEvents());
        while (wantsMore && parser.processNextEvent()) {
            // each is received
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
     * Tells that the stream has ended in order. An event without the empty line after it counts if its data is whole. Returns what belongs
     * to no event, as one line; null if there is nothing.
     *
     * @throws ErrorLine if the last line is an error that the server reports
     */
    String end() throws IOException {
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
        parser.processNextEvent();
        return endedWithEvent ? beside : rest;
    }

    /** Returns the lines that belong to no event so far, as one line without comments; null if there are none. */
    String rest() {
        return rest(line -> !line.startsWith(":"));
    }

    private String rest(Predicate<String> isMeant) {
        var text = lines.snapshot().utf8().lines().filter(line -> !line.isBlank() && isMeant.test(line)).collect(Collectors.joining(" "));
        return text.isEmpty() ? null : text;
    }

    /** Returns the body if it is a document in JSON or HTML, at most 64 KB of it; null if it is not. */
    String document() {
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
