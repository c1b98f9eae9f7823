package stream.bench;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import stream.compare.StatisticsTest;

/** How often a verdict is false, and how often a difference is found, under the designs that docs/comparing.md names. */
@Execution(ExecutionMode.CONCURRENT)
class VerdictSimulationTest {

    // Levels and powers. The standard error of a share of 5 % of 2000 data sets is 0.5 points.

    static final List<Arguments> WITHOUT_A_DIFFERENCE = List.of(
            Arguments.of("own effects", RunDesign.of(8, 20, 0.2, 0.2), 0.0, 0.07),
            Arguments.of("30 x 2", RunDesign.of(30, 2, 0, 0.2), 0.03, 0.07),
            Arguments.of("60 x 1", RunDesign.of(60, 1, 0, 0.2), 0.0, 0.07),
            Arguments.of("6 x 5", RunDesign.of(6, 5, 0.3, 0.2), 0.0, 0.07),
            Arguments.of("heavy tails", RunDesign.of(30, 2, 0, 0.2).withHeavyTails(), 0.0, 0.07),
            Arguments.of("load", RunDesign.of(8, 20, 0, 0.2).withLoad(0.1, 0.8), 0.0, 0.07));

    @Tag(StatisticsTest.SIMULATION)
    @ParameterizedTest
    @FieldSource("WITHOUT_A_DIFFERENCE")
    void aFalseVerdictIsRare(String name, RunDesign design, double least, double most) {
        var share = VerdictSimulation.share(design, 1, 2000, VerdictSimulation::isDifferent);
        assertTrue(share >= least && share <= most, name + ": " + share);
    }

    @Test
    void amongThreeEqualModelsAFalseVerdictIsRareAlthoughTheFastestIsChosen() {
        var share = VerdictSimulation.shareOfMany(RunDesign.of(8, 20, 0.2, 0.2), 3, 2000);
        assertTrue(share > 0.01 && share <= 0.07, String.valueOf(share));
    }

    @Tag(StatisticsTest.SIMULATION)
    @Test
    void severalRunsOfEachSideKeepTheLevelWhateverTheDayDoes() {
        assertTrue(VerdictSimulation.shareOfRuns(RunDesign.of(8, 5, 0, 0.2).onTwoDays(0.1), 3, 2000) <= 0.07);
        assertTrue(VerdictSimulation.share(RunDesign.of(8, 5, 0, 0.2).onTwoDays(0.1), 1, 200, VerdictSimulation::isDifferent) > 0.3,
                "one run of each does not");
    }

    @Tag(StatisticsTest.SIMULATION)
    @Test
    void loadThatGoesOnForLongIsAtLeastNoticed() {
        var share = VerdictSimulation.share(RunDesign.of(8, 20, 0, 0.2).withLoad(0.1, 0.95), 1, 2000,
                difference -> VerdictSimulation.isDifferent(difference) && !difference.mayBeLoad());
        assertTrue(share <= 0.07, String.valueOf(share));
    }

    @Tag(StatisticsTest.SIMULATION)
    @Test
    void aDifferenceOfSixPercentIsFound() {
        assertTrue(VerdictSimulation.share(RunDesign.of(60, 1, 0, 0.1), 1.06, 2000, VerdictSimulation::isDifferent) >= 0.8);
        assertTrue(VerdictSimulation.share(RunDesign.of(8, 20, 0.2, 0.2), 1.5, 500, VerdictSimulation::isDifferent) >= 0.85);
    }

    @Tag(StatisticsTest.SIMULATION)
    @Test
    void whatDiffersByTheMarginIsRarelyCalledTheSame() {
        assertTrue(VerdictSimulation.share(RunDesign.of(60, 1, 0, 0.1), 1.05, 2000, VerdictSimulation::isSame) <= 0.06);
        assertTrue(VerdictSimulation.share(RunDesign.of(200, 1, 0, 0.1), 1.05, 2000, VerdictSimulation::isSame) <= 0.06);
        assertTrue(VerdictSimulation.share(RunDesign.of(60, 1, 0, 0.1), 1 / 1.05, 2000, VerdictSimulation::isSame) <= 0.06);
        assertTrue(VerdictSimulation.share(RunDesign.of(200, 1, 0, 0.1), 1.0, 200, VerdictSimulation::isSame) >= 0.9);
    }
}
