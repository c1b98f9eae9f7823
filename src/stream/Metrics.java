//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS org.apache.commons:commons-statistics-descriptive:1.2
//DEPS org.hdrhistogram:HdrHistogram:2.2.2
//SOURCES Events.java

// Metrics: TTFT, ITL, TPOT, TTLT and the others, each defined once, as this tool and as other tools define them; quantiles;
// milliseconds as text; the status of a request. Numbers in, numbers out: nothing here knows a file or a server.

package stream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

import okio.Buffer;
import org.HdrHistogram.IntCountsHistogram;
import org.HdrHistogram.PackedHistogram;
import org.apache.commons.statistics.descriptive.Quantile;

/** How a request ended: the column status. */
enum RequestStatus {
    /** The answer has its end: a finish reason or the last event. */
    COMPLETED,
    /** The stream ended, or broke, without an end of the answer. */
    TRUNCATED,
    /** The server refused, reported an error, or could not be reached. */
    FAILED,
    /** It took longer than {@code --timeout}. */
    TIMEOUT,
    /** It was silent for longer than {@code --stall-timeout}. */
    STALLED,
    /** The user interrupted it. */
    CANCELLED;

    private final String word = name().toLowerCase(Locale.ROOT);

    String word() {
        return word;
    }

    /** Returns null if there is no such status. */
    static RequestStatus of(String word) {
        return Arrays.stream(values()).filter(status -> status.word.equals(word)).findFirst().orElse(null);
    }
}

/** Who counted the output tokens of an answer: the column token_source. */
enum TokenSource {
    /** The server. */
    USAGE,
    /** The server, but those of several choices together, of which one is measured. */
    USAGE_OF_ALL_CHOICES,
    /** This tool, one for each event with visible text. */
    EVENTS;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

/** Whether a request counts: the column phase. */
enum Phase {
    WARMUP, MEASURED;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

/** What is measured of a request. Times are in milliseconds where they are compared, in microseconds while they are measured. */
enum Metric {
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
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns what a request has that never ends: an infinite time, or nothing per second; NaN if neither is meant. */
    double worst() {
        return switch (this) {
            case TTFT, ITL, TPOT, TTLT, TOTAL, TTFT_ANY, ITL_P95, ITL_ANY, TTFT_NET, FIRST_100_CHARS, TTST -> Double.POSITIVE_INFINITY;
            case TOKENS_PER_S, CHARS_PER_S -> 0;
            default -> Double.NaN;
        };
    }

    /** Its name in tables. */
    String title() {
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

/** Quantiles, and times as text. */
final class Metrics {

    /** Linear interpolation between closest ranks, as NumPy and spreadsheets do it (type 7 of Hyndman and Fan). */
    static final Quantile QUANTILE = Quantile.withDefaults().with(Quantile.EstimationMethod.HF7).withCopy(true);

    private Metrics() { }

    /** Returns how many values a quantile needs: 1 up to the median, 20 up to p95, 100 above. */
    static int leastValues(double fraction) {
        return fraction > 0.95 ? 100 : fraction > 0.5 ? 20 : 1;
    }

    /**
     * Returns the quantile of values in any order, which stay as they are; null if there are too few.
     *
     * @param fraction 0 to 1, as 0.95 for p95
     */
    static Double quantile(double[] values, double fraction) {
        return values.length < leastValues(fraction) ? null : QUANTILE.evaluate(values, fraction);
    }

    /** Rounds nanoseconds to the nearest microsecond. */
    static long micros(long nanos) {
        return Math.floorDiv(nanos + 500, 1000);
    }

    /** Writes microseconds as milliseconds with three decimals; null as an empty text. */
    static String millis(Number micros) {
        if (micros == null) {
            return "";
        }
        var text = new Buffer();
        writeMillis(text, micros instanceof Double exact ? Math.round(exact) : micros.longValue());
        return text.readUtf8();
    }

    /** Does the same into a buffer. */
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

/** The times of some events of an answer, one after the other, in whole microseconds. */
final class EventSeries {

    private int count;
    private long firstMicros = AnswerMetrics.NONE;
    private long lastMicros = AnswerMetrics.NONE;
    private double[] gapsMicros;

    EventSeries() {
        gapsMicros = new double[64];
    }

    /** Begins with what another has. */
    EventSeries(EventSeries other) {
        count = other.count;
        firstMicros = other.firstMicros;
        lastMicros = other.lastMicros;
        gapsMicros = other.gapsMicros.clone();
    }

    void add(long elapsedMicros) {
        if (count == 0) {
            firstMicros = elapsedMicros;
        } else {
            if (count > gapsMicros.length) {
                gapsMicros = Arrays.copyOf(gapsMicros, gapsMicros.length * 2);
            }
            gapsMicros[count - 1] = elapsedMicros - lastMicros;
        }
        count++;
        lastMicros = elapsedMicros;
    }

    int count() {
        return count;
    }

    /** Returns null if there is no event. */
    Long firstMicros() {
        return count == 0 ? null : Long.valueOf(firstMicros);
    }

    /** Returns null if there is no event. */
    Long lastMicros() {
        return count == 0 ? null : Long.valueOf(lastMicros);
    }

    /** Returns null if there are fewer than two events. */
    Double meanGapMicros() {
        return count < 2 ? null : (double) (lastMicros - firstMicros) / (count - 1);
    }

    /** Returns null if there are too few events for the quantile. */
    Double gapMicros(double fraction) {
        return Metrics.quantile(count < 2 ? new double[0] : Arrays.copyOf(gapsMicros, count - 1), fraction);
    }

    /** Returns null if there are fewer than two events. */
    Double longestGapMicros() {
        return count < 2 ? null : Arrays.stream(gapsMicros, 0, count - 1).max().getAsDouble();
    }
}

/** What a server delivered in the time that was measured: from the first start to the last end. */
final class Throughput {

    private double startMillis = Double.POSITIVE_INFINITY;
    private double endMillis = Double.NEGATIVE_INFINITY;
    private int requests;
    private double tokens;

    /**
     * Adds a completed request.
     *
     * @param atMillis     when it began, since any moment
     * @param totalMillis  how long it took
     * @param outputTokens NaN if they are not known
     */
    void add(double atMillis, double totalMillis, double outputTokens) {
        startMillis = Math.min(startMillis, atMillis);
        endMillis = Math.max(endMillis, atMillis + totalMillis);
        requests++;
        tokens += outputTokens;
    }

    double seconds() {
        return requests == 0 ? 0 : (endMillis - startMillis) / 1000;
    }

    /** Returns for how long at least one of several was going on; shards of a run overlap, runs one after the other do not. */
    static double secondsOfAny(List<Throughput> several) {
        var millis = 0.0;
        var endMillis = Double.NEGATIVE_INFINITY;
        for (var each : several.stream().filter(one -> one.requests > 0).sorted(Comparator.comparing(one -> one.startMillis)).toList()) {
            millis += Math.max(0, each.endMillis - Math.max(endMillis, each.startMillis));
            endMillis = Math.max(endMillis, each.endMillis);
        }
        return millis / 1000;
    }

    int requests() {
        return requests;
    }

    /** Returns NaN if those of a request are not known. */
    double tokens() {
        return tokens;
    }
}

/** The metrics of one answer, computed event by event. All times are whole microseconds; null where they are not known. */
final class AnswerMetrics {

    /** Stands for a time that is not known, where a boxed number for each event would be allocated. */
    static final long NONE = -1;

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
    long add(long elapsedMicros, int read, EventKind kind, int tokens) {
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

    int events() {
        return events;
    }

    int contentEvents() {
        return content.count();
    }

    int reasoningEvents() {
        return reasoningEvents;
    }

    int toolEvents() {
        return toolEvents;
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
        return content.firstMicros();
    }

    /** Time to the first event that the model generated. */
    Long ttftAnyMicros() {
        return generated.firstMicros();
    }

    Long ttftReasoningMicros() {
        return known(ttftReasoningMicros);
    }

    /** Time to the last event with visible text. */
    Long ttltMicros() {
        return content.lastMicros();
    }

    /** The events with visible text. */
    EventSeries content() {
        return content;
    }

    /** The events that the model generated: reasoning, visible text, tool calls. */
    EventSeries generated() {
        return generated;
    }

    /** Returns the mean number of output tokens per generated event, as counted inside the stream; null if they were not. */
    Double tokensPerEvent() {
        return countedEvents == 0 ? null : (double) countedTokens / countedEvents;
    }

    /**
     * Whether so many of the content events came in the same socket read as the one before that the times are those of a buffer on the
     * way. Both may be NaN if they are not known.
     */
    static boolean wereBuffered(double coalescedEvents, double contentEvents) {
        return contentEvents >= FEWEST_FOR_BUFFERED && coalescedEvents / contentEvents >= BUFFERED_SHARE;
    }

    /**
     * Whether there are so many events with text that a server's count of the tokens cannot be right, since each has at least one token:
     * some servers count those of the last event alone. The events may be NaN if they are not known.
     */
    static boolean contradictCount(double eventsWithText, double outputTokens) {
        return outputTokens > 0 && eventsWithText >= EVENTS_CONTRADICT_COUNT * outputTokens;
    }

    /** Returns the output tokens per second up to the last of them; null if nothing came. */
    Double outputTokensPerSecond(int outputTokens) {
        return content.count() == 0 || content.lastMicros() == 0 ? null : outputTokens / (content.lastMicros() / 1e6);
    }

    /** Returns the server's count of the output tokens; null if the server sent none, or sent 0 although something came. */
    Integer countedTokens(Usage usage) {
        return usage.outputTokens() != null && usage.outputTokens() == 0 && generated.count() > 0 ? null : usage.outputTokens();
    }

    /**
     * Returns how many of the output tokens are visible text; null if that is not known: usage counts reasoning and tool calls
     * among the output.
     */
    Integer visibleTokens(Usage usage) {
        if (countedTokens(usage) == null) {
            return content.count();
        }
        var reasoning = usage.reasoningTokens() == null ? 0 : usage.reasoningTokens();
        return toolEvents > 0 || reasoningEvents > 0 && reasoning == 0 ? null
                : Integer.valueOf(Math.max(0, usage.outputTokens() - reasoning));
    }

    /** Returns the time per output token of the visible text; null where the tokens are fewer than two, or not known. */
    Double tpotMicros(Integer visibleTokens) {
        return content.count() == 0 || visibleTokens == null || visibleTokens < 2 ? null
                : (double) (content.lastMicros() - content.firstMicros()) / (visibleTokens - 1);
    }
}

/**
 * Whose definitions of the metrics apply. Those of another tool are taken from its source, which each names with its version.
 * Tokens are counted as the server counts them, else as events, where a tool would ask a tokenizer.
 */
enum MetricDefinition {
    /** This tool's: a token is an event with visible text. */
    OURS(EnumSet.of(EventKind.CONTENT), null),

    /**
     * vLLM, {@code vllm/benchmarks/lib/endpoint_request_func.py} at commit 02cfb534 (September 2026, with the fix of pull request 55508,
     * without that of 57519) and {@code serve.py} at 009e6d4a: TTFT ends with the first chunk that has choices, be it a role alone or an
     * empty delta; each later one, including the one with the finish reason, ends an ITL; the latency ends with the last of them, and
     * TPOT is (latency - TTFT) / (output tokens - 1). Quantiles of ITL are of all gaps. A stream that ends without a finish reason, or
     * with an error after its first chunk, is a success. Before the fix a usage chunk made the latency of a chat, and its TPOT, longer.
     */
    VLLM(EnumSet.of(EventKind.ROLE, EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL, EventKind.FINISH,
            EventKind.EMPTY_CHOICE, EventKind.EMPTY_CHOICE_WITH_USAGE), "vLLM"),

    /**
     * GuideLLM 0.8 (October 2026), {@code guidellm/schemas/base/request_stats.py} at commit 31c74ea2, {@code statistics.py} at 02804675 and
     * {@code benchmark/schemas/metrics.py} at 1a145a40: text, reasoning and tool calls are tokens; ITL is one mean per request, (last -
     * first) / (output tokens - 1), weighted with that number where requests are taken together; TPOT is the time to the last token /
     * output tokens, including the first, weighted with these. A quantile is the first value at which the cumulated weight reaches it,
     * without interpolation. A stream that ends without a finish reason is a success if a token came.
     */
    GUIDELLM(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL), "GuideLLM"),

    /**
     * AIPerf 0.13 (September 2026), {@code aiperf/metrics/types}: TTFT ends with the first response that has text, be it reasoning; the
     * request latency with the last; ITL is one mean per request, (request latency - TTFT) / (output sequence length - 1); TTST is from
     * the first response to the second, inter-chunk latency (ICL) from each to the next, its quantiles of all requests. It has no TPOT.
     * Its output sequence length is a tokenizer's unless it runs with {@code --use-server-token-count}. A stream that ends without a
     * finish reason is a success if a token came.
     */
    AIPERF(EnumSet.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL), "AIPerf");

    /** Times of one request in milliseconds; NaN where they are not known. */
    record Times(double ttft, double itl, double tpot, double ttlt, double total, double ttst, double tokensPerSecond) {

        /** Of a request whose events are not known. */
        static Times unknown(double total) {
            return new Times(Double.NaN, Double.NaN, Double.NaN, Double.NaN, total, Double.NaN, Double.NaN);
        }
    }

    private final Set<EventKind> tokenKinds;
    private final String tool;

    MetricDefinition(Set<EventKind> tokenKinds, String tool) {
        this.tokenKinds = tokenKinds;
        this.tool = tool;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns what the tool is called; null for this one. */
    String tool() {
        return tool;
    }

    /** Returns a label, with the name of the tool unless it is this one. */
    String labelled(String label) {
        return tool == null ? label : label + " (" + tool + ")";
    }

    static String words() {
        return Arrays.stream(values()).map(MetricDefinition::word).collect(Collectors.joining(", "));
    }

    /** Returns null if there is no such definition. */
    static MetricDefinition of(String word) {
        return Arrays.stream(values()).filter(definition -> definition.word().equals(word)).findFirst().orElse(null);
    }

    /** Whether an event of this kind counts as a token. */
    boolean isToken(EventKind kind) {
        return tokenKinds.contains(kind);
    }

    /** Whether each request with tokens has the metric. */
    boolean has(Metric metric) {
        return switch (metric) {
            case TTFT, ITL, TTLT, TOTAL, TOKENS_PER_S -> true;
            case TPOT -> this != AIPERF;
            case TTST -> this == AIPERF;
            default -> false;
        };
    }

    /** Whether each gap between two tokens is an ITL; else each request has one mean. */
    boolean hasGaps() {
        return this == OURS || this == VLLM;
    }

    /** Whether the ITL of a request, as it is compared, is the median of its gaps, which this tool computes from the events. */
    boolean hasMedianGap() {
        return this == VLLM;
    }

    /** Whether quantiles interpolate between two values. */
    boolean interpolates() {
        return this != GUIDELLM;
    }

    /** Returns the weight of a request where the values of several are taken together. */
    double weight(Metric metric, double outputTokens) {
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
    boolean isSuccess(StreamEnd end, boolean hasEvents, boolean hasTokens) {
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
    Times times(TokenTimes tokens, double outputTokens, double totalMillis) {
        var first = tokens.count() == 0 ? Double.NaN : tokens.firstMicros() / 1e3;
        var last = tokens.count() == 0 ? Double.NaN : tokens.lastMicros() / 1e3;
        var perToken = outputTokens < 2 ? Double.NaN : (last - first) / (outputTokens - 1);
        var total = this == GUIDELLM ? totalMillis : last;
        return new Times(first, hasMedianGap() ? tokens.medianGapMillis() : perToken,
                this == VLLM ? perToken : this == GUIDELLM ? last / outputTokens : Double.NaN, last, total,
                this == AIPERF ? tokens.secondGapMillis() : Double.NaN, outputTokens / total * 1000);
    }
}

/** How a stream ended, as far as tools differ in what they make of it: the column stream_end. */
enum StreamEnd {
    /** With its end: a finish reason or the last event. */
    COMPLETE,
    /** Without one; the server closed it in order. */
    CLOSED_EARLY,
    /** With an event that reports an error. */
    ERROR_EVENT,
    /** The request was refused, or the connection broke, or the client ended it. */
    OTHER;

    /** Its name in the column stream_end. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns {@link #OTHER} if there is no such end. */
    static StreamEnd of(String word) {
        return Arrays.stream(values()).filter(end -> end.word().equals(word)).findFirst().orElse(OTHER);
    }
}

/** The times of the tokens of one answer, one after the other. */
final class TokenTimes {

    private final double[] gapsMillis; // null if they are not needed
    private int count;
    private int events;
    private long firstMicros;
    private long secondMicros;
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
        secondMicros = count == 2 ? elapsedMicros : secondMicros;
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

    /** Returns the time from the first token to the second; NaN if there are fewer than two. */
    double secondGapMillis() {
        return count < 2 ? Double.NaN : (secondMicros - firstMicros) / 1e3;
    }

    /** Returns NaN where there is no gap. */
    double medianGapMillis() {
        var gaps = Math.min(count - 1, gapsMillis.length);
        return gaps < 1 ? Double.NaN : Metrics.quantile(Arrays.copyOf(gapsMillis, gaps), 0.5);
    }
}

/** How much visible text of an answer has come, in Unicode code points: an emoji with a modifier, or a letter with a combining mark, is two. */
final class TextTimes {

    private static final int FIRST = 100;

    private long characters;
    private long firstMicros = AnswerMetrics.NONE;

    /** Adds a piece of text with so many code points. */
    void add(int length, long elapsedMicros) {
        characters += length;
        if (firstMicros == AnswerMetrics.NONE && characters >= FIRST) {
            firstMicros = elapsedMicros;
        }
    }

    long characters() {
        return characters;
    }

    /** Returns when the hundredth character came, in milliseconds; NaN if the text is shorter. */
    double firstMillis() {
        return firstMicros == AnswerMetrics.NONE ? Double.NaN : firstMicros / 1e3;
    }
}

/**
 * Gaps between tokens, however many, in bounded memory: to the microsecond below 32 ms, above that to one part in 32,000. Quantiles
 * interpolate as {@link Metrics#quantile} does.
 */
final class GapHistogram {

    private static final long LONGEST_MICROS = 24L * 3600 * 1_000_000;

    private final PackedHistogram counts = new PackedHistogram(LONGEST_MICROS, 4);

    void add(long micros) {
        counts.recordValue(Math.min(micros, LONGEST_MICROS));
    }

    /** Returns null if there are too few of them. */
    Double quantileMillis(double fraction) {
        var count = counts.getTotalCount();
        if (count < Metrics.leastValues(fraction)) {
            return null;
        }
        var rank = fraction * (count - 1);
        var below = (long) Math.floor(rank);
        var lower = Double.NaN;
        for (var value : counts.recordedValues()) {
            var seen = value.getTotalCountToThisValue();
            var middle = counts.medianEquivalentValue(value.getValueIteratedTo()); // of the values that count as this one
            lower = Double.isNaN(lower) && seen > below ? middle : lower;
            if (seen > Math.min(below + 1, count - 1)) {
                return (lower + (rank - below) * (middle - lower)) / 1e3;
            }
        }
        return null;
    }
}

/** Gaps between tokens by their position in the answer; later positions share wider and wider classes. */
final class GapPositions {

    private static final int EXACT = 32;
    private static final int PER_DOUBLING = 8;
    private static final int FEWEST = 3;
    private static final int DIGITS = 3; // as many as are shown

    private final List<IntCountsHistogram> classes = new ArrayList<>();

    /** Adds the gap before a token, which is counted from 0. */
    void add(int token, long micros) {
        var at = classOf(token);
        while (classes.size() <= at) {
            classes.add(new IntCountsHistogram(DIGITS));
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

    /**
     * The median gap at a position in the answer.
     *
     * @param token the first token of the class, counted from 1; the first gap is that before the second token
     */
    record Median(int token, double millis) { }

    /** Returns the median of each class with more than a few gaps, in the order of the positions. */
    List<Median> medians() {
        var medians = new ArrayList<Median>();
        for (int at = 0; at < classes.size(); at++) {
            var gaps = classes.get(at);
            if (gaps.getTotalCount() >= FEWEST) {
                medians.add(new Median(firstOf(at) + 1, gaps.medianEquivalentValue(gaps.getValueAtPercentile(50)) / 1e3));
            }
        }
        return medians;
    }
}
