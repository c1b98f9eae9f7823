//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Metrics.java
//SOURCES Journal.java
//SOURCES RecordedRun.java
//SOURCES Statistics.java
//SOURCES Groups.java

// Comparison

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

import okio.Source;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.DecimalNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What is weighed, and how; the options that Compare.java has too. */
final class ComparisonOptions {

    @Parameters(paramLabel = "RUN", arity = "0..*",
            description = "Folders of runs, or folders of them (default: the newest in results/).")
    List<Path> runs = new ArrayList<>();

    @Option(names = "--by", paramLabel = "model|run|prompt|label:COLUMN|base_url|shard",
            description = "What the groups are (default: run if several have a model in common, else model).")
    String by;

    @Option(names = "--baseline", paramLabel = "LABEL",
            description = "The group that the others are held against (default: the fastest; of several runs the first).")
    String baseline;

    @Option(names = "--margin", paramLabel = "M", description = "How much may be called the same (default: 5%%).")
    String margin;

    @Option(names = "--as", paramLabel = "ours|vllm|guidellm|aiperf",
            description = "Whose definitions of the figures (default: ours).")
    String as;

    @Option(names = "--untainted", description = "Leave out requests whose timing is in doubt.")
    boolean untainted;

    /**
     * Reads the runs and weighs them; throws IOException or IllegalArgumentException with the words for the user.
     *
     * @param progress where progress is shown when it takes long; null for nowhere
     */
    Comparison weigh(PrintStream progress) throws IOException {
        var share = Difference.margin(margin == null ? "5%" : margin);
        var definition = MetricDefinition.of(as == null ? "ours" : as);
        var problems = new ReadProblems();
        var recorded = new ArrayList<RecordedRun>();
        for (var folder : RecordedRun.folders(runs)) {
            recorded.add(RecordedRun.read(folder, problems));
        }
        var grouping = Grouping.of(by, recorded);
        var sections = grouping.sections(recorded, definition, untainted, problems);
        if (sections.isEmpty()) {
            throw new IOException(problems.lines().getFirst() + "; there is nothing to compare");
        }
        if (baseline != null && sections.stream().noneMatch(section -> section.group(baseline) != null)) {
            throw new IllegalArgumentException("--baseline '" + baseline + "': no such group; there are "
                    + sections.stream().flatMap(section -> section.groups().stream()).map(Group::label).distinct()
                            .collect(Collectors.joining(", ")));
        }
        var events = new EventCollector(sections);
        for (var run : recorded) {
            run.readEvents(definition, events, problems, progress);
        }
        var against = baseline != null ? baseline : grouping.baseline(recorded);
        var parts = sections.stream().map(section -> SectionResult.of(section, against)).toList();
        var terms = new Comparison.Terms(grouping.names(), grouping.by(), definition, share,
                recorded.stream().anyMatch(run -> run.record().path("simulated").asBoolean(false)));
        var notes = new Caveats(grouping, sections, recorded, terms, against, untainted).notes();
        notes.addAll(problems.lines());
        return new Comparison(terms, parts, notes, new Comparison.Source(sections, recorded, events));
    }
}

/**
 * A measure of a group, held against another group.
 *
 * @param baseline label of the other group
 */
record BaselineDifference(String baseline, Difference difference) { }

/**
 * What is said of a group.
 *
 * @param figures those that the sample can carry
 * @param against what was held against another group; not there for the group that others are held against
 */
record GroupResult(String label, Map<Aggregate, Double> figures, Map<Metric, BaselineDifference> against) {

    int completed() {
        return (int) (figures.get(Aggregate.N) - figures.get(Aggregate.FAILED));
    }
}

/**
 * Groups that were held against each other.
 *
 * @param title what they have in common; empty if there is no other part
 */
record SectionResult(String title, List<GroupResult> lines) {

    /** What is compared, in this order. */
    static final List<Metric> COMPARED =
            List.of(Metric.TTFT, Metric.ITL, Metric.TPOT, Metric.TTLT, Metric.TOTAL);

    /** Holds all groups against the named one, or where that is null or missing against the fastest in each measure. */
    static SectionResult of(Section section, String baseline) {
        var against = new HashMap<Group, Map<Metric, BaselineDifference>>();
        section.groups().forEach(group -> against.put(group, new EnumMap<>(Metric.class)));
        for (var measure : COMPARED) {
            var other = section.baseline(measure, baseline);
            if (other == null || other.values(measure).length == 0) {
                continue;
            }
            var groups = section.groups().stream().filter(group -> group != other && group.values(measure).length > 0).toList();
            var differences = Difference.corrected(groups.parallelStream().map(group -> group.against(other, measure))
                    .toList());
            for (int i = 0; i < groups.size(); i++) {
                against.get(groups.get(i)).put(measure, new BaselineDifference(other.label(), differences.get(i)));
            }
        }
        return new SectionResult(section.title(), section.groups().stream()
                .map(group -> new GroupResult(group.label(), figures(group), against.get(group))).toList());
    }

    private static Map<Aggregate, Double> figures(Group group) {
        var figures = new EnumMap<Aggregate, Double>(Aggregate.class);
        for (var figure : Aggregate.values()) {
            var value = figure.of(group);
            if (value != null) {
                figures.put(figure, value);
            }
        }
        return figures;
    }

    /** Returns null if there is none of this label. */
    GroupResult line(String label) {
        return lines.stream().filter(line -> line.label().equals(label)).findFirst().orElse(null);
    }

    /** Returns the label of the group that this measure of the others was held against; null if there is none. */
    String baseline(Metric measure) {
        return lines.stream().map(line -> line.against().get(measure)).filter(Objects::nonNull)
                .map(BaselineDifference::baseline).findFirst().orElse(null);
    }

    /** Says who is faster in one sentence without its full stop; null if there is nothing to say. */
    String sentence(double margin) {
        var first = new HeadlineClause(this, Metric.TTFT, margin);
        var last = new HeadlineClause(this, Metric.TTLT, margin);
        var nothing = lines.stream().filter(line -> line.completed() == 0).map(GroupResult::label).toList();
        var end = nothing.isEmpty() ? "" : "; " + String.join(" and ", nothing) + " completed nothing";
        if (first.isEmpty() || last.isEmpty()) {
            return first.isEmpty() && last.isEmpty() ? null
                    : (last.isEmpty() ? first.words("the first token") : last.words("the last token")) + end;
        }
        if (first.isClear() && last.isClear() && first.baseline().equals(last.baseline())) {
            return first.words("the first token") + " and to the last" + last.reasons() + end;
        }
        return (first.words("").equals(last.words("")) ? first.words("the first and to the last token")
                : first.words("the first token") + "; " + last.words("the last token")) + end;
    }

    /** How far the others are from one group in one measure. */
    private static final class HeadlineClause {
        private static final int MOST_NAMES = 4;

        private final String baseline;
        private final double margin;
        private final Map<Verdict, List<GroupResult>> verdicts = new EnumMap<>(Verdict.class);
        private final Metric measure;

        HeadlineClause(SectionResult part, Metric measure, double margin) {
            this.baseline = part.baseline(measure);
            this.measure = measure;
            this.margin = margin;
            part.lines.stream().filter(line -> line.against().containsKey(measure)).forEach(line ->
                    verdicts.computeIfAbsent(difference(line).verdict(margin), absent -> new ArrayList<>()).add(line));
        }

        private Difference difference(GroupResult line) {
            return line.against().get(measure).difference();
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

        String words(String goal) {
            return isClear() ? baseline + " is the fastest to " + goal + reasons() : "to " + goal + " " + String.join(", ", all());
        }

        /** In brackets, how much slower the others are. */
        String reasons() {
            return " (" + ratios(verdicts.get(Verdict.SLOWER), "") + ")";
        }

        private List<String> all() {
            var words = new ArrayList<String>();
            for (var verdict : List.of(Verdict.SLOWER, Verdict.FASTER)) {
                if (verdicts.containsKey(verdict)) {
                    words.add(ratios(verdicts.get(verdict), words.isEmpty() ? " as " + baseline : ""));
                }
            }
            if (verdicts.containsKey(Verdict.SAME)) {
                words.add(names(verdicts.get(Verdict.SAME), " is", " are") + " the same as " + baseline + " within "
                        + Difference.percent(margin));
            }
            var unclear = new ArrayList<>(verdicts.getOrDefault(Verdict.UNCLEAR, List.of()));
            unclear.addAll(verdicts.getOrDefault(Verdict.TOO_FEW, List.of()));
            if (!unclear.isEmpty()) {
                words.add(names(unclear, "", "") + " can't be told apart from " + baseline + " with "
                        + difference(unclear.getFirst()).count());
            }
            return words;
        }

        private String ratios(List<GroupResult> lines, String than) {
            var ratios = lines.stream().map(line -> difference(line).ratio()).sorted().toList();
            if (lines.size() > MOST_NAMES) {
                return String.format(Locale.ROOT, "%d others take %.2fx to %.2fx as long", lines.size(), ratios.getFirst(),
                        ratios.getLast()) + than;
            }
            var words = lines.stream().map(line -> String.format(Locale.ROOT, line == lines.getFirst()
                    ? "%s takes %.2fx as long" + than : "%s %.2fx", line.label(), difference(line).ratio())).toList();
            return String.join(", ", words);
        }

        private static String names(List<GroupResult> lines, String one, String several) {
            return lines.size() == 1 ? lines.getFirst().label() + one : (lines.size() > MOST_NAMES ? lines.size() + " others"
                    : lines.stream().map(GroupResult::label).collect(Collectors.joining(" and "))) + several;
        }
    }
}

/**
 * What came of it.
 *
 * @param notes  what stands in the way of comparing; a line each
 * @param source null if it was read back from a table
 */
record Comparison(Terms terms, List<SectionResult> parts, List<String> notes, Source source) {

    /** What was compared, section by section as in the parts. */
    record Source(List<Section> sections, List<RecordedRun> runs, EventCollector events) { }

    /**
     * How it was compared.
     *
     * @param runs   what the runs are called
     * @param by     what the groups are
     * @param margin share that may be called the same
     */
    record Terms(List<String> runs, String by, MetricDefinition definition, double margin, boolean simulated) { }

    /** The whole answer in one sentence, or in one for each part. */
    String headline() {
        var sentences = new ArrayList<String>();
        for (var part : parts) {
            var sentence = part.sentence(terms.margin());
            if (sentence != null) {
                sentences.add(part.title().isEmpty() ? sentence : part.title() + ": " + sentence);
            }
        }
        if (sentences.isEmpty()) {
            return "Nothing to compare: there is only " + parts.stream().flatMap(part -> part.lines().stream())
                    .map(GroupResult::label).distinct().collect(Collectors.joining(", ")) + ".";
        }
        return sentences.stream().map(sentence -> sentence.startsWith("to ") ? "T" + sentence.substring(1) : sentence)
                .collect(Collectors.joining(". ")) + ".";
    }

    /** The same for other programs. */
    ObjectNode json() {
        var json = JsonNodeFactory.instance.objectNode();
        terms.runs().forEach(json.putArray("runs")::add);
        json.put("by", terms.by()).put("as", terms.definition().word())
                .put("margin", terms.margin()).put("simulated", terms.simulated()).put("headline", headline());
        notes.forEach(json.putArray("notes")::add);
        var sections = json.putArray("sections");
        for (var part : parts) {
            var groups = sections.addObject().put("title", part.title()).putArray("groups");
            part.lines().forEach(line -> put(groups.addObject(), line));
        }
        return json;
    }

    private void put(ObjectNode group, GroupResult line) {
        group.put("label", line.label());
        var figures = group.putObject("figures");
        line.figures().forEach((figure, value) -> figures.set(figure.word(), DecimalNode.valueOf(figure.rounded(value))));
        var measures = group.putObject("against");
        line.against().forEach((measure, against) -> {
            var difference = against.difference();
            measures.putObject(measure.word()).put("baseline", against.baseline()).put("size", difference.size())
                    .put("paired", difference.paired()).put("ratio", difference.ratio()).put("low", difference.low())
                    .put("high", difference.high()).put("same_low", difference.sameLow())
                    .put("same_high", difference.sameHigh()).put("p", difference.pValue())
                    .put("verdict", difference.verdict(terms.margin()).word())
                    .put("verdict_words", difference.verdictWords(terms.margin()));
        });
    }
}

/** Names what is unlike in the groups, or wrong with the runs, so that nobody compares what can't be compared. */
final class Caveats {

    private static final double BUFFERED_SHARE = 0.5;
    private static final double LENGTHS_DIFFER = 1.1;
    private static final List<String> CONDITIONS = List.of("concurrency", "rate", "arrival", "max_tokens", "temperature",
            "system", "unique_prefix");

    private final Grouping grouping;
    private final List<Section> sections;
    private final List<RecordedRun> runs;
    private final Comparison.Terms terms;
    private final String against;
    private final boolean untainted;
    private final List<String> notes = new ArrayList<>();

    Caveats(Grouping grouping, List<Section> sections, List<RecordedRun> runs, Comparison.Terms terms, String against,
           boolean untainted) {
        this.grouping = grouping;
        this.sections = sections;
        this.runs = runs;
        this.terms = terms;
        this.against = against;
        this.untainted = untainted;
    }

    /** Returns a line for each. */
    List<String> notes() {
        if (terms.simulated()) {
            notes.add("simulated: it says nothing about the real models of these names");
        }
        if (terms.definition() != MetricDefinition.OURS) {
            notes.add("figures are counted as " + terms.definition().word() + " counts them, not as this tool does");
        }
        conditions();
        sections.forEach(this::note);
        runs.forEach(this::ownError);
        return notes;
    }

    private void conditions() {
        for (var option : CONDITIONS) {
            var values = runs.stream().map(run -> run.record().path("options").path(option))
                    .filter(value -> !value.isMissingNode()).map(JsonNode::toString).distinct().toList();
            if (values.size() > 1) {
                notes.add("the runs differ in " + option + ": " + String.join(", ", values));
            }
        }
    }

    private void note(Section section) {
        var title = section.title().isEmpty() ? "" : section.title() + ": ";
        var groups = section.groups();
        if (groups.size() == 1 && sections.size() > 1) {
            notes.add(title + "only in " + groups.getFirst().label() + ", nothing to hold it against");
        }
        groups.forEach(group -> note(title, group));
        lengths(title, groups);
        caches(title, groups);
        tokenSources(title, groups);
        sameModel(title, groups);
        pairs(title, section);
    }

    private void note(String title, Group group) {
        var name = title + group.label() + ": ";
        if (group.failed() > 0) {
            var kinds = group.failures().stream().collect(Collectors.groupingBy(
                    answer -> answer.status() + (answer.error().isEmpty() ? "" : ", " + answer.error()), Collectors.counting()));
            var worst = kinds.entrySet().stream().max(Map.Entry.<String, Long>comparingByValue()
                    .thenComparing(Map.Entry.comparingByKey())).orElseThrow();
            notes.add(name + group.failed() + " of " + group.requests() + " failed and are in no figure"
                    + (worst.getValue() == group.failed() ? " (" : " (mostly: ") + shortened(worst.getKey()) + ")");
        }
        if (group.retries() > 0) {
            notes.add(name + group.retries() + " attempts beyond the first were needed; only the last of each request counts");
        }
        if (group.reasoningAlone() > 0) {
            notes.add(name + group.reasoningAlone() + " answers are reasoning alone, without a visible text; a higher"
                    + " --max-tokens lets the models come to their answer");
        }
        if (group.cancelled() > 0) {
            notes.add(name + group.cancelled() + " cancelled by the user, left out");
        }
        if (group.leftOut() > 0) {
            notes.add(name + group.leftOut() + " left out, since their timing is in doubt");
        } else if (group.tainted() > 0 && !untainted) {
            notes.add(name + "the timing of " + group.tainted() + " of " + group.completed().size()
                    + " is in doubt (column tainted); --untainted leaves them out");
        }
        var share = group.coalescedShare();
        if (share != null && share >= BUFFERED_SHARE) {
            notes.add(name + "the stream was buffered on its way, " + Aggregate.COALESCED.cell(share)
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
            notes.add(title + "answers differ in length, from " + Aggregate.OUTPUT_TOKENS.cell(shortest) + " tokens ("
                    + known.getFirst().label() + ") to " + Aggregate.OUTPUT_TOKENS.cell(longest) + " (" + known.getLast().label()
                    + "): TTLT and total compare that too, ITL and TPOT do not");
        }
    }

    private boolean usesUniquePrefix() {
        return runs.stream().allMatch(run -> run.record().path("options").path("unique_prefix").asBoolean(false));
    }

    private void caches(String title, List<Group> groups) {
        if (groups.stream().allMatch(group -> group.cacheHits() == 0)) {
            return;
        }
        var hits = groups.stream().map(group -> group.label() + " " + (group.values(Metric.CACHED_TOKENS).length == 0
                ? "not known" : group.cacheHits() + " of " + group.completed().size())).collect(Collectors.joining(", "));
        notes.add(title + "prompts were found in the server's cache (" + hits + "): TTFT measures that too"
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
                notes.add(title + Warning.ONE_MODEL.text(labels(same), served));
            }
        });
    }

    private void tokenSources(String title, List<Group> groups) {
        var counted = groups.stream().filter(group -> group.completed().stream().allMatch(RecordedAnswer::tokensAreCounted)).toList();
        if (!counted.isEmpty() && counted.size() < groups.size()) {
            notes.add(title + "tokens are counted by the server for " + labels(counted) + " alone, events are for the rest:"
                    + " tokens, TPOT and tokens/s are not alike");
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
            notes.add(title + "groups by " + grouping.by() + " hold different requests, which are not compared in pairs");
            return;
        }
        for (var group : section.groups()) {
            var most = Math.min(group.completed().size(), baseline.completed().size());
            var common = group.pairs().stream().filter(baseline.pairs()::contains).count();
            if (group != baseline && common < most) {
                notes.add(title + group.label() + " and " + baseline.label() + " have " + common + " prompts and repetitions in common"
                        + (group.against(baseline, Metric.TTFT).paired() ? ", their ratios are of these"
                                : ", too few to be compared in pairs"));
            }
        }
    }

    /** What the client adds is an error of the figures as soon as it is a tenth of them. */
    private void ownError(RecordedRun run) {
        var own = run.record().path("client_overhead");
        for (var measure : List.of(Metric.TTFT, Metric.ITL)) {
            var error = own.path(measure.word() + "_p50_ms").asDouble(0);
            var least = sections.stream().flatMap(section -> section.groups().stream())
                    .map(group -> group.quantile(measure, 0.5)).filter(Objects::nonNull).min(Double::compare).orElse(null);
            if (least != null && error * 10 > least) {
                notes.add(run.name() + ": the tool's own error of " + measure.name() + ", " + AnswerMetrics.millis(error * 1000)
                        + " ms, is more than a tenth of what was measured; use fewer streams at once");
            }
        }
    }
}
