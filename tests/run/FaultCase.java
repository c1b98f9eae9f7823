package stream.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import stream.fixtures.TestRun;
import stream.fixtures.ToolProcess;
import stream.simulator.SimulatedServer;

/** Runs against a simulated server, in this process or in one of their own. */
abstract class FaultCase {

    static final String HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n";
    static final String EVENT = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    static final String QUICK = "sim-ttft2-itl1-n12";

    @TempDir
    Path folder;

    Path results;

    SimulatedServer simulator;

    @BeforeEach
    void start() throws IOException {
        results = folder.resolve("results");
        simulator = SimulatedServer.start(1);
    }

    @AfterEach
    void close() {
        simulator.close();
    }

    TestRun run(String... args) {
        var all = new ArrayList<>(List.of("--base-url", simulator.baseUrl(), "--echo", "none"));
        all.addAll(List.of(args));
        return TestRun.of(results, all.toArray(String[]::new));
    }

    /** The tool in a process of its own. */
    Process start(List<String> jvmOptions, String... args) throws IOException {
        var words = new ArrayList<>(List.of("stream.Stream", "--results", results.toString()));
        words.addAll(List.of(args));
        return ToolProcess.of(jvmOptions, words.toArray(String[]::new)).start();
    }

    static String text(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    static List<String> column(TestRun run, String column) {
        return run.requests().stream().map(row -> row.get(column)).toList();
    }
}
