//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES BaselineDifference.java
//SOURCES Difference.java
//SOURCES Group.java
//SOURCES GroupResult.java
//SOURCES Section.java
//SOURCES SectionResult.java
//SOURCES Unit.java

package stream.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** What limits a verdict although the statistics are right: when the requests were sent. */
final class HeadlineCaveats {

    static final String FAILURES_ARE_WORST = "failed requests count as infinitely slow";

    private final Section section;
    private final Group baseline;
    private final boolean failuresAreWorst;
    private final List<Difference> differences;

    HeadlineCaveats(Section section, Group baseline, List<GroupResult> results, boolean failuresAreWorst) {
        this.section = section;
        this.baseline = baseline;
        this.failuresAreWorst = failuresAreWorst;
        this.differences = SectionResult.headlineMetrics(results).stream().flatMap(metric -> results.stream()
                .map(group -> group.differences().get(metric)).filter(Objects::nonNull))
                .map(BaselineDifference::difference).toList();
    }

    /** Returns what follows "but" in the first sentence. */
    List<String> lines() {
        var lines = new ArrayList<String>();
        if (failuresAreWorst && section.groups().stream().anyMatch(group -> group.failed() > 0)) {
            lines.add(FAILURES_ARE_WORST);
        }
        if (baseline == null || differences.stream().allMatch(difference -> difference.lower95() == null)) {
            return lines;
        }
        if (differences.stream().noneMatch(difference -> difference.unit() == Unit.RUNS)
                && section.groups().stream().anyMatch(this::isApart)) {
            lines.add("not at the same time: a difference between the two times looks the same");
        }
        if (differences.stream().anyMatch(Difference::mayBeLoad)) {
            lines.add("the load changed during the run: another run may tell otherwise");
        }
        return lines;
    }

    /** Whether all requests of a group were sent before or after all of the baseline. */
    private boolean isApart(Group group) {
        return group != baseline && group.firstStart() != null && baseline.firstStart() != null
                && Math.min(group.completed().size(), baseline.completed().size()) > 1
                && (group.lastStart().isBefore(baseline.firstStart()) || baseline.lastStart().isBefore(group.firstStart()));
    }
}
