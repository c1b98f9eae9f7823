//JAVA 25+
//SOURCES Difference.java
//SOURCES Measurement.java
//SOURCES Pair.java
//SOURCES Sample.java
//SOURCES Scope.java
//SOURCES Unit.java

package stream.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Chooses how two groups are compared: by runs if there are several of each, else in pairs where at least half of the requests have
 * a counterpart, else by the prompts of each.
 */
final class GroupComparison {

    private final List<Measurement> values;
    private final List<Measurement> baseline;

    GroupComparison(List<Measurement> values, List<Measurement> baseline) {
        this.values = values;
        this.baseline = baseline;
    }

    /** @param sidesHaveRuns whether each group has runs of its own */
    Difference difference(boolean sidesHaveRuns) {
        if (sidesHaveRuns && runs(values) > 1 && runs(baseline) > 1) {
            return ofSides();
        }
        var both = pairs();
        if (both.size() * 2 < Math.min(values.size(), baseline.size())) {
            return unpaired();
        }
        var inRuns = inRuns(both);
        return inRuns == null ? Difference.ofPairs(both.values().stream().map(Both::pair).toList(), runsOfAll())
                : Difference.ofRunsInPairs(inRuns, both.size());
    }

    private static int runs(Collection<Measurement> measurements) {
        return (int) measurements.stream().map(Measurement::run).distinct().count();
    }

    private int runsOfAll() {
        var all = new ArrayList<>(values);
        all.addAll(baseline);
        return runs(all);
    }

    private record Both(Measurement own, Measurement baseline) {

        Pair pair() {
            return new Pair(own.prompt(), own.time(), own.value(), baseline.value());
        }
    }

    /** Returns the counterparts by what they share, in its order. */
    private Map<String, Both> pairs() {
        var others = new HashMap<String, Measurement>();
        baseline.stream().filter(each -> each.pair() != null).forEach(each -> others.put(each.pair(), each));
        var both = new TreeMap<String, Both>();
        values.stream().filter(each -> each.pair() != null && others.containsKey(each.pair()))
                .forEach(each -> both.put(each.pair(), new Both(each, others.get(each.pair()))));
        return both;
    }

    /**
     * Returns the logarithms of the ratios as run by prompt if both groups were asked in each of several runs; of the prompts that
     * all runs have. Null if there are too few runs, or no such prompts.
     */
    private double[][] inRuns(Map<String, Both> both) {
        if (both.values().stream().anyMatch(each -> !each.own().run().equals(each.baseline().run())
                || each.own().value() <= 0 || each.baseline().value() <= 0)) {
            return null;
        }
        var byRun = both.values().stream().collect(Collectors.groupingBy(each -> each.own().run(), LinkedHashMap::new,
                Collectors.groupingBy(each -> each.own().prompt(), Collectors.averagingDouble(each -> each.pair().logRatio()))));
        return byRun.size() < Difference.FEWEST_RUNS ? null : table(byRun.values());
    }

    /** Each side has runs of its own, at other times; a run counts as one value. */
    private Difference ofSides() {
        var all = new ArrayList<Map<String, Double>>();
        var own = logMeansOfRuns(values);
        all.addAll(own);
        all.addAll(logMeansOfRuns(baseline));
        var table = table(all);
        var size = Math.min(values.size(), baseline.size());
        return table == null ? Difference.ofSides(new double[0][], new double[0][], size)
                : Difference.ofSides(Arrays.copyOf(table, own.size()),
                        Arrays.copyOfRange(table, own.size(), table.length), size);
    }

    private static List<Map<String, Double>> logMeansOfRuns(List<Measurement> measurements) {
        return List.copyOf(measurements.stream().collect(Collectors.groupingBy(Measurement::run, LinkedHashMap::new,
                Collectors.groupingBy(Measurement::prompt, Collectors.averagingDouble(each -> Math.log(each.value()))))).values());
    }

    /** Returns a row for each run, of the prompts that all have; null if there is none. */
    private static double[][] table(Collection<Map<String, Double>> runs) {
        var prompts = new TreeSet<>(runs.iterator().next().keySet());
        runs.forEach(run -> prompts.retainAll(run.keySet()));
        return prompts.isEmpty() ? null : runs.stream()
                .map(run -> prompts.stream().mapToDouble(run::get).toArray()).toArray(double[][]::new);
    }

    private Difference unpaired() {
        var own = logMeans(values);
        var other = logMeans(baseline);
        var prompts = Math.min(own.length, other.length);
        var size = Math.min(values.size(), baseline.size());
        return prompts >= Difference.FEWEST_PROMPTS
                ? Difference.ofMeans(own, other, new Sample(Unit.PROMPTS, prompts, size, false, new Scope(0, runsOfAll())))
                : Difference.ofMeans(logarithms(values), logarithms(baseline),
                        new Sample(Unit.REPETITIONS, prompts, size, false, new Scope(prompts, runsOfAll())));
    }

    private static double[] logMeans(List<Measurement> measurements) {
        return measurements.stream().collect(Collectors.groupingBy(Measurement::prompt,
                Collectors.averagingDouble(each -> Math.log(each.value())))).values().stream().mapToDouble(mean -> mean).toArray();
    }

    private static double[] logarithms(List<Measurement> measurements) {
        return measurements.stream().mapToDouble(each -> Math.log(each.value())).toArray();
    }
}
