//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1

package stream.client;

import okhttp3.Connection;
import okhttp3.internal.connection.RealConnection;
import okhttp3.internal.http2.ConnectionShutdownException;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.internal.http2.StreamResetException;

/**
 * Adapter to internals of OkHttp 5.5.1, which has no public way to tell why an HTTP/2 stream ended. FaultTest fails if they change:
 * {@code anHttp2StreamThatIsRefusedIsSentOnceMoreOnAReusedConnectionAlone}, {@code aStreamAfterTheLastOfAGoAwayIsSentOnceMore}.
 */
final class Http2Streams {

    private Http2Streams() { }

    /** Whether the server reset the stream, for any reason. */
    static boolean wasReset(Throwable failure) {
        return failure instanceof StreamResetException;
    }

    /** Whether the stream was reset as not processed: by the server, or by OkHttp since it is after the last one of a GOAWAY. */
    static boolean wasRefused(Throwable failure) {
        return failure instanceof StreamResetException reset && reset.errorCode == ErrorCode.REFUSED_STREAM;
    }

    /** Whether the connection was shut down before the stream was opened, so that nothing was sent. */
    static boolean neverBegan(Throwable failure) {
        return failure instanceof ConnectionShutdownException;
    }

    /** Whether a GOAWAY has come on a connection that is in use (RFC 9113, section 6.8), and not its end. */
    static boolean hasGoAway(Connection connection) {
        return connection instanceof RealConnection real && !real.isHealthy(false) && !real.socket().isClosed();
    }
}
