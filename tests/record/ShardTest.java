package stream.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.api.Model;
import stream.client.ExchangeResult;
import stream.compare.Machines;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.fixtures.TestModels;
import stream.fixtures.TestRun;
import stream.plan.Job;
import stream.plan.Plan;
import stream.plan.Shard;
import stream.prompt.Prompt;
import stream.run.ClockBounds;
import stream.terminal.UserError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Parts of a plan: which, when, and as one run again. */
@Execution(ExecutionMode.CONCURRENT)
class ShardTest {

    @TempDir
    Path folder;

    private static Map<String, String> environment(String variables) {
        var environment = new HashMap<String, String>();
        for (var variable : variables == null ? new String[0] : variables.split(" ")) {
            environment.put(variable.split("=")[0], variable.split("=")[1]);
        }
        return environment;
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "0/4,    -, 0/4",
        "3/4,    SLURM_ARRAY_TASK_ID=1, 3/4",
        "auto,   SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0, 3/4",
        "auto,   SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1, 0/4",
        "auto/4, SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=2, 2/4",
        "auto/4, JOB_COMPLETION_INDEX=3, 3/4",
        "auto/4, PARALLEL_SEQ=4, 3/4"
    })
    void theShardIsThatOfTheUserOrOfTheEngine(String text, String variables, String expected) {
        assertEquals(expected, Shard.of(text, environment(variables)).word());
    }

    @Test
    void aShardThatIsNotOneIsRefused() {
        for (var text : List.of("1", "-1/2", "a/b", "1/2/3", "")) {
            assertEquals("--shard '" + text + "'; must be I/N with I from 0 to N - 1, auto, or auto/N", refusal(text, ""));
        }
        for (var text : List.of("4/4", "0/0")) {
            assertEquals("--shard " + text + ": I makes it shard " + text.charAt(0) + " of " + text.charAt(2)
                    + "; the indices of an array must"
                    + " be consecutive, and I is from 0 to N - 1", refusal(text, ""));
        }
    }

    @Test
    void anEngineThatDoesNotTellEnoughIsOneLine() {
        assertEquals("--shard auto: no engine says which shard this is (SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, PARALLEL_SEQ "
                + "are not"
                + " set); write --shard I/N", refusal("auto", ""));
        assertEquals("--shard auto: JOB_COMPLETION_INDEX does not tell how many shards there are; write --shard auto/N",
                refusal("auto", "JOB_COMPLETION_INDEX=1"));
        assertEquals("--shard auto/4: SLURM_ARRAY_TASK_ID and PARALLEL_SEQ are set; write --shard I/N",
                refusal("auto/4", "SLURM_ARRAY_TASK_ID=1 PARALLEL_SEQ=1"));
        assertEquals("--shard auto: SLURM_ARRAY_TASK_COUNT is ''; must be a whole number",
                refusal("auto", "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=0"));
        assertEquals("--shard auto: SLURM_ARRAY_TASK_ID makes it shard 6 of 3; the indices of an array must be consecutive, and "
                + "I is from 0"
                + " to N - 1", refusal("auto", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1"));
    }

    private static String refusal(String text, String variables) {
        return assertThrows(UserError.class, () -> Shard.of(text, environment(variables.isEmpty() ? null : variables)))
                .getMessage();
    }

    private static Plan plan(int prompts, int repeat, long seed, boolean reversed) {
        var all = new ArrayList<Prompt>();
        for (int i = 0; i < prompts; i++) {
            all.add(Prompt.ofText("prompt-" + i, "question " + i, "test"));
        }
        if (reversed) {
            Collections.reverse(all);
        }
        return Plan.of(all, List.of(TestModels.of("a", "chat", "http://localhost:1"),
                TestModels.of("b", "chat", "http://localhost:1")),
                new Plan.Order(repeat, 1, true, seed));
    }

    /** Every request in one shard, all models of a prompt and repetition in the same; sizes that differ by two models at most. */
    @ParameterizedTest
    @CsvSource({"8, 10, 4", "8, 1, 4", "3, 7, 5", "1, 16, 3", "100, 1, 7"})
    void shardsAreDisjointEqualAndCompleteWhateverTheOrderOfTheRun(int prompts, int repeat, int count) {
        var all = new HashSet<String>();
        var sizes = new TreeSet<Integer>();
        for (int index = 0; index < count; index++) {
            var shard = new Shard(index, count);
            var ids = plan(prompts, repeat, 1, false).part(shard).jobs().stream().map(Job::requestId).toList();
            ids.forEach(id -> assertTrue(all.add(id), id));
            ids.forEach(id -> assertTrue(ids.contains(id.replace("|a|", "|b|")) && ids.contains(id.replace("|b|", "|a|")), id));
            sizes.add(ids.size());
            assertEquals(new TreeSet<>(ids),
                    new TreeSet<>(plan(prompts, repeat, 99, true).part(shard).jobs().stream().map(Job::requestId)
                    .toList()), "another seed, other files");
            for (int prompt = 0; prompt < prompts; prompt++) {
                var id = "prompt-" + prompt + "|a|";
                var share = ids.stream().filter(each -> each.startsWith(id)).count();
                assertTrue(share >= repeat / count && share <= Math.ceilDiv(repeat, count), id + " " + share);
            }
            assertEquals(2, plan(prompts, repeat, 1, false).part(shard).warmups().size(), "each machine warms up");
        }
        assertEquals(prompts * repeat * 2, all.size());
        assertTrue(sizes.last() - sizes.first() <= 2, sizes.toString());
    }

    /**
     * The parts of a plan are the same on every machine and in every version: CRC32 of the ids, as Python's zlib.crc32 orders them.
     */
    @Test
    void whichShardARequestIsInNeverChanges() {
        var expected = List.of(List.of("prompt-4", "prompt-7"), List.of("prompt-0", "prompt-3"), List.of("prompt-1", "prompt-2"),
                List.of("prompt-5", "prompt-6"));
        for (int index = 0; index < 4; index++) {
            assertEquals(expected.get(index), plan(8, 1, 5, false).part(new Shard(index, 4)).jobs().stream()
                    .map(job -> job.prompt().id()).distinct()
                    .sorted().toList());
        }
    }

    private RunOnDisk shard(String name, int index, int count, String plan, double millis, boolean isComplete) {
        var run = new RunOnDisk(folder.resolve(name));
        run.record().putArray("arguments").add("prompts");
        run.record().put("planned_requests", 8).putObject("shard").put("index", index).put("count", count).put("plan", plan);
        run.record().putObject("counts").put("requests", isComplete ? 8 : 5);
        for (int i = 0; i < 8; i++) {
            run.answer("m", "p" + (8 * index + i), 1, millis + i, 5, 3, "started_at", RunOnDisk.BEGIN.plusSeconds(i).toString());
        }
        return run;
    }

    @Test
    void ofAShardThatIsThereTwiceTheCompleteOneIsTaken() {
        shard("r/20261101T060000Z-0000", 0, 2, "x", 100, false).write();
        shard("r/20261102T060000Z-0000", 0, 2, "x", 300, true).write();
        shard("r/20261103T060000Z-0000", 1, 2, "x", 300, true).write();
        var json = json(folder.resolve("r"));
        assertEquals(16, json.at("/sections/0/groups/0/figures/n").asInt());
        assertEquals(303.5, json.at("/sections/0/groups/0/figures/ttft_p50_ms").asDouble());
        assertTrue(notes(json).contains("20261101T060000Z-0000: shard 0/2 once more, beside 20261102T060000Z-0000; it is left out"),
                notes(json));
    }

    /**
     * The shards of a plan are one run in time too: not several runs of a side, and their requests per second are those of all of
     * them.
     */
    @Test
    void severalShardsAreNotSeveralRuns() {
        for (var side : List.of("before", "after")) {
            for (int index = 0; index < 2; index++) {
                shard(side + "/shard-" + index, index, 2, side, side.equals("before") ? 100 : 120, true).write();
            }
        }
        var json = json(folder.resolve("before"), folder.resolve("after"));
        assertEquals("[\"shard-0 (2 shards)\",\"shard-0 (2 shards)\"]",
                json.get("runs").toString().replaceAll("[^\"]*/(shard-0)", "$1"));
        var ttft = json.at("/sections/0/groups/1/against/ttft");
        assertEquals(List.of("prompts", "16", "true"),
                List.of(ttft.get("unit").stringValue(), ttft.get("units").toString(), ttft.get("paired").toString()));
        // 16 requests in 7 s and the 0.118 s of the last answer, for both shards at the same time
        assertEquals(16 / 7.118, json.at("/sections/0/groups/0/figures/requests_per_s").asDouble(), 0.001);
    }

    /** The first response leaves 500 to 1,999 ms, the second 0 to 1,989; one that contradicts them tells that a clock was set. */
    @Test
    void eachResponseNarrowsTheOffsetOfTheClock() {
        var bounds = new ClockBounds();
        bounds.add(new ExchangeResult.ServerClock(10_000, 10_500, 11_000));
        assertEquals(new ClockOffset("s", 500, 1_999), bounds.offset("s"));
        bounds.add(new ExchangeResult.ServerClock(10_010, 11_000, 11_000));
        assertEquals(new ClockOffset("s", 500, 1_989), bounds.offset("s"));
        bounds.add(new ExchangeResult.ServerClock(20_000, 20_001, 15_000));
        assertEquals(null, bounds.offset("s"));
    }

    private TestRun run(Path results, String... more) {
        var all = new ArrayList<>(List.of("--simulate", "-m", "a=sim-ttft4-itl1-n3,b=sim-ttft2-itl1-n3", "-p", "one", "-p",
                "two", "-p", "three", "-n",
                "4", "--echo", "none", "-q"));
        all.addAll(List.of(more));
        return TestRun.of(results, environment("PARALLEL_SEQ=2"), "", all.toArray(String[]::new));
    }

    private static JsonNode json(Object... arguments) {
        var all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--format", "json"));
        return JsonMapper.shared().readTree(Printed.compare(all.toArray()).expect(0).out());
    }

    private static String notes(JsonNode json) {
        return json.get("notes").toString();
    }

    private static List<String> ids(Path results) throws Exception {
        var ids = new ArrayList<String>();
        for (var run : RunFiles.runsIn(results)) {
            CsvRows.forEach(run.resolve("requests.csv"), row -> ids.add(row.get("request_id")));
        }
        return ids;
    }

    @Test
    void theShardsOfAFolderAreOneRunAndAMissingOneIsNamed() throws Exception {
        var results = folder.resolve("r");
        for (var shard : List.of("0/3", "auto/3")) {
            assertEquals(0, run(results, "--shard", shard).exitCode());
        }
        var missing = json(results);
        assertTrue(notes(missing).contains(results + ": shard 2/3 missing; the figures are of the others"), notes(missing));
        assertEquals(0, run(results, "--shard", "2/3").exitCode());
        var json = json(results);
        assertTrue(json.get("runs").toString().matches("\\[\"\\S+ \\(3 shards\\)\"]"), json.get("runs").toString());
        assertEquals(List.of("model", "12", "12"),
                List.of(json.get("by").stringValue(), json.at("/sections/0/groups/0/figures/n").toString(),
                json.at("/sections/0/groups/1/figures/n").toString()));
        assertEquals(12, json(results, "--baseline", "b").at("/sections/0/groups/0/against/ttft/size")
                .asInt(), "pairs of the models");
        assertFalse(notes(json).contains("shard"), notes(json));
        assertEquals(24, new HashSet<>(ids(results)).size());
        assertEquals(24, ids(results).size());
        assertEquals(List.of("0/3", "1/3", "2/3"),
                new ArrayList<>(new TreeSet<>(json(results, "--by", "shard").at("/sections/0/groups")
                .valueStream().map(group -> group.get("label").stringValue()).toList())));

        assertEquals(0, run(results, "--shard", "1/3").exitCode()); // once more
        var doubled = json(results);
        assertEquals(12, doubled.at("/sections/0/groups/0/figures/n").asInt());
        assertTrue(notes(doubled).matches(".*: shard 1/3 once more, beside \\S+; it is left out.*"), notes(doubled));
        assertEquals(0, run(results, "--shard", "0/3").exitCode());
        assertEquals(0, run(results, "--shard", "2/3").exitCode()); // now all of them
        assertEquals(2, json(results, "--by", "run").get("runs").size());
    }

    @Test
    void shardsOfDifferentPlansAreNotOneRun() {
        var results = folder.resolve("r");
        run(results, "--shard", "0/2");
        run(results, "--shard", "1/2", "--max-tokens", "2");
        var refused = Printed.compare(results).expect(2);
        assertTrue(refused.err().startsWith("compare: " + results + ": shards of different plans, which are not one run: "),
                refused.err());
    }

    @Test
    void partsOfOnePlanCutIntoOtherNumbersAreNotOneRun() {
        shard("r/20261101T060000Z-0000", 0, 2, "x", 100, true).write();
        shard("r/20261102T060000Z-0000", 1, 3, "x", 100, true).write();
        var refused = Printed.compare(folder.resolve("r")).expect(2);
        assertTrue(refused.err().startsWith("compare: " + folder.resolve("r")
                + ": shards of different plans, which are not one run: "), refused.err());
    }

    /** The digest of a plan is of the texts, too, and neither of the seed nor of the server. */
    @Test
    void otherTextsAreAnotherPlan() throws Exception {
        var same = List.of("-p", "one", "-m", "a");
        assertEquals(digest(same, "--seed", "1"), digest(same, "--seed", "2", "-c", "3"));
        assertNotEquals(digest(same), digest(List.of("-p", "other", "-m", "a")));
        assertNotEquals(digest(same), digest(same, "-n", "2"));
        assertNotEquals(digest(same), digest(same, "--system", "Be brief."));
        assertNotEquals(digest(same), digest(same, "--temperature", "0.5"));
        assertNotEquals(digest(same), digest(same, "--unique-prefix"));
        assertNotEquals(digest(same), digest(same, "--seed-param", "1"));
        var models = Set.of("\"name\":\"sim-a\"", "\"name\":\"sim-b\"", "\"name\":\"sim-a\",\"api\":\"completions\"",
                "\"name\":\"sim-a\",\"temperature\":0.5",
                "\"name\":\"sim-a\",\"max_tokens\":2", "\"name\":\"sim-a\",\"extra\":{\"top_p\":0.5}");
        var digests = new HashSet<String>();
        for (var model : models) {
            digests.add(digest(List.of("-p", "one", "--models",
                    Files.writeString(folder.resolve("models.json"), "[{\"label\":\"a\"," + model + "}]").toString())));
        }
        assertEquals(models.size(), digests.size(), "each is another plan");
    }

    private String digest(List<String> words, String... more) throws Exception {
        var all = new ArrayList<>(words);
        all.addAll(List.of("--simulate", "--max-tokens", "1", "--echo", "none", "-q", "--shard", "0/1"));
        all.addAll(List.of(more));
        return JsonMapper.shared().readTree(TestRun.of(Files.createTempDirectory(folder, "r"), all.toArray(String[]::new))
                .file("run.json")).at("/shard/plan").stringValue();
    }

    @Test
    void aShardThatWasCutOffIsResumedAlone() throws Exception {
        var results = folder.resolve("r");
        var run = run(results, "--shard", "auto/3", "--start-at", Instant.now().plusSeconds(1).toString());
        var file = run.folder().resolve("requests.csv");
        var lines = Files.readAllLines(file);
        Files.writeString(file, String.join("\r\n", lines.subList(0, 4)) + "\r\n");
        var resumed = TestRun.of(results, "--resume", run.folder().getFileName().toString()); // without the engine
        assertEquals(0, resumed.exitCode(), resumed.err());
        assertFalse(resumed.err().contains("--start-at"), "it goes on at once: " + resumed.err());
        assertEquals(8, ids(results).size());
        assertEquals("{\"index\":1,\"count\":3}", JsonMapper.shared().readTree(run.file("run.json")).get("shard").toString()
                .replaceFirst(",\"plan\":\"[0-9a-f]+\"", ""));
    }

    /** A pod that takes the place of another one must complete its shard, as the comment in the file says. */
    @Test
    void theManifestForKubernetesCompletesAShard() throws Exception {
        var words = Files.readAllLines(Path.of("deploy/kubernetes.yaml")).stream().map(String::strip)
                .filter(line -> line.startsWith("- "))
                .map(line -> line.substring(2)).toList();
        assertTrue(Collections.indexOfSubList(words, List.of("--shard", "auto/4", "--resume-shard")) >= 0, words.toString());
        assertTrue(words.containsAll(List.of("Stream.java", "/prompts", "--results", "/results")), words.toString());
    }

    /** As an engine does that starts a process again: the rest of the shard, then nothing; another plan begins a run of its own. */
    @Test
    void aShardThatIsStartedAgainGoesOnWhereItWas() throws Exception {
        var results = folder.resolve("r");
        var run = run(results, "--shard", "1/3", "--resume-shard");
        var file = run.folder().resolve("requests.csv");
        Files.writeString(file, String.join("\r\n", Files.readAllLines(file).subList(0, 4)) + "\r\n");
        var manifest = run.folder().resolve("run.json");
        Files.writeString(manifest, Files.readString(manifest).replaceAll("(?s),\\s*\"counts\" : \\{[^}]*\\}", ""));
        assertTrue(run(results, "--shard", "1/3", "--resume-shard", "--dry-run").out().startsWith("8 requests,"),
                "a dry run tells the whole shard");
        assertEquals(3, ids(results).size(), "and sends nothing");
        assertEquals(0, run(results, "--shard", "1/3", "--resume-shard").exitCode());
        assertEquals(8, ids(results).size());
        assertEquals(1, RunFiles.runsIn(results).size());
        var again = TestRun.of(results, "--simulate", "-m", "a=sim-ttft4-itl1-n3,b=sim-ttft2-itl1-n3", "-p", "one", "-p",
                "two", "-p", "three", "-n",
                "4", "--echo", "none", "-q", "--shard", "1/3", "--resume-shard");
        assertEquals("stream: --resume-shard: shard 1/3 is complete in " + run.folder() + "\n", again.err());
        assertEquals(8, ids(results).size());
        Files.writeString(Files.createDirectories(results.resolve("20261101T000000Z-dead")).resolve("requests.csv"), "");
        Files.writeString(results.resolve("20261101T000000Z-dead/run.json"), "{\"run_id\":");
        assertEquals(0, run(results, "--shard", "1/3", "--resume-shard", "--start-at", "2026-01-01T00:00:00Z").exitCode(),
                "a complete shard does nothing, whatever else is in the folder, and whenever it was to begin");
        Files.delete(results.resolve("20261101T000000Z-dead/requests.csv"));
        assertEquals(0, run(results, "--shard", "1/3", "--resume-shard", "--max-tokens", "2").exitCode());
        assertEquals(2, RunFiles.runsIn(results).size());
        assertTrue(Printed.stream("-p", "Hi", "--resume-shard").expect(2).err().contains("--resume-shard goes with --shard"));
    }

    @Test
    void aCompleteShardKeepsItsExitCodeAndSendsFailedRequestsAgainIfWanted() throws Exception {
        var results = folder.resolve("r");
        var line = new String[] {"--simulate", "-m", "a=sim-ttft4-itl1-n3,cut=sim-ttft4-itl1-n3+cut", "-p", "one",
                "--echo", "none", "-q", "--shard",
            "0/1", "--resume-shard"};
        assertEquals(1, TestRun.of(results, line).exitCode());
        var again = TestRun.of(results, line);
        assertEquals(1, again.exitCode());
        assertTrue(again.err().endsWith("; 1 of its requests failed, add --retry-failed to send them again\n"), again.err());
        assertEquals(2, ids(results).size());
        var retrying = new ArrayList<>(List.of(line));
        retrying.add("--retry-failed");
        assertEquals(1, TestRun.of(results, retrying.toArray(String[]::new)).exitCode());
        assertEquals(3, ids(results).size(), "one more attempt");
    }

    @Test
    void aShardWarmsUpOnlyTheModelsThatItMeasures() {
        var prompts = new ArrayList<Prompt>();
        for (int i = 0; i < 4; i++) {
            prompts.add(Prompt.ofText("p" + i, "question", "test"));
        }
        var a = TestModels.of("a", "chat", "http://localhost:1");
        var b = TestModels.of("b", "chat", "http://localhost:1");
        var questions = new java.util.LinkedHashMap<Model, Prompt>();
        questions.put(a, prompts.get(0));
        questions.put(b, prompts.get(1));
        var plan = Plan.ofEach(questions, new Plan.Order(1, 1, true, 1));
        for (int index = 0; index < 2; index++) {
            var part = plan.part(new Shard(index, 2));
            assertEquals(1, part.jobs().size());
            assertEquals(List.of(part.jobs().getFirst().model().label()),
                    part.warmups().stream().map(job -> job.model().label()).toList());
        }
    }

    @Test
    void moreShardsThanPromptsAndRepetitionsAreRefused() {
        var refused = Printed.stream("--simulate", "-p", "Hi", "-m", "gpt-4", "--shard", "1/2", "--results",
                folder.resolve("r").toString());
        assertEquals("stream: --shard 1/2: the plan has only 1 prompts and repetitions; use at most as many shards\n",
                refused.expect(2).err().replaceFirst("starting\\.*\\R?", ""));
        assertFalse(Files.exists(folder.resolve("r")));
    }

    @Test
    void theRunBeginsAtTheTimeThatAllHave() {
        var start = Instant.now().plusSeconds(2);
        var run = TestRun.of(folder, "--simulate", "-m", "sim-ttft1-itl1-n1", "-p", "Hi", "--echo", "none",
                "--start-at", start.toString());
        assertEquals(0, run.exitCode(), run.err());
        var began = Instant.parse(run.request().get("started_at"));
        assertTrue(!began.isBefore(start.minusMillis(1)), began + " and " + start);
        var late = TestRun.of(folder.resolve("late"), "--simulate", "-m", "sim-ttft1-itl1-n1", "-p", "Hi",
                "--echo", "none", "--start-at",
                start.minusSeconds(60).toString());
        assertTrue(late.err().matches("(?s).*warning: the time of --start-at is past by 6\\d s; the run begins now, .*"),
                late.err());
        assertEquals("stream: --start-at '18:30'; must be a time with its zone, such as 2026-11-25T18:30:00Z\n",
                Printed.stream("--simulate", "-p", "Hi", "--start-at", "18:30", "-q").expect(2).err());
        for (var year : List.of("2025", "2062")) {
            assertTrue(Printed.stream("--simulate", "-p", "Hi", "--start-at", year + "-11-25T18:30:00Z", "-q").expect(2).err()
                    .startsWith("stream: --start-at " + year + "-11-25T18:30:00Z is more than a day away, it is "));
        }
    }

    /** The server's clock is read when the headers come, however long the answer takes: an hour is between the bounds. */
    @Test
    void theLengthOfAnAnswerIsNotInTheOffset() throws Exception {
        try (var server = new MockWebServer()) {
            server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) {
                    return new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                            .addHeader("Date", java.time.format.DateTimeFormatter.RFC_1123_DATE_TIME.format(
                                    Instant.now().plusSeconds(3600).atOffset(java.time.ZoneOffset.UTC)))
                            .body("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: "
                            + "[DONE]\n\n")
                            .bodyDelay(1200, TimeUnit.MILLISECONDS).build();
                }
            });
            server.start();
            var run = TestRun.of(folder, "-p", "Hi", "-m", "gpt-4", "--base-url", server.url("/v1").toString());
            var offset = JsonMapper.shared().readTree(run.file("run.json")).at("/clock_offsets/0");
            assertTrue(offset.get("least_ms").asLong() <= 3_600_000
                    && 3_600_000 <= offset.get("most_ms").asLong(), offset.toString());
        }
    }

    /** A server that is an hour ahead; its whole seconds leave less than a second between the bounds. */
    @Test
    void theOffsetOfTheServersClockIsRecorded() throws Exception {
        try (var server = new MockWebServer()) {
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                        .addHeader("Date", java.time.format.DateTimeFormatter.RFC_1123_DATE_TIME.format(
                                Instant.now().plusSeconds(3600).atOffset(java.time.ZoneOffset.UTC)))
                        .body("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: "
                        + "[DONE]\n\n").build());
            }
            server.start();
            var run = TestRun.of(folder, "-p", "Hi", "-n", "2", "-m", "gpt-4", "--base-url", server.url("/v1").toString());
            var offset = JsonMapper.shared().readTree(run.file("run.json")).at("/clock_offsets/0");
            assertEquals(server.url("/v1").toString(), offset.get("server").stringValue());
            var least = offset.get("least_ms").asLong();
            var most = offset.get("most_ms").asLong();
            // the header was written up to a few seconds before it was sent, while this JVM was starting the run
            assertTrue(least <= most && least > 3_600_000 - 10_000 && most < 3_600_000 + 1_500, offset.toString());
        }
    }

    private RunOnDisk of(String name, String machine, double millis, SplittableRandom random) {
        var run = new RunOnDisk(folder.resolve(name));
        run.record().putObject("versions").put("machine", machine);
        for (int i = 0; i < 8; i++) {
            run.answer("m", "p" + i, 1, millis * (0.9 + 0.2 * random.nextDouble()), 5, 3);
        }
        return run;
    }

    @Test
    void machinesThatDifferAreNamedAndOnesThatDoNotAreNot() {
        var random = new SplittableRandom(3);
        var fast = of("fast", "node-1", 100, random).write();
        var slow = of("slow", "node-2", 130, random).write();
        var same = of("same", "node-3", 100, random).write();
        var notes = notes(json(fast, slow, "--by", "model"));
        assertTrue(notes.matches(".*m: TTFT differs between the machines, median node-1 \\d+\\.\\d ms, node-2 1[23]\\d\\.\\d ms; "
                + "--by machine compares"
                + " them.*"), notes);
        assertFalse(notes(json(fast, same, "--by", "model")).contains("machines"));
        assertTrue(notes(json(fast, slow, "--by", "run"))
                .contains("m: not measured by the same machines: fast by node-1, slow by node-2"));
        assertEquals("[\"node-1\",\"node-2\"]", json(fast, slow, "--by", "machine").at("/sections/0/groups").valueStream()
                .map(group -> "\"" + group.get("label").stringValue() + "\"").toList().toString().replace(" ", ""));
    }

    /** In 2,000 simulated runs on four equal machines at most 1.5 % have the caveat, the level and three standard errors. */
    @Test
    void equalMachinesSeldomDifferByChance() {
        var random = new SplittableRandom(7);
        var found = 0;
        for (int run = 0; run < 2000; run++) {
            var samples = new ArrayList<double[]>();
            for (int machine = 0; machine < 4; machine++) {
                samples.add(random.doubles(20).map(uniform -> Math.log(-Math.log(uniform) * 50 + 100)).toArray());
            }
            found += Machines.differ(samples) ? 1 : 0;
        }
        assertTrue(found <= 0.015 * 2000, found + " of 2000");
    }
}
