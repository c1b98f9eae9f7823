package stream.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.MeasuredAnswers;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.fixtures.ToolProcess;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.metric.Metrics;

/** Recorded runs read back, and counted as others count. */
@Execution(ExecutionMode.CONCURRENT)
class RecordedRunTest {

    @TempDir
    Path folder;

    /** A row for each answer, and a line for each problem. */
    private record Read(String rows, List<String> problems) { }

    private static Read read(MetricDefinition definition, Path... folders) throws IOException {
        var problems = new ReadProblems();
        var rows = new StringBuilder();
        for (var folder : CsvRun.folders(List.of(folders))) {
            var run = CsvRun.read(folder, problems);
            MeasuredAnswers.of(run, definition, problems).forEach(answer -> rows.append(row(run, answer)));
        }
        return new Read(rows.toString(), problems.lines());
    }

    private static String row(RecordedRun run, RecordedAnswer answer) {
        var row = new StringBuilder(String.join(",", run.name(), answer.requestId(), answer.model(), answer.status().word()));
        for (var metric : List.of(Metric.TTFT, Metric.ITL, Metric.TPOT, Metric.TTLT, Metric.TOTAL)) {
            row.append(',').append(answer.knows(metric) ? Metrics.millis(answer.get(metric) * 1000) : "");
        }
        return row.append(',').append((long) answer.get(Metric.OUTPUT_TOKENS)).append('\n').toString();
    }

    private static String refusal(Path folder) {
        return assertThrows(IOException.class, () -> read(MetricDefinition.OURS, folder)).getMessage();
    }

    private RunOnDisk run(String name) {
        return new RunOnDisk(folder.resolve(name));
    }

    /**
     * A reasoning model: role at 1 ms, an event without a choice at 3, reasoning at 50, text at 100 and 110, an empty delta at 115,
     * text at 130, finish at 131, the end at 140; the server counts 6 tokens. The expected figures were worked out by hand from the
     * source of each tool, which Definition names.
     */
    @ParameterizedTest
    @CsvSource({
        "ours,     100.000,15.000,6.000,130.000,140.000",
        // first chunk at 1, last with choices at 131; gaps 49, 50, 10, 5, 15, 1; (131 - 1) / 5
        "vllm,     1.000,12.500,26.000,131.000,131.000",
        // first token at 50, last at 130; (130 - 50) / 5; 130 / 6; the request ends with the stream
        "guidellm, 50.000,16.000,21.667,130.000,140.000",
        // (130 - 50) / 5; it has no time per output token
        "aiperf,   50.000,16.000,'',130.000,130.000"
    })
    void oneStreamCountedFourWays(String definition, String ttft, String itl, String tpot, String ttlt, String total)
    throws Exception {
        var columns = "sky,1,1,";
        run("r").answer("m", "sky", 1, new double[0], "ttft_ms", "100.000", "itl_p50_ms", "15.000", "tpot_ms", "6.000",
                "ttlt_ms", "130.000", "total_ms", "140.000", "output_tokens", "6", "events", "9")
                .write();
        var id = "sky|m|1,m," + columns;
        try {
            Files.writeString(folder.resolve("r/events.csv"), String.join("\r\n", RunOnDisk.EVENTS, id + "0,role,1.000,,1,,,",
                    id + "1,other,3.000,,2,,,", id + "2,reasoning,50.000,,3,hm,,", id + "3,content,100.000,,4,a,,",
                    id + "4,content,110.000,,5,b,,", id + "5,other,115.000,,6,,,true", id + "6,content,130.000,,7,c,,",
                    id + "7,finish,131.000,,8,stop,,", id + "8,done,140.000,,9,,,") + "\r\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertEquals("r,sky|m|1,m,completed," + String.join(",", ttft, itl, tpot, ttlt, total) + ",6\n",
                read(MetricDefinition.of(definition), folder.resolve("r")).rows());
    }

    /**
     * 98 letters, an e with a combining accent (two code points), a thumb with a skin colour (two): the hundredth came with the
     * second event. Of an answer of the first version the length is that of its events, of a shorter text there is no hundredth.
     */
    @Test
    void textIsCountedInCodePointsAsItCame() throws Exception {
        var id = "sky|m|1,m,sky,1,1,";
        run("r").answer("m", "sky", 1, new double[0], "ttft_ms", "10.000", "ttlt_ms", "30.000", "events", "4", "output_chars", "")
                .answer("m", "short", 1, 100, 10, 3).write();
        Files.writeString(folder.resolve("r/events.csv"),
                String.join("\r\n", RunOnDisk.EVENTS, id + "0,content,10.000,,1," + "a".repeat(98) + ",,",
                id + "1,content,20.000,,2,e\u0301,,", id + "2,content,30.000,,3,\ud83d\udc4d\ud83c\udffd,,",
                id + "3,finish,31.000,,4,stop,,",
                "short|m|1,m,short,1,1,0,content,120.000,,1,hi,,") + "\r\n");
        var run = CsvRun.read(folder.resolve("r"), new ReadProblems());
        var answers = MeasuredAnswers.of(run, MetricDefinition.OURS, new ReadProblems());
        var answer = answers.getFirst();
        assertEquals(102, answer.get(Metric.OUTPUT_CHARS));
        assertEquals(20, answer.get(Metric.FIRST_100_CHARS));
        assertEquals(102 / 0.030, answer.get(Metric.CHARS_PER_S), 1e-9);
        assertEquals(2 / 0.120, answers.getLast().get(Metric.CHARS_PER_S), 1e-9);
        assertFalse(answers.getLast().knows(Metric.FIRST_100_CHARS));
    }

    /** What is read of a run: every piece of text and gap, every figure, every problem. */
    private List<String> everything(Path run) throws IOException {
        var log = new ArrayList<String>();
        var problems = new ReadProblems();
        var read = CsvRun.read(run, problems);
        var measured = new IdentityHashMap<RecordedAnswer, RecordedAnswer>();
        read.readEvents(List.of(new RecordedRun.EventReading(MetricDefinition.OURS, new RecordedRun.EventVisitor() {
            @Override
            public boolean wantsContent(RecordedAnswer answer) {
                return true;
            }

            @Override
            public void content(RecordedAnswer answer, long elapsedMicros, String text) {
                log.add(answer.requestId() + " " + elapsedMicros + " [" + text + "]");
            }

            @Override
            public void gap(RecordedAnswer answer, int token, long micros) {
                log.add(answer.requestId() + " gap " + token + " " + micros);
            }

            @Override
            public void measured(RecordedAnswer answer, RecordedAnswer withEvents) {
                measured.put(answer, withEvents);
            }
        })), problems, null);
        read.answers().stream().map(answer -> measured.getOrDefault(answer, answer)).forEach(answer ->
                log.add(answer.requestId() + " " + Arrays.stream(Metric.values()).map(answer::get).toList()));
        log.addAll(problems.lines());
        return log;
    }

    private static final List<String> CELLS = List.of("token", "\" and\"", "\"say \"\"hi\"\"\"", "\"a,b\"",
            "\"two\nlines\"", "\"two\r\nlines\"",
            "\"a\rb\"", "\"\"", "", "\u00fcber", "\"\ud83d\ude00, e\u0301\"", "'=1+1", "it's", "\"\"\"\"", "\"x\"\"\"",
            "tab\there", "-", "@home");

    /** Rows that are not as this tool writes them, from which on a CSV parser reads. */
    private static final List<String> ODD = List.of("torn", "a\"b", "\"closed\" and more", "1e3", "-1", "",
            "speech", "9\n8", "\"open");

    /**
     * The scanner of bytes and the CSV parser read the same: random files with every kind of quoting, rows of warm-ups and of
     * requests that are not there, odd rows, torn ends, with and without a byte-order mark. A quoted header makes the parser read
     * all of a file.
     */
    @Test
    void bytesAndTheCsvParserReadTheSame() throws Exception {
        var random = new Random(20);
        for (int file = 0; file < 400; file++) {
            var run = run("r").answer("m", "a", 1, new double[0], "events", "30")
                    .answer("m", "b", 1, new double[0], "events", "30").write();
            var rows = new StringBuilder();
            var millis = 0;
            for (int i = 0; i < 40; i++) {
                var id = List.of("a|m|1", "b|m|1", "warm|m|warmup-1", "'=x")
                        .get(random.nextInt(20) == 0 ? 2 + random.nextInt(2) : random.nextInt(2));
                var text = CELLS.get(random.nextInt(CELLS.size()));
                var kind = random.nextInt(6) == 0 ? "role" : random.nextInt(8) == 0 ? "other" : "content";
                millis += random.nextInt(30);
                var cells = new ArrayList<>(List.of(id, "m", id.substring(0, 1), "1", "1", String.valueOf(i), kind,
                        millis + ".25" + random.nextInt(10),
                        "", "1", text, "", kind.equals("other") && random.nextBoolean() ? "true" : ""));
                if (random.nextInt(60) == 0) {
                    cells.set(random.nextInt(cells.size()), ODD.get(random.nextInt(ODD.size())));
                }
                if (random.nextInt(200) == 0) {
                    cells.removeLast();
                }
                rows.append(String.join(",", cells)).append(random.nextInt(30) == 0 ? "\n" : "\r\n");
            }
            if (random.nextInt(4) == 0) {
                rows.setLength(rows.length() - 1 - random.nextInt(30));
            }
            var mark = random.nextInt(4) == 0 ? "\ufeff" : "";
            var events = run.resolve("events.csv");
            // half a character is a ?
            Files.write(events, (mark + RunOnDisk.EVENTS + "\r\n" + rows).getBytes(StandardCharsets.UTF_8));
            var scanned = everything(run);
            Files.write(events, (mark + RunOnDisk.EVENTS.replaceFirst("model", "\"model\"") + "\r\n" + rows)
                    .getBytes(StandardCharsets.UTF_8));
            assertEquals(String.join("\n", everything(run)), String.join("\n", scanned), "file " + file + ":\n" + rows);
        }
    }

    /** Cells and rows that do not fit into the first megabyte that is read, and end at each place in it. */
    @Test
    void aRowMayBeLongerThanWhatIsReadAtATime() throws Exception {
        var id = "sky|m|1,m,sky,1,1,";
        for (var length : List.of((1 << 20) - 200, (1 << 20) - 60, 1 << 20, 3 << 20)) {
            var run = run("r").answer("m", "sky", 1, new double[0], "ttlt_ms", "20.000", "events", "3", "output_chars", "").write();
            Files.writeString(run.resolve("events.csv"), RunOnDisk.EVENTS + "\r\n" + id + "0,content,10.000,,1,\""
                    + "x".repeat(length) + "\",,\r\n" + id
                    + "1,content,20.000,,2,\"a\"\"b\",,\r\n" + id + "2,finish,21.000,,3,stop,,\r\n");
            var read = CsvRun.read(run, new ReadProblems());
            var problems = new ReadProblems();
            var answers = MeasuredAnswers.of(read, MetricDefinition.OURS, problems);
            assertEquals(List.of(), problems.lines());
            assertEquals(length + 3, answers.getFirst().get(Metric.OUTPUT_CHARS));
        }
    }

    @Test
    void theLastAttemptCountsAndAWarmUpDoesNot() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3, "attempt", "1", "status", "failed")
                .answer("m", "sky", 1, 200, 10, 3, "attempt", "2")
                .answer("m", "warm", 1, 900, 10, 3, "phase", "warmup").write();
        assertEquals("r,sky|m|1,m,completed,200.000,10.000,10.000,220.000,221.000,3\n",
                read(MetricDefinition.OURS, folder.resolve("r")).rows());
    }

    @Test
    void rowsThatCantBeReadAreNamedWithTheirLineAndLeftOut() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3).requestLine("torn|m|1,r,2026")
                .answer("m", "sea", 1, 100, 10, 3, "ttft_ms", "NaN").answer("m", "sun", 1, 100, 10, 3, "ttft_ms", "-1")
                .answer("m", "air", 1, 100, 10, 3, "total_ms", "soon").answer("m", "ice", 1, 120, 10, 3, "started_at", "today")
                .answer("m", "fog", 1, 120, 10, 3)
                .event("sky|m|1,m,sky,1,1,9,speech,1.000,,1,,,").event("sky|m|1,m,sky,1,1,9,content,1e3,,1,,,").write();
        var requests = folder.resolve("r/requests.csv");
        var events = folder.resolve("r/events.csv");
        var read = read(MetricDefinition.OURS, folder.resolve("r"));
        assertEquals("r,sky|m|1,m,completed,100.000,10.000,10.000,120.000,121.000,3\n"
                + "r,fog|m|1,m,completed,120.000,10.000,10.000,140.000,141.000,3\n", read.rows());
        assertEquals(List.of(requests + ":3: 3 cells instead of 62; the row is left out",
                requests + ":4: ttft_ms 'NaN' is not a number, at least 0; the row is left out",
                requests + ":5: ttft_ms '-1' is not a number, at least 0; the row is left out",
                events + ":38: unknown kind 'speech'; the row is left out",
                events + ":39: elapsed_ms '1e3' is not a number of milliseconds; the row is left out",
                requests + ": 2 more rows are left out"), read.problems());
    }

    @Test
    void anEventBeforeTheOneBeforeItIsLeftOut() throws Exception {
        run("r").answer("m", "sky", 1, new double[] {100, 90, 110}).write();
        var read = read(MetricDefinition.AIPERF, folder.resolve("r"));
        assertEquals(List.of(folder.resolve("r/events.csv")
                + ":4: elapsed_ms '90.000' is before the token before it; the row is left out"), read.problems());
        assertTrue(read.rows().contains(",100.000,5.000,,110.000,"), read.rows());
    }

    @Test
    void rowsThatAreThereTwiceCountOnce() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var events = run.resolve("events.csv");
        var lines = Files.readAllLines(events);
        Files.write(events, lines.subList(1, lines.size()), StandardOpenOption.APPEND);
        var read = read(MetricDefinition.AIPERF, run);
        assertTrue(read.rows().contains(",100.000,10.000,,120.000,"), read.rows());
        assertEquals(events + ":8: request sky|m|1 had its 6 events already; the row is left out", read.problems().getFirst());
    }

    @Test
    void aFileThatASpreadsheetSavedIsRead() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        Files.writeString(run.resolve("requests.csv"), "\uFEFF" + Files.readString(run.resolve("requests.csv")));
        assertEquals(1, read(MetricDefinition.OURS, run).rows().lines().count(), "a byte order mark before the first column");
    }

    @Test
    void aColumnThatIsThereTwiceIsRefused() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        Files.writeString(run.resolve("requests.csv"),
                Files.readString(run.resolve("requests.csv")).replace("queue_ms", "ttft_ms"));
        assertTrue(refusal(run).startsWith(run.resolve("requests.csv")
                + ": not a file of this tool (The header contains a duplicate"), refusal(run));
    }

    @Test
    void aStatusThatIsNoneIsNotTakenForAFailure() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3, "status", "COMPLETED").write();
        assertEquals(List.of(folder.resolve("r/requests.csv") + ":2: unknown status 'COMPLETED'; the row is left out"),
                read(MetricDefinition.OURS, folder.resolve("r")).problems());
    }

    @Test
    void aFileThatEndsInTheMiddleOfAQuotedTextIsReadUpToThere() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var requests = folder.resolve("r/requests.csv");
        Files.writeString(requests, Files.readString(requests) + "sea|m|1,r,2026-11-23T10:00:00Z,\"m");
        var read = read(MetricDefinition.OURS, folder.resolve("r"));
        assertEquals(1, read.rows().lines().count());
        assertEquals(List.of(requests + ":3: 4 cells instead of 62; the row is left out"), read.problems());
    }

    @Test
    void aMissingFigureStaysBlankAndIsNamed() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var requests = run.resolve("requests.csv");
        Files.writeString(requests, Files.readString(requests).replace(",tpot_ms,", ",another,"));
        var read = read(MetricDefinition.OURS, run);
        assertEquals("r,sky|m|1,m,completed,100.000,10.000,,120.000,121.000,3\n", read.rows());
        assertEquals(List.of(requests + ": no column tpot_ms, it stays blank"), read.problems());
    }

    @Test
    void filesOfOtherToolsAreRefusedWithOneLine() throws Exception {
        var run = Files.createDirectory(folder.resolve("other"));
        var requests = Files.writeString(run.resolve("requests.csv"), "timestamp,latency\n1,2\n");
        assertTrue(refusal(run).matches("\\Q" + requests + "\\E: not a file of this tool, it has no column [a-z_]+"), refusal(run));
        Files.writeString(requests, "");
        assertTrue(refusal(run).contains(": not a file of this tool"));
        assertEquals(folder.resolve("none") + ": no such file or folder; name the folder of a run",
                refusal(folder.resolve("none")));
        var empty = Files.createDirectory(folder.resolve("empty"));
        assertEquals(empty + ": no run of this tool, there is no requests.csv in it; name the folder of a run, or a result file "
                + "of another tool", refusal(empty));
        assertEquals("compare: --as 'mine'; must be one of ours, vllm, guidellm, aiperf, all\n",
                Printed.compare("--as", "mine", run).expect(2).err());
    }

    @Test
    void aRunThatIsStillBeingWrittenIsRead() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3);
        run.record().remove("finished_at");
        run.record().put("planned_requests", 8);
        var read = read(MetricDefinition.OURS, run.write());
        assertEquals(1, read.rows().lines().count());
        assertEquals(List.of(folder.resolve("r") + ": still being written, or cut off: 1 of 8 requests are there"),
                read.problems());
    }

    @Test
    void withoutItsOtherFilesARunIsReadAsFarAsItGoes() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        Files.delete(run.resolve("events.csv"));
        Files.writeString(run.resolve("run.json"), "{");
        var read = read(MetricDefinition.VLLM, run);
        assertEquals("r,sky|m|1,m,completed,,,,,121.000,3\n", read.rows());
        assertEquals(List.of(run + ": no run.json that can be read; what it would tell is not known",
                run.resolve("events.csv") + ": not there; what is counted from events stays blank"), read.problems());
    }

    @Test
    void columnsMayStandInAnyOrder() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        var before = read(MetricDefinition.AIPERF, run).rows();
        for (var file : new String[] {"requests.csv", "events.csv"}) {
            var turned = new StringBuilder();
            for (var line : Files.readAllLines(run.resolve(file))) {
                turned.append(String.join(",", List.of(line.split(",", -1)).reversed())).append("\r\n");
            }
            Files.writeString(run.resolve(file), turned);
        }
        assertEquals(before, read(MetricDefinition.AIPERF, run).rows());
    }

    @Test
    void aFolderOfRunsIsAllOfThem() throws Exception {
        run("all/b").answer("m", "sky", 1, 200, 10, 3).write();
        run("all/a").answer("m", "sky", 1, 100, 10, 3).write();
        assertEquals("a,sky|m|1,m,completed,100.000,10.000,10.000,120.000,121.000,3\n"
                + "b,sky|m|1,m,completed,200.000,10.000,10.000,220.000,221.000,3\n",
                read(MetricDefinition.OURS, folder.resolve("all")).rows());
    }

    @Test
    void answersAreReadThroughTheGuardOfCsvSafe() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3, "request_id", "'=sky|m|1").write();
        assertEquals("r,=sky|m|1,m,completed,100.000,10.000,10.000,120.000,121.000,3\n",
                read(MetricDefinition.OURS, folder.resolve("r")).rows());
    }

    @ParameterizedTest
    @CsvSource({"0.000,0", "12,12000", "1.5,1500", "0.001,1", "99.9,99900", "123456.789,123456789",
            "12345678901.234,12345678901234"})
    void millisecondsAreReadAsWholeMicroseconds(String millis, long micros) throws Exception {
        assertEquals(micros, CsvRun.micros(millis));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1..5", "1.2.3", "1.2345", "123456789012.345", "1/", "1:", "-1"})
    void whatIsNoNumberOfMillisecondsIsRefused(String millis) {
        assertThrows(BadRow.class, () -> CsvRun.micros(millis));
    }

    // Figures

    private List<RecordedAnswer> readAs(MetricDefinition definition) throws IOException {
        var problems = new ReadProblems();
        var run = CsvRun.read(folder.resolve("r"), problems);
        var answers = MeasuredAnswers.of(run, definition, problems);
        assertEquals(List.of(), problems.lines());
        return answers;
    }

    @Test
    void aGapIsThatBeforeATokenCountedFromZero() throws Exception {
        var found = everything(run("r").answer("m", "sky", 1, new double[] {100, 110, 130}).write());
        assertEquals(List.of("sky|m|1 gap 1 10000", "sky|m|1 gap 2 20000"),
                found.stream().filter(line -> line.contains(" gap ")).toList());
    }

    @Test
    void tokensPerEventAreThoseThatTheServerCountedByTheEventsThatItSent() throws Exception {
        run("r").answer("m", "all", 1, 100, 10, 5, "output_tokens", "20", "reasoning_events", "3", "tool_events",
                "2", "reasoning_tokens", "9")
                .answer("m", "hidden", 1, 100, 10, 5, "output_tokens", "20", "reasoning_events", "0", "tool_events",
                "0", "reasoning_tokens", "10")
                .answer("m", "known", 1, 100, 10, 5, "tokens_per_event", "3.000")
                .answer("m", "not counted", 1, 100, 10, 5, "token_source", "events")
                .answer("m", "no events", 1, new double[0], "output_tokens", "3").write();
        assertEquals(List.of(2.0, 2.0, 3.0, Double.NaN, Double.NaN),
                readAs(MetricDefinition.OURS).stream().map(RecordedAnswer::tokensPerEvent).toList());
    }

    @Test
    void anotherDefinitionLeavesNoFigureOfOurs() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 5, "ttft_any_ms", "90.000", "itl_any_p50_ms", "9.000",
                "connection_reused", "true").write();
        var ours = readAs(MetricDefinition.OURS).getFirst();
        var theirs = readAs(MetricDefinition.VLLM).getFirst();
        for (var metric : List.of(Metric.TTFT_ANY, Metric.ITL_ANY, Metric.TTFT_NET)) {
            assertTrue(ours.knows(metric) && !theirs.knows(metric), metric.name());
        }
    }

    @Test
    void aTextThatCameAtOnceHasNoSpeed() throws Exception {
        run("r").answer("m", "sky", 1, new double[] {0}).write();
        assertFalse(readAs(MetricDefinition.OURS).getFirst().knows(Metric.CHARS_PER_S));
    }

    /**
     * vLLM counts a stream that was closed without an end; GuideLLM counts one with a token, of which a run of the first version
     * knows TTFT alone.
     */
    @Test
    void whatCountsAsASuccessIsAsTheToolHasIt() throws Exception {
        run("r").answer("m", "closed", 1, 100, 10, 5, "status", "truncated", "stream_end", "closed_early")
                .answer("m", "cut", 1, 100, 10, 5, "status", "truncated").answer("m", "whole", 1, 100, 10, 5)
                .answer("m", "generated", 1, 100, 10, 5, "ttft_ms", "", "ttft_any_ms", "50.000", "status", "truncated",
                "stream_end", "closed_early")
                .answer("m", "nothing", 1, 100, 10, 5, "ttft_ms", "", "status", "truncated", "stream_end", "closed_early").write();
        var run = CsvRun.read(folder.resolve("r"), new ReadProblems());
        assertEquals(List.of(true, false, true, true, true),
                run.answers().stream().map(answer -> answer.isSuccess(MetricDefinition.VLLM)).toList());
        assertEquals(List.of(true, false, true, true, false),
                run.answers().stream().map(answer -> answer.isSuccess(MetricDefinition.GUIDELLM)).toList());
    }

    /** A run of an earlier version has no column stream_end: what was completed is a success under each definition. */
    @ParameterizedTest
    @EnumSource(MetricDefinition.class)
    void withoutTheEndOfTheStreamTheStatusCounts(MetricDefinition definition) throws Exception {
        run("r").answer("m", "whole", 1, 100, 10, 5, "stream_end", "").answer("m", "cut", 1, 100, 10, 5, "status", "truncated",
                "stream_end", "").write();
        var run = CsvRun.read(folder.resolve("r"), new ReadProblems());
        assertEquals(List.of(true, false), run.answers().stream().map(answer -> answer.isSuccess(definition)).toList());
    }

    @Test
    void ofTwoRowsOfOneAttemptTheLaterOneCounts() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3).answer("m", "sky", 1, 200, 10, 3).write();
        assertEquals(200, CsvRun.read(folder.resolve("r"), new ReadProblems()).answers().getFirst().get(Metric.TTFT));
    }

    @Test
    void aTimeThatIsInfiniteIsNoTime() throws Exception {
        run("r").answer("m", "sky", 1, 100, 10, 3, "ttft_ms", "Infinity").write();
        var problems = new ReadProblems();
        CsvRun.read(folder.resolve("r"), problems);
        assertEquals(List.of(folder.resolve("r/requests.csv")
                + ":2: ttft_ms 'Infinity' is not a number, at least 0; the row is left out"), problems.lines());
    }

    @Test
    void threeRowsOfAFileAreNamedAndTheOthersCounted() {
        var problems = new ReadProblems();
        for (int rows = 1; rows <= 3; rows++) {
            problems.add(Path.of("f"), rows, "bad");
            assertEquals(rows, problems.lines().size());
        }
        problems.add(Path.of("f"), 4, "bad");
        assertEquals("f: 1 more row is left out", problems.lines().getLast());
    }

    // Where runs are

    @Test
    void aRunMayBeNamedByOneOfItsFiles() throws Exception {
        var run = run("r").answer("m", "sky", 1, 100, 10, 3).write();
        assertEquals(List.of(run), CsvRun.folders(List.of(run.resolve("events.csv"), run, run.resolve("requests.csv"))));
        var other = Files.writeString(run.resolve("other.csv"), "");
        assertTrue(assertThrows(IOException.class, () -> CsvRun.folders(List.of(other))).getMessage()
                .startsWith(other + ": no run of this tool"));
    }

    /** Twice the same measurements would be twice as many, and the intervals too narrow. */
    @Test
    void aRunThatIsNamedTwiceCountsOnce() throws Exception {
        var run = run("results/r").answer("a", "sky", 1, 100, 10, 3).answer("b", "sky", 1, 200, 10, 3).write();
        var once = Printed.compare(folder.resolve("results"), "--by", "model", "--format", "csv").expect(0).out();
        assertEquals(once, Printed.compare(folder.resolve("results"), run, run.resolve("events.csv"), "--by", "model",
                "--format", "csv").expect(0).out());
    }

    /** A run may be somebody else's. */
    @Test
    void noNameInARunCanControlTheTerminal() throws Exception {
        var run = run("r").answer("a\u001b]0;x\u0007", "sky", 1, 100, 10, 3).answer("b\u009b2J\nc", "sky", 1, 200, 10, 3).write();
        for (var words : List.of(List.of(), List.of("--by", "prompt"), List.of("--as", "all"), List.of("--check"))) {
            var all = new ArrayList<Object>(List.of(run));
            all.addAll(words);
            var out = Printed.compare(all.toArray()).out();
            assertTrue(out.chars().noneMatch(letter -> letter < ' ' && letter != '\n' || letter >= 0x7f && letter < 0xa0), out);
        }
    }

    @Test
    void withoutANameTheNewestRunInResultsIsCompared() throws Exception {
        for (var expected : List.of("compare: results: no runs there; name the folder of one\n", "newest\n")) {
            var process = ToolProcess.of(List.of(), "stream.Compare").directory(folder.toFile()).redirectErrorStream(true).start();
            var printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(printed.endsWith(expected), printed);
            for (var name : List.of("newest", "before")) {
                var one = run("results/" + name).answer("m", "sky", 1, 100, 10, 3);
                one.record().put("run_id", "20261123T10000" + (name.equals("newest") ? 1 : 0) + "Z-0001");
                one.write();
            }
        }
    }
}
