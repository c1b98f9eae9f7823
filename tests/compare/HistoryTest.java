package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;

/** A metric over many runs, and where it changed. */
@Execution(ExecutionMode.CONCURRENT)
class HistoryTest {

    @TempDir
    Path folder;

    /** Writes a run of a day: four prompts with TTFT of 100, 200, 300 and 400 ms times a factor for each model. */
    private void run(int day, double ofA, double ofB) {
        var name = "202611%02dT060000Z-0000".formatted(day);
        var run = new RunOnDisk(folder.resolve("results").resolve(name));
        for (int prompt = 1; prompt <= 4; prompt++) {
            var at = RunOnDisk.BEGIN.plus(Duration.ofDays(day)).plusSeconds(prompt).toString();
            var off = 1 + ((prompt * 7 + day * 3) % 5 - 2) * 0.01;
            run.answer("a", "p" + prompt, 1, 100 * prompt * ofA * off, 5, 3, "started_at", at);
            run.answer("b", "p" + prompt, 1, 100 * prompt * ofB / off, 5, 3, "started_at", at);
        }
        run.write();
    }

    private List<CSVRecord> rows() throws Exception {
        var text = Printed.compare("--history", folder.resolve("results"), "--format", "csv").expect(0).out();
        assertTrue(text.startsWith("model,metric,run,began,n,failed,p50_ms,ratio,low,high,change_ratio,change_low,change_high\r\n"),
                text);
        try (var rows = CSVParser.parse(text, CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get())) {
            return rows.getRecords();
        }
    }

    /** a takes 1.5 times as long from the eighth of fourteen runs on; b always the same, but for a little noise. */
    @Test
    void aChangeIsMarkedWhereItBeginsAndNothingElseIs() throws Exception {
        var random = new SplittableRandom(2);
        for (int day = 1; day <= 14; day++) {
            run(day, (day >= 8 ? 1.5 : 1) * (1 + 0.02 * random.nextDouble()), 1 + 0.02 * random.nextDouble());
        }
        var rows = rows();
        assertEquals(28, rows.size());
        assertEquals(List.of("a 20261108T060000Z-0000"), rows.stream().filter(row -> !row.get("change_ratio").isEmpty())
                .map(row -> row.get("model") + " " + row.get("run")).toList());
        var change = rows.get(7);
        assertEquals(1.5, Double.parseDouble(change.get("change_ratio")), 0.02);
        assertTrue(Double.parseDouble(change.get("change_low")) > 1.45
                && Double.parseDouble(change.get("change_high")) < 1.55, change.toString());
        // sqrt(1.5) on either side of the mean of logarithms, medians of 100 to 400 ms
        assertEquals(1 / Math.sqrt(1.5), Double.parseDouble(rows.get(0).get("ratio")), 0.02);
        assertEquals("8", String.valueOf(rows.stream().filter(row -> row.get("model").equals("a")).toList().indexOf(change) + 1));
        assertTrue(Double.parseDouble(rows.get(0).get("low")) < Double.parseDouble(rows.get(0).get("ratio")),
                rows.get(0).toString());

        var text = Printed.compare("--history", folder.resolve("results")).expect(0).out();
        assertTrue(text.startsWith("a, TTFT of 14 runs: changed to 1.5"), text);
        assertTrue(text.contains("\nb, TTFT of 14 runs: no change that is more than chance.\n"), text);
        var page = folder.resolve("history.html");
        Printed.compare("--history", folder.resolve("results"), "--export", page, "--export",
                folder.resolve("history.md")).expect(0);
        var html = Files.readString(page);
        assertEquals(2, html.split("<svg").length - 1);
        assertEquals(28, html.split("<circle").length - 1);
        assertEquals(1, html.split("<tr class=\"change\">").length - 1);
        assertFalse(html.contains("http://") && !html.contains("xmlns=\"http://www.w3.org/2000/svg\"")
                || html.contains("<script"), "loads nothing");
        assertTrue(Files.readString(folder.resolve("history.md")).contains("| 20261108T060000Z-0000 |"));
    }

    /**
     * Of each run the ratio is that over the prompts that all have; the interval is Student's over these, by hand for two prompts.
     */
    @Test
    void ratiosAreOverThePromptsOfTheNewestRun() throws Exception {
        var results = folder.resolve("results");
        new RunOnDisk(results.resolve("20261101T060000Z-0000")).answer("m", "p1", 1, 100, 5, 3).answer("m", "p2", 1, 400, 5, 3)
                .answer("m", "old", 1, 9000, 5, 3).write();
        new RunOnDisk(results.resolve("20261102T060000Z-0000")).answer("m", "p1", 1, 100, 5, 3).write();
        new RunOnDisk(results.resolve("20261103T060000Z-0000")).answer("m", "p1", 1, 200, 5, 3)
                .answer("m", "p2", 1, 400, 5, 3).write();
        var rows = rows();
        assertEquals(List.of("20261101T060000Z-0000 0.8409", "20261103T060000Z-0000 1.1892"), rows.stream()
                .map(row -> row.get("run") + " " + row.get("ratio")).toList()); // 2 to the power of -1/4 and 1/4
        // deviations -ln(2)/2 and 0 of two runs from their mean: half their range times the quantile 12.706 of one degree of
        // freedom, and the square root of 2, since half of that mean is the run itself
        assertEquals(Math.exp(-Math.log(2) / 4 - 12.7062047 * Math.log(2) / 4 * Math.sqrt(2)),
                Double.parseDouble(rows.getFirst().get("low")), 1e-4);
        var text = Printed.compare("--history", results).expect(0).out();
        assertTrue(text.contains("note: m, 20261102T060000Z-0000: without some of the prompts of the newest run, left out (0 of "
                + "1 failed)\n"), text);
        assertTrue(text.startsWith("m, TTFT of 2 runs: fewer than 10, too few to tell a change.\n"), text);
    }

    /**
     * A run without a completed request has a row without a ratio, and the sentence tells; so has a model that failed in all runs.
     */
    @Test
    void runsThatFailedAreShown() throws Exception {
        var results = folder.resolve("results");
        for (int day = 1; day <= 3; day++) {
            var run = new RunOnDisk(results.resolve("2026110" + day + "T060000Z-0000"));
            run.failure("gone", "p1", 1, "404");
            if (day == 2) {
                run.failure("m", "p1", 1, "503");
            } else {
                run.answer("m", "p1", 1, 100, 5, 3).answer("m", "p2", 1, 100, 5, 3);
            }
            run.write();
        }
        var rows = rows();
        assertEquals(List.of("gone 1 1 -", "gone 1 1 -", "gone 1 1 -", "m 2 0 1.0000", "m 1 1 -", "m 2 0 1.0000"),
                rows.stream().map(row ->
                row.get("model") + " " + row.get("n") + " " + row.get("failed") + " "
                + (row.get("ratio").isEmpty() ? "-" : row.get("ratio"))).toList());
        var text = Printed.compare("--history", results).expect(0).out();
        assertTrue(text.contains("gone, TTFT of 3 runs: fewer than 10, too few to tell a change; nothing completed in 3 runs.\n"),
                text);
        assertTrue(text.contains("m, TTFT of 3 runs: fewer than 10, too few to tell a change; nothing completed in 1 run.\n"),
                text);
        Printed.compare("--history", results, "--format", "html").expect(0);
        assertEquals("compare: --history: no run has a value of ttft_net; name another metric with --metric\n",
                Printed.compare("--history", results, "--metric", "ttft_net").expect(2).err());
    }

    /** Seven low values, the last of which is the highest, and six high ones: Pettitt's statistic is the same at two places. */
    @Test
    void ofTwoPlacesWithTheSameStatisticTheLargerChangeCounts() {
        var series = new double[] {41.5, 42.1, 43.1, 42.1, 44.2, 43.2, 45.1, 55.9, 56.2, 57.5, 55.1, 57.7, 54.1};
        assertEquals(List.of(7), ChangePoints.of(series).stream().map(ChangePoints.Change::at).toList());
    }

    /** Both change on the eighth day; before and after it a goes up and down slowly, b does not. */
    @Test
    void whereRunsResembleTheOneBeforeTheSentenceSaysSo() throws Exception {
        for (int day = 1; day <= 14; day++) {
            run(day, (day >= 8 ? 1.5 : 1) * (1 + 0.03 * Math.sin(day * 0.9)), (day >= 8 ? 1.5 : 1) * (1 + 0.002 * (day * 7 % 12)));
        }
        var lines = Printed.compare("--history", folder.resolve("results")).expect(0).out().lines()
                .filter(line -> line.contains(", TTFT of 14 runs")).toList();
        assertTrue(lines.get(0).contains("changed to") && lines.get(0).contains("resembles the one before"), lines.toString());
        assertTrue(lines.get(1).contains("changed to"), lines.toString());
        assertFalse(lines.get(1).contains("resembles the one before"), lines.toString());
    }

    /** Runs that are named in any order, one of them in the evening. */
    @Test
    void runsAreInTheOrderOfTime() throws Exception {
        run(2, 2, 1);
        run(1, 1, 1);
        var evening = new RunOnDisk(folder.resolve("results/20261103T183000Z-0000"));
        for (int prompt = 1; prompt <= 4; prompt++) {
            evening.answer("a", "p" + prompt, 1, 300, 5, 3, "started_at", "2026-11-03T18:30:00Z");
        }
        evening.write();
        var text = Printed.compare("--history", folder.resolve("results/20261103T183000Z-0000"),
                folder.resolve("results/20261102T060000Z-0000"),
                folder.resolve("results/20261101T060000Z-0000")).expect(0).out();
        assertTrue(text.matches("(?s).*\n20261101T060000Z-0000 .*\n20261102T060000Z-0000 .*\n20261103T183000Z-0000 +2026-11-03 "
                + "18:30 .*"), text);
    }

    @Test
    void aRunAloneHasNothingToBeComparedWith() throws Exception {
        run(1, 1, 1);
        var row = rows().getFirst();
        assertEquals("253.000||", row.get("p50_ms") + "|" + row.get("ratio") + "|" + row.get("low"));
        for (var format : List.of("text", "markdown", "html")) {
            var shown = Printed.compare("--history", folder.resolve("results"), "--format", format).expect(0).out();
            assertTrue(shown.matches("(?s).*20261101T060000Z-0000.*\\b253\\.0\\b.*"), shown);
        }
    }

    /** The label of a model is a text that somebody else may have chosen. */
    @Test
    void noLabelIsMarkupInThePage() throws Exception {
        new RunOnDisk(folder.resolve("results/20261101T060000Z-0000")).answer("<b>m", "p1", 1, 100, 5, 3).write();
        var html = Printed.compare("--history", folder.resolve("results"), "--format", "html").expect(0).out();
        assertTrue(html.contains("&lt;b&gt;m, TTFT of 1 run") && !html.contains("<b>"), html);
    }

    @Test
    void wrongUsageIsOneLine() {
        run(1, 1, 1);
        var results = folder.resolve("results");
        assertEquals("compare: --history shows one metric; name one with --metric\n",
                Printed.compare("--history", results, "--metric", "ttft,itl").expect(2).err());
        assertEquals("compare: --format json: a history is text, markdown, csv or html; name one of these\n",
                Printed.compare("--history", results, "--format", "json").expect(2).err());
        for (var option : List.of(List.of("--by", "model"), List.of("--baseline", "a"),
                List.of("--fail-if", "ttft_p50 > 1.2x"), List.of("--check"),
                List.of("--as", "all"))) {
            var words = new ArrayList<Object>(List.of("--history", results));
            words.addAll(option);
            assertEquals("compare: --history compares each run with the mean of all; leave --check, --as all, --fail-if, --by "
                    + "and --baseline out\n",
                    Printed.compare(words.toArray()).expect(2).err());
        }
        assertTrue(Printed.compare("--history", results, "--metric", "itl").expect(0).out()
                .startsWith("a, ITL of 1 run: fewer than 10"));
    }

    /**
     * Of a staircase the place of the first cut is between the two steps; once both are known, each is placed between its
     * neighbours.
     */
    @Test
    void theStepsOfAStaircaseArePlacedWhereTheyAre() {
        var levels = List.of(0.0, 0.2, 0.9);
        var series = IntStream.range(0, 36).mapToDouble(i -> levels.get(i / 12) + 0.002 * (i * 7 % 12)).toArray();
        assertEquals(List.of(12, 24), ChangePoints.of(series).stream().map(ChangePoints.Change::at).toList());
    }

    /** Two changes in one series, found in their order; of ten values five before and five after are enough, of nine none are. */
    @Test
    void severalChangesAreFoundAndTheFewestRunsAreTen() {
        // the one at 12 is found first, then the one at 24
        for (var levels : List.of(List.of(0.0, 0.5, 0.2), List.of(0.2, 0.5, 0.0))) {
            var series = IntStream.range(0, 36).mapToDouble(i -> levels.get(i / 12) + 0.002 * (i * 7 % 12)).toArray();
            assertEquals(List.of(12, 24), ChangePoints.of(series).stream().map(ChangePoints.Change::at).toList());
        }
        assertEquals(1, ChangePoints.of(new double[] {1, 1.1, 1.2, 1.3, 1.4, 9, 9.1, 9.2, 9.3, 9.4}).size());
        assertEquals(0, ChangePoints.of(new double[] {1, 1.1, 1.2, 1.3, 9, 9.1, 9.2, 9.3, 9.4}).size());
        assertEquals(0, ChangePoints.of(new double[20]).size());
    }

    /** A time of 0 has no logarithm: events that came together. */
    @Test
    void aRunOfTimesOfZeroHasARowWithoutARatio() throws Exception {
        for (int day = 1; day <= 12; day++) {
            run(day, day == 5 ? 0 : 1, 1);
        }
        var ofA = rows().stream().filter(row -> row.get("model").equals("a")).toList();
        assertEquals(12, ofA.size());
        assertEquals("", ofA.get(4).get("ratio"));
        assertEquals(11, ofA.stream().filter(row -> !row.get("ratio").isEmpty()).count());
    }

    @Test
    void aSlowDriftIsSaidToResembleAndIndependentRunsAreNot() {
        var random = new SplittableRandom(4);
        var walk = new double[60];
        for (int i = 1; i < walk.length; i++) {
            walk[i] = walk[i - 1] + 0.05 * random.nextGaussian();
        }
        assertTrue(Changes.runsResemble(walk, ChangePoints.of(walk)), "a slow drift");
        assertFalse(Changes.runsResemble(random.doubles(60).toArray(), List.of()), "independent runs");
    }

    /** Twelve runs around 0, in units of 0.01. */
    private static double[] quiet() {
        return IntStream.range(0, 12).mapToDouble(i -> 0.01 * (i * 7 % 5 - 2)).toArray();
    }

    /** A rank test cannot see it: of 12 runs, too many orders end with the same one, two or three. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aLargeChangeOfTheLastRunsIsFound(int last) {
        var series = quiet();
        for (int i = 12 - last; i < 12; i++) {
            series[i] += 0.4;
        }
        var changes = Changes.of(series);
        assertEquals(List.of(12 - last), changes.list().stream().map(ChangePoints.Change::at).toList());
        var change = changes.list().getFirst();
        assertTrue(change.lower() < change.ratio() && change.ratio() < change.upper() && change.lower() > 1.3, change.toString());
        assertNull(changes.drift());
        assertTrue(Changes.of(quiet()).isEmpty());
    }

    @Test
    void aDriftIsCalledADriftAndAStepAStep() {
        var drifting = IntStream.range(0, 24).mapToDouble(i -> 0.01 * i + 0.002 * (i * 7 % 5 - 2)).toArray();
        var drift = Changes.of(drifting);
        assertEquals(List.of(), drift.list());
        assertEquals(Math.exp(0.23), drift.drift(), 0.01);
        var stepping = IntStream.range(0, 24).mapToDouble(i -> (i < 12 ? 0 : 0.2) + 0.02 * (i * 7 % 5 - 2)).toArray();
        assertEquals(new Changes(ChangePoints.of(stepping), null, null), Changes.of(stepping));
        assertEquals(1, Changes.of(stepping).list().size());
    }
}
