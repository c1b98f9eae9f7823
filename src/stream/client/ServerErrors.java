//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES ../terminal/OneLine.java
//SOURCES ../api/ErrorReport.java
//SOURCES ../api/FailureKind.java
//SOURCES ../api/GzipMembers.java
//SOURCES ServerError.java

package stream.client;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.zip.ZipException;

import javax.net.ssl.SSLException;

import okhttp3.HttpUrl;
import okhttp3.Response;
import okio.Buffer;
import stream.api.ErrorReport;
import stream.api.FailureKind;
import stream.api.GzipMembers;
import stream.terminal.OneLine;

/** Turns what servers and networks report into a type and one line. */
public final class ServerErrors {

    /** No proxy that is known gives up a silent server earlier. */
    private static final double SHORTEST_PROXY_TIMEOUT_SECONDS = 5;

    private static final String HIDDEN_RETRY_AFTER = "stream-retry-after";

    private static final Pattern TITLE = Pattern.compile("(?is)<(?:title|h1)>(.*?)</(?:title|h1)>");

    private ServerErrors() { }

    /**
     * Reads at most so many bytes of the body of a response that is not a success.
     *
     * @param redaction takes out what is not to be shown; done before anything is shortened, which could leave a part of it
     */
    static ServerError ofResponse(Response response, long mostBytes, UnaryOperator<String> redaction) {
        var text = body(response, mostBytes);
        var status = response.code();
        if (response.isRedirect()) {
            return new ServerError(FailureKind.REDIRECT,
                    "the server points to " + redaction.apply(String.valueOf(response.header("Location")))
                    + "; give that as the base URL", status);
        }
        if (text == null || text.isBlank()) {
            return new ServerError("http_" + status, text == null ? "a body in the encoding '" + response.header("Content-Encoding")
                    + "', which this tool does not read" : "an empty body", status);
        }
        var title = TITLE.matcher(text);
        var report = ErrorReport.of(title.find() ? title.group(1) : text);
        return new ServerError(report.type() == null ? "http_" + status : redaction.apply(report.type()),
                report.message() == null ? "no message" : withoutStatus(OneLine.firstOf(redaction.apply(report.message())), status),
                status);
    }

    /** Returns what came of a body, which may be compressed, or break off; null if it is in an encoding that is not read. */
    private static String body(Response response, long mostBytes) {
        var text = new Buffer();
        var encoding = response.header("Content-Encoding", "identity").toLowerCase(Locale.ROOT);
        if (!encoding.equals("identity") && !GzipMembers.isNamed(encoding)) {
            return null;
        }
        try {
            var body = response.body().source();
            var source = GzipMembers.isNamed(encoding) ? GzipMembers.decoded(body) : body;
            while (text.size() < mostBytes && source.read(text, mostBytes - text.size()) >= 0) {
                // until the end, or enough of it
            }
        } catch (IOException e) {
            // what came tells more than how it ended
        }
        return text.readUtf8();
    }

    /**
     * Describes a response of status 200 that brought no event.
     *
     * @param failure null if its body ended in order
     * @param nanos   from the start of the request to the end of the body
     * @param after   what is added about the last line, empty for nothing
     */
    static ServerError withoutEvent(int status, Throwable failure, long nanos, String after) {
        var seconds = nanos / 1e9;
        var end = failure == null ? "ended the answer" : brokenConnection(failure, "");
        return new ServerError(failure instanceof ProtocolException && !isEnd(failure) ? FailureKind.INVALID_HTTP
                : FailureKind.EMPTY_STREAM,
                String.format(Locale.ROOT, "%d, then the server %s after %.1f s without an event%s%s", status, end, seconds, after,
                        seconds < SHORTEST_PROXY_TIMEOUT_SECONDS ? "" : ": a time-out of a proxy?"), status);
    }

    /** Many bodies repeat the status, which is shown anyway. */
    private static String withoutStatus(String line, int status) {
        return line.replaceFirst("^" + status + "[ :]+(?=\\S)", "");
    }

    /** {@code proxy} is that through which the server is reached; null for none. */
    public static ServerError ofConnection(Throwable failure, HttpUrl url, String proxy) {
        var at = proxy != null ? "the proxy " + proxy : url.host() + ":" + url.port();
        return switch (failure) {
            case UnknownHostException e ->
                    new ServerError(FailureKind.DNS, "no such host: " + (proxy != null ? at : url.host()), null);
            case SSLException e -> new ServerError(FailureKind.TLS, at + ": " + OneLine.firstOf(e.getMessage()), null);
            case ConnectException e -> new ServerError(FailureKind.CONNECT, "nothing answers at " + at, null);
            case NoRouteToHostException e -> new ServerError(FailureKind.CONNECT, "no route to " + at, null);
            case SocketTimeoutException e -> new ServerError(FailureKind.CONNECT, "no connection to " + at + " in time", null);
            case ProtocolException e -> new ServerError(FailureKind.INVALID_HTTP,
                    at + " " + brokenConnection(e, "as an answer"), null);
            default -> new ServerError(FailureKind.CONNECTION, at + " " + brokenConnection(failure, "before it answered"), null);
        };
    }

    /**
     * Says how a connection ended, in words that follow the name of the server.
     *
     * @param when what it ended before or inside, as in "before it answered"; may be empty
     */
    static String brokenConnection(Throwable failure, String when) {
        var message = OneLine.firstOf(String.valueOf(failure.getMessage()));
        if (failure instanceof SocketException && message.matches("(?i).*(reset|broken pipe|abort).*")) {
            return ("reset the connection " + when).strip();
        }
        if (isEnd(failure)) {
            return ("closed the connection " + when).strip();
        }
        return (failure instanceof ProtocolException ? "sent what is not valid HTTP"
                : failure instanceof ZipException ? "sent what is not gzip" : "broke the connection")
                + (when.isEmpty() ? "" : " ") + when
                + " (" + (failure.getMessage() == null ? failure : message) + ")";
    }

    /** OkHttp has a protocol exception of its own for a body that ends before its length. */
    private static boolean isEnd(Throwable failure) {
        return failure instanceof EOFException || String.valueOf(failure.getMessage()).startsWith("unexpected end of stream");
    }

    /** Hides a Retry-After from OkHttp, which sends a request again by itself if that of a 503 is 0. */
    public static Response withRetryAfterHidden(Response response) {
        var after = response.header("Retry-After");
        return after == null ? response : response.newBuilder().removeHeader("Retry-After")
                .header(HIDDEN_RETRY_AFTER, after).build();
    }

    /** Returns how long the server asks to wait, in milliseconds from 0; null if it does not say. */
    public static Long retryAfterMillis(Response response) {
        var millis = number(response.header("retry-after-ms"));
        var after = response.header(HIDDEN_RETRY_AFTER, response.header("Retry-After"));
        var seconds = number(after);
        return millis != null ? plausible(millis) : seconds != null ? plausible(seconds * 1000) : after == null
                ? null : untilDate(after);
    }

    private static Double number(String text) {
        try {
            return text == null ? null : Double.valueOf(text);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Returns null for more than a month, which is a mistake. */
    private static Long plausible(double millis) {
        return millis <= Duration.ofDays(31).toMillis() ? Long.valueOf(Math.max(0, Math.round(millis))) : null;
    }

    private static Long untilDate(String date) {
        try {
            var at = ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME);
            return plausible(Duration.between(ZonedDateTime.now(ZoneOffset.UTC), at).toMillis());
        } catch (DateTimeParseException e) {
            return null;
        }
    }
}
