package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which requests are in one group, and which are compared with which. */
@Execution(ExecutionMode.CONCURRENT)
class PairingTest extends CompareCase {

    @Test
    void pairsAreFoundByPromptAndRepetitionWhateverTheOrder() {
        var run = run("r");
        var random = new SplittableRandom(1);
        for (int i = 0; i < 30; i++) { // prompts differ far more than the models: only in pairs can it be seen
            run.answer("a", "prompt-" + i, 1, 100 * Math.exp(i * 0.1), 5, 3);
        }
        for (int i = 29; i >= 0; i--) {
            run.answer("b", "prompt-" + i, 1, 100 * Math.exp(i * 0.1) * (1.15 + 0.1 * random.nextDouble()), 5, 3);
        }
        var ttft = json(run.write(), "--baseline", "a").get("sections").get(0).get("groups").get(1).get("against").get("ttft");
        assertTrue(ttft.get("paired").asBoolean());
        assertEquals("slower", ttft.get("verdict").asString());
        var unpaired = json(run.write(), "--by", "label:none");
        assertEquals("(none)", unpaired.get("sections").get(0).get("groups").get(0).get("label").asString());
    }

    @Test
    void theBaselineIsTheFastestUnlessOneIsNamed() {
        var run = fastAndSlow("r").write();
        assertTrue(compare(0, run).out().contains("\nRatios to fast,"));
        var named = compare(0, run, "--baseline", "slow").out();
        assertTrue(named.startsWith("To the first token fast is 1.45x faster than slow; to the last token fast is 1.56x faster"),
                named);
        assertTrue(named.contains("\nRatios to slow,") && named.contains("faster"), named);
        assertEquals("compare: --baseline 'medium': no such group; there are fast, slow\n",
                compare(2, run, "--baseline", "medium").err());
    }

    @Test
    void severalRunsAreComparedModelByModelAgainstTheFirst() {
        var before = fastAndSlow("before").write();
        var after = run("after");
        for (int i = 0; i < 24; i++) {
            after.answer("fast", "prompt-" + (i / 3 + 1), i % 3 + 1, 80 + i * 7 % 24, 5, 20);
        }
        var text = compare(0, before, after.write()).out();
        assertTrue(text.startsWith("fast: to the first token after is 1.22x faster than before; to the last token after is 1.11x "
                + "faster"
                + " than before"), text);
        assertTrue(text.contains("note: slow: only in before, so there is nothing to compare it with\n"), text);
        assertTrue(text.contains("TTFT    after  0.82x"), text);
        assertTrue(text.endsWith("Runs: before, after\n"), text);
        var together = compare(0, before, folder.resolve("after"), "--by", "model").out();
        assertTrue(together.contains("fast *  48"), together);
    }

    @Test
    void runsWithoutAModelInCommonAreComparedModelByModelInPairs() {
        var here = run("here");
        var there = run("there");
        for (int i = 0; i < 10; i++) {
            here.answer("mine", "p" + i, 1, 100 + i, 5, 3);
            there.answer("yours", "p" + i, 1, 200 + i, 5, 3);
        }
        var json = json(here.write(), there.write());
        assertEquals("model", json.get("by").asString());
        assertEquals(10, json.at("/sections/0/groups/1/against/ttft/size").asInt());
        assertTrue(json.at("/sections/0/groups/1/against/ttft/paired").asBoolean());
        assertEquals("prompts", json.at("/sections/0/groups/1/against/ttft/unit").asString());
    }

    @Test
    void promptsOfOneNameAndDifferentTextsAreNotPaired() {
        var before = run("before").prompt("sky", "aa", "kind", "x");
        var after = run("after").prompt("sky", "bb", "kind", "x");
        for (int i = 0; i < 10; i++) {
            before.answer("m", "sky", i + 1, 100, 5, 3);
            after.answer("m", "sky", i + 1, 200, 5, 3);
        }
        var section = json(before.write(), after.write());
        assertFalse(section.get("sections").get(0).get("groups").get(1).get("against").get("ttft").get("paired").asBoolean());
        assertEquals("m: after and before have 0 prompts and repetitions in common, too few to be compared in pairs",
                section.get("notes").get(0).asString());
    }

    @ParameterizedTest
    @CsvSource({"prompt,m", "label:kind,short", "base_url,http://localhost:1/v1", "shard,all", "run,r", "model,m"})
    void groupsAreWhatBySays(String by, String label) {
        var run = run("r").prompt("prompt-1", "aa", "kind", "short").prompt("prompt-2", "bb", "kind", "long");
        for (int i = 0; i < 8; i++) {
            run.answer("m", "prompt-1", i + 1, 100 + i, 5, 3).answer("m", "prompt-2", i + 1, 200 + i, 5, 9);
        }
        var labels = new ArrayList<String>();
        json(run.write(), "--by", by).get("sections").get(0).get("groups")
                .forEach(group -> labels.add(group.get("label").asString()));
        assertEquals(label, labels.getFirst());
        assertEquals(by.startsWith("label") ? 2 : 1, labels.size());
    }

    @Test
    void aRunIsOnOneSideOnly() {
        var run = fastAndSlow("r").write();
        assertEquals("compare: RUN '" + run + "' is on both sides; name it on one\n", compare(2, run, "--", run).err());
    }

    @Test
    void withinAPromptTheModelsAreCompared() {
        var json = json(fastAndSlow("r").write(), "--by", "prompt");
        assertEquals(8, json.get("sections").size());
        assertEquals("prompt-1 fast slow",
                json.at("/sections/0/title").asString() + " " + json.at("/sections/0/groups/0/label").asString()
                + " " + json.at("/sections/0/groups/1/label").asString());
        assertEquals(3, json.at("/sections/0/groups/1/against/ttft/size").asInt());
    }

    /** In the second run all takes twice as long: an answer is compared with that of its own run. */
    @Test
    void modelsOfSeveralRunsAreComparedInsideEachRun() {
        var runs = new ArrayList<Path>();
        for (int factor = 1; factor <= 2; factor++) {
            var run = run("r" + factor);
            for (int i = 0; i < 8; i++) {
                run.answer("a", "p" + i, 1, factor * (100 + i), 5, 5).answer("b", "p" + i, 1, factor * 1.2 * (100 + i), 5, 5);
            }
            runs.add(run.write());
        }
        var ttft = json(runs.get(0), runs.get(1), "--by", "model").at("/sections/0/groups/1/against/ttft");
        assertEquals("16 true", ttft.get("size") + " " + ttft.get("paired"));
        assertEquals(1.2, ttft.get("high").asDouble(), 1e-4);
        assertEquals(1.2, ttft.get("low").asDouble(), 1e-4);
    }
}
