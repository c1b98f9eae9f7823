///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Run an OpenAI-compatible server with known latencies and faults
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/terminal/Console.java
//SOURCES src/stream/terminal/OptionChecks.java
//SOURCES src/stream/terminal/UserError.java
//SOURCES src/stream/simulator/Capacity.java
//SOURCES src/stream/simulator/Fault.java
//SOURCES src/stream/simulator/SimulatedServer.java
//RUNTIME_OPTIONS -XX:+UseParallelGC -Djdk.pollerMode=1

// Simulator: an OpenAI-compatible server whose timing is known, so that a client can be compared with the truth.
//
// To run just:
//   jbang Simulator.java --port 8089
//   curl -N localhost:8089/v1/chat/completions -d '{"model":"gpt-4","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
//
// Endpoints: /v1/chat/completions, /v1/completions, /v1/responses, /v1/messages (Anthropic), /v1/models; streaming and not.
// Latency:   gpt-4, gpt-3.5-turbo and text-davinci-003 have profiles of their own, any other name gets a default one;
//            sim-ttft200-itl20-n64 as a name means: first token after 200 ms, then one every 20 ms, 64 in all; with -clock
//            appended each token is the time when it was sent, so that a client's CSV contains the truth beside its own times.
// Truth:     each chunk carries "sim":{"sent_ns":..,"due_ns":..}, nanoseconds since the request was received: when it was due,
//            and when it was passed to the socket.
// Capacity:  --slots 4 --capacity 200 --prompt-token-ms 0.5: it saturates as real servers do, at a load that is known.
// Faults:    gpt-4+stall, or the header X-Sim-Fault: stall; --help lists the names.
//
// The latencies are invented; they say nothing about the real models of these names.

package stream;

import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import stream.simulator.Capacity;
import stream.simulator.Fault;
import stream.simulator.SimulatedServer;
import stream.terminal.Console;
import stream.terminal.OptionChecks;
import stream.terminal.UserError;

/** The command that runs a simulated server until it is interrupted. */
@Command(name = "simulator", description = "Runs an OpenAI-compatible server with known latencies and faults.",
        footerHeading = "%nFaults, as in the model name gpt-4+stall or in the header X-Sim-Fault:%n")
public class Simulator implements Callable<Integer> {

    @Option(names = "--port", defaultValue = "8089", paramLabel = "N", description = "Port; 0 takes a free one"
            + " (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(names = "--host", defaultValue = "127.0.0.1", paramLabel = "ADDRESS",
            description = "Address to listen on; any but a loopback address opens the server to the network"
                    + " (default: ${DEFAULT-VALUE}).")
    private String host;

    @Option(names = "--seed", defaultValue = "1", paramLabel = "N",
            description = "The same seed gives the same latencies (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--slots", paramLabel = "N", description = "Answers at a time; further requests wait, in the order of arrival"
            + " (default: no limit).")
    private int slots = Capacity.Limits.NONE.slots();

    @Option(names = "--capacity", paramLabel = "N", description = "Tokens per second of all answers together, shared evenly"
            + " (default: no limit).")
    private double tokensPerSecond = Capacity.Limits.NONE.tokensPerSecond();

    @Option(names = "--prompt-token-ms", paramLabel = "MS",
            description = "By how much each token of a prompt delays the first token"
            + " (default: 0).")
    private double promptTokenMillis;

    private final Console console;

    Simulator(Console console) {
        this.console = console;
    }

    @Spec
    void setSpec(CommandSpec spec) {
        spec.usageMessage().footer(Fault.words());
    }

    public static void main(String... args) {
        System.exit(run(Console.ofProcess("simulator"), args));
    }

    /** Runs the command; it returns only with an error: 2 for wrong usage. */
    public static int run(Console console, String... args) {
        return console.run(new Simulator(console), args);
    }

    @Override
    public Integer call() throws InterruptedException {
        new OptionChecks().within("--port", port, 0, 65535).atLeast("--slots", slots, 1)
                .require(tokensPerSecond > 0, "--capacity " + OptionChecks.plain(tokensPerSecond)
                + "; must be more than 0 tokens per"
                        + " second")
                .require(promptTokenMillis >= 0 && promptTokenMillis < Double.POSITIVE_INFINITY,
                        "--prompt-token-ms " + OptionChecks.plain(promptTokenMillis)
                        + "; must be a number of milliseconds, at least 0")
                .throwIfAny();
        try (var server = SimulatedServer.start(host, port, seed, new Capacity.Limits(slots, tokensPerSecond, promptTokenMillis))) {
            SimulatedServer.warmUp();
            console.out().println("simulated models at " + server.baseUrl() + " (Ctrl-C ends it)");
            console.out().flush();
            new CountDownLatch(1).await();
            return 0;
        } catch (IOException e) {
            throw new UserError("--port " + port + ": cannot listen on " + host + " (" + e.getMessage() + "); choose another");
        }
    }
}
