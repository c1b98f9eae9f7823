package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.Printed;
import stream.fixtures.ScriptedServer;
import stream.fixtures.StreamRunCase;
import stream.fixtures.TestRun;

/** How a request ends, and whether it is sent again. */
class RequestEndTest extends StreamRunCase {

    // Failures

    @Test
    void aRetriedRequestHasARowForEachAttemptAndTheWaitIsInNone() {
        var run = run("-m", QUICK + "+busy", "-p", "Hi");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(List.of("failed 429 1 1000.000", "completed 200 2 "), run.requests().stream().map(row -> row.get("status")
                + " " + row.get("http_status") + " " + row.get("attempt") + " " + row.get("retry_after_ms")).toList());
        assertEquals(1, new HashSet<>(column(run.requests(), "request_id")).size());
        run.requests().forEach(row -> assertTrue(number(row, "total_ms") < 1000 && number(row, "queue_ms") < 500, row.toString()));
        assertTrue(run.err().contains("failed  retries "), run.err());
        assertTrue(run.err().matches("(?s).*\\+busy +1 +0 +1 .*"), run.err());
        var compared = Printed.compare(run.folder());
        assertTrue(compared.out().contains("1 attempt beyond the first"), compared.out());
    }

    @Test
    void withoutRetriesARequestIsSentOnce() {
        var run = run("-m", QUICK + "+busy-ms", "-p", "Hi", "--retries", "0");
        assertEquals(1, run.exitCode());
        assertEquals("failed", run.request().get("status"));
        assertTrue(run.err().startsWith("stream: " + QUICK + "+busy-ms, prompt-1: failed: 429 rate_limit_exceeded: Rate limit"
                + " reached; lower --concurrency, raise --retries, or look at your quota\n"), run.err());
    }

    @Test
    void retriesEndAfterTheirNumber() {
        var run = run("-m", QUICK + "+status-503", "-p", "Hi", "--retries", "1", "-v");
        assertEquals(List.of("1", "2"), column(run.requests(), "attempt"));
        assertEquals(1, run.exitCode());
        assertTrue(run.err().contains("again in "), run.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"status-401", "status-403", "status-404", "plain-json", "cut", "error-object"})
    void whatCanNotPassIsNotTriedAgain(String fault) {
        assertEquals("1", run("-m", QUICK + "+" + fault, "-p", "Hi").request().get("attempt"));
    }

    @Test
    void aServerThatRefusesStreamOptionsIsAskedOnceMoreWithoutAndRemembered() {
        var run = run("-m", QUICK + "+no-stream-options", "-p", "Hi", "-p", "Ho", "--retries", "0");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(List.of("failed", "completed", "completed"), column(run.requests(), "status"));
        assertEquals(List.of("", "events", "events"), column(run.requests(), "token_source"));
        assertEquals("12", run.requests().getLast().get("output_tokens"));
        assertEquals(1, run.err().split("refuses stream_options", -1).length - 1, run.err());
    }

    @Test
    void aServerThatRefusesTokenCountsOfEachEventIsStillAskedForThoseAtTheEnd() {
        var run = run("-m", QUICK + "+no-usage-stats", "-p", "Hi", "-p", "Ho", "--retries", "0");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(List.of("failed", "completed", "completed"), column(run.requests(), "status"));
        assertEquals(List.of("", "usage", "usage"), column(run.requests(), "token_source"));
        assertEquals(List.of("", "", ""), column(run.requests(), "tokens_per_event"));
        assertFalse(run.err().contains("stream_options"), run.err());
    }

    /** As the simulator's 400 does. */
    @Test
    void an422ThatNamesStreamOptionsIsUnderstoodToo() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().code(422)
                    .body("{\"detail\":\"extra fields not permitted: stream_options\"}").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: [DONE]\n\n").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--retries", "0");
            assertEquals(2, server.getRequestCount(), run.err());
            server.takeRequest();
            assertFalse(server.takeRequest().getBody().utf8().contains("stream_options"));
        }
    }

    @Test
    void aPathThatIsNotThereIsNotCalledARetiredModel() {
        var url = simulator.baseUrl().replace("/v1", "/v2");
        var run = TestRun.of(results, "--base-url", url, "-m", "m", "-p", "Hi");
        assertTrue(run.err().contains("failed: 404 unknown_url: Unknown request URL: POST /v2/chat/completions; there is nothing at"
                + " POST " + url + "/chat/completions, check --base-url\n"), run.err());
    }

    @Test
    void aStatusThatTheServerRepeatsIsSaidOnce() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().code(400).body("{\"error\":{\"code\":400,\"message\":\"no\"}}").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi");
            assertTrue(run.err().startsWith("stream: m, prompt-1: failed: 400: no\n"), run.err());
        }
    }

    @Test
    void aServerThatIsNotThereIsSaidOnceAndNotWaitedForAgain() throws Exception {
        var port = ScriptedServer.freePort();
        var run = TestRun.of(results, "--base-url", "http://localhost:" + port, "-m", "m", "-p", "a", "-p", "b",
                "-p", "c", "--retries", "1");
        assertEquals(1, run.exitCode());
        assertEquals(1, run.err().split("nothing answers at localhost:" + port, -1).length - 1, run.err());
        assertEquals(List.of("1", "2", "1", "1"), column(run.requests(), "attempt"));
        run.requests().forEach(row ->
                assertTrue(number(row, "total_ms") >= 0 && number(row, "total_ms") < 10_000, row.get("total_ms")));
    }

    @Test
    void silenceInMidStreamIsAStall() {
        var run = run("-m", QUICK + "+stall," + QUICK, "-p", "Hi", "--stall-timeout", "0.3", "--order", "by-model");
        assertEquals(List.of("stalled", "completed"), column(run.requests(), "status"));
        assertFalse(run.requests().getFirst().get("output").isEmpty());
        assertTrue(number(run.requests().getFirst(), "total_ms") >= 300);
        assertTrue(run.err().contains("raise --stall-timeout") || run.err().contains("--stall-timeout"), run.err());
    }

    @Test
    void commentsEndASilence() throws Exception {
        try (var server = new ScriptedServer((request, out) -> {
            ScriptedServer.write(out, ScriptedServer.HEADERS
                    + ScriptedServer.chunk("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"));
            for (int i = 0; i < 10; i++) { // a second without a token
                Thread.sleep(100);
                ScriptedServer.write(out, ScriptedServer.chunk(": ping\n\n"));
            }
            ScriptedServer.write(out, ScriptedServer.chunk(
                    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n") + "0\r\n\r\n");
        })) {
            var run = TestRun.of(results, "--base-url", server.url(), "-m", "m", "-p", "Hi", "--stall-timeout", "0.6");
            assertEquals("completed", run.request().get("status"));
            assertTrue(number(run.request(), "total_ms") >= 1000, run.request().get("total_ms"));
        }
    }

    @Test
    void anAnswerThatNeverComesTimesOut() {
        var run = run("-m", QUICK + "+no-answer", "-p", "Hi", "--timeout", "0.3");
        assertEquals("timeout", run.request().get("status"));
        assertEquals("", run.request().get("ttft_ms"));
        assertTrue(number(run.request(), "total_ms") >= 300);
        assertEquals(1, run.exitCode());
    }

    @Test
    void anAnswerThatTimesOutInASilenceLastsUntilItIsEnded() {
        var run = run("-m", QUICK + "+stall", "-p", "Hi", "--timeout", "0.3", "--stall-timeout", "60");
        assertEquals("timeout", run.request().get("status"));
        assertTrue(number(run.request(), "total_ms") >= 300, run.request().get("total_ms"));
    }

    @Test
    void aStreamThatIsTooLongTimesOutAndKeepsItsEvents() {
        var run = run("-m", "sim-ttft1-itl20-n10000", "--max-tokens", "10000", "-p", "Hi", "--timeout", "0.5");
        assertEquals("timeout", run.request().get("status"));
        assertTrue(number(run.request(), "content_events") > 2);
    }

    @Test
    void aCutStreamKeepsWhatItBrought() {
        var run = run("-m", QUICK + "+cut-line", "-p", "Hi");
        assertEquals("truncated", run.request().get("status"));
        assertEquals(1, run.exitCode());
        assertEquals(run.request().get("output"), run.out());
    }
}
