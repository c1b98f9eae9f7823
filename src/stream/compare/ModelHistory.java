//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES ../terminal/Count.java
//SOURCES ../metric/Metric.java
//SOURCES ChangePoints.java
//SOURCES Changes.java
//SOURCES Group.java
//SOURCES HistoryPoint.java
//SOURCES Section.java

package stream.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import org.apache.commons.statistics.distribution.TDistribution;
import stream.metric.Metric;
import stream.terminal.Count;

/**
 * The history of a model.
 *
 * @param points in the order of time
 */
public record ModelHistory(String model, Metric metric, List<HistoryPoint> points, Changes changes) {

    /**
     * Computes it over the prompts that the newest run with a value has. Runs that lack one of these are left out and noted; runs
     * without a completed request stay, without a ratio.
     */
    static ModelHistory of(Section section, Metric metric, List<String> notes) {
        var groups = section.groups().stream().filter(group -> !group.logMeans(metric).isEmpty()).toList();
        var prompts = groups.isEmpty() ? Set.<String>of() : groups.getLast().logMeans(metric).keySet();
        var kept = groups.stream().filter(group -> group.logMeans(metric).keySet().containsAll(prompts)).toList();
        groups.stream().filter(group -> !kept.contains(group)).forEach(group -> notes.add(section.title() + ", " + group.label()
                + ": without some of the prompts of the newest run, left out (" + group.failed() + " of "
                + group.requests() + " failed)"));
        var means = prompts.stream().collect(Collectors.toMap(prompt -> prompt, prompt ->
                kept.stream().mapToDouble(group -> group.logMeans(metric).get(prompt)).average().orElseThrow()));
        var deviations = kept.stream().map(group -> deviations(group.logMeans(metric), means)).toList();
        var series = deviations.stream().mapToDouble(ModelHistory::mean).toArray();
        var changes = Changes.of(series);
        var points = new ArrayList<HistoryPoint>();
        for (var group : section.groups()) {
            var at = kept.indexOf(group);
            if (at >= 0 && kept.size() > 1) {
                points.add(point(group, deviations.get(at), kept.size(),
                        changes.list().stream().filter(change -> change.at() == at).findFirst()
                        .orElse(null)));
            } else if (at >= 0 || group.logMeans(metric).isEmpty()) {
                points.add(new HistoryPoint(group, null, null, null, null));
            }
        }
        return new ModelHistory(section.title(), metric, points, changes);
    }

    private static double[] deviations(Map<String, Double> ofRun, Map<String, Double> means) {
        return means.entrySet().stream().mapToDouble(mean -> ofRun.get(mean.getKey()) - mean.getValue()).toArray();
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    /** The mean of {@code runs} runs contains the run itself, which makes its deviations from that smaller. */
    private static HistoryPoint point(Group group, double[] deviations, int runs, ChangePoints.Change change) {
        var mean = mean(deviations);
        if (deviations.length < 2) {
            return new HistoryPoint(group, Math.exp(mean), null, null, change);
        }
        var variance = Arrays.stream(deviations).map(deviation -> (deviation - mean) * (deviation - mean)).sum()
                / (deviations.length - 1) * runs / (runs - 1);
        var half = TDistribution.of(deviations.length - 1)
                .inverseCumulativeProbability(0.975) * Math.sqrt(variance / deviations.length);
        return new HistoryPoint(group, Math.exp(mean), Math.exp(mean - half), Math.exp(mean + half), change);
    }

    /** Returns what is to be told of it, as a sentence. */
    public String sentence() {
        var measured = points.stream().filter(point -> point.ratio() != null).count();
        var failed = points.stream().filter(point -> point.group().completed().isEmpty()).count();
        return model + ", " + metric.title() + " of " + Count.of(points.size(), "run") + ": "
                + (!changes.isEmpty() || changes.drift() != null ? whatChanged()
                : measured < ChangePoints.FEWEST ? "fewer than " + ChangePoints.FEWEST + ", too few to tell a change"
                : "no change that is more than chance") + (failed == 0 ? "" : "; nothing completed in "
                + Count.of(failed, "run")) + ".";
    }

    private String whatChanged() {
        var levels = points.stream().filter(point -> point.change() != null).map(point -> changed(point) + " with "
                + point.group().label()).collect(Collectors.joining(", then "));
        var drift = changes.drift() == null ? ""
                : String.format(Locale.ROOT, "drifted to %.2fx from the first run to the last", changes.drift());
        return (levels.isEmpty() ? drift : "changed " + levels + (drift.isEmpty() ? "" : ", or " + drift))
                + (changes.limit() == Changes.Limit.RUNS_RESEMBLE
                ? ", but each run resembles the one before: a slow drift looks the same" : "");
    }

    /** Returns a change in words, as in "to 1.25x (1.18 to 1.33)". */
    public static String changed(HistoryPoint point) {
        var change = point.change();
        return String.format(Locale.ROOT, "to %.2fx (%.2f to %.2f)", change.ratio(), change.lower(), change.upper());
    }
}
