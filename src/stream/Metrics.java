//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS org.apache.commons:commons-statistics-descriptive:1.2
//DEPS org.hdrhistogram:HdrHistogram:2.2.2
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Events.java
//SOURCES RecordedRun.java

// Metrics

package stream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

import okio.Buffer;
import org.HdrHistogram.IntCountsHistogram;
import org.HdrHistogram.PackedHistogram;
import org.apache.commons.statistics.descriptive.Quantile;
import tools.jackson.databind.node.ArrayNode;

/** The figures of one answer, made of its events one by one. All times are whole microseconds; null is not known. */
final class AnswerMetrics {

    /** Linear interpolation between closest ranks, as NumPy and spreadsheets do it (Hyndman and Fan's seventh). */
    private static final Quantile QUANTILE = Quantile.withDefaults().with(Quantile.EstimationMethod.HF7);

    /** Instead of a time that is not known; inside, where a box for each event would be one too many. */
    static final long NONE = -1;

    private int events;
    private int contentEvents;
    private int coalescedEvents;
    private int lastContentRead;
    private long lastMicros;
    private long firstEventMicros = NONE;
    private long ttftMicros = NONE;
    private long ttftReasoningMicros = NONE;
    private long ttltMicros = NONE;
    private double[] gapsMicros = new double[64];

    /** Adds the next event; returns the microseconds since the one before, {@link #NONE} for the first. */
    long add(long elapsedMicros, int read, EventKind kind) {
        var delay = events == 0 ? NONE : elapsedMicros - lastMicros;
        events++;
        lastMicros = elapsedMicros;
        firstEventMicros = firstEventMicros == NONE ? elapsedMicros : firstEventMicros;
        if (kind == EventKind.REASONING && ttftReasoningMicros == NONE) {
            ttftReasoningMicros = elapsedMicros;
        }
        if (kind == EventKind.CONTENT) {
            addContent(elapsedMicros, read);
        }
        return delay;
    }

    private void addContent(long elapsedMicros, int read) {
        if (contentEvents == 0) {
            ttftMicros = elapsedMicros;
        } else {
            if (contentEvents > gapsMicros.length) {
                gapsMicros = Arrays.copyOf(gapsMicros, gapsMicros.length * 2);
            }
            gapsMicros[contentEvents - 1] = elapsedMicros - ttltMicros;
            coalescedEvents += read == lastContentRead ? 1 : 0;
        }
        contentEvents++;
        lastContentRead = read;
        ttltMicros = elapsedMicros;
    }

    int events() {
        return events;
    }

    int contentEvents() {
        return contentEvents;
    }

    private static Long known(long micros) {
        return micros == NONE ? null : micros;
    }

    /** Content events that came in the same socket read as the one before them. */
    int coalescedEvents() {
        return coalescedEvents;
    }

    Long firstEventMicros() {
        return known(firstEventMicros);
    }

    /** Time to the first event with visible text. */
    Long ttftMicros() {
        return known(ttftMicros);
    }

    Long ttftReasoningMicros() {
        return known(ttftReasoningMicros);
    }

    /** Time to the last event with visible text. */
    Long ttltMicros() {
        return known(ttltMicros);
    }

    Double itlMeanMicros() {
        return contentEvents < 2 ? null : (double) (ttltMicros - ttftMicros) / (contentEvents - 1);
    }

    /** Returns the quantile of the gaps between content events; null if they are too few to carry it. */
    Double itlMicros(double fraction) {
        return quantile(contentEvents < 2 ? new double[0] : Arrays.copyOf(gapsMicros, contentEvents - 1), fraction);
    }

    Double itlMaxMicros() {
        return contentEvents < 2 ? null : Arrays.stream(gapsMicros, 0, contentEvents - 1).max().getAsDouble();
    }

    /** Returns null where the tokens are fewer than two. */
    Double tpotMicros(int outputTokens) {
        return contentEvents == 0 || outputTokens < 2 ? null
                : (double) (ttltMicros - ttftMicros) / (outputTokens - 1);
    }

    /** Returns null if there are too few values: none for the median, under 20 for p95, under 100 for p99. */
    static Double quantile(double[] values, double fraction) {
        var least = fraction > 0.95 ? 100 : fraction > 0.5 ? 20 : 1;
        return values.length < least ? null : QUANTILE.evaluate(values, fraction);
    }

    /** Nanoseconds to the nearest microsecond. */
    static long micros(long nanos) {
        return Math.floorDiv(nanos + 500, 1000);
    }

    /** Writes microseconds as milliseconds with three decimals; null as nothing. */
    static String millis(Number micros) {
        if (micros == null) {
            return "";
        }
        var text = new Buffer();
        writeMillis(text, micros instanceof Double exact ? Math.round(exact) : micros.longValue());
        return text.readUtf8();
    }

    /** The same, into a buffer. */
    static void writeMillis(Buffer text, long micros) {
        if (micros < 0) {
            text.writeByte('-');
        }
        var whole = Math.abs(micros);
        var decimals = (int) (whole % 1000);
        text.writeDecimalLong(whole / 1000).writeByte('.').writeByte('0' + decimals / 100)
                .writeByte('0' + decimals / 10 % 10).writeByte('0' + decimals % 10);
    }
}

/** Whose definitions of the figures hold. Each other tool's are those of its source, as of November 2026. */
enum MetricDefinition {
    /** design.md's: a token is an event with visible text. */
    OURS(EnumSet.of(EventKind.CONTENT)),

    /**
     * vllm/benchmarks/lib/endpoint_request_func.py: TTFT ends with the first chunk that has choices, be it a role alone;
     * each later one, the one with the finish reason too, ends an ITL; the latency ends with the last of them, and TPOT is
     * (latency - TTFT) / (output tokens - 1).
     */
    VLLM(EnumSet.of(EventKind.ROLE, EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL, EventKind.FINISH)),

    /**
     * guidellm/schemas/request_stats.py and benchmark/schemas/metrics.py: text, reasoning and tool calls are tokens; ITL is
     * one mean a request, (last - first) / (output tokens - 1), weighted with their number where requests are taken
     * together; TPOT is the time to the last token / output tokens, with the first, weighted with these.
     */
    GUIDELLM(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL)),

    /**
     * aiperf/metrics/types: TTFT ends with the first response that has data, be it reasoning; the request latency with the
     * last; ITL is one mean a request, (request latency - TTFT) / (output sequence length - 1). It has no TPOT.
     */
    AIPERF(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL));

    private final Set<EventKind> tokens;

    MetricDefinition(Set<EventKind> tokens) {
        this.tokens = tokens;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Throws IllegalArgumentException with the words for the user. */
    static MetricDefinition of(String word) {
        for (var definition : values()) {
            if (definition.word().equals(word)) {
                return definition;
            }
        }
        throw new IllegalArgumentException("--as '" + word + "'; it takes one of "
                + Arrays.stream(values()).map(MetricDefinition::word).collect(Collectors.joining(", ")));
    }

    /** Whether an event of this kind is a token here. */
    boolean isToken(EventKind kind) {
        return tokens.contains(kind);
    }

    /** Whether each gap between two tokens is an ITL, and not one mean for each request. */
    boolean hasGaps() {
        return this == OURS || this == VLLM;
    }

    /** How much a request counts when the values of several are taken together. */
    double weight(Metric measure, RecordedAnswer answer) {
        return this != GUIDELLM ? 1 : switch (measure) {
            case ITL -> answer.get(Metric.OUTPUT_TOKENS) - 1;
            case TPOT -> answer.get(Metric.OUTPUT_TOKENS);
            default -> 1;
        };
    }

    /** Puts the figures of this tool into an answer whose tokens have gone by; ours stand in requests.csv. */
    void settle(RecordedAnswer answer, TokenTimes seen) {
        if (this == OURS) {
            return;
        }
        var first = seen.count() == 0 ? Double.NaN : seen.firstMicros() / 1e3;
        var last = seen.count() == 0 ? Double.NaN : seen.lastMicros() / 1e3;
        var tokens = answer.get(Metric.OUTPUT_TOKENS);
        var perToken = tokens < 2 ? Double.NaN : (last - first) / (tokens - 1);
        answer.set(Metric.TTFT, first);
        answer.set(Metric.TTLT, last);
        answer.set(Metric.TOTAL, this == GUIDELLM ? answer.get(Metric.TOTAL) : last);
        answer.set(Metric.ITL, this == VLLM ? seen.medianGapMillis() : perToken);
        answer.set(Metric.TPOT, this == VLLM ? perToken : this == GUIDELLM ? last / tokens : Double.NaN);
        answer.set(Metric.TOKENS_PER_S, tokens / answer.get(Metric.TOTAL) * 1000);
    }
}

/** The tokens of one answer that have gone by. */
final class TokenTimes {

    private final double[] gapsMillis; // null if nobody asks for them
    private int count;
    private int events;
    private long firstMicros;
    private long lastMicros;

    TokenTimes(int most, boolean keepsGaps) {
        gapsMillis = keepsGaps ? new double[most] : null;
    }

    /** Adds one; returns the microseconds since the one before, {@link AnswerMetrics#NONE} for the first. */
    long add(long elapsedMicros) {
        var gap = count == 0 ? AnswerMetrics.NONE : elapsedMicros - lastMicros;
        if (count == 0) {
            firstMicros = elapsedMicros;
        } else if (gapsMillis != null && count <= gapsMillis.length) {
            gapsMillis[count - 1] = gap / 1e3;
        }
        count++;
        lastMicros = elapsedMicros;
        return gap;
    }

    int count() {
        return count;
    }

    /** Counts an event of any kind; returns how many there were. */
    int countEvent() {
        return ++events;
    }

    long firstMicros() {
        return firstMicros;
    }

    long lastMicros() {
        return lastMicros;
    }

    /** Returns NaN where there is no gap. */
    double medianGapMillis() {
        var gaps = Math.min(count - 1, gapsMillis.length);
        return gaps < 1 ? Double.NaN : AnswerMetrics.quantile(Arrays.copyOf(gapsMillis, gaps), 0.5);
    }
}

/**
 * Gaps between tokens, however many, in bounded memory: to the microsecond below 16 ms, above that to a
 * sixteen-thousandth of their length. Quantiles interpolate as {@link AnswerMetrics#quantile} does.
 */
final class GapHistogram {

    private static final long LONGEST_MICROS = 24L * 3600 * 1_000_000;

    private final PackedHistogram counts = new PackedHistogram(LONGEST_MICROS, 4);

    void add(long micros) {
        counts.recordValue(Math.min(micros, LONGEST_MICROS));
    }

    /** Returns null if they are too few to carry it. */
    Double quantileMillis(double fraction) {
        var count = counts.getTotalCount();
        if (AnswerMetrics.quantile(new double[(int) Math.min(count, 100)], fraction) == null) {
            return null;
        }
        var rank = fraction * (count - 1);
        var below = (long) Math.floor(rank);
        var lower = Double.NaN;
        for (var value : counts.recordedValues()) {
            var seen = value.getTotalCountToThisValue();
            var middle = value.getValueIteratedTo() < 1 << 14 ? value.getValueIteratedTo()
                    : counts.medianEquivalentValue(value.getValueIteratedTo());
            lower = Double.isNaN(lower) && seen > below ? middle : lower;
            if (seen > Math.min(below + 1, count - 1)) {
                return (lower + (rank - below) * (middle - lower)) / 1e3;
            }
        }
        return null;
    }
}

/** The gaps again, by where in the answer they were; the later ones lie in wider and wider classes. */
final class GapPositions {

    private static final int EXACT = 32;
    private static final int PER_DOUBLING = 8;
    private static final int FEWEST = 3;

    private final List<IntCountsHistogram> classes = new ArrayList<>();

    void add(int token, long micros) {
        var at = classOf(token);
        while (classes.size() <= at) {
            classes.add(new IntCountsHistogram(2));
        }
        classes.get(at).recordValue(micros);
    }

    /** One class for each of the first 32 tokens, eight for each doubling after that. */
    private static int classOf(int token) {
        var doublings = token < EXACT ? 0 : 31 - Integer.numberOfLeadingZeros(token) - 5;
        return token < EXACT ? token : EXACT + doublings * PER_DOUBLING + (token >> 2 + doublings) - PER_DOUBLING;
    }

    private static int firstOf(int at) {
        var doublings = (at - EXACT) / PER_DOUBLING;
        return at < EXACT ? at : PER_DOUBLING + (at - EXACT) % PER_DOUBLING << 2 + doublings;
    }

    /** Puts the median of each class with more than a few gaps into two arrays: first token, milliseconds. */
    void into(ArrayNode tokens, ArrayNode millis) {
        for (int at = 0; at < classes.size(); at++) {
            var gaps = classes.get(at);
            if (gaps.getTotalCount() >= FEWEST) {
                tokens.add(firstOf(at));
                millis.add(gaps.getValueAtPercentile(50) / 1e3);
            }
        }
    }
}

/** What requests.csv holds of a request as a number, and what it is called there. Times are milliseconds. */
enum Metric {
    TTFT("ttft_ms"), ITL("itl_p50_ms"), TPOT("tpot_ms"), TTLT("ttlt_ms"), TOTAL("total_ms"),
    TOKENS_PER_S("output_tokens_per_s"), OUTPUT_TOKENS("output_tokens"), CACHED_TOKENS("cached_prompt_tokens"),
    EVENTS("events"), CONTENT_EVENTS("content_events"), COALESCED_EVENTS("coalesced_events"),
    QUEUE("queue_ms"), SENT("sent_ms"), HEADERS("headers_ms");

    private final String column;

    Metric(String column) {
        this.column = column;
    }

    String column() {
        return column;
    }

    /** Its name in options, JSON and CSV. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
