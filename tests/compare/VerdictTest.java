package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static stream.compare.StatisticsTest.BASELINE;
import static stream.compare.StatisticsTest.VALUES;
import static stream.compare.StatisticsTest.pairs;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.terminal.UserError;

/** From which figures on a difference is one, and what is said of a sample that cannot tell. */
@Execution(ExecutionMode.CONCURRENT)
class VerdictTest {

    // Verdicts

    @Test
    void aLargeDifferenceIsSlowerOrFaster() {
        var slower = Arrays.stream(BASELINE).map(value -> value * 1.5 + value % 1).toArray();
        assertEquals(Verdict.SLOWER, Difference.ofPairs(pairs(slower, BASELINE, 24), 1).verdict(0.05));
        assertEquals(Verdict.FASTER, Difference.ofPairs(pairs(BASELINE, slower, 24), 1).verdict(0.05));
    }

    @Test
    void aDifferenceThatIsRealButWithinTheMarginIsTheSame() {
        var random = new SplittableRandom(3);
        var values = random.doubles(400, 200, 210).toArray();
        var slightlySlower = Arrays.stream(values).map(value -> value * 1.01 + random.nextDouble()).toArray();
        var difference = Difference.ofPairs(pairs(slightlySlower, values, 400), 1);
        assertTrue(difference.pValue() < 0.001, "the test sees it");
        assertEquals(Verdict.SAME, difference.verdict(0.05));
        assertEquals(Verdict.SLOWER, difference.verdict(0.001));
        assertEquals("the same within 5 %", difference.verdictWords(0.05));
    }

    @Test
    void fewerThanSixPromptsAreForThesePromptsOnly() {
        var slower = Arrays.stream(BASELINE).map(value -> value * 1.5 + value % 1).toArray();
        assertEquals("slower (for these 5 prompts only)", Difference.ofPairs(pairs(slower, BASELINE, 5), 1).verdictWords(0.05));
        assertEquals("slower (for this prompt only)", Difference.ofPairs(pairs(slower, BASELINE, 1), 1).verdictWords(0.05));
        assertEquals("slower", Difference.ofPairs(pairs(slower, BASELINE, 6), 1).verdictWords(0.05));
    }

    @Test
    void tooFewPairsGetNoIntervalAndNoVerdict() {
        var difference = Difference.ofPairs(pairs(VALUES, BASELINE, 24).subList(0, 5), 1);
        assertNull(difference.lower95());
        assertNull(difference.pValue());
        assertEquals("5 pairs of 5 prompts, too few: 6 prompts or 2 repetitions are needed", difference.verdictWords(0.05));
        assertEquals(Verdict.TOO_FEW, difference.verdict(0.05));
    }

    /** Where prompts differ, more of them help, and where requests do, more repetitions. */
    @Test
    void whatASampleCannotTellSaysWhatWouldHelp() {
        var byPrompts = Differences.of(Unit.PROMPTS, 8, 160, 1.2, 0.9, 1.5, 0.95, 1.4, 0.2, false, new Spread(0.4, 0.2));
        assertEquals(Unit.PROMPTS, byPrompts.more(0.05).unit());
        var byRequests = Differences.of(Unit.PROMPTS, 8, 16, 1.2, 0.9, 1.5, 0.95, 1.4, 0.2, false, new Spread(0, 0.6));
        // (1.96 + 0.84)^2 * 0.6^2 / ln(1.2)^2 = 84.9 pairs, which are 10.6 of each of the 8 prompts: 8.6 more, or 77 more prompts
        // once each
        assertEquals(new Difference.More(Unit.REPETITIONS, 9), byRequests.more(0.05));
        var ofOne = Differences.of(Unit.REPETITIONS, 1, 20, 1.1, 0.9, 1.3, 0.95, 1.2, 0.3, false, new Spread(0, 0.4));
        assertEquals("not distinguishable with 20 pairs of 1 prompt; about 120 more repetitions would be enough",
                ofOne.verdictWords(0.05));
    }

    /** (1.96 + 0.84) standard errors of the difference, or (1.645 + 1.282) of the room to the margin, whichever takes fewer. */
    @ParameterizedTest
    @CsvSource({
        "PROMPTS, 8, 160, 1.2, 0.4, 0.2, PROMPTS, 31", // 7.84 * (0.4^2 + 0.2^2 / 20) / ln(1.2)^2 = 38.2
        "PROMPTS, 30, 60, 1, 0.2, 0.2, PROMPTS, 190", // 8.567 * (0.2^2 + 0.2^2 / 2) / ln(1.05)^2 = 215.9
        "PROMPTS, 8, 8, 1.2, 0.2, 0.2, PROMPTS, 11", // 7.84 * (0.2^2 + 0.2^2) / ln(1.2)^2 = 18.9
        "PROMPTS, 60, 60, 1.2, 0.2, 0.2, PROMPTS, 1", // enough, were the ratio the true one
        "REPETITIONS, 2, 20, 1.1, 0.3, 0.4, REPETITIONS, 60", // 7.84 * 0.4^2 / ln(1.1)^2 = 138.1 pairs, 69.0 of each
        "REPETITIONS, 2, 20, 1.05, 0, 0, REPETITIONS, 1"})
    void howManyMoreWouldBeEnough(Unit unit, int units, int size, double ratio, double between,
            double within, Unit more, long number) {
        var difference = Differences.of(unit, units, size, ratio, 0.9, 1.5, 0.92, 1.4, 0.2, false, new Spread(between, within));
        assertEquals(new Difference.More(more, number), difference.more(0.05));
    }

    @Test
    void whereMoreWouldNotHelpNoNumberIsGiven() {
        assertNull(Differences.of(Unit.PROMPTS, 8, 8, 1.02, 0.5, 2.0, 0.6, 1.9, 0.9, false, new Spread(6, 4)).more(0.02),
                "7.84 * 52 / ln(1.02)^2, a million");
        assertNull(Differences.of(Unit.PROMPTS, 8, 160, 1.02, 0.5, 2.0, 0.6, 1.9, 0.9, false,
                new Spread(Math.sqrt(3), 0)).more(0.02),
                "7.84 * 3 / ln(1.02)^2 prompts, 20 times each, more than a million");
        assertNull(Differences.of(Unit.RUNS, 3, 30, 1.2, 0.9, 1.5, 0.92, 1.4, 0.2, false, null).more(0.05));
        assertNull(Differences.of(Unit.PROMPTS, 8, 8, null, 0.9, 1.5, 0.92, 1.4, 0.2, false, new Spread(1, 1)).more(0.05));
        assertNull(Differences.of(Unit.PROMPTS, 5, 5, 1.2, null, null, null, null, null, false, new Spread(1, 1)).more(0.05));
        assertEquals("not distinguishable with 3 runs of each",
                Differences.of(Unit.RUNS, 3, 30, 1.2, 0.9, 1.5, 0.92, 1.4, 0.2, false, null)
                .verdictWords(0.05));
    }

    /**
     * Both ends of the 90 % interval must be inside the margin, which is the same distance on a logarithmic scale on both sides.
     */
    @ParameterizedTest
    @CsvSource({"0.953, 1.049, SAME", "0.952, 1.049, UNCLEAR", "0.953, 1.05, UNCLEAR", "0.953, 1.051, UNCLEAR"})
    void theSameIsInsideTheMarginOnBothSides(double lower90, double upper90, Verdict verdict) {
        assertEquals(verdict, Differences.of(Unit.PROMPTS, 30, 30, 1.0, 0.9, 1.1, lower90, upper90, 0.9,
                false, null).verdict(0.05));
    }

    @ParameterizedTest
    @CsvSource({"0.05, 1.2, SLOWER, slower", "0.051, 1.2, UNCLEAR, 'not distinguishable with 30 prompts'",
            "0.05, 0.8, FASTER, faster"})
    void aPValueOfFivePercentIsSignificant(double pValue, double ratio, Verdict verdict, String words) {
        var difference = Differences.of(Unit.PROMPTS, 30, 30, ratio, 0.7, 1.3, 0.75, 1.25, pValue, false, null);
        assertEquals(verdict, difference.verdict(0.05));
        assertEquals(words, difference.verdictWords(0.05));
        assertEquals(verdict != Verdict.UNCLEAR, difference.verdictIsPlain(0.05));
        assertEquals(verdict != Verdict.UNCLEAR, difference.isSignificant());
    }

    /** Load that lasts may explain a difference that there is; how large it may be is a matter of TimeDependence. */
    @Test
    void loadMayExplainADifferenceThatThereIs() {
        assertTrue(withLoad(true, 0.05).mayBeLoad());
        assertFalse(withLoad(true, 0.06).mayBeLoad(), "there is no difference to explain");
        assertFalse(withLoad(false, 0.01).mayBeLoad());
    }

    private static Difference withLoad(boolean load, double pValue) {
        return Differences.of(Unit.PROMPTS, 30, 30, 1.1, 1.01, 1.2, 1.02, 1.19, pValue, load, null);
    }

    @Test
    void theSampleIsCountedInWords() {
        var spread = new Spread(0, 0);
        assertEquals("8 prompts and 160 pairs", counted(Unit.PROMPTS, 8, 160, spread));
        assertEquals("8 prompts", counted(Unit.PROMPTS, 8, 8, spread));
        assertEquals("8 prompts and 16 answers", counted(Unit.PROMPTS, 8, 16, null));
        assertEquals("20 pairs of 1 prompt", counted(Unit.REPETITIONS, 1, 20, spread));
        assertEquals("1 answer of 1 prompt", counted(Unit.REPETITIONS, 1, 1, null));
        assertEquals("3 runs of each", counted(Unit.RUNS, 3, 30, null));
        assertEquals("5 pairs of 2 prompts, too few: 6 prompts or 4 repetitions are needed",
                tooFew(Unit.REPETITIONS, 2, 5, spread));
        assertEquals("4 pairs of 5 prompts, too few: 6 prompts or 2 repetitions are needed",
                tooFew(Unit.REPETITIONS, 5, 4, spread));
        assertEquals("5 answers of 5 prompts, too few: 6 prompts are needed", tooFew(Unit.REPETITIONS, 5, 5, null));
        assertEquals("6 prompts, too few: 6 prompts are needed", tooFew(Unit.PROMPTS, 6, 6, spread));
    }

    private static String counted(Unit unit, int units, int size, Spread spread) {
        return Differences.of(unit, units, size, 1.1, 1.01, 1.2, 1.02, 1.19, 0.01, false, spread).count();
    }

    private static String tooFew(Unit unit, int units, int size, Spread spread) {
        return Differences.of(unit, units, size, 1.1, null, null, null, null, null, false, spread).verdictWords(0.05);
    }

    @Test
    void wordsOfVerdictsAndUnits() {
        assertEquals(List.of("faster", "slower", "the same", "unclear", "too few"),
                Arrays.stream(Verdict.values()).map(Verdict::phrase).toList());
        assertEquals(List.of("faster", "slower", "same", "unclear", "too_few"),
                Arrays.stream(Verdict.values()).map(Verdict::word).toList());
        assertEquals(Unit.RUNS, Unit.of("runs"));
        assertEquals("unknown unit 'days'", assertThrows(IllegalArgumentException.class, () -> Unit.of("days")).getMessage());
        assertEquals(List.of("5 %", "12.5 %", "0.1 %"), Stream.of(0.05, 0.125, 0.001).map(Difference::percent).toList());
    }

    @ParameterizedTest
    @CsvSource({"5%,0.05", "0.05,0.05", "12.5%,0.125"})
    void aMarginIsAShare(String text, double share) {
        assertEquals(share, Difference.margin("--margin", text), 1e-12);
    }

    @ParameterizedTest
    @CsvSource({"0", "-5%", "100%", "many", "NaN", "''"})
    void anImpossibleMarginIsNamed(String text) {
        assertTrue(assertThrows(UserError.class, () -> Difference.margin("--margin", text)).getMessage()
                .startsWith("--margin '" + text + "'; must be a share"));
    }
}
