//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES Statistics.java
//SOURCES Groups.java
//SOURCES Comparison.java

// Export

package stream;

import java.io.IOException;
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
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;

/** A limit that no group may be past. */
final class Limit {

    private static final Pattern SYNTAX =
            Pattern.compile("\\s*([a-z_0-9]+)\\s*(>=|<=|>|<)\\s*([0-9]+(?:\\.[0-9]+)?)\\s*(x|ms|%|)\\s*");

    private final String text;
    private final Aggregate figure;
    private final String comparator;
    private final double value;
    private final String unit;

    private Limit(String text, Aggregate figure, String comparator, double value, String unit) {
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
        var figure = Arrays.stream(Aggregate.values())
                .filter(each -> each.word().equals(parts.group(1)) || each.word().equals(parts.group(1) + "_ms")).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("--fail-if '" + text + "': no figure " + parts.group(1)
                        + "; there are " + Arrays.stream(Aggregate.values()).map(Aggregate::word).collect(Collectors.joining(", "))));
        var unit = parts.group(4);
        if (unit.equals("ms") && !figure.word().endsWith("_ms")) {
            throw new IllegalArgumentException("--fail-if '" + text + "': " + figure.word() + " is no time");
        }
        if (unit.equals("%") && figure != Aggregate.FAILED && figure != Aggregate.COALESCED) {
            throw new IllegalArgumentException("--fail-if '" + text + "': " + figure.word() + " is no share; for a ratio to the"
                    + " baseline write 1.2x");
        }
        return new Limit(text, figure, parts.group(2), Double.parseDouble(parts.group(3)), unit);
    }

    /** Returns a line for each group that is past it, or that can't be checked. */
    List<String> broken(Comparison comparison) {
        var lines = new ArrayList<String>();
        for (var part : comparison.parts()) {
            var baseline = part.baseline(figure.measure() == null || !SectionResult.COMPARED.contains(figure.measure()) ? Metric.TTLT
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

    private void check(SectionResult part, GroupResult line, GroupResult baseline, List<String> lines) {
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
    private double one(GroupResult line) {
        return !unit.equals("%") ? 1 : figure == Aggregate.FAILED ? line.figures().get(Aggregate.N) / 100 : 0.01;
    }

    private boolean isPast(double measured) {
        return switch (comparator) {
            case ">" -> measured > value;
            case ">=" -> measured >= value;
            case "<" -> measured < value;
            default -> measured <= value;
        };
    }

    private String said(SectionResult part, String what) {
        return "--fail-if '" + text + "': " + (part.title().isEmpty() ? "" : part.title() + ": ") + what;
    }
}

/** A comparison for people to read, as text or as Markdown. */
final class ComparisonText {

    private final Comparison comparison;
    private final boolean markdown;

    ComparisonText(Comparison comparison, boolean markdown) {
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

    private Table figures(SectionResult part) {
        var table = new Table().column(comparison.terms().by().replace("label:", ""), true);
        for (var figure : Aggregate.values()) {
            table.column(figure.family(), figure.heading(), figure.title(), false);
        }
        for (var line : part.lines()) {
            var row = new ArrayList<>(List.of(line.label()));
            for (var figure : Aggregate.values()) {
                row.add(figure.cell(line.figures().get(figure)));
            }
            table.row(row);
        }
        return table;
    }

    private Table differences(SectionResult part) {
        var table = new Table().column("medians", true).column("", true).column("ratio", false)
                .column("95 % interval", false).column("verdict", true);
        for (var measure : SectionResult.COMPARED) {
            for (var line : part.lines()) {
                var against = line.against().get(measure);
                if (against != null) {
                    var difference = against.difference();
                    table.row(List.of(measure == Metric.TOTAL ? "total" : measure.name(),
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
        Arrays.stream(Aggregate.values()).map(Aggregate::word).forEach(columns::add);
        for (var measure : SectionResult.COMPARED) {
            OF_DIFFERENCE.forEach(column -> columns.add(measure.word() + "_" + column));
        }
        columns.addAll(OF_ALL);
        return columns;
    }

    private static void write(CSVPrinter rows, Comparison comparison, SectionResult part, GroupResult line) throws IOException {
        var terms = comparison.terms();
        rows.print(part.title());
        rows.print(line.label());
        for (var figure : Aggregate.values()) {
            var value = line.figures().get(figure);
            rows.print(value == null ? null : figure.rounded(value));
        }
        for (var measure : SectionResult.COMPARED) {
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
    Comparison read(ComparisonOptions weighing) throws IOException {
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

    private Comparison read(CSVParser rows, ComparisonOptions weighing) throws IOException {
        var lines = new LinkedHashMap<String, List<GroupResult>>();
        var notes = new LinkedHashSet<String>();
        Comparison.Terms terms = null;
        for (var row : rows) {
            try {
                lines.computeIfAbsent(row.get("section"), absent -> new ArrayList<>()).add(line(row));
                row.get("notes").lines().forEach(notes::add);
                terms = new Comparison.Terms(row.get("runs").lines().toList(), row.get("by"), MetricDefinition.of(row.get("as")),
                        weighing.margin != null ? Difference.margin(weighing.margin) : Difference.margin(row.get("margin")),
                        row.get("simulated").equals("true"));
            } catch (IllegalArgumentException e) {
                throw new IOException(file + ":" + (row.getRecordNumber() + 1) + ": " + e.getMessage());
            }
        }
        if (terms == null) {
            throw new IOException(file + ": no groups in it; there is nothing to compare");
        }
        return new Comparison(terms, lines.entrySet().stream().map(part -> new SectionResult(part.getKey(), part.getValue())).toList(),
                List.copyOf(notes), null);
    }

    private static GroupResult line(CSVRecord row) {
        var figures = new EnumMap<Aggregate, Double>(Aggregate.class);
        for (var figure : Aggregate.values()) {
            var value = number(row, figure.word());
            if (value != null) {
                figures.put(figure, value);
            }
        }
        if (!figures.containsKey(Aggregate.N) || !figures.containsKey(Aggregate.FAILED)) {
            throw new IllegalArgumentException("n or failed is blank");
        }
        var against = new EnumMap<Metric, BaselineDifference>(Metric.class);
        for (var measure : SectionResult.COMPARED) {
            var name = measure.word() + "_";
            if (!row.get(name + "baseline").isEmpty()) {
                against.put(measure, new BaselineDifference(row.get(name + "baseline"), new Difference(
                        Integer.parseInt(row.get(name + "size")), row.get(name + "paired").equals("true"),
                        number(row, name + "ratio"), number(row, name + "low"), number(row, name + "high"),
                        number(row, name + "same_low"), number(row, name + "same_high"), number(row, name + "p"))));
            }
        }
        return new GroupResult(row.get("label"), figures, against);
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
