package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.client.AnswerState;
import stream.client.ExchangeResult;
import stream.client.Outcome;
import stream.fixtures.TestRun;
import stream.plan.Retries;

/** How long a request, or a whole model, waits between attempts. */
@Execution(ExecutionMode.CONCURRENT)
class BackoffTest extends FaultCase {

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
                            : new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                            .body(EVENT + "data: [DONE]\n\n")
                                    .headersDelay(300, TimeUnit.MILLISECONDS).build();
                }
            });
            server.start();
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-n",
                    "10", "-c", "4", "--echo",
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
            server.enqueue(new MockResponse.Builder().code(status)
                    .addHeader("retry-after-ms", status == 503 ? "400" : "1").body("{}").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body(EVENT + "data: [DONE]\n\n").build());
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--echo", "none",
                    "--stall-timeout", "0.3"); // a wait between attempts may be longer
            assertEquals(List.of("failed", "completed"), run.requests().stream().map(row -> row.get("status")).toList());
            assertTrue(Double.parseDouble(run.requests().getLast().get("queue_ms")) < 300,
                    "waiting to try again is no waiting for a slot");
            var waited = Duration.between(Instant.parse(run.requests().getFirst().get("started_at")),
                    Instant.parse(run.requests().getLast().get("started_at")));
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
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body(EVENT + "data: [DONE]\n\n").build());
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
}
