//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES Column.java

package stream.record;

import stream.metric.Metric;

/** The columns of requests.csv, one row per attempt. */
public enum RequestColumn implements Column {
    REQUEST_ID, RUN_ID, STARTED_AT, MODEL, MODEL_NAME, API, BASE_URL, PROMPT_ID, REPETITION, ATTEMPT, PHASE, STATUS,
    HTTP_STATUS, ERROR_TYPE, ERROR, RETRY_AFTER_MS, SCHEDULED_MS, QUEUE_MS, DNS_MS, CONNECT_MS, TLS_MS, SENT_MS, HEADERS_MS,
    FIRST_EVENT_MS, TTFT_MS, TTFT_REASONING_MS, TTLT_MS, TOTAL_MS, ITL_MEAN_MS, ITL_P50_MS, ITL_P95_MS, ITL_MAX_MS, TPOT_MS,
    OUTPUT_TOKENS_PER_S, EVENTS, CONTENT_EVENTS, COALESCED_EVENTS, PROMPT_TOKENS, CACHED_PROMPT_TOKENS, OUTPUT_TOKENS,
    TOKEN_SOURCE, FINISH_REASON, HTTP_VERSION, CONNECTION_REUSED, SERVER_PROCESSING_MS, SERVER_REQUEST_ID, SYSTEM_FINGERPRINT,
    REPORTED_MODEL, TAINTED, OUTPUT, TOKENS_PER_EVENT, TTFT_ANY_MS, REASONING_TOKENS, REASONING_EVENTS, TOOL_EVENTS,
    ITL_ANY_MEAN_MS, ITL_ANY_P50_MS, OUTPUT_CHARS, COST, RESENT, STREAM_END, START_MS;

    /** Whether the files of the first version have it. */
    boolean isOfFirstVersion() {
        return compareTo(OUTPUT) <= 0;
    }

    /** Returns the column in which a metric of a request is; null if it is computed from several, or from the events. */
    public static RequestColumn of(Metric metric) {
        return switch (metric) {
            case TTFT -> TTFT_MS;
            case ITL -> ITL_P50_MS;
            case TPOT -> TPOT_MS;
            case TTLT -> TTLT_MS;
            case TOTAL -> TOTAL_MS;
            case TTFT_ANY -> TTFT_ANY_MS;
            case ITL_P95 -> ITL_P95_MS;
            case ITL_ANY -> ITL_ANY_P50_MS;
            case TTFT_NET, CHARS_PER_S, FIRST_100_CHARS, TTST -> null;
            case TOKENS_PER_S -> OUTPUT_TOKENS_PER_S;
            case OUTPUT_TOKENS -> OUTPUT_TOKENS;
            case CACHED_TOKENS -> CACHED_PROMPT_TOKENS;
            case REASONING_TOKENS -> REASONING_TOKENS;
            case OUTPUT_CHARS -> OUTPUT_CHARS;
            case TOKENS_PER_EVENT -> TOKENS_PER_EVENT;
            case EVENTS -> EVENTS;
            case CONTENT_EVENTS -> CONTENT_EVENTS;
            case COALESCED_EVENTS -> COALESCED_EVENTS;
            case REASONING_EVENTS -> REASONING_EVENTS;
            case TOOL_EVENTS -> TOOL_EVENTS;
            case QUEUE -> QUEUE_MS;
            case SENT -> SENT_MS;
            case HEADERS -> HEADERS_MS;
        };
    }
}
