//JAVA 25+
//SOURCES ../terminal/Count.java
//SOURCES ../plan/Shard.java
//SOURCES ../record/NamedRuns.java
//SOURCES ../record/ReadProblems.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../record/RunManifest.java
//SOURCES ../record/ShardEntry.java
//SOURCES Counting.java
//SOURCES GroupBuilder.java
//SOURCES GroupBy.java
//SOURCES SectionBuilder.java

package stream.compare;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import stream.record.NamedRuns;
import stream.record.ReadProblems;
import stream.record.RecordedAnswer;
import stream.record.RecordedRun;
import stream.record.RunManifest;
import stream.terminal.Count;

/** What the groups are, what must be alike in groups that are compared, and what makes a pair. */
public final class Grouping {

    private static final RunManifest.PromptEntry NO_PROMPT = new RunManifest.PromptEntry("", "", "", Map.of());

    private final GroupBy by;
    private final Map<RecordedRun, String> runNames;
    private final Map<RecordedRun, RecordedRun> wholes;
    private final boolean modelsAreApart; // whether each model is in one run only
    private final Map<RecordedRun, Map<String, RunManifest.PromptEntry>> prompts = new HashMap<>();

    private Grouping(GroupBy by, Map<RecordedRun, String> runNames, Map<RecordedRun, RecordedRun> wholes) {
        this.runNames = runNames;
        this.wholes = wholes;
        var models = new HashMap<String, Set<String>>();
        runNames.forEach((run, name) -> run.answers().forEach(answer ->
                models.computeIfAbsent(answer.model(), absent -> new HashSet<>()).add(name)));
        this.modelsAreApart = models.values().stream().allMatch(names -> names.size() == 1);
        this.by = by != null ? by : modelsAreApart ? GroupBy.MODEL : GroupBy.RUN;
    }

    /**
     * Null means by run if they have models in common, else by model.
     *
     * @param sides labels of runs that are taken together; empty if each is on its own
     */
    public static Grouping of(GroupBy by, NamedRuns named, Map<String, List<Path>> sides) {
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

    GroupBy by() {
        return by;
    }

    /** Returns the names of the runs, in their order, those of a plan in shards with their number. */
    List<String> runs() {
        var shards = runNames.keySet().stream().filter(run -> run.manifest().shard() != null)
                .collect(Collectors.groupingBy(runNames::get, Collectors.counting()));
        return runNames.values().stream().distinct()
                .map(name -> shards.containsKey(name) ? name + " (" + Count.of(shards.get(name), "shard") + ")"
                : name).toList();
    }

    /** Returns the group that the others are compared with if the user does not say; null for the fastest. */
    String baseline(List<RecordedRun> runs) {
        return by.is(GroupBy.Kind.RUN) ? runNames.get(runs.getFirst()) : null;
    }

    private String group(RecordedRun run, RecordedAnswer answer) {
        return switch (by.kind()) {
            case MODEL, PROMPT -> answer.model();
            case RUN -> runNames.get(run);
            case BASE_URL -> answer.baseUrl().isEmpty() ? "(unknown)" : answer.baseUrl();
            case SHARD -> run.manifest().shard() == null ? "all" : run.manifest().shard().shard().word();
            case MACHINE -> run.machine();
            case LABEL -> prompt(run, answer).labels().getOrDefault(by.column(), "(none)");
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
        return switch (by.kind()) {
            case MODEL -> "";
            case BASE_URL -> modelName;
            case PROMPT -> prompt;
            case RUN, SHARD, MACHINE, LABEL -> model;
        };
    }

    /** Returns what a request shares with its counterpart in another group; null if there are no counterparts. */
    private String pair(RecordedRun run, RecordedAnswer answer) {
        if (!run.knowsPrompts()) {
            return null;
        }
        var asked = answer.promptId() + "\n" + answer.repetition();
        var ofTheSameText = prompt(run, answer).digest() + "\n" + asked;
        return switch (by.kind()) {
            case MODEL -> modelsAreApart ? ofTheSameText : runNames.get(run) + "\n" + asked;
            case BASE_URL, PROMPT -> runNames.get(run) + "\n" + asked;
            case RUN -> ofTheSameText;
            case SHARD, MACHINE, LABEL -> null;
        };
    }

    /** Whether groups have counterparts at all. */
    boolean isPaired() {
        return by.kind().isPaired();
    }

    /** Puts the answers of the runs into sections and groups. */
    public List<SectionBuilder> sections(List<RecordedRun> runs, Counting counting, ReadProblems problems) {
        var sections = new LinkedHashMap<String, SectionBuilder>();
        for (var run : runs) {
            for (var model : run.manifest().models()) { // in the order of the command line
                if (by.is(GroupBy.Kind.MODEL)) {
                    sections.computeIfAbsent("", SectionBuilder::new).open(model.label(), counting);
                } else if (!by.is(GroupBy.Kind.PROMPT)) {
                    sections.computeIfAbsent(section(model.label(), model.name(), null), SectionBuilder::new);
                }
            }
            var empty = true;
            for (var answer : run.answers()) {
                empty = false;
                sections.computeIfAbsent(section(answer.model(), answer.modelName(), answer.promptId()), SectionBuilder::new)
                        .open(group(run, answer), counting)
                        .add(run, wholes.get(run), answer, pair(run, answer));
            }
            if (empty) {
                problems.add(run.path() + ": no measured requests in it yet");
            }
        }
        sections.values().forEach(SectionBuilder::removeEmpty);
        sections.values().removeIf(section -> section.groups().isEmpty());
        return List.copyOf(sections.values());
    }
}
