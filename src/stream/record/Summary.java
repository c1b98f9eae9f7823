//JAVA 25+
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/Count.java
//SOURCES ../terminal/Table.java
//SOURCES ../terminal/Warning.java
//SOURCES ../api/Price.java
//SOURCES ../metric/AnswerMetrics.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../metric/Throughput.java
//SOURCES AnswerCaveat.java
//SOURCES RequestColumn.java

package stream.record;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

import stream.api.Price;
import stream.metric.AnswerMetrics;
import stream.metric.Metric;
import stream.metric.Metrics;
import stream.metric.RequestStatus;
import stream.metric.Throughput;
import stream.terminal.Console;
import stream.terminal.Count;
import stream.terminal.Table;
import stream.terminal.Warning;

/** The table at the end of a run, made from columns of requests.csv: measured phase, last attempts. */
public final class Summary {

    private static final List<RequestColumn> QUANTILES = List.of(RequestColumn.TTFT_MS, RequestColumn.ITL_P50_MS,
            RequestColumn.ITL_P95_MS, RequestColumn.OUTPUT_TOKENS_PER_S, RequestColumn.TOTAL_MS);

    /**
     * The last attempt at a request.
     *
     * @param caveats what limits its figures; empty if it is not complete
     * @param served what the server says it served, and which server; null if it does not say
     * @param contentEvents   how many events with visible text it has; NaN if that is not known
     * @param coalescedEvents how many of these came together with the one before; NaN if that is not known
     * @param values       in the order of {@link #QUANTILES}; NaN where they are not known
     * @param startMillis  since the beginning of the run
     * @param outputTokens NaN if they are not known
     * @param cost         null if it is not known
     */
    private record LastAttempt(String model, boolean completed, Set<AnswerCaveat> caveats, String served, double[] values,
                               double contentEvents, double coalescedEvents, double startMillis,
                               double outputTokens, BigDecimal cost) { }

    private final List<String> models;
    private final Map<String, Integer> retries = new HashMap<>();
    private final Map<String, LastAttempt> requests = new LinkedHashMap<>();

    /** The table lists these models first, in this order, including those without a request. */
    Summary(List<String> labels) {
        models = new ArrayList<>(labels);
    }

    /**
     * Adds an attempt, which replaces the previous one at the same request.
     *
     * @param row returns the text of a column; empty for blank
     * @throws NumberFormatException if a number is not one
     */
    void add(Function<RequestColumn, String> row) {
        var values = QUANTILES.stream().map(row)
                .mapToDouble(Summary::number).toArray();
        var model = row.apply(RequestColumn.MODEL);
        if (!models.contains(model)) {
            models.add(model);
        }
        if (Integer.parseInt(row.apply(RequestColumn.ATTEMPT)) > 1) {
            retries.merge(model, 1, Integer::sum);
        }
        var completed = row.apply(RequestColumn.STATUS).equals(RequestStatus.COMPLETED.word());
        var caveats = completed ? AnswerCaveat.of(row) : Set.<AnswerCaveat>of();
        var reported = row.apply(RequestColumn.REPORTED_MODEL);
        var served = !completed || reported.isEmpty() ? null : reported + " at " + row.apply(RequestColumn.BASE_URL);
        var cost = row.apply(RequestColumn.COST);
        requests.put(row.apply(RequestColumn.REQUEST_ID), new LastAttempt(model, completed, caveats, served, values,
                number(row.apply(RequestColumn.CONTENT_EVENTS)), number(row.apply(RequestColumn.COALESCED_EVENTS)),
                number(row.apply(RequestColumn.START_MS)), number(row.apply(RequestColumn.OUTPUT_TOKENS)),
                cost.isEmpty() ? null : new BigDecimal(cost)));
    }

    /** Returns NaN for blank. */
    private static double number(String text) {
        return text.isEmpty() ? Double.NaN : Double.parseDouble(text);
    }

    public int requests() {
        return requests.size();
    }

    public int completed() {
        return (int) requests.values().stream().filter(LastAttempt::completed).count();
    }

    public int failed() {
        return requests() - completed();
    }

    private List<LastAttempt> of(String model) {
        return requests.values().stream().filter(request -> request.model().equals(model)).toList();
    }

    /** Returns the quantile of a column over the completed requests of a model; null if there are too few. */
    private Double quantile(String model, RequestColumn column, double fraction) {
        var at = QUANTILES.indexOf(column);
        return Metrics.quantile(of(model).stream().filter(LastAttempt::completed)
                .mapToDouble(request -> request.values()[at]).filter(value -> !Double.isNaN(value)).toArray(), fraction);
    }

    private String cell(String model, RequestColumn column, double fraction, int decimals) {
        var quantile = quantile(model, column, fraction);
        return quantile == null ? "" : String.format(Locale.ROOT, "%." + decimals + "f", quantile);
    }

    /** Whether the median of a metric, TTFT or ITL, is below so many microseconds for any model. */
    public boolean hasMedianBelow(Metric metric, double micros) {
        return models.stream().map(model -> quantile(model, RequestColumn.of(metric), 0.5))
                .anyMatch(median -> median != null && median * 1000 < micros);
    }

    /**
     * Prints the table, and what is to be known of it, for a terminal or a file.
     *
     * @param currencies those of the models that have a price, by their labels
     */
    public void print(Console console, boolean simulated, Map<String, String> currencies) {
        if (completed() == 0) {
            console.tell("None of " + Count.of(requests(), "request") + " completed.");
            return;
        }
        var out = console.err();
        console.tell(simulated ? "Simulated latencies in ms: they say nothing about the real models of these names"
                : "Latencies in ms");
        out.print(table().text(console.errWidth(), console.isStyled() && console.errIsTerminal()));
        printThroughput(console);
        currencies.forEach((model, currency) -> printCost(console, model, currency));
        for (var model : models) {
            for (var caveat : AnswerCaveat.values()) {
                var answers = of(model).stream().filter(request -> request.caveats().contains(caveat)).count();
                if (answers > 0) {
                    console.tell(caveat.warning().about(model + ": " + Count.of(answers, "completed answer")));
                }
            }
            printBuffered(console, model);
        }
        labelsOfServedModels().forEach((served, labels) -> {
            if (labels.size() > 1) {
                console.tell(Warning.ONE_MODEL.about(String.join(", ", labels), served));
            }
        });
    }

    private void printBuffered(Console console, String model) {
        var completed = of(model).stream().filter(LastAttempt::completed).toList();
        var tokens = completed.stream().mapToDouble(LastAttempt::contentEvents).sum();
        var together = completed.stream().mapToDouble(LastAttempt::coalescedEvents).sum();
        if (AnswerMetrics.wereBuffered(together, tokens)) {
            console.tell("warning: " + model + ": " + Warning.BUFFERED.text(Math.round(together / tokens * 100) + " %"));
        }
    }

    /** Requests and tokens per second of the time in which each model was measured; more load makes them grow, unlike tokens/s. */
    private void printThroughput(Console console) {
        for (var model : models) {
            var throughput = new Throughput();
            of(model).stream().filter(LastAttempt::completed).forEach(request -> throughput.add(request.startMillis(),
                    request.values()[QUANTILES.indexOf(RequestColumn.TOTAL_MS)], request.outputTokens()));
            if (throughput.requests() > 1 && throughput.seconds() > 0) {
                console.tell(String.format(Locale.ROOT, "throughput of %s: %.2f requests/s%s", model,
                        throughput.requests() / throughput.seconds(),
                        Double.isNaN(throughput.tokens()) ? "" : String.format(Locale.ROOT, ", %.1f tokens/s",
                                throughput.tokens() / throughput.seconds())));
            }
        }
    }

    private void printCost(Console console, String model, String currency) {
        var completed = of(model).stream().filter(LastAttempt::completed).toList();
        var known = completed.stream().map(LastAttempt::cost).filter(Objects::nonNull).toList();
        if (!known.isEmpty()) {
            var sum = known.stream().reduce(BigDecimal.ZERO, BigDecimal::add);
            var mean = sum.divide(BigDecimal.valueOf(known.size()), MathContext.DECIMAL64);
            console.tell("cost of " + model + ": " + Price.shown(mean) + " " + currency + " per answer, "
                    + Price.shown(mean.movePointRight(3)) + " " + currency + " per 1,000 answers"
                    + (known.size() == completed.size() ? "" : ", of the " + known.size() + " of " + completed.size()
                    + " answers whose tokens the server counted"));
        }
    }

    private Table table() {
        var table = new Table().column("model", true).labels().column("n", false).column("failed", false);
        if (!retries.isEmpty()) {
            table.column("retries", false);
        }
        for (var family : List.of("TTFT", "ITL")) {
            table.column(family, "p50", family + " p50", false).column(family, "p95", family + " p95", false);
        }
        table.column("p50", "total", "total p50", false).column("p50", "tokens/s", "tokens/s p50", false);
        for (var model : models) {
            var requestsOfModel = of(model);
            var completed = requestsOfModel.stream().filter(LastAttempt::completed).count();
            var row = new ArrayList<>(List.of(model, String.valueOf(requestsOfModel.size()),
                    String.valueOf(requestsOfModel.size() - completed)));
            if (!retries.isEmpty()) {
                row.add(String.valueOf(retries.getOrDefault(model, 0)));
            }
            row.addAll(List.of(cell(model, RequestColumn.TTFT_MS, 0.5, 1), cell(model, RequestColumn.TTFT_MS, 0.95, 1),
                    cell(model, RequestColumn.ITL_P50_MS, 0.5, 2), cell(model, RequestColumn.ITL_P95_MS, 0.5, 2),
                    cell(model, RequestColumn.TOTAL_MS, 0.5, 1), cell(model, RequestColumn.OUTPUT_TOKENS_PER_S, 0.5, 1)));
            table.row(row);
            if (completed < requestsOfModel.size()) {
                table.mark(2, Table.Mark.BAD);
            }
        }
        return table;
    }

    /** Returns the labels for which a server answered with one and the same model. */
    private Map<String, List<String>> labelsOfServedModels() {
        var labels = new LinkedHashMap<String, List<String>>();
        for (var model : models) {
            var served = of(model).stream().map(LastAttempt::served).filter(Objects::nonNull).distinct().toList();
            if (served.size() == 1) {
                labels.computeIfAbsent(served.getFirst(), absent -> new ArrayList<>()).add(model);
            }
        }
        return labels;
    }
}
