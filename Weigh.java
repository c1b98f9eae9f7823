///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Put the requests of runs into groups and weigh these against each other, as JSON
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES Recount.java
//SOURCES Differ.java

// Weigh: puts the requests of recorded runs into groups, by model or by anything else, and weighs the groups against each
// other: figures of each group, differences between them, and what stands in the way of comparing them. Prints JSON.
//
// To run just:
//   jbang Weigh.java                          the newest run under results/
//   jbang Weigh.java results/A results/B      the same models in two runs
//
// Read it from the outside in: command line, grouping, a group and its figures, the comparison, and what charts are drawn
// from. Compare.java says the same to people, Report.java draws it.
//
// A figure of a group is made of completed requests alone. It can't tell why two groups differ; it names what it knows to
// be unlike in them.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.DecimalNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

/** The command that prints a comparison as JSON. */
@Command(name = "weigh", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        version = Prompts.VERSION,
        description = "Puts the requests of runs into groups and weighs these against each other, as JSON.")
public class Weigh implements Callable<Integer> {

    @Mixin
    Weighing weighing = new Weighing();

    private final PrintStream out;
    private final PrintStream err;

    Weigh(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 it is weighed, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Weigh(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("weigh: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        try {
            out.println(weighing.weigh(err).json().toPrettyString());
            return 0;
        } catch (IOException | IllegalArgumentException e) {
            err.println("weigh: " + e.getMessage());
            return 2;
        }
    }
}

/** What is weighed, and how; the options that Compare.java has too. */
final class Weighing {

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
        var definition = Definition.of(as == null ? "ours" : as);
        var problems = new Problems();
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
        var parts = sections.stream().map(section -> Part.of(section, against)).toList();
        var terms = new Comparison.Terms(grouping.names(), grouping.by(), definition, share,
                recorded.stream().anyMatch(run -> run.record().path("simulated").asBoolean(false)));
        var notes = new Doubts(grouping, sections, recorded, terms, against, untainted).notes();
        notes.addAll(problems.lines());
        return new Comparison(terms, parts, notes, new Comparison.Source(sections, recorded, events));
    }
}

/** What the groups are, what must be alike in groups that are held against each other, and what makes a pair. */
final class Grouping {

    private static final List<String> WORDS = List.of("model", "run", "prompt", "base_url", "shard");

    private final String by;
    private final Map<RecordedRun, String> runNames;
    private final boolean apart; // each model is in one run alone
    private final Map<RecordedRun, Map<String, JsonNode>> prompts = new HashMap<>();

    private Grouping(String by, Map<RecordedRun, String> runNames) {
        this.runNames = runNames;
        var models = new HashMap<String, Set<String>>();
        runNames.forEach((run, name) -> run.answers().forEach(answer ->
                models.computeIfAbsent(answer.model(), absent -> new HashSet<>()).add(name)));
        this.apart = models.values().stream().allMatch(names -> names.size() == 1);
        this.by = by != null ? by : apart ? "model" : "run";
    }

    /** Null means by run if they have models in common, else by model; throws IllegalArgumentException for the user. */
    static Grouping of(String by, List<RecordedRun> runs) {
        if (by != null && !WORDS.contains(by) && !by.matches("label:.+")) {
            throw new IllegalArgumentException("--by '" + by + "'; it takes one of " + String.join(", ", WORDS)
                    + ", label:COLUMN");
        }
        return new Grouping(by, names(runs));
    }

    /** Gives all shards of a plan the name of the first; the same shard once more begins another run. */
    private static Map<RecordedRun, String> names(List<RecordedRun> runs) {
        var first = new LinkedHashMap<String, RecordedRun>();
        var shards = new HashSet<String>();
        var names = new LinkedHashMap<RecordedRun, String>();
        var wholes = new LinkedHashMap<RecordedRun, RecordedRun>();
        for (var run : runs) {
            var round = 0;
            while (!shards.add(plan(run) + "\n" + round + "\n" + shard(run))) {
                round++;
            }
            wholes.put(run, first.computeIfAbsent(plan(run) + "\n" + round, absent -> run));
        }
        wholes.forEach((run, whole) -> names.put(run, first.values().stream()
                .filter(other -> other.folderName().equals(whole.folderName())).count() > 1
                ? whole.folder().toString() : whole.folderName()));
        return names;
    }

    /** What was to be run; the same for all shards of a plan. */
    private static String plan(RecordedRun run) {
        var words = run.record().path("arguments").valueStream().map(word -> word.asString("")).toList();
        return shard(run) == null ? run.folder().toAbsolutePath().normalize().toString()
                : String.join("\n", words).replaceAll("--shard[=\n][^\n]*\n?", "");
    }

    /** Returns which part of a plan it is, such as {@code 0/4}; null if it is the whole. */
    private static String shard(RecordedRun run) {
        var words = run.record().path("arguments").valueStream().map(word -> word.asString("")).toList();
        for (int i = 0; i < words.size(); i++) {
            if (words.get(i).startsWith("--shard=")) {
                return words.get(i).substring("--shard=".length());
            }
            if (words.get(i).equals("--shard") && i + 1 < words.size()) {
                return words.get(i + 1);
            }
        }
        return null;
    }

    String by() {
        return by;
    }

    /** Returns what the runs are called, in their order. */
    List<String> names() {
        return runNames.values().stream().distinct().toList();
    }

    /** Returns the group that the others are held against where nobody says; null for the fastest. */
    String baseline(List<RecordedRun> runs) {
        return by.equals("run") ? runNames.get(runs.getFirst()) : null;
    }

    private String group(RecordedRun run, Answered answer) {
        return switch (by) {
            case "model" -> answer.model();
            case "run" -> runNames.get(run);
            case "prompt" -> answer.promptId();
            case "base_url" -> answer.baseUrl();
            case "shard" -> Objects.requireNonNullElse(shard(run), "all");
            default -> prompt(run, answer).path("labels").path(by.substring("label:".length())).asString("(none)");
        };
    }

    /** Returns what run.json says of the prompt; a missing node if it says nothing. */
    private JsonNode prompt(RecordedRun run, Answered answer) {
        return prompts.computeIfAbsent(run, absent -> {
            var byId = new HashMap<String, JsonNode>();
            run.record().path("prompts").forEach(prompt -> byId.put(prompt.path("id").asString(""), prompt));
            return byId;
        }).getOrDefault(answer.promptId(), MissingNode.getInstance());
    }

    /** Only groups of one section are held against each other: other models are another question. */
    private String section(String model, String modelName) {
        return by.equals("model") ? "" : by.equals("base_url") ? modelName : model;
    }

    /** What a request has in common with its counterpart in another group; null if groups have no counterparts. */
    private String pair(RecordedRun run, Answered answer) {
        var asked = answer.promptId() + "\n" + answer.repetition();
        var ofTheSameText = prompt(run, answer).path("digest").asString("") + "\n" + asked;
        return switch (by) {
            case "model" -> apart ? ofTheSameText : runNames.get(run) + "\n" + asked;
            case "base_url" -> runNames.get(run) + "\n" + asked;
            case "run" -> ofTheSameText;
            default -> null;
        };
    }

    /** Whether groups have counterparts at all. */
    boolean isPaired() {
        return List.of("model", "base_url", "run").contains(by);
    }

    /** Puts the answers of the runs where they belong. */
    List<Section> sections(List<RecordedRun> runs, Definition definition, boolean untainted, Problems problems) {
        var sections = new LinkedHashMap<String, Section>();
        for (var run : runs) {
            for (var model : run.record().path("models")) { // in the order of the command line
                var label = model.path("label").asString("");
                var section = sections.computeIfAbsent(section(label, model.path("name").asString("")), Section::new);
                if (by.equals("model")) {
                    section.open(label, definition);
                }
            }
            var empty = true;
            for (var answer : run.answers()) {
                empty = false;
                sections.computeIfAbsent(section(answer.model(), answer.modelName()), Section::new)
                        .open(group(run, answer), definition)
                        .add(run, answer, pair(run, answer), untainted);
            }
            if (empty) {
                problems.add(run.folder() + ": no measured requests in it yet");
            }
        }
        sections.values().forEach(Section::close);
        sections.values().removeIf(section -> section.groups().isEmpty());
        return List.copyOf(sections.values());
    }
}

/** Groups that are held against each other. */
final class Section {

    private final String title;
    private final Map<String, Group> groups = new LinkedHashMap<>();

    Section(String title) {
        this.title = title;
    }

    /** Empty if there is no other section. */
    String title() {
        return title;
    }

    Group open(String label, Definition definition) {
        return groups.computeIfAbsent(label, absent -> new Group(label, definition));
    }

    /** Nobody was asked in an empty group. */
    void close() {
        groups.values().removeIf(group -> group.requests() == 0);
    }

    List<Group> groups() {
        return List.copyOf(groups.values());
    }

    /** Returns null if there is none. */
    Group group(String label) {
        return groups.get(label);
    }

    /** Returns the group with this label, else the one with the lowest median; null if there is none either. */
    Group baseline(Measure measure, String label) {
        return label != null && groups.containsKey(label) ? groups.get(label) : fastest(measure);
    }

    private Group fastest(Measure measure) {
        return groups.values().stream().filter(group -> group.quantile(measure, 0.5) != null)
                .min(Comparator.comparing(group -> group.quantile(measure, 0.5))).orElse(null);
    }
}

/** What the table says of a group; times are in milliseconds. */
enum Figure {
    N("n", "n", 0, null, group -> (double) group.requests()),
    FAILED("failed", "failed", 0, null, group -> (double) group.failed()),
    TTFT_P50("ttft_p50_ms", "p50", 1, Measure.TTFT, group -> group.quantile(Measure.TTFT, 0.5)),
    TTFT_P95("ttft_p95_ms", "p95", 1, Measure.TTFT, group -> group.quantile(Measure.TTFT, 0.95)),
    TTFT_P99("ttft_p99_ms", "p99", 1, Measure.TTFT, group -> group.quantile(Measure.TTFT, 0.99)),
    ITL_P50("itl_p50_ms", "p50", 2, Measure.ITL, group -> group.gaps(0.5)),
    ITL_P95("itl_p95_ms", "p95", 2, Measure.ITL, group -> group.gaps(0.95)),
    ITL_P99("itl_p99_ms", "p99", 2, Measure.ITL, group -> group.gaps(0.99)),
    TPOT_P50("tpot_p50_ms", "TPOT", 2, Measure.TPOT, group -> group.quantile(Measure.TPOT, 0.5)),
    TTLT_P50("ttlt_p50_ms", "TTLT", 1, Measure.TTLT, group -> group.quantile(Measure.TTLT, 0.5)),
    TOTAL_P50("total_p50_ms", "total", 1, Measure.TOTAL, group -> group.quantile(Measure.TOTAL, 0.5)),
    TOKENS_PER_S("tokens_per_s_p50", "tokens/s", 1, Measure.TOKENS_PER_S, group -> group.quantile(Measure.TOKENS_PER_S, 0.5)),
    OUTPUT_TOKENS("output_tokens_p50", "tokens", 0, Measure.OUTPUT_TOKENS, group -> group.quantile(Measure.OUTPUT_TOKENS, 0.5)),
    COALESCED("coalesced_share", "coalesced", 0, null, Group::coalescedShare);

    private final String word;
    private final String heading;
    private final int decimals;
    private final Measure measure;
    private final Function<Group, Double> of;

    Figure(String word, String heading, int decimals, Measure measure, Function<Group, Double> of) {
        this.word = word;
        this.heading = heading;
        this.decimals = decimals;
        this.measure = measure;
        this.of = of;
    }

    /** Its name in CSV, JSON and --fail-if. */
    String word() {
        return word;
    }

    String heading() {
        return heading;
    }

    /** Of what it is a quantile; null for counts and shares. */
    Measure measure() {
        return measure;
    }

    /** Returns null where the sample can't carry it. */
    Double of(Group group) {
        return of.apply(group);
    }

    /** Returns what a table shows; nothing for null. */
    String cell(Double value) {
        return value == null ? "" : this == COALESCED ? Math.round(value * 100) + " %"
                : rounded(value).setScale(decimals, RoundingMode.HALF_UP).toPlainString();
    }

    /** Returns it with the three decimals that were measured, counts with none. */
    BigDecimal rounded(double value) {
        return BigDecimal.valueOf(value).setScale(this == N || this == FAILED ? 0 : 3, RoundingMode.HALF_UP);
    }

    /** Both headings in one. */
    String title() {
        return measure == null ? heading : heading.startsWith("p") ? measure.name() + " " + heading + " ms"
                : heading + " " + family();
    }

    /** What stands above the headings of several columns together; empty where nothing does. */
    String family() {
        return measure == null ? "" : heading.startsWith("p") ? measure.name() + " ms" : word.endsWith("_ms") ? "p50 ms" : "p50";
    }
}

/** Requests that are taken together. */
final class Group {

    private final String label;
    private final Definition definition;
    private final Map<String, Answered> pairs = new HashMap<>();
    private final List<Answered> completed = new ArrayList<>();
    private final List<Answered> failed = new ArrayList<>();
    private final Map<RecordedRun, List<Answered>> byRun = new LinkedHashMap<>();
    private final Map<Measure, double[]> sorted = new EnumMap<>(Measure.class);
    private final Gaps gaps = new Gaps();
    private final Positions positions = new Positions();
    private int cancelled;
    private int tainted;
    private int leftOut;

    Group(String label, Definition definition) {
        this.label = label;
        this.definition = definition;
    }

    void add(RecordedRun run, Answered answer, String pair, boolean untainted) {
        if (answer.status().equals("cancelled")) {
            cancelled++; // by the user: the model is not to blame
        } else if (untainted && answer.tainted()) {
            leftOut++;
        } else if (!answer.completed()) {
            failed.add(answer);
        } else {
            completed.add(answer);
            byRun.computeIfAbsent(run, absent -> new ArrayList<>()).add(answer);
            tainted += answer.tainted() ? 1 : 0;
            if (pair != null) {
                pairs.put(pair, answer);
            }
        }
    }

    String label() {
        return label;
    }

    /** Those that count. */
    List<Answered> completed() {
        return completed;
    }

    List<Answered> failures() {
        return failed;
    }

    Map<RecordedRun, List<Answered>> byRun() {
        return byRun;
    }

    int requests() {
        return completed.size() + failed.size();
    }

    int failed() {
        return failed.size();
    }

    int cancelled() {
        return cancelled;
    }

    /** Number of attempts beyond the first of each request. */
    int retries() {
        return java.util.stream.Stream.concat(completed.stream(), failed.stream()).mapToInt(answer -> answer.attempt() - 1).sum();
    }

    /** Number of completed requests whose answer was reasoning and no visible text. */
    long reasoningAlone() {
        return completed.stream().filter(Answered::isReasoningAlone).count();
    }

    /** Returns the one model that its server says it served, with the server; null if there are several, or none. */
    String servedModel() {
        var served = completed.stream().map(answer -> answer.reportedModel().isEmpty() ? ""
                : answer.reportedModel() + " at " + answer.baseUrl()).distinct().toList();
        return served.size() == 1 && !served.getFirst().isEmpty() ? served.getFirst() : null;
    }

    int tainted() {
        return tainted;
    }

    int leftOut() {
        return leftOut;
    }

    /** Adds the time between a token of a completed request and the one before. */
    void addGap(int token, long micros) {
        gaps.add(micros);
        positions.add(token, micros);
    }

    Positions positions() {
        return positions;
    }

    /** Returns what each request is called that may have a counterpart in another group. */
    Set<String> pairs() {
        return pairs.keySet();
    }

    /** Returns null if there is none. */
    Answered counterpart(String pair) {
        return pairs.get(pair);
    }

    /** Returns what is known of a measure, in ascending order; only after the events have gone by. */
    double[] values(Measure measure) {
        return sorted.computeIfAbsent(measure, absent -> completed.stream().filter(answer -> answer.knows(measure))
                .mapToDouble(answer -> answer.get(measure)).sorted().toArray());
    }

    /** Returns null if the sample can't carry it. */
    Double quantile(Measure measure, double fraction) {
        if (definition == Definition.GUIDELLM && (measure == Measure.TPOT || measure == Measure.ITL)) {
            return weighted(measure, fraction);
        }
        return Figures.quantile(values(measure).clone(), fraction); // which moves values
    }

    /** Returns the first value up to which the requests weigh so much of the whole. */
    private Double weighted(Measure measure, double fraction) {
        var known = completed.stream().filter(answer -> answer.knows(measure))
                .sorted(Comparator.comparingDouble(answer -> answer.get(measure))).toList();
        if (Figures.quantile(values(measure).clone(), fraction) == null) {
            return null;
        }
        var whole = known.stream().mapToDouble(answer -> definition.weight(measure, answer)).sum();
        var below = 0.0;
        for (var answer : known) {
            below += definition.weight(measure, answer);
            if (below >= fraction * whole) {
                return answer.get(measure);
            }
        }
        return null;
    }

    /** Returns the quantile of all gaps, or of the requests' means where a tool knows no gaps. */
    Double gaps(double fraction) {
        return definition.hasGaps() ? gaps.quantileMillis(fraction) : quantile(Measure.ITL, fraction);
    }

    /** Returns how many of the tokens came in the same socket read as the one before; null if it is not known. */
    Double coalescedShare() {
        var tokens = sum(Measure.CONTENT_EVENTS);
        return tokens == 0 ? null : sum(Measure.COALESCED_EVENTS) / tokens;
    }

    private double sum(Measure measure) {
        return Arrays.stream(values(measure)).sum();
    }

    /** Returns how many of the requests had part of their prompt in the server's cache. */
    long cacheHits() {
        return Arrays.stream(values(Measure.CACHED_TOKENS)).filter(tokens -> tokens > 0).count();
    }

    /** Holds a measure against that of another group, in pairs where at least half of the requests have a counterpart. */
    Difference against(Group baseline, Measure measure) {
        var both = pairs.keySet().stream().filter(pair -> baseline.pairs.containsKey(pair) && pairs.get(pair).knows(measure)
                && baseline.pairs.get(pair).knows(measure)).sorted().toList();
        if (both.size() * 2 < Math.min(values(measure).length, baseline.values(measure).length)) {
            return Difference.between(values(measure), baseline.values(measure), false);
        }
        ToDoubleFunction<Answered> value = answer -> answer.get(measure);
        return Difference.between(both.stream().map(pairs::get).mapToDouble(value).toArray(),
                both.stream().map(baseline.pairs::get).mapToDouble(value).toArray(), true);
    }
}

/** Takes up what the events of all runs add to the groups, and keeps those of the streams that race each other. */
final class EventCollector implements RecordedRun.Audience {

    private static final int MOST_LANES = 6;
    private static final int LONGEST_RACE_TOKENS = 2_000;

    /** A piece of text, and when it came. */
    record Piece(long elapsedMicros, String text) { }

    private final Map<Answered, Group> groups = new IdentityHashMap<>();
    private final Map<Section, Map<Group, Answered>> races = new LinkedHashMap<>();
    private final Map<Answered, List<Piece>> pieces = new IdentityHashMap<>();
    private Answered last;
    private Group groupOfLast;

    EventCollector(List<Section> sections) {
        for (var section : sections) {
            section.groups().forEach(group -> group.completed().forEach(answer -> groups.put(answer, group)));
            races.put(section, race(section));
            races.get(section).values().forEach(answer -> pieces.put(answer, new ArrayList<>()));
        }
    }

    /** The pair that most groups have, and of these the one with the longest answers. */
    private static Map<Group, Answered> race(Section section) {
        var lanes = section.groups().stream().limit(MOST_LANES).toList();
        var longest = Map.<Group, Answered>of();
        for (var pair : lanes.stream().flatMap(group -> group.pairs().stream()).distinct().sorted().toList()) {
            var race = new LinkedHashMap<Group, Answered>();
            lanes.stream().filter(group -> group.counterpart(pair) != null)
                    .forEach(group -> race.put(group, group.counterpart(pair)));
            if (race.values().stream().allMatch(answer -> answer.get(Measure.CONTENT_EVENTS) <= LONGEST_RACE_TOKENS)
                    && (race.size() > longest.size() || race.size() == longest.size() && tokens(race) > tokens(longest))) {
                longest = race;
            }
        }
        return longest;
    }

    private static double tokens(Map<Group, Answered> race) {
        return race.values().stream().mapToDouble(answer -> answer.get(Measure.CONTENT_EVENTS)).sum();
    }

    @Override
    public void event(Answered answer, EventKind kind, long elapsedMicros, String text) {
        var kept = kind == EventKind.CONTENT ? pieces.get(answer) : null;
        if (kept != null) {
            kept.add(new Piece(elapsedMicros, text));
        }
    }

    @Override
    public void gap(Answered answer, int token, long micros) {
        if (answer != last) {
            last = answer;
            groupOfLast = groups.get(answer);
        }
        if (groupOfLast != null) {
            groupOfLast.addGap(token, micros);
        }
    }

    /** Returns the streams of a section that race each other, those of one prompt and repetition. */
    Map<Group, Answered> raceOf(Section section) {
        return races.get(section);
    }

    /** Returns the text of a stream that races. */
    List<Piece> pieces(Answered answer) {
        return pieces.get(answer);
    }
}

/**
 * A measure of a group, held against another group.
 *
 * @param baseline label of the other group
 */
record Against(String baseline, Difference difference) { }

/**
 * What is said of a group.
 *
 * @param figures those that the sample can carry
 * @param against what was held against another group; not there for the group that others are held against
 */
record Line(String label, Map<Figure, Double> figures, Map<Measure, Against> against) {

    int completed() {
        return (int) (figures.get(Figure.N) - figures.get(Figure.FAILED));
    }
}

/**
 * Groups that were held against each other.
 *
 * @param title what they have in common; empty if there is no other part
 */
record Part(String title, List<Line> lines) {

    /** What is compared, in this order. */
    static final List<Measure> COMPARED =
            List.of(Measure.TTFT, Measure.ITL, Measure.TPOT, Measure.TTLT, Measure.TOTAL);

    /** Holds all groups against the named one, or where that is null or missing against the fastest in each measure. */
    static Part of(Section section, String baseline) {
        var against = new HashMap<Group, Map<Measure, Against>>();
        section.groups().forEach(group -> against.put(group, new EnumMap<>(Measure.class)));
        for (var measure : COMPARED) {
            var other = section.baseline(measure, baseline);
            if (other == null || other.values(measure).length == 0) {
                continue;
            }
            var groups = section.groups().stream().filter(group -> group != other && group.values(measure).length > 0).toList();
            var differences = Difference.corrected(groups.parallelStream().map(group -> group.against(other, measure))
                    .toList());
            for (int i = 0; i < groups.size(); i++) {
                against.get(groups.get(i)).put(measure, new Against(other.label(), differences.get(i)));
            }
        }
        return new Part(section.title(), section.groups().stream()
                .map(group -> new Line(group.label(), figures(group), against.get(group))).toList());
    }

    private static Map<Figure, Double> figures(Group group) {
        var figures = new EnumMap<Figure, Double>(Figure.class);
        for (var figure : Figure.values()) {
            var value = figure.of(group);
            if (value != null) {
                figures.put(figure, value);
            }
        }
        return figures;
    }

    /** Returns null if there is none of this label. */
    Line line(String label) {
        return lines.stream().filter(line -> line.label().equals(label)).findFirst().orElse(null);
    }

    /** Returns the label of the group that this measure of the others was held against; null if there is none. */
    String baseline(Measure measure) {
        return lines.stream().map(line -> line.against().get(measure)).filter(Objects::nonNull)
                .map(Against::baseline).findFirst().orElse(null);
    }

    /** Says who is faster in one sentence without its full stop; null if there is nothing to say. */
    String sentence(double margin) {
        var first = new Clause(this, Measure.TTFT, margin);
        var last = new Clause(this, Measure.TTLT, margin);
        var nothing = lines.stream().filter(line -> line.completed() == 0).map(Line::label).toList();
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
    private static final class Clause {
        private static final int MOST_NAMES = 4;

        private final String baseline;
        private final double margin;
        private final Map<Verdict, List<Line>> verdicts = new EnumMap<>(Verdict.class);
        private final Measure measure;

        Clause(Part part, Measure measure, double margin) {
            this.baseline = part.baseline(measure);
            this.measure = measure;
            this.margin = margin;
            part.lines.stream().filter(line -> line.against().containsKey(measure)).forEach(line ->
                    verdicts.computeIfAbsent(difference(line).verdict(margin), absent -> new ArrayList<>()).add(line));
        }

        private Difference difference(Line line) {
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

        private String ratios(List<Line> lines, String than) {
            var ratios = lines.stream().map(line -> difference(line).ratio()).sorted().toList();
            if (lines.size() > MOST_NAMES) {
                return String.format(Locale.ROOT, "%d others take %.2fx to %.2fx as long", lines.size(), ratios.getFirst(),
                        ratios.getLast()) + than;
            }
            var words = lines.stream().map(line -> String.format(Locale.ROOT, line == lines.getFirst()
                    ? "%s takes %.2fx as long" + than : "%s %.2fx", line.label(), difference(line).ratio())).toList();
            return String.join(", ", words);
        }

        private static String names(List<Line> lines, String one, String several) {
            return lines.size() == 1 ? lines.getFirst().label() + one : (lines.size() > MOST_NAMES ? lines.size() + " others"
                    : lines.stream().map(Line::label).collect(Collectors.joining(" and "))) + several;
        }
    }
}

/**
 * What came of it.
 *
 * @param notes  what stands in the way of comparing; a line each
 * @param source null if it was read back from a table
 */
record Comparison(Terms terms, List<Part> parts, List<String> notes, Source source) {

    /** What was compared, section by section as in the parts. */
    record Source(List<Section> sections, List<RecordedRun> runs, EventCollector events) { }

    /**
     * How it was compared.
     *
     * @param runs   what the runs are called
     * @param by     what the groups are
     * @param margin share that may be called the same
     */
    record Terms(List<String> runs, String by, Definition definition, double margin, boolean simulated) { }

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
                    .map(Line::label).distinct().collect(Collectors.joining(", ")) + ".";
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

    private void put(ObjectNode group, Line line) {
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
final class Doubts {

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

    Doubts(Grouping grouping, List<Section> sections, List<RecordedRun> runs, Comparison.Terms terms, String against,
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
        if (terms.definition() != Definition.OURS) {
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
            notes.add(name + "the stream was buffered on its way, " + Figure.COALESCED.cell(share)
                    + " of its tokens came together with the one before; its ITL is that of the buffer");
        }
    }

    private static String shortened(String message) {
        var text = message.replaceAll("\\R", " ");
        return text.length() <= 100 ? text : text.substring(0, 97) + "...";
    }

    private void lengths(String title, List<Group> groups) {
        var known = groups.stream().filter(group -> group.quantile(Measure.OUTPUT_TOKENS, 0.5) != null)
                .sorted(Comparator.comparing(group -> group.quantile(Measure.OUTPUT_TOKENS, 0.5))).toList();
        if (known.size() < 2) {
            return;
        }
        var shortest = known.getFirst().quantile(Measure.OUTPUT_TOKENS, 0.5);
        var longest = known.getLast().quantile(Measure.OUTPUT_TOKENS, 0.5);
        if (longest > shortest * LENGTHS_DIFFER) {
            notes.add(title + "answers differ in length, from " + Figure.OUTPUT_TOKENS.cell(shortest) + " tokens ("
                    + known.getFirst().label() + ") to " + Figure.OUTPUT_TOKENS.cell(longest) + " (" + known.getLast().label()
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
        var hits = groups.stream().map(group -> group.label() + " " + (group.values(Measure.CACHED_TOKENS).length == 0
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
        var counted = groups.stream().filter(group -> group.completed().stream().allMatch(Answered::tokensAreCounted)).toList();
        if (!counted.isEmpty() && counted.size() < groups.size()) {
            notes.add(title + "tokens are counted by the server for " + labels(counted) + " alone, events are for the rest:"
                    + " tokens, TPOT and tokens/s are not alike");
        }
    }

    private static String labels(List<Group> groups) {
        return groups.stream().map(Group::label).collect(Collectors.joining(", "));
    }

    private void pairs(String title, Section section) {
        var baseline = section.baseline(Measure.TTFT, against);
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
                        + (group.against(baseline, Measure.TTFT).paired() ? ", their ratios are of these"
                                : ", too few to be compared in pairs"));
            }
        }
    }

    /** What the client adds is an error of the figures as soon as it is a tenth of them. */
    private void ownError(RecordedRun run) {
        var own = run.record().path("client_overhead");
        for (var measure : List.of(Measure.TTFT, Measure.ITL)) {
            var error = own.path(measure.word() + "_p50_ms").asDouble(0);
            var least = sections.stream().flatMap(section -> section.groups().stream())
                    .map(group -> group.quantile(measure, 0.5)).filter(Objects::nonNull).min(Double::compare).orElse(null);
            if (least != null && error * 10 > least) {
                notes.add(run.name() + ": the tool's own error of " + measure.name() + ", " + Figures.millis(error * 1000)
                        + " ms, is more than a tenth of what was measured; use fewer streams at once");
            }
        }
    }
}
