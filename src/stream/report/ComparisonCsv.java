//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES ../terminal/UserError.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/BaselineDifference.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../compare/Difference.java
//SOURCES ../compare/GroupBy.java
//SOURCES ../compare/GroupResult.java
//SOURCES ../compare/Interval.java
//SOURCES ../compare/LoadCheck.java
//SOURCES ../compare/QuantileInterval.java
//SOURCES ../compare/QuantileRatio.java
//SOURCES ../compare/Sample.java
//SOURCES ../compare/Scope.java
//SOURCES ../compare/SectionResult.java
//SOURCES ../compare/Spread.java
//SOURCES ../compare/Unit.java
//SOURCES ../compare/Verdict.java

package stream.report;

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

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;
import stream.compare.Aggregate;
import stream.compare.BaselineDifference;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.compare.Difference;
import stream.compare.GroupBy;
import stream.compare.GroupResult;
import stream.compare.Interval;
import stream.compare.LoadCheck;
import stream.compare.QuantileInterval;
import stream.compare.QuantileRatio;
import stream.compare.Sample;
import stream.compare.Scope;
import stream.compare.SectionResult;
import stream.compare.Spread;
import stream.compare.Unit;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.terminal.UserError;

/**
 * A comparison as a CSV file, one row a group, which can be read back. Times are milliseconds, shares are of 1, blank is not
 * known; the columns are described in docs/comparing.md.
 */
public final class ComparisonCsv {

    private static final List<String> OF_ALL = List.of("baseline", "headline_caveats", "runs", "by", "as", "currency",
            "margin", "simulated", "notes");
    private static final List<String> OF_DIFFERENCE = List.of("baseline", "unit", "units", "size", "paired", "ratio",
            "low", "high", "same_low",
            "same_high", "p", "drifting", "between_sd", "within_sd", "verdict");
    private static final List<String> OF_SCOPE = List.of("only_prompts", "only_runs", "load_may_explain");
    private static final List<String> OF_TAIL = List.of("ratio", "low", "high", "ms_low", "ms_high");

    private final Path file;

    private ComparisonCsv(Path file) {
        this.file = file;
    }

    /** Returns null if this is not a file, or one of a run. */
    public static ComparisonCsv in(Path path) {
        return Files.isRegularFile(path) && !path.getFileName().toString().matches("(requests|events)\\.csv")
                ? new ComparisonCsv(path) : null;
    }

    static String write(Comparison comparison) {
        var text = new StringWriter();
        try (var rows = new CSVPrinter(text, CSVFormat.RFC4180)) {
            rows.printRecord(columns());
            for (var section : comparison.sections()) {
                for (var group : section.groups()) {
                    write(rows, comparison, section, group);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter does not fail
        }
        return text.toString();
    }

    private static List<String> columns() {
        var columns = new ArrayList<>(List.of("section", "label"));
        Arrays.stream(Aggregate.values()).map(Aggregate::word).forEach(columns::add);
        for (var metric : ComparisonSettings.COMPARABLE) {
            OF_DIFFERENCE.forEach(column -> columns.add(metric.word() + "_" + column));
        }
        GroupResult.TAILS.keySet().forEach(aggregate -> OF_TAIL.forEach(column -> columns.add(tail(aggregate) + column)));
        columns.addAll(OF_ALL);
        for (var metric : ComparisonSettings.COMPARABLE) {
            OF_SCOPE.forEach(column -> columns.add(metric.word() + "_" + column));
        }
        return columns;
    }

    private static String tail(Aggregate aggregate) {
        return aggregate.word().replace("_ms", "_");
    }

    private static void write(CSVPrinter rows, Comparison comparison, SectionResult section, GroupResult group) throws IOException {
        var terms = comparison.terms();
        rows.print(section.title());
        rows.print(group.label());
        for (var aggregate : Aggregate.values()) {
            var value = group.aggregates().get(aggregate);
            rows.print(value == null ? null : aggregate.rounded(value));
        }
        for (var metric : ComparisonSettings.COMPARABLE) {
            var against = group.differences().get(metric);
            if (against == null) {
                for (int i = 0; i < OF_DIFFERENCE.size(); i++) {
                    rows.print(null);
                }
                continue;
            }
            var difference = against.difference();
            rows.print(against.baseline());
            rows.print(difference.unit().word());
            rows.print(difference.units());
            rows.print(difference.size());
            rows.print(difference.isPaired());
            print(rows, difference.ratio());
            print(rows, difference.interval95());
            print(rows, difference.interval90());
            print(rows, difference.pValue());
            rows.print(difference.load().seen());
            print(rows, difference.spread() == null ? null : difference.spread().between(),
                    difference.spread() == null ? null : difference.spread().within());
            rows.print(difference.verdict(terms.margin()).word());
        }
        for (var aggregate : GroupResult.TAILS.keySet()) {
            var tail = group.tails().get(aggregate);
            print(rows, tail == null ? null : tail.ratio(), tail == null ? null : tail.lower(), tail == null ? null : tail.upper());
            var interval = group.intervals().get(aggregate);
            print(rows, interval == null ? null : interval.lower(), interval == null ? null : interval.upper());
        }
        rows.print(section.baseline());
        rows.print(String.join("\n", section.headlineCaveats()));
        rows.print(String.join("\n", terms.runs()));
        rows.print(terms.by().word());
        rows.print(group.definition().word());
        rows.print(group.currency());
        rows.print(terms.margin());
        rows.print(terms.simulated());
        rows.print(String.join("\n", comparison.caveats()));
        for (var metric : ComparisonSettings.COMPARABLE) {
            var against = group.differences().get(metric);
            rows.print(against == null ? null : against.difference().sample().scope().prompts());
            rows.print(against == null ? null : against.difference().sample().scope().runs());
            rows.print(against == null ? null : against.difference().load().mayExplain());
        }
        rows.println();
    }

    private static void print(CSVPrinter rows, Interval interval) throws IOException {
        print(rows, interval == null ? null : interval.lower(), interval == null ? null : interval.upper());
    }

    private static void print(CSVPrinter rows, Double... numbers) throws IOException {
        for (var number : numbers) {
            rows.print(number == null ? null : number.isInfinite() ? "Infinity"
                    : BigDecimal.valueOf(number).round(new MathContext(6)).stripTrailingZeros().toPlainString());
        }
    }

    /**
     * Reads the file back.
     *
     * @param settings only the margin may be given: everything else is computed already
     * @throws UserError if another setting is given
     */
    public Comparison read(ComparisonSettings settings) throws IOException {
        if (settings.computingOption() != null) {
            throw new UserError(settings.computingOption() + ": " + file
                    + " is compared already; name the folders of the runs instead");
        }
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).setAllowMissingColumnNames(true).get();
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var column : columns()) {
                if (!rows.getHeaderNames().contains(column)) {
                    throw new IOException(file + ": not a comparison of this tool, it has no column " + column
                            + "; name such a file or the folder of a run");
                }
            }
            return read(rows, settings);
        } catch (UncheckedIOException e) {
            throw new IOException(file + ": not a CSV file (" + e.getCause().getMessage() + ")");
        }
    }

    private Comparison read(CSVParser rows, ComparisonSettings settings) throws IOException {
        var sections = new LinkedHashMap<String, SectionResult>();
        var notes = new LinkedHashSet<String>();
        Comparison.Terms terms = null;
        for (var row : rows) {
            try {
                sections.computeIfAbsent(row.get("section"), title -> new SectionResult(title, blankIsNull(row.get("baseline")),
                        new ArrayList<>(), row.get("headline_caveats").lines().toList())).groups().add(group(row));
                row.get("notes").lines().forEach(notes::add);
                terms = new Comparison.Terms(row.get("runs").lines().toList(), GroupBy.of("column by", row.get("by")),
                        settings.margin() != null ? settings.margin() : Difference.margin("column margin", row.get("margin")),
                        row.get("simulated").equals("true"));
            } catch (IllegalArgumentException | UserError e) {
                throw new IOException(file + ":" + (row.getRecordNumber() + 1) + ": " + e.getMessage());
            }
        }
        if (terms == null) {
            throw new IOException(file + ": no groups in it; there is nothing to compare");
        }
        return new Comparison(terms, List.copyOf(sections.values()), List.copyOf(notes), null);
    }

    private static String blankIsNull(String text) {
        return text.isEmpty() ? null : text;
    }

    private static GroupResult group(CSVRecord row) {
        var aggregates = new EnumMap<Aggregate, Double>(Aggregate.class);
        for (var aggregate : Aggregate.values()) {
            var value = number(row, aggregate.word());
            if (value != null) {
                aggregates.put(aggregate, value);
            }
        }
        if (!aggregates.containsKey(Aggregate.N) || !aggregates.containsKey(Aggregate.FAILED)) {
            throw new IllegalArgumentException("n or failed is blank");
        }
        var differences = new EnumMap<Metric, BaselineDifference>(Metric.class);
        for (var metric : ComparisonSettings.COMPARABLE) {
            var name = metric.word() + "_";
            if (!row.get(name + "baseline").isEmpty()) {
                differences.put(metric, new BaselineDifference(row.get(name + "baseline"), difference(row, name)));
            }
        }
        var tails = new EnumMap<Aggregate, QuantileRatio>(Aggregate.class);
        var intervals = new EnumMap<Aggregate, QuantileInterval>(Aggregate.class);
        for (var aggregate : GroupResult.TAILS.keySet()) {
            var ratio = number(row, tail(aggregate) + "ratio");
            if (ratio != null) {
                tails.put(aggregate, new QuantileRatio(ratio, number(row, tail(aggregate) + "low"),
                        number(row, tail(aggregate) + "high"),
                        null, null, null));
            }
            var lower = number(row, tail(aggregate) + "ms_low");
            if (lower != null) {
                intervals.put(aggregate, new QuantileInterval(lower, number(row, tail(aggregate) + "ms_high")));
            }
        }
        return new GroupResult(row.get("label"), definition(row.get("as")), blankIsNull(row.get("currency")),
                aggregates, differences, tails,
                intervals);
    }

    private static Difference difference(CSVRecord row, String name) {
        var between = number(row, name + "between_sd");
        var scope = new Scope(Integer.parseInt(row.get(name + "only_prompts")), Integer.parseInt(row.get(name + "only_runs")));
        var sample = new Sample(Unit.of(row.get(name + "unit")), Integer.parseInt(row.get(name + "units")),
                Integer.parseInt(row.get(name + "size")), row.get(name + "paired").equals("true"), scope);
        return new Difference(sample, number(row, name + "ratio"),
                interval(row, name + "low", name + "high"),
                interval(row, name + "same_low", name + "same_high"), number(row, name + "p"),
                LoadCheck.of(row.get(name + "drifting").equals("true"), row.get(name + "load_may_explain").equals("true")),
                between == null ? null : new Spread(between, number(row, name + "within_sd")));
    }

    private static Interval interval(CSVRecord row, String lower, String upper) {
        return number(row, lower) == null ? null : new Interval(number(row, lower), number(row, upper));
    }

    private static MetricDefinition definition(String word) {
        var definition = MetricDefinition.of(word);
        if (definition == null) {
            throw new IllegalArgumentException("as '" + word + "' is not one of " + MetricDefinition.words());
        }
        return definition;
    }

    /** Returns null for blank. */
    private static Double number(CSVRecord row, String column) {
        var text = row.get(column);
        if (text.isEmpty()) {
            return null;
        }
        var number = Double.parseDouble(text);
        if (number >= 0) {
            return number;
        }
        throw new IllegalArgumentException(column + " '" + text + "' is not a number, at least 0");
    }
}
