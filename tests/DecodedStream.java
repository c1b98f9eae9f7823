package stream;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import okio.Source;

/** What the bytes of a stream are decoded to, without a network. */
final class DecodedStream {

    private static final int MOST_EVENT_BYTES = 1 << 20;
    private static final int READ_BYTES = 8192;

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
        if (failure instanceof EventStream.ErrorLine line) {
            events.add(decoder.decode("error", line.getMessage()));
        }
        return events;
    }

    /**
     * Passes on each event; returns how the stream ended, null if it ended between two events. Throws what the decoder or the
     * consumer throws, other than the exceptions with which a stream may end.
     */
    static IOException read(Source bytes, EventConsumer consumer) {
        var stream = new EventStream(MOST_EVENT_BYTES, true, new EventStream.Receiver() {
            @Override
            public void lines() { }

            @Override
            public boolean event(String type, String data) {
                consumer.event(type, data);
                return true;
            }

            @Override
            public boolean isWhole(String data) {
                return StreamDecoder.isWhole(data);
            }
        });
        try {
            while (bytes.read(stream.incoming(), READ_BYTES) >= 0) {
                stream.decode();
            }
            stream.end();
            return null;
        } catch (IOException e) {
            return e;
        }
    }
}
