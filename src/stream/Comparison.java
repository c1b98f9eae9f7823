//JAVA 25+
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES RecordedRun.java
//SOURCES Statistics.java
//SOURCES Groups.java

// Comparison: metrics, differences, verdicts and caveats of a set of groups, from recorded runs.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is compared, and how.
 *
 * @param runs       folders of runs, or folders that contain them; empty for the newest run in results/
 * @param by         what the groups are; null for the default of {@link Grouping}
 * @param baseline   label of the group that the others are compared with; null for the default
 * @param margin     share that counts as the same, above 0 and below 1; null for 5 %
 * @param definition whose definitions of the metrics; null for those of this tool
 * @param untainted  whether requests whose timing should not be trusted are left out
 * @param metrics    what is compared; empty for the default of {@link SectionResult}
 */
record ComparisonSettings(List<Path> runs, String by, String baseline, Double margin, MetricDefinition definition,
                          boolean untainted, List<Metric> metrics) {

    private static final double DEFAULT_MARGIN = 0.05;

    /** Reads what the user wrote; throws UserError if it is not valid. */
    static ComparisonSettings of(List<Path> runs, String by, String baseline, String margin, String as, boolean untainted,
                                 List<String> metrics) {
        new OptionChecks().require(as == null || MetricDefinition.of(as) != null,
                "--as '" + as + "'; must be one of " + MetricDefinition.words() + ", all").throwIfAny();
        Grouping.check(by);
        return new ComparisonSettings(List.copyOf(runs), by, baseline, margin == null ? null : Difference.margin(margin),
                as == null ? null : MetricDefinition.of(as), untainted,
                metrics.stream().map(ComparisonSettings::metric).distinct().toList());
    }

    private static Metric metric(String word) {
        return SectionResult.COMPARABLE.stream().filter(metric -> metric.word().equals(word)).findFirst()
                .orElseThrow(() -> new UserError("--metric '" + word + "'; must be one of "
                        + SectionResult.COMPARABLE.stream().map(Metric::word).collect(Collectors.joining(", "))));
    }

    double marginOrDefault() {
        return margin == null ? DEFAULT_MARGIN : margin;
    }

    MetricDefinition definitionOrDefault() {
        return definition == null ? MetricDefinition.OURS : definition;
    }

    ComparisonSettings with(MetricDefinition other) {
        return new ComparisonSettings(runs, by, baseline, margin, other, untainted, metrics);
    }

    /** Returns the first option, other than --margin, that changes what is computed; null if none was given. */
    String computingOption() {
        return by != null ? "--by" : definition != null ? "--as" : baseline != null ? "--baseline"
                : untainted ? "--untainted" : !metrics.isEmpty() ? "--metric" : null;
    }
}

/**
 * How a metric of a group differs from that of another group.
 *
 * @param baseline label of the other group
 */
record BaselineDifference(String baseline, Difference difference) { }

/**
 * The result for a group.
 *
 * @param aggregates  those for which there are enough requests
 * @param differences by metric; without the metrics in which the group is itself the baseline
 */
record GroupResult(String label, Map<Aggregate, Double> aggregates, Map<Metric, BaselineDifference> differences) {

    int completed() {
        return (int) (aggregates.get(Aggregate.N) - aggregates.get(Aggregate.FAILED));
    }
}

/**
 * The result for groups that were compared with each other.
 *
 * @param title what they have in common; empty if there is no other section
 */
record SectionResult(String title, List<GroupResult> groups) {

    /** What can be compared, in this order. */
    static final List<Metric> COMPARABLE = List.of(Metric.TTFT, Metric.ITL, Metric.TPOT, Metric.TTLT, Metric.TOTAL,
            Metric.TTFT_ANY, Metric.ITL_ANY, Metric.TTFT_NET);

    /** What is compared if the user does not say. */
    private static final List<Metric> USUAL = COMPARABLE.subList(0, COMPARABLE.indexOf(Metric.TTFT_ANY));

    /** The same for answers without visible text, such as calls of tools. */
    private static final List<Metric> WITHOUT_TEXT = List.of(Metric.TTFT_ANY, Metric.ITL_ANY, Metric.TOTAL);

    /** Metrics that end with a first token, the first of them that is compared being in the headline. */
    private static final List<Metric> FIRST_TOKEN = List.of(Metric.TTFT, Metric.TTFT_NET, Metric.TTFT_ANY);

    /**
     * Compares all groups with the named one, or where that is null or missing with the fastest in each metric.
     *
     * @param metrics what is compared; empty for the default
     */
    static SectionResult of(Section section, String baseline, List<Metric> metrics) {
        var against = new HashMap<Group, Map<Metric, BaselineDifference>>();
        section.groups().forEach(group -> against.put(group, new EnumMap<>(Metric.class)));
        var compared = !metrics.isEmpty() ? metrics
                : section.groups().stream().anyMatch(group -> group.values(Metric.TTFT).length > 0) ? USUAL : WITHOUT_TEXT;
        for (var metric : compared) {
            var other = section.baseline(metric, baseline);
            if (other == null || other.values(metric).length == 0) {
                continue;
            }
            var groups = section.groups().stream().filter(group -> group != other && group.values(metric).length > 0).toList();
            var differences = Difference.corrected(groups.parallelStream().map(group -> group.compare(other, metric))
                    .toList());
            for (int i = 0; i < groups.size(); i++) {
                against.get(groups.get(i)).put(metric, new BaselineDifference(other.label(), differences.get(i)));
            }
        }
        return new SectionResult(section.title(), section.groups().stream()
                .map(group -> new GroupResult(group.label(), aggregates(group), against.get(group))).toList());
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

    /** Returns the label of the baseline group of this metric; null if no groups were compared. */
    String baseline(Metric metric) {
        return groups.stream().map(group -> group.differences().get(metric)).filter(Objects::nonNull)
                .map(BaselineDifference::baseline).findFirst().orElse(null);
    }

    /** Returns who is faster, as a sentence without its full stop; null if there is nothing to compare. */
    String sentence(double margin) {
        var first = new HeadlineClause(this, headlineMetric(FIRST_TOKEN), margin);
        var last = new HeadlineClause(this, Metric.TTLT, margin);
        var nothing = groups.stream().filter(group -> group.completed() == 0).map(GroupResult::label).toList();
        var end = nothing.isEmpty() ? "" : "; " + String.join(" and ", nothing) + " completed nothing";
        if (first.isEmpty() && last.isEmpty()) {
            var other = new HeadlineClause(this, headlineMetric(COMPARABLE), margin);
            return other.isEmpty() ? null : other.text() + end;
        }
        if (first.isEmpty() || last.isEmpty()) {
            return (last.isEmpty() ? first : last).text() + end;
        }
        if (first.isClear() && last.isClear() && first.baseline().equals(last.baseline())) {
            return first.text() + " and to the last" + last.reasons() + end;
        }
        return (first.text("").equals(last.text("")) ? first.text("the first and to the last token")
                : first.text() + "; " + last.text()) + end;
    }

    /** Returns the first of these metrics that is compared; the first of all if none is. */
    private Metric headlineMetric(List<Metric> metrics) {
        return metrics.stream().filter(metric -> baseline(metric) != null).findFirst().orElse(metrics.getFirst());
    }

    /** The part of the sentence that concerns one metric: how the other groups differ from the baseline. */
    private static final class HeadlineClause {
        private static final int MOST_NAMES = 4;

        private final String baseline;
        private final double margin;
        private final Map<Verdict, List<GroupResult>> verdicts = new EnumMap<>(Verdict.class);
        private final Metric metric;

        HeadlineClause(SectionResult section, Metric metric, double margin) {
            this.baseline = section.baseline(metric);
            this.metric = metric;
            this.margin = margin;
            section.groups.stream().filter(group -> group.differences().containsKey(metric)).forEach(group ->
                    verdicts.computeIfAbsent(difference(group).verdict(margin), absent -> new ArrayList<>()).add(group));
        }

        private Difference difference(GroupResult group) {
            return group.differences().get(metric).difference();
        }

        String baseline() {
            return baseline;
        }

        boolean isEmpty() {
            return verdicts.isEmpty();
        }

        /** Whether all others are slower. */
        boolean isClear() {
            return verdicts.keySet().equals(Set.of(Verdict.SLOWER));
        }

        String text() {
            return text(switch (metric) {
                case TTFT -> "the first token";
                case TTFT_NET -> "the first token, without the handshake,";
                case TTFT_ANY -> "the first event";
                case TTLT -> "the last token";
                case TOTAL -> "the end";
                case ITL, ITL_ANY -> "the next token";
                default -> "each token";
            });
        }

        String text(String goal) {
            return isClear() ? baseline + " is the fastest to " + goal + reasons()
                    : "to " + goal + " " + String.join(", ", differences());
        }

        /** Returns how much slower the others are, in brackets. */
        String reasons() {
            return " (" + ratios(verdicts.get(Verdict.SLOWER), "") + ")";
        }

        private List<String> differences() {
            var clauses = new ArrayList<String>();
            for (var verdict : List.of(Verdict.SLOWER, Verdict.FASTER)) {
                if (verdicts.containsKey(verdict)) {
                    clauses.add(ratios(verdicts.get(verdict), clauses.isEmpty() ? " as " + baseline : ""));
                }
            }
            if (verdicts.containsKey(Verdict.SAME)) {
                clauses.add(names(verdicts.get(Verdict.SAME), " is", " are") + " the same as " + baseline + " within "
                        + Difference.percent(margin));
            }
            var unclear = new ArrayList<>(verdicts.getOrDefault(Verdict.UNCLEAR, List.of()));
            unclear.addAll(verdicts.getOrDefault(Verdict.TOO_FEW, List.of()));
            if (!unclear.isEmpty()) {
                clauses.add(names(unclear, "", "") + " cannot be told apart from " + baseline + " with "
                        + difference(unclear.getFirst()).count());
            }
            return clauses;
        }

        private String ratios(List<GroupResult> groups, String than) {
            var ratios = groups.stream().map(group -> difference(group).ratio()).sorted().toList();
            if (groups.size() > MOST_NAMES) {
                return String.format(Locale.ROOT, "%d others take %.2fx to %.2fx as long", groups.size(), ratios.getFirst(),
                        ratios.getLast()) + than;
            }
            var words = groups.stream().map(group -> String.format(Locale.ROOT, group == groups.getFirst()
                    ? "%s takes %.2fx as long" + than : "%s %.2fx", group.label(), difference(group).ratio())).toList();
            return String.join(", ", words);
        }

        private static String names(List<GroupResult> groups, String one, String several) {
            return groups.size() == 1 ? groups.getFirst().label() + one : (groups.size() > MOST_NAMES ? groups.size() + " others"
                    : groups.stream().map(GroupResult::label).collect(Collectors.joining(" and "))) + several;
        }
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
    record Terms(List<String> runs, String by, MetricDefinition definition, double margin, boolean simulated) { }

    /**
     * Reads the runs and compares them.
     *
     * @param progress where progress is shown when it takes long; null for nowhere
     * @throws IOException if a run cannot be read
     * @throws UserError   if a setting does not fit the runs
     */
    static Comparison of(ComparisonSettings settings, PrintStream progress) throws IOException {
        var problems = new ReadProblems();
        var runs = new ArrayList<RecordedRun>();
        for (var folder : RecordedRun.folders(settings.runs())) {
            runs.add(RecordedRun.read(folder, problems));
        }
        var grouping = Grouping.of(settings.by(), runs);
        var definition = settings.definitionOrDefault();
        var sections = grouping.sections(runs, definition, settings.untainted(), problems);
        if (sections.isEmpty()) {
            throw new IOException(problems.lines().getFirst() + "; there is nothing to compare");
        }
        requireBaseline(settings.baseline(), sections);
        var events = new EventCollector(sections);
        for (var run : runs) {
            run.readEvents(definition, events, problems, progress);
        }
        var baseline = settings.baseline() != null ? settings.baseline() : grouping.baseline(runs);
        var results = sections.stream().map(section -> SectionResult.of(section, baseline, settings.metrics())).toList();
        var terms = new Terms(grouping.names(), grouping.by(), definition, settings.marginOrDefault(),
                runs.stream().anyMatch(run -> run.manifest().simulated()));
        var caveats = new Caveats(grouping, sections, runs, terms, baseline, settings.untainted()).lines();
        caveats.addAll(problems.lines());
        return new Comparison(terms, results, caveats, new Source(sections, runs, events));
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
        if (sentences.isEmpty()) {
            return "Nothing to compare: there is only " + sections.stream().flatMap(section -> section.groups().stream())
                    .map(GroupResult::label).distinct().collect(Collectors.joining(", ")) + ".";
        }
        return sentences.stream().map(sentence -> sentence.startsWith("to ") ? "T" + sentence.substring(1) : sentence)
                .collect(Collectors.joining(". ")) + ".";
    }
}

/** Names what differs between the groups apart from the model, and what is wrong with the runs. */
final class Caveats {

    private static final double BUFFERED_SHARE = 0.5;
    private static final double LENGTHS_DIFFER = 1.1;
    private static final double TOKENS_PER_EVENT_DIFFER = 1.2;
    private static final double REUSE_DIFFERS = 0.1;
    private static final List<String> CONDITIONS = List.of("concurrency", "rate", "arrival", "max_tokens", "temperature",
            "system", "unique_prefix", "connection", "http");

    private final Grouping grouping;
    private final List<Section> sections;
    private final List<RecordedRun> runs;
    private final Comparison.Terms terms;
    private final String against;
    private final boolean untainted;
    private final List<String> caveats = new ArrayList<>();

    Caveats(Grouping grouping, List<Section> sections, List<RecordedRun> runs, Comparison.Terms terms, String against,
           boolean untainted) {
        this.grouping = grouping;
        this.sections = sections;
        this.runs = runs;
        this.terms = terms;
        this.against = against;
        this.untainted = untainted;
    }

    /** Returns one line for each caveat. */
    List<String> lines() {
        if (terms.simulated()) {
            caveats.add("simulated: the figures say nothing about the real models of these names");
        }
        if (terms.definition() != MetricDefinition.OURS) {
            caveats.add("figures are counted as " + terms.definition().word() + " counts them, not as this tool does");
        }
        conditions();
        sections.forEach(this::note);
        runs.forEach(this::ownError);
        return caveats;
    }

    private void conditions() {
        for (var option : CONDITIONS) {
            var values = runs.stream().map(run -> run.manifest().options())
                    .filter(options -> options.containsKey(option))
                    .map(options -> String.valueOf(options.get(option))).distinct().toList();
            if (values.size() > 1) {
                caveats.add("the runs differ in " + option + ": " + String.join(", ", values));
            }
        }
    }

    private void note(Section section) {
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
        sameModel(title, groups);
        pairs(title, section);
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
            caveats.add(name + Count.of(group.retries(), "attempt") + " beyond the first; only the last of each request counts");
        }
        if (group.reasoningAlone() > 0) {
            caveats.add(name + Count.of(group.reasoningAlone(), "answer") + " without a visible text, only reasoning; a higher"
                    + " --max-tokens may give the model room for one");
        }
        if (group.withUnknownVisibleTokens() > 0) {
            caveats.add(name + Count.of(group.withUnknownVisibleTokens(), "answer") + " with reasoning or tool calls whose tokens"
                    + " the server does not count apart: no TPOT for them, tokens/s counts all");
        }
        if (group.cancelled() > 0) {
            caveats.add(name + group.cancelled() + " cancelled by the user, left out");
        }
        if (group.leftOut() > 0) {
            caveats.add(name + group.leftOut() + " left out, because their timing should not be trusted");
        } else if (group.tainted() > 0 && !untainted) {
            caveats.add(name + "the timing of " + group.tainted() + " of " + group.completed().size()
                    + " should not be trusted (column tainted); --untainted leaves them out");
        }
        var share = group.coalescedShare();
        if (share != null && share >= BUFFERED_SHARE) {
            caveats.add(name + "the stream was buffered on its way, " + Aggregate.COALESCED.cell(share)
                    + " of its tokens came together with the one before; its ITL is that of the buffer");
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
        if (known.size() > 1 && known.getLast().tokensPerEvent() > known.getFirst().tokensPerEvent() * TOKENS_PER_EVENT_DIFFER) {
            caveats.add(title + "tokens per event differ, from " + Aggregate.TOKENS_PER_EVENT.cell(known.getFirst().tokensPerEvent())
                    + " (" + known.getFirst().label() + ") to " + Aggregate.TOKENS_PER_EVENT.cell(known.getLast().tokensPerEvent())
                    + " (" + known.getLast().label() + "): ITL compares the sizes of events, TPOT is the figure to compare");
        }
    }

    private static String labels(List<Group> groups) {
        return groups.stream().map(Group::label).collect(Collectors.joining(", "));
    }

    private void pairs(String title, Section section) {
        var baseline = section.baseline(Metric.TTFT, against);
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
            if (group != baseline && common < most) {
                caveats.add(title + group.label() + " and " + baseline.label() + " have " + common
                        + " prompts and repetitions in common"
                        + (group.compare(baseline, Metric.TTFT).paired() ? ", their ratios are of these"
                                : ", too few to be compared in pairs"));
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
            var leastMillis = sections.stream().flatMap(section -> section.groups().stream())
                    .map(group -> group.quantile(metric, 0.5)).filter(Objects::nonNull).min(Double::compare).orElse(null);
            if (errorMicros != null && leastMillis != null && errorMicros > leastMillis * 100) {
                caveats.add(run.name() + ": the error of the client in " + metric.name() + ", " + Metrics.millis(errorMicros)
                        + " ms, is more than a tenth of what was measured; use a lower concurrency");
            }
        }
    }
}
