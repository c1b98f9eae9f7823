//JAVA 25+
//SOURCES ../api/EventKind.java
//SOURCES ../api/StreamEvent.java
//SOURCES ../api/Usage.java
//SOURCES EventSeries.java

package stream.metric;

import stream.api.EventKind;
import stream.api.StreamEvent;
import stream.api.Usage;

/** The metrics of one answer, computed event by event. All times are whole microseconds; null where they are not known. */
public final class AnswerMetrics {

    /** Stands for a time that is not known, where a boxed number for each event would be allocated. */
    public static final long NONE = -1;

    /** From so many events with text for each token on, the count of the tokens cannot be right. */
    private static final double EVENTS_CONTRADICT_COUNT = 2;

    private static final double BUFFERED_SHARE = 0.5;
    private static final int FEWEST_FOR_BUFFERED = 10; // of fewer tokens two may come together by chance

    private int events;
    private int reasoningEvents;
    private int toolEvents;
    private int coalescedEvents;
    private int lastContentRead;
    private int countedTokens;
    private int countedEvents;
    private long lastMicros;
    private long firstEventMicros = NONE;
    private long ttftReasoningMicros = NONE;
    private final EventSeries content = new EventSeries();
    private EventSeries generated = content; // the same until something else than content is generated

    /**
     * Adds the next event; returns the microseconds since the one before, {@link #NONE} for the first.
     *
     * @param tokens output tokens so far; {@link StreamEvent#NO_COUNT} if the event does not tell
     */
    public long add(long elapsedMicros, int read, EventKind kind, int tokens) {
        var delay = events == 0 ? NONE : elapsedMicros - lastMicros;
        events++;
        lastMicros = elapsedMicros;
        firstEventMicros = firstEventMicros == NONE ? elapsedMicros : firstEventMicros;
        if (kind.isGenerated()) {
            addGenerated(elapsedMicros, read, kind);
            if (tokens != StreamEvent.NO_COUNT) {
                countedTokens = tokens;
                countedEvents = generated.count();
            }
        }
        return delay;
    }

    private void addGenerated(long elapsedMicros, int read, EventKind kind) {
        if (kind == EventKind.CONTENT) {
            coalescedEvents += content.count() > 0 && read == lastContentRead ? 1 : 0;
            lastContentRead = read;
            content.add(elapsedMicros);
        } else {
            generated = generated == content ? new EventSeries(content) : generated;
            toolEvents += kind == EventKind.TOOL ? 1 : 0;
            reasoningEvents += kind == EventKind.REASONING ? 1 : 0;
            ttftReasoningMicros = kind == EventKind.REASONING && ttftReasoningMicros == NONE ? elapsedMicros : ttftReasoningMicros;
        }
        if (generated != content) {
            generated.add(elapsedMicros);
        }
    }

    public int events() {
        return events;
    }

    public int contentEvents() {
        return content.count();
    }

    public int reasoningEvents() {
        return reasoningEvents;
    }

    public int toolEvents() {
        return toolEvents;
    }

    private static Long known(long micros) {
        return micros == NONE ? null : micros;
    }

    /** Content events that came in the same socket read as the one before them. */
    public int coalescedEvents() {
        return coalescedEvents;
    }

    public Long firstEventMicros() {
        return known(firstEventMicros);
    }

    /** Time to the first event with visible text. */
    public Long ttftMicros() {
        return content.firstMicros();
    }

    /** Time to the first event that the model generated. */
    public Long ttftAnyMicros() {
        return generated.firstMicros();
    }

    public Long ttftReasoningMicros() {
        return known(ttftReasoningMicros);
    }

    /** Time to the last event with visible text. */
    public Long ttltMicros() {
        return content.lastMicros();
    }

    /** The events with visible text. */
    public EventSeries content() {
        return content;
    }

    /** The events that the model generated: reasoning, visible text, tool calls. */
    public EventSeries generated() {
        return generated;
    }

    /** Returns the mean number of output tokens per generated event, as counted inside the stream; null if they were not. */
    public Double tokensPerEvent() {
        return countedEvents == 0 ? null : (double) countedTokens / countedEvents;
    }

    /**
     * Whether so many of the content events came in the same socket read as the one before that the times are those of a buffer on
     * the way. Both may be NaN if they are not known.
     */
    public static boolean wereBuffered(double coalescedEvents, double contentEvents) {
        return contentEvents >= FEWEST_FOR_BUFFERED && coalescedEvents / contentEvents >= BUFFERED_SHARE;
    }

    /**
     * Whether there are so many events with text that a server's count of the tokens cannot be right, since each has at least one
     * token: some servers count those of the last event alone. The events may be NaN if they are not known.
     */
    public static boolean contradictCount(double eventsWithText, double outputTokens) {
        return outputTokens > 0 && eventsWithText >= EVENTS_CONTRADICT_COUNT * outputTokens;
    }

    /** Returns the output tokens per second up to the last of them; null if nothing came. */
    public Double outputTokensPerSecond(int outputTokens) {
        return content.count() == 0 || content.lastMicros() == 0 ? null : outputTokens / (content.lastMicros() / 1e6);
    }

    /** Returns the server's count of the output tokens; null if the server sent none, or sent 0 although something came. */
    public Integer countedTokens(Usage usage) {
        return usage.outputTokens() != null && usage.outputTokens() == 0 && generated.count() > 0 ? null : usage.outputTokens();
    }

    /**
     * Returns how many of the output tokens are visible text; null if that is not known: usage counts reasoning and tool calls
     * among the output.
     */
    public Integer visibleTokens(Usage usage) {
        if (countedTokens(usage) == null) {
            return content.count();
        }
        var reasoning = usage.reasoningTokens() == null ? 0 : usage.reasoningTokens();
        return toolEvents > 0 || reasoningEvents > 0 && reasoning == 0 ? null
                : Integer.valueOf(Math.max(0, usage.outputTokens() - reasoning));
    }

    /** Returns the time per output token of the visible text; null where the tokens are fewer than two, or not known. */
    public Double tpotMicros(Integer visibleTokens) {
        return content.count() == 0 || visibleTokens == null || visibleTokens < 2 ? null
                : (double) (content.lastMicros() - content.firstMicros()) / (visibleTokens - 1);
    }
}
