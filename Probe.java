///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Streams one request and shows every event as it arrives, with its time and its socket read
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-sse:5.5.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//DEPS org.apache.commons:commons-statistics-descriptive:1.2
//SOURCES Models.java
//SOURCES Decode.java

// Probe: one streamed request, event by event. What curl -N shows, with the clock and the meaning of each event.
//
// To run just:
//   jbang Probe.java -p "Why is the sky blue?" -m gpt-4
//   jbang Probe.java -p Hi -m llama@http://localhost:8000/v1     does a proxy hold the events back? see column read
//
// The exchange with a server is all here, in the order the data flows: the client, one exchange, the clock at its
// socket, the repairs that okhttp-sse needs, what an event means, the record of the events, the figures made of them.
// Stream.java runs batches of these exchanges; Bench.java measures what they cost.
//
// What is done between a socket read and the recorded event is paid by the next event, so it allocates little, takes
// no lock, does no I/O, and reads the clock first.

package stream;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;

import javax.net.SocketFactory;

import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.EventListener;
import okhttp3.Handshake;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;
import okio.Buffer;
import okio.GzipSource;
import okio.Okio;
import okio.Source;
import org.apache.commons.statistics.descriptive.Quantile;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The command that streams one request to each model and prints its events. */
@Command(name = "probe", mixinStandardHelpOptions = true, sortOptions = false, version = Prompts.VERSION,
        description = "Streams one request and shows every event as it arrives, with its time and its socket read.")
public class Probe implements Callable<Integer> {

    @Option(names = {"-p", "--prompt"}, required = true, paramLabel = "TEXT", description = "The prompt.")
    String prompt;

    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "200",
            description = "Longest answer (default: ${DEFAULT-VALUE}).")
    int maxTokens;

    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Map<String, String> environment;
    private final PrintStream out;
    private final PrintStream err;

    Probe(Map<String, String> environment, PrintStream out, PrintStream err) {
        this.environment = environment;
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.getenv(), System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 completed, 1 some failed, 2 wrong usage. */
    static int run(Map<String, String> environment, PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Probe(environment, out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("probe: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() throws Exception {
        if (maxTokens < 1) {
            err.println("probe: --max-tokens " + maxTokens + "; it takes a whole number from 1");
            return 2;
        }
        List<Model> models;
        try {
            var catalog = ModelCatalog.of(modelOptions, environment, ModelCatalog.Access.WITH_KEYS);
            catalog.notes().forEach(note -> err.println("probe: " + note));
            models = catalog.models();
        } catch (BadModel bad) {
            bad.problems().forEach(problem -> err.println("probe: " + problem));
            return 2;
        }
        var allCompleted = true;
        var cold = true;
        try (var client = new StreamClient(1, models, environment, Limits.DEFAULT)) {
            for (var model : models) {
                var body = model.body(Prompt.ofText("prompt", prompt, "--prompt"), new Sampling(maxTokens, 0, null), true);
                allCompleted &= print(model, client, body, cold) instanceof Outcome.Completed;
                cold = false;
            }
        }
        return allCompleted ? 0 : 1;
    }

    /** Prints the events while they come, on another thread than the one that measures them. */
    private Outcome print(Model model, StreamClient client, String body, boolean cold) throws Exception {
        var recording = new Recording();
        var exchange = new FutureTask<>(new Exchange(client, model, body, recording, () -> { })::run);
        Thread.startVirtualThread(exchange);
        var figures = new Figures();
        out.printf("%s at %s%n%10s %10s %5s  %-9s %s%n", model.name(), model.server(), "elapsed_ms", "delay_ms", "read",
                "kind", "text");
        for (var over = false; !over; ) {
            var ended = exchange.isDone(); // asked before the events are taken, so none is missed
            over = recording.drain((elapsedMicros, read, kind, text) -> {
                var delay = figures.add(elapsedMicros, read, kind);
                out.printf("%10s %10s %5d  %-9s %s%n", Figures.millis(elapsedMicros),
                        delay == Figures.NONE ? "" : Figures.millis(delay), read,
                        kind.word(), text == null ? "" : text.replace("\n", "\\n"));
            }) && ended;
            LockSupport.parkNanos(ended ? 0 : PERIOD_NANOS);
        }
        var ending = exchange.get();
        out.println(ending.outcome().words(model));
        if (figures.contentEvents() > 0) {
            out.printf("TTFT %s ms, ITL p50 %s ms, TTLT %s ms, total %s ms%s%n", Figures.millis(figures.ttftMicros()),
                    Figures.millis(figures.itlMicros(0.5)), Figures.millis(figures.ttltMicros()),
                    Figures.millis(ending.endMicros()), cold ? " (cold: the first request of this JVM)" : "");
        }
        return ending.outcome();
    }
}

/**
 * What one answer may take before it is a failure, so that no server can fill the memory.
 *
 * @param eventBytes  of one event, as it comes, from 1
 * @param answerBytes of the text and the times of one answer, as they are kept: two a character and eight an event
 */
record Limits(long eventBytes, long answerBytes) {
    /** An answer of a hundred thousand tokens in one event is well below the first, one of four million below both. */
    static final Limits DEFAULT = new Limits(16 << 20, 64 << 20);
}

/** The HTTP client of a run. It retries nothing and follows nothing by itself: each attempt is to be seen. */
final class StreamClient implements AutoCloseable {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

    private final TimedSockets sockets = new TimedSockets();
    private final Limits limits;
    private final OkHttpClient reusing;
    private final OkHttpClient connecting; // opens a connection for each request
    private final Set<String> unreliable = ConcurrentHashMap.newKeySet();

    /**
     * Keeps as many idle connections as there may be requests in flight. Where no model wants TLS, none is set up: its
     * trust store alone takes a tenth of a start.
     */
    StreamClient(int connections, List<Model> models, Map<String, String> environment, Limits limits) {
        this.limits = limits;
        var secure = models.stream().anyMatch(model -> model.url().isHttps());
        var proxies = new EnvironmentProxies(environment);
        reusing = new OkHttpClient.Builder()
                .socketFactory(sockets)
                .connectionSpecs(secure ? List.of(ConnectionSpec.MODERN_TLS, ConnectionSpec.CLEARTEXT)
                        : List.of(ConnectionSpec.CLEARTEXT))
                .proxySelector(proxies)
                .proxyAuthenticator((route, response) -> {
                    var user = proxies.authorization(response.request().url().scheme());
                    return user == null || response.request().header("Proxy-Authorization") != null ? null
                            : response.request().newBuilder().header("Proxy-Authorization", user).build();
                })
                .addNetworkInterceptor(this::watchReads)
                .eventListenerFactory(call -> call.request().tag(Exchange.class).phases())
                .connectionPool(new ConnectionPool(connections, 5, TimeUnit.MINUTES))
                .retryOnConnectionFailure(false)
                .followRedirects(false)
                .connectTimeout(CONNECT_TIMEOUT)
                .readTimeout(Duration.ZERO) // a timer for each read is dear; the run watches all exchanges at once
                .writeTimeout(Duration.ZERO)
                .build();
        connecting = reusing.newBuilder().connectionPool(new ConnectionPool(0, 1, TimeUnit.MINUTES)).build();
    }

    Limits limits() {
        return limits;
    }

    Call newCall(Request request) {
        return (unreliable.contains(server(request)) ? connecting : reusing).newCall(request);
    }

    /** Notes that a server closes connections under a request: from now on each request to it gets a connection of its own. */
    void stopReusing(Request request) {
        unreliable.add(server(request));
    }

    private static String server(Request request) {
        return request.url().host() + ":" + request.url().port();
    }

    /** The server had closed an idle connection before a request was written to it. */
    static final class ClosedConnection extends IOException { }

    /** Hands the exchange the clock of its socket, and okhttp-sse a body that it can read. */
    private Response watchReads(Interceptor.Chain chain) throws IOException {
        var exchange = chain.request().tag(Exchange.class);
        var connection = chain.connection();
        var socket = sockets.of(connection.socket());
        if (socket == null) {
            throw new ClosedConnection();
        }
        var multiplexed = connection.protocol() == Protocol.HTTP_2;
        if (!multiplexed && exchange.phases().isConnectionReused()
                && socket.isUnusable(connection.handshake() != null)) {
            socket.close();
            throw new ClosedConnection();
        }
        exchange.beginReading(socket.clock(), multiplexed);
        var response = chain.proceed(chain.request());
        exchange.headersAt(socket.clock().lastReadNanos());
        if (!response.isSuccessful()) {
            return response;
        }
        Source body = response.body().source();
        var compressed = "gzip".equalsIgnoreCase(response.header("Content-Encoding"));
        var repaired = new RepairedSource(compressed ? new GzipSource(body) : body, limits.eventBytes(),
                exchange::lineEnded);
        exchange.streamsFrom(repaired, compressed);
        var type = eventStreamUnlessNamed(response);
        return response.newBuilder().body(ResponseBody.create(Okio.buffer(repaired), type, -1)).build();
    }

    /** Some servers stream without a type, or as plain text; what names itself JSON or HTML is no stream. */
    private static MediaType eventStreamUnlessNamed(Response response) {
        var type = response.body().contentType();
        return type == null || type.subtype().equals("plain") || type.subtype().equals("octet-stream")
                ? Exchange.EVENT_STREAM : type;
    }

    /** Ends what would keep the JVM alive for a minute. */
    @Override
    public void close() {
        reusing.dispatcher().executorService().shutdown();
        reusing.connectionPool().evictAll();
    }
}

/** One request, streamed to its end: sends it, records every event, and says how it ended. It never throws. */
class Exchange {

    static final MediaType EVENT_STREAM = MediaType.get("text/event-stream");
    private static final MediaType JSON = MediaType.get("application/json");
    private static final long ERROR_BODY_BYTES = 64 * 1024;

    /** Why the run ended an exchange before the server did. */
    enum Abort { TIMEOUT, STALL, CANCEL }

    private final Model model;
    private final Limits limits;
    private final Recording recording;
    private final StreamClient client;
    private final Request request;
    private final Runnable onSent;
    private final EventDecoder decoder = new EventDecoder();
    private volatile Call call;
    private volatile Phases phases;
    private volatile Abort abort;
    private volatile ReadClock clock;
    private volatile boolean streaming;
    private volatile long lastLineNanos;
    private RepairedSource stream;
    private int readsBefore;
    private boolean multiplexed;
    private long headersNanos;
    private boolean compressed;
    private boolean resent;

    // What the events said of the whole answer; the last word counts.
    private Usage usage = Usage.UNKNOWN;
    private String finishReason;
    private String reportedModel;
    private String fingerprint;
    private Outcome.Failed serverError;
    private long answerBytes;
    private boolean done;

    /** {@code onSent} is called once the request is written, or has failed before. */
    Exchange(StreamClient client, Model model, String body, Recording recording, Runnable onSent) {
        this.model = model;
        this.limits = client.limits();
        this.recording = recording;
        this.client = client;
        this.onSent = onSent;
        var post = new Request.Builder().url(model.url()).header("Accept", "text/event-stream")
                .header("Accept-Encoding", "identity").header("User-Agent", "stream/" + Prompts.VERSION)
                .post(RequestBody.create(body.getBytes(StandardCharsets.UTF_8), JSON))
                .tag(Exchange.class, this);
        model.authorise(post);
        this.request = post.build();
        prepare();
    }

    private void prepare() {
        phases = new Phases(onSent);
        call = client.newCall(request);
        if (abort != null) {
            call.cancel();
        }
    }

    /**
     * Streams on this thread until the end. A request that is lost because the server closed a reused connection is sent
     * once more on a new one, and the clock starts again.
     */
    Ending run() {
        while (true) {
            recording.start(System.nanoTime());
            try (var response = call.execute()) {
                return ending(response, receive(response));
            } catch (StreamClient.ClosedConnection e) {
                // nothing was sent: another connection is taken
            } catch (IOException | RuntimeException | OutOfMemoryError e) {
                if (!isLost()) {
                    return ending(null, outcome(e));
                }
                resent = true;
                client.stopReusing(request);
            }
            prepare();
        }
    }

    /** Whether a request that failed was written to a reused connection and not a byte of a response came. */
    private boolean isLost() {
        var nothingCame = clock != null && headersNanos == 0 && (multiplexed || clock.reads() == readsBefore);
        return nothingCame && phases.isConnectionReused() && !resent && abort == null;
    }

    /** Ends the exchange from another thread; the first reason stands. */
    void abort(Abort why) {
        if (abort == null) {
            abort = why;
        }
        call.cancel();
    }

    /** Nanoseconds since the exchange began; 0 before. */
    long ageNanos(long nowNanos) {
        return recording.startNanos() == 0 ? 0 : nowNanos - recording.startNanos();
    }

    /** Nanoseconds since a line came to its end and this side was ready for the next; 0 before the first event. */
    long silenceNanos(long nowNanos) {
        return streaming ? Math.min(nowNanos - lastLineNanos, recording.nanosSinceHeldUp(nowNanos)) : 0;
    }

    void lineEnded() {
        lastLineNanos = clock.lastReadNanos();
    }

    Phases phases() {
        return phases;
    }

    void beginReading(ReadClock socketClock, boolean sharedWithOthers) {
        readsBefore = socketClock.reads();
        multiplexed = sharedWithOthers;
        clock = socketClock;
    }

    void streamsFrom(RepairedSource repaired, boolean wasCompressed) {
        stream = repaired;
        compressed = wasCompressed;
    }

    void headersAt(long nanos) {
        headersNanos = nanos;
    }

    /** Some servers quote the key that they refuse; it is not to be printed or written. */
    private StreamEvent withoutKey(StreamEvent event) {
        return event.kind() != EventKind.ERROR ? event
                : StreamEvent.error(event.about().errorType(), withoutKey(event.text()));
    }

    private String withoutKey(String text) {
        return model.key() == null ? text : text.replace(model.key().value(), "(the key)");
    }

    /** What an event means; a benchmark looks at the raw data here. */
    StreamEvent decode(String type, String data) {
        return decoder.decode(type, data);
    }

    private Outcome receive(Response response) throws IOException {
        if (!response.isSuccessful()) {
            var refusal = ServerErrors.ofResponse(response, response.body().source(), ERROR_BODY_BYTES);
            return new Outcome.Failed(refusal.type(), withoutKey(refusal.message()), refusal.httpStatus());
        }
        var type = response.body().contentType();
        if (type == null || !type.subtype().equals("event-stream")) {
            return new Outcome.Failed("not_streamed", "the server did not stream, it sent " + type, response.code());
        }
        var listener = new Listener();
        EventSources.processResponse(response, listener);
        return outcome(listener.failure);
    }

    /** Receives what okhttp-sse reads. Its callbacks run on the thread that reads the socket. */
    private final class Listener extends EventSourceListener {

        private Throwable failure;

        @Override
        public void onEvent(EventSource source, String id, String type, String data) {
            var atNanos = clock.lastReadNanos();
            var read = clock.reads() - readsBefore;
            stream.eventEnded();
            var event = withoutKey(decode(type, data));
            recording.add(atNanos, read, event.kind(), event.text());
            streaming = true;
            if (event.about() != null) {
                note(event.about());
            }
            if (event.last()) {
                done = true;
                source.cancel(); // the connection may stay open after the last event
            } else if (event.kind() == EventKind.ERROR) {
                serverError = new Outcome.Failed(ServerErrors.oneLine(event.about().errorType()),
                        ServerErrors.oneLine(event.text()), 200);
                source.cancel();
            } else if (event.kind() == EventKind.CONTENT) {
                answerBytes += 2L * event.text().length() + Long.BYTES;
                if (answerBytes > limits.answerBytes()) {
                    serverError = new Outcome.Failed("endless_answer", "the answer grew beyond --max-answer-mb", 200);
                    source.cancel();
                }
            }
        }

        @Override
        public void onFailure(EventSource source, Throwable problem, Response response) {
            failure = problem;
        }
    }

    private void note(StreamEvent.About about) {
        usage = usage.with(about.usage());
        finishReason = about.finishReason() != null ? about.finishReason() : finishReason;
        reportedModel = about.model() != null ? about.model() : reportedModel;
        fingerprint = about.fingerprint() != null ? about.fingerprint() : fingerprint;
    }

    private Outcome outcome(Throwable failure) {
        if (serverError != null) {
            return serverError;
        }
        if (done || finishReason != null) {
            return new Outcome.Completed();
        }
        if (failure instanceof RepairedSource.ErrorLine line) {
            var event = StreamEvent.decode("error", line.getMessage());
            return new Outcome.Failed(ServerErrors.oneLine(event.about().errorType()),
                    withoutKey(ServerErrors.oneLine(event.text())), 200);
        }
        if (failure instanceof RepairedSource.EndlessEvent || failure instanceof OutOfMemoryError) {
            return new Outcome.Failed("endless_event", "an event grew beyond --max-event-mb, or beyond the memory",
                    200);
        }
        if (abort != null) {
            return switch (abort) {
                case TIMEOUT -> new Outcome.TimedOut();
                case STALL -> new Outcome.Stalled();
                case CANCEL -> new Outcome.Cancelled();
            };
        }
        if (streaming) {
            return new Outcome.Truncated(failure == null ? "the stream ended without a finish reason or [DONE]"
                    : "the server " + ServerErrors.brokenConnection(failure, "inside the answer"));
        }
        return failure == null ? new Outcome.Failed("empty_stream", "the server sent no event", 200)
                : new Outcome.Failed(ServerErrors.ofConnection(failure, model.url()));
    }

    private Ending ending(Response response, Outcome outcome) {
        var startNanos = recording.startNanos();
        var lastNanos = done || clock == null ? recording.lastNanos() : clock.lastReadNanos();
        if (outcome instanceof Outcome.TimedOut || outcome instanceof Outcome.Stalled || lastNanos == 0) {
            lastNanos = System.nanoTime();
        }
        var network = phases.network(startNanos, headersNanos, response == null ? null : response.protocol());
        return new Ending(outcome, response == null ? null : response.code(), Figures.micros(lastNanos - startNanos),
                response == null ? null : ServerErrors.retryAfterMillis(response), network, usage, finishReason,
                reportedModel, fingerprint, response == null ? null : response.header("x-request-id"),
                response == null ? null : number(response.header("openai-processing-ms")), compressed, resent);
    }

    private static Double number(String header) {
        try {
            return header == null ? null : Double.valueOf(header);
        } catch (NumberFormatException e) {
            return null;
        }
    }
}

/** How an exchange ended. Sealed, so that a partial stream can't pass as a complete one. */
sealed interface Outcome {

    /** The answer has its end: a finish reason or the last event. */
    record Completed() implements Outcome { }

    /** The stream ended, or broke, without an end of the answer. */
    record Truncated(String how) implements Outcome { }

    /**
     * The server refused, or reported an error, or could not be reached.
     *
     * @param type       the server's word for it, else ours
     * @param httpStatus null if there was no answer
     */
    record Failed(String type, String message, Integer httpStatus) implements Outcome {

        private static final Pattern ABOUT_MODEL = Pattern.compile("(?i)model|deployment");

        Failed(Refusal refusal) {
            this(refusal.type(), refusal.message(), refusal.httpStatus());
        }

        /** Whether the same request may go well a little later. */
        boolean mayPass() {
            if (httpStatus == null) {
                return !type.equals("tls");
            }
            return httpStatus == 408 || httpStatus == 409 || httpStatus >= 500
                    || httpStatus == 429 && !type.equals("insufficient_quota");
        }

        /** Whether every other prompt meets the same failure. */
        boolean concernsAllPrompts() {
            return httpStatus == null || httpStatus == 401 || httpStatus == 403 || httpStatus == 404;
        }

        /** Whether a 404 speaks of the model; other bodies speak of the path. */
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
                case 200 -> type.equals("not_streamed") ? "; turn streaming on at the server or a proxy before it" : "";
                case 401 -> model.keyVariable() == null ? "; it wants a key" : "; check " + model.keyVariable();
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

    /** The word in the column status. */
    default String status() {
        return switch (this) {
            case Completed c -> "completed";
            case Truncated t -> "truncated";
            case Failed f -> "failed";
            case TimedOut t -> "timeout";
            case Stalled s -> "stalled";
            case Cancelled c -> "cancelled";
        };
    }

    /** What went wrong, null for nothing: the column error. */
    default String detail() {
        return switch (this) {
            case Completed c -> null;
            case Truncated t -> t.how();
            case Failed f -> f.message();
            case TimedOut t -> "the answer took longer than --timeout";
            case Stalled s -> "nothing came for as long as --stall-timeout";
            case Cancelled c -> "interrupted by the user";
        };
    }

    /** One line for the user: what happened, and what to do. */
    default String words(Model model) {
        if (!(this instanceof Failed failed)) {
            return status() + (detail() == null ? "" : ": " + detail());
        }
        var code = failed.httpStatus() == null || failed.httpStatus() == 200 ? "" : failed.httpStatus() + " ";
        var type = failed.type().startsWith("http_") || failed.type().equals(code.strip()) ? code.strip()
                : code + failed.type();
        return "failed: " + type + ": " + failed.message().replaceFirst("\\.$", "") + failed.advice(model);
    }
}

/**
 * How an exchange ended and what the server said of it; null is not known.
 *
 * @param endMicros        microseconds from the start to the end of the stream
 * @param retryAfterMillis how long the server asks to wait, in milliseconds
 * @param compressed       whether the stream came compressed, so that its timing is the compressor's
 * @param resent           whether the request was sent once more, since a reused connection was closed under it
 */
record Ending(Outcome outcome, Integer httpStatus, long endMicros, Long retryAfterMillis, Network network, Usage usage,
              String finishReason, String reportedModel, String fingerprint, String serverRequestId,
              Double serverProcessingMillis, boolean compressed, boolean resent) { }

/**
 * What happened on the network before the first event. Null where it did not happen or is not known.
 *
 * @param dnsMicros     how long the name look-up took, in microseconds; null on a reused connection
 * @param connectMicros how long TCP took to connect; null on a reused connection
 * @param tlsMicros     how long the TLS handshake took; null without TLS and on a reused connection
 * @param sentMicros    when the last byte of the request was written, from the start
 * @param headersMicros when the read came that ended the response headers, from the start
 */
record Network(Long dnsMicros, Long connectMicros, Long tlsMicros, Long sentMicros, Long headersMicros,
               String httpVersion, Boolean connectionReused) { }

/** Takes the times of the network phases as OkHttp goes through them. */
final class Phases extends EventListener {

    private long dnsStart;
    private long dnsEnd;
    private long connectStart;
    private long tlsStart;
    private long tlsEnd;
    private long connectEnd;
    private long sent;
    private final Runnable onSent;

    Phases(Runnable onSent) {
        this.onSent = onSent;
    }

    @Override
    public void dnsStart(Call call, String domainName) {
        dnsStart = System.nanoTime();
    }

    @Override
    public void dnsEnd(Call call, String domainName, List<InetAddress> addresses) {
        dnsEnd = System.nanoTime();
    }

    @Override
    public void connectStart(Call call, InetSocketAddress address, Proxy proxy) {
        connectStart = System.nanoTime();
    }

    @Override
    public void secureConnectStart(Call call) {
        tlsStart = System.nanoTime();
    }

    @Override
    public void secureConnectEnd(Call call, Handshake handshake) {
        tlsEnd = System.nanoTime();
    }

    @Override
    public void connectEnd(Call call, InetSocketAddress address, Proxy proxy, Protocol protocol) {
        connectEnd = System.nanoTime();
    }

    @Override
    public void requestBodyEnd(Call call, long byteCount) {
        sent = System.nanoTime();
        onSent.run();
    }

    @Override
    public void callFailed(Call call, IOException failure) {
        onSent.run();
    }

    boolean isConnectionReused() {
        return connectStart == 0;
    }

    Network network(long startNanos, long headersNanos, Protocol protocol) {
        return new Network(between(dnsStart, dnsEnd), between(connectStart, tlsStart != 0 ? tlsStart : connectEnd),
                between(tlsStart, tlsEnd), between(startNanos, sent), between(startNanos, headersNanos),
                protocol == null ? null : protocol.toString(), sent == 0 ? null : isConnectionReused());
    }

    private static Long between(long startNanos, long endNanos) {
        return startNanos == 0 || endNanos == 0 ? null : Figures.micros(endNanos - startNanos);
    }
}

/** When the last socket read returned, and how many there were; written by the one thread that reads the socket. */
final class ReadClock {

    private volatile long lastReadNanos;
    private volatile int reads;

    /** Notes a read that has just returned; the end of the connection is one that brought nothing. */
    void read(boolean broughtBytes) {
        lastReadNanos = System.nanoTime();
        reads += broughtBytes ? 1 : 0;
    }

    long lastReadNanos() {
        return lastReadNanos;
    }

    int reads() {
        return reads;
    }
}

/**
 * Makes sockets that note the time of each read. A body source would do for that if HTTP had no chunks and no TLS:
 * it sees each chunk as a read of its own, however many of them one socket read brought.
 */
final class TimedSockets extends SocketFactory {

    /** Both ends of a TCP connection; a TLS socket has the same ones as the plain socket that it is layered over. */
    private record Ends(SocketAddress local, SocketAddress remote) {
        static Ends of(Socket socket) {
            return new Ends(socket.getLocalSocketAddress(), socket.getRemoteSocketAddress());
        }
    }

    private final Map<Ends, TimedSocket> sockets = new ConcurrentHashMap<>();

    /** Returns the timed socket of the connection that this socket, plain or TLS, belongs to. */
    TimedSocket of(Socket socket) {
        return sockets.get(Ends.of(socket));
    }

    @Override
    public Socket createSocket() throws IOException {
        return new TimedSocket(SocketChannel.open());
    }

    @Override
    public Socket createSocket(String host, int port) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort) {
        throw new UnsupportedOperationException("OkHttp connects by itself");
    }

    /** A socket over a channel, because only a channel tells without waiting whether the server has closed it. */
    final class TimedSocket extends Socket {

        private final SocketChannel channel;
        private final Socket socket;
        private final ReadClock clock = new ReadClock();
        private Ends ends;
        private TimedInput input;

        TimedSocket(SocketChannel channel) {
            this.channel = channel;
            this.socket = channel.socket();
        }

        ReadClock clock() {
            return clock;
        }

        /**
         * Returns whether the server has closed the connection, or sent what nobody asked for. To be called between two
         * requests, by the only thread that uses the connection.
         */
        synchronized boolean isUnusable(boolean secure) throws IOException {
            return input != null && input.isUnusable(channel, secure);
        }

        @Override
        public void connect(SocketAddress address, int timeoutMillis) throws IOException {
            socket.connect(address, timeoutMillis);
            socket.setTcpNoDelay(true);
            ends = Ends.of(this);
            sockets.put(ends, this);
        }

        @Override
        public synchronized InputStream getInputStream() throws IOException {
            if (input == null) {
                input = new TimedInput(socket.getInputStream(), clock);
            }
            return input;
        }

        @Override
        public synchronized void close() throws IOException {
            if (ends != null) {
                sockets.remove(ends, this);
            }
            socket.close();
        }

        // What OkHttp and the JDK's TLS sockets ask of a socket beside that.

        @Override
        public OutputStream getOutputStream() throws IOException {
            return socket.getOutputStream();
        }

        @Override
        public void setSoTimeout(int millis) throws SocketException {
            socket.setSoTimeout(millis);
        }

        @Override
        public int getSoTimeout() throws SocketException {
            return socket.getSoTimeout();
        }

        @Override
        public void setSoLinger(boolean on, int seconds) throws SocketException {
            socket.setSoLinger(on, seconds);
        }

        @Override
        public int getSoLinger() throws SocketException {
            return socket.getSoLinger();
        }

        @Override
        public InetAddress getInetAddress() {
            return socket.getInetAddress();
        }

        @Override
        public InetAddress getLocalAddress() {
            return socket.getLocalAddress();
        }

        @Override
        public int getPort() {
            return socket.getPort();
        }

        @Override
        public int getLocalPort() {
            return socket.getLocalPort();
        }

        @Override
        public SocketAddress getRemoteSocketAddress() {
            return socket.getRemoteSocketAddress();
        }

        @Override
        public SocketAddress getLocalSocketAddress() {
            return socket.getLocalSocketAddress();
        }

        @Override
        public void shutdownInput() throws IOException {
            socket.shutdownInput();
        }

        @Override
        public void shutdownOutput() throws IOException {
            socket.shutdownOutput();
        }

        @Override
        public boolean isConnected() {
            return socket.isConnected();
        }

        @Override
        public boolean isBound() {
            return socket.isBound();
        }

        @Override
        public boolean isClosed() {
            return socket.isClosed();
        }

        @Override
        public boolean isInputShutdown() {
            return socket.isInputShutdown();
        }

        @Override
        public boolean isOutputShutdown() {
            return socket.isOutputShutdown();
        }
    }

    /** Reads ahead where a caller asks for little, so that the two small reads TLS makes of a record are one. */
    private static final class TimedInput extends InputStream {

        private static final int SMALL = 2048;
        private static final int AHEAD = 16 * 1024;

        private final InputStream in;
        private final ReadClock clock;
        private byte[] ahead; // only where it is needed: a thousand of them are a load for the collector
        private int next;
        private int end;

        TimedInput(InputStream in, ReadClock clock) {
            this.in = in;
            this.clock = clock;
        }

        /**
         * Returns whether the connection is closed, or has brought bytes that no TLS layer waits for. What it brought is
         * kept for the TLS layer: session tickets come without being asked for.
         */
        boolean isUnusable(SocketChannel channel, boolean secure) throws IOException {
            var single = ByteBuffer.allocate(1);
            channel.configureBlocking(false);
            try {
                var count = channel.read(single);
                if (count > 0 && secure) {
                    keep(single.get(0));
                    while (end < ahead.length && (count = channel.read(ByteBuffer.wrap(ahead, end, ahead.length - end))) > 0) {
                        end += count;
                    }
                    return count < 0;
                }
                return count != 0;
            } finally {
                channel.configureBlocking(true);
            }
        }

        private void keep(byte single) {
            ahead = ahead != null ? ahead : new byte[AHEAD];
            if (next == end) {
                next = 0;
                end = 0;
            }
            ahead[end++] = single;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (next == end) {
                if (length >= SMALL) {
                    var count = in.read(bytes, offset, length);
                    clock.read(count > 0);
                    return count;
                }
                ahead = ahead != null ? ahead : new byte[AHEAD];
                next = 0;
                end = Math.max(0, in.read(ahead, 0, ahead.length));
                clock.read(end > 0);
                if (end == 0) {
                    return -1;
                }
            }
            var count = Math.min(length, end - next);
            System.arraycopy(ahead, next, bytes, offset, count);
            next += count;
            return count;
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int available() throws IOException {
            return end - next + in.available();
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}

/**
 * The events of one exchange, written by the thread that reads the socket and read by one other thread while it goes
 * on. The writer takes no lock and wakes nobody; the reader comes by when it likes. Only when the reader is far behind
 * does the writer wait, so that memory does not grow with the events; {@link #wasHeldUp} says so.
 */
final class Recording {

    private static final int CHUNK = 64;
    private static final int MOST_CHUNKS_AHEAD = 512;

    /** Takes the events in their order. */
    interface Taker {
        /**
         * @param elapsedMicros microseconds since the request was sent
         * @param read          number of the socket read that brought the event's last byte, from 1
         * @param text          null for kinds that have none
         */
        void event(long elapsedMicros, int read, EventKind kind, String text) throws IOException;
    }

    private static final class Chunk {
        private final long[] atNanos = new long[CHUNK];
        private final int[] read = new int[CHUNK];
        private final EventKind[] kind = new EventKind[CHUNK];
        private final String[] text = new String[CHUNK];
        private volatile int size;
        private volatile Chunk next;
    }

    private volatile long startNanos;
    private Chunk tail = new Chunk(); // the writer's
    private long lastNanos;
    private int chunksWritten;
    private boolean heldUp;
    private volatile long heldUpNanos = Long.MIN_VALUE; // when it last was; every millisecond while it is
    private Chunk head = tail; // the reader's
    private int taken;
    private volatile int chunksTaken;

    void start(long nanos) {
        startNanos = nanos;
    }

    /** Returns 0 before the start. */
    long startNanos() {
        return startNanos;
    }

    /** Returns the time of the newest event, 0 if there is none; for the writer alone. */
    long lastNanos() {
        return lastNanos;
    }

    /** Adds an event; for the writer alone. */
    void add(long atNanos, int read, EventKind kind, String text) {
        var chunk = tail;
        var at = chunk.size;
        if (at == CHUNK) {
            while (++chunksWritten - chunksTaken > MOST_CHUNKS_AHEAD) {
                chunksWritten--;
                heldUp = true;
                LockSupport.parkNanos(1_000_000);
                heldUpNanos = System.nanoTime();
            }
            chunk = new Chunk();
            tail.next = chunk;
            tail = chunk;
            at = 0;
        }
        chunk.atNanos[at] = atNanos;
        chunk.read[at] = read;
        chunk.kind[at] = kind;
        chunk.text[at] = text;
        chunk.size = at + 1; // publishes the four lines above
        lastNanos = atNanos;
    }

    /** Nanoseconds since the writer last had to wait for the reader; endless if it never had. */
    long nanosSinceHeldUp(long nowNanos) {
        return heldUpNanos == Long.MIN_VALUE ? Long.MAX_VALUE : nowNanos - heldUpNanos;
    }

    /**
     * Hands over the events that have come since the last call, so many at most that others have their turn; returns
     * whether these were all. For the reader alone.
     */
    boolean drain(Taker taker) throws IOException {
        for (int chunks = 0; chunks < MOST_CHUNKS_AHEAD; chunks++) {
            for (var size = head.size; taken < size; taken++) {
                var text = head.text[taken];
                head.text[taken] = null; // or the whole chunk keeps it alive, and a collector copies it
                taker.event(Figures.micros(head.atNanos[taken] - startNanos), head.read[taken], head.kind[taken], text);
            }
            if (taken < CHUNK || head.next == null) {
                return true;
            }
            head = head.next;
            taken = 0;
            chunksTaken++;
        }
        return false;
    }

    /** Whether events waited for the reader, so that the times of later ones may be late; for the writer alone. */
    boolean wasHeldUp() {
        return heldUp;
    }
}

/** The figures of one answer, made of its events one by one. All times are whole microseconds; null is not known. */
final class Figures {

    /** Linear interpolation between closest ranks, as NumPy and spreadsheets do it (Hyndman and Fan's seventh). */
    private static final Quantile QUANTILE = Quantile.withDefaults().with(Quantile.EstimationMethod.HF7);

    /** Instead of a time that is not known; inside, where a box for each event would be one too many. */
    static final long NONE = -1;

    private int events;
    private int contentEvents;
    private int coalescedEvents;
    private int lastContentRead;
    private long lastMicros;
    private long firstEventMicros = NONE;
    private long ttftMicros = NONE;
    private long ttftReasoningMicros = NONE;
    private long ttltMicros = NONE;
    private double[] gapsMicros = new double[64];

    /** Adds the next event; returns the microseconds since the one before, {@link #NONE} for the first. */
    long add(long elapsedMicros, int read, EventKind kind) {
        var delay = events == 0 ? NONE : elapsedMicros - lastMicros;
        events++;
        lastMicros = elapsedMicros;
        firstEventMicros = firstEventMicros == NONE ? elapsedMicros : firstEventMicros;
        if (kind == EventKind.REASONING && ttftReasoningMicros == NONE) {
            ttftReasoningMicros = elapsedMicros;
        }
        if (kind == EventKind.CONTENT) {
            addContent(elapsedMicros, read);
        }
        return delay;
    }

    private void addContent(long elapsedMicros, int read) {
        if (contentEvents == 0) {
            ttftMicros = elapsedMicros;
        } else {
            if (contentEvents > gapsMicros.length) {
                gapsMicros = Arrays.copyOf(gapsMicros, gapsMicros.length * 2);
            }
            gapsMicros[contentEvents - 1] = elapsedMicros - ttltMicros;
            coalescedEvents += read == lastContentRead ? 1 : 0;
        }
        contentEvents++;
        lastContentRead = read;
        ttltMicros = elapsedMicros;
    }

    int events() {
        return events;
    }

    int contentEvents() {
        return contentEvents;
    }

    private static Long known(long micros) {
        return micros == NONE ? null : micros;
    }

    /** Content events that came in the same socket read as the one before them. */
    int coalescedEvents() {
        return coalescedEvents;
    }

    Long firstEventMicros() {
        return known(firstEventMicros);
    }

    /** Time to the first event with visible text. */
    Long ttftMicros() {
        return known(ttftMicros);
    }

    Long ttftReasoningMicros() {
        return known(ttftReasoningMicros);
    }

    /** Time to the last event with visible text. */
    Long ttltMicros() {
        return known(ttltMicros);
    }

    Double itlMeanMicros() {
        return contentEvents < 2 ? null : (double) (ttltMicros - ttftMicros) / (contentEvents - 1);
    }

    /** Returns the quantile of the gaps between content events; null if they are too few to carry it. */
    Double itlMicros(double fraction) {
        return quantile(contentEvents < 2 ? new double[0] : Arrays.copyOf(gapsMicros, contentEvents - 1), fraction);
    }

    Double itlMaxMicros() {
        return contentEvents < 2 ? null : Arrays.stream(gapsMicros, 0, contentEvents - 1).max().getAsDouble();
    }

    /** Returns null where the tokens are fewer than two. */
    Double tpotMicros(int outputTokens) {
        return contentEvents == 0 || outputTokens < 2 ? null
                : (double) (ttltMicros - ttftMicros) / (outputTokens - 1);
    }

    /** Returns null if there are too few values: none for the median, under 20 for p95, under 100 for p99. */
    static Double quantile(double[] values, double fraction) {
        var least = fraction > 0.95 ? 100 : fraction > 0.5 ? 20 : 1;
        return values.length < least ? null : QUANTILE.evaluate(values, fraction);
    }

    /** Nanoseconds to the nearest microsecond. */
    static long micros(long nanos) {
        return Math.floorDiv(nanos + 500, 1000);
    }

    /** Writes microseconds as milliseconds with three decimals; null as nothing. */
    static String millis(Number micros) {
        if (micros == null) {
            return "";
        }
        var text = new Buffer();
        writeMillis(text, micros instanceof Double exact ? Math.round(exact) : micros.longValue());
        return text.readUtf8();
    }

    /** The same, into a buffer. */
    static void writeMillis(Buffer text, long micros) {
        if (micros < 0) {
            text.writeByte('-');
        }
        var whole = Math.abs(micros);
        var decimals = (int) (whole % 1000);
        text.writeDecimalLong(whole / 1000).writeByte('.').writeByte('0' + decimals / 100)
                .writeByte('0' + decimals / 10 % 10).writeByte('0' + decimals % 10);
    }
}
