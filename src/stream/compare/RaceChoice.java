//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES GroupBuilder.java
//SOURCES SectionBuilder.java

package stream.compare;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

import stream.metric.Metric;
import stream.metric.Metrics;
import stream.record.RecordedAnswer;

/**
 * The answers to one prompt that race each other, by the labels of their groups: of each group that which is nearest to its
 * medians. It is chosen before the events are read, since only the texts of these are kept.
 */
record RaceChoice(String prompt, Map<String, RecordedAnswer> answers, Map<String, Medians> medians) {

    private static final int MOST_LANES = 6;
    private static final int LONGEST_RACE_TOKENS = 2_000;
    private static final int MOST_RACES = 8;

    /** Of a group, in milliseconds, as requests.csv has them. */
    private record Medians(double ttft, double total) {
        static Medians of(GroupBuilder group) {
            return new Medians(median(group, Metric.TTFT), median(group, Metric.TOTAL));
        }

        private static double median(GroupBuilder group, Metric metric) {
            return Objects.requireNonNullElse(Metrics.quantile(group.completed.stream().filter(answer -> answer.knows(metric))
                    .mapToDouble(answer -> answer.get(metric)).toArray(), 0.5), Double.NaN);
        }

        /** How far an answer is from them: the sum of the logarithms of the ratios. */
        double distance(RecordedAnswer answer) {
            return Math.abs(Math.log(answer.get(Metric.TTFT) / ttft)) + Math.abs(Math.log(answer.get(Metric.TOTAL) / total));
        }
    }

    /**
     * Returns the best: those with most groups, then those whose first tokens come in the order of the medians, then the nearest.
     */
    static List<RaceChoice> of(SectionBuilder section) {
        var medians = new LinkedHashMap<String, Medians>();
        var answers = new HashMap<String, Map<String, List<RecordedAnswer>>>(); // else each prompt would look at all of them
        section.groups().stream().limit(MOST_LANES).forEach(group -> {
            medians.put(group.label, Medians.of(group));
            answers.put(group.label, group.completed.stream().collect(Collectors.groupingBy(RecordedAnswer::promptId)));
        });
        return answers.values().stream().flatMap(ofGroup -> ofGroup.keySet().stream()).distinct().sorted()
                .map(prompt -> of(prompt, medians, answers)).filter(race -> !race.answers().isEmpty()).sorted(Comparator
                        .comparing((RaceChoice race) -> -race.answers().size()).thenComparing(race -> !race.isInOrder())
                        .thenComparing(RaceChoice::distance)).limit(MOST_RACES).toList();
    }

    private static RaceChoice of(String prompt, Map<String, Medians> medians, Map<String, Map<String, List<RecordedAnswer>>> all) {
        var answers = new LinkedHashMap<String, RecordedAnswer>();
        medians.forEach((label, median) -> all.get(label).getOrDefault(prompt, List.of()).stream()
                .filter(answer -> answer.knows(Metric.TTFT) && answer.get(Metric.CONTENT_EVENTS) <= LONGEST_RACE_TOKENS)
                .min(Comparator.comparingDouble(median::distance)).ifPresent(answer -> answers.put(label, answer)));
        return new RaceChoice(prompt, answers, medians);
    }

    private double distance() {
        return answers.entrySet().stream().mapToDouble(each -> medians.get(each.getKey()).distance(each.getValue())).sum();
    }

    private boolean isInOrder() {
        var inOrder = answers.keySet().stream().sorted(Comparator.comparing(label -> medians.get(label).ttft())).toList();
        return answers.keySet().stream().sorted(Comparator.comparing(label -> answers.get(label).get(Metric.TTFT))).toList()
                .equals(inOrder);
    }
}
