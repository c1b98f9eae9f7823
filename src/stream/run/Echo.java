//JAVA 25+
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/TextWidth.java
//SOURCES ../terminal/WordWrap.java
//SOURCES ../plan/EchoMode.java
//SOURCES ../plan/EchoSettings.java
//SOURCES ../plan/Speaker.java
//SOURCES ../record/AnswerListener.java
//SOURCES RunProgress.java

package stream.run;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

import stream.plan.EchoMode;
import stream.plan.EchoSettings;
import stream.plan.Speaker;
import stream.record.AnswerListener;
import stream.terminal.Console;
import stream.terminal.OneLine;
import stream.terminal.TextWidth;
import stream.terminal.WordWrap;

/**
 * Shows the answers as they come, on a thread of its own, so that a slow terminal, a pipe or a typing delay delays nothing
 * else. A terminal also gets a line below the text that tells how far the run is; it is gone while the text of an answer grows.
 */
final class Echo implements AnswerListener {

    private static final String EVENT_ROW = "%10s %10s %5s  %-9s %s%n";
    private static final String[] COLOURS = {"36", "33", "35", "32", "34", "31"};
    private static final long REFRESH_MILLIS = 200;

    private final EchoSettings settings;
    private final Console console;
    private final Runnable onClosed;
    private final boolean hasHeadings;
    private final boolean namesPrompts;
    private final ScheduledExecutorService printer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("echo").factory());
    private ScheduledFuture<?> refresh; // null if there is no progress to show
    private final Map<Speaker, Line> lines = new HashMap<>();
    private final RunProgress progress;
    private final boolean showsProgress;
    private final int width;
    private volatile boolean progressIsShown; // also read by the thread that drops the rest
    private final WordWrap wrap; // null if nothing is to be wrapped
    private Speaker current;
    private boolean currentReasons;
    private volatile boolean dropped;
    private volatile CountDownLatch shown = new CountDownLatch(0); // what settle waits for

    /** The beginning of a line that has not ended yet. */
    private record Line(StringBuilder text, boolean reasoning) { }

    /**
     * @param models   number of models that answer, at least 1
     * @param requests number of requests, at least 0; what is asked on the terminal counts as 1
     * @param onClosed called when nobody reads the output any more
     */
    Echo(EchoSettings settings, int models, int requests, Console console, Runnable onClosed) {
        this.settings = settings;
        this.console = console;
        this.onClosed = onClosed;
        this.namesPrompts = requests > models;
        this.hasHeadings = isOnScreen() && !settings.quiet() && (requests > 1 || models > 1);
        this.progress = new RunProgress(requests, System.nanoTime());
        this.showsProgress = progress.isBatch() && !settings.quiet() && console.errIsTerminal();
        this.width = showsProgress ? console.errWidth() - 1 : 0; // a full line would move the cursor to the next
        this.wrap = console.outIsTerminal() ? new WordWrap(console.outWidth()) : null;
    }

    @Override
    public void start() {
        if (showsProgress) {
            refresh = printer.scheduleWithFixedDelay(this::showProgress, 0, REFRESH_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private boolean isMode(EchoMode mode) {
        return settings.mode() == mode;
    }

    /** Whether a person sees the answers and the lines about them on one terminal. */
    private boolean isOnScreen() {
        return console.outIsTerminal() && console.errIsTerminal();
    }

    @Override
    public void begin(Speaker speaker) {
        print(progress::begin);
    }

    @Override
    public void content(Speaker speaker, String text) {
        if (isMode(EchoMode.TOKENS) || isMode(EchoMode.LINES)) {
            show(speaker, text, false);
        }
    }

    /** On a terminal that can dim a text reasoning is shown too; only the answer belongs to standard output. */
    @Override
    public void reasoning(Speaker speaker, String text) {
        if ((isMode(EchoMode.TOKENS) || isMode(EchoMode.LINES)) && console.isStyled()) {
            show(speaker, text, true);
        }
    }

    private void show(Speaker speaker, String text, boolean reasoning) {
        print(isMode(EchoMode.TOKENS) ? () -> showToken(speaker, text, reasoning) : () -> showLines(speaker, text, reasoning));
    }

    @Override
    public void end(Speaker speaker, boolean last, String failure, UnaryOperator<String> row) {
        var ttft = row.apply("ttft_ms");
        var isShown = failure == null && isOnScreen() && !settings.quiet() && (isMode(EchoMode.TOKENS) || isMode(EchoMode.LINES));
        var latency = isShown ? latency(ttft, row) : null;
        print(() -> {
            progress.end(speaker.label(), last, failure != null, ttft);
            if (isMode(EchoMode.LINES)) {
                endLine(speaker);
            }
            if (latency != null) {
                showLatency(speaker, latency);
            }
            showProgress();
        });
    }

    /** Returns what is said of an answer at its end. */
    private static String latency(String ttft, UnaryOperator<String> row) {
        var speed = row.apply("output_tokens_per_s");
        var unit = row.apply("token_source").equals("events") ? "events/s" : "tokens/s";
        return (ttft.isEmpty() ? "" : "TTFT " + rounded(ttft) + " ms, ")
                + (speed.isEmpty() ? "" : rounded(speed) + " " + unit + ", ")
                + "total " + rounded(row.apply("total_ms")) + " ms";
    }

    private static String rounded(String number) {
        var value = Double.parseDouble(number);
        return String.format(Locale.ROOT, value < 100 ? "%.1f" : "%.0f", value);
    }

    private void showLatency(Speaker speaker, String latency) {
        hideProgress();
        if (isMode(EchoMode.LINES)) {
            console.out().println(coloured(speaker, speaker.label()) + prompt(speaker) + " | " + dimmed(latency));
        } else {
            console.out().println((speaker.equals(current) ? System.lineSeparator() : "") + dimmed(latency));
            current = null;
        }
        flush();
    }

    @Override
    public void settle() throws InterruptedException {
        var all = new CountDownLatch(1);
        shown = all;
        print(() -> {
            if (current != null && console.outIsTerminal() && !isMode(EchoMode.EVENTS)) {
                console.out().println();
                current = null;
            }
            console.out().flush();
            all.countDown();
        });
        if (!dropped) {
            all.await();
        }
    }

    @Override
    public void drop() {
        dropped = true;
        printer.shutdownNow();
        shown.countDown(); // else what waits for the rest would wait for ever
        hideProgress();
    }

    @Override
    public void close() {
        if (refresh != null) {
            refresh.cancel(false); // else the line may be drawn once more after it is hidden
        }
        print(this::hideProgress);
        printer.close();
        console.out().flush();
    }

    /** On a terminal a line for the user starts a line of its own, also in the middle of an answer. */
    @Override
    public void say(String line) {
        if (!isOnScreen() && !showsProgress) {
            console.say(line);
            return;
        }
        try {
            printer.execute(() -> {
                if (current != null && isOnScreen()) {
                    console.out().print(isMode(EchoMode.EVENTS) ? "" : System.lineSeparator());
                    console.out().flush();
                    current = null;
                }
                hideProgress();
                console.say(line);
            });
        } catch (RejectedExecutionException e) {
            console.say(line); // the echo was dropped; what went wrong is not
        }
    }

    private void print(Runnable action) {
        try {
            printer.execute(action);
        } catch (RejectedExecutionException e) {
            // dropped: the user has left
        }
    }

    @Override
    public boolean wantsEvents() {
        return isMode(EchoMode.EVENTS);
    }

    @Override
    public void event(Speaker speaker, String elapsedMillis, String delayMillis, int read, String kind, String text) {
        print(() -> {
            hideProgress();
            if (!speaker.equals(current) && !settings.quiet()) {
                console.out().flush();
                console.err().printf("%s  %s%n" + EVENT_ROW, coloured(speaker, speaker.label()), speaker.promptId(), "elapsed_ms",
                        "delay_ms", "read", "kind", "text");
            }
            current = speaker;
            console.out().printf(EVENT_ROW, elapsedMillis, delayMillis, read, kind,
                    text == null ? "" : harmless(text).replace("\n", "\\n"));
            flush();
        });
    }

    private void showToken(Speaker speaker, String text, boolean reasoning) {
        hideProgress();
        if (!speaker.equals(current)) {
            if (current != null) {
                console.out().print("\n\n");
            }
            console.out().flush();
            if (hasHeadings) {
                console.err().println(coloured(speaker, speaker.label()) + (namesPrompts ? "  " + speaker.promptId() : ""));
            }
            current = speaker;
            beginLine();
        } else if (currentReasons && !reasoning) {
            console.out().print("\n\n");
            beginLine();
        }
        currentReasons = reasoning;
        var shown = harmless(text);
        console.out().print(styled(wrap == null ? shown : wrap.next(shown), reasoning));
        flush();
        pause();
    }

    private void showLines(Speaker speaker, String text, boolean reasoning) {
        if (lines.containsKey(speaker) && lines.get(speaker).reasoning() != reasoning) {
            endLine(speaker);
        }
        var line = lines.computeIfAbsent(speaker, absent -> new Line(new StringBuilder(), reasoning)).text().append(text);
        for (int end; (end = line.indexOf("\n")) >= 0; line.delete(0, end + 1)) {
            showLine(speaker, line.substring(0, end), reasoning);
        }
        pause();
    }

    private void endLine(Speaker speaker) {
        var rest = lines.remove(speaker);
        if (rest != null && !rest.text().isEmpty()) {
            showLine(speaker, rest.text().toString(), rest.reasoning());
        }
    }

    private void beginLine() {
        if (wrap != null) {
            wrap.reset();
        }
    }

    private String styled(String text, boolean reasoning) {
        return reasoning ? dimmed(text) : text;
    }

    private String dimmed(String text) {
        return console.isStyled() ? "\033[2m" + text + "\033[0m" : text;
    }

    private String prompt(Speaker speaker) {
        return namesPrompts ? " " + speaker.promptId() : "";
    }

    private void showLine(Speaker speaker, String line, boolean reasoning) {
        hideProgress();
        var margin = TextWidth.of(speaker.label() + prompt(speaker)) + 1;
        var room = Math.max(margin + 2, console.outWidth() - margin - 2);
        var shown = harmless(line);
        var lines = TextWidth.of(shown) <= room ? new String[] {shown} : OneLine.wrapped(shown, room, "").split("\n");
        for (int i = 0; i < lines.length; i++) {
            console.out().println((i == 0 ? coloured(speaker, speaker.label()) + prompt(speaker) + " " : " ".repeat(margin)) + "| "
                    + styled(lines[i], reasoning));
        }
        flush();
        showProgress();
    }

    private void flush() {
        if (console.out().checkError() && !dropped) { // it flushes first
            onClosed.run(); // first, so that what waits for the rest finds the run stopped
            drop();
        }
    }

    /** Removes control characters before they reach a terminal; a file gets the text unchanged. */
    private String harmless(String text) {
        return console.outIsTerminal() ? text.replaceAll("[\\p{Cc}&&[^\\n\\t]]", "\uFFFD") : text;
    }

    /** Draws the line again, unless the cursor is at the end of an unfinished answer. */
    private void showProgress() {
        if (showsProgress && !dropped && (current == null || !console.outIsTerminal() || isMode(EchoMode.EVENTS))) {
            console.err().print(Console.CLEAR_LINE + progress.line(System.nanoTime(), width));
            console.err().flush();
            progressIsShown = true;
        }
    }

    private void hideProgress() {
        if (progressIsShown) {
            console.err().print(Console.CLEAR_LINE);
            console.err().flush();
            progressIsShown = false;
        }
    }

    private String coloured(Speaker speaker, String text) {
        return !console.isStyled() ? text
                : "\033[" + COLOURS[speaker.colour() % COLOURS.length] + "m" + text + "\033[0m";
    }

    private void pause() {
        try {
            if (settings.delayMillis() > 0 && !dropped) {
                Thread.sleep(settings.delayMillis());
            }
        } catch (InterruptedException e) {
            dropped = true;
        }
    }
}
