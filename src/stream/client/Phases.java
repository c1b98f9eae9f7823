//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//SOURCES ../metric/Metrics.java
//SOURCES Network.java

package stream.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.List;

import okhttp3.Call;
import okhttp3.EventListener;
import okhttp3.Handshake;
import okhttp3.Protocol;
import stream.metric.Metrics;

/** Records the times of the network phases as OkHttp goes through them. */
final class Phases extends EventListener {

    private long dnsStartNanos;
    private long dnsEndNanos;
    private long connectStartNanos;
    private long tlsStartNanos;
    private long tlsEndNanos;
    private long connectEndNanos;
    private long sentNanos;
    private final Runnable onSent;

    Phases(Runnable onSent) {
        this.onSent = onSent;
    }

    @Override
    public void dnsStart(Call call, String domainName) {
        dnsStartNanos = System.nanoTime();
    }

    @Override
    public void dnsEnd(Call call, String domainName, List<InetAddress> addresses) {
        dnsEndNanos = System.nanoTime();
    }

    @Override
    public void connectStart(Call call, InetSocketAddress address, Proxy proxy) {
        connectStartNanos = System.nanoTime();
    }

    @Override
    public void secureConnectStart(Call call) {
        tlsStartNanos = System.nanoTime();
    }

    @Override
    public void secureConnectEnd(Call call, Handshake handshake) {
        tlsEndNanos = System.nanoTime();
    }

    @Override
    public void connectEnd(Call call, InetSocketAddress address, Proxy proxy, Protocol protocol) {
        connectEndNanos = System.nanoTime();
    }

    @Override
    public void requestBodyEnd(Call call, long byteCount) {
        sentNanos = System.nanoTime();
        onSent.run();
    }

    @Override
    public void callFailed(Call call, IOException failure) {
        onSent.run();
    }

    /** Notes that the connection was open already when the client asked for one. */
    void openedAhead() {
        dnsStartNanos = 0;
        connectStartNanos = 0;
    }

    boolean isConnectionReused() {
        return connectStartNanos == 0;
    }

    Network network(long startNanos, long headersNanos, Protocol protocol) {
        return new Network(between(dnsStartNanos, dnsEndNanos),
                between(connectStartNanos, tlsStartNanos != 0 ? tlsStartNanos : connectEndNanos),
                between(tlsStartNanos, tlsEndNanos), between(startNanos, sentNanos), between(startNanos, headersNanos),
                protocol == null ? null : (protocol == Protocol.H2_PRIOR_KNOWLEDGE ? Protocol.HTTP_2 : protocol).toString(),
                sentNanos == 0 ? null : isConnectionReused());
    }

    private static Long between(long startNanos, long endNanos) {
        return startNanos == 0 || endNanos == 0 ? null : Metrics.micros(endNanos - startNanos);
    }
}
