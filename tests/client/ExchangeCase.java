package stream.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import stream.api.ConnectionSettings;
import stream.api.EventKind;
import stream.api.Model;
import stream.api.Sampling;
import stream.api.UsageRequest;
import stream.fixtures.TestModels;
import stream.prompt.Prompt;

/** Exchanges with a scripted server. */
abstract class ExchangeCase {

    static final String TOKEN = "data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n";

    static final String STOP = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

    static final String DONE = "data: [DONE]\n\n";

    final MockWebServer server = new MockWebServer();

    final StreamClient client = new StreamClient(1, List.of(secureModel()), Map.of(), Limits.DEFAULT, ConnectionSettings.DEFAULT);

    /** What an exchange came to: its events as {@code kind} or {@code kind:text}, and the reads that brought them. */
    record Got(ExchangeResult ending, List<String> events, List<Integer> reads, String text) {
        String status() {
            return ending.outcome().status().word();
        }

        String errorType() {
            return ((Outcome.Failed) ending.outcome()).type();
        }

        String error() {
            return ending.outcome().detail();
        }
    }

    @BeforeEach
    void start() throws Exception {
        server.start();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    static Model secureModel() {
        return model("m", "chat", "https://localhost/v1");
    }

    static Model model(String name, String api, String baseUrl) {
        return TestModels.of(name, api, baseUrl);
    }

    Got exchange(StreamClient client, Model model, boolean askUsage) throws Exception {
        var recording = new Recording();
        var body = model.body(Prompt.ofText("p", "Hi", "p"), new Sampling(200, 0, null),
                askUsage ? model.mostUsage() : UsageRequest.NONE);
        var ending = new Exchange(client, model, body, recording, () -> { }).run();
        var events = new ArrayList<String>();
        var reads = new ArrayList<Integer>();
        var text = new StringBuilder();
        recording.drain((micros, read, kind, said, tokens) -> {
            events.add(kind.word() + (said == null ? "" : ":" + said));
            reads.add(read);
            text.append(kind == EventKind.CONTENT ? said : "");
        });
        return new Got(ending, events, reads, text.toString());
    }

    Got answer(MockResponse.Builder response) throws Exception {
        server.enqueue(response.build());
        return exchange(client, model("gpt-4", "auto", server.url("/v1").toString()), true);
    }

    Got stream(String body) throws Exception {
        return answer(eventStream().chunkedBody(body, 1 << 20));
    }

    Got streamOfResponses(String body) throws Exception {
        server.enqueue(eventStream().chunkedBody(body, 1 << 20).build());
        return exchange(client, model("gpt-4", "responses", server.url("/v1").toString()), true);
    }

    static MockResponse.Builder eventStream() {
        return new MockResponse.Builder().addHeader("Content-Type", "text/event-stream");
    }

    static String tokens(String... tokens) {
        var body = new StringBuilder();
        for (var token : tokens) {
            body.append(TOKEN.formatted(token));
        }
        return body.toString();
    }
}
