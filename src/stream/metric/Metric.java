//JAVA 25+

package stream.metric;

import java.util.Locale;

/**
 * What is measured of a request. Times are in milliseconds where they are compared, in microseconds while they are measured.
 *
 * <p>A new metric is an entry here, its computation in {@link AnswerMetrics}, and a row in docs/measurement.md. Where it has a
 * column of its own in requests.csv, that is an entry of RequestColumn, too.
 */
public enum Metric {
    /** Time to first token: from sending the request to the first event with visible text. */
    TTFT(Family.BEGINNING, "ttft_ms", "TTFT", "Time to first token", "to the first token"),
    /** Inter-token latency: between consecutive events with visible text; of one request its median. */
    ITL(Family.BETWEEN_EVENTS, "itl_p50_ms", "ITL", "Inter-token latency, median of each request", "from token to token"),
    /** Time per output token: (TTLT - TTFT) / (visible tokens - 1). */
    TPOT(Family.BETWEEN_TOKENS, "tpot_ms", "TPOT", "Time per output token", "per token"),
    /** Time to last token: to the last event with visible text. */
    TTLT(Family.END, "ttlt_ms", "TTLT", "Time to last token", "to the last token"),
    /** To the end of the stream. */
    TOTAL(Family.END, "total_ms", "total", "Time to the end of the stream", "to the end"),
    /** To the first event that the model generated: reasoning, visible text, or a part of a tool call. */
    TTFT_ANY(Family.BEGINNING, "ttft_any_ms", "TTFT any", "Time to first generated event", "to the first event"),
    /** The p95 of the ITL of one request. */
    ITL_P95(Family.BETWEEN_EVENTS, "itl_p95_ms"),
    /** Between consecutive events that the model generated; of one request its median. */
    ITL_ANY(Family.BETWEEN_EVENTS, "itl_any_p50_ms", "ITL any", "Latency between generated events, median of each request",
            "from token to token"),
    /** TTFT without the name look-up, the connection and the TLS handshake. */
    TTFT_NET(Family.BEGINNING, null, "TTFT net", "Time to first token without the handshake",
            "to the first token, without the handshake"),
    /** Output tokens / TTLT. */
    TOKENS_PER_S(Family.RATE, "output_tokens_per_s"),
    /** Characters of the visible text / TTLT. A character is a Unicode code point, as in {@link TextTimes}. */
    CHARS_PER_S(Family.RATE, null),
    /** To the event that brings the hundredth character of the visible text; not known of a shorter one. */
    FIRST_100_CHARS(Family.BEGINNING, null, "100 chars", "Time to the first 100 characters", "to the first 100 characters"),
    /** Time to second token, as AIPerf has it: between the first two events that the model generated. */
    TTST(Family.BETWEEN_EVENTS, null),
    OUTPUT_TOKENS(Family.COUNT, "output_tokens"),
    OUTPUT_CHARS(Family.COUNT, "output_chars"),
    CACHED_TOKENS(Family.COUNT, "cached_prompt_tokens"),
    REASONING_TOKENS(Family.COUNT, "reasoning_tokens"),
    TOKENS_PER_EVENT(Family.COUNT, "tokens_per_event"),
    EVENTS(Family.COUNT, "events"),
    CONTENT_EVENTS(Family.COUNT, "content_events"),
    COALESCED_EVENTS(Family.COUNT, "coalesced_events"),
    REASONING_EVENTS(Family.COUNT, "reasoning_events"),
    TOOL_EVENTS(Family.COUNT, "tool_events"),
    /** From the slot being free to the start of the clock. */
    QUEUE(Family.PHASE, "queue_ms"),
    /** To the last byte of the request. */
    SENT(Family.PHASE, "sent_ms"),
    /** To the end of the response headers. */
    HEADERS(Family.PHASE, "headers_ms");

    /** Metrics to which the same applies: which value is the worst, and what a buffer or the size of events does to them. */
    private enum Family {
        /** Times to the first of something. */
        BEGINNING(Double.POSITIVE_INFINITY, true),
        /** Times from one event to the next, which depend on how many tokens an event has. */
        BETWEEN_EVENTS(Double.POSITIVE_INFINITY, true),
        BETWEEN_TOKENS(Double.POSITIVE_INFINITY, true),
        /** Times to the last of something. */
        END(Double.POSITIVE_INFINITY, false),
        /** Amounts per second: more is better. */
        RATE(0, false),
        COUNT(Double.NaN, false),
        /** Times in which the tool and the network are busy, not the model. */
        PHASE(Double.NaN, false);

        private final double worst;
        private final boolean isOfBuffer;

        Family(double worst, boolean isOfBuffer) {
            this.worst = worst;
            this.isOfBuffer = isOfBuffer;
        }
    }

    private final Family family;
    private final String column;
    private final String title;
    private final String caption;
    private final String goal;

    Metric(Family family, String column) {
        this(family, column, null, null, null);
    }

    /** With a title it can be compared. */
    Metric(Family family, String column, String title, String caption, String goal) {
        this.family = family;
        this.column = column;
        this.title = title;
        this.caption = caption;
        this.goal = goal;
    }

    /** Its name in options, JSON and CSV. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns the name of its column in requests.csv; null if it is computed from several, or from the events. */
    public String column() {
        return column;
    }

    /** Whether groups can be compared by it. */
    public boolean isComparable() {
        return title != null;
    }

    /** Its name in tables. */
    public String title() {
        return title == null ? name() : title;
    }

    /** Returns what it is, as the heading of a chart; null if it cannot be compared. */
    public String caption() {
        return caption;
    }

    /** Returns where it ends, as in "is faster to the first token"; null if it cannot be compared. */
    public String goal() {
        return goal;
    }

    /** Returns what a request has that never ends: an infinite time, or nothing per second; NaN if neither is meant. */
    public double worst() {
        return family.worst;
    }

    /** Whether it is that of the buffer if a stream was buffered on its way. */
    public boolean isOfBuffer() {
        return family.isOfBuffer;
    }

    /** Whether a longer answer has a larger value although its tokens come as fast. */
    public boolean growsWithLength() {
        return this == TTLT || this == TOTAL;
    }

    /** Whether it compares the sizes of events where these have different numbers of tokens. */
    public boolean isBetweenEvents() {
        return family == Family.BETWEEN_EVENTS;
    }
}
