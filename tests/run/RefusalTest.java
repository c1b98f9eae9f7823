package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.api.AcceptedForms;
import stream.api.RequestForm;
import stream.api.UsageRequest;
import stream.client.Outcome;
import stream.client.ServerErrors;
import stream.fixtures.TestModels;
import stream.fixtures.TestRun;
import stream.metric.StreamEnd;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What follows when a server refuses a request for now, or as it is written. */
@Execution(ExecutionMode.CONCURRENT)
class RefusalTest {

    private static final MockResponse ANSWER = new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
            .body("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n").build();

    @TempDir
    Path folder;

    private final ConcurrentLinkedQueue<JsonNode> bodies = new ConcurrentLinkedQueue<>();

    private MockWebServer server(Function<JsonNode, MockResponse> answer) throws Exception {
        var server = new MockWebServer();
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                var body = JsonMapper.shared().readTree(request.getBody().utf8());
                bodies.add(body);
                return answer.apply(body);
            }
        });
        server.start();
        return server;
    }

    private TestRun run(MockWebServer server, String... arguments) {
        var all = new ArrayList<>(List.of("--base-url", server.url("/v1").toString(), "-p", "Hi", "--echo", "none"));
        all.addAll(List.of(arguments));
        return TestRun.of(folder.resolve("results"), all.toArray(String[]::new));
    }

    private static MockResponse refusal(int status, String message) {
        return new MockResponse.Builder().code(status).body("{\"error\":{\"message\":\"" + message + "\"}}").build();
    }

    private static List<String> column(TestRun run, String name) {
        return run.requests().stream().map(row -> row.get(name)).toList();
    }

    // Retry-After beyond --timeout

    @Test
    void aWaitThatIsLongerThanARequestMayTakeLeavesTheRestToResume() throws Exception {
        var answers = new AtomicInteger();
        var isOver = new boolean[1];
        try (var server = server(body -> body.path("model").asString("").equals("other")
                || answers.incrementAndGet() <= 6 || isOver[0] ? ANSWER
                : new MockResponse.Builder().code(429).addHeader("Retry-After", "400").body("{}").build())) {
            var run = run(server, "-m", "m,other", "-n", "20", "-c", "2", "--timeout", "60", "--seed", "1");
            assertEquals(1, run.exitCode());
            var refused = run.requests().stream().filter(row -> row.get("http_status").equals("429")).count();
            assertTrue(refused >= 1 && refused <= 2,
                    refused + " were sent after the server had refused: no more than are in flight");
            assertEquals(20, run.requests().stream()
                    .filter(row -> row.get("model").equals("other") && row.get("status").equals("completed")).count(),
                    "the other model goes on");
            var said = "stream: warning: m: the server asks to wait for 400 s, longer than --timeout 60. No other request of it "
                    + "is sent. ";
            assertEquals(2, run.err().split(said, -1).length, run.err());
            assertTrue(run.err().contains("Stream.java --resume " + run.folder() + " sends what is left."), run.err());
            isOver[0] = true;
            var resumed = TestRun.of(folder.resolve("results"), "--resume", run.folder().getFileName().toString());
            assertEquals(0, resumed.exitCode(), resumed.err());
            assertEquals(40, resumed.requests().stream().filter(row -> row.get("status").equals("completed"))
                    .map(row -> row.get("request_id"))
                    .distinct().count());
        }
    }

    @Test
    void aQuestionIsAskedAgainAfterTheTimeThatAServerWanted() throws Exception {
        try (var server = server(body -> bodies.size() == 1
                ? new MockResponse.Builder().code(429).addHeader("Retry-After", "400").body("{}").build() : ANSWER)) {
            var run = TestRun.of(folder.resolve("results"), Map.of(), "one\ntwo\n", "--base-url",
                    server.url("/v1").toString(), "-m", "m", "--ask",
                    "--timeout", "60");
            assertEquals(List.of("429", "200"), column(run, "http_status"), run.err());
            assertTrue(run.err().contains("No other request of it is sent. Ask it again later."), run.err());
        }
    }

    // Retry-After of little

    /** OkHttp sends a request again by itself, without a row, after a 503 that asks to wait for no time. */
    @Test
    void eachRequestIsSentOnceForItsRowWhateverTheServerAsks() throws Exception {
        try (var server = server(body -> new MockResponse.Builder().code(503).addHeader("Retry-After", "0").body("{}").build())) {
            var run = run(server, "-m", "m", "-n", "2", "--retries", "1");
            assertEquals(1, run.exitCode());
            assertEquals(4, run.requests().size());
            assertEquals(4, bodies.size());
        }
    }

    /** In this order: retry-after-ms, Retry-After, milliseconds. */
    @ParameterizedTest
    @CsvSource({"20, 3, 20", "soon, 3, 3000", ", 0.5, 500", "soon, ,"})
    void theTimeToWaitIsTheFirstThatCanBeRead(String millis, String seconds, Long expected) {
        var response = new Response.Builder().request(new Request.Builder().url("http://localhost/").build())
                .protocol(Protocol.HTTP_1_1).code(503)
                .message("");
        Optional.ofNullable(millis).ifPresent(value -> response.header("retry-after-ms", value));
        Optional.ofNullable(seconds).ifPresent(value -> response.header("Retry-After", value));
        assertEquals(expected, ServerErrors.retryAfterMillis(ServerErrors.withRetryAfterHidden(response.build())));
    }

    @Test
    void aModelThatIsBeingLoadedIsNotAskedForAllTheTime() throws Exception {
        try (var server = server(body -> new MockResponse.Builder().code(503).addHeader("Retry-After", "0")
                .body("{\"error\":{\"message\":\"Loading model\"}}").build())) {
            run(server, "-m", "m", "--timeout", "1.2", "--retries", "0");
            assertTrue(bodies.size() >= 2 && bodies.size() <= 4, bodies.size() + " looks, with 500 ms between them");
        }
    }

    // A model that is being loaded

    @Test
    void aModelThatIsBeingLoadedIsWaitedForWithoutRetries() throws Exception {
        var looks = new AtomicInteger();
        try (var server = server(body -> looks.incrementAndGet() == 4 ? refusal(500, "Oh") : looks.get() > 3 ? ANSWER
                : new MockResponse.Builder().code(503).addHeader("Connection", "close")
                .body("{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}").build())) {
            var run = run(server, "-m", "m", "-n", "3", "--retries", "1");
            assertEquals(0, run.exitCode(), run.err());
            assertEquals(List.of("503", "503", "503", "500", "200", "200", "200"), column(run, "http_status"),
                    "the only retry is that of the 500");
            assertEquals(2, run.err().split("m: the server is loading the model. Its requests wait, for at most --timeout 300 s.",
                    -1).length, run.err());
            run.requests().forEach(row ->
                    assertTrue(Double.parseDouble(row.get("queue_ms")) < 400, "the wait is part of no attempt: " + row));
        }
    }

    @Test
    void aModelThatIsNeverLoadedFailsAfterTheTimeThatARequestMayTake() throws Exception {
        try (var server = server(body -> refusal(503, "Loading model"))) {
            var run = run(server, "-m", "m", "--timeout", "0.7", "--retries", "1");
            assertEquals(1, run.exitCode());
            assertTrue(run.requests().size() >= 3, "it is looked for until then, and the retry follows: " + run.err());
        }
    }

    /** In this order: status, message, whether it is loading. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "503|Loading model|true", "500|unexpected server status: llm server loading model|true",
                "503|Model org/name is currently loading|true",
        "503|model llama is still being loaded|true", "503|The model is not ready|true", "503|engine is starting|true",
        "500|error loading model: no such file|false", "503|failed to load model|false", "503|overloaded|false",
        "400|Loading model|false",
        "503|The model is overloaded|false", "503|model m is loaded on another node|false"})
    void aServerSaysThatItIsLoadingInWordsOfItsOwn(int status, String message, boolean isLoading) {
        assertEquals(isLoading, new Outcome.Failed("http_" + status, message, status).isLoading());
    }

    /** In this order: status, type, how the stream ended as other tools see it. */
    @ParameterizedTest
    @CsvSource({"200, overloaded_error, ERROR_EVENT", "200, endless_answer, OTHER", "200, bad_event, OTHER",
            "200, not_streamed, OTHER",
        "503, overloaded_error, OTHER", ", connection, OTHER"})
    void onlyAnErrorThatTheServerReportsInsideAStreamIsAnErrorEvent(Integer status, String type, StreamEnd end) {
        assertEquals(end, new Outcome.Failed(type, "m", status).end());
    }

    @Test
    void aStreamThatEndsInOrderIsClosedEarlyAndABrokenOneIsNot() {
        assertEquals(List.of(StreamEnd.COMPLETE, StreamEnd.CLOSED_EARLY, StreamEnd.OTHER, StreamEnd.OTHER),
                List.of(new Outcome.Completed().end(),
                new Outcome.Truncated("m", true).end(), new Outcome.Truncated("m", false).end(), new Outcome.Stalled().end()));
    }

    // Parameters

    /** Two requests that were in flight together may be refused in another order than they were asked. */
    @Test
    void whatAServerHasRefusedIsNotAskedForAgainBecauseOfAnEarlierAnswer() {
        var forms = new AcceptedForms();
        var model = TestModels.of("m", "chat", "http://localhost:1/v1");
        assertEquals(UsageRequest.WITH_EACH_EVENT, forms.of(model).usage());
        forms.learn(model, new RequestForm(UsageRequest.NONE, Map.of("seed", "")));
        forms.learn(model, new RequestForm(UsageRequest.AT_THE_END, Map.of("temperature", "")));
        assertEquals(new RequestForm(UsageRequest.NONE, Map.of("seed", "", "temperature", "")), forms.of(model));
        assertEquals(new RequestForm(UsageRequest.NONE, Map.of()),
                forms.of(TestModels.of("other", "chat", "http://localhost:1/v1")));
        assertEquals(UsageRequest.WITH_EACH_EVENT, forms.of(TestModels.of("m", "chat", "http://localhost:2/v1")).usage());
    }

    private static final String LIMIT =
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    private static final String TEMPERATURE =
            "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is"
            + " supported.";

    @Test
    void aRefusedParameterIsSentOtherwiseFromThenOnToThatModel() throws Exception {
        try (var server = server(body -> !body.path("model").asString("").equals("prod-3") ? ANSWER
                : body.has("max_tokens") ? refusal(400, LIMIT)
                : body.has("temperature") ? refusal(400, TEMPERATURE) : ANSWER)) {
            var run = run(server, "-m", "prod-3,other", "-n", "2", "--retries", "0", "--order", "by-model", "--max-tokens", "77");
            assertEquals(0, run.exitCode(), run.err());
            assertEquals(List.of("400", "400", "200", "200", "200", "200"), column(run, "http_status"));
            var forms = bodies.stream().map(body -> body.path("model").asString("") + " " + body.path("max_tokens").asInt(0) + " "
                    + body.path("max_completion_tokens").asInt(0) + " " + body.has("temperature")).toList();
            assertEquals(List.of("prod-3 77 0 true", "prod-3 0 77 true", "prod-3 0 77 false",
                    "prod-3 0 77 false", "other 77 0 true",
                    "other 77 0 true"), forms);
            assertTrue(run.err().contains("stream: warning: prod-3 refuses max_tokens; max_completion_tokens is sent instead.\n"),
                    run.err());
            assertTrue(run.err().contains(
                    "stream: warning: prod-3 refuses temperature; it is left out, and the server's default applies.\n"), run.err());
        }
    }

    @Test
    void whatTheUserAddsIsNotLeftOut() throws Exception {
        var models = Files.writeString(folder.resolve("models.json"), "[{\"name\": \"m\", \"extra\": {\"temperature\": 0.5}}]");
        try (var server = server(body -> refusal(400, TEMPERATURE))) {
            var run = run(server, "--models", models.toString());
            assertEquals(1, run.exitCode());
            assertEquals(List.of(0.5), bodies.stream().map(body -> body.path("temperature").asDouble(-1)).toList(),
                    "the same again is of no use");
            assertFalse(run.err().contains("left out"), run.err());
        }
    }

    /** In this order: what was sent, the refusal, what is sent next; - for no next time. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"max_tokens\":1}|" + LIMIT + "|{\"max_completion_tokens\":1}",
        "{\"max_completion_tokens\":1}|Unrecognized request argument supplied: max_completion_tokens|{\"max_tokens\":1}",
        "{\"max_tokens\":1,\"temperature\":0}|body.temperature: Extra inputs are not permitted|{\"max_tokens\":1}",
        "{\"temperature\":0}|The model doesn't support the temperature field. Remove temperature and try again.|{}",
        "{\"seed\":7}|Unknown parameter: seed|{}",
        "{\"max_tokens\":9}|max_tokens is too large: 9. This model supports at most 4 completion tokens|-",
        "{\"temperature\":0}|Unsupported parameter: 'max_tokens'|-",
        "{\"max_tokens\":1}|Unsupported parameter: 'max_tokens_to_sample'|-"})
    void aRefusedParameterIsRenamedOrLeftOut(String sent, String refusal, String next) {
        var form = new RequestForm(UsageRequest.NONE, Map.of());
        var changed = form.without(refusal, sent, Set.of());
        var body = JsonMapper.shared().readTree(sent);
        changed.applyTo((ObjectNode) body);
        assertEquals(next, changed == form ? "-" : body.toString());
        assertFalse(changed != form && changed.without(
                "Unsupported parameter: max_tokens, max_completion_tokens, temperature, seed", body.toString(), Set.of())
                != changed && !sent.contains(","), "a parameter that was changed is not changed back");
    }
}
