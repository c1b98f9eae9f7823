package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.fixtures.RunOnDisk;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.record.ReadProblems;
import stream.report.ComparisonText;
import stream.report.RatioBar;
import stream.terminal.TextLayout;
import stream.terminal.UserError;

/** What is concluded from groups: corrected p values, the sentence, the notes. */
@Execution(ExecutionMode.CONCURRENT)
class ComparisonTest {

    @TempDir
    Path folder;

    private RunOnDisk run(String name) {
        return new RunOnDisk(folder.resolve(name));
    }

    private static Comparison compare(String by, String baseline, RunOnDisk... runs) throws IOException {
        return Comparison.of(new ComparisonSettings(List.of(runs).stream().map(RunOnDisk::write).toList(),
                by == null ? null : GroupBy.of("--by", by), baseline,
                null, null, false, List.of(),
                ComparisonSettings.Failures.EXCLUDED, Map.of()), null);
    }

    private static Comparison compare(RunOnDisk run) throws IOException {
        return compare(null, null, run);
    }

    private static Comparison compare(RunOnDisk run, MetricDefinition definition, List<Metric> metrics,
            ComparisonSettings.Failures failures)
            throws IOException {
        return Comparison.of(new ComparisonSettings(List.of(run.write()), null, null, null, definition, false, metrics,
                failures, Map.of()), null);
    }

    /** Ten prompts; the times of a model go up and down by three tenths, each in its own order. */
    private static RunOnDisk answers(RunOnDisk run, String model, double millis, String... columns) {
        for (int i = 0; i < 10; i++) {
            var noise = 1 + 0.3 * Math.sin(i * 7 + model.hashCode());
            run.answer(model, "p" + i, 1, millis * noise, 5, 5, columns);
        }
        return run;
    }

    private static double pValue(Comparison comparison, String label) {
        return comparison.sections().getFirst().group(label).differences().get(Metric.TTFT).difference().pValue();
    }

    // The sentence

    /** With a baseline that is named there are as many comparisons as others, with the fastest those of all with each other. */
    @Test
    void pValuesAreCorrectedForTheComparisonsThatTheChoiceOfTheBaselineMakes() throws Exception {
        var alone = pValue(compare(answers(answers(run("two"), "a", 100), "b", 140)), "b");
        var three = answers(answers(answers(run("three"), "a", 100), "b", 140), "c", 115);
        assertTrue(alone > 0 && alone < pValue(compare(null, "a", three), "c"), "b differs most");
        assertEquals(2 * alone, pValue(compare(null, "a", three), "b"), 1e-12);
        assertEquals(3 * alone, pValue(compare(three), "b"), 1e-12);
    }

    /** Both are in the first sentence: the smaller p value is doubled, the larger is not smaller than that. */
    @Test
    void theFirstAndTheLastTokenShareOneCorrection() throws Exception {
        var both = run("both");
        var first = run("first");
        for (int i = 0; i < 20; i++) {
            for (var run : List.of(both, first)) {
                run.answer("a", "p" + i, 1, 100 + i * 7 % 31, 5, 5, "ttlt_ms",
                        run == both ? String.valueOf(200 + i * 11 % 17) : "");
                run.answer("b", "p" + i, 1, 107 + i * 3 % 29, 5, 5, "ttlt_ms", run == both ? String.valueOf(201 + i * 5 % 19) : "");
            }
        }
        var alone = pValue(compare(null, "a", first), "b");
        assertTrue(alone > 0.001 && alone < 0.3, String.valueOf(alone));
        assertEquals(2 * alone, pValue(compare(null, "a", both), "b"), 1e-12);
    }

    /** With more tails that are compared, each needs more evidence. */
    @Test
    void aTailIsNotedAtOneLevelForAllModels() {
        var tail = new QuantileRatio(2.0, 1.2, 3.0, 1.3, 2.9, 0.01);
        var group = new GroupResult("a", MetricDefinition.OURS, null, Map.of(), Map.of(),
                Map.of(Aggregate.TTFT_P95, tail), Map.of());
        assertTrue(group.hasTailBeyondTheVerdict(Aggregate.TTFT_P95, 5));
        assertFalse(group.hasTailBeyondTheVerdict(Aggregate.TTFT_P95, 6));
    }

    private String sentence(double... factors) throws IOException {
        var run = run("s");
        for (int i = 0; i < factors.length; i++) {
            answers(run, String.valueOf((char) ('a' + i)), 100 * factors[i]);
        }
        return compare(null, "a", run).headline().replaceFirst("; to the last.*", "");
    }

    @Test
    void theSentenceNamesTheOthersOrTheirNumber() throws Exception {
        assertTrue(sentence(1, 2, 3, 4)
                .matches("To the first token a is [12]\\.\\d\\dx faster than b, [23]\\.\\d\\dx than c, [34]\\.\\d\\dx than d"),
                sentence(1, 2, 3, 4));
        assertTrue(sentence(1, 2, 3, 4, 5, 6)
                .matches("To the first token a is [12]\\.\\d\\dx to [56]\\.\\d\\dx faster than 5 others"),
                sentence(1, 2, 3, 4, 5, 6));
        assertEquals("To the first token b cannot be told apart from a with 10 prompts", sentence(1, 1.01));
        assertEquals("To the first token c and b cannot be told apart from a with 10 prompts", sentence(1, 1.1, 0.9),
                "in the order of their ratios");
        assertEquals("To the first token c and b and d cannot be told apart from a with 10 prompts",
                sentence(1, 1.01, 1.01, 1.01));
        assertEquals("To the first token 4 others cannot be told apart from a with 10 prompts",
                sentence(1, 1.01, 1.01, 1.01, 1.01));
        assertTrue(sentence(2, 1).matches("To the first token b is [12]\\.\\d\\dx faster than a"), sentence(2, 1));
        assertTrue(sentence(1, 2, 0.5, 1.01)
                .matches("To the first token a is [12]\\.\\d\\dx faster than b, c is [12]\\.\\d\\dx faster than a, d cannot be "
                + "told apart"
                + " from a with 10 prompts"), sentence(1, 2, 0.5, 1.01));
    }

    /** The winner is faster than all others, whichever of them is the baseline. */
    @ParameterizedTest
    @CsvSource({"1, 2, 3, a", "2, 1, 3, b", "2, 1, 1.01, ", "1, 1.01, 3, ", "3, 2, 1, "})
    void whoIsFasterThanAllOthersIsMarked(double a, double b, double c, String winner) throws Exception {
        var run = answers(answers(answers(run("r"), "a", 100 * a), "b", 100 * b), "c", 100 * c);
        assertEquals(winner, compare(null, "a", run).sections().getFirst().winner(0.05));
    }

    @Test
    void howFailuresCountIsSaidWhereThereAreAny() throws Exception {
        var run = answers(answers(run("r"), "a", 100), "b", 300);
        assertFalse(worst(run).headline().contains("infinitely slow"));
        assertTrue(worst(run.failure("b", "p0", 2, "down")).headline().contains(", but failed requests count as infinitely slow"));
    }

    private static Comparison worst(RunOnDisk run) throws IOException {
        return compare(run, null, List.of(), ComparisonSettings.Failures.WORST);
    }

    @Test
    void theSentenceNamesTheToolWhoseDefinitionItHas() throws Exception {
        var run = answers(answers(run("r"), "a", 100), "b", 300);
        var headline = compare(run, MetricDefinition.VLLM, List.of(), ComparisonSettings.Failures.EXCLUDED).headline();
        assertTrue(headline.startsWith("As vLLM defines it, to the first token "), headline);
    }

    @Test
    void aSectionIsFoundByItsTitle() throws Exception {
        var comparison = compare("prompt", null, answers(answers(run("r"), "a", 100), "b", 300));
        assertEquals("p7", comparison.section("p7").title());
        assertEquals("p7", comparison.source().section("p7").title());
    }

    @Test
    void aVerdictThatDoesNotFitIntoItsLineFollowsBelowUnlessOneWordTellsIt() throws Exception {
        var comparison = compare(null, "a", answers(answers(answers(run("r"), "a", 100), "like a", 101), "slow", 300));
        var wide = ComparisonText.plain(comparison, TextLayout.WIDE).toString();
        assertTrue(wide.contains("not distinguishable with 10 prompts; about ") && !wide.contains("TTFT of like a:"), wide);
        var narrow = ComparisonText.plain(comparison, new TextLayout(60, false)).toString();
        assertTrue(narrow.contains("\nTTFT of like a: not distinguishable with 10 prompts; about\n")
                && !narrow.contains("TTFT of slow:"), narrow);
        assertTrue(narrow.lines().allMatch(line -> line.length() <= 60), narrow);
    }

    @Test
    void aRatioThatCannotBeDrawnMakesNoBarLonger() {
        var alone = RatioBar.of(List.of(2.0)).of(2.0, null, null);
        assertEquals(alone, RatioBar.of(Arrays.asList(0.0, 2.0, Double.POSITIVE_INFINITY, null)).of(2.0, null, null));
        assertEquals("", RatioBar.of(List.of()).of(0.0, null, null));
    }

    /** Who is faster than all others has a star; what is mostly the same as another figure has a column where it is not. */
    @Test
    void theTableMarksTheWinnerAndShowsWhatDiffers() throws Exception {
        var run = answers(answers(run("r"), "a", 100), "b", 300);
        var plain = ComparisonText.plain(compare(null, "a", run), TextLayout.WIDE).toString();
        assertTrue(plain.contains("\na *") && !plain.contains("\nb *")
                && plain.contains("\n* faster to the first token than all others\n"), plain);
        assertTrue(!plain.contains("TTFT any") && !plain.contains("retries"), plain);
        run.answer("a", "q", 1, 100, 5, 5, "ttft_any_ms", "90.000").answer("b", "q", 1, 300, 5, 5, "ttft_any_ms", "300.000");
        var any = ComparisonText.plain(compare(null, "a", run), TextLayout.WIDE).toString();
        assertTrue(any.contains("TTFT any") && !any.contains("retries"), any);
        var reused = answers(answers(run("net"), "a", 100, "connection_reused", "true"), "b", 300, "connection_reused", "true");
        var net = ComparisonText.plain(compare(reused, null, List.of(Metric.TTFT_NET), ComparisonSettings.Failures.EXCLUDED),
                TextLayout.WIDE).toString();
        assertTrue(net.lines().anyMatch(line -> line.startsWith("model ") && line.contains("TTFT net"))
                && !any.contains("TTFT net"), net);
        var sections = ComparisonText.plain(compare("prompt", null, run), TextLayout.WIDE).toString();
        assertTrue(sections.contains("\n\np0\n") && !sections.contains("###"), sections);
    }

    @Test
    void withoutACommonMetricNothingIsCompared() throws Exception {
        var run = run("r").answer("a", "p", 1, new double[0]).answer("b", "p", 1, 100, 5, 5);
        assertEquals("Nothing is compared: no two groups have what is to be compared.",
                compare(run, null, List.of(Metric.TTFT), ComparisonSettings.Failures.EXCLUDED).headline());
    }

    @Test
    void sidesAreComparedByRun() {
        var sides = new RunSides(List.of(Path.of("a"), Path.of("b")),
                Map.of("A", List.of(Path.of("a")), "B", List.of(Path.of("b"))));
        assertEquals("--by 'model': sides are compared by run; leave it out", assertThrows(UserError.class,
                () -> ComparisonSettings.of(sides, "model", null, null, null, false, List.of(), "excluded")).getMessage());
        assertEquals(GroupBy.RUN, ComparisonSettings.of(sides, null, null, null, null, false, List.of(), "excluded").by());
        assertEquals(GroupBy.RUN, ComparisonSettings.of(sides, "run", null, null, null, false, List.of(), "excluded").by());
        assertThrows(UserError.class, () -> ComparisonSettings.of(new RunSides(List.of(), Map.of()), "colour", null, null, null,
                false, List.of(), "excluded"));
        assertEquals("RUN 'b' has no label, others have; write LABEL=RUN for all", assertThrows(UserError.class,
                () -> RunSides.of(List.of("old=a", "b"), 0)).getMessage());
        assertEquals(Map.of(), RunSides.of(List.of("=a"), 0).sides(), "a label is not empty");
    }

    @Test
    void theOptionThatChangesWhatIsComputedIsNamed() {
        var none = new RunSides(List.of(), Map.of());
        assertNull(ComparisonSettings.of(none, null, null, "10%", null, false, List.of(), "excluded").computingOption());
        assertEquals("--by", ComparisonSettings.of(none, "run", "b", null, null, true, List.of(), "excluded").computingOption());
        assertEquals("--as", ComparisonSettings.of(none, null, "b", null, "vllm", true, List.of(), "excluded").computingOption());
        assertEquals("--baseline", ComparisonSettings.of(none, null, "b", null, null, true, List.of(),
                "excluded").computingOption());
        assertEquals("--untainted", ComparisonSettings.of(none, null, null, null, null, true, List.of("ttft"),
                "excluded").computingOption());
        assertEquals("--metric", ComparisonSettings.of(none, null, null, null, null, false, List.of("ttft"),
                "worst").computingOption());
        assertEquals("--failures", ComparisonSettings.of(none, null, null, null, null, false, List.of(),
                "worst").computingOption());
        assertEquals(0.05, ComparisonSettings.of(none, null, null, null, null, false, List.of(), "worst").marginOrDefault());
    }

    // Notes

    /** Two models that answer alike but for some columns; returns the notes. */
    private List<String> notes(Map<String, String> ofA, Map<String, String> ofB) throws IOException {
        var run = run("n");
        for (var model : List.of("a", "b")) {
            var columns = (model.equals("a") ? ofA : ofB).entrySet().stream()
                    .flatMap(cell -> java.util.stream.Stream.of(cell.getKey(), cell.getValue()))
                    .toArray(String[]::new);
            for (int i = 0; i < 10; i++) {
                run.answer(model, "p" + i, 1, 100 + i, 5, 10, columns);
            }
        }
        return compare(run).caveats();
    }

    @Test
    void groupsThatAreAlikeHaveNoNote() throws Exception {
        assertEquals(List.of(), notes(Map.of(), Map.of()));
        assertEquals(List.of(), notes(Map.of("connection_reused", "true", "reasoning_events", "0", "output_tokens", "10"),
                Map.of("connection_reused", "true", "reasoning_events", "0", "output_tokens", "11")), "a tenth is not much");
    }

    @Test
    void reasoningAndLengthsThatDifferAreNamedFromTheLeastToTheMost() throws Exception {
        var all = Map.of("reasoning_events", "9", "tool_events", "0");
        assertEquals(List.of(), notes(all, all));
        assertTrue(notes(all, Map.of("reasoning_events", "0", "tool_events", "0"))
                .contains("part of the output is reasoning: b 0 %, a 47 %; TTFT includes it, --metric ttft_any does not"));
        var lengths = notes(Map.of("output_tokens", "40"), Map.of("output_tokens", "20")).getFirst();
        assertTrue(lengths.startsWith("answers differ in length, from 20 tokens (b) to 40 (a): "), lengths);
    }

    @Test
    void pricesInOneCurrencyAreNoNote() throws Exception {
        var run = answers(answers(run("r"), "a", 100, "cost", "0.1"), "b", 300, "cost", "0.2").model("a", "USD").model("b", "USD");
        assertTrue(compare(run).caveats().stream().noneMatch(line -> line.contains("USD")), compare(run).caveats().toString());
    }

    @Test
    void groupsWithoutCounterpartsAreSaidToBeThat() throws Exception {
        var run = answers(run("r"), "m", 100).prompt("p0", "d", "kind", "short");
        assertTrue(compare("label:kind", null, run).caveats()
                .contains("m: groups by label:kind contain different requests, which are not compared in pairs"),
                compare("label:kind", null, run).caveats().toString());
    }

    /** GuideLLM, too, has no p95 of fewer than twenty requests. */
    @Test
    void aQuantileOfTooFewRequestsIsBlankInEachDefinition() throws Exception {
        var run = answers(run("r"), "a", 100).answer("a", "q", 1, 100, 5, 1);
        for (var definition : List.of(MetricDefinition.OURS, MetricDefinition.GUIDELLM)) {
            var figures = compare(run, definition, List.of(), ComparisonSettings.Failures.EXCLUDED).sections()
                    .getFirst().group("a").aggregates();
            assertTrue(figures.containsKey(Aggregate.TTFT_P50) && !figures.containsKey(Aggregate.TTFT_P95),
                    definition + " " + figures);
            assertEquals(5, figures.get(Aggregate.ITL_P50), 1e-9);
        }
    }

    @Test
    void ofAFailureAHundredCharactersAreShown() throws Exception {
        for (var length : List.of(100, 101)) {
            var error = "x".repeat(length - "failed, ".length());
            var note = compare(answers(run("r" + length), "a", 100).failure("a", "q", 1, error)).caveats().getFirst();
            assertTrue(note.endsWith("(failed, " + (length == 100 ? error : "x".repeat(89) + "...") + ")"), note);
        }
    }

    @Test
    void halfOfThePromptsInCommonAreComparedInPairs() throws Exception {
        for (var common : List.of(4, 5)) {
            var run = run("r" + common);
            for (int i = 0; i < 10; i++) {
                run.answer("a", "p" + i, 1, 100 + i, 5, 5).answer("b", (i < common ? "p" : "q") + i, 1, 100 + i, 5, 5);
            }
            assertTrue(compare(null, "a", run).caveats().contains("b and a have " + common + " prompts and repetitions in common"
                    + (common == 5 ? ", their ratios are of these" : ", too few to be compared in pairs")),
                    compare(run).caveats().toString());
        }
    }

    @Test
    void labelsThatAreOneModelAreNamed() throws Exception {
        var note = "a, b are one model: the server answers for each of them as gpt-x at http://localhost:1/v1. A difference "
                + "between them is chance.";
        assertEquals(List.of(note), notes(Map.of("reported_model", "gpt-x"), Map.of("reported_model", "gpt-x")));
        assertEquals(List.of(), notes(Map.of("reported_model", "gpt-x"), Map.of("reported_model", "gpt-y")));
        assertEquals(List.of(), notes(Map.of("reported_model", "gpt-x"),
                Map.of("reported_model", "gpt-x", "base_url", "http://localhost:2/v1")));
        var run = answers(run("by-prompt"), "a", 100);
        assertTrue(compare("prompt", null, run).caveats().stream().noneMatch(line -> line.contains("are one model")));
    }

    @Test
    void connectionsThatWereOpenAlreadyAreCounted() throws Exception {
        assertEquals(List.of("requests on a connection that was open already: a 0 %, b 100 %; TTFT of the rest includes the "
                + "handshake,"
                + " --metric ttft_net leaves it out"), notes(Map.of("connection_reused", "false"),
                Map.of("connection_reused", "true")));
    }

    @Test
    void whatIsInACacheIsSaidAndHowToKeepItOut() throws Exception {
        var run = run("r");
        for (int i = 0; i < 12; i++) {
            run.answer("a", "p" + i % 6, i / 6 + 1, 100 + i, 5, 10, "cached_prompt_tokens", "");
            run.answer("b", "p" + i % 6, i / 6 + 1, 100 + i, 5, 10, "cached_prompt_tokens", i < 3 ? "8" : "0");
        }
        assertEquals(List.of("a: prompts repeat, and the server does not tell what it had in its cache: TTFT may measure the "
                + "prompt cache;"
                + " --unique-prefix keeps it out",
                "prompts were found in the server's cache (a not known, b 3 of 12): TTFT measures that too;"
                + " --unique-prefix keeps it out"), compare(run).caveats());
        run.record().withObject("/options").put("unique_prefix", true);
        assertEquals(List.of("prompts were found in the server's cache (a not known, b 3 of 12): TTFT measures that too (what "
                + "the server puts before each"
                + " prompt, since each began differently)"), compare(run).caveats());
    }

    @Test
    void retriesOfMostRequestsAreARemarkOnTheLoad() throws Exception {
        for (var often : List.of(5, 6)) {
            var run = run("r" + often);
            for (int i = 0; i < 10; i++) {
                run.answer("a", "p" + i, 1, 100 + i, 5, 10, "attempt", i < often ? "2" : "1");
            }
            assertEquals("a: " + often + " attempts beyond the first; only the last of each request counts"
                    + (often == 5 ? "" : ", and 6 of 10 requests were"
                    + " refused at first: a lower --concurrency may change the figures"), compare(run).caveats().getFirst());
            assertEquals(often.doubleValue(), compare(run).sections().getFirst().group("a").aggregates().get(Aggregate.RETRIES));
        }
    }

    @Test
    void theErrorOfTheClientIsThatOfTheRunThatHasIt() throws Exception {
        for (var millis : List.of(10.0, 10.1)) { // of a median of 100 ms: no more, and more than a tenth
            var run = run("one");
            var other = run("other").answer("m", "p", 1, 5, 1, 5); // in which it would be too large
            run.answer("m", "p", 1, 100, 5, 5);
            run.record().putObject("client_overhead").put("ttft_p50_ms", millis);
            assertEquals(millis == 10.1 ? List.of(
                    "one: the error of the client in TTFT, 10.100 ms, is more than a tenth of what was measured; use a lower"
                    + " concurrency") : List.of(), compare("run", null, run,
                    other).caveats().stream().filter(line -> line.contains("error of the client")).toList());
        }
    }

    @Test
    void optionsThatARunDoesNotTellAreNoDifference() throws Exception {
        var one = answers(run("one").option("concurrency", 4), "m", 100);
        assertEquals(List.of(), options(one, answers(run("silent"), "m", 100)));
        assertEquals(List.of("the runs differ in concurrency: 4, 8"),
                options(one, answers(run("other").option("concurrency", 8), "m", 100)));
        var none = answers(run("none"), "m", 100);
        none.record().withObject("/options").putNull("concurrency");
        assertEquals(List.of("the runs differ in concurrency: 4, none"), options(one, none));
        for (var option : List.of("max_tokens", "temperature", "system", "connection", "http", "unique_prefix")) {
            var changed = answers(run(option).option(option, 3), "m", 100);
            assertEquals(List.of("the runs differ in " + option + ": 3, 4"),
                    options(changed, answers(run(option + "-4").option(option, 4), "m", 100)));
        }
    }

    private static List<String> options(RunOnDisk... runs) throws IOException {
        return compare("run", null, runs).caveats().stream().filter(line -> line.startsWith("the runs differ")).toList();
    }

    /** Ten answers of each prompt; the slow tail of b is in two of ten, and its median is as many times that of a. */
    private List<String> tails(double median, double tail) throws IOException {
        var run = run("t" + median + tail);
        for (int i = 0; i < 240; i++) {
            run.answer("a", "p" + i % 24, i / 24 + 1, i * 7 % 10 < 2 ? 200 + i % 7 : 100 + i % 7, 5, 5);
            run.answer("b", "p" + i % 24, i / 24 + 1, i * 7 % 10 > 7 ? tail * (200 + i % 7) : median * (100 + i % 7), 5, 5);
        }
        return compare(null, "a", run).caveats().stream().filter(line -> line.contains("TTFT p95"))
                .map(line -> line.replaceAll(" is .*", "")).toList();
    }

    @Test
    void aTailIsNamedIfItIsWorseOrBetterThanTheVerdictTells() throws Exception {
        assertEquals(List.of("b: its TTFT p95"), tails(1, 3), "the medians are the same");
        assertEquals(List.of(), tails(1, 1.3), "it is not much worse");
        assertEquals(List.of(), tails(3, 3), "the verdict tells it");
        assertEquals(List.of("b: its TTFT p95"), tails(1.5, 4), "it is far worse than the verdict tells");
        assertEquals(List.of("b: its TTFT p95"), tails(0.5, 2), "slower where the verdict is faster");
        assertEquals(List.of("b: its TTFT p95"), tails(1, 0.51), "it is better");
    }

    @Test
    void machinesThatAreNotKnownAreNotSaidToDiffer() throws Exception {
        var known = answers(run("known"), "m", 100);
        known.record().putObject("versions").put("machine", "box-1");
        var other = answers(run("other"), "m", 100);
        other.record().putObject("versions").put("machine", "box-2");
        assertEquals(1, machines(known, other).size(), compare("run", null, known, other).caveats().toString());
        assertEquals(List.of(), machines(known, answers(run("unknown"), "m", 100)));
        var failed = run("failed").failure("m", "p0", 1, "down");
        failed.record().putObject("versions").put("machine", "box-2");
        assertEquals(List.of(), machines(known, failed), "it measured nothing");
    }

    private static List<String> machines(RunOnDisk... runs) throws IOException {
        return compare("run", null, runs).caveats().stream()
                .filter(line -> line.contains("not measured by the same machines")).toList();
    }

    @Test
    void aComparisonOfEachRunNeedsADefinitionThatTheRunsHave() throws Exception {
        var run = answers(run("r"), "m", 100).write();
        var settings = ComparisonSettings.ofRun(run);
        assertEquals(1, Comparison.ofEachRun(settings, new ReadProblems(), null).sections().size());
        assertEquals("m", Comparison.of(settings, null).sections().getFirst().groups().getFirst().labelWithTool());
        assertTrue(Files.exists(run));
    }

    /** The events are read once for all of them; each has the figures that it has alone. */
    @Test
    void eachDefinitionHasTheFiguresThatItHasAlone() throws Exception {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("a", "p" + i, 1, new double[] {100 + i, 110, 140}).answer("b", "p" + i, 1, new double[] {200, 220 + i, 250});
        }
        var settings = ComparisonSettings.ofRun(run.write());
        var together = Comparison.underEachDefinition(settings, null);
        assertEquals(Comparison.of(settings, null).sections(), together.own().sections());
        var figures = new HashSet<List<Double>>();
        for (int i = 0; i < MetricDefinition.values().length; i++) {
            var alone = Comparison.of(settings.with(GroupBy.MODEL, MetricDefinition.values()[i]), null).source();
            assertEquals(figures(alone), figures(together.each().get(i)));
            figures.add(figures(alone));
        }
        assertEquals(MetricDefinition.values().length, figures.size(), "each definition gives others");
    }

    private static List<Double> figures(Comparison.Source source) {
        return source.sections().getFirst().groups().stream()
                .flatMap(group -> Arrays.stream(Aggregate.values()).map(aggregate -> aggregate.of(group))).toList();
    }
}
