package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.io.TempDir;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs to compare, and the command that compares them. */
abstract class CompareCase {

    @TempDir
    Path folder;

    static Printed compare(int exitCode, Object... args) {
        return Printed.compare(args).expect(exitCode);
    }

    static JsonNode json(Object... args) {
        var all = new ArrayList<>(List.of(args));
        all.addAll(List.of("--format", "json"));
        return JsonMapper.shared().readTree(compare(0, all.toArray()).out());
    }

    RunOnDisk run(String name) {
        return new RunOnDisk(folder.resolve(name));
    }

    /** Eight prompts, each three times: a fast model, and one that takes half as long again and then some. */
    RunOnDisk fastAndSlow(String name) {
        var run = run(name);
        for (int i = 0; i < 24; i++) {
            var prompt = "prompt-" + (i / 3 + 1);
            run.answer("fast", prompt, i % 3 + 1, 100 + i * 7 % 24, 5, 20);
            run.answer("slow", prompt, i % 3 + 1, 150 + i * 5 % 24, 8 + i % 2, 20);
        }
        return run;
    }

    static void assertFigures(JsonNode group, double... expected) {
        var names = List.of("ttft_p50_ms", "ttft_p95_ms", "ttft_p99_ms", "itl_p50_ms", "itl_p99_ms", "tpot_p50_ms", "ttlt_p50_ms");
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], group.get("figures").get(names.get(i)).asDouble(), 0.0011, names.get(i));
        }
    }

    List<String> notes(RunOnDisk run) {
        var notes = new ArrayList<String>();
        json(run.write()).get("notes").forEach(note -> notes.add(note.asString()));
        return notes;
    }

    // What a reader of the first sentence must know

    String sentence(Object... arguments) {
        return compare(0, arguments).out().lines().findFirst().orElseThrow();
    }

    Path runOfDay(String name, int day, double millis) {
        var run = run(name);
        for (int i = 0; i < 12; i++) {
            run.answer("m", "p" + i % 6, i / 6 + 1, millis + i % 5, 5, 5, "started_at",
                    RunOnDisk.BEGIN.plusSeconds(86_400L * day + i).toString());
        }
        return run.write();
    }
}
