//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES OneLine.java
//SOURCES UserError.java
//SOURCES Version.java

package stream.terminal;

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
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Where a command talks to its user: what was asked for goes to {@code out}, all else to {@code err}.
 *
 * @param command the name of the command, which its messages begin with
 */
public record Console(String command, InputStream in, PrintStream out, PrintStream err, boolean outIsTerminal,
               boolean errIsTerminal, Map<String, String> environment) {

    /** The width of what is no terminal. */
    static final int UNLIMITED = Integer.MAX_VALUE;

    /** What a terminal is sent to empty the line that its cursor is in. */
    public static final String CLEAR_LINE = "\r\033[K";

    private static final int USUAL_WIDTH = 80;

    private static final int EXIT_FAILED = 1;
    private static final int EXIT_USAGE = 2;
    private static final int EXIT_INTERRUPTED = 130;

    public static Console ofProcess(String command) {
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
    public int run(Callable<Integer> command, String... arguments) {
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
    public static CommandLine parser(Object command) {
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
                say("unexpected error: " + (problem instanceof ExecutionException ofAnotherThread
                        ? ofAnotherThread.getCause() : problem));
                return EXIT_FAILED;
            }
        }
        return EXIT_USAGE;
    }

    /** Returns how many characters a line of standard output may have: those of the terminal, of anything else any number. */
    public int outWidth() {
        return outIsTerminal ? terminalWidth() : UNLIMITED;
    }

    /** The same of standard error. */
    public int errWidth() {
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
    public boolean canAsk() {
        return in == System.in && isTerminal(0) && errIsTerminal;
    }

    /** Whether colours and dimmed text are welcome on standard output. */
    public boolean isStyled() {
        return outIsTerminal && environment.getOrDefault("NO_COLOR", "").isEmpty() && !"dumb".equals(environment.get("TERM"));
    }

    /**
     * Returns a command that the user can paste where this one was started.
     *
     * @param script the file of the command, which lies beside that of this one
     */
    public String command(String script, String... arguments) {
        var own = environment.get("STREAM_SCRIPT");
        var launcher = own == null ? Files.isExecutable(Path.of("jbang")) ? "./jbang" : "jbang"
                : environment.get("STREAM_LAUNCHER");
        var words = new ArrayList<>(List.of(launcher, own == null ? script : Path.of(own).resolveSibling(script).toString()));
        words.addAll(List.of(arguments));
        return words.stream().map(Console::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String word) {
        return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** Shows what is being done, on a terminal, until {@link #clearStatus}. */
    public void showStatus(String text) {
        if (errIsTerminal) {
            err.print(CLEAR_LINE + text + " ...");
            err.flush();
        }
    }

    public void clearStatus() {
        if (errIsTerminal) {
            err.print(CLEAR_LINE);
            err.flush();
        }
    }

    /** Prints a message for the user on standard error: one line, which a terminal gets broken at the ends of words. */
    public void say(String line) {
        tell(command + ": " + line);
    }

    /** The same without the name of the command. */
    public void tell(String line) {
        err.println(OneLine.wrapped(OneLine.of(line), errWidth(), "  "));
    }
}
