///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION An OpenAI-compatible server with known latencies and faults
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/SimulatedServer.java
//RUNTIME_OPTIONS -XX:+UseSerialGC -Djdk.pollerMode=1

// Simulator: an OpenAI-compatible server whose timing is known, so that a client can be held against the truth.
//
// To run just:
//   jbang Simulator.java --port 8089
//   curl -N localhost:8089/v1/chat/completions -d '{"model":"gpt-4","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
//
// Endpoints: /v1/chat/completions, /v1/completions, /v1/responses, /v1/models; streaming and not.
// Latency:   gpt-4, gpt-3.5-turbo and text-davinci-003 have profiles below, any other name gets a default one;
//            sim-ttft200-itl20-n64 as a name means: first token after 200 ms, then one each 20 ms, 64 in all;
//            with -clock behind it each token is the time it was sent, so that a client's CSV holds the truth beside it.
// Truth:     each chunk carries "sim":{"sent_ns":..,"due_ns":..}, nanoseconds since the request was received:
//            when it was due, and when it was handed to the socket.
// Faults:    gpt-4+stall, or the header X-Sim-Fault: stall; the names are in the enum Fault.
//
// The latencies are made up; they say nothing about the real models of these names.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine;

/** The command that runs a simulated server until it is interrupted. */
@Command(name = "simulator", mixinStandardHelpOptions = true, sortOptions = false, version = "0.1.0",
        description = "An OpenAI-compatible server with known latencies and faults.")
public class Simulator implements Callable<Integer> {

    @Option(names = "--port", defaultValue = "8089", paramLabel = "N", description = "Port; 0 takes a free one"
            + " (default: ${DEFAULT-VALUE}).")
    int port;

    @Option(names = "--host", defaultValue = "127.0.0.1", paramLabel = "ADDRESS",
            description = "Address to listen on; others than this machine's own open it to the network"
                    + " (default: ${DEFAULT-VALUE}).")
    String host;

    @Option(names = "--seed", defaultValue = "1", paramLabel = "N",
            description = "The same seed gives the same latencies (default: ${DEFAULT-VALUE}).")
    long seed;

    private final PrintStream out;
    private final PrintStream err;

    Simulator(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(new CommandLine(new Simulator(System.out, System.err))
                .setParameterExceptionHandler((problem, words) -> {
                    System.err.println("simulator: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args));
    }

    @Override
    public Integer call() throws InterruptedException {
        if (port < 0 || port > 65535) {
            err.println("simulator: --port " + port + "; it takes 0 to 65535");
            return 2;
        }
        try (var server = SimulatedServer.start(host, port, seed)) {
            SimulatedServer.warmUp();
            out.println("simulated models at " + server.baseUrl() + " (Ctrl-C ends it)");
            new CountDownLatch(1).await();
            return 0;
        } catch (IOException e) {
            err.println("simulator: can't listen on " + host + " port " + port + " (" + e.getMessage()
                    + "); choose another with --port");
            return 2;
        }
    }
}
