//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-sse:5.5.1
//SOURCES Console.java
//SOURCES Events.java
//SOURCES Dialects.java
//SOURCES Models.java
//SOURCES Metrics.java
//SOURCES Outcome.java
//SOURCES Sockets.java
//SOURCES Http2Streams.java
//SOURCES ThinkTags.java

// Client: one request and its response. Sends it, records its events, classifies its outcome.
//
// What is done between a socket read and the recorded event takes processor time from the next reads of all streams, so it allocates
// little, takes no lock that another stream holds, and does no I/O. The time of an event is that of its read.

package stream;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSource;
import okio.Okio;

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

/** The HTTP client of a run. It retries nothing and follows no redirect: {@link Exchange} and the runner decide. */
final class StreamClient implements AutoCloseable {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration OPEN_AHEAD_TIMEOUT = Duration.ofSeconds(5);

    private final TimedSockets sockets = new TimedSockets();
    private final Limits limits;
    private final ConnectionSettings connection;
    private final EnvironmentProxies proxies;
    private final OkHttpClient reusing;
    private final OkHttpClient plain; // the same for http://, where the protocol is not negotiated
    private final Set<String> unreliable = ConcurrentHashMap.newKeySet();

    /**
     * Keeps as many idle connections to each server as there may be requests in flight. Where no model wants TLS, none is set
     * up: its trust store alone takes a tenth of a start.
     */
    StreamClient(int connections, List<Model> models, Map<String, String> environment, Limits limits, ConnectionSettings connection) {
        this.limits = limits;
        this.connection = connection;
        var servers = models.stream().map(model -> server(model.url())).distinct().count();
        var secure = models.stream().anyMatch(model -> model.url().isHttps());
        proxies = new EnvironmentProxies(environment);
        reusing = connection.trusting(new OkHttpClient.Builder())
                .protocols(connection.protocols())
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
                .eventListenerFactory(call -> call.request().tag(Sending.class).phases())
                .connectionPool(new ConnectionPool((int) Math.max(1, connections * servers), 5, TimeUnit.MINUTES))
                .retryOnConnectionFailure(false)
                .followRedirects(false)
                .connectTimeout(CONNECT_TIMEOUT)
                .readTimeout(Duration.ZERO) // a timer for each read is expensive; one thread watches all exchanges
                .writeTimeout(Duration.ZERO)
                .build();
        plain = reusing.newBuilder().protocols(connection.plainProtocols()).build();
    }

    Limits limits() {
        return limits;
    }

    /** Returns the proxy through which a server is reached, without its password; null for none. */
    String proxy(HttpUrl url) {
        return proxies.shown(url.uri());
    }

    Call newCall(Request request) {
        var client = request.isHttps() ? reusing : plain;
        return (mayReuse(request.url()) ? client : withOwnConnection(client)).newCall(request);
    }

    private boolean mayReuse(HttpUrl url) {
        return connection.reuse() && !unreliable.contains(server(url));
    }

    /** A pool of its own keeps a call from joining a connection that another call has opened, as HTTP/2 allows. */
    private static OkHttpClient withOwnConnection(OkHttpClient client) {
        return client.newBuilder().connectionPool(new ConnectionPool(0, 1, TimeUnit.MINUTES)).build();
    }

    /** Notes that a server closes connections under a request: from now on each request to it gets a connection of its own. */
    void stopReusing(Request request) {
        unreliable.add(server(request.url()));
    }

    private static String server(HttpUrl url) {
        return url.host() + ":" + url.port();
    }

    /**
     * Opens connections ahead, so that no measured request waits for a handshake. A server with TLS, or after a proxy, is asked
     * for the list of its models, on all connections at the same time, since OkHttp makes no handshake without a request. A
     * server that does not answer in time is left alone.
     *
     * @param connections to each server, at least 1
     */
    void openAhead(List<Model> models, int connections) throws InterruptedException {
        var servers = new LinkedHashMap<String, Model>();
        models.stream().filter(model -> mayReuse(model.url())).forEach(model -> servers.putIfAbsent(server(model.url()), model));
        var answered = new CountDownLatch(servers.size() * connections);
        var ended = new CountDownLatch(servers.size() * connections);
        for (var model : servers.values()) {
            for (int i = 0; i < connections; i++) {
                Thread.startVirtualThread(() -> {
                    if (model.url().isHttps() || reusing.proxySelector().select(model.url().uri()).getFirst() != Proxy.NO_PROXY) {
                        askForModels(model, answered);
                    } else {
                        connect(model.url());
                        answered.countDown();
                    }
                    ended.countDown();
                });
            }
        }
        ended.await(2 * OPEN_AHEAD_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }

    private void connect(HttpUrl url) {
        try {
            for (var address : reusing.dns().lookup(url.host())) {
                try {
                    sockets.openAhead(new InetSocketAddress(address, url.port()), (int) OPEN_AHEAD_TIMEOUT.toMillis());
                    return;
                } catch (IOException e) {
                    // the next address, or the request that is measured will tell
                }
            }
        } catch (UnknownHostException e) {
            // the request will tell
        }
    }

    /** Keeps the connection until all others are answered, too; before that none would be opened beside it. */
    private void askForModels(Model model, CountDownLatch answered) {
        var request = new Request.Builder().url(model.modelsUrl()).tag(Sending.class, new Sending(() -> { }));
        model.authorise(request);
        var call = newCall(request.build());
        call.timeout().timeout(OPEN_AHEAD_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        try (var response = call.execute()) {
            answered.countDown();
            answered.await(OPEN_AHEAD_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            response.body().source().readAll(Okio.blackhole()); // else the connection is closed
        } catch (IOException | InterruptedException e) {
            answered.countDown(); // the request that is measured will tell
        }
    }

    /** The server had closed an idle connection before a request was written to it. */
    static final class ClosedConnection extends IOException { }

    /** Finds the timed socket of a sending, and notices a connection that the server has closed before it is used. */
    private Response watchReads(Interceptor.Chain chain) throws IOException {
        var sending = chain.request().tag(Sending.class);
        var connection = chain.connection();
        var socket = sockets.of(connection.socket());
        if (socket == null) { // closed meanwhile
            throw sending.phases().isConnectionReused() ? new ClosedConnection() : new EOFException();
        }
        if (socket.wasOpenedAhead() && connection.handshake() == null) {
            sending.phases().openedAhead();
        }
        var multiplexed = connection.protocol() == Protocol.HTTP_2 || connection.protocol() == Protocol.H2_PRIOR_KNOWLEDGE;
        if (!multiplexed && sending.phases().isConnectionReused() && socket.isUnusable(connection.handshake() != null)) {
            socket.close();
            throw new ClosedConnection();
        }
        sending.beginReading(socket.clock(), multiplexed);
        Response response;
        try {
            response = chain.proceed(chain.request());
        } catch (IOException e) {
            if (Http2Streams.wasRefused(e) && Http2Streams.hasGoAway(connection)) {
                sending.setUnprocessed();
            }
            throw e;
        }
        sending.headersAt(socket.clock().lastReadNanos());
        response = ServerErrors.withRetryAfterHidden(response);
        if (!multiplexed && connection.handshake() == null && "chunked".equalsIgnoreCase(response.header("Transfer-Encoding"))
                && response.header("Content-Encoding", "identity").equalsIgnoreCase("identity")) {
            sending.setChunks(socket.input());
        }
        return response;
    }

    /** Ends the threads that would keep the JVM alive for a minute. */
    @Override
    public void close() {
        reusing.dispatcher().executorService().shutdown(); // the other clients share it, and the pool
        reusing.connectionPool().evictAll();
        sockets.close();
    }
}

/**
 * One sending of a request: its call, its connection, and the times of its network phases. Written by the thread that sends,
 * read by the stall detector.
 */
final class Sending {

    private final Phases phases;
    private volatile Call call;
    private volatile ReadClock clock; // null before a connection is found
    private int readsBefore;
    private boolean multiplexed;
    private long headersNanos;
    private SocketInput chunks;
    private boolean unprocessed;

    /** {@code onSent} is called once the request is written, or has failed before. */
    Sending(Runnable onSent) {
        this.phases = new Phases(onSent);
    }

    Phases phases() {
        return phases;
    }

    void prepare(StreamClient client, Request request) {
        call = client.newCall(request.newBuilder().tag(Sending.class, this).build());
    }

    Response execute() throws IOException {
        return call.execute();
    }

    void cancel() {
        call.cancel();
    }

    /** Notes the connection; {@code shared} if other requests are on it at the same time, as HTTP/2 allows. */
    void beginReading(ReadClock socketClock, boolean shared) {
        readsBefore = socketClock.reads();
        multiplexed = shared;
        clock = socketClock;
    }

    void headersAt(long nanos) {
        headersNanos = nanos;
    }

    /** Notes that the body of the response comes in chunks, neither compressed nor encrypted, from this input. */
    void setChunks(SocketInput input) {
        chunks = input;
    }

    /** Returns null if the body is compressed, encrypted or on a shared connection, or does not come in chunks. */
    SocketInput chunks() {
        return chunks;
    }

    /** Notes that the server has told by a GOAWAY that it has not processed the request. */
    void setUnprocessed() {
        unprocessed = true;
    }

    /**
     * Whether the server cannot have processed the request as far as the client can know: a GOAWAY says so, or the request was written to
     * a reused connection and it refused the HTTP/2 stream, or not a byte of a response has come. On a new connection a refusal alone
     * proves nothing, whatever RFC 9113, section 8.7, says: HAProxy 2.6 refuses streams whose request its upstream has read.
     */
    boolean isLost(Throwable failure) {
        var wasWritten = phases.isConnectionReused() && clock != null && headersNanos == 0;
        return unprocessed || Http2Streams.neverBegan(failure)
                || wasWritten && (Http2Streams.wasRefused(failure) || !Http2Streams.wasReset(failure)
                && (multiplexed || clock.reads() == readsBefore || endsBeforeFirstByte(failure)));
    }

    /** Whether the response is one with which a server closes an idle connection (RFC 9110, section 15.5.9). */
    boolean isLost(Response response) {
        return response.code() == 408 && phases.isConnectionReused() && "close".equalsIgnoreCase(response.header("Connection"));
    }

    /** Under TLS the record that announces the end of a connection is a read, too; okio tells how many bytes a line had. */
    private static boolean endsBeforeFirstByte(Throwable failure) {
        return failure.getCause() instanceof EOFException end && String.valueOf(end.getMessage()).contains("limit=0 ");
    }

    /** Returns when the read returned that brought what was taken last; 0 if there was none, whatever came on the connection before. */
    long lastReadNanos() {
        return clock == null || clock.reads() == readsBefore ? 0 : clock.lastReadNanos();
    }

    /** Returns the number of that read, from 1. */
    int lastRead() {
        return clock.reads() - readsBefore;
    }

    Network network(long startNanos, Response response) {
        return phases.network(startNanos, headersNanos, response == null ? null : response.protocol());
    }
}

/** What the events of a stream have told about the whole answer; a later event overrides an earlier one. */
final class AnswerState {

    private Usage usage = Usage.UNKNOWN; // of whatever an event has
    private Usage usageOfFirst = Usage.UNKNOWN; // where an event has the first of several choices alone
    private Usage usageOfAll = Usage.UNKNOWN; // where it has none, or several
    private int countsOfFirst;
    private int countsOfOthers;
    private boolean hasOtherChoices;
    private String finishReason;
    private String reportedModel;
    private String fingerprint;
    private Outcome.Failed serverError;
    private String notUnderstood;
    private boolean generated;
    private long bytes;
    private boolean done;

    void add(StreamEvent event) {
        var about = event.about();
        if (about != null) {
            addUsage(about.usage(), about.choices());
            hasOtherChoices |= about.choices().hasOthers();
            finishReason = about.finishReason() != null ? about.finishReason() : finishReason;
            reportedModel = about.model() != null ? about.model() : reportedModel;
            fingerprint = about.fingerprint() != null ? about.fingerprint() : fingerprint;
        }
        done |= event.last();
        generated |= event.kind().isGenerated();
        if (event.kind() == EventKind.ERROR) {
            serverError = new Outcome.Failed(OneLine.firstOf(about.errorType()), OneLine.firstOf(event.text()), 200);
        } else if (event.kind() == EventKind.CONTENT) {
            bytes += 2L * event.text().length() + Long.BYTES;
        }
    }

    private void addUsage(Usage counted, StreamEvent.Choices choices) {
        if (counted == null) {
            return;
        }
        usage = usage.with(counted);
        switch (choices) {
            case FIRST -> {
                usageOfFirst = usageOfFirst.with(counted);
                countsOfFirst++;
            }
            case OTHERS -> countsOfOthers++;
            case NONE, ALL -> usageOfAll = usageOfAll.with(counted);
        }
    }

    /** Whether each of several choices has a count of its own: some servers put one for all into the last event of a choice. */
    private boolean tellsChoicesApart() {
        return countsOfFirst > 1 || countsOfFirst == 1 && countsOfOthers > 0;
    }

    /** Marks the answer as failed if it takes more memory than it may. */
    void limit(long mostBytes) {
        if (bytes > mostBytes) {
            serverError = new Outcome.Failed(FailureKind.ENDLESS_ANSWER, "the answer grew beyond --max-answer-mb", 200);
        }
    }

    /** Whether the API's last event has come. */
    boolean isDone() {
        return done;
    }

    /** Whether the answer has its end. */
    boolean isComplete() {
        return done || finishReason != null;
    }

    /** Whether the model generated anything: text, reasoning, or a tool call. */
    boolean hasGenerated() {
        return generated;
    }

    /** Keeps the first event without a meaning for this tool: one line of it. */
    void setNotUnderstood(String line) {
        notUnderstood = line;
    }

    /** Returns that event; null if all had a meaning. */
    String notUnderstood() {
        return notUnderstood;
    }

    /** Returns the error inside the stream; null if there was none. */
    Outcome.Failed serverError() {
        return serverError;
    }

    /** Returns the token counts of the measured choice if the server tells them apart, else those of all choices. */
    Usage usage() {
        return hasOtherChoices && tellsChoicesApart() ? usage.withCounts(usageOfFirst.outputTokens(), usageOfFirst.reasoningTokens()) : usage;
    }

    /** Whether the token counts are those of several choices together, of which only one is measured. */
    boolean countsSeveralChoices() {
        return hasOtherChoices && !tellsChoicesApart() && usage.outputTokens() != null;
    }

    /** Returns the token counts that are paid for: of all choices; null if only those of one are known. */
    Usage billedUsage() {
        return !hasOtherChoices || !tellsChoicesApart() ? usage : usageOfAll.outputTokens() == null ? null : usageOfAll;
    }

    String finishReason() {
        return finishReason;
    }

    String reportedModel() {
        return reportedModel;
    }

    String fingerprint() {
        return fingerprint;
    }
}

/** One request, streamed to its end: sends it, records every event, and classifies the outcome. It never throws. */
class Exchange {

    /** Some servers stream as plain text, or name no type at all; of other types the first bytes must be those of events. */
    private static final Set<String> STREAM_TYPES = Set.of("event-stream", "plain", "octet-stream");
    private static final MediaType JSON = MediaType.get("application/json");
    private static final long ERROR_BODY_BYTES = 64 * 1024;
    private static final long READ_BYTES = 8192;

    /** Why the run ended an exchange before the server did. */
    enum Abort { TIMEOUT, STALL, CANCEL }

    private final StreamClient client;
    private final Model model;
    private final Request request;
    private final Recording recording;
    private final Runnable onSent;
    private final boolean mayResend;
    private final StreamDecoder decoder;
    private final AnswerState answer = new AnswerState();
    private volatile Sending sending;
    private volatile Abort abort;
    private volatile boolean streaming;
    private volatile long lastLineNanos;
    private boolean resent;
    private ExchangeResult.BodyForm form = ExchangeResult.BodyForm.USUAL;

    /** {@code onSent} is called once the request is written, or has failed before. */
    Exchange(StreamClient client, Model model, String body, Recording recording, Runnable onSent) {
        this(client, model, body, recording, onSent, true);
    }

    /**
     * The same for a request that may have been sent before.
     *
     * @param mayResend whether it may be sent once more if it is lost
     */
    Exchange(StreamClient client, Model model, String body, Recording recording, Runnable onSent, boolean mayResend) {
        this.client = client;
        this.model = model;
        this.recording = recording;
        this.onSent = onSent;
        this.mayResend = mayResend;
        this.decoder = new StreamDecoder(model.dialect());
        var post = new Request.Builder().url(model.url()).header("Accept", "text/event-stream")
                .header("Accept-Encoding", "identity").header("User-Agent", "stream/" + Version.NUMBER)
                .post(RequestBody.create(body.getBytes(StandardCharsets.UTF_8), JSON));
        model.authorise(post);
        this.request = post.build();
        prepare();
    }

    private void prepare() {
        var next = new Sending(onSent);
        next.prepare(client, request);
        sending = next;
        if (abort != null) {
            next.cancel();
        }
    }

    /**
     * Streams on this thread until the end. A request that is lost because the server closed a reused connection is sent
     * once more on a new one, and the clock starts again.
     */
    ExchangeResult run() {
        while (true) {
            recording.start(System.nanoTime());
            try (var response = sending.execute()) {
                if (mayResend() && sending.isLost(response)) {
                    resend();
                    continue;
                }
                return result(response, receive(response));
            } catch (StreamClient.ClosedConnection e) {
                // nothing was sent: another connection is taken
            } catch (IOException | RuntimeException | OutOfMemoryError e) {
                if (!mayResend() || !sending.isLost(e)) {
                    return result(null, outcome(e, null, null));
                }
                resend();
                continue;
            }
            prepare();
        }
    }

    private boolean mayResend() {
        return mayResend && !resent && abort == null;
    }

    private void resend() {
        resent = true;
        client.stopReusing(request);
        prepare();
    }

    /** Ends the exchange from another thread; the first reason stays. */
    void abort(Abort why) {
        if (abort == null) {
            abort = why;
        }
        sending.cancel();
    }

    /** Returns the nanoseconds since the exchange began; 0 before. */
    long ageNanos(long nowNanos) {
        return recording.startNanos() == 0 ? 0 : nowNanos - recording.startNanos();
    }

    /** Returns the nanoseconds since a line ended and this side was ready for the next; 0 before the first event. */
    long silenceNanos(long nowNanos) {
        return streaming ? Math.min(nowNanos - lastLineNanos, recording.nanosSinceHeldUp(nowNanos)) : 0;
    }

    /** Some servers quote the key that they refuse; it is not to be printed or written. */
    private StreamEvent withoutSecrets(StreamEvent event) {
        return event.kind() != EventKind.ERROR ? event
                : StreamEvent.error(model.withoutSecrets(event.about().errorType()), model.withoutSecrets(event.text()));
    }

    /** Returns what an event means; overridden by a benchmark. */
    StreamEvent decode(String type, String data) {
        return decoder.decode(type, data);
    }

    private Outcome receive(Response response) throws IOException {
        if (!response.isSuccessful()) {
            return new Outcome.Failed(ServerErrors.ofResponse(response, ERROR_BODY_BYTES, model::withoutSecrets));
        }
        var encoding = response.header("Content-Encoding", "identity").toLowerCase(Locale.ROOT);
        if (!encoding.equals("identity") && !GzipMembers.isNamed(encoding)) {
            return new Outcome.Failed(FailureKind.UNKNOWN_ENCODING, "the server sends the stream in the encoding '" + encoding
                    + "', which this tool does not read", response.code());
        }
        form = new ExchangeResult.BodyForm(encoding.equals("identity") ? null : encoding, null);
        var type = response.body().contentType();
        var decoding = new Decoding(type == null || STREAM_TYPES.contains(type.subtype()));
        if (sending.chunks() == null) {
            decoding.readAll(response.body().source(), form.encodedAs() != null);
        } else {
            decoding.takeAll(sending.chunks());
        }
        decoding.end();
        var document = decoding.events.document();
        if (document != null) {
            return ofDocument(document, type, response.code());
        }
        if (streaming && type != null && !type.subtype().equals("event-stream")) {
            form = new ExchangeResult.BodyForm(form.encodedAs(), type.type() + "/" + type.subtype());
        }
        return outcome(decoding.failure, decoding.rest != null || streaming ? decoding.rest : decoding.events.rest(), response);
    }

    /** Returns what a body in JSON or HTML means that came instead of a stream: the server's error if it has one. */
    private Outcome ofDocument(String text, MediaType type, int status) {
        var event = withoutSecrets(new StreamDecoder(model.dialect()).decode(null, text));
        if (event.kind() == EventKind.ERROR && (text.startsWith("[") || StreamDecoder.isWhole(text))) {
            return new Outcome.Failed(OneLine.firstOf(event.about().errorType()), OneLine.firstOf(event.text()), status);
        }
        var what = type != null && !STREAM_TYPES.contains(type.subtype()) ? type.toString() : text.startsWith("<") ? "HTML" : "JSON";
        return new Outcome.Failed(FailureKind.NOT_STREAMED, "the server did not stream, it sent " + what, status);
    }

    /**
     * Decodes the body of a response: chunks on a connection of its own in turns on a thread that many streams share, anything else
     * on the thread of the request, which waits for it.
     */
    private final class Decoding implements InputConsumer, EventStream.Receiver {

        private final EventStream events;
        private final ChunkDecoder chunks = new ChunkDecoder();
        private final ThinkTags thinkTags = model.readsThinkTags() ? new ThinkTags(this::record) : null;
        private final CompletableFuture<Void> ended = new CompletableFuture<>();
        private long readNanos; // of the read that brought the newest bytes
        private int read;
        private Throwable failure;
        private String rest;

        Decoding(boolean expectsEvents) {
            events = new EventStream(client.limits().eventBytes(), expectsEvents, this);
        }

        void readAll(BufferedSource body, boolean isGzip) {
            try {
                var source = isGzip ? GzipMembers.decoded(body) : body;
                var wantsMore = true;
                while (wantsMore && source.read(events.incoming(), READ_BYTES) >= 0) {
                    wantsMore = decode();
                }
                if (wantsMore) {
                    rest = events.end();
                }
            } catch (IOException | RuntimeException | OutOfMemoryError e) {
                failure = e;
            }
        }

        void takeAll(SocketInput input) {
            input.handTo(this);
            ended.join();
        }

        @Override
        public boolean take(SocketInput input) {
            try {
                var wantsMore = true;
                while (wantsMore && input.hasBytes()) {
                    if (!recording.hasRoom()) {
                        return true;
                    }
                    input.take(chunks, events.incoming());
                    wantsMore = decode();
                    if (wantsMore && chunks.isAtLast()) {
                        rest = events.end();
                        wantsMore = false;
                    }
                }
                if (wantsMore) {
                    return false;
                }
            } catch (IOException | RuntimeException | Error e) { // the thread is not this stream's alone
                failure = e;
            }
            var untaken = chunks.untaken();
            if (untaken == null) {
                sending.cancel(); // what comes next on this connection cannot be told apart
            }
            input.takeBack(untaken);
            ended.complete(null);
            return false;
        }

        /** Notes the read that brought the bytes; at the end of the body another one may have brought nothing of it. */
        private boolean decode() throws IOException {
            if (!events.incoming().exhausted()) {
                readNanos = sending.lastReadNanos();
                read = sending.lastRead();
            }
            return events.decode();
        }

        /** Records what is held; to be called after the last event. */
        void end() {
            if (thinkTags != null) {
                thinkTags.end();
            }
        }

        private void record(long atNanos, int readNumber, StreamEvent event) {
            recording.add(atNanos, readNumber, event.kind(), event.text(), event.outputTokens());
        }

        @Override
        public void lines() {
            lastLineNanos = readNanos;
        }

        @Override
        public boolean isWhole(String data) {
            return StreamDecoder.isWhole(data);
        }

        @Override
        public boolean event(String type, String data) {
            var event = withoutSecrets(Exchange.this.decode(type, data));
            if (thinkTags == null) {
                record(readNanos, read, event);
            } else {
                thinkTags.add(readNanos, read, event);
            }
            streaming = true;
            answer.add(event);
            if ((event.kind() == EventKind.OTHER || event.kind().hasEmptyChoice()) && answer.notUnderstood() == null) {
                answer.setNotUnderstood(OneLine.firstOf(model.withoutSecrets(data)));
            }
            answer.limit(client.limits().answerBytes());
            return !answer.isDone() && answer.serverError() == null; // the connection may stay open after the last event
        }
    }

    /**
     * Classifies the end.
     *
     * @param failure  null if the body ended in order
     * @param rest     the last line that belongs to no event; null if there is none
     * @param response null if there was none
     */
    private Outcome outcome(Throwable failure, String rest, Response response) {
        if (answer.serverError() != null) {
            return answer.serverError();
        }
        if (answer.isComplete()) {
            return new Outcome.Completed();
        }
        if (failure instanceof EventStream.ErrorLine line) {
            var event = withoutSecrets(decode("error", line.getMessage()));
            return new Outcome.Failed(OneLine.firstOf(event.about().errorType()), OneLine.firstOf(event.text()), 200);
        }
        if (failure instanceof EventStream.EndlessEvent || failure instanceof OutOfMemoryError) {
            return new Outcome.Failed(FailureKind.ENDLESS_EVENT, "an event grew beyond --max-event-mb, or beyond the memory", 200);
        }
        if (abort != null) {
            return switch (abort) {
                case TIMEOUT -> new Outcome.TimedOut();
                case STALL -> new Outcome.Stalled();
                case CANCEL -> new Outcome.Cancelled();
            };
        }
        var after = rest == null ? "" : ", after: " + OneLine.firstOf(model.withoutSecrets(rest));
        if (streaming) {
            return failure == null ? new Outcome.Truncated("the stream ended without a finish reason or [DONE]" + after, true)
                    : new Outcome.Truncated("the server " + ServerErrors.brokenConnection(failure, "inside the answer"), false);
        }
        if (response == null) {
            return new Outcome.Failed(ServerErrors.ofConnection(failure, model.url(), client.proxy(model.url())));
        }
        return new Outcome.Failed(ServerErrors.withoutEvent(response.code(), failure, sending.lastReadNanos() - recording.startNanos(), after));
    }

    /** {@code response} is null if there was none. */
    private ExchangeResult result(Response response, Outcome outcome) {
        var startNanos = recording.startNanos();
        var lastNanos = answer.isDone() || sending.lastReadNanos() == 0 ? recording.lastNanos() : sending.lastReadNanos();
        if (outcome instanceof Outcome.TimedOut || outcome instanceof Outcome.Stalled || lastNanos == 0) {
            lastNanos = System.nanoTime();
        }
        var network = sending.network(startNanos, response);
        var endMicros = Metrics.micros(lastNanos - startNanos);
        return response == null
                ? new ExchangeResult(outcome, null, endMicros, null, network, answer, null, null, form, resent, false, null)
                : new ExchangeResult(outcome, response.code(), endMicros, ServerErrors.retryAfterMillis(response), network,
                        answer, response.header("x-request-id", response.header("request-id")),
                        number(response.header("openai-processing-ms")), form, resent,
                        response.header(SimulatedTiming.HEADER) != null, clock(response, startNanos, network));
    }

    private static ExchangeResult.ServerClock clock(Response response, long startNanos, Network network) {
        var date = response.headers().getDate("Date");
        if (date == null || network.headersMicros() == null) {
            return null;
        }
        var startMillis = System.currentTimeMillis() - (System.nanoTime() - startNanos) / 1_000_000;
        return new ExchangeResult.ServerClock(startMillis - 1, startMillis + network.headersMicros() / 1000 + 1, date.getTime());
    }

    private static Double number(String header) {
        try {
            return header == null ? null : Double.valueOf(header);
        } catch (NumberFormatException e) {
            return null;
        }
    }
}

/**
 * How an exchange ended, and what the server told about it. Null where it is not known.
 *
 * @param endMicros              from the start to the end of the stream
 * @param retryAfterMillis       how long the server asks to wait
 * @param serverProcessingMillis what the server says it needed
 * @param form                   how the body came
 * @param resent                 whether the request was sent once more because it was lost
 * @param simulated              whether the server says that its timing is made up
 * @param clock                  what the server says of the time
 */
record ExchangeResult(Outcome outcome, Integer httpStatus, long endMicros, Long retryAfterMillis, Network network,
                      AnswerState answer, String serverRequestId, Double serverProcessingMillis, BodyForm form, boolean resent,
                      boolean simulated, ServerClock clock) {

    /**
     * How the body of a response came.
     *
     * @param encodedAs  the Content-Encoding of the stream, whose timing is then that of the encoder; null for none
     * @param streamedAs the Content-Type under which events came; null if it is that of events, or there is none
     */
    record BodyForm(String encodedAs, String streamedAs) {
        static final BodyForm USUAL = new BodyForm(null, null);
    }

    /**
     * The header Date of a response, and when it can have been written. All are milliseconds since 1970.
     *
     * @param sentMillis     by the clock of this machine, not later than the request
     * @param receivedMillis by the clock of this machine, not earlier than the end of the response's headers
     * @param serverMillis   by the clock of the server, in whole seconds
     */
    record ServerClock(long sentMillis, long receivedMillis, long serverMillis) { }
}

/**
 * The events of one exchange, written by the thread that parses them and read by one other thread at the same time.
 * The writer takes no lock and wakes no thread; the reader polls. Only when the reader is far behind does the writer wait, so
 * that memory does not grow with the number of events; {@link #wasHeldUp} tells.
 */
final class Recording {

    private static final int CHUNK = 64;
    private static final int MOST_CHUNKS_AHEAD = 512;

    /** Receives the events in their order. */
    interface EventConsumer {
        /**
         * @param elapsedMicros microseconds since the request was sent
         * @param read          number of the socket read that brought the event's last byte, from 1
         * @param text          null for kinds that have none
         * @param tokens        output tokens so far; {@link StreamEvent#NO_COUNT} if the event does not tell
         */
        void event(long elapsedMicros, int read, EventKind kind, String text, int tokens) throws IOException;
    }

    private static final class Chunk {
        private final long[] atNanos = new long[CHUNK];
        private final int[] read = new int[CHUNK];
        private final EventKind[] kind = new EventKind[CHUNK];
        private final String[] text = new String[CHUNK];
        private final int[] tokens = new int[CHUNK];
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

    /** Returns the time of the newest event, 0 before the first; for the writer only. */
    long lastNanos() {
        return lastNanos;
    }

    /** Adds an event, with the arguments of {@link EventConsumer#event}; for the writer only. */
    void add(long atNanos, int read, EventKind kind, String text, int tokens) {
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
        chunk.tokens[at] = tokens;
        chunk.size = at + 1; // publishes the five lines above
        lastNanos = atNanos;
    }

    /** Whether there is room for the events of one more socket read; for a writer that must not wait. */
    boolean hasRoom() {
        if (chunksWritten - chunksTaken > MOST_CHUNKS_AHEAD / 2) {
            heldUp = true;
            heldUpNanos = System.nanoTime();
            return false;
        }
        return true;
    }

    /** Nanoseconds since the writer last had to wait for the reader; endless if it never had. */
    long nanosSinceHeldUp(long nowNanos) {
        return heldUpNanos == Long.MIN_VALUE ? Long.MAX_VALUE : nowNanos - heldUpNanos;
    }

    /**
     * Passes on the events since the last call, a limited number so that other recordings are read too; returns whether
     * these were all. For the reader only.
     */
    boolean drain(EventConsumer consumer) throws IOException {
        for (int chunks = 0; chunks < MOST_CHUNKS_AHEAD; chunks++) {
            for (var size = head.size; taken < size; taken++) {
                var text = head.text[taken];
                head.text[taken] = null; // else the chunk keeps it reachable, and the collector copies it
                consumer.event(Metrics.micros(head.atNanos[taken] - startNanos), head.read[taken], head.kind[taken], text,
                        head.tokens[taken]);
            }
            if (taken < CHUNK || head.next == null) {
                return true;
            }
            var next = head.next;
            head.next = null; // else a chunk that has grown old keeps all later ones from the collector
            head = next;
            taken = 0;
            chunksTaken++;
        }
        return false;
    }

    /** Whether events waited for the reader, so that the times of later ones may be late; for the writer only. */
    boolean wasHeldUp() {
        return heldUp;
    }
}
