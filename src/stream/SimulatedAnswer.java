//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES HttpConnection.java

// SimulatedAnswer: what a simulated model answers, how long it takes, how each API writes it, and what can go wrong.

package stream;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How long a simulated model takes. The times are lognormal around their medians.
 *
 * @param ttftMillis median time to the first token
 * @param itlMillis  median time between two tokens
 * @param ttftSpread sigma of the logarithm of the time to the first token; 0 makes it exact
 * @param itlSpread  the same for the time between two tokens
 * @param tokens     length of each answer; 0 for as long as its text is
 * @param clock      whether each token is the time when it was sent, in nanoseconds since the request was received
 */
record LatencyProfile(double ttftMillis, double itlMillis, double ttftSpread, double itlSpread, int tokens, boolean clock) {

    static final Map<String, LatencyProfile> PROFILES = Map.of(
            "gpt-4", new LatencyProfile(400, 20, 0.25, 0.35, 0, false),
            "gpt-3.5-turbo", new LatencyProfile(180, 8, 0.25, 0.35, 0, false),
            "text-davinci-003", new LatencyProfile(260, 12, 0.25, 0.35, 0, false));
    private static final LatencyProfile ANY_OTHER = new LatencyProfile(200, 10, 0.25, 0.35, 0, false);

    private static final Pattern IN_NAME =
            Pattern.compile("sim-ttft(\\d+(?:\\.\\d+)?)-itl(\\d+(?:\\.\\d+)?)-n(\\d{1,9})(-clock)?");

    static LatencyProfile ofModel(String name) {
        var named = IN_NAME.matcher(name);
        if (named.matches()) {
            return new LatencyProfile(Double.parseDouble(named.group(1)), Double.parseDouble(named.group(2)), 0, 0,
                    Integer.parseInt(named.group(3)), named.group(4) != null);
        }
        return PROFILES.getOrDefault(name, ANY_OTHER);
    }

    long nextTtftNanos(SplittableRandom random) {
        return nanos(ttftMillis, ttftSpread, random);
    }

    long nextItlNanos(SplittableRandom random) {
        return nanos(itlMillis, itlSpread, random);
    }

    private static long nanos(double medianMillis, double spread, SplittableRandom random) {
        return Math.round(medianMillis * 1e6 * (spread == 0 ? 1 : Math.exp(spread * random.nextGaussian())));
    }
}

/** What is unusual or wrong about an answer, each as some real server does it; selected by the name in lower case with hyphens. */
enum Fault {
    NONE,
    // unusual but correct
    ROLE_NULL, USAGE_EARLY, OBFUSCATION, AZURE, COMMENTS, NO_DONE, REASONING, REASONING_ONLY, ODD_LINES, TOOLS,
    OPEN, FINISH_WITH_TEXT, MULTI_TOKEN, CONTENT_FILTER, INCOMPLETE,
    // unusual writes to the connection
    BYTES, MERGED, BURST, GZIP, FIREHOSE,
    // broken streams
    ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT, CUT, CUT_LINE, RESET, STALL,
    // no stream at all
    NO_STREAM_OPTIONS, PLAIN_JSON, HTML, EMPTY, NOT_JSON, NO_ANSWER, STATUS_401, STATUS_403, STATUS_404, STATUS_500,
    STATUS_503,
    // a whole answer, then the connection ends although the server did not announce it
    CLOSE_AT_ONCE, CLOSE_LATE, CLOSE_ON_REQUEST, CLOSE_UNANSWERED,
    // refused at the first, third, ... request for the same answer
    BUSY, BUSY_MS, BUSY_DATE, BUSY_SILENT,
    // every twentieth request is one of those above that break, in turn
    MIXED;

    /** The faults of {@link #MIXED}, in turn: all that end by themselves or by a stall timeout. */
    private static final List<Fault> BREAKING = List.of(ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT,
            CUT, CUT_LINE, RESET, STALL, PLAIN_JSON, HTML, EMPTY, NOT_JSON, STATUS_401, STATUS_403, STATUS_404, STATUS_500,
            STATUS_503, BUSY_MS);

    /** Returns the fault of the request of this number, from 1. */
    Fault ofRequest(int number) {
        return this != MIXED ? this : number % 20 == 0 ? BREAKING.get(number / 20 % BREAKING.size()) : NONE;
    }

    /** Returns null if there is no such fault. */
    static Fault ofWord(String word) {
        for (var fault : values()) {
            if (fault.word().equals(word)) {
                return fault;
            }
        }
        return null;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

/** What a request asks for, checked. */
record SimulatedRequest(String endpoint, String model, LatencyProfile latency, Fault fault, String prompt, int maxTokens,
                        boolean stream, boolean streamOptions) {

    /** Throws IllegalArgumentException with the message for the client. */
    static SimulatedRequest of(SimulatedDialect dialect, JsonNode body, String faultHeader) {
        var model = body.path("model").asString("");
        if (model.isEmpty()) {
            throw new IllegalArgumentException("you must provide a model parameter");
        }
        var prompt = body.path(dialect.promptKey());
        if (prompt.isMissingNode()) {
            throw new IllegalArgumentException("Missing required parameter: '" + dialect.promptKey() + "'.");
        }
        var question = prompt.isArray() && !prompt.isEmpty() ? prompt.get(prompt.size() - 1).path("content") : prompt;
        var plus = model.lastIndexOf('+');
        var word = faultHeader != null ? faultHeader : plus < 0 ? "none" : model.substring(plus + 1);
        var fault = Fault.ofWord(word);
        if (fault == null) {
            throw new IllegalArgumentException("there is no simulated fault '" + word + "'");
        }
        var limit = body.path(dialect.limitKey()).asInt(body.path("max_completion_tokens").asInt(16_384));
        if (limit < 1) {
            throw new IllegalArgumentException(limit + " is less than the minimum of 1 - '" + dialect.limitKey() + "'");
        }
        var latency = LatencyProfile.ofModel(plus < 0 ? model : model.substring(0, plus));
        return new SimulatedRequest(dialect.promptKey(), model, latency, fault, question.asString(question.toString()), limit,
                body.path("stream").asBoolean(false), body.path("stream_options").isObject());
    }

    SimulatedRequest with(Fault other) {
        return new SimulatedRequest(endpoint, model, latency, other, prompt, maxTokens, stream, streamOptions);
    }

    /** Requests of the same key are the same request again. */
    String key() {
        return endpoint + "\n" + model + "\n" + prompt;
    }
}

/** One answer: its text, its schedule, and the way it is streamed. */
final class SimulatedAnswer {

    /** The answers; in several scripts and with an emoji, since a client must not split characters. */
    private static final List<List<String>> TEXTS = List.of(
            "Sunlight is a mix of all colours. Air molecules scatter the short blue waves far more than the long red "
                    + "ones, so blue reaches the eye from every side of the sky.",
            "Das wäre schön: ein kühler Abend, ein Glas Wasser und ein gutes Buch. Mehr braucht es nicht, um glücklich "
                    + "zu sein – jedenfalls für heute.",
            "おはようございます。今日はいい天気ですね。Good morning, it is a fine day, and the sea is calm. 🌊",
            "First, write down what you know. Second, write down what you want to know. Third, find the shortest way "
                    + "between the two, and walk it. ✅",
            "Rain on the window,\na small lamp, a half-read page:\nthe night takes its time.").stream()
            .map(SimulatedAnswer::tokens).toList();

    private final SimulatedRequest request;
    private final SimulatedDialect dialect;
    private final SplittableRandom random;
    private final int number;
    private final long receivedNanos;
    private final long ttftNanos;
    private final List<String> tokens;
    private final int length;
    private long dueNanos;

    SimulatedAnswer(SimulatedRequest request, SimulatedDialect dialect, SplittableRandom random, int number, long receivedNanos) {
        this.request = request;
        this.dialect = dialect;
        this.random = random;
        this.number = number;
        this.receivedNanos = receivedNanos;
        this.ttftNanos = request.latency().nextTtftNanos(random);
        this.dueNanos = ttftNanos;
        this.tokens = TEXTS.get(Math.floorMod(request.prompt().hashCode(), TEXTS.size()));
        var wanted = request.latency().tokens() > 0 ? request.latency().tokens() : tokens.size();
        this.length = Math.min(wanted, request.maxTokens());
    }

    /** Splits a text into pieces as a tokenizer does: a word, or some letters of a long one, or a character. */
    private static List<String> tokens(String text) {
        var found = new ArrayList<String>();
        var matcher = Pattern.compile("(?s) ?[a-zA-Zäöüß]{1,7}| ?.").matcher(text);
        while (matcher.find()) {
            found.add(matcher.group());
        }
        return List.copyOf(found);
    }

    int number() {
        return number;
    }

    long ttftNanos() {
        return ttftNanos;
    }

    void waitForAll() {
        for (int i = 1; i < length; i++) {
            dueNanos += request.latency().nextItlNanos(random);
        }
        waitUntilDue();
    }

    ObjectNode whole() {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(token(i));
        }
        return dialect.whole(this, text.toString());
    }

    void stream(EventWriter wire) throws IOException {
        var fault = request.fault();
        if (fault == Fault.COMMENTS) {
            wire.send(": OPENROUTER PROCESSING\n\n");
        }
        if (fault == Fault.AZURE) {
            wire.send(event("{\"choices\":[],\"created\":0,\"model\":\"\",\"prompt_filter_results\":[{}]}"));
        }
        for (var opening : dialect.opening(this)) {
            wire.send(opening);
        }
        if (fault == Fault.REASONING || fault == Fault.REASONING_ONLY) {
            for (int i = 0; i < 5; i++) {
                waitUntilDue();
                wire.send(dialect.reasoning(this, token(i)));
                dueNanos += request.latency().nextItlNanos(random);
            }
        }
        if (fault == Fault.TOOLS) {
            for (var part : List.of("{\\\"city\\\":", "\\\"Paris\\\"}")) {
                waitUntilDue();
                wire.send(dialect.toolCall(this, part));
                dueNanos += request.latency().nextItlNanos(random);
            }
        } else if (fault != Fault.REASONING_ONLY && !streamTokens(wire)) {
            return;
        }
        for (var closing : dialect.closing(this)) {
            wire.send(closing);
        }
        if (fault == Fault.OPEN) {
            wire.flush();
            wire.awaitClose();
        }
    }

    /** Returns false if the stream broke. */
    private boolean streamTokens(EventWriter wire) throws IOException {
        var perEvent = request.fault() == Fault.MULTI_TOKEN ? 3 : 1;
        for (int i = 0; i < length; i += perEvent) {
            if (i >= length / 2 && broke(wire)) {
                return false;
            }
            waitUntilDue();
            var text = new StringBuilder();
            for (int j = i; j < Math.min(length, i + perEvent); j++) {
                text.append(token(j));
            }
            if (request.fault() == Fault.COMMENTS && i % 4 == 1) {
                wire.send(": keep-alive\n\n");
            }
            var last = i + perEvent >= length;
            wire.send(dialect.token(this, text.toString(), last && request.fault() == Fault.FINISH_WITH_TEXT));
            if (!last) {
                dueNanos += request.latency().nextItlNanos(random);
            }
        }
        return true;
    }

    /** Breaks the stream in its middle if the fault is one that does. */
    private boolean broke(EventWriter wire) throws IOException {
        var message = "The server is overloaded.";
        switch (request.fault()) {
            case ERROR_OBJECT -> wire.send(event("{\"error\":{\"message\":\"" + message
                    + "\",\"type\":\"server_error\",\"code\":503}}") + "data: [DONE]\n\n");
            case ERROR_STRING -> wire.send(event("{\"error\":\"" + message + "\"}"));
            case ERROR_VLLM -> wire.send(event("{\"object\":\"error\",\"message\":\"" + message
                    + "\",\"type\":\"InternalServerError\",\"code\":500}") + "data: [DONE]\n\n");
            case ERROR_FIELD -> wire.send("error: {\"code\":500,\"message\":\"" + message
                    + "\",\"type\":\"server_error\"}\n\n");
            case ERROR_EVENT -> wire.send("event: error\n" + event("{\"message\":\"" + message + "\"}"));
            case CUT -> wire.cut();
            case CUT_LINE -> {
                wire.send("data: {\"choices\":[{\"delta\":{\"cont");
                wire.cut();
            }
            case STALL -> wire.awaitClose();
            case RESET -> wire.reset();
            default -> {
                return false;
            }
        }
        return true;
    }

    private String token(int i) {
        return request.latency().clock() ? " " + (System.nanoTime() - receivedNanos) : tokens.get(i % tokens.size());
    }

    /** Waits for an absolute time, so that lateness never adds up. */
    private void waitUntilDue() {
        for (long left; (left = receivedNanos + dueNanos - System.nanoTime()) > 0; ) {
            LockSupport.parkNanos(left);
            if (Thread.currentThread().isInterrupted()) {
                return;
            }
        }
    }

    static String event(String json) {
        return "data: " + json + "\n\n";
    }

    SimulatedRequest request() {
        return request;
    }

    String finishReason() {
        return switch (request.fault()) {
            case TOOLS -> "tool_calls";
            case CONTENT_FILTER -> "content_filter";
            default -> {
                var whole = request.latency().tokens() > 0 ? request.latency().tokens() : tokens.size();
                yield length < whole ? "length" : "stop";
            }
        };
    }

    int promptTokens() {
        return Math.max(1, tokens(request.prompt()).size());
    }

    int outputTokens() {
        return request.fault() == Fault.REASONING_ONLY ? 5 : request.fault() == Fault.REASONING ? length + 5 : length;
    }

    /** The member that holds the truth; begins with a comma. Most servers have none: their events differ in text alone. */
    String sim() {
        return request.fault() == Fault.FIREHOSE ? ""
                : ",\"sim\":{\"sent_ns\":" + (System.nanoTime() - receivedNanos) + ",\"due_ns\":" + dueNanos + "}";
    }

    String padding() {
        return request.fault() == Fault.OBFUSCATION ? ",\"obfuscation\":\"" + "x".repeat(random.nextInt(1, 20)) + "\"" : "";
    }

    static String quoted(String text) {
        return JsonMapper.shared().writeValueAsString(text);
    }
}

/** How an answer is written at one endpoint; each method returns whole server-sent events. */
interface SimulatedDialect {
    String promptKey();

    String limitKey();

    List<String> opening(SimulatedAnswer answer);

    String token(SimulatedAnswer answer, String text, boolean withFinish);

    String reasoning(SimulatedAnswer answer, String text);

    String toolCall(SimulatedAnswer answer, String argumentsPart);

    List<String> closing(SimulatedAnswer answer);

    ObjectNode whole(SimulatedAnswer answer, String text);
}

/** What the chat and the legacy completions endpoint have in common. */
abstract class SimulatedChoices implements SimulatedDialect {

    abstract String object();

    @Override
    public String limitKey() {
        return "max_tokens";
    }

    String chunk(SimulatedAnswer answer, String choice) {
        return SimulatedAnswer.event("{\"id\":\"sim-" + answer.number() + "\",\"object\":\"" + object()
                + "\",\"created\":1700000000,\"model\":" + SimulatedAnswer.quoted(answer.request().model())
                + ",\"system_fingerprint\":\"fp_sim\",\"choices\":[" + choice + "]" + answer.padding()
                + (answer.request().streamOptions() ? ",\"usage\":null" : "") + answer.sim() + "}");
    }

    abstract String choice(String text, String finishReason);

    @Override
    public List<String> opening(SimulatedAnswer answer) {
        return List.of();
    }

    @Override
    public String token(SimulatedAnswer answer, String text, boolean withFinish) {
        return chunk(answer, choice(SimulatedAnswer.quoted(text), withFinish ? "\"" + answer.finishReason() + "\"" : "null"));
    }

    @Override
    public List<String> closing(SimulatedAnswer answer) {
        var events = new ArrayList<String>();
        var fault = answer.request().fault();
        var usage = usage(answer).toString();
        if (fault == Fault.USAGE_EARLY) {
            events.add(SimulatedAnswer.event("{\"choices\":[],\"x_groq\":{\"id\":\"r\",\"usage\":" + usage + "}}"));
        }
        if (fault == Fault.AZURE) {
            events.add(chunk(answer, "{\"index\":0,\"finish_reason\":null,\"content_filter_offsets\":{}}"));
        }
        if (fault != Fault.FINISH_WITH_TEXT) {
            events.add(chunk(answer, choice(null, "\"" + answer.finishReason() + "\"")));
        }
        if (answer.request().streamOptions() && fault != Fault.USAGE_EARLY) {
            events.add(SimulatedAnswer.event("{\"id\":\"sim-" + answer.number() + "\",\"choices\":[],\"usage\":" + usage + "}"));
        }
        if (fault != Fault.NO_DONE) {
            events.add("data: [DONE]\n\n");
        }
        return events;
    }

    static ObjectNode usage(SimulatedAnswer answer) {
        var usage = JsonNodeFactory.instance.objectNode().put("prompt_tokens", answer.promptTokens())
                .put("completion_tokens", answer.outputTokens())
                .put("total_tokens", answer.promptTokens() + answer.outputTokens());
        usage.putObject("prompt_tokens_details").put("cached_tokens", 0);
        return usage;
    }

    ObjectNode wholeOf(SimulatedAnswer answer, String object, ObjectNode choice) {
        var whole = JsonNodeFactory.instance.objectNode().put("id", "sim-" + answer.number()).put("object", object)
                .put("created", 1700000000).put("model", answer.request().model());
        whole.putArray("choices").add(choice.put("index", 0).put("finish_reason", answer.finishReason()));
        return whole.<ObjectNode>set("usage", usage(answer));
    }
}

/** {@code /v1/chat/completions}. */
final class SimulatedChat extends SimulatedChoices {
    @Override
    public String promptKey() {
        return "messages";
    }

    @Override
    String object() {
        return "chat.completion.chunk";
    }

    @Override
    public List<String> opening(SimulatedAnswer answer) {
        var content = answer.request().fault() == Fault.ROLE_NULL ? "null" : "\"\"";
        return List.of(chunk(answer, delta("\"role\":\"assistant\",\"content\":" + content, "null")));
    }

    @Override
    String choice(String text, String finishReason) {
        return delta(text == null ? "" : "\"content\":" + text, finishReason);
    }

    @Override
    public String reasoning(SimulatedAnswer answer, String text) {
        return chunk(answer, delta("\"reasoning_content\":" + SimulatedAnswer.quoted(text), "null"));
    }

    @Override
    public String toolCall(SimulatedAnswer answer, String argumentsPart) {
        return chunk(answer, delta("\"tool_calls\":[{\"index\":0,\"id\":\"call-sim\",\"type\":\"function\","
                + "\"function\":{\"name\":\"weather\",\"arguments\":\""
                + argumentsPart + "\"}}]", "null"));
    }

    private static String delta(String members, String finishReason) {
        return "{\"index\":0,\"delta\":{" + members + "},\"logprobs\":null,\"finish_reason\":" + finishReason + "}";
    }

    @Override
    public ObjectNode whole(SimulatedAnswer answer, String text) {
        var choice = JsonNodeFactory.instance.objectNode();
        choice.putObject("message").put("role", "assistant").put("content", text);
        return wholeOf(answer, "chat.completion", choice);
    }
}

/** {@code /v1/completions}. */
final class SimulatedCompletions extends SimulatedChoices {
    @Override
    public String promptKey() {
        return "prompt";
    }

    @Override
    String object() {
        return "text_completion";
    }

    @Override
    String choice(String text, String finishReason) {
        return "{\"text\":" + (text == null ? "\"\"" : text) + ",\"index\":0,\"logprobs\":null,\"finish_reason\":"
                + finishReason + "}";
    }

    @Override
    public String reasoning(SimulatedAnswer answer, String text) {
        return chunk(answer, choice("\"\"", "null"));
    }

    @Override
    public String toolCall(SimulatedAnswer answer, String argumentsPart) {
        return chunk(answer, choice("\"\"", "null"));
    }

    @Override
    public ObjectNode whole(SimulatedAnswer answer, String text) {
        return wholeOf(answer, "text_completion", JsonNodeFactory.instance.objectNode().put("text", text));
    }
}

/** {@code /v1/responses}. */
final class SimulatedResponses implements SimulatedDialect {
    @Override
    public String promptKey() {
        return "input";
    }

    @Override
    public String limitKey() {
        return "max_output_tokens";
    }

    @Override
    public List<String> opening(SimulatedAnswer answer) {
        return List.of(typed("response.created", ",\"response\":" + response(answer, "in_progress")),
                typed("response.output_item.added", ",\"output_index\":0,\"item\":{\"type\":\"message\"}"));
    }

    @Override
    public String token(SimulatedAnswer answer, String text, boolean withFinish) {
        return typed("response.output_text.delta", ",\"output_index\":0,\"delta\":" + SimulatedAnswer.quoted(text)
                + answer.padding() + answer.sim());
    }

    @Override
    public String reasoning(SimulatedAnswer answer, String text) {
        return typed("response.reasoning_summary_text.delta", ",\"delta\":" + SimulatedAnswer.quoted(text) + answer.sim());
    }

    @Override
    public String toolCall(SimulatedAnswer answer, String argumentsPart) {
        return typed("response.function_call_arguments.delta", ",\"delta\":\"" + argumentsPart + "\"" + answer.sim());
    }

    @Override
    public List<String> closing(SimulatedAnswer answer) {
        if (answer.request().fault() == Fault.NO_DONE) {
            return List.of();
        }
        var incomplete = answer.request().fault() == Fault.INCOMPLETE || answer.finishReason().equals("length");
        return List.of(typed("response.output_text.done", ",\"output_index\":0"),
                typed(incomplete ? "response.incomplete" : "response.completed",
                        ",\"response\":" + response(answer, incomplete ? "incomplete" : "completed")));
    }

    private static String typed(String type, String members) {
        return "event: " + type + "\n" + SimulatedAnswer.event("{\"type\":\"" + type + "\"" + members + "}");
    }

    private static ObjectNode response(SimulatedAnswer answer, String status) {
        var response = JsonNodeFactory.instance.objectNode().put("id", "resp-sim-" + answer.number())
                .put("object", "response").put("model", answer.request().model()).put("status", status);
        response.putArray("output");
        if (status.equals("incomplete")) {
            response.putObject("incomplete_details").put("reason", "max_output_tokens");
        }
        if (!status.equals("in_progress")) {
            var usage = response.putObject("usage").put("input_tokens", answer.promptTokens())
                    .put("output_tokens", answer.outputTokens());
            usage.putObject("input_tokens_details").put("cached_tokens", 0);
        }
        return response;
    }

    @Override
    public ObjectNode whole(SimulatedAnswer answer, String text) {
        var response = response(answer, "completed");
        ((ArrayNode) response.get("output")).addObject().put("type", "message").put("role", "assistant")
                .putArray("content").addObject().put("type", "output_text").put("text", text);
        return response;
    }
}

/** Writes events to the connection, each as a whole and immediately, unless the fault requires something else. */
final class EventWriter implements AutoCloseable {

    private static final int MERGED_EVENTS = 4;

    private final HttpConnection.Body body;
    private final OutputStream out;
    private final Fault fault;
    private int waiting;

    EventWriter(HttpConnection.Body body, Fault fault) throws IOException {
        this.body = body;
        this.out = fault == Fault.GZIP ? new GZIPOutputStream(body, 512, true) : body;
        this.fault = fault;
        if (fault == Fault.ODD_LINES) {
            out.write(new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF});
        }
    }

    void send(String events) throws IOException {
        var text = fault == Fault.ODD_LINES ? odd(events) : events;
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        if (fault == Fault.BYTES) {
            for (byte single : bytes) {
                out.write(single);
                out.flush();
            }
            return;
        }
        out.write(bytes);
        waiting++;
        if (fault != Fault.BURST && fault != Fault.FIREHOSE && (fault != Fault.MERGED || waiting % MERGED_EVENTS == 0)) {
            out.flush();
        }
    }

    /** Mixed line ends, no space after the colon, an id, a retry, and the data in two lines at a comma. */
    private String odd(String events) {
        var comma = events.indexOf(",\"");
        var split = events.startsWith("data: {") && comma > 0
                ? events.substring(0, comma + 1) + "\ndata:" + events.substring(comma + 1) : events;
        var lines = split.replaceFirst("data: ", "id: 7\nretry: 1000\ndata:");
        return waiting % 2 == 0 ? lines.replace("\n", "\r\n") : lines;
    }

    /** Writes nothing more until the client or the server closes the connection. */
    void awaitClose() throws IOException {
        flush();
        body.awaitClose();
    }

    void flush() throws IOException {
        out.flush();
    }

    /** Ends the connection in the middle of the answer. */
    void cut() throws IOException {
        body.cut();
    }

    /** The same with a TCP reset. */
    void reset() throws IOException {
        body.reset();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
