//JAVA 25+
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/Table.java
//SOURCES ../terminal/TextLayout.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../compare/GroupBy.java
//SOURCES ../compare/GroupResult.java
//SOURCES ../compare/SectionResult.java
//SOURCES ComparisonText.java

package stream.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

import stream.compare.Aggregate;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.compare.GroupResult;
import stream.compare.SectionResult;
import stream.metric.MetricDefinition;
import stream.terminal.OneLine;
import stream.terminal.Table;
import stream.terminal.TextLayout;

/** The metrics of the same streams as each tool defines them. */
public final class DefinitionTable {

    private static final List<Aggregate> SHOWN = List.of(Aggregate.N, Aggregate.FAILED, Aggregate.TTFT_P50, Aggregate.ITL_P50,
            Aggregate.TPOT_P50, Aggregate.TTST_P50, Aggregate.TTLT_P50, Aggregate.TOTAL_P50,
            Aggregate.TOKENS_PER_S, Aggregate.ICL_P50);

    private final ComparisonSettings settings;
    private final TextLayout layout;

    public DefinitionTable(ComparisonSettings settings, TextLayout layout) {
        this.settings = settings;
        this.layout = layout;
    }

    /** Reads the runs once for each definition; one that a run cannot tell has no row. */
    public String text() throws IOException {
        var own = Comparison.of(settings, null);
        var by = own.terms().by();
        var rows = new LinkedHashMap<String, List<List<String>>>();
        for (var definition : MetricDefinition.values()) {
            var comparison = Comparison.ofThoseWith(settings.with(by, definition));
            if (comparison == null) {
                continue;
            }
            for (var section : comparison.sections()) {
                section.groups().forEach(group -> rows.computeIfAbsent(section.title() + "\n" + group.label(),
                        absent -> new ArrayList<>())
                        .add(row(section, group)));
            }
        }
        var table = new Table().column(by.heading(), true).labels().column("as", true);
        for (var aggregate : SHOWN) {
            table.column(aggregate.family(), aggregate.heading(), aggregate.title(), false);
            if (ComparisonText.order(aggregate) != null) {
                table.optional(ComparisonText.order(aggregate));
            }
        }
        rows.values().forEach(ofGroup -> ofGroup.forEach(table::row));
        var text = new StringBuilder(table.text(layout.width(), layout.styled())).append('\n');
        own.caveats().forEach(caveat ->
                text.append(OneLine.wrapped("note: " + OneLine.of(caveat), layout.width(), "      ")).append('\n'));
        return text.toString();
    }

    private static List<String> row(SectionResult section, GroupResult group) {
        var row = new ArrayList<>(List.of((section.title().isEmpty() ? "" : section.title() + ", ") + group.label(),
                group.definition().word()));
        SHOWN.forEach(aggregate -> row.add(group.cell(aggregate)));
        return row;
    }
}
