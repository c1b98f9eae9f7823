package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.Await;
import stream.fixtures.Printed;
import stream.fixtures.ScriptedServer;
import stream.fixtures.StreamRunCase;
import stream.fixtures.TestRun;
import stream.fixtures.ToolProcess;

/** Every option of Stream's command line, against the simulator over real sockets. */
class StreamTest extends StreamRunCase {

    @Test
    void aRunAgainstASimulatorElsewhereIsMarkedAsSimulated() {
        var run = run("-m", QUICK, "-p", "Hi", "-n", "2");
        assertTrue(run.file("run.json").contains("\"simulated\" : true")
                || run.file("run.json").contains("\"simulated\":true"), run.file("run.json"));
        assertTrue(run.err().contains("Simulated latencies in ms"), run.err());
    }

    @Test
    void anAnswerThatIsReasoningAloneIsSaid() {
        var run = run("-m", QUICK + "+reasoning-only", "-p", "Hi", "-n", "2");
        assertEquals(0, run.exitCode(), run.err());
        var said = " with reasoning only, without a visible text. The token limit may have ended it; raise --max-tokens.\n";
        assertTrue(run.err().startsWith("stream: warning: " + QUICK + "+reasoning-only: an answer" + said), run.err());
        assertTrue(run.err().contains("\nwarning: " + QUICK + "+reasoning-only: 2 completed answers" + said), run.err());
    }

    @Test
    void labelsThatTheServerAnswersAsOneModelAreSaid() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            for (int i = 0; i < 3; i++) {
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                        .body("data: {\"model\":\"llama\",\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}"
                        + "]}\n\n")
                        .build());
            }
            var url = server.url("/v1").toString();
            var run = TestRun.of(results, "--base-url", url, "-m", "a,b,c", "-p", "Hi", "--no-self-warmup");
            assertTrue(run.err().contains("\nwarning: a, b, c are one model: the server answers for each of them as llama at " + url
                    + ". A difference between them is chance.\n"), run.err());
            var compared = Printed.compare(run.folder());
            assertTrue(compared.out().contains("a, b, c are one model"), compared.out());
        }
    }

    // The plan

    @Test
    void interleavedShufflesTheModelsInsideEachBlockAndTheSeedRepeatsIt() {
        var models = "a=" + QUICK + ",b=" + QUICK + ",c=" + QUICK;
        var first = planned("-m", models, "-p", "x", "-p", "y", "-n", "4", "--seed", "7");
        assertEquals(first, planned("-m", models, "-p", "x", "-p", "y", "-n", "4", "--seed", "7"));
        assertNotEquals(first, planned("-m", models, "-p", "x", "-p", "y", "-n", "4", "--seed", "8"));
        for (int block = 0; block < first.size(); block += 3) {
            assertEquals(3, first.subList(block, block + 3).stream().map(line -> line.split("\\s+")[3]).distinct().count());
            assertEquals(1, first.subList(block, block + 3).stream().map(line -> line.replaceFirst(".*  ", "")).distinct().count());
        }
    }

    @Test
    void byModelRunsOneModelAfterTheOther() {
        var plan = planned("-m", "a,b", "-p", "x", "-p", "y", "-n", "2", "--order", "by-model");
        assertEquals("aaaabbbb", plan.stream().map(line -> line.split("\\s+")[3]).reduce("", String::concat));
    }

    private List<String> planned(String... args) {
        var all = new ArrayList<>(List.of(args));
        all.add("--dry-run");
        return TestRun.of(results, all.toArray(String[]::new)).out().lines().filter(line -> line.contains("repetition")).toList();
    }

    @Test
    void aDryRunPrintsThePlanWithItsUpperBoundAndSendsNothing() {
        var run = TestRun.of(results, "--dry-run", "-p", "Hi", "-n", "2", "--warmup", "1", "--max-tokens", "50",
                "prompts/capital.md");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().startsWith("15 requests, 3 of them warm-up; at most 840 output tokens; 579 characters of prompts;"
                + " retries are extra; nothing was sent\n"), run.out());
        assertFalse(Files.exists(results.resolve("requests.csv")));
        assertEquals("", run.err());
    }

    @Test
    void warmupsAreWrittenButNotCounted() {
        var run = run("-m", "a=" + QUICK + ",b=" + QUICK, "-p", "Hi", "--warmup", "2", "-n", "3");
        assertEquals(List.of("warmup", "warmup", "warmup", "warmup"), column(run.requests(), "phase").subList(0, 4));
        assertEquals(6, column(run.requests(), "phase").stream().filter("measured"::equals).count());
        assertTrue(run.err().matches("(?s).*\na +3 +0 .*"), run.err());
        assertEquals(10, new HashSet<>(column(run.requests(), "request_id")).size());
        assertEquals(6, run.out().split("\n\n").length, "answers of the warm-up are not echoed");
    }

    /** The server answers none before six are there, so fewer at once would end in the time-out; more are counted. */
    @Test
    void concurrencyKeepsThatManyInFlight() throws Exception {
        var six = new CyclicBarrier(6);
        var inFlight = new AtomicInteger();
        var most = new AtomicInteger();
        try (var server = new MockWebServer()) {
            server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
                    most.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
                    try {
                        six.await(10, TimeUnit.SECONDS);
                        Thread.sleep(50); // a seventh would come now
                    } catch (BrokenBarrierException | TimeoutException e) {
                        return new MockResponse.Builder().code(400).body("fewer than six at once").build();
                    } finally {
                        inFlight.decrementAndGet();
                    }
                    return new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                            .body("data: [DONE]\n\n").build();
                }
            });
            server.start();
            var run = TestRun.of(results, "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "-n", "18", "-c", "6");
            assertEquals(List.of("completed"), column(run.requests(), "status").stream().distinct().toList(), run.err());
            assertEquals(18, run.requests().size());
            assertEquals(6, most.get());
        }
    }

    @Test
    void moreThanFiveRequestsReachOneHostAtOnce() {
        var run = run("-m", "sim-ttft300-itl1-n2", "-p", "Hi", "-n", "40", "-c", "40");
        // OkHttp's dispatcher would let five through: the others would wait for 300 ms and more inside their time
        assertTrue(run.requests().stream().mapToDouble(row -> number(row, "sent_ms")).max().getAsDouble() < 300);
    }

    @Test
    void promptsOfABatchFileNameTheirOwnModels() throws Exception {
        var file = Files.writeString(results.resolve("batch.jsonl"), "{\"custom_id\":\"q\",\"body\":{\"model\":\"" + QUICK
                + "\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}}\n{\"id\":\"r\",\"prompt\":\"Ho\"}\n").toString();
        var own = TestRun.of(results.resolve("a"), Map.of(), "", "--base-url", simulator.baseUrl(), file);
        assertEquals(List.of("q " + QUICK, "r gpt-3.5-turbo", "r gpt-4", "r text-davinci-003"), own.requests().stream()
                .map(row -> row.get("prompt_id") + " " + row.get("model")).sorted().toList());
        var named = TestRun.of(results.resolve("b"), Map.of(), "", "--base-url", simulator.baseUrl(), "-m",
                QUICK + ",m2=" + QUICK, file);
        assertEquals(4, named.requests().size());
        assertTrue(named.err().startsWith("stream: warning: q; the models that these prompts name are ignored"), named.err());
    }

    // What is sent

    @Test
    void theSystemMessageIsForPromptsWithoutOne() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                        .body("data: [DONE]\n\n").build());
            }
            var file = Files.writeString(results.resolve("system.txt"), "Be brief.\n");
            TestRun.of(results.resolve("r"), Map.of(), "", "--base-url", server.url("/v1").toString(), "-m", "m", "--system",
                    "@" + file, "--seed-param", "5", "--temperature", "0.3", "--max-tokens", "9", "-p",
                    "Hi", "prompts/chat.chatml");
            var withItsOwn = server.takeRequest(5, TimeUnit.SECONDS).getBody().utf8();
            assertTrue(withItsOwn.contains("You are a patient teacher.") && !withItsOwn.contains("Be brief."), withItsOwn);
            assertEquals("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                    + "{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":9,\"temperature\":0.3,\"seed\":5,"
                    + "\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}}",
                    server.takeRequest(5, TimeUnit.SECONDS).getBody().utf8());
        }
    }

    @Test
    void aUniquePrefixMakesEachPromptANewOne() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            for (int i = 0; i < 3; i++) {
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                        .body("data: [DONE]\n\n").build());
            }
            TestRun.of(results, Map.of(), "", "--base-url", server.url("/v1").toString(), "-m", "m", "-n", "3",
                    "--unique-prefix", "--system", "S", "-p", "Hi");
            var bodies = new HashSet<String>();
            for (int i = 0; i < 3; i++) {
                var body = server.takeRequest(5, TimeUnit.SECONDS).getBody().utf8();
                assertTrue(body.matches(".*\"role\":\"system\",\"content\":\"\\[[0-9a-f]{16}]\\\\nS\".*"), body);
                bodies.add(body);
            }
            assertEquals(3, bodies.size());
        }
    }

    @Test
    void theKeyIsSentAndNeverPrintedOrWritten() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().code(503).body("busy").build());
            }
            var run = TestRun.of(results, WITH_KEY, "", "--base-url", server.url("/v1").toString(), "-m", "m", "-v",
                    "--retries", "1", "-p", "Hi");
            assertEquals("Bearer sk-very-secret", server.takeRequest(5, TimeUnit.SECONDS).getHeaders().get("Authorization"));
            for (var text : List.of(run.out(), run.err(), run.file("run.json"), run.file("events.csv"), run.file("requests.csv"))) {
                assertFalse(text.contains("very-secret"), text);
            }
        }
    }

    @Test
    void aKeyThatTheServerQuotesIsNotRepeated() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().code(401)
                    .body("{\"error\":{\"message\":\"bad key sk-very-secret\",\"code\":\"sk-very-secret\"}}").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: {\"error\":{\"message\":\"bad key sk-very-secret\",\"type\":\"sk-very-secret\"}}\n\n").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("error: {\"message\":\"bad key sk-very-secret\",\"code\":\"sk-very-secret\"}\n\n").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: {\"note\":\"sk-very-secret\"}\n\ndata: [DONE]\n\n").build());
            var run = TestRun.of(results, WITH_KEY, "", "--base-url", server.url("/v1").toString(), "-m", "m", "-p", "a", "-p", "b",
                    "-p", "c", "-p", "d");
            assertEquals(List.of("bad key (the key)", "bad key (the key)", "bad key (the key)", ""),
                    column(run.requests(), "error"));
            assertEquals(List.of("(the key)", "(the key)", "(the key)", ""), column(run.requests(), "error_type"));
            assertTrue(run.err().contains("{\"note\":\"(the key)\"}"), run.err());
            assertFalse((run.err() + run.file("events.csv") + run.file("requests.csv")).contains("very-secret"));
        }
    }

    @Test
    void tokenCountsOfEachEventAreAskedForAndWritten() {
        var run = run("-m", "sim-ttft2-itl1-n9+multi-token", "-p", "Hi");
        assertEquals("3.000", run.request().get("tokens_per_event"));
        assertEquals("3", run.request().get("content_events"));
        assertEquals(List.of("0", "3", "6", "9", "9", "9", ""), column(run.events(), "tokens"), run.events().toString());
    }

    @Test
    void reasoningAndToolsAreOutputWithTimesOfTheirOwn() {
        var run = run("-m", "sim-ttft20-itl4-n6+reasoning,sim-ttft20-itl4-n6+tools", "-p", "Hi", "--order", "by-model");
        var reasoning = run.requests().get(0);
        assertEquals("5 0 5 11", reasoning.get("reasoning_events") + " " + reasoning.get("tool_events") + " "
                + reasoning.get("reasoning_tokens") + " " + reasoning.get("output_tokens"));
        assertEquals(reasoning.get("ttft_reasoning_ms"), reasoning.get("ttft_any_ms"));
        var span = number(reasoning, "ttlt_ms") - number(reasoning, "ttft_ms");
        assertEquals(span / 5, number(reasoning, "tpot_ms"), 0.001, "of the 6 visible tokens alone");
        var tool = run.requests().get(1);
        assertEquals(" 3 ", tool.get("ttft_ms") + " " + tool.get("tool_events") + " " + tool.get("tpot_ms"));
        assertFalse(tool.get("ttft_any_ms").isEmpty());
        assertFalse(tool.get("itl_any_mean_ms").isEmpty());
    }

    @Test
    void anAnswerInAnUnknownFormIsCompletedWithAWarningThatShowsIt() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                        .body("data: {\"outputs\":[\"Hi sk-very-secret\"]}\n\ndata: [DONE]\n\n").build());
            }
            var run = TestRun.of(results, WITH_KEY, "", "--base-url", server.url("/v1").toString(), "-m",
                    "m", "-p", "Hi", "-p", "Ho");
            assertEquals(List.of("completed", "completed"), column(run.requests(), "status"));
            var warning = "stream: warning: " + server.url("/v1")
                    + " completed an answer without any text, reasoning or tool call; the first"
                    + " event without a meaning for this tool was {\"outputs\":[\"Hi (the key)\"]}. Look at its events with "
                    + "--echo events.\n";
            assertEquals(2, run.err().split(java.util.regex.Pattern.quote(warning), -1).length, run.err());
        }
    }

    @Test
    void anthropicsApiIsStreamedLikeTheOthers() {
        var run = run("--api", "anthropic", "-m", QUICK + "," + QUICK + "+reasoning", "-p",
                "Why is the sky blue?", "--order", "by-model");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(List.of("end_turn", "end_turn"), column(run.requests(), "finish_reason"));
        assertEquals(List.of("12", "17"), column(run.requests(), "output_tokens"));
        assertEquals("", run.requests().getLast().get("tpot_ms"), "Anthropic does not count thinking apart");
        assertEquals("Sunlight is a mix of all colours. Air molecules", run.requests().getFirst().get("output"));
        var limited = TestRun.of(results.resolve("limited"), "--base-url", simulator.baseUrl(), "--api", "anthropic", "-m", QUICK,
                "-p", "Hi", "--max-tokens", "4");
        assertEquals("max_tokens 4", limited.request().get("finish_reason") + " " + limited.request().get("content_events"));
    }

    @Test
    void aRetiredModelIsSaidOnceAndTheOthersGoOn() {
        var run = run("-m", "old=" + QUICK + "+status-404,new=" + QUICK, "-p", "a", "-p", "b", "-p", "c");
        assertEquals(1, run.exitCode());
        assertEquals(1, run.err().split("retired or unknown", -1).length - 1, run.err());
        assertTrue(run.err().contains("stream: old, prompt-1: failed: 404 model_not_found: The model `"
                + QUICK + "+status-404` has been"
                + " deprecated; " + QUICK + "+status-404 is retired or unknown at 127.0.0.1, name another with --model\n"),
                run.err());
        assertEquals(3, run.requests().stream().filter(row -> row.get("status").equals("completed")).count());
        assertEquals(3, run.requests().stream().filter(row -> row.get("error_type").equals("model_not_found")).count());
    }

    @ParameterizedTest
    @ValueSource(strings = {"status-401", "status-403"})
    void aWrongKeyIsSaidOnce(String fault) {
        var run = run("-m", QUICK + "+" + fault, "-p", "a", "-p", "b", "-p", "c", "-q");
        assertEquals(3, run.requests().size());
        assertEquals(1, run.err().lines().count(), run.err());
    }

    @Test
    void furtherParametersOfAPromptAreSentToo() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: [DONE]\n\n").build());
            var prompts = Files.writeString(results.resolve("set.jsonl"),
                    "{\"custom_id\":\"q\",\"body\":{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                    + "\"top_p\":0.5,\"logit_bias\":{\"5\":1}}}\n");
            TestRun.of(results.resolve("r"), "--base-url", server.url("/v1").toString(), "-m", "m", prompts.toString());
            var body = server.takeRequest(5, TimeUnit.SECONDS).getBody().utf8();
            assertTrue(body.contains("\"top_p\":0.5,\"logit_bias\":{\"5\":1}"), body);
        }
    }

    /** The folder of this project has one; what is in it is asked if no prompt is named. */
    @Test
    void withoutAPromptTheFolderPromptsIsRead() throws Exception {
        var all = TestRun.of(results, "--simulate", "--dry-run", "-m", "m").out();
        assertEquals(TestRun.of(results, "--simulate", "--dry-run", "-m", "m", "prompts").out(), all);
        assertTrue(all.matches("(?s)[1-9]\\d* requests, .*"), all);
    }

    @Test
    void compressionIsWarnedOf() {
        var run = run("-m", QUICK + "+gzip", "-p", "Hi", "-n", "3");
        assertTrue(run.err().startsWith("stream: warning: " + simulator.baseUrl() + " sends compressed streams"), run.err());
        assertEquals(2, run.err().split("sends compressed streams", -1).length, "once: " + run.err());
    }

    @Test
    void aRunInWhichEverythingFailedHasNoTableAndNothingToCompare() {
        var run = run("-m", QUICK + "+status-401", "-p", "Hi", "-n", "3");
        assertEquals(1, run.exitCode());
        assertTrue(run.err().endsWith("\nNone of 3 requests completed.\nWritten:\n  " + run.folder() + "\n"), run.err());
    }

    @Test
    void interruptedEverythingMeasuredIsWritten() throws Exception {
        var process = ToolProcess.of(List.of(), "stream.Stream", "--base-url", simulator.baseUrl(), "-m",
                "sim-ttft1-itl20-n10000,b=sim-ttft1-itl20-n10000", "--max-tokens", "10000", "-c", "2", "-p", "Hi", "-n", "5",
                "--no-self-warmup", "--results", results.toString()).redirectErrorStream(true).start();
        try {
            Await.until("twenty events are written", () -> {
                try (var runs = Files.list(results)) {
                    return runs.anyMatch(run -> lines(run.resolve("events.csv")) > 20);
                }
            });
            ToolProcess.interrupt(process);
            assertTrue(process.waitFor(20, TimeUnit.SECONDS), "still running");
            assertEquals(130, process.exitValue());
            var printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            var run = new TestRun(130, "", printed, results);
            assertEquals(List.of("cancelled", "cancelled"), column(run.requests(), "status"), printed);
            assertTrue(printed.contains("None of 2 requests completed.") && printed.contains(run.folder().toString()), printed);
            Printed.compare("--check", run.folder()).expect(0);
        } finally {
            process.destroyForcibly();
        }
    }

    private static long lines(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file).lines().count() : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    /** Some keys are longer than the line that is shown of a message. */
    @Test
    void noPartOfALongKeyIsRepeated() throws Exception {
        var key = "eyJ" + "very-secret".repeat(100);
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().code(401).body("{\"error\":{\"message\":\"bad key " + key + "\"}}").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: {\"error\":\"bad key " + key + "\"}\n\n").build());
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("error: bad key " + key + "\n\n").build());
            server.enqueue(new MockResponse.Builder().code(307)
                    .addHeader("Location", server.url("/v2?key=" + key).toString()).build());
            var run = TestRun.of(results, Map.of("OPENAI_API_KEY", key), "", "--base-url", server.url("/v1").toString(), "-m",
                    "m", "-p", "a", "-p", "b",
                    "-p", "c", "-p", "d");
            assertEquals(List.of("bad key (the key)", "bad key (the key)", "bad key (the key)",
                    "the server points to " + server.url("/v2?key=") + "(the key); give that as the base URL"),
                    column(run.requests(), "error"));
            assertFalse((run.err() + run.file("events.csv") + run.file("requests.csv")).contains("very-secret"));
        }
    }

    /** The address of a server may have a user, a password and a key in it. Of all that is said of the server none is shown. */
    @Test
    void aSecretOfTheAddressIsNotShown() throws Exception {
        for (var address : List.of(simulator.baseUrl().replace("/v1", "/v2"),
                "http://localhost:" + ScriptedServer.freePort() + "/v1")) {
            var run = TestRun.of(results.resolve(address.substring(address.length() - 1)), "--base-url",
                    address.replace("http://", "http://me:s3cr3t@")
                    + "?token=s3cr3t", "-m", "m", "-p", "Hi", "--retries", "0");
            assertEquals(1, run.exitCode(), run.err());
            assertTrue(run.err().contains(address.endsWith("2") ? "there is nothing at" : "nothing answers at"), run.err());
            assertFalse((run.err() + run.file("run.json") + run.file("requests.csv")).contains("s3cr3t"), run.err());
        }
    }

    @Test
    void theListOfModelsIsNotAskedForElsewhere() throws Exception {
        try (var server = new MockWebServer(); var elsewhere = new MockWebServer()) {
            server.start();
            elsewhere.start();
            server.enqueue(new MockResponse.Builder().code(307)
                    .addHeader("Location", elsewhere.url("/v1/models").toString()).build());
            Printed.stream("--list-models", "--base-url", server.url("/v1").toString(), "-m", "m").expect(1);
            assertEquals("1 0", server.getRequestCount() + " " + elsewhere.getRequestCount());
        }
    }

    @Test
    void theServersAreAskedWhichModelsTheyServe() {
        var printed = Printed.stream("--list-models", "--base-url", simulator.baseUrl(), "-m", "gpt-4,nobody").expect(1);
        assertTrue(printed.out().matches("(?s).*\ngpt-4 .* yes\nnobody .* not listed; name another with --model if the server"
                + " refuses it\n"), printed.out());
        Printed.stream("--list-models", "--base-url", simulator.baseUrl(), "-m", "gpt-4").expect(0);
        Printed.stream("--list-models", "--simulate").expect(0);
    }

    // Wrong usage

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "-n 0|--repeat 0; must be a whole number, at least 1",
        "-n x|--repeat 'x'; must be a whole number; see --help",
        "--frob|Unknown option: '--frob'; see --help",
        "--modle x|Unknown option: '--modle'; did you mean --model or --models?; see --help",
        "--temperature hot|--temperature 'hot'; must be a number; see --help",
        "--warmup -1|--warmup -1; must be a whole number, at least 0",
        "-c 0|--concurrency 0; must be a whole number, at least 1",
        "--retries -1|--retries -1; must be a whole number, at least 0",
        "--max-tokens 0|--max-tokens 0; must be a whole number, at least 1",
        "--temperature 3|--temperature 3; must be a number from 0 to 2",
        "--timeout 0|--timeout 0; must be a number from 0.001 to 1000000",
        "--stall-timeout NaN|--stall-timeout NaN; must be a number from 0.001 to 1000000",
        "--typing-delay -5|--typing-delay -5; must be a whole number, at least 0",
        "-n 2147483647|--repeat 2147483647 makes 6442450941 requests; at most 5000000 are possible, repeat less",
        "--order zigzag|--order 'zigzag'; must be one of interleaved, by-model",
        "--echo loud|--echo 'loud'; must be one of tokens, lines, events, none",
        "--api soap|--api 'soap'; must be one of auto, chat, completions, responses, anthropic",
        "--base-url ftp://x|--base-url 'ftp://x' is not an http:// or https:// address",
        "--simulate --base-url http://localhost:1|--simulate and --base-url name two servers; leave one out",
        "--retry-failed|--retry-failed goes with --resume RUN_ID; name the run whose failed requests are to be sent again",
        "--ask|--ask takes its prompts from the terminal; leave out the others",
        "--system @nowhere.txt|--system @nowhere.txt: the file cannot be read as UTF-8 text; name another",
        "nowhere.txt|nowhere.txt: no such file or folder",
        "Why|Why: no such file or folder; to ask it, write -p 'Why'",
        "blue?|blue?: no prompt file matches; to ask it, write -p 'blue?'",
        "--connection old|--connection 'old'; must be one of reuse, new",
        "--http 3|--http '3'; must be one of 1.1, 2",
        "--base-url localhost:1/v1|--base-url 'localhost:1/v1': write http://localhost:1/v1 or https://localhost:1/v1",
    })
    void wrongUsageIsOneLineWithOptionValueAndRemedy(String args, String expected) {
        var run = TestRun.of(results, WITH_KEY, "", (args + " -p Hi").split(" "));
        assertEquals("stream: " + expected + "\n", run.err());
        assertEquals(2, run.exitCode());
        assertEquals(0, results.toFile().list().length, "nothing is half written");
    }

    @Test
    void noKeyIsOneLineBeforeAnythingIsSent() {
        var run = TestRun.of(results, "-p", "Hi");
        assertEquals("stream: no key for api.openai.com; set OPENAI_API_KEY, or send none with --no-key, or try it without a "
                + "server, with --simulate\n", run.err());
        assertEquals(2, run.exitCode());
        assertEquals(0, results.toFile().list().length);
    }

    @Test
    void oneBrokenPromptFileStopsTheRunBeforeAnythingIsSent() throws Exception {
        var folder = Files.createDirectories(results.resolve("set"));
        Files.writeString(folder.resolve("good.txt"), "Hi");
        Files.writeString(folder.resolve("bad.jsonl"), "{\"prompt\":\"a\"}\n{\"pro");
        var run = TestRun.of(results.resolve("r"), "--simulate", folder.toString());
        assertEquals("stream: " + folder + "/bad.jsonl:2: not JSON: Unexpected end-of-input in property name\n", run.err());
        assertEquals(2, run.exitCode());
        assertFalse(Files.exists(results.resolve("r")));
    }

    @Test
    void aPromptOfTheCommandLineMayNotTakeTheIdOfAnother() throws Exception {
        var file = Files.writeString(results.resolve("p.md"), "---\nid: prompt-1\n---\nHo");
        var run = TestRun.of(results.resolve("r"), "--simulate", "-p", "Hi", file.toString());
        assertEquals("stream: --prompt 1: id 'prompt-1' is taken by " + file + "; ids must be unique\n", run.err());
    }

    @Test
    void aResultsFolderThatCanNotBeWrittenIsOneLine() throws Exception {
        var file = Files.writeString(results.resolve("file"), "x");
        var run = TestRun.of(file.resolve("results"), "--simulate", "-p", "Hi");
        assertEquals("stream: --results " + file + "/results: cannot be written (" + file + "/results); name another folder\n",
                run.err().replace(": Not a directory", ""));
        assertEquals(2, run.exitCode());
    }

    @Test
    void helpNamesOnlyOptionsThatWork() {
        var help = Printed.stream("--help").expect(0).out();
        for (var option : List.of("--prompt", "--ask", "--model", "--models", "--base-url", "--api", "--simulate", "--system",
                "--max-tokens", "--temperature", "--seed-param", "--repeat", "--warmup", "--concurrency", "--order", "--seed",
                "--timeout", "--stall-timeout", "--retries", "--results", "--echo", "--typing-delay", "--unique-prefix",
                "--dry-run", "--resume", "--shard", "--start-at", "--retry-failed", "--csv-safe", "--max-event-mb",
                "--max-answer-mb", "--quiet", "--verbose", "--help", "--version", "--insecure-http")) {
            assertTrue(help.contains(option), option);
        }
        for (var later : List.of("--rate", "--arrival")) {
            assertFalse(help.contains(later), later);
        }
    }
}
