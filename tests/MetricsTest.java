package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;

import org.junit.jupiter.api.Test;

/** The figures of one answer, against values worked out by hand. */
class MetricsTest {

    private final AnswerMetrics figures = new AnswerMetrics();

    @Test
    void ttftIsTheFirstVisibleTextNotTheFirstEvent() {
        figures.add(100_000, 1, EventKind.ROLE, StreamEvent.NO_COUNT);
        figures.add(150_000, 2, EventKind.REASONING, StreamEvent.NO_COUNT);
        figures.add(200_000, 3, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(230_000, 4, EventKind.FINISH, StreamEvent.NO_COUNT);
        assertEquals(100_000, figures.firstEventMicros());
        assertEquals(150_000, figures.ttftReasoningMicros());
        assertEquals(200_000, figures.ttftMicros());
        assertEquals(200_000, figures.ttltMicros());
        assertEquals(4, figures.events());
        assertEquals(1, figures.contentEvents());
    }

    @Test
    void itlIsBetweenContentEventsWhateverComesBetweenThem() {
        figures.add(10_000, 1, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(15_000, 2, EventKind.OTHER, StreamEvent.NO_COUNT);
        figures.add(20_000, 3, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(50_000, 4, EventKind.CONTENT, StreamEvent.NO_COUNT);
        assertEquals(20_000, figures.content().meanGapMicros());
        assertEquals(20_000, figures.content().gapMicros(0.5));
        assertEquals(30_000, figures.content().longestGapMicros());
    }

    @Test
    void delayIsSinceTheEventBefore() {
        assertEquals(AnswerMetrics.NONE, figures.add(10_000, 1, EventKind.ROLE, StreamEvent.NO_COUNT));
        assertEquals(2_500, figures.add(12_500, 2, EventKind.CONTENT, StreamEvent.NO_COUNT));
    }

    @Test
    void oneTokenHasNoItlAndNoTpot() {
        figures.add(10_000, 1, EventKind.CONTENT, StreamEvent.NO_COUNT);
        assertNull(figures.content().meanGapMicros());
        assertNull(figures.content().gapMicros(0.5));
        assertNull(figures.content().longestGapMicros());
        assertNull(figures.tpotMicros(1));
    }

    @Test
    void noEventLeavesAllUnknown() {
        assertNull(figures.ttftMicros());
        assertNull(figures.ttltMicros());
        assertNull(figures.firstEventMicros());
        assertNull(figures.tpotMicros(5));
        assertEquals(0, figures.events());
    }

    @Test
    void tpotCountsTheTokensOfTheServerNotTheEvents() {
        figures.add(100_000, 1, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(400_000, 2, EventKind.CONTENT, StreamEvent.NO_COUNT);
        assertEquals(100_000, figures.tpotMicros(4));
    }

    @Test
    void p95NeedsTwentyGapsAndP99AHundred() {
        for (int i = 0; i <= 19; i++) {
            figures.add(i * 1000, i, EventKind.CONTENT, StreamEvent.NO_COUNT);
        }
        assertNull(figures.content().gapMicros(0.95));
        figures.add(30_000, 20, EventKind.CONTENT, StreamEvent.NO_COUNT);
        // nineteen gaps of 1 ms and one of 11 ms: rank 0.95 * 19 = 18.05, so 1 + 0.05 * 10
        assertEquals(1_500, figures.content().gapMicros(0.95), 1e-6);
        assertNull(figures.content().gapMicros(0.99));
    }

    @Test
    void moreGapsThanTheFirstArrayHoldsAreAllKept() {
        for (int i = 0; i < 1000; i++) {
            figures.add(i * 10L, i, EventKind.CONTENT, StreamEvent.NO_COUNT);
        }
        assertEquals(10, figures.content().meanGapMicros());
        assertEquals(10, figures.content().gapMicros(0.99));
        assertEquals(1000, figures.contentEvents());
    }

    @Test
    void contentThatSharesAReadIsCoalesced() {
        figures.add(10, 1, EventKind.ROLE, StreamEvent.NO_COUNT);
        figures.add(10, 1, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(10, 1, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(20, 2, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(20, 2, EventKind.FINISH, StreamEvent.NO_COUNT);
        assertEquals(1, figures.coalescedEvents());
    }

    @Test
    void millisecondsHaveThreeDecimalsInEveryLocale() {
        var before = java.util.Locale.getDefault();
        java.util.Locale.setDefault(java.util.Locale.GERMANY);
        try {
            assertEquals("0.000", Metrics.millis(0));
            assertEquals("0.007", Metrics.millis(7));
            assertEquals("1234.567", Metrics.millis(1_234_567L));
            assertEquals("1.235", Metrics.millis(1234.6));
            assertEquals("-0.050", Metrics.millis(-50));
            assertEquals("", Metrics.millis(null));
        } finally {
            java.util.Locale.setDefault(before);
        }
    }

    @Test
    void nanosecondsAreRoundedToTheNearestMicrosecond() {
        assertEquals(1, Metrics.micros(1499));
        assertEquals(2, Metrics.micros(1500));
    }

    @Test
    void aRecordingHandsOverEachEventOnceAndInOrder() throws Exception {
        var recording = new Recording();
        recording.start(1_000_000);
        var got = new ArrayList<String>();
        Recording.EventConsumer consumer = (micros, read, kind, text, tokens) -> got.add(micros + " " + read + " " + kind.word() + " " + text);
        var expected = new ArrayList<String>();
        for (int i = 0; i < 200; i++) {
            recording.add(1_000_000 + i * 1000L, i, EventKind.CONTENT, "t" + i, StreamEvent.NO_COUNT);
            expected.add(i + " " + i + " content t" + i);
            if (i % 7 == 0) {
                recording.drain(consumer);
            }
        }
        recording.drain(consumer);
        recording.drain(consumer);
        assertEquals(expected, got);
    }

    @Test
    void aRecordingCanBeReadWhileItIsWritten() throws Exception {
        var recording = new Recording();
        recording.start(0);
        var writer = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 100_000; i++) {
                recording.add(i * 1000L, i, EventKind.CONTENT, String.valueOf(i), StreamEvent.NO_COUNT);
            }
        });
        var sum = new long[2];
        Recording.EventConsumer consumer = (micros, read, kind, text, tokens) -> {
            assertEquals(sum[0]++, micros);
            sum[1] += Long.parseLong(text);
        };
        while (writer.isAlive()) {
            recording.drain(consumer);
        }
        recording.drain(consumer);
        assertEquals(100_000, sum[0]);
        assertEquals(99_999L * 100_000 / 2, sum[1]);
    }

    @Test
    void visibleTokensAreTheOutputWithoutWhatIsKnownToBeSomethingElse() {
        figures.add(10, 1, EventKind.CONTENT, StreamEvent.NO_COUNT);
        figures.add(20, 2, EventKind.CONTENT, StreamEvent.NO_COUNT);
        assertEquals(2, figures.visibleTokens(Usage.UNKNOWN));
        assertEquals(9, figures.visibleTokens(new Usage(1, 0, 9, null)));
        assertEquals(5, figures.visibleTokens(new Usage(1, 0, 9, 4)), "hidden reasoning");
        assertEquals(2, figures.visibleTokens(new Usage(1, 0, 0, 0)), "a count of 0 beside an answer is none");
        assertNull(figures.countedTokens(new Usage(1, 0, 0, 0)));
        figures.add(30, 3, EventKind.REASONING, StreamEvent.NO_COUNT);
        assertEquals(5, figures.visibleTokens(new Usage(1, 0, 9, 4)));
        assertNull(figures.visibleTokens(new Usage(1, 0, 9, null)), "reasoning that is not counted apart");
        assertNull(figures.visibleTokens(new Usage(1, 0, 9, 0)));
        figures.add(40, 4, EventKind.TOOL, StreamEvent.NO_COUNT);
        assertNull(figures.visibleTokens(new Usage(1, 0, 9, 4)), "tokens of a tool call are counted nowhere");
    }

    @Test
    void aQuantileBesideAValueThatIsInfiniteIsANumber() {
        var never = Double.POSITIVE_INFINITY;
        assertEquals(2, Metrics.quantile(new double[] {1, never, 2}, 0.5));
        assertEquals(never, Metrics.quantile(new double[] {1, never, 2, never}, 0.5));
        assertEquals(never, Metrics.quantile(new double[] {1, never, never}, 0.5));
    }
}
