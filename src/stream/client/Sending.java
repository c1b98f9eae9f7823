//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//SOURCES Http2Streams.java
//SOURCES Network.java
//SOURCES Phases.java
//SOURCES ReadClock.java
//SOURCES SocketInput.java
//SOURCES StreamClient.java

package stream.client;

import java.io.EOFException;
import java.io.IOException;

import okhttp3.Call;
import okhttp3.Request;
import okhttp3.Response;

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
     * Whether the server cannot have processed the request as far as the client can know: a GOAWAY says so, or the request was
     * written to a reused connection and it refused the HTTP/2 stream, or not a byte of a response has come. On a new connection a
     * refusal alone proves nothing, whatever RFC 9113, section 8.7, says: HAProxy 2.6 refuses streams whose request its upstream
     * has read.
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

    /**
     * Returns when the read returned that brought what was taken last; 0 if there was none, whatever came on the connection before.
     */
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
