package stream.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static stream.fixtures.ScriptedServer.HEADERS;
import static stream.fixtures.ScriptedServer.chunk;
import static stream.fixtures.ScriptedServer.write;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okio.Buffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.ScriptedServer;
import stream.fixtures.TestRun;

/** What the body of a response is: its first bytes, its encoding, and how it ends, each in a run of the command. */
class AnswerBodyTest {

    private static final String TOKEN = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    private static final String STOP = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    private static final String DONE = "data: [DONE]\n\n";

    @TempDir
    Path results;

    /** Sends one request, or as many as the arguments say, to a server that answers all with this. */
    private TestRun answered(String type, String encoding, Buffer body, String... arguments) throws IOException {
        try (var server = new MockWebServer()) {
            var response = new MockResponse.Builder().chunkedBody(body, 20).setHeader("Content-Type", type);
            if (encoding != null) {
                response.setHeader("Content-Encoding", encoding);
            }
            for (int i = 0; i < 9; i++) {
                server.enqueue(response.build());
            }
            server.start();
            return run(server.url("/v1").toString(), arguments);
        }
    }

    private TestRun answered(String type, String body) throws IOException {
        return answered(type, null, new Buffer().writeUtf8(body));
    }

    private TestRun run(String url, String... arguments) {
        var all = new ArrayList<>(List.of("--base-url", url, "-m", "m", "-p", "Hi", "--echo", "none"));
        all.addAll(List.of(arguments));
        return TestRun.of(results, all.toArray(String[]::new));
    }

    private static String end(TestRun run) {
        var row = run.requests().getLast();
        return String.join(" ", row.get("status"), row.get("error_type"), row.get("error")).strip();
    }

    // The first bytes

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "text/html; charset=utf-8", "text/plain"})
    void eventsAreReadWhateverTheirTypeAndItIsSaidOnce(String type) throws IOException {
        var run = answered(type, null, new Buffer().writeUtf8(TOKEN + STOP + DONE), "-n", "2");
        assertEquals("completed", end(run));
        assertEquals("Hi", run.requests().getFirst().get("output"));
        var said = "sends events as " + type.replaceAll(";.*", "") + ", not as text/event-stream;";
        assertEquals(2, run.err().split(said, -1).length, run.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"data:", "event: x\ndata:", "id: 1\ndata:", "retry: 9\ndata:", ": a comment\n\ndata:", "\n\n data:",
            "\uFEFFdata:", "\n\n\uFEFFdata:"})
    void anyFieldTellsThatEventsCome(String beginning) throws IOException {
        var run = answered("application/json", TOKEN.replaceFirst("data:", beginning) + STOP);
        assertEquals("completed", end(run));
        assertEquals("Hi", run.request().get("output"));
    }

    /** In this order: the type, the body, what the row says. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "application/json|{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}|not_streamed the server did not stream, it sent "
                + "application/json",
        "text/event-stream|{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}|not_streamed the server did not stream, it sent JSON",
        "text/html|<html><title>Sign in</title></html>|not_streamed the server did not stream, it sent text/html",
        "text/event-stream| <!DOCTYPE html>|not_streamed the server did not stream, it sent HTML",
        "application/json|not events|not_streamed the server did not stream, it sent application/json",
        "application/json|{\"error\":{\"message\":\"Slow down\",\"code\":\"rate_limit\"}}|rate_limit Slow down",
        "text/event-stream|{\"error\":{\"message\":\"Slow down\",\"code\":\"rate_limit\"}}|rate_limit Slow down",
        "text/event-stream|[{\"error\":{\"message\":\"Slow down\",\"code\":429}}]|429 Slow down",
        "text/event-stream|data: {\"error\":{\"message\":\"Slow down\",\"code\":\"rate_limit\"}}|rate_limit Slow down",
        "application/json|{\"error\":{\"mess|not_streamed the server did not stream, it sent application/json"})
    void aDocumentInsteadOfAStreamIsAFailureWithTheServersMessageIfItHasOne(String type, String body, String meaning)
    throws IOException {
        var run = answered(type, body);
        assertEquals("failed " + meaning, end(run));
        assertEquals("200", run.request().get("http_status"));
    }

    // Its encoding

    private static Buffer gzip(String... members) throws IOException {
        var bytes = new ByteArrayOutputStream();
        for (var member : members) {
            try (var zipped = new GZIPOutputStream(bytes)) {
                zipped.write(member.getBytes(StandardCharsets.UTF_8));
            }
        }
        return new Buffer().write(bytes.toByteArray());
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "x-gzip", "GZIP"})
    void allMembersOfGzipAreRead(String encoding) throws IOException {
        var run = answered("text/event-stream", encoding, gzip(TOKEN, TOKEN, STOP, DONE));
        assertEquals("completed", end(run));
        assertEquals("HiHi", run.request().get("output"));
        assertTrue(run.err().contains("sends compressed streams"), run.err());
    }

    /** A proxy that compresses each event by itself delays none of them: the first is there before the second is sent. */
    @Test
    void aMemberIsReadWhenItHasCome() throws IOException {
        try (var server = new ScriptedServer((request, out) -> {
            write(out, HEADERS.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n"));
            for (var member : List.of(TOKEN, STOP)) {
                var bytes = gzip(member).readByteArray();
                write(out, Integer.toHexString(bytes.length) + "\r\n");
                out.write(bytes);
                write(out, "\r\n");
                TimeUnit.MILLISECONDS.sleep(member.equals(TOKEN) ? 300 : 0); // between two events
            }
            write(out, "0\r\n\r\n");
        })) {
            var events = run(server.url()).events();
            assertEquals(2, events.size());
            assertTrue(Double.parseDouble(events.get(1).get("delay_ms")) > 200, events.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"deflate", "br", "zstd", "gzip, gzip"})
    void anEncodingThatIsNotReadIsNamed(String encoding) throws IOException {
        var run = answered("text/event-stream", encoding, new Buffer().writeUtf8("\u0001\u0002"));
        assertEquals("failed unknown_encoding the server sends the stream in the encoding '" + encoding
                + "', which this tool does not read", end(run));
        assertEquals(1, run.requests().size());
        assertTrue(run.err().contains("; turn the compression off at the server or a proxy before it"), run.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"data: {}", ""})
    void aBodyThatIsNotOfTheEncodingItClaimsIsAnAnswerWithoutAnEvent(String body) throws IOException {
        var run = answered("text/event-stream", "gzip", new Buffer().writeUtf8(body));
        assertEquals("failed", run.request().get("status"));
        assertEquals("200", run.request().get("http_status"));
        assertEquals(1, run.requests().size(), "it is not sent again");
        assertTrue(end(run).startsWith("failed empty_stream 200, then the server "), end(run));
    }

    @Test
    void aCompressedErrorIsRead() throws IOException {
        try (var server = new MockWebServer()) {
            server.enqueue(new MockResponse.Builder().code(400).body(gzip("{\"error\":{\"message\":\"no such parameter\"}}"))
                    .setHeader("Content-Encoding", "gzip").build());
            server.start();
            assertEquals("failed http_400 no such parameter", end(run(server.url("/v1").toString())));
        }
    }

    // Its end

    private TestRun scripted(ScriptedServer.Script script, String... arguments) throws IOException {
        try (var server = new ScriptedServer(script)) {
            return run(server.url(), arguments);
        }
    }

    /** The row has status 200 and the time of the headers, so nothing may say that there was no answer. */
    @Test
    void anAnswerThatIsClosedWithoutAnEventIsNotSentAgainUnlessRetriesAreAskedFor() throws IOException {
        ScriptedServer.Script closes = (request, out) -> {
            write(out, HEADERS);
            throw new EOFException("the connection ends");
        };
        var run = scripted(closes);
        assertEquals("failed empty_stream 200, then the server closed the connection after 0.0 s without an event", end(run));
        assertEquals(1, run.requests().size());
        assertEquals("200", run.request().get("http_status"));
        assertTrue(run.err().contains("; the answer may have been generated, so it is sent again only if --retries is given\n"),
                run.err());
        assertFalse(run.err().contains("check the base URL"), run.err());
        results = results.resolve("again");
        assertEquals(3, scripted(closes, "--retries", "2").requests().size());
        results = results.resolve("resumed");
        assertEquals(1, scripted(closes, "--retries", "0").requests().size());
    }

    @Test
    void aSilenceThatAProxyCutsIsCalledThat() {
        assertEquals("200, then the server closed the connection after 60.0 s without an event: a time-out of a proxy?",
                ServerErrors.withoutEvent(200, new EOFException(), 60_012_000_000L, "").message());
        assertEquals("200, then the server ended the answer after 30.7 s without an event: a time-out of a proxy?",
                ServerErrors.withoutEvent(200, null, 30_700_000_000L, "").message());
        assertEquals("200, then the server ended the answer after 4.9 s without an event",
                ServerErrors.withoutEvent(200, null, 4_900_000_000L, "").message());
    }

    /** In this order: the head, the body, how the connection ends after 200 ms, what is said; T stands for the time. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "chunked||reset|empty_stream 200, then the server reset the connection after T s without an event",
        "500||close|empty_stream 200, then the server closed the connection after T s without an event",
        "chunked|data: {\"error\":{\"message\":\"out of memory\"}}|close|empty_stream 200, then the server closed the connection "
        + "after T s without an event, after: data: {\"error\":{\"message\":\"out of memory\"}}",
        "bad||close|invalid_http 200, then the server sent what is not valid HTTP (not the size of a chunk: an empty line) after "
        + "T s without an event"})
    void howAnAnswerWithoutAnEventEndsIsSaidWithItsTime(String head, String body, String end, String said) throws IOException {
        var run = scripted((request, out) -> {
            write(out, head.equals("500") ? HEADERS.replace("Transfer-Encoding: chunked", "Content-Length: 500") : HEADERS);
            if (body != null) {
                write(out, chunk(body));
            }
            TimeUnit.MILLISECONDS.sleep(200); // the time that is said
            if (head.equals("bad")) {
                write(out, "\r\n\r\n");
            }
            throw end.equals("reset") ? new ScriptedServer.Reset() : new EOFException("the connection ends");
        });
        assertEquals("failed " + said.replace(" T s", " 0.2 s"), end(run).replaceFirst("after 0\\.[2-9] s", "after 0.2 s"));
        assertTrue(Double.parseDouble(run.request().get("total_ms")) >= 190, "the total is to the end: " + run.request());
    }

    @Test
    void aBodyThatIsShorterThanItsLengthIsAConnectionThatWasClosed() throws IOException {
        assertEquals("truncated  the server closed the connection inside the answer", end(scripted((request, out) -> {
            write(out, HEADERS.replace("Transfer-Encoding: chunked", "Content-Length: 500") + TOKEN);
            throw new EOFException("the connection ends");
        })));
    }

    @Test
    void anErrorInAnEncodingThatIsNotReadNamesIt() throws IOException {
        assertEquals("failed http_400 a body in the encoding 'br', which this tool does not read", end(scripted((request, out) ->
                write(out, "HTTP/1.1 400 Bad Request\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n\u0001\u0002"))));
    }

    @Test
    void whatFollowsTheLastEventIsSaid() throws IOException {
        var error = "Error occurred while trying to proxy: 127.0.0.1:8000/v1";
        var run = answered("text/event-stream", TOKEN + error);
        assertEquals("truncated  the stream ended without a finish reason or [DONE], after: " + error, end(run));
        results = results.resolve("empty");
        assertEquals("failed empty_stream 200, then the server ended the answer after 0.0 s without an event, after: Gone",
                end(answered("text/event-stream", "Gone")).replaceFirst("0\\.\\d s", "0.0 s"));
    }

    @Test
    void anEventWithoutItsEmptyLineCountsWhenTheBodyEndsInOrderAlone() throws IOException {
        var last = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}";
        assertEquals("completed", end(answered("text/event-stream", TOKEN + last)));
        results = results.resolve("broken");
        assertEquals("truncated  the server closed the connection inside the answer", end(scripted((request, out) -> {
            write(out, HEADERS + chunk(TOKEN + last));
            throw new EOFException("the connection ends");
        })));
    }

    /** Its time is that of the read that brought it, not of the one that brought the end of the body. */
    @Test
    void anEventWithoutItsEmptyLineHasTheTimeOfItsRead() throws IOException {
        var run = scripted((request, out) -> {
            write(out, HEADERS + chunk(TOKEN + "data: [DONE]"));
            TimeUnit.MILLISECONDS.sleep(300); // between the last event and the end of the body
            write(out, "0\r\n\r\n");
        });
        assertEquals("done", run.events().getLast().get("kind"));
        assertTrue(Double.parseDouble(run.events().getLast().get("delay_ms")) < 200, run.events().toString());
    }

    @Test
    void whatIsNotHttpIsCalledThatWithWhatCame() throws IOException {
        var run = scripted((request, out) -> write(out, HEADERS + "HTTP/1.1 504 Connection timeout\r\n\r\n"));
        assertEquals("failed invalid_http 200, then the server sent what is not valid HTTP (not the size of a chunk: HTTP/1.1 "
                + "504 Connection timeout)"
                + " after 0.0 s without an event", end(run).replaceFirst("0\\.\\d s", "0.0 s"));
        assertEquals(1, run.requests().size());
        assertFalse(run.err().contains("check the base URL"), run.err());
        results = results.resolve("inside");
        assertEquals("truncated  the server sent what is not valid HTTP inside the answer (not the size of a chunk: 1x)",
                end(scripted((request, out) -> write(out, HEADERS + chunk(TOKEN) + "1x\r\n"))));
        results = results.resolve("before");
        assertTrue(end(scripted((request, out) -> write(out, "SSH-2.0-OpenSSH_9.2\r\n"), "--retries", "0"))
                .matches("failed invalid_http localhost:\\d+ sent what is not valid HTTP as an answer \\(.*SSH-2.0.*\\)"),
                run.err());
    }

    @Test
    void anErrorThatBreaksOffKeepsItsStatus() throws IOException {
        assertEquals("failed http_400 no such parameter", end(scripted((request, out) -> {
            write(out, "HTTP/1.1 400 Bad Request\r\nContent-Length: 999\r\n\r\n{\"error\":{\"message\":\"no such parameter\"}}\n");
            throw new EOFException("the connection ends");
        })));
    }
}
