package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.StreamRunCase;
import stream.fixtures.TestRun;

/** What a terminal, or a file in its place, shows while answers come. */
class EchoTest extends StreamRunCase {

    // What goes to standard output

    @Test
    void standardOutputHoldsExactlyTheAnswer() {
        var run = TestRun.of(results, Map.of(), "Why is the sky blue?\n", "--simulate", "-m", "gpt-4", "-");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(run.request().get("output"), run.out());
        assertEquals("stdin", run.request().get("prompt_id"));
        assertTrue(run.err().contains("Simulated latencies"), run.err());
    }

    @Test
    void severalAnswersAreSeparatedByAnEmptyLine() {
        var run = run("-m", "a=" + QUICK + ",b=" + QUICK, "-p", "Hi", "--seed", "1");
        assertEquals(String.join("\n\n", column(run.requests(), "output")), run.out());
    }

    @Test
    void severalAtOnceAreEchoedAsWholeLinesBehindTheModel() {
        var run = run("-m", "a=" + QUICK + ",b=" + QUICK, "-p", "one", "-p", "two", "-p", "three", "-c", "6");
        assertEquals(0, run.exitCode(), run.err());
        var expected = new HashSet<String>();
        run.requests().forEach(row -> row.get("output").lines()
                .forEach(line -> expected.add(row.get("model") + " " + row.get("prompt_id") + " | " + line)));
        assertEquals(expected, new HashSet<>(run.out().lines().toList()));
        assertFalse(run.out().contains("\033"), "no colours for a pipe");
    }

    @Test
    void coloursAreForTerminalsThatWantThem() {
        var coloured = TestRun.of(results.resolve("a"), Map.of(), InputStream.nullInputStream(), true, "--echo", "lines",
                "--base-url", simulator.baseUrl(), "-m", QUICK, "-p", "Hi");
        assertTrue(coloured.out().startsWith("\033[36m" + QUICK + "\033[0m | "), coloured.out());
        var plain = TestRun.of(results.resolve("b"), Map.of("NO_COLOR", "1"), InputStream.nullInputStream(), true, "--echo",
                "lines", "--base-url", simulator.baseUrl(), "-m", QUICK, "-p", "Hi");
        assertTrue(plain.out().startsWith(QUICK + " | "), plain.out());
    }

    @Test
    void aTerminalIsToldWhichModelAnswers() {
        var run = TestRun.of(results, Map.of("NO_COLOR", "1"), InputStream.nullInputStream(), true,
                "--base-url", simulator.baseUrl(), "-m", "a=" + QUICK + ",b=sim-ttft50-itl1-n12", "-p",
                "Hi", "--order", "by-model");
        var shown = run.err().replaceAll("\r\033\\[K[^\r\n]*(in flight|\\.\\.\\.)[^\r\n]*", "").replace("\r\033[K", "");
        assertTrue(shown.startsWith("a\nb\n"), run.err());
        assertEquals(2, run.out().lines()
                .filter(line -> line.matches("TTFT \\d+\\.\\d ms, \\d+(\\.\\d)? tokens/s, total \\d+(\\.\\d)? ms")).count(),
                "after each answer: " + run.out());
        assertTrue(run.out().endsWith("\n"));
        var said = java.util.regex.Pattern.compile("TTFT (\\S+) ms").matcher(run.out()).results()
                .map(found -> Double.valueOf(found.group(1))).toList();
        for (int i = 0; i < 2; i++) {
            assertEquals(number(run.requests().get(i), "ttft_ms"), said.get(i), 0.051,
                    "to the first text; the role comes before it");
        }
    }

    @Test
    void aTerminalIsToldHowFarABatchIs() {
        for (var echo : List.of("tokens", "lines", "none")) {
            var run = TestRun.of(results.resolve(echo), Map.of("COLUMNS", "80"), InputStream.nullInputStream(), true,
                    "--base-url", simulator.baseUrl(),
                    "-m", "a=sim-ttft300-itl1-n8,b=" + QUICK + "+status-404", "-p", "Hi", "-n", "2", "--echo",
                    echo, "--order", "by-model");
            var lines = Arrays.stream(run.err().split("\r\033\\[K")).filter(line -> line.contains("in flight")).toList();
            assertTrue(lines.stream().anyMatch(line -> line.matches("1/4 done, 1 in flight; TTFT p50 ms: a [3-9]\\d\\d;.*")),
                    run.err());
            assertTrue(lines.stream().anyMatch(line -> line.startsWith("3/4 done, ") && line.contains(", 1 failed")), run.err());
            lines.forEach(line -> assertTrue(line.lines().findFirst().orElseThrow().length() < 80, line));
            assertTrue(run.err().lastIndexOf("\r\033[K") > run.err().lastIndexOf("in flight"),
                    "it is gone at the end: " + run.err());
        }
        assertFalse(TestRun.of(results.resolve("piped"), "--base-url", simulator.baseUrl(), "-m", QUICK, "-p", "Hi", "-n",
                "2").err().contains("\r"));
    }

    @Test
    void theProgressTellsTheMedianAndTheTimeThatIsLeft() {
        var progress = new RunProgress(10, 0);
        for (var ttft : List.of("100", "1000", "200", "")) {
            progress.begin();
            progress.end("a", true, ttft.isEmpty(), ttft);
        }
        progress.begin();
        assertEquals("4/10 done, 1 in flight, 1 failed; TTFT p50 ms: a 200; 1:00 left", progress.line(40_000_000_000L, 79));
        assertEquals("4/10 done, 1 in flight, 1 failed; 1:00 left", progress.line(40_000_000_000L, 60));
    }

    @Test
    void echoNoneIsSilent() {
        assertEquals("", run("-m", QUICK, "-p", "Hi", "--echo", "none").out());
    }

    @Test
    void quietLeavesTheTableTheProgressAndTheHeadingsOut() {
        assertEquals("", run("-m", QUICK, "-p", "Hi", "-q").err());
        var batch = TestRun.of(results.resolve("batch"), Map.of(), InputStream.nullInputStream(), true,
                "--base-url", simulator.baseUrl(),
                "-m", "sim-ttft300-itl1-n8", "-p", "Hi", "-n", "2", "-q");
        assertEquals("", batch.err());
        assertEquals(batch.requests().stream().map(row -> row.get("output") + "\n").collect(Collectors.joining("\n")), batch.out());
    }

    @Test
    void theTypingDelayPacesTheEchoAlone() {
        var startNanos = System.nanoTime();
        var run = run("-m", "sim-ttft2-itl1-n40", "-p", "Hi", "--typing-delay", "25");
        var wallMillis = (System.nanoTime() - startNanos) / 1e6;
        assertEquals(run.request().get("output"), run.out());
        assertTrue(wallMillis >= 40 * 25, "typed in " + wallMillis + " ms");
        // unpaced the stream takes about 41 ms; paced it could not end before 1000 ms
        assertTrue(number(run.request(), "total_ms") < wallMillis / 2, run.request().toString());
        assertTrue(number(run.request(), "itl_p50_ms") < 25 / 2.0, run.request().toString());
    }

    @Test
    void aTerminalGetsWhatWentWrongOnALineOfItsOwn() {
        var run = TestRun.of(results, Map.of("NO_COLOR", "1"), InputStream.nullInputStream(), true, "--base-url",
                simulator.baseUrl(), "-m", QUICK + "+cut", "-p", "Hi", "-q");
        assertEquals(run.request().get("output") + "\n", run.out().substring(0, run.request().get("output").length() + 1));
        assertTrue(run.err().startsWith("stream: "), run.err());
    }

    @Test
    void reasoningIsDimmedOnATerminalAndNotInThePipe() {
        var reasoning = "\033[2mおは";
        for (var echo : List.of("tokens", "lines")) {
            var shown = TestRun.of(results.resolve(echo), Map.of(), InputStream.nullInputStream(), true, "--base-url",
                    simulator.baseUrl(), "-m", QUICK + "+reasoning", "-p", "Good morning!", "--echo", echo).out();
            assertTrue(shown.replace("\033[0m\033[2m", "").contains(reasoning), shown);
            var answer = shown.replaceAll("(?m)^.*TTFT .*$", "");
            assertTrue(answer.lastIndexOf("\033[0m") < answer.lastIndexOf("おは"), "the answer follows, undimmed: " + shown);
        }
        var plain = TestRun.of(results.resolve("plain"), Map.of("NO_COLOR", "1"), InputStream.nullInputStream(), true, "--base-url",
                simulator.baseUrl(), "-m", QUICK + "+reasoning", "-p", "Good morning!").out();
        assertTrue(plain.contains("おは") && !plain.contains("\033[2m"), plain);
        var piped = TestRun.of(results.resolve("piped"), "--base-url", simulator.baseUrl(), "-m", QUICK + "+reasoning", "-p", "Hi");
        assertEquals(piped.request().get("output"), piped.out());
    }

    /** What a model writes could else change the title of a terminal, or type into it. A file gets it unchanged. */
    @ParameterizedTest
    @ValueSource(strings = {"tokens", "lines", "events"})
    void whatAModelWritesCannotControlTheTerminal(String echo) throws Exception {
        var body = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"r\\u001b]0;x\\u0007\"}}]}\n\n"
                + "data: {\"choices\":[{\"delta\":{\"content\":\"a\\u001b[31mb\\u0007\\u009bc\"},\"finish_reason\":\"stop\"}]}\n\n";
        try (var server = new MockWebServer()) {
            server.start();
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(body).build());
            }
            var shown = TestRun.of(results.resolve("terminal"), Map.of("NO_COLOR", "1"),
                    InputStream.nullInputStream(), true, "--base-url",
                    server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--echo", echo).out();
            assertTrue(shown.contains("[31mb")
                    && shown.chars().noneMatch(letter -> letter == 0x1b || letter == 7 || letter == 0x9b), shown);
            var piped = TestRun.of(results.resolve("piped"), "--base-url", server.url("/v1").toString(), "-m", "m",
                    "-p", "Hi", "--echo", echo);
            assertEquals("a\033[31mb\007\u009bc", piped.request().get("output"));
            if (!echo.equals("events")) {
                assertTrue(piped.out().contains("a\033[31mb\007\u009bc"), piped.out());
            }
        }
    }

    @Test
    void echoEventsPrintsOneEventALine() {
        var run = run("-m", "a=sim-ttft1-itl1-n3,b=sim-ttft1-itl1-n4+cut", "-p", "Hi", "--echo", "events", "--order", "by-model");
        assertEquals(1, run.exitCode());
        var expected = run.events().stream().map(row -> "%10s %10s %5s  %-9s %s".formatted(row.get("elapsed_ms"),
                row.get("delay_ms"), row.get("read"), row.get("kind"), row.get("text"))).toList();
        assertEquals(expected, run.out().lines().toList());
        assertEquals(List.of("role", "content", "content", "content", "finish", "usage", "done", "role", "content", "content"),
                column(run.events(), "kind"));
        assertEquals("cold", run.requests().getFirst().get("tainted").split(" ")[0], "the first request of a JVM");
    }

    @Test
    void echoEventsShowsAnAnswerOfAnyLength() {
        var run = run("-m", "sim-ttft0-itl0-n50000+firehose", "--max-tokens", "50000", "-p", "Hi", "--echo", "events");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(50_000, run.out().lines().filter(line -> line.contains(" content ")).count());
    }
}
