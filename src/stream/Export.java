//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES Statistics.java
//SOURCES Groups.java
//SOURCES Comparison.java

// Export: a comparison as text, Markdown, CSV and JSON, and the limits that a group may not exceed.

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
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A limit that no group may exceed. */
final class Limit {

    private static final Pattern SYNTAX =
            Pattern.compile("\\s*([a-z_0-9]+)\\s*(>=|<=|>|<)\\s*([0-9]+(?:\\.[0-9]+)?)\\s*(x|ms|%|)\\s*");

    private final String text;
    private final Aggregate aggregate;
    private final String comparator;
    private final double value;
    private final String unit;

    private Limit(String text, Aggregate aggregate, String comparator, double value, String unit) {
        this.text = text;
        this.aggregate = aggregate;
        this.comparator = comparator;
        this.value = value;
        this.unit = unit;
    }

    /** Throws UserError if it is not valid. */
    static Limit of(String text) {
        var parts = SYNTAX.matcher(text);
        if (!parts.matches()) {
            throw new UserError("--fail-if '" + text + "'; must be a figure, a comparison and a limit, such as"
                    + " 'ttft_p95 > 1.2x'");
        }
        var aggregate = Arrays.stream(Aggregate.values())
                .filter(each -> each.word().equals(parts.group(1)) || each.word().equals(parts.group(1) + "_ms")).findFirst()
                .orElseThrow(() -> new UserError("--fail-if '" + text + "': no figure " + parts.group(1)
                        + "; there are " + Arrays.stream(Aggregate.values()).map(Aggregate::word)
                                .collect(Collectors.joining(", "))));
        var unit = parts.group(4);
        if (unit.equals("ms") && !aggregate.word().endsWith("_ms")) {
            throw new UserError("--fail-if '" + text + "': " + aggregate.word() + " is not a time; leave the unit out");
        }
        if (unit.equals("%") && aggregate != Aggregate.FAILED && aggregate != Aggregate.COALESCED) {
            throw new UserError("--fail-if '" + text + "': " + aggregate.word() + " is not a share; for a ratio to the"
                    + " baseline write 1.2x");
        }
        return new Limit(text, aggregate, parts.group(2), Double.parseDouble(parts.group(3)), unit);
    }

    /**
     * What a limit says of a group.
     *
     * @param isUndecided whether the data allow no conclusion; else the limit is exceeded
     * @param message     one line
     */
    record Finding(boolean isUndecided, String message) { }

    /** Returns a finding for each group that exceeds it, or of which that is not known. */
    List<Finding> findings(Comparison comparison) {
        var findings = new ArrayList<Finding>();
        for (var section : comparison.sections()) {
            if (unit.equals("x") && section.groups().size() < 2) {
                findings.add(new Finding(true, message(section, "there is nothing to compare " + section.groups().getFirst().label() + " with")));
                continue;
            }
            if (aggregate.isCost() && section.groups().stream().map(GroupResult::currency).filter(Objects::nonNull).distinct().count() > 1) {
                findings.add(new Finding(true, message(section, "undecided, costs are in different currencies")));
                continue;
            }
            for (var group : section.groups()) {
                var finding = !unit.equals("x") ? check(section, group) : group.label().equals(section.baseline()) ? null
                        : checkRatio(section, group, section.group(section.baseline()));
                if (finding != null) {
                    findings.add(finding);
                }
            }
        }
        return findings;
    }

    private Finding check(SectionResult section, GroupResult group) {
        var own = group.aggregates().get(aggregate);
        return own == null ? tooFew(section, group) : !exceeds(own / unitOf(group)) ? null
                : new Finding(false, message(section, group.label() + " has " + group.cell(aggregate)));
    }

    private Finding tooFew(SectionResult section, GroupResult group) {
        return new Finding(true, message(section, "undecided, " + group.label() + (group.completed() < aggregate.leastRequests()
                ? " has too few completed requests for it, " + group.completed() : " has no such figure")));
    }

    /** A ratio is judged by its interval: exceeded if all of that is beyond the limit, kept if none of it is. */
    private Finding checkRatio(SectionResult section, GroupResult group, GroupResult baseline) {
        var own = group.aggregates().get(aggregate);
        var other = baseline == null ? null : baseline.aggregates().get(aggregate);
        if (own == null || other == null) {
            return tooFew(section, own == null ? group : baseline);
        }
        if (group.definition() != baseline.definition()) {
            return new Finding(true, message(section, "undecided, " + group.label() + " and " + baseline.label()
                    + " have different definitions; one for both with --as"));
        }
        var ratio = ratio(group, own / other);
        var is = String.format(Locale.ROOT, "%s has %.2fx of %s's %s", group.label(), ratio.ratio(), baseline.label(), aggregate.cell(other))
                + (ratio.lower() == null || ratio.lower().equals(ratio.upper()) ? "" : String.format(Locale.ROOT, " (%.2f to %.2f)", ratio.lower(), ratio.upper()));
        if (ratio.lower() == null) {
            return new Finding(true, message(section, "undecided, " + is + ", too few for an interval"));
        }
        if (exceeds(ratio.lower()) == exceeds(ratio.upper())) {
            return exceeds(ratio.lower()) ? new Finding(false, message(section, is)) : null;
        }
        return new Finding(true, message(section, "undecided, " + is + "; more requests may tell"));
    }

    /** Returns the ratio that the comparison has for the figure; where it has none, that of the figures, as if it were certain. */
    private QuantileRatio ratio(GroupResult group, double ofFigures) {
        var difference = aggregate == Aggregate.medianOf(aggregate.metric()) ? group.differences().get(aggregate.metric()) : null;
        if (difference != null && difference.difference().ratio() != null) {
            var found = difference.difference();
            return new QuantileRatio(found.ratio(), found.lower95(), found.upper95(), null, null, null);
        }
        return GroupResult.TAILS.containsKey(aggregate) ? group.tails().getOrDefault(aggregate,
                new QuantileRatio(ofFigures, null, null, null, null, null))
                : new QuantileRatio(ofFigures, ofFigures, ofFigures, null, null, null);
    }

    /** Returns the unit of the limit. */
    private double unitOf(GroupResult group) {
        return !unit.equals("%") ? 1 : aggregate == Aggregate.FAILED ? group.aggregates().get(Aggregate.N) / 100 : 0.01;
    }

    private boolean exceeds(double measured) {
        return switch (comparator) {
            case ">" -> measured > value;
            case ">=" -> measured >= value;
            case "<" -> measured < value;
            default -> measured <= value;
        };
    }

    private String message(SectionResult section, String what) {
        return "--fail-if '" + text + "': " + (section.title().isEmpty() ? "" : section.title() + ": ") + what;
    }
}

/**
 * How text is laid out.
 *
 * @param width  characters of a line; tables leave columns out, or shorten labels, to keep to it
 * @param styled whether the terminal has colours
 */
record TextLayout(int width, boolean styled) {
    /** Of a file or a pipe. */
    static final TextLayout WIDE = new TextLayout(Console.UNLIMITED, false);
}

/** A comparison for people to read, as text or as Markdown. */
final class ComparisonText {

    private static final double NEARLY_ONE = 0.05;
    private static final String WINS = " *";

    /** What a narrow table leaves out, the first first. */
    private static final List<Aggregate> OPTIONAL = List.of(Aggregate.COST, Aggregate.COALESCED, Aggregate.FIRST_100_CHARS, Aggregate.CHARS_PER_S,
            Aggregate.ICL_P50, Aggregate.TTST_P50, Aggregate.OUTPUT_TOKENS, Aggregate.ITL_P99,
            Aggregate.ITL_ANY_P50, Aggregate.TTFT_ANY_P50, Aggregate.TOKENS_PER_EVENT, Aggregate.TTLT_P50, Aggregate.TTFT_P99, Aggregate.REQUESTS_PER_S,
            Aggregate.THROUGHPUT, Aggregate.TPOT_P50, Aggregate.ITL_P95, Aggregate.RETRIES, Aggregate.TTFT_NET_P50, Aggregate.TOTAL_P50,
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

    static ComparisonText plain(Comparison comparison, TextLayout layout) {
        return new ComparisonText(comparison, false, layout);
    }

    @Override
    public String toString() {
        var text = new StringBuilder();
        text.append(markdown ? "**" + Table.escaped(comparison.headline()) + "**" : wrapped(comparison.headline(), "")).append("\n");
        for (var section : comparison.sections()) {
            text.append('\n');
            if (!section.title().isEmpty()) {
                text.append(markdown ? "### " + Table.escaped(section.title()) + "\n\n" : OneLine.of(section.title()) + "\n");
            }
            text.append(written(figures(section)));
            if (section.winner(comparison.terms().margin()) != null && !markdown) {
                text.append("* faster ").append(HeadlineClause.goal(SectionResult.headlineMetrics(section.groups()).getFirst()))
                        .append(" than all others\n");
            }
            if (section.groups().stream().anyMatch(group -> !group.differences().isEmpty())) {
                text.append('\n').append(differences(section));
            }
            if (section.groups().stream().anyMatch(group -> !group.intervals().isEmpty())) {
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
        var table = new Table().column(comparison.terms().by().replace("label:", ""), true).labels();
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
        var text = new StringBuilder(wrapped("Ratios to " + section.baseline() + ", above 1 is slower: o, and - their 95 % intervals", ""))
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
        var table = new Table().column("metric", true).column("", true).labels().column("ratio", false).column("95 % interval", false);
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

    /** The high quantiles that have an interval, and their ratios to the baseline. */
    private Table tails(SectionResult section) {
        var table = new Table().column("tail", true).column("", true).column("ms", false).column("95 % interval", false)
                .column("ratio", false).column("95 % interval", false);
        for (var aggregate : GroupResult.TAILS.keySet()) {
            for (var group : section.groups()) {
                var interval = group.intervals().get(aggregate);
                if (interval != null) {
                    var tail = group.tails().get(aggregate);
                    table.row(List.of(aggregate.title().replace(" ms", ""), group.label(),
                            aggregate.cell(group.aggregates().get(aggregate)), aggregate.cell(interval.lower()) + " to " + aggregate.cell(interval.upper()),
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

/** Ratios and their intervals as lines of characters, on a logarithmic scale that they share. */
final class RatioBar {

    private static final int HALF = 9;
    private static final double LEAST_REACH = 0.1; // a difference of a tenth fills the bar if none is larger

    private final double reach;

    private RatioBar(double reach) {
        this.reach = reach;
    }

    /** Returns a bar wide enough for all of these; null for what is not known. */
    static RatioBar of(List<Double> ratios) {
        return new RatioBar(ratios.stream().filter(ratio -> ratio != null && ratio > 0 && !ratio.isInfinite())
                .mapToDouble(ratio -> Math.abs(Math.log(ratio))).reduce(LEAST_REACH, Math::max));
    }

    /** Returns the line of a ratio; an empty text if the ratio cannot be drawn. The ends of the interval are null if it has none. */
    String of(Double ratio, Double lower, Double upper) {
        if (ratio == null || ratio == 0 || ratio.isInfinite()) {
            return "";
        }
        var bar = new StringBuilder(" ".repeat(2 * HALF + 1));
        bar.setCharAt(HALF, '|');
        if (lower != null) {
            for (int at = place(lower); at <= place(upper); at++) {
                bar.setCharAt(at, '-');
            }
        }
        bar.setCharAt(place(ratio), 'o');
        return bar.toString();
    }

    private int place(double ratio) {
        return HALF + (int) Math.round(Math.clamp(Math.log(ratio) / reach, -1, 1) * HALF);
    }
}

/** The metrics of the same streams as each tool defines them. */
final class DefinitionTable {

    private static final List<Aggregate> SHOWN = List.of(Aggregate.N, Aggregate.FAILED, Aggregate.TTFT_P50, Aggregate.ITL_P50,
            Aggregate.TPOT_P50, Aggregate.TTST_P50, Aggregate.TTLT_P50, Aggregate.TOTAL_P50, Aggregate.TOKENS_PER_S, Aggregate.ICL_P50);

    private final ComparisonSettings settings;
    private final TextLayout layout;

    DefinitionTable(ComparisonSettings settings, TextLayout layout) {
        this.settings = settings;
        this.layout = layout;
    }

    /** Reads the runs once for each definition; one that a run cannot tell has no row. */
    String text() throws IOException {
        var own = Comparison.of(settings, null);
        var by = own.terms().by();
        var rows = new LinkedHashMap<String, List<List<String>>>();
        for (var definition : MetricDefinition.values()) {
            var comparison = Comparison.ofThoseWith(settings.with(by, definition));
            if (comparison == null) {
                continue;
            }
            for (var section : comparison.sections()) {
                section.groups().forEach(group -> rows.computeIfAbsent(section.title() + "\n" + group.label(), absent -> new ArrayList<>())
                        .add(row(section, group)));
            }
        }
        var table = new Table().column(by.replace("label:", ""), true).labels().column("as", true);
        for (var aggregate : SHOWN) {
            table.column(aggregate.family(), aggregate.heading(), aggregate.title(), false);
            if (ComparisonText.order(aggregate) != null) {
                table.optional(ComparisonText.order(aggregate));
            }
        }
        rows.values().forEach(ofGroup -> ofGroup.forEach(table::row));
        var text = new StringBuilder(table.text(layout.width(), layout.styled())).append('\n');
        own.caveats().forEach(caveat -> text.append(OneLine.wrapped("note: " + OneLine.of(caveat), layout.width(), "      ")).append('\n'));
        return text.toString();
    }

    private static List<String> row(SectionResult section, GroupResult group) {
        var row = new ArrayList<>(List.of((section.title().isEmpty() ? "" : section.title() + ", ") + group.label(),
                group.definition().word()));
        SHOWN.forEach(aggregate -> row.add(group.cell(aggregate)));
        return row;
    }
}

/** A comparison as JSON, for other programs and for the page. */
final class ComparisonJson {

    private ComparisonJson() { }

    static ObjectNode of(Comparison comparison) {
        var terms = comparison.terms();
        var json = JsonNodeFactory.instance.objectNode();
        terms.runs().forEach(json.putArray("runs")::add);
        json.put("by", terms.by()).put("margin", terms.margin())
                .put("simulated", terms.simulated()).put("headline", comparison.headline());
        comparison.caveats().forEach(json.putArray("notes")::add);
        var sections = json.putArray("sections");
        for (var section : comparison.sections()) {
            var entry = sections.addObject().put("title", section.title()).put("baseline", section.baseline());
            section.headlineCaveats().forEach(entry.putArray("headline_caveats")::add);
            var groups = entry.putArray("groups");
            section.groups().forEach(group -> put(groups.addObject(), group, terms.margin()));
        }
        return json;
    }

    private static void put(ObjectNode json, GroupResult group, double margin) {
        json.put("label", group.label()).put("as", group.definition().word()).put("currency", group.currency());
        var aggregates = json.putObject("figures");
        group.aggregates().forEach((aggregate, value) -> aggregates.put(aggregate.word(), aggregate.rounded(value)));
        var differences = json.putObject("against");
        group.differences().forEach((metric, against) -> {
            var difference = against.difference();
            differences.putObject(metric.word()).put("baseline", against.baseline()).put("unit", difference.unit().word())
                    .put("units", difference.units()).put("size", difference.size()).put("paired", difference.isPaired())
                    .put("for_these_prompts_only", difference.isForThesePromptsOnly()).put("ratio", finite(difference.ratio()))
                    .put("low", finite(difference.lower95())).put("high", finite(difference.upper95()))
                    .put("same_low", finite(difference.lower90())).put("same_high", finite(difference.upper90()))
                    .put("p", difference.pValue()).put("drifting", difference.drifting())
                    .put("verdict", difference.verdict(margin).word())
                    .put("verdict_words", difference.verdictWords(margin));
        });
        var intervals = json.putObject("intervals");
        group.intervals().forEach((aggregate, interval) -> intervals.putObject(aggregate.word())
                .put("low", finite(interval.lower())).put("high", finite(interval.upper())));
        var tails = json.putObject("tails");
        group.tails().forEach((aggregate, tail) -> tails.putObject(aggregate.word()).put("ratio", finite(tail.ratio()))
                .put("low", finite(tail.lower())).put("high", finite(tail.upper())));
    }

    /** JSON has no infinite numbers. */
    private static Double finite(Double number) {
        return number == null || number.isInfinite() ? null : number;
    }
}

/**
 * A comparison as a CSV file, one row a group, which can be read back. Times are milliseconds, shares are of 1, blank is not
 * known; the columns are described in docs/comparing.md.
 */
final class ComparisonCsv {

    private static final List<String> OF_ALL = List.of("baseline", "headline_caveats", "runs", "by", "as", "currency", "margin", "simulated", "notes");
    private static final List<String> OF_DIFFERENCE = List.of("baseline", "unit", "units", "size", "paired", "ratio", "low", "high", "same_low",
            "same_high", "p", "drifting", "between_sd", "within_sd", "verdict");
    private static final List<String> OF_TAIL = List.of("ratio", "low", "high", "ms_low", "ms_high");

    private final Path file;

    private ComparisonCsv(Path file) {
        this.file = file;
    }

    /** Returns null if this is not a file, or one of a run. */
    static ComparisonCsv in(Path path) {
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
            print(rows, difference.ratio(), difference.lower95(), difference.upper95(), difference.lower90(), difference.upper90(),
                    difference.pValue());
            rows.print(difference.drifting());
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
        rows.print(terms.by());
        rows.print(group.definition().word());
        rows.print(group.currency());
        rows.print(terms.margin());
        rows.print(terms.simulated());
        rows.print(String.join("\n", comparison.caveats()));
        rows.println();
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
    Comparison read(ComparisonSettings settings) throws IOException {
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
                terms = new Comparison.Terms(row.get("runs").lines().toList(), row.get("by"),
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
                var between = number(row, name + "between_sd");
                differences.put(metric, new BaselineDifference(row.get(name + "baseline"), new Difference(Unit.of(row.get(name + "unit")),
                        Integer.parseInt(row.get(name + "units")), Integer.parseInt(row.get(name + "size")), number(row, name + "ratio"),
                        number(row, name + "low"), number(row, name + "high"), number(row, name + "same_low"),
                        number(row, name + "same_high"), number(row, name + "p"), row.get(name + "drifting").equals("true"),
                        between == null ? null : new Spread(between, number(row, name + "within_sd")))));
            }
        }
        var tails = new EnumMap<Aggregate, QuantileRatio>(Aggregate.class);
        var intervals = new EnumMap<Aggregate, QuantileInterval>(Aggregate.class);
        for (var aggregate : GroupResult.TAILS.keySet()) {
            var ratio = number(row, tail(aggregate) + "ratio");
            if (ratio != null) {
                tails.put(aggregate, new QuantileRatio(ratio, number(row, tail(aggregate) + "low"), number(row, tail(aggregate) + "high"),
                        null, null, null));
            }
            var lower = number(row, tail(aggregate) + "ms_low");
            if (lower != null) {
                intervals.put(aggregate, new QuantileInterval(lower, number(row, tail(aggregate) + "ms_high")));
            }
        }
        return new GroupResult(row.get("label"), definition(row.get("as")), blankIsNull(row.get("currency")), aggregates, differences, tails,
                intervals);
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
