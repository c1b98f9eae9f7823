//JAVA 25+
//SOURCES ../terminal/UserError.java
//SOURCES ../plan/Shard.java
//SOURCES CsvRun.java
//SOURCES ReadProblems.java
//SOURCES RecordedRun.java
//SOURCES RunFiles.java
//SOURCES RunManifest.java
//SOURCES ShardEntry.java
//SOURCES ToolFile.java

package stream.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import stream.terminal.UserError;

/**
 * What a user names, read.
 *
 * @param runs   each folder or file, in its order; without shards that are there twice
 * @param wholes for each of them the first shard of its plan; itself if it is the whole plan
 */
public record NamedRuns(List<RecordedRun> runs, Map<RecordedRun, RecordedRun> wholes) {

    /**
     * Reads them; none means the newest run in results/, with the other shards of its plan.
     *
     * @throws IOException if one is neither a run, a folder with runs, nor a file of a tool that is known
     * @throws UserError   if a folder has shards of different plans
     */
    public static NamedRuns read(List<Path> given, ReadProblems problems) throws IOException {
        var read = new ArrayList<RecordedRun>();
        var seen = new LinkedHashSet<Path>();
        for (var path : given.isEmpty() ? newest() : given) {
            var file = ToolFile.in(path);
            if (file != null) {
                read.addAll(seen.add(file.path()) ? file.runs(problems) : List.of());
                continue;
            }
            for (var folder : CsvRun.folders(List.of(path))) {
                if (seen.add(folder)) {
                    read.add(CsvRun.read(folder, problems));
                }
            }
        }
        return merged(read, problems);
    }

    /** Returns the same in the order in which they began, with which their ids begin. */
    public NamedRuns inTheOrderOfTime() {
        return new NamedRuns(runs.stream()
                .sorted(Comparator.comparing(run -> run.manifest().runId(), Comparator.nullsLast(Comparator.naturalOrder())))
                .toList(), wholes);
    }

    private static List<Path> newest() throws IOException {
        var newest = CsvRun.folders(List.of());
        var shard = shard(newest.getFirst());
        if (shard == null) {
            return newest;
        }
        var parts = new ArrayList<Path>();
        for (var folder : RunFiles.runsIn(newest.getFirst().toAbsolutePath().getParent())) {
            if (shard(folder) != null && shard(folder).isOfSamePlan(shard)) {
                parts.add(folder);
            }
        }
        return parts;
    }

    private static ShardEntry shard(Path folder) {
        try {
            return RunManifest.read(folder).shard();
        } catch (IOException e) {
            return null;
        }
    }

    private static NamedRuns merged(List<RecordedRun> read, ReadProblems problems) {
        var wholes = new LinkedHashMap<RecordedRun, RecordedRun>();
        var folders = new LinkedHashMap<Path, List<RecordedRun>>();
        for (var run : read) {
            if (run.manifest().shard() == null) {
                wholes.put(run, run);
            } else {
                folders.computeIfAbsent(run.path().toAbsolutePath().normalize().getParent(), absent -> new ArrayList<>()).add(run);
            }
        }
        folders.forEach((folder, parts) -> {
            requireOnePlan(folder, parts);
            wholes.putAll(new ShardedPlan(parts).wholes(problems));
        });
        return new NamedRuns(read.stream().filter(wholes::containsKey).toList(), wholes);
    }

    private static void requireOnePlan(Path folder, List<RecordedRun> parts) {
        var plans = parts.stream().collect(Collectors.groupingBy(run -> run.manifest().shard().plan() + "/"
                + run.manifest().shard().shard().count(), LinkedHashMap::new,
                Collectors.mapping(RecordedRun::title, Collectors.joining(", "))));
        if (plans.size() > 1) {
            throw new UserError(folder + ": shards of different plans, which are not one run: " + String.join("; ", plans.values())
                    + "; name those of one plan, or move each plan into a folder of its own");
        }
    }
}

/** The runs of one folder that are shards of the same plan. */
final class ShardedPlan {

    private final List<RecordedRun> runs;
    private final int count;

    ShardedPlan(List<RecordedRun> runs) {
        this.runs = runs;
        this.count = runs.getFirst().manifest().shard().shard().count();
    }

    /**
     * Returns the first shard for each. A plan that was run several times, with all its shards, is several runs; of other shards
     * that are there twice the first complete one is taken. What is missing or left out is noted.
     */
    Map<RecordedRun, RecordedRun> wholes(ReadProblems problems) {
        var byIndex = new TreeMap<Integer, List<RecordedRun>>();
        runs.stream().sorted(Comparator.comparing((RecordedRun run) -> run.manifest().isIncomplete()))
                .forEach(run -> byIndex.computeIfAbsent(run.manifest().shard().shard().index(),
                absent -> new ArrayList<>()).add(run));
        var missing = IntStream.range(0, count).filter(index -> !byIndex.containsKey(index))
                .mapToObj(index -> index + "/" + count).toList();
        var rounds = missing.isEmpty() ? byIndex.values().stream().mapToInt(List::size).min().orElseThrow() : 1;
        var wholes = new LinkedHashMap<RecordedRun, RecordedRun>();
        for (int round = 0; round < rounds; round++) {
            var at = round;
            var parts = byIndex.values().stream().map(same -> same.get(at)).toList();
            parts.forEach(part -> wholes.put(part, parts.getFirst()));
        }
        if (!missing.isEmpty()) {
            problems.add(runs.getFirst().path().toAbsolutePath().normalize().getParent() + ": shard " + String.join(", ", missing)
                    + " missing; the figures are of the others");
        }
        byIndex.forEach((index, same) -> same.stream().skip(rounds)
                .forEach(run -> problems.add(run.path() + ": shard " + index + "/" + count
                + " once more, beside " + same.getFirst().title() + "; it is left out")));
        return wholes;
    }
}
