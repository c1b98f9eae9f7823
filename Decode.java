///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Reads a captured stream and says what each event means
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-sse:5.5.1
//DEPS tools.jackson.core:jackson-databind:3.2.4

// Decode: what the events of a stream mean, in any of the three dialects, and what servers say of their failures.
//
// To run just:
//   curl -N https://api.example.com/v1/chat/completions -d @body.json > captured.txt
//   jbang Decode.java captured.txt
//
// It shows the meaning, not the timing: a capture has none. Probe.java and Stream.java decode what they stream with
// this class; here one can see why a server's event counts as a token, or does not.

package stream;

import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.concurrent.Callable;

import javax.net.ssl.SSLException;

import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;
import okio.Buffer;
import okio.BufferedSource;
import okio.ByteString;
import okio.ForwardingSource;
import okio.Source;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;
import tools.jackson.databind.json.JsonMapper;

/** The command that prints the meaning of each event of a captured stream. */
@Command(name = "decode", mixinStandardHelpOptions = true, sortOptions = false, version = "0.1.0",
        description = "Reads a captured stream and says what each event means.")
public class Decode implements Callable<Integer> {

    @Parameters(paramLabel = "FILE", description = "The body of a streamed answer, as curl -N writes it.")
    Path file;

    private final PrintStream out;
    private final PrintStream err;

    Decode(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 the stream has an end, 1 it has none, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Decode(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("decode: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        String captured;
        try {
            captured = Files.readString(file);
        } catch (IOException e) {
            err.println("decode: " + file + ": can't be read as UTF-8 text");
            return 2;
        }
        var response = new Response.Builder().request(new Request.Builder().url("http://localhost/").build())
                .protocol(Protocol.HTTP_1_1).code(200).message("OK")
                .body(ResponseBody.create(captured, MediaType.get("text/event-stream"))).build();
        var printer = new Printer();
        EventSources.processResponse(response, printer);
        return printer.ended ? 0 : 1;
    }

    private final class Printer extends EventSourceListener {

        private boolean ended;

        @Override
        public void onEvent(EventSource source, String id, String type, String data) {
            var event = StreamEvent.decode(type, data);
            var finish = event.about() != null && event.about().finishReason() != null;
            ended |= event.last() || finish;
            out.printf("%-9s %s%n", event.kind().word(), event.text() == null ? "" : event.text().replace("\n", "\\n"));
        }

        @Override
        public void onFailure(EventSource source, Throwable problem, Response response) {
            err.println("decode: " + file + ": cut inside an event");
        }
    }
}

/**
 * Does for okhttp-sse what it does not do itself: drops a byte-order mark, which hides the first event from it; turns
 * the {@code error: {...}} line of older llama.cpp servers, which it passes over, into an exception; ends an event that
 * does not end before it fills the memory; and a stream that ends with a carriage return, where it would never return.
 */
final class RepairedSource extends ForwardingSource {

    private static final byte[] ERROR_FIELD = {'e', 'r', 'r', 'o', 'r', ':'};
    private static final ByteString MARK = ByteString.decodeHex("efbbbf");

    /** The server reported an error in a line of its own; the message is what stood behind the colon. */
    static final class ErrorLine extends IOException {
        ErrorLine(String message) {
            super(message);
        }
    }

    /** An event that does not end. */
    static final class EndlessEvent extends IOException { }

    private final Buffer incoming = new Buffer();
    private final long mostEventBytes;
    private final Runnable onLine;
    private long bytesSinceEvent;
    private boolean begun;
    private boolean lineIsError;
    private boolean lineEnded;
    private boolean endsWithReturn;
    private int matched; // bytes of ERROR_FIELD that the current line began with; -1 if it began otherwise

    /** {@code onLine} is called after each read that brings the end of a line. */
    RepairedSource(Source source, long mostEventBytes, Runnable onLine) {
        super(source);
        this.mostEventBytes = mostEventBytes;
        this.onLine = onLine;
    }

    @Override
    public long read(Buffer sink, long byteCount) throws IOException {
        if (lineIsError) {
            throw new ErrorLine(restOfLine());
        }
        if (super.read(incoming, byteCount) < 0) {
            return endReturn(sink);
        }
        if (!begun) {
            begun = true;
            dropMark();
        }
        lineEnded = false;
        var harmless = upToErrorField();
        if (lineEnded) {
            onLine.run();
        }
        bytesSinceEvent += harmless;
        if (bytesSinceEvent > mostEventBytes) {
            throw new EndlessEvent();
        }
        endsWithReturn = harmless > 0 && incoming.getByte(harmless - 1) == '\r';
        sink.write(incoming, harmless);
        return harmless;
    }

    /** Behind a carriage return okhttp-sse looks for a line feed for ever if the stream ends there; so it gets one. */
    private long endReturn(Buffer sink) {
        if (!endsWithReturn) {
            return -1;
        }
        endsWithReturn = false;
        sink.writeByte('\n');
        return 1;
    }

    /** Tells that what has come since the last call was a whole event. */
    void eventEnded() {
        bytesSinceEvent = 0;
    }

    private void dropMark() throws IOException {
        while (incoming.size() < MARK.size() && incoming.rangeEquals(0, MARK, 0, (int) incoming.size())) {
            if (super.read(incoming, MARK.size() - incoming.size()) < 0) {
                return;
            }
        }
        if (incoming.rangeEquals(0, MARK)) {
            incoming.skip(MARK.size());
        }
    }

    /** Returns how many bytes come before the end of an error field's name; all of them if there is none. */
    private long upToErrorField() {
        for (long at = 0; at < incoming.size(); ) {
            if (matched < 0) {
                var lineEnd = incoming.indexOf((byte) '\n', at);
                if (lineEnd < 0) {
                    break;
                }
                at = lineEnd + 1;
                matched = 0;
                lineEnded = true;
                continue;
            }
            var next = incoming.getByte(at++);
            lineEnded |= next == '\n' || next == '\r';
            matched = next == ERROR_FIELD[matched] ? matched + 1 : next == '\n' || next == '\r' ? 0 : -1;
            if (matched == ERROR_FIELD.length) {
                lineIsError = true;
                return at;
            }
        }
        return incoming.size();
    }

    private String restOfLine() throws IOException {
        while (incoming.indexOf((byte) '\n') < 0 && super.read(incoming, 8192) >= 0) {
            // one line, however many reads it comes in
        }
        return incoming.readUtf8().lines().findFirst().orElse("").strip();
    }
}

/** What a server-sent event is, in the column kind. */
enum EventKind {
    /** Opens the answer; no text yet. */
    ROLE,
    /** Thinking aloud, before the answer. */
    REASONING,
    /** Visible text, not empty. */
    CONTENT,
    /** Part of a tool call. */
    TOOL,
    /** Says why the answer ended. */
    FINISH,
    /** Token counts alone. */
    USAGE,
    /** The server reports that it failed. */
    ERROR,
    /** {@code [DONE]}. */
    DONE,
    /** Anything else; never a token. */
    OTHER;

    private final String word = name().toLowerCase(Locale.ROOT);

    String word() {
        return word;
    }
}

/**
 * What one server-sent event means.
 *
 * @param text  visible text, reasoning, arguments of a tool call, finish reason or error message; else null
 * @param about what it says of the whole answer; null for most events
 * @param last  whether no event follows
 */
record StreamEvent(EventKind kind, String text, About about, boolean last) {

    /** What an event says of the whole answer; null where it says nothing. */
    record About(String finishReason, Usage usage, String errorType, String model, String fingerprint) { }

    /** Decodes an event by itself, as {@link EventDecoder} does. */
    static StreamEvent decode(String type, String data) {
        return new EventDecoder().decode(type, data);
    }

    static StreamEvent error(String errorType, String message) {
        return new StreamEvent(EventKind.ERROR, message, new About(null, null, errorType, null, null), false);
    }
}

/** Token counts as the server gives them; null where it gives none. */
record Usage(Integer promptTokens, Integer cachedPromptTokens, Integer outputTokens) {

    static final Usage UNKNOWN = new Usage(null, null, null);

    /** A later count replaces an earlier one; null, for none, replaces nothing. */
    Usage with(Usage later) {
        return later == null ? this : new Usage(later.promptTokens != null ? later.promptTokens : promptTokens,
                later.cachedPromptTokens != null ? later.cachedPromptTokens : cachedPromptTokens,
                later.outputTokens != null ? later.outputTokens : outputTokens);
    }
}

/**
 * Decodes the events of one stream, of any of the three endpoints; each says by its form which it is. Never throws.
 *
 * <p>Most servers send the same JSON again and again with another text in it. An event that differs from the last one
 * in nothing but the inside of the string that is its text means the same with that text, and is not parsed anew.
 */
final class EventDecoder {

    private static final StreamEvent DONE = new StreamEvent(EventKind.DONE, null, null, true);
    private static final StreamEvent NOTHING = new StreamEvent(EventKind.OTHER, null, null, false);
    /** Few buffers are in use at once; one for each thread would be one for each stream. */
    private static final JsonFactory JSON =
            JsonFactory.builder().recyclerPool(JsonRecyclerPools.newConcurrentDequePool()).build();

    private String lastData;
    private StreamEvent lastEvent; // null if the next event can't be like it
    private int textStart;
    private int textEnd;

    /**
     * Says what an event means.
     *
     * @param type the event's type, null if it has none
     * @param data the event's data, as server-sent
     */
    StreamEvent decode(String type, String data) {
        if (data.equals("[DONE]")) {
            return DONE;
        }
        var isError = "error".equals(type);
        if (!data.startsWith("{")) {
            return isError ? StreamEvent.error("error", data) : NOTHING;
        }
        var text = isError || lastEvent == null ? null : textIfLikeLast(data);
        return text == null ? parse(isError, data)
                : new StreamEvent(lastEvent.kind(), text, lastEvent.about(), lastEvent.last());
    }

    /** Returns the text of an event that differs from the last one in its text alone, else null. */
    private String textIfLikeLast(String data) {
        var end = data.length() - (lastData.length() - textEnd);
        if (end <= textStart || !data.regionMatches(0, lastData, 0, textStart)
                || !data.regionMatches(end, lastData, textEnd, lastData.length() - textEnd)) {
            return null;
        }
        for (int i = textStart; i < end; i++) {
            var letter = data.charAt(i);
            if (letter == '"' || letter == '\\' || letter < ' ') {
                return null; // the string ends elsewhere, or is not written as it reads
            }
        }
        return data.substring(textStart, end);
    }

    private StreamEvent parse(boolean isError, String data) {
        lastEvent = null;
        try (var parser = JSON.createParser(ObjectReadContext.empty(), data)) {
            parser.nextToken();
            var decoder = new StreamDecoder(parser);
            decoder.readEvent();
            var event = decoder.event(isError);
            if (event.kind() == EventKind.CONTENT || event.kind() == EventKind.REASONING) {
                remember(data, event, decoder.textOffset(event.kind()));
            }
            return event;
        } catch (JacksonException e) {
            return StreamEvent.error("bad_event",
                    "an event that can't be read as JSON: " + data.substring(0, Math.min(80, data.length())));
        }
    }

    /** Remembers an event whose text stands in the data, behind a quote at the offset, as it reads. */
    private void remember(String data, StreamEvent event, int offset) {
        textStart = offset + 1;
        textEnd = textStart + event.text().length();
        if (data.startsWith(event.text(), textStart) && data.startsWith("\"", textEnd)) {
            lastData = data;
            lastEvent = event;
        }
    }
}

/** Walks through the JSON of one event once, without a tree, and keeps what has a meaning here. */
final class StreamDecoder {

    private final JsonParser parser;
    private String type;
    private String objectType;
    private String delta;
    private int deltaOffset;
    private String content;
    private int contentOffset;
    private String reasoning;
    private int reasoningOffset;
    private String tool;
    private String finishReason;
    private String model;
    private String fingerprint;
    private String message;
    private String errorType;
    private String errorMessage;
    private Usage usage;
    private boolean role;

    /** The parser stands at the opening brace. */
    StreamDecoder(JsonParser parser) {
        this.parser = parser;
    }

    private interface Field {
        void read(String name);
    }

    /** Calls back at the value of each member; what the callback does not read is passed over. */
    private void members(Field field) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            var name = parser.currentName();
            parser.nextToken();
            field.read(name);
            parser.skipChildren();
        }
    }

    private boolean atObject() {
        return parser.currentToken() == JsonToken.START_OBJECT;
    }

    /** Returns the text at hand, or null if it is none or empty. */
    private String text() {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            return null;
        }
        var text = parser.getString();
        return text.isEmpty() ? null : text;
    }

    /** Where the token at hand begins in the data; a text begins with its quote. */
    private int offset() {
        return (int) parser.currentTokenLocation().getCharOffset();
    }

    /** Returns the count at hand; null if it is none, negative or beyond an int. */
    private Integer count() {
        var isCount = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                && parser.getNumberType() == JsonParser.NumberType.INT && parser.getIntValue() >= 0;
        return isCount ? Integer.valueOf(parser.getIntValue()) : null;
    }

    void readEvent() {
        members(name -> {
            switch (name) {
                case "choices" -> readChoices();
                case "usage" -> readUsage();
                case "x_groq" -> readGroq();
                case "error" -> readError();
                case "type" -> type = text();
                case "object" -> objectType = text();
                case "delta" -> {
                    delta = text();
                    deltaOffset = offset();
                }
                case "response" -> readResponse();
                case "model" -> model = text();
                case "system_fingerprint" -> fingerprint = text();
                case "message" -> message = text();
                default -> { }
            }
        });
    }

    private void readChoices() {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            return;
        }
        for (var first = true; parser.nextToken() != JsonToken.END_ARRAY; ) {
            if (first && atObject()) {
                members(this::readChoice);
                first = false;
            } else {
                parser.skipChildren(); // a second answer to the same question has a clock of its own
            }
        }
    }

    private void readChoice(String name) {
        switch (name) {
            case "text" -> readContent();
            case "finish_reason" -> finishReason = text();
            case "delta" -> {
                if (atObject()) {
                    members(this::readDelta);
                }
            }
            default -> { }
        }
    }

    private void readDelta(String name) {
        switch (name) {
            case "role" -> role = text() != null;
            case "content", "refusal" -> readContent();
            case "reasoning_content", "reasoning" -> {
                if (reasoning == null) {
                    reasoning = text();
                    reasoningOffset = offset();
                }
            }
            case "tool_calls", "function_call" -> readToolCall();
            default -> { }
        }
    }

    /** Keeps the first text that is not empty. */
    private void readContent() {
        if (content == null) {
            content = text();
            contentOffset = offset();
        }
    }

    /** Keeps the arguments of all calls in the delta, which is what streams. */
    private void readToolCall() {
        if (!parser.currentToken().isStructStart()) {
            return;
        }
        tool = "";
        for (int depth = 1; depth > 0; ) {
            switch (parser.nextToken()) {
                case START_OBJECT, START_ARRAY -> depth++;
                case END_OBJECT, END_ARRAY -> depth--;
                case VALUE_STRING -> tool += "arguments".equals(parser.currentName()) ? parser.getString() : "";
                default -> { }
            }
        }
    }

    private void readGroq() {
        if (atObject()) {
            members(name -> {
                if (name.equals("usage")) {
                    readUsage();
                }
            });
        }
    }

    private void readUsage() {
        if (!atObject()) {
            return;
        }
        var counts = new Integer[3];
        members(name -> {
            switch (name) {
                case "prompt_tokens", "input_tokens" -> counts[0] = count();
                case "completion_tokens", "output_tokens" -> counts[2] = count();
                case "prompt_tokens_details", "input_tokens_details" -> {
                    if (atObject()) {
                        members(detail -> counts[1] = detail.equals("cached_tokens") ? count() : counts[1]);
                    }
                }
                default -> { }
            }
        });
        usage = new Usage(counts[0], counts[1], counts[2]);
    }

    private void readError() {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return;
        }
        errorMessage = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getString() : "no message";
        errorType = "error";
        if (atObject()) {
            members(name -> {
                if (name.equals("message") && text() != null) {
                    errorMessage = text();
                } else if (name.equals("type") && text() != null || name.equals("code") && text() != null) {
                    errorType = text();
                }
            });
        }
    }

    private void readResponse() {
        if (atObject()) {
            members(name -> {
                switch (name) {
                    case "status" -> finishReason = finishReason != null ? finishReason : text();
                    case "usage" -> readUsage();
                    case "error" -> readError();
                    case "model" -> model = text();
                    case "incomplete_details" -> {
                        if (atObject()) {
                            members(detail -> finishReason = detail.equals("reason") ? text() : finishReason);
                        }
                    }
                    default -> { }
                }
            });
        }
    }

    /** Says what was read; {@code isError} if the event's own type was error. */
    StreamEvent event(boolean isError) {
        if (type != null && type.startsWith("response.")) {
            readByType();
        }
        if (errorMessage != null || isError || "error".equals(type) || "error".equals(objectType)) {
            return StreamEvent.error(errorType != null ? errorType : "error",
                    errorMessage != null ? errorMessage : message != null ? message : "no message");
        }
        var last = "response.completed".equals(type) || "response.incomplete".equals(type);
        var about = finishReason == null && usage == null && model == null && fingerprint == null ? null
                : new StreamEvent.About(finishReason, usage, null, model, fingerprint);
        if (content != null) {
            return new StreamEvent(EventKind.CONTENT, content, about, last);
        }
        if (reasoning != null) {
            return new StreamEvent(EventKind.REASONING, reasoning, about, last);
        }
        if (tool != null) {
            return new StreamEvent(EventKind.TOOL, tool, about, last);
        }
        if (finishReason != null) {
            return new StreamEvent(EventKind.FINISH, finishReason, about, last);
        }
        return new StreamEvent(usage != null ? EventKind.USAGE : role ? EventKind.ROLE : EventKind.OTHER, null, about,
                last);
    }

    /** Where the text of an event of this kind, content or reasoning, begins in the data, with its quote. */
    int textOffset(EventKind kind) {
        return kind == EventKind.CONTENT ? contentOffset : reasoningOffset;
    }

    private void readByType() {
        switch (type) {
            case "response.output_text.delta", "response.refusal.delta" -> {
                content = delta;
                contentOffset = deltaOffset;
            }
            case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" -> {
                reasoning = delta;
                reasoningOffset = deltaOffset;
            }
            case "response.function_call_arguments.delta" -> tool = delta == null ? "" : delta;
            case "response.created" -> role = true;
            case "response.completed", "response.incomplete" -> {
                return;
            }
            case "response.failed" -> errorMessage = errorMessage != null ? errorMessage : "the response failed";
            default -> { }
        }
        finishReason = null; // the status of a response in progress
    }
}

/**
 * A failure in words.
 *
 * @param type       the server's word for it, else ours
 * @param message    one line
 * @param httpStatus null if there was no answer
 */
record Refusal(String type, String message, Integer httpStatus) { }

/** Puts what servers and networks say of a failure into a type and one line. */
final class ServerErrors {

    private ServerErrors() { }

    static Refusal ofResponse(Response response, BufferedSource body, long mostBytes) throws IOException {
        body.request(mostBytes);
        var text = body.getBuffer().snapshot((int) Math.min(mostBytes, body.getBuffer().size())).utf8();
        var status = response.code();
        if (response.isRedirect()) {
            return new Refusal("redirect", "the server points to " + response.header("Location")
                    + "; give that as the base URL", status);
        }
        try {
            var root = JsonMapper.shared().readTree(text);
            var error = root.path("error");
            if (error.isObject()) {
                var code = error.path("code").asString("");
                var type = error.path("type").asString("");
                return new Refusal(!code.isEmpty() ? code : !type.isEmpty() ? type : "http_" + status,
                        oneLine(error.path("message").asString("no message")), status);
            }
            var message = error.isString() ? error : root.has("message") ? root.path("message") : root.path("detail");
            if (!message.isMissingNode()) {
                return new Refusal("http_" + status, oneLine(message.asString(message.toString())), status);
            }
        } catch (JacksonException e) {
            // not JSON: its first line is all there is to show
        }
        return new Refusal("http_" + status, text.isBlank() ? "an empty body" : oneLine(text), status);
    }

    static Refusal ofConnection(Throwable failure, HttpUrl url) {
        var at = url.host() + ":" + url.port();
        return switch (failure) {
            case UnknownHostException e -> new Refusal("dns", "no such host: " + url.host(), null);
            case SSLException e -> new Refusal("tls", at + ": " + oneLine(e.getMessage()), null);
            case ConnectException e -> new Refusal("connect", "nothing answers at " + at, null);
            case NoRouteToHostException e -> new Refusal("connect", "no route to " + at, null);
            case SocketTimeoutException e -> new Refusal("connect", "no connection to " + at + " in time", null);
            default -> new Refusal("connection", at + " " + brokenConnection(failure, "before it answered"), null);
        };
    }

    /**
     * Says how a connection ended, in words that follow the name of the server.
     *
     * @param when what it ended before or inside, as in "before it answered"
     */
    static String brokenConnection(Throwable failure, String when) {
        var message = oneLine(String.valueOf(failure.getMessage()));
        if (failure instanceof SocketException && message.matches("(?i).*(reset|broken pipe|abort).*")) {
            return "reset the connection " + when;
        }
        var isEnd = failure instanceof EOFException || message.startsWith("unexpected end of stream")
                || failure instanceof IllegalArgumentException; // okhttp-sse, of a stream that ends inside a line
        return isEnd ? "closed the connection " + when
                : "broke the connection " + when + " (" + (failure.getMessage() == null ? failure : message) + ")";
    }

    /** Returns how long the server asks to wait, in milliseconds from 0; null if it does not say. */
    static Long retryAfterMillis(Response response) {
        var millis = response.header("retry-after-ms");
        var after = response.header("Retry-After");
        try {
            if (millis != null) {
                return plausible(Double.parseDouble(millis));
            }
            return after == null ? null : plausible(Double.parseDouble(after) * 1000);
        } catch (NumberFormatException e) {
            return after == null ? null : untilDate(after);
        }
    }

    /** A wait of more than a month is no wait but a mistake: not known. */
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

    static String oneLine(String text) {
        var line = text.strip().lines().findFirst().orElse("").replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= 300 ? line : line.substring(0, 297) + "...";
    }
}
