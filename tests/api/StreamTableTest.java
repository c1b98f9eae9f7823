package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okio.Buffer;
import okio.ForwardingSource;
import okio.Source;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import stream.client.Exchange;
import stream.client.Limits;
import stream.client.Outcome;
import stream.client.Recording;
import stream.client.StreamClient;
import stream.fixtures.DecodedStream;
import stream.fixtures.StreamCase;
import stream.fixtures.TestModels;

/** The streams in tests/fixtures/streams mean what is written there, over a real socket, with any line end, and split anywhere. */
@Execution(ExecutionMode.CONCURRENT)
class StreamTableTest {

    private static final int SPLITS = 30;
    private static final List<String> LINE_ENDS = List.of("\n", "\r\n", "\r");
    static final List<StreamCase> CASES = StreamCase.all();

    @ParameterizedTest
    @FieldSource("CASES")
    void overASocketItMeansWhatIsWritten(StreamCase stream) throws Exception {
        try (var server = new MockWebServer(); var client = new StreamClient(1, List.of(), Map.of(), Limits.DEFAULT,
                ConnectionSettings.DEFAULT)) {
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .chunkedBody(stream.body(), 7).build());
            server.start();
            var model = TestModels.of("m", stream.api(), server.url("/v1").toString());
            var recording = new Recording();
            var result = new Exchange(client, model, "{}", recording, () -> { }).run();
            var meaning = new StringBuilder();
            recording.drain((micros, read, kind, text, tokens) -> meaning.append(kind.word()).append(text == null ? "" : ":" + text)
                    .append('\n'));
            meaning.append(result.outcome().status().word());
            if (result.outcome() instanceof Outcome.Failed failed) {
                meaning.append(' ').append(failed.type()).append(": ").append(failed.message());
            }
            var usage = result.answer().usage();
            if (!usage.equals(Usage.UNKNOWN)) {
                meaning.append("\ntokens ").append(usage.promptTokens()).append(' ').append(usage.cachedPromptTokens()).append(' ')
                        .append(usage.outputTokens()).append(' ').append(usage.reasoningTokens());
            }
            assertEquals(stream.meaning(), meaning.toString());
        }
    }

    @ParameterizedTest
    @FieldSource("CASES")
    void withAnyLineEndAndSplitAnywhereItMeansTheSame(StreamCase stream) {
        var expected = decoded(stream.api(), stream.body(), new Random(0), Integer.MAX_VALUE);
        assertFalse(expected.isEmpty());
        for (var lineEnd : LINE_ENDS) {
            var body = stream.body().replace("\n", lineEnd);
            assertEquals(expected, decoded(stream.api(), body, new Random(0), 1), "byte by byte");
            for (int seed = 1; seed <= SPLITS; seed++) {
                assertEquals(expected, decoded(stream.api(), body, new Random(seed), 1 + seed * seed), "seed " + seed);
            }
        }
        for (int seed = 1; seed <= SPLITS; seed++) {
            assertEquals(expected, decoded(stream.api(), mixed(stream.body(), new Random(seed)), new Random(seed), 9),
                    "seed " + seed);
        }
    }

    /** A CR and an LF that follow each other are one line end, so no LF is put after a CR. */
    private static String mixed(String body, Random random) {
        var text = new StringBuilder();
        for (var letter : body.toCharArray()) {
            var afterReturn = !text.isEmpty() && text.charAt(text.length() - 1) == '\r';
            text.append(letter != '\n' ? String.valueOf(letter)
                    : LINE_ENDS.get(afterReturn ? 1 + random.nextInt(2) : random.nextInt(3)));
        }
        return text.toString();
    }

    /** Returns the events and the way in which the stream ends, if each read brings a random number of bytes. */
    private static List<String> decoded(String api, String body, Random random, int mostPerRead) {
        var source = new ForwardingSource((Source) new Buffer().write(body.getBytes(StandardCharsets.UTF_8))) {
            @Override
            public long read(Buffer sink, long byteCount) throws IOException {
                return super.read(sink, Math.min(byteCount, mostPerRead == Integer.MAX_VALUE ? byteCount
                        : 1 + random.nextInt(mostPerRead)));
            }
        };
        return DecodedStream.of(source, Dialect.of(api)).stream().map(Object::toString).toList();
    }
}
