//JAVA 25+
//SOURCES ../terminal/Count.java
//SOURCES ../terminal/Warning.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/Metrics.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../record/AnswerCaveat.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../record/RunManifest.java
//SOURCES Aggregate.java
//SOURCES Comparison.java
//SOURCES ComparisonSettings.java
//SOURCES Group.java
//SOURCES GroupBy.java
//SOURCES GroupResult.java
//SOURCES Grouping.java
//SOURCES QuantileRatio.java
//SOURCES Section.java
//SOURCES SectionResult.java

package stream.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.metric.Metrics;
import stream.record.AnswerCaveat;
import stream.record.RecordedAnswer;
import stream.record.RecordedRun;
import stream.terminal.Count;
import stream.terminal.Warning;

/** Names what differs between the groups apart from the model, and what is wrong with the runs. */
final class Caveats {

    private static final double LENGTHS_DIFFER = 1.1;
    private static final double TOKENIZERS_DIFFER = 1.1;
    private static final double REUSE_DIFFERS = 0.1;
    private static final double REASONING_DIFFERS = 0.1;
    private static final double MANY_RETRIED = 0.5;
    private static final List<String> CONDITIONS = List.of("concurrency", "rate", "arrival", "max_tokens", "temperature",
            "system", "unique_prefix", "connection", "http");

    private final Grouping grouping;
    private final List<Section> sections;
    private final List<SectionResult> results;
    private final List<RecordedRun> runs;
    private final Comparison.Terms terms;
    private final ComparisonSettings settings;
    private final List<String> caveats = new ArrayList<>();

    Caveats(Grouping grouping, List<Section> sections, List<SectionResult> results, List<RecordedRun> runs, Comparison.Terms terms,
            ComparisonSettings settings) {
        this.grouping = grouping;
        this.sections = sections;
        this.results = results;
        this.runs = runs;
        this.terms = terms;
        this.settings = settings;
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
            caveats.add("figures have the definitions of their tools, and are not compared with each other: " + own.entrySet()
                    .stream()
                    .map(each -> String.join(", ", each.getValue()) + " " + each.getKey().word()).collect(Collectors.joining("; "))
                    + common.map(definition -> "; --as " + definition.word() + " gives all the same").orElse(""));
        }
        runs.stream().filter(run -> !run.knowsPrompts()).forEach(run -> caveats.add(run.title() + ": a result of "
                + run.definition(null).tool()
                + ", which does not tell which prompts are the same; each request counts as one of its own"));
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
        var compared = result.groups().stream().mapToInt(group -> group.tails().size()).sum();
        result.groups().forEach(group -> tails(title, group, result.baseline(), compared));
    }

    private void note(String title, Group group) {
        var name = title + group.label() + ": ";
        if (group.failed() > 0) {
            var kinds = group.failures().stream().collect(Collectors.groupingBy(
                    answer -> answer.status().word() + (answer.error().isEmpty() ? "" : ", " + answer.error()),
                    Collectors.counting()));
            var worst = kinds.entrySet().stream().max(Map.Entry.<String, Long>comparingByValue()
                    .thenComparing(Map.Entry.comparingByKey())).orElseThrow();
            caveats.add(name + group.failed() + " of " + group.requests() + " failed"
                    + (settings.failuresAreWorst() ? "" : " and are not in the figures")
                    + (worst.getValue() == group.failed() ? " (" : " (mostly: ") + shortened(worst.getKey()) + ")");
        }
        if (group.retries() > 0) {
            caveats.add(name + Count.of(group.retries(), "attempt") + " beyond the first; only the last of each request counts"
                    + (group.retried() > MANY_RETRIED * group.requests() ? ", and " + group.retried() + " of " + group.requests()
                    + " requests were refused at first"
                    + (group.wasConcurrent() ? ": a lower --concurrency may change the figures" : "") : ""));
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
            caveats.add(name + "its requests are priced in " + String.join(" and ", group.currencies())
                    + ", which are not added up");
        }
        if (group.withUnknownCost() > 0) {
            caveats.add(name + Count.of(group.withUnknownCost(), "answer")
                    + " without the token counts of the server, not in the cost");
        }
        if (group.leftOut() > 0) {
            caveats.add(name + group.leftOut() + " left out, because their timing should not be trusted");
        } else if (group.tainted() > 0 && !settings.untainted()) {
            caveats.add(name + "the timing of " + group.tainted() + " of " + group.completed().size()
                    + " should not be trusted (column tainted); --untainted leaves them out");
        }
        if (group.isBuffered()) {
            caveats.add(name + Warning.BUFFERED.text(Aggregate.COALESCED.cell(group.coalescedShare())) + " They are not compared");
        }
        if (group.headersWereHeld()) {
            caveats.add(name + "the headers of each answer came with its first token: the server or a proxy held them, perhaps "
                    + "tokens too");
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
        var unknown = groups.stream().filter(group -> group.repeatsPrompts() && group.values(Metric.CACHED_TOKENS).length == 0)
                .toList();
        if (!unknown.isEmpty() && !usesUniquePrefix()) {
            caveats.add(title + labels(unknown)
                    + ": prompts repeat, and the server does not tell what it had in its cache: TTFT may measure"
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
        if (!grouping.by().is(GroupBy.Kind.MODEL)) {
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
                        + medians.entrySet().stream().map(each -> each.getKey() + " "
                        + Aggregate.TTFT_P50.cell(each.getValue()) + " ms")
                        .collect(Collectors.joining(", ")) + "; --connection new makes them alike");
            }
        });
        var known = groups.stream().filter(group -> group.reusedShare() != null)
                .sorted(Comparator.comparing(Group::reusedShare)).toList();
        if (known.size() > 1 && known.getLast().reusedShare() - known.getFirst().reusedShare() > REUSE_DIFFERS) {
            caveats.add(title + "requests on a connection that was open already: " + known.stream()
                    .map(group -> group.label() + " " + Math.round(group.reusedShare() * 100) + " %")
                    .collect(Collectors.joining(", "))
                    + "; TTFT of the rest includes the handshake, --metric ttft_net leaves it out");
        }
    }

    private void tokensPerEvent(String title, List<Group> groups) {
        var known = groups.stream().filter(group -> group.tokensPerEvent() != null)
                .sorted(Comparator.comparing(Group::tokensPerEvent)).toList();
        if (known.size() > 1 && known.getLast().tokensPerEventDiffer(known.getFirst())) {
            caveats.add(title + "tokens per event differ, from "
                    + Aggregate.TOKENS_PER_EVENT.cell(known.getFirst().tokensPerEvent())
                    + " (" + known.getFirst().label() + ") to " + Aggregate.TOKENS_PER_EVENT.cell(known.getLast().tokensPerEvent())
                    + " (" + known.getLast().label() + "): ITL compares the sizes of events, TPOT is the figure to compare");
        }
    }

    private void tokenizers(String title, List<Group> groups) {
        var known = groups.stream().filter(group -> group.knowsPrompts() && group.charactersPerToken() != null)
                .sorted(Comparator.comparing(Group::charactersPerToken)).toList();
        if (known.size() > 1 && known.getLast().charactersPerToken() > known.getFirst().charactersPerToken() * TOKENIZERS_DIFFER) {
            caveats.add(String.format(Locale.ROOT,
                    "%sa token is not the same: %.1f characters (%s) to %.1f (%s); ITL, TPOT and tokens/s count"
                    + " different pieces; chars/s and --metric first_100_chars do not", title,
                    known.getFirst().charactersPerToken(), known.getFirst().label(),
                    known.getLast().charactersPerToken(), known.getLast().label()));
        }
    }

    private void machines(String title, List<Group> groups) {
        groups.forEach(group -> {
            var medians = group.differentMachines();
            if (medians != null) {
                caveats.add(title + group.label() + ": TTFT differs between the machines, median " + medians.entrySet().stream()
                        .map(each -> each.getKey() + " " + Aggregate.TTFT_P50.cell(each.getValue()) + " ms")
                        .collect(Collectors.joining(", "))
                        + "; --by machine compares them");
            }
        });
        var measured = groups.stream().filter(group -> !group.machines().isEmpty()).toList();
        if (!grouping.by().is(GroupBy.Kind.MACHINE) && measured.stream().map(Group::machines).distinct().count() > 1
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

    private void tails(String title, GroupResult group, String baseline, int compared) {
        group.tails().forEach((aggregate, tail) -> {
            if (group.hasTailBeyondTheVerdict(aggregate, compared)) {
                caveats.add(String.format(Locale.ROOT,
                        "%s%s: its %s is %.2fx that of %s (%.2f to %.2f), more than the verdict tells", title,
                        group.label(), aggregate.title().replace(" ms", ""), tail.ratio(), baseline, tail.lower(), tail.upper()));
            }
        });
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
            caveats.add(title + "groups by " + grouping.by().word()
                    + " contain different requests, which are not compared in pairs");
            return;
        }
        for (var group : section.groups()) {
            var most = Math.min(group.pairs().size(), baseline.pairs().size());
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
            var leastMillis = sections.stream().flatMap(section -> section.groups().stream())
                    .filter(group -> group.byRun().containsKey(run))
                    .map(group -> group.quantile(metric, 0.5)).filter(Objects::nonNull).min(Double::compare).orElse(null);
            if (errorMicros != null && leastMillis != null && errorMicros > leastMillis * 100) {
                caveats.add(run.name() + ": the error of the client in " + metric.name() + ", " + Metrics.millis(errorMicros)
                        + " ms, is more than a tenth of what was measured; use a lower concurrency");
            }
        }
    }
}
