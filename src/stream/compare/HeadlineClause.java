//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES Aggregate.java
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
    private static final int MOST_NAMES = 3;
    private static final double LENGTHS_DIFFER = 1.1;

    private final String baseline;
    private final GroupResult ofBaseline;
    private final double margin;
    private final Metric metric;
    private final Map<Verdict, List<GroupResult>> verdicts = new EnumMap<>(Verdict.class);

    HeadlineClause(SectionResult section, Metric metric, double margin) {
        this.baseline = section.baseline();
        this.ofBaseline = section.group(baseline);
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
        var faster = verdicts.getOrDefault(Verdict.FASTER, List.of());
        if (faster.size() > MOST_NAMES) {
            clauses.add(faster.size() + " others are " + factors(1 / difference(faster.getLast()).ratio(),
                    1 / difference(faster.getFirst()).ratio()) + " faster than " + baseline);
        } else {
            faster.forEach(group -> clauses.add(group.label() + " is " + factor(1 / difference(group).ratio()) + " faster than "
                    + baseline));
        }
        if (verdicts.containsKey(Verdict.SAME)) {
            clauses.add(names(verdicts.get(Verdict.SAME), " takes", " take") + " as long as " + baseline + " within "
                    + Difference.percent(margin));
        }
        var unclear = new ArrayList<>(verdicts.getOrDefault(Verdict.UNCLEAR, List.of()));
        verdicts.getOrDefault(Verdict.TOO_FEW, List.of()).stream().filter(group -> difference(group).ratio() != null)
                .forEach(unclear::add);
        var without = verdicts.getOrDefault(Verdict.TOO_FEW, List.of()).stream()
                .filter(group -> difference(group).ratio() == null).toList();
        if (!without.isEmpty()) {
            clauses.add(names(without, "", "") + " cannot be compared with " + baseline + " ("
                    + difference(without.getFirst()).whyWithoutRatio() + ")");
        }
        if (!unclear.isEmpty()) {
            clauses.add(names(unclear, "", "") + " cannot be told apart from " + baseline + " with "
                    + difference(unclear.getFirst()).count());
        }
        return metric.goal() + " " + String.join(", ", clauses) + lengths();
    }

    /** A model whose answers are shorter is done sooner: that is told where its tokens do not come faster. */
    private String lengths() {
        var texts = new ArrayList<String>();
        verdicts.forEach((verdict, groups) -> groups.forEach(group -> {
            var tokens = group.aggregates().get(Aggregate.OUTPUT_TOKENS);
            var others = ofBaseline.aggregates().get(Aggregate.OUTPUT_TOKENS);
            var perToken = group.differences().get(Metric.TPOT);
            if (!metric.growsWithLength() || tokens == null || others == null
                    || verdict != Verdict.FASTER && verdict != Verdict.SLOWER) {
                return;
            }
            var isOfLength = verdict == Verdict.FASTER ? tokens * LENGTHS_DIFFER < others : others * LENGTHS_DIFFER < tokens;
            if (isOfLength && (perToken == null || perToken.difference().verdict(margin) != verdict)) {
                texts.add(group.label() + " " + Aggregate.OUTPUT_TOKENS.cell(tokens));
            }
        }));
        return texts.isEmpty() ? "" : " (tokens of an answer: " + baseline + " "
                + Aggregate.OUTPUT_TOKENS.cell(ofBaseline.aggregates().get(Aggregate.OUTPUT_TOKENS)) + ", "
                + String.join(", ", texts) + ")";
    }

    private String factors(List<GroupResult> slower) {
        if (slower.size() > MOST_NAMES) {
            return factors(difference(slower.getFirst()).ratio(), difference(slower.getLast()).ratio()) + " faster than "
                    + slower.size() + " others";
        }
        return slower.stream().map(group -> factor(difference(group).ratio())
                + (group == slower.getFirst() || difference(group).ratio().isInfinite() ? " faster than " : " than ")
                + group.label())
                .collect(Collectors.joining(", "));
    }

    private static String factors(double least, double most) {
        return factor(least).equals(factor(most)) ? factor(least) : factor(least) + " to " + factor(most);
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
