//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES BaselineDifference.java
//SOURCES Difference.java
//SOURCES GroupResult.java
//SOURCES SectionResult.java
//SOURCES Verdict.java

package stream.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import stream.metric.Metric;

/** The part of the sentence that concerns one metric. */
public final class HeadlineClause {
    private static final int MOST_NAMES = 4;

    private final String baseline;
    private final double margin;
    private final Metric metric;
    private final Map<Verdict, List<GroupResult>> verdicts = new EnumMap<>(Verdict.class);

    HeadlineClause(SectionResult section, Metric metric, double margin) {
        this.baseline = section.baseline();
        this.metric = metric;
        this.margin = margin;
        section.groups().stream().filter(group -> group.differences().containsKey(metric))
                .sorted(Comparator.comparing((GroupResult group) -> difference(group).ratio(),
                        Comparator.nullsLast(Comparator.naturalOrder())))
                .forEach(group -> verdicts.computeIfAbsent(difference(group).verdict(margin), absent -> new ArrayList<>())
                        .add(group));
    }

    private Difference difference(GroupResult group) {
        return group.differences().get(metric).difference();
    }

    /** Names the faster one first. */
    String text() {
        var clauses = new ArrayList<String>();
        if (verdicts.containsKey(Verdict.SLOWER)) {
            clauses.add(baseline + " is " + factors(verdicts.get(Verdict.SLOWER)));
        }
        for (var faster : verdicts.getOrDefault(Verdict.FASTER, List.of())) {
            clauses.add(faster.label() + " is " + factor(1 / difference(faster).ratio()) + " faster than " + baseline);
        }
        if (verdicts.containsKey(Verdict.SAME)) {
            clauses.add(names(verdicts.get(Verdict.SAME), " has", " have") + " the same median as " + baseline + " within "
                    + Difference.percent(margin));
        }
        var unclear = new ArrayList<>(verdicts.getOrDefault(Verdict.UNCLEAR, List.of()));
        unclear.addAll(verdicts.getOrDefault(Verdict.TOO_FEW, List.of()));
        if (!unclear.isEmpty()) {
            clauses.add(names(unclear, "", "") + " cannot be told apart from " + baseline + " with "
                    + difference(unclear.getFirst()).count());
        }
        return metric.goal() + " " + String.join(", ", clauses);
    }

    private String factors(List<GroupResult> slower) {
        if (slower.size() > MOST_NAMES) {
            return factor(difference(slower.getFirst()).ratio()) + " to "
                    + factor(difference(slower.getLast()).ratio()) + " faster than "
                    + slower.size() + " others";
        }
        return slower.stream().map(group -> factor(difference(group).ratio())
                + (group == slower.getFirst() || difference(group).ratio().isInfinite() ? " faster than " : " than ")
                + group.label())
                .collect(Collectors.joining(", "));
    }

    /** A model whose median is a failure that counts as infinitely slow has no factor. */
    private static String factor(double ratio) {
        return Double.isInfinite(ratio) ? "infinitely" : String.format(Locale.ROOT, "%.2fx", ratio);
    }

    private static String names(List<GroupResult> groups, String one, String several) {
        return groups.size() == 1 ? groups.getFirst().label() + one : (groups.size() > MOST_NAMES ? groups.size() + " others"
                : groups.stream().map(GroupResult::label).collect(Collectors.joining(" and "))) + several;
    }
}
