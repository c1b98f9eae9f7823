package stream.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;

import mockwebserver3.MockWebServer;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.api.ConnectionSettings;
import stream.api.Dialect;
import stream.api.EventKind;
import stream.api.Sampling;
import stream.api.StreamEvent;
import stream.api.Usage;
import stream.api.UsageRequest;
import stream.fixtures.TestOrder;
import stream.fixtures.TrustedCertificate;
import stream.metric.Metrics;
import stream.prompt.Prompt;
import stream.simulator.Fault;
import stream.simulator.SimulatedServer;

/** What servers really send, over real sockets: the rows of the table of dialects, and what each must come to. */
@Order(TestOrder.LAST)
class DialectsTest extends ExchangeCase {

    // Right answers in odd clothes

    @ParameterizedTest
    @ValueSource(strings = {"\"role\":\"assistant\",\"content\":\"\"", "\"role\":\"assistant\",\"content\":null",
        "\"role\":\"assistant\""})
    void row1aRoleIsNoToken(String delta) throws Exception {
        var got = stream("data: {\"choices\":[{\"delta\":{" + delta + "}}]}\n\n" + tokens("Hi") + STOP + DONE);
        assertEquals(List.of("role", "content:Hi", "finish:stop", "done"), got.events());
        assertEquals("completed", got.status());
    }

    @Test
    void row2usageComesInAChunkOfItsOwn() throws Exception {
        var got = stream("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\n" + STOP
                + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n" + DONE);
        assertEquals(List.of("content:Hi", "finish:stop", "usage", "done"), got.events());
        assertEquals(new Usage(5, 4, 2, null), got.ending().answer().usage());
    }

    @Test
    void row3usageIsTakenFromWhereverItStands() throws Exception {
        var groq = stream(tokens("Hi") + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
                + "\"x_groq\":{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":9}}}\n\n" + DONE);
        assertEquals(new Usage(1, null, 9, null), groq.ending().answer().usage());
        var early = stream("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":{\"completion_tokens\":1}}\n\n"
                + "data: {\"choices\":[{\"delta\":{\"content\":\"!\"}}],\"usage\":{\"completion_tokens\":2}}\n\n" + STOP);
        assertEquals(2, early.ending().answer().usage().outputTokens());
        assertEquals("Hi!", early.text());
    }

    @Test
    void row5paddingIsIgnored() throws Exception {
        var got = stream("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"obfuscation\":\"aaaaaaa\"}\n\n" + STOP + DONE);
        assertEquals(List.of("content:Hi", "finish:stop", "done"), got.events());
    }

    @Test
    void row6promptFiltersAndChoicesWithoutDeltaAreOther() throws Exception {
        var got = stream("data: {\"choices\":[],\"prompt_filter_results\":[{}]}\n\n" + tokens("Hi")
                + "data: {\"choices\":[{\"index\":0,\"content_filter_offsets\":{\"a\":[1]}}]}\n\n" + STOP + DONE);
        assertEquals(List.of("other", "content:Hi", "other", "finish:stop", "done"), got.events());
    }

    @Test
    void row7commentsAreNoEvents() throws Exception {
        var got = stream(": OPENROUTER PROCESSING\n\n" + tokens("a") + ": keep-alive\n\n: ping\n" + tokens("b") + STOP + DONE);
        assertEquals(List.of("content:a", "content:b", "finish:stop", "done"), got.events());
    }

    @Test
    void row11aFinishReasonIsAnEnd() throws Exception {
        assertEquals("completed", stream(tokens("Hi") + STOP).status());
    }

    @Test
    void row13reasoningHasItsOwnKind() throws Exception {
        for (var key : List.of("reasoning_content", "reasoning")) {
            var got = stream("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null,\"" + key
                    + "\":\"hm\"}}]}\n\n" + tokens("Hi") + STOP + DONE);
            assertEquals(List.of("reasoning:hm", "content:Hi", "finish:stop", "done"), got.events());
        }
        var alone = stream("data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n" + STOP + DONE);
        assertEquals("completed", alone.status());
        assertEquals("", alone.text());
    }

    @Test
    void row14linesAreReadAsTheStandardSays() throws Exception {
        var got = stream("\uFEFFdata:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n"
                + "id: 1\nretry: 5\nevent: message\ndata: {\"choices\":\ndata: [{\"delta\":{\"content\":\"b\"}}]}\r\n\n"
                + "data\n\nunknown: x\n" + tokens("c") + STOP.replace("\n", "\r\n") + DONE);
        assertEquals("abc", got.text());
        assertEquals("completed", got.status());
    }

    @Test
    void row14aStreamThatEndsWithACarriageReturnEnds() throws Exception {
        var got = stream(tokens("a", "b").replace("\n", "\r"));
        assertEquals("ab", got.text());
        assertEquals("truncated", got.status());
    }

    @Test
    void row15oneLineOfMegabytesIsOneEvent() throws Exception {
        var text = "ab€".repeat(700_000);
        var got = stream(tokens(text) + STOP + DONE);
        assertEquals(text, got.text());
        assertEquals(3, got.events().size());
    }

    @Test
    void row16toolCallsHaveTheirOwnKind() throws Exception {
        var got = stream("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,"
                + "\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n"
                + "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n"
                + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n" + DONE);
        assertEquals(List.of("tool:", "tool:{}", "finish:tool_calls", "done"), got.events());
    }

    @Test
    @Timeout(10)
    void row22theRequestEndsAtDone() throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            var got = exchange(client, model("sim-ttft1-itl1-n3+open", "chat", simulator.baseUrl()), true);
            assertEquals("completed", got.status());
            assertTrue(got.ending().endMicros() < 20_000_000, "the simulator keeps the connection open for good");
        }
    }

    @Test
    void row23anEmptyTextIsNoTokenAndOneWithAFinishReasonIs() throws Exception {
        var got = stream("data: {\"choices\":[{\"text\":\"\"}]}\n\ndata: {\"choices\":[{\"text\":\"Hi\",\"finish_reason\":"
                + "\"stop\"}]}\n\n" + DONE);
        assertEquals(List.of("other", "content:Hi", "done"), got.events());
        assertEquals("stop", got.ending().answer().finishReason());
    }

    @Test
    void row24theResponsesApiIsDecodedByType() throws Exception {
        var got = streamOfResponses("event: response.created\ndata: "
                + "{\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\",\"error\":null}}\n\n"
                + "data: {\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"hm\"}\n\n"
                + "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n"
                + "data: {\"type\":\"response.output_text.done\",\"text\":\"Hi\"}\n\n"
                + "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"model\":\"m-1\",\"error\":null,"
                + "\"incomplete_details\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1,"
                + "\"input_tokens_details\":{\"cached_tokens\":0}}}}\n\n");
        assertEquals(List.of("role", "reasoning:hm", "content:Hi", "other", "finish:completed"), got.events());
        assertEquals(new Usage(3, 0, 1, null), got.ending().answer().usage());
        assertEquals("m-1", got.ending().answer().reportedModel());
        var cut = streamOfResponses("data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n");
        assertEquals("truncated", cut.status());
        var incomplete = streamOfResponses("data: {\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\","
                + "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}}}\n\n");
        assertEquals("max_output_tokens", incomplete.ending().answer().finishReason());
        var failed = streamOfResponses(
                "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
                + "\"server_error\",\"message\":\"oh\"}}}\n\n");
        assertEquals("failed server_error oh", failed.status() + " " + failed.errorType() + " " + failed.error());
        var error = streamOfResponses("event: error\ndata: {\"type\":\"error\",\"code\":\"rate\",\"message\":\"slow\"}\n\n");
        assertEquals("failed slow", error.status() + " " + error.error());
    }

    @Test
    void row25compressionIsNotAskedForButDecoded() throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            var plain = exchange(client, model("sim-ttft1-itl1-n8", "chat", simulator.baseUrl()), true);
            var zipped = exchange(client, model("sim-ttft1-itl1-n8+gzip", "chat", simulator.baseUrl()), true);
            assertEquals(plain.text(), zipped.text());
            assertEquals("gzip", zipped.ending().form().encodedAs());
            assertNull(plain.ending().form().encodedAs());
        }
        stream(STOP);
        assertEquals("identity", server.takeRequest().getHeaders().get("Accept-Encoding"));
    }

    @Test
    void row26aMessageThatGrowsBesideTheDeltaIsNotCounted() throws Exception {
        var got = stream("data: {\"choices\":[{\"delta\":{\"content\":\"one two\"},\"message\":{\"content\":\"one two\"}}]}\n\n"
                + "data: {\"choices\":[{\"delta\":{\"content\":\" three\"},\"message\":{\"content\":\"one two three\"}}]}\n\n"
                + STOP);
        assertEquals("one two three", got.text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"length", "content_filter"})
    void row27anyFinishReasonCompletes(String reason) throws Exception {
        var got = stream(tokens("Hi") + STOP.replace("stop", reason) + DONE);
        assertEquals("completed", got.status());
        assertEquals(reason, got.ending().answer().finishReason());
    }

    @Test
    void row28eventsOfOneReadShareIt() throws Exception {
        var got = stream(tokens("a", "b", "c") + STOP + DONE);
        assertEquals(1, got.reads().stream().distinct().count(), got.reads().toString());
    }

    @Test
    void eventsInChunksOfTheirOwnStillShareARead() throws Exception {
        var body = tokens("a", "b", "c") + STOP + DONE;
        var got = answer(eventStream().chunkedBody(body, TOKEN.length() - 1));
        assertEquals("abc", got.text());
        assertEquals(1, got.reads().stream().distinct().count(), got.reads().toString());
    }

    // Broken streams

    @ParameterizedTest
    @ValueSource(strings = {"data: {\"error\":{\"message\":\"oh\",\"type\":\"x\",\"code\":503}}\n\ndata: [DONE]\n\n",
        "data: {\"error\":\"oh\"}\n\n", "data: {\"object\":\"error\",\"message\":\"oh\",\"code\":500}\n\ndata: [DONE]\n\n",
        "error: {\"code\":500,\"message\":\"oh\",\"type\":\"x\"}\n\n", "error: {\"message\":\"oh\"}",
        "event: error\ndata: {\"message\":\"oh\"}\n\n", "event: error\ndata: oh\n\n"})
    void rows8to10anErrorInTheStreamIsAFailure(String error) throws Exception {
        var got = stream(tokens("a", "b") + error);
        assertEquals("failed", got.status());
        assertEquals("oh", got.error());
        assertEquals("ab", got.text());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7, 64})
    void row9theErrorLineIsSeenHoweverItIsSplit(int chunk) throws Exception {
        var got = answer(eventStream().chunkedBody(tokens("error: x\\nerror: y") + "error: {\"message\":\"oh\"}\n\n", chunk));
        assertEquals("failed oh error: x\nerror: y", got.status() + " " + got.error() + " " + got.text());
    }

    @Test
    void row12aStreamWithoutAnEndIsTruncated() throws Exception {
        for (var body : List.of(tokens("a", "b"), tokens("a", "b") + "data: {\"choices\":[{\"del",
                tokens("a", "b") + "data: [DO", tokens("a", "b") + "\n", tokens("a", "b") + "data: x")) {
            var got = stream(body);
            assertEquals("truncated", got.status(), body);
            assertEquals("ab", got.text());
        }
    }

    @Test
    void row12aConnectionThatBreaksIsSaidInPlainWords() throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            for (var fault : Map.of("cut", "closed", "cut-line", "closed", "reset", "reset").entrySet()) {
                var got = exchange(client, model("sim-ttft1-itl1-n8+" + fault.getKey(), "chat", simulator.baseUrl()), true);
                assertEquals("truncated the server " + fault.getValue() + " the connection inside the answer",
                        got.status() + " " + got.error(), fault.getKey());
            }
        }
        assertEquals("the stream ended without a finish reason or [DONE]", stream(tokens("a")).error());
    }

    @Test
    void anEventThatIsNotJsonIsAFailure() throws Exception {
        var got = stream(tokens("a") + "data: {\"choices\":[{]}\n\n" + STOP);
        assertEquals("failed bad_event", got.status() + " " + got.errorType());
    }

    @Test
    void aLineThatNeverEndsIsAFailureBeforeItFillsTheMemory() throws Exception {
        var got = stream(tokens("a") + "data: " + "x".repeat((int) Limits.DEFAULT.eventBytes() + 100_000));
        assertEquals("failed endless_event a", got.status() + " " + got.errorType() + " " + got.text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-5", "99999999999", "1e99", "\"7\"", "1.5", "null"})
    void aCountThatIsNoneIsNotKnown(String count) throws Exception {
        var got = stream(tokens("a") + STOP + "data: {\"choices\":[],\"usage\":{\"completion_tokens\":" + count + "}}\n\n" + DONE);
        assertEquals("completed", got.status());
        assertNull(got.ending().answer().usage().outputTokens());
    }

    @Test
    void whatIsNotOfTheFormIsPassedOverNotTheRestOfTheEvent() throws Exception {
        var got = stream("data: {\"choices\":[null,{\"delta\":{\"tool_calls\":\"\",\"content\":\"a\"}}],\"model\":\"m\"}\n\n"
                + "data: {\"choices\":{\"delta\":{}},\"model\":7}\n\n" + STOP + DONE);
        assertEquals(List.of("content:a", "other", "finish:stop", "done"), got.events());
        assertEquals("m", got.ending().answer().reportedModel());
    }

    // All of the simulator's faults, at all three endpoints

    private static final EnumSet<Fault> COMPLETE = completeFaults();

    private static EnumSet<Fault> completeFaults() {
        var faults = EnumSet.range(Fault.NONE, Fault.FIREHOSE);
        faults.addAll(EnumSet.range(Fault.CLOSE_AT_ONCE, Fault.CLOSE_UNANSWERED));
        return faults;
    }

    private static final EnumSet<Fault> WITHOUT_TEXT = EnumSet.of(Fault.REASONING_ONLY, Fault.TOOLS);

    private static final EnumSet<Fault> CUT_OFF = EnumSet.of(Fault.CUT, Fault.CUT_LINE, Fault.RESET);

    /**
     * The silent ones are in StreamTest, where somebody watches the clock; the mixed ones in FaultTest, where the requests are
     * many.
     */
    @ParameterizedTest
    @EnumSource(value = Fault.class, mode = EnumSource.Mode.EXCLUDE, names = {"STALL", "NO_ANSWER", "MIXED"})
    void everySimulatedFaultHasTheRightStatus(Fault fault) throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            for (var api : Dialect.ALL.stream().map(Dialect::word).toList()) {
                var hasChoices = List.of("chat", "completions").contains(api);
                var whole = exchange(client, model("sim-ttft1-itl1-n8", api, simulator.baseUrl()), true).text();
                var got = exchange(client, model("sim-ttft1-itl1-n8+" + fault.word(), api, simulator.baseUrl()), true);
                var untouched = !hasChoices && EnumSet.of(Fault.NO_STREAM_OPTIONS, Fault.NO_USAGE_STATS).contains(fault);
                var endless = !hasChoices && fault == Fault.NO_DONE;
                var expected = CUT_OFF.contains(fault) || endless ? "truncated"
                        : COMPLETE.contains(fault) || untouched ? "completed" : "failed";
                assertEquals(expected, got.status(), api);
                if (expected.equals("completed")) {
                    assertEquals(WITHOUT_TEXT.contains(fault) ? "" : whole, got.text(), api);
                } else if (!got.text().isEmpty() && !endless) {
                    assertTrue(whole.startsWith(got.text()) && got.text().length() < whole.length(), got.text());
                }
            }
        }
    }

    @Test
    void splitAtEveryByteTheEventsAreTheSame() throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            for (var api : List.of("chat", "completions", "responses")) {
                // the whole text, so that characters of two to four bytes are among them
                var whole = exchange(client, model("sim-ttft0-itl0-n70", api, simulator.baseUrl()), true);
                for (var fault : List.of("bytes", "merged", "burst", "odd-lines")) {
                    var split = exchange(client, model("sim-ttft0-itl0-n70+" + fault, api, simulator.baseUrl()), true);
                    assertEquals(whole.events(), split.events(), api + " " + fault);
                }
            }
        }
    }

    // The clock

    @Test
    void aReusedConnectionHasNoConnectTime() throws Exception {
        var first = stream(STOP + DONE).ending().network();
        var second = stream(STOP + DONE).ending().network();
        assertFalse(first.connectionReused());
        assertTrue(first.connectMicros() > 0);
        assertTrue(second.connectionReused());
        assertNull(second.connectMicros());
        assertNull(first.tlsMicros());
        assertEquals("http/1.1", first.httpVersion());
    }

    @ParameterizedTest
    @ValueSource(strings = {"h2", "http/1.1"})
    void theSocketsOfTlsConnectionsAreTimedToo(String protocol, @TempDir Path folder) throws Exception {
        try (var trust = TrustedCertificate.forLocalhost(folder); var secure = new MockWebServer();
             var tlsClient = new StreamClient(1, List.of(secureModel()), Map.of(), Limits.DEFAULT, ConnectionSettings.DEFAULT)) {
            secure.useHttps(trust.certificates().sslSocketFactory());
            if (protocol.equals("http/1.1")) {
                secure.setProtocols(List.of(okhttp3.Protocol.HTTP_1_1));
            }
            secure.start();
            for (int i = 0; i < 2; i++) {
                secure.enqueue(eventStream().chunkedBody(tokens("a", "b") + STOP + DONE, 1 << 20).build());
                var got = exchange(tlsClient, model("m", "chat", "https://localhost:" + secure.getPort() + "/v1"), true);
                assertEquals("completed", got.status(), String.valueOf(got.error()));
                assertEquals("ab", got.text());
                assertEquals(protocol, got.ending().network().httpVersion());
                assertEquals(i == 1, got.ending().network().connectionReused());
                assertEquals(i == 1, got.ending().network().tlsMicros() == null);
                assertTrue(i == 1 || got.ending().network().connectMicros() + got.ending().network().tlsMicros()
                        <= got.ending().network().sentMicros(), "one after the other: " + got.ending().network());
                assertEquals(1, got.reads().stream().distinct().count(), got.reads().toString());
            }
        }
    }

    @Test
    void anUntrustedCertificateIsAFailureThatIsNotTriedAgain() throws Exception {
        var certificate = new HeldCertificate.Builder().addSubjectAlternativeName("localhost").build();
        try (var secure = new MockWebServer()) {
            secure.useHttps(new HandshakeCertificates.Builder().heldCertificate(certificate).build().sslSocketFactory());
            secure.start();
            var got = exchange(client, model("m", "chat", "https://localhost:" + secure.getPort() + "/v1"), true);
            assertEquals("failed tls", got.status() + " " + got.errorType());
            assertFalse(((Outcome.Failed) got.ending().outcome()).isRetryable());
        }
    }

    /**
     * The client's times against the server's own stamps. An event can't arrive before it was sent, so the lower bound
     * is exact: the client's clock starts before the request is received. For the upper bound this machine is noisy and
     * the JVM cold, so the middle one of many must be close, not each.
     */
    @Test
    void timesAgreeWithTheStampsOfTheServer() throws Exception {
        try (var simulator = SimulatedServer.start(1)) {
            var ttftErrors = new ArrayList<Double>();
            var itlErrors = new ArrayList<Double>();
            for (int i = 0; i < 9; i++) {
                var sent = new ArrayList<Double>();
                var model = model("sim-ttft30-itl10-n20", "chat", simulator.baseUrl());
                var recording = new Recording();
                new Exchange(client, model, model.body(Prompt.ofText("p", "Hi", "p"), new Sampling(200, 0, null),
                        UsageRequest.AT_THE_END), recording, () -> { }) {
                    @Override
                    public StreamEvent decode(String type, String data) {
                        var event = super.decode(type, data);
                        if (event.kind() == EventKind.CONTENT) {
                            sent.add(Double.parseDouble(data.replaceFirst(".*\"sent_ns\":(\\d+).*", "$1")) / 1000);
                        }
                        return event;
                    }
                }.run();
                var got = new ArrayList<Double>();
                recording.drain((micros, read, kind, text, tokens) -> {
                    if (kind == EventKind.CONTENT) {
                        got.add((double) micros);
                    }
                });
                assertEquals(20, got.size());
                for (int token = 0; token < 20; token++) {
                    assertTrue(got.get(token) + 1 >= sent.get(token), got + " came before it was sent: " + sent);
                    if (token > 0) {
                        itlErrors.add(Math.abs(got.get(token) - got.get(token - 1) - (sent.get(token) - sent.get(token - 1))));
                    }
                }
                ttftErrors.add(got.getFirst() - sent.getFirst());
            }
            var ttftError = Metrics.quantile(ttftErrors.stream().mapToDouble(Double::doubleValue).toArray(), 0.5);
            var itlError = Metrics.quantile(itlErrors.stream().mapToDouble(Double::doubleValue).toArray(), 0.5);
            assertTrue(ttftError < 5_000, "half of the TTFTs are off by more than " + ttftError + " µs");
            assertTrue(itlError < 1_000, "half of the ITLs are off by more than " + itlError + " µs");
        }
    }
}
