//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES Aggregate.java
//SOURCES BaselineDifference.java
//SOURCES ComparisonSettings.java
//SOURCES Difference.java
//SOURCES Group.java
//SOURCES GroupResult.java
//SOURCES LoadCheck.java
//SOURCES Section.java
//SOURCES SectionResult.java
//SOURCES Simultaneity.java
//SOURCES Unit.java
//SOURCES Verdict.java

package stream.compare;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import stream.metric.Metric;

/** What limits a verdict of the first sentence although the statistics are right. */
final class HeadlineCaveats {

    static final String FAILURES_ARE_WORST = "failed requests count as infinitely slow";

    private static final Set<Verdict> DIFFERENT = EnumSet.of(Verdict.FASTER, Verdict.SLOWER);

    private final Section section;
    private final Group baseline;
    private final ComparisonSettings settings;
    private final List<GroupResult> results;
    private final Map<GroupResult, Map<Metric, Difference>> stated = new LinkedHashMap<>(); // those with a verdict

    HeadlineCaveats(Section section, Group baseline, List<GroupResult> results, ComparisonSettings settings) {
        this.section = section;
        this.baseline = baseline;
        this.results = results;
        this.settings = settings;
        for (var metric : SectionResult.headlineMetrics(results)) {
            for (var group : results) {
                var against = group.differences().get(metric);
                if (against != null && against.difference().interval95() != null) {
                    stated.computeIfAbsent(group, absent -> new LinkedHashMap<>()).put(metric, against.difference());
                }
            }
        }
    }

    /** Returns what follows "but" in the first sentence. */
    List<String> lines() {
        var lines = new LinkedHashSet<String>();
        if (settings.failuresAreWorst() && section.groups().stream().anyMatch(group -> group.failed() > 0)) {
            lines.add(FAILURES_ARE_WORST);
        }
        time(lines);
        load(lines);
        medians(lines);
        failures(lines);
        return List.copyOf(lines);
    }

    private List<Difference> differences() {
        return stated.values().stream().flatMap(byMetric -> byMetric.values().stream()).toList();
    }

    private Verdict verdict(Difference difference) {
        return difference.verdict(settings.marginOrDefault());
    }

    private void time(Set<String> lines) {
        var verdicts = EnumSet.noneOf(Verdict.class);
        for (var group : stated.keySet()) {
            var flights = section.group(group.label()).flights();
            var others = baseline.flights();
            if (flights == null || others == null) {
                lines.add("it is not recorded whether they were measured at the same time");
                continue;
            }
            var byRuns = stated.get(group).values().stream()
                    .anyMatch(difference -> difference.unit() == Unit.RUNS && !difference.isPaired());
            if (!new Simultaneity(flights, others).isGiven(byRuns)) {
                stated.get(group).values().forEach(difference -> verdicts.add(verdict(difference)));
            }
        }
        if (!verdicts.isEmpty()) {
            var looksTheSame = verdicts.stream().anyMatch(DIFFERENT::contains);
            var hides = verdicts.contains(Verdict.SAME);
            lines.add("not at the same time: a difference between the two times " + (looksTheSame && hides
                    ? "looks the same, or hides one" : hides ? "may hide one" : "looks the same"));
        }
    }

    private void load(Set<String> lines) {
        var suspects = differences().stream().filter(Difference::mayBeLoad).toList();
        if (suspects.stream().anyMatch(difference -> difference.load().seen())) {
            lines.add("the load changed during the run: another run may tell otherwise");
        } else if (!suspects.isEmpty()) {
            lines.add("so few requests do not exclude that the load changed: more of them, or another run, may tell otherwise");
        }
    }

    /** The table shows medians, the verdict is of the geometric mean of ratios: now and then they disagree. */
    private void medians(Set<String> lines) {
        if (settings.failuresAreWorst()) {
            return; // the ratios are of medians
        }
        stated.forEach((group, differences) -> differences.forEach((metric, difference) -> {
            var aggregate = Aggregate.medianOf(metric);
            var own = aggregate == null ? null : group.aggregates().get(aggregate);
            var other = aggregate == null ? null : aggregate.of(baseline);
            if (own == null || other == null) {
                return;
            }
            var verdict = verdict(difference);
            var disagrees = DIFFERENT.contains(verdict) && own > other != difference.ratio() > 1
                    || verdict == Verdict.SAME && Math.abs(Math.log(own / other)) > Math.log1p(settings.marginOrDefault());
            if (disagrees) {
                lines.add(String.format(Locale.ROOT, "the median %s of %s is %.2fx that of %s", metric.title(), group.label(),
                        own / other, baseline.label()));
            }
        }));
    }

    /** Failures may have been the slowest requests: what that could change is told, whether or not they are many. */
    private void failures(Set<String> lines) {
        var named = new ArrayList<String>();
        stated.forEach((result, differences) -> {
            var group = section.group(result.label());
            if (settings.failuresAreWorst() || group.failed() + baseline.failed() == 0
                    || SectionResult.failuresDiffer(result, resultOfBaseline())) {
                return;
            }
            differences.forEach((metric, difference) -> {
                var verdict = verdict(difference);
                var bound = group.compareWithFailures(baseline, metric);
                var atWorst = Difference.corrected(List.of(bound), differences().size()).getFirst();
                if ((DIFFERENT.contains(verdict) || verdict == Verdict.SAME) && verdict(atWorst) != verdict) {
                    for (var each : List.of(group, baseline)) {
                        var text = each.label() + " failed " + each.failed() + " of " + each.requests();
                        if (each.failed() > 0 && !named.contains(text)) {
                            named.add(text);
                        }
                    }
                }
            });
        });
        if (!named.isEmpty()) {
            lines.add(String.join(", ", named) + ": had these been the slowest, the verdict would be another");
        }
    }

    private GroupResult resultOfBaseline() {
        return results.stream().filter(result -> result.label().equals(baseline.label())).findFirst().orElseThrow();
    }
}
