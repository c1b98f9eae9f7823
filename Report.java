///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Draw a comparison as one HTML file, or as a picture
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES src/stream/Console.java
//SOURCES src/stream/Groups.java
//SOURCES src/stream/Comparison.java
//SOURCES src/stream/Report.java

// Report: draws what came of a comparison: a self-contained HTML file with charts, a waterfall and a race of the recorded
// streams, or a picture of one distribution.
//
// To run just:
//   jbang Report.java                               the newest run under results/, as report.html
//   jbang Report.java A B -o before-after.html      two runs
//   jbang Report.java -o ttft.svg                   a picture; of TTFT, ITL, TPOT, TTLT or total, as its name begins
//
// Read it from the outside in: command line, the page, what its charts are drawn from, the template, the picture.
// Compare.java writes the same files and says the same in the terminal.
//
// The page loads nothing: charting library and figures are inside it. What models wrote is data in it, never markup.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The command that draws. */
@Command(name = "report", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        version = Version.NUMBER,
        description = "Draws a comparison as one HTML file, or as a picture.")
public class Report implements Callable<Integer> {

    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/uPlot";
    private static final Pattern PLACE = Pattern.compile("\\{\\{([a-z-]+)}}");

    @Mixin
    ComparisonOptions weighing = new ComparisonOptions();

    @Option(names = {"-o", "--output"}, paramLabel = "FILE", defaultValue = "report.html",
            description = "Where it goes, by its ending .html, .svg or .png (default: ${DEFAULT-VALUE}).")
    Path file;

    private final PrintStream out;
    private final PrintStream err;

    Report(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 it is drawn, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Report(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("report: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        var name = file.toString().substring(file.toString().lastIndexOf('/') + 1);
        var ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        try {
            if (!List.of("html", "svg", "png").contains(ending)) {
                throw new IOException("--output " + file + ": it can't be '" + ending + "'; name a file that ends with .html, .svg"
                        + " or .png");
            }
            var comparison = weighing.weigh(err);
            Files.write(file, ending.equals("html") ? html(comparison).getBytes(StandardCharsets.UTF_8)
                    : Picture.named(name, comparison).bytes(ending));
            out.println(file);
            return 0;
        } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
            err.println("report: " + e.getMessage());
            return 2;
        }
    }

    /** Returns the whole page; one that was read back from a table has no charts. */
    static String html(Comparison comparison) {
        try {
            var json = comparison.json();
            var columns = json.putArray("columns");
            for (var figure : Aggregate.values()) {
                columns.addObject().put("family", figure.family()).put("heading", figure.heading());
            }
            for (int i = 0; i < comparison.parts().size(); i++) {
                cells(comparison.parts().get(i), (ArrayNode) json.get("sections").get(i).get("groups"));
            }
            if (comparison.source() != null) {
                new ReportCharts(comparison.source()).addTo(json);
            }
            var values = Map.of("title", escaped(comparison.headline()), "data", json.toString().replace("<", "\\u003c"),
                    "uplot-css", resource(".min.css"), "uplot-js", resource(".iife.min.js"));
            return PLACE.matcher(ReportPage.TEMPLATE).replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1))));
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    private static void cells(SectionResult part, ArrayNode groups) {
        for (int i = 0; i < groups.size(); i++) {
            var cells = ((ObjectNode) groups.get(i)).putArray("cells");
            for (var figure : Aggregate.values()) {
                cells.add(figure.cell(part.lines().get(i).figures().get(figure)));
            }
        }
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }

    private static String resource(String ending) throws IOException {
        try (var bytes = Report.class.getResourceAsStream(UPLOT + ending)) {
            return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
