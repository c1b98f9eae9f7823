package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What is known of a group of requests, against values worked out by hand. */
@Execution(ExecutionMode.CONCURRENT)
class GroupsTest {

    @TempDir
    Path folder;
    private RunOnDisk disk;
    private CsvRun run;
    private Section section;
    private EventCollector events;

    private RunOnDisk begin() {
        disk = new RunOnDisk(folder.resolve("run"));
        return disk;
    }

    /** Reads the run into groups by model. */
    private void group() throws IOException {
        var problems = new ReadProblems();
        run = CsvRun.read(disk.write(), problems);
        var sections = Grouping.of("model", new NamedRuns(List.of(run), Map.of(run, run)), Map.of())
                .sections(List.of(run), new Counting(MetricDefinition.OURS, false, false, false), problems);
        events = new EventCollector(sections);
        run.readEvents(MetricDefinition.OURS, events, problems, null);
        assertEquals(List.of(), problems.lines());
        section = sections.getFirst();
    }

    private Group model(String label) {
        return section.groups().stream().filter(group -> group.completed().getFirst().model().equals(label)).findFirst().orElseThrow();
    }

    /** The medians of TTFT are 101 and 200 ms, so the second prompt is the only one whose first tokens come in another order. */
    @Test
    void thePromptsThatAreNearestToTheMediansRaceFirst() throws Exception {
        begin().answer("a", "p1", 1, 100, 10, 3).answer("b", "p1", 1, 200, 10, 3)
                .answer("a", "p2", 1, 150, 10, 3).answer("b", "p2", 1, 140, 10, 3)
                .answer("a", "p3", 1, 100, 10, 3)
                .answer("a", "p4", 1, 130, 10, 3).answer("a", "p4", 2, 101, 10, 3).answer("b", "p4", 1, 220, 10, 3)
                .answer("a", "p5", 1, 100, 0.01, 2001).answer("b", "p5", 1, 200, 0.01, 2001);
        group();
        var races = events.racesOf(section);
        assertEquals(List.of("p1", "p4", "p2", "p3"), races.stream().map(EventCollector.Race::prompt).toList());
        assertEquals(2, races.get(1).answers().get(model("a")).repetition(), "the nearest of two");
        var pieces = events.pieces(races.getFirst().answers().get(model("b")));
        assertEquals(List.of(200_000L, 210_000L, 220_000L), pieces.stream().map(EventCollector.Piece::elapsedMicros).toList());
        assertEquals(1, races.get(3).answers().size());
        assertNull(events.pieces(model("a").completed().stream().filter(answer -> answer.promptId().equals("p4") && answer.repetition() == 1)
                .findFirst().orElseThrow()), "what does not race is not kept");
        assertFalse(model("a").positions().medians().isEmpty());
    }

    @Test
    void theShareOfReasoningIsOfTokensWhereTheseAreCountedElseOfEvents() throws Exception {
        begin().answer("counted", "p1", 1, 100, 10, 5, "output_tokens", "20", "reasoning_tokens", "5", "reasoning_events", "9", "tool_events", "0")
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
        assertEquals(List.of(0L, 1L), List.of(model("events").reasoningAlone(), model("alone").reasoningAlone()));
    }

    @Test
    void visibleTokensAreUnknownWhereReasoningOrToolsAreNotCountedApart() throws Exception {
        begin().answer("reasoning", "p1", 1, 100, 10, 5, "tpot_ms", "", "reasoning_events", "1", "tool_events", "0")
                .answer("tools", "p1", 1, 100, 10, 2, "tpot_ms", "", "reasoning_events", "0", "tool_events", "1")
                .answer("text", "p1", 1, 100, 10, 5, "tpot_ms", "", "reasoning_events", "0", "tool_events", "0")
                .answer("one", "p1", 1, 100, 10, 1, "tpot_ms", "", "reasoning_events", "1", "tool_events", "0", "output_tokens", "2")
                .answer("known", "p1", 1, 100, 10, 5, "reasoning_events", "1", "tool_events", "0");
        group();
        assertEquals(List.of(1L, 1L, 0L, 0L, 0L), List.of(model("reasoning").withUnknownVisibleTokens(), model("tools").withUnknownVisibleTokens(),
                model("text").withUnknownVisibleTokens(), model("one").withUnknownVisibleTokens(), model("known").withUnknownVisibleTokens()));
    }

    @Test
    void theModelThatIsServedIsNamedIfItIsOne() throws Exception {
        begin().answer("one", "p1", 1, 100, 10, 5, "reported_model", "m-1").answer("one", "p2", 1, 100, 10, 5, "reported_model", "m-1")
                .answer("two", "p1", 1, 100, 10, 5, "reported_model", "m-1").answer("two", "p2", 1, 100, 10, 5, "reported_model", "m-2")
                .answer("none", "p1", 1, 100, 10, 5);
        group();
        assertEquals("m-1 at http://localhost:1/v1", model("one").servedModel());
        assertNull(model("two").servedModel());
        assertNull(model("none").servedModel());
    }

    @Test
    void eventsDifferInSizeByMoreThanAFifth() throws Exception {
        begin().answer("one", "p1", 1, 100, 10, 10, "tokens_per_event", "1.000").answer("fifth", "p1", 1, 100, 10, 10, "tokens_per_event", "1.200")
                .answer("more", "p1", 1, 100, 10, 10, "tokens_per_event", "1.210").answer("unknown", "p1", 1, 100, 10, 10, "token_source", "events");
        group();
        assertFalse(model("one").tokensPerEventDiffer(model("fifth")));
        assertTrue(model("one").tokensPerEventDiffer(model("more")) && model("more").tokensPerEventDiffer(model("one")));
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
        begin().answer("half", "p1", 1, 100, 10, 10, "coalesced_events", "5").answer("less", "p1", 1, 100, 10, 10, "coalesced_events", "4");
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
