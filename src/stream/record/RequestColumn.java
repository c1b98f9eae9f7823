//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES Column.java

package stream.record;

import java.util.Locale;

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
        return metric.column() == null ? null : valueOf(metric.column().toUpperCase(Locale.ROOT));
    }
}
