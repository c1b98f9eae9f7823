//JAVA 25+

package stream.metric;

import java.util.Locale;

/** What is measured of a request. Times are in milliseconds where they are compared, in microseconds while they are measured. */
public enum Metric {
    /** Time to first token: from sending the request to the first event with visible text. */
    TTFT,
    /** Inter-token latency: between consecutive events with visible text; of one request its median. */
    ITL,
    /** Time per output token: (TTLT - TTFT) / (visible tokens - 1). */
    TPOT,
    /** Time to last token: to the last event with visible text. */
    TTLT,
    /** To the end of the stream. */
    TOTAL,
    /** To the first event that the model generated: reasoning, visible text, or a part of a tool call. */
    TTFT_ANY,
    /** The p95 of the ITL of one request. */
    ITL_P95,
    /** Between consecutive events that the model generated; of one request its median. */
    ITL_ANY,
    /** TTFT without the name look-up, the connection and the TLS handshake. */
    TTFT_NET,
    /** Output tokens / TTLT. */
    TOKENS_PER_S,
    /** Characters of the visible text / TTLT. A character is a Unicode code point, as in {@link TextTimes}. */
    CHARS_PER_S,
    /** To the event that brings the hundredth character of the visible text; not known of a shorter one. */
    FIRST_100_CHARS,
    /** Time to second token, as AIPerf has it: between the first two events that the model generated. */
    TTST,
    OUTPUT_TOKENS, OUTPUT_CHARS, CACHED_TOKENS, REASONING_TOKENS, TOKENS_PER_EVENT, EVENTS, CONTENT_EVENTS, COALESCED_EVENTS,
    REASONING_EVENTS, TOOL_EVENTS,
    /** From the slot being free to the start of the clock. */
    QUEUE,
    /** To the last byte of the request. */
    SENT,
    /** To the end of the response headers. */
    HEADERS;

    /** Its name in options, JSON and CSV. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns what a request has that never ends: an infinite time, or nothing per second; NaN if neither is meant. */
    public double worst() {
        return switch (this) {
            case TTFT, ITL, TPOT, TTLT, TOTAL, TTFT_ANY, ITL_P95, ITL_ANY, TTFT_NET, FIRST_100_CHARS,
                    TTST -> Double.POSITIVE_INFINITY;
            case TOKENS_PER_S, CHARS_PER_S -> 0;
            default -> Double.NaN;
        };
    }

    /** Its name in tables. */
    public String title() {
        return switch (this) {
            case TOTAL -> "total";
            case TTFT_ANY -> "TTFT any";
            case ITL_ANY -> "ITL any";
            case TTFT_NET -> "TTFT net";
            case FIRST_100_CHARS -> "100 chars";
            default -> name();
        };
    }
}
