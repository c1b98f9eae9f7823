//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../metric/Metric.java
//SOURCES ../record/ReadProblems.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../record/RunManifest.java
//SOURCES Comparison.java
//SOURCES ComparisonSettings.java
//SOURCES Group.java
//SOURCES ModelHistory.java
//SOURCES Section.java

package stream.compare;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

import stream.metric.Metric;
import stream.record.ReadProblems;
import stream.terminal.OptionChecks;

/**
 * A metric of each model over many runs of the same prompts, and where it changed.
 *
 * @param notes what limits it
 */
public record RunHistory(List<ModelHistory> models, List<String> notes) {

    /**
     * Reads the runs.
     *
     * @throws IOException if a run cannot be read, or the folders contain no run
     * @throws UserError   if several metrics are asked for
     */
    public static RunHistory of(ComparisonSettings settings, PrintStream progress) throws IOException {
        new OptionChecks().require(settings.metrics().size() <= 1, "--history shows one metric; name one with --metric")
                .throwIfAny();
        var metric = settings.metrics().isEmpty() ? Metric.TTFT : settings.metrics().getFirst();
        var problems = new ReadProblems();
        var source = Comparison.ofEachRun(settings, problems, progress);
        var notes = new ArrayList<String>();
        var models = new ArrayList<ModelHistory>();
        for (var section : source.sections()) {
            models.add(ModelHistory.of(section, metric, notes));
        }
        if (source.sections().stream().flatMap(section -> section.groups().stream()).noneMatch(group -> group.hasValues(metric))) {
            throw new IOException("--history: no run has a value of " + metric.word() + "; name another metric with --metric");
        }
        if (source.runs().stream().anyMatch(run -> run.manifest().simulated())) {
            notes.addFirst("simulated: the figures say nothing about the real models of these names");
        }
        notes.addAll(problems.lines());
        return new RunHistory(List.copyOf(models), List.copyOf(notes));
    }
}
