//JAVA 25+
//SOURCES ../terminal/UserError.java
//SOURCES ../record/NamedRuns.java
//SOURCES ../record/ReadProblems.java
//SOURCES ../record/RecordedRun.java
//SOURCES Comparison.java
//SOURCES ComparisonSettings.java
//SOURCES Counting.java
//SOURCES EventCollector.java
//SOURCES GroupBuilder.java
//SOURCES GroupBy.java
//SOURCES Grouping.java
//SOURCES SectionBuilder.java

package stream.compare;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

import stream.record.NamedRuns;
import stream.record.ReadProblems;
import stream.record.RecordedRun;
import stream.terminal.UserError;

/** What is compared under one definition: the requests in their groups, and after {@link #readEvents} what their events tell. */
final class ComparisonReading {

    private final ComparisonSettings settings;
    private final Grouping grouping;
    private final List<RecordedRun> runs;
    private final EventCollector events;

    /**
     * Puts the requests of the runs into groups.
     *
     * @throws IOException if there are none
     * @throws UserError   if a setting does not fit the runs
     */
    ComparisonReading(ComparisonSettings settings, NamedRuns named, ReadProblems problems) throws IOException {
        this.settings = settings;
        runs = named.runs();
        grouping = Grouping.of(settings.by(), named, settings.sides());
        var sections = grouping.sections(runs, new Counting(settings.definition(), settings.untainted(),
                settings.failuresAreWorst(), grouping.by().is(GroupBy.Kind.RUN)), problems);
        if (sections.isEmpty()) {
            throw new IOException((problems.lines().isEmpty() ? runs.getFirst().path() + ": no request in it has ended by itself"
                    : problems.lines().getFirst()) + "; there is nothing to compare");
        }
        requireBaseline(settings.baseline(), sections);
        events = new EventCollector(sections);
    }

    private static void requireBaseline(String baseline, List<SectionBuilder> sections) {
        if (baseline != null && sections.stream().flatMap(section -> section.groups().stream())
                .noneMatch(group -> group.label.equals(baseline))) {
            throw new UserError("--baseline '" + baseline + "': no such group; there are "
                    + sections.stream().flatMap(section -> section.groups().stream()).map(group -> group.label).distinct()
                            .collect(Collectors.joining(", ")));
        }
    }

    ComparisonSettings settings() {
        return settings;
    }

    Grouping grouping() {
        return grouping;
    }

    /** Reads the events of each run once, for all that is compared. */
    static void readEvents(List<ComparisonReading> readings, List<RecordedRun> runs, ReadProblems problems, PrintStream progress)
            throws IOException {
        for (var run : runs) {
            var ofRun = new ArrayList<RecordedRun.EventReading>();
            for (var reading : readings) {
                if (reading.runs.contains(run)) {
                    ofRun.add(new RecordedRun.EventReading(run.definition(reading.settings.definition()), reading.events));
                }
            }
            run.readEvents(ofRun, problems, progress);
        }
    }

    Comparison.Source source() {
        return new Comparison.Source(events.sections(), runs);
    }
}
