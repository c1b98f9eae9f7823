//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES LineFields.java
//SOURCES OkHttpFields.java

package stream.api;

import java.io.IOException;

import okio.Buffer;

/**
 * Reads the fields of server-sent events as the WHATWG's standard says (HTML, 9.2.6), from whole events whose only line end is LF.
 * There are two that give the same. An event costs 0.16 µs and 130 bytes with {@link #LINES}, which is used on threads that many
 * streams share, and 0.28 µs and 650 bytes with {@link #OKHTTP}, which is used where a request has a thread of its own.
 */
public interface EventFields {

    /** Receives an event; {@code type} may be null. Returns whether more are wanted. */
    interface Receiver {
        boolean event(String type, String data);
    }

    /** Reads the fields itself. */
    EventFields LINES = new LineFields();

    /** Lets okhttp-sse read them. */
    EventFields OKHTTP = new OkHttpFields();

    /** Takes all events from the buffer, or those that are wanted; what is left then is not meant to be read. */
    void read(Buffer whole, Receiver receiver) throws IOException;
}
