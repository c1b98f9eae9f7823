//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES Group.java
//SOURCES Section.java

package stream.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

import stream.metric.Metric;
import stream.metric.Metrics;
import stream.record.RecordedAnswer;
import stream.record.RecordedRun;

/** Adds the gaps of all runs to the groups, and keeps the texts of the streams that race each other. */
public final class EventCollector implements RecordedRun.EventVisitor {

    private static final int MOST_LANES = 6;
    private static final int LONGEST_RACE_TOKENS = 2_000;
    private static final int MOST_RACES = 8;

    /** A piece of text, and when it came. */
    public record Piece(long elapsedMicros, String text) { }

    private final Map<RecordedAnswer, Group> groups = new IdentityHashMap<>();
    private final Map<Section, List<Race>> races = new LinkedHashMap<>();
    private final Map<RecordedAnswer, List<Piece>> pieces = new IdentityHashMap<>();
    private RecordedAnswer last;
    private Group groupOfLast;

    public EventCollector(List<Section> sections) {
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
        medians.keySet().forEach(group ->
                answers.put(group, group.completed().stream().collect(Collectors.groupingBy(RecordedAnswer::promptId))));
        return medians.keySet().stream().flatMap(group -> group.completed().stream())
                .map(RecordedAnswer::promptId).distinct().sorted()
                .map(prompt -> Race.of(prompt, medians, answers)).filter(race -> !race.answers().isEmpty()).sorted(Comparator
                        .comparing((Race race) -> -race.answers().size()).thenComparing(race -> !race.isInOrder())
                        .thenComparing((Race race) -> race.distance())).limit(MOST_RACES).toList();
    }

    /** The answers of several groups to one prompt. */
    public record Race(String prompt, Map<Group, RecordedAnswer> answers, Map<Group, Medians> medians) {

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
    public List<Race> racesOf(Section section) {
        return races.get(section);
    }

    /** Returns the text of a stream that races. */
    public List<Piece> pieces(RecordedAnswer answer) {
        return pieces.get(answer);
    }
}
