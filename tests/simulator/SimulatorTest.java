package stream.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.Simulator;
import stream.fixtures.Await;
import stream.fixtures.Printed;
import stream.fixtures.ToolProcess;
import stream.metric.Metrics;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The simulator, asked by the JDK's own HTTP client, which has nothing of ours in it. */
class SimulatorTest {

    private SimulatedServer simulator;
    private final HttpClient client = HttpClient.newHttpClient();

    @BeforeEach
    void start() throws Exception {
        simulator = SimulatedServer.start(1);
    }

    @AfterEach
    void close() {
        simulator.close();
        client.close();
    }

    private HttpResponse<String> post(String path, String body) throws Exception {
        return client.send(HttpRequest.newBuilder(URI.create(simulator.baseUrl() + path))
                .POST(HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofString());
    }

    private JsonNode chat(String model, String more) throws Exception {
        return JsonMapper.shared().readTree(post("/chat/completions", "{\"model\":\"" + model
                + "\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" + more + "}").body());
    }

    private static List<Long> stamps(String body, String name) {
        var found = new ArrayList<Long>();
        var matcher = Pattern.compile("\"content\":\"[^\"]+\".*\"" + name + "\":(\\d+)").matcher(body);
        while (matcher.find()) {
            found.add(Long.valueOf(matcher.group(1)));
        }
        return found;
    }

    private static List<String> due(String body) {
        return Pattern.compile("\"due_ns\":\\d+").matcher(body).results().map(MatchResult::group).toList();
    }

    private String streamed(String model) throws Exception {
        return post("/chat/completions", "{\"model\":\"" + model + "\",\"stream\":true,\"messages\":"
                + "[{\"role\":\"user\",\"content\":\"Hi\"}]}").body();
    }

    @Test
    void theNameSetsTheScheduleExactlyAndItDoesNotDrift() throws Exception {
        var body = streamed("sim-ttft30-itl5-n40");
        var due = stamps(body, "due_ns");
        assertEquals(40, due.size());
        for (int i = 0; i < 40; i++) {
            assertEquals(30_000_000L + i * 5_000_000L, due.get(i));
            assertTrue(stamps(body, "sent_ns").get(i) > due.get(i), "the time when it was sent, which is never early");
        }
        var lateness = new double[40];
        for (int i = 0; i < 40; i++) {
            lateness[i] = stamps(body, "sent_ns").get(i) - due.get(i);
        }
        // were the pauses relative, forty of them would be late by the sum: more than a gap at the end
        assertTrue(Metrics.quantile(lateness, 0.5) < 5_000_000, "half are late by " + Metrics.quantile(lateness, 0.5));
    }

    @Test
    void theSameSeedGivesTheSameSchedule() throws Exception {
        var first = stamps(streamed("gpt-3.5-turbo"), "due_ns");
        try (var other = SimulatedServer.start(1)) {
            simulator.close();
            simulator = other;
            assertEquals(first, stamps(streamed("gpt-3.5-turbo"), "due_ns"));
        }
        simulator = SimulatedServer.start(2);
        assertNotEquals(first, stamps(streamed("gpt-3.5-turbo"), "due_ns"));
    }

    @Test
    void profilesAreLognormalAroundTheirMedians() {
        var random = new SplittableRandom(5);
        var latency = LatencyProfile.ofModel("gpt-4");
        var ttft = new double[20_001];
        for (int i = 0; i < ttft.length; i++) {
            ttft[i] = Math.log(latency.nextTtftNanos(random) / 1e6);
        }
        // the error of the median of 20,001 is about 1.25 * 0.25 / 141 = 0.0022; five of them
        assertEquals(Math.log(400), Metrics.quantile(ttft, 0.5), 0.011);
        var q84 = Metrics.quantile(ttft, 0.8413);
        assertEquals(0.25, q84 - Metrics.quantile(ttft, 0.5), 0.015);
        assertEquals(LatencyProfile.ofModel("whatever"), LatencyProfile.ofModel("any other"));
    }

    @Test
    void anAnswerHonoursMaxTokensAndSaysSo() throws Exception {
        var whole = chat("sim-ttft0-itl0-n9", "");
        assertEquals("stop", whole.at("/choices/0/finish_reason").stringValue());
        assertEquals(9, whole.at("/usage/completion_tokens").intValue());
        var cut = chat("sim-ttft0-itl0-n9", ",\"max_tokens\":4");
        assertEquals("length", cut.at("/choices/0/finish_reason").stringValue());
        assertEquals(4, cut.at("/usage/completion_tokens").intValue());
        assertTrue(whole.at("/choices/0/message/content").stringValue()
                .startsWith(cut.at("/choices/0/message/content").stringValue()));
    }

    @Test
    void theAnswerFitsTheQuestionAndAnyQuestionHasOne() throws Exception {
        for (var question : List.of("What is the capital of France?", "Tell me, tell me: what is the capital of France? Of France!",
                "capital", "The capital, please.")) {
            var answer = JsonMapper.shared()
                    .readTree(post("/completions", "{\"model\":\"gpt-4\",\"prompt\":\"" + question + "\"}").body());
            assertEquals("The capital of France is Paris. 🗼", answer.at("/choices/0/text").stringValue(), question);
        }
        for (var question : List.of("", "?", "a a a", "ünïcödé 日本")) {
            assertEquals(200, post("/completions", "{\"model\":\"sim-ttft1-itl0-n3\",\"prompt\":\"" + question + "\"}")
                    .statusCode(), question);
        }
    }

    @Test
    void usageComesOnlyWhenAskedFor() throws Exception {
        assertTrue(!streamed("sim-ttft0-itl0-n2").contains("usage"));
    }

    @Test
    void completionsAndResponsesAnswerWithoutStreaming() throws Exception {
        var completion = JsonMapper.shared().readTree(post("/completions", "{\"model\":\"m\",\"prompt\":\"Hi\"}").body());
        assertEquals("text_completion", completion.get("object").stringValue());
        var response = JsonMapper.shared().readTree(post("/responses", "{\"model\":\"m\",\"input\":\"Hi\"}").body());
        assertEquals(completion.at("/choices/0/text"), response.at("/output/0/content/0/text"));
    }

    @Test
    void theModelsAreListed() throws Exception {
        var list = client.send(HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/models")).build(),
                HttpResponse.BodyHandlers.ofString());
        assertEquals("gpt-3.5-turbo", JsonMapper.shared().readTree(list.body()).at("/data/0/id").stringValue());
    }

    @Test
    void badRequestsGetOpenAisErrorBody() throws Exception {
        var bad = post("/chat/completions", "{\"model\":");
        assertEquals(400, bad.statusCode());
        assertEquals("{\"error\":{\"message\":\"We could not parse the JSON body of your request.\",\"type\":"
                + "\"invalid_request_error\",\"param\":null,\"code\":null}}", bad.body());
        assertEquals(400, post("/chat/completions", "{}").statusCode());
        assertEquals(400, post("/chat/completions", "{\"model\":\"m\"}").statusCode());
        assertEquals(400, post("/completions", "{\"model\":\"m\",\"prompt\":\"x\",\"max_tokens\":0}").statusCode());
        assertEquals(400, post("/completions", "{\"model\":\"m+nofault\",\"prompt\":\"x\"}").statusCode());
        assertEquals(404, post("/nowhere", "{}").statusCode());
        var get = client.send(HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/completions")).build(),
                HttpResponse.BodyHandlers.ofString());
        assertEquals(405, get.statusCode());
    }

    /** Sends a request by a bare socket and returns all that comes, up to the end of the connection. */
    private String raw(String fault) throws Exception {
        return raw(fault, "");
    }

    private String raw(String fault, String header) throws Exception {
        var body = "{\"model\":\"sim-ttft0-itl0-n8+" + fault
                + "\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";
        var address = URI.create(simulator.baseUrl());
        try (var socket = new Socket(address.getHost(), address.getPort())) {
            socket.getOutputStream().write(("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + header + "Content-Length: "
                    + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aCutEndsTheConnectionInsideTheChunkedBody() throws Exception {
        assertTrue(raw("close-at-once").endsWith("data: [DONE]\n\n\r\n0\r\n\r\n"), "a whole answer ends with its last chunk");
        for (var fault : List.of("cut", "cut-line")) {
            var got = raw(fault);
            assertTrue(got.contains("\"content\":") && !got.contains("\r\n0\r\n"), got);
            assertTrue(got.endsWith(fault.equals("cut") ? "}\n\n\r\n" : "data: {\"choices\":[{\"delta\":{\"cont\r\n"), got);
        }
    }

    /** How many events each chunk has, which is one write. */
    private List<Long> eventsPerWrite(String fault) throws Exception {
        var body = raw(fault, "Connection: close\r\n").replaceFirst("(?s).*?\r\n\r\n", "");
        var events = new ArrayList<Long>();
        for (int at = 0; at < body.length(); ) {
            var end = body.indexOf("\r\n", at);
            var size = Integer.parseInt(body.substring(at, end), 16);
            if (size == 0) {
                break;
            }
            events.add(Pattern.compile("(?m)^data: ").matcher(body.substring(end + 2, end + 2 + size)).results().count());
            at = end + 2 + size + 2;
        }
        return events;
    }

    /** A role, eight tokens, the reason of the end, and the end, in ASCII alone. */
    @Test
    void eventsAreWrittenOneByOneOrTogether() throws Exception {
        assertEquals(List.of(1L), eventsPerWrite("no-done").stream().distinct().toList());
        assertEquals(List.of(4L, 4L, 3L), eventsPerWrite("merged"));
        assertEquals(List.of(11L), eventsPerWrite("burst"));
        assertTrue(raw("bytes", "Connection: close\r\n").replaceFirst("(?s).*?\r\n\r\n", "").matches("(?s)(1\r\n.\r\n)+0\r\n\r\n"),
                "each byte is a chunk");
    }

    /** The schedule says when a token is due, its text when it was sent. */
    @Test
    void aTokenOfAClockModelIsTheTimeWhenItWasSent() throws Exception {
        var texts = Pattern.compile("\"content\":\" (\\d+)\"").matcher(streamed("sim-ttft20-itl5-n10-clock")).results()
                .map(found -> Long.parseLong(found.group(1)))
                .toList();
        assertEquals(10, texts.size());
        for (int i = 0; i < 10; i++) {
            assertTrue(texts.get(i) > 20_000_000L + i * 5_000_000L, texts.toString());
        }
    }

    @Test
    void anAnswerThatIsNotStreamedTakesAsLong() throws Exception {
        chat("sim-ttft0-itl0-n2", ""); // the first request takes longer than any other
        var beginNanos = System.nanoTime();
        chat("sim-ttft200-itl100-n4", "");
        assertTrue(System.nanoTime() - beginNanos >= 500_000_000, "200 ms, and three times 100 ms");
    }

    @Test
    void severalChoicesAreAnsweredUnstreamedToo() throws Exception {
        assertEquals(2, chat("sim-ttft0-itl0-n2", ",\"n\":2").get("choices").size());
        assertEquals(3, JsonMapper.shared().readTree(post("/completions", "{\"model\":\"m\",\"prompt\":\"Hi\",\"n\":3}").body())
                .get("choices").size());
    }

    @Test
    void theHelpListsAllFaults() {
        var help = Printed.of("simulator", Simulator::run, Map.of(), InputStream.nullInputStream(), false,
                "--help").expect(0).out();
        for (var fault : List.of("role-null", "cut-line", "busy-date", "mixed")) {
            assertTrue(help.contains(fault), help);
        }
    }

    @Test
    void aResetIsATcpReset() {
        assertEquals("Connection reset", assertThrows(SocketException.class, () -> raw("reset")).getMessage());
    }

    @Test
    void aClientOfHttp10GetsTheStreamWithoutChunks() throws Exception {
        var address = URI.create(simulator.baseUrl());
        try (var socket = new Socket(address.getHost(), address.getPort())) {
            var body = "{\"model\":\"sim-ttft0-itl0-n2\",\"stream\":true,\"prompt\":\"Hi\"}";
            socket.getOutputStream().write(("POST /v1/completions?x=1 HTTP/1.0\r\nContent-Length: "
                    + body.length() + "\r\n\r\n" + body)
                    .getBytes(StandardCharsets.UTF_8));
            var got = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(got.contains("Connection: close\r\n") && !got.contains("chunked") && got.endsWith("data: [DONE]\n\n"), got);
        }
    }

    @Test
    void aChunkedRequestIsReadAndABrokenOneRefused() throws Exception {
        var streamed = client.send(HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/completions"))
                .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(
                        "{\"model\":\"m\",\"prompt\":\"x\"}".getBytes(StandardCharsets.UTF_8)))).build(),
                HttpResponse.BodyHandlers.ofString());
        assertEquals(200, streamed.statusCode());
        var address = URI.create(simulator.baseUrl());
        for (var broken : Map.of("nonsense\r\n\r\n", "400", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "400",
                "GET /" + "x".repeat(70_000) + " HTTP/1.1\r\n\r\n", "431",
                "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "413").entrySet()) {
            try (var socket = new Socket(address.getHost(), address.getPort())) {
                socket.getOutputStream().write(broken.getKey().getBytes(StandardCharsets.UTF_8));
                var got = new BufferedReader(new InputStreamReader(socket.getInputStream())).readLine();
                assertTrue(got.startsWith("HTTP/1.1 " + broken.getValue()), got);
            }
        }
    }

    @Test
    void aRequestThatTheClientCutsOffIsNotAnswered() throws Exception {
        var address = URI.create(simulator.baseUrl());
        try (var socket = new Socket(address.getHost(), address.getPort())) {
            socket.getOutputStream().write(
                    "POST /v1/completions HTTP/1.1\r\nContent-Length: 500\r\n\r\n{\"model\":\"m\",\"prompt\":\"x\"}"
                    .getBytes(StandardCharsets.UTF_8));
            socket.shutdownOutput();
            assertEquals(0, socket.getInputStream().readAllBytes().length);
        }
        assertEquals(0, simulator.answers());
    }

    @ParameterizedTest
    @ValueSource(strings = {"stall", "no-answer", "open"})
    void aConnectionThatTheClientLeavesIsClosed(String fault) throws Exception {
        var address = URI.create(simulator.baseUrl());
        try (var socket = new Socket(address.getHost(), address.getPort())) {
            var body = "{\"model\":\"sim-ttft0-itl0-n2+" + fault + "\",\"stream\":true,\"prompt\":\"Hi\"}";
            socket.getOutputStream().write(("POST /v1/completions HTTP/1.1\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                    .getBytes(StandardCharsets.UTF_8));
            Await.until("it is connected", () -> simulator.connections() > 0);
        }
        Await.until("the connection is closed", () -> simulator.connections() == 0);
    }

    /** Cold, the first answer is late by a tenth of a second and more; a noisy machine is late by a few milliseconds. */
    @Test
    void theCommandIsWarmWhenItSaysWhereItListensAndItsSeedGivesTheLatencies() throws Exception {
        var process = ToolProcess.of(List.of(), "stream.Simulator", "--port", "0", "--seed", "7").start();
        try (var out = process.inputReader()) {
            var url = out.readLine().replaceFirst(".*(http://\\S+).*", "$1");
            var answer = client.send(HttpRequest.newBuilder(URI.create(url + "/chat/completions"))
                    .POST(HttpRequest.BodyPublishers.ofString("{\"model\":\"sim-ttft100-itl5-n5\",\"stream\":true,\"messages\":"
                            + "[{\"role\":\"user\",\"content\":\"Hi\"}]}")).build(), HttpResponse.BodyHandlers.ofString()).body();
            var lateMillis = (stamps(answer, "sent_ns").getFirst() - stamps(answer, "due_ns").getFirst()) / 1e6;
            assertTrue(lateMillis < 50, "the first token was sent " + lateMillis + " ms late");
            var question = "{\"model\":\"gpt-3.5-turbo\",\"prompt\":\"Hi\",\"stream\":true}";
            var ofSeed = client.send(HttpRequest.newBuilder(URI.create(url + "/completions"))
                    .POST(HttpRequest.BodyPublishers.ofString(question)).build(),
                    HttpResponse.BodyHandlers.ofString()).body();
            simulator.close();
            simulator = SimulatedServer.start(7);
            assertEquals(due(post("/completions", question).body()), due(ofSeed));
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aHeaderSelectsAFaultToo() throws Exception {
        var answer = client.send(HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/completions"))
                .header("X-Sim-Fault", "status-503").POST(HttpRequest.BodyPublishers.ofString(
                        "{\"model\":\"m\",\"prompt\":\"x\"}")).build(), HttpResponse.BodyHandlers.ofString());
        assertEquals(503, answer.statusCode());
    }

    @ParameterizedTest
    @CsvSource({"busy, retry-after, 1", "busy-ms, retry-after-ms, 120", "busy-date, retry-after, '.* GMT'",
            "busy-silent, retry-after, "})
    void aBusyServerRefusesEachOtherRequestAndSaysWhenToComeAgain(String fault, String header, String wait) throws Exception {
        for (int nth = 1; nth <= 3; nth++) {
            var answer = post("/completions", "{\"model\":\"sim-ttft0-itl0-n2+" + fault + "\",\"prompt\":\"Hi\"}");
            assertEquals(nth == 2 ? 200 : 429, answer.statusCode());
            var told = answer.headers().firstValue(header);
            assertTrue(nth == 2 || wait == null ? told.isEmpty() : told.orElseThrow().matches(wait), told.toString());
        }
    }

    @Test
    void compressedAnswersAreThoseThatAreNot() throws Exception {
        var request = HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/completions"))
                .POST(HttpRequest.BodyPublishers.ofString(
                "{\"model\":\"sim-ttft0-itl0-n5+gzip\",\"stream\":true,\"prompt\":\"Hi\"}")).build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        assertEquals("gzip", answer.headers().firstValue("content-encoding").orElseThrow());
        var text = new String(new GZIPInputStream(answer.body()).readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(7, text.lines().filter(line -> line.startsWith("data: ")).count(),
                "five tokens, the reason of the end, the end: " + text);
    }

    @Test
    void severalChoicesCountTheirTokensTogether() throws Exception {
        var body = post("/completions", "{\"model\":\"sim-ttft0-itl0-n3\",\"stream\":true,\"prompt\":\"Hi\",\"n\":2,"
                + "\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}}").body();
        var counts = Pattern.compile("\"completion_tokens\":(\\d+)").matcher(body).results()
                .map(found -> found.group(1)).distinct().toList();
        assertEquals(List.of("2", "4", "6"), counts, body);
    }

    @Test
    void itListensOnThisMachineAlone() throws Exception {
        assertTrue(InetAddress.getByName(URI.create(simulator.baseUrl()).getHost()).isLoopbackAddress());
    }

    @Test
    void aPortInUseIsSaidInOneLine() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var port = String.valueOf(taken.getLocalPort());
            var printed = Printed.of("simulator", Simulator::run, Map.of(), InputStream.nullInputStream(), false, "--port", port);
            assertEquals("simulator: --port " + port + ": cannot listen on 127.0.0.1 (Address already in use); choose"
                    + " another\n", printed.expect(2).err());
        }
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.2"))) { // another address of the loopback network
            var port = String.valueOf(taken.getLocalPort());
            var printed = Printed.of("simulator", Simulator::run, Map.of(), InputStream.nullInputStream(), false, "--host",
                    "127.0.0.2", "--port", port);
            assertTrue(printed.expect(2).err().startsWith("simulator: --port " + port + ": cannot listen on 127.0.0.2 ("),
                    printed.err());
        }
    }
    /** In this order: path, body, what the original says. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "/chat/completions|{\"model\":\"gpt-4\",\"messages\":\"Hi\"}|Invalid type for 'messages': expected an array of objects, "
                + "but got a string instead.",
        "/chat/completions|{\"model\":\"gpt-4\",\"messages\":[\"Hi\"]}|Invalid type for 'messages': expected an array of "
        + "objects, but got an array instead.",
        "/chat/completions|{\"model\":\"gpt-4\",\"messages\":[]}|Invalid 'messages': empty array. Expected an array with minimum "
        + "length 1, but got an empty array instead.",
        "/chat/completions|{\"model\":\"gpt-4\",\"messages\":[{\"role\":\"user\",\"content\":7}]}|Invalid type for "
        + "'messages[].content': expected a string or an array, but got an integer instead.",
        "/chat/completions|{\"model\":\"gpt-4\",\"messages\":[{\"content\":\"Hi\"}]}|Invalid type for 'messages[].role': "
        + "expected a string, but got nothing instead.",
        "/chat/completions|{\"model\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}|Invalid type for 'model': "
        + "expected a string, but got an integer instead.",
        "/chat/completions|{\"model\":\"gpt-4\",\"stream\":\"yes\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}|"
        + "Invalid type for 'stream': expected a boolean, but got a string instead.",
        "/chat/completions|{\"model\":\"gpt-4\",\"max_tokens\":1.5,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}|"
        + "Invalid type for 'max_tokens': expected an integer, but got a decimal instead.",
        "/completions|{\"model\":\"gpt-4\",\"prompt\":{}}|Invalid type for 'prompt': expected a string or an array, but got an "
        + "object instead.",
        "/completions|{\"model\":\"gpt-4\",\"prompt\":\"Hi\",\"temperature\":\"0\"}|Invalid type for 'temperature': expected a "
        + "decimal, but got a string instead.",
        "/responses|{\"model\":\"gpt-4\",\"input\":true}|Invalid type for 'input': expected a string or an array, but got a "
        + "boolean instead.",
        "/responses|{\"model\":\"gpt-4\"}|Missing required parameter: 'input'.",
        "/messages|{\"model\":\"claude\",\"messages\":\"Hi\"}|messages: Input should be a valid list",
        "/messages|{\"model\":\"claude\"}|messages: Field required"})
    void aBodyOfWrongTypesIsRefusedAsTheOriginalDoes(String path, String body, String message) throws Exception {
        var response = post(path, body);
        assertEquals(400, response.statusCode());
        var error = JsonMapper.shared().readTree(response.body()).path("error");
        assertEquals("invalid_request_error " + message,
                error.path("type").asString("") + " " + error.path("message").asString(""));
    }
}
