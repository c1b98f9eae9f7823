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

/** How a response tells that its timing is made up. */
final class SimulatedTiming {

    /** The name of the header; the value does not matter. */
    static final String HEADER = "x-simulated";

    private SimulatedTiming() { }
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

    /** What an event says of the whole answer; null where it says nothing. */
    record About(String finishReason, Usage usage, String errorType, String model, String fingerprint) {

        /** Returns the same with other counts of tokens; {@link #NO_COUNT} leaves one as it is. */
        About withCounts(int outputTokens, int reasoningTokens) {
            return new About(finishReason, usage.with(new Usage(null, null, outputTokens == NO_COUNT ? null : outputTokens,
                    reasoningTokens == NO_COUNT ? null : reasoningTokens)), errorType, model, fingerprint);
        }
    }

    static StreamEvent error(String errorType, String message) {
        return new StreamEvent(EventKind.ERROR, message, new About(null, null, errorType, null, null), false);
    }

    /** Returns how many output tokens there are so far, as the event says; {@link #NO_COUNT} if it does not. */
    int outputTokens() {
        return about == null || about.usage() == null || about.usage().outputTokens() == null ? NO_COUNT
                : about.usage().outputTokens();
    }
}

/**
 * Token counts as the server gives them; null where it gives none.
 *
 * @param cachedPromptTokens those of the prompt that it had in its cache
 * @param outputTokens       of the answer, including its reasoning
 * @param reasoningTokens    those of the output that are reasoning
 */
record Usage(Integer promptTokens, Integer cachedPromptTokens, Integer outputTokens, Integer reasoningTokens) {

    static final Usage UNKNOWN = new Usage(null, null, null, null);

    /** A later count replaces an earlier one; null, for none, replaces nothing. */
    Usage with(Usage later) {
        return later == null ? this : new Usage(later(promptTokens, later.promptTokens),
                later(cachedPromptTokens, later.cachedPromptTokens), later(outputTokens, later.outputTokens),
                later(reasoningTokens, later.reasoningTokens));
    }

    private static Integer later(Integer before, Integer after) {
        return after != null ? after : before;
    }
}

/**
 * Does for okhttp-sse what it does not do itself. Each line end (LF, CR or CRLF) becomes one LF as soon as it arrives, because
 * okhttp-sse waits for the byte after a CR; a byte-order mark, which hides the first event from it, is dropped; the
 * {@code error: {...}} line of older llama.cpp servers, which it passes over, becomes an exception, and so does an event that
 * does not end before it fills the memory.
 */
final class RepairedSource extends ForwardingSource {

    private static final ByteString ERROR_FIELD = ByteString.encodeUtf8("error:");
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
    private final Buffer normal = new Buffer(); // the same with LF as the only line end
    private final long mostEventBytes;
    private final Runnable onLine;
    private long bytesSinceEvent;
    private boolean begun;
    private boolean endedWithReturn;
    private boolean lineIsError;
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
        while (normal.exhausted()) {
            if (!readNormal(byteCount)) {
                return -1;
            }
        }
        var harmless = upToErrorField();
        bytesSinceEvent += harmless;
        if (bytesSinceEvent > mostEventBytes) {
            throw new EndlessEvent();
        }
        sink.write(normal, harmless);
        return harmless;
    }

    /** Tells that what has come since the last call was a whole event. */
    void eventEnded() {
        bytesSinceEvent = 0;
    }

    /** Adds what one read brings to the normal bytes; returns false at the end of the stream. */
    private boolean readNormal(long byteCount) throws IOException {
        if (super.read(incoming, byteCount) < 0) {
            return false;
        }
        if (!begun) {
            begun = true;
            dropMark();
        }
        if (endedWithReturn && !incoming.exhausted()) {
            endedWithReturn = false;
            if (incoming.getByte(0) == '\n') {
                incoming.skip(1); // the second half of a line end that has been passed on
            }
        }
        for (long length; (length = incoming.indexOf((byte) '\r')) >= 0; ) {
            normal.write(incoming, length);
            normal.writeByte('\n');
            endedWithReturn = incoming.size() == 1;
            incoming.skip(!endedWithReturn && incoming.getByte(1) == '\n' ? 2 : 1);
        }
        normal.write(incoming, incoming.size());
        return true;
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
        var lineEnded = false;
        var at = 0L;
        while (at < normal.size() && !lineIsError) {
            if (matched < 0) {
                at = normal.indexOf((byte) '\n', at);
                if (at < 0) {
                    at = normal.size();
                    break;
                }
            }
            var next = normal.getByte(at++);
            lineEnded |= next == '\n';
            matched = next == '\n' ? 0 : next == ERROR_FIELD.getByte(matched) ? matched + 1 : -1;
            lineIsError = matched == ERROR_FIELD.size();
        }
        if (lineEnded) {
            onLine.run();
        }
        return at;
    }

    private String restOfLine() throws IOException {
        while (normal.indexOf((byte) '\n') < 0 && readNormal(8192)) {
            // one line, however many reads it comes in
        }
        return normal.readUtf8().lines().findFirst().orElse("").strip();
    }
}
