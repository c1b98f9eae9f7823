//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES RecordedRun.java
//SOURCES NamedRuns.java
//SOURCES Statistics.java
//SOURCES Groups.java
//SOURCES ComparisonSettings.java

// Comparison: metrics, differences, verdicts and caveats of a set of groups, from recorded runs.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

import org.apache.commons.statistics.inference.FisherExactTest;

/**
 * How a metric of a group differs from that of another group.
 *
 * @param baseline label of the other group
 */
record BaselineDifference(String baseline, Difference difference) { }

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
record GroupResult(String label, MetricDefinition definition, String currency, Map<Aggregate, Double> aggregates, Map<Metric, BaselineDifference> differences,
                   Map<Aggregate, QuantileRatio> tails, Map<Aggregate, QuantileInterval> intervals) {

    /** The quantiles that have an interval, and a ratio to those of the baseline. */
    static final Map<Aggregate, Double> TAILS = Collections.unmodifiableMap(new EnumMap<>(
            Map.of(Aggregate.TTFT_P95, 0.95, Aggregate.TTFT_P99, 0.99)));

    int requests() {
        return aggregates.get(Aggregate.N).intValue();
    }

    int failed() {
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
    String cell(Aggregate aggregate) {
        var cell = aggregate.cell(aggregates.get(aggregate));
        return aggregate.isCost() && !cell.isEmpty() ? cell + " " + currency : cell;
    }
}

/**
 * The result for groups that were compared with each other.
 *
 * @param title    what they have in common; empty if there is no other section
 * @param baseline label of the group that the others are compared with; null if nothing is known of any
 * @param headlineCaveats what a reader of the first sentence must know; they end that sentence
 */
record SectionResult(String title, String baseline, List<GroupResult> groups, List<String> headlineCaveats) {

    /** What is compared if the user does not say. */
    private static final List<Metric> USUAL = ComparisonSettings.COMPARABLE.subList(0, ComparisonSettings.COMPARABLE.indexOf(Metric.TTFT_ANY));

    /** The same for answers without visible text, such as calls of tools. */
    private static final List<Metric> WITHOUT_TEXT = List.of(Metric.TTFT_ANY, Metric.ITL_ANY, Metric.TOTAL);

    /** Metrics that are those of the buffer if a stream was buffered on its way. */
    private static final Set<Metric> OF_A_BUFFER = EnumSet.of(Metric.TTFT, Metric.TTFT_ANY, Metric.TTFT_NET, Metric.FIRST_100_CHARS,
            Metric.ITL, Metric.ITL_ANY, Metric.TPOT);

    /** Metrics that compare the sizes of events where these have different numbers of tokens. */
    private static final Set<Metric> BETWEEN_EVENTS = EnumSet.of(Metric.ITL, Metric.ITL_ANY);

    private static final double SIGNIFICANT = 0.05;

    /** Compares all groups with the named one, or where that is null or missing with the fastest. */
    static SectionResult of(Section section, ComparisonSettings settings, String baseline) {
        var compared = !settings.metrics().isEmpty() ? settings.metrics()
                : section.groups().stream().anyMatch(group -> group.hasValues(Metric.TTFT)) ? USUAL : WITHOUT_TEXT;
        var other = section.baseline(compared, baseline);
        var against = new HashMap<Group, Map<Metric, BaselineDifference>>();
        section.groups().forEach(group -> against.put(group, new EnumMap<>(Metric.class)));
        for (var metric : compared) {
            var groups = section.groups().stream().filter(group -> isComparable(group, other, metric)).toList();
            var differences = Difference.corrected(groups.parallelStream().map(group -> group.compare(other, metric)).toList(),
                    Difference.family(groups.size() + 1, baseline == null));
            for (int i = 0; i < groups.size(); i++) {
                against.get(groups.get(i)).put(metric, new BaselineDifference(other.label(), differences.get(i)));
            }
        }
        var results = section.groups().stream().map(group -> new GroupResult(group.label(), group.definition(),
                group.currencies().size() == 1 ? group.currencies().getFirst() : null, aggregates(group), against.get(group),
                compared.contains(Metric.TTFT) ? tails(group, other) : Map.<Aggregate, QuantileRatio>of(),
                compared.contains(Metric.TTFT) ? intervals(group) : Map.<Aggregate, QuantileInterval>of())).toList();
        return new SectionResult(section.title(), other == null ? null : other.label(), results,
                new HeadlineCaveats(section, other, results, settings.failuresAreWorst()).lines());
    }

    private static boolean isComparable(Group group, Group baseline, Metric metric) {
        return baseline != null && group != baseline && group.definition() == baseline.definition() && group.hasValues(metric) && baseline.hasValues(metric)
                && !(OF_A_BUFFER.contains(metric) && (group.isBuffered() || baseline.isBuffered()))
                && !(BETWEEN_EVENTS.contains(metric) && group.tokensPerEventDiffer(baseline));
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
    GroupResult group(String label) {
        return groups.stream().filter(group -> group.label().equals(label)).findFirst().orElse(null);
    }

    /**
     * Returns the label of the group that is faster than all others in the first metric of the sentence; null if no group is.
     *
     * @param margin share that counts as the same
     */
    String winner(double margin) {
        var metrics = headlineMetrics(groups);
        if (metrics.isEmpty()) {
            return null;
        }
        var verdicts = new HashMap<Verdict, List<String>>();
        groups.stream().filter(group -> group.differences().containsKey(metrics.getFirst())).forEach(group -> verdicts.computeIfAbsent(
                group.differences().get(metrics.getFirst()).difference().verdict(margin), absent -> new ArrayList<>()).add(group.label()));
        var faster = verdicts.getOrDefault(Verdict.FASTER, List.of());
        var others = groups.size() - 1;
        return verdicts.getOrDefault(Verdict.SLOWER, List.of()).size() == others ? baseline
                : faster.size() == 1 && verdicts.getOrDefault(Verdict.SLOWER, List.of()).size() == others - 1 ? faster.getFirst() : null;
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
                + (nothing.isEmpty() ? "" : "; " + String.join(" and ", nothing) + " completed nothing")
                + headlineCaveats.stream().map(caveat -> ", but " + caveat).collect(Collectors.joining());
    }

    /** The first token in the first of its definitions that is compared, and the last token; else the first metric of all. */
    static List<Metric> headlineMetrics(List<GroupResult> groups) {
        var compared = ComparisonSettings.COMPARABLE.stream()
                .filter(metric -> groups.stream().anyMatch(group -> group.differences().containsKey(metric))).toList();
        var first = java.util.stream.Stream.of(Metric.TTFT, Metric.TTFT_NET, Metric.TTFT_ANY).filter(compared::contains).limit(1);
        var both = java.util.stream.Stream.concat(first, java.util.stream.Stream.of(Metric.TTLT).filter(compared::contains)).toList();
        return !both.isEmpty() ? both : compared.stream().limit(1).toList();
    }

    /** Names the failures first if they differ by more than chance: the slowest requests may be among them. */
    private String failures() {
        var own = group(baseline);
        var different = groups.stream().filter(group -> group != own && failuresDiffer(group, own)).toList();
        if (different.isEmpty()) {
            return "";
        }
        var areWorst = headlineCaveats.contains(HeadlineCaveats.FAILURES_ARE_WORST); // an exported comparison keeps the caveats, not the settings
        return java.util.stream.Stream.concat(different.stream(), java.util.stream.Stream.of(own))
                .map(group -> group.label() + " failed " + group.failed() + " of " + group.requests())
                .collect(Collectors.joining(", ")) + (areWorst ? "; " : "; among completed requests, ");
    }

    private static boolean failuresDiffer(GroupResult group, GroupResult baseline) {
        if (group.completed() == 0 || group.failed() + baseline.failed() == 0) {
            return false; // a group that completed nothing is named as such
        }
        return FisherExactTest.withDefaults().test(new int[][] {{group.failed(), group.completed()},
                {baseline.failed(), baseline.completed()}}).getPValue() <= SIGNIFICANT;
    }

    /** Says for which prompts a verdict holds, if not for others like them. */
    private String scope() {
        return groups.stream().flatMap(group -> group.differences().values().stream()).map(BaselineDifference::difference)
                .filter(difference -> difference.isForThesePromptsOnly() && difference.lower95() != null).findFirst()
                .map(difference -> difference.units() == 1 ? ", for this prompt only" : ", for these " + difference.units() + " prompts only")
                .orElse("");
    }

}

/** The part of the sentence that concerns one metric. */
final class HeadlineClause {
    private static final int MOST_NAMES = 4;

    private final String baseline;
    private final double margin;
    private final Metric metric;
    private final Map<Verdict, List<GroupResult>> verdicts = new EnumMap<>(Verdict.class);

    HeadlineClause(SectionResult section, Metric metric, double margin) {
        this.baseline = section.baseline();
        this.metric = metric;
        this.margin = margin;
        section.groups().stream().filter(group -> group.differences().containsKey(metric))
                .sorted(Comparator.comparing((GroupResult group) -> difference(group).ratio(),
                        Comparator.nullsLast(Comparator.naturalOrder())))
                .forEach(group -> verdicts.computeIfAbsent(difference(group).verdict(margin), absent -> new ArrayList<>())
                        .add(group));
    }

    private Difference difference(GroupResult group) {
        return group.differences().get(metric).difference();
    }

    /** Returns where a metric ends, as in "is faster to the first token". */
    static String goal(Metric metric) {
        return switch (metric) {
            case TTFT -> "to the first token";
            case TTFT_NET -> "to the first token, without the handshake";
            case TTFT_ANY -> "to the first event";
            case FIRST_100_CHARS -> "to the first 100 characters";
            case TTLT -> "to the last token";
            case TOTAL -> "to the end";
            case ITL, ITL_ANY -> "from token to token";
            default -> "per token";
        };
    }

    /** Names the faster one first. */
    String text() {
        var clauses = new ArrayList<String>();
        if (verdicts.containsKey(Verdict.SLOWER)) {
            clauses.add(baseline + " is " + factors(verdicts.get(Verdict.SLOWER)));
        }
        for (var faster : verdicts.getOrDefault(Verdict.FASTER, List.of())) {
            clauses.add(faster.label() + " is " + factor(1 / difference(faster).ratio()) + " faster than " + baseline);
        }
        if (verdicts.containsKey(Verdict.SAME)) {
            clauses.add(names(verdicts.get(Verdict.SAME), " has", " have") + " the same median as " + baseline + " within "
                    + Difference.percent(margin));
        }
        var unclear = new ArrayList<>(verdicts.getOrDefault(Verdict.UNCLEAR, List.of()));
        unclear.addAll(verdicts.getOrDefault(Verdict.TOO_FEW, List.of()));
        if (!unclear.isEmpty()) {
            clauses.add(names(unclear, "", "") + " cannot be told apart from " + baseline + " with "
                    + difference(unclear.getFirst()).count());
        }
        return goal(metric) + " " + String.join(", ", clauses);
    }

    private String factors(List<GroupResult> slower) {
        if (slower.size() > MOST_NAMES) {
            return factor(difference(slower.getFirst()).ratio()) + " to " + factor(difference(slower.getLast()).ratio()) + " faster than "
                    + slower.size() + " others";
        }
        return slower.stream().map(group -> factor(difference(group).ratio())
                + (group == slower.getFirst() || difference(group).ratio().isInfinite() ? " faster than " : " than ") + group.label())
                .collect(Collectors.joining(", "));
    }

    /** A model whose median is a failure that counts as infinitely slow has no factor. */
    private static String factor(double ratio) {
        return Double.isInfinite(ratio) ? "infinitely" : String.format(Locale.ROOT, "%.2fx", ratio);
    }

    private static String names(List<GroupResult> groups, String one, String several) {
        return groups.size() == 1 ? groups.getFirst().label() + one : (groups.size() > MOST_NAMES ? groups.size() + " others"
                : groups.stream().map(GroupResult::label).collect(Collectors.joining(" and "))) + several;
    }
}

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
                .map(group -> group.differences().get(metric)).filter(Objects::nonNull)).map(BaselineDifference::difference).toList();
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

/**
 * The result of a comparison.
 *
 * @param caveats what limits the comparison; one line each
 * @param source  null if the result was read back from a CSV file
 */
record Comparison(Terms terms, List<SectionResult> sections, List<String> caveats, Source source) {

    /** What was compared. */
    record Source(List<Section> sections, List<RecordedRun> runs, EventCollector events) {

        /** Returns the section of this title; there is one for each section of the result. */
        Section section(String title) {
            return sections.stream().filter(section -> section.title().equals(title)).findFirst().orElseThrow();
        }
    }

    /**
     * How it was compared.
     *
     * @param runs   the names of the runs
     * @param by     what the groups are
     * @param margin share that counts as the same
     */
    record Terms(List<String> runs, String by, double margin, boolean simulated) { }

    /**
     * Reads the runs and compares them.
     *
     * @param progress where progress is shown when it takes long; null for nowhere
     * @throws IOException if a run cannot be read
     * @throws UserError   if a setting does not fit the runs
     */
    static Comparison of(ComparisonSettings settings, PrintStream progress) throws IOException {
        var problems = new ReadProblems();
        var runs = NamedRuns.read(settings.runs(), problems);
        for (var run : runs.runs()) {
            requireDefinition(run, settings.definition());
        }
        return of(settings, runs, problems, progress);
    }

    private static void requireDefinition(RecordedRun run, MetricDefinition asked) throws IOException {
        if (run.definition(asked) == null) {
            var own = run.definition(null);
            throw new IOException("--as " + asked.word() + ": " + run.path() + " is a result of " + own.tool()
                    + ", which lacks the times of the events; leave --as out, or use --as " + own.word());
        }
    }

    /**
     * Compares the runs that can tell their figures under the definition that is asked for.
     *
     * @return null if there are none
     */
    static Comparison ofThoseWith(ComparisonSettings settings) throws IOException {
        var problems = new ReadProblems();
        var named = NamedRuns.read(settings.runs(), problems);
        var runs = named.runs().stream().filter(run -> run.definition(settings.definition()) != null).toList();
        return runs.isEmpty() ? null : of(settings, new NamedRuns(runs, named.wholes()), problems, null);
    }

    private static Comparison of(ComparisonSettings settings, NamedRuns named, ReadProblems problems, PrintStream progress)
            throws IOException {
        var runs = named.runs();
        var grouping = Grouping.of(settings.by(), named, settings.sides());
        var source = source(settings, named, grouping, problems, progress);
        var sections = source.sections();
        var baseline = settings.baseline() != null ? settings.baseline() : grouping.baseline(runs);
        var results = sections.stream().map(section -> SectionResult.of(section, settings, baseline)).toList();
        var terms = new Terms(grouping.runs(), grouping.by(), settings.marginOrDefault(),
                runs.stream().anyMatch(run -> run.manifest().simulated()));
        var caveats = new Caveats(grouping, sections, results, runs, terms, settings.untainted()).lines();
        if (settings.failuresAreWorst()) {
            caveats.addFirst(HeadlineCaveats.FAILURES_ARE_WORST + "; ratios are of medians");
        }
        caveats.addAll(problems.lines());
        return new Comparison(terms, results, caveats, source);
    }

    /** Reads the requests and events of the runs into groups; throws IOException if there are none. */
    private static Source source(ComparisonSettings settings, NamedRuns named, Grouping grouping, ReadProblems problems, PrintStream progress)
            throws IOException {
        var runs = named.runs();
        var sections = grouping.sections(runs, new Counting(settings.definition(), settings.untainted(), settings.failuresAreWorst(),
                grouping.by().equals("run")), problems);
        if (sections.isEmpty()) {
            throw new IOException((problems.lines().isEmpty() ? runs.getFirst().path() + ": no request in it has ended by itself"
                    : problems.lines().getFirst()) + "; there is nothing to compare");
        }
        requireBaseline(settings.baseline(), sections);
        var events = new EventCollector(sections);
        for (var run : runs) {
            run.readEvents(run.definition(settings.definition()), events, problems, progress);
        }
        return new Source(sections, runs, events);
    }

    /** Reads each model of each run, in the order of time, without comparing them. */
    static Source ofEachRun(ComparisonSettings settings, ReadProblems problems, PrintStream progress) throws IOException {
        var named = NamedRuns.read(settings.runs(), problems).inTheOrderOfTime();
        for (var run : named.runs()) {
            requireDefinition(run, settings.definition());
        }
        return source(settings, named, Grouping.of("run", named, Map.of()), problems, progress);
    }

    private static void requireBaseline(String baseline, List<Section> sections) {
        if (baseline != null && sections.stream().noneMatch(section -> section.group(baseline) != null)) {
            throw new UserError("--baseline '" + baseline + "': no such group; there are "
                    + sections.stream().flatMap(section -> section.groups().stream()).map(Group::label).distinct()
                            .collect(Collectors.joining(", ")));
        }
    }

    /** Returns the section of this title. */
    SectionResult section(String title) {
        return sections.stream().filter(section -> section.title().equals(title)).findFirst().orElseThrow();
    }

    /** Returns the result in one sentence, or in one for each section. */
    String headline() {
        var sentences = new ArrayList<String>();
        for (var section : sections) {
            var sentence = section.sentence(terms.margin());
            if (sentence != null) {
                sentences.add(section.title().isEmpty() ? sentence : section.title() + ": " + sentence);
            }
        }
        if (sentences.isEmpty() && sections.stream().flatMap(section -> section.groups().stream()).map(GroupResult::definition).distinct()
                .count() > 1) {
            return "Nothing is compared: the figures have different definitions.";
        }
        if (sentences.isEmpty() && sections.stream().anyMatch(section -> section.groups().size() > 1)) {
            return "Nothing is compared: no two groups have what is to be compared.";
        }
        if (sentences.isEmpty()) {
            return "Nothing to compare: there is only " + sections.stream().flatMap(section -> section.groups().stream())
                    .map(GroupResult::label).distinct().collect(Collectors.joining(", ")) + ".";
        }
        var definitions = sections.stream().flatMap(section -> section.groups().stream()).map(GroupResult::definition).distinct().toList();
        var tool = definitions.size() == 1 ? definitions.getFirst().tool() : null;
        return (tool == null ? "" : "As " + tool + " defines it, ") + sentences.stream()
                .map(sentence -> sentence.matches("(to|from|per) .*") && !(tool != null && sentence.equals(sentences.getFirst()))
                ? Character.toUpperCase(sentence.charAt(0)) + sentence.substring(1) : sentence).collect(Collectors.joining(". ")) + ".";
    }
}

/** Names what differs between the groups apart from the model, and what is wrong with the runs. */
final class Caveats {

    private static final double LENGTHS_DIFFER = 1.1;
    private static final double TOKENIZERS_DIFFER = 1.1;
    private static final double REUSE_DIFFERS = 0.1;
    private static final double REASONING_DIFFERS = 0.1;
    private static final double TAIL_DIFFERS = 1.5;
    private static final double TOLD = 1.5; // of the logarithm of the ratio that the verdict is of
    private static final double MANY_RETRIED = 0.5;
    private static final List<String> CONDITIONS = List.of("concurrency", "rate", "arrival", "max_tokens", "temperature",
            "system", "unique_prefix", "connection", "http");

    private final Grouping grouping;
    private final List<Section> sections;
    private final List<SectionResult> results;
    private final List<RecordedRun> runs;
    private final Comparison.Terms terms;
    private final boolean untainted;
    private final List<String> caveats = new ArrayList<>();

    Caveats(Grouping grouping, List<Section> sections, List<SectionResult> results, List<RecordedRun> runs, Comparison.Terms terms,
            boolean untainted) {
        this.grouping = grouping;
        this.sections = sections;
        this.results = results;
        this.runs = runs;
        this.terms = terms;
        this.untainted = untainted;
    }

    /** Returns one line for each caveat. */
    List<String> lines() {
        if (terms.simulated()) {
            caveats.add("simulated: the figures say nothing about the real models of these names");
        }
        definitions();
        conditions();
        for (int i = 0; i < sections.size(); i++) {
            note(sections.get(i), results.get(i));
        }
        runs.forEach(this::ownError);
        return caveats;
    }

    private void definitions() {
        var own = new TreeMap<MetricDefinition, List<String>>();
        sections.stream().flatMap(section -> section.groups().stream()).forEach(group -> {
            var labels = own.computeIfAbsent(group.definition(), absent -> new ArrayList<>());
            if (!labels.contains(group.label())) {
                labels.add(group.label());
            }
        });
        if (own.containsKey(MetricDefinition.VLLM)) {
            caveats.add("vllm takes the first chunk for a token: TTFT of a chat ends with the role, before any text");
        }
        if (own.size() == 1 && !own.containsKey(MetricDefinition.OURS)) {
            caveats.add("figures are counted as " + own.firstKey().word() + " counts them, not as this tool does");
        } else if (own.size() > 1) {
            var common = Arrays.stream(MetricDefinition.values())
                    .filter(definition -> runs.stream().allMatch(run -> run.definition(definition) != null)).findFirst();
            caveats.add("figures have the definitions of their tools, and are not compared with each other: " + own.entrySet().stream()
                    .map(each -> String.join(", ", each.getValue()) + " " + each.getKey().word()).collect(Collectors.joining("; "))
                    + common.map(definition -> "; --as " + definition.word() + " gives all the same").orElse(""));
        }
        runs.stream().filter(run -> !run.knowsPrompts()).forEach(run -> caveats.add(run.title() + ": a result of "
                + run.definition(null).tool() + ", which does not tell which prompts are the same; each request counts as one of its own"));
    }

    private void conditions() {
        for (var option : CONDITIONS) {
            var values = runs.stream().map(run -> run.manifest().options())
                    .filter(options -> options.containsKey(option))
                    .map(options -> options.get(option) == null ? "none" : String.valueOf(options.get(option))).distinct().toList();
            if (values.size() > 1) {
                caveats.add("the runs differ in " + option + ": " + String.join(", ", values));
            }
        }
    }

    private void note(Section section, SectionResult result) {
        var title = section.title().isEmpty() ? "" : section.title() + ": ";
        var groups = section.groups();
        if (groups.size() == 1 && sections.size() > 1) {
            caveats.add(title + "only in " + groups.getFirst().label() + ", so there is nothing to compare it with");
        }
        groups.forEach(group -> note(title, group));
        lengths(title, groups);
        caches(title, groups);
        connections(title, groups);
        tokenSources(title, groups);
        tokensPerEvent(title, groups);
        tokenizers(title, groups);
        currencies(title, groups);
        machines(title, groups);
        reasoning(title, groups);
        sameModel(title, groups);
        pairs(title, section, result);
        result.groups().forEach(group -> tails(title, group, result.baseline()));
        contradictions(title, result);
    }

    private void note(String title, Group group) {
        var name = title + group.label() + ": ";
        if (group.failed() > 0) {
            var kinds = group.failures().stream().collect(Collectors.groupingBy(
                    answer -> answer.status().word() + (answer.error().isEmpty() ? "" : ", " + answer.error()),
                    Collectors.counting()));
            var worst = kinds.entrySet().stream().max(Map.Entry.<String, Long>comparingByValue()
                    .thenComparing(Map.Entry.comparingByKey())).orElseThrow();
            caveats.add(name + group.failed() + " of " + group.requests() + " failed and are not in the figures"
                    + (worst.getValue() == group.failed() ? " (" : " (mostly: ") + shortened(worst.getKey()) + ")");
        }
        if (group.retries() > 0) {
            caveats.add(name + Count.of(group.retries(), "attempt") + " beyond the first; only the last of each request counts"
                    + (group.retried() > MANY_RETRIED * group.requests() ? ", and " + group.retried() + " of " + group.requests()
                    + " requests were refused at first" + (group.wasConcurrent() ? ": a lower --concurrency may change the figures" : "") : ""));
        }
        var drift = group.drift();
        if (drift != null) {
            caveats.add(name + "TTFT drifted during the run: median " + Aggregate.TTFT_P50.cell(drift.firstQuarterMillis())
                    + " ms in the first quarter, " + Aggregate.TTFT_P50.cell(drift.restMillis()) + " ms after it");
        }
        for (var caveat : AnswerCaveat.values()) {
            if (group.with(caveat) > 0) {
                caveats.add(name + caveat.warning().text(Count.of(group.with(caveat), "answer")).replaceFirst("\\.$", ""));
            }
        }
        if (group.withUnknownVisibleTokens() > 0) {
            caveats.add(name + Count.of(group.withUnknownVisibleTokens(), "answer") + " with reasoning or tool calls whose tokens"
                    + " the server does not count apart: no TPOT for them, tokens/s counts all");
        }
        if (group.cancelled() > 0) {
            caveats.add(name + group.cancelled() + " cancelled before their end, left out");
        }
        if (group.currencies().size() > 1) {
            caveats.add(name + "its requests are priced in " + String.join(" and ", group.currencies()) + ", which are not added up");
        }
        if (group.withUnknownCost() > 0) {
            caveats.add(name + Count.of(group.withUnknownCost(), "answer") + " without the token counts of the server, not in the cost");
        }
        if (group.leftOut() > 0) {
            caveats.add(name + group.leftOut() + " left out, because their timing should not be trusted");
        } else if (group.tainted() > 0 && !untainted) {
            caveats.add(name + "the timing of " + group.tainted() + " of " + group.completed().size()
                    + " should not be trusted (column tainted); --untainted leaves them out");
        }
        if (group.isBuffered()) {
            caveats.add(name + Warning.BUFFERED.text(Aggregate.COALESCED.cell(group.coalescedShare())) + " They are not compared");
        }
        if (group.headersWereHeld()) {
            caveats.add(name + "the headers of each answer came with its first token: the server or a proxy held them, perhaps tokens too");
        }
    }

    private static String shortened(String message) {
        var text = message.replaceAll("\\R", " ");
        return text.length() <= 100 ? text : text.substring(0, 97) + "...";
    }

    private void lengths(String title, List<Group> groups) {
        var known = groups.stream().filter(group -> group.quantile(Metric.OUTPUT_TOKENS, 0.5) != null)
                .sorted(Comparator.comparing(group -> group.quantile(Metric.OUTPUT_TOKENS, 0.5))).toList();
        if (known.size() < 2) {
            return;
        }
        var shortest = known.getFirst().quantile(Metric.OUTPUT_TOKENS, 0.5);
        var longest = known.getLast().quantile(Metric.OUTPUT_TOKENS, 0.5);
        if (longest > shortest * LENGTHS_DIFFER) {
            caveats.add(title + "answers differ in length, from " + Aggregate.OUTPUT_TOKENS.cell(shortest) + " tokens ("
                    + known.getFirst().label() + ") to " + Aggregate.OUTPUT_TOKENS.cell(longest) + " (" + known.getLast().label()
                    + "): TTLT and total compare that too, ITL and TPOT do not");
        }
    }

    private boolean usesUniquePrefix() {
        return runs.stream().allMatch(run -> Boolean.TRUE.equals(run.manifest().options().get("unique_prefix")));
    }

    private void caches(String title, List<Group> groups) {
        var unknown = groups.stream().filter(group -> group.repeatsPrompts() && group.values(Metric.CACHED_TOKENS).length == 0).toList();
        if (!unknown.isEmpty() && !usesUniquePrefix()) {
            caveats.add(title + labels(unknown) + ": prompts repeat, and the server does not tell what it had in its cache: TTFT may measure"
                    + " the prompt cache; --unique-prefix keeps it out");
        }
        if (groups.stream().allMatch(group -> group.cacheHits() == 0)) {
            return;
        }
        var hits = groups.stream().map(group -> group.label() + " " + (group.values(Metric.CACHED_TOKENS).length == 0
                ? "not known" : group.cacheHits() + " of " + group.completed().size())).collect(Collectors.joining(", "));
        caveats.add(title + "prompts were found in the server's cache (" + hits + "): TTFT measures that too"
                + (usesUniquePrefix() ? " (what the server puts before each prompt, since each began differently)"
                        : "; --unique-prefix keeps it out"));
    }

    /** Labels of one server that answer as one model are no comparison of models. */
    private void sameModel(String title, List<Group> groups) {
        if (!grouping.by().equals("model")) {
            return;
        }
        var labels = new LinkedHashMap<String, List<Group>>();
        groups.stream().filter(group -> group.servedModel() != null)
                .forEach(group -> labels.computeIfAbsent(group.servedModel(), absent -> new ArrayList<>()).add(group));
        labels.forEach((served, same) -> {
            if (same.size() > 1) {
                caveats.add(title + Warning.ONE_MODEL.text(labels(same), served));
            }
        });
    }

    private void tokenSources(String title, List<Group> groups) {
        var counted = groups.stream()
                .filter(group -> group.completed().stream().allMatch(RecordedAnswer::tokensAreCounted)).toList();
        if (!counted.isEmpty() && counted.size() < groups.size()) {
            caveats.add(title + "tokens are counted by the server for " + labels(counted) + " alone, events are for the rest:"
                    + " tokens, TPOT and tokens/s are not alike");
        }
    }

    private void connections(String title, List<Group> groups) {
        groups.forEach(group -> {
            var medians = group.differentConnections();
            if (medians != null) {
                caveats.add(title + group.label() + ": TTFT differs between connections, also without the handshake, median "
                        + medians.entrySet().stream().map(each -> each.getKey() + " " + Aggregate.TTFT_P50.cell(each.getValue()) + " ms")
                        .collect(Collectors.joining(", ")) + "; --connection new makes them alike");
            }
        });
        var known = groups.stream().filter(group -> group.reusedShare() != null)
                .sorted(Comparator.comparing(Group::reusedShare)).toList();
        if (known.size() > 1 && known.getLast().reusedShare() - known.getFirst().reusedShare() > REUSE_DIFFERS) {
            caveats.add(title + "requests on a connection that was open already: " + known.stream()
                    .map(group -> group.label() + " " + Math.round(group.reusedShare() * 100) + " %").collect(Collectors.joining(", "))
                    + "; TTFT of the rest includes the handshake, --metric ttft_net leaves it out");
        }
    }

    private void tokensPerEvent(String title, List<Group> groups) {
        var known = groups.stream().filter(group -> group.tokensPerEvent() != null)
                .sorted(Comparator.comparing(Group::tokensPerEvent)).toList();
        if (known.size() > 1 && known.getLast().tokensPerEventDiffer(known.getFirst())) {
            caveats.add(title + "tokens per event differ, from " + Aggregate.TOKENS_PER_EVENT.cell(known.getFirst().tokensPerEvent())
                    + " (" + known.getFirst().label() + ") to " + Aggregate.TOKENS_PER_EVENT.cell(known.getLast().tokensPerEvent())
                    + " (" + known.getLast().label() + "): ITL compares the sizes of events, TPOT is the figure to compare");
        }
    }

    private void tokenizers(String title, List<Group> groups) {
        var known = groups.stream().filter(group -> group.knowsPrompts() && group.charactersPerToken() != null)
                .sorted(Comparator.comparing(Group::charactersPerToken)).toList();
        if (known.size() > 1 && known.getLast().charactersPerToken() > known.getFirst().charactersPerToken() * TOKENIZERS_DIFFER) {
            caveats.add(String.format(Locale.ROOT, "%sa token is not the same: %.1f characters (%s) to %.1f (%s); ITL, TPOT and tokens/s count"
                    + " different pieces; chars/s and --metric first_100_chars do not", title, known.getFirst().charactersPerToken(), known.getFirst().label(),
                    known.getLast().charactersPerToken(), known.getLast().label()));
        }
    }

    private void machines(String title, List<Group> groups) {
        groups.forEach(group -> {
            var medians = group.differentMachines();
            if (medians != null) {
                caveats.add(title + group.label() + ": TTFT differs between the machines, median " + medians.entrySet().stream()
                        .map(each -> each.getKey() + " " + Aggregate.TTFT_P50.cell(each.getValue()) + " ms").collect(Collectors.joining(", "))
                        + "; --by machine compares them");
            }
        });
        var measured = groups.stream().filter(group -> !group.machines().isEmpty()).toList();
        if (!grouping.by().equals("machine") && measured.stream().map(Group::machines).distinct().count() > 1
                && measured.stream().noneMatch(group -> group.machines().contains("unknown"))) {
            caveats.add(title + "not measured by the same machines: " + measured.stream().map(group -> group.label() + " by "
                    + String.join(" and ", group.machines())).collect(Collectors.joining(", ")));
        }
    }

    private void currencies(String title, List<Group> groups) {
        var used = groups.stream().flatMap(group -> group.currencies().stream()).distinct().sorted().toList();
        if (used.size() > 1 && groups.stream().allMatch(group -> group.currencies().size() <= 1)) {
            caveats.add(title + "costs are in different currencies, " + String.join(" and ", used) + ", which are not converted");
        }
    }

    private void reasoning(String title, List<Group> groups) {
        var known = groups.stream().filter(group -> group.reasoningShare() != null)
                .sorted(Comparator.comparing(Group::reasoningShare)).toList();
        if (known.size() > 1 && known.getLast().reasoningShare() - known.getFirst().reasoningShare() > REASONING_DIFFERS) {
            caveats.add(title + "part of the output is reasoning: " + known.stream().map(group -> group.label() + " "
                    + Math.round(group.reasoningShare() * 100) + " %").collect(Collectors.joining(", "))
                    + "; TTFT includes it, --metric ttft_any does not");
        }
    }

    private void tails(String title, GroupResult group, String baseline) {
        group.tails().forEach((aggregate, tail) -> {
            var isBeyond = tail.lower() != null && (tail.ratio() > TAIL_DIFFERS && tail.lower() > 1
                    || tail.ratio() < 1 / TAIL_DIFFERS && tail.upper() < 1);
            var median = group.differences().get(aggregate.metric());
            var ratio = median == null || !median.difference().isSignificant() ? 1 : median.difference().ratio();
            var isTold = Math.log(tail.ratio()) / Math.log(ratio) > 0 && Math.abs(Math.log(tail.ratio())) < TOLD * Math.abs(Math.log(ratio));
            if (isBeyond && !isTold) {
                caveats.add(String.format(Locale.ROOT, "%s%s: its %s is %.2fx that of %s (%.2f to %.2f), more than the verdict tells", title,
                        group.label(), aggregate.title().replace(" ms", ""), tail.ratio(), baseline, tail.lower(), tail.upper()));
            }
        });
    }

    /** The table shows medians, the verdict is of the geometric mean of ratios: now and then they disagree. */
    private void contradictions(String title, SectionResult result) {
        var own = result.group(result.baseline());
        for (var group : result.groups()) {
            group.differences().forEach((metric, against) -> {
                var aggregate = Aggregate.medianOf(metric);
                var verdict = against.difference().verdict(terms.margin());
                if (aggregate == null || verdict != Verdict.FASTER && verdict != Verdict.SLOWER) {
                    return;
                }
                var medians = group.aggregates().get(aggregate) / own.aggregates().get(aggregate);
                if (medians > 1 != against.difference().ratio() > 1) {
                    caveats.add(title + group.label() + ": the medians of " + metric.title() + " in the table point the other way than the"
                            + " verdict, which compares answers to the same prompt");
                }
            });
        }
    }

    private static String labels(List<Group> groups) {
        return groups.stream().map(Group::label).collect(Collectors.joining(", "));
    }

    private void pairs(String title, Section section, SectionResult result) {
        var baseline = section.group(result.baseline());
        if (baseline == null || section.groups().size() < 2) {
            return;
        }
        if (!grouping.isPaired()) {
            caveats.add(title + "groups by " + grouping.by() + " contain different requests, which are not compared in pairs");
            return;
        }
        for (var group : section.groups()) {
            var most = Math.min(group.completed().size(), baseline.completed().size());
            var common = group.pairs().stream().filter(baseline.pairs()::contains).count();
            if (group != baseline && common < most && group.knowsPrompts() && baseline.knowsPrompts()) {
                caveats.add(title + group.label() + " and " + baseline.label() + " have " + common
                        + " prompts and repetitions in common"
                        + (common * 2 >= most ? ", their ratios are of these" : ", too few to be compared in pairs"));
            }
        }
    }

    /** The error of the client matters as soon as it is a tenth of what was measured. */
    private void ownError(RecordedRun run) {
        var overhead = run.manifest().clientOverhead();
        if (overhead == null) {
            return;
        }
        for (var metric : List.of(Metric.TTFT, Metric.ITL)) {
            var errorMicros = overhead.medianMicros(metric);
            var leastMillis = sections.stream().flatMap(section -> section.groups().stream()).filter(group -> group.byRun().containsKey(run))
                    .map(group -> group.quantile(metric, 0.5)).filter(Objects::nonNull).min(Double::compare).orElse(null);
            if (errorMicros != null && leastMillis != null && errorMicros > leastMillis * 100) {
                caveats.add(run.name() + ": the error of the client in " + metric.name() + ", " + Metrics.millis(errorMicros)
                        + " ms, is more than a tenth of what was measured; use a lower concurrency");
            }
        }
    }
}
