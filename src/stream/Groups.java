//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Events.java
//SOURCES Metrics.java
//SOURCES RunFiles.java
//SOURCES RecordedRun.java
//SOURCES NamedRuns.java
//SOURCES Statistics.java

// Groups: the requests of several runs, put into groups that can be compared.

package stream;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.time.Instant;
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
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** A number of a group, as tables, CSV, JSON and --fail-if have it. Times are in milliseconds. */
enum Aggregate {
    N("n", "n", 0, null, group -> (double) group.requests()),
    FAILED("failed", "failed", 0, null, group -> (double) group.failed()),
    TTFT_P50("ttft_p50_ms", "p50", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.5)),
    TTFT_P95("ttft_p95_ms", "p95", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.95)),
    TTFT_P99("ttft_p99_ms", "p99", 1, Metric.TTFT, group -> group.quantile(Metric.TTFT, 0.99)),
    ITL_P50("itl_p50_ms", "p50", 2, Metric.ITL, group -> group.itl(Metric.ITL, 0.5)),
    ITL_P95("itl_p95_ms", "p95", 2, Metric.ITL, group -> group.itl(Metric.ITL_P95, 0.95)),
    ITL_P99("itl_p99_ms", "p99 all", 2, Metric.ITL, group -> group.gaps(0.99)),
    TPOT_P50("tpot_p50_ms", "TPOT", 2, Metric.TPOT, group -> group.quantile(Metric.TPOT, 0.5)),
    TTLT_P50("ttlt_p50_ms", "TTLT", 1, Metric.TTLT, group -> group.quantile(Metric.TTLT, 0.5)),
    TOTAL_P50("total_p50_ms", "total", 1, Metric.TOTAL, group -> group.quantile(Metric.TOTAL, 0.5)),
    FIRST_100_CHARS("first_100_chars_p50_ms", "100 chars", 1, Metric.FIRST_100_CHARS,
            group -> group.quantile(Metric.FIRST_100_CHARS, 0.5)),
    TOKENS_PER_S("tokens_per_s_p50", "tokens/s", 1, Metric.TOKENS_PER_S, group -> group.quantile(Metric.TOKENS_PER_S, 0.5)),
    CHARS_PER_S("chars_per_s_p50", "chars/s", 0, Metric.CHARS_PER_S, group -> group.quantile(Metric.CHARS_PER_S, 0.5)),
    OUTPUT_TOKENS("output_tokens_p50", "tokens", 0, Metric.OUTPUT_TOKENS, group -> group.quantile(Metric.OUTPUT_TOKENS, 0.5)),
    COALESCED("coalesced_share", "coalesced", 0, null, Group::coalescedShare),
    TOKENS_PER_EVENT("tokens_per_event_p50", "tokens/event", 2, Metric.TOKENS_PER_EVENT, Group::tokensPerEvent),
    TTFT_ANY_P50("ttft_any_p50_ms", "TTFT any", 1, Metric.TTFT_ANY, group -> group.quantile(Metric.TTFT_ANY, 0.5)),
    ITL_ANY_P50("itl_any_p50_ms", "ITL any", 2, Metric.ITL_ANY, group -> group.quantile(Metric.ITL_ANY, 0.5)),
    TTFT_NET_P50("ttft_net_p50_ms", "TTFT net", 1, Metric.TTFT_NET, group -> group.quantile(Metric.TTFT_NET, 0.5)),
    RETRIES("retries", "retries", 0, null, group -> (double) group.retries()),
    REQUESTS_PER_S("requests_per_s", "requests/s", 2, null, Group::requestsPerSecond),
    THROUGHPUT("throughput_tokens_per_s", "all tokens/s", 1, null, Group::tokensPerSecond),
    COST("cost_per_answer", "cost/answer", 0, null, group -> group.cost(1)),
    COST_OF_1000("cost_per_1000_answers", "cost/1000", 0, null, group -> group.cost(1000)),
    TTST_P50("ttst_p50_ms", "TTST", 2, Metric.TTST, group -> group.quantile(Metric.TTST, 0.5)),
    ICL_P50("icl_p50_ms", "ICL p50 ms", 2, null, group -> group.interChunkLatency(0.5));

    private final String word;
    private final String heading;
    private final int decimals;
    private final Metric metric;
    private final Function<Group, Double> of;

    Aggregate(String word, String heading, int decimals, Metric metric, Function<Group, Double> of) {
        this.word = word;
        this.heading = heading;
        this.decimals = decimals;
        this.metric = metric;
        this.of = of;
    }

    /** Returns its name in CSV, JSON and --fail-if. */
    String word() {
        return word;
    }

    String heading() {
        return heading;
    }

    /** Returns the aggregate that is the median of a metric; null for a metric without such a column. */
    static Aggregate medianOf(Metric metric) {
        return Arrays.stream(values()).filter(aggregate -> aggregate.metric == metric).findFirst().orElse(null);
    }

    /** Returns the metric of which it is a quantile; null for counts and shares. */
    Metric metric() {
        return metric;
    }

    /** Returns null if there are too few requests. */
    Double of(Group group) {
        return of.apply(group);
    }

    /** Returns what a table shows, without the currency of a cost; empty for null. */
    String cell(Double value) {
        return value == null ? "" : value.isInfinite() ? "never" : this == COALESCED ? Math.round(value * 100) + " %"
                : isCost() ? Price.shown(BigDecimal.valueOf(value)) : rounded(value).setScale(decimals, RoundingMode.HALF_UP).toPlainString();
    }

    /**
     * Returns it with the three decimals that were measured, counts with none, a cost with six significant digits; null if it is
     * infinite.
     */
    BigDecimal rounded(double value) {
        return Double.isInfinite(value) ? null : isCost() ? new BigDecimal(Price.plain(BigDecimal.valueOf(value).round(new MathContext(6))))
                : BigDecimal.valueOf(value).setScale(this == N || this == FAILED || this == RETRIES ? 0 : 3, RoundingMode.HALF_UP);
    }

    /** Returns how many requests it needs. */
    int leastRequests() {
        return word.contains("_p99") ? Metrics.leastValues(0.99) : word.contains("_p95") ? Metrics.leastValues(0.95) : 1;
    }

    /** Whether it is an amount of the currency of the group. */
    boolean isCost() {
        return this == COST || this == COST_OF_1000;
    }

    /** Returns both headings in one. */
    String title() {
        return metric == null ? heading : heading.startsWith("p") ? metric.name() + " " + heading + " ms"
                : heading + " " + family();
    }

    /** Returns the heading above those of several columns, or an empty text. */
    String family() {
        return metric == null ? "" : heading.startsWith("p") ? metric.name() + " ms" : word.endsWith("_ms") ? "p50 ms" : "p50";
    }
}

/** What the groups are, what must be alike in groups that are compared, and what makes a pair. */
final class Grouping {

    private static final RunManifest.PromptEntry NO_PROMPT = new RunManifest.PromptEntry("", "", "", Map.of());
    private static final List<String> WORDS = List.of("model", "run", "prompt", "base_url", "shard", "machine");
    private static final List<String> PAIRED = List.of("model", "base_url", "run", "prompt");

    private final String by;
    private final Map<RecordedRun, String> runNames;
    private final Map<RecordedRun, RecordedRun> wholes;
    private final boolean modelsAreApart; // whether each model is in one run only
    private final Map<RecordedRun, Map<String, RunManifest.PromptEntry>> prompts = new HashMap<>();

    private Grouping(String by, Map<RecordedRun, String> runNames, Map<RecordedRun, RecordedRun> wholes) {
        this.runNames = runNames;
        this.wholes = wholes;
        var models = new HashMap<String, Set<String>>();
        runNames.forEach((run, name) -> run.answers().forEach(answer ->
                models.computeIfAbsent(answer.model(), absent -> new HashSet<>()).add(name)));
        this.modelsAreApart = models.values().stream().allMatch(names -> names.size() == 1);
        this.by = by != null ? by : modelsAreApart ? "model" : "run";
    }

    /**
     * Null means by run if they have models in common, else by model.
     *
     * @param sides labels of runs that are taken together; empty if each is on its own
     */
    static Grouping of(String by, NamedRuns named, Map<String, List<Path>> sides) {
        var names = names(named);
        sides.forEach((side, paths) -> names.replaceAll((run, name) ->
                paths.stream().anyMatch(path -> isOf(run, path)) ? side : name));
        return new Grouping(by, names, named.wholes());
    }

    private static boolean isOf(RecordedRun run, Path path) {
        var folder = run.path().toAbsolutePath().normalize();
        var named = path.toAbsolutePath().normalize();
        return folder.equals(named) || named.equals(folder.getParent()) || folder.equals(named.getParent());
    }

    /** Throws UserError if there are no such groups; null is the default. */
    static void check(String by) {
        if (by != null && !WORDS.contains(by) && !by.matches("label:.+")) {
            throw new UserError("--by '" + by + "'; must be one of " + String.join(", ", WORDS)
                    + ", label:COLUMN");
        }
    }

    /** Gives all parts of a plan the name of the first. */
    private static Map<RecordedRun, String> names(NamedRuns named) {
        var wholes = new HashSet<>(named.wholes().values());
        var names = new LinkedHashMap<RecordedRun, String>();
        for (var run : named.runs()) {
            var whole = named.wholes().get(run);
            names.put(run, wholes.stream().filter(other -> other.title().equals(whole.title())).count() > 1
                    ? whole.path().toString() : whole.title());
        }
        return names;
    }

    String by() {
        return by;
    }

    /** Returns the names of the runs, in their order, those of a plan in shards with their number. */
    List<String> runs() {
        var shards = runNames.keySet().stream().filter(run -> run.manifest().shard() != null)
                .collect(Collectors.groupingBy(runNames::get, Collectors.counting()));
        return runNames.values().stream().distinct().map(name -> shards.containsKey(name) ? name + " (" + Count.of(shards.get(name), "shard") + ")"
                : name).toList();
    }

    /** Returns the group that the others are compared with if the user does not say; null for the fastest. */
    String baseline(List<RecordedRun> runs) {
        return by.equals("run") ? runNames.get(runs.getFirst()) : null;
    }

    private String group(RecordedRun run, RecordedAnswer answer) {
        return switch (by) {
            case "model" -> answer.model();
            case "run" -> runNames.get(run);
            case "prompt" -> answer.model();
            case "base_url" -> answer.baseUrl().isEmpty() ? "(unknown)" : answer.baseUrl();
            case "shard" -> run.manifest().shard() == null ? "all" : run.manifest().shard().shard().word();
            case "machine" -> run.machine();
            default -> prompt(run, answer).labels().getOrDefault(by.substring("label:".length()), "(none)");
        };
    }

    /** Returns what run.json tells about the prompt; an entry without content if it tells nothing. */
    private RunManifest.PromptEntry prompt(RecordedRun run, RecordedAnswer answer) {
        return prompts.computeIfAbsent(run, absent -> run.manifest().prompts().stream()
                .collect(Collectors.toMap(RunManifest.PromptEntry::id, prompt -> prompt, (first, second) -> first)))
                .getOrDefault(answer.promptId(), NO_PROMPT);
    }

    /** Only groups of one section are compared with each other: other models, or other prompts, are another question. */
    private String section(String model, String modelName, String prompt) {
        return switch (by) {
            case "model" -> "";
            case "base_url" -> modelName;
            case "prompt" -> prompt;
            default -> model;
        };
    }

    /** Returns what a request shares with its counterpart in another group; null if there are no counterparts. */
    private String pair(RecordedRun run, RecordedAnswer answer) {
        if (!run.knowsPrompts()) {
            return null;
        }
        var asked = answer.promptId() + "\n" + answer.repetition();
        var ofTheSameText = prompt(run, answer).digest() + "\n" + asked;
        return switch (by) {
            case "model" -> modelsAreApart ? ofTheSameText : runNames.get(run) + "\n" + asked;
            case "base_url", "prompt" -> runNames.get(run) + "\n" + asked;
            case "run" -> ofTheSameText;
            default -> null;
        };
    }

    /** Whether groups have counterparts at all. */
    boolean isPaired() {
        return PAIRED.contains(by);
    }

    /** Puts the answers of the runs into sections and groups. */
    List<Section> sections(List<RecordedRun> runs, Counting counting, ReadProblems problems) {
        var sections = new LinkedHashMap<String, Section>();
        for (var run : runs) {
            for (var model : run.manifest().models()) { // in the order of the command line
                if (by.equals("model")) {
                    sections.computeIfAbsent("", Section::new).open(model.label(), counting);
                } else if (!by.equals("prompt")) {
                    sections.computeIfAbsent(section(model.label(), model.name(), null), Section::new);
                }
            }
            var empty = true;
            for (var answer : run.answers()) {
                empty = false;
                sections.computeIfAbsent(section(answer.model(), answer.modelName(), answer.promptId()), Section::new)
                        .open(group(run, answer), counting)
                        .add(run, wholes.get(run), answer, pair(run, answer));
            }
            if (empty) {
                problems.add(run.path() + ": no measured requests in it yet");
            }
        }
        sections.values().forEach(Section::removeEmpty);
        sections.values().removeIf(section -> section.groups().isEmpty());
        return List.copyOf(sections.values());
    }
}

/**
 * How the requests of a group are counted.
 *
 * @param asked            whose definitions of the metrics; null for those of each run
 * @param untainted        whether requests whose timing should not be trusted are left out
 * @param failuresAreWorst whether failed requests count as infinitely slow
 * @param runsAreUnits     whether each run counts as one value where a group has several
 */
record Counting(MetricDefinition asked, boolean untainted, boolean failuresAreWorst, boolean runsAreUnits) { }

/** Groups that are compared. */
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

    Group open(String label, Counting counting) {
        return groups.computeIfAbsent(label, absent -> new Group(label, counting));
    }

    /** Removes groups without requests. */
    void removeEmpty() {
        groups.values().removeIf(group -> group.requests() == 0);
    }

    List<Group> groups() {
        return List.copyOf(groups.values());
    }

    /** Returns null for a label that no group has. */
    Group group(String label) {
        return groups.get(label);
    }

    /**
     * Returns the group with this label, else the one with the lowest median of the first of these metrics that any has. The times of
     * a buffered stream are those of the buffer, so its group is chosen only if all are buffered. Null if no group has such a metric.
     */
    Group baseline(List<Metric> metrics, String label) {
        if (label != null && groups.containsKey(label)) {
            return groups.get(label);
        }
        for (var metric : metrics) {
            var known = groups.values().stream().filter(group -> group.quantile(metric, 0.5) != null)
                    .min(Comparator.comparing(Group::isBuffered).thenComparing(group -> group.quantile(metric, 0.5)));
            if (known.isPresent()) {
                return known.get();
            }
        }
        return null;
    }
}

/** Requests that are taken together. */
final class Group {

    private static final double TOKENS_PER_EVENT_DIFFER = 1.2;
    private static final int FEWEST_FOR_DRIFT = 20;
    private static final int FEWEST_FOR_HEADERS = 5;
    private static final double SHORTEST_HELD_MILLIS = 5; // below that headers and token may share a read by chance
    private static final double SAME_TIME_MILLIS = 0.5;
    private static final int FEWEST_OF_A_KIND = 5; // of those of one machine, or on one kind of connection

    private final String label;
    private final Counting counting;
    private MetricDefinition definition; // null until there is a request
    private final Set<String> currencies = new TreeSet<>();
    private final Map<String, RecordedAnswer> pairs = new HashMap<>();
    private final List<RecordedAnswer> completed = new ArrayList<>();
    private final List<RecordedAnswer> failed = new ArrayList<>();
    private final Map<RecordedRun, List<RecordedAnswer>> byRun = new LinkedHashMap<>(); // a shard is one of its own here
    private final Map<RecordedRun, List<RecordedAnswer>> byWhole = new LinkedHashMap<>();
    private final Map<Metric, double[]> sorted = new EnumMap<>(Metric.class);
    private final GapHistogram gaps = new GapHistogram();
    private final GapPositions positions = new GapPositions();
    private int cancelled;
    private int tainted;
    private int leftOut;

    Group(String label, Counting counting) {
        this.label = label;
        this.counting = counting;
    }

    /**
     * Adds a request.
     *
     * @param whole the first shard of the run's plan; the run itself if it is the whole plan
     * @param pair  what the request shares with its counterpart in another group; null if it has none
     * @throws UserError if the figures of the run have another definition than those of the others in the group
     */
    void add(RecordedRun run, RecordedRun whole, RecordedAnswer answer, String pair) {
        var ofRun = run.definition(counting.asked());
        if (definition != null && definition != ofRun) {
            throw new UserError("--by: " + label + " would have requests as " + definition.word() + " and as " + ofRun.word()
                    + " define the metrics; use --by run, or one definition for all with --as");
        }
        definition = ofRun;
        if (run.currency(answer.model()) != null) {
            currencies.add(run.currency(answer.model()));
        }
        if (answer.status() == RequestStatus.CANCELLED) {
            cancelled++; // by the user, not by the model
        } else if (counting.untainted() && answer.tainted()) {
            leftOut++;
        } else if (!run.isSuccess(answer, definition)) {
            failed.add(answer);
        } else {
            completed.add(answer);
            byRun.computeIfAbsent(run, absent -> new ArrayList<>()).add(answer);
            byWhole.computeIfAbsent(whole, absent -> new ArrayList<>()).add(answer);
            tainted += answer.tainted() ? 1 : 0;
            if (pair != null) {
                pairs.put(pair, answer);
            }
        }
    }

    String label() {
        return label;
    }

    /** Whose definitions of the metrics its figures have. */
    MetricDefinition definition() {
        return definition;
    }

    /** Returns the currencies in which its requests are priced, in alphabetical order. */
    List<String> currencies() {
        return List.copyOf(currencies);
    }

    /** Returns the cost of so many answers, by the mean of those that are known; null if none is, or there are several currencies. */
    Double cost(int answers) {
        var known = completed.stream().map(RecordedAnswer::cost).filter(Objects::nonNull).toList();
        return known.isEmpty() || currencies.size() != 1 ? null : known.stream().reduce(BigDecimal.ZERO, BigDecimal::add)
                .multiply(BigDecimal.valueOf(answers)).divide(BigDecimal.valueOf(known.size()), MathContext.DECIMAL64).doubleValue();
    }

    /** Number of completed requests of which the cost is not known although their model has a price. */
    long withUnknownCost() {
        return currencies.isEmpty() ? 0 : completed.stream().filter(answer -> answer.cost() == null).count();
    }

    /** Returns the requests that count. */
    List<RecordedAnswer> completed() {
        return completed;
    }

    /** Whether equal ids of prompts in its runs and in others stand for the same prompt. */
    boolean knowsPrompts() {
        return byRun.keySet().stream().allMatch(RecordedRun::knowsPrompts);
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

    /** Number of requests with more than one attempt. */
    long retried() {
        return java.util.stream.Stream.concat(completed.stream(), failed.stream()).filter(answer -> answer.attempt() > 1).count();
    }

    /** Whether a run had more than one request in flight, or it is not known. */
    boolean wasConcurrent() {
        return byRun.keySet().stream().anyMatch(run -> !Integer.valueOf(1).equals(run.manifest().options().get("concurrency")));
    }

    /** Whether any request has a value of this metric. */
    boolean hasValues(Metric metric) {
        return values(metric).length > 0;
    }

    /** Whether a prompt was asked more than once. */
    boolean repeatsPrompts() {
        return completed.stream().anyMatch(answer -> answer.repetition() > 1);
    }

    /** Returns how many characters of visible text a visible token has on average; null if that is not known. */
    Double charactersPerToken() {
        var known = completed.stream().filter(answer -> answer.tokensAreCounted() && answer.knows(Metric.OUTPUT_CHARS)
                && answer.get(Metric.OUTPUT_CHARS) > 0 && answer.knows(Metric.TPOT)).toList();
        var tokens = known.stream().mapToDouble(answer -> answer.get(Metric.OUTPUT_TOKENS)
                - (answer.knows(Metric.REASONING_TOKENS) ? answer.get(Metric.REASONING_TOKENS) : 0)).sum();
        return tokens == 0 ? null : known.stream().mapToDouble(answer -> answer.get(Metric.OUTPUT_CHARS)).sum() / tokens;
    }

    /** Returns the share of reasoning in the tokens if these are counted, else in the generated events; null if it is not known. */
    Double reasoningShare() {
        if (!hasValues(Metric.REASONING_EVENTS)) {
            return null;
        }
        var counted = sum(Metric.REASONING_TOKENS);
        var events = sum(Metric.REASONING_EVENTS) + sum(Metric.CONTENT_EVENTS) + sum(Metric.TOOL_EVENTS);
        return counted > 0 ? Double.valueOf(counted / sum(Metric.OUTPUT_TOKENS))
                : events == 0 ? null : Double.valueOf(sum(Metric.REASONING_EVENTS) / events);
    }

    /** Whether the events of one of the groups have more tokens than those of the other, by more than a fifth. */
    boolean tokensPerEventDiffer(Group other) {
        var own = tokensPerEvent();
        var others = other.tokensPerEvent();
        return own != null && others != null && Math.max(own, others) > TOKENS_PER_EVENT_DIFFER * Math.min(own, others);
    }

    /** How TTFT changed during a run: medians in milliseconds. */
    record Drift(double firstQuarterMillis, double restMillis) { }

    /** Returns how TTFT changed from the first requests to the last; null if it changed by no more than chance. */
    Drift drift() {
        var timed = answersOf(Metric.TTFT).filter(answer -> answer.startedAt() != null && answer.get(Metric.TTFT) > 0)
                .sorted(Comparator.comparing(RecordedAnswer::startedAt)).toList();
        if (timed.size() < FEWEST_FOR_DRIFT || byWhole.size() > 1) {
            return null;
        }
        var means = timed.stream().collect(Collectors.groupingBy(RecordedAnswer::promptId,
                Collectors.averagingDouble(answer -> Math.log(answer.get(Metric.TTFT)))));
        var isRepeated = means.size() * 2 <= timed.size(); // else a trend may be one of the prompts, in their order
        if (!isRepeated || !Trend.isSignificant(timed.stream()
                .mapToDouble(answer -> Math.log(answer.get(Metric.TTFT)) - means.get(answer.promptId())).toArray())) {
            return null;
        }
        var millis = timed.stream().mapToDouble(answer -> answer.get(Metric.TTFT)).toArray();
        return new Drift(Metrics.quantile(Arrays.copyOf(millis, millis.length / 4), 0.5),
                Metrics.quantile(Arrays.copyOfRange(millis, millis.length / 4, millis.length), 0.5));
    }

    /** Returns the machines that sent its requests, in alphabetical order. */
    List<String> machines() {
        return byRun.keySet().stream().map(RecordedRun::machine).distinct().sorted().toList();
    }

    /**
     * Returns the medians of TTFT in milliseconds by machine if these differ by more than chance; null if they do not, or if a machine
     * has few requests. That is Fisher's analysis of variance of the logarithms at a level of 1 %: which machine asked which prompt is as
     * good as random, so a difference of the prompts is part of the variance within the machines.
     */
    Map<String, Double> differentMachines() {
        var millis = new TreeMap<String, List<Double>>();
        byRun.forEach((run, answers) -> answers.stream().filter(answer -> answer.knows(Metric.TTFT) && answer.get(Metric.TTFT) > 0)
                .forEach(answer -> millis.computeIfAbsent(run.machine(), absent -> new ArrayList<>()).add(answer.get(Metric.TTFT))));
        return mediansIfDifferent(millis);
    }

    /**
     * Returns the medians of TTFT without the handshake in milliseconds, on "new" and on "reused" connections, if these differ by more than
     * chance, as {@link #differentMachines} has it; null if they do not.
     */
    Map<String, Double> differentConnections() {
        var millis = new TreeMap<String, List<Double>>();
        answersOf(Metric.TTFT_NET).filter(answer -> answer.get(Metric.TTFT_NET) > 0).forEach(answer -> millis.computeIfAbsent(
                answer.connectionReused() ? "reused" : "new", absent -> new ArrayList<>()).add(answer.get(Metric.TTFT_NET)));
        return mediansIfDifferent(millis);
    }

    private static Map<String, Double> mediansIfDifferent(Map<String, List<Double>> millis) {
        if (millis.size() < 2 || millis.values().stream().anyMatch(values -> values.size() < FEWEST_OF_A_KIND)
                || !Machines.differ(millis.values().stream().map(values -> values.stream().mapToDouble(Math::log).toArray()).toList())) {
            return null;
        }
        var medians = new LinkedHashMap<String, Double>();
        millis.forEach((kind, values) ->
                medians.put(kind, Metrics.quantile(values.stream().mapToDouble(value -> value).toArray(), 0.5)));
        return medians;
    }

    /** Number of completed requests whose answer has this caveat. */
    long with(AnswerCaveat caveat) {
        return completed.stream().filter(answer -> answer.caveats().contains(caveat)).count();
    }

    /** Number of completed requests with several tokens of which it is not known how many are visible text. */
    long withUnknownVisibleTokens() {
        return completed.stream().filter(answer -> !answer.knows(Metric.TPOT) && answer.get(Metric.OUTPUT_TOKENS) > 1
                && answer.get(Metric.CONTENT_EVENTS) > 1
                && answer.get(Metric.REASONING_EVENTS) + answer.get(Metric.TOOL_EVENTS) > 0).count();
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

    /** Returns what is known of a metric, in ascending order; only after the events are read. */
    double[] values(Metric metric) {
        return sorted.computeIfAbsent(metric, absent -> completed.stream().filter(answer -> answer.knows(metric))
                .mapToDouble(answer -> answer.get(metric)).sorted().toArray());
    }

    /** Returns null if there are too few requests. */
    Double quantile(Metric metric, double fraction) {
        if (!definition.interpolates()) {
            return weighted(metric, fraction);
        }
        return Metrics.quantile(values(metric, counting.failuresAreWorst()), fraction);
    }

    /** Returns the values, then if that is wanted the worst for each failure: an infinite time, no tokens or characters per second. */
    private double[] values(Metric metric, boolean failuresAreWorst) {
        var values = values(metric);
        var worst = metric.worst();
        if (!failuresAreWorst || Double.isNaN(worst) || values.length == 0 && (!completed.isEmpty() || !definition.has(metric))) {
            return values;
        }
        var all = Arrays.copyOf(values, values.length + failed.size());
        Arrays.fill(all, values.length, all.length, worst);
        return all;
    }

    /** Returns the median over the requests of their own quantile; of other tools that of all gaps. */
    Double itl(Metric ofRequest, double fraction) {
        return definition == MetricDefinition.OURS ? Metrics.quantile(values(ofRequest, counting.failuresAreWorst()), 0.5) : gaps(fraction);
    }

    /** Returns the first value up to which the requests weigh so much of the whole. */
    private Double weighted(Metric metric, double fraction) {
        var known = completed.stream().filter(answer -> answer.knows(metric))
                .sorted(Comparator.comparingDouble(answer -> answer.get(metric))).toList();
        if (Metrics.quantile(values(metric), fraction) == null) {
            return null;
        }
        var whole = known.stream().mapToDouble(answer -> definition.weight(metric, answer.get(Metric.OUTPUT_TOKENS))).sum();
        var below = 0.0;
        for (var answer : known) {
            below += definition.weight(metric, answer.get(Metric.OUTPUT_TOKENS));
            if (below >= fraction * whole) {
                return answer.get(metric);
            }
        }
        return null;
    }

    /** Returns the quantile of all gaps, or of the requests' means where a tool knows no gaps. */
    Double gaps(double fraction) {
        return definition.hasGaps() ? gaps.quantileMillis(fraction) : quantile(Metric.ITL, fraction);
    }

    /** Returns the quantile of all gaps between events that the model generated; null unless a tool has such a metric. */
    Double interChunkLatency(double fraction) {
        return definition == MetricDefinition.AIPERF ? gaps.quantileMillis(fraction) : null;
    }

    /** Returns how many of the tokens came in the same socket read as the one before; null if it is not known. */
    Double coalescedShare() {
        var tokens = sum(Metric.CONTENT_EVENTS);
        return tokens == 0 ? null : sum(Metric.COALESCED_EVENTS) / tokens;
    }

    /** Returns the median over the requests for which it is known; null if it is known for no request. */
    Double tokensPerEvent() {
        return Metrics.quantile(completed.stream().mapToDouble(RecordedAnswer::tokensPerEvent)
                .filter(tokens -> !Double.isNaN(tokens)).toArray(), 0.5);
    }

    /** Returns how many of the requests were sent on a connection that another one had opened; null if it is not known. */
    Double reusedShare() {
        var known = completed.stream().map(RecordedAnswer::connectionReused).filter(Objects::nonNull).toList();
        return known.isEmpty() ? null : (double) known.stream().filter(reused -> reused).count() / known.size();
    }

    private double sum(Metric metric) {
        return Arrays.stream(values(metric)).sum();
    }

    /** Returns how many of the requests had part of their prompt in the server's cache. */
    long cacheHits() {
        return Arrays.stream(values(Metric.CACHED_TOKENS)).filter(tokens -> tokens > 0).count();
    }

    /** Whether half of the tokens or more came together with the one before. */
    boolean isBuffered() {
        return AnswerMetrics.wereBuffered(sum(Metric.COALESCED_EVENTS), sum(Metric.CONTENT_EVENTS));
    }

    /** Whether the headers of each answer came with its first token, so that something on the way, or the server, held them. */
    boolean headersWereHeld() {
        var known = answersOf(Metric.TTFT).filter(answer -> answer.knows(Metric.HEADERS)).toList();
        return known.size() >= FEWEST_FOR_HEADERS && quantile(Metric.TTFT, 0.5) > SHORTEST_HELD_MILLIS
                && known.stream().allMatch(answer -> answer.get(Metric.TTFT) - answer.get(Metric.HEADERS) < SAME_TIME_MILLIS);
    }

    /**
     * Compares a metric with that of another group: by runs if both have several, else in pairs where at least half of the
     * requests have a counterpart, else by the prompts of each.
     */
    Difference compare(Group baseline, Metric metric) {
        if (counting.failuresAreWorst()) {
            var prompts = baseline.answersOf(metric).map(RecordedAnswer::promptId).collect(Collectors.toSet());
            var common = (int) answersOf(metric).map(RecordedAnswer::promptId).distinct().filter(prompts::contains).count();
            return quantileRatio(baseline, metric, 0.5).difference(common, Math.min(requests(), baseline.requests()));
        }
        if (byWhole.size() > 1 && baseline.byWhole.size() > 1 && counting.runsAreUnits()) {
            return compareRuns(baseline, metric);
        }
        var both = pairs.keySet().stream().filter(pair -> baseline.pairs.containsKey(pair) && pairs.get(pair).knows(metric)
                && baseline.pairs.get(pair).knows(metric)).sorted().toList();
        if (both.size() * 2 < Math.min(values(metric).length, baseline.values(metric).length)) {
            return compareUnpaired(baseline, metric);
        }
        return Difference.ofPairs(both.stream().map(pair -> new Pair(pairs.get(pair).promptId(), time(pairs.get(pair)),
                pairs.get(pair).get(metric), baseline.pairs.get(pair).get(metric))).toList());
    }

    private static double time(RecordedAnswer answer) {
        return answer.startedAt() == null ? answer.repetition() : answer.startedAt().toEpochMilli();
    }

    private java.util.stream.Stream<RecordedAnswer> answersOf(Metric metric) {
        return completed.stream().filter(answer -> answer.knows(metric));
    }

    /** Runs at other times differ in more than their requests do, so each run counts as one value. */
    private Difference compareRuns(Group baseline, Metric metric) {
        var runs = java.util.stream.Stream.concat(byWhole.values().stream(), baseline.byWhole.values().stream()).toList();
        var prompts = new HashSet<>(runs.getFirst().stream().map(RecordedAnswer::promptId).toList());
        runs.forEach(answers -> prompts.retainAll(answers.stream().filter(answer -> answer.knows(metric)).map(RecordedAnswer::promptId)
                .collect(Collectors.toSet())));
        var own = byWhole.values().stream().mapToDouble(answers -> meanOfPrompts(answers, metric, prompts)).toArray();
        var other = baseline.byWhole.values().stream().mapToDouble(answers -> meanOfPrompts(answers, metric, prompts)).toArray();
        return Difference.ofMeans(own, other, Unit.RUNS, Math.min(own.length, other.length),
                Math.min(completed.size(), baseline.completed.size()));
    }

    /** Returns the mean over the prompts of the logarithm of a metric; NaN if no answer has it. */
    private static double meanOfPrompts(List<RecordedAnswer> answers, Metric metric, Set<String> prompts) {
        return answers.stream().filter(answer -> prompts.contains(answer.promptId()) && answer.knows(metric))
                .collect(Collectors.groupingBy(RecordedAnswer::promptId, Collectors.averagingDouble(answer -> Math.log(answer.get(metric)))))
                .values().stream().mapToDouble(mean -> mean).average().orElse(Double.NaN);
    }

    private Difference compareUnpaired(Group baseline, Metric metric) {
        var own = promptMeans(metric);
        var other = baseline.promptMeans(metric);
        var prompts = Math.min(own.length, other.length);
        var size = Math.min(values(metric).length, baseline.values(metric).length);
        return prompts >= Difference.FEWEST_PROMPTS ? Difference.ofMeans(own, other, Unit.PROMPTS, prompts, size)
                : Difference.ofMeans(logarithms(metric), baseline.logarithms(metric), Unit.REPETITIONS, prompts, size);
    }

    private double[] promptMeans(Metric metric) {
        return logMeans(metric).values().stream().mapToDouble(mean -> mean).toArray();
    }

    /** Returns the mean of the logarithm of a metric for each prompt, by its id. */
    Map<String, Double> logMeans(Metric metric) {
        return answersOf(metric).collect(Collectors.groupingBy(RecordedAnswer::promptId,
                Collectors.averagingDouble(answer -> Math.log(answer.get(metric)))));
    }

    private double[] logarithms(Metric metric) {
        return Arrays.stream(values(metric)).map(Math::log).toArray();
    }

    /** Returns the ratio of a quantile to that of another group. */
    QuantileRatio quantileRatio(Group baseline, Metric metric, double fraction) {
        return QuantileRatio.of(quantileValues(metric), baseline.quantileValues(metric), fraction);
    }

    /** Returns the interval of a quantile; null if there are too few requests for one. */
    QuantileInterval quantileInterval(Metric metric, double fraction) {
        return QuantileInterval.of(quantileValues(metric), fraction);
    }

    private List<PromptValue> quantileValues(Metric metric) {
        var values = answersOf(metric).map(answer -> new PromptValue(answer.promptId(), answer.get(metric)))
                .collect(Collectors.toCollection(ArrayList::new));
        if (counting.failuresAreWorst()) {
            failed.forEach(answer -> values.add(new PromptValue(answer.promptId(), Double.POSITIVE_INFINITY)));
        }
        return values;
    }

    /** When the first of its requests began; null if that is not known. */
    Instant firstStart() {
        return completed.stream().map(RecordedAnswer::startedAt).filter(Objects::nonNull).min(Comparator.naturalOrder()).orElse(null);
    }

    /** When the last of its requests began; null if that is not known. */
    Instant lastStart() {
        return completed.stream().map(RecordedAnswer::startedAt).filter(Objects::nonNull).max(Comparator.naturalOrder()).orElse(null);
    }

    private List<Throughput> throughputs() {
        return byRun.values().stream().map(answers -> {
            var throughput = new Throughput();
            answers.stream().filter(answer -> answer.startedAt() != null && answer.knows(Metric.TOTAL))
                    .forEach(answer -> throughput.add(time(answer), answer.get(Metric.TOTAL), answer.get(Metric.OUTPUT_TOKENS)));
            return throughput;
        }).toList();
    }

    private Double perSecond(ToDoubleFunction<Throughput> count) {
        var throughputs = throughputs();
        var seconds = Throughput.secondsOfAny(throughputs);
        var all = throughputs.stream().mapToDouble(count).sum();
        return seconds == 0 || Double.isNaN(all) ? null : all / seconds;
    }

    /** Completed requests per second of the measured time; null if it is not known. */
    Double requestsPerSecond() {
        return perSecond(Throughput::requests);
    }

    /** Output tokens per second of the measured time; null if it is not known. */
    Double tokensPerSecond() {
        return perSecond(Throughput::tokens);
    }
}

/** Adds the gaps of all runs to the groups, and keeps the texts of the streams that race each other. */
final class EventCollector implements RecordedRun.EventVisitor {

    private static final int MOST_LANES = 6;
    private static final int LONGEST_RACE_TOKENS = 2_000;
    private static final int MOST_RACES = 8;

    /** A piece of text, and when it came. */
    record Piece(long elapsedMicros, String text) { }

    private final Map<RecordedAnswer, Group> groups = new IdentityHashMap<>();
    private final Map<Section, List<Race>> races = new LinkedHashMap<>();
    private final Map<RecordedAnswer, List<Piece>> pieces = new IdentityHashMap<>();
    private RecordedAnswer last;
    private Group groupOfLast;

    EventCollector(List<Section> sections) {
        for (var section : sections) {
            section.groups().forEach(group -> group.completed().forEach(answer -> groups.put(answer, group)));
            races.put(section, races(section));
            races.get(section).forEach(race -> race.answers().values().forEach(answer -> pieces.put(answer, new ArrayList<>())));
        }
    }

    /**
     * Returns the races of a section, the best first: of each prompt the answers that are nearest to the medians of their groups.
     * The best have most groups, then those whose first tokens come in the order of the medians, then the nearest answers.
     */
    private static List<Race> races(Section section) {
        var medians = new LinkedHashMap<Group, Race.Medians>();
        section.groups().stream().limit(MOST_LANES).forEach(group -> medians.put(group, Race.Medians.of(group)));
        var answers = new HashMap<Group, Map<String, List<RecordedAnswer>>>(); // else each prompt would look at all of them
        medians.keySet().forEach(group -> answers.put(group, group.completed().stream().collect(Collectors.groupingBy(RecordedAnswer::promptId))));
        return medians.keySet().stream().flatMap(group -> group.completed().stream()).map(RecordedAnswer::promptId).distinct().sorted()
                .map(prompt -> Race.of(prompt, medians, answers)).filter(race -> !race.answers().isEmpty()).sorted(Comparator
                        .comparing((Race race) -> -race.answers().size()).thenComparing(race -> !race.isInOrder())
                        .thenComparing((Race race) -> race.distance())).limit(MOST_RACES).toList();
    }

    /** The answers of several groups to one prompt. */
    record Race(String prompt, Map<Group, RecordedAnswer> answers, Map<Group, Medians> medians) {

        /** Of a group, in milliseconds; computed here, since the figures of a group are those after the events are read. */
        record Medians(double ttft, double total) {
            static Medians of(Group group) {
                return new Medians(median(group, Metric.TTFT), median(group, Metric.TOTAL));
            }

            private static double median(Group group, Metric metric) {
                return Objects.requireNonNullElse(Metrics.quantile(group.completed().stream().filter(answer -> answer.knows(metric))
                        .mapToDouble(answer -> answer.get(metric)).toArray(), 0.5), Double.NaN);
            }

            /** How far an answer is from them: the sum of the logarithms of the ratios. */
            double distance(RecordedAnswer answer) {
                return Math.abs(Math.log(answer.get(Metric.TTFT) / ttft)) + Math.abs(Math.log(answer.get(Metric.TOTAL) / total));
            }
        }

        private static Race of(String prompt, Map<Group, Medians> medians, Map<Group, Map<String, List<RecordedAnswer>>> all) {
            var answers = new LinkedHashMap<Group, RecordedAnswer>();
            medians.forEach((group, median) -> all.get(group).getOrDefault(prompt, List.of()).stream()
                    .filter(answer -> answer.knows(Metric.TTFT) && answer.get(Metric.CONTENT_EVENTS) <= LONGEST_RACE_TOKENS)
                    .min(Comparator.comparingDouble(median::distance)).ifPresent(answer -> answers.put(group, answer)));
            return new Race(prompt, answers, medians);
        }

        private double distance() {
            return answers.entrySet().stream().mapToDouble(each -> medians.get(each.getKey()).distance(each.getValue())).sum();
        }

        private boolean isInOrder() {
            var inOrder = answers.keySet().stream().sorted(Comparator.comparing(group -> medians.get(group).ttft())).toList();
            return answers.keySet().stream().sorted(Comparator.comparing(group -> answers.get(group).get(Metric.TTFT))).toList()
                    .equals(inOrder);
        }
    }

    @Override
    public boolean wantsContent(RecordedAnswer answer) {
        return pieces.containsKey(answer);
    }

    @Override
    public void content(RecordedAnswer answer, long elapsedMicros, String text) {
        pieces.get(answer).add(new Piece(elapsedMicros, text));
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

    /** Returns the streams of a section that race each other, by prompt, the best race first. */
    List<Race> racesOf(Section section) {
        return races.get(section);
    }

    /** Returns the text of a stream that races. */
    List<Piece> pieces(RecordedAnswer answer) {
        return pieces.get(answer);
    }
}
