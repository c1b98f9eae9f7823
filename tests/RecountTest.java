package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Recorded runs read back, and counted as others count. */
class RecountTest {

    private static final String HEADER =
            "run_id,request_id,model,status,ttft_ms,itl_ms,tpot_ms,ttlt_ms,total_ms,output_tokens\n";

    @TempDir
    Path folder;

    /** What a command printed, on both outputs. */
    private record Printed(String out, String err) { }

    private static Printed run(int exitCode, String... args) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        assertEquals(exitCode, Recount.run(new PrintStream(out, true), new PrintStream(err, true), args), err.toString());
        return new Printed(out.toString().replace("\r\n", "\n"), err.toString());
    }

    private RunOnDisk run(String name) {
        return new RunOnDisk(folder.resolve(name));
    }

    /**
     * A reasoning model: role at 1 ms, reasoning at 50, text at 100, 110 and 130, finish at 131, the end at 140; the server
     * counts 6 tokens. The expected figures were worked out by hand from the source of each tool, which Definition names.
     */
    @ParameterizedTest
    @CsvSource({
        "ours,     100.000,15.000,6.000,130.000,140.000",
        // first chunk at 1, last with choices at 131; gaps 49, 50, 10, 20, 1; (131 - 1) / 5
        "vllm,     1.000,20.000,26.000,131.000,131.000",
        // first token at 50, last at 130; (130 - 50) / 5; 130 / 6; the request ends with the stream
        "guidellm, 50.000,16.000,21.667,130.000,140.000",
        // (130 - 50) / 5; it has no time per output token
        "aiperf,   50.000,16.000,'',130.000,130.000"
    })
    void oneStreamCountedFourWays(String definition, String ttft, String itl, String tpot, String ttlt, String total) {
        var columns = "sky,1,1,";
        run("r").answer("m", "sky", 1, new double[0], "ttft_ms", "100.000", "itl_p50_ms", "15.000", "tpot_ms", "6.000",
                "ttlt_ms", "130.000", "total_ms", "140.000", "output_tokens", "6", "events", "7")
                .write();
        var id = "sky|m|1,m," + columns;
        try {
            Files.writeString(folder.resolve("r/events.csv"), String.join("\r\n", String.join(",", Journal.EVENT_COLUMNS),
                    id + "0,role,1.000,,1,", id + "1,reasoning,50.000,,2,hm", id + "2,content,100.000,,3,a",
                    id + "3,content,110.000,,4,b", id + "4,content,130.000,,5,c", id + "5,finish,131.000,,6,stop",
                    id + "6,done,140.000,,7,") + "\r\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertEquals(HEADER + "r,sky|m|1,m,completed," + String.join(",", ttft, itl, tpot, ttlt, total) + ",6\n",
                run(0, "--as", definition, folder.resolve("r").toString()).out());
    }

    @Test
    void theLastAttemptCountsAndAWarmUpDoesNot() {
        run("r").answer("m", "sky", 1, 100, 10, 3, "attempt", "1", "status", "failed")
                .answer("m", "sky", 1, 200, 10, 3, "attempt", "2")
                .answer("m", "warm", 1, 900, 10, 3, "phase", "warmup").write();
        assertEquals(HEADER + "r,sky|m|1,m,completed,200.000,10.000,10.000,220.000,221.000,3\n",
                run(0, folder.resolve("r").toString()).out());
    }

    @Test
    void rowsThatCantBeReadAreNamedWithTheirLineAndLeftOut() {
        run("r").answer("m", "sky", 1, 100, 10, 3).requestLine("torn|m|1,r,2026")
                .answer("m", "sea", 1, 100, 10, 3, "ttft_ms", "NaN").answer("m", "sun", 1, 100, 10, 3, "ttft_ms", "-1")
                .answer("m", "air", 1, 100, 10, 3, "total_ms", "soon").answer("m", "ice", 1, 120, 10, 3, "started_at", "today")
                .answer("m", "fog", 1, 120, 10, 3)
                .event("sky|m|1,m,sky,1,1,9,speech,1.000,,1,").event("sky|m|1,m,sky,1,1,9,content,1e3,,1,").write();
        var requests = folder.resolve("r/requests.csv");
        var events = folder.resolve("r/events.csv");
        var printed = run(0, folder.resolve("r").toString());
        assertEquals(HEADER + "r,sky|m|1,m,completed,100.000,10.000,10.000,120.000,121.000,3\n"
                + "r,fog|m|1,m,completed,120.000,10.000,10.000,140.000,141.000,3\n", printed.out());
        assertEquals("recount: " + requests + ":3: 3 cells instead of 50; the row is left out\n"
                + "recount: " + requests + ":4: ttft_ms 'NaN' is not a number from 0; the row is left out\n"
                + "recount: " + requests + ":5: ttft_ms '-1' is not a number from 0; the row is left out\n"
                + "recount: " + events + ":38: kind 'speech' is none; the row is left out\n"
                + "recount: " + events + ":39: elapsed_ms '1e3' is not a number of milliseconds; the row is left out\n"
                + "recount: " + requests + ": 2 more rows are left out\n", printed.err());
    }

    @Test
    void anEventBeforeTheOneBeforeItIsLeftOut() {
        run("r").answer("m", "sky", 1, new double[] {100, 90, 110}).write();
        var printed = run(0, "--as", "aiperf", folder.resolve("r").toString());
        assertEquals("recount: " + folder.resolve("r/events.csv")
                + ":4: elapsed_ms '90.000' is before the token before it; the row is left out\n", printed.err());
        assertTrue(printed.out().contains(",100.000,5.000,,110.000,"), printed.out());
    }

    @Test
    void rowsThatAreThereTwiceCountOnce() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var events = run.resolve("events.csv");
        var lines = Files.readAllLines(events);
        Files.write(events, lines.subList(1, lines.size()), StandardOpenOption.APPEND);
        var printed = run(0, "--as", "aiperf", run.toString());
        assertTrue(printed.out().contains(",100.000,10.000,,120.000,"), printed.out());
        assertTrue(printed.err().startsWith("recount: " + events
                + ":8: request sky|m|1 had its 6 events already; the row is left out\n"), printed.err());
    }

    @Test
    void aFileThatASpreadsheetSavedIsRead() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        Files.writeString(run.resolve("requests.csv"), "\uFEFF" + Files.readString(run.resolve("requests.csv")));
        assertEquals(2, run(0, run.toString()).out().lines().count(), "a byte order mark before the first column");
    }

    @Test
    void aColumnThatIsThereTwiceIsRefused() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        Files.writeString(run.resolve("requests.csv"), Files.readString(run.resolve("requests.csv")).replace("queue_ms", "ttft_ms"));
        assertTrue(run(2, run.toString()).err().startsWith("recount: " + run.resolve("requests.csv")
                + ": not a file of this tool (The header contains a duplicate"));
    }

    @Test
    void aStatusThatIsNoneIsNotTakenForAFailure() {
        run("r").answer("m", "sky", 1, 100, 10, 3, "status", "COMPLETED").write();
        assertEquals("recount: " + folder.resolve("r/requests.csv") + ":2: status 'COMPLETED' is none; the row is left out\n",
                run(0, folder.resolve("r").toString()).err());
    }

    @Test
    void aFileThatEndsInTheMiddleOfAQuotedTextIsReadUpToThere() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var requests = folder.resolve("r/requests.csv");
        Files.writeString(requests, Files.readString(requests) + "sea|m|1,r,2026-11-23T10:00:00Z,\"m");
        var printed = run(0, folder.resolve("r").toString());
        assertEquals(2, printed.out().lines().count());
        assertEquals("recount: " + requests + ":3: 4 cells instead of 50; the row is left out\n", printed.err());
    }

    @Test
    void aMissingFigureStaysBlankAndIsNamed() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var requests = run.resolve("requests.csv");
        Files.writeString(requests, Files.readString(requests).replace(",tpot_ms,", ",another,"));
        var printed = run(0, run.toString());
        assertEquals(HEADER + "r,sky|m|1,m,completed,100.000,10.000,,120.000,121.000,3\n", printed.out());
        assertEquals("recount: " + requests + ": no column tpot_ms, it stays blank\n", printed.err());
    }

    @Test
    void filesOfOtherToolsAreRefusedWithOneLine() throws Exception {
        var run = Files.createDirectory(folder.resolve("other"));
        var requests = Files.writeString(run.resolve("requests.csv"), "timestamp,latency\n1,2\n");
        assertTrue(run(2, run.toString()).err().matches("recount: \\Q" + requests
                + "\\E: not a file of this tool, it has no column [a-z_]+\n"));
        Files.writeString(requests, "");
        assertTrue(run(2, run.toString()).err().contains(": not a file of this tool"));
        assertEquals("recount: " + folder.resolve("none") + ": no such folder; name the folder of a run\n",
                run(2, folder.resolve("none").toString()).err());
        var empty = Files.createDirectory(folder.resolve("empty"));
        assertEquals("recount: " + empty + ": no run of this tool, there is no requests.csv in it; name the folder of a run\n",
                run(2, empty.toString()).err());
        assertEquals("recount: --as 'mine'; it takes one of ours, vllm, guidellm, aiperf\n", run(2, "--as", "mine",
                run.toString()).err());
    }

    @Test
    void aRunThatIsStillBeingWrittenIsRead() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3);
        run.record().remove("finished_at");
        run.record().put("planned_requests", 8);
        var printed = run(0, run.write().toString());
        assertEquals(2, printed.out().lines().count());
        assertEquals("recount: " + folder.resolve("r") + ": still being written, or cut off: 1 of 8 requests are there\n",
                printed.err());
    }

    @Test
    void withoutItsOtherFilesARunIsReadAsFarAsItGoes() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        Files.delete(run.resolve("events.csv"));
        Files.writeString(run.resolve("run.json"), "{");
        var printed = run(0, "--as", "vllm", run.toString());
        assertEquals(HEADER + "r,sky|m|1,m,completed,,,,,121.000,3\n", printed.out());
        assertEquals("recount: " + run + ": no run.json that can be read; what it would say is not known\n"
                + "recount: " + run.resolve("events.csv") + ": not there; what is counted from events stays blank\n",
                printed.err());
    }

    @Test
    void columnsMayStandInAnyOrder() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var before = run(0, "--as", "aiperf", run.toString()).out();
        for (var file : new String[] {"requests.csv", "events.csv"}) {
            var turned = new StringBuilder();
            for (var line : Files.readAllLines(run.resolve(file))) {
                turned.append(String.join(",", List.of(line.split(",", -1)).reversed())).append("\r\n");
            }
            Files.writeString(run.resolve(file), turned);
        }
        assertEquals(before, run(0, "--as", "aiperf", run.toString()).out());
    }

    @Test
    void aFolderOfRunsIsAllOfThem() {
        run("all/b").answer("m", "sky", 1, 200, 10, 3).write();
        run("all/a").answer("m", "sky", 1, 100, 10, 3).write();
        assertEquals(HEADER + "a,sky|m|1,m,completed,100.000,10.000,10.000,120.000,121.000,3\n"
                + "b,sky|m|1,m,completed,200.000,10.000,10.000,220.000,221.000,3\n", run(0, folder.resolve("all").toString()).out());
    }

    @Test
    void answersAreReadThroughTheGuardOfCsvSafe() {
        run("r").answer("m", "sky", 1, 100, 10, 3, "request_id", "'=sky|m|1").write();
        assertEquals(HEADER + "r,=sky|m|1,m,completed,100.000,10.000,10.000,120.000,121.000,3\n",
                run(0, folder.resolve("r").toString()).out());
    }

    @ParameterizedTest
    @CsvSource({"0.000,0", "12,12000", "1.5,1500", "0.001,1", "123456.789,123456789"})
    void millisecondsAreReadAsWholeMicroseconds(String millis, long micros) {
        assertEquals(micros, RecordedRun.micros(millis));
    }
}
