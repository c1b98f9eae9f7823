package stream.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.api.EventKind;
import stream.api.StreamEvent;
import stream.api.Usage;
import stream.client.Recording;

/** The figures of one answer, against values worked out by hand. */
@Execution(ExecutionMode.CONCURRENT)
class MetricsTest {

    private final AnswerMetrics figures = new AnswerMetrics();

    private long add(long elapsedMicros, int read, EventKind kind) {
        return figures.add(elapsedMicros, read, kind, StreamEvent.NO_COUNT);
    }

    @Test
    void ttftIsTheFirstVisibleTextNotTheFirstEvent() {
        add(100_000, 1, EventKind.ROLE);
        add(150_000, 2, EventKind.REASONING);
        add(200_000, 3, EventKind.CONTENT);
        add(230_000, 4, EventKind.FINISH);
        assertEquals(100_000, figures.firstEventMicros());
        assertEquals(150_000, figures.ttftReasoningMicros());
        assertEquals(200_000, figures.ttftMicros());
        assertEquals(200_000, figures.ttltMicros());
        assertEquals(4, figures.events());
        assertEquals(1, figures.contentEvents());
    }

    @Test
    void itlIsBetweenContentEventsWhateverComesBetweenThem() {
        add(10_000, 1, EventKind.CONTENT);
        add(15_000, 2, EventKind.OTHER);
        add(20_000, 3, EventKind.CONTENT);
        add(50_000, 4, EventKind.CONTENT);
        assertEquals(20_000, figures.content().meanGapMicros());
        assertEquals(20_000, figures.content().gapMicros(0.5));
        assertEquals(30_000, figures.content().longestGapMicros());
    }

    @Test
    void delayIsSinceTheEventBefore() {
        assertEquals(AnswerMetrics.NONE, add(10_000, 1, EventKind.ROLE));
        assertEquals(2_500, add(12_500, 2, EventKind.CONTENT));
    }

    @Test
    void oneTokenHasNoItlAndNoTpot() {
        add(10_000, 1, EventKind.CONTENT);
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
        add(100_000, 1, EventKind.CONTENT);
        add(400_000, 2, EventKind.CONTENT);
        assertEquals(100_000, figures.tpotMicros(4));
    }

    @Test
    void p95NeedsTwentyGapsAndP99AHundred() {
        for (int i = 0; i <= 19; i++) {
            add(i * 1000, i, EventKind.CONTENT);
        }
        assertNull(figures.content().gapMicros(0.95));
        add(30_000, 20, EventKind.CONTENT);
        // nineteen gaps of 1 ms and one of 11 ms: rank 0.95 * 19 = 18.05, so 1 + 0.05 * 10
        assertEquals(1_500, figures.content().gapMicros(0.95), 1e-6);
        assertNull(figures.content().gapMicros(0.99));
    }

    @Test
    void moreGapsThanTheFirstArrayHoldsAreAllKept() {
        for (int i = 0; i < 1000; i++) {
            add(i * 10L, i, EventKind.CONTENT);
            assertEquals(i == 0 ? null : Double.valueOf(10), figures.content().longestGapMicros());
        }
        assertEquals(10, figures.content().meanGapMicros());
        assertEquals(10, figures.content().gapMicros(0.99));
        assertEquals(1000, figures.contentEvents());
    }

    @Test
    void contentThatSharesAReadIsCoalesced() {
        add(10, 1, EventKind.ROLE);
        add(10, 1, EventKind.CONTENT);
        add(10, 1, EventKind.CONTENT);
        add(20, 2, EventKind.CONTENT);
        add(20, 2, EventKind.FINISH);
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
        Recording.EventConsumer consumer = (micros, read, kind, text, tokens) ->
                got.add(micros + " " + read + " " + kind.word() + " " + text);
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
        add(10, 1, EventKind.CONTENT);
        add(20, 2, EventKind.CONTENT);
        assertEquals(2, figures.visibleTokens(Usage.UNKNOWN));
        assertEquals(9, figures.visibleTokens(new Usage(1, 0, 9, null)));
        assertEquals(5, figures.visibleTokens(new Usage(1, 0, 9, 4)), "hidden reasoning");
        assertEquals(2, figures.visibleTokens(new Usage(1, 0, 0, 0)), "a count of 0 beside an answer is none");
        assertNull(figures.countedTokens(new Usage(1, 0, 0, 0)));
        add(30, 3, EventKind.REASONING);
        assertEquals(5, figures.visibleTokens(new Usage(1, 0, 9, 4)));
        assertNull(figures.visibleTokens(new Usage(1, 0, 9, null)), "reasoning that is not counted apart");
        assertNull(figures.visibleTokens(new Usage(1, 0, 9, 0)));
        add(40, 4, EventKind.TOOL);
        assertNull(figures.visibleTokens(new Usage(1, 0, 9, 4)), "tokens of a tool call are counted nowhere");
    }

    @Test
    void aQuantileBesideAValueThatIsInfiniteIsANumber() {
        var never = Double.POSITIVE_INFINITY;
        assertEquals(2, Metrics.quantile(new double[] {1, never, 2}, 0.5));
        assertEquals(never, Metrics.quantile(new double[] {1, never, 2, never}, 0.5));
        assertEquals(never, Metrics.quantile(new double[] {1, never, never}, 0.5));
    }

    @Test
    void reasoningAndToolCallsAreGeneratedAndHaveTimesOfTheirOwn() {
        add(5, 1, EventKind.ROLE);
        add(10, 2, EventKind.REASONING);
        add(20, 3, EventKind.REASONING);
        add(50, 4, EventKind.CONTENT);
        add(55, 4, EventKind.CONTENT);
        add(90, 5, EventKind.TOOL);
        add(95, 6, EventKind.FINISH);
        assertEquals(List.of(7, 2, 1, 2, 1), List.of(figures.events(), figures.reasoningEvents(), figures.toolEvents(),
                figures.contentEvents(), figures.coalescedEvents()));
        assertEquals(10, figures.ttftReasoningMicros());
        assertEquals(10, figures.ttftAnyMicros());
        assertEquals(50, figures.ttftMicros());
        assertEquals(5, figures.generated().count());
        assertEquals(20, figures.generated().meanGapMicros());
        assertEquals(35, figures.generated().longestGapMicros());
        assertEquals(5, figures.content().meanGapMicros());
    }

    @Test
    void withContentAloneWhatIsGeneratedIsTheContent() {
        add(10, 1, EventKind.CONTENT);
        add(30, 2, EventKind.CONTENT);
        assertEquals(2, figures.generated().count());
        assertEquals(10, figures.ttftAnyMicros());
        assertEquals(20, figures.generated().longestGapMicros());
        assertEquals(20, figures.content().gapMicros(0.5));
    }

    @Test
    void tokensPerEventAreThoseUpToTheLastCount() {
        assertNull(figures.tokensPerEvent());
        figures.add(10, 1, EventKind.CONTENT, 3);
        figures.add(20, 2, EventKind.CONTENT, 5);
        add(30, 3, EventKind.CONTENT);
        figures.add(40, 4, EventKind.USAGE, 9);
        assertEquals(2.5, figures.tokensPerEvent());
    }

    @Test
    void tokensPerSecondAreUpToTheLastVisibleText() {
        assertNull(figures.outputTokensPerSecond(10));
        add(0, 1, EventKind.CONTENT);
        assertNull(figures.outputTokensPerSecond(10), "in no time");
        add(2_000_000, 2, EventKind.CONTENT);
        add(9_000_000, 3, EventKind.FINISH);
        assertEquals(5, figures.outputTokensPerSecond(10));
    }

    @Test
    void tpotNeedsTwoTokens() {
        add(10, 1, EventKind.CONTENT);
        add(40, 2, EventKind.CONTENT);
        assertEquals(30, figures.tpotMicros(2));
        assertNull(figures.tpotMicros(1));
        assertNull(figures.tpotMicros(null));
    }

    @Test
    void aCountOfZeroIsBelievedWhereNothingCame() {
        add(10, 1, EventKind.FINISH);
        assertEquals(0, figures.countedTokens(new Usage(1, 0, 0, null)));
        assertEquals(0, figures.visibleTokens(new Usage(1, 0, 0, null)));
    }

    @Test
    void throughputIsFromTheFirstStartToTheLastEnd() {
        var throughput = new Throughput();
        assertEquals(0, throughput.seconds());
        throughput.add(2_000, 3_000, 10);
        throughput.add(1_000, 2_000, 20);
        throughput.add(2_500, 500, 30);
        assertEquals(4, throughput.seconds());
        assertEquals(3, throughput.requests());
        assertEquals(60, throughput.tokens());
        throughput.add(0, 1, Double.NaN);
        assertEquals(Double.NaN, throughput.tokens());
    }

    @Test
    void theTimeOfSeveralRunsIsThatInWhichAnyWasGoingOn() {
        var first = new Throughput();
        first.add(10_000, 5_000, 1);
        var overlapping = new Throughput();
        overlapping.add(12_000, 7_000, 1);
        var inside = new Throughput();
        inside.add(13_000, 1_000, 1);
        var later = new Throughput();
        later.add(30_000, 2_000, 1);
        assertEquals(11, Throughput.secondsOfAny(List.of(later, inside, overlapping, new Throughput(), first)));
        assertEquals(0, Throughput.secondsOfAny(List.of(new Throughput())));
    }

    // The definitions of other tools, as docs/definitions.md has them

    @ParameterizedTest
    @CsvSource({"OURS,TTFT ITL TPOT TTLT TOTAL TOKENS_PER_S,false,true,true",
            "VLLM,TTFT ITL TPOT TTLT TOTAL TOKENS_PER_S,true,true,true",
        "GUIDELLM,TTFT ITL TPOT TTLT TOTAL TOKENS_PER_S,false,false,false",
        "AIPERF,TTFT ITL TTLT TOTAL TTST TOKENS_PER_S,false,false,true"})
    void aDefinitionHasTheseMetrics(MetricDefinition definition, String metrics, boolean medianGap,
            boolean gaps, boolean interpolates) {
        assertEquals(metrics, Arrays.stream(Metric.values()).filter(definition::has).map(Metric::name).sorted(
                Comparator.comparing("TTFT ITL TPOT TTLT TOTAL TTST TOKENS_PER_S"::indexOf)).collect(Collectors.joining(" ")));
        assertEquals(List.of(medianGap, gaps, interpolates),
                List.of(definition.hasMedianGap(), definition.hasGaps(), definition.interpolates()));
    }

    @Test
    void guideLlmWeighsRequestsWithTheirTokens() {
        assertEquals(List.of(9.0, 10.0, 1.0), java.util.stream.Stream.of(Metric.ITL, Metric.TPOT, Metric.TTFT)
                .map(metric -> MetricDefinition.GUIDELLM.weight(metric, 10)).toList());
        assertEquals(1, MetricDefinition.AIPERF.weight(Metric.ITL, 10));
    }

    /**
     * In each row: completed, closed early, error event, other; of streams with an event and a token, with an event alone, with
     * none.
     */
    @ParameterizedTest
    @CsvSource({"OURS,1000 1000 1000", "VLLM,1110 1110 0000", "GUIDELLM,1100 0000 0000", "AIPERF,1100 0000 0000"})
    void aToolCountsTheseStreamsAsSuccesses(MetricDefinition definition, String expected) {
        var got = new StringBuilder();
        for (var came : List.of(List.of(true, true), List.of(true, false), List.of(false, false))) {
            for (var end : StreamEnd.values()) {
                got.append(definition.isSuccess(end, came.get(0), came.get(1)) ? 1 : 0);
            }
            got.append(' ');
        }
        assertEquals(expected, got.toString().strip());
    }

    /** Tokens at 100, 130, 150 and 260 ms, as five output tokens, in a stream of 300 ms. */
    @ParameterizedTest
    @CsvSource({"VLLM,100 30 40 260 260 NaN 19.231", "GUIDELLM,100 40 52 260 300 NaN 16.667",
            "AIPERF,100 40 NaN 260 260 30 19.231"})
    void theTimesOfARequestAreThoseOfTheTool(MetricDefinition definition, String expected) {
        var tokens = new TokenTimes(4, true);
        assertEquals(AnswerMetrics.NONE, tokens.add(100_000));
        assertEquals(30_000, tokens.add(130_000));
        tokens.add(150_000);
        tokens.add(260_000);
        var times = definition.times(tokens, 5, 300);
        assertEquals(expected, DoubleStream.of(times.ttft(), times.itl(), times.tpot(), times.ttlt(), times.total(), times.ttst(),
                times.tokensPerSecond()).mapToObj(value -> Double.isNaN(value) ? "NaN" : new BigDecimal(value)
                        .setScale(3, RoundingMode.HALF_UP).stripTrailingZeros().toPlainString()).collect(Collectors.joining(" ")));
        assertTrue(Double.isNaN(definition.times(new TokenTimes(4, true), 5, 300).ttft()), "no token");
        assertTrue(Double.isNaN(MetricDefinition.AIPERF.times(tokens, 1, 300).itl()), "no gap between tokens");
        assertEquals(tokens.lastMicros() - tokens.firstMicros(), MetricDefinition.AIPERF.times(tokens, 2, 300).itl() * 1000, 1e-9);
    }

    @Test
    void gapsOfTokensBeyondTheExpectedNumberAreLeftOut() {
        var tokens = new TokenTimes(2, true);
        assertTrue(Double.isNaN(tokens.medianGapMillis()));
        tokens.add(1_000);
        assertTrue(Double.isNaN(tokens.medianGapMillis()));
        assertTrue(Double.isNaN(tokens.secondGapMillis()));
        tokens.add(3_000);
        assertEquals(2, tokens.medianGapMillis());
        assertEquals(2, tokens.secondGapMillis());
        tokens.add(7_000);
        assertEquals(3, tokens.medianGapMillis());
        tokens.add(100_000);
        assertEquals(3, tokens.medianGapMillis());
        assertEquals(4, tokens.count());
    }

    @Test
    void theHundredthCharacterIsTimed() {
        var text = new TextTimes();
        text.add(99, 1_000);
        assertTrue(Double.isNaN(text.firstMillis()));
        text.add(1, 2_000);
        text.add(50, 3_000);
        assertEquals(2, text.firstMillis());
        assertEquals(150, text.characters());
    }

    /** Below 16 ms the histogram is exact; above that a value is off by at most a sixteen-thousandth. */
    @Test
    void quantilesOfAHistogramAreThoseOfTheValues() {
        var random = new Random(7);
        var exact = new double[250];
        var histogram = new GapHistogram();
        assertNull(histogram.quantileMillis(0.5));
        for (int i = 0; i < exact.length; i++) {
            var micros = i < 200 ? random.nextInt(32_000) : 40_000 + random.nextInt(4_000_000);
            exact[i] = micros / 1e3;
            histogram.add(micros);
            assertEquals(i < 19, histogram.quantileMillis(0.95) == null, i + 1 + " values");
        }
        for (var fraction : new double[] {0, 0.1, 0.5, 0.75, 0.9, 0.95, 0.99, 1}) {
            var expected = Metrics.quantile(exact, fraction);
            assertEquals(expected, histogram.quantileMillis(fraction),
                    expected < 32 ? 1e-9 : expected / 32_000, "quantile " + fraction);
        }
    }

    @Test
    void positionsAreExactForThirtyTwoTokensThenEightToADoubling() {
        var positions = new GapPositions();
        for (int token = 1; token < 300; token++) {
            positions.add(token, token * 100);
        }
        assertEquals(List.of(), positions.medians().stream().filter(median -> median.token() <= 32).toList(), "one gap is too few");
        var firsts = new ArrayList<Integer>();
        positions.medians().forEach(median -> firsts.add(median.token()));
        assertEquals(List.of(33, 37, 41, 45, 49, 53, 57, 61, 65, 73, 81, 89, 97, 105, 113, 121, 129, 145, 161,
                177, 193, 209, 225, 241, 257,
                289), firsts);
        for (int times = 2; times <= 3; times++) {
            assertEquals(List.of(), positions.medians().stream().filter(median -> median.token() == 32).toList());
            positions.add(31, 5_000);
        }
        assertEquals(5, millisAt(32, positions), 0.0025); // three digits are kept
        assertEquals(3.3, millisAt(33, positions), 0.002);
    }

    private static double millisAt(int token, GapPositions positions) {
        return positions.medians().stream().filter(median -> median.token() == token).findFirst().orElseThrow().millis();
    }
}
