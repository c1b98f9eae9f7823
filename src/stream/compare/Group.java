//JAVA 25+
//SOURCES ../metric/AnswerMetrics.java
//SOURCES ../metric/GapHistogram.java
//SOURCES ../metric/GapPositions.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/Metrics.java
//SOURCES ../metric/Throughput.java
//SOURCES ../record/AnswerCaveat.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../record/RunManifest.java
//SOURCES Counting.java
//SOURCES Difference.java
//SOURCES GroupBuilder.java
//SOURCES GroupComparison.java
//SOURCES Machines.java
//SOURCES Measurement.java
//SOURCES PromptValue.java
//SOURCES QuantileInterval.java
//SOURCES QuantileRatio.java
//SOURCES Sample.java
//SOURCES Scope.java
//SOURCES Simultaneity.java
//SOURCES TimeDependence.java
//SOURCES Trend.java
//SOURCES Unit.java

package stream.compare;

import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

import stream.metric.AnswerMetrics;
import stream.metric.GapHistogram;
import stream.metric.GapPositions;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.metric.Metrics;
import stream.metric.Throughput;
import stream.record.AnswerCaveat;
import stream.record.RecordedAnswer;
import stream.record.RecordedRun;

/** Requests that are taken together, with what their events tell. */
public final class Group {

    private static final double TOKENS_PER_EVENT_DIFFER = 1.2;
    private static final int FEWEST_FOR_DRIFT = 20;
    private static final int FEWEST_FOR_HEADERS = 5;
    private static final double SHORTEST_HELD_MILLIS = 5; // below that headers and token may share a read by chance
    private static final double SAME_TIME_MILLIS = 0.5;
    private static final int FEWEST_OF_A_KIND = 5; // of those of one machine, or on one kind of connection
    private static final double LOAD_IS_SEEN = 0.02; // so seldom is an interval of a tail withheld without a reason

    private final String label;
    private final Counting counting;
    private final MetricDefinition definition;
    private final List<String> currencies; // in alphabetical order
    private final List<RecordedAnswer> completed;
    private final List<RecordedAnswer> failed;
    private final Map<RecordedAnswer, GroupBuilder.Asked> asked = new IdentityHashMap<>();
    private final Map<RecordedRun, List<RecordedAnswer>> byRun; // a shard is one of its own here
    private final Map<RecordedRun, List<RecordedAnswer>> byWhole;
    private final Map<Metric, double[]> sorted = new EnumMap<>(Metric.class);
    private final GapHistogram gaps;
    private final GapPositions positions;
    private final int cancelled;
    private final int tainted;
    private final int leftOut;

    Group(GroupBuilder read, Map<RecordedAnswer, RecordedAnswer> measured) {
        label = read.label;
        counting = read.counting;
        definition = read.definition;
        currencies = List.copyOf(read.currencies);
        read.asked.forEach((answer, place) -> asked.put(measured.getOrDefault(answer, answer), place));
        completed = measured(read.completed, measured);
        failed = measured(read.failed, measured);
        byRun = measured(read.byRun, measured);
        byWhole = measured(read.byWhole, measured);
        gaps = read.gaps;
        positions = read.positions;
        cancelled = read.cancelled;
        tainted = read.tainted;
        leftOut = read.leftOut;
    }

    private static List<RecordedAnswer> measured(List<RecordedAnswer> answers, Map<RecordedAnswer, RecordedAnswer> measured) {
        return answers.stream().map(answer -> measured.getOrDefault(answer, answer)).toList();
    }

    private static Map<RecordedRun, List<RecordedAnswer>> measured(Map<RecordedRun, List<RecordedAnswer>> answers,
            Map<RecordedAnswer, RecordedAnswer> measured) {
        var all = new LinkedHashMap<>(answers);
        all.replaceAll((run, own) -> measured(own, measured));
        return all;
    }

    public String label() {
        return label;
    }

    /** Whose definitions of the metrics its figures have. */
    public MetricDefinition definition() {
        return definition;
    }

    /** Returns the currencies in which its requests are priced, in alphabetical order. */
    List<String> currencies() {
        return currencies;
    }

    /**
     * Returns the cost of so many answers, by the mean of those that are known; null if none is, or there are several currencies.
     */
    Double cost(int answers) {
        var known = completed.stream().map(RecordedAnswer::cost).filter(Objects::nonNull).toList();
        return known.isEmpty() || currencies.size() != 1 ? null : known.stream().reduce(BigDecimal.ZERO, BigDecimal::add)
                .multiply(BigDecimal.valueOf(answers))
                .divide(BigDecimal.valueOf(known.size()), MathContext.DECIMAL64).doubleValue();
    }

    /** Number of completed requests of which the cost is not known although their model has a price. */
    long withUnknownCost() {
        return currencies.isEmpty() ? 0 : completed.stream().filter(answer -> answer.cost() == null).count();
    }

    /** Returns the requests that count. */
    public List<RecordedAnswer> completed() {
        return completed;
    }

    /** Whether equal ids of prompts in its runs and in others stand for the same prompt. */
    boolean knowsPrompts() {
        return byRun.keySet().stream().allMatch(RecordedRun::knowsPrompts);
    }

    public List<RecordedAnswer> failures() {
        return failed;
    }

    public Map<RecordedRun, List<RecordedAnswer>> byRun() {
        return byRun;
    }

    public int requests() {
        return completed.size() + failed.size();
    }

    public int failed() {
        return failed.size();
    }

    int cancelled() {
        return cancelled;
    }

    /** Number of attempts beyond the first of each request. */
    int retries() {
        return java.util.stream.Stream.concat(completed.stream(), failed.stream()).mapToInt(answer -> answer.attempt() - 1).sum();
    }

    /** Number of requests with more than one attempt. */
    long retried() {
        return java.util.stream.Stream.concat(completed.stream(), failed.stream()).filter(answer -> answer.attempt() > 1).count();
    }

    /** Whether a run had more than one request in flight, or it is not known. */
    boolean wasConcurrent() {
        return byRun.keySet().stream().anyMatch(run -> !Integer.valueOf(1).equals(run.manifest().options().get("concurrency")));
    }

    /** Whether any request has a value of this metric. */
    boolean hasValues(Metric metric) {
        return values(metric).length > 0;
    }

    /** Whether a prompt was asked more than once. */
    boolean repeatsPrompts() {
        return completed.stream().anyMatch(answer -> answer.repetition() > 1);
    }

    /** Returns how many characters of visible text a visible token has on average; null if that is not known. */
    Double charactersPerToken() {
        var known = completed.stream().filter(answer -> answer.tokensAreCounted() && answer.knows(Metric.OUTPUT_CHARS)
                && answer.get(Metric.OUTPUT_CHARS) > 0 && answer.knows(Metric.TPOT)).toList();
        var tokens = known.stream().mapToDouble(answer -> answer.get(Metric.OUTPUT_TOKENS)
                - (answer.knows(Metric.REASONING_TOKENS) ? answer.get(Metric.REASONING_TOKENS) : 0)).sum();
        return tokens == 0 ? null : known.stream().mapToDouble(answer -> answer.get(Metric.OUTPUT_CHARS)).sum() / tokens;
    }

    /** Returns the share of reasoning in the tokens if these are counted, else in the generated events; null if it is not known. */
    Double reasoningShare() {
        if (!hasValues(Metric.REASONING_EVENTS)) {
            return null;
        }
        var counted = sum(Metric.REASONING_TOKENS);
        var events = sum(Metric.REASONING_EVENTS) + sum(Metric.CONTENT_EVENTS) + sum(Metric.TOOL_EVENTS);
        return counted > 0 ? Double.valueOf(counted / sum(Metric.OUTPUT_TOKENS))
                : events == 0 ? null : Double.valueOf(sum(Metric.REASONING_EVENTS) / events);
    }

    /** Whether the events of one of the groups have more tokens than those of the other, by more than a fifth. */
    boolean tokensPerEventDiffer(Group other) {
        var own = tokensPerEvent();
        var others = other.tokensPerEvent();
        return own != null && others != null && Math.max(own, others) > TOKENS_PER_EVENT_DIFFER * Math.min(own, others);
    }

    /** How TTFT changed during a run: medians in milliseconds. */
    record Drift(double firstQuarterMillis, double restMillis) { }

    /** Returns how TTFT changed from the first requests to the last; null if it changed by no more than chance. */
    Drift drift() {
        var timed = answersOf(Metric.TTFT).filter(answer -> !Double.isNaN(answer.startMillis()) && answer.get(Metric.TTFT) > 0)
                .sorted(Comparator.comparingDouble(RecordedAnswer::startMillis)).toList();
        if (timed.size() < FEWEST_FOR_DRIFT || byWhole.size() > 1) {
            return null;
        }
        var means = timed.stream().collect(Collectors.groupingBy(RecordedAnswer::promptId,
                Collectors.averagingDouble(answer -> Math.log(answer.get(Metric.TTFT)))));
        var isRepeated = means.size() * 2 <= timed.size(); // else a trend may be one of the prompts, in their order
        if (!isRepeated || !Trend.isSignificant(timed.stream()
                .mapToDouble(answer -> Math.log(answer.get(Metric.TTFT)) - means.get(answer.promptId())).toArray())) {
            return null;
        }
        var millis = timed.stream().mapToDouble(answer -> answer.get(Metric.TTFT)).toArray();
        return new Drift(Metrics.quantile(Arrays.copyOf(millis, millis.length / 4), 0.5),
                Metrics.quantile(Arrays.copyOfRange(millis, millis.length / 4, millis.length), 0.5));
    }

    /** Returns the machines that sent its requests, in alphabetical order. */
    List<String> machines() {
        return byRun.keySet().stream().map(RecordedRun::machine).distinct().sorted().toList();
    }

    /**
     * Returns the medians of TTFT in milliseconds by machine if these differ by more than chance; null if they do not, or if a
     * machine has few requests. That is Fisher's analysis of variance of the logarithms at a level of 1 %: which machine asked
     * which prompt is as good as random, so a difference of the prompts is part of the variance within the machines.
     */
    Map<String, Double> differentMachines() {
        var millis = new TreeMap<String, List<Double>>();
        byRun.forEach((run, answers) -> answers.stream().filter(answer -> answer.knows(Metric.TTFT) && answer.get(Metric.TTFT) > 0)
                .forEach(answer -> millis.computeIfAbsent(run.machine(), absent -> new ArrayList<>())
                .add(answer.get(Metric.TTFT))));
        return mediansIfDifferent(millis);
    }

    /**
     * Returns the medians of TTFT without the handshake in milliseconds, on "new" and on "reused" connections, if these differ by
     * more than chance, as {@link #differentMachines} has it; null if they do not.
     */
    Map<String, Double> differentConnections() {
        var millis = new TreeMap<String, List<Double>>();
        answersOf(Metric.TTFT_NET).filter(answer -> answer.get(Metric.TTFT_NET) > 0).forEach(answer -> millis.computeIfAbsent(
                answer.connectionReused() ? "reused" : "new", absent -> new ArrayList<>()).add(answer.get(Metric.TTFT_NET)));
        return mediansIfDifferent(millis);
    }

    private static Map<String, Double> mediansIfDifferent(Map<String, List<Double>> millis) {
        if (millis.size() < 2 || millis.values().stream().anyMatch(values -> values.size() < FEWEST_OF_A_KIND)
                || !Machines.differ(millis.values().stream()
                .map(values -> values.stream().mapToDouble(Math::log).toArray()).toList())) {
            return null;
        }
        var medians = new LinkedHashMap<String, Double>();
        millis.forEach((kind, values) ->
                medians.put(kind, Metrics.quantile(values.stream().mapToDouble(value -> value).toArray(), 0.5)));
        return medians;
    }

    /** Number of completed requests whose answer has this caveat. */
    long with(AnswerCaveat caveat) {
        return completed.stream().filter(answer -> answer.caveats().contains(caveat)).count();
    }

    /** Number of completed requests with several tokens of which it is not known how many are visible text. */
    long withUnknownVisibleTokens() {
        return completed.stream().filter(answer -> !answer.knows(Metric.TPOT) && answer.get(Metric.OUTPUT_TOKENS) > 1
                && answer.get(Metric.CONTENT_EVENTS) > 1
                && answer.get(Metric.REASONING_EVENTS) + answer.get(Metric.TOOL_EVENTS) > 0).count();
    }

    /** Returns the one model that its server says it served, with the server; null if there are several, or none. */
    String servedModel() {
        var served = completed.stream().map(answer -> answer.reportedModel().isEmpty() ? ""
                : answer.reportedModel() + " at " + answer.baseUrl()).distinct().toList();
        return served.size() == 1 && !served.getFirst().isEmpty() ? served.getFirst() : null;
    }

    int tainted() {
        return tainted;
    }

    int leftOut() {
        return leftOut;
    }

    public GapPositions positions() {
        return positions;
    }

    /** Returns what each request is called that may have a counterpart in another group. */
    Set<String> pairs() {
        return completed.stream().map(answer -> asked.get(answer).pair()).filter(Objects::nonNull).collect(Collectors.toSet());
    }

    /** Returns what is known of a metric, in ascending order. */
    public double[] values(Metric metric) {
        return sorted.computeIfAbsent(metric, absent -> completed.stream().filter(answer -> answer.knows(metric))
                .mapToDouble(answer -> answer.get(metric)).sorted().toArray());
    }

    /** Returns null if there are too few requests. */
    public Double quantile(Metric metric, double fraction) {
        if (!definition.interpolates()) {
            return weighted(metric, fraction);
        }
        return Metrics.quantile(values(metric, counting.failuresAreWorst()), fraction);
    }

    /**
     * Returns the values, then if that is wanted the worst for each failure: an infinite time, no tokens or characters per second.
     */
    private double[] values(Metric metric, boolean failuresAreWorst) {
        var values = values(metric);
        var worst = metric.worst();
        if (!failuresAreWorst || Double.isNaN(worst) || values.length == 0 && (!completed.isEmpty() || !definition.has(metric))) {
            return values;
        }
        var all = Arrays.copyOf(values, values.length + failed.size());
        Arrays.fill(all, values.length, all.length, worst);
        return all;
    }

    /** Returns the median over the requests of their own quantile; of other tools that of all gaps. */
    Double itl(Metric ofRequest, double fraction) {
        return definition == MetricDefinition.OURS
                ? Metrics.quantile(values(ofRequest, counting.failuresAreWorst()), 0.5) : gaps(fraction);
    }

    /** Returns the first value up to which the requests weigh so much of the whole. */
    private Double weighted(Metric metric, double fraction) {
        var known = completed.stream().filter(answer -> answer.knows(metric))
                .sorted(Comparator.comparingDouble(answer -> answer.get(metric))).toList();
        if (Metrics.quantile(values(metric), fraction) == null) {
            return null;
        }
        var whole = known.stream().mapToDouble(answer -> definition.weight(metric, answer.get(Metric.OUTPUT_TOKENS))).sum();
        var below = 0.0;
        for (var answer : known) {
            below += definition.weight(metric, answer.get(Metric.OUTPUT_TOKENS));
            if (below >= fraction * whole) {
                return answer.get(metric);
            }
        }
        return null;
    }

    /** Returns the quantile of all gaps, or of the requests' means where a tool knows no gaps. */
    public Double gaps(double fraction) {
        return definition.hasGaps() ? gaps.quantileMillis(fraction) : quantile(Metric.ITL, fraction);
    }

    /** Returns the quantile of all gaps between events that the model generated; null unless a tool has such a metric. */
    Double interChunkLatency(double fraction) {
        return definition == MetricDefinition.AIPERF ? gaps.quantileMillis(fraction) : null;
    }

    /** Returns how many of the tokens came in the same socket read as the one before; null if it is not known. */
    Double coalescedShare() {
        var tokens = sum(Metric.CONTENT_EVENTS);
        return tokens == 0 ? null : sum(Metric.COALESCED_EVENTS) / tokens;
    }

    /** Returns the median over the requests for which it is known; null if it is known for no request. */
    Double tokensPerEvent() {
        return Metrics.quantile(completed.stream().mapToDouble(RecordedAnswer::tokensPerEvent)
                .filter(tokens -> !Double.isNaN(tokens)).toArray(), 0.5);
    }

    /** Returns how many of the requests were sent on a connection that another one had opened; null if it is not known. */
    Double reusedShare() {
        var known = completed.stream().map(RecordedAnswer::connectionReused).filter(Objects::nonNull).toList();
        return known.isEmpty() ? null : (double) known.stream().filter(reused -> reused).count() / known.size();
    }

    private double sum(Metric metric) {
        return Arrays.stream(values(metric)).sum();
    }

    /** Returns how many of the requests had part of their prompt in the server's cache. */
    long cacheHits() {
        return Arrays.stream(values(Metric.CACHED_TOKENS)).filter(tokens -> tokens > 0).count();
    }

    /** Whether half of the tokens or more came together with the one before. */
    boolean isBuffered() {
        return AnswerMetrics.wereBuffered(sum(Metric.COALESCED_EVENTS), sum(Metric.CONTENT_EVENTS));
    }

    /** Whether the headers of each answer came with its first token, so that something on the way, or the server, held them. */
    boolean headersWereHeld() {
        var known = answersOf(Metric.TTFT).filter(answer -> answer.knows(Metric.HEADERS)).toList();
        return known.size() >= FEWEST_FOR_HEADERS && quantile(Metric.TTFT, 0.5) > SHORTEST_HELD_MILLIS
                && known.stream().allMatch(answer -> answer.get(Metric.TTFT) - answer.get(Metric.HEADERS) < SAME_TIME_MILLIS);
    }

    /** Compares a metric with that of another group. */
    Difference compare(Group baseline, Metric metric) {
        if (counting.failuresAreWorst()) {
            var prompts = baseline.answersOf(metric).map(RecordedAnswer::promptId).collect(Collectors.toSet());
            var common = (int) answersOf(metric).map(RecordedAnswer::promptId).distinct().filter(prompts::contains).count();
            var runs = new HashSet<>(byWhole.keySet());
            runs.addAll(baseline.byWhole.keySet());
            return QuantileRatio.of(quantileValues(metric), baseline.quantileValues(metric), 0.5, true).difference(new Sample(
                    Unit.PROMPTS, common, Math.min(requests(), baseline.requests()), false, new Scope(0, runs.size())));
        }
        return new GroupComparison(measurements(metric), baseline.measurements(metric)).difference(counting.runsAreUnits());
    }

    /** Compares them as if each failed request of both had taken as long as the slowest that completed. */
    Difference compareWithFailures(Group baseline, Metric metric) {
        var slowest = java.util.stream.Stream.of(values(metric), baseline.values(metric))
                .mapToDouble(values -> values[values.length - 1]).max().orElseThrow();
        return new GroupComparison(measurementsWithFailures(metric, slowest), baseline.measurementsWithFailures(metric, slowest))
                .difference(counting.runsAreUnits());
    }

    private List<Measurement> measurements(Metric metric) {
        return answersOf(metric).map(answer -> measurement(answer, answer.get(metric))).toList();
    }

    private List<Measurement> measurementsWithFailures(Metric metric, double value) {
        return java.util.stream.Stream.concat(measurements(metric).stream(),
                failed.stream().map(answer -> measurement(answer, value))).toList();
    }

    private Measurement measurement(RecordedAnswer answer, double value) {
        return new Measurement(asked.get(answer).whole(), answer.promptId(), asked.get(answer).pair(), time(answer), value);
    }

    private static double time(RecordedAnswer answer) {
        return Double.isNaN(answer.startMillis()) ? answer.repetition() : answer.startMillis();
    }

    /** Returns when its requests were in flight, run by run; null if that is not known of any. */
    Collection<List<Simultaneity.Flight>> flights() {
        var flights = new IdentityHashMap<RecordedRun, List<Simultaneity.Flight>>();
        for (var answer : java.util.stream.Stream.concat(completed.stream(), failed.stream()).toList()) {
            if (Double.isNaN(answer.startMillis())) {
                return null;
            }
            flights.computeIfAbsent(asked.get(answer).whole(), absent -> new ArrayList<>()).add(new Simultaneity.Flight(
                    answer.startMillis(), answer.startMillis() + (answer.knows(Metric.TOTAL) ? answer.get(Metric.TOTAL) : 0)));
        }
        return flights.values();
    }

    private java.util.stream.Stream<RecordedAnswer> answersOf(Metric metric) {
        return completed.stream().filter(answer -> answer.knows(metric));
    }

    /** Returns the mean of the logarithm of a metric for each prompt, by its id, without times of 0. */
    Map<String, Double> logMeans(Metric metric) {
        return answersOf(metric).filter(answer -> answer.get(metric) > 0).collect(Collectors.groupingBy(RecordedAnswer::promptId,
                Collectors.averagingDouble(answer -> Math.log(answer.get(metric)))));
    }

    /** Returns the ratio of a quantile to that of another group. */
    QuantileRatio quantileRatio(Group baseline, Metric metric, double fraction) {
        return QuantileRatio.of(quantileValues(metric), baseline.quantileValues(metric), fraction,
                varyByPromptsOnly(metric) && baseline.varyByPromptsOnly(metric));
    }

    /**
     * Whether prompts are the only source of chance in a metric: not if there are several runs, or requests close in time are more
     * alike than others. What is drawn again and again would have to be runs, or times longer than the load lasts, and there are
     * too few of either.
     */
    private boolean varyByPromptsOnly(Metric metric) {
        if (byWhole.size() > 1) {
            return false;
        }
        var means = logMeans(metric);
        var repeats = means.size() < values(metric).length;
        var mean = means.values().stream().mapToDouble(each -> each).average().orElse(0);
        return TimeDependence.of(answersOf(metric).filter(answer -> answer.get(metric) > 0)
                .sorted(Comparator.comparingDouble(Group::time))
                .mapToDouble(answer -> Math.log(answer.get(metric)) - (repeats ? means.get(answer.promptId()) : mean)).toArray())
                .pValue() >= LOAD_IS_SEEN;
    }

    /** Returns the interval of a quantile; null if there are too few requests for one. */
    QuantileInterval quantileInterval(Metric metric, double fraction) {
        return !varyByPromptsOnly(metric) ? null : QuantileInterval.of(quantileValues(metric), fraction);
    }

    private List<PromptValue> quantileValues(Metric metric) {
        var values = answersOf(metric).map(answer -> new PromptValue(answer.promptId(), answer.get(metric)))
                .collect(Collectors.toCollection(ArrayList::new));
        if (counting.failuresAreWorst()) {
            failed.forEach(answer -> values.add(new PromptValue(answer.promptId(), Double.POSITIVE_INFINITY)));
        }
        return values;
    }

    /** When the first of its requests began; null if that is not known. */
    public Instant firstStart() {
        return completed.stream().map(RecordedAnswer::startedAt).filter(Objects::nonNull)
                .min(Comparator.naturalOrder()).orElse(null);
    }

    private List<Throughput> throughputs() {
        return byRun.values().stream().map(answers -> {
            var throughput = new Throughput();
            answers.stream().filter(answer -> !Double.isNaN(answer.startMillis()) && answer.knows(Metric.TOTAL))
                    .forEach(answer -> throughput.add(time(answer), answer.get(Metric.TOTAL), answer.get(Metric.OUTPUT_TOKENS)));
            return throughput;
        }).toList();
    }

    private Double perSecond(ToDoubleFunction<Throughput> count) {
        var throughputs = throughputs();
        var seconds = Throughput.secondsOfAny(throughputs);
        var all = throughputs.stream().mapToDouble(count).sum();
        return seconds == 0 || Double.isNaN(all) ? null : all / seconds;
    }

    /** Completed requests per second of the measured time; null if it is not known. */
    Double requestsPerSecond() {
        return perSecond(Throughput::requests);
    }

    /** Output tokens per second of the measured time; null if it is not known. */
    Double tokensPerSecond() {
        return perSecond(Throughput::tokens);
    }
}
