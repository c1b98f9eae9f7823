package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stream.api.EventKind;
import stream.api.StreamEvent;
import stream.client.Recording;
import stream.fixtures.TestOrder;
import stream.fixtures.TestRun;
import stream.metric.AnswerMetrics;
import stream.record.Attempt;
import stream.record.AttemptObserver;
import stream.simulator.SimulatedServer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the tool says of its own exactness. */
@Order(TestOrder.LAST)
class CalibrationTest {

    @TempDir
    Path folder;
    private Path results;

    @BeforeEach
    void nameTheResults() {
        results = folder.resolve("results");
    }

    private TestRun run(String... args) throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            var all = new ArrayList<>(List.of(TestRun.WARM, "--base-url", simulator.baseUrl(), "-p", "Hi", "--echo", "none"));
            all.addAll(List.of(args));
            return TestRun.of(results, all.toArray(String[]::new));
        }
    }

    private static List<String> tainted(TestRun run) {
        return run.requests().stream().map(row -> row.get("tainted")).toList();
    }

    @Test
    void aOneLinerIsNotHeldUpAndItsFirstRowIsCold() throws Exception {
        var run = run("-m", "sim-ttft1-itl1-n2,b=sim-ttft1-itl1-n2");
        assertTrue(tainted(run).getFirst().startsWith("cold"), tainted(run).toString());
        assertFalse(tainted(run).getLast().startsWith("cold"));
        assertFalse(JsonMapper.shared().readTree(run.file("run.json")).get("self_warmup").booleanValue());
    }

    @Test
    void aBatchWarmsUpFirstUnlessToldNotTo() throws Exception {
        var warm = run("-m", "sim-ttft1-itl1-n2", "-n", "2");
        assertFalse(tainted(warm).getFirst().startsWith("cold"));
        assertTrue(JsonMapper.shared().readTree(warm.file("run.json")).get("self_warmup").booleanValue());
        assertEquals(2, warm.requests().size(), "what it streams to itself is in no file of the run");
        var cold = TestRun.of(results.resolve("cold"), "--simulate", "-m", "sim-ttft1-itl1-n2", "-p", "Hi", "-n", "2",
                "--no-self-warmup");
        assertTrue(tainted(cold).getFirst().startsWith("cold"));
    }

    @Test
    void aBatchOfTwentyStatesItsOwnError() throws Exception {
        var run = run("-m", "sim-ttft1-itl1-n5", "-n", "20", "-c", "4");
        var overhead = JsonMapper.shared().readTree(run.file("run.json")).get("client_overhead");
        assertTrue(overhead.get("ttft_p50_ms").doubleValue() > 0, overhead.toString());
        assertTrue(overhead.get("itl_p99_ms").doubleValue() >= overhead.get("itl_p50_ms").doubleValue());
        assertTrue(run.err().contains("error of the client, with 4 in flight: TTFT " + said(overhead, "ttft") + ", ITL "
                + said(overhead, "itl")), run.err());
    }

    private static String said(JsonNode overhead, String metric) {
        var p99 = overhead.get(metric + "_p99_ms");
        return String.format(Locale.ROOT, "%.3f ms", overhead.get(metric + "_p50_ms").doubleValue())
                + (p99.isNull() ? "" : String.format(Locale.ROOT, " (p99 %.3f)", p99.doubleValue()));
    }

    /** The observer may be told of a start before the end that made room for it, so with eight in flight it could count sixteen. */
    @Test
    void theErrorIsMeasuredWithAsManyInFlightAsTheRunWillHave() throws Exception {
        var now = new AtomicInteger();
        var most = new AtomicInteger();
        var overhead = LoopbackLoad.calibrate(24, 1, new AttemptObserver() {
            @Override
            public void started(Attempt attempt) {
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
            }

            @Override
            public void ended(Attempt attempt, AnswerMetrics metrics) {
                now.decrementAndGet();
            }
        });
        assertEquals(96, overhead.streams());
        assertTrue(most.get() > 16, most + " at once, of 24 that each wait 50 ms for a token");
    }

    @Test
    void aSmallRunStatesItOnlyWhenAsked() throws Exception {
        assertFalse(run("-m", "sim-ttft1-itl1-n5").err().contains("error of the client"));
        assertTrue(TestRun.of(results.resolve("b"), "--simulate", "--calibrate", "-m", "sim-ttft1-itl1-n2", "-p", "Hi")
                .err().contains("error of the client"));
    }

    @Test
    void anErrorThatIsNotSmallIsWarnedOf() throws Exception {
        // nothing can be measured to a tenth of no time at all: the first token here, the others there
        var warning = "warning: the error of the client is more than a tenth of what was measured";
        results = folder.resolve("first");
        // the median of nine, on a machine that is noisy
        var first = run("-m", "sim-ttft0-itl20-n5", "-n", "9", "--calibrate").err();
        assertTrue(first.contains(warning), first);
        results = folder.resolve("others");
        var others = run("-m", "sim-ttft900-itl0-n50", "--calibrate").err();
        assertTrue(others.contains(warning), others);
        assertFalse(TestRun.of(results.resolve("b"), "--simulate", "--calibrate", "-m", "sim-ttft900-itl20-n5", "-p", "Hi",
                "--echo", "none").err().contains("more than a tenth"));
    }

    @Test
    void theErrorIsWhatTheClockTokensSay() {
        // two streams of three tokens: arrivals and sendings in µs
        var overhead = LoopbackLoad.overhead(List.of(tokens(110, 100, 220, 200, 305, 300),
                tokens(130, 100, 230, 200, 330, 300)));
        assertEquals(2, overhead.streams());
        assertEquals(6, overhead.events());
        assertEquals(20, overhead.ttftP50Micros()); // of 10 and 30
        assertEquals(5, overhead.itlP50Micros()); // of 10, 15, 0 and 0
    }

    private static List<LoopbackLoad.TokenTime> tokens(double... arrivedAndSent) {
        var tokens = new ArrayList<LoopbackLoad.TokenTime>();
        for (int i = 0; i < arrivedAndSent.length; i += 2) {
            tokens.add(new LoopbackLoad.TokenTime(arrivedAndSent[i], arrivedAndSent[i + 1]));
        }
        return tokens;
    }

    @Test
    void aRunWithAClockModelIsEvaluatedAfterwards() throws Exception {
        var run = run("-m", "sim-ttft2-itl1-n10-clock", "-n", "3");
        var overhead = LoopbackLoad.overhead(LoopbackLoad.tokenTimes(run.folder().resolve("events.csv")));
        assertEquals("3 30", overhead.streams() + " " + overhead.events());
        assertTrue(overhead.ttftP50Micros() > 0, "an event cannot arrive before it was sent");
    }

    @Test
    void theClosedLoopNeverHasMoreInFlightThanItHasSlots() throws Exception {
        var now = new AtomicInteger();
        var most = new AtomicInteger();
        var sent = new AtomicInteger();
        new ClosedLoop(3).send(IntStream.range(0, 30).boxed().toList(), () -> false, (job, ready, onSent) -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            onSent.run();
            Thread.yield();
            now.decrementAndGet();
            sent.incrementAndGet();
        });
        assertEquals(30, sent.get());
        assertTrue(most.get() <= 3, String.valueOf(most));
    }

    @Test
    void aJobIsReadyWhenItsSlotIsFree() throws Exception {
        var beginNanos = System.nanoTime();
        var endNanos = new AtomicLong(beginNanos);
        new ClosedLoop(1).send(List.of(1, 2, 3), () -> false, (job, readyNanos, onSent) -> {
            assertTrue(readyNanos - endNanos.get() >= 0 && System.nanoTime() - readyNanos >= 0, "after the end of the one before");
            onSent.run();
            LockSupport.parkNanos(20_000_000);
            endNanos.set(System.nanoTime());
        });
        assertTrue(endNanos.get() - beginNanos >= 60_000_000, "each of the three came to its end");
    }

    /**
     * Each takes a third of a millisecond to be on its way; the next waits for it, for a millisecond at most. Where this machine is
     * so busy that each takes longer than that, they start together, so the best of twenty bursts counts.
     */
    @Test
    void inABurstEachStartWaitsForTheOneBefore() throws Exception {
        var fewest = Integer.MAX_VALUE;
        for (int burst = 0; burst < 20 && fewest > 25; burst++) {
            var starting = new AtomicInteger();
            var most = new AtomicInteger();
            new ClosedLoop(50).send(IntStream.range(0, 50).boxed().toList(), () -> false, (job, readyNanos, onSent) -> {
                most.accumulateAndGet(starting.incrementAndGet(), Math::max);
                LockSupport.parkNanos(300_000);
                starting.decrementAndGet();
                onSent.run();
            });
            fewest = Math.min(fewest, most.get());
        }
        assertTrue(fewest <= 25, "at least " + fewest + " of 50 were starting at once");
    }

    @Test
    void aStartDoesNotWaitLongForOneThatDoesNotGetAway() throws Exception {
        var startNanos = System.nanoTime();
        new ClosedLoop(50).send(IntStream.range(0, 50).boxed().toList(), () -> false, (job, ready, onSent) -> {
            try {
                TimeUnit.MILLISECONDS.sleep(100); // a slow connection
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        // one after the other they would take five seconds
        assertTrue(System.nanoTime() - startNanos < 2_500_000_000L);
    }

    @Test
    void aPauseIsNoticedByItsTime() {
        var now = System.nanoTime();
        var strain = new PauseDetector(now, 0);
        strain.tick(now + 39_000_000, 39); // 19 ms late
        assertEquals(List.of(), strain.during(now, now + 39_000_000));
        strain.tick(now + 81_000_000, 81);
        assertEquals(List.of("cpu:22ms"), strain.during(now, now + 81_000_000));
        now += 100_000_000;
        strain = new PauseDetector(now, 0);
        strain.tick(now + 22_000_000, 22);
        strain.tick(now + 122_000_000, 122);
        assertEquals(List.of("cpu:80ms"), strain.during(now + 100_000_000, now + 160_000_000));
        assertEquals(List.of(), strain.during(now + 130_000_000, now + 160_000_000));
        assertEquals(List.of(), strain.during(now, now + 30_000_000));
    }

    /** The thread that watches has run 20 ms after the begin, and would have 20 ms later. */
    @Test
    void aPauseThatIsNotNoticedYetIsOnTheRowThatEndsInIt() {
        var now = System.nanoTime();
        var strain = new PauseDetector(now, 0);
        strain.tick(now + 20_000_000, 20);
        assertEquals(List.of(), strain.during(now + 10_000_000, now + 60_000_000));
        assertEquals(List.of("cpu:80ms"), strain.during(now + 10_000_000, now + 120_000_000));
        strain.tick(now + 121_000_000, 121);
        assertEquals(List.of("cpu:81ms"), strain.during(now + 10_000_000, now + 120_000_000), "once");
    }

    @Test
    void aReaderThatIsFarBehindHoldsTheWriterUpAndItIsSaid() throws Exception {
        var recording = new Recording();
        recording.start(1);
        var events = 100_000;
        var writer = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < events; i++) {
                recording.add(i, i, EventKind.CONTENT, "x", StreamEvent.NO_COUNT);
            }
        });
        writer.join(300);
        assertTrue(writer.isAlive(), "it would hold all of them in memory");
        var taken = new int[1];
        while (writer.isAlive()) {
            recording.drain((micros, read, kind, text, tokens) -> taken[0]++);
        }
        recording.drain((micros, read, kind, text, tokens) -> taken[0]++);
        assertEquals(events, taken[0]);
        assertTrue(recording.wasHeldUp());
        assertEquals("cold journal", RequestLoop.taint(List.of(), recording, true));
        assertEquals("cold cpu:25ms journal", RequestLoop.taint(List.of("cpu:25ms"), recording, true));
    }

    @Test
    void anAnswerWhoseTimesCanBeTrustedSaysNothing() {
        var recording = new Recording();
        recording.start(System.nanoTime());
        recording.add(recording.startNanos() + 1, 1, EventKind.CONTENT, "x", StreamEvent.NO_COUNT);
        assertNull(RequestLoop.taint(List.of(), recording, false));
    }
}
