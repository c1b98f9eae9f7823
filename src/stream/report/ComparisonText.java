//JAVA 25+
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/Table.java
//SOURCES ../terminal/TextLayout.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/BaselineDifference.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../compare/Difference.java
//SOURCES ../compare/GroupBy.java
//SOURCES ../compare/GroupResult.java
//SOURCES ../compare/QuantileInterval.java
//SOURCES ../compare/QuantileRatio.java
//SOURCES ../compare/SectionResult.java
//SOURCES ../compare/Verdict.java
//SOURCES RatioBar.java

package stream.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

import stream.compare.Aggregate;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.compare.Difference;
import stream.compare.GroupResult;
import stream.compare.SectionResult;
import stream.compare.Verdict;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.terminal.OneLine;
import stream.terminal.Table;
import stream.terminal.TextLayout;

/** A comparison for people to read, as text or as Markdown. */
public final class ComparisonText {

    private static final double NEARLY_ONE = 0.05;
    private static final String WINS = " *";

    /** What a narrow table leaves out, the first first. */
    private static final List<Aggregate> OPTIONAL = List.of(Aggregate.COST, Aggregate.COALESCED,
            Aggregate.FIRST_100_CHARS, Aggregate.CHARS_PER_S,
            Aggregate.ICL_P50, Aggregate.TTST_P50, Aggregate.OUTPUT_TOKENS, Aggregate.ITL_P99,
            Aggregate.ITL_ANY_P50, Aggregate.TTFT_ANY_P50, Aggregate.TOKENS_PER_EVENT, Aggregate.TTLT_P50,
            Aggregate.TTFT_P99, Aggregate.REQUESTS_PER_S,
            Aggregate.THROUGHPUT, Aggregate.TPOT_P50, Aggregate.ITL_P95, Aggregate.RETRIES,
            Aggregate.TTFT_NET_P50, Aggregate.TOTAL_P50,
            Aggregate.TTFT_P95, Aggregate.COST_OF_1000, Aggregate.TOKENS_PER_S, Aggregate.ITL_P50);

    private final Comparison comparison;
    private final boolean markdown;
    private final TextLayout layout;

    private ComparisonText(Comparison comparison, boolean markdown, TextLayout layout) {
        this.comparison = comparison;
        this.markdown = markdown;
        this.layout = layout;
    }

    /** Returns when a narrow table leaves a column out, from 0; null if it never does. */
    static Integer order(Aggregate aggregate) {
        return OPTIONAL.contains(aggregate) ? Integer.valueOf(OPTIONAL.indexOf(aggregate)) : null;
    }

    static ComparisonText markdown(Comparison comparison) {
        return new ComparisonText(comparison, true, TextLayout.WIDE);
    }

    public static ComparisonText plain(Comparison comparison, TextLayout layout) {
        return new ComparisonText(comparison, false, layout);
    }

    @Override
    public String toString() {
        var text = new StringBuilder();
        text.append(markdown ? "**" + Table.escaped(comparison.headline()) + "**" : wrapped(comparison.headline(), ""))
                .append("\n");
        for (var section : comparison.sections()) {
            text.append('\n');
            if (!section.title().isEmpty()) {
                text.append(markdown ? "### " + Table.escaped(section.title()) + "\n\n" : OneLine.of(section.title()) + "\n");
            }
            text.append(written(figures(section)));
            if (section.winner(comparison.terms().margin()) != null && !markdown) {
                text.append("* faster ").append(SectionResult.headlineMetrics(section.groups()).getFirst().goal())
                        .append(" than all others\n");
            }
            if (section.groups().stream().anyMatch(group -> !group.differences().isEmpty())) {
                text.append('\n').append(differences(section));
            }
            if (section.groups().stream()
                    .anyMatch(group -> GroupResult.TAILS.keySet().stream().anyMatch(group::hasIntervalOf))) {
                text.append('\n').append(written(tails(section)));
            }
        }
        text.append('\n');
        comparison.caveats().forEach(caveat ->
                text.append(markdown ? "- " + Table.escaped(caveat) : wrapped("note: " + caveat, "      ")).append('\n'));
        text.append(markdown && !comparison.caveats().isEmpty() ? "\n" : "");
        var runs = comparison.terms().runs();
        text.append(markdown ? "Runs: " + runs.stream().map(Table::escaped).collect(Collectors.joining(", "))
                : wrapped("Runs: " + String.join(", ", runs), "      "));
        return text.append('\n').toString();
    }

    private String wrapped(String sentence, String indent) {
        return OneLine.wrapped(OneLine.of(sentence), layout.width(), indent);
    }

    private String written(Table table) {
        return markdown ? table.markdown() : table.text(layout.width(), layout.styled());
    }

    private Table figures(SectionResult section) {
        var table = new Table().column(comparison.terms().by().heading(), true).labels();
        var namesDefinitions = section.groups().stream().anyMatch(group -> group.definition() != MetricDefinition.OURS);
        if (namesDefinitions) {
            table.column("as", true);
        }
        var shown = shown(section.groups());
        for (var aggregate : shown) {
            table.column(aggregate.family(), aggregate.heading(), aggregate.title(), false);
            if (OPTIONAL.contains(aggregate)) {
                table.optional(OPTIONAL.indexOf(aggregate));
            }
        }
        for (var group : section.groups()) {
            var wins = group.label().equals(section.winner(comparison.terms().margin())) && !markdown;
            var row = new ArrayList<>(List.of(group.label() + (wins ? WINS : "")));
            if (namesDefinitions) {
                row.add(group.definition().word());
            }
            for (var aggregate : shown) {
                row.add(group.cell(aggregate));
            }
            table.row(row);
            if (wins) {
                table.mark(0, Table.Mark.BEST);
            }
            if (group.failed() > 0) {
                table.mark((namesDefinitions ? 2 : 1) + shown.indexOf(Aggregate.FAILED), Table.Mark.BAD);
            }
        }
        return table;
    }

    /** Returns the columns of a table of these groups. */
    static List<Aggregate> shown(List<GroupResult> groups) {
        return Arrays.stream(Aggregate.values()).filter(aggregate -> isShown(aggregate, groups)).toList();
    }

    /** Whether the table has it as a column: what is mostly the same as another figure is shown where it is not. */
    private static boolean isShown(Aggregate aggregate, List<GroupResult> groups) {
        return switch (aggregate) {
            case TOKENS_PER_EVENT -> groups.stream().map(group -> group.aggregates().get(aggregate))
                    .anyMatch(tokens -> tokens != null && Math.abs(tokens - 1) > NEARLY_ONE);
            case TTFT_ANY_P50, ITL_ANY_P50 -> groups.stream().map(GroupResult::aggregates).anyMatch(aggregates ->
                    !Objects.equals(aggregates.get(Aggregate.TTFT_ANY_P50), aggregates.get(Aggregate.TTFT_P50))
                            && aggregates.containsKey(Aggregate.TTFT_ANY_P50));
            case RETRIES -> groups.stream().anyMatch(group -> group.aggregates().getOrDefault(aggregate, 0.0) > 0);
            case TTFT_NET_P50 -> groups.stream().anyMatch(group -> group.differences().containsKey(Metric.TTFT_NET));
            case CHARS_PER_S, FIRST_100_CHARS, COST, COST_OF_1000, TTST_P50, ICL_P50 ->
                    groups.stream().anyMatch(group -> group.aggregates().containsKey(aggregate));
            default -> true;
        };
    }

    /** One line for each difference; where the verdict does not fit into it, it follows below. */
    private String differences(SectionResult section) {
        if (markdown) {
            return differences(section, true).markdown();
        }
        var explained = differences(section, true);
        var fits = explained.width() <= layout.width();
        var text = new StringBuilder(wrapped("Ratios to " + section.baseline()
                + ", above 1 is slower: o, and - their 95 % intervals", ""))
                .append('\n').append(written(fits ? explained : differences(section, false)));
        if (!fits) {
            forEachDifference(section, (metric, label, difference) -> {
                if (!difference.verdictIsPlain(comparison.terms().margin())) {
                    var verdict = difference.verdictWords(comparison.terms().margin());
                    text.append(wrapped(metric.title() + " of " + label + ": " + verdict, "  ")).append('\n');
                }
            });
        }
        return text.toString();
    }

    /** Is given each difference of a section, by metric and then by group. */
    private interface DifferenceConsumer {
        void accept(Metric metric, String label, Difference difference);
    }

    private static void forEachDifference(SectionResult section, DifferenceConsumer consumer) {
        for (var metric : ComparisonSettings.COMPARABLE) {
            section.groups().stream().filter(group -> group.differences().containsKey(metric))
                    .forEach(group -> consumer.accept(metric, group.label(), group.differences().get(metric).difference()));
        }
    }

    /** {@code explained} tells whether the verdict is in all its words. */
    private Table differences(SectionResult section, boolean explained) {
        var margin = comparison.terms().margin();
        var table = new Table().column("metric", true).column("", true).labels().column("ratio", false)
                .column("95 % interval", false);
        if (!markdown) {
            table.column("", true).optional(0);
        }
        table.column("verdict", true);
        var bar = ratioBar(section);
        forEachDifference(section, (metric, label, difference) -> {
            var row = new ArrayList<>(List.of(metric.title(), label + (markdown ? " / " + section.baseline() : ""),
                    ratio(difference.ratio()), interval(difference.lower95(), difference.upper95())));
            if (!markdown) {
                row.add(bar.of(difference.ratio(), difference.lower95(), difference.upper95()));
            }
            row.add(explained ? difference.verdictWords(margin) : difference.verdict(margin).phrase());
            table.row(row);
            var verdict = difference.verdict(margin);
            if (verdict == Verdict.FASTER || verdict == Verdict.SLOWER) {
                table.mark(row.size() - 1, verdict == Verdict.FASTER ? Table.Mark.BEST : Table.Mark.BAD);
            }
        });
        return table;
    }

    /** The high quantiles that have an interval, or whose ratio to the baseline has one. */
    private Table tails(SectionResult section) {
        var table = new Table().column("tail", true).column("", true).labels().column("ms", false).column("95 % interval", false)
                .column("ratio", false).column("95 % interval", false);
        for (var aggregate : GroupResult.TAILS.keySet()) {
            for (var group : section.groups()) {
                var interval = group.intervals().get(aggregate);
                var tail = group.tails().get(aggregate);
                if (group.hasIntervalOf(aggregate)) {
                    table.row(List.of(aggregate.title().replace(" ms", ""), group.label(),
                            aggregate.cell(group.aggregates().get(aggregate)),
                            interval == null ? "" : aggregate.cell(interval.lower()) + " to " + aggregate.cell(interval.upper()),
                            tail == null ? "" : ratio(tail.ratio()), tail == null ? "" : interval(tail.lower(), tail.upper())));
                }
            }
        }
        return table;
    }

    private static RatioBar ratioBar(SectionResult section) {
        var ratios = new ArrayList<Double>();
        forEachDifference(section, (metric, label, difference) ->
                ratios.addAll(Arrays.asList(difference.ratio(), difference.lower95(), difference.upper95())));
        return RatioBar.of(ratios);
    }

    private static String ratio(Double ratio) {
        return ratio == null ? "" : ratio.isInfinite() ? "never" : String.format(Locale.ROOT, "%.2fx", ratio);
    }

    private static String interval(Double lower, Double upper) {
        return lower == null ? "" : String.format(Locale.ROOT, "%.2f to ", lower)
                + (upper.isInfinite() ? "never" : String.format(Locale.ROOT, "%.2f", upper));
    }
}
