package stream.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static stream.fixtures.ScriptedServer.chunk;
import static stream.fixtures.ScriptedServer.write;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

import okhttp3.OkHttpClient;
import okhttp3.Request;
import okio.Buffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.api.ConnectionSettings;
import stream.api.StreamEvent;
import stream.fixtures.Await;
import stream.fixtures.ScriptedServer;
import stream.fixtures.TestModels;
import stream.fixtures.TestOrder;
import stream.fixtures.TrustedCertificate;

/** Chunks, and what a connection brings before, between and after them. OkHttp's own decoding is what ours is compared with. */
@Timeout(20)
@Order(TestOrder.LAST)
class FramingTest {

    private static final String HEADERS = ScriptedServer.HEADERS;
    private static final String TOKEN = "data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n";
    private static final String END = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

    private final StreamClient client = new StreamClient(4, List.of(), Map.of(), Limits.DEFAULT, ConnectionSettings.DEFAULT);

    @AfterEach
    void close() {
        client.close();
    }

    /** What an exchange recorded: a line for each event, with the number of its read, and how it ended. */
    private record Got(List<String> events, ExchangeResult result) {
        String status() {
            return result.outcome().status().word();
        }
    }

    private Got exchange(String url) throws IOException {
        var recording = new Recording();
        var result = new Exchange(client, TestModels.of("m", "chat", url), "{}", recording, () -> { }).run();
        return new Got(events(recording), result);
    }

    private static List<String> events(Recording recording) throws IOException {
        var events = new ArrayList<String>();
        recording.drain((micros, read, kind, text, tokens) -> events.add(read + " " + kind.word() + ":" + text));
        return events;
    }

    /** Returns the outcome of an exchange that is aborted once the server is silent. */
    private Outcome abortedInSilence(String url, Exchange.Abort why) throws Exception {
        var exchange = new Exchange(client, TestModels.of("m", "chat", url), "{}", new Recording(), () -> { });
        var result = CompletableFuture.supplyAsync(exchange::run);
        Await.until("what has come is taken, and nothing more comes", () -> exchange.silenceNanos(System.nanoTime()) >= 20_000_000);
        exchange.abort(why);
        return result.get(10, TimeUnit.SECONDS).outcome();
    }

    /** Random chunks, half of them spoiled at one place of the framing, in random pieces; OkHttp says what comes of them. */
    @Test
    void theSameEventsAreReadAsOkHttpWouldRead() throws Exception {
        var stream = TOKEN.formatted("a").repeat(20) + END;
        var plain = new OkHttpClient();
        var broken = 0;
        for (int seed = 0; seed < 60; seed++) {
            var random = new Random(seed);
            var framed = new StringBuilder();
            for (int at = 0; at < stream.length(); ) {
                var end = Math.min(stream.length(), at + 1 + random.nextInt(200));
                framed.append(random.nextBoolean() ? "0" : "").append(chunk(stream.substring(at, end)));
                at = end;
            }
            framed.append("0\r\n\r\n");
            if (seed % 2 == 1) {
                var ends = java.util.regex.Pattern.compile("\r\n").matcher(framed).results().map(found -> found.start()).toList();
                var at = ends.get(random.nextInt(ends.size()));
                switch (random.nextInt(3)) {
                    case 0 -> framed.insert(at, "zz");
                    case 1 -> framed.delete(at, at + 2);
                    default -> framed.setLength(at);
                }
            }
            try (var server = new ScriptedServer((request, out) -> {
                write(out, HEADERS);
                for (int at = 0; at < framed.length(); ) {
                    var end = Math.min(framed.length(), at + 1 + random.nextInt(300));
                    write(out, framed.substring(at, end));
                    at = end;
                }
                throw new IOException("the connection ends, as it must if the framing does not");
            })) {
                var content = body(plain, server.url());
                var got = exchange(server.url());
                var whole = content.split("\n\n", -1).length - 1;
                assertEquals(whole, got.events().size(), "seed " + seed);
                assertEquals(whole == 21 ? "completed" : whole == 0 ? "failed" : "truncated", got.status(), "seed " + seed);
                broken += whole < 21 ? 1 : 0;
            }
        }
        assertTrue(broken > 10, broken + " were broken: the spoiling does not spoil");
        plain.dispatcher().executorService().shutdown();
        plain.connectionPool().evictAll();
    }

    /** Returns what there is before the framing is broken. */
    private static String body(OkHttpClient client, String url) throws IOException {
        var content = new Buffer();
        try (var response = client.newCall(new Request.Builder().url(url).build()).execute()) {
            content.writeAll(response.body().source());
        } catch (IOException e) {
            // what came before is kept
        }
        return content.readUtf8();
    }

    @Test
    void interimResponsesAndABodyThatComesWithTheHeadersAreReadOnce() throws Exception {
        try (var server = new ScriptedServer((request, out) -> write(out, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HEADERS
                + chunk(TOKEN.formatted("a")) + chunk(END) + "0\r\n\r\n"))) {
            for (int request = 1; request <= 3; request++) {
                var got = exchange(server.url());
                assertEquals(List.of("1 content:a", "1 finish:stop"), got.events());
                assertEquals("completed", got.status());
                assertEquals(request > 1, got.result().network().connectionReused());
            }
        }
    }

    @Test
    void aConnectionIsUsedAgainThoughTheEndOfTheChunksComesLate() throws Exception {
        var ended = new CountDownLatch(1);
        try (var server = new ScriptedServer((request, out) -> {
            write(out, HEADERS);
            write(out, chunk(TOKEN.formatted(request)));
            write(out, chunk(END) + "0\r");
            ended.await(5, TimeUnit.SECONDS);
            write(out, "\nTrailer: x\r\n\r\n");
        })) {
            var first = CompletableFuture.supplyAsync(() -> {
                try {
                    return exchange(server.url());
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            ended.countDown();
            assertEquals("completed", first.get(10, TimeUnit.SECONDS).status());
            var second = exchange(server.url());
            assertTrue(second.result().network().connectionReused());
            assertEquals("content:2", second.events().getFirst().substring(2));
        }
    }

    /** As servers do with idle connections: some say why. A request would be lost there, so it takes another connection at once. */
    @ParameterizedTest
    @CsvSource({"http,''", "http,'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'", "https,''"})
    void aConnectionThatHasEndedIsNotUsed(String scheme, String farewell, @TempDir Path folder) throws Exception {
        var ended = new Semaphore(0);
        try (var trust = TrustedCertificate.forLocalhost(folder);
             var listener = scheme.equals("https")
                     ? trust.serverSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress())
                     : new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
             var server = new ScriptedServer(listener, (request, out) -> {
                         write(out, HEADERS + chunk(TOKEN.formatted("a")) + chunk(END) + "0\r\n\r\n");
                         Thread.sleep(20); // so that it is not of the same read
                         write(out, farewell.translateEscapes());
                         if (farewell.isEmpty()) {
                             out.close();
                         }
                         ended.release();
                     });
             var own = new StreamClient(1, List.of(TestModels.of("m", "chat", "https://localhost/v1")), Map.of(), Limits.DEFAULT,
                     ConnectionSettings.DEFAULT)) {
            for (int request = 1; request <= 3; request++) {
                var recording = new Recording();
                var result = new Exchange(own, TestModels.of("m", "chat", server.url().replace("http:", scheme + ":")), "{}",
                        recording,
                        () -> { }).run();
                assertEquals("completed false false",
                        result.outcome().status().word() + " " + result.network().connectionReused() + " "
                        + result.resent(), "request " + request + ": " + result.outcome());
                assertTrue(ended.tryAcquire(10, TimeUnit.SECONDS));
                Thread.sleep(100); // for what it has sent to arrive, which nothing here can see
            }
        }
    }

    /** A journal that does not keep up holds its own server up, and no other stream. */
    @Test
    void aStreamThatIsNotWrittenDownHoldsUpItsServerAlone() throws Exception {
        var many = 60_000;
        var kilobyte = ": " + "x".repeat(1020) + "\n\n"; // so that all of them are more than the operating system's buffers hold
        var written = new AtomicLong();
        try (var fast = new ScriptedServer((request, out) -> {
                 write(out, HEADERS);
                 var hundred = chunk((TOKEN.formatted("a") + kilobyte).repeat(100));
                 for (int i = 0; i < many / 100; i++) {
                     write(out, hundred);
                     written.addAndGet(100);
                 }
                 write(out, chunk(END) + "0\r\n\r\n");
             });
             var other = new ScriptedServer((request, out) ->
                     write(out, HEADERS + chunk(TOKEN.formatted("b")) + chunk(END) + "0\r\n\r\n"))) {
            var recording = new Recording();
            var exchange = new Exchange(client, TestModels.of("m", "chat", fast.url()), "{}", recording, () -> { });
            var result = CompletableFuture.supplyAsync(exchange::run);
            for (long before = -1; before != written.get() || before == 0; ) { // until the server can write no more
                before = written.get();
                Thread.sleep(200);
            }
            assertTrue(written.get() < many, "the server wrote all: nothing held it up");
            assertFalse(result.isDone());
            var silenceNanos = exchange.silenceNanos(System.nanoTime());
            assertTrue(silenceNanos < 150_000_000, silenceNanos + " ns: it is this side that is silent, for 200 ms and more");
            assertEquals("completed", exchange(other.url()).status());
            var events = new int[1];
            Await.until("all events are read",
                    () -> result.isDone() & recording.drain((micros, read, kind, text, tokens) -> events[0]++));
            recording.drain((micros, read, kind, text, tokens) -> events[0]++);
            assertEquals(many + 1, events[0]);
            assertEquals("completed", result.get(10, TimeUnit.SECONDS).outcome().status().word());
            assertTrue(recording.wasHeldUp());
        }
    }

    /**
     * Ten events come in about 50 ms, and each takes 50 ms to parse: stamped when they are parsed, they would be half a second
     * apart.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anEventHasTheTimeOfItsReadHoweverLateItIsParsed(boolean chunked) throws Exception {
        try (var server = new ScriptedServer((request, out) -> {
            write(out, chunked ? HEADERS : HEADERS.replace("Transfer-Encoding: chunked", "Connection: close"));
            for (int i = 0; i < 10; i++) {
                var event = i < 9 ? TOKEN.formatted(i) : END;
                write(out, chunked ? chunk(event) : event);
                Thread.sleep(5);
            }
            write(out, chunked ? "0\r\n\r\n" : "");
            throw new IOException("the connection ends");
        })) {
            var recording = new Recording();
            var result = new Exchange(client, TestModels.of("m", "chat", server.url()), "{}", recording, () -> { }) {
                @Override
                public StreamEvent decode(String type, String data) {
                    LockSupport.parkNanos(50_000_000);
                    return super.decode(type, data);
                }
            }.run();
            assertEquals("completed", result.outcome().status().word());
            var times = new ArrayList<Long>();
            var reads = new ArrayList<Integer>();
            recording.drain((micros, read, kind, text, tokens) -> {
                assertEquals(!reads.isEmpty() && reads.getLast() == read, !times.isEmpty()
                        && times.getLast() == micros, "a read has one time");
                times.add(micros);
                reads.add(read);
            });
            assertEquals(10, times.size());
            assertTrue(times.getLast() - times.getFirst() < 250_000, times + ": half of what parsing takes");
            assertTrue(reads.getLast() > 2, reads + ": each write of the server is a read, unless this side was paused");
        }
    }

    @Test
    void anErrorLineEndsAStreamThatStaysOpen() throws Exception {
        var stop = new CountDownLatch(1);
        try (var server = new ScriptedServer((request, out) -> {
            write(out, HEADERS + chunk("error: {\"message\":\"out of slots\"}\n"));
            stop.await(20, TimeUnit.SECONDS);
        })) {
            assertEquals("out of slots", exchange(server.url()).result().outcome().detail());
        } finally {
            stop.countDown();
        }
    }

    /** More than the buffers of both sides hold: the client waits until the server goes on reading. */
    @Test
    void aRequestOfAnyLengthIsSent() throws Exception {
        try (var server = new ScriptedServer((request, out) ->
                write(out, HEADERS + chunk(TOKEN.formatted("a")) + chunk(END) + "0\r\n\r\n"))) {
            var recording = new Recording();
            var result = new Exchange(client, TestModels.of("m", "chat", server.url()),
                    "{\"x\":\"" + "x".repeat(32 << 20) + "\"}", recording, () -> { })
                    .run();
            assertEquals("completed", result.outcome().status().word(), result.outcome().toString());
        }
    }

    /** Without an event that says so, an answer ends with its last chunk, which comes 300 ms after the last event. */
    @Test
    void anAnswerWithoutDoneEndsWithTheStream() throws Exception {
        try (var server = new ScriptedServer((request, out) -> {
            write(out, HEADERS + chunk(TOKEN.formatted("a")) + chunk(END));
            Thread.sleep(300);
            write(out, "0\r\n\r\n");
        })) {
            var got = exchange(server.url());
            assertEquals("completed", got.status());
            assertTrue(got.result().endMicros() >= 290_000, got.result().endMicros() + " us");
        }
    }

    /** The reason why it finished has come; that the server then neither ends the stream nor says more changes nothing. */
    @ParameterizedTest
    @EnumSource(Exchange.Abort.class)
    void anAnswerThatHasItsEndIsCompleteThoughTheStreamGoesOn(Exchange.Abort why) throws Exception {
        var stop = new CountDownLatch(1);
        try (var server = new ScriptedServer((request, out) -> {
            write(out, HEADERS + chunk(TOKEN.formatted("a")) + chunk(END));
            stop.await(20, TimeUnit.SECONDS);
        })) {
            assertInstanceOf(Outcome.Completed.class, abortedInSilence(server.url(), why));
        } finally {
            stop.countDown();
        }
    }

    /** The connection has brought the answer to another request before; its time is not of this one. */
    @Test
    void aRequestThatIsCancelledBeforeItsAnswerHasATotalOfItsOwn() throws Exception {
        var asked = new CountDownLatch(1);
        var stop = new CountDownLatch(1);
        try (var server = new ScriptedServer((request, out) -> {
            if (request == 1) {
                write(out, HEADERS + chunk(TOKEN.formatted("a")) + chunk(END) + "0\r\n\r\n");
            } else {
                asked.countDown();
                stop.await(20, TimeUnit.SECONDS);
            }
        })) {
            assertEquals("completed", exchange(server.url()).status());
            var exchange = new Exchange(client, TestModels.of("m", "chat", server.url()), "{}", new Recording(), () -> { });
            var result = CompletableFuture.supplyAsync(exchange::run);
            assertTrue(asked.await(10, TimeUnit.SECONDS));
            exchange.abort(Exchange.Abort.CANCEL);
            var got = result.get(10, TimeUnit.SECONDS);
            assertInstanceOf(Outcome.Cancelled.class, got.outcome());
            assertTrue(got.network().connectionReused() && got.endMicros() > 0, got.endMicros() + " us");
        } finally {
            stop.countDown();
        }
    }

    /** Headers and the first event are one packet, so one read. */
    @Test
    void theHeadersHaveTheTimeOfTheirRead() throws Exception {
        try (var server = new ScriptedServer((request, out) ->
                write(out, HEADERS + chunk(TOKEN.formatted("a")) + chunk(END) + "0\r\n\r\n"))) {
            var recording = new Recording();
            var result = new Exchange(client, TestModels.of("m", "chat", server.url()), "{}", recording, () -> { }).run();
            var firstMicros = new ArrayList<Long>();
            recording.drain((micros, read, kind, text, tokens) -> firstMicros.add(micros));
            assertTrue(result.network().headersMicros() <= firstMicros.getFirst(), result.network() + " and " + firstMicros);
        }
    }

    /** With Nagle's algorithm the end of a long request would wait for the acknowledgement of its beginning, inside TTFT. */
    @Test
    void whatIsWrittenIsSentAtOnce() throws Exception {
        try (var listener = new ServerSocket(0, 2, InetAddress.getLoopbackAddress())) {
            var sockets = new TimedSockets();
            var address = (InetSocketAddress) listener.getLocalSocketAddress();
            try {
                sockets.openAhead(address, 5_000);
                for (var isOpen : List.of(true, false)) {
                    var socket = sockets.createSocket();
                    socket.connect(address, 5_000);
                    assertEquals(isOpen, sockets.of(socket).wasOpenedAhead());
                    assertTrue(socket.getTcpNoDelay());
                }
            } finally {
                sockets.close();
            }
        }
    }

    /** The connection takes 300 ms, the look-up of the name does not. */
    @Test
    void eachPhaseOfAConnectionHasItsOwnTime() throws Exception {
        var phases = new Phases(() -> { });
        phases.dnsStart(null, "localhost");
        phases.dnsEnd(null, "localhost", List.of());
        phases.connectStart(null, null, null);
        Thread.sleep(300);
        phases.secureConnectStart(null);
        Thread.sleep(400);
        phases.secureConnectEnd(null, null);
        phases.connectEnd(null, null, null, null);
        var network = phases.network(System.nanoTime(), 0, null);
        assertTrue(network.dnsMicros() < 300_000, network.toString());
        assertTrue(network.connectMicros() >= 300_000 && network.connectMicros() < network.tlsMicros()
                && network.tlsMicros() >= 400_000, network.toString());
    }

    @Test
    void afterAResetEveryReadEnds() throws Exception {
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var sockets = new TimedSockets();
            try (var socket = sockets.createSocket()) {
                socket.connect(listener.getLocalSocketAddress(), 5_000);
                var accepted = listener.accept();
                accepted.setSoLinger(true, 0); // the end of the connection is a reset
                accepted.close();
                assertThrows(IOException.class, () -> socket.getInputStream().read());
                assertEquals(-1, socket.getInputStream().read());
            } finally {
                sockets.close();
            }
        }
    }

    /** Nothing in this tool interrupts a thread that reads; a thread that is interrupted must not wait without waiting. */
    @Test
    void anInterruptEndsARead() throws Exception {
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var sockets = new TimedSockets();
            try (var socket = sockets.createSocket()) {
                socket.connect(listener.getLocalSocketAddress(), 5_000);
                var ending = new CompletableFuture<Throwable>();
                var reader = Thread.ofPlatform().start(() ->
                        ending.complete(assertThrows(IOException.class, () -> socket.getInputStream().read())));
                reader.interrupt();
                assertInstanceOf(InterruptedIOException.class, ending.get(10, TimeUnit.SECONDS));
            } finally {
                sockets.close();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "data: {\"choi"})
    void anAbortEndsAStreamThatIsSilent(String rest) throws Exception {
        var stop = new CountDownLatch(1);
        try (var server = new ScriptedServer((request, out) -> {
            write(out, HEADERS + chunk(TOKEN.formatted("a")) + (rest.isEmpty() ? "" : chunk(rest)));
            stop.await(20, TimeUnit.SECONDS);
        })) {
            assertInstanceOf(Outcome.Stalled.class, abortedInSilence(server.url(), Exchange.Abort.STALL));
        } finally {
            stop.countDown();
        }
    }
}
