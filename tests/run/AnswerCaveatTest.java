package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.Compare;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.fixtures.TestRun;
import stream.metric.AnswerMetrics;

/** What limits the figures of complete answers, from the stream to the table and to Compare. */
@Execution(ExecutionMode.CONCURRENT)
class AnswerCaveatTest {

    private static final String TEXT = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]%s}\n\n";
    private static final String OTHER = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"Ho\"}}]}\n\n";
    private static final String STOP = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]%s}\n\n";
    private static final String STOP_OTHER = STOP.replace("\"index\":0", "\"index\":1");
    private static final String USAGE = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":%d}}\n\n";
    private static final String DONE = "data: [DONE]\n\n";

    @TempDir
    Path folder;

    /** Runs two requests to a model with a price, each of which gets this stream. */
    private TestRun run(String... events) throws IOException {
        var models = folder.resolve("models.json");
        try (var server = new MockWebServer()) {
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().setHeader("Content-Type", "text/event-stream")
                        .chunkedBody(String.join("", events), 25).build());
            }
            server.start();
            Files.writeString(models, "[{\"name\": \"m\", \"price\": {\"input\": 1, \"output\": 10, \"currency\": \"USD\"}}]");
            return TestRun.of(folder.resolve("results"), "--base-url", server.url("/v1").toString(), "--models",
                    models.toString(), "-p", "Hi",
                    "-n", "2", "--echo", "none");
        }
    }

    private static String compared(TestRun run) {
        return Printed.of("compare", Compare::run, Map.of(), InputStream.nullInputStream(), false, run.folder().toString()).out();
    }

    private static String figures(CSVRecord row) {
        return row.get("output_tokens") + " " + row.get("token_source") + ", TPOT "
                + (row.get("tpot_ms").isEmpty() ? "blank" : "known")
                + ", tokens/s " + (row.get("output_tokens_per_s").isEmpty() ? "blank" : "known") + ", cost " + row.get("cost");
    }

    private static String usage(int tokens) {
        return ",\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":" + tokens + "}";
    }

    @Test
    void aCountThatTheEventsContradictIsSaid() throws IOException {
        var each = TEXT.formatted(usage(1));
        var run = run(each, each, each, each, STOP.formatted(""), DONE);
        assertEquals("1 usage, TPOT blank, tokens/s known, cost 0.00002", figures(run.requests().getFirst()));
        var said = " with at least twice as many events with text as the server counts tokens, so that TPOT and tokens/s are "
                + "wrong. Compare ITL.";
        assertTrue(run.err().contains("\nwarning: m: 2 completed answers" + said + "\n"), run.err());
        assertTrue(compared(run).replaceAll("\\s+", " ").contains("m: 2 answers" + said.replaceFirst("\\.$", " ")), compared(run));
    }

    /** In this order: events with text, tokens, whether the count is contradicted. */
    @ParameterizedTest
    @CsvSource({"4, 2, true", "2, 1, true", "3, 2, false", "1, 1, false", "5, 0, false", "NaN, 1, false"})
    void twiceAsManyEventsAsTokensContradictACount(double events, double tokens, boolean contradicted) {
        assertEquals(contradicted, AnswerMetrics.contradictCount(events, tokens));
    }

    @Test
    void whereTheServerCountsEachChoiceThatOfTheFirstIsUsed() throws IOException {
        var run = run(TEXT.formatted(""), OTHER, TEXT.formatted(""), STOP.formatted(usage(2)),
                STOP_OTHER.formatted(usage(9)), DONE);
        assertEquals("2 usage, TPOT known, tokens/s known, cost ", figures(run.requests().getFirst()));
        assertFalse(run.err().contains("warning: m: 2 completed answers"), run.err());
    }

    @Test
    void whereTheServerCountsAllChoicesTogetherThereIsNoRateAndThatIsSaid() throws IOException {
        var run = run(TEXT.formatted(""), OTHER, TEXT.formatted(""), STOP.formatted(""), STOP_OTHER.formatted(""),
                USAGE.formatted(11), DONE);
        assertEquals("11 usage_of_all_choices, TPOT blank, tokens/s blank, cost 0.00012", figures(run.requests().getFirst()));
        var said = " whose tokens the server counts together with those of other choices (n above 1), so without TPOT and "
                + "tokens/s. Ask for one choice.";
        assertTrue(run.err().contains("\nwarning: m: 2 completed answers" + said + "\n"), run.err());
        assertTrue(compared(run).replaceAll("\\s+", " ").contains("m: 2 answers" + said.replaceFirst("\\.$", " ")), compared(run));
    }

    /** Some servers put the count of all choices into the last event of one of them. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aTotalOnTheLastEventOfAChoiceIsNotTakenForItsOwn(boolean ofTheFirst) throws IOException {
        var run = run(TEXT.formatted(""), OTHER, TEXT.formatted(""), (ofTheFirst ? STOP_OTHER : STOP).formatted(""),
                (ofTheFirst ? STOP : STOP_OTHER).formatted(usage(11)), DONE);
        assertEquals("11 usage_of_all_choices, TPOT blank, tokens/s blank, cost 0.00012", figures(run.requests().getFirst()));
    }

    @Test
    void whereTheServerCountsEachChoiceAndThenAllTheCostIsThatOfAll() throws IOException {
        var run = run(TEXT.formatted(usage(1)), OTHER, TEXT.formatted(usage(2)), STOP.formatted(usage(2)),
                STOP_OTHER.formatted(usage(9)),
                USAGE.formatted(11), DONE);
        assertEquals("2 usage, TPOT known, tokens/s known, cost 0.00012", figures(run.requests().getFirst()));
    }

    /** In this order: tokens that came together with the one before, tokens, whether the stream was buffered. */
    @ParameterizedTest
    @CsvSource({"5, 10, true", "4, 10, false", "8, 9, false", "NaN, 10, false", "5, NaN, false"})
    void aStreamOfAtLeastTenTokensIsBufferedIfHalfOfThemCameTogether(double together, double tokens, boolean buffered) {
        assertEquals(buffered, AnswerMetrics.wereBuffered(together, tokens));
    }

    @Test
    void aBufferedStreamIsSaidAtTheTable() throws IOException {
        try (var server = new MockWebServer()) {
            server.enqueue(new MockResponse.Builder().setHeader("Content-Type", "text/event-stream")
                    .body(TEXT.formatted("").repeat(10) + DONE).build());
            server.start();
            var run = TestRun.of(folder.resolve("results"), "--base-url", server.url("/v1").toString(), "-m", "m",
                    "-p", "Hi", "--echo", "none");
            assertTrue(run.err().contains(
                    "\nwarning: m: the stream was buffered on its way, 90 % of its tokens came together with the one before: its"
                    + " TTFT, ITL and TPOT are those of the buffer.\n"), run.err());
        }
    }

    private static List<String> caveats(RunOnDisk run) throws IOException {
        return Comparison.of(ComparisonSettings.ofRun(run.write()), null).caveats();
    }

    /** In this order: by how much the first token is later than the headers, and than the start; whether they were held. */
    @ParameterizedTest
    @CsvSource({"0.4, 100, true", "0.6, 100, false", "0.4, 4, false"})
    void headersThatComeWithEachFirstTokenWereHeld(double laterMillis, double ttftMillis, boolean held) throws IOException {
        var run = new RunOnDisk(folder.resolve("run"));
        for (int i = 0; i < 5; i++) {
            run.answer("m", "p" + i, 1, ttftMillis + i / 10.0, 5, 10, "headers_ms", String.format(java.util.Locale.ROOT, "%.3f",
                    ttftMillis + i / 10.0 - laterMillis));
        }
        assertEquals(held, caveats(run).stream()
                .anyMatch(line -> line.startsWith("m: the headers of each answer came with its first token")));
    }

    @Test
    void connectionsOnWhichTheFirstTokenTakesLongerAreNoted() throws IOException {
        for (var laterMillis : List.of(0, 30)) {
            var run = new RunOnDisk(folder.resolve("later" + laterMillis));
            for (int i = 0; i < 20; i++) {
                var reused = i % 2 == 0;
                run.answer("m", "p" + i, 1, 100 + i % 5 + (reused ? laterMillis : 7), 5, 10,
                        "connection_reused", String.valueOf(reused),
                        "connect_ms", reused ? "" : "7.000");
            }
            var said = "m: TTFT differs between connections, also without the handshake, median new 102.0 ms, reused 132.0 ms;"
                    + " --connection new makes them alike";
            assertEquals(laterMillis > 0, caveats(run).contains(said), caveats(run).toString());
        }
    }
}
