package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.record.RunFiles;
import stream.record.RunManifest;
import stream.simulator.SimulatedServer;

/** The commands in a pseudo-terminal, which script(1) makes: what is on the screen, without its colours. */
@Execution(ExecutionMode.CONCURRENT)
class TerminalTest {

    private static final Path SCRIPT = Path.of("/usr/bin/script");

    @TempDir
    Path folder;

    @BeforeEach
    void needsATerminal() {
        assumeTrue(Files.isExecutable(SCRIPT) && System.getProperty("os.name").equals("Linux"),
                "there is no script(1) of util-linux here: no pseudo-terminal; apt-get install bsdutils");
    }

    /** A command in a terminal of its own. */
    private final class Session implements AutoCloseable {
        private final Process process;
        private final StringBuilder screen = new StringBuilder();
        private final Thread reader;

        Session(int columns, int rows, String term, String... command) throws IOException {
            var words = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                    System.getProperty("java.class.path")));
            words.addAll(List.of(command));
            var line = words.stream().map(word -> "'" + word + "'").collect(Collectors.joining(" "));
            var builder = new ProcessBuilder(SCRIPT.toString(), "-qec",
                    "stty cols " + columns + " rows " + rows + "; exec " + line, "/dev/null");
            builder.environment().keySet().removeAll(List.of("COLUMNS", "LINES", "NO_COLOR", "STREAM_SCRIPT", "STREAM_LAUNCHER"));
            builder.environment().put("TERM", term);
            process = builder.start();
            reader = Thread.ofVirtual().start(() -> {
                try {
                    var bytes = new byte[8192];
                    for (int count; (count = process.getInputStream().read(bytes)) >= 0; ) {
                        synchronized (screen) {
                            screen.append(new String(bytes, 0, count, StandardCharsets.UTF_8));
                        }
                    }
                } catch (IOException e) {
                    // the end of the terminal
                }
            });
        }

        String screen() {
            synchronized (screen) {
                return screen.toString();
            }
        }

        void await(String text) throws InterruptedException {
            await(text, 1);
        }

        void await(String text, int times) throws InterruptedException {
            var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (screen().split(Pattern.quote(text), -1).length <= times) {
                assertTrue(System.nanoTime() < deadline, "not " + times + " times '" + text + "': " + screen());
                Thread.sleep(10);
            }
        }

        void type(String keys) throws IOException {
            OutputStream keyboard = process.getOutputStream();
            keyboard.write(keys.getBytes(StandardCharsets.UTF_8));
            keyboard.flush();
        }

        int exitCode() throws InterruptedException {
            assertTrue(process.waitFor(30, TimeUnit.SECONDS), "still running: " + screen());
            reader.join(TimeUnit.SECONDS.toMillis(5));
            return process.exitValue();
        }

        /** Returns what stays on the screen: without colours, and without lines that were drawn over. */
        List<String> lines() {
            return Arrays.stream(screen().replaceAll("\033\\[[0-9;?$]*[a-ln-zA-JL-Z]", "")
                    .replaceAll("\033\\[[0-9;]*m", "").split("\r?\n"))
                    .map(line -> line.replaceAll(".*\r(\033\\[K)?", "").stripTrailing()).toList();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    private Session ask(String term) throws IOException {
        return new Session(80, 24, term, "stream.Stream", "--simulate", "-m", "a=sim-ttft20-itl1-n4",
                "--ask", "--no-self-warmup", "-o",
                folder.toString());
    }

    @ParameterizedTest
    @CsvSource({"80, 24", "120, 35"})
    void aBatchKeepsToTheWidthAndItsLastLinesCanBePasted(int columns, int rows) throws Exception {
        try (var session = new Session(columns, rows, "xterm", "stream.Stream", "--simulate", "-m",
                "a-model-whose-name-has-exactly-40-chars-a=sim-ttft300-itl1-n4,b=sim-ttft20-itl1-n4", "-p", "Hi",
                "-n", "3", "--echo", "none",
                "--no-self-warmup", "-o", folder.toString())) {
            assertEquals(0, session.exitCode(), session.screen());
            var lines = session.lines();
            assertTrue(session.screen().contains("/6 done, 1 in flight"), session.screen());
            assertTrue(lines.stream().noneMatch(line -> line.contains("in flight")), "the line of the progress is gone: " + lines);
            lines.stream().filter(line -> !line.startsWith("  "))
                    .forEach(line -> assertTrue(line.length() <= columns || !line.matches("(model|a-|b ).*"), line));
            assertTrue(lines.stream().anyMatch(line -> line.matches("a-model-.* 3 +0 .*")), lines.toString());
            var end = lines.subList(lines.indexOf("Written:"), lines.size());
            assertEquals(List.of("Written:", "  " + RunFiles.runsIn(folder).getFirst(), "To compare:"), end.subList(0, 3));
            assertEquals("./jbang Compare.java " + RunFiles.runsIn(folder).getFirst(), end.get(3).strip());
        }
        try (var session = new Session(columns, rows, "xterm", "stream.Compare", folder.toString())) {
            assertEquals(0, session.exitCode(), session.screen());
            session.lines().forEach(line -> assertTrue(line.length() <= columns, line));
            assertTrue(session.lines().stream().anyMatch(line -> line.startsWith("Ratios to ")), session.screen());
        }
    }

    @Test
    void eachAnswerIsFollowedByItsLatency() throws Exception {
        try (var session = new Session(80, 24, "xterm", "stream.Stream", "--simulate", "-m",
                "a=sim-ttft20-itl1-n4,b=sim-ttft20-itl1-n4", "-p",
                "Hi", "--no-self-warmup", "-o", folder.toString())) {
            assertEquals(0, session.exitCode(), session.screen());
            assertEquals(2, session.lines().stream()
                    .filter(line -> line.matches("TTFT [\\d.]+ ms, [\\d.]+ tokens/s, total [\\d.]+ ms")).count(),
                    session.screen());
            assertTrue(session.screen().contains("\033[2mTTFT "), "dim");
        }
    }

    /** Nothing on the command line names prompts, so the sample prompts would be sent, and paid for. */
    @ParameterizedTest
    @CsvSource({"n, 130, 0", "'', 130, 0", "y, 0, 16", "--yes, 0, 16"})
    void whatNobodyHasNamedIsSentAfterAQuestion(String answer, int exitCode, int requests) throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            var words = new ArrayList<>(List.of("stream.Stream", "--base-url", simulator.baseUrl(), "-m",
                    "a=sim-ttft1-itl1-n2,b=sim-ttft1-itl1-n2",
                    "--no-self-warmup", "--echo", "none", "-o", folder.toString()));
            if (answer.startsWith("--")) {
                words.add(answer);
            }
            try (var session = new Session(80, 24, "xterm", words.toArray(String[]::new))) {
                session.await("stream: the prompts of prompts/ to a, b: 16 requests, 0 of them warm-up; at");
                if (!answer.startsWith("--")) {
                    session.await("Send them? [y/N] ");
                    assertEquals(0, simulator.answers());
                    session.type(answer + "\r");
                }
                assertEquals(exitCode, session.exitCode(), session.screen());
                assertEquals(requests, simulator.answers());
                assertEquals(requests == 0, session.screen().contains("stream: nothing was sent; name prompts, or add --yes"),
                        session.screen());
            }
        }
    }

    @Test
    void askEditsTheLineFetchesTheLastOneAndSaysHowToLeave() throws Exception {
        try (var session = ask("xterm")) {
            session.await("An empty line or Ctrl-D ends it.");
            session.await("Ask a question: ");
            session.type("Why is the sky bluff\u007f\u007fe?\r");
            session.await("Ask a question: ", 2);
            session.type("\033OA\r"); // the arrow upwards
            session.await("Ask a question: Why is the sky blue?");
            session.await("Ask a question: ", 3);
            session.type("\004");
            assertEquals(0, session.exitCode(), session.screen());
            assertTrue(session.lines().contains("Written:"), session.screen());
            for (var request : List.of("\033[c", "\033[6n", "$p")) { // device attributes, position of the cursor, modes
                assertFalse(session.screen().contains(request),
                        "the terminal would answer, and that would be taken for typed text");
            }
        }
        var run = RunManifest.read(RunFiles.runsIn(folder).getFirst());
        assertEquals(2, run.counts().completed());
    }

    @Test
    void ctrlCAtTheQuestionEndsCleanly() throws Exception {
        try (var session = ask("xterm")) {
            session.await("Ask a question: ");
            session.type("Hi\r");
            session.await("Ask a question: ", 2);
            session.type("\003");
            session.exitCode();
            assertFalse(session.screen().contains("Exception"), session.screen());
            assertTrue(session.lines().contains("Written:"), session.screen());
        }
        assertEquals(1, RunManifest.read(RunFiles.runsIn(folder).getFirst()).counts().completed());
    }

    @Test
    void aDumbTerminalAsksWithoutEditing() throws Exception {
        try (var session = ask("dumb")) {
            session.await("Ask a question: ");
            session.type("Hi\n");
            session.await("tokens/s, total ");
            session.type("\n");
            assertEquals(0, session.exitCode(), session.screen());
            assertFalse(session.screen().contains("\033[2m"), "no colours");
        }
    }
}
