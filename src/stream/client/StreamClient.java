//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES ../api/ConnectionSettings.java
//SOURCES ../api/EnvironmentProxies.java
//SOURCES ../api/Model.java
//SOURCES Http2Streams.java
//SOURCES Limits.java
//SOURCES Phases.java
//SOURCES ReadClock.java
//SOURCES Sending.java
//SOURCES ServerErrors.java
//SOURCES TimedSockets.java

package stream.client;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okio.Okio;
import stream.api.ConnectionSettings;
import stream.api.EnvironmentProxies;
import stream.api.Model;

/** The HTTP client of a run. It retries nothing and follows no redirect: {@link Exchange} and the runner decide. */
public final class StreamClient implements AutoCloseable {

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
    public StreamClient(int connections, List<Model> models, Map<String, String> environment, Limits limits,
            ConnectionSettings connection) {
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
    public void openAhead(List<Model> models, int connections) throws InterruptedException {
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
