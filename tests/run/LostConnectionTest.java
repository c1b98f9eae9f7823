package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static stream.fixtures.ScriptedServer.chunk;
import static stream.fixtures.ScriptedServer.write;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okhttp3.Protocol;
import okhttp3.internal.http2.ErrorCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.fixtures.ScriptedServer;
import stream.fixtures.TestRun;
import stream.fixtures.TrustedCertificate;
import stream.simulator.SimulatedServer;
import tools.jackson.databind.json.JsonMapper;

/** A request that a lost connection took is sent once more, and no other; connections are opened ahead and kept. */
@Execution(ExecutionMode.CONCURRENT)
class LostConnectionTest extends FaultCase {

    // Connections that the server closes

    /**
     * Closed right after the stream is noticed in time, unless the server is held up before it closes; FramingTest has that without
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
                write(out, HEAD.replace("Connection: close\r\n", "") + "Transfer-Encoding: chunked\r\n\r\n"
                        + chunk(EVENT + "data: [DONE]\n\n")
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
            var run = TestRun.of(results, "--base-url", server.url(), "-m", "m", "-p", "Hi", "-n", "2",
                    "--retries", "0", "--echo", "none");
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
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body(EVENT + "data: [DONE]\n\n").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi",
                    "--retries", "0", "--echo", "none");
            assertEquals("failed 408", run.request().get("status") + " " + run.request().get("http_status"));
            assertEquals(1, server.getRequestCount());
        }
    }

    /**
     * Returns how many requests reach a server that resets two HTTP/2 streams, after some that it answers on the same connection,
     * until one fails. The run has no retries.
     */
    private int requestsUntilFailure(int answered, ErrorCode reset) throws Exception {
        try (var server = new MockWebServer()) {
            server.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
            server.start();
            var answer = new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body(EVENT + "data: [DONE]\n\n").build();
            for (int i = 0; i < answered; i++) {
                server.enqueue(answer);
            }
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder()
                        .onRequestStart(new SocketEffect.CloseStream(reset.getHttpCode())).build());
            }
            server.enqueue(answer);
            results = folder.resolve("after-" + answered);
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-n",
                    String.valueOf(answered + 1),
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
                server.enqueue(new MockResponse.Builder()
                        .onRequestStart(new SocketEffect.CloseStream(ErrorCode.REFUSED_STREAM.getHttpCode())).build());
            }
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi",
                    "--retries", "2", "--echo", "none",
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

    /**
     * Answers the headers of a request with GOAWAY, frame 7 (RFC 9113, section 6.8): the last stream that was processed is 0, none.
     */
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
            var run = TestRun.of(results, "--base-url", "http://localhost:" + listener.getLocalPort() + "/v1", "-m", "m",
                    "-p", "Hi", "--retries", "0",
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
            write(out, HEAD.replace("Connection: close\r\n", "") + "Transfer-Encoding: chunked\r\n\r\n"
                    + chunk(EVENT + "data: [DONE]\n\n") + "0\r\n\r\n");
        })) {
            var run = TestRun.of(results, "--base-url", server.url(), "-m", "m", "-p", "Hi", "-n", "2",
                    "--retries", "0", "--echo", "none");
            assertEquals(1, JsonMapper.shared().readTree(run.file("run.json")).at("/counts/resent").asInt(), run.err());
            for (var column : List.of("sent_ms", "headers_ms", "first_event_ms", "ttft_ms", "total_ms")) {
                assertTrue(Double.parseDouble(run.requests().getLast().get(column)) < 350,
                        column + " " + run.requests().getLast().get(column));
            }
        }
    }

    /** The record that announces the end of a TLS connection is not a byte of a response. */
    @Test
    void aTlsConnectionThatEndsProperlyIsSentOnceMore() throws Exception {
        try (var trust = TrustedCertificate.forLocalhost(folder);
             var server = serverWithSecondAnswer(trust.serverSocketFactory()
                     .createServerSocket(0, 50, InetAddress.getLoopbackAddress()), "")) {
            assertSentOnceMore(server.url().replace("http:", "https:"));
        }
    }

    @Test
    void aServerThatKeepsItsConnectionsSeesThemAgain() {
        var run = run("-m", QUICK, "-p", "Hi", "-n", "4", "--retries", "0", "--no-self-warmup");
        assertEquals(List.of("true", "true", "true", "true"), column(run, "connection_reused"));
        assertEquals(List.of("", "", "", ""), column(run, "connect_ms"));
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
            run = run("-m", "a=sim-ttft50-itl1-n3,b=sim-ttft50-itl1-n3@" + other.baseUrl(), "-p", "Hi", "-n", "3",
                    "-c", "2", "--no-self-warmup");
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
                    return new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                            .body(EVENT + "data: [DONE]\n\n").build();
                }
            });
            server.start();
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi",
                    "-n", "3", "--http", "1.1",
                    "--echo", "none");
            assertEquals(List.of("true", "true", "true"), column(run, "connection_reused"), run.err());
            assertEquals(List.of("", "", ""), column(run, "tls_ms"));
            assertEquals(List.of("http/1.1"), column(run, "http_version").stream().distinct().toList());
            assertEquals(List.of("GET /v1/models", "POST /v1/chat/completions", "POST /v1/chat/completions",
                    "POST /v1/chat/completions"),
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
            var run = run("-m", "sim-ttft40-itl2-n12+" + fault, "-p", "Hi", "-n", "120", "-c", "8",
                    "--retries", "0", "--no-self-warmup");
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
        var starts = run.requests().stream().mapToLong(row -> Instant.parse(row.get("started_at")).toEpochMilli()).min()
                .getAsLong();
        return run.requests().stream().mapToDouble(row -> Instant.parse(row.get("started_at")).toEpochMilli()
                + Double.parseDouble(row.get("queue_ms")) + Double.parseDouble(row.get("total_ms"))).max().getAsDouble() - starts;
    }
}
