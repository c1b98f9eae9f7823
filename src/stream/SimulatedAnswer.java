//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES SimulatedTypes.java
//SOURCES HttpConnection.java

// SimulatedAnswer: what a simulated model answers, how long it takes, and what can go wrong.

package stream;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
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
    ROLE_NULL, USAGE_EARLY, OBFUSCATION, AZURE, COMMENTS, NO_DONE, REASONING, REASONING_ONLY, ODD_LINES, RETURN_LINES, PARTS,
    TOOLS, OPEN, FINISH_WITH_TEXT, MULTI_TOKEN, CONTENT_FILTER, INCOMPLETE,
    // unusual writes to the connection
    BYTES, MERGED, BURST, GZIP, FIREHOSE,
    // broken streams
    ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT, ERROR_FINISH, ERROR_CHOICE, CUT, CUT_LINE, RESET, STALL,
    // no stream at all
    NO_STREAM_OPTIONS, NO_USAGE_STATS, PLAIN_JSON, HTML, EMPTY, NOT_JSON, NO_ANSWER, STATUS_401, STATUS_403, STATUS_404, STATUS_500,
    STATUS_503,
    // a whole answer, then the connection ends although the server did not announce it
    CLOSE_AT_ONCE, CLOSE_LATE, CLOSE_ON_REQUEST, CLOSE_UNANSWERED,
    // refused at the first, third, ... request for the same answer
    BUSY, BUSY_MS, BUSY_DATE, BUSY_SILENT,
    // every twentieth request is one of those above that break, in turn
    MIXED;

    /** The faults of {@link #MIXED}, in turn: all that end by themselves or by a stall timeout. */
    private static final List<Fault> BREAKING = List.of(ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT,
            ERROR_FINISH, ERROR_CHOICE, CUT, CUT_LINE, RESET, STALL, PLAIN_JSON, HTML, EMPTY, NOT_JSON, STATUS_401, STATUS_403, STATUS_404, STATUS_500,
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

    /** Returns all but the first, separated by commas. */
    static String words() {
        return Arrays.stream(values()).skip(1).map(Fault::word).collect(Collectors.joining(", "));
    }
}

/**
 * What a request asks for, checked.
 *
 * @param streamOptions whether it asks for token counts at the end of the stream
 * @param eachUsage     whether it asks for them with each event
 * @param choices       how many answers, from 1
 * @param tool          the tool that the answer calls; null for an answer in text
 */
record SimulatedRequest(String path, String model, LatencyProfile latency, Fault fault, String prompt, int maxTokens,
                        boolean stream, boolean streamOptions, boolean eachUsage, int choices, Tool tool) {

    private static final int MOST_CHOICES = 128; // as OpenAI has it

    /** A tool and the arguments with which it is called. */
    record Tool(String name, ObjectNode json) {

        /** Returns the arguments as text. */
        String arguments() {
            return json.toString();
        }

        /** Returns the first of these tools, in the form of any API, with a value for each of its parameters. */
        static Tool firstOf(JsonNode tools) {
            var first = tools.path(0).path("function").isObject() ? tools.get(0).get("function") : tools.path(0);
            var schema = first.has("input_schema") ? first.get("input_schema") : first.path("parameters");
            var arguments = JsonNodeFactory.instance.objectNode();
            schema.path("properties").properties().forEach(parameter -> {
                switch (parameter.getValue().path("type").asString("string")) {
                    case "number", "integer" -> arguments.put(parameter.getKey(), 1);
                    case "boolean" -> arguments.put(parameter.getKey(), true);
                    case "array" -> arguments.putArray(parameter.getKey());
                    case "object" -> arguments.putObject(parameter.getKey());
                    default -> arguments.put(parameter.getKey(), "Paris");
                }
            });
            return new Tool(first.path("name").asString("weather"),
                    schema.has("properties") ? arguments : arguments.put("city", "Paris"));
        }
    }

    /** Throws RefusedRequest with the message for the client. */
    static SimulatedRequest of(String path, SimulatedDialect dialect, JsonNode body, String faultHeader) {
        dialect.types().check(body);
        var model = body.get("model").stringValue();
        if (model.isEmpty()) {
            throw new RefusedRequest(null, "you must provide a model parameter");
        }
        var prompt = body.get(dialect.promptKey());
        var plus = model.lastIndexOf('+');
        var word = faultHeader != null ? faultHeader : plus < 0 ? "none" : model.substring(plus + 1);
        var fault = Fault.ofWord(word);
        if (fault == null) {
            throw new RefusedRequest(null, "there is no simulated fault '" + word + "'; there are " + Fault.words());
        }
        var limit = body.path(dialect.limitKey()).asInt(body.path("max_completion_tokens").asInt(16_384));
        var choices = body.path("n").asInt(1);
        if (limit < 1 || choices < 1 || choices > MOST_CHOICES) {
            throw new RefusedRequest(null, limit < 1 ? limit + " is less than the minimum of 1 - '" + dialect.limitKey() + "'"
                    : "n is " + choices + "; must be 1 to " + MOST_CHOICES);
        }
        var latency = LatencyProfile.ofModel(plus < 0 ? model : model.substring(0, plus));
        var last = prompt.isArray() && !prompt.isEmpty() ? prompt.get(prompt.size() - 1) : prompt;
        var options = body.path("stream_options");
        return new SimulatedRequest(path, model, latency, fault, text(last), limit,
                body.path("stream").asBoolean(false), options.isObject(), options.path("continuous_usage_stats").asBoolean(false),
                choices, callsTool(body, fault, last) ? Tool.firstOf(body.path("tools")) : null);
    }

    /** Returns the text of a message: of its parts if it has any. */
    private static String text(JsonNode message) {
        var content = message.isObject() ? message.path("content") : message;
        return content.isArray() && !content.isEmpty()
                ? content.valueStream().map(part -> part.path("text").asString("")).collect(Collectors.joining(" "))
                : content.asString(content.toString());
    }

    /** A tool is called if the fault or the request wants it, but not again once its result is there. */
    private static boolean callsTool(JsonNode body, Fault fault, JsonNode lastMessage) {
        var hasResult = lastMessage.path("role").asString("").equals("tool") || lastMessage.toString().contains("tool_result")
                || lastMessage.path("type").asString("").equals("function_call_output");
        var choice = body.path("tool_choice");
        var isWanted = !body.path("tools").isEmpty()
                && (choice.isObject() || List.of("required", "any").contains(choice.asString("")));
        return !hasResult && (fault == Fault.TOOLS || isWanted && !choice.path("type").asString("").equals("auto"));
    }

    SimulatedRequest with(Fault other) {
        return new SimulatedRequest(path, model, latency, other, prompt, maxTokens, stream, streamOptions, eachUsage, choices,
                tool);
    }

    /** Requests of the same key are the same request again. */
    String key() {
        return path + "\n" + model + "\n" + prompt;
    }
}

/** The texts of the simulated models, which fit the question a little. */
final class SimulatedText {

    /** Asked about one of the words, a model answers with the text. In several scripts and with emoji: a client must not split characters. */
    private record Paragraph(List<String> words, List<String> tokens) {
        Paragraph(String text, String... words) {
            this(List.of(words), SimulatedText.tokens(text));
        }
    }

    private static final Pattern TOKEN = Pattern.compile("(?s) ?[a-zA-Zäöüß]{1,7}| ?.");

    private static final List<Paragraph> PARAGRAPHS = List.of(
            new Paragraph("Sunlight is a mix of all colours. Air molecules scatter the short blue waves far more than the long red "
                    + "ones, so blue reaches the eye from every side of the sky.", "sky", "blue", "himmel"),
            new Paragraph("The capital of France is Paris. 🗼", "capital", "france", "paris", "hauptstadt"),
            new Paragraph("The ocean is 3,700 metres deep on average, and almost 11,000 metres in the Mariana Trench. 🌊", "ocean",
                    "sea", "deep"),
            new Paragraph("Bees dance to tell each other where the flowers are: the angle gives the direction, the length the "
                    + "distance. 🐝", "bee", "bees"),
            new Paragraph("A monad is a type with a way to wrap a value and a way to chain steps that return wrapped values, so that "
                    + "each step can stay simple.", "monad"),
            new Paragraph("2, 3, 5, 7, 11.", "prime", "primes"),
            new Paragraph("Rain on the window,\na small lamp, a half-read page:\nthe night takes its time.", "haiku", "poem", "rain"),
            new Paragraph("おはようございます。今日はいい天気ですね。Good morning, it is a fine day. 🌊", "japanese", "morning", "translate"),
            new Paragraph("Das wäre schön: ein kühler Abend, ein Glas Wasser und ein gutes Buch. Mehr braucht es nicht, um glücklich "
                    + "zu sein – jedenfalls für heute.", "german", "deutsch", "schön"));

    private static final List<Paragraph> GENERAL = List.of(
            new Paragraph("First, write down what you know. Second, write down what you want to know. Third, find the shortest way "
                    + "between the two, and walk it. ✅"),
            new Paragraph("It depends on what you need. Begin with the simplest thing that could work, measure it, and change one thing "
                    + "at a time – then you know what helped. 📏"));

    private SimulatedText() { }

    /** Returns the answer to a question, piece by piece. */
    static List<String> answer(String question) {
        var words = List.of(question.toLowerCase(Locale.ROOT).split("[^\\p{L}]+"));
        return PARAGRAPHS.stream().filter(paragraph -> paragraph.words().stream().anyMatch(words::contains)).findFirst()
                .orElseGet(() -> GENERAL.get(Math.floorMod(question.hashCode(), GENERAL.size()))).tokens();
    }

    /** Splits a text into pieces as a tokenizer does: a word, or some letters of a long one, or a character. */
    static List<String> tokens(String text) {
        var found = new ArrayList<String>();
        var matcher = TOKEN.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group());
        }
        return List.copyOf(found);
    }
}

/** What an answer consists of, one part after the other. */
enum AnswerPart { REASONING, TEXT, TOOL_CALL }

/** One answer: its text, its schedule, and the way it is streamed. */
final class SimulatedAnswer {

    private static final int REASONING_TOKENS = 5;
    private static final int TOOL_CALL_TOKENS = 2;
    private static final String OVERLOADED = "The server is overloaded.";

    private final SimulatedRequest request;
    private final SimulatedDialect dialect;
    private final SplittableRandom random;
    private final int number;
    private final long receivedNanos;
    private final long ttftNanos;
    private final List<String> tokens;
    private final int length;
    private long dueNanos;
    private int sentTokens;

    SimulatedAnswer(SimulatedRequest request, SimulatedDialect dialect, SplittableRandom random, int number, long receivedNanos) {
        this.request = request;
        this.dialect = dialect;
        this.random = random;
        this.number = number;
        this.receivedNanos = receivedNanos;
        this.ttftNanos = request.latency().nextTtftNanos(random);
        this.dueNanos = ttftNanos;
        this.tokens = SimulatedText.answer(request.prompt());
        this.length = Math.min(wantedTokens(), request.maxTokens());
    }

    private int wantedTokens() {
        return request.latency().tokens() > 0 ? request.latency().tokens() : tokens.size();
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
        sentTokens = outputTokens();
        return dialect.whole(this);
    }

    /** Returns the parts of which the answer consists. */
    List<AnswerPart> parts() {
        var main = request.tool() != null ? AnswerPart.TOOL_CALL : AnswerPart.TEXT;
        return switch (request.fault()) {
            case REASONING -> List.of(AnswerPart.REASONING, main);
            case REASONING_ONLY -> List.of(AnswerPart.REASONING);
            default -> List.of(main);
        };
    }

    /** Returns the pieces in which a part is streamed. */
    private List<String> pieces(AnswerPart part) {
        return switch (part) {
            case REASONING -> IntStream.range(0, REASONING_TOKENS).mapToObj(i -> tokens.get(i % tokens.size())).toList();
            case TOOL_CALL -> {
                var half = request.tool().arguments().length() / 2;
                yield List.of(request.tool().arguments().substring(0, half), request.tool().arguments().substring(half));
            }
            case TEXT -> IntStream.range(0, length).mapToObj(i -> tokens.get(i % tokens.size())).toList();
        };
    }

    /** Returns a part as a whole. */
    String text(AnswerPart part) {
        return String.join("", pieces(part));
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
        for (var part : parts()) {
            if (!(part == AnswerPart.TEXT ? streamText(wire) : streamPieces(wire, part))) {
                return;
            }
            for (var closing : dialect.end(this, part)) {
                wire.send(closing);
            }
        }
        for (var closing : dialect.closing(this)) {
            wire.send(closing);
        }
        if (fault == Fault.OPEN) {
            wire.flush();
            wire.awaitClose();
        }
    }

    private boolean streamPieces(EventWriter wire, AnswerPart part) throws IOException {
        begin(wire, part);
        for (var piece : pieces(part)) {
            waitUntilDue();
            sentTokens++;
            wire.send(dialect.delta(this, part, piece, false));
            dueNanos += request.latency().nextItlNanos(random);
        }
        return true;
    }

    private void begin(EventWriter wire, AnswerPart part) throws IOException {
        for (var opening : dialect.begin(this, part)) {
            wire.send(opening);
        }
    }

    /** Returns false if the stream broke. */
    private boolean streamText(EventWriter wire) throws IOException {
        var perEvent = request.fault() == Fault.MULTI_TOKEN ? 3 : 1;
        begin(wire, AnswerPart.TEXT);
        for (int i = 0; i < length; i += perEvent) {
            if (i >= length / 2 && broke(wire)) {
                return false;
            }
            waitUntilDue();
            var text = new StringBuilder();
            for (int j = i; j < Math.min(length, i + perEvent); j++) {
                text.append(token(j));
                sentTokens++;
            }
            if (request.fault() == Fault.COMMENTS && i % 4 == 1) {
                wire.send(": keep-alive\n\n");
            }
            var last = i + perEvent >= length;
            wire.send(dialect.delta(this, AnswerPart.TEXT, text.toString(), last && request.fault() == Fault.FINISH_WITH_TEXT));
            if (!last) {
                dueNanos += request.latency().nextItlNanos(random);
            }
        }
        return true;
    }

    /** Breaks the stream in its middle if the fault is one that does. */
    private boolean broke(EventWriter wire) throws IOException {
        switch (request.fault()) {
            case ERROR_OBJECT -> wire.send(event("{\"error\":{\"message\":\"" + OVERLOADED
                    + "\",\"type\":\"server_error\",\"code\":503}}") + "data: [DONE]\n\n");
            case ERROR_STRING -> wire.send(event("{\"error\":\"" + OVERLOADED + "\"}"));
            case ERROR_VLLM -> wire.send(event("{\"object\":\"error\",\"message\":\"" + OVERLOADED
                    + "\",\"type\":\"InternalServerError\",\"code\":500}") + "data: [DONE]\n\n");
            case ERROR_FIELD -> wire.send("error: {\"code\":500,\"message\":\"" + OVERLOADED
                    + "\",\"type\":\"server_error\"}\n\n");
            case ERROR_EVENT -> wire.send(dialect.error(OVERLOADED));
            case ERROR_FINISH -> wire.send(dialect.failedChoice(null));
            case ERROR_CHOICE -> wire.send(dialect.failedChoice(OVERLOADED));
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

    /** Returns why the answer ended, in the words of the chat API. */
    String finishReason() {
        return request.tool() != null ? "tool_calls" : request.fault() == Fault.CONTENT_FILTER ? "content_filter"
                : length < wantedTokens() ? "length" : "stop";
    }

    int promptTokens() {
        return Math.max(1, SimulatedText.tokens(request.prompt()).size());
    }

    int reasoningTokens() {
        return parts().contains(AnswerPart.REASONING) ? REASONING_TOKENS : 0;
    }

    int outputTokens() {
        return reasoningTokens() + (parts().contains(AnswerPart.TOOL_CALL) ? TOOL_CALL_TOKENS
                : parts().contains(AnswerPart.TEXT) ? length : 0) * request.choices();
    }

    /** Returns how many tokens have been sent so far. */
    int sentTokens() {
        return sentTokens * request.choices();
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

/** How an answer is written at one endpoint, for one request; methods that return events return whole server-sent events. */
interface SimulatedDialect {
    String promptKey();

    String limitKey();

    SimulatedTypes types();

    List<String> opening(SimulatedAnswer answer);

    /** Returns what precedes the pieces of a part. */
    List<String> begin(SimulatedAnswer answer, AnswerPart part);

    /** Returns a piece of a part; {@code withFinish} if it also says why the answer ended. */
    String delta(SimulatedAnswer answer, AnswerPart part, String text, boolean withFinish);

    /** Returns what follows the pieces of a part. */
    List<String> end(SimulatedAnswer answer, AnswerPart part);

    List<String> closing(SimulatedAnswer answer);

    /** Returns the event with which the API reports a failure inside a stream. */
    String error(String message);

    /** Returns the end of a choice that failed, as OpenRouter writes it; {@code message} may be null. */
    default String failedChoice(String message) {
        return error(String.valueOf(message));
    }

    /** Returns the answer to a request that does not ask for a stream. */
    ObjectNode whole(SimulatedAnswer answer);

    /** Returns the body of a refusal; {@code code} may be null. */
    default ObjectNode refusal(String type, String code, String message) {
        var body = JsonNodeFactory.instance.objectNode();
        body.putObject("error").put("message", message).put("type", type).putNull("param").put("code", code);
        return body;
    }
}

/** Writes events to the connection, each as a whole and immediately, unless the fault requires something else. */
final class EventWriter implements AutoCloseable {

    private static final int MERGED_EVENTS = 4;
    private static final int LARGE_PIECE = 4096;

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
        var text = fault == Fault.ODD_LINES ? odd(events) : fault == Fault.RETURN_LINES ? events.replace('\n', '\r') : events;
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
        if (switch (fault) {
            case BURST -> false;
            case FIREHOSE -> body.waiting() >= LARGE_PIECE;
            case MERGED -> waiting % MERGED_EVENTS == 0;
            default -> true;
        }) {
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
