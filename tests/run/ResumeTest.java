package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.fixtures.TestOrder;
import stream.fixtures.TestRun;
import stream.fixtures.ToolProcess;
import stream.record.ClockOffset;
import stream.record.CsvRows;
import stream.record.RunLock;
import stream.record.RunManifest;
import stream.simulator.SimulatedServer;
import tools.jackson.databind.json.JsonMapper;

/** A run that was cut off is finished: nothing twice, nothing lost. */
@Execution(ExecutionMode.CONCURRENT)
@Order(TestOrder.FIRST)
class ResumeTest {

    /** How often a run is killed; more with {@code STREAM_KILLS=50 ./jbang tests/AllTests.java ResumeTest#...}. */
    private static final int KILLS = Integer.parseInt(System.getenv().getOrDefault("STREAM_KILLS", "4"));
    private static final int REQUESTS = 18; // fewer than those that calibrate

    @TempDir
    Path folder;
    private Path results;
    private SimulatedServer simulator;

    @BeforeEach
    void start() throws IOException {
        results = folder.resolve("results");
        simulator = SimulatedServer.start(1);
    }

    @AfterEach
    void close() {
        simulator.close();
    }

    private String[] command() {
        return new String[] {"--base-url", simulator.baseUrl(), "-m", "a=sim-ttft2-itl1-n50,b=sim-ttft1-itl1-n30", "-p", "Hi",
            "-n", String.valueOf(REQUESTS / 2), "-c", "3", "--echo", "none", "--no-self-warmup", "--seed", "7"};
    }

    private TestRun finish() {
        return TestRun.of(results, "--resume", runId());
    }

    private String runId() {
        return new TestRun(0, "", "", results).folder().getFileName().toString();
    }

    private Path file(String name) {
        return results.resolve(runId()).resolve(name);
    }

    /** Each request once, no row damaged, and both files of one mind. */
    private void assertWhole(TestRun run) {
        assertEquals(0, run.exitCode(), run.err());
        var texts = new HashMap<String, String>();
        for (var row : run.events()) {
            if (row.get("kind").equals("content")) {
                texts.merge(row.get("request_id") + " " + row.get("attempt"), row.get("text"), String::concat);
            }
        }
        var completed = new ArrayList<String>();
        for (var row : run.requests()) {
            assertTrue(row.isConsistent(), row.toString());
            if (row.get("status").equals("completed")) {
                completed.add(row.get("request_id"));
                assertEquals(row.get("model").equals("a") ? 50 : 30, Integer.parseInt(row.get("content_events")));
                assertEquals(texts.get(row.get("request_id") + " " + row.get("attempt")), row.get("output"));
            }
        }
        assertEquals(REQUESTS, completed.size(), run.err());
        assertEquals(REQUESTS, new HashSet<>(completed).size());
        var check = Printed.compare("--check", run.folder());
        assertEquals(0, check.exitCode(), check.out());
    }

    @Test
    @Timeout(600)
    void killedAtAnyMomentEachRequestIsThereOnceAfterResume() throws Exception {
        var random = new Random(11);
        for (int kill = 0; kill < KILLS; kill++) {
            results = folder.resolve("results-" + kill);
            var words = new ArrayList<>(List.of("stream.Stream", "--results", results.toString()));
            words.addAll(List.of(command()));
            var process = ToolProcess.of(List.of(), words.toArray(String[]::new)).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            var bytes = 500 + random.nextInt(35_000);
            while (process.isAlive() && size() < bytes) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
            process.destroyForcibly().waitFor();
            assertWhole(finish());
        }
    }

    /** The columns of this version that an earlier one had not stay blank. */
    @Test
    void aRunOfAnEarlierVersionIsCompletedWithTheNewColumns() throws Exception {
        TestRun.of(results, command());
        for (var name : List.of("requests.csv", "events.csv")) {
            var missing = name.equals("events.csv") ? 2 : 12;
            var old = new ArrayList<String>();
            for (var line : Files.readAllLines(file(name)).stream()
                    .limit(name.equals("events.csv") ? Long.MAX_VALUE : 8).toList()) {
                old.add(line.replaceFirst("(,[^,\"]*){" + missing + "}$", ""));
            }
            Files.writeString(file(name), String.join("\r\n", old) + "\r\n");
        }
        assertEquals(50, Files.readAllLines(file("requests.csv")).getFirst().split(",").length);
        var run = finish();
        assertWhole(run);
        assertEquals("", run.requests().getFirst().get("output_chars"));
        assertFalse(run.requests().getLast().get("output_chars").isEmpty());
    }

    /** Of the two CSV files; 0 as long as there is none. */
    private long size() throws IOException {
        if (Files.notExists(results)) {
            return 0;
        }
        try (var files = Files.walk(results)) {
            return files.filter(file -> file.toString().endsWith("events.csv")).mapToLong(file -> file.toFile().length()).sum();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 17, 100, 500, 3_000})
    void aTornEndIsRepaired(int bytes) throws Exception {
        TestRun.of(results, command());
        for (var name : List.of("events.csv", "requests.csv")) {
            var whole = Files.readAllBytes(file(name));
            Files.write(file(name), Arrays.copyOf(whole, Math.max(0, whole.length - bytes)));
            assertWhole(finish());
        }
    }

    /** Only the line end tells that the last number has all its digits. */
    @Test
    void aRowWithoutItsLineEndIsTorn() throws Exception {
        for (var end : List.of("5,67", "5,67\r", "5,\"67\"", "5,\"6\r\n7", "5\r\n")) {
            var rows = new ArrayList<String>();
            CsvRows.forEach(Files.writeString(folder.resolve("torn.csv"), "a,b\r\n1,234\r\n" + end), row -> rows.add(row.get("b")));
            assertEquals(List.of("234"), rows, end);
        }
    }

    @Test
    void theTimesAtWhichItIsResumedAreInRunJson() throws Exception {
        TestRun.of(results, command());
        assertEquals(List.of(), RunManifest.read(results.resolve(runId())).resumedAt());
        var times = new ArrayList<Instant>(List.of(Instant.now()));
        for (int i = 0; i < 2; i++) {
            Files.writeString(file("requests.csv"), "request_id,run");
            assertWhole(finish());
            times.add(Instant.now());
        }
        var resumedAt = RunManifest.read(results.resolve(runId())).resumedAt().stream().map(Instant::parse).toList();
        assertEquals(2, resumedAt.size());
        for (int i = 0; i < 2; i++) {
            assertTrue(!resumedAt.get(i).isBefore(times.get(i).truncatedTo(ChronoUnit.SECONDS))
                    && !resumedAt.get(i).isAfter(times.get(i + 1)),
                    resumedAt + " and " + times);
        }
    }

    @Test
    void aFileThatIsOnlyBegunIsBegunAgain() throws Exception {
        TestRun.of(results, command());
        Files.writeString(file("requests.csv"), "request_id,run");
        Files.writeString(file("events.csv"), "");
        assertWhole(finish());
    }

    @Test
    void aFinishedRunIsLeftAsItIs() throws Exception {
        TestRun.of(results, command());
        var before = Files.readString(file("events.csv")) + Files.readString(file("requests.csv"));
        var run = finish();
        assertWhole(run);
        assertEquals(before, Files.readString(file("events.csv")) + Files.readString(file("requests.csv")));
        assertTrue(run.err().contains("0 requests left"), run.err());
    }

    @Test
    void theRestIsRunInTheOrderOfThePlan() throws Exception {
        var order = ids(TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "a=sim-ttft1-itl0-n2,b=sim-ttft1-itl0-n3",
                "-p", "Hi", "-n", "10", "--seed", "7").requests());
        var lines = Files.readAllLines(file("requests.csv"));
        Files.writeString(file("requests.csv"), String.join("\r\n", lines.subList(0, 8)) + "\r\n");
        assertEquals(order, ids(finish().requests()));
    }

    /** The seed that nobody gave is in run.json, and orders the rest as it ordered the beginning. */
    @Test
    void theOrderIsThatOfTheSeedThatWasDrawn() throws Exception {
        var order = ids(TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "a=sim-ttft1-itl0-n2,b=sim-ttft1-itl0-n3",
                "-p", "Hi", "-n", "10").requests());
        Files.writeString(file("requests.csv"),
                String.join("\r\n", Files.readAllLines(file("requests.csv")).subList(0, 3)) + "\r\n");
        assertEquals(order, ids(finish().requests()));
    }

    @Test
    void aRunIsNamedByItsFolderToo() throws Exception {
        TestRun.of(results, command());
        Files.writeString(file("requests.csv"),
                String.join("\r\n", Files.readAllLines(file("requests.csv")).subList(0, 5)) + "\r\n");
        var relative = Path.of("").toAbsolutePath().relativize(results.resolve(runId())).toString();
        assertWhole(new TestRun(TestRun.of(folder.resolve("elsewhere"), "--resume", relative).exitCode(), "", "", results));
    }

    /** What was planned is counted without the warm-up, as what was done is. */
    @Test
    void aRunWithAWarmUpIsCompleteWhenAllThatIsMeasuredIsThere() throws Exception {
        TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n2", "-p", "Hi", "--warmup", "2", "-n", "3");
        assertFalse(RunManifest.read(results.resolve(runId())).isIncomplete());
        assertEquals(3, RunManifest.read(results.resolve(runId())).plannedRequests());
    }

    /** A name that a spreadsheet would take for a formula is guarded in the files, and the same request in the counts. */
    @Test
    void aGuardedRequestThatIsSentAgainIsCountedOnce() throws Exception {
        var prompt = Files.writeString(folder.resolve("=sum.txt"), "Hi");
        TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n2+status-500", "--csv-safe",
                "--retries", "0", prompt.toString());
        assertTrue(Files.readString(file("requests.csv")).contains("\r\n'=sum"), Files.readString(file("requests.csv")));
        TestRun.of(results, "--resume", runId(), "--retry-failed");
        assertEquals(1, RunManifest.read(results.resolve(runId())).counts().requests());
    }

    private static List<String> ids(List<CSVRecord> rows) {
        return rows.stream().map(row -> row.get("request_id")).toList();
    }

    @Test
    void aRequestThatTheUserInterruptedIsSentAgainAsTheNextAttempt() throws Exception {
        TestRun.of(results, command());
        var text = Files.readString(file("requests.csv"));
        Files.writeString(file("requests.csv"), text.replaceFirst("measured,completed", "measured,cancelled"));
        var run = finish();
        assertEquals(List.of("2"), run.requests().stream().map(row -> row.get("attempt")).filter(n -> !n.equals("1")).toList());
        assertWhole(run);
    }

    @Test
    void failedRequestsAreSentAgainWhenThatIsWanted() throws Exception {
        TestRun.of(results, command());
        var text = Files.readString(file("requests.csv"));
        Files.writeString(file("requests.csv"), text.replaceFirst("measured,completed", "measured,truncated")
                .replaceFirst("measured,completed", "measured,stalled"));
        var left = finish();
        assertTrue(left.err().contains("0 requests left; 2 failed, add --retry-failed to send them again"), left.err());
        assertEquals(1, left.exitCode());
        assertEquals(REQUESTS, left.requests().size(), "nothing was sent");
        var again = TestRun.of(results, "--resume", runId(), "--retry-failed");
        assertTrue(again.err().contains("2 requests left\n"), again.err());
        assertWhole(again);
        assertEquals(REQUESTS + 2, again.requests().size());
    }

    /** What may pass is tried again as often as the run would have; after that the user has to want it. */
    @ParameterizedTest
    @CsvSource({"0, 1", "1, 2", "2, 3"})
    void aFailureThatMayPassIsSentAgainAsOftenAsRetriesAreLeft(int retries, int attempts) throws Exception {
        TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n2+status-503", "-p", "Hi", "--retries", "0");
        var json = Files.readString(file("run.json"));
        Files.writeString(file("run.json"), json.replace("\"--retries\",\"0\"", "\"--retries\",\"" + retries + "\"")
                .replaceAll("\"--retries\"(\\s*,\\s*)\"0\"", "\"--retries\"$1\"" + retries + "\""));
        assertEquals(attempts, finish().requests().size());
    }

    @Test
    void whatFailedIsTriedAgainAsOftenAsARunWouldWhenItIsWanted() {
        TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n2+status-503", "-p", "Hi", "--retries", "1");
        assertEquals(4, TestRun.of(results, "--resume", runId(), "--retry-failed").requests().size());
    }

    @Test
    void aPromptFileThatChangedIsNamedAndNothingIsSent() throws Exception {
        var prompts = Files.createDirectory(folder.resolve("prompts"));
        Files.writeString(prompts.resolve("one.txt"), "One?");
        Files.writeString(prompts.resolve("two.txt"), "Two?");
        TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl0-n2", prompts.toString());
        var before = Files.readString(file("run.json"));
        Files.writeString(prompts.resolve("two.txt"), "Three?");
        var run = finish();
        assertEquals(2, run.exitCode());
        assertEquals("stream: " + prompts.resolve("two.txt")
                + ": has changed since the run began (prompt two.txt); restore it, or begin a new run\n", run.err());
        Files.delete(prompts.resolve("two.txt"));
        assertTrue(finish().err().contains("prompt two.txt was in it when the run began"), finish().err());
        Files.writeString(prompts.resolve("two.txt"), "Two?");
        Files.writeString(prompts.resolve("three.txt"), "Three?");
        assertEquals("stream: " + prompts.resolve("three.txt")
                + ": is new since the run began (prompt three.txt); restore it, or begin a new run\n", finish().err());
        assertEquals(before, Files.readString(file("run.json")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"max_tokens: 5|max_tokens: 6", "temperature: 0.5|temperature: 0.6",
            "system: Be brief.|system: Be long.",
        "model: sim-ttft1-itl0-n2|model: sim-ttft1-itl0-n3", "topic: maths|topic: physics"})
    void whateverIsSentOfAPromptMustBeTheSame(String line, String changed) throws Exception {
        var prompt = folder.resolve("one.md");
        Files.writeString(prompt, "---\n" + line + "\n---\nOne?");
        TestRun.of(results, "--base-url", simulator.baseUrl(), "--model", "sim-ttft1-itl0-n2", prompt.toString());
        Files.writeString(prompt, "---\n" + changed + "\n---\nOne?");
        var said = finish().err();
        assertTrue(said.endsWith("stream: " + prompt
                + ": has changed since the run began (prompt one.md); restore it, or begin a new run\n"), said);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "a.max_tokens|6|model a has max_tokens 6, when the run began it was 5; restore it, or begin a new run",
        "a.temperature|0.6|model a has temperature 0.6, when the run began it was 0.5; restore it, or begin a new run",
        "a.api|\"completions\"|model a has api completions, when the run began it was chat; restore it, or begin a new run",
        "a.extra|{\"top_p\":0.6}|model a has extra {\"top_p\":0.6}, when the run began it was {\"top_p\":0.5}; restore it, or "
        + "begin a new run",
        "a.label|\"b\"|model b is new since the run began; take it out, or begin a new run"
                + ";stream: model a was there when the run began; restore it, or begin a new run"})
    void whateverIsSetOfAModelMustBeTheSame(String where, String changed, String said) throws Exception {
        var model = JsonMapper.shared().createObjectNode().put("label", "a").put("name", "sim-ttft1-itl0-n2")
                .put("base_url", simulator.baseUrl())
                .put("max_tokens", 5).put("temperature", 0.5).put("api", "chat");
        model.putObject("extra").put("top_p", 0.5);
        var models = Files.writeString(folder.resolve("models.json"), "[" + model + "]");
        TestRun.of(results, "--models", models.toString(), "-p", "Hi");
        model.set(where.substring(2), JsonMapper.shared().readTree(changed));
        Files.writeString(models, "[" + model + "]");
        var run = finish();
        assertEquals("stream: " + said.replace(";stream", "\nstream") + "\n", run.err());
        assertEquals(2, run.exitCode());
    }

    /** Twenty requests calibrate, the last one does not; it goes to one of the two servers. */
    @Test
    void whatIsKnownOfTheClientAndOfTheClocksIsKept() throws Exception {
        try (var other = SimulatedServer.start(2)) {
            TestRun.of(results, "--base-url", simulator.baseUrl(), "-m",
                    "a=sim-ttft1-itl0-n2,b=sim-ttft1-itl0-n2@" + other.baseUrl(), "-p", "Hi", "-n", "10");
            var before = RunManifest.read(results.resolve(runId()));
            assertEquals(2, before.clockOffsets().size());
            assertNotNull(before.clientOverhead());
            Files.writeString(file("requests.csv"),
                    String.join("\r\n", Files.readAllLines(file("requests.csv")).subList(0, 20)) + "\r\n");
            var run = finish();
            assertTrue(run.err().contains("1 request left") && run.err().contains("error of the client"), run.err());
            var after = RunManifest.read(results.resolve(runId()));
            assertEquals(before.clientOverhead(), after.clientOverhead());
            assertEquals(Set.of(simulator.baseUrl(), other.baseUrl()),
                    after.clockOffsets().stream().map(ClockOffset::server).collect(Collectors.toSet()));
        }
    }

    @Test
    void aSecondProcessIsRefused() throws Exception {
        TestRun.of(results, command());
        try (var lock = RunLock.take(results.resolve(runId()))) {
            var run = finish();
            assertEquals(2, run.exitCode());
            assertTrue(run.err().startsWith("stream: --resume " + runId() + ": another process is still running it"),
                    run.err());
        }
        assertEquals(0, finish().exitCode());
    }

    @Test
    void aRunThatGoesOnIsLockedFromItsBeginning() throws Exception {
        var process = ToolProcess.of(List.of(), "stream.Stream", "--base-url", simulator.baseUrl(), "-m",
                "sim-ttft1-itl10-n10000", "-p", "Hi",
                "--max-tokens", "10000", "-q", "--no-self-warmup", "--results", results.toString()).start();
        try {
            process.getInputStream().read(); // the first token
            assertEquals(2, finish().exitCode());
            assertThrows(IOException.class, () -> RunLock.take(results.resolve(runId())));
        } finally {
            process.destroyForcibly().waitFor();
        }
        RunLock.take(results.resolve(runId())).close();
    }

    @Test
    void aModelThatIsElsewhereNowIsNamedAndNothingIsSent() throws Exception {
        try (var server = new MockWebServer()) {
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: [DONE]\n\n").build());
            server.start();
            var url = server.url("/v1").toString();
            TestRun.of(results, Map.of("OPENAI_BASE_URL", url), "", "-m", "a=m", "-p", "Hi");
            Files.writeString(file("requests.csv"), Files.readAllLines(file("requests.csv")).getFirst() + "\r\n");
            var run = TestRun.of(results, Map.of("OPENAI_BASE_URL", "http://localhost:1/v1"), "", "--resume", runId());
            assertEquals(2, run.exitCode(), run.err());
            assertEquals("stream: model a was m at " + url
                    + " when the run began, it is m at http://localhost:1/v1 now; set the environment"
                    + " as it was, or begin a new run\n", run.err());
            assertEquals(1, Files.readAllLines(file("requests.csv")).size());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-n 3", "-m gpt-4", "prompts", "-c 8"})
    void thePlanIsNotToBeGivenAnew(String words) {
        var all = new ArrayList<>(List.of("--resume", "X"));
        all.addAll(List.of(words.split(" ")));
        var run = TestRun.of(results, all.toArray(String[]::new));
        assertEquals(2, run.exitCode());
        assertTrue(run.err().startsWith("stream: --resume X takes its plan from the run; only these options may be added:"),
                run.err());
    }

    @Test
    void aRunThatIsNotThereIsOneLine() {
        var run = TestRun.of(results, "--resume", "20260101T000000Z-0000");
        assertEquals(2, run.exitCode());
        assertEquals(1, run.err().lines().count(), run.err());
        assertFalse(Files.exists(results), "nothing is left");
    }

    @Test
    void aRunThatIsNotThereNamesThoseThatCanBeResumed() throws Exception {
        TestRun.of(results, command());
        var complete = runId();
        var cut = new RunOnDisk(results.resolve("20260102T000000Z-0001")).answer("m", "sky", 1, 100, 5, 5);
        cut.record().put("planned_requests", 5).putArray("arguments").add("-p").add("Hi");
        cut.write();
        var said = TestRun.of(results, "--resume", "20260101T000000Z-0000").err();
        assertTrue(said.contains("incomplete are 20260102T000000Z-0001\n") && !said.contains(complete), said);
    }

    @Test
    void aSecretInTheCommandLineIsNotKeptAndIsSaid() throws Exception {
        var url = simulator.baseUrl().replace("http://", "http://me:s3cr3t@");
        TestRun.of(results, "--base-url", url, "-m", "sim-ttft1-itl0-n2", "-p", "Hi");
        assertFalse(Files.readString(file("run.json")).contains("s3cr3t"));
        assertTrue(finish().err().contains("a secret in a URL, which run.json does not keep"), finish().err());
    }
}
