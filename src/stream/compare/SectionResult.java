//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES ../metric/Metric.java
//SOURCES Aggregate.java
//SOURCES BaselineDifference.java
//SOURCES ComparisonSettings.java
//SOURCES Difference.java
//SOURCES Group.java
//SOURCES GroupResult.java
//SOURCES HeadlineCaveats.java
//SOURCES HeadlineClause.java
//SOURCES QuantileInterval.java
//SOURCES QuantileRatio.java
//SOURCES Sample.java
//SOURCES Scope.java
//SOURCES Section.java
//SOURCES Verdict.java

package stream.compare;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.apache.commons.statistics.inference.FisherExactTest;
import stream.metric.Metric;

/**
 * The result for groups that were compared with each other.
 *
 * @param title    what they have in common; empty if there is no other section
 * @param baseline label of the group that the others are compared with; null if nothing is known of any
 * @param headlineCaveats what a reader of the first sentence must know; they end that sentence
 */
public record SectionResult(String title, String baseline, List<GroupResult> groups, List<String> headlineCaveats) {

    /** What is compared if the user does not say. */
    private static final List<Metric> USUAL = ComparisonSettings.COMPARABLE.subList(0,
            ComparisonSettings.COMPARABLE.indexOf(Metric.TTFT_ANY));

    /** The same for answers without visible text, such as calls of tools. */
    private static final List<Metric> WITHOUT_TEXT = List.of(Metric.TTFT_ANY, Metric.ITL_ANY, Metric.TOTAL);

    private static final double SIGNIFICANT = 0.05;

    /** Compares all groups with the named one, or where that is null or missing with the fastest. */
    static SectionResult of(Section section, ComparisonSettings settings, String baseline) {
        var compared = !settings.metrics().isEmpty() ? settings.metrics()
                : section.groups().stream().anyMatch(group -> group.hasValues(Metric.TTFT)) ? USUAL : WITHOUT_TEXT;
        var other = section.baseline(compared, baseline);
        var against = new HashMap<Group, Map<Metric, BaselineDifference>>();
        section.groups().forEach(group -> against.put(group, new EnumMap<>(Metric.class)));
        var headline = headline(metric -> compared.contains(metric)
                && section.groups().stream().anyMatch(group -> isComparable(group, other, metric)));
        compare(section, headline, other, baseline == null, against); // one sentence, one correction
        compared.stream().filter(metric -> !headline.contains(metric))
                .forEach(metric -> compare(section, List.of(metric), other, baseline == null, against));
        var results = section.groups().stream().map(group -> new GroupResult(group.label(), group.definition(),
                group.currencies().size() == 1 ? group.currencies().getFirst() : null, aggregates(group), against.get(group),
                compared.contains(Metric.TTFT) ? tails(group, other) : Map.<Aggregate, QuantileRatio>of(),
                compared.contains(Metric.TTFT) ? intervals(group) : Map.<Aggregate, QuantileInterval>of())).toList();
        return new SectionResult(section.title(), other == null ? null : other.label(), results,
                other == null ? List.of() : new HeadlineCaveats(section, other, results, settings).lines());
    }

    /** Compares all groups with the baseline in some metrics, and corrects the p values for all of these. */
    private static void compare(Section section, List<Metric> metrics, Group baseline, boolean baselineIsChosen,
            Map<Group, Map<Metric, BaselineDifference>> against) {
        record Compared(Group group, Metric metric) { }
        var pairs = metrics.stream().flatMap(metric -> section.groups().stream()
                .filter(group -> isComparable(group, baseline, metric)).map(group -> new Compared(group, metric))).toList();
        var family = metrics.stream().mapToInt(metric -> Difference.family(
                (int) pairs.stream().filter(pair -> pair.metric() == metric).count() + 1, baselineIsChosen)).sum();
        var differences = Difference.corrected(
                pairs.parallelStream().map(pair -> pair.group().compare(baseline, pair.metric())).toList(), family);
        for (int i = 0; i < pairs.size(); i++) {
            against.get(pairs.get(i).group())
                    .put(pairs.get(i).metric(), new BaselineDifference(baseline.label(), differences.get(i)));
        }
    }

    private static boolean isComparable(Group group, Group baseline, Metric metric) {
        return baseline != null && group != baseline && group.definition() == baseline.definition() && group.hasValues(metric)
                && baseline.hasValues(metric)
                && !(metric.isOfBuffer() && (group.isBuffered() || baseline.isBuffered()))
                && !(metric.isBetweenEvents() && group.tokensPerEventDiffer(baseline));
    }

    private static Map<Aggregate, QuantileRatio> tails(Group group, Group baseline) {
        var tails = new EnumMap<Aggregate, QuantileRatio>(Aggregate.class);
        if (baseline != null && group != baseline && group.definition() == baseline.definition() && !group.isBuffered()
                && !baseline.isBuffered()) {
            GroupResult.TAILS.forEach((aggregate, fraction) -> {
                var ratio = group.quantileRatio(baseline, aggregate.metric(), fraction);
                if (ratio.ratio() != null) {
                    tails.put(aggregate, ratio);
                }
            });
        }
        return tails;
    }

    private static Map<Aggregate, QuantileInterval> intervals(Group group) {
        var intervals = new EnumMap<Aggregate, QuantileInterval>(Aggregate.class);
        GroupResult.TAILS.forEach((aggregate, fraction) -> {
            var interval = group.quantileInterval(aggregate.metric(), fraction);
            if (interval != null) {
                intervals.put(aggregate, interval);
            }
        });
        return intervals;
    }

    private static Map<Aggregate, Double> aggregates(Group group) {
        var aggregates = new EnumMap<Aggregate, Double>(Aggregate.class);
        for (var aggregate : Aggregate.values()) {
            var value = aggregate.of(group);
            if (value != null) {
                aggregates.put(aggregate, value);
            }
        }
        return aggregates;
    }

    /** Returns null if there is no group with this label. */
    public GroupResult group(String label) {
        return groups.stream().filter(group -> group.label().equals(label)).findFirst().orElse(null);
    }

    /**
     * Returns the label of the group that is faster than all others in the first metric of the sentence; null if no group is.
     *
     * @param margin share that counts as the same
     */
    public String winner(double margin) {
        var metrics = headlineMetrics(groups);
        if (metrics.isEmpty()) {
            return null;
        }
        var verdicts = new HashMap<Verdict, List<String>>();
        groups.stream().filter(group -> group.differences().containsKey(metrics.getFirst()))
                .forEach(group -> verdicts.computeIfAbsent(
                group.differences().get(metrics.getFirst()).difference().verdict(margin),
                absent -> new ArrayList<>()).add(group.label()));
        var faster = verdicts.getOrDefault(Verdict.FASTER, List.of());
        var others = groups.size() - 1;
        return verdicts.getOrDefault(Verdict.SLOWER, List.of()).size() == others ? baseline
                : faster.size() == 1 && verdicts.getOrDefault(Verdict.SLOWER, List.of()).size() == others - 1
                ? faster.getFirst() : null;
    }

    /** Returns who is faster, as a sentence without its full stop; null if there is nothing to compare. */
    String sentence(double margin) {
        var clauses = new ArrayList<String>();
        headlineMetrics(groups).forEach(metric -> clauses.add(new HeadlineClause(this, metric, margin).text()));
        if (clauses.isEmpty()) {
            return null;
        }
        var nothing = groups.stream().filter(group -> group.completed() == 0).map(GroupResult::label).toList();
        return failures() + String.join("; ", clauses) + scope()
                + (headlineCaveats.isEmpty() ? "" : ", but " + String.join(", and ", headlineCaveats))
                + (nothing.isEmpty() ? "" : "; " + String.join(" and ", nothing) + " completed nothing");
    }

    /** The first token in the first of its definitions that is compared, and the last token; else the first metric of all. */
    public static List<Metric> headlineMetrics(List<GroupResult> groups) {
        return headline(metric -> groups.stream().anyMatch(group -> group.differences().containsKey(metric)));
    }

    private static List<Metric> headline(Predicate<Metric> isCompared) {
        var compared = ComparisonSettings.COMPARABLE.stream().filter(isCompared).toList();
        var first = java.util.stream.Stream.of(Metric.TTFT, Metric.TTFT_NET, Metric.TTFT_ANY).filter(compared::contains).limit(1);
        var both = java.util.stream.Stream.concat(first, java.util.stream.Stream.of(Metric.TTLT).filter(compared::contains))
                .toList();
        return !both.isEmpty() ? both : compared.stream().limit(1).toList();
    }

    /** Names the failures first if they differ by more than chance: the slowest requests may be among them. */
    private String failures() {
        var own = group(baseline);
        var different = groups.stream().filter(group -> group != own && failuresDiffer(group, own)).toList();
        if (different.isEmpty()) {
            return "";
        }
        // an exported comparison keeps the caveats, not the settings
        var areWorst = headlineCaveats.contains(HeadlineCaveats.FAILURES_ARE_WORST);
        return java.util.stream.Stream.concat(different.stream(), java.util.stream.Stream.of(own))
                .map(group -> group.label() + " failed " + group.failed() + " of " + group.requests())
                .collect(Collectors.joining(", ")) + (areWorst ? "; " : "; among completed requests, ");
    }

    static boolean failuresDiffer(GroupResult group, GroupResult baseline) {
        if (group.completed() == 0 || group.failed() + baseline.failed() == 0) {
            return false; // a group that completed nothing is named as such
        }
        return FisherExactTest.withDefaults().test(new int[][] {{group.failed(), group.completed()},
                {baseline.failed(), baseline.completed()}}).getPValue() <= SIGNIFICANT;
    }

    /** Says for which prompts and runs a verdict holds, if not for others like them. */
    private String scope() {
        return groups.stream().flatMap(group -> group.differences().values().stream()).map(BaselineDifference::difference)
                .filter(difference -> difference.interval95() != null).map(difference -> difference.sample().scope().words(true))
                .filter(words -> !words.isEmpty()).findFirst().map(words -> ", " + words).orElse("");
    }

}
