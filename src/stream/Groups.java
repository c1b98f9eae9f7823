//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Events.java
//SOURCES Metrics.java
//SOURCES RecordedRun.java
//SOURCES Statistics.java

// Groups

package stream;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/** What the table says of a group; times are in milliseconds. */
enum Aggregate {
    N("n", "n", 0, null, group -> (double) group.requests()),
    FAILED("failed", "failed", 0, null, group -> (double) group.failed()),
    TTFT_P50("ttft_p50_ms", "p50", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.5)),
    TTFT_P95("ttft_p95_ms", "p95", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.95)),
    TTFT_P99("ttft_p99_ms", "p99", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.99)),
    ITL_P50("itl_p50_ms", "p50", 2, Metric.ITL, group -> group.gaps(0.5)),
    ITL_P95("itl_p95_ms", "p95", 2, Metric.ITL, group -> group.gaps(0.95)),
    ITL_P99("itl_p99_ms", "p99", 2, Metric.ITL, group -> group.gaps(0.99)),
    TPOT_P50("tpot_p50_ms", "TPOT", 2, Metric.TPOT, group -> group.quantile(Metric.TPOT, 0.5)),
    TTLT_P50("ttlt_p50_ms", "TTLT", 1, Metric.TTLT, group -> group.quantile(Metric.TTLT, 0.5)),
    TOTAL_P50("total_p50_ms", "total", 1, Metric.TOTAL, group -> group.quantile(Metric.TOTAL, 0.5)),
    TOKENS_PER_S("tokens_per_s_p50", "tokens/s", 1, Metric.TOKENS_PER_S, group -> group.quantile(Metric.TOKENS_PER_S, 0.5)),
    OUTPUT_TOKENS("output_tokens_p50", "tokens", 0, Metric.OUTPUT_TOKENS, group -> group.quantile(Metric.OUTPUT_TOKENS, 0.5)),
    COALESCED("coalesced_share", "coalesced", 0, null, Group::coalescedShare);

    private final String word;
    private final String heading;
    private final int decimals;
    private final Metric measure;
    private final Function<Group, Double> of;

    Aggregate(String word, String heading, int decimals, Metric measure, Function<Group, Double> of) {
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
    Metric measure() {
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

    private String group(RecordedRun run, RecordedAnswer answer) {
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
    private JsonNode prompt(RecordedRun run, RecordedAnswer answer) {
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
    private String pair(RecordedRun run, RecordedAnswer answer) {
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
    List<Section> sections(List<RecordedRun> runs, MetricDefinition definition, boolean untainted, ReadProblems problems) {
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

    Group open(String label, MetricDefinition definition) {
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
    Group baseline(Metric measure, String label) {
        return label != null && groups.containsKey(label) ? groups.get(label) : fastest(measure);
    }

    private Group fastest(Metric measure) {
        return groups.values().stream().filter(group -> group.quantile(measure, 0.5) != null)
                .min(Comparator.comparing(group -> group.quantile(measure, 0.5))).orElse(null);
    }
}

/** Requests that are taken together. */
final class Group {

    private final String label;
    private final MetricDefinition definition;
    private final Map<String, RecordedAnswer> pairs = new HashMap<>();
    private final List<RecordedAnswer> completed = new ArrayList<>();
    private final List<RecordedAnswer> failed = new ArrayList<>();
    private final Map<RecordedRun, List<RecordedAnswer>> byRun = new LinkedHashMap<>();
    private final Map<Metric, double[]> sorted = new EnumMap<>(Metric.class);
    private final GapHistogram gaps = new GapHistogram();
    private final GapPositions positions = new GapPositions();
    private int cancelled;
    private int tainted;
    private int leftOut;

    Group(String label, MetricDefinition definition) {
        this.label = label;
        this.definition = definition;
    }

    void add(RecordedRun run, RecordedAnswer answer, String pair, boolean untainted) {
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
    List<RecordedAnswer> completed() {
        return completed;
    }

    List<RecordedAnswer> failures() {
        return failed;
    }

    Map<RecordedRun, List<RecordedAnswer>> byRun() {
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
        return completed.stream().filter(RecordedAnswer::isReasoningAlone).count();
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

    GapPositions positions() {
        return positions;
    }

    /** Returns what each request is called that may have a counterpart in another group. */
    Set<String> pairs() {
        return pairs.keySet();
    }

    /** Returns null if there is none. */
    RecordedAnswer counterpart(String pair) {
        return pairs.get(pair);
    }

    /** Returns what is known of a measure, in ascending order; only after the events have gone by. */
    double[] values(Metric measure) {
        return sorted.computeIfAbsent(measure, absent -> completed.stream().filter(answer -> answer.knows(measure))
                .mapToDouble(answer -> answer.get(measure)).sorted().toArray());
    }

    /** Returns null if the sample can't carry it. */
    Double quantile(Metric measure, double fraction) {
        if (definition == MetricDefinition.GUIDELLM && (measure == Metric.TPOT || measure == Metric.ITL)) {
            return weighted(measure, fraction);
        }
        return AnswerMetrics.quantile(values(measure).clone(), fraction); // which moves values
    }

    /** Returns the first value up to which the requests weigh so much of the whole. */
    private Double weighted(Metric measure, double fraction) {
        var known = completed.stream().filter(answer -> answer.knows(measure))
                .sorted(Comparator.comparingDouble(answer -> answer.get(measure))).toList();
        if (AnswerMetrics.quantile(values(measure).clone(), fraction) == null) {
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
        return definition.hasGaps() ? gaps.quantileMillis(fraction) : quantile(Metric.ITL, fraction);
    }

    /** Returns how many of the tokens came in the same socket read as the one before; null if it is not known. */
    Double coalescedShare() {
        var tokens = sum(Metric.CONTENT_EVENTS);
        return tokens == 0 ? null : sum(Metric.COALESCED_EVENTS) / tokens;
    }

    private double sum(Metric measure) {
        return Arrays.stream(values(measure)).sum();
    }

    /** Returns how many of the requests had part of their prompt in the server's cache. */
    long cacheHits() {
        return Arrays.stream(values(Metric.CACHED_TOKENS)).filter(tokens -> tokens > 0).count();
    }

    /** Holds a measure against that of another group, in pairs where at least half of the requests have a counterpart. */
    Difference against(Group baseline, Metric measure) {
        var both = pairs.keySet().stream().filter(pair -> baseline.pairs.containsKey(pair) && pairs.get(pair).knows(measure)
                && baseline.pairs.get(pair).knows(measure)).sorted().toList();
        if (both.size() * 2 < Math.min(values(measure).length, baseline.values(measure).length)) {
            return Difference.between(values(measure), baseline.values(measure), false);
        }
        ToDoubleFunction<RecordedAnswer> value = answer -> answer.get(measure);
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

    private final Map<RecordedAnswer, Group> groups = new IdentityHashMap<>();
    private final Map<Section, Map<Group, RecordedAnswer>> races = new LinkedHashMap<>();
    private final Map<RecordedAnswer, List<Piece>> pieces = new IdentityHashMap<>();
    private RecordedAnswer last;
    private Group groupOfLast;

    EventCollector(List<Section> sections) {
        for (var section : sections) {
            section.groups().forEach(group -> group.completed().forEach(answer -> groups.put(answer, group)));
            races.put(section, race(section));
            races.get(section).values().forEach(answer -> pieces.put(answer, new ArrayList<>()));
        }
    }

    /** The pair that most groups have, and of these the one with the longest answers. */
    private static Map<Group, RecordedAnswer> race(Section section) {
        var lanes = section.groups().stream().limit(MOST_LANES).toList();
        var longest = Map.<Group, RecordedAnswer>of();
        for (var pair : lanes.stream().flatMap(group -> group.pairs().stream()).distinct().sorted().toList()) {
            var race = new LinkedHashMap<Group, RecordedAnswer>();
            lanes.stream().filter(group -> group.counterpart(pair) != null)
                    .forEach(group -> race.put(group, group.counterpart(pair)));
            if (race.values().stream().allMatch(answer -> answer.get(Metric.CONTENT_EVENTS) <= LONGEST_RACE_TOKENS)
                    && (race.size() > longest.size() || race.size() == longest.size() && tokens(race) > tokens(longest))) {
                longest = race;
            }
        }
        return longest;
    }

    private static double tokens(Map<Group, RecordedAnswer> race) {
        return race.values().stream().mapToDouble(answer -> answer.get(Metric.CONTENT_EVENTS)).sum();
    }

    @Override
    public void event(RecordedAnswer answer, EventKind kind, long elapsedMicros, String text) {
        var kept = kind == EventKind.CONTENT ? pieces.get(answer) : null;
        if (kept != null) {
            kept.add(new Piece(elapsedMicros, text));
        }
    }

    @Override
    public void gap(RecordedAnswer answer, int token, long micros) {
        if (answer != last) {
            last = answer;
            groupOfLast = groups.get(answer);
        }
        if (groupOfLast != null) {
            groupOfLast.addGap(token, micros);
        }
    }

    /** Returns the streams of a section that race each other, those of one prompt and repetition. */
    Map<Group, RecordedAnswer> raceOf(Section section) {
        return races.get(section);
    }

    /** Returns the text of a stream that races. */
    List<Piece> pieces(RecordedAnswer answer) {
        return pieces.get(answer);
    }
}
