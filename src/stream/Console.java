//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS me.tongfei:progressbar:0.10.2
//SOURCES TextWidth.java

// Console: all that talks to the user. How a command is run and how its errors are reported, the streams and whether they are
// a terminal, the live echo of answers, tables, the progress bar, and the version.

package stream;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The version of this tool. */
final class Version {

    static final String NUMBER = "0.1.0";

    private Version() { }
}

/**
 * An error that the user can do something about. Each problem is one line: the option, file or server; the value; what to
 * do. It ends a command with exit code 2.
 */
final class UserError extends RuntimeException {

    private final List<String> problems;

    UserError(String problem) {
        this(List.of(problem));
    }

    private UserError(List<String> problems) {
        super(problems.stream().map(OneLine::of).collect(Collectors.joining("\n")), null, false, false);
        this.problems = problems.stream().map(OneLine::of).toList();
    }

    /** A problem at a place in a file, {@code file} or {@code file:line}. */
    static UserError at(String place, String problem) {
        return new UserError(place + ": " + problem);
    }

    /** Throws all problems together; does nothing if there are none. */
    static void throwIfAny(List<String> problems) {
        if (!problems.isEmpty()) {
            throw new UserError(problems);
        }
    }

    List<String> problems() {
        return problems;
    }
}

/** Collects what is wrong with the options of a command, so that the user is told of all of it. */
final class OptionChecks {

    private final List<String> problems = new ArrayList<>();

    /** {@code least} is the smallest legal value. */
    OptionChecks atLeast(String option, long value, long least) {
        return require(value >= least, option + " " + value + "; must be a whole number, at least " + least);
    }

    /** Both bounds are legal values; NaN is not. */
    OptionChecks within(String option, double value, double least, double most) {
        return require(value >= least && value <= most,
                option + " " + plain(value) + "; must be a number from " + plain(least) + " to " + plain(most));
    }

    OptionChecks oneOf(String option, String value, String... words) {
        return require(Arrays.asList(words).contains(value),
                option + " '" + value + "'; must be one of " + String.join(", ", words));
    }

    OptionChecks require(boolean holds, String problem) {
        if (!holds) {
            problems.add(problem);
        }
        return this;
    }

    /** Throws UserError if anything was wrong. */
    void throwIfAny() {
        UserError.throwIfAny(problems);
    }

    /** Writes a number as a user would, without the decimals of a whole one. */
    static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? String.valueOf((long) value) : String.valueOf(value);
    }
}

/** What a user should know about a run or a comparison, each with its cause and the next step. */
enum Warning {
    COMPRESSED("%s sends compressed streams; their timing is the compressor's. Turn the compression off at the server or proxy."),
    BUFFERED("the stream was buffered on its way, %s of its tokens came together with the one before: its TTFT, ITL and TPOT are those of the"
            + " buffer."),
    MISNAMED("%s sends events as %s, not as text/event-stream; other clients may not read them. Set the type at the server or a proxy before it."),
    NO_USAGE("%s refuses stream_options; output tokens are counted from events. A newer version of the server may accept it."),
    PARAMETER_RENAMED("%s refuses %s; %s is sent instead."),
    PARAMETER_LEFT_OUT("%s refuses %s; it is left out, and the server's default applies."),
    LOADING("%s: the server is loading the model. Its requests wait, for at most --timeout %s s."),
    POSTPONED("%s: the server asks to wait for %s s, longer than --timeout %s. No other request of it is sent. %s."),
    OVERHEAD("the error of the client is more than a tenth of what was measured with %s. Use a larger machine, or a lower"
            + " concurrency."),
    PAUSED("this process was paused while it measured; the column tainted of %s tells in which rows. Stop other programs."),
    MODEL_IN_PROMPT("%s; the models that these prompts name are ignored, because --model names others. Leave --model out to"
            + " use them."),
    REASONING_ALONE("%s with reasoning only, without a visible text. The token limit may have ended it; raise --max-tokens."),
    COUNT_CONTRADICTED("%s with at least twice as many events with text as the server counts tokens, so that TPOT and tokens/s are wrong."
            + " Compare ITL."),
    SEVERAL_CHOICES("%s whose tokens the server counts together with those of other choices (n above 1), so without TPOT and tokens/s."
            + " Ask for one choice."),
    THOUGHTS_IN_TEXT("%s with thoughts inside the visible text, so that TTFT is that of the first thought. --think-tags reads them as"
            + " reasoning."),
    NOTHING_GENERATED("%s completed an answer without any text, reasoning or tool call%s. Look at its events with --echo events."),
    LATE("the time of --start-at is past by %s s; the run begins now, later than others may. Name a later time, engines take a while to start."),
    ONE_MODEL("%s are one model: the server answers for each of them as %s. A difference between them is chance.");

    private final String pattern;

    Warning(String pattern) {
        this.pattern = pattern;
    }

    String text(Object... what) {
        return pattern.formatted(what);
    }

    String about(Object... what) {
        return "warning: " + text(what);
    }
}

/** Makes a text from outside fit into one line of a terminal or a CSV cell. */
final class OneLine {

    private static final int LONGEST = 300;

    private static final String ELLIPSIS = "...";

    private OneLine() { }

    /** Replaces everything that would start a new line, or control a terminal, by a space. */
    static String of(String text) {
        return text.replaceAll("[\\p{Cc}\\u2028\\u2029]+", " ");
    }

    /** Returns the first line of a message, at most 300 characters of it. */
    static String firstOf(String message) {
        return shortened(of(message.strip().lines().findFirst().orElse("")).strip(), LONGEST);
    }

    /** Leaves out the middle of a name that takes more columns, since names often differ at their ends. */
    static String withoutMiddle(String name, int mostColumns) {
        var left = (mostColumns - ELLIPSIS.length() + 1) / 2;
        return TextWidth.of(name) <= mostColumns ? name
                : TextWidth.first(name, left) + ELLIPSIS + TextWidth.last(name, mostColumns - ELLIPSIS.length() - left);
    }

    /** Breaks a sentence into lines of at most so many columns; all but the first are indented. */
    static String wrapped(String sentence, int width, String indent) {
        var text = new StringBuilder();
        var line = new StringBuilder();
        var columns = 0; // of the line
        for (var word : sentence.split(" ")) {
            if (!line.isEmpty() && columns + 1 + TextWidth.of(word) > width) {
                text.append(line).append('\n');
                line.setLength(0);
                line.append(indent).append(word);
                columns = TextWidth.of(indent) + TextWidth.of(word);
            } else {
                columns += (line.isEmpty() ? 0 : 1) + TextWidth.of(word);
                line.append(line.isEmpty() ? "" : " ").append(word);
            }
        }
        return text.append(line).toString();
    }

    static String shortened(String line, int longest) {
        return line.length() <= longest ? line : line.substring(0, longest - 3) + "...";
    }
}

/** A number of things, in words. */
final class Count {

    private Count() { }

    /** Returns the number with the noun, in its plural unless the number is 1. */
    static String of(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }
}

/** The kind of a file, by its name. */
final class FileEnding {

    private FileEnding() { }

    /** Returns what follows the last dot of the name, in lower case; the whole name where there is no dot. */
    static String of(Path file) {
        var name = String.valueOf(file.getFileName()); // the root has no name
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }
}

/**
 * Where a command talks to its user: what was asked for goes to {@code out}, all else to {@code err}.
 *
 * @param command the name of the command, which its messages begin with
 */
record Console(String command, InputStream in, PrintStream out, PrintStream err, boolean outIsTerminal,
               boolean errIsTerminal, Map<String, String> environment) {

    /** The width of what is no terminal. */
    static final int UNLIMITED = Integer.MAX_VALUE;

    /** What a terminal is sent to empty the line that its cursor is in. */
    static final String CLEAR_LINE = "\r\033[K";

    private static final int USUAL_WIDTH = 80;

    /** Width of the progress bar, in characters: it must not reach the last column of a terminal of 80. */
    static final int PROGRESS_WIDTH = 79;

    private static final int EXIT_FAILED = 1;
    private static final int EXIT_USAGE = 2;
    private static final int EXIT_INTERRUPTED = 130;

    static Console ofProcess(String command) {
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        var err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        return new Console(command, System.in, out, err, isTerminal(1), isTerminal(2), System.getenv());
    }

    /** Linux tells what a descriptor is; elsewhere Java only knows of both outputs together. */
    private static boolean isTerminal(int descriptor) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString()
                    .matches("/dev/(pts/\\d+|tty\\w*|console)");
        } catch (IOException | UnsupportedOperationException e) {
            return System.console() != null && System.console().isTerminal();
        }
    }

    /**
     * Parses the arguments into the command and calls it. Returns its exit code, or that of its error: 2 for wrong usage, 130
     * for an interruption, 1 for anything else.
     */
    int run(Callable<Integer> command, String... arguments) {
        var line = parser(command);
        line.getCommandSpec().mixinStandardHelpOptions(true)
                .version(this.command + " " + Version.NUMBER + " (Java " + Runtime.version() + ")");
        line.getCommandSpec().usageMessage().sortOptions(false).autoWidth(true);
        var exitCode = line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true))
                .setParameterExceptionHandler((problem, given) -> {
                    say(usage(problem) + "; see --help");
                    return EXIT_USAGE;
                })
                .setExecutionExceptionHandler((problem, failed, given) -> report(problem, given.hasMatchedOption("--verbose")))
                .execute(arguments);
        out.flush();
        return exitCode;
    }

    /** Returns a parser of the command's options. An argument that begins with @ is no file of arguments. */
    static CommandLine parser(Object command) {
        return new CommandLine(command).setExpandAtFiles(false);
    }

    private static String usage(ParameterException problem) {
        if (problem instanceof UnmatchedArgumentException unmatched) {
            var close = unmatched.getSuggestions();
            return OneLine.of(unmatched.getMessage())
                    + (close.isEmpty() ? "" : "; did you mean " + String.join(" or ", close) + "?");
        }
        if (problem.getArgSpec() instanceof CommandLine.Model.OptionSpec option && problem.getValue() != null) {
            return option.longestName() + " '" + problem.getValue() + "'; must be " + kind(option);
        }
        return problem.getMessage().lines().findFirst().orElse("wrong usage");
    }

    private static String kind(CommandLine.Model.OptionSpec option) {
        var type = option.auxiliaryTypes()[0];
        return type == int.class || type == Integer.class || type == long.class || type == Long.class ? "a whole number"
                : type == double.class || type == Double.class ? "a number" : option.paramLabel();
    }

    private int report(Exception problem, boolean verbose) {
        if (verbose) {
            problem.printStackTrace(err);
        }
        switch (problem) {
            case UserError error -> error.problems().forEach(this::say);
            case InterruptedException interrupted -> {
                return EXIT_INTERRUPTED;
            }
            default -> {
                say("unexpected error: " + (problem instanceof ExecutionException ofAnotherThread ? ofAnotherThread.getCause() : problem));
                return EXIT_FAILED;
            }
        }
        return EXIT_USAGE;
    }

    /** Returns how many characters a line of standard output may have: those of the terminal, of anything else any number. */
    int outWidth() {
        return outIsTerminal ? terminalWidth() : UNLIMITED;
    }

    /** The same of standard error. */
    int errWidth() {
        return errIsTerminal ? terminalWidth() : UNLIMITED;
    }

    /** COLUMNS, else what the terminal says, else 80. */
    private int terminalWidth() {
        var columns = environment.getOrDefault("COLUMNS", "");
        if (columns.matches("[1-9]\\d{0,3}")) {
            return Integer.parseInt(columns);
        }
        var detected = new CommandLine.Model.UsageMessageSpec().autoWidth(true).width();
        return detected > 0 ? detected : USUAL_WIDTH;
    }

    /** Whether a person sits before it: standard input and both outputs are a terminal that can move its cursor. */
    boolean isInteractive() {
        return in == System.in && isTerminal(0) && outIsTerminal && errIsTerminal && !"dumb".equals(environment.get("TERM"));
    }

    /** Whether a question on standard error can be answered: it and standard input are a terminal. */
    boolean canAsk() {
        return in == System.in && isTerminal(0) && errIsTerminal;
    }

    /** Whether colours and dimmed text are welcome on standard output. */
    boolean isStyled() {
        return outIsTerminal && environment.getOrDefault("NO_COLOR", "").isEmpty() && !"dumb".equals(environment.get("TERM"));
    }

    /**
     * Returns a command that the user can paste where this one was started.
     *
     * @param script the file of the command, which lies beside that of this one
     */
    String command(String script, String... arguments) {
        var own = environment.get("STREAM_SCRIPT");
        var launcher = own == null ? Files.isExecutable(Path.of("jbang")) ? "./jbang" : "jbang" : environment.get("STREAM_LAUNCHER");
        var words = new ArrayList<>(List.of(launcher, own == null ? script : Path.of(own).resolveSibling(script).toString()));
        words.addAll(List.of(arguments));
        return words.stream().map(Console::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String word) {
        return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** Shows what is being done, on a terminal, until {@link #clearStatus}. */
    void showStatus(String text) {
        if (errIsTerminal) {
            err.print(CLEAR_LINE + text + " ...");
            err.flush();
        }
    }

    void clearStatus() {
        if (errIsTerminal) {
            err.print(CLEAR_LINE);
            err.flush();
        }
    }

    /** Prints a message for the user on standard error: one line, which a terminal gets broken at the ends of words. */
    void say(String line) {
        tell(command + ": " + line);
    }

    /** The same without the name of the command. */
    void tell(String line) {
        err.println(OneLine.wrapped(OneLine.of(line), errWidth(), "  "));
    }

    /** Returns a progress bar whose consumer the caller sets. */
    static ProgressBarBuilder progressBar(String task, long steps) {
        return new ProgressBarBuilder().setTaskName(task).setInitialMax(steps).setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200);
    }
}

/** Rows of cells under headings, of which neighbours may have a heading together. */
final class Table {

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
    enum Mark {
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

    Table column(String heading, boolean left) {
        return column("", heading, heading, left);
    }

    Table column(String family, String heading, String whole, boolean left) {
        columns.add(new Column(columns.size(), family, OneLine.of(heading), OneLine.of(whole), left));
        return this;
    }

    /** Lets the last column be left out where there is no room; that with the lowest number goes first. */
    Table optional(int order) {
        optional.put(columns.getLast(), order);
        return this;
    }

    /** Lets the cells of the last column lose their middle where there is no room for them. */
    Table labels() {
        labels.add(columns.getLast());
        return this;
    }

    Table row(List<String> cells) {
        rows.add(cells.stream().map(OneLine::of).toList());
        marks.add(new HashMap<>());
        return this;
    }

    /** Marks a cell of the last row; in a table without colours it looks like the others. */
    void mark(int column, Mark mark) {
        marks.getLast().put(columns.get(column), mark);
    }

    /** As columns of text; families above the headings. */
    String text() {
        return text(Console.UNLIMITED, false);
    }

    /** Returns how many characters the widest line has, if all columns are there. */
    int width() {
        return width(columns, widths(columns));
    }

    /**
     * The same in lines of at most so many characters: columns are left out, then labels shortened. No row is broken.
     *
     * @param styled whether marked cells have their colour
     */
    String text(int mostCharacters, boolean styled) {
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
    String markdown() {
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
    static String escaped(String text) {
        return OneLine.of(text).replaceAll("[\\\\`*_<>|\\[\\]~#]", "\\\\$0");
    }
}
