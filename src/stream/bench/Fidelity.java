//JAVA 25+
//DEPS org.openjdk.jmh:jmh-core:1.37
//SOURCES ../record/AttemptObserver.java
//SOURCES ../run/LoopbackLoad.java
//SOURCES BenchmarkCheck.java
//SOURCES SimulatorProcess.java

package stream.bench;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import stream.record.AttemptObserver;
import stream.run.LoopbackLoad;

// How true the times are. A simulator in a process of its own streams 50 tokens a second and writes into each token
// when it was sent; the client's time less that is its error. Each fork is a cold process that warms itself up, as
// Stream.java does. `floor` reads the sockets with a virtual thread each and parses nothing until all is over.

@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 1, time = 1, timeUnit = TimeUnit.MILLISECONDS)
@Fork(5)
public class Fidelity {

    private static final int TOKENS = 64;
    private static final String MODEL = "sim-ttft200-itl20-n" + TOKENS + "-clock";

    @Param({"1", "64", "256", "1000"})
    public int streams;

    private final SimulatorProcess simulator = new SimulatorProcess();

    @Setup
    public void start() throws Exception {
        simulator.start();
        LoopbackLoad.warmUp();
    }

    @TearDown
    public void stop() {
        simulator.stop();
    }

    /** JMH's secondary results: errors in milliseconds. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Errors {
        public double ttftP50Ms;
        public double ttftP99Ms;
        public double ttftMaxMs;
        public double itlP50Ms;
        public double itlP99Ms;
        public double itlMaxMs;

        void of(List<List<LoopbackLoad.TokenTime>> streams) {
            var ttft = new ArrayList<Double>();
            var itl = new ArrayList<Double>();
            for (var tokens : streams) {
                BenchmarkCheck.must(tokens.size() == TOKENS, "tokens lost: " + tokens.size());
                ttft.add(tokens.getFirst().arrivedMicros() - tokens.getFirst().sentMicros());
                for (int i = 1; i < tokens.size(); i++) {
                    itl.add(Math.abs(tokens.get(i).arrivedMicros() - tokens.get(i - 1).arrivedMicros()
                            - (tokens.get(i).sentMicros() - tokens.get(i - 1).sentMicros())));
                }
            }
            ttftP50Ms = at(ttft, 0.5);
            ttftP99Ms = at(ttft, 0.99);
            ttftMaxMs = at(ttft, 1);
            itlP50Ms = at(itl, 0.5);
            itlP99Ms = at(itl, 0.99);
            itlMaxMs = at(itl, 1);
        }

        private static double at(List<Double> micros, double fraction) {
            var sorted = micros.stream().mapToDouble(Double::doubleValue).sorted().toArray();
            return sorted[(int) Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] / 1000;
        }
    }

    @Benchmark
    public void client(Errors errors) throws Exception {
        errors.of(LoopbackLoad.stream(simulator.baseUrl(), streams, streams, MODEL, AttemptObserver.NONE));
    }

    @Benchmark
    public void floor(Errors errors) throws Exception {
        var all = new ArrayList<List<LoopbackLoad.TokenTime>>();
        var readers = new ArrayList<Thread>();
        for (int i = 0; i < streams; i++) {
            var times = new ArrayList<LoopbackLoad.TokenTime>();
            all.add(times);
            readers.add(Thread.startVirtualThread(() -> read(times)));
            Thread.sleep(0, 300_000); // the client lets each start be on its way before the next, too
        }
        for (var reader : readers) {
            reader.join();
        }
        errors.of(all);
    }

    private void read(List<LoopbackLoad.TokenTime> times) {
        var at = URI.create(simulator.baseUrl());
        var request = "{\"model\":\"" + MODEL + "\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";
        var reads = new ArrayList<byte[]>();
        var nanos = new ArrayList<Long>();
        var startNanos = System.nanoTime();
        try (var socket = new Socket(at.getHost(), at.getPort())) {
            socket.setTcpNoDelay(true);
            socket.getOutputStream().write(("POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n"
                    + "Content-Length: " + request.length() + "\r\n\r\n" + request).getBytes(StandardCharsets.US_ASCII));
            var buffer = new byte[8192];
            for (int count; (count = socket.getInputStream().read(buffer)) >= 0; ) {
                nanos.add(System.nanoTime());
                reads.add(Arrays.copyOf(buffer, count));
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        var text = new StringBuilder();
        var token = Pattern.compile("\"content\":\" (\\d+)\"");
        for (int i = 0, from = 0; i < reads.size(); i++) {
            text.append(new String(reads.get(i), StandardCharsets.ISO_8859_1));
            for (var found = token.matcher(text); found.find(from); from = found.end()) {
                times.add(new LoopbackLoad.TokenTime((nanos.get(i) - startNanos) / 1000.0,
                        Long.parseLong(found.group(1)) / 1000.0));
            }
        }
    }
}

// HOW TO RUN: jbang Bench.java Fidelity -p streams=64
// Look at the rows client:ttftP99Ms and floor:ttftP99Ms: what lies between them is ours.
