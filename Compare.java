///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Say which model is faster, and whether the difference is real
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/Console.java
//SOURCES src/stream/Comparison.java
//SOURCES src/stream/Export.java
//SOURCES src/stream/Report.java
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
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine;

/** The command that compares. */
@Command(name = "compare", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        version = Version.NUMBER,
        description = "Says which model is faster, and whether the difference is real.")
public class Compare implements Callable<Integer> {

    @Mixin
    ComparisonOptions weighing = new ComparisonOptions();

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
        TEXT(List.of("text", "txt"), comparison -> new ComparisonText(comparison, false).toString()),
        MARKDOWN(List.of("markdown", "md"), comparison -> new ComparisonText(comparison, true).toString()),
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
