//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES ../metric/Metric.java
//SOURCES ../record/GivenRun.java
//SOURCES ../record/NamedRuns.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/BaselineDifference.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../compare/Difference.java
//SOURCES ../compare/GroupResult.java
//SOURCES ../compare/QuantileRatio.java
//SOURCES ../compare/Sample.java
//SOURCES ../compare/Scope.java
//SOURCES ../compare/SectionResult.java
//SOURCES ../compare/Verdict.java
//SOURCES RunDesign.java

package stream.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.commons.statistics.inference.WilcoxonSignedRankTest;
import stream.compare.Aggregate;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.compare.Difference;
import stream.compare.GroupResult;
import stream.compare.QuantileRatio;
import stream.compare.SectionResult;
import stream.compare.Verdict;
import stream.metric.Metric;
import stream.record.GivenRun;
import stream.record.NamedRuns;
import stream.record.RecordedRun;

/** Compares simulated runs as Compare does, sentence included, and counts what is said. The seeds are fixed. */
final class VerdictSimulation {

    private static final double SIGNIFICANT = 0.05;

    private VerdictSimulation() { }

    /**
     * What is said of a data set.
     *
     * @param differences of the metrics in the sentence
     * @param caveats     those that end the sentence
     */
    record Said(List<Difference> differences, List<String> caveats, double margin, List<GroupResult> groups) {

        /** Returns the ratio of the p95 of a group that is not the baseline; null if it is not known. */
        QuantileRatio tail() {
            return groups.stream().map(group -> group.tails().get(Aggregate.TTFT_P95)).filter(Objects::nonNull)
                    .findFirst().orElse(null);
        }

        boolean hasTailNote() {
            var compared = groups.stream().mapToInt(group -> group.tails().size()).sum();
            return groups.stream().anyMatch(group -> GroupResult.TAILS.keySet().stream()
                    .anyMatch(aggregate -> group.hasTailBeyondTheVerdict(aggregate, compared)));
        }

        boolean isDifferent() {
            return differences.stream().anyMatch(Said::isDifferent);
        }

        private static boolean isDifferent(Difference difference) {
            return difference.verdict(0.05) == Verdict.FASTER || difference.verdict(0.05) == Verdict.SLOWER;
        }

        boolean isSame() {
            return differences.getFirst().verdict(margin) == Verdict.SAME;
        }

        /** Whether it says that one is faster, for any prompts, without a caveat. */
        boolean isDifferentWithoutCaveat() {
            return caveats.isEmpty() && differences.stream()
                    .anyMatch(difference -> isDifferent(difference) && !difference.isForThesePromptsOnly());
        }

        /** The same, and for any day. */
        boolean isDifferentOnAnyDay() {
            return caveats.isEmpty() && differences.stream().anyMatch(difference -> isDifferent(difference)
                    && difference.sample().scope().prompts() == 0 && difference.sample().scope().runs() == 0);
        }

        /** Whether the 95 % interval of the first metric holds a ratio of 1; also if there is none. */
        boolean holdsOne() {
            var difference = differences.getFirst();
            return difference.lower95() == null || difference.lower95() <= 1 && 1 <= difference.upper95();
        }
    }

    /** Returns the share of data sets of which this is said. */
    static double share(RunDesign design, int dataSets, Predicate<Said> said) {
        return said(design, dataSets).stream().filter(said).count() / (double) dataSets;
    }

    /** Returns what is said of each data set. */
    static List<Said> said(RunDesign design, int dataSets) {
        return drawn(design, dataSets).parallelStream().map(runs -> said(design, runs)).toList();
    }

    private static Collection<List<GivenRun>> drawn(RunDesign design, int dataSets) {
        var random = new SplittableRandom(1);
        return IntStream.range(0, dataSets).mapToObj(i -> random.split()).map(design::draw).toList();
    }

    private static Said said(RunDesign design, List<GivenRun> runs) {
        try {
            var sides = new HashMap<String, List<Path>>();
            if (design.hasSides()) {
                design.bySide(runs).forEach((side, own) -> sides.put(side, own.stream().map(RecordedRun::path).toList()));
            }
            var comparison = Comparison.ofRead(ComparisonSettings.ofRuns(sides), named(runs));
            var section = comparison.sections().getFirst();
            var metrics = SectionResult.headlineMetrics(section.groups());
            var differences = new ArrayList<Difference>();
            metrics.forEach(metric -> section.groups().stream().filter(group -> group.differences().containsKey(metric))
                    .forEach(group -> differences.add(group.differences().get(metric).difference())));
            return new Said(differences, section.headlineCaveats(), comparison.terms().margin(), section.groups());
        } catch (IOException e) {
            throw new IllegalStateException(e); // nothing is read
        }
    }

    private static NamedRuns named(List<GivenRun> runs) {
        return new NamedRuns(List.copyOf(runs), runs.stream().collect(Collectors.toMap(run -> run, run -> run)));
    }

    /**
     * Returns the share in which Wilcoxon's signed-rank test over the means of the prompts, the alternative, finds a difference.
     */
    static double shareByRanks(RunDesign design, int dataSets) {
        return drawn(design, dataSets).stream().filter(runs -> isDifferentByRanks(runs.getFirst())).count() / (double) dataSets;
    }

    private static boolean isDifferentByRanks(GivenRun run) {
        var models = run.answers().stream().collect(Collectors.groupingBy(answer -> answer.model(),
                Collectors.groupingBy(answer -> answer.promptId(),
                        Collectors.averagingDouble(answer -> Math.log(answer.get(Metric.TTFT))))));
        var one = models.get("m0");
        var other = models.get("m1");
        return WilcoxonSignedRankTest.withDefaults()
                .test(one.keySet().stream().mapToDouble(prompt -> one.get(prompt) - other.get(prompt)).toArray())
                .reject(SIGNIFICANT);
    }
}
