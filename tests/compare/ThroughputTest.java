package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import stream.fixtures.RunOnDisk;

/** Requests and tokens per second of the time that was measured. */
@Execution(ExecutionMode.CONCURRENT)
class ThroughputTest extends CompareCase {

    @Test
    void throughputIsOfTheTimeThatWasMeasured() {
        var run = run("r");
        for (int i = 0; i < 10; i++) { // ten requests of 20 tokens, one a second, the last of which ends 0.196 s after it began
            run.answer("m", "p" + i, 1, 100, 5, 20, "started_at", RunOnDisk.BEGIN.plusSeconds(i).toString());
        }
        var figures = json(run.write()).at("/sections/0/groups/0/figures");
        assertEquals(10 / 9.196, figures.get("requests_per_s").asDouble(), 0.001);
        assertEquals(200 / 9.196, figures.get("throughput_tokens_per_s").asDouble(), 0.001);
        var later = run("later").answer("m", "p", 1, 100, 5, 20, "started_at", RunOnDisk.BEGIN.plusSeconds(9000).toString());
        var ofBoth = json(folder.resolve("r"), later.write(), "--by", "model").at("/sections/0/groups/0/figures");
        assertEquals(11 / (9.196 + 0.196), ofBoth.get("requests_per_s").asDouble(), 0.001,
                "the time between two runs is of neither");
    }

    /** The wall clock was set back by an hour after the fifth of ten requests, one a second. */
    @Test
    void throughputAndDriftAreOfTheMonotonicClock() {
        var run = run("r");
        for (int i = 0; i < 10; i++) {
            run.answer("m", "p" + i, 1, 100, 5, 20, "started_at", RunOnDisk.BEGIN.plusSeconds(i < 5 ? i : i - 3600).toString(),
                    "start_ms", i * 1000 + ".000");
        }
        assertEquals(10 / 9.196, json(run.write()).at("/sections/0/groups/0/figures/requests_per_s").asDouble(), 0.001);
        var drifting = run("drift");
        for (int i = 0; i < 40; i++) { // slower and slower in the order of start_ms, up and down in that of started_at
            drifting.answer("m", "p" + i % 4, i / 4 + 1, 100 + 3 * i, 5, 20, "started_at",
                    RunOnDisk.BEGIN.plusSeconds(i * 7 % 40).toString(),
                    "start_ms", i * 1000 + ".000");
        }
        assertTrue(compare(0, drifting.write()).out().contains("TTFT drifted during the run"));
    }
}
