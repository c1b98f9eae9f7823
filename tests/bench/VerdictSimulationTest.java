package stream.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import stream.compare.StatisticsTest;

/**
 * How often a verdict is false, under the designs that docs/comparing.md names: its table, simulated again with fewer data sets.
 */
@Execution(ExecutionMode.CONCURRENT)
@Tag(StatisticsTest.SIMULATION)
class VerdictSimulationTest {

    private static final int DATA_SETS = 30;

    /** So seldom is a figure of the table outside the limits by chance; the seeds are fixed, so a change is one of the code. */
    private static final double TAIL = 0.0005;

    static Stream<VerdictTable.Equal> equal() {
        return Stream.concat(VerdictTable.documented().stream(), VerdictTable.limited().stream());
    }

    /** Returns the cells of the tables of the documentation by their first one. */
    private static Map<String, List<String>> documented() throws Exception {
        var rows = new LinkedHashMap<String, List<String>>();
        for (var line : Files.readAllLines(Path.of("docs/comparing.md"))) {
            var cells = Arrays.stream(line.split("\\|")).map(String::strip).toList();
            if (line.startsWith("|") && cells.size() > 2) {
                rows.putIfAbsent(cells.get(1), cells.subList(2, cells.size()));
            }
        }
        return rows;
    }

    private static double share(String cell) {
        return Double.parseDouble(cell.replace(" %", "")) / 100;
    }

    private static void assertCount(String cell, long count, String what) {
        var distribution = BinomialDistribution.of(DATA_SETS, Math.clamp(share(cell), 0.001, 0.999));
        assertTrue(count >= distribution.inverseCumulativeProbability(TAIL)
                && count <= distribution.inverseSurvivalProbability(TAIL),
                what + ": " + count + " of " + DATA_SETS + ", not " + cell);
    }

    @ParameterizedTest
    @MethodSource("equal")
    void aFalseVerdictIsAsRareAsTheDocumentationSays(VerdictTable.Equal line) throws Exception {
        var said = VerdictSimulation.said(line.drawn(), DATA_SETS);
        var documented = documented().get(line.design());
        assertCount(documented.get(0), said.stream().filter(VerdictSimulation.Said::isDifferent).count(), "false verdicts");
        assertCount(documented.get(1), said.stream().filter(VerdictTable.withoutCaveat(line)).count(), "without caveat");
        assertCount(documented.get(2), said.stream().filter(VerdictSimulation.Said::holdsOne).count(), "interval holds 1");
        assertEquals(line.caveat(), documented.size() < 4 ? "" : documented.get(3));
        assertTrue(share(documented.get(1)) <= 0.07, "at most 7 % without a caveat");
    }

    static Stream<VerdictTable.Different> different() {
        return VerdictTable.different().stream();
    }

    @ParameterizedTest
    @MethodSource("different")
    void aDifferenceIsFoundAsOftenAsTheDocumentationSays(VerdictTable.Different line) throws Exception {
        var said = VerdictSimulation.said(line.drawn(), DATA_SETS);
        var documented = documented().get(line.design());
        assertCount(documented.get(0), said.stream().filter(VerdictSimulation.Said::isDifferent).count(), "found");
        assertCount(documented.get(1), said.stream().filter(VerdictSimulation.Said::isDifferentWithoutCaveat)
                .count(), "without caveat");
    }

    /** The powers that no change may lower. */
    @Test
    void theDocumentedPowersAreKept() throws Exception {
        assertTrue(share(documented().get("60 x 1, noise 0.1, ratio 1.06").getFirst()) >= 0.78);
        assertTrue(share(documented().get("8 x 20, own effects 0.2, ratio 1.5").getFirst()) >= 0.9);
    }

    static Stream<VerdictTable.Equal> withTails() {
        return VerdictTable.withTails().stream();
    }

    @ParameterizedTest
    @MethodSource("withTails")
    void theIntervalOfATailHoldsAsOftenAsTheDocumentationSays(VerdictTable.Equal line) throws Exception {
        var said = VerdictSimulation.said(line.drawn(), DATA_SETS);
        var documented = documented().get("p95: " + line.design());
        var shown = said.stream().filter(each -> each.tail() != null && each.tail().lower() != null).toList();
        assertCount(documented.get(0), shown.size(), "shown");
        assertCount(documented.get(2), shown.stream().filter(each -> each.tail().lower() > 1.2).count(), "fails");
        assertCount(documented.get(3), said.stream().filter(VerdictSimulation.Said::hasTailNote).count(), "notes");
        assertTrue(share(documented.get(0)) < 0.05 || share(documented.get(1)) >= 0.9, "withheld, or right: " + documented);
    }

    @Test
    void whatDiffersByTheMarginIsRarelyCalledTheSame() throws Exception {
        for (var prompts : List.of(60, 200)) {
            var count = VerdictSimulation.said(RunDesign.of(prompts, 1, 0, 0.1).ratio(1.05), DATA_SETS).stream()
                    .filter(VerdictSimulation.Said::isSame).count();
            assertCount(documented().get(prompts + " x 1, noise 0.1, ratio 1.050").getFirst(), count, "the same");
        }
    }

    @Test
    void aChangeIsSeldomFalseAndMostlyFound() throws Exception {
        var none = HistorySimulation.of(24, 0.05).marked(DATA_SETS);
        assertCount(documented().get("24 runs without a change, spread 0.05").getFirst(),
                Math.round(none.share() * DATA_SETS), "none");
        var found = HistorySimulation.of(24, 0.05).changed(12, 1.1).marked(DATA_SETS);
        assertCount(documented().get("found: 24 runs, from the 13th on 1.1x").getFirst(),
                Math.round(found.share() * DATA_SETS), "found");
        var last = HistorySimulation.of(24, 0.05).changed(21, 1.5).marked(DATA_SETS);
        assertCount(documented().get("found: 24 runs, the last 3 1.5x").getFirst(),
                Math.round(last.share() * DATA_SETS), "the last three");
    }
}
