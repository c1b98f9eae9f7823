package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static stream.fixtures.ScriptedServer.chunk;
import static stream.fixtures.ScriptedServer.write;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NoRouteToHostException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;

import javax.net.ssl.SSLException;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.client.Outcome;
import stream.client.ServerErrors;
import stream.fixtures.Await;
import stream.fixtures.Printed;
import stream.fixtures.ScriptedServer;
import stream.fixtures.TestRun;
import stream.fixtures.ToolProcess;
import stream.record.CsvRows;

/** What networks, servers, disks and people do to a run: the rows of the README's table, each by its name. */
class FaultTest extends FaultCase {

    // Hostile servers

    /** Answers on one connection, in its own way. */
    private interface Hostility {
        void answer(Socket socket, OutputStream out) throws Exception;
    }



    private static final Map<String, Hostility> HOSTILE = new TreeMap<>(Map.of(
            "event-of-64-mb", (socket, out) -> {
                write(out, HEAD + "\r\n" + EVENT + "data: {\"choices\":[{\"delta\":{\"content\":\"");
                repeat(out, "x".repeat(1 << 16), 1 << 10);
                write(out, "\"}}]}\n\ndata: [DONE]\n\n");
            },
            "line-without-end", (socket, out) -> {
                write(out, HEAD + "\r\n" + EVENT + "data: ");
                repeat(out, "x".repeat(1 << 16), Integer.MAX_VALUE);
            },
            "many-empty-events", (socket, out) -> {
                write(out, HEAD + "\r\n" + EVENT);
                repeat(out, "data:\n\n".repeat(1000), 250);
                write(out, "data: [DONE]\n\n");
            },
            "no-headers", (socket, out) -> socket.getInputStream().readAllBytes(),
            "drip", (socket, out) -> {
                write(out, HEAD + "\r\n" + EVENT + "data: ");
                while (true) {
                    write(out, "x");
                    TimeUnit.MILLISECONDS.sleep(300);
                }
            },
            "answer-without-end", (socket, out) -> {
                write(out, HEAD + "\r\n");
                repeat(out, EVENT.replace("\"a\"", "\"" + "é".repeat(500) + "\"").repeat(100), Integer.MAX_VALUE);
            },
            "redirect", (socket, out) -> write(out,
            "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nLocation: http://localhost:1/v1\r\n"
                    + "Content-Length: 0\r\n\r\n"),
            "gzip-bomb", (socket, out) -> {
                write(out, HEAD + "Content-Encoding: gzip\r\n\r\n");
                try (var zipped = new GZIPOutputStream(out)) {
                    repeat(zipped, "x".repeat(1 << 16), 1 << 15); // two gigabytes
                }
            },
            "good", (socket, out) -> write(out, HEAD + "\r\n" + EVENT + "data: [DONE]\n\n")));

    private static void repeat(OutputStream out, String text, int times) throws IOException {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < times; i++) {
            out.write(bytes);
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aHostileServerFillsNoMemoryAndTheOthersGoOn() throws Exception {
        try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.startVirtualThread(() -> {
                while (!server.isClosed()) {
                    try {
                        var socket = server.accept();
                        Thread.startVirtualThread(() -> answer(socket));
                    } catch (IOException e) {
                        return;
                    }
                }
            });
            var process = start(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"), "--base-url",
                    "http://127.0.0.1:" + server.getLocalPort() + "/v1", "-m", String.join(",", HOSTILE.keySet()), "-p", "Hi",
                    "-c", "3", "--timeout", "11", "--stall-timeout", "4", "--retries", "0", "--echo", "none", "-q");
            process.getOutputStream().close();
            var said = text(process.getErrorStream());
            assertEquals(1, process.waitFor(), said);
            var statuses = new TreeMap<String, String>();
            for (var row : new TestRun(1, "", said, results).requests()) {
                statuses.put(row.get("model"), row.get("status") + " " + row.get("error_type"));
            }
            assertEquals(new TreeMap<>(Map.of("answer-without-end", "failed endless_answer", "drip", "stalled ",
                    "event-of-64-mb", "failed endless_event", "good", "completed ", "gzip-bomb", "failed endless_event",
                    "line-without-end", "failed endless_event", "many-empty-events", "completed ", "no-headers", "timeout ",
                    "redirect", "failed redirect")), statuses, said);
        }
    }

    private static void answer(Socket socket) {
        try (socket; var out = socket.getOutputStream()) {
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            var length = 0;
            for (String line; !(line = in.readLine()).isEmpty(); ) {
                length = line.toLowerCase().startsWith("content-length:") ? Integer.parseInt(line.substring(15).strip()) : length;
            }
            var body = new char[length];
            for (int got = 0; got < length; ) {
                got += in.read(body, got, length - got);
            }
            HOSTILE.get(new String(body).replaceFirst("(?s).*\"model\":\"([^\"]+)\".*", "$1")).answer(socket, out);
        } catch (Exception e) {
            // the client has left, as it should
        }
    }

    @Test
    void theLimitsAreOptions() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: {\"choices\":[{\"delta\":{\"content\":\"" + "x".repeat(1 << 21) + "\"}}]}\n\n").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body(EVENT.repeat(200_000) + "data: [DONE]\n\n").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "a", "-p", "b",
                    "--max-event-mb", "1", "--max-answer-mb", "1", "--echo", "none", "--no-self-warmup");
            assertEquals(List.of("endless_event", "endless_answer"),
                    run.requests().stream().map(row -> row.get("error_type")).toList());
            assertTrue(run.err().contains("an event grew beyond --max-event-mb"), run.err());
            assertTrue(run.err().contains("the answer grew beyond --max-answer-mb"), run.err());
        }
    }

    @Test
    void anErrorWhoseBodyDoesNotEndIsToldByWhatHasCome() throws Exception {
        var stop = new CountDownLatch(1);
        try (var server = new ScriptedServer((request, out) -> {
            write(out, ScriptedServer.HEADERS.replace("200 OK", "500 Internal Server Error")
                    + chunk("out of memory\n" + "at model.forward\n".repeat(10_000)));
            stop.await();
        })) {
            var run = TestRun.of(results, "--base-url", server.url(), "-m", "m", "-p", "Hi", "--timeout", "10",
                    "--retries", "0", "--echo", "none");
            assertEquals("failed http_500 out of memory", run.request().get("status") + " " + run.request().get("error_type") + " "
                    + run.request().get("error"), run.err());
        } finally {
            stop.countDown();
        }
    }

    // The disk

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aFullDiskStopsTheRunWithOneLineAndWhatIsWrittenStaysReadable() throws Exception {
        var disk = Files.createDirectory(folder.resolve("disk"));
        var mount = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk.toString())
                .redirectErrorStream(true)
                .start();
        Assumptions.assumeTrue(mount.waitFor() == 0, "needs the right to mount a tmpfs: run it as root");
        try {
            results = disk.resolve("results");
            var run = run("-m", "sim-ttft1-itl0-n300", "--max-tokens", "300", "-p", "Hi", "-n", "1000", "-c", "4", "-q",
                    "--no-self-warmup");
            assertEquals(1, run.exitCode(), run.err());
            assertEquals(1, run.err().lines().count(), run.err());
            assertTrue(run.err().contains("cannot be written any more (No space left on device); the run stops"), run.err());
            var rows = new int[1];
            CsvRows.forEach(run.folder().resolve("events.csv"), row -> rows[0]++);
            assertTrue(rows[0] > 100, rows[0] + " rows");
        } finally {
            new ProcessBuilder("umount", disk.toString()).start().waitFor();
        }
    }

    /** The answer has come as a whole when the first of its rows are written, so no request fails. */
    @Test
    void aRunThatCannotWriteWhatItMeasuredIsNoSuccess() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body(EVENT.repeat(800) + "data: [DONE]\n\n").build());
            var builder = ToolProcess.of(List.of("-XX:-UsePerfData"), "stream.Stream", "--results",
                    results.toString(), "--base-url",
                    server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-q", "--echo", "none");
            // no file may have more than 16 blocks
            var words = new ArrayList<>(List.of("sh", "-c", "ulimit -f 16; exec \"$@\"", "sh"));
            words.addAll(builder.command());
            var process = builder.command(words).start();
            var said = text(process.getErrorStream());
            assertEquals(1, process.waitFor(), said);
            assertTrue(said.contains("cannot be written any more (File too large); the run stops"), said);
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aFolderThatIsRemovedStopsTheRunWithOneLine() throws Exception {
        var remover = Thread.startVirtualThread(() -> {
            try {
                Await.until("the run has written 20 KB", () -> Files.exists(results) && fileBytes(results) >= 20_000);
                try (var files = Files.walk(results)) {
                    files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
                }
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        var run = run("-m", "sim-ttft1-itl10-n10000", "--max-tokens", "10000", "-p", "Hi", "-n", "50", "-c", "4", "-q",
                "--no-self-warmup");
        remover.join();
        assertEquals(1, run.exitCode(), run.err());
        assertEquals(1, run.err().lines().count(), run.err());
        assertTrue(run.err().contains("cannot be written any more (it was removed); the run stops"), run.err());
    }

    private static long fileBytes(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
        }
    }

    // People

    private static final int NEARLY_A_FULL_PIPE = 60_000; // of 64 KB, without what its pages have no room for

    private Process interruptible() throws Exception {
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl10-n10000",
                "--max-tokens", "10000", "-p",
                "Hi", "-q");
        process.getInputStream().read(); // the first token is on the screen
        return process;
    }

    @Test
    void ctrlCEndsTheStreamsAndWritesWhatWasMeasured() throws Exception {
        var process = interruptible();
        ToolProcess.interrupt(process);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue());
        assertEquals("cancelled", new TestRun(130, "", "", results).request().get("status"));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void ctrlCTwiceMeansNow() throws Exception {
        // nobody reads what it says of its failures, as in a terminal that was paused: it can't come to its end once the pipe is
        // full
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n2+status-500", "-p", "Hi", "-n",
                "100000", "-c", "4", "--retries", "0", "-q", "--no-self-warmup");
        for (int before = 0, now = 0; now < NEARLY_A_FULL_PIPE || now > before; ) {
            TimeUnit.MILLISECONDS.sleep(500);
            before = now;
            now = process.getErrorStream().available();
        }
        ToolProcess.interrupt(process);
        assertFalse(process.waitFor(1, TimeUnit.SECONDS), "the first waits for what was measured to be written");
        ToolProcess.interrupt(process);
        assertTrue(process.waitFor(5, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue());
    }

    @Test
    void aClosedPipeEndsTheRunQuietly() throws Exception {
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl10-n10000",
                "--max-tokens", "10000", "-p",
                "Hi", "-p", "Ho", "--no-self-warmup");
        process.getInputStream().read();
        process.getInputStream().close();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS), "still running");
        assertEquals("", text(process.getErrorStream()));
        assertEquals(130, process.exitValue());
        var run = new TestRun(130, "", "", results);
        assertEquals("cancelled", run.request().get("status"));
        assertTrue(run.events().size() > 1);
    }

    @Test
    void aMachineThatSleptIsNotedOnTheRowsThatItTouched() {
        var strain = new PauseDetector(0, 1_000_000);
        var sleptNanos = TimeUnit.MILLISECONDS.toNanos(20); // the monotonic clock stands still while a machine sleeps
        strain.tick(sleptNanos, 1_000_000 + TimeUnit.HOURS.toMillis(1));
        strain.tick(2 * sleptNanos, 1_000_020 + TimeUnit.HOURS.toMillis(1));
        assertEquals(List.of("clock"), strain.during(0, sleptNanos / 2));
        assertEquals(List.of(), strain.during(sleptNanos, 2 * sleptNanos));
        strain.tick(3 * sleptNanos, 1_000_000); // somebody has set it back
        assertEquals(List.of("clock"), strain.during(2 * sleptNanos, 3 * sleptNanos));
        strain.tick(4 * sleptNanos, 1_002_000); // two seconds are more than the clocks of a machine drift apart
        assertEquals(List.of("clock"), strain.during(3 * sleptNanos, 4 * sleptNanos));
    }

    /**
     * Four answers of 0.2 s, one after the other; the process is stopped for a second during the second. Other pauses of a busy
     * machine are shorter. The third may begin before the thread that watches runs again, so its row may have the mark.
     */
    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aProcessThatWasStoppedMarksTheRowOfThatTime() throws Exception {
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft50-itl15-n10", "-p", "Hi", "-n", "4");
        var out = process.getInputStream();
        for (int pieces = 0; pieces < 1; pieces += out.read() == '\n' ? 1 : 0) {
            // the first answer is followed by an empty line
        }
        out.read();
        out.read(); // the second has begun
        new ProcessBuilder("kill", "-STOP", String.valueOf(process.pid())).start().waitFor();
        TimeUnit.SECONDS.sleep(1);
        new ProcessBuilder("kill", "-CONT", String.valueOf(process.pid())).start().waitFor();
        out.readAllBytes();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        var marks = new TestRun(0, "", "", results).requests().stream().map(row -> row.get("tainted")).toList();
        assertEquals(List.of(false, true, false),
                java.util.stream.Stream.of(0, 1, 3).map(row -> marks.get(row).matches(".*cpu:(9\\d\\d|\\d{4})ms.*"))
                .toList(), marks.toString());
        var said = text(process.getErrorStream());
        assertTrue(said.contains("warning: this process was paused while it measured; the column tainted of requests.csv tells "
                + "in which rows."), said);
    }

    /**
     * All has come and is written; to type it takes ten minutes. It must end when the user leaves, or when nobody reads it any
     * more.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsNotTypedYetIsNotWaitedFor(boolean interrupted) throws Exception {
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n3000",
                "--max-tokens", "3000", "-p", "Hi", "-q",
                "--typing-delay", "200");
        try {
            process.getInputStream().read();
            var run = new TestRun(130, "", "", results);
            Await.until("the answer is written", () -> {
                var rows = new int[1];
                CsvRows.forEach(run.folder().resolve("requests.csv"), row -> rows[0]++);
                return rows[0] == 1;
            });
            if (interrupted) {
                ToolProcess.interrupt(process);
            } else {
                process.getInputStream().close();
            }
            assertTrue(process.waitFor(20, TimeUnit.SECONDS), "still typing");
            assertEquals(130, process.exitValue());
            assertEquals("completed", run.request().get("status"));
        } finally {
            process.destroyForcibly();
        }
    }

    /**
     * What the tool streams to itself needs a temporary folder; without one nothing is measured on a cold JVM as if it were warm.
     */
    @Test
    void aBatchThatCannotWarmUpIsAnErrorBeforeAnythingIsSent() throws Exception {
        var process = start(List.of("-Djava.io.tmpdir=" + folder.resolve("nowhere")), "--base-url", simulator.baseUrl(), "-m",
                QUICK, "-p", "Hi", "-n", "2", "-q");
        var said = text(process.getErrorStream());
        assertEquals(1, process.waitFor(), said);
        assertTrue(said.contains("stream: unexpected error: java.nio.file.NoSuchFileException: " + folder.resolve("nowhere")),
                said);
        assertEquals(0, simulator.answers());
        assertFalse(Files.exists(results), "nothing is left");
    }

    @Test
    void whyThereIsNoConnectionIsTold() {
        var url = HttpUrl.get("http://models.invalid/v1");
        var types = new TreeMap<String, String>();
        for (var failure : List.of(new UnknownHostException(), new SSLException("no"), new ConnectException(),
                new NoRouteToHostException(),
                new SocketTimeoutException(), new SocketException("Connection reset"))) {
            var error = ServerErrors.ofConnection(failure, url, null);
            types.put(failure.getClass().getSimpleName(), error.type() + " " + new Outcome.Failed(error).isRetryable());
        }
        assertEquals(new TreeMap<>(Map.of("UnknownHostException", "dns true", "SSLException", "tls false",
                "ConnectException", "connect true",
                "NoRouteToHostException", "connect true", "SocketTimeoutException", "connect true", "SocketException",
                "connection true")), types);
    }

    // Secrets

    private TestRun withKey(String key, String... args) {
        var all = new ArrayList<>(List.of("--base-url", simulator.baseUrl(), "-m", QUICK, "-p", "Hi", "--echo", "none", "-v"));
        all.addAll(List.of(args));
        return TestRun.of(results, Map.of("OPENAI_API_KEY", key), "", all.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {" sk-very-secret", "sk-very-secret\n", "\tsk-very-secret\r\n"})
    void aKeyWithSpacesIsTrimmedWithAWarning(String key) {
        var run = withKey(key);
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.err().startsWith("stream: warning: OPENAI_API_KEY has spaces or a line end around the key"), run.err());
        assertFalse(run.err().contains("very-secret"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\n"})
    void anEmptyKeyIsAnError(String key) {
        var run = withKey(key);
        assertEquals(2, run.exitCode());
        assertTrue(run.err().endsWith("stream: OPENAI_API_KEY is empty; set it to the key, or unset it\n"), run.err());
        assertFalse(Files.exists(results));
    }

    @Test
    void theKeyIsInNothingThatARunWritesOrPrints() throws Exception {
        for (var fault : List.of("none", "status-401", "status-500", "cut", "error-object", "html", "reset", "no-stream-options")) {
            results = folder.resolve(fault);
            var run = withKey("sk-very-secret", "-m", QUICK + "+" + fault, "--retries", "1");
            var all = new StringBuilder(run.out() + run.err());
            try (var files = Files.walk(results)) {
                for (var file : files.filter(Files::isRegularFile).toList()) {
                    all.append(Files.readString(file));
                }
            }
            assertFalse(all.toString().contains("very-secret"), all.toString());
        }
    }

    /** Everybody on a machine can read the arguments of a process; the launcher starts several, one after the other. */
    @Test
    @Timeout(120) // it may have to build the script
    void theKeyIsInNoArgumentOfAProcessThatTheLauncherStarts() throws Exception {
        var builder = new ProcessBuilder("./jbang", "Stream.java", "--results", results.toString(),
                "--base-url", simulator.baseUrl(),
                "-m", "sim-ttft1-itl10-n10000", "--max-tokens", "10000", "-p", "Hi", "-q");
        builder.environment().put("OPENAI_API_KEY", "sk-very-secret");
        var process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        var seen = new TreeSet<String>();
        try {
            // until the first token
            for (var out = process.getInputStream(); out.available() == 0; TimeUnit.MILLISECONDS.sleep(2)) {
                assertTrue(process.isAlive(), "it ended without an answer");
                java.util.stream.Stream.concat(java.util.stream.Stream.of(process.toHandle()), process.descendants())
                        .forEach(each -> each.info().commandLine().ifPresent(seen::add));
            }
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        assertTrue(seen.stream().anyMatch(line -> line.contains("stream.Stream")), seen.toString());
        assertFalse(seen.toString().contains("very-secret"), seen.toString());
    }

    // Spreadsheets

    @Test
    void csvSafeGuardsWhatASpreadsheetWouldTakeForAFormula() throws Exception {
        var texts = List.of("=1+1", "+1", "-1.5", "@SUM(A1)", "-x", "a=b", "=");
        try (var server = new MockWebServer()) {
            server.start();
            for (int i = 0; i < 2; i++) {
                var body = new StringBuilder();
                texts.forEach(text -> body.append(EVENT.replace("\"a\"", "\"" + text + "\"")));
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                        .body(body + "data: [DONE]\n\n").build());
            }
            var url = server.url("/v1").toString();
            var plain = TestRun.of(results, "--base-url", url, "-m", "m", "-p", "Hi", "--echo", "none");
            assertEquals(texts, contents(plain));
            results = folder.resolve("safe");
            var safe = TestRun.of(results, "--base-url", url, "-m", "m", "-p", "Hi", "--echo", "none", "--csv-safe");
            assertEquals(List.of("'=1+1", "+1", "-1.5", "'@SUM(A1)", "'-x", "a=b", "'="), contents(safe));
            assertEquals("'" + String.join("", texts), safe.request().get("output"));
        }
    }

    private static List<String> contents(TestRun run) {
        return run.events().stream().filter(row -> row.get("kind").equals("content")).map(row -> row.get("text")).toList();
    }

    // The soak in small: every request accounted for, whatever happens to it

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void amongMixedFaultsEachRequestIsAccountedFor() {
        var run = run("-m", "sim-ttft2-itl1-n8+mixed", "-p", "Hi", "-n", "400", "-c", "16", "--stall-timeout", "1", "-q",
                "--no-self-warmup");
        assertEquals(1, run.exitCode());
        var last = new TreeMap<String, String>();
        run.requests().forEach(row -> last.put(row.get("request_id"), row.get("status")));
        assertEquals(400, last.size());
        var completed = last.values().stream().filter("completed"::equals).count();
        assertTrue(completed >= 380 && completed < 400, completed + " of 400, where one in twenty meets a fault");
        Printed.compare("--check", run.folder()).expect(0);
    }
}
