///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION An OpenAI-compatible server with known latencies and faults
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.2.4
//RUNTIME_OPTIONS -XX:+UseSerialGC -Djdk.pollerMode=1

// Simulator: an OpenAI-compatible server whose timing is known, so that a client can be held against the truth.
//
// To run just:
//   jbang Simulator.java --port 8089
//   curl -N localhost:8089/v1/chat/completions -d '{"model":"gpt-4","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
//
// Endpoints: /v1/chat/completions, /v1/completions, /v1/responses, /v1/models; streaming and not.
// Latency:   gpt-4, gpt-3.5-turbo and text-davinci-003 have profiles below, any other name gets a default one;
//            sim-ttft200-itl20-n64 as a name means: first token after 200 ms, then one each 20 ms, 64 in all;
//            with -clock behind it each token is the time it was sent, so that a client's CSV holds the truth beside it.
// Truth:     each chunk carries "sim":{"sent_ns":..,"due_ns":..}, nanoseconds since the request was received:
//            when it was due, and when it was handed to the socket.
// Faults:    gpt-4+stall, or the header X-Sim-Fault: stall; the names are in the enum Fault.
//
// The latencies are made up; they say nothing about the real models of these names.

package stream;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The command that runs a simulated server until it is interrupted. */
@Command(name = "simulator", mixinStandardHelpOptions = true, sortOptions = false, version = "0.1.0",
        description = "An OpenAI-compatible server with known latencies and faults.")
public class Simulator implements Callable<Integer> {

    @Option(names = "--port", defaultValue = "8089", paramLabel = "N", description = "Port; 0 takes a free one"
            + " (default: ${DEFAULT-VALUE}).")
    int port;

    @Option(names = "--host", defaultValue = "127.0.0.1", paramLabel = "ADDRESS",
            description = "Address to listen on; others than this machine's own open it to the network"
                    + " (default: ${DEFAULT-VALUE}).")
    String host;

    @Option(names = "--seed", defaultValue = "1", paramLabel = "N",
            description = "The same seed gives the same latencies (default: ${DEFAULT-VALUE}).")
    long seed;

    private final PrintStream out;
    private final PrintStream err;

    Simulator(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(new CommandLine(new Simulator(System.out, System.err))
                .setParameterExceptionHandler((problem, words) -> {
                    System.err.println("simulator: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args));
    }

    @Override
    public Integer call() throws InterruptedException {
        if (port < 0 || port > 65535) {
            err.println("simulator: --port " + port + "; it takes 0 to 65535");
            return 2;
        }
        try (var server = SimulatedServer.start(host, port, seed)) {
            SimulatedServer.warmUp();
            out.println("simulated models at " + server.baseUrl() + " (Ctrl-C ends it)");
            new CountDownLatch(1).await();
            return 0;
        } catch (IOException e) {
            err.println("simulator: can't listen on " + host + " port " + port + " (" + e.getMessage()
                    + "); choose another with --port");
            return 2;
        }
    }
}

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
record Latency(double ttftMillis, double itlMillis, double ttftSpread, double itlSpread, int tokens, boolean clock) {

    static final Map<String, Latency> PROFILES = Map.of(
            "gpt-4", new Latency(400, 20, 0.25, 0.35, 0, false),
            "gpt-3.5-turbo", new Latency(180, 8, 0.25, 0.35, 0, false),
            "text-davinci-003", new Latency(260, 12, 0.25, 0.35, 0, false));
    private static final Latency ANY_OTHER = new Latency(200, 10, 0.25, 0.35, 0, false);

    private static final Pattern IN_NAME =
            Pattern.compile("sim-ttft(\\d+(?:\\.\\d+)?)-itl(\\d+(?:\\.\\d+)?)-n(\\d{1,9})(-clock)?");

    static Latency ofModel(String name) {
        var named = IN_NAME.matcher(name);
        if (named.matches()) {
            return new Latency(Double.parseDouble(named.group(1)), Double.parseDouble(named.group(2)), 0, 0,
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

/** What can go wrong or be odd, each as some real server does it; the name in lower case with hyphens selects it. */
enum Fault {
    NONE,
    // odd but right
    ROLE_NULL, USAGE_EARLY, OBFUSCATION, AZURE, COMMENTS, NO_DONE, REASONING, REASONING_ONLY, ODD_LINES, TOOLS,
    OPEN, FINISH_WITH_TEXT, MULTI_TOKEN, CONTENT_FILTER, INCOMPLETE,
    // odd on the wire
    BYTES, MERGED, BURST, GZIP, FIREHOSE,
    // broken streams
    ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT, CUT, CUT_LINE, RESET, STALL,
    // no stream at all
    NO_STREAM_OPTIONS, PLAIN_JSON, HTML, EMPTY, NOT_JSON, NO_ANSWER, STATUS_401, STATUS_403, STATUS_404, STATUS_500,
    STATUS_503,
    // a whole answer, then the connection ends although the server did not announce it
    CLOSE_AT_ONCE, CLOSE_LATE, CLOSE_ON_REQUEST, CLOSE_UNANSWERED,
    // refused once, then answered
    BUSY, BUSY_MS, BUSY_DATE, BUSY_SILENT,
    // every twentieth request is one of those above that break, each in its turn
    MIXED;

    /** What {@link #MIXED} takes turns with: all that end by themselves or by a stall timeout. */
    private static final List<Fault> BREAKING = List.of(ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT,
            CUT, CUT_LINE, RESET, STALL, PLAIN_JSON, HTML, EMPTY, NOT_JSON, STATUS_401, STATUS_403, STATUS_404, STATUS_500,
            STATUS_503, BUSY_MS);

    /** Returns what the request of this number meets, from 1. */
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

/** A running simulated server; closing it ends it and all its streams. */
final class SimulatedServer implements AutoCloseable {

    private static final int BACKLOG = 4096;
    private static final int WARM_UP_STREAMS = 200;
    private static final long CLOSE_LATE_NANOS = TimeUnit.MILLISECONDS.toNanos(25); // as llama.cpp does

    private final ServerSocket listener;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final long seed;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger answers = new AtomicInteger();
    private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();

    private SimulatedServer(ServerSocket listener, long seed) {
        this.listener = listener;
        this.seed = seed;
    }

    /** Starts on a free loopback port. */
    static SimulatedServer start(long seed) throws IOException {
        return start("127.0.0.1", 0, seed);
    }

    static SimulatedServer start(String host, int port, long seed) throws IOException {
        var server = new SimulatedServer(new ServerSocket(port, BACKLOG, InetAddress.getByName(host)), seed);
        server.threads.submit(server::accept);
        return server;
    }

    /**
     * Lets the JVM load and compile what the first requests would otherwise wait for: streams answers of a second
     * server to clients of its own.
     */
    static void warmUp() throws IOException {
        try (var server = start(1); var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (var model : List.of("sim-ttft1-itl0-n1000", "sim-ttft5-itl2-n20")) {
                for (int i = 0; i < WARM_UP_STREAMS; i++) {
                    clients.submit(() -> server.readAnswer(model));
                }
            }
        }
    }

    /** Asks this server as any client would, and reads the answer to its end. */
    private int readAnswer(String model) throws IOException {
        var body = "{\"model\":\"" + model + "\",\"stream\":true,\"messages\":[{\"content\":\"Warm up\"}]}";
        try (var socket = new Socket(listener.getInetAddress(), listener.getLocalPort())) {
            socket.getOutputStream().write(("POST /v1/chat/completions HTTP/1.1\r\nConnection: close\r\nContent-Length: "
                    + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
            return socket.getInputStream().readAllBytes().length;
        }
    }

    String baseUrl() {
        var host = listener.getInetAddress().getHostAddress();
        return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + listener.getLocalPort() + "/v1";
    }

    /** Number of the requests that got an answer, whole or not, but no refusal. */
    int answers() {
        return answers.get();
    }

    @Override
    public void close() {
        closeQuietly(listener);
        connections.forEach(SimulatedServer::closeQuietly);
        threads.shutdownNow();
    }

    private static void closeQuietly(Closeable socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // nothing is left to close
        }
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                var socket = listener.accept();
                connections.add(socket);
                threads.submit(() -> serve(socket));
            } catch (IOException | RejectedExecutionException e) {
                return; // the server is closed
            }
        }
    }

    /** Answers the requests of one connection, one after the other. */
    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true); // Nagle's algorithm would hold small chunks back
            var http = new HttpConnection(socket);
            for (HttpRequest request; (request = http.nextRequest()) != null; ) {
                var fault = handle(http, request, System.nanoTime());
                if (!http.isReusable() || endsConnection(fault, http)) {
                    return;
                }
            }
        } catch (IOException e) {
            // the client has left
        } finally {
            connections.remove(socket);
        }
    }

    /** Waits for the moment at which the fault closes an idle connection; returns false if it keeps it open. */
    private static boolean endsConnection(Fault fault, HttpConnection http) throws IOException {
        switch (fault) {
            case CLOSE_AT_ONCE -> { }
            case CLOSE_LATE -> LockSupport.parkNanos(CLOSE_LATE_NANOS);
            case CLOSE_ON_REQUEST -> http.awaitRequest();
            case CLOSE_UNANSWERED -> http.nextRequest();
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Answers a request; returns the fault that it asked for. */
    private Fault handle(HttpConnection http, HttpRequest request, long receivedNanos) throws IOException {
        var path = request.path();
        if (path.equals("/v1/models") && request.method().equals("GET")) {
            http.respond(200, "application/json", models().toString());
            return Fault.NONE;
        }
        var dialect = switch (path) {
            case "/v1/chat/completions" -> new ChatDialect();
            case "/v1/completions" -> new CompletionsDialect();
            case "/v1/responses" -> new ResponsesDialect();
            default -> null;
        };
        if (dialect == null) {
            refuse(http, 404, "invalid_request_error", "unknown_url", "Unknown request URL: " + request.method() + " " + path);
        } else if (!request.method().equals("POST")) {
            refuse(http, 405, "invalid_request_error", null, "Only POST is accepted at " + path);
        } else {
            return answer(http, request, dialect, receivedNanos);
        }
        return Fault.NONE;
    }

    private Fault answer(HttpConnection http, HttpRequest request, Dialect dialect, long receivedNanos)
            throws IOException {
        Ask ask;
        try {
            ask = Ask.of(dialect, JsonMapper.shared().readTree(request.body()), request.header("X-Sim-Fault"));
            ask = ask.with(ask.fault().ofRequest(requests.incrementAndGet()));
        } catch (JacksonException e) {
            refuse(http, 400, "invalid_request_error", null, "We could not parse the JSON body of your request.");
            return Fault.NONE;
        } catch (IllegalArgumentException e) {
            refuse(http, 400, "invalid_request_error", null, e.getMessage());
            return Fault.NONE;
        }
        var nth = asked.computeIfAbsent(ask.key(), key -> new AtomicInteger()).incrementAndGet();
        if (refused(http, ask, nth)) {
            return ask.fault();
        }
        var random = new SplittableRandom(seed * 31 + ask.key().hashCode() * 1_000_003L + nth);
        var answer = new Answer(ask, dialect, random, answers.incrementAndGet(), receivedNanos);
        var headers = new LinkedHashMap<String, String>();
        headers.put("x-request-id", "req-sim-" + answer.number());
        headers.put("openai-processing-ms", String.valueOf(answer.ttftNanos() / 1_000_000));
        if (!ask.stream() || ask.fault() == Fault.PLAIN_JSON) {
            answer.waitForAll();
            http.respond(200, "application/json", answer.whole().toString(), headers);
            return ask.fault();
        }
        headers.put("Cache-Control", "no-cache");
        if (ask.fault() == Fault.GZIP) {
            headers.put("Content-Encoding", "gzip");
        }
        try (var wire = new Wire(http.stream("text/event-stream; charset=utf-8", headers), ask.fault())) {
            answer.stream(wire);
        }
        return ask.fault();
    }

    /** Sends the answer of a fault that never gets to a stream; returns false if there is none. */
    private boolean refused(HttpConnection http, Ask ask, int nth) throws IOException {
        switch (ask.fault()) {
            case NO_STREAM_OPTIONS -> {
                if (!ask.streamOptions()) {
                    return false;
                }
                refuse(http, 400, "invalid_request_error", null, "Unrecognized request argument: stream_options");
            }
            case HTML -> http.respond(502, "text/html",
                    "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>nginx</body>\n</html>\n");
            case EMPTY -> http.respond(200, "text/event-stream", "");
            case NOT_JSON -> http.respond(500, "text/plain", "upstream connect error\nreset before headers\n");
            case STATUS_401 -> refuse(http, 401, "invalid_request_error", "invalid_api_key", "Incorrect API key.");
            case STATUS_403 -> refuse(http, 403, "invalid_request_error", null, "No access to this model.");
            case STATUS_404 -> refuse(http, 404, "invalid_request_error", "model_not_found",
                    "The model `" + ask.model() + "` has been deprecated.");
            case STATUS_500 -> refuse(http, 500, "server_error", null, "The server had an error.");
            case STATUS_503 -> refuse(http, 503, "server_error", null, "Overloaded.");
            case NO_ANSWER -> pauseUntilClosed();
            case BUSY, BUSY_MS, BUSY_DATE, BUSY_SILENT -> {
                if (nth % 2 == 0) {
                    return false;
                }
                refuse(http, 429, "requests", "rate_limit_exceeded", "Rate limit reached.", retryAfter(ask.fault()));
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private static Map<String, String> retryAfter(Fault fault) {
        return switch (fault) {
            case BUSY -> Map.of("Retry-After", "1");
            case BUSY_MS -> Map.of("retry-after-ms", "120");
            case BUSY_DATE -> Map.of("Retry-After", DateTimeFormatter.RFC_1123_DATE_TIME
                    .format(ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(2)));
            default -> Map.of();
        };
    }

    /** Interrupted when the server is closed. */
    static void pauseUntilClosed() {
        while (!Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
        }
    }

    private static ObjectNode models() {
        var list = JsonNodeFactory.instance.objectNode().put("object", "list");
        var data = list.putArray("data");
        Latency.PROFILES.keySet().stream().sorted()
                .forEach(name -> data.addObject().put("id", name).put("object", "model").put("owned_by", "simulator"));
        return list;
    }

    private static void refuse(HttpConnection http, int status, String type, String code, String message)
            throws IOException {
        refuse(http, status, type, code, message, Map.of());
    }

    private static void refuse(HttpConnection http, int status, String type, String code, String message,
                               Map<String, String> headers) throws IOException {
        var body = JsonNodeFactory.instance.objectNode();
        body.putObject("error").put("message", message).put("type", type).putNull("param").put("code", code);
        http.respond(status, "application/json", body.toString(), headers);
    }
}

/**
 * A request as it was read.
 *
 * @param path    without a query
 * @param headers names in lower case
 */
record HttpRequest(String method, String path, Map<String, String> headers, byte[] body) {

    /** Returns null if there is no such header. */
    String header(String name) {
        return headers.get(name.toLowerCase(Locale.ROOT));
    }
}

/**
 * The server's side of an HTTP/1.1 connection. The JDK's server hides its sockets, and ends each answer as it should;
 * this one can also reset a connection, and end one in the middle of an answer, as real servers do.
 */
final class HttpConnection {

    private static final int LONGEST_HEAD = 64 * 1024;
    private static final int LONGEST_BODY = 64 << 20;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private boolean chunked;
    private boolean withBody;
    private boolean reusable = true;

    HttpConnection(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new BufferedInputStream(socket.getInputStream());
        this.out = socket.getOutputStream();
    }

    /** Whether another request may follow. */
    boolean isReusable() {
        return reusable;
    }

    /** Waits for the first byte of a request, and leaves it there. */
    void awaitRequest() throws IOException {
        in.mark(1);
        in.read();
        in.reset();
    }

    /**
     * Waits for a request and reads it whole; returns null if the client has closed the connection instead.
     *
     * @throws IOException if it is not a request, which the client is told
     */
    HttpRequest nextRequest() throws IOException {
        var start = line();
        if (start == null) {
            return null;
        }
        var words = start.split(" ");
        if (words.length != 3 || !words[2].startsWith("HTTP/1.")) {
            throw refused(400, "not an HTTP/1.1 request");
        }
        var headers = new HashMap<String, String>();
        var size = start.length();
        for (String line; (line = line()) != null && !line.isEmpty(); size += line.length()) {
            var colon = line.indexOf(':');
            if (colon < 0 || size > LONGEST_HEAD) {
                throw refused(size > LONGEST_HEAD ? 431 : 400, "bad headers");
            }
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
        }
        chunked = words[2].equals("HTTP/1.1"); // a client of HTTP/1.0 reads a stream up to the end of the connection
        withBody = !words[0].equals("HEAD");
        reusable = chunked && !"close".equalsIgnoreCase(headers.get("connection"));
        if ("100-continue".equalsIgnoreCase(headers.get("expect"))) {
            out.write(bytes("HTTP/1.1 100 Continue\r\n\r\n"));
        }
        return new HttpRequest(words[0], words[1].replaceFirst("\\?.*", ""), headers, body(headers));
    }

    /** Returns a line without its end; null where the connection ends. */
    private String line() throws IOException {
        var line = new StringBuilder();
        for (int next; (next = in.read()) != '\n'; ) {
            if (next < 0) {
                return null;
            }
            if (line.length() > LONGEST_HEAD) {
                throw refused(431, "a line is too long");
            }
            line.append((char) next);
        }
        return line.toString().stripTrailing();
    }

    private byte[] body(Map<String, String> headers) throws IOException {
        try {
            if (!"chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
                return bytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
            }
            var body = new ByteArrayOutputStream();
            for (int size; (size = Integer.parseInt(String.valueOf(line()).replaceFirst(";.*", ""), 16)) > 0; line()) {
                body.write(bytes(size));
            }
            line();
            return body.toByteArray();
        } catch (NumberFormatException e) {
            throw refused(400, "the length of the body is not a number");
        }
    }

    private byte[] bytes(int size) throws IOException {
        if (size < 0 || size > LONGEST_BODY) {
            throw refused(413, "the body is too long");
        }
        return in.readNBytes(size);
    }

    private IOException refused(int status, String why) throws IOException {
        reusable = false;
        respond(status, "text/plain", why + "\n");
        return new IOException(why);
    }

    void respond(int status, String type, String text) throws IOException {
        respond(status, type, text, Map.of());
    }

    void respond(int status, String type, String text, Map<String, String> headers) throws IOException {
        var body = bytes(text);
        var head = head(status, type, headers).append("Content-Length: ").append(body.length).append("\r\n\r\n");
        var response = new ByteArrayOutputStream();
        response.write(bytes(head.toString()));
        if (withBody) {
            response.write(body);
        }
        response.writeTo(out);
    }

    /** Begins a response of status 200 whose body is written bit by bit; its headers are sent at once. */
    Body stream(String type, Map<String, String> headers) throws IOException {
        var head = head(200, type, headers).append(chunked ? "Transfer-Encoding: chunked\r\n" : "").append("\r\n");
        out.write(bytes(head.toString()));
        return new Body();
    }

    private StringBuilder head(int status, String type, Map<String, String> headers) {
        var head = new StringBuilder("HTTP/1.1 ").append(status).append(" \r\nDate: ")
                .append(DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC)))
                .append("\r\nContent-Type: ").append(type).append("\r\n");
        headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        return head.append(reusable ? "" : "Connection: close\r\n");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The body of a streamed response: what was written before a flush is one chunk, and one write to the socket. */
    final class Body extends OutputStream {

        private static final int LARGEST_CHUNK = 4096;

        private final ByteArrayOutputStream chunk = new ByteArrayOutputStream(LARGEST_CHUNK);
        private boolean ended;

        @Override
        public void write(int single) {
            chunk.write(single);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            chunk.write(bytes, offset, length);
            if (chunk.size() >= LARGEST_CHUNK) {
                flush();
            }
        }

        @Override
        public void flush() throws IOException {
            if (chunk.size() > 0 && withBody && !ended) {
                var framed = new ByteArrayOutputStream(chunk.size() + 12);
                framed.write(bytes(chunked ? Integer.toHexString(chunk.size()) + "\r\n" : ""));
                chunk.writeTo(framed);
                framed.write(bytes(chunked ? "\r\n" : ""));
                framed.writeTo(out);
            }
            chunk.reset();
        }

        /** Ends the connection without the chunk that ends a body. */
        void cut() throws IOException {
            flush();
            ended = true;
            socket.close();
            reusable = false;
        }

        /** Ends the connection with a TCP reset. */
        void reset() throws IOException {
            flush();
            socket.setSoLinger(true, 0);
            cut();
        }

        @Override
        public void close() throws IOException {
            flush();
            if (chunked && withBody && !ended) {
                out.write(bytes("0\r\n\r\n"));
            }
            ended = true;
        }
    }
}

/** What a request asks for, checked. */
record Ask(String endpoint, String model, Latency latency, Fault fault, String prompt, int maxTokens, boolean stream,
           boolean streamOptions) {

    /** Throws IllegalArgumentException with the words for the user. */
    static Ask of(Dialect dialect, JsonNode body, String faultHeader) {
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
        var latency = Latency.ofModel(plus < 0 ? model : model.substring(0, plus));
        return new Ask(dialect.getClass().getSimpleName(), model, latency, fault, question.asString(question.toString()),
                limit, body.path("stream").asBoolean(false), body.path("stream_options").isObject());
    }

    Ask with(Fault other) {
        return new Ask(endpoint, model, latency, other, prompt, maxTokens, stream, streamOptions);
    }

    /** Requests of the same key are the same request again. */
    String key() {
        return endpoint + "\n" + model + "\n" + prompt;
    }
}

/** One answer: its text, its schedule, and the way it is streamed. */
final class Answer {

    /** What the simulator says; several scripts and an emoji, since a client must not split characters. */
    private static final List<List<String>> TEXTS = List.of(
            "Sunlight is a mix of all colours. Air molecules scatter the short blue waves far more than the long red "
                    + "ones, so blue reaches the eye from every side of the sky.",
            "Das wäre schön: ein kühler Abend, ein Glas Wasser und ein gutes Buch. Mehr braucht es nicht, um glücklich "
                    + "zu sein – jedenfalls für heute.",
            "おはようございます。今日はいい天気ですね。Good morning, it is a fine day, and the sea is calm. 🌊",
            "First, write down what you know. Second, write down what you want to know. Third, find the shortest way "
                    + "between the two, and walk it. ✅",
            "Rain on the window,\na small lamp, a half-read page:\nthe night takes its time.").stream()
            .map(Answer::tokens).toList();

    private final Ask ask;
    private final Dialect dialect;
    private final SplittableRandom random;
    private final int number;
    private final long receivedNanos;
    private final long ttftNanos;
    private final List<String> tokens;
    private final int length;
    private long dueNanos;

    Answer(Ask ask, Dialect dialect, SplittableRandom random, int number, long receivedNanos) {
        this.ask = ask;
        this.dialect = dialect;
        this.random = random;
        this.number = number;
        this.receivedNanos = receivedNanos;
        this.ttftNanos = ask.latency().nextTtftNanos(random);
        this.dueNanos = ttftNanos;
        this.tokens = TEXTS.get(Math.floorMod(ask.prompt().hashCode(), TEXTS.size()));
        var wanted = ask.latency().tokens() > 0 ? ask.latency().tokens() : tokens.size();
        this.length = Math.min(wanted, ask.maxTokens());
    }

    /** Splits a text into pieces such as a tokenizer makes: a word, or some letters of a long one, or a character. */
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
            dueNanos += ask.latency().nextItlNanos(random);
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

    void stream(Wire wire) throws IOException {
        var fault = ask.fault();
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
                dueNanos += ask.latency().nextItlNanos(random);
            }
        }
        if (fault == Fault.TOOLS) {
            for (var part : List.of("{\\\"city\\\":", "\\\"Paris\\\"}")) {
                waitUntilDue();
                wire.send(dialect.toolCall(this, part));
                dueNanos += ask.latency().nextItlNanos(random);
            }
        } else if (fault != Fault.REASONING_ONLY && !streamTokens(wire)) {
            return;
        }
        for (var closing : dialect.closing(this)) {
            wire.send(closing);
        }
        if (fault == Fault.OPEN) {
            wire.flush();
            SimulatedServer.pauseUntilClosed();
        }
    }

    /** Returns false if the stream broke. */
    private boolean streamTokens(Wire wire) throws IOException {
        var perEvent = ask.fault() == Fault.MULTI_TOKEN ? 3 : 1;
        for (int i = 0; i < length; i += perEvent) {
            if (i >= length / 2 && broke(wire)) {
                return false;
            }
            waitUntilDue();
            var text = new StringBuilder();
            for (int j = i; j < Math.min(length, i + perEvent); j++) {
                text.append(token(j));
            }
            if (ask.fault() == Fault.COMMENTS && i % 4 == 1) {
                wire.send(": keep-alive\n\n");
            }
            var last = i + perEvent >= length;
            wire.send(dialect.token(this, text.toString(), last && ask.fault() == Fault.FINISH_WITH_TEXT));
            if (!last) {
                dueNanos += ask.latency().nextItlNanos(random);
            }
        }
        return true;
    }

    /** Breaks the stream in its middle if the fault is one that does. */
    private boolean broke(Wire wire) throws IOException {
        var message = "The server is overloaded.";
        switch (ask.fault()) {
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
            case STALL -> SimulatedServer.pauseUntilClosed();
            case RESET -> wire.reset();
            default -> {
                return false;
            }
        }
        return true;
    }

    private String token(int i) {
        return ask.latency().clock() ? " " + (System.nanoTime() - receivedNanos) : tokens.get(i % tokens.size());
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

    Ask ask() {
        return ask;
    }

    String finishReason() {
        return switch (ask.fault()) {
            case TOOLS -> "tool_calls";
            case CONTENT_FILTER -> "content_filter";
            default -> {
                var whole = ask.latency().tokens() > 0 ? ask.latency().tokens() : tokens.size();
                yield length < whole ? "length" : "stop";
            }
        };
    }

    int promptTokens() {
        return Math.max(1, tokens(ask.prompt()).size());
    }

    int outputTokens() {
        return ask.fault() == Fault.REASONING_ONLY ? 5 : ask.fault() == Fault.REASONING ? length + 5 : length;
    }

    /** The member that holds the truth; begins with a comma. Most servers have none: their events differ in text alone. */
    String sim() {
        return ask.fault() == Fault.FIREHOSE ? "" : ",\"sim\":{\"sent_ns\":" + (System.nanoTime() - receivedNanos) + ",\"due_ns\":" + dueNanos + "}";
    }

    String padding() {
        return ask.fault() == Fault.OBFUSCATION ? ",\"obfuscation\":\"" + "x".repeat(random.nextInt(1, 20)) + "\"" : "";
    }

    static String quoted(String text) {
        return JsonMapper.shared().writeValueAsString(text);
    }
}

/** How an answer is written at one endpoint; each method returns whole server-sent events. */
interface Dialect {
    String promptKey();

    String limitKey();

    List<String> opening(Answer answer);

    String token(Answer answer, String text, boolean withFinish);

    String reasoning(Answer answer, String text);

    String toolCall(Answer answer, String argumentsPart);

    List<String> closing(Answer answer);

    ObjectNode whole(Answer answer, String text);
}

/** What the chat and the legacy completions endpoint have in common. */
abstract class ChoicesDialect implements Dialect {

    abstract String object();

    @Override
    public String limitKey() {
        return "max_tokens";
    }

    String chunk(Answer answer, String choice) {
        return Answer.event("{\"id\":\"sim-" + answer.number() + "\",\"object\":\"" + object()
                + "\",\"created\":1700000000,\"model\":" + Answer.quoted(answer.ask().model())
                + ",\"system_fingerprint\":\"fp_sim\",\"choices\":[" + choice + "]" + answer.padding()
                + (answer.ask().streamOptions() ? ",\"usage\":null" : "") + answer.sim() + "}");
    }

    abstract String choice(String text, String finishReason);

    @Override
    public List<String> opening(Answer answer) {
        return List.of();
    }

    @Override
    public String token(Answer answer, String text, boolean withFinish) {
        return chunk(answer, choice(Answer.quoted(text), withFinish ? "\"" + answer.finishReason() + "\"" : "null"));
    }

    @Override
    public List<String> closing(Answer answer) {
        var events = new ArrayList<String>();
        var fault = answer.ask().fault();
        var usage = usage(answer).toString();
        if (fault == Fault.USAGE_EARLY) {
            events.add(Answer.event("{\"choices\":[],\"x_groq\":{\"id\":\"r\",\"usage\":" + usage + "}}"));
        }
        if (fault == Fault.AZURE) {
            events.add(chunk(answer, "{\"index\":0,\"finish_reason\":null,\"content_filter_offsets\":{}}"));
        }
        if (fault != Fault.FINISH_WITH_TEXT) {
            events.add(chunk(answer, choice(null, "\"" + answer.finishReason() + "\"")));
        }
        if (answer.ask().streamOptions() && fault != Fault.USAGE_EARLY) {
            events.add(Answer.event("{\"id\":\"sim-" + answer.number() + "\",\"choices\":[],\"usage\":" + usage + "}"));
        }
        if (fault != Fault.NO_DONE) {
            events.add("data: [DONE]\n\n");
        }
        return events;
    }

    static ObjectNode usage(Answer answer) {
        var usage = JsonNodeFactory.instance.objectNode().put("prompt_tokens", answer.promptTokens())
                .put("completion_tokens", answer.outputTokens())
                .put("total_tokens", answer.promptTokens() + answer.outputTokens());
        usage.putObject("prompt_tokens_details").put("cached_tokens", 0);
        return usage;
    }

    ObjectNode wholeOf(Answer answer, String object, ObjectNode choice) {
        var whole = JsonNodeFactory.instance.objectNode().put("id", "sim-" + answer.number()).put("object", object)
                .put("created", 1700000000).put("model", answer.ask().model());
        whole.putArray("choices").add(choice.put("index", 0).put("finish_reason", answer.finishReason()));
        return whole.<ObjectNode>set("usage", usage(answer));
    }
}

/** {@code /v1/chat/completions}. */
final class ChatDialect extends ChoicesDialect {
    @Override
    public String promptKey() {
        return "messages";
    }

    @Override
    String object() {
        return "chat.completion.chunk";
    }

    @Override
    public List<String> opening(Answer answer) {
        var content = answer.ask().fault() == Fault.ROLE_NULL ? "null" : "\"\"";
        return List.of(chunk(answer, delta("\"role\":\"assistant\",\"content\":" + content, "null")));
    }

    @Override
    String choice(String text, String finishReason) {
        return delta(text == null ? "" : "\"content\":" + text, finishReason);
    }

    @Override
    public String reasoning(Answer answer, String text) {
        return chunk(answer, delta("\"reasoning_content\":" + Answer.quoted(text), "null"));
    }

    @Override
    public String toolCall(Answer answer, String argumentsPart) {
        return chunk(answer, delta("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"weather\",\"arguments\":\""
                + argumentsPart + "\"}}]", "null"));
    }

    private static String delta(String members, String finishReason) {
        return "{\"index\":0,\"delta\":{" + members + "},\"logprobs\":null,\"finish_reason\":" + finishReason + "}";
    }

    @Override
    public ObjectNode whole(Answer answer, String text) {
        var choice = JsonNodeFactory.instance.objectNode();
        choice.putObject("message").put("role", "assistant").put("content", text);
        return wholeOf(answer, "chat.completion", choice);
    }
}

/** {@code /v1/completions}. */
final class CompletionsDialect extends ChoicesDialect {
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
    public String reasoning(Answer answer, String text) {
        return chunk(answer, choice("\"\"", "null"));
    }

    @Override
    public String toolCall(Answer answer, String argumentsPart) {
        return chunk(answer, choice("\"\"", "null"));
    }

    @Override
    public ObjectNode whole(Answer answer, String text) {
        return wholeOf(answer, "text_completion", JsonNodeFactory.instance.objectNode().put("text", text));
    }
}

/** {@code /v1/responses}. */
final class ResponsesDialect implements Dialect {
    @Override
    public String promptKey() {
        return "input";
    }

    @Override
    public String limitKey() {
        return "max_output_tokens";
    }

    @Override
    public List<String> opening(Answer answer) {
        return List.of(typed("response.created", ",\"response\":" + response(answer, "in_progress")),
                typed("response.output_item.added", ",\"output_index\":0,\"item\":{\"type\":\"message\"}"));
    }

    @Override
    public String token(Answer answer, String text, boolean withFinish) {
        return typed("response.output_text.delta", ",\"output_index\":0,\"delta\":" + Answer.quoted(text)
                + answer.padding() + answer.sim());
    }

    @Override
    public String reasoning(Answer answer, String text) {
        return typed("response.reasoning_summary_text.delta", ",\"delta\":" + Answer.quoted(text) + answer.sim());
    }

    @Override
    public String toolCall(Answer answer, String argumentsPart) {
        return typed("response.function_call_arguments.delta", ",\"delta\":\"" + argumentsPart + "\"" + answer.sim());
    }

    @Override
    public List<String> closing(Answer answer) {
        if (answer.ask().fault() == Fault.NO_DONE) {
            return List.of();
        }
        var incomplete = answer.ask().fault() == Fault.INCOMPLETE || answer.finishReason().equals("length");
        return List.of(typed("response.output_text.done", ",\"output_index\":0"),
                typed(incomplete ? "response.incomplete" : "response.completed",
                        ",\"response\":" + response(answer, incomplete ? "incomplete" : "completed")));
    }

    private static String typed(String type, String members) {
        return "event: " + type + "\n" + Answer.event("{\"type\":\"" + type + "\"" + members + "}");
    }

    private static ObjectNode response(Answer answer, String status) {
        var response = JsonNodeFactory.instance.objectNode().put("id", "resp-sim-" + answer.number())
                .put("object", "response").put("model", answer.ask().model()).put("status", status);
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
    public ObjectNode whole(Answer answer, String text) {
        var response = response(answer, "completed");
        response.putArray("output").addObject().put("type", "message").put("role", "assistant")
                .putArray("content").addObject().put("type", "output_text").put("text", text);
        return response;
    }
}

/** Puts events on the wire, whole and at once unless the fault says otherwise. */
final class Wire implements AutoCloseable {

    private static final int MERGED_EVENTS = 4;

    private final HttpConnection.Body body;
    private final OutputStream out;
    private final Fault fault;
    private int waiting;

    Wire(HttpConnection.Body body, Fault fault) throws IOException {
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

    /** Mixed line ends, no space behind the colon, an id, a retry, and the data in two lines at a comma. */
    private String odd(String events) {
        var comma = events.indexOf(",\"");
        var split = events.startsWith("data: {") && comma > 0
                ? events.substring(0, comma + 1) + "\ndata:" + events.substring(comma + 1) : events;
        var lines = split.replaceFirst("data: ", "id: 7\nretry: 1000\ndata:");
        return waiting % 2 == 0 ? lines.replace("\n", "\r\n") : lines;
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
