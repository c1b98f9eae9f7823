//JAVA 25+
//SOURCES ../record/AttemptObserver.java
//SOURCES ../run/LoopbackLoad.java

package stream.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import stream.record.AttemptObserver;
import stream.run.LoopbackLoad;

/** A simulator in a process of its own, so that it does not share the client's JVM. */
final class SimulatorProcess {

    private Process process;
    private String baseUrl;

    void start() throws IOException, InterruptedException {
        process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseParallelGC",
                "-Djdk.pollerMode=1", "-cp", System.getProperty("java.class.path"), "stream.Simulator", "--port", "0")
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        var line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
        baseUrl = line.replaceFirst(".*(http\\S+).*", "$1");
        // a cold server sends later than its own stamp, and the delay would be attributed to the client
        LoopbackLoad.stream(baseUrl, 64, 256, "sim-ttft5-itl2-n50", AttemptObserver.NONE);
    }

    void stop() {
        process.destroy();
    }

    /** Returns the address of its API. */
    String baseUrl() {
        return baseUrl;
    }
}
