package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import stream.fixtures.RunOnDisk;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.record.AnswerCaveat;
import stream.record.CsvRun;
import stream.record.NamedRuns;
import stream.record.ReadProblems;
import stream.record.RecordedRun;

/** What is known of a group of requests, against values worked out by hand. */
@Execution(ExecutionMode.CONCURRENT)
class GroupsTest {

    @TempDir
    Path folder;
    private RunOnDisk disk;
    private Section section;

    private RunOnDisk begin() {
        disk = new RunOnDisk(folder.resolve("run"));
        return disk;
    }

    /** Reads the run into groups by model. */
    private void group() throws IOException {
        section = sections("model", Map.of(), disk).getFirst();
    }

    private List<Section> sections(String by, Map<String, List<Path>> sides, RunOnDisk... ofRuns) throws IOException {
        var problems = new ReadProblems();
        var runs = new LinkedHashMap<RecordedRun, RecordedRun>();
        for (var each : ofRuns) {
            var run = CsvRun.read(each.write(), problems);
            runs.put(run, run);
        }
        var all = List.copyOf(runs.keySet());
        var sections = Grouping.of(GroupBy.of("--by", by), new NamedRuns(all, runs), sides)
                .sections(all, new Counting(MetricDefinition.OURS, false, false, true), problems);
        var events = new EventCollector(sections);
        for (var run : all) {
            run.readEvents(List.of(new RecordedRun.EventReading(MetricDefinition.OURS, events)), problems, null);
        }
        assertEquals(List.of(), problems.lines());
        return events.sections();
    }

    private Group model(String label) {
        return section.groups().stream().filter(group -> group.completed().getFirst().model().equals(label))
                .findFirst().orElseThrow();
    }

    /**
     * The medians are 100 and 110 ms to the first token, 121 and 131 ms in all. Of p1 both answers are farther from them than of
     * p2.
     */
    @Test
    void thePromptsThatAreNearestToTheMediansRaceFirst() throws Exception {
        begin().answer("b", "p1", 1, 143, 10, 3).answer("a", "p1", 1, 130, 10, 3) // b has the first row
                .answer("a", "p2", 1, 106, 10, 3).answer("b", "p2", 1, 105, 10, 3) // their first tokens come in another order
                .answer("a", "p3", 1, 100, 10, 3)
                .answer("a", "p4", 1, 60, 10, 3).answer("a", "p4", 2, 101, 10, 3).answer("a", "p4", 3, 101, 1, 3)
                .answer("b", "p4", 1, 110, 10, 3)
                .answer("a", "p5", 1, 100, 0.01, 2001).answer("b", "p5", 1, 110, 0.01, 2001)
                .answer("a", "p6", 1, 99, 10, 3).answer("a", "p7", 1, new double[0]);
        group();
        var races = section.races();
        assertEquals(List.of("p4", "p1", "p2", "p3", "p6"), races.stream().map(Race::prompt).toList());
        assertEquals(List.of("a", "b"), races.getFirst().lanes().stream().map(Race.Lane::label).sorted().toList());
        var ofA = races.getFirst().lanes().stream().filter(lane -> lane.label().equals("a")).findFirst().orElseThrow();
        assertEquals(2, ofA.answer().repetition(), "the nearest of three, in the first token and in all");
        var ofB = races.getFirst().lanes().stream().filter(lane -> lane.label().equals("b")).findFirst().orElseThrow();
        assertEquals(List.of(110_000L, 120_000L, 130_000L), ofB.pieces().stream().map(Race.Piece::elapsedMicros).toList());
        assertEquals(1, races.get(3).lanes().size());
        assertFalse(model("a").positions().medians().isEmpty());
    }

    // Comparisons

    /** Of the seven prompts of a one has no gap, since its answer has one token. */
    @Test
    void answersWithoutAMetricAreLeftOutAndSixPromptsAreEnough() throws Exception {
        begin();
        for (int i = 0; i < 7; i++) {
            disk.answer("a", "p" + i, 1, 100, 10, i == 6 ? 1 : 5).answer("b", "q" + i, 1, 100, 20, 5);
        }
        group();
        var difference = model("a").compare(model("b"), Metric.ITL);
        assertEquals("PROMPTS 6 false", difference.unit() + " " + difference.units() + " " + difference.isPaired());
        assertEquals(0.5, difference.ratio(), 1e-9);
    }

    @Test
    void halfOfTheRequestsWithACounterpartMakePairs() throws Exception {
        begin();
        for (int i = 0; i < 4; i++) {
            disk.answer("a", "p" + i, 1, 100, 10, 5).answer("b", (i < 2 ? "p" : "q") + i, 1, 100, 10, 5)
                    .answer("c", (i < 1 ? "p" : "r") + i, 1, 100, 10, 5);
        }
        group();
        assertTrue(model("a").compare(model("b"), Metric.TTFT).isPaired());
        assertFalse(model("a").compare(model("c"), Metric.TTFT).isPaired());
    }

    /** Each run counts as one value: of the prompts that all runs have, and of which all know the metric. */
    @Test
    void severalRunsOfEachSideAreComparedByThePromptsThatAllHave() throws Exception {
        var runs = new ArrayList<RunOnDisk>();
        for (var name : List.of("old-1", "old-2", "new-1", "new-2")) {
            var slower = name.startsWith("new") ? 2 : 1;
            runs.add(new RunOnDisk(folder.resolve(name)).answer("m", "p", 1, 100 * slower, 10 * slower, 5)
                    .answer("m", "q", 1, 400 * slower, 30 * slower, name.equals("new-1") ? 1 : 5));
        }
        runs.getFirst().answer("m", "only here", 1, 9_000, 900, 5);
        var sides = Map.of("old", List.of(folder.resolve("old-1"), folder.resolve("old-2")), "new",
                List.of(folder.resolve("new-1"), folder.resolve("new-2")));
        var both = sections("run", sides, runs.toArray(RunOnDisk[]::new)).getFirst();
        for (var metric : List.of(Metric.TTFT, Metric.ITL)) {
            var difference = both.group("old").compare(both.group("new"), metric);
            assertEquals(metric == Metric.TTFT ? "RUNS 2 4" : "RUNS 2 3",
                    difference.unit() + " " + difference.units() + " " + difference.size());
            assertEquals(0.5, difference.ratio(), 1e-9);
        }
        for (var one : List.of("old-1", "new-1")) { // one run of a side leaves nothing that runs could vary by
            var other = one.equals("old-1") ? "new" : "old";
            var apart = sections("run", Map.of(other, sides.get(other)), runs.toArray(RunOnDisk[]::new)).getFirst();
            assertEquals(Unit.REPETITIONS, apart.group(one).compare(apart.group(other), Metric.TTFT).unit());
            assertEquals(Unit.REPETITIONS, apart.group(other).compare(apart.group(one), Metric.TTFT).unit());
        }
    }

    @Test
    void machinesAreComparedFromFiveAnswersOfEachOn() throws Exception {
        var runs = List.of(new RunOnDisk(folder.resolve("one")), new RunOnDisk(folder.resolve("two")));
        for (int i = 0; i < 2; i++) {
            runs.get(i).record().putObject("versions").put("machine", "node-" + (i + 1));
            for (int answer = 0; answer < 5; answer++) {
                runs.get(i).answer("m", "p" + answer, 1, 100 * (i + 1) + answer, 10, 5);
            }
            runs.get(i).answer("m", "without text", 1, new double[0]);
            runs.get(i).answer("few", "p0", 1, 100 * (i + 1), 10, 5);
        }
        var both = sections("model", Map.of(), runs.toArray(RunOnDisk[]::new)).getFirst();
        assertEquals(Map.of("node-1", 102.0, "node-2", 202.0), both.group("m").differentMachines());
        assertNull(both.group("few").differentMachines());
    }

    @Test
    void aModelThatWasNotAskedIsNoGroup() throws Exception {
        begin().answer("m", "p", 1, 100, 10, 5).model("m", null).model("not asked", null);
        assertEquals(List.of("m"), sections("model", Map.of(), disk).getFirst().groups().stream().map(Group::label).toList());
        for (var by : List.of("base_url", "prompt")) {
            assertEquals(1, sections(by, Map.of(), disk).size(), by);
        }
    }

    @Test
    void modelsAreInTheOrderOfTheCommandLineAndPromptsInThatOfTheRows() throws Exception {
        begin().answer("a", "q", 1, 100, 10, 5).answer("b", "p", 1, 100, 10, 5).answer("b", "q", 1, 100, 10, 5)
                .model("b", null).model("a", null);
        assertEquals(List.of("b", "a"), sections("model", Map.of(), disk).getFirst().groups().stream().map(Group::label).toList());
        assertEquals(List.of("b", "a"), sections("base_url", Map.of(), disk).stream().map(Section::title).toList());
        assertEquals(List.of("q", "p"), sections("prompt", Map.of(), disk).stream().map(Section::title).toList());
    }

    @Test
    void costsThatAreNotKnownAreCountedWhereThereIsAPrice() throws Exception {
        begin().answer("a", "p", 1, 100, 10, 5, "cost", "0.1").answer("a", "q", 1, 100, 10, 5).answer("a", "r", 1, 100, 10, 5)
                .answer("b", "p", 1, 100, 10, 5)
                .model("a", "USD");
        group();
        assertEquals("2 0", model("a").withUnknownCost() + " " + model("b").withUnknownCost());
    }

    // Figures

    @Test
    void theShareOfReasoningIsOfTokensWhereTheseAreCountedElseOfEvents() throws Exception {
        begin().answer("counted", "p1", 1, 100, 10, 5, "output_tokens", "20", "reasoning_tokens", "5",
                "reasoning_events", "9", "tool_events", "0")
                .answer("events", "p1", 1, 100, 10, 5, "reasoning_events", "3", "tool_events", "2")
                .answer("none", "p1", 1, 100, 10, 5, "reasoning_events", "0", "tool_events", "0")
                .answer("unknown", "p1", 1, 100, 10, 5)
                .answer("alone", "p1", 1, new double[0], "reasoning_events", "0", "tool_events", "0", "ttft_reasoning_ms", "9.000");
        group();
        assertEquals(0.25, model("counted").reasoningShare());
        assertEquals(0.3, model("events").reasoningShare());
        assertEquals(0, model("none").reasoningShare());
        assertNull(model("unknown").reasoningShare());
        assertNull(model("alone").reasoningShare());
        assertEquals(List.of(0L, 1L),
                List.of(model("events").with(AnswerCaveat.REASONING_ALONE), model("alone").with(AnswerCaveat.REASONING_ALONE)));
    }

    @Test
    void visibleTokensAreUnknownWhereReasoningOrToolsAreNotCountedApart() throws Exception {
        begin().answer("reasoning", "p1", 1, 100, 10, 5, "tpot_ms", "", "reasoning_events", "1", "tool_events", "0")
                .answer("tools", "p1", 1, 100, 10, 2, "tpot_ms", "", "reasoning_events", "0", "tool_events", "1")
                .answer("text", "p1", 1, 100, 10, 5, "tpot_ms", "", "reasoning_events", "0", "tool_events", "0")
                .answer("one", "p1", 1, 100, 10, 1, "tpot_ms", "", "reasoning_events", "1", "tool_events",
                "0", "output_tokens", "2")
                .answer("known", "p1", 1, 100, 10, 5, "reasoning_events", "1", "tool_events", "0");
        group();
        assertEquals(List.of(1L, 1L, 0L, 0L, 0L),
                List.of(model("reasoning").withUnknownVisibleTokens(), model("tools").withUnknownVisibleTokens(),
                model("text").withUnknownVisibleTokens(), model("one").withUnknownVisibleTokens(),
                model("known").withUnknownVisibleTokens()));
    }

    @Test
    void theModelThatIsServedIsNamedIfItIsOne() throws Exception {
        begin().answer("one", "p1", 1, 100, 10, 5, "reported_model", "m-1")
                .answer("one", "p2", 1, 100, 10, 5, "reported_model", "m-1")
                .answer("two", "p1", 1, 100, 10, 5, "reported_model", "m-1")
                .answer("two", "p2", 1, 100, 10, 5, "reported_model", "m-2")
                .answer("none", "p1", 1, 100, 10, 5);
        group();
        assertEquals("m-1 at http://localhost:1/v1", model("one").servedModel());
        assertNull(model("two").servedModel());
        assertNull(model("none").servedModel());
    }

    @Test
    void eventsDifferInSizeByMoreThanAFifth() throws Exception {
        begin().answer("one", "p1", 1, 100, 10, 10, "tokens_per_event", "1.000")
                .answer("fifth", "p1", 1, 100, 10, 10, "tokens_per_event", "1.200")
                .answer("two", "p1", 1, 100, 10, 10, "tokens_per_event", "2.000").answer("little more", "p1", 1, 100, 10, 10,
                "tokens_per_event", "2.300")
                .answer("more", "p1", 1, 100, 10, 10, "tokens_per_event", "1.210")
                .answer("unknown", "p1", 1, 100, 10, 10, "token_source", "events");
        group();
        assertFalse(model("one").tokensPerEventDiffer(model("fifth")));
        assertTrue(model("one").tokensPerEventDiffer(model("more")) && model("more").tokensPerEventDiffer(model("one")));
        assertFalse(model("two").tokensPerEventDiffer(model("little more")));
        assertFalse(model("one").tokensPerEventDiffer(model("unknown")));
    }

    @Test
    void charactersPerTokenAreOfVisibleTokensThatTheServerCounted() throws Exception {
        begin().answer("m", "p1", 1, 100, 10, 5, "output_chars", "30", "output_tokens", "12", "reasoning_tokens", "2")
                .answer("m", "p2", 1, 100, 10, 5, "output_chars", "20", "output_tokens", "10")
                .answer("m", "p3", 1, 100, 10, 5, "output_chars", "999", "token_source", "events")
                .answer("m", "p4", 1, 100, 10, 5, "output_chars", "999", "tpot_ms", "")
                .answer("events", "p1", 1, 100, 10, 5, "output_chars", "30", "token_source", "events");
        group();
        assertEquals(2.5, model("m").charactersPerToken());
        assertNull(model("events").charactersPerToken());
    }

    @Test
    void halfOfTheTokensThatCameTogetherAreABuffer() throws Exception {
        begin().answer("half", "p1", 1, 100, 10, 10, "coalesced_events", "5")
                .answer("less", "p1", 1, 100, 10, 10, "coalesced_events", "4");
        group();
        assertNotNull(model("half").coalescedShare());
        assertTrue(model("half").isBuffered());
        assertFalse(model("less").isBuffered());
    }

    /** Twelve requests of three prompts get slower and slower; where no prompt repeats, that may be the prompts. */
    @Test
    void aTrendOfTtftIsSeenWherePromptsRepeat() throws Exception {
        begin();
        for (int i = 0; i < 24; i++) {
            disk.answer("slower", "p" + i % 3, 1 + i / 3, 100 + 10 * i, 10, 3).answer("prompts", "q" + i, 1, 100 + 10 * i, 10, 3)
                    .answer("steady", "p" + i % 3, 1 + i / 3, 100 + 50 * (i % 3), 10, 3);
        }
        group();
        assertEquals(new Group.Drift(125, 245), model("slower").drift());
        assertNull(model("prompts").drift());
        assertNull(model("steady").drift());
    }

    /** Twenty requests, each prompt twice, are enough; a prompt has its own time, and most prompts must repeat. */
    @Test
    void aTrendIsOneOfEachPromptsOwnTimes() throws Exception {
        begin();
        for (int i = 0; i < 24; i++) {
            if (i < 20) {
                disk.answer("twice", "p" + i % 10, 1 + i / 10, i < 10 ? 100 : 200, 10, 3).answer("ordered", "p" + i / 2, 1 + i % 2,
                        100 + 50 * (i / 2), 10, 3);
            }
            disk.answer("few", "q" + i % 16, 1 + i / 16, i < 16 ? 100 : 300, 10, 3);
        }
        disk.answer("twice", "p0", 3, 0, 10, 3);
        group();
        assertEquals(new Group.Drift(100, 200), model("twice").drift());
        assertNull(model("ordered").drift());
        assertNull(model("few").drift());
    }

    @Test
    void everyAggregateIsTheFigureOfItsName() throws Exception {
        begin().answer("m", "p1", 1, 100, 10, 3, "itl_any_p50_ms", "7.500", "ttft_any_ms", "90.000", "connection_reused", "false",
                "connect_ms", "30.000", "tls_ms", "20.000");
        group();
        assertEquals(7.5, Aggregate.ITL_ANY_P50.of(model("m")));
        assertEquals(90, Aggregate.TTFT_ANY_P50.of(model("m")));
        assertEquals(50, Aggregate.TTFT_NET_P50.of(model("m")));
        assertEquals(0, Aggregate.RETRIES.of(model("m")));
        assertEquals(1, Aggregate.N.of(model("m")));
    }
}
