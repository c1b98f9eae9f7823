//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-sse:5.5.1
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES EventFields.java

package stream.api;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;

import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;
import okio.Buffer;

/** Lets okhttp-sse read events, by its public interface: as the body of a response that is already here. */
final class OkHttpFields implements EventFields {

    private static final MediaType EVENTS = MediaType.get("text/event-stream");
    private static final Request REQUEST = new Request.Builder().url("http://localhost/").build(); // is never sent

    @Override
    public void read(Buffer whole, Receiver receiver) throws IOException {
        var failure = new AtomicReference<Throwable>();
        var response = new Response.Builder().request(REQUEST).protocol(Protocol.HTTP_1_1).code(200).message("OK")
                .body(ResponseBody.create(whole, EVENTS, whole.size())).build();
        EventSources.processResponse(response, new EventSourceListener() {

            private boolean wantsMore = true;

            @Override
            public void onEvent(EventSource source, String id, String type, String data) {
                wantsMore = wantsMore && receiver.event(type, data);
            }

            @Override
            public void onFailure(EventSource source, Throwable thrown, Response of) {
                failure.set(thrown);
            }
        });
        switch (failure.get()) {
            case null -> { }
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Throwable e -> throw new IOException(e);
        }
    }
}
