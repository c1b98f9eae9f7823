//JAVA 25+
//DEPS org.webjars.npm:uplot:1.6.30
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../compare/GroupResult.java
//SOURCES ../compare/SectionResult.java
//SOURCES ComparisonJson.java
//SOURCES ComparisonText.java
//SOURCES Palette.java
//SOURCES ReportCharts.java
//FILES stream/report/page.css=page.css
//FILES stream/report/page.js=page.js
//FILES stream/report/report.html=report.html
//FILES stream/report/report.css=report.css
//FILES stream/report/charts.js=charts.js
//FILES stream/report/race.js=race.js
//FILES stream/report/report.js=report.js

package stream.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import stream.compare.Aggregate;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.compare.GroupResult;
import stream.compare.SectionResult;
import stream.metric.MetricDefinition;
import tools.jackson.databind.node.ObjectNode;

/** The HTML report: one page that loads nothing. What a model wrote is data in it, never markup. */
public final class ReportPage {

    public static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/uPlot";
    private static final Pattern SCRIPT = Pattern.compile("(?s)<script>(.*?)</script>");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([a-z-]+)}}");

    private ReportPage() { }

    /** Returns the whole page; that of a comparison that was read back from CSV has no charts. */
    public static String html(Comparison comparison) throws IOException {
        var values = Map.of("title", escaped(comparison.headline()),
                "data", data(comparison).toString().replace("<", "\\u003c"), "palette", Palette.css(),
                "css", resource("page.css") + "\n" + resource("report.css"),
                "script", String.join("\n", resource("page.js"), resource("charts.js"), resource("race.js"), resource("report.js")),
                "uplot-css", resource(UPLOT + ".min.css"), "uplot-js", resource(UPLOT + ".iife.min.js"));
        return PLACEHOLDER.matcher(resource("report.html"))
                .replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1))));
    }

    /** Returns the Content-Security-Policy with which a server sends the page: no script runs but those that are in it. */
    public static String policy(String html) {
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
        ComparisonSettings.COMPARABLE.forEach(metric -> compared.addObject().put("word", metric.word())
                .put("title", metric.title()));
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
