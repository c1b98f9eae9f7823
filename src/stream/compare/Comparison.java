//JAVA 25+
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../record/NamedRuns.java
//SOURCES ../record/ReadProblems.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../record/RunManifest.java
//SOURCES Caveats.java
//SOURCES ComparisonReading.java
//SOURCES ComparisonSettings.java
//SOURCES GroupBy.java
//SOURCES GroupResult.java
//SOURCES Grouping.java
//SOURCES HeadlineCaveats.java
//SOURCES Section.java
//SOURCES SectionResult.java

package stream.compare;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

import stream.metric.MetricDefinition;
import stream.record.NamedRuns;
import stream.record.ReadProblems;
import stream.record.RecordedRun;

/**
 * The result of a comparison.
 *
 * @param caveats what limits the comparison; one line each
 * @param source  null if the result was read back from a CSV file
 */
public record Comparison(Terms terms, List<SectionResult> sections, List<String> caveats, Source source) {

    /** What was compared. */
    public record Source(List<Section> sections, List<RecordedRun> runs) {

        /** Returns the section of this title; there is one for each section of the result. */
        public Section section(String title) {
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
    public record Terms(List<String> runs, GroupBy by, double margin, boolean simulated) { }

    /**
     * Reads the runs and compares them.
     *
     * @param progress where progress is shown when it takes long; null for nowhere
     * @throws IOException if a run cannot be read
     * @throws UserError   if a setting does not fit the runs
     */
    public static Comparison of(ComparisonSettings settings, PrintStream progress) throws IOException {
        var problems = new ReadProblems();
        var runs = NamedRuns.read(settings.runs(), problems);
        for (var run : runs.runs()) {
            requireDefinition(run, settings.definition());
        }
        return of(settings, runs, problems, progress);
    }

    /** Compares runs that are read already. */
    public static Comparison ofRead(ComparisonSettings settings, NamedRuns runs) throws IOException {
        return of(settings, runs, new ReadProblems(), null);
    }

    private static void requireDefinition(RecordedRun run, MetricDefinition asked) throws IOException {
        if (run.definition(asked) == null) {
            var own = run.definition(null);
            throw new IOException("--as " + asked.word() + ": " + run.path() + " is a result of " + own.tool()
                    + ", which lacks the times of the events; leave --as out, or use --as " + own.word());
        }
    }

    /**
     * The runs under several definitions.
     *
     * @param own  as they are compared under that of the settings
     * @param each the groups under each definition that any of the runs can tell, in the order of the definitions
     */
    public record Definitions(Comparison own, List<Source> each) { }

    /** Compares the runs, and reads their groups under each definition; the events are read once. */
    public static Definitions underEachDefinition(ComparisonSettings settings, PrintStream progress) throws IOException {
        var problems = new ReadProblems();
        var named = NamedRuns.read(settings.runs(), problems);
        var own = new ComparisonReading(settings, named, problems);
        var readings = new ArrayList<ComparisonReading>();
        for (var definition : MetricDefinition.values()) {
            var runs = named.runs().stream().filter(run -> run.definition(definition) != null).toList();
            if (!runs.isEmpty()) {
                readings.add(new ComparisonReading(settings.with(own.grouping().by(), definition),
                        new NamedRuns(runs, named.wholes()), problems));
            }
        }
        var all = new ArrayList<>(readings);
        all.add(own);
        ComparisonReading.readEvents(all, named.runs(), problems, progress);
        return new Definitions(of(own, problems), readings.stream().map(ComparisonReading::source).toList());
    }

    private static Comparison of(ComparisonSettings settings, NamedRuns named, ReadProblems problems, PrintStream progress)
            throws IOException {
        var reading = new ComparisonReading(settings, named, problems);
        ComparisonReading.readEvents(List.of(reading), named.runs(), problems, progress);
        return of(reading, problems);
    }

    private static Comparison of(ComparisonReading reading, ReadProblems problems) {
        var settings = reading.settings();
        var grouping = reading.grouping();
        var source = reading.source();
        var runs = source.runs();
        var sections = source.sections();
        var baseline = settings.baseline() != null ? settings.baseline() : grouping.baseline(runs);
        var results = sections.stream().map(section -> SectionResult.of(section, settings, baseline)).toList();
        var terms = new Terms(grouping.runs(), grouping.by(), settings.marginOrDefault(),
                runs.stream().anyMatch(run -> run.manifest().simulated()));
        var caveats = new Caveats(grouping, sections, results, runs, terms, settings).lines();
        if (settings.failuresAreWorst()) {
            caveats.addFirst(HeadlineCaveats.FAILURES_ARE_WORST + "; ratios are of medians");
        }
        caveats.addAll(problems.lines());
        return new Comparison(terms, results, caveats, source);
    }

    /** Reads each model of each run, in the order of time, without comparing them. */
    static Source ofEachRun(ComparisonSettings settings, ReadProblems problems, PrintStream progress) throws IOException {
        var named = NamedRuns.read(settings.runs(), problems).inTheOrderOfTime();
        for (var run : named.runs()) {
            requireDefinition(run, settings.definition());
        }
        var reading = new ComparisonReading(settings.with(GroupBy.RUN, settings.definition()), named, problems);
        ComparisonReading.readEvents(List.of(reading), named.runs(), problems, progress);
        return reading.source();
    }

    /** Returns the section of this title. */
    public SectionResult section(String title) {
        return sections.stream().filter(section -> section.title().equals(title)).findFirst().orElseThrow();
    }

    /** Returns the result in one sentence, or in one for each section. */
    public String headline() {
        var sentences = new ArrayList<String>();
        for (var section : sections) {
            var sentence = section.sentence(terms.margin());
            if (sentence != null) {
                sentences.add(section.title().isEmpty() ? sentence : section.title() + ": " + sentence);
            }
        }
        if (sentences.isEmpty() && sections.stream().flatMap(section -> section.groups().stream())
                .map(GroupResult::definition).distinct()
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
        var definitions = sections.stream().flatMap(section -> section.groups().stream())
                .map(GroupResult::definition).distinct().toList();
        var tool = definitions.size() == 1 ? definitions.getFirst().tool() : null;
        return (tool == null ? "" : "As " + tool + " defines it, ") + sentences.stream()
                .map(sentence -> sentence.matches("(to|from|per) .*") && !(tool != null && sentence.equals(sentences.getFirst()))
                ? Character.toUpperCase(sentence.charAt(0)) + sentence.substring(1)
                : sentence).collect(Collectors.joining(". ")) + ".";
    }
}
