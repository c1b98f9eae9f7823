//JAVA 25+
//SOURCES Console.java
//SOURCES OneLine.java
//SOURCES TextWidth.java

package stream.terminal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Rows of cells under headings, of which neighbours may have a heading together. */
public final class Table {

    /**
     * A column.
     *
     * @param at      its place, from 0
     * @param family  heading of several columns together; empty for none
     * @param heading what stands under that
     * @param whole   both in one, where there is no room for a line above
     * @param left    whether its cells stand on the left
     */
    private record Column(int at, String family, String heading, String whole, boolean left) { }

    /** What a cell is marked as, by its colour. */
    public enum Mark {
        BEST("1;32"), BAD("31");

        private final String style;

        Mark(String style) {
            this.style = style;
        }
    }

    private static final int SHORTEST_LABEL = 10;
    private static final int SHARE_OF_LABELS = 4; // of a line, before columns are left out for them

    private final List<Column> columns = new ArrayList<>();
    private final List<List<String>> rows = new ArrayList<>();
    private final Map<Column, Integer> optional = new LinkedHashMap<>();
    private final Set<Column> labels = new HashSet<>();
    private final List<Map<Column, Mark>> marks = new ArrayList<>();

    public Table column(String heading, boolean left) {
        return column("", heading, heading, left);
    }

    public Table column(String family, String heading, String whole, boolean left) {
        columns.add(new Column(columns.size(), family, OneLine.of(heading), OneLine.of(whole), left));
        return this;
    }

    /** Lets the last column be left out where there is no room; that with the lowest number goes first. */
    public Table optional(int order) {
        optional.put(columns.getLast(), order);
        return this;
    }

    /** Lets the cells of the last column lose their middle where there is no room for them. */
    public Table labels() {
        labels.add(columns.getLast());
        return this;
    }

    public Table row(List<String> cells) {
        rows.add(cells.stream().map(OneLine::of).toList());
        marks.add(new HashMap<>());
        return this;
    }

    /** Marks a cell of the last row; in a table without colours it looks like the others. */
    public void mark(int column, Mark mark) {
        marks.getLast().put(columns.get(column), mark);
    }

    /** As columns of text; families above the headings. */
    public String text() {
        return text(Console.UNLIMITED, false);
    }

    /** Returns how many characters the widest line has, if all columns are there. */
    public int width() {
        return width(columns, widths(columns));
    }

    /**
     * The same in lines of at most so many characters: columns are left out, then labels shortened. No row is broken.
     *
     * @param styled whether marked cells have their colour
     */
    public String text(int mostCharacters, boolean styled) {
        var shown = new ArrayList<>(columns);
        optional.entrySet().stream().sorted(Map.Entry.comparingByValue()).map(Map.Entry::getKey)
                .takeWhile(column -> width(shown, withLabelsOf(shown, mostCharacters / SHARE_OF_LABELS)) > mostCharacters)
                .forEach(shown::remove);
        var widths = widths(shown);
        var tooMuch = width(shown, widths) - mostCharacters;
        if (tooMuch > 0) {
            widths = withLabelsOf(shown, labels.stream().mapToInt(label -> widths(List.of(label))[0]).max().orElse(0) - tooMuch);
        }
        var text = new StringBuilder();
        if (shown.stream().anyMatch(column -> !column.family().isEmpty())) {
            line(text, families(shown, widths));
        }
        line(text, cells(shown, widths, shown.stream().map(Column::heading).toList(), Map.of()));
        for (int i = 0; i < rows.size(); i++) {
            var row = rows.get(i);
            line(text, cells(shown, widths, shown.stream().map(column -> row.get(column.at())).toList(),
                    styled ? marks.get(i) : Map.of()));
        }
        return text.toString();
    }

    private int[] widths(List<Column> shown) {
        var widths = shown.stream().mapToInt(column -> Math.max(TextWidth.of(column.heading()),
                rows.stream().mapToInt(row -> TextWidth.of(row.get(column.at()))).max().orElse(0))).toArray();
        for (int i = 0; i < widths.length; i++) {
            var isAlone = (i == 0 || !shown.get(i - 1).family().equals(shown.get(i).family()))
                    && (i == widths.length - 1 || !shown.get(i + 1).family().equals(shown.get(i).family()));
            widths[i] = isAlone ? Math.max(widths[i], shown.get(i).family().length()) : widths[i];
        }
        return widths;
    }

    private int[] withLabelsOf(List<Column> shown, int most) {
        var widths = widths(shown);
        for (int i = 0; i < widths.length; i++) {
            widths[i] = labels.contains(shown.get(i)) ? Math.min(widths[i], Math.max(SHORTEST_LABEL, most)) : widths[i];
        }
        return widths;
    }

    private static int width(List<Column> shown, int[] widths) {
        return Arrays.stream(widths).sum() + 2 * Math.max(0, shown.size() - 1);
    }

    private static String families(List<Column> shown, int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; ) {
            var family = shown.get(i).family();
            var width = widths[i++];
            while (i < widths.length && !family.isEmpty() && shown.get(i).family().equals(family)) {
                width += 2 + widths[i++];
            }
            var dashes = Math.max(0, width - family.length() - 1);
            line.append(line.isEmpty() ? "" : "  ").append(family.isEmpty() ? " ".repeat(width)
                    : width < family.length() + 2 ? " ".repeat(width - family.length()) + family
                    : "-".repeat(dashes / 2) + " " + family + " " + "-".repeat(Math.max(0, dashes - dashes / 2 - 1)));
        }
        return line.toString();
    }

    private static String cells(List<Column> shown, int[] widths, List<String> cells, Map<Column, Mark> marked) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            var cell = OneLine.withoutMiddle(cells.get(i), widths[i]);
            var space = " ".repeat(Math.max(0, widths[i] - TextWidth.of(cell)));
            var mark = marked.get(shown.get(i));
            var seen = mark == null || cell.isEmpty() ? cell : "\033[" + mark.style + "m" + cell + "\033[0m";
            line.append(i == 0 ? "" : "  ").append(shown.get(i).left() ? seen + space : space + seen);
        }
        return line.toString();
    }

    private static void line(StringBuilder text, String line) {
        text.append(line.stripTrailing()).append('\n');
    }

    /** As a table of GitHub's Markdown. */
    public String markdown() {
        var text = new StringBuilder();
        line(text, markdown(columns.stream().map(Column::whole).toList()));
        line(text, columns.stream().map(column -> column.left() ? ":---" : "---:").collect(Collectors.joining(" | ", "| ", " |")));
        rows.forEach(row -> line(text, markdown(row)));
        return text.toString();
    }

    private static String markdown(List<String> cells) {
        return cells.stream().map(Table::escaped).collect(Collectors.joining(" | ", "| ", " |"));
    }

    /** Escapes what Markdown would interpret, also in a cell of a table. */
    public static String escaped(String text) {
        return OneLine.of(text).replaceAll("[\\\\`*_<>|\\[\\]~#]", "\\\\$0");
    }
}
