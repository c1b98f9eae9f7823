///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Tell which model is faster, and whether the difference is real
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/terminal/Console.java
//SOURCES src/stream/terminal/Count.java
//SOURCES src/stream/terminal/OneLine.java
//SOURCES src/stream/terminal/OptionChecks.java
//SOURCES src/stream/terminal/TextLayout.java
//SOURCES src/stream/terminal/UserError.java
//SOURCES src/stream/record/CsvRun.java
//SOURCES src/stream/record/RunCheck.java
//SOURCES src/stream/record/ToolFile.java
//SOURCES src/stream/compare/Comparison.java
//SOURCES src/stream/compare/ComparisonSettings.java
//SOURCES src/stream/compare/Limit.java
//SOURCES src/stream/compare/RunHistory.java
//SOURCES src/stream/compare/RunSides.java
//SOURCES src/stream/report/ComparisonCsv.java
//SOURCES src/stream/report/ComparisonText.java
//SOURCES src/stream/report/DefinitionTable.java
//SOURCES src/stream/report/OutputFormat.java
//SOURCES src/stream/report/PictureSettings.java
//RUNTIME_OPTIONS -XX:+UseParallelGC

// Compare: reads recorded runs and tells which model is faster, by how much, how certain that is, and what limits the
// comparison: as text, Markdown, CSV, JSON, an HTML report or a picture.
//
// To run just:
//   jbang Compare.java                                    the newest run in results/
//   jbang Compare.java results/BEFORE results/AFTER       the same models in two runs
//   jbang Compare.java --export report.html --export ttft.svg
//   jbang Compare.java BEFORE AFTER --fail-if 'ttft_p95 > 1.2x'
//   jbang Compare.java --check results/RUN_ID             are the files of the run intact?
//   jbang Compare.java --history results/                 has a model become slower from run to run?
//
// Here are the options and their validation; the comparison is made in src/stream/: record/RecordedRun.java, compare/Grouping.java,
// compare/Difference.java and compare/Comparison.java, then report/.

package stream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.compare.Limit;
import stream.compare.RunHistory;
import stream.compare.RunSides;
import stream.record.CsvRun;
import stream.record.RunCheck;
import stream.record.ToolFile;
import stream.report.ComparisonCsv;
import stream.report.ComparisonText;
import stream.report.DefinitionTable;
import stream.report.OutputFormat;
import stream.report.PictureSettings;
import stream.terminal.Console;
import stream.terminal.Count;
import stream.terminal.OneLine;
import stream.terminal.OptionChecks;
import stream.terminal.TextLayout;
import stream.terminal.UserError;

/** The command that compares. */
@Command(name = "compare", description = "Tells which model is faster, and whether the difference is real.")
public class Compare implements Callable<Integer> {

    @Parameters(paramLabel = "RUN", arity = "0..*",
            description = "Folders of runs, folders that contain them, files of other tools (vLLM's result JSON, AIPerf's"
                    + " profile_export.jsonl, GuideLLM's JSON), or one CSV file of a comparison (default: the newest run in "
                    + "results/). A1 A2 -- B1 B2, or LABEL=RUN for each, compares sides of several runs.")
    private List<String> runs = List.of();

    @Option(names = "--by", paramLabel = "model|run|prompt|label:COLUMN|base_url|shard|machine",
            description = "What the groups are (default: run if several runs have a model in common, else model).")
    private String by;

    @Option(names = "--baseline", paramLabel = "LABEL",
            description = "The group that the others are compared with (default: the fastest; of several runs the first).")
    private String baseline;

    @Option(names = "--margin", paramLabel = "M", description = "The share that counts as the same (default: 5%%).")
    private String margin;

    @Option(names = "--as", paramLabel = "ours|vllm|guidellm|aiperf|all",
            description = "Whose definitions of the metrics apply; all shows them side by side (default: ours, of a file of another"
                    + " tool its own).")
    private String as;

    @Option(names = "--metric", paramLabel = "LIST", split = ",", description = "What is compared: ttft, itl, tpot, ttlt, total;"
            + " ttft_any and itl_any, which count reasoning and tool calls too; ttft_net, without the handshake; first_100_chars"
            + " (default: the first five).")
    private List<String> metrics = List.of();

    @Option(names = "--history", description = "Show one metric of each model over the runs, in the order of time, and where it "
            + "changed"
            + " (default: ttft of the runs in results/); as text, markdown, csv or html.")
    private boolean history;

    @Option(names = "--untainted", description = "Leave out requests whose timing should not be trusted.")
    private boolean untainted;

    @Option(names = "--check", description = "Validate the files of the runs row by row and report what is damaged.")
    private boolean check;

    @Option(names = "--fail-if", paramLabel = "'FIGURE > LIMIT'",
            description = "Exit with 1 if any group exceeds a limit: 'ttft_p95 > 1.2x' (of the baseline, by its interval),"
                    + " 'total_p50 > 900' (ms), 'failed > 1%%'; with 3 if that cannot be told; repeatable.")
    private List<String> failIf = List.of();

    @Option(names = "--fail-if-undecided", description = "Exit with 1 also if a limit cannot be told to be kept.")
    private boolean failIfUndecided;

    @Option(names = "--failures", paramLabel = "excluded|worst", defaultValue = "excluded",
            description = "What failed requests count as: nothing, or infinitely slow (default: ${DEFAULT-VALUE}).")
    private String failures;

    @Option(names = "--format", paramLabel = "text|markdown|csv|json|html", defaultValue = "text",
            description = "What is printed on standard output (default: ${DEFAULT-VALUE}).")
    private String format;

    @Option(names = "--wide", description = "All columns, however wide the terminal is.")
    private boolean wide;

    @Option(names = "--export", paramLabel = "FILE",
            description = "Also write a file, by its ending: .txt, .md, .csv, .json, .html, or a picture, .svg or .png, of the"
                    + " metric with which its name begins (ttft, itl, tpot, ttlt, total); card.svg or card.png, one picture of it"
                    + " all; race.svg or race.gif, a film of the recorded answers; repeatable.")
    private List<Path> exports = List.of();

    @Option(names = "--scale", paramLabel = "N", defaultValue = "1",
            description = "Of a card or a race: pixels of a unit, 1 to 4 (default: ${DEFAULT-VALUE}).")
    private int scale;

    @Option(names = "--theme", paramLabel = "light|dark", defaultValue = "light",
            description = "Of a card or a race (default: ${DEFAULT-VALUE}).")
    private String theme;

    @Option(names = "--title", paramLabel = "TEXT", description = "Of a card or a race (default: the sentence; the prompt).")
    private String title;

    private static final int EXIT_UNDECIDED = 3;

    @Spec
    private CommandSpec spec;

    private final Console console;

    Compare(Console console) {
        this.console = console;
    }

    public static void main(String... args) {
        System.exit(run(Console.ofProcess("compare"), args));
    }

    /** Runs the command; returns its exit code: 0 compared, 1 a limit is exceeded or a file damaged, 2 wrong usage, 3 undecided. */
    public static int run(Console console, String... args) {
        return console.run(new Compare(console), args);
    }

    @Override
    public Integer call() {
        var isAll = "all".equals(as);
        if (check || isAll) {
            new OptionChecks().require(failIf.isEmpty() && exports.isEmpty() && format.equals("text")
                    && metrics.isEmpty() && baseline == null,
                    (check ? "--check" : "--as all")
                    + " prints its own table; leave --fail-if, --export, --format, --metric and --baseline out").throwIfAny();
        }
        new OptionChecks().require(!history || !check && !isAll && failIf.isEmpty() && by == null && baseline == null,
                "--history compares each run with the mean of all; leave --check, --as all, --fail-if, --by and --baseline out")
                .throwIfAny();
        var settings = ComparisonSettings.of(RunSides.of(history && runs.isEmpty() ? List.of("results") : runs, afterSeparator()),
                by, baseline, margin, isAll ? null : as, untainted,
                metrics, failures);
        try {
            return history ? history(settings) : check ? check(settings) : isAll
                    ? printAllDefinitions(settings) : compare(settings);
        } catch (IOException e) {
            throw new UserError(String.valueOf(e.getMessage()));
        }
    }

    /** Returns how many runs follow a lone {@code --}, which picocli takes for the end of the options. */
    private int afterSeparator() {
        var words = spec.commandLine().getParseResult().originalArgs();
        var at = words.indexOf("--");
        return at < 0 ? 0 : words.size() - at - 1;
    }

    private int check(ComparisonSettings settings) throws IOException {
        var damages = 0;
        for (var path : settings.runs()) {
            new OptionChecks().require(ToolFile.in(path) == null,
                    "--check " + path + ": a file of another tool; name the folders of runs of"
                    + " this one").throwIfAny();
        }
        for (var folder : CsvRun.folders(settings.runs())) {
            var lines = new RunCheck(folder).problems();
            console.out().println(folder + ": " + (lines.isEmpty() ? "intact" : Count.of(lines.size(), "problem")));
            lines.forEach(line -> console.out().println("  " + OneLine.of(line)));
            damages += lines.size();
        }
        return damages == 0 ? 0 : 1;
    }

    private int printAllDefinitions(ComparisonSettings settings) throws IOException {
        console.out().print(new DefinitionTable(settings, layout()).text());
        return 0;
    }

    private int history(ComparisonSettings settings) throws IOException {
        var output = OutputFormat.ofName(format);
        var files = new LinkedHashMap<Path, OutputFormat>();
        exports.forEach(file -> files.put(file, OutputFormat.ofEnding(file)));
        output.requireOfHistory("--format " + format);
        files.forEach((file, ofFile) -> ofFile.requireOfHistory("--export " + file));
        var runHistory = RunHistory.of(settings, console.err());
        for (var file : files.entrySet()) {
            write(file.getKey(), file.getValue().bytes(runHistory, TextLayout.WIDE));
        }
        console.out().writeBytes(output.bytes(runHistory, layout()));
        console.out().flush();
        return 0;
    }

    private TextLayout layout() {
        return wide ? TextLayout.WIDE : new TextLayout(console.outWidth(), console.isStyled());
    }

    private int compare(ComparisonSettings settings) throws IOException {
        var limits = failIf.stream().map(Limit::of).toList();
        var output = OutputFormat.ofName(format);
        var files = new LinkedHashMap<Path, OutputFormat>();
        exports.forEach(file -> files.put(file, OutputFormat.ofEnding(file)));
        var styled = files.entrySet().stream().filter(file -> file.getValue().isStyled(file.getKey())).count();
        new OptionChecks().within("--scale", scale, 1, 4).oneOf("--theme", theme, "light", "dark")
                .require(title == null && scale == 1 && theme.equals("light") || styled > 0,
                        "--scale, --theme and --title go with --export card.png or race.gif; add one").throwIfAny();
        var pictures = new PictureSettings(scale, theme.equals("dark"), title);
        var table = settings.runs().size() == 1 && ToolFile.in(settings.runs().getFirst()) == null
                ? ComparisonCsv.in(settings.runs().getFirst()) : null;
        var comparison = table == null ? Comparison.of(settings, console.err()) : table.read(settings);
        for (var file : files.entrySet()) {
            write(file.getKey(), file.getValue().bytes(comparison, file.getKey(), pictures));
        }
        if (output == OutputFormat.TEXT) {
            console.out().print(ComparisonText.plain(comparison, layout()));
        } else {
            console.out().writeBytes(output.bytes(comparison, Path.of("ttft"), pictures));
        }
        console.out().flush();
        var findings = limits.stream().flatMap(limit -> limit.findings(comparison).stream()).toList();
        findings.forEach(finding -> console.say(finding.message()));
        return findings.isEmpty() ? 0
                : !failIfUndecided && findings.stream().allMatch(Limit.Finding::isUndecided) ? EXIT_UNDECIDED : 1;
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new IOException("--export " + file + ": cannot be written (" + e.getClass().getSimpleName()
                    + "); name a file in a folder that exists");
        }
    }
}
