//JAVA 25+
//DEPS org.openjdk.jmh:jmh-core:1.37
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/ConnectionSettings.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/Model.java
//SOURCES ../api/Sampling.java
//SOURCES ../api/UsageRequest.java
//SOURCES ../client/Exchange.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Limits.java
//SOURCES ../client/Recording.java
//SOURCES ../client/StreamClient.java
//SOURCES ../record/AttemptObserver.java
//SOURCES ../run/LoopbackLoad.java
//SOURCES BenchmarkCheck.java
//SOURCES SimulatorProcess.java

package stream.bench;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

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
import stream.api.ConnectionSettings;
import stream.api.Sampling;
import stream.api.UsageRequest;
import stream.client.Exchange;
import stream.client.ExchangeResult;
import stream.client.Limits;
import stream.client.Recording;
import stream.client.StreamClient;
import stream.prompt.Prompt;
import stream.record.AttemptObserver;
import stream.run.LoopbackLoad;

// As fast as the socket gives: events a second, and processor time per event of this process, which does the reading,
// decoding and recording, with the CSV files and without. The simulator has a process of its own.

@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 1, time = 1, timeUnit = TimeUnit.MILLISECONDS)
@Fork(5)
public class Firehose {

    private static final int EVENTS = 3_000_000;

    @Param({"true", "false"})
    public boolean csv;

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

    /** JMH's secondary results. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Cost {
        public double eventsPerSecond;
        public double cpuMicrosPerEvent;
    }

    @Benchmark
    public void client(Cost cost) throws Exception {
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        var cpuNanos = system.getProcessCpuTime();
        var nanos = System.nanoTime();
        var model = "sim-ttft0-itl0-n" + EVENTS + "+firehose";
        if (csv) {
            LoopbackLoad.stream(simulator.baseUrl(), 1, 1, model, AttemptObserver.NONE);
        } else {
            var recording = new Recording();
            var end = new AtomicReference<ExchangeResult>();
            var call = LoopbackLoad.model(simulator.baseUrl(), model);
            try (var client = new StreamClient(1, List.of(), Map.of(), Limits.DEFAULT, ConnectionSettings.DEFAULT)) {
                var reader = Thread.startVirtualThread(() -> end.set(new Exchange(client, call,
                        call.body(Prompt.ofText("p", "Hi", "p"), new Sampling(EVENTS, 0, null), UsageRequest.AT_THE_END), recording,
                        () -> { }).run()));
                var events = new int[1];
                while (end.get() == null || reader.isAlive()) {
                    recording.drain((micros, read, kind, text, tokens) -> events[0]++);
                    Thread.sleep(1);
                }
                recording.drain((micros, read, kind, text, tokens) -> events[0]++);
                BenchmarkCheck.must(events[0] >= EVENTS, "events lost: " + events[0]);
            }
        }
        cost.eventsPerSecond = EVENTS / ((System.nanoTime() - nanos) / 1e9);
        cost.cpuMicrosPerEvent = (system.getProcessCpuTime() - cpuNanos) / 1e3 / EVENTS;
    }
}

// HOW TO RUN: jbang Bench.java Firehose
// Look at cpuMicrosPerEvent with csv=true beside csv=false. Both include what the compilers take.
