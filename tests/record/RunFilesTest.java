package stream.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.api.EventKind;
import stream.api.RequestHeader;
import stream.api.StreamEvent;
import stream.fixtures.RunOnDisk;
import stream.metric.AnswerMetrics;
import stream.metric.Metric;
import stream.metric.RequestStatus;
import stream.plan.Shard;

/** The files of a run by themselves: run.json, its lock, rows of CSV files, what a resumed run finds. */
@Execution(ExecutionMode.CONCURRENT)
class RunFilesTest {

    @TempDir
    Path folder;

    // Its folder

    /** Two that begin in the same second have the same random part once in 65,536 times. */
    @Test
    void noRunWritesIntoTheFolderOfAnother() throws IOException {
        var ids = List.of("a", "a", "a", "b").iterator();
        assertEquals(List.of("a", "b"), List.of(PlannedRun.newRun(folder, ids::next), PlannedRun.newRun(folder, ids::next)));
        assertTrue(Files.isDirectory(folder.resolve("b")));
    }

    // run.json

    /** Everything that run.json may hold. */
    private static final String MANIFEST = """
            {"run_id": "20261123T100000Z-0001", "started_at": "2026-11-23T10:00:00Z", "simulated": true, "seed": 7,
             "versions": {"stream": "0.1.0", "processors": 2}, "arguments": ["-p", "Hi"],
             "options": {"system": null, "temperature": 0.5, "max_tokens": 200, "ask": false, "most": 5000000000, "order": "by-model"},
             "models": [{"label": "a", "name": "gpt-4", "api": "chat", "base_url": "http://h/v1", "api_key_env": "KEY", "max_tokens": 9,
               "temperature": 0.25, "think_tags": true, "proxy": "http://p:3128", "price": {"input": 1, "cached_input": 0.5, "output": 2, "currency": "USD"}, "extra": {"top_k": 3}},
               {"label": "b", "name": "b", "api": null, "base_url": null, "api_key_env": null, "max_tokens": null, "temperature": null,
               "think_tags": false, "proxy": null, "price": null, "extra": {}}],
             "prompts": [{"id": "p", "source": "p.txt", "digest": "d1", "labels": {"kind": "short"}},
               {"id": "ask-1", "source": "--ask", "digest": "d2", "labels": {}, "text": "Why?"}],
             "client_overhead": {"streams": 3, "events": 60, "ttft_p50_ms": 0.125, "ttft_p99_ms": 0.25, "itl_p50_ms": 0.062, "itl_p99_ms": null},
             "planned_requests": 12, "self_warmup": true, "shard": {"index": 1, "count": 4, "plan": "abc"},
             "resumed_at": ["2026-11-23T11:00:00Z"], "finished_at": "2026-11-23T12:00:00Z",
             "counts": {"requests": 12, "completed": 10, "failed": 2, "resent": 1},
             "clock_offsets": [{"server": "http://h/v1", "least_ms": -3, "most_ms": 4}]}
            """;

    private RunManifest manifest(String json) throws IOException {
        Files.writeString(folder.resolve("run.json"), json);
        return RunManifest.read(folder);
    }

    @Test
    void aManifestIsReadAndWrittenWithoutALoss() throws Exception {
        var manifest = manifest(MANIFEST);
        assertEquals(MANIFEST.replaceAll("\\s", ""), manifest.json().toString().replaceAll("\\s", ""));
        manifest.write(folder);
        assertEquals(manifest, RunManifest.read(folder));
        assertFalse(Files.exists(folder.resolve("run.json.part")));
        assertTrue(Files.readString(folder.resolve("run.json")).endsWith("\n}\n"), "in lines, for people");
        assertEquals(Map.of("a", "USD"), manifest.currencies());
        assertEquals(125, manifest.clientOverhead().medianMicros(Metric.TTFT));
        assertEquals(62, manifest.clientOverhead().medianMicros(Metric.ITL));
        assertNull(manifest.clientOverhead().medianMicros(Metric.TOTAL));
    }

    @Test
    void whatIsMissingOrNotOfItsTypeIsNotKnown() throws Exception {
        var nothing = manifest("{}");
        assertEquals(nothing, manifest("""
                {"run_id": 1, "started_at": [], "simulated": "yes", "seed": "x", "versions": 1, "arguments": [1, {}], "options": [],
                 "models": {}, "prompts": "p", "client_overhead": 3, "planned_requests": "many", "self_warmup": "no", "resumed_at": {},
                 "finished_at": 5, "counts": [], "shard": {"index": "1", "count": 4}, "clock_offsets": 4}
                """));
        assertEquals(nothing, RunManifest.unknown());
        assertEquals("{\"run_id\":null,\"started_at\":null,\"simulated\":false,\"seed\":0,\"versions\":{},\"arguments\":[],"
                + "\"options\":{},\"models\":[],"
                + "\"prompts\":[],\"client_overhead\":null,\"planned_requests\":null,\"self_warmup\":null}",
                nothing.json().toString());
        assertNull(manifest("{\"shard\": {\"index\": 1}}").shard());
        for (var odd : List.of("[]", "not json", "null")) {
            assertEquals("run.json is not a JSON object", assertThrows(IOException.class, () -> manifest(odd)).getMessage());
        }
    }

    @Test
    void aRunIsIncompleteUntilAllThatWasPlannedIsCounted() throws Exception {
        assertFalse(manifest(MANIFEST).isIncomplete());
        assertTrue(manifest(MANIFEST.replace("\"planned_requests\": 12", "\"planned_requests\": 13")).isIncomplete());
        assertTrue(manifest("{\"arguments\": [\"-p\", \"Hi\"]}").isIncomplete());
        assertFalse(manifest("{\"arguments\": [\"-p\", \"Hi\"], \"counts\": {\"requests\": 1}}").isIncomplete(),
                "how many were planned is not known");
        assertFalse(manifest("{}").isIncomplete(), "nothing tells how it could go on");
    }

    @Test
    void aRunThatGoesOnHasEndedOnceMoreWhenItIsFinished() throws Exception {
        var before = manifest(MANIFEST);
        var begin = Instant.now();
        var resumed = before.resumedNow();
        assertEquals(2, resumed.resumedAt().size());
        assertFalse(Instant.parse(resumed.resumedAt().getLast()).isBefore(begin));
        assertNull(resumed.finishedAt());
        var offsets = List.of(new ClockOffset("s", 1, 2));
        var finished = resumed.finishedNow(20, 18, 2, 5, offsets);
        assertEquals(new RunManifest.Counts(20, 18, 2, 6), finished.counts(), "what was resent before counts too");
        assertEquals(List.of(before.clockOffsets().getFirst(), offsets.getFirst()), finished.clockOffsets(),
                "that of a server that was not asked again stays");
        var now = List.of(new ClockOffset(before.clockOffsets().getFirst().server(), 7, 8));
        assertEquals(now, resumed.finishedNow(20, 18, 2, 5, now).clockOffsets());
        assertFalse(Instant.parse(finished.finishedAt()).isBefore(begin));
        assertEquals(5, manifest("{}").finishedNow(1, 1, 0, 5, List.of()).counts().resent());
        assertTrue(manifest("{}").asSimulated().simulated());
        var overhead = new ClientOverhead(1, 2, 3.0, null, null, null);
        assertEquals(overhead, manifest("{}").withOverhead(overhead).clientOverhead());
    }

    @Test
    void partsOfOnePlanHaveItsDigestAndNumber() throws Exception {
        var part = manifest(MANIFEST).shard();
        assertTrue(part.isOfSamePlan(new ShardEntry(new Shard(3, 4), "abc")));
        assertFalse(part.isOfSamePlan(new ShardEntry(new Shard(1, 5), "abc")));
        assertFalse(part.isOfSamePlan(new ShardEntry(new Shard(1, 4), "abd")));
    }

    @ParameterizedTest
    @CsvSource({"https://user:pass@host/v1, https://...@host/v1", "https://h/v1?api_key=abc&x=1, https://h/v1?api_key=...&x=1",
        "m@https://h?x=1&sig=abc, m@https://h?x=1&sig=...", "https://h?token=abc, https://h?token=...",
        "https://h?secret=a, https://h?secret=...",
        "https://h?signature=a, https://h?signature=...", "https://h?password=a, https://h?password=...",
        "https://h/v1?x=1, https://h/v1?x=1", "--header=A: b, --header=A: ..."})
    void secretsAreLeftOutOfACommandLine(String word, String kept) {
        assertEquals(List.of("-p", kept.replace("...", RequestHeader.LEFT_OUT)), RunManifest.withoutSecrets(List.of("-p", word)));
    }

    @Test
    void aRunThatLacksASecretOfAnAddressCannotGoOnButHeadersCanBeGivenAgain() throws Exception {
        var header = RunManifest.withoutSecrets(List.of("--header", "X-Org: 5", "--header=X-Team: 6"));
        assertEquals(List.of("--header", "X-Org: " + RequestHeader.LEFT_OUT, "--header=X-Team: " + RequestHeader.LEFT_OUT), header);
        assertFalse(withArguments(header).lacksSecret());
        assertTrue(withArguments(RunManifest.withoutSecrets(List.of("--base-url", "http://h?key=1"))).lacksSecret());
        assertFalse(withArguments(List.of("-p", "Hi")).lacksSecret());
    }

    private RunManifest withArguments(List<String> arguments) throws IOException {
        return manifest("{\"arguments\": [" + String.join(",", arguments.stream().map(word -> "\"" + word + "\"").toList()) + "]}");
    }

    @Test
    void runsAreInTheOrderInWhichTheyBeganWhateverTheirFoldersAreCalled() throws Exception {
        for (var run : Map.of("b", "20261101T000000Z-0001", "a", "20261102T000000Z-0001", "20261103T000000Z-0001", "").entrySet()) {
            var own = Files.createDirectory(folder.resolve(run.getKey()));
            Files.createFile(own.resolve("requests.csv"));
            if (!run.getValue().isEmpty()) {
                Files.writeString(own.resolve("run.json"), "{\"run_id\": \"" + run.getValue() + "\"}");
            }
        }
        Files.createDirectory(folder.resolve("no-run"));
        assertEquals(List.of("b", "a", "20261103T000000Z-0001"),
                RunFiles.runsIn(folder).stream().map(run -> run.getFileName().toString()).toList());
    }

    @Test
    void aLockIsForOneUntilItIsGivenBack() throws Exception {
        var lock = RunLock.take(folder);
        assertEquals("another process is still running it",
                assertThrows(IOException.class, () -> RunLock.take(folder)).getMessage());
        lock.close();
        assertFalse(Files.exists(folder.resolve(".lock")));
        RunLock.take(folder).close();
    }

    // Columns

    /** Each metric by the column it is in; those without one are computed. */
    @Test
    void aMetricIsInTheColumnOfItsName() {
        var others = new TreeMap<String, String>();
        for (var metric : Metric.values()) {
            var column = RequestColumn.of(metric);
            if (column == null || !column.name().replaceFirst("_MS$", "").equals(metric.name())) {
                others.put(metric.name(), column == null ? "-" : column.word());
            }
        }
        assertEquals("{CACHED_TOKENS=cached_prompt_tokens, CHARS_PER_S=-, FIRST_100_CHARS=-, ITL=itl_p50_ms, "
                + "ITL_ANY=itl_any_p50_ms,"
                + " TOKENS_PER_S=output_tokens_per_s, TTFT_NET=-, TTST=-}", others.toString());
        assertEquals("OUTPUT TOKENS_PER_EVENT", Stream.of(RequestColumn.values()).filter(RequestColumn::isOfFirstVersion)
                .reduce((one, next) -> next)
                .orElseThrow() + " " + Stream.of(RequestColumn.values()).filter(column -> !column.isOfFirstVersion())
                .findFirst().orElseThrow());
    }

    // Rows

    private static final String HEADER = RunOnDisk.EVENTS + "\r\n";

    private static final String REQUESTS_HEADER = "request_id,attempt,status,error_type,http_status,events\r\n";

    private String written(boolean guarded, String text, int tokens, EventKind kind, long delayMicros) throws IOException {
        var path = folder.resolve("events.csv");
        Files.deleteIfExists(path);
        try (var file = new CsvFile(path, EventColumn.values(), guarded)) {
            file.eventRow(file.cells("p|a|1", "a,b", "p", 1, 1), 3, kind, 1_234_567, delayMicros, 4, text, tokens);
        }
        assertTrue(Files.readString(path).startsWith(HEADER));
        return Files.readString(path).substring(HEADER.length());
    }

    @Test
    void theRowOfAnEventIsWrittenAsItIs() throws Exception {
        assertEquals("p|a|1,\"a,b\",p,1,1,3,content,1234.567,1.500,4,hi,5,\r\n", written(false, "hi", 5, EventKind.CONTENT, 1_500));
        assertEquals("p|a|1,\"a,b\",p,1,1,3,role,1234.567,,4,,,\r\n",
                written(false, null, StreamEvent.NO_COUNT, EventKind.ROLE, AnswerMetrics.NONE));
        assertEquals("p|a|1,\"a,b\",p,1,1,3,content,1234.567,0.000,4,\"two\nlines, \"\"quoted\"\" 🗼\",0,\r\n",
                written(false, "two\nlines, \"quoted\" 🗼", 0, EventKind.CONTENT, 0));
        assertEquals("p|a|1,\"a,b\",p,1,1,3,usage,1234.567,0.001,4,,7,true\r\n",
                written(false, null, 7, EventKind.EMPTY_CHOICE_WITH_USAGE, 1));
        assertEquals("p|a|1,\"a,b\",p,1,1,3,content,1234.567,0.001,4,?,,\r\n",
                written(false, "\ud83d", StreamEvent.NO_COUNT, EventKind.CONTENT, 1));
    }

    @Test
    void theHeaderIsThereAtOnceAndRowsOnceTheyAreFlushed() throws Exception {
        var path = folder.resolve("events.csv");
        try (var file = new CsvFile(path, EventColumn.values(), false)) {
            assertEquals(HEADER, Files.readString(path));
            file.row("r");
            file.flush();
            assertEquals(HEADER + "r\r\n", Files.readString(path));
        }
    }

    @Test
    void rowsFollowEachOtherAlsoAfterAWideOne() throws Exception {
        var path = folder.resolve("events.csv");
        try (var file = new CsvFile(path, EventColumn.values(), false)) {
            var start = file.cells("r");
            for (var text : List.of("🗼", "a", "")) {
                file.eventRow(start, 0, EventKind.CONTENT, 1_000, 0, 1, text, StreamEvent.NO_COUNT);
            }
        }
        try (var file = new CsvFile(path, EventColumn.values(), false)) {
            file.row("r", null, 2);
        }
        assertEquals(HEADER + "r,0,content,1.000,0.000,1,🗼,,\r\nr,0,content,1.000,0.000,1,a,,\r\nr,0,content,1.000,0.000,1,,,"
                + "\r\nr,,2\r\n", Files.readString(path));
    }

    @ParameterizedTest
    @ValueSource(strings = {"=1+1", "+cmd", "-x", "@SUM(A1)", "\ttab", "\rreturn", "=a\nb"})
    void aFormulaIsGuardedIfThatIsWantedAndReadBackAsItWas(String text) throws Exception {
        assertTrue(written(true, text, 1, EventKind.CONTENT, 0).contains(",\"'" + text.replace("\"", "\"\"") + "\",")
                || written(true, text, 1, EventKind.CONTENT, 0).contains(",'" + text + ","),
                written(true, text, 1, EventKind.CONTENT, 0));
        assertFalse(written(false, text, 1, EventKind.CONTENT, 0).contains("'"));
        assertEquals(text, CsvFile.unguarded("'" + text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-5", "+1.5", "text", "'quoted'", "a=b"})
    void numbersAndTextsAreNoFormulas(String text) throws Exception {
        assertFalse(written(true, text, 1, EventKind.CONTENT, 0).contains("''")
                || written(true, text, 1, EventKind.CONTENT, 0).contains("'" + text));
        assertEquals("'" + text, CsvFile.unguarded("'" + text));
    }

    // What a run that was cut off left

    private List<String> read(String content) throws IOException {
        var file = Files.writeString(folder.resolve("rows.csv"), content);
        var rows = new ArrayList<String>();
        CsvRows.forEach(file, row -> rows.add(String.join("|", row.values())));
        return rows;
    }

    @Test
    void onlyWholeRowsAreRead() throws Exception {
        assertEquals(List.of("1|2", "3|4"), read("a,b\r\n1,2\r\n3,4\r\n"));
        assertEquals(List.of("1|2"), read("a,b\r\n1,2\r\n3,4"), "without its line end it may lack a part of the last cell");
        assertEquals(List.of("1|2"), read("a,b\r\n1,2\r\n3,4\r"));
        assertEquals(List.of("1|2"), read("a,b\r\n1,2\r\n3,\"4\r\n"), "the quote that ends it is missing");
        assertEquals(List.of("1|2", "5|6"), read("a,b\r\n1,2\r\n3\r\n5,6\r\n"), "a row with too few cells");
        assertEquals(List.of(), read("a,b\r\n"));
        assertEquals(List.of("1|x\r\ny"), read("a,b\r\n1,\"x\r\ny\"\r\n"));
    }

    /** Of four attempts the second has fewer events than its row says, the third more, and the fourth has no row. */
    @Test
    void whatHasNoCounterpartInTheOtherFileIsRemoved() throws Exception {
        Files.writeString(folder.resolve("requests.csv"),
                REQUESTS_HEADER + "r1,1,failed,overloaded,503,1\r\nr1,2,completed,,200,2\r\nr2,1,completed,,200,2\r\n"
                + "r3,1,completed,,200,1\r\nr5,1,failed,connection,,0\r\n");
        var rows = new StringBuilder(HEADER);
        for (var row : List.of("r1,1,0", "r1,2,0", "r1,2,1", "r2,1,0", "r3,1,0", "r3,1,1", "r4,1,0")) {
            var cells = row.split(",");
            rows.append(cells[0] + ",m,p,1," + cells[1] + "," + cells[2] + ",content,1.000,,1,x,,\r\n");
        }
        Files.writeString(folder.resolve("events.csv"), rows);
        var state = ResumeState.repair(folder);
        assertEquals(Map.of("r1", new ResumeState.LastAttempt(2, RequestStatus.COMPLETED, "", 200),
                "r5", new ResumeState.LastAttempt(1, RequestStatus.FAILED, "connection", null)), state.lastAttempts());
        assertEquals(state.lastAttempts().get("r1"), state.lastAttempt("r1"));
        assertNull(state.lastAttempt("r2"));
        assertEquals(List.of("r1|1", "r1|2", "r5|1"), rows("requests.csv", "request_id", "attempt"));
        assertEquals(List.of("r1|1|0", "r1|2|0", "r1|2|1"), rows("events.csv", "request_id", "attempt", "event"));
        assertEquals(RunOnDisk.REQUESTS, Files.readAllLines(folder.resolve("requests.csv")).getFirst(),
                "the columns of this version");
        assertFalse(Files.exists(folder.resolve("requests.csv.part")));
        assertEquals(Map.of(), ResumeState.NONE.lastAttempts());
    }

    private List<String> rows(String file, String... columns) throws IOException {
        var rows = new ArrayList<String>();
        CsvRows.forEach(folder.resolve(file), row -> rows.add(String.join("|", Arrays.stream(columns).map(row::get).toList())));
        return rows;
    }
}
