//JAVA 25+
//DEPS de.erichseifert.vectorgraphics2d:VectorGraphics2D:0.13
//DEPS org.knowm.xchart:xchart:4.0.3
//DEPS org.webjars.npm:uplot:1.6.30
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES RunFiles.java
//SOURCES RecordedRun.java
//SOURCES Groups.java
//SOURCES Comparison.java
//SOURCES Export.java
//SOURCES Pictures.java
//SOURCES History.java
//FILES stream/page.css=page.css
//FILES stream/page.js=page.js
//FILES stream/report.html=report.html
//FILES stream/report.css=report.css
//FILES stream/report.js=report.js

// Report: a comparison as one self-contained HTML page with charts, or as a picture; and the choice among all formats.

package stream;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import javax.imageio.ImageIO;

import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A cumulative distribution, thinned to what a chart can show. */
final class Distribution {

    private static final int MOST_POINTS = 200;

    /** The share of the values that are not above this value. */
    record Point(double value, double share) { }

    private Distribution() { }

    /** Returns at most 200 points of values in ascending order, with the first and the last among them. */
    static List<Point> points(double[] sorted) {
        var count = Math.min(sorted.length, MOST_POINTS);
        var points = new ArrayList<Point>(count);
        for (int i = 0; i < count; i++) {
            var rank = count == sorted.length ? i : (int) Math.round(i * (sorted.length - 1.0) / (count - 1));
            points.add(new Point(sorted[rank], (rank + 1.0) / sorted.length));
        }
        return points;
    }
}

/** The data of the charts of a report, as JSON. */
final class ReportCharts {

    private static final int MOST_ROWS = 60;
    private static final int SLOWEST = 10;
    private static final int MOST_LINES = 8;
    private static final int LONGEST_TEXT = 2_000;

    private final List<Section> sections;
    private final List<RecordedRun> runs;
    private final EventCollector events;

    ReportCharts(Comparison.Source source) {
        sections = source.sections();
        runs = source.runs();
        events = source.events();
    }

    /** Adds what concerns the runs as a whole; throws IOException if the text of an answer cannot be read. */
    void addRuns(ObjectNode json) throws IOException {
        runs.forEach(run -> metadata(json.withArray("recorded").addObject(), run));
        runs.forEach(run -> waterfall(json.withArray("waterfall"), run));
        load(json.putArray("load"));
        failures(json.putArray("failures"));
        slowest(json.putArray("slowest"));
    }

    /** Adds distributions, gaps by position and the races of a section. */
    void add(Section section, ObjectNode json) {
        for (var group : section.groups().stream().limit(MOST_LINES).toList()) {
            distribution(json.withArray("ttft").addObject().put("label", group.label()), group);
            var gaps = json.withArray("itl").addObject().put("label", group.label())
                    .put("error_ms", error(group, ClientOverhead::itlP50Micros))
                    .put("error_p99_ms", error(group, ClientOverhead::itlP99Micros));
            var tokens = gaps.putArray("token");
            var millis = gaps.putArray("ms");
            group.positions().medians().forEach(median -> {
                tokens.add(median.token());
                millis.add(median.millis());
            });
        }
        events.racesOf(section).forEach(race -> {
            var entry = json.withArray("races").addObject().put("prompt", race.prompt());
            race.answers().forEach((group, answer) -> {
                var lane = entry.withArray("lanes").addObject().put("label", group.label())
                        .put("repetition", answer.repetition()).put("total_ms", millis(answer, Metric.TOTAL));
                var times = lane.putArray("ms");
                var texts = lane.putArray("text");
                events.pieces(answer).forEach(piece -> {
                    times.add(piece.elapsedMicros() / 1e3);
                    texts.add(piece.text());
                });
            });
        });
    }

    private void distribution(ObjectNode line, Group group) {
        line.put("error_ms", error(group, ClientOverhead::ttftP50Micros))
                .put("error_p99_ms", error(group, ClientOverhead::ttftP99Micros));
        var millis = line.putArray("ms");
        var shares = line.putArray("share");
        for (var point : Distribution.points(group.values(Metric.TTFT))) {
            millis.add(point.value());
            shares.add(point.share());
        }
    }

    /** Returns the largest error of the client among the runs of the group, in milliseconds; null if none states one. */
    private static Double error(Group group, Function<ClientOverhead, Double> quantile) {
        return group.byRun().keySet().stream().map(run -> run.manifest().clientOverhead()).filter(Objects::nonNull)
                .map(quantile).filter(Objects::nonNull).max(Double::compare).map(micros -> micros / 1e3).orElse(null);
    }

    private static void metadata(ObjectNode json, RecordedRun run) {
        json.put("run", run.name()).put("folder", run.path().toString()).put("requests", run.answers().size());
        var manifest = run.manifest().json();
        for (var key : List.of("started_at", "finished_at", "simulated", "client_overhead", "versions", "options", "models")) {
            if (manifest.hasNonNull(key)) {
                json.set(key, manifest.get(key));
            }
        }
    }

    private void waterfall(ArrayNode rows, RecordedRun run) {
        var first = run.answers().stream().filter(answer -> answer.startedAt() != null)
                .sorted(Comparator.comparing(RecordedAnswer::startedAt)).limit(Math.max(1, MOST_ROWS / runs.size())).toList();
        for (var answer : first) {
            var since = Duration.between(first.getFirst().startedAt(), answer.startedAt()).toMillis();
            var row = rows.addObject().put("run", run.name()).put("request_id", answer.requestId())
                    .put("model", answer.model()).put("status", answer.status().word()).put("start_ms", since);
            for (var metric : List.of(Metric.QUEUE, Metric.SENT, Metric.HEADERS, Metric.TTFT, Metric.TTLT, Metric.TOTAL)) {
                row.put(RequestColumn.of(metric).word(), millis(answer, metric));
            }
        }
    }

    /** Throughput of each model of a run, with the concurrency of the run. */
    private void load(ArrayNode points) {
        for (var run : runs) {
            var byModel = run.answers().stream().filter(answer -> answer.completed() && answer.startedAt() != null
                    && answer.knows(Metric.TOTAL)).collect(Collectors.groupingBy(RecordedAnswer::model, LinkedHashMap::new,
                            Collectors.toList()));
            var options = run.manifest().json().path("options");
            byModel.forEach((model, answers) -> {
                var begin = answers.stream().map(RecordedAnswer::startedAt).min(Comparator.naturalOrder()).orElseThrow();
                var end = answers.stream().mapToDouble(answer -> Duration.between(begin, answer.startedAt()).toMillis()
                        + answer.get(Metric.TOTAL)).max().orElseThrow();
                var tokens = answers.stream().mapToDouble(answer -> answer.get(Metric.OUTPUT_TOKENS))
                        .filter(count -> !Double.isNaN(count)).sum();
                var ttfts = answers.stream().filter(answer -> answer.knows(Metric.TTFT))
                        .mapToDouble(answer -> answer.get(Metric.TTFT)).toArray();
                var point = points.addObject().put("run", run.name()).put("model", model)
                        .put("tokens_per_s", tokens / end * 1000).put("requests_per_s", answers.size() / end * 1000)
                        .put("ttft_p50_ms", Metrics.quantile(ttfts, 0.5));
                point.set("concurrency", options.path("concurrency").isNumber() ? options.get("concurrency") : null);
                point.set("rate", options.path("rate").isNumber() ? options.get("rate") : null);
            });
        }
    }

    private void failures(ArrayNode rows) {
        sections.stream().flatMap(section -> section.groups().stream()).flatMap(group -> group.failures().stream())
                .limit(MOST_ROWS).forEach(answer -> rows.addObject().put("request_id", answer.requestId())
                        .put("model", answer.model()).put("status", answer.status().word()).put("error", answer.error())
                        .put("total_ms", millis(answer, Metric.TOTAL)));
    }

    private void slowest(ArrayNode rows) throws IOException {
        var runOf = new IdentityHashMap<RecordedAnswer, RecordedRun>();
        sections.stream().flatMap(section -> section.groups().stream()).forEach(group -> group.byRun().forEach(
                (run, answers) -> answers.stream().filter(answer -> answer.knows(Metric.TOTAL))
                        .forEach(answer -> runOf.put(answer, run))));
        var slowest = runOf.keySet().stream().sorted(Comparator.comparingDouble((RecordedAnswer answer) -> answer.get(Metric.TOTAL))
                .reversed().thenComparing(RecordedAnswer::requestId)).limit(SLOWEST).toList();
        var texts = new IdentityHashMap<RecordedRun, Map<String, String>>();
        for (var run : runs) {
            var requestIds = slowest.stream().filter(answer -> runOf.get(answer) == run).map(RecordedAnswer::requestId)
                    .collect(Collectors.toSet());
            texts.put(run, requestIds.isEmpty() ? Map.of() : run.outputs(requestIds));
        }
        for (var answer : slowest) {
            var text = texts.get(runOf.get(answer)).getOrDefault(answer.requestId(), "");
            var row = rows.addObject().put("run", runOf.get(answer).name()).put("request_id", answer.requestId())
                    .put("model", answer.model());
            for (var metric : List.of(Metric.TTFT, Metric.TTLT, Metric.TOTAL, Metric.OUTPUT_TOKENS)) {
                row.put(RequestColumn.of(metric).word(), millis(answer, metric));
            }
            row.put("text", text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + " [...]");
        }
    }

    private static Double millis(RecordedAnswer answer, Metric metric) {
        return answer.knows(metric) ? answer.get(metric) : null;
    }
}

/** The HTML report: one page that loads nothing. What a model wrote is data in it, never markup. */
final class ReportPage {

    static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/uPlot";
    private static final Pattern SCRIPT = Pattern.compile("(?s)<script>(.*?)</script>");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([a-z-]+)}}");

    private ReportPage() { }

    /** Returns the whole page; that of a comparison that was read back from CSV has no charts. */
    static String html(Comparison comparison) throws IOException {
        var values = Map.of("title", escaped(comparison.headline()),
                "data", data(comparison).toString().replace("<", "\\u003c"), "palette", Palette.css(),
                "css", resource("page.css") + "\n" + resource("report.css"),
                "script", resource("page.js") + "\n" + resource("report.js"),
                "uplot-css", resource(UPLOT + ".min.css"), "uplot-js", resource(UPLOT + ".iife.min.js"));
        return PLACEHOLDER.matcher(resource("report.html"))
                .replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1))));
    }

    /** Returns the Content-Security-Policy with which a server sends the page: no script runs but those that are in it. */
    static String policy(String html) {
        var hashes = new StringBuilder();
        for (var script = SCRIPT.matcher(html); script.find(); ) {
            hashes.append(" 'sha256-").append(Base64.getEncoder().encodeToString(sha256(script.group(1)))).append("'");
        }
        return "default-src 'none'; script-src" + hashes + "; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
                + " form-action 'none'; frame-ancestors 'none'";
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    private static ObjectNode data(Comparison comparison) throws IOException {
        var json = ComparisonJson.of(comparison);
        var shown = ComparisonText.shown(comparison.sections().stream().flatMap(section -> section.groups().stream()).toList());
        var columns = json.putArray("columns");
        var namesDefinitions = comparison.sections().stream().flatMap(section -> section.groups().stream())
                .anyMatch(group -> group.definition() != MetricDefinition.OURS);
        if (namesDefinitions) {
            columns.addObject().put("family", "").put("heading", "as").putNull("optional");
        }
        for (var aggregate : shown) {
            columns.addObject().put("family", aggregate.family()).put("heading", aggregate.heading())
                    .put("optional", ComparisonText.order(aggregate));
        }
        var compared = json.putArray("compared");
        ComparisonSettings.COMPARABLE.forEach(metric -> compared.addObject().put("word", metric.word()).put("title", metric.title()));
        var tails = json.putArray("tails");
        GroupResult.TAILS.keySet().forEach(aggregate -> tails.addObject().put("word", aggregate.word())
                .put("title", aggregate.title().replace(" ms", "")));
        var charts = comparison.source() == null ? null : new ReportCharts(comparison.source());
        for (var node : json.get("sections")) {
            var section = (ObjectNode) node;
            var result = comparison.section(section.get("title").stringValue());
            section.get("groups").forEach(group -> putCells((ObjectNode) group, result, shown, namesDefinitions));
            if (charts != null) {
                charts.add(comparison.source().section(result.title()), section);
            }
        }
        if (charts != null) {
            charts.addRuns(json);
        }
        return json;
    }

    private static void putCells(ObjectNode json, SectionResult result, List<Aggregate> shown, boolean namesDefinition) {
        var group = result.group(json.get("label").stringValue());
        var cells = json.putArray("cells");
        if (namesDefinition) {
            cells.add(group.definition().word());
        }
        for (var aggregate : shown) {
            cells.add(group.cell(aggregate));
        }
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }

    private static String resource(String name) throws IOException {
        try (var bytes = ReportPage.class.getResourceAsStream(name)) {
            return new String(bytes.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }
}

/** The distribution of a metric in each group as a picture, drawn without a browser. */
final class Picture {

    private static final int MOST_LINES = 8;
    private static final double ALMOST_ZERO = 1e-4; // equal distances from 0 on would become the marks of the axis
    private static final Pattern DIGITS = Pattern.compile("([0-9]\\.[0-9])[0-9]+"); // text is drawn as outlines
    private static final Map<Metric, String> TITLES = Map.of(Metric.TTFT, "Time to first token",
            Metric.ITL, "Inter-token latency, median of each request", Metric.TPOT, "Time per output token",
            Metric.TTLT, "Time to last token", Metric.TOTAL, "Time to the end of the stream",
            Metric.TTFT_ANY, "Time to first generated event", Metric.ITL_ANY, "Latency between generated events, median of each request",
            Metric.TTFT_NET, "Time to first token without the handshake", Metric.FIRST_100_CHARS, "Time to the first 100 characters");

    private final XYChart chart;

    private Picture(XYChart chart) {
        this.chart = chart;
    }

    /**
     * Draws the metric with which the name of the file begins, else TTFT.
     *
     * @throws IOException with a message for the user if there is nothing to draw, or Java has no font
     */
    static Picture named(String name, Comparison comparison) throws IOException {
        if (comparison.source() == null) {
            throw new IOException(name + ": a table of a comparison has no requests to draw; name the folders of the runs");
        }
        var metric = ComparisonSettings.COMPARABLE.stream()
                .filter(each -> name.toLowerCase(Locale.ROOT).startsWith(each.word()))
                .max(Comparator.comparingInt(each -> each.word().length())).orElse(Metric.TTFT);
        System.setProperty("java.awt.headless", "true");
        try {
            var chart = new XYChartBuilder().width(880).height(440).title(TITLES.get(metric)
                    + (comparison.terms().simulated() ? " (simulated)" : "")).xAxisTitle("ms")
                    .yAxisTitle("share of requests").build();
            style(chart);
            for (var section : comparison.source().sections()) {
                for (var group : section.groups()) {
                    if (group.values(metric).length > 0 && chart.getSeriesCollection().size() < MOST_LINES) {
                        add(chart, (section.title().isEmpty() ? "" : section.title() + ", ")
                                + group.definition().labelled(group.label()), group.values(metric));
                    }
                }
            }
            if (chart.getSeriesCollection().isEmpty()) {
                throw new IOException(name + ": no completed request has a " + metric.name() + "; there is nothing to draw");
            }
            return new Picture(chart);
        } catch (RuntimeException | LinkageError | InternalError e) {
            throw withoutFonts(name, e);
        }
    }

    private static IOException withoutFonts(String name, Throwable e) {
        return new IOException(name + ": Java cannot draw text here (" + e + "); install a font, or write .html instead");
    }

    private static void style(XYChart chart) {
        var font = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
        var style = chart.getStyler();
        style.setDefaultSeriesRenderStyle(XYSeriesRenderStyle.Step);
        style.setBaseFont(font).setChartTitleFont(font.deriveFont(Font.BOLD, 16)).setLegendFont(font)
                .setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false).setChartTitleBoxVisible(false)
                .setLegendPosition(LegendPosition.OutsideS).setLegendBorderColor(Color.WHITE)
                .setLegendLayout(LegendLayout.Horizontal).setLocale(Locale.ROOT).setMarkerSize(0);
        style.setAxisTitleFont(font).setAxisTickLabelsFont(font).setPlotGridLinesColor(new Color(0xdddddd))
                .setYAxisMin(0.0).setYAxisMax(1.0).setXAxisMin(0.0).setYAxisDecimalPattern("#%").setPlotMargin(0);
    }

    private static void add(XYChart chart, String label, double[] sorted) {
        var points = Distribution.points(sorted);
        var xs = new double[points.size() + 1];
        var shares = new double[points.size() + 1];
        xs[0] = sorted[0];
        shares[0] = ALMOST_ZERO;
        for (int i = 0; i < points.size(); i++) {
            xs[i + 1] = points.get(i).value();
            shares[i + 1] = points.get(i).share();
        }
        var at = chart.getSeriesCollection().size();
        chart.addSeries(label, xs, shares).setMarker(SeriesMarkers.NONE).setLineColor(new Color(Palette.COLOURS.get(at)))
                .setLineStyle(new BasicStroke(2.5f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    }

    /** Returns the file's content, {@code svg} or {@code png}. */
    byte[] bytes(String format) throws IOException {
        try {
            var bytes = ChartEncoder.getBytes(chart, format);
            return format.equals("svg") ? DIGITS.matcher(new String(bytes, StandardCharsets.UTF_8)).replaceAll("$1")
                    .getBytes(StandardCharsets.UTF_8) : bytes;
        } catch (RuntimeException | LinkageError | InternalError e) {
            throw withoutFonts(chart.getTitle(), e);
        }
    }
}

/** The formats that a comparison can be written in, each by its name or by the ending of a file. */
enum OutputFormat {
    TEXT("text", "txt"), MARKDOWN("markdown", "md"), CSV("csv", "csv"), JSON("json", "json"), HTML("html", "html"),
    SVG("svg", "svg"), PNG("png", "png"), GIF("gif", "gif");

    private final String word;
    private final String ending;

    OutputFormat(String word, String ending) {
        this.word = word;
        this.ending = ending;
    }

    /** Returns the format of text with this name; throws UserError if no format has it. */
    static OutputFormat ofName(String name) {
        return Arrays.stream(values()).filter(format -> !format.isPicture() && format.word.equals(name)).findFirst()
                .orElseThrow(() -> new UserError("--format '" + name + "'; must be one of " + Arrays.stream(values())
                        .filter(format -> !format.isPicture()).map(format -> format.word).collect(Collectors.joining(", "))));
    }

    /** Returns the format of a file by its ending; throws UserError if no format has it. */
    static OutputFormat ofEnding(Path file) {
        return Arrays.stream(values()).filter(format -> format.ending.equals(FileEnding.of(file))).findFirst()
                .orElseThrow(() -> new UserError("--export " + file + "; must end with one of " + Arrays.stream(values())
                        .map(format -> "." + format.ending).collect(Collectors.joining(", "))));
    }

    boolean isPicture() {
        return this == SVG || this == PNG || this == GIF;
    }

    /** Whether a file is a film of the race; throws UserError if it is a GIF of something else. */
    private boolean isFilm(String name) {
        var isRace = name.startsWith("race.");
        new OptionChecks().require(this != GIF || isRace, "--export " + name + "; only race.gif is a film, pictures end with .svg or .png")
                .require(this != PNG || !isRace, "--export " + name + "; a film ends with .svg or .gif").throwIfAny();
        return isRace && isPicture();
    }

    /** Whether the settings of pictures concern a file. */
    boolean isStyled(Path file) {
        var name = file.getFileName().toString();
        return isPicture() && (name.startsWith("card.") || isFilm(name));
    }

    /** Throws UserError, which begins with the option, if a history has no such form. */
    void requireOfHistory(String option) {
        new OptionChecks().require(this == TEXT || this == MARKDOWN || this == CSV || this == HTML, option
                + ": a history is text, markdown, csv or html; name one of these").throwIfAny();
    }

    /** Returns a history in this form. */
    byte[] bytes(RunHistory history, TextLayout layout) throws IOException {
        var text = switch (this) {
            case MARKDOWN -> history.markdown();
            case CSV -> history.csv();
            case HTML -> history.html();
            default -> history.text(layout);
        };
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Returns the content of a file; the name of a picture tells what it shows: a card, the race, or a metric. */
    byte[] bytes(Comparison comparison, Path file, PictureSettings settings) throws IOException {
        var name = file.getFileName().toString();
        if (!isStyled(file)) {
            return isPicture() ? Picture.named(name, comparison).bytes(word) : text(comparison).getBytes(StandardCharsets.UTF_8);
        }
        if (isFilm(name)) {
            var film = new RaceFilm(name, comparison, settings);
            return this == GIF ? film.gif() : film.svg().getBytes(StandardCharsets.UTF_8);
        }
        var svg = new Card(name, comparison, settings).svg();
        if (this == SVG) {
            return svg.getBytes(StandardCharsets.UTF_8);
        }
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(Svg.draw(name, svg, settings.scale()), "png", bytes);
        return bytes.toByteArray();
    }

    private String text(Comparison comparison) throws IOException {
        return switch (this) {
            case TEXT -> ComparisonText.plain(comparison, TextLayout.WIDE).toString();
            case MARKDOWN -> ComparisonText.markdown(comparison).toString();
            case CSV -> ComparisonCsv.write(comparison);
            case JSON -> ComparisonJson.of(comparison).toPrettyString() + "\n";
            case HTML -> ReportPage.html(comparison);
            case SVG, PNG, GIF -> throw new IllegalStateException("a picture is not text");
        };
    }
}
