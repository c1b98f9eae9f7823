//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS me.tongfei:progressbar:0.10.2
//SOURCES Models.java
//SOURCES Plan.java
//SOURCES Journal.java
//SOURCES Export.java

// Console

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Collectors;

import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;

/** The version of this tool: a number, and what {@code --version} prints. */
final class Version implements CommandLine.IVersionProvider {

    static final String NUMBER = "0.1.0";

    @Override
    public String[] getVersion() {
        return new String[] {"stream " + NUMBER + " (Java " + Runtime.version() + ")"};
    }
}

/** Wrong usage; each problem is one whole line for the user. */
final class WrongUsage extends Exception {

    private final List<String> problems;

    WrongUsage(String problem) {
        this(List.of(problem));
    }

    private WrongUsage(List<String> problems) {
        super(String.join("\n", problems), null, false, false);
        this.problems = List.copyOf(problems);
    }

    static void throwIfAny(List<String> problems) throws WrongUsage {
        if (!problems.isEmpty()) {
            throw new WrongUsage(problems);
        }
    }

    List<String> problems() {
        return problems;
    }
}

/** Where a run talks to its user: tokens go to out, all else to err. */
record Console(InputStream in, PrintStream out, PrintStream err, boolean outIsTerminal, boolean errIsTerminal,
                Map<String, String> environment) {

    static Console ofProcess() {
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        var err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        return new Console(System.in, out, err, isTerminal(1), isTerminal(2), System.getenv());
    }

    /** Linux shows what a descriptor is; elsewhere Java only knows of both at once. */
    private static boolean isTerminal(int descriptor) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString()
                    .matches("/dev/(pts/\\d+|tty\\w*|console)");
        } catch (IOException | UnsupportedOperationException e) {
            return System.console() != null && System.console().isTerminal();
        }
    }

    boolean coloured() {
        return outIsTerminal && environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !"dumb".equals(environment.get("TERM"));
    }

    void say(String line) {
        err.println("stream: " + line.replaceAll("\\p{Cntrl}+", " "));
    }

    PrintWriter outWriter() {
        return new PrintWriter(out, true);
    }
}

/** Rows of cells under headings, of which neighbours may have a heading together. */
final class Table {

    /**
     * A column.
     *
     * @param family  heading of several columns together; empty for none
     * @param heading what stands under that
     * @param whole   both in one, where there is no room for a line above
     * @param left    whether its cells stand on the left
     */
    private record Column(String family, String heading, String whole, boolean left) { }

    private final List<Column> columns = new ArrayList<>();
    private final List<List<String>> rows = new ArrayList<>();

    Table column(String heading, boolean left) {
        return column("", heading, heading, left);
    }

    Table column(String family, String heading, String whole, boolean left) {
        columns.add(new Column(family, ComparisonText.line(heading), ComparisonText.line(whole), left));
        return this;
    }

    void row(List<String> cells) {
        rows.add(cells.stream().map(ComparisonText::line).toList());
    }

    /** As columns of text; families above the headings. */
    String text() {
        var widths = new int[columns.size()];
        for (int i = 0; i < widths.length; i++) {
            var at = i;
            widths[i] = Math.max(columns.get(i).heading().length(),
                    rows.stream().mapToInt(row -> row.get(at).length()).max().orElse(0));
        }
        var text = new StringBuilder();
        if (columns.stream().anyMatch(column -> !column.family().isEmpty())) {
            line(text, families(widths));
        }
        line(text, cells(widths, columns.stream().map(Column::heading).toList()));
        rows.forEach(row -> line(text, cells(widths, row)));
        return text.toString();
    }

    private String families(int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; ) {
            var family = columns.get(i).family();
            var width = widths[i++];
            while (i < widths.length && !family.isEmpty() && columns.get(i).family().equals(family)) {
                width += 2 + widths[i++];
            }
            var dashes = Math.max(0, width - family.length() - 1);
            line.append(line.isEmpty() ? "" : "  ").append(family.isEmpty() ? " ".repeat(width)
                    : "-".repeat(dashes / 2) + " " + family + " " + "-".repeat(Math.max(0, dashes - dashes / 2 - 1)));
        }
        return line.toString();
    }

    private String cells(int[] widths, List<String> cells) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            var space = " ".repeat(widths[i] - cells.get(i).length());
            line.append(i == 0 ? "" : "  ").append(columns.get(i).left() ? cells.get(i) + space : space + cells.get(i));
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
        return cells.stream().map(ComparisonText::escaped).collect(Collectors.joining(" | ", "| ", " |"));
    }
}

/**
 * Shows the answers as they come, on a thread of its own, so that a slow terminal, a pipe or a typing delay holds up
 * nobody else. On a terminal it also keeps the progress bar below the text.
 */
final class Echo implements Journal.Audience, AutoCloseable {

    private static final String[] COLOURS = {"36", "33", "35", "32", "34", "31"};

    private final String mode;
    private final int delayMillis;
    private final Console terminal;
    private final Runnable onClosed;
    private final boolean headings;
    private final boolean prompts;
    private final ExecutorService printer = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("echo").factory());
    private final Map<Job, Line> lines = new HashMap<>();
    private final ProgressBar progress;
    private String status = "";
    private Job current;
    private boolean currentReasons;
    private volatile boolean dropped;

    /** The beginning of a line that has not ended yet. */
    private record Line(StringBuilder text, boolean reasoning) { }

    private Echo(Stream options, boolean headings, boolean prompts, int requests, Console terminal, Runnable onClosed) {
        this.onClosed = onClosed;
        this.mode = options.echo();
        this.delayMillis = options.typingDelayMillis;
        this.terminal = terminal;
        this.headings = headings;
        this.prompts = prompts;
        var tokensOnScreen = mode.equals("tokens") && terminal.outIsTerminal();
        this.progress = requests < 2 || options.quiet || !terminal.errIsTerminal() || tokensOnScreen ? null
                : new ProgressBarBuilder().setTaskName("requests").setInitialMax(requests)
                        .setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(200)
                        .setConsumer(new DelegatingProgressBarConsumer(this::showStatus, 79)).build();
    }

    /** {@code onClosed} is called when nobody reads the output any more. */
    static Echo of(Stream options, List<Model> models, int requests, Console terminal, Runnable onClosed) {
        var onScreen = terminal.outIsTerminal() && terminal.errIsTerminal() && !options.quiet;
        return new Echo(options, onScreen && (requests > 1 || models.size() > 1), requests > models.size(), requests,
                terminal, onClosed);
    }

    @Override
    public void content(Job job, String text) {
        if (!mode.equals("none")) {
            show(job, text, false);
        }
    }

    /** On a terminal that can dim a text reasoning is shown too; only the answer belongs to standard output. */
    @Override
    public void reasoning(Job job, String text) {
        if (!mode.equals("none") && terminal.coloured()) {
            show(job, text, true);
        }
    }

    private void show(Job job, String text, boolean reasoning) {
        print(mode.equals("tokens") ? () -> showToken(job, text, reasoning) : () -> showLines(job, text, reasoning));
    }

    @Override
    public void end(Job job, boolean last) {
        if (progress != null && last) {
            progress.step();
        }
        if (mode.equals("lines")) {
            print(() -> {
                endLine(job);
            });
        }
    }

    /** Waits until all is shown; a terminal gets a line end, so that the next question stands on its own line. */
    void settle() throws InterruptedException {
        var shown = new CountDownLatch(1);
        print(() -> {
            if (current != null && terminal.outIsTerminal()) {
                terminal.out().println();
                current = null;
            }
            terminal.out().flush();
            shown.countDown();
        });
        if (!dropped) {
            shown.await();
        }
    }

    /** Gives up what is not shown yet. */
    void drop() {
        dropped = true;
        printer.shutdownNow();
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
        }
        printer.close();
        terminal.out().flush();
    }

    /** On a terminal a line for the user starts a line of its own, also in the middle of an answer. */
    @Override
    public void say(String line) {
        if (!terminal.outIsTerminal() || !terminal.errIsTerminal()) {
            terminal.say(line);
            return;
        }
        try {
            printer.execute(() -> {
                if (current != null) {
                    terminal.out().println();
                    terminal.out().flush();
                    current = null;
                }
                terminal.err().print(status.isEmpty() ? "" : "\r\033[K");
                terminal.say(line);
            });
        } catch (RejectedExecutionException e) {
            terminal.say(line); // the echo was dropped; what went wrong is not
        }
    }

    private void print(Runnable action) {
        try {
            printer.execute(action);
        } catch (RejectedExecutionException e) {
            // dropped: the user has left
        }
    }

    private void showToken(Job job, String text, boolean reasoning) {
        if (job != current) {
            if (current != null) {
                terminal.out().print("\n\n");
            }
            terminal.out().flush();
            if (headings) {
                terminal.err().println(coloured(job, job.model().label()) + (prompts ? "  " + job.prompt().id() : ""));
            }
            current = job;
        } else if (currentReasons && !reasoning) {
            terminal.out().print("\n\n");
        }
        currentReasons = reasoning;
        terminal.out().print(styled(text, reasoning));
        flush();
        pause();
    }

    private void showLines(Job job, String text, boolean reasoning) {
        if (lines.containsKey(job) && lines.get(job).reasoning() != reasoning) {
            endLine(job);
        }
        var line = lines.computeIfAbsent(job, key -> new Line(new StringBuilder(), reasoning)).text().append(text);
        for (int end; (end = line.indexOf("\n")) >= 0; line.delete(0, end + 1)) {
            showLine(job, line.substring(0, end), reasoning);
        }
        pause();
    }

    private void endLine(Job job) {
        var rest = lines.remove(job);
        if (rest != null && !rest.text().isEmpty()) {
            showLine(job, rest.text().toString(), rest.reasoning());
        }
    }

    private String styled(String text, boolean reasoning) {
        return reasoning ? "\033[2m" + harmless(text) + "\033[0m" : harmless(text);
    }

    private void showLine(Job job, String line, boolean reasoning) {
        if (!status.isEmpty()) {
            terminal.err().print("\r\033[K");
        }
        var prompt = prompts ? " " + job.prompt().id() : "";
        terminal.out().println(coloured(job, job.model().label()) + prompt + " | " + styled(line, reasoning));
        flush();
        if (!status.isEmpty()) {
            terminal.err().print(status);
        }
    }

    private void flush() {
        if (terminal.out().checkError() && !dropped) { // it flushes first
            drop();
            onClosed.run();
        }
    }

    /** A model may say what a terminal would obey; a file gets it as it is. */
    private String harmless(String text) {
        return terminal.outIsTerminal() ? text.replaceAll("[\\p{Cntrl}&&[^\\n\\t]]", "\uFFFD") : text;
    }

    private void showStatus(String bar) {
        print(() -> {
            terminal.err().print("\r\033[K" + bar);
            status = bar;
        });
    }

    private String coloured(Job job, String text) {
        return !terminal.coloured() ? text
                : "\033[" + COLOURS[job.modelIndex() % COLOURS.length] + "m" + text + "\033[0m";
    }

    private void pause() {
        try {
            if (delayMillis > 0 && !dropped) {
                Thread.sleep(delayMillis);
            }
        } catch (InterruptedException e) {
            dropped = true;
        }
    }
}
