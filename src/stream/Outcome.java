//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//SOURCES Console.java
//SOURCES Dialects.java
//SOURCES Models.java
//SOURCES Metrics.java

// Outcome: how a request ended. Turns what servers and networks report into a type and one line, with what to do about it.

package stream;

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

/**
 * A failure as it is reported.
 *
 * @param type       the server's code for it, else ours
 * @param message    one line
 * @param httpStatus null if there was no response
 */
record ServerError(String type, String message, Integer httpStatus) {

    ServerError(FailureKind kind, String message, Integer httpStatus) {
        this(kind.word(), message, httpStatus);
    }
}

/** Turns what servers and networks report into a type and one line. */
final class ServerErrors {

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
            return new ServerError(FailureKind.REDIRECT, "the server points to " + redaction.apply(String.valueOf(response.header("Location")))
                    + "; give that as the base URL", status);
        }
        if (text == null || text.isBlank()) {
            return new ServerError("http_" + status, text == null ? "a body in the encoding '" + response.header("Content-Encoding")
                    + "', which this tool does not read" : "an empty body", status);
        }
        var title = TITLE.matcher(text);
        var report = ErrorReport.of(title.find() ? title.group(1) : text);
        return new ServerError(report.type() == null ? "http_" + status : redaction.apply(report.type()),
                report.message() == null ? "no message" : withoutStatus(OneLine.firstOf(redaction.apply(report.message())), status), status);
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
        return new ServerError(failure instanceof ProtocolException && !isEnd(failure) ? FailureKind.INVALID_HTTP : FailureKind.EMPTY_STREAM,
                String.format(Locale.ROOT, "%d, then the server %s after %.1f s without an event%s%s", status, end, seconds, after,
                        seconds < SHORTEST_PROXY_TIMEOUT_SECONDS ? "" : ": a time-out of a proxy?"), status);
    }

    /** Many bodies repeat the status, which is shown anyway. */
    private static String withoutStatus(String line, int status) {
        return line.replaceFirst("^" + status + "[ :]+(?=\\S)", "");
    }

    /** {@code proxy} is that through which the server is reached; null for none. */
    static ServerError ofConnection(Throwable failure, HttpUrl url, String proxy) {
        var at = proxy != null ? "the proxy " + proxy : url.host() + ":" + url.port();
        return switch (failure) {
            case UnknownHostException e -> new ServerError(FailureKind.DNS, "no such host: " + (proxy != null ? at : url.host()), null);
            case SSLException e -> new ServerError(FailureKind.TLS, at + ": " + OneLine.firstOf(e.getMessage()), null);
            case ConnectException e -> new ServerError(FailureKind.CONNECT, "nothing answers at " + at, null);
            case NoRouteToHostException e -> new ServerError(FailureKind.CONNECT, "no route to " + at, null);
            case SocketTimeoutException e -> new ServerError(FailureKind.CONNECT, "no connection to " + at + " in time", null);
            case ProtocolException e -> new ServerError(FailureKind.INVALID_HTTP, at + " " + brokenConnection(e, "as an answer"), null);
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
                : failure instanceof ZipException ? "sent what is not gzip" : "broke the connection") + (when.isEmpty() ? "" : " ") + when
                + " (" + (failure.getMessage() == null ? failure : message) + ")";
    }

    /** OkHttp has a protocol exception of its own for a body that ends before its length. */
    private static boolean isEnd(Throwable failure) {
        return failure instanceof EOFException || String.valueOf(failure.getMessage()).startsWith("unexpected end of stream");
    }

    /** Hides a Retry-After from OkHttp, which sends a request again by itself if that of a 503 is 0. */
    static Response withRetryAfterHidden(Response response) {
        var after = response.header("Retry-After");
        return after == null ? response : response.newBuilder().removeHeader("Retry-After").header(HIDDEN_RETRY_AFTER, after).build();
    }

    /** Returns how long the server asks to wait, in milliseconds from 0; null if it does not say. */
    static Long retryAfterMillis(Response response) {
        var millis = number(response.header("retry-after-ms"));
        var after = response.header(HIDDEN_RETRY_AFTER, response.header("Retry-After"));
        var seconds = number(after);
        return millis != null ? plausible(millis) : seconds != null ? plausible(seconds * 1000) : after == null ? null : untilDate(after);
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

/** How an exchange ended. Sealed, so that a partial stream cannot pass as a complete one. */
sealed interface Outcome {

    /** The answer has its end: a finish reason or the last event. */
    record Completed() implements Outcome { }

    /**
     * The stream ended, or broke, without an end of the answer.
     *
     * @param isInOrder whether the server ended it in order
     */
    record Truncated(String how, boolean isInOrder) implements Outcome { }

    /**
     * The server refused, or reported an error, or could not be reached.
     *
     * @param type       the server's word for it, else ours
     * @param httpStatus null if there was no answer
     */
    record Failed(String type, String message, Integer httpStatus) implements Outcome {

        /** llama.cpp, Hugging Face's servers, Ollama; vLLM and its routers. */
        private static final Pattern LOADING = Pattern.compile("(?i)\\bloading( the)? model\\b"
                + "|\\bmodel\\b.{0,80}\\bis (still |currently )?(loading|being loaded)\\b"
                + "|\\b(engine|model) is (still )?(starting|not (yet )?ready|warming up)");
        private static final Pattern LOADING_FAILED = Pattern.compile("(?i)\\b(error|fail|unable|cannot|could not)");

        private static final Pattern ABOUT_MODEL = Pattern.compile("(?i)(?<![/\\w])model|deployment");

        Failed(ServerError refusal) {
            this(refusal.type(), refusal.message(), refusal.httpStatus());
        }

        Failed(FailureKind kind, String message, Integer httpStatus) {
            this(kind.word(), message, httpStatus);
        }

        private boolean is(FailureKind kind) {
            return type.equals(kind.word());
        }

        /** Whether the server reported the failure in an answer of status 200. */
        private boolean isOfServer() {
            return Integer.valueOf(200).equals(httpStatus) && !FailureKind.isKnown(type);
        }

        /** Whether the same request may succeed a little later. */
        boolean isRetryable() {
            if (httpStatus == null) {
                return !is(FailureKind.TLS);
            }
            return httpStatus == 408 || httpStatus == 409 || httpStatus >= 500
                    || httpStatus == 429 && !type.equals("insufficient_quota");
        }

        /** Whether the server accepted the request, and perhaps generated an answer that did not arrive. */
        boolean mayHaveBeenGenerated() {
            return is(FailureKind.EMPTY_STREAM) || is(FailureKind.INVALID_HTTP) && httpStatus != null;
        }

        /** Whether the server says that it is loading the model, and will answer later; not that it has failed to. */
        boolean isLoading() {
            return httpStatus != null && httpStatus >= 500 && LOADING.matcher(message).find() && !LOADING_FAILED.matcher(message).find();
        }

        /** Whether every other prompt meets the same failure. */
        boolean concernsAllPrompts() {
            return httpStatus == null || httpStatus == 401 || httpStatus == 403 || httpStatus == 404;
        }

        /** Whether a 404 is about the model; other bodies are about the path. */
        private boolean isAboutModel() {
            return ABOUT_MODEL.matcher(type + " " + message).find();
        }

        private static String withPort(HttpUrl url) {
            return url.scheme() + "://" + url.host() + ":" + url.port() + url.encodedPath();
        }

        /** What the user can do about it; empty where only the server can. */
        private String advice(Model model) {
            if (httpStatus == null) {
                return "; check the base URL, the network and the proxy";
            }
            return switch (httpStatus) {
                case 200 -> is(FailureKind.NOT_STREAMED) ? "; turn streaming on at the server or a proxy before it"
                        : is(FailureKind.UNKNOWN_ENCODING) ? "; turn the compression off at the server or a proxy before it"
                        : mayHaveBeenGenerated() ? "; the answer may have been generated, so it is sent again only if --retries is given" : "";
                case 401 -> model.keyVariable() == null ? "; the server requires a key, set " + model.dialect().keyVariable()
                        : "; check " + model.keyVariable();
                case 403 -> "; ask for access, or name another model with --model";
                case 404 -> isAboutModel() ? "; " + model.name() + " is retired or unknown at " + model.url().host()
                        + ", name another with --model"
                        : "; there is nothing at POST " + withPort(model.url()) + ", check --base-url";
                case 429 -> "; lower --concurrency, raise --retries, or look at your quota";
                default -> httpStatus >= 500 ? "; try again later" : "";
            };
        }
    }

    record TimedOut() implements Outcome { }

    record Stalled() implements Outcome { }

    record Cancelled() implements Outcome { }

    /** The column status. */
    default RequestStatus status() {
        return switch (this) {
            case Completed c -> RequestStatus.COMPLETED;
            case Truncated t -> RequestStatus.TRUNCATED;
            case Failed f -> RequestStatus.FAILED;
            case TimedOut t -> RequestStatus.TIMEOUT;
            case Stalled s -> RequestStatus.STALLED;
            case Cancelled c -> RequestStatus.CANCELLED;
        };
    }

    /** The column stream_end. */
    default StreamEnd end() {
        return switch (this) {
            case Completed c -> StreamEnd.COMPLETE;
            case Truncated t -> t.isInOrder() ? StreamEnd.CLOSED_EARLY : StreamEnd.OTHER;
            case Failed f -> f.isOfServer() ? StreamEnd.ERROR_EVENT : StreamEnd.OTHER;
            case TimedOut t -> StreamEnd.OTHER;
            case Stalled s -> StreamEnd.OTHER;
            case Cancelled c -> StreamEnd.OTHER;
        };
    }

    /** What went wrong, null for nothing: the column error. */
    default String detail() {
        return switch (this) {
            case Completed c -> null;
            case Truncated t -> t.how();
            case Failed f -> f.message();
            case TimedOut t -> "the answer took longer than --timeout";
            case Stalled s -> "silent for longer than --stall-timeout";
            case Cancelled c -> "interrupted by the user";
        };
    }

    /** Returns one line for the user: what happened, and what to do. */
    default String message(Model model) {
        if (!(this instanceof Failed failed)) {
            return status().word() + (detail() == null ? "" : ": " + detail());
        }
        var code = failed.httpStatus() == null || failed.httpStatus() == 200 ? "" : failed.httpStatus() + " ";
        var type = failed.type().startsWith("http_") || failed.type().equals(code.strip()) ? code.strip()
                : code + failed.type();
        return "failed: " + type + ": " + failed.message().replaceFirst("\\.$", "") + failed.advice(model);
    }
}
