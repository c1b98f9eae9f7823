//JAVA 25+
//SOURCES ../api/EventKind.java
//SOURCES Metric.java
//SOURCES StreamEnd.java
//SOURCES TokenTimes.java

package stream.metric;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

import stream.api.EventKind;

/**
 * Whose definitions of the metrics apply. Those of another tool are taken from its source, which each names with its version.
 * Tokens are counted as the server counts them, else as events, where a tool would ask a tokenizer.
 */
public enum MetricDefinition {
    /** This tool's: a token is an event with visible text. */
    OURS(EnumSet.of(EventKind.CONTENT), null),

    /**
     * vLLM, {@code vllm/benchmarks/lib/endpoint_request_func.py} at commit 02cfb534 (September 2026, with the fix of pull request
     * 55508, without that of 57519) and {@code serve.py} at 009e6d4a: TTFT ends with the first chunk that has choices, be it a role
     * alone or an empty delta; each later one, including the one with the finish reason, ends an ITL; the latency ends with the
     * last of them, and TPOT is (latency - TTFT) / (output tokens - 1). Quantiles of ITL are of all gaps. A stream that ends
     * without a finish reason, or with an error after its first chunk, is a success. Before the fix a usage chunk made the latency
     * of a chat, and its TPOT, longer.
     */
    VLLM(EnumSet.of(EventKind.ROLE, EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL, EventKind.FINISH,
            EventKind.EMPTY_CHOICE, EventKind.EMPTY_CHOICE_WITH_USAGE), "vLLM"),

    /**
     * GuideLLM 0.8 (October 2026), {@code guidellm/schemas/base/request_stats.py} at commit 31c74ea2, {@code statistics.py} at
     * 02804675 and {@code benchmark/schemas/metrics.py} at 1a145a40: text, reasoning and tool calls are tokens; ITL is one mean per
     * request, (last - first) / (output tokens - 1), weighted with that number where requests are taken together; TPOT is the time
     * to the last token / output tokens, including the first, weighted with these. A quantile is the first value at which the
     * cumulated weight reaches it, without interpolation. A stream that ends without a finish reason is a success if a token came.
     */
    GUIDELLM(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL), "GuideLLM"),

    /**
     * AIPerf 0.13 (September 2026), {@code aiperf/metrics/types}: TTFT ends with the first response that has text, be it reasoning;
     * the request latency with the last; ITL is one mean per request, (request latency - TTFT) / (output sequence length - 1); TTST
     * is from the first response to the second, inter-chunk latency (ICL) from each to the next, its quantiles of all requests. It
     * has no TPOT. Its output sequence length is a tokenizer's unless it runs with {@code --use-server-token-count}. A stream that
     * ends without a finish reason is a success if a token came.
     */
    AIPERF(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL), "AIPerf");

    /** Times of one request in milliseconds; NaN where they are not known. */
    public record Times(double ttft, double itl, double tpot, double ttlt, double total, double ttst, double tokensPerSecond) {

        /** Of a request whose events are not known. */
        public static Times unknown(double total) {
            return new Times(Double.NaN, Double.NaN, Double.NaN, Double.NaN, total, Double.NaN, Double.NaN);
        }
    }

    private final Set<EventKind> tokenKinds;
    private final String tool;

    MetricDefinition(Set<EventKind> tokenKinds, String tool) {
        this.tokenKinds = tokenKinds;
        this.tool = tool;
    }

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns what the tool is called; null for this one. */
    public String tool() {
        return tool;
    }

    /** Returns a label, with the name of the tool unless it is this one. */
    public String labelled(String label) {
        return tool == null ? label : label + " (" + tool + ")";
    }

    public static String words() {
        return Arrays.stream(values()).map(MetricDefinition::word).collect(Collectors.joining(", "));
    }

    /** Returns null if there is no such definition. */
    public static MetricDefinition of(String word) {
        return Arrays.stream(values()).filter(definition -> definition.word().equals(word)).findFirst().orElse(null);
    }

    /** Whether an event of this kind counts as a token. */
    public boolean isToken(EventKind kind) {
        return tokenKinds.contains(kind);
    }

    /** Whether each request with tokens has the metric. */
    public boolean has(Metric metric) {
        return switch (metric) {
            case TTFT, ITL, TTLT, TOTAL, TOKENS_PER_S -> true;
            case TPOT -> this != AIPERF;
            case TTST -> this == AIPERF;
            default -> false;
        };
    }

    /** Whether each gap between two tokens is an ITL; else each request has one mean. */
    public boolean hasGaps() {
        return this == OURS || this == VLLM;
    }

    /** Whether the ITL of a request, as it is compared, is the median of its gaps, which this tool computes from the events. */
    public boolean hasMedianGap() {
        return this == VLLM;
    }

    /** Whether quantiles interpolate between two values. */
    public boolean interpolates() {
        return this != GUIDELLM;
    }

    /** Returns the weight of a request where the values of several are taken together. */
    public double weight(Metric metric, double outputTokens) {
        return this != GUIDELLM ? 1 : switch (metric) {
            case ITL -> outputTokens - 1;
            case TPOT -> outputTokens;
            default -> 1;
        };
    }

    /**
     * Whether a request counts as a success.
     *
     * @param end            how it ended
     * @param hasEvents      whether an event came, other than that of the error
     * @param hasTokens      whether the model generated something
     */
    public boolean isSuccess(StreamEnd end, boolean hasEvents, boolean hasTokens) {
        var came = this == VLLM ? hasEvents : hasTokens;
        return this == OURS ? end == StreamEnd.COMPLETE : switch (end) {
            case COMPLETE, CLOSED_EARLY -> came;
            case ERROR_EVENT -> came && this == VLLM;
            case OTHER -> false;
        };
    }

    /**
     * Returns the times of a request as this tool defines them; not for {@link #OURS}, whose times are in requests.csv.
     *
     * @param outputTokens NaN if they are not known
     * @param totalMillis  to the end of the stream
     */
    public Times times(TokenTimes tokens, double outputTokens, double totalMillis) {
        var first = tokens.count() == 0 ? Double.NaN : tokens.firstMicros() / 1e3;
        var last = tokens.count() == 0 ? Double.NaN : tokens.lastMicros() / 1e3;
        var perToken = outputTokens < 2 ? Double.NaN : (last - first) / (outputTokens - 1);
        var total = this == GUIDELLM ? totalMillis : last;
        return new Times(first, hasMedianGap() ? tokens.medianGapMillis() : perToken,
                this == VLLM ? perToken : this == GUIDELLM ? last / outputTokens : Double.NaN, last, total,
                this == AIPERF ? tokens.secondGapMillis() : Double.NaN, outputTokens / total * 1000);
    }
}
