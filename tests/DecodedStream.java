package stream;

import java.util.ArrayList;
import java.util.List;

import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;
import okio.Okio;
import okio.Source;

/** What the bytes of a stream are decoded to, without a network. */
final class DecodedStream {

    private static final int MOST_EVENT_BYTES = 1 << 20;

    /** Receives the type and the data of each event. */
    interface EventConsumer {
        void event(String type, String data);
    }

    private DecodedStream() { }

    /** Returns the events; the error line with which a stream may end is one. Throws what the decoder throws. */
    static List<StreamEvent> of(Source bytes, Dialect dialect) {
        var events = new ArrayList<StreamEvent>();
        var decoder = new StreamDecoder(dialect);
        var failure = read(bytes, (type, data) -> events.add(decoder.decode(type, data)));
        if (failure instanceof RepairedSource.ErrorLine line) {
            events.add(decoder.decode("error", line.getMessage()));
        }
        return events;
    }

    /** Passes on each event; returns how the stream ended, null if it ended between two events. Throws what the consumer throws. */
    static Throwable read(Source bytes, EventConsumer consumer) {
        var failure = new Throwable[1];
        var problem = new RuntimeException[1];
        var source = new RepairedSource(bytes, MOST_EVENT_BYTES, () -> { });
        var response = new Response.Builder().request(new Request.Builder().url("http://localhost/").build())
                .protocol(Protocol.HTTP_1_1).code(200).message("OK")
                .body(ResponseBody.create(Okio.buffer(source), MediaType.get("text/event-stream"), -1)).build();
        EventSources.processResponse(response, new EventSourceListener() {
            @Override
            public void onEvent(EventSource events, String id, String type, String data) {
                try {
                    consumer.event(type, data);
                } catch (RuntimeException e) {
                    problem[0] = e;
                }
            }

            @Override
            public void onFailure(EventSource events, Throwable cause, Response unused) {
                failure[0] = cause;
            }
        });
        if (problem[0] != null) {
            throw problem[0];
        }
        return failure[0];
    }
}
