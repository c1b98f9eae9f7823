//JAVA 25+
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/Table.java
//SOURCES ../terminal/TextLayout.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/GroupBy.java
//SOURCES ../compare/Section.java
//SOURCES ComparisonText.java

package stream.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

import stream.compare.Aggregate;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.compare.Group;
import stream.compare.Section;
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

    /** A definition that a run cannot tell has no row. */
    public String text() throws IOException {
        var definitions = Comparison.underEachDefinition(settings, null);
        var own = definitions.own();
        var rows = new LinkedHashMap<String, List<List<String>>>();
        for (var source : definitions.each()) {
            for (var section : source.sections()) {
                section.groups().forEach(group -> rows.computeIfAbsent(section.title() + "\n" + group.label(),
                        absent -> new ArrayList<>())
                        .add(row(section, group)));
            }
        }
        var table = new Table().column(own.terms().by().heading(), true).labels().column("as", true);
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

    private static List<String> row(Section section, Group group) {
        var row = new ArrayList<>(List.of((section.title().isEmpty() ? "" : section.title() + ", ") + group.label(),
                group.definition().word()));
        SHOWN.forEach(aggregate -> row.add(aggregate.cell(aggregate.of(group))));
        return row;
    }
}
