//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//SOURCES ../api/Dialect.java
//SOURCES ../api/FailureKind.java
//SOURCES ../api/Model.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../metric/StreamEnd.java
//SOURCES ServerError.java

package stream.client;

import java.util.regex.Pattern;

import okhttp3.HttpUrl;
import stream.api.FailureKind;
import stream.api.Model;
import stream.metric.RequestStatus;
import stream.metric.StreamEnd;

/** How an exchange ended. Sealed, so that a partial stream cannot pass as a complete one. */
public sealed interface Outcome {

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

        public Failed(ServerError refusal) {
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
        public boolean isRetryable() {
            if (httpStatus == null) {
                return !is(FailureKind.TLS);
            }
            return httpStatus == 408 || httpStatus == 409 || httpStatus >= 500
                    || httpStatus == 429 && !type.equals("insufficient_quota");
        }

        /** Whether the server accepted the request, and perhaps generated an answer that did not arrive. */
        public boolean mayHaveBeenGenerated() {
            return is(FailureKind.EMPTY_STREAM) || is(FailureKind.INVALID_HTTP) && httpStatus != null;
        }

        /** Whether the server says that it is loading the model, and will answer later; not that it has failed to. */
        public boolean isLoading() {
            return httpStatus != null && httpStatus >= 500 && LOADING.matcher(message).find()
                    && !LOADING_FAILED.matcher(message).find();
        }

        /** Whether every other prompt meets the same failure. */
        public boolean concernsAllPrompts() {
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
                        : mayHaveBeenGenerated() ? "; the answer may have been generated, so it is sent again only if --retries "
                        + "is given" : "";
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
