//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../api/SimulatedTiming.java
//SOURCES Capacity.java
//SOURCES EventWriter.java
//SOURCES Fault.java
//SOURCES HttpConnection.java
//SOURCES HttpRequest.java
//SOURCES LatencyProfile.java
//SOURCES RefusedRequest.java
//SOURCES SimulatedAnswer.java
//SOURCES SimulatedAnthropic.java
//SOURCES SimulatedChat.java
//SOURCES SimulatedCompletions.java
//SOURCES SimulatedDialect.java
//SOURCES SimulatedRequest.java
//SOURCES SimulatedResponses.java

package stream.simulator;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import stream.api.SimulatedTiming;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A running simulated server; closing it ends it and all its streams. */
public final class SimulatedServer implements AutoCloseable {

    private static final int BACKLOG = 4096;
    private static final int WARM_UP_STREAMS = 200;
    private static final int WARM_UP_CONCURRENCY = 32;
    private static final long RETRY_ACCEPT_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long CLOSE_LATE_NANOS = TimeUnit.MILLISECONDS.toNanos(25); // as llama.cpp does

    private final ServerSocket listener;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final long seed;
    private final Capacity capacity;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger answers = new AtomicInteger();
    private final Map<String, AtomicInteger> requestsByKey = new ConcurrentHashMap<>();

    private SimulatedServer(ServerSocket listener, long seed, Capacity capacity) {
        this.listener = listener;
        this.seed = seed;
        this.capacity = capacity;
    }

    /** Starts on a free loopback port. */
    public static SimulatedServer start(long seed) throws IOException {
        return start("127.0.0.1", 0, seed, Capacity.Limits.NONE);
    }

    public static SimulatedServer start(String host, int port, long seed, Capacity.Limits limits) throws IOException {
        var server = new SimulatedServer(new ServerSocket(port, BACKLOG, InetAddress.getByName(host)), seed, new Capacity(limits));
        server.threads.submit(server::accept);
        return server;
    }

    /**
     * Lets the JVM load and compile what the first requests would otherwise wait for: streams answers of a second
     * server to clients of its own.
     */
    public static void warmUp() throws IOException {
        try (var server = start(1); var clients = Executors.newFixedThreadPool(WARM_UP_CONCURRENCY, Thread.ofVirtual().factory())) {
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

    public String baseUrl() {
        var host = listener.getInetAddress().getHostAddress();
        return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + listener.getLocalPort() + "/v1";
    }

    /** Number of the requests that got an answer, whole or not, but no refusal. */
    public int answers() {
        return answers.get();
    }

    /** Number of the open connections. */
    int connections() {
        return connections.size();
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
            } catch (RejectedExecutionException e) {
                return; // the server is closed
            } catch (IOException e) {
                LockSupport.parkNanos(RETRY_ACCEPT_NANOS); // closed, or out of descriptors for a while
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
        var isRead = request.method().equals("GET") || request.method().equals("HEAD");
        if (path.equals("/v1/models") && isRead) {
            http.respond(200, "application/json", models().toString());
            return Fault.NONE;
        }
        if (path.startsWith("/v1/models/") && isRead) {
            http.respond(200, "application/json", model(path.substring("/v1/models/".length())).toString());
            return Fault.NONE;
        }
        var dialect = switch (path) {
            case "/v1/chat/completions" -> new SimulatedChat();
            case "/v1/completions" -> new SimulatedCompletions();
            case "/v1/responses" -> new SimulatedResponses();
            case "/v1/messages" -> new SimulatedAnthropic();
            default -> null;
        };
        if (dialect == null) {
            refuse(http, new SimulatedChat(), 404, "invalid_request_error", "unknown_url",
                    "Unknown request URL: " + request.method() + " " + path);
        } else if (!request.method().equals("POST")) {
            refuse(http, dialect, 405, "invalid_request_error", null, "Only POST is accepted at " + path);
        } else {
            return answer(http, request, dialect, receivedNanos);
        }
        return Fault.NONE;
    }

    private Fault answer(HttpConnection http, HttpRequest request, SimulatedDialect dialect, long receivedNanos)
            throws IOException {
        SimulatedRequest asked;
        try {
            asked = SimulatedRequest.of(request.path(), dialect, JsonMapper.shared().readTree(request.body()),
                    request.header("X-Sim-Fault"));
            asked = asked.with(asked.fault().ofRequest(requests.incrementAndGet()));
        } catch (JacksonException e) {
            refuse(http, dialect, 400, "invalid_request_error", null, "We could not parse the JSON body of your request.");
            return Fault.NONE;
        } catch (RefusedRequest e) {
            refuse(http, dialect, 400, "invalid_request_error", e.code(), e.getMessage());
            return Fault.NONE;
        }
        var nth = requestsByKey.computeIfAbsent(asked.key(), key -> new AtomicInteger()).incrementAndGet();
        if (refused(http, dialect, asked, nth)) {
            return asked.fault();
        }
        var random = new SplittableRandom(seed * 31 + asked.key().hashCode() * 1_000_003L + nth);
        try (var slot = capacity.take()) {
            answer(http, new SimulatedAnswer(asked, dialect, random, answers.incrementAndGet(), receivedNanos, slot,
                    capacity.isLimited() ? System.nanoTime() - receivedNanos : 0));
        }
        return asked.fault();
    }

    private static void answer(HttpConnection http, SimulatedAnswer answer) throws IOException {
        var asked = answer.request();
        var headers = new LinkedHashMap<String, String>();
        headers.put("x-request-id", "req-sim-" + answer.number());
        headers.put(SimulatedTiming.HEADER, "true");
        headers.put("openai-processing-ms", String.valueOf(answer.ttftNanos() / 1_000_000));
        if (!asked.stream() || asked.fault() == Fault.PLAIN_JSON) {
            answer.waitForAll();
            http.respond(200, "application/json", answer.whole().toString(), headers);
            return;
        }
        headers.put("Cache-Control", "no-cache");
        if (asked.fault() == Fault.GZIP) {
            headers.put("Content-Encoding", "gzip");
        }
        try (var wire = new EventWriter(http.stream("text/event-stream; charset=utf-8", headers), asked.fault())) {
            answer.stream(wire);
        }
    }

    /** Sends the answer of a fault that never gets to a stream; returns false if there is none. */
    private boolean refused(HttpConnection http, SimulatedDialect dialect, SimulatedRequest asked, int nth) throws IOException {
        switch (asked.fault()) {
            case NO_STREAM_OPTIONS -> {
                if (!asked.streamOptions()) {
                    return false;
                }
                refuse(http, dialect, 400, "invalid_request_error", null, "Unrecognized request argument: stream_options");
            }
            case NO_USAGE_STATS -> {
                if (!asked.eachUsage()) {
                    return false;
                }
                refuse(http, dialect, 400, "invalid_request_error", "unknown_parameter",
                        "Unknown parameter: 'stream_options.continuous_usage_stats'.");
            }
            case HTML -> http.respond(502, "text/html",
                    "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>nginx</body>\n</html>\n");
            case EMPTY -> http.respond(200, "text/event-stream", "");
            case NOT_JSON -> http.respond(500, "text/plain", "upstream connect error\nreset before headers\n");
            case STATUS_401 -> refuse(http, dialect, 401, "invalid_request_error", "invalid_api_key", "Incorrect API key.");
            case STATUS_403 -> refuse(http, dialect, 403, "invalid_request_error", null, "No access to this model.");
            case STATUS_404 -> refuse(http, dialect, 404, "invalid_request_error", "model_not_found",
                    "The model `" + asked.model() + "` has been deprecated.");
            case STATUS_500 -> refuse(http, dialect, 500, "server_error", null, "The server had an error.");
            case STATUS_503 -> refuse(http, dialect, 503, "server_error", null, "Overloaded.");
            case NO_ANSWER -> http.awaitClose();
            case BUSY, BUSY_MS, BUSY_DATE, BUSY_SILENT -> {
                if (nth % 2 == 0) {
                    return false;
                }
                refuse(http, dialect, 429, "requests", "rate_limit_exceeded", "Rate limit reached.",
                        retryAfter(asked.fault()));
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

    private static ObjectNode models() {
        var list = JsonNodeFactory.instance.objectNode().put("object", "list");
        var data = list.putArray("data");
        LatencyProfile.PROFILES.keySet().stream().sorted()
                .forEach(name -> data.add(model(name)));
        return list;
    }

    private static ObjectNode model(String name) {
        return JsonNodeFactory.instance.objectNode().put("id", name).put("object", "model").put("created", 1700000000)
                .put("owned_by", "simulator");
    }

    private static void refuse(HttpConnection http, SimulatedDialect dialect, int status, String type, String code, String message)
            throws IOException {
        refuse(http, dialect, status, type, code, message, Map.of());
    }

    private static void refuse(HttpConnection http, SimulatedDialect dialect, int status, String type, String code, String message,
                               Map<String, String> headers) throws IOException {
        http.respond(status, "application/json", dialect.refusal(type, code, message).toString(), headers);
    }
}
