//JAVA 25+
//DEPS commons-io:commons-io:2.20.0
//DEPS org.openjdk.jmh:jmh-core:1.37
//SOURCES BenchmarkCheck.java
//SOURCES SimulatorProcess.java

package stream.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import org.apache.commons.io.FileUtils;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

// What a whole process costs, as its user sees it: launcher, start, one request or many, end. `curl` is the baseline of one.

@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 5)
@Fork(1)
public class Whole {

    private static final Pattern TIMES = Pattern.compile("(\\d+)m([\\d.]+)s");
    private static final Pattern MOST_RESIDENT = Pattern.compile("VmHWM:\\s+(\\d+) kB");

    private final SimulatorProcess simulator = new SimulatorProcess();
    private Path folder;

    @Setup
    public void start() throws Exception {
        simulator.start();
        folder = Files.createTempDirectory("whole");
    }

    @TearDown
    public void stop() throws IOException {
        simulator.stop();
        FileUtils.deleteDirectory(folder.toFile());
    }

    /** JMH's secondary results. The memory is known on Linux only, and of a process that lives for some milliseconds. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Outside {
        public double firstByteSeconds;
        public double cpuSeconds;
        public double residentMb;

        /** Runs a command in a shell, which counts the processor time of all that it has started. */
        void of(String... command) throws Exception {
            var words = new ArrayList<>(List.of("sh", "-c", "\"$@\"; times >&2", "sh"));
            words.addAll(List.of(command));
            var nanos = System.nanoTime();
            var process = new ProcessBuilder(words).start();
            BenchmarkCheck.must(process.getInputStream().read() >= 0, "no answer");
            firstByteSeconds = (System.nanoTime() - nanos) / 1e9;
            var rest = new FutureTask<>(() -> process.getInputStream().transferTo(OutputStream.nullOutputStream()));
            Thread.startVirtualThread(rest);
            for (; process.isAlive(); Thread.sleep(5)) {
                process.descendants().forEach(each -> residentMb = Math.max(residentMb, mostResidentMb(each)));
            }
            rest.get();
            var times = TIMES.matcher(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
            for (cpuSeconds = 0; times.find(); ) {
                cpuSeconds += 60 * Double.parseDouble(times.group(1)) + Double.parseDouble(times.group(2));
            }
        }

        private static double mostResidentMb(ProcessHandle process) {
            try {
                var most = MOST_RESIDENT.matcher(Files.readString(Path.of("/proc", String.valueOf(process.pid()), "status")));
                return most.find() ? Integer.parseInt(most.group(1)) / 1024.0 : 0;
            } catch (IOException e) {
                return 0; // it has ended, or this is not Linux
            }
        }
    }

    private void stream(Outside outside, String model, int requests) throws Exception {
        outside.of("./jbang", "Stream.java", "--base-url", simulator.baseUrl(), "-m", model, "-p", "Hi", "-n",
                String.valueOf(requests), "-c",
                String.valueOf(requests), "-q", "-o", folder.toString());
    }

    @Benchmark
    public void oneRequest(Outside outside) throws Exception {
        stream(outside, "sim-ttft1-itl1-n5", 1);
    }

    @Benchmark
    public void twoRequests(Outside outside) throws Exception {
        stream(outside, "sim-ttft1-itl1-n5", 2); // the smallest run that warms itself up
    }

    @Benchmark
    public void thousandRequests(Outside outside) throws Exception {
        stream(outside, "sim-ttft200-itl20-n50", 1000);
    }

    @Benchmark
    public void millionsOfEvents(Outside outside) throws Exception {
        outside.of("./jbang", "Stream.java", "--base-url", simulator.baseUrl(), "-m",
                "sim-ttft0-itl0-n3000000+firehose", "-p", "Hi", "-q",
                "--max-tokens", "3000000", "-o", folder.toString());
    }

    @Benchmark
    public void curl(Outside outside) throws Exception {
        outside.of("curl", "-sN", simulator.baseUrl() + "/chat/completions", "-H", "Content-Type: application/json", "-d",
                "{\"model\":\"sim-ttft1-itl1-n5\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
    }
}

// HOW TO RUN: jbang Bench.java Whole
// Look at oneRequest beside curl; cpuSeconds of twoRequests less that of oneRequest is the price of the self-warm-up.
