package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What limits a verdict is in the first sentence. */
@Execution(ExecutionMode.CONCURRENT)
class SentenceTest extends CompareCase {

    /** Several runs of two models, each with a day of its own that suits one of them better. */
    private List<Object> days(int count) {
        var runs = new ArrayList<Object>();
        for (int day = 0; day < count; day++) {
            var run = run("day" + day);
            for (int i = 0; i < 16; i++) {
                run.answer("a", "p" + i % 8, i / 8 + 1, 100 + i * 7 % 11, 5, 5);
                run.answer("b", "p" + i % 8, i / 8 + 1, 130 + 8 * (day % 3) + i * 5 % 11, 5, 5);
            }
            runs.add(run.write());
        }
        runs.addAll(List.of("--by", "model"));
        return runs;
    }

    @Test
    void oneOrTwoRunsOfModelsAreNamedAndFromThreeOnTheyAreASourceOfChance() {
        assertTrue(sentence(days(1).toArray()).endsWith("faster than b, in this run."), sentence(days(1).toArray()));
        assertTrue(sentence(days(2).toArray()).endsWith("faster than b, in these 2 runs."), sentence(days(2).toArray()));
        assertTrue(sentence(days(3).toArray()).endsWith("faster than b."), sentence(days(3).toArray()));
        var ttft = json(days(3).toArray()).at("/sections/0/groups/1/against/ttft");
        assertEquals("runs 3 true", ttft.get("unit").asString() + " " + ttft.get("units") + " " + ttft.get("paired"));
    }

    @Test
    void aTimeApartMayHideADifferenceWhereTheSameIsSaid() {
        var run = run("r");
        for (var model : List.of("early", "late")) {
            for (int i = 0; i < 24; i++) {
                run.answer(model, "p" + i % 8, i / 8 + 1, 100 + i * 7 % 5, 5, 5);
            }
        }
        assertTrue(sentence(run.write()).endsWith(", but not at the same time: a difference between the two times may hide one."),
                sentence(run.write()));
    }

    @Test
    void failuresThatCouldChangeTheVerdictAreNamedAndOthersAreNot() {
        var run = run("r");
        for (int i = 0; i < 40; i++) {
            run.answer("a", "p" + i, 1, 115 + i * 7 % 30, 5, 5);
            if (i < 38) {
                run.answer("b", "p" + i, 1, 100 + i * 11 % 30, 5, 5);
            } else {
                run.failure("b", "p" + i, 1, "timeout");
            }
        }
        assertFalse(sentence(run.write()).contains("failed"), "as the slowest they would not change it: " + sentence(run.write()));
        var close = run("s");
        for (int i = 0; i < 40; i++) {
            close.answer("a", "p" + i, 1, 105 + i * 7 % 30, 5, 5);
            if (i < 36) {
                close.answer("b", "p" + i, 1, 100 + i * 7 % 30, 5, 5);
            } else {
                close.failure("b", "p" + i, 1, "timeout");
            }
        }
        assertTrue(sentence(close.write())
                .contains(", but b failed 4 of 40: had these been the slowest, the verdict would be another"),
                sentence(close.write()));
        assertTrue(notes(close).contains("b: 4 of 40 failed and are not in the figures (failed, timeout)"));
        var worst = json(close.write(), "--failures", "worst").get("notes").toString();
        assertTrue(worst.contains("b: 4 of 40 failed (failed, timeout)"), worst);
    }

    /** With so few requests a load that lasts could be the reason of a small difference, and not of a large one. */
    @Test
    void fewRequestsDoNotExcludeThatTheLoadChanged() {
        for (var slower : List.of(1.15, 4.0)) {
            var run = run("r" + slower);
            for (int i = 0; i < 8; i++) {
                run.answer("a", "p" + i, 1, 100 + i * 5 % 8, 5, 5).answer("b", "p" + i, 1, slower * (95 + i * 3 % 16), 5, 5);
            }
            assertEquals(slower < 2, sentence(run.write()).contains(", but so few requests do not exclude that the load changed"),
                    sentence(run.write()));
        }
    }

    @Test
    void shorterAnswersAreNamedWhereTheTokensDoNotComeFaster() {
        var run = run("r");
        for (int i = 0; i < 24; i++) {
            run.answer("brief", "p" + i % 8, i / 8 + 1, 100 + i % 5, 5, 20)
                    .answer("wordy", "p" + i % 8, i / 8 + 1, 100 + i % 5, 5, 60);
        }
        assertTrue(sentence(run.write()).contains("to the last token brief is 2.0"), sentence(run.write()));
        assertTrue(sentence(run.write()).contains("faster than wordy (tokens of an answer: brief 20, wordy 60)"),
                sentence(run.write()));
        var faster = run("s");
        for (int i = 0; i < 24; i++) {
            faster.answer("brief", "p" + i % 8, i / 8 + 1, 100 + i % 5, 2, 20)
                    .answer("wordy", "p" + i % 8, i / 8 + 1, 100 + i % 5, 5 + i % 2, 60);
        }
        assertFalse(sentence(faster.write()).contains("tokens of an answer"),
                "its tokens come faster, too: " + sentence(faster.write()));
    }

    @Test
    void caveatsFollowEachOtherAndATimeOfZeroIsTheReasonThatIsNamed() {
        var run = run("r");
        for (var model : List.of("a", "b")) {
            for (int i = 0; i < 8; i++) {
                run.answer(model, "p" + i, 1, model.equals("a") ? 100 + i * 5 % 8 : 109 + i * 3 % 16, 5, 5);
            }
        }
        run.failure("c", "p0", 1, "down");
        var sentence = sentence(run.write());
        assertTrue(sentence.contains(", but not at the same time: a difference between the two times looks the same, and so few"),
                sentence);
        assertTrue(sentence.endsWith("; c completed nothing."), sentence);
        var zeros = run("z");
        for (int i = 0; i < 8; i++) {
            zeros.answer("a", "p" + i, 1, 0, 5, 1).answer("b", "p" + i, 1, 0, 5, 1);
        }
        assertTrue(sentence(zeros.write())
                .startsWith("To the first token b cannot be compared with a (times of 0 ms); to the last"),
                sentence(zeros.write()));
    }

    @Test
    void manyThatAreFasterAreOneClause() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("base", "p" + i, 1, 400 + i, 5, 5);
            for (int model = 1; model <= 4; model++) {
                run.answer("m" + model, "p" + i, 1, 100 * (model < 4 ? 1 : 2) + i, 5, 5);
            }
        }
        assertTrue(sentence(run.write(), "--baseline", "base").startsWith("To the first token 4 others are 1.9"),
                sentence(run.write(), "--baseline", "base"));
        assertTrue(sentence(run.write(), "--baseline", "base").contains("x to 3.9"), sentence(run.write(), "--baseline", "base"));
    }

    @Test
    void sidesThatHaveAllInCommonAreNotSaidToHaveTooFew() {
        var sides = new ArrayList<Object>(List.of(runOfDay("a1", 0, 100), runOfDay("a2", 2, 104), "--", runOfDay("b1", 1, 130),
                runOfDay("b2", 3, 128)));
        var text = compare(0, sides.toArray()).out();
        assertFalse(text.contains("in common"), text);
    }

    @Test
    void whenRequestsOfAnotherToolWereSentMayNotBeRecorded() throws Exception {
        for (var name : List.of("one", "other")) {
            var ttfts = new ArrayList<Double>();
            for (int i = 0; i < 30; i++) {
                ttfts.add((name.equals("one") ? 0.1 : 0.15) + 0.001 * (i * 7 % 11));
            }
            Files.writeString(folder.resolve(name + ".json"),
                    "{\"backend\":\"openai-chat\",\"model_id\":\"m\",\"num_prompts\":30,\"ttfts\":"
                    + ttfts + ",\"itls\":" + ttfts.stream().map(unused -> List.of(0.01, 0.01)).toList()
                    + ",\"output_lens\":" + ttfts.stream().map(unused -> 3).toList()
                    + ",\"input_lens\":" + ttfts.stream().map(unused -> 5).toList()
                    + ",\"errors\":" + ttfts.stream().map(unused -> "\"\"").toList() + ",\"completed\":30}");
        }
        var sentence = sentence(folder.resolve("one.json"), folder.resolve("other.json"), "--by", "run");
        assertTrue(sentence.endsWith(", but it is not recorded whether they were measured at the same time."), sentence);
    }
}
