//DEPS org.junit.jupiter:junit-jupiter:5.14.4

package stream;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whether a difference is real: held against SciPy, and against simulated truths. */
class StatisticsTest {

    /** 24 pairs drawn with NumPy; the figures below are those of SciPy 1.17 for them. */
    private static final double[] VALUES = {215.076, 223.339, 132.602, 148.284, 181.895, 158.636, 169.971, 292.221, 156.439,
        154.414, 285.201, 207.067, 215.692, 181.386, 190.717, 254.409, 142.653, 184.821, 98.789, 144.267, 148.177, 155.168,
        163.331, 231.919};
    private static final double[] BASELINE = {172.634, 280.538, 196.197, 121.505, 167.637, 153.859, 188.058, 314.67, 162.29,
        174.333, 273.077, 191.089, 202.172, 134.073, 191.97, 195.887, 116.38, 160.824, 122.912, 153.231, 89.655, 157.166,
        143.14, 152.863};

    @TempDir
    Path folder;

    @Test
    void figuresAreThoseOfSciPy() {
        var paired = Difference.between(VALUES, BASELINE, true);
        var unpaired = Difference.between(VALUES, BASELINE, false);
        assertAll(
                () -> assertEquals(1.0649537624989769, paired.ratio(), 1e-12, "numpy.median(a) / numpy.median(b)"),
                () -> assertEquals(0.1779801845550537, paired.pValue(), 1e-12, "wilcoxon(log(a / b), method='exact')"),
                () -> assertEquals(0.48034525042379617, unpaired.pValue(), 1e-12, "mannwhitneyu(a, b, method='exact')"),
                // 40,000 draws of hdmedian there, 4,000 here: the ends of an interval agree to about a tenth of its width
                () -> assertEquals(0.942, paired.lower95(), 0.01, "95 %, low"),
                () -> assertEquals(1.161, paired.upper95(), 0.01, "95 %, high"),
                () -> assertEquals(0.959, paired.lower90(), 0.01, "90 %, low"),
                () -> assertEquals(1.141, paired.upper90(), 0.01, "90 %, high"),
                () -> assertEquals(0.892, unpaired.lower95(), 0.015, "95 %, low"),
                () -> assertEquals(1.236, unpaired.upper95(), 0.015, "95 %, high"));
    }

    /** A thousand experiments each; the standard error of the share is 0.7 points. */
    @ParameterizedTest
    @CsvSource({"16,1.0,0.3,true", "30,1.0,0.0,true", "30,1.3,0.3,true", "40,1.0,0.5,true", "40,0.8,0.2,true",
        "30,1.2,0.3,false"})
    void theIntervalHoldsTheTruthNineteenTimesInTwenty(int size, double effect, double promptSpread, boolean paired) {
        var held = 0;
        var random = new SplittableRandom(size);
        for (int experiment = 0; experiment < 1000; experiment++) {
            var values = new double[size];
            var baseline = new double[size];
            for (int i = 0; i < size; i++) {
                var prompt = promptSpread * random.nextGaussian();
                values[i] = 200 * effect * Math.exp(prompt + 0.2 * random.nextGaussian());
                baseline[i] = 200 * Math.exp((paired ? prompt : promptSpread * random.nextGaussian())
                        + 0.2 * random.nextGaussian());
            }
            var difference = Difference.between(values, baseline, paired);
            held += difference.lower95() <= effect && effect <= difference.upper95() ? 1 : 0;
        }
        assertTrue(held >= 930 && held <= 970, held + " of 1000");
    }

    @Test
    void amongEqualModelsAFalseVerdictIsRare() {
        var random = new SplittableRandom(1);
        var wrong = 0;
        for (int experiment = 0; experiment < 1000; experiment++) {
            var values = random.doubles(20, 100, 300).toArray();
            var verdict = Difference.between(values, random.doubles(20, 100, 300).toArray(), true).verdict(0.05);
            wrong += verdict == Verdict.FASTER || verdict == Verdict.SLOWER ? 1 : 0;
        }
        assertTrue(wrong <= 60, wrong + " of 1000, of which 50 are to be expected at most");
    }

    @Test
    void aLargeDifferenceIsSlowerOrFaster() {
        var slower = Arrays.stream(BASELINE).map(value -> value * 1.5).toArray();
        assertEquals(Verdict.SLOWER, Difference.between(slower, BASELINE, true).verdict(0.05));
        assertEquals(Verdict.FASTER, Difference.between(BASELINE, slower, true).verdict(0.05));
        assertEquals(1.5, Difference.between(slower, BASELINE, true).ratio(), 1e-12);
    }

    @Test
    void aDifferenceThatIsRealButWithinTheMarginIsTheSame() {
        var random = new SplittableRandom(3);
        var values = random.doubles(400, 200, 210).toArray();
        var slightlySlower = Arrays.stream(values).map(value -> value * 1.01 + random.nextDouble()).toArray();
        var difference = Difference.between(slightlySlower, values, true);
        assertTrue(difference.pValue() < 0.001, "the test sees it");
        assertEquals(Verdict.SAME, difference.verdict(0.05));
        assertEquals(Verdict.SLOWER, difference.verdict(0.001));
        assertEquals("the same within 5 %", difference.verdictWords(0.05));
    }

    @Test
    void fewPairsGetNoIntervalAndNoVerdict() {
        var difference = Difference.between(Arrays.copyOf(VALUES, 5), Arrays.copyOf(BASELINE, 5), true);
        assertNull(difference.lower95());
        assertNull(difference.pValue());
        assertEquals("1.05x  5 pairs, too few: at least 6 are needed", String.format("%.2fx  ", difference.ratio())
                + difference.verdictWords(0.05));
        assertEquals(Verdict.TOO_FEW, difference.verdict(0.05));
    }

    @Test
    void whatASampleCantTellSaysHowManyMoreWould() {
        var random = new SplittableRandom(4);
        var told = 0;
        for (int experiment = 0; experiment < 40; experiment++) {
            var few = sample(random, 30, 1.12);
            var difference = Difference.between(few[0], few[1], true);
            if (difference.verdict(0.05) == Verdict.UNCLEAR && difference.morePairs(0.05) != null) {
                var size = (int) Math.min(3000, 30 + difference.morePairs(0.05));
                var more = sample(random, size, difference.ratio());
                told += Difference.between(more[0], more[1], true).verdict(0.05) == Verdict.UNCLEAR ? -1 : 1;
            }
        }
        assertTrue(told > 0, "if the ratio is what it seemed, so many more tell more often than not: " + told);
    }

    @Test
    void howManyMoreKnowsThatFewPairsCantBeSignificantAmongManyComparisons() {
        // 6 pairs that all point one way have p = 2 / 2^6; times 10 comparisons that is 0.3125, and each pair halves it
        assertEquals(3, new Difference(6, true, 2.0, 1.8, 2.2, 1.85, 2.15, 0.3125).morePairs(0.05));
        assertEquals(1, new Difference(6, true, 2.0, 1.8, 2.2, 1.85, 2.15, 0.0625).morePairs(0.05));
    }

    private static double[][] sample(SplittableRandom random, int size, double effect) {
        var values = new double[2][size];
        for (int i = 0; i < size; i++) {
            values[0][i] = effect * Math.exp(0.4 * random.nextGaussian());
            values[1][i] = Math.exp(0.4 * random.nextGaussian());
        }
        return values;
    }

    @Test
    void theSameFilesGiveTheSameFigures() {
        assertEquals(Difference.between(VALUES, BASELINE, true), Difference.between(VALUES, BASELINE, true));
    }

    @Test
    void pValuesOfSeveralPairsAreCorrectedAsHolmDid() {
        var three = List.of(withPValue(0.04), withPValue(0.01), withPValue(0.03));
        // statsmodels' multipletests(..., method='holm')
        assertEquals(List.of(0.06, 0.03, 0.06), Difference.corrected(three).stream().map(Difference::pValue).toList());
    }

    private static Difference withPValue(double pValue) {
        return new Difference(30, true, 1.1, 1.01, 1.2, 1.02, 1.19, pValue);
    }

    @Test
    void timesOfZeroAndEqualSamplesAreNoAccident() {
        var zeros = new double[10];
        assertNull(Difference.between(VALUES, new double[24], true).ratio());
        assertEquals("not comparable", Difference.between(zeros, zeros, true).verdictWords(0.05));
        assertEquals(Verdict.SAME, Difference.between(VALUES, VALUES, true).verdict(0.05));
        assertEquals("not comparable", Difference.between(new double[0], VALUES, false).verdictWords(0.05));
    }

    @ParameterizedTest
    @CsvSource({"5%,0.05", "0.05,0.05", "12.5%,0.125"})
    void aMarginIsAShare(String text, double share) {
        assertEquals(share, Difference.margin(text), 1e-12);
    }

    @ParameterizedTest
    @CsvSource({"0", "-5%", "100%", "many", "NaN", "''"})
    void anImpossibleMarginIsNamed(String text) {
        assertTrue(assertThrows(UserError.class, () -> Difference.margin(text)).getMessage()
                .startsWith("--margin '" + text + "'; must be a share"));
    }
}
