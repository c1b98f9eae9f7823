package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static stream.ScriptedServer.chunk;
import static stream.ScriptedServer.write;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
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
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;

import javax.net.ssl.SSLException;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okhttp3.HttpUrl;
import okhttp3.Protocol;
import okhttp3.internal.http2.ErrorCode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What networks, servers, disks and people do to a run: the rows of the README's table, each by its name. */
class FaultTest {

    private static final String QUICK = "sim-ttft2-itl1-n12";

    @TempDir
    Path folder;
    private Path results;
    private SimulatedServer simulator;

    @BeforeEach
    void start() throws IOException {
        results = folder.resolve("results");
        simulator = SimulatedServer.start(1);
    }

    @AfterEach
    void close() {
        simulator.close();
    }

    private TestRun run(String... args) {
        var all = new ArrayList<>(List.of("--base-url", simulator.baseUrl(), "--echo", "none"));
        all.addAll(List.of(args));
        return TestRun.of(results, all.toArray(String[]::new));
    }

    /** The tool in a process of its own. */
    private Process start(List<String> jvmOptions, String... args) throws IOException {
        var words = new ArrayList<>(List.of("stream.Stream", "--results", results.toString()));
        words.addAll(List.of(args));
        return ToolProcess.of(jvmOptions, words.toArray(String[]::new)).start();
    }

    private static String text(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    // Hostile servers

    /** Answers on one connection, in its own way. */
    private interface Hostility {
        void answer(Socket socket, OutputStream out) throws Exception;
    }

    private static final String HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n";
    private static final String EVENT = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
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
            "redirect", (socket, out) -> write(out, "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nLocation: http://localhost:1/v1\r\n"
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
            assertEquals(List.of("endless_event", "endless_answer"), run.requests().stream().map(row -> row.get("error_type")).toList());
            assertTrue(run.err().contains("an event grew beyond --max-event-mb"), run.err());
            assertTrue(run.err().contains("the answer grew beyond --max-answer-mb"), run.err());
        }
    }

    // Connections that the server closes

    /**
     * Closed right after the stream is noticed in time, unless the server is held up before it closes; {@link FramingTest} has that without
     * chance. Later is noticed only when the request is lost. After one loss no connection is used again.
     */
    @ParameterizedTest
    @CsvSource({"close-at-once, 1", "close-late, 1", "close-on-request, 1", "close-unanswered, 1"})
    void aRequestThatAClosedConnectionLosesIsSentOnceMore(String fault, int mostLost) throws Exception {
        var run = run("-m", QUICK + "+" + fault, "-p", "Hi", "-n", "6", "--retries", "0", "-v", "--no-self-warmup");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(6, simulator.answers(), "each request is answered once");
        for (var row : run.requests()) {
            var isFirst = row.get("repetition").equals("1"); // on the connection that was opened ahead
            assertEquals("completed 1", row.get("status") + " " + row.get("attempt"));
            assertEquals(String.valueOf(isFirst), row.get("connection_reused"));
            assertEquals(isFirst, row.get("connect_ms").isEmpty());
        }
        var lost = JsonMapper.shared().readTree(run.file("run.json")).at("/counts/resent").asInt();
        assertTrue(lost <= mostLost, lost + " lost");
        assertEquals(lost, run.err().split(" lost the request; sent again on a new connection", -1).length - 1, run.err());
        if (fault.equals("close-on-request") || fault.equals("close-unanswered")) {
            assertEquals(1, lost, "no client can know it before");
        }
    }

    /** A server that answers the first request of each connection, says something else to a second one, and closes. */
    private static ScriptedServer serverWithSecondAnswer(ServerSocket listener, String second) {
        return new ScriptedServer(listener, (request, out) -> {
            if (request == 1) {
                write(out, HEAD.replace("Connection: close\r\n", "") + "Transfer-Encoding: chunked\r\n\r\n" + chunk(EVENT + "data: [DONE]\n\n")
                        + "0\r\n\r\n");
            } else {
                write(out, second);
                throw new EOFException("the connection ends");
            }
        });
    }

    private void assertSentOnceMore(String url) throws Exception {
        var run = TestRun.of(results, "--base-url", url, "-m", "m", "-p", "Hi", "-n", "4", "--retries", "0", "--echo", "none");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(4, run.requests().size());
        assertEquals(1, JsonMapper.shared().readTree(run.file("run.json")).at("/counts/resent").asInt());
    }

    @Test
    void anAnswer408OnAReusedConnectionIsSentOnceMore() throws Exception {
        try (var server = serverWithSecondAnswer(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()),
                "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")) {
            assertSentOnceMore(server.url());
        }
    }

    /** A gateway that keeps the connection says that the request has taken too long; that one is not lost. */
    @Test
    void anAnswer408OnAConnectionThatIsKeptIsAFailure() throws Exception {
        try (var server = serverWithSecondAnswer(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()),
                "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")) {
            var run = TestRun.of(results, "--base-url", server.url(), "-m", "m", "-p", "Hi", "-n", "2", "--retries", "0", "--echo", "none");
            assertEquals(List.of("completed", "failed"), column(run, "status"), run.err());
            assertEquals("408", run.requests().getLast().get("http_status"));
        }
    }

    /** On a connection that was opened for it, a request cannot meet the end of an idle one. */
    @Test
    void anAnswer408OnANewConnectionIsAFailure() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().code(408).addHeader("Connection", "close").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(EVENT + "data: [DONE]\n\n").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--retries", "0", "--echo", "none");
            assertEquals("failed 408", run.request().get("status") + " " + run.request().get("http_status"));
            assertEquals(1, server.getRequestCount());
        }
    }

    /**
     * Returns how many requests reach a server that resets two HTTP/2 streams, after some that it answers on the same connection, until
     * one fails. The run has no retries.
     */
    private int requestsUntilFailure(int answered, ErrorCode reset) throws Exception {
        try (var server = new MockWebServer()) {
            server.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
            server.start();
            var answer = new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(EVENT + "data: [DONE]\n\n").build();
            for (int i = 0; i < answered; i++) {
                server.enqueue(answer);
            }
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().onRequestStart(new SocketEffect.CloseStream(reset.getHttpCode())).build());
            }
            server.enqueue(answer);
            results = folder.resolve("after-" + answered);
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-n", String.valueOf(answered + 1),
                    "--retries", "0", "--echo", "none", "--http", "2");
            assertEquals("failed", run.requests().getLast().get("status"), run.err());
            return server.getRequestCount();
        }
    }

    @Test
    void anHttp2StreamThatIsRefusedIsSentOnceMoreOnAReusedConnectionAlone() throws Exception {
        assertEquals(1, requestsUntilFailure(0, ErrorCode.REFUSED_STREAM), "the server may have read it");
        assertEquals(3, requestsUntilFailure(1, ErrorCode.REFUSED_STREAM), "one that is answered, one that is sent twice");
    }

    /** With retries each attempt is a row and one request to the server, but for the one that may be sent twice. */
    @ParameterizedTest
    @CsvSource({"new, 3, 0", "reuse, 4, 1"})
    void aRefusedRequestIsSentOnceForEachAttempt(String connection, int requests, int resent) throws Exception {
        try (var server = new MockWebServer()) {
            server.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
            server.start();
            for (int i = 0; i < 9; i++) {
                server.enqueue(new MockResponse.Builder().onRequestStart(new SocketEffect.CloseStream(ErrorCode.REFUSED_STREAM.getHttpCode())).build());
            }
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--retries", "2", "--echo", "none",
                    "--http", "2", "--connection", connection);
            assertEquals(requests, server.getRequestCount());
            assertEquals(3, run.requests().size());
            assertEquals(resent, run.requests().stream().filter(row -> row.get("resent").equals("true")).count());
        }
    }

    private static byte[] frame(int type, byte... payload) {
        var frame = ByteBuffer.allocate(9 + payload.length);
        return frame.putShort((short) 0).put((byte) payload.length).put((byte) type).put((byte) 0).putInt(0).put(payload).array();
    }

    /** Answers the headers of a request with GOAWAY, frame 7 (RFC 9113, section 6.8): the last stream that was processed is 0, none. */
    private static void goAway(Socket connection, AtomicInteger requests) {
        try (connection) {
            var in = new DataInputStream(connection.getInputStream());
            in.skipNBytes(24); // the preface
            connection.getOutputStream().write(frame(4)); // settings
            for (int type = 0; type != 1; ) { // up to the headers
                var length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
                type = in.readUnsignedByte();
                in.skipNBytes(5 + length);
            }
            requests.incrementAndGet();
            connection.getOutputStream().write(frame(7, new byte[8]));
            in.readAllBytes();
        } catch (IOException e) {
            // the connection ends
        }
    }

    @Test
    void aStreamAfterTheLastOfAGoAwayIsSentOnceMore() throws Exception {
        var requests = new AtomicInteger();
        try (var listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.startVirtualThread(() -> {
                while (!listener.isClosed()) {
                    try {
                        var socket = listener.accept();
                        Thread.startVirtualThread(() -> goAway(socket, requests));
                    } catch (IOException e) {
                        return;
                    }
                }
            });
            var run = TestRun.of(results, "--base-url", "http://localhost:" + listener.getLocalPort() + "/v1", "-m", "m", "-p", "Hi", "--retries", "0",
                    "--echo", "none", "--http", "2");
            assertEquals("failed true", run.request().get("status") + " " + run.request().get("resent"), run.err());
            assertEquals(2, requests.get());
            assertEquals(1, JsonMapper.shared().readTree(run.file("run.json")).at("/counts/resent").intValue());
        }
    }

    /** Another reset than a refusal may come after the request has been worked on. */
    @Test
    void anHttp2StreamThatBreaksIsAFailure() throws Exception {
        assertEquals(1, requestsUntilFailure(0, ErrorCode.INTERNAL_ERROR));
        assertEquals(2, requestsUntilFailure(1, ErrorCode.INTERNAL_ERROR), "on a connection that is reused, too");
    }

    /** The second request on the connection is read, and not answered for 400 ms. */
    @Test
    void aRequestThatIsSentOnceMoreHasTheTimesOfTheSecondSending() throws Exception {
        try (var server = new ScriptedServer((request, out) -> {
            if (request == 2) {
                Thread.sleep(400);
                throw new EOFException("the connection ends");
            }
            write(out, HEAD.replace("Connection: close\r\n", "") + "Transfer-Encoding: chunked\r\n\r\n" + chunk(EVENT + "data: [DONE]\n\n") + "0\r\n\r\n");
        })) {
            var run = TestRun.of(results, "--base-url", server.url(), "-m", "m", "-p", "Hi", "-n", "2", "--retries", "0", "--echo", "none");
            assertEquals(1, JsonMapper.shared().readTree(run.file("run.json")).at("/counts/resent").asInt(), run.err());
            for (var column : List.of("sent_ms", "headers_ms", "first_event_ms", "ttft_ms", "total_ms")) {
                assertTrue(Double.parseDouble(run.requests().getLast().get(column)) < 350, column + " " + run.requests().getLast().get(column));
            }
        }
    }

    @Test
    void anErrorWhoseBodyDoesNotEndIsToldByWhatHasCome() throws Exception {
        var stop = new CountDownLatch(1);
        try (var server = new ScriptedServer((request, out) -> {
            write(out, ScriptedServer.HEADERS.replace("200 OK", "500 Internal Server Error") + chunk("out of memory\n" + "at model.forward\n".repeat(10_000)));
            stop.await();
        })) {
            var run = TestRun.of(results, "--base-url", server.url(), "-m", "m", "-p", "Hi", "--timeout", "10", "--retries", "0", "--echo", "none");
            assertEquals("failed http_500 out of memory", run.request().get("status") + " " + run.request().get("error_type") + " "
                    + run.request().get("error"), run.err());
        } finally {
            stop.countDown();
        }
    }

    /** The record that announces the end of a TLS connection is not a byte of a response. */
    @Test
    void aTlsConnectionThatEndsProperlyIsSentOnceMore() throws Exception {
        try (var trust = TrustedCertificate.forLocalhost(folder);
             var server = serverWithSecondAnswer(trust.serverSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress()), "")) {
            assertSentOnceMore(server.url().replace("http:", "https:"));
        }
    }

    @Test
    void aServerThatKeepsItsConnectionsSeesThemAgain() {
        var run = run("-m", QUICK, "-p", "Hi", "-n", "4", "--retries", "0", "--no-self-warmup");
        assertEquals(List.of("true", "true", "true", "true"), column(run, "connection_reused"));
        assertEquals(List.of("", "", "", ""), column(run, "connect_ms"));
    }

    private static List<String> column(TestRun run, String column) {
        return run.requests().stream().map(row -> row.get(column)).toList();
    }

    /** As many connections as there will be requests in flight, and none that is not needed. */
    @Test
    void aBatchOpensItsConnectionsBeforeItMeasures() throws Exception {
        var run = run("-m", "sim-ttft50-itl1-n3", "-p", "Hi", "-n", "6", "-c", "3", "--no-self-warmup");
        assertEquals(List.of("true"), column(run, "connection_reused").stream().distinct().toList());
        results = folder.resolve("new");
        run = run("-m", QUICK, "-p", "Hi", "-n", "3", "--connection", "new", "--no-self-warmup");
        assertEquals(List.of("false", "false", "false"), column(run, "connection_reused"));
        assertFalse(column(run, "connect_ms").contains(""));
        results = folder.resolve("two"); // servers of one host, by their ports
        try (var other = SimulatedServer.start(2)) {
            run = run("-m", "a=sim-ttft50-itl1-n3,b=sim-ttft50-itl1-n3@" + other.baseUrl(), "-p", "Hi", "-n", "3", "-c", "2", "--no-self-warmup");
            assertEquals(List.of("true"), column(run, "connection_reused").stream().distinct().toList());
        }
        results = folder.resolve("single");
        assertEquals("false", run("-m", QUICK, "-p", "Hi", "--no-self-warmup").request().get("connection_reused"));
    }

    /** Between the warm-up and what is measured all connections are idle; OkHttp's pool keeps five unless it is told otherwise. */
    @Test
    void asManyIdleConnectionsAreKeptAsThereWillBeRequests() {
        var run = run("-m", "sim-ttft100-itl1-n2", "-p", "Hi", "--warmup", "12", "-n", "12", "-c", "12", "--no-self-warmup");
        assertEquals(24, run.requests().size());
        assertEquals(List.of("true"), column(run, "connection_reused").stream().distinct().toList());
    }

    /** OkHttp makes no TLS handshake without a request, so the list of models is asked for. */
    @Test
    void withTlsTheHandshakeIsMadeAheadToo() throws Exception {
        try (var trust = TrustedCertificate.forLocalhost(folder); var server = new MockWebServer()) {
            server.useHttps(trust.certificates().sslSocketFactory());
            var paths = new ConcurrentLinkedQueue<String>();
            server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) {
                    paths.add(request.getMethod() + " " + request.getUrl().encodedPath());
                    return new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(EVENT + "data: [DONE]\n\n").build();
                }
            });
            server.start();
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-n", "3", "--http", "1.1",
                    "--echo", "none");
            assertEquals(List.of("true", "true", "true"), column(run, "connection_reused"), run.err());
            assertEquals(List.of("", "", ""), column(run, "tls_ms"));
            assertEquals(List.of("http/1.1"), column(run, "http_version").stream().distinct().toList());
            assertEquals(List.of("GET /v1/models", "POST /v1/chat/completions", "POST /v1/chat/completions", "POST /v1/chat/completions"),
                    List.copyOf(paths));
        }
    }

    /** A connection that is never reused costs little: less than twice the time, on a machine that is noisy. */
    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aBatchAgainstAServerThatClosesLateLosesNothingAndKeepsItsConcurrency() {
        var spansMillis = new ArrayList<Double>();
        for (var fault : List.of("none", "close-late")) {
            results = folder.resolve(fault);
            var before = simulator.answers();
            var run = run("-m", "sim-ttft40-itl2-n12+" + fault, "-p", "Hi", "-n", "120", "-c", "8", "--retries", "0", "--no-self-warmup");
            assertEquals(0, run.exitCode(), run.err());
            assertEquals(120, run.requests().stream().filter(row -> row.get("status").equals("completed")).count());
            assertEquals(120, simulator.answers() - before, "each request is answered once");
            var sum = run.requests().stream().mapToDouble(row -> Double.parseDouble(row.get("total_ms"))).sum();
            spansMillis.add(spanMillis(run));
            // eight in flight take an eighth of the sum; half of them would be four, and this machine is noisy
            assertTrue(spansMillis.getLast() < sum / 5, spansMillis + " ms for " + sum + " ms of requests");
        }
        assertTrue(spansMillis.getLast() < 2 * spansMillis.getFirst(), spansMillis.toString());
    }

    /** From the start of the first request to the end of the last. */
    private static double spanMillis(TestRun run) {
        var starts = run.requests().stream().mapToLong(row -> Instant.parse(row.get("started_at")).toEpochMilli()).min().getAsLong();
        return run.requests().stream().mapToDouble(row -> Instant.parse(row.get("started_at")).toEpochMilli()
                + Double.parseDouble(row.get("queue_ms")) + Double.parseDouble(row.get("total_ms"))).max().getAsDouble() - starts;
    }

    // Retries

    /** Four are in flight when the first is refused. The other three end after 300 ms, and would be followed by others. */
    @Test
    void whenAServerSaysThatItIsTooMuchTheWholeModelWaits() throws Exception {
        var atNanos = new ConcurrentLinkedQueue<Long>();
        var number = new AtomicInteger();
        try (var server = new MockWebServer()) {
            server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) {
                    atNanos.add(System.nanoTime());
                    return number.incrementAndGet() == 1
                            ? new MockResponse.Builder().code(429).addHeader("retry-after-ms", "800").body("{}").build()
                            : new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(EVENT + "data: [DONE]\n\n")
                                    .headersDelay(300, TimeUnit.MILLISECONDS).build();
                }
            });
            server.start();
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-n", "10", "-c", "4", "--echo",
                    "none", "--no-self-warmup");
            assertEquals(0, run.exitCode(), run.err());
            var times = atNanos.stream().sorted().toList();
            assertEquals(11, times.size());
            assertTrue(times.get(4) - times.get(0) >= TimeUnit.MILLISECONDS.toNanos(800), times.toString());
            run.requests().forEach(row -> assertTrue(Double.parseDouble(row.get("queue_ms")) < 400, row.toString()));
        }
    }

    @Test
    void aHeldModelIsHeldForAllItsRequests() throws Exception {
        var model = LoopbackLoad.model("http://localhost:1/v1", "m");
        var other = LoopbackLoad.model("http://localhost:1/v1", "n");
        var backoff = new Backoff(new Retries(2, false), 1000);
        var refused = refusal(429, 700L);
        assertEquals(700, backoff.waitMillis(model, refused, 0));
        backoff.slowDown(model, refused, 700);
        assertTrue(backoff.heldMillis(model) > 350 && backoff.heldMillis(model) <= 701, "" + backoff.heldMillis(model));
        backoff.slowDown(model, refused, 1);
        assertTrue(backoff.heldMillis(model) > 300, "a shorter wait does not end a longer one");
        assertEquals(0, backoff.heldMillis(other));
        backoff.slowDown(other, refusal(503, 700L), 700);
        assertEquals(0, backoff.heldMillis(other), "only 429 means that it is too much");
    }

    private static ExchangeResult refusal(Integer status, Long retryAfterMillis) {
        return new ExchangeResult(new Outcome.Failed("x", "x", status), status, 1, retryAfterMillis, null, new AnswerState(), null,
                null, ExchangeResult.BodyForm.USUAL, false, false, null);
    }

    @Test
    void backoffIsExponentialWithFullJitterAndCapped() {
        var model = LoopbackLoad.model("http://localhost:1/v1", "m");
        var backoff = new Backoff(new Retries(100, false), 1000);
        for (int retry = 0; retry < 30; retry++) {
            var most = Math.min(30_000, 500 * Math.pow(2, retry));
            var longest = 0L;
            var shortest = Long.MAX_VALUE;
            for (int i = 0; i < 400; i++) {
                var wait = backoff.waitMillis(model, refusal(500, null), retry);
                assertTrue(wait >= 0 && wait <= most, retry + ": " + wait);
                longest = Math.max(longest, wait);
                shortest = Math.min(shortest, wait);
            }
            assertTrue(longest > most * 0.8 && shortest < most * 0.2, "jitter from " + shortest + " to " + longest);
        }
        assertNull(backoff.waitMillis(model, refusal(500, null), 100));
        assertNull(backoff.waitMillis(model, refusal(429, 1_001L), 0), "a server that asks for longer than a request may take");
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 409, 429, 500, 502, 503, 504, 529})
    void whatMayPassIsTriedAgain(int status) throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().code(status).addHeader("retry-after-ms", status == 503 ? "400" : "1").body("{}").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(EVENT + "data: [DONE]\n\n").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--echo", "none",
                    "--stall-timeout", "0.3"); // a wait between attempts may be longer
            assertEquals(List.of("failed", "completed"), run.requests().stream().map(row -> row.get("status")).toList());
            assertTrue(Double.parseDouble(run.requests().getLast().get("queue_ms")) < 300, "waiting to try again is no waiting for a slot");
            var waited = Duration.between(Instant.parse(run.requests().getFirst().get("started_at")), Instant.parse(run.requests().getLast().get("started_at")));
            assertTrue(status != 503 || waited.toMillis() >= 400, "as long as the server says: " + waited);
        }
    }

    /** One that was not there is not waited for again, until it has answered. */
    @Test
    void aServerThatIsBackIsWaitedForAsBefore() {
        var model = LoopbackLoad.model("http://localhost:1/v1", "m");
        var backoff = new Backoff(new Retries(1, false), 1000);
        assertNotNull(backoff.waitMillis(model, refusal(null, null), 0));
        assertNull(backoff.waitMillis(model, refusal(null, null), 1));
        assertNull(backoff.waitMillis(model, refusal(null, null), 0), "known not to be there");
        assertNull(backoff.waitMillis(model, refusal(400, null), 0), "it answers, and what it says is final");
        assertNotNull(backoff.waitMillis(model, refusal(null, null), 0));
    }

    @Test
    void aQuotaThatIsUsedUpIsNotTriedAgain() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().code(429).addHeader("retry-after-ms", "1")
                    .body("{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"You exceeded your quota\"}}").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(EVENT + "data: [DONE]\n\n").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--echo", "none");
            assertEquals("failed insufficient_quota", run.request().get("status") + " " + run.request().get("error_type"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cut", "cut-line", "reset", "error-object", "error-event", "error-field"})
    void afterTheFirstTokenNothingIsSentAgain(String fault) {
        var run = run("-m", QUICK + "+" + fault, "-p", "Hi", "--retries", "5");
        assertEquals(1, run.requests().size());
        assertNotEquals("completed", run.request().get("status"));
        assertNotEquals("", run.request().get("ttft_ms"));
    }

    // The disk

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aFullDiskStopsTheRunWithOneLineAndWhatIsWrittenStaysReadable() throws Exception {
        var disk = Files.createDirectory(folder.resolve("disk"));
        var mount = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk.toString()).redirectErrorStream(true)
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
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(EVENT.repeat(800) + "data: [DONE]\n\n").build());
            var builder = ToolProcess.of(List.of("-XX:-UsePerfData"), "stream.Stream", "--results", results.toString(), "--base-url",
                    server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-q", "--echo", "none");
            var words = new ArrayList<>(List.of("sh", "-c", "ulimit -f 16; exec \"$@\"", "sh")); // no file may have more than 16 blocks
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
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl10-n10000", "--max-tokens", "10000", "-p",
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
        // nobody reads what it says of its failures, as in a terminal that was paused: it can't come to its end once the pipe is full
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
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl10-n10000", "--max-tokens", "10000", "-p",
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
     * Four answers of 0.2 s, one after the other; the process is stopped for a second during the second. Other pauses of a busy machine
     * are shorter. The third may begin before the thread that watches runs again, so its row may have the mark.
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
        assertEquals(List.of(false, true, false), java.util.stream.Stream.of(0, 1, 3).map(row -> marks.get(row).matches(".*cpu:(9\\d\\d|\\d{4})ms.*"))
                .toList(), marks.toString());
        var said = text(process.getErrorStream());
        assertTrue(said.contains("warning: this process was paused while it measured; the column tainted of requests.csv tells in which rows."), said);
    }

    /** All has come and is written; to type it takes ten minutes. It must end when the user leaves, or when nobody reads it any more. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsNotTypedYetIsNotWaitedFor(boolean interrupted) throws Exception {
        var process = start(List.of(), "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n3000", "--max-tokens", "3000", "-p", "Hi", "-q",
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

    /** What the tool streams to itself needs a temporary folder; without one nothing is measured on a cold JVM as if it were warm. */
    @Test
    void aBatchThatCannotWarmUpIsAnErrorBeforeAnythingIsSent() throws Exception {
        var process = start(List.of("-Djava.io.tmpdir=" + folder.resolve("nowhere")), "--base-url", simulator.baseUrl(), "-m", QUICK, "-p", "Hi", "-n", "2", "-q");
        var said = text(process.getErrorStream());
        assertEquals(1, process.waitFor(), said);
        assertTrue(said.contains("stream: unexpected error: java.nio.file.NoSuchFileException: " + folder.resolve("nowhere")), said);
        assertEquals(0, simulator.answers());
        assertFalse(Files.exists(results), "nothing is left");
    }

    @Test
    void whyThereIsNoConnectionIsTold() {
        var url = HttpUrl.get("http://models.invalid/v1");
        var types = new TreeMap<String, String>();
        for (var failure : List.of(new UnknownHostException(), new SSLException("no"), new ConnectException(), new NoRouteToHostException(),
                new SocketTimeoutException(), new SocketException("Connection reset"))) {
            var error = ServerErrors.ofConnection(failure, url, null);
            types.put(failure.getClass().getSimpleName(), error.type() + " " + new Outcome.Failed(error).isRetryable());
        }
        assertEquals(new TreeMap<>(Map.of("UnknownHostException", "dns true", "SSLException", "tls false", "ConnectException", "connect true",
                "NoRouteToHostException", "connect true", "SocketTimeoutException", "connect true", "SocketException", "connection true")), types);
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
        var builder = new ProcessBuilder("./jbang", "Stream.java", "--results", results.toString(), "--base-url", simulator.baseUrl(),
                "-m", "sim-ttft1-itl10-n10000", "--max-tokens", "10000", "-p", "Hi", "-q");
        builder.environment().put("OPENAI_API_KEY", "sk-very-secret");
        var process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        var seen = new TreeSet<String>();
        try {
            for (var out = process.getInputStream(); out.available() == 0; TimeUnit.MILLISECONDS.sleep(2)) { // until the first token
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
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(body + "data: [DONE]\n\n").build());
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
