///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Say which model is faster, and whether the difference is real
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES Report.java
//RUNTIME_OPTIONS -XX:+UseSerialGC

// Compare: reads recorded runs and says which model is faster, by how much, how sure that is, and what stands in the way of
// believing it: as text, Markdown, CSV, JSON, an HTML report or a picture.
//
// To run just:
//   jbang Compare.java                                    the newest run under results/
//   jbang Compare.java results/BEFORE results/AFTER       the same models in two runs
//   jbang Compare.java --export report.html --export ttft.svg
//   jbang Compare.java BEFORE AFTER --fail-if 'ttft_p95 > 1.2x'
//
// Read it from the outside in: command line, limits for CI, tables, text and Markdown, CSV. What is compared is made in
// Weigh.java, and drawn in Report.java.
//
// It measures nothing; what it says is as good as the runs. It knows pairs of requests, not why one of them was slow.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The command that compares. */
@Command(name = "compare", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        version = Prompts.VERSION,
        description = "Says which model is faster, and whether the difference is real.")
public class Compare implements Callable<Integer> {

    @Mixin
    Weighing weighing = new Weighing();

    @Option(names = "--fail-if", paramLabel = "'FIGURE > LIMIT'",
            description = "Exit with 1 if any group is past a limit: 'ttft_p95 > 1.2x' (of the baseline), 'total_p50 > 900'"
                    + " (ms), 'failed > 1%%'; repeatable.")
    List<String> failIf = new ArrayList<>();

    @Option(names = "--format", paramLabel = "text|markdown|csv|json|html", defaultValue = "text",
            description = "What goes to standard output (default: ${DEFAULT-VALUE}).")
    String format;

    @Option(names = "--export", paramLabel = "FILE",
            description = "Also write a file, by its ending: .txt, .md, .csv, .json, .html, or a picture, .svg or .png, of TTFT or"
                    + " of what its name begins with (itl, tpot, ttlt, total); repeatable.")
    List<Path> exports = new ArrayList<>();

    private final PrintStream out;
    private final PrintStream err;

    Compare(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(new PrintStream(System.out, true, StandardCharsets.UTF_8), System.err, args));
    }

    /** Runs the command; returns its exit code: 0 there is an answer, 1 and it is past a limit, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Compare(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("compare: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        try {
            var limits = failIf.stream().map(Limit::of).toList();
            var output = Output.of("--format '" + format + "'", format);
            var outputs = new LinkedHashMap<Path, Output>();
            exports.forEach(file -> outputs.put(file, Output.of("--export " + file, ending(file))));
            if (output.isPicture()) {
                throw new IllegalArgumentException("--format '" + format + "': a picture is no text; --export FILE." + format
                        + " writes one");
            }
            var table = weighing.runs.size() == 1 ? ComparisonCsv.in(weighing.runs.getFirst()) : null;
            var comparison = table == null ? weighing.weigh(err) : table.read(weighing);
            for (var export : outputs.entrySet()) {
                write(export.getKey(), export.getValue().bytes(comparison, export.getKey()));
            }
            out.write(output.bytes(comparison, Path.of("ttft")));
            out.flush();
            var passed = limits.stream().flatMap(limit -> limit.broken(comparison).stream()).toList();
            passed.forEach(line -> err.println("compare: " + line));
            return passed.isEmpty() ? 0 : 1;
        } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
            err.println("compare: " + e.getMessage());
            return 2;
        }
    }

    private static String ending(Path file) {
        var name = file.toString();
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new IOException("--export " + file + ": can't be written (" + e.getClass().getSimpleName()
                    + "); name a file in a folder that is there");
        }
    }

    /** What a comparison can be written as. */
    private enum Output {
        TEXT(List.of("text", "txt"), comparison -> new Prose(comparison, false).toString()),
        MARKDOWN(List.of("markdown", "md"), comparison -> new Prose(comparison, true).toString()),
        CSV(List.of("csv"), ComparisonCsv::write),
        JSON(List.of("json"), comparison -> comparison.json().toPrettyString() + "\n"),
        HTML(List.of("html"), Report::html),
        SVG(List.of("svg"), null),
        PNG(List.of("png"), null);

        private final List<String> words;
        private final Function<Comparison, String> text;

        Output(List<String> words, Function<Comparison, String> text) {
            this.words = words;
            this.text = text;
        }

        static Output of(String given, String word) {
            return Arrays.stream(values()).filter(output -> output.words.contains(word)).findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(given + ": not one of " + Arrays.stream(values())
                            .map(output -> output.words.getLast()).collect(Collectors.joining(", "))));
        }

        boolean isPicture() {
            return text == null;
        }

        byte[] bytes(Comparison comparison, Path file) throws IOException {
            return isPicture() ? Picture.named(file.getFileName().toString(), comparison).bytes(words.getFirst())
                    : text.apply(comparison).getBytes(StandardCharsets.UTF_8);
        }
    }
}

/** A limit that no group may be past. */
final class Limit {

    private static final Pattern SYNTAX =
            Pattern.compile("\\s*([a-z_0-9]+)\\s*(>=|<=|>|<)\\s*([0-9]+(?:\\.[0-9]+)?)\\s*(x|ms|%|)\\s*");

    private final String text;
    private final Figure figure;
    private final String comparator;
    private final double value;
    private final String unit;

    private Limit(String text, Figure figure, String comparator, double value, String unit) {
        this.text = text;
        this.figure = figure;
        this.comparator = comparator;
        this.value = value;
        this.unit = unit;
    }

    /** Throws IllegalArgumentException with the words for the user. */
    static Limit of(String text) {
        var parts = SYNTAX.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("--fail-if '" + text + "'; it takes a figure, a comparison and a limit, such as"
                    + " 'ttft_p95 > 1.2x'");
        }
        var figure = Arrays.stream(Figure.values())
                .filter(each -> each.word().equals(parts.group(1)) || each.word().equals(parts.group(1) + "_ms")).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("--fail-if '" + text + "': no figure " + parts.group(1)
                        + "; there are " + Arrays.stream(Figure.values()).map(Figure::word).collect(Collectors.joining(", "))));
        var unit = parts.group(4);
        if (unit.equals("ms") && !figure.word().endsWith("_ms")) {
            throw new IllegalArgumentException("--fail-if '" + text + "': " + figure.word() + " is no time");
        }
        if (unit.equals("%") && figure != Figure.FAILED && figure != Figure.COALESCED) {
            throw new IllegalArgumentException("--fail-if '" + text + "': " + figure.word() + " is no share; for a ratio to the"
                    + " baseline write 1.2x");
        }
        return new Limit(text, figure, parts.group(2), Double.parseDouble(parts.group(3)), unit);
    }

    /** Returns a line for each group that is past it, or that can't be checked. */
    List<String> broken(Comparison comparison) {
        var lines = new ArrayList<String>();
        for (var part : comparison.parts()) {
            var baseline = part.baseline(figure.measure() == null || !Part.COMPARED.contains(figure.measure()) ? Measure.TTLT
                    : figure.measure());
            if (unit.equals("x") && baseline == null) {
                lines.add(said(part, "there is nothing to hold " + part.lines().getFirst().label() + " against"));
                continue;
            }
            for (var line : part.lines()) {
                if (!unit.equals("x")) {
                    check(part, line, null, lines);
                } else if (!line.label().equals(baseline)) {
                    check(part, line, part.line(baseline), lines);
                }
            }
        }
        return lines;
    }

    private void check(Part part, Line line, Line baseline, List<String> lines) {
        var own = line.figures().get(figure);
        var other = baseline == null ? null : baseline.figures().get(figure);
        var unknown = own == null ? line : baseline != null && other == null ? baseline : null;
        if (unknown != null) {
            lines.add(said(part, unknown.label() + " has too few completed requests for it, " + unknown.completed()));
            return;
        }
        if (isPast(own / (other != null ? other : one(line)))) {
            lines.add(said(part, line.label() + " has " + figure.cell(own) + (other == null ? ""
                    : String.format(Locale.ROOT, ", %.2fx of %s's %s", own / other, baseline.label(), figure.cell(other)))));
        }
    }

    /** Returns what the limit counts in. */
    private double one(Line line) {
        return !unit.equals("%") ? 1 : figure == Figure.FAILED ? line.figures().get(Figure.N) / 100 : 0.01;
    }

    private boolean isPast(double measured) {
        return switch (comparator) {
            case ">" -> measured > value;
            case ">=" -> measured >= value;
            case "<" -> measured < value;
            default -> measured <= value;
        };
    }

    private String said(Part part, String what) {
        return "--fail-if '" + text + "': " + (part.title().isEmpty() ? "" : part.title() + ": ") + what;
    }
}

/** Rows of cells under headings, of which neighbours may have a heading together. */
final class Table {

    /**
     * A column.
     *
     * @param family  heading of several columns together; empty for none
     * @param heading what stands under that
     * @param whole   both in one, where there is no room for a line above
     * @param left    whether its cells stand on the left
     */
    private record Column(String family, String heading, String whole, boolean left) { }

    private final List<Column> columns = new ArrayList<>();
    private final List<List<String>> rows = new ArrayList<>();

    Table column(String heading, boolean left) {
        return column("", heading, heading, left);
    }

    Table column(String family, String heading, String whole, boolean left) {
        columns.add(new Column(family, Prose.line(heading), Prose.line(whole), left));
        return this;
    }

    void row(List<String> cells) {
        rows.add(cells.stream().map(Prose::line).toList());
    }

    /** As columns of text; families above the headings. */
    String text() {
        var widths = new int[columns.size()];
        for (int i = 0; i < widths.length; i++) {
            var at = i;
            widths[i] = Math.max(columns.get(i).heading().length(),
                    rows.stream().mapToInt(row -> row.get(at).length()).max().orElse(0));
        }
        var text = new StringBuilder();
        if (columns.stream().anyMatch(column -> !column.family().isEmpty())) {
            line(text, families(widths));
        }
        line(text, cells(widths, columns.stream().map(Column::heading).toList()));
        rows.forEach(row -> line(text, cells(widths, row)));
        return text.toString();
    }

    private String families(int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; ) {
            var family = columns.get(i).family();
            var width = widths[i++];
            while (i < widths.length && !family.isEmpty() && columns.get(i).family().equals(family)) {
                width += 2 + widths[i++];
            }
            var dashes = Math.max(0, width - family.length() - 1);
            line.append(line.isEmpty() ? "" : "  ").append(family.isEmpty() ? " ".repeat(width)
                    : "-".repeat(dashes / 2) + " " + family + " " + "-".repeat(Math.max(0, dashes - dashes / 2 - 1)));
        }
        return line.toString();
    }

    private String cells(int[] widths, List<String> cells) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            var space = " ".repeat(widths[i] - cells.get(i).length());
            line.append(i == 0 ? "" : "  ").append(columns.get(i).left() ? cells.get(i) + space : space + cells.get(i));
        }
        return line.toString();
    }

    private static void line(StringBuilder text, String line) {
        text.append(line.stripTrailing()).append('\n');
    }

    /** As a table of GitHub's Markdown. */
    String markdown() {
        var text = new StringBuilder();
        line(text, markdown(columns.stream().map(Column::whole).toList()));
        line(text, columns.stream().map(column -> column.left() ? ":---" : "---:").collect(Collectors.joining(" | ", "| ", " |")));
        rows.forEach(row -> line(text, markdown(row)));
        return text.toString();
    }

    private static String markdown(List<String> cells) {
        return cells.stream().map(Prose::escaped).collect(Collectors.joining(" | ", "| ", " |"));
    }
}

/** A comparison for people to read, as text or as Markdown. */
final class Prose {

    private final Comparison comparison;
    private final boolean markdown;

    Prose(Comparison comparison, boolean markdown) {
        this.comparison = comparison;
        this.markdown = markdown;
    }

    @Override
    public String toString() {
        var text = new StringBuilder();
        text.append(markdown ? "**" + escaped(comparison.headline()) + "**" : line(comparison.headline())).append("\n");
        for (var part : comparison.parts()) {
            text.append('\n');
            if (!part.title().isEmpty()) {
                text.append(markdown ? "### " + escaped(part.title()) + "\n\n" : line(part.title()) + "\n");
            }
            text.append(written(figures(part)));
            if (part.lines().stream().anyMatch(line -> !line.against().isEmpty())) {
                text.append('\n').append(written(differences(part)));
            }
        }
        text.append('\n');
        comparison.notes().forEach(note -> text.append(markdown ? "- " + escaped(note) : "note: " + line(note)).append('\n'));
        text.append(markdown && !comparison.notes().isEmpty() ? "\n" : "").append("Runs: ")
                .append(comparison.terms().runs().stream().map(run -> markdown ? escaped(run) : line(run))
                        .collect(Collectors.joining(", "))).append('\n');
        return text.toString();
    }

    private String written(Table table) {
        return markdown ? table.markdown() : table.text();
    }

    private Table figures(Part part) {
        var table = new Table().column(comparison.terms().by().replace("label:", ""), true);
        for (var figure : Figure.values()) {
            table.column(figure.family(), figure.heading(), figure.title(), false);
        }
        for (var line : part.lines()) {
            var row = new ArrayList<>(List.of(line.label()));
            for (var figure : Figure.values()) {
                row.add(figure.cell(line.figures().get(figure)));
            }
            table.row(row);
        }
        return table;
    }

    private Table differences(Part part) {
        var table = new Table().column("medians", true).column("", true).column("ratio", false)
                .column("95 % interval", false).column("verdict", true);
        for (var measure : Part.COMPARED) {
            for (var line : part.lines()) {
                var against = line.against().get(measure);
                if (against != null) {
                    var difference = against.difference();
                    table.row(List.of(measure == Measure.TOTAL ? "total" : measure.name(),
                            line.label() + " / " + against.baseline(),
                            difference.ratio() == null ? "" : String.format(Locale.ROOT, "%.2fx", difference.ratio()),
                            difference.low() == null ? "" : String.format(Locale.ROOT, "%.2f to %.2f", difference.low(),
                                    difference.high()),
                            difference.verdictWords(comparison.terms().margin())));
                }
            }
        }
        return table;
    }

    /** Takes out what would start a new line, or make a terminal do something. */
    static String line(String text) {
        return text.replaceAll("\\p{Cntrl}+", " ");
    }

    /** Lets Markdown take a text as it is, also in a cell of a table. */
    static String escaped(String text) {
        return line(text).replaceAll("[\\\\`*_<>|\\[\\]~#]", "\\\\$0");
    }
}

/**
 * A comparison as a CSV file, one row a group, which can be read back. Times are milliseconds, shares are of 1, blank is not
 * known; the columns are described in results/README.md.
 */
final class ComparisonCsv {

    private static final List<String> OF_ALL = List.of("runs", "by", "as", "margin", "simulated", "notes");
    private static final List<String> OF_DIFFERENCE =
            List.of("baseline", "size", "paired", "ratio", "low", "high", "same_low", "same_high", "p", "verdict");

    private final Path file;

    private ComparisonCsv(Path file) {
        this.file = file;
    }

    /** Returns null if this is not a file of comparisons, as far as its name goes. */
    static ComparisonCsv in(Path path) {
        return Files.isRegularFile(path) && !path.getFileName().toString().matches("(requests|events)\\.csv")
                ? new ComparisonCsv(path) : null;
    }

    static String write(Comparison comparison) {
        var text = new StringWriter();
        try (var rows = new CSVPrinter(text, CSVFormat.RFC4180)) {
            rows.printRecord(columns());
            for (var part : comparison.parts()) {
                for (var line : part.lines()) {
                    write(rows, comparison, part, line);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // from a StringWriter there is none
        }
        return text.toString();
    }

    private static List<String> columns() {
        var columns = new ArrayList<>(List.of("section", "label"));
        Arrays.stream(Figure.values()).map(Figure::word).forEach(columns::add);
        for (var measure : Part.COMPARED) {
            OF_DIFFERENCE.forEach(column -> columns.add(measure.word() + "_" + column));
        }
        columns.addAll(OF_ALL);
        return columns;
    }

    private static void write(CSVPrinter rows, Comparison comparison, Part part, Line line) throws IOException {
        var terms = comparison.terms();
        rows.print(part.title());
        rows.print(line.label());
        for (var figure : Figure.values()) {
            var value = line.figures().get(figure);
            rows.print(value == null ? null : figure.rounded(value));
        }
        for (var measure : Part.COMPARED) {
            var against = line.against().get(measure);
            if (against == null) {
                for (int i = 0; i < OF_DIFFERENCE.size(); i++) {
                    rows.print(null);
                }
                continue;
            }
            var difference = against.difference();
            rows.print(against.baseline());
            rows.print(difference.size());
            rows.print(difference.paired());
            for (var value : Arrays.asList(difference.ratio(), difference.low(), difference.high(), difference.sameLow(),
                    difference.sameHigh(), difference.pValue())) {
                rows.print(value == null ? null : BigDecimal.valueOf(value).round(new MathContext(6)).toPlainString());
            }
            rows.print(difference.verdict(terms.margin()).word());
        }
        rows.print(String.join("\n", terms.runs()));
        rows.print(terms.by());
        rows.print(terms.definition().word());
        rows.print(terms.margin());
        rows.print(terms.simulated());
        rows.print(String.join("\n", comparison.notes()));
        rows.println();
    }

    /** Reads it back; throws IOException or IllegalArgumentException with the words for the user. */
    Comparison read(Weighing weighing) throws IOException {
        var option = weighing.by != null ? "--by" : weighing.as != null ? "--as" : weighing.baseline != null ? "--baseline"
                : weighing.untainted ? "--untainted" : null;
        if (option != null) {
            throw new IllegalArgumentException(option + ": " + file + " is compared already; name the folders of the runs instead");
        }
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).setAllowMissingColumnNames(true).get();
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var column : columns()) {
                if (!rows.getHeaderNames().contains(column)) {
                    throw new IOException(file + ": not a comparison of this tool, it has no column " + column
                            + "; name such a file or the folder of a run");
                }
            }
            return read(rows, weighing);
        } catch (UncheckedIOException e) {
            throw new IOException(file + ": not a CSV file (" + e.getCause().getMessage() + ")");
        }
    }

    private Comparison read(CSVParser rows, Weighing weighing) throws IOException {
        var lines = new LinkedHashMap<String, List<Line>>();
        var notes = new LinkedHashSet<String>();
        Comparison.Terms terms = null;
        for (var row : rows) {
            try {
                lines.computeIfAbsent(row.get("section"), absent -> new ArrayList<>()).add(line(row));
                row.get("notes").lines().forEach(notes::add);
                terms = new Comparison.Terms(row.get("runs").lines().toList(), row.get("by"), Definition.of(row.get("as")),
                        weighing.margin != null ? Difference.margin(weighing.margin) : Difference.margin(row.get("margin")),
                        row.get("simulated").equals("true"));
            } catch (IllegalArgumentException e) {
                throw new IOException(file + ":" + (row.getRecordNumber() + 1) + ": " + e.getMessage());
            }
        }
        if (terms == null) {
            throw new IOException(file + ": no groups in it; there is nothing to compare");
        }
        return new Comparison(terms, lines.entrySet().stream().map(part -> new Part(part.getKey(), part.getValue())).toList(),
                List.copyOf(notes), null);
    }

    private static Line line(CSVRecord row) {
        var figures = new EnumMap<Figure, Double>(Figure.class);
        for (var figure : Figure.values()) {
            var value = number(row, figure.word());
            if (value != null) {
                figures.put(figure, value);
            }
        }
        if (!figures.containsKey(Figure.N) || !figures.containsKey(Figure.FAILED)) {
            throw new IllegalArgumentException("n or failed is blank");
        }
        var against = new EnumMap<Measure, Against>(Measure.class);
        for (var measure : Part.COMPARED) {
            var name = measure.word() + "_";
            if (!row.get(name + "baseline").isEmpty()) {
                against.put(measure, new Against(row.get(name + "baseline"), new Difference(
                        Integer.parseInt(row.get(name + "size")), row.get(name + "paired").equals("true"),
                        number(row, name + "ratio"), number(row, name + "low"), number(row, name + "high"),
                        number(row, name + "same_low"), number(row, name + "same_high"), number(row, name + "p"))));
            }
        }
        return new Line(row.get("label"), figures, against);
    }

    /** Returns null for blank. */
    private static Double number(CSVRecord row, String column) {
        var text = row.get(column);
        if (text.isEmpty()) {
            return null;
        }
        var number = Double.parseDouble(text);
        if (number >= 0 && number < Double.POSITIVE_INFINITY) {
            return number;
        }
        throw new IllegalArgumentException(column + " '" + text + "' is not a number from 0");
    }
}
