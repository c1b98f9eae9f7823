package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A decoder that passes over what it has just seen must say what one says that parses each event. */
@Execution(ExecutionMode.CONCURRENT)
class StreamDecoderTest {

    private static final String CHAT = "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
            + "\"finish_reason\":%s}],\"usage\":null}";

    private static final Dialect DIALECT = Dialect.of("chat");

    private final StreamDecoder decoder = new StreamDecoder(DIALECT);

    private void assertMeansTheSame(String type, String data) {
        assertEquals(new StreamDecoder(DIALECT).decode(type, data), decoder.decode(type, data), data);
    }

    @ParameterizedTest
    @ValueSource(strings = {" token", "", "a", "\\n", "\\\"", "\\\\", "\\u0041", "\\ud83c\\udf0a", "🌊", "ünï", "\",\"x\":\"y",
        "\"},\"finish_reason\":\"stop\"}],\"choices\":[{\"delta\":{\"content\":\"x", "a\tb", "m"})
    void anEventLikeTheOneBeforeMeansWhatItMeansAlone(String text) {
        for (var before : List.of(" first", text, "🌊", "\\n")) {
            assertMeansTheSame(null, CHAT.formatted(before, "null"));
            assertMeansTheSame(null, CHAT.formatted(text, "null"));
            assertMeansTheSame(null, CHAT.formatted(text, "\"stop\""));
            assertMeansTheSame("error", CHAT.formatted(text, "null"));
        }
    }

    @Test
    void textsOfAllShapesDecodeAsIfEachStoodAlone() {
        var random = new Random(7);
        var pieces = List.of("a", " ", "\\n", "\\\"", "\\\\", "ü", "日", "🌊", "\\u00e9", "{", "}", ",", ":", "[DONE]", "\\/");
        var templates = List.of(CHAT, "{\"choices\":[{\"text\":\"%s\",\"finish_reason\":%s}]}",
                "{\"type\":\"response.output_text.delta\",\"delta\":\"%s\",\"n\":%s}",
                "{\"choices\":[{\"delta\":{\"reasoning_content\":\"%s\",\"content\":%s}}]}",
                "{\"choices\":[{\"delta\":{\"content\":\"\",\"refusal\":\"%s\",\"x\":%s}}]}",
                "{\"choices\":[{\"delta\":{\"content\":\"%1$s\"}}],\"whole\":\"%1$s\",\"x\":%2$s}",
                "{\"choices\":[{\"delta\":{\"content\":\"%s\"}}],\"x\":%s,\"usage\":{\"completion_tokens\":%s,"
                + "\"total_tokens\":%3$s,"
                        + "\"completion_tokens_details\":{\"reasoning_tokens\":%4$s}}}",
                "{\"usage\":{\"completion_tokens\":%3$s,\"completion_tokens\":%4$s},\"choices\":[{\"text\":\"%1$s\"}],\"x\":%2$s}",
                "{\"usage\":{\"completion_tokens\":%3$s},\"choices\":[{\"text\":\"%1$s\"}],\"usage\":{\"completion_tokens\":%4$s}"
                + ",\"x\":%2$s}");
        var counts = List.of("1", "2", "37", "007", "-1", "1.5", "1e3", "null", "\"5\"", "999999999", "9999999999", "0");
        for (int i = 0; i < 20_000; i++) {
            var text = new StringBuilder();
            for (int j = random.nextInt(4); j >= 0; j--) {
                text.append(pieces.get(random.nextInt(pieces.size())));
            }
            var template = templates.get(i / 20 % templates.size());
            assertMeansTheSame(null, template.formatted(text, random.nextInt(10) == 0 ? "\"stop\"" : "null",
                    counts.get(random.nextInt(counts.size())), counts.get(random.nextInt(i % 40 < 30 ? 3 : counts.size()))));
        }
    }

    @Test
    void anEventThatIsCutIsAnErrorAlsoBehindOneThatIsNot() {
        var data = CHAT.formatted("a", "null");
        for (int length = 1; length < data.length(); length++) {
            assertMeansTheSame(null, data);
            assertMeansTheSame(null, data.substring(0, length));
        }
    }

    /** In this order: API, data, the kind and the text of the event. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "chat|{\"choices\":[{\"delta\":{}}]}|EMPTY_CHOICE null",
        "chat|{\"choices\":[{\"delta\":{}}],\"usage\":{\"completion_tokens\":1}}|EMPTY_CHOICE_WITH_USAGE null",
        "chat|{\"choices\":[]}|OTHER null",
        "chat|{\"choices\":[],\"usage\":{\"completion_tokens\":1}}|USAGE null",
        "chat|{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"c\",\"reasoning\":\"r\"}}]}|OTHER c",
        "chat|{\"choices\":[{\"index\":1,\"delta\":{\"reasoning\":\"r\"}}]}|OTHER r",
        "chat|{\"choices\":[{\"delta\":{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"r\"}]}}]}|REASONING r",
        "chat|{\"choices\":[{\"delta\":{\"reasoning_details\":\"r\"}}]}|REASONING r",
        "chat|{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm\"}]}}]}|REASONING Hm",
        "chat|{\"choices\":[{\"delta\":{\"content\":null,\"reasoning_content\":\"r\"}}]}|REASONING r",
        "chat|{\"choices\":[{\"delta\":{},\"error\":{\"message\":\"no\"}}]}|ERROR no",
        "chat|{\"choices\":[{\"delta\":{\"content\":\"x\"},\"error\":null}]}|CONTENT x",
        "anthropic|{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"Hi\"}}|CONTENT Hi",
        "anthropic|{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"thinking\",\"thinking\":\"Hm\"}}|REASONING Hm",
        "anthropic|{\"type\":\"ping\"}|OTHER null",
        "responses|{\"type\":\"response.in_progress\",\"usage\":{\"output_tokens\":1}}|USAGE null",
        "responses|{\"type\":\"response.incomplete\",\"response\":{\"error\":{\"message\":\"no\"}}}|ERROR no",
        "responses|{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"c\",\"message\":\"no\"}}}|ERROR no"})
    void anEventMeans(String api, String data, String meaning) {
        var event = new StreamDecoder(Dialect.of(api)).decode(null, data);
        assertEquals(meaning, event.kind().name() + " " + event.text());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}|About[finishReason=stop, usage=null, errorType=null, "
                + "model=null, fingerprint=null, choices=FIRST]",
        "{\"model\":\"m\"}|About[finishReason=null, usage=null, errorType=null, model=m, fingerprint=null, choices=NONE]",
        "{\"system_fingerprint\":\"f\"}|About[finishReason=null, usage=null, errorType=null, model=null, fingerprint=f, "
        + "choices=NONE]", "{}|null"})
    void whatAnEventTellsAloneIsKept(String data, String about) {
        assertEquals(about, String.valueOf(new StreamDecoder(DIALECT).decode(null, data).about()));
    }

    /** A server may put its failure, and the JSON of the server before it, at any of these places. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', nullValues = "null", value = {
        "{\"error\":{\"message\":\"m\",\"code\":\"c\",\"type\":\"t\"}}|c|m",
        "{\"error\":{\"message\":\"m\",\"code\":null,\"type\":\"t\"}}|t|m",
        "{\"error\":{\"message\":\"m\",\"code\":7}}|7|m",
        "{\"error\":{\"error\":{\"message\":\"m\",\"type\":\"t\"}}}|t|m",
        "{\"error\":\"m\",\"type\":\"t\"}|null|m",
        "{\"error\":false,\"message\":\"m\"}|null|m",
        "{\"detail\":[{\"loc\":[\"body\",\"n\"],\"msg\":\"too large\"}]}|null|body.n: too large",
        "{\"error\":{\"message\":\"{\\\"error\\\":{\\\"message\\\":\\\"inner\\\"}}\"}}|null|inner",
        "{\"error\":{\"message\":\"{not JSON\"}}|null|{not JSON",
        "{\"error\":{\"message\":\"[]\"}}|null|[]",
        "[{\"error\":{\"message\":\"m\"}}]|null|m",
        "\"m\"|null|m", "plain|null|plain", "null|null|null", "17|null|17", "{\"x\":1}|null|null",
        "{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":\"m\"}}}}}}}}|null|m",
        "{\"message\":{\"message\":{\"message\":{\"message\":{\"message\":{\"message\":{\"message\":{\"message\":{\"message\":"
            + "{\"message\":\"too deep\"}}}}}}}}}}|null|null"})
    void aFailureIsReportedAs(String text, String type, String message) {
        assertEquals(new ErrorReport(type, message), ErrorReport.of(text == null ? "null" : text));
    }

    /** What matches is not parsed; what does not match is. */
    @Test
    void aPatternMatchesWhatDiffersInItsTextAndCountsAlone() {
        var data = "{\"text\":\"a\",\"out\":5,\"think\":3}";
        var pattern = new EventPattern();
        pattern.put(EventPattern.Variable.REASONING_TOKENS, data.indexOf('3'), data.indexOf('3') + 1);
        pattern.put(EventPattern.Variable.TEXT, data.indexOf("a\""), data.indexOf("a\"") + 1);
        pattern.put(EventPattern.Variable.OUTPUT_TOKENS, data.indexOf('5'), data.indexOf('5') + 1);
        assertNotNull(pattern.of(data,
                new StreamEvent(EventKind.CONTENT, "a", new StreamEvent.About("stop", new Usage(9, null, 5, 3), null,
                null, null), false)));
        var next = pattern.match("{\"text\":\"a long one 9\",\"out\":123456789,\"think\":0}");
        assertEquals("a long one 9", next.text());
        assertEquals(new StreamEvent.About("stop", new Usage(9, null, 123_456_789, 0), null, null, null), next.about());
        for (var other : List.of("{\"text\":\"a\\n\",\"out\":5,\"think\":3}", "{\"text\":\"a\tb\",\"out\":5,\"think\":3}",
                "{\"text\":\"\",\"out\":5,\"think\":3}", "{\"text\":\"a\",\"out\":05,\"think\":3}",
                "{\"text\":\"a\",\"out\":1234567890,\"think\":3}",
                "{\"text\":\"a\",\"out\":,\"think\":3}", "{\"text\":\"a\",\"out\":5,\"think\":3} ",
                "{\"text\":\"a\",\"out\":5,\"think\":3]",
                "{\"text\":\"a\",\"out\":5,\"thing\":3}", "{\"text\":\"a", "{\"text\":\"a\",\"out\":5", "")) {
            assertNull(pattern.match(other), other);
        }
        pattern.put(EventPattern.Variable.OUTPUT_TOKENS, 0, 1);
        assertNull(pattern.of(data, next), "a name that stands there twice");
    }
}
