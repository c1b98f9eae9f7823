//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES Aggregate.java
//SOURCES BaselineDifference.java
//SOURCES Difference.java
//SOURCES QuantileInterval.java
//SOURCES QuantileRatio.java

package stream.compare;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

import stream.metric.Metric;
import stream.metric.MetricDefinition;

/**
 * The result for a group.
 *
 * @param definition  whose definitions of the metrics the figures have
 * @param currency    of its costs; null if they are not known
 * @param aggregates  those for which there are enough requests
 * @param differences by metric; empty if the group is itself the baseline
 * @param tails       ratios of high quantiles to those of the baseline; empty as before
 * @param intervals   of the high quantiles themselves; those for which there are enough requests
 */
public record GroupResult(String label, MetricDefinition definition, String currency, Map<Aggregate, Double> aggregates,
        Map<Metric, BaselineDifference> differences,
                   Map<Aggregate, QuantileRatio> tails, Map<Aggregate, QuantileInterval> intervals) {

    /** The quantiles that have an interval, and a ratio to those of the baseline. */
    public static final Map<Aggregate, Double> TAILS = Collections.unmodifiableMap(new EnumMap<>(
            Map.of(Aggregate.TTFT_P95, 0.95, Aggregate.TTFT_P99, 0.99)));

    private static final double TAIL_DIFFERS = 1.5;
    private static final double TOLD = 1.5; // of the logarithm of the ratio that the verdict is of
    private static final double SIGNIFICANT = 0.05;

    /**
     * Whether a tail differs from that of the baseline by more than chance, and by more than the verdict tells.
     *
     * @param compared how many tails are compared, among all groups: the chance of any false one stays at 5 % (Bonferroni)
     */
    public boolean hasTailBeyondTheVerdict(Aggregate aggregate, int compared) {
        var tail = tails.get(aggregate);
        if (tail == null || tail.pValue() == null || tail.pValue() * compared > SIGNIFICANT
                || Math.abs(Math.log(tail.ratio())) < Math.log(TAIL_DIFFERS)) {
            return false;
        }
        var median = differences.get(aggregate.metric());
        var ratio = median == null || !median.difference().isSignificant() ? 1 : median.difference().ratio();
        return Math.log(tail.ratio()) / Math.log(ratio) <= 0
                || Math.abs(Math.log(tail.ratio())) >= TOLD * Math.abs(Math.log(ratio));
    }

    /** Whether a tail, or its ratio to that of the baseline, has an interval. */
    public boolean hasIntervalOf(Aggregate aggregate) {
        var tail = tails.get(aggregate);
        return intervals.containsKey(aggregate) || tail != null && tail.lower() != null;
    }

    int requests() {
        return aggregates.get(Aggregate.N).intValue();
    }

    public int failed() {
        return aggregates.get(Aggregate.FAILED).intValue();
    }

    int completed() {
        return requests() - failed();
    }

    /** Returns its label, with the tool whose definitions it has unless that is this one. */
    String labelWithTool() {
        return definition.labelled(label);
    }

    /** Returns what a table shows of it; empty if it is not known. */
    public String cell(Aggregate aggregate) {
        var cell = aggregate.cell(aggregates.get(aggregate));
        return aggregate.isCost() && !cell.isEmpty() ? cell + " " + currency : cell;
    }
}
