//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/Version.java
//SOURCES ../api/ChunkDecoder.java
//SOURCES ../api/EventFields.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/EventStream.java
//SOURCES ../api/FailureKind.java
//SOURCES ../api/GzipMembers.java
//SOURCES ../api/Model.java
//SOURCES ../api/SimulatedTiming.java
//SOURCES ../api/StreamDecoder.java
//SOURCES ../api/StreamEvent.java
//SOURCES ../api/ThinkTags.java
//SOURCES ../metric/Metrics.java
//SOURCES AnswerState.java
//SOURCES ExchangeResult.java
//SOURCES InputConsumer.java
//SOURCES Limits.java
//SOURCES Network.java
//SOURCES Outcome.java
//SOURCES Recording.java
//SOURCES Sending.java
//SOURCES ServerErrors.java
//SOURCES SocketInput.java
//SOURCES StreamClient.java

package stream.client;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

import okhttp3.MediaType;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSource;
import stream.api.ChunkDecoder;
import stream.api.EventFields;
import stream.api.EventKind;
import stream.api.EventStream;
import stream.api.FailureKind;
import stream.api.GzipMembers;
import stream.api.Model;
import stream.api.SimulatedTiming;
import stream.api.StreamDecoder;
import stream.api.StreamEvent;
import stream.api.ThinkTags;
import stream.metric.Metrics;
import stream.terminal.OneLine;
import stream.terminal.Version;

/**
 * One request, streamed to its end: sends it, records every event, and classifies the outcome. It never throws.
 *
 * <p>What is done between a socket read and the recorded event takes processor time from the next reads of all streams, so it
 * allocates little, takes no lock that another stream holds, and does no I/O. The time of an event is that of its read.
 */
public class Exchange {

    /** Some servers stream as plain text, or name no type at all; of other types the first bytes must be those of events. */
    private static final Set<String> STREAM_TYPES = Set.of("event-stream", "plain", "octet-stream");
    private static final MediaType JSON = MediaType.get("application/json");
    private static final long ERROR_BODY_BYTES = 64 * 1024;
    private static final long READ_BYTES = 8192;

    /** Why the run ended an exchange before the server did. */
    public enum Abort { TIMEOUT, STALL, CANCEL }

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
    public Exchange(StreamClient client, Model model, String body, Recording recording, Runnable onSent) {
        this(client, model, body, recording, onSent, true);
    }

    /**
     * The same for a request that may have been sent before.
     *
     * @param mayResend whether it may be sent once more if it is lost
     */
    public Exchange(StreamClient client, Model model, String body, Recording recording, Runnable onSent, boolean mayResend) {
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
    public ExchangeResult run() {
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
    public void abort(Abort why) {
        if (abort == null) {
            abort = why;
        }
        sending.cancel();
    }

    /** Returns the nanoseconds since the exchange began; 0 before. */
    public long ageNanos(long nowNanos) {
        return recording.startNanos() == 0 ? 0 : nowNanos - recording.startNanos();
    }

    /** Returns the nanoseconds since a line ended and this side was ready for the next; 0 before the first event. */
    public long silenceNanos(long nowNanos) {
        return streaming ? Math.min(nowNanos - lastLineNanos, recording.nanosSinceHeldUp(nowNanos)) : 0;
    }

    /** Some servers quote the key that they refuse; it is not to be printed or written. */
    private StreamEvent withoutSecrets(StreamEvent event) {
        return event.kind() != EventKind.ERROR ? event
                : StreamEvent.error(model.withoutSecrets(event.about().errorType()), model.withoutSecrets(event.text()));
    }

    /** Returns what an event means; overridden by a benchmark. */
    public StreamEvent decode(String type, String data) {
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
        var decoding = new Decoding(type == null || STREAM_TYPES.contains(type.subtype()),
                sending.chunks() == null ? EventFields.OKHTTP : EventFields.LINES);
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
        var what = type != null && !STREAM_TYPES.contains(type.subtype()) ? type.toString()
                : text.startsWith("<") ? "HTML" : "JSON";
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

        Decoding(boolean expectsEvents, EventFields fields) {
            events = new EventStream(client.limits().eventBytes(), expectsEvents, fields, this);
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
        return new Outcome.Failed(ServerErrors.withoutEvent(response.code(), failure,
                sending.lastReadNanos() - recording.startNanos(), after));
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
