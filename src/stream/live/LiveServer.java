//JAVA 25+
//DEPS io.helidon.webserver:helidon-webserver-sse:4.5.0
//DEPS io.helidon.webserver:helidon-webserver:4.5.0
//DEPS org.webjars.npm:dompurify:3.3.3
//DEPS org.webjars.npm:marked:17.0.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/UserError.java
//SOURCES ../terminal/Version.java
//SOURCES ../api/Model.java
//SOURCES ../api/Sampling.java
//SOURCES ../plan/EchoSettings.java
//SOURCES ../plan/RecordSettings.java
//SOURCES ../plan/RequestSettings.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES ../report/Palette.java
//SOURCES ../report/ReportPage.java
//SOURCES LiveAccess.java
//SOURCES LiveAsk.java
//SOURCES LiveQuestion.java
//SOURCES LiveSession.java
//SOURCES LiveSettings.java
//FILES stream/live/live.html=live.html
//FILES stream/live/live.css=live.css
//FILES stream/live/lane.js=lane.js
//FILES stream/live/live.js=live.js

package stream.live;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HttpPrologue;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.http.sse.SseEvent;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.helidon.webserver.sse.SseSink;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.report.Palette;
import stream.report.ReportPage;
import stream.terminal.Console;
import stream.terminal.OneLine;
import stream.terminal.UserError;
import stream.terminal.Version;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The web server of the page; closing it stops all that it asks.
 *
 * <p>It listens on the loopback address only. Other programs of this machine need the token that is printed, and pages of other
 * sites get nothing: the names of the server in Host and Origin are checked, the cookie is not sent with their requests, and no
 * script runs in the page but its own.
 */
public final class LiveServer implements AutoCloseable {

    private static final HeaderName KEY_HEADER = HeaderNames.create("X-Live-Key");
    private static final String NO_TOKEN = "open the address that ./jbang Live.java has printed; it has a token";
    private static final int MOST_BODY_BYTES = 2 * LiveSettings.MOST_FILE_BYTES;
    private static final long PERIOD_MILLIS = 40; // a screen shows no more of it
    private static final Duration RECONNECT = Duration.ofMillis(500);
    private static final long HEARTBEAT_MILLIS = 1_000;
    private static final long LONGEST_GOODBYE_MILLIS = 500;

    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /** What a browser sees for the instant in which its token becomes a cookie and a key; its script then asks for the page. */
    private static final String ADMITTED =
            "<!DOCTYPE html><html lang=\"en\" data-key=\"%s\"><meta charset=\"utf-8\"><title>Live</title>"
            + "<script src=\"/assets/admit.js\"></script>";
    private static final String ADMIT =
            "localStorage.setItem('key', document.documentElement.dataset.key); location.replace('/');\n";

    private static final Map<String, Asset> ASSETS = Map.of(
            "page.css", new Asset("text/css", "/stream/report/page.css"),
            "live.css", new Asset("text/css", "live.css"),
            "uplot.css", new Asset("text/css", ReportPage.UPLOT + ".min.css"),
            "page.js", new Asset("text/javascript", "/stream/report/page.js"),
            "lane.js", new Asset("text/javascript", "lane.js"),
            "live.js", new Asset("text/javascript", "live.js"),
            "uplot.js", new Asset("text/javascript", ReportPage.UPLOT + ".iife.min.js"),
            "marked.js", new Asset("text/javascript", "/META-INF/resources/webjars/marked/17.0.1/lib/marked.umd.js"),
            "purify.js", new Asset("text/javascript", "/META-INF/resources/webjars/dompurify/3.3.3/dist/purify.min.js"));

    /** A file of the page, and where it is in the class path. */
    private record Asset(String type, String resource) { }

    /** Helidon writes what it does to the log, which nobody has asked for. Held here, since loggers are weakly referenced. */
    private static final Logger LOGGER = Logger.getLogger("io.helidon");

    private final LiveSession session;
    private final WebServer server;
    private final LiveAccess access;
    private final Phaser tabs = new Phaser(1);

    private LiveServer(LiveSession session, int port) {
        LOGGER.setLevel(Level.OFF); // a port that is taken is no exception for Helidon, but a page of its log
        this.session = session;
        this.server = WebServer.builder().shutdownHook(false).address(InetAddress.getLoopbackAddress()).port(port)
                .maxPayloadSize(MOST_BODY_BYTES).routing(this::route).build().start();
        LOGGER.setLevel(Level.SEVERE);
        if (!server.isRunning()) {
            throw new IllegalStateException("the server did not start");
        }
        this.access = new LiveAccess(server.port());
    }

    /** Starts on this port of the loopback address, 0 for a free one; throws UserError if it cannot. */
    public static LiveServer start(LiveSettings settings, int port, Console console) {
        try (var free = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            // Helidon does not tell why it cannot listen
        } catch (IOException e) {
            throw cannotListen(port, e);
        }
        try {
            return new LiveServer(new LiveSession(settings, console), port);
        } catch (UncheckedIOException | IllegalStateException e) {
            throw cannotListen(port, e);
        }
    }

    private static UserError cannotListen(int port, Exception e) {
        return new UserError("--port " + port + ": cannot listen there ("
                + OneLine.firstOf(String.valueOf(e.getMessage())) + "); choose another");
    }

    /** Returns the address of the page, with the token. */
    public String address() {
        return "http://127.0.0.1:" + server.port() + "/?token=" + access.token();
    }

    private void route(HttpRouting.Builder routing) {
        routing.addFilter(this::guard)
                .error(UserError.class, (request, response, problem) ->
                refuse(response, Status.BAD_REQUEST_400, problem.getMessage()))
                .error(IOException.class, (request, response, problem) ->
                refuse(response, Status.NOT_FOUND_404, problem.getMessage()))
                .get("/", (request, response) -> send(response, "text/html", bytes("live.html")))
                .get("/assets/{name}", this::asset)
                .get("/config", (request, response) -> send(response, "application/json", config()))
                .get("/events", this::events)
                .get("/report/{run}", this::report)
                .post("/asks", this::ask)
                .post("/asks/{id}/stop", this::stop);
    }

    private void guard(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        response.header("Content-Security-Policy", POLICY).header("X-Content-Type-Options", "nosniff")
                .header("Referrer-Policy", "no-referrer").header("Cross-Origin-Resource-Policy", "same-origin")
                .header("Cross-Origin-Opener-Policy", "same-origin").header("Cache-Control", "no-store");
        var headers = request.headers();
        var prologue = request.prologue();
        if (!access.isHost(headers.first(HeaderNames.HOST).orElse(""))) {
            refuse(response, Status.FORBIDDEN_403, "this server is not known by that name");
        } else if (prologue.method() != Method.GET && !access.isOrigin(headers.first(HeaderNames.ORIGIN).orElse(""))) {
            refuse(response, Status.FORBIDDEN_403, "only the page of this server may ask");
        } else if (isAdmission(prologue, request)) {
            response.header("Set-Cookie", access.setCookie());
            send(response, "text/html", ADMITTED.formatted(access.key()).getBytes(StandardCharsets.UTF_8));
        } else if (!access.isCookie(headers.cookies().first(access.cookieName()).orElse(""))) {
            refuse(response, Status.FORBIDDEN_403, NO_TOKEN);
        } else if (!isPublic(prologue.uriPath().path())
                && !access.isKey(headers.first(KEY_HEADER).orElse(request.query().first("key").orElse("")))) {
            refuse(response, Status.FORBIDDEN_403, NO_TOKEN);
        } else {
            chain.proceed();
        }
    }

    /** The page and its files hold nothing that others may not see. */
    private static boolean isPublic(String path) {
        return path.equals("/") || path.startsWith("/assets/");
    }

    private boolean isAdmission(HttpPrologue prologue, RoutingRequest request) {
        return prologue.method() == Method.GET && prologue.uriPath().path().equals("/")
                && access.isToken(request.query().first("token").orElse(""));
    }

    private static void refuse(ServerResponse response, Status status, String sentence) {
        response.status(status).header("Content-Type", "text/plain; charset=utf-8").send(sentence);
    }

    private static void send(ServerResponse response, String type, byte[] body) {
        response.header("Content-Type", type + "; charset=utf-8").send(body);
    }

    private static byte[] bytes(String resource) throws IOException {
        try (var bytes = LiveServer.class.getResourceAsStream(resource)) {
            return bytes.readAllBytes();
        }
    }

    private void asset(ServerRequest request, ServerResponse response) throws IOException {
        var name = request.path().pathParameters().get("name");
        if (name.equals("admit.js")) {
            send(response, "text/javascript", ADMIT.getBytes(StandardCharsets.UTF_8));
        } else if (name.equals("palette.css")) {
            send(response, "text/css", Palette.css().getBytes(StandardCharsets.UTF_8));
        } else if (ASSETS.containsKey(name)) {
            send(response, ASSETS.get(name).type(), bytes(ASSETS.get(name).resource()));
        } else {
            refuse(response, Status.NOT_FOUND_404, "no such file");
        }
    }

    private byte[] config() {
        var run = session.settings().run();
        var json = JsonNodeFactory.instance.objectNode().put("simulated", run.simulate()).put("version", Version.NUMBER)
                .put("system", run.request().system()).put("temperature", run.request().sampling().temperature())
                .put("max_tokens", run.request().sampling().maxTokens())
                .put("typing_delay_ms", run.echo().delayMillis()).put("longest_text", LiveSettings.LONGEST_TEXT)
                .put("most_repetitions", LiveSettings.MOST_REPETITIONS).put("most_file_bytes", LiveSettings.MOST_FILE_BYTES);
        var models = json.putArray("models");
        session.settings().models().forEach(model -> models.addObject().put("label", model.label()).put("name", model.name())
                .put("server", model.server()));
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void ask(ServerRequest request, ServerResponse response) {
        var ask = session.ask(LiveQuestion.of(json(request), session.settings()));
        send(response.status(Status.ACCEPTED_202), "application/json",
                ("{\"id\":" + ask.id() + "}").getBytes(StandardCharsets.UTF_8));
    }

    private static JsonNode json(ServerRequest request) {
        try {
            return JsonMapper.shared().readTree(request.content().as(byte[].class));
        } catch (JacksonException e) {
            throw new UserError("not JSON");
        }
    }

    private void stop(ServerRequest request, ServerResponse response) {
        var ask = find(request.path().pathParameters().get("id"));
        if (ask == null) {
            refuse(response, Status.NOT_FOUND_404, "no such question");
            return;
        }
        ask.stop(json(request).path("model").asString(null));
        response.status(Status.NO_CONTENT_204).send();
    }

    /** Returns null for a number that no question has, or has any longer. */
    private LiveAsk find(String id) {
        return id.matches("\\d{1,9}") ? session.find(Integer.parseInt(id)) : null;
    }

    private void report(ServerRequest request, ServerResponse response) throws IOException {
        var run = request.path().pathParameters().get("run");
        if (!session.hasRun(run)) {
            refuse(response, Status.NOT_FOUND_404, "no such run");
            return;
        }
        var comparison = Comparison.of(ComparisonSettings.ofRun(session.settings().run().record().results().resolve(run)), null);
        var page = ReportPage.html(comparison);
        response.header("Content-Security-Policy", ReportPage.policy(page));
        send(response, "text/html", page.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends a tab what it has not seen yet, of the list and of the question that it shows, until it is closed. */
    private void events(ServerRequest request, ServerResponse response) {
        var tab = request.query().first("tab").orElse("");
        var asked = request.query().first("ask").orElse("");
        var shown = find(asked);
        tabs.register();
        session.connected(tab);
        try (var sink = response.sink(SseSink.TYPE)) {
            new TabStream(sink, shown, shown == null && !asked.isEmpty()).run();
        } catch (UncheckedIOException | IllegalStateException e) {
            // the tab was closed
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            session.disconnected(tab);
            tabs.arriveAndDeregister();
        }
    }

    /** What is sent to one tab, on its own thread. */
    private final class TabStream {
        private final SseSink sink;
        private final LiveAsk shown;
        private final boolean isGone;
        private final LiveAsk.Cursor cursor = new LiveAsk.Cursor();
        private List<?> listed = new ArrayList<>();
        private long sentNanos = System.nanoTime();

        /** {@code isGone} tells whether the tab asks for a question that is not there. */
        TabStream(SseSink sink, LiveAsk shown, boolean isGone) {
            this.sink = sink;
            this.shown = shown;
            this.isGone = isGone;
        }

        void run() throws InterruptedException {
            sink.emit(SseEvent.builder().name("hello").data("{}").reconnectDelay(RECONNECT).build());
            if (isGone) {
                emit("gone", "{}");
            }
            while (!session.isClosing()) {
                var summaries = session.summaries();
                if (!summaries.equals(listed)) {
                    listed = summaries;
                    emit("session", summaries.toString());
                }
                var changes = shown == null ? null : shown.changes(cursor);
                if (changes != null) {
                    emit("answers", changes.toString());
                } else if (System.nanoTime() - sentNanos > TimeUnit.MILLISECONDS.toNanos(HEARTBEAT_MILLIS)) {
                    emit("heartbeat", "{}");
                }
                Thread.sleep(PERIOD_MILLIS);
            }
            emit("end", "{}");
        }

        private void emit(String name, String json) {
            sink.emit(SseEvent.builder().name(name).data(json).build());
            sentNanos = System.nanoTime();
        }
    }

    /** Stops what is asked, and tells the tabs that the server ends. */
    @Override
    public void close() {
        session.close();
        try {
            tabs.awaitAdvanceInterruptibly(tabs.arrive(), LONGEST_GOODBYE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException | TimeoutException e) {
            // a tab that does not read is not waited for
        }
        server.stop();
    }
}
