//JAVA 25+
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES GroupBuilder.java
//SOURCES Race.java
//SOURCES RaceChoice.java
//SOURCES Section.java
//SOURCES SectionBuilder.java

package stream.compare;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.record.RecordedAnswer;
import stream.record.RecordedRun;

/** Adds what the events of all runs tell to the groups, and keeps the texts of the streams that race each other. */
public final class EventCollector implements RecordedRun.EventVisitor {

    private final List<SectionBuilder> sections;
    private final Map<RecordedAnswer, GroupBuilder> groups = new IdentityHashMap<>();
    private final Map<RecordedAnswer, RecordedAnswer> measured = new IdentityHashMap<>();
    private final Map<SectionBuilder, List<RaceChoice>> races = new LinkedHashMap<>();
    private final Map<RecordedAnswer, List<Race.Piece>> pieces = new IdentityHashMap<>();
    private RecordedAnswer last;
    private GroupBuilder groupOfLast;

    public EventCollector(List<SectionBuilder> sections) {
        this.sections = sections;
        for (var section : sections) {
            section.groups().forEach(group -> group.completed.forEach(answer -> groups.put(answer, group)));
            races.put(section, RaceChoice.of(section));
            races.get(section).forEach(race -> race.answers().values().forEach(answer -> pieces.put(answer, new ArrayList<>())));
        }
    }

    @Override
    public boolean wantsContent(RecordedAnswer answer) {
        return pieces.containsKey(answer);
    }

    @Override
    public void content(RecordedAnswer answer, long elapsedMicros, String text) {
        pieces.get(answer).add(new Race.Piece(elapsedMicros, text));
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

    @Override
    public void measured(RecordedAnswer answer, RecordedAnswer withEvents) {
        measured.put(answer, withEvents);
    }

    /** Returns the sections with all that was read. */
    public List<Section> sections() {
        return sections.stream().map(section -> new Section(section.title(),
                section.groups().stream().map(group -> group.build(measured)).toList(),
                races.get(section).stream().map(this::race).toList())).toList();
    }

    private Race race(RaceChoice choice) {
        var lanes = new ArrayList<Race.Lane>();
        choice.answers().forEach((label, answer) ->
                lanes.add(new Race.Lane(label, measured.getOrDefault(answer, answer), pieces.get(answer))));
        return new Race(choice.prompt(), lanes);
    }
}
