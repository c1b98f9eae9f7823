//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../metric/StreamEnd.java
//SOURCES ../metric/TextTimes.java
//SOURCES ../metric/TokenSource.java
//SOURCES AnswerCaveat.java
//SOURCES CsvFile.java
//SOURCES RequestColumn.java
//SOURCES Row.java
//SOURCES StartTimes.java

package stream.record;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.metric.RequestStatus;
import stream.metric.StreamEnd;
import stream.metric.TextTimes;
import stream.metric.TokenSource;

/**
 * A measured request, as its last attempt is recorded. It is immutable: what the events tell gives another one.
 */
public final class RecordedAnswer {

    private final String requestId;
    private final String model;
    private final String modelName;
    private final String baseUrl;
    private final String promptId;
    private final int repetition;
    private final int attempt;
    private final RequestStatus status;
    private final String error;
    private final String reportedModel;
    private final StreamEnd end;
    private final Set<AnswerCaveat> caveats;
    private final boolean tainted;
    private final boolean counted;
    private final Boolean connectionReused;
    private final Instant startedAt; // null if it is not known
    private final double startMillis; // NaN if it is not known
    private final BigDecimal cost; // null if it is not known
    private final double[] values; // in the order of Metric

    /**
     * Reads a row of requests.csv.
     *
     * @param starts the times of the run
     * @param shared returns one object for equal texts
     * @throws BadRow if a cell is not valid
     */
    RecordedAnswer(Row row, StartTimes starts, UnaryOperator<String> shared) {
        requestId = CsvFile.unguarded(row.text(RequestColumn.REQUEST_ID));
        model = shared.apply(row.text(RequestColumn.MODEL));
        modelName = shared.apply(row.text(RequestColumn.MODEL_NAME));
        baseUrl = shared.apply(row.text(RequestColumn.BASE_URL));
        promptId = shared.apply(row.text(RequestColumn.PROMPT_ID));
        repetition = (int) row.number(RequestColumn.REPETITION);
        attempt = (int) row.number(RequestColumn.ATTEMPT);
        status = row.status();
        error = shared.apply(row.text(RequestColumn.ERROR));
        reportedModel = shared.apply(row.text(RequestColumn.REPORTED_MODEL));
        end = row.text(RequestColumn.STREAM_END).isEmpty() && status == RequestStatus.COMPLETED ? StreamEnd.COMPLETE
                : StreamEnd.of(row.text(RequestColumn.STREAM_END)); // an earlier version did not write it
        tainted = !row.text(RequestColumn.TAINTED).isEmpty();
        counted = row.text(RequestColumn.TOKEN_SOURCE).equals(TokenSource.USAGE.word());
        startedAt = row.time(RequestColumn.STARTED_AT);
        startMillis = starts.millis(startedAt, row.number(RequestColumn.START_MS));
        values = new double[Metric.values().length];
        cost = Double.isNaN(row.number(RequestColumn.COST)) ? null : new BigDecimal(row.text(RequestColumn.COST));
        connectionReused = switch (row.text(RequestColumn.CONNECTION_REUSED)) {
            case "true" -> true;
            case "false" -> false;
            default -> null;
        };
        for (var metric : Metric.values()) {
            values[metric.ordinal()] = RequestColumn.of(metric) == null ? Double.NaN : row.number(RequestColumn.of(metric));
        }
        caveats = AnswerCaveat.of(row::text); // its numbers are valid, as those of the metrics are
        if (connectionReused != null) {
            set(Metric.TTFT_NET, get(Metric.TTFT) - handshakeMillis(row));
        }
    }

    /** Creates a copy whose values are to be changed before others see it. */
    private RecordedAnswer(RecordedAnswer other) {
        requestId = other.requestId;
        model = other.model;
        modelName = other.modelName;
        baseUrl = other.baseUrl;
        promptId = other.promptId;
        repetition = other.repetition;
        attempt = other.attempt;
        status = other.status;
        error = other.error;
        reportedModel = other.reportedModel;
        end = other.end;
        caveats = other.caveats;
        tainted = other.tainted;
        counted = other.counted;
        connectionReused = other.connectionReused;
        startedAt = other.startedAt;
        startMillis = other.startMillis;
        cost = other.cost;
        values = other.values.clone();
    }

    /** Phases that did not happen are blank. */
    private static double handshakeMillis(Row row) {
        var sum = 0.0;
        for (var phase : List.of(RequestColumn.DNS_MS, RequestColumn.CONNECT_MS, RequestColumn.TLS_MS)) {
            var millis = row.number(phase);
            sum += Double.isNaN(millis) ? 0 : millis;
        }
        return sum;
    }

    public String requestId() {
        return requestId;
    }

    /** Label of the model. */
    public String model() {
        return model;
    }

    /** What the server calls it. */
    public String modelName() {
        return modelName;
    }

    public String baseUrl() {
        return baseUrl;
    }

    public String promptId() {
        return promptId;
    }

    public int repetition() {
        return repetition;
    }

    public int attempt() {
        return attempt;
    }

    public RequestStatus status() {
        return status;
    }

    /** Why it failed; empty if it did not. */
    public String error() {
        return error;
    }

    /** What the server says that it served; empty if it does not say. */
    public String reportedModel() {
        return reportedModel;
    }

    /** What limits its figures, if it is complete. */
    public Set<AnswerCaveat> caveats() {
        return caveats;
    }

    public boolean completed() {
        return status == RequestStatus.COMPLETED;
    }

    /** Whether it counts as a success. */
    boolean isSuccess(MetricDefinition definition) {
        return definition.isSuccess(end, get(Metric.EVENTS) > (end == StreamEnd.ERROR_EVENT ? 1 : 0),
                knows(Metric.TTFT_ANY) || knows(Metric.TTFT));
    }

    /** Whether its timing should not be trusted. */
    public boolean tainted() {
        return tainted;
    }

    /** Whether the server counted its tokens; else its events were. */
    public boolean tokensAreCounted() {
        return counted;
    }

    /** Returns null if it is not known. */
    public Boolean connectionReused() {
        return connectionReused;
    }

    /**
     * Returns the mean number of output tokens per generated event: as counted inside the stream, else the server's count of
     * all divided by the events; NaN if it is not known.
     */
    public double tokensPerEvent() {
        if (knows(Metric.TOKENS_PER_EVENT) || !counted) {
            return get(Metric.TOKENS_PER_EVENT);
        }
        var hidden = knownOrZero(Metric.REASONING_EVENTS) == 0 ? knownOrZero(Metric.REASONING_TOKENS) : 0;
        var events = get(Metric.CONTENT_EVENTS) + knownOrZero(Metric.REASONING_EVENTS) + knownOrZero(Metric.TOOL_EVENTS);
        return events > 0 ? (get(Metric.OUTPUT_TOKENS) - hidden) / events : Double.NaN;
    }

    /** An earlier version did not record everything. */
    private double knownOrZero(Metric metric) {
        return knows(metric) ? get(metric) : 0;
    }

    /** Returns null if it is not known. */
    public Instant startedAt() {
        return startedAt;
    }

    /**
     * Returns when it began, in milliseconds since the epoch; NaN if that is not known. Distances inside a run are those of the
     * monotonic clock.
     */
    public double startMillis() {
        return startMillis;
    }

    /** Returns what it cost, in the currency of its model; null if that is not known. */
    public BigDecimal cost() {
        return cost;
    }

    /** Returns NaN where it is not known. */
    public double get(Metric metric) {
        return values[metric.ordinal()];
    }

    public boolean knows(Metric metric) {
        return !Double.isNaN(get(metric));
    }

    private void set(Metric metric, double value) {
        values[metric.ordinal()] = value;
    }

    /** Returns the answer with what is counted from its text as it came. */
    RecordedAnswer with(TextTimes text) {
        var known = new RecordedAnswer(this);
        if (!knows(Metric.OUTPUT_CHARS)) {
            known.set(Metric.OUTPUT_CHARS, text.characters()); // an earlier version did not write it
        }
        known.set(Metric.CHARS_PER_S, get(Metric.TTLT) > 0 ? known.get(Metric.OUTPUT_CHARS) / get(Metric.TTLT) * 1000 : Double.NaN);
        known.set(Metric.FIRST_100_CHARS, text.firstMillis());
        return known;
    }

    /** Returns the answer with the times that another definition gives. */
    RecordedAnswer with(MetricDefinition.Times times) {
        var known = new RecordedAnswer(this);
        known.set(Metric.TTFT, times.ttft());
        known.set(Metric.ITL, times.itl());
        known.set(Metric.TPOT, times.tpot());
        known.set(Metric.TTLT, times.ttlt());
        known.set(Metric.TOTAL, times.total());
        for (var ours : List.of(Metric.TTFT_ANY, Metric.ITL_ANY, Metric.TTFT_NET)) {
            known.set(ours, Double.NaN);
        }
        known.set(Metric.TOKENS_PER_S, times.tokensPerSecond());
        known.set(Metric.TTST, times.ttst());
        return known;
    }
}
