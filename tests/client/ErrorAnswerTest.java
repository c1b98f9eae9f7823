package stream.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.api.ModelCatalog;
import stream.api.ModelSettings;
import stream.fixtures.TestOrder;

/** What servers and networks report in place of an answer, as one line. */
@Order(TestOrder.LAST)
class ErrorAnswerTest extends ExchangeCase {

    @Test
    void aMessageOfTheServerIsOneLineWithoutControlCharacters() throws Exception {
        var got = stream("data: {\"error\":{\"message\":\"one \\u001b[31mred\\u009b \\ntwo\",\"code\":\"x\\ny\"}}\n\n");
        assertEquals("x: one  [31mred", got.errorType() + ": " + got.error());
    }

    @Test
    void aLongMessageIsShortened() throws Exception {
        var got = answer(new MockResponse.Builder().code(400).body("{\"error\":{\"message\":\"" + "x".repeat(400) + "\"}}"));
        assertEquals("x".repeat(297) + "...", got.error());
        assertEquals("x".repeat(300), answer(new MockResponse.Builder().code(400).body("x".repeat(300))).error());
    }

    @Test
    void aWaitOfYearsIsNotBelieved() throws Exception {
        assertNull(answer(new MockResponse.Builder().code(429).addHeader("Retry-After", "1e300")).ending().retryAfterMillis());
        assertNull(answer(new MockResponse.Builder().code(429).addHeader("Retry-After", "Infinity")).ending().retryAfterMillis());
        assertNull(answer(new MockResponse.Builder().code(429)
                .addHeader("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")).ending().retryAfterMillis());
    }

    // No stream at all

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "text/plain; charset=utf-8", "application/octet-stream", ""})
    void aStreamMayBeCalledPlainTextOrNothingAtAll(String type) throws Exception {
        var response = new MockResponse.Builder().body("unknown: 1\n\n" + tokens("a") + "data: [DONE]\n\n");
        var got = answer(type.isEmpty() ? response : response.addHeader("Content-Type", type));
        assertEquals("completed a", got.status() + " " + got.text());
    }

    @Test
    void row17aPlainAnswerIsAFailureThatSaysSo() throws Exception {
        var got = answer(new MockResponse.Builder().addHeader("Content-Type", "application/json").body("{\"choices\":[]}"));
        assertEquals("failed not_streamed", got.status() + " " + got.errorType());
    }

    @Test
    void row18whateverAnErrorBodyIsItsFirstLineIsShown() throws Exception {
        assertEquals("<html>", answer(new MockResponse.Builder().code(502).body("<html>\n<b>x</b>")).error());
        assertEquals("an empty body", answer(new MockResponse.Builder().code(500)).error());
        assertEquals("upstream error", answer(new MockResponse.Builder().code(503).body("upstream error\nmore")).error());
        assertEquals("nope", answer(new MockResponse.Builder().code(400).body("{\"detail\":\"nope\"}")).error());
        var empty = stream("");
        assertEquals("failed empty_stream", empty.status() + " " + empty.errorType());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {"404|{\"detail\":null}|no message", "400|null|no message",
        "404|404 page not found|page not found", "503|503 Service Unavailable|Service Unavailable",
        "400|[{\"error\":{\"message\":\"API key not valid\"}}]|API key not valid",
        "500|{\"error\":{\"error\":{\"message\":\"inner\"}}}|inner",
        "400|[[{\"message\":\"in two arrays\"}]]|in two arrays", "403|{\"errors\":[{\"code\":7,\"message\":\"listed\"}]}|listed",
        "422|{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"n\"],\"msg\":\"Extra inputs\"}]}|body.n: Extra inputs",
        "502|{\"error\":{\"message\":\"{\\\"error\\\":{\\\"message\\\":\\\"quoted\\\"}}\",\"code\":502}}|quoted",
        "529|{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}|Overloaded",
        "502|<html><head><title>502 Bad Gateway</title></head><body>nginx|Bad Gateway"})
    void row18anErrorBodyIsReducedToItsMessage(int status, String body, String message) throws Exception {
        assertEquals(message, answer(new MockResponse.Builder().code(status).body(body)).error());
    }

    @Test
    void row19theServersCodeIsKept() throws Exception {
        var got = answer(new MockResponse.Builder().code(404).body("{\"error\":{\"message\":\"gone\",\"type\":"
                + "\"invalid_request_error\",\"code\":\"model_not_found\"}}"));
        assertEquals("model_not_found gone 404", got.errorType() + " " + got.error() + " " + got.ending().httpStatus());
        assertFalse(((Outcome.Failed) got.ending().outcome()).isRetryable());
    }

    @Test
    void row20theServerSaysHowLongToWait() throws Exception {
        assertEquals(2000, answer(new MockResponse.Builder().code(429).addHeader("Retry-After", "2")).ending().retryAfterMillis());
        assertEquals(150, answer(new MockResponse.Builder().code(429).addHeader("retry-after-ms", "150")
                .addHeader("Retry-After", "9")).ending().retryAfterMillis());
        assertEquals(0, answer(new MockResponse.Builder().code(503)
                .addHeader("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")).ending().retryAfterMillis());
        var inAMinute = DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(60));
        var millis = answer(new MockResponse.Builder().code(503).addHeader("Retry-After", inAMinute)).ending().retryAfterMillis();
        assertTrue(millis > 40_000 && millis <= 60_000, "a date has whole seconds, and this machine may be slow: " + millis);
        assertNull(answer(new MockResponse.Builder().code(429)).ending().retryAfterMillis());
        assertNull(answer(new MockResponse.Builder().code(429).addHeader("Retry-After", "soon")).ending().retryAfterMillis());
    }

    @Test
    void aRedirectIsNotFollowedAndTheKeyStays() throws Exception {
        try (var elsewhere = new MockWebServer()) {
            elsewhere.start();
            server.enqueue(new MockResponse.Builder().code(307)
                    .addHeader("Location", elsewhere.url("/v1/chat/completions").toString()).build());
            var withKey = ModelCatalog.of(new ModelSettings(List.of("m"), null, server.url("/v1").toString(),
                    "chat", false, List.of()),
                    Map.of("OPENAI_API_KEY", "sk-very-secret"), ModelCatalog.Access.WITH_KEYS).models().getFirst();
            var got = exchange(client, withKey, true);
            assertEquals("redirect", got.errorType());
            assertEquals("Bearer sk-very-secret", server.takeRequest(5, TimeUnit.SECONDS).getHeaders().get("Authorization"));
            assertEquals(0, elsewhere.getRequestCount());
        }
    }

    @Test
    void aServerThatIsNotThereIsAFailure() throws Exception {
        var got = exchange(client, model("m", "chat", "http://127.0.0.1:1/v1"), true);
        assertEquals("failed connect nothing answers at 127.0.0.1:1", got.status() + " " + got.errorType() + " " + got.error());
    }
}
