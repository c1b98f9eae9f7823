package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import stream.fixtures.Printed;

/** What limits a comparison is said: in its sentence, or in a note. */
@Execution(ExecutionMode.CONCURRENT)
class CaveatsTest extends CompareCase {

    @Test
    void whatIsUnlikeInTheGroupsIsSaid() {
        var run = run("r").option("concurrency", 1);
        for (int i = 0; i < 24; i++) {
            run.answer("short", "p" + i, 1, 100 + i, 5, 10, "cached_prompt_tokens", "64", "tainted", i < 3 ? "gc:20ms" : "");
            run.answer("long", "p" + i, 1, 100 + i, 5, 20, "token_source", "events", "coalesced_events", "18",
                    "cached_prompt_tokens", "");
        }
        run.failure("long", "p99", 1, "overloaded").failure("long", "p98", 1, "overloaded").failure("long", "p97", 1, "down")
                .answer("long", "p96", 1, 100, 5, 2, "status", "cancelled");
        run.record().putObject("client_overhead").put("ttft_p50_ms", 20.0).put("itl_p50_ms", 0.1);
        var other = run("s").option("concurrency", 8).answer("short", "p1", 1, 100, 5, 10);
        var notes = new ArrayList<String>();
        json(run.write(), "--by", "model", other.write()).get("notes").forEach(note -> notes.add(note.asString()));
        assertEquals(List.of(
                "the runs differ in concurrency: 1, 8",
                "short: the timing of 3 of 25 should not be trusted (column tainted); --untainted leaves them out",
                "long: 3 of 27 failed and are not in the figures (mostly: failed, overloaded)",
                "long: 1 cancelled before their end, left out",
                "long: the stream was buffered on its way, 90 % of its tokens came together with the one before: its TTFT, ITL and"
                        + " TPOT are those of the buffer. They are not compared",
                "answers differ in length, from 10 tokens (short) to 20 (long): TTLT and total compare that too, ITL and TPOT do"
                        + " not",
                "prompts were found in the server's cache (short 24 of 25, long not known): TTFT measures that too;"
                        + " --unique-prefix keeps it out",
                "tokens are counted by the server for short alone, events are for the rest: tokens, TPOT and tokens/s are not"
                        + " alike",
                "r: the error of the client in TTFT, 20.000 ms, is more than a tenth of what was measured; use a lower"
                        + " concurrency"),
                notes);
        assertTrue(compare(0, run.write(), "--untainted").out()
                .contains("note: short: 3 left out, because their timing should not be trusted\n"));
    }

    @Test
    void tokensPerEventThatDifferMakeTpotTheFigureToCompare() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("one", "p" + i, 1, 100 + i, 5, 10, "tokens_per_event", "1.000");
            run.answer("three", "p" + i, 1, 100 + i, 15, 10, "tokens_per_event", "3.000", "output_tokens", "30", "tpot_ms", "4.655",
                    "output_chars", "180");
        }
        assertEquals("tokens per event differ, from 1.00 (one) to 3.00 (three): ITL compares the sizes of events, TPOT is the "
                + "figure to"
                + " compare", notes(run).getLast());
        assertFalse(compare(0, run.write()).out().contains("\nITL "), "no ITL verdict");
        assertTrue(compare(0, run.write()).out().contains("  tokens/event  "), compare(0, run.write()).out());
        var counted = run("s");
        for (int i = 0; i < 8; i++) { // not counted in the stream, but by usage
            counted.answer("one", "p" + i, 1, 100 + i, 5, 10).answer("three", "p" + i, 1, 100 + i, 15, 10, "output_tokens", "30",
                    "output_chars", "180");
        }
        assertTrue(notes(counted).getLast().startsWith("tokens per event differ, from 1.00 (one) to 3.00 (three)"));
    }

    @Test
    void reasoningThatIsNotCountedApartHasNoTpotAndANote() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("a", "p" + i, 1, 100 + i, 5, 10, "reasoning_events", "4", "tool_events", "0", "tpot_ms", "");
            run.answer("b", "p" + i, 1, 100 + i, 5, 10);
        }
        assertEquals("a: 8 answers with reasoning or tool calls whose tokens the server does not count apart: no TPOT for them, "
                + "tokens/s"
                + " counts all", notes(run).getFirst());
    }

    @Test
    void modelsThatWereNotMeasuredAtTheSameTimeHaveACaveatInTheSentence() {
        var run = run("r");
        for (var model : List.of("early", "late")) {
            for (int i = 0; i < 12; i++) {
                run.answer(model, "p" + i % 6, i / 6 + 1, (model.equals("early") ? 100 : 130) + i % 5, 5, 5);
            }
        }
        var caveat = "not at the same time: a difference between the two times looks the same";
        assertTrue(sentence(run.write()).endsWith(", but " + caveat + "."));
        assertEquals("[\"" + caveat + "\"]", json(run.write()).at("/sections/0/headline_caveats").toString());
        var interleaved = run("s");
        for (int i = 0; i < 12; i++) {
            interleaved.answer("early", "p" + i % 6, i / 6 + 1, 100 + i % 5, 5, 5)
                    .answer("late", "p" + i % 6, i / 6 + 1, 130 + i % 5, 5, 5);
        }
        assertFalse(sentence(interleaved.write()).contains("but"));
    }

    @Test
    void loadThatComesAndGoesHasACaveatInTheSentence() {
        var run = run("r");
        for (int i = 0; i < 160; i++) {
            var load = 0.2 * Math.sin(i / 40.0); // rises, falls, and rises again
            run.answer("a", "p" + i % 8, i / 8 + 1, 100 + i * 7 % 11, 5, 5);
            run.answer("b", "p" + i % 8, i / 8 + 1, 110 * Math.exp(load) + i * 5 % 11, 5, 5);
        }
        assertTrue(sentence(run.write()).endsWith(", but the load changed during the run: another run may tell otherwise."),
                sentence(run.write()));
    }

    @Test
    void oneRunBeforeAndOneAfterHaveACaveatAndSeveralAreCountedAsRuns() {
        var before = List.of(runOfDay("b1", 0, 100), runOfDay("b2", 2, 104), runOfDay("b3", 4, 98));
        var after = List.of(runOfDay("a1", 1, 130), runOfDay("a2", 3, 124), runOfDay("a3", 5, 128));
        assertTrue(sentence(before.getFirst(), after.getFirst())
                .endsWith("but not at the same time: a difference between the two times"
                + " looks the same."));
        var sides = Printed.compare(before.get(0), before.get(1), before.get(2), "--", after.get(0), after.get(1),
                after.get(2)).expect(0).out();
        assertTrue(sides.startsWith("m: to the first token A is 1.26x faster than B; to the last token A is "), sides);
        assertFalse(sides.contains("but not at the same time"), "in turns: " + sides);
        var later = List.of(runOfDay("c1", 6, 130), runOfDay("c2", 7, 124), runOfDay("c3", 8, 128));
        assertTrue(Printed.compare(before.get(0), before.get(1), before.get(2), "--", later.get(0), later.get(1), later.get(2))
                .expect(0).out().lines().findFirst().orElseThrow().contains(", but not at the same time: a difference"),
                "all later");
        var labelled = json("old=" + before.get(0), "new=" + after.get(0), "old=" + before.get(1), "new=" + after.get(1));
        var ttft = labelled.at("/sections/0/groups/1/against/ttft");
        assertEquals("old runs 2", ttft.get("baseline").asString() + " " + ttft.get("unit").asString() + " "
                + ttft.get("units").asString());
        assertTrue(compare(2, "old=" + before.get(0), after.get(0)).err()
                .contains("has no label, others have; write LABEL=RUN for all"));
    }

    @Test
    void failuresThatDifferByMoreThanChanceComeFirst() {
        var run = run("r");
        for (int i = 0; i < 30; i++) {
            run.answer("steady", "p" + i, 1, 130 + i % 7, 5, 5);
            if (i < 18) {
                run.answer("flaky", "p" + i, 1, 100 + i % 5, 5, 5);
            } else {
                run.failure("flaky", "p" + i, 1, "overloaded");
            }
        }
        assertTrue(sentence(run.write())
                .startsWith("steady failed 0 of 30, flaky failed 12 of 30; among completed requests, to the first token"
                + " flaky is 1.3"), sentence(run.write()));
        var worst = compare(0, run.write(), "--failures", "worst").out();
        assertTrue(worst.contains("note: failed requests count as infinitely slow; ratios are of medians\n"), worst);
        var sentence = sentence(run.write(), "--failures", "worst");
        assertTrue(sentence.startsWith("steady failed 0 of 30, flaky failed 12 of 30; to the first token")
                && sentence.endsWith(", but failed requests count as infinitely slow."), sentence);
        assertTrue(worst.contains("  never  "), "its p95 is a failure: " + worst);
        var few = run("few");
        for (int i = 0; i < 30; i++) {
            few.answer("a", "p" + i, 1, 130 + i % 7, 5, 5);
            if (i < 29) {
                few.answer("b", "p" + i, 1, 100 + i % 5, 5, 5);
            }
        }
        few.failure("b", "p29", 1, "overloaded");
        assertTrue(sentence(few.write()).startsWith("To the first token b is 1.3"), "one failure of 30 may be chance");
    }

    @Test
    void aBufferedStreamIsNeitherTheBaselineNorComparedByItsTokens() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("buffered", "p" + i, 1, 90 + i, 0.1, 10, "coalesced_events", "9").answer("live", "p" + i, 1, 100 + i, 5, 10);
        }
        var text = compare(0, run.write()).out();
        assertTrue(text.startsWith("To the last token buffered is "), text);
        assertTrue(text.contains("\nRatios to live,") && !text.contains("\nRatios to buffered,"), text);
        assertFalse(text.contains("\nTTFT ") || text.contains("\nITL ") || text.contains("\nTPOT "), text);
    }

    @Test
    void aTailThatIsWorseThanTheMedianTellsIsNamed() {
        var run = run("r");
        for (int i = 0; i < 120; i++) {
            run.answer("even", "p" + i % 12, i / 12 + 1, 100 + i % 7, 5, 5);
            run.answer("uneven", "p" + i % 12, i / 12 + 1, i % 11 == 3 ? 600 + i : 99 + i % 7, 5, 5);
        }
        var notes = notes(run);
        assertTrue(sentence(run.write()).contains(", but the median TTFT of even is 1.01x that of uneven"),
                sentence(run.write()));
        assertTrue(notes.stream().anyMatch(note ->
                note.matches("even: its TTFT p95 is 0\\.\\d\\dx that of uneven .*, more than the verdict tells")),
                notes.toString());
        var tails = json(run.write(), "--baseline", "even").at("/sections/0/groups/1/tails/ttft_p95_ms");
        assertTrue(tails.get("low").asDouble() > 1 && tails.get("high").asDouble() > tails.get("ratio").asDouble() - 1e-9,
                tails.toString());
    }

    @Test
    void failuresThatMayBeChanceDoNotComeFirst() {
        var run = run("r");
        for (int i = 0; i < 30; i++) {
            run.answer("a", "p" + i, 1, 130 + i % 7, 5, 5);
            if (i < 27) {
                run.answer("b", "p" + i, 1, 100 + i % 5, 5, 5);
            } else {
                run.failure("b", "p" + i, 1, "overloaded");
            }
        }
        assertTrue(sentence(run.write()).startsWith("To the first token b is 1.3"), sentence(run.write()));
    }

    @Test
    void aModelThatFailsMoreOftenThanNotIsSlowerIfFailuresAreTheWorst() {
        var run = run("r");
        for (int i = 0; i < 30; i++) {
            run.answer("steady", "p" + i, 1, 130 + i % 7, 5, 5);
            if (i % 10 < 2) {
                run.answer("flaky", "p" + i, 1, 100 + i % 5, 5, 5);
            } else {
                run.failure("flaky", "p" + i, 1, "overloaded");
            }
        }
        var ttft = json(run.write(), "--failures", "worst", "--baseline", "steady").at("/sections/0/groups/1/against/ttft");
        assertEquals("slower", ttft.get("verdict").asString());
        assertTrue(ttft.get("ratio").isNull(), "infinite: " + ttft);
        assertTrue(sentence(run.write(), "--failures", "worst")
                .contains("steady is infinitely faster than flaky; to the last token"),
                sentence(run.write(), "--failures", "worst"));
        var row = compare(0, run.write(), "--failures", "worst", "--wide").out().lines()
                .filter(line -> line.matches("flaky +30 .*")).findFirst().orElseThrow();
        assertTrue(row.matches("flaky +30 +24( +never){6} .*"), "p50 and p95 of TTFT, p50 of ITL, TPOT, TTLT and total: " + row);
        assertEquals("faster", json(run.write(), "--baseline", "steady")
                .at("/sections/0/groups/1/against/ttft/verdict").asString());
    }

    @Test
    void aTailOfOnePromptAloneIsNotNamed() {
        var run = run("r");
        for (int i = 0; i < 72; i++) {
            run.answer("even", "p" + i % 12, i / 12 + 1, 100 + i % 7, 5, 5);
            run.answer("uneven", "p" + i % 12, i / 12 + 1, i % 12 == 3 ? 600 + i : 100 + i * 3 % 7, 5, 5);
        }
        var tail = json(run.write(), "--baseline", "even").at("/sections/0/groups/1/tails/ttft_p95_ms");
        assertTrue(tail.get("ratio").asDouble() > 1.5 && tail.get("low").asDouble() <= 1, tail.toString());
        assertTrue(notes(run).stream().noneMatch(note -> note.contains("more than the verdict tells")), notes(run).toString());
    }

    @Test
    void aSampleThatIsTooSmallIsToldWhatItNeeds() {
        var run = run("r");
        for (var prompt : List.of("sky", "sea", "sun")) {
            run.answer("a", prompt, 1, 100, 5, 5).answer("b", prompt, 1, 200, 5, 5);
        }
        assertTrue(compare(0, run.write()).out()
                .contains("3 pairs of 3 prompts, too few: 6 prompts or 3 repetitions are needed\n"));
        for (int i = 2; i <= 3; i++) {
            for (var prompt : List.of("sky", "sea", "sun")) {
                run.answer("a", prompt, i, 100 + i, 5, 5).answer("b", prompt, i, 200 + i, 5, 5);
            }
        }
        assertFalse(compare(0, run.write()).out().contains("too few"));
    }

    @Test
    void driftRetriesTokenizersReasoningAndCachesHaveANote() {
        var run = run("r");
        for (int i = 0; i < 40; i++) {
            run.answer("a", "p" + i % 8, i / 8 + 1, 100 + 3 * i + i % 3, 5, 10, "attempt", i < 30 ? "2" : "1", "output_chars", "40",
                    "reasoning_events", "0", "cached_prompt_tokens", "");
            run.answer("b", "p" + i % 8, i / 8 + 1, 150 + i % 3, 5, 10, "output_chars", "60", "output_tokens", "20",
                    "reasoning_events", "10", "reasoning_tokens", "10");
        }
        assertEquals(List.of(
                "a: 30 attempts beyond the first; only the last of each request counts, and 30 of 40 requests were refused at "
                + "first: a lower"
                        + " --concurrency may change the figures",
                "a: TTFT drifted during the run: median 115.0 ms in the first quarter, 174.0 ms after it",
                "answers differ in length, from 10 tokens (a) to 20 (b): TTLT and total compare that too, ITL and TPOT do not",
                "a: prompts repeat, and the server does not tell what it had in its cache: TTFT may measure the prompt cache; "
                + "--unique-prefix"
                        + " keeps it out",
                "a token is not the same: 4.0 characters (a) to 6.0 (b); ITL, TPOT and tokens/s count different pieces; chars/s "
                + "and --metric"
                        + " first_100_chars do not",
                "part of the output is reasoning: a 0 %, b 50 %; TTFT includes it, --metric ttft_any does not"), notes(run));
    }

    @Test
    void aRatioOfPartOfTheRequestsSaysSo() {
        var run = fastAndSlow("r").answer("fast", "only-here", 1, 100, 5, 20).answer("slow", "only-there", 1, 100, 5, 20).write();
        assertTrue(compare(0, run).out().contains(
                "note: slow and fast have 24 prompts and repetitions in common, their ratios are of these\n"));
        var ttft = json(run).at("/sections/0/groups/1/against/ttft");
        assertEquals("true 24", ttft.get("paired") + " " + ttft.get("size"));
    }
}
