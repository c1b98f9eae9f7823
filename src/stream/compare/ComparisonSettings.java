//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES Difference.java
//SOURCES GroupBy.java
//SOURCES RunSides.java

package stream.compare;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.terminal.OptionChecks;
import stream.terminal.UserError;

/**
 * What is compared, and how.
 *
 * @param runs       folders of runs, or folders that contain them; empty for the newest run in results/
 * @param by         what the groups are; null for the default of {@link Grouping}
 * @param baseline   label of the group that the others are compared with; null for the default
 * @param margin     share that counts as the same, above 0 and below 1; null for 5 %
 * @param definition whose definitions of the metrics; null for those of each run
 * @param untainted  whether requests whose timing should not be trusted are left out
 * @param metrics    what is compared; empty for the usual ones
 * @param failures   what failed requests count as
 * @param sides      the runs of each side by their label, each of which is a group; empty if the runs are no sides
 */
public record ComparisonSettings(List<Path> runs, GroupBy by, String baseline, Double margin, MetricDefinition definition,
                          boolean untainted, List<Metric> metrics, Failures failures, Map<String, List<Path>> sides) {

    /** What failed requests count as. */
    enum Failures {
        /** Nothing: figures are of completed requests. */
        EXCLUDED,
        /** Infinitely slow. */
        WORST;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What can be compared, in this order. */
    public static final List<Metric> COMPARABLE = Arrays.stream(Metric.values()).filter(Metric::isComparable).toList();

    private static final double DEFAULT_MARGIN = 0.05;

    /** Reads what the user wrote; throws UserError if it is not valid. */
    public static ComparisonSettings of(RunSides runs, String by, String baseline, String margin, String as, boolean untainted,
                                 List<String> metrics, String failures) {
        new OptionChecks().require(as == null || MetricDefinition.of(as) != null,
                        "--as '" + as + "'; must be one of " + MetricDefinition.words() + ", all")
                .oneOf("--failures", failures, Failures.EXCLUDED.word(), Failures.WORST.word())
                .require(runs.sides().isEmpty() || by == null || by.equals("run"),
                        "--by '" + by + "': sides are compared by run; leave it out").throwIfAny();
        var groups = by == null ? null : GroupBy.of("--by", by);
        return new ComparisonSettings(runs.all(), runs.sides().isEmpty() ? groups : GroupBy.RUN, baseline,
                margin == null ? null : Difference.margin("--margin", margin),
                as == null ? null : MetricDefinition.of(as), untainted,
                metrics.stream().map(ComparisonSettings::metric).distinct().toList(),
                Failures.valueOf(failures.toUpperCase(Locale.ROOT)), runs.sides());
    }

    /** Returns the settings of a comparison of the models of one run. */
    public static ComparisonSettings ofRun(Path folder) {
        return new ComparisonSettings(List.of(folder), null, null, null, null, false, List.of(), Failures.EXCLUDED, Map.of());
    }

    /** Returns the settings of a comparison of runs that are read already. */
    public static ComparisonSettings ofRuns(Map<String, List<Path>> sides) {
        return new ComparisonSettings(List.of(), sides.isEmpty() ? GroupBy.MODEL : GroupBy.RUN, null, null, null, false, List.of(),
                Failures.EXCLUDED, sides);
    }

    private static Metric metric(String word) {
        return COMPARABLE.stream().filter(metric -> metric.word().equals(word)).findFirst()
                .orElseThrow(() -> new UserError("--metric '" + word + "'; must be one of "
                        + COMPARABLE.stream().map(Metric::word).collect(Collectors.joining(", "))));
    }

    double marginOrDefault() {
        return margin == null ? DEFAULT_MARGIN : margin;
    }

    boolean failuresAreWorst() {
        return failures == Failures.WORST;
    }

    /** Returns the same for other groups and definitions. */
    public ComparisonSettings with(GroupBy otherBy, MetricDefinition other) {
        return new ComparisonSettings(runs, otherBy, baseline, margin, other, untainted, metrics, failures, sides);
    }

    /** Returns the first option, other than --margin, that changes what is computed; null if none was given. */
    public String computingOption() {
        return by != null ? "--by" : definition != null ? "--as" : baseline != null ? "--baseline"
                : untainted ? "--untainted" : !metrics.isEmpty() ? "--metric" : failures != Failures.EXCLUDED ? "--failures" : null;
    }
}
