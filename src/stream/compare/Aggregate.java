//JAVA 25+
//SOURCES ../api/Price.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES Group.java

package stream.compare;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.function.Function;

import stream.api.Price;
import stream.metric.Metric;
import stream.metric.Metrics;

/** A number of a group, as tables, CSV, JSON and --fail-if have it. Times are in milliseconds. */
public enum Aggregate {
    N("n", "n", 0, null, group -> (double) group.requests()),
    FAILED("failed", "failed", 0, null, group -> (double) group.failed()),
    TTFT_P50("ttft_p50_ms", "p50", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.5)),
    TTFT_P95("ttft_p95_ms", "p95", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.95)),
    TTFT_P99("ttft_p99_ms", "p99", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.99)),
    ITL_P50("itl_p50_ms", "p50", 2, Metric.ITL, group -> group.itl(Metric.ITL, 0.5)),
    ITL_P95("itl_p95_ms", "p95", 2, Metric.ITL, group -> group.itl(Metric.ITL_P95, 0.95)),
    ITL_P99("itl_p99_ms", "p99 all", 2, Metric.ITL, group -> group.gaps(0.99)),
    TPOT_P50("tpot_p50_ms", "TPOT", 2, Metric.TPOT, group -> group.quantile(Metric.TPOT, 0.5)),
    TTLT_P50("ttlt_p50_ms", "TTLT", 1, Metric.TTLT, group -> group.quantile(Metric.TTLT, 0.5)),
    TOTAL_P50("total_p50_ms", "total", 1, Metric.TOTAL, group -> group.quantile(Metric.TOTAL, 0.5)),
    FIRST_100_CHARS("first_100_chars_p50_ms", "100 chars", 1, Metric.FIRST_100_CHARS,
            group -> group.quantile(Metric.FIRST_100_CHARS, 0.5)),
    TOKENS_PER_S("tokens_per_s_p50", "tokens/s", 1, Metric.TOKENS_PER_S, group -> group.quantile(Metric.TOKENS_PER_S, 0.5)),
    CHARS_PER_S("chars_per_s_p50", "chars/s", 0, Metric.CHARS_PER_S, group -> group.quantile(Metric.CHARS_PER_S, 0.5)),
    OUTPUT_TOKENS("output_tokens_p50", "tokens", 0, Metric.OUTPUT_TOKENS, group -> group.quantile(Metric.OUTPUT_TOKENS, 0.5)),
    COALESCED("coalesced_share", "coalesced", 0, null, Group::coalescedShare),
    TOKENS_PER_EVENT("tokens_per_event_p50", "tokens/event", 2, Metric.TOKENS_PER_EVENT, Group::tokensPerEvent),
    TTFT_ANY_P50("ttft_any_p50_ms", "TTFT any", 1, Metric.TTFT_ANY, group -> group.quantile(Metric.TTFT_ANY, 0.5)),
    ITL_ANY_P50("itl_any_p50_ms", "ITL any", 2, Metric.ITL_ANY, group -> group.quantile(Metric.ITL_ANY, 0.5)),
    TTFT_NET_P50("ttft_net_p50_ms", "TTFT net", 1, Metric.TTFT_NET, group -> group.quantile(Metric.TTFT_NET, 0.5)),
    RETRIES("retries", "retries", 0, null, group -> (double) group.retries()),
    REQUESTS_PER_S("requests_per_s", "requests/s", 2, null, Group::requestsPerSecond),
    THROUGHPUT("throughput_tokens_per_s", "all tokens/s", 1, null, Group::tokensPerSecond),
    COST("cost_per_answer", "cost/answer", 0, null, group -> group.cost(1)),
    COST_OF_1000("cost_per_1000_answers", "cost/1000", 0, null, group -> group.cost(1000)),
    TTST_P50("ttst_p50_ms", "TTST", 2, Metric.TTST, group -> group.quantile(Metric.TTST, 0.5)),
    ICL_P50("icl_p50_ms", "ICL p50 ms", 2, null, group -> group.interChunkLatency(0.5));

    private final String word;
    private final String heading;
    private final int decimals;
    private final Metric metric;
    private final Function<Group, Double> of;

    Aggregate(String word, String heading, int decimals, Metric metric, Function<Group, Double> of) {
        this.word = word;
        this.heading = heading;
        this.decimals = decimals;
        this.metric = metric;
        this.of = of;
    }

    /** Returns its name in CSV, JSON and --fail-if. */
    public String word() {
        return word;
    }

    public String heading() {
        return heading;
    }

    /** Returns the aggregate that is the median of a metric; null for a metric without such a column. */
    static Aggregate medianOf(Metric metric) {
        return Arrays.stream(values()).filter(aggregate -> aggregate.metric == metric).findFirst().orElse(null);
    }

    /** Returns the metric of which it is a quantile; null for counts and shares. */
    Metric metric() {
        return metric;
    }

    /** Returns null if there are too few requests. */
    public Double of(Group group) {
        return of.apply(group);
    }

    /** Returns what a table shows, without the currency of a cost; empty for null. */
    public String cell(Double value) {
        return value == null ? "" : value.isInfinite() ? "never" : this == COALESCED ? Math.round(value * 100) + " %"
                : isCost() ? Price.shown(BigDecimal.valueOf(value))
                : rounded(value).setScale(decimals, RoundingMode.HALF_UP).toPlainString();
    }

    /**
     * Returns it with the three decimals that were measured, counts with none, a cost with six significant digits; null if it is
     * infinite.
     */
    public BigDecimal rounded(double value) {
        return Double.isInfinite(value) ? null : isCost()
                ? new BigDecimal(Price.plain(BigDecimal.valueOf(value).round(new MathContext(6))))
                : BigDecimal.valueOf(value).setScale(this == N || this == FAILED || this == RETRIES ? 0 : 3, RoundingMode.HALF_UP);
    }

    /** Returns how many requests it needs. */
    int leastRequests() {
        return word.contains("_p99") ? Metrics.leastValues(0.99) : word.contains("_p95") ? Metrics.leastValues(0.95) : 1;
    }

    /** Whether it is an amount of the currency of the group. */
    boolean isCost() {
        return this == COST || this == COST_OF_1000;
    }

    /** Returns both headings in one. */
    public String title() {
        return metric == null ? heading : heading.startsWith("p") ? metric.name() + " " + heading + " ms"
                : heading + " " + family();
    }

    /** Returns the heading above those of several columns, or an empty text. */
    public String family() {
        return metric == null ? "" : heading.startsWith("p") ? metric.name() + " ms" : word.endsWith("_ms") ? "p50 ms" : "p50";
    }
}
