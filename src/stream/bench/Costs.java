//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//DEPS org.openjdk.jmh:jmh-core:1.37
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../api/Dialect.java
//SOURCES ../api/EventFields.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/EventStream.java
//SOURCES ../api/StreamDecoder.java
//SOURCES ../api/StreamEvent.java
//SOURCES ../client/Limits.java
//SOURCES ../client/Recording.java
//SOURCES ../record/CsvFile.java
//SOURCES ../record/EventColumn.java
//SOURCES BenchmarkCheck.java

package stream.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

import okio.Buffer;
import okio.ByteString;
import okio.Okio;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import stream.api.Dialect;
import stream.api.EventFields;
import stream.api.EventKind;
import stream.api.EventStream;
import stream.api.StreamDecoder;
import stream.api.StreamEvent;
import stream.client.Limits;
import stream.client.Recording;
import stream.record.CsvFile;
import stream.record.EventColumn;
import tools.jackson.databind.json.JsonMapper;

// What one event costs on its way from the socket to the file, without the socket. Each step has beside it what one
// would write without regard to cost; `raw` reads the bytes and does nothing with them, which nothing can beat.

@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(5)
public class Costs {

    private static final int EVENTS = 1000;
    private static final int READ_BYTES = 8192;
    private static final String DATA = "{\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
            + "\"model\":\"gpt-4-0613\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
            + "\" token\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}";

    private final byte[] body = ("data: " + DATA + "\n\n").repeat(EVENTS).getBytes(StandardCharsets.UTF_8);
    private final JsonMapper mapper = JsonMapper.shared();
    private Path file;
    private CsvFile csv;
    private final StreamDecoder decoder = new StreamDecoder(Dialect.of("chat"));
    private ByteString rowStart;
    private long micros;

    @Setup
    public void open() throws IOException {
        file = Files.createTempFile("bench", ".csv");
        Files.delete(file);
        csv = new CsvFile(file, EventColumn.values(), false);
        rowStart = csv.cells("sky|gpt-4|1", "gpt-4", "sky", 1, 1);
    }

    @TearDown
    public void close() throws IOException {
        csv.close();
        Files.delete(file);
    }

    /** As it is in a stream whose events differ in their text alone, which is what most servers send. */
    @Benchmark
    public String decode() {
        return decoder.decode(null, DATA).text();
    }

    /** As it is in a stream whose events differ elsewhere too: each is parsed. */
    @Benchmark
    public String decodeEach() {
        return new StreamDecoder(Dialect.of("chat")).decode(null, DATA).text();
    }

    @Benchmark
    public String decodeTree() {
        return mapper.readTree(DATA).path("choices").path(0).path("delta").path("content").asString();
    }

    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public Recording record() {
        var recording = new Recording();
        for (int i = 0; i < EVENTS; i++) {
            recording.add(i, i, EventKind.CONTENT, " token", StreamEvent.NO_COUNT);
        }
        return recording;
    }

    @Benchmark
    public void csvRow() throws IOException {
        micros += 20_001;
        csv.eventRow(rowStart, 7, EventKind.CONTENT, micros, 20_001L, 9, " token", StreamEvent.NO_COUNT);
    }

    @Benchmark
    public String csvRowFormat() {
        micros += 20_001;
        return String.format(Locale.ROOT, "%s,%s,%s,%d,%d,%d,%s,%.3f,%.3f,%d,%s\r\n", "sky|gpt-4|1", "gpt-4", "sky", 1, 1, 7,
                "content", micros / 1000.0, 20.001, 9, " token");
    }

    /** The event stream with okhttp-sse's parser, the decoder and the record, over bytes that come as reads bring them. */
    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public Recording pipeline() throws IOException {
        var recording = new Recording();
        var events = new int[1];
        var stream = new EventStream(Limits.DEFAULT.eventBytes(), true, EventFields.LINES, new EventStream.Receiver() {
            @Override
            public void lines() { }

            @Override
            public boolean event(String type, String data) {
                var event = decoder.decode(type, data);
                recording.add(System.nanoTime(), events[0]++, event.kind(), event.text(), event.outputTokens());
                return true;
            }
        });
        var bytes = new Buffer().write(body);
        while (bytes.read(stream.incoming(), READ_BYTES) >= 0) {
            stream.decode();
        }
        BenchmarkCheck.must(events[0] == EVENTS, "events lost: " + events[0]);
        return recording;
    }

    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public long raw() throws IOException {
        return new Buffer().write(body).readAll(Okio.blackhole());
    }
}

// HOW TO RUN: jbang Bench.java Costs -prof gc
// Look at decode beside decodeTree, csvRow beside csvRowFormat, and pipeline as the sum.
