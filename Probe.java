///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Streams one request and shows every event as it arrives, with its time and its socket read
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/Console.java
//SOURCES src/stream/Prompts.java
//SOURCES src/stream/Models.java
//SOURCES src/stream/Metrics.java
//SOURCES src/stream/Client.java

// Probe: one streamed request, event by event. What curl -N shows, with the clock and the meaning of each event.
//
// To run just:
//   jbang Probe.java -p "Why is the sky blue?" -m gpt-4
//   jbang Probe.java -p Hi -m llama@http://localhost:8000/v1     does a proxy hold the events back? see column read
//
// The exchange with a server is all here, in the order the data flows: the client, one exchange, the clock at its
// socket, the repairs that okhttp-sse needs, what an event means, the record of the events, the figures made of them.
// Stream.java runs batches of these exchanges; Bench.java measures what they cost.
//
// What is done between a socket read and the recorded event is paid by the next event, so it allocates little, takes
// no lock, does no I/O, and reads the clock first.

package stream;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine;

/** The command that streams one request to each model and prints its events. */
@Command(name = "probe", mixinStandardHelpOptions = true, sortOptions = false, version = Version.NUMBER,
        description = "Streams one request and shows every event as it arrives, with its time and its socket read.")
public class Probe implements Callable<Integer> {

    @Option(names = {"-p", "--prompt"}, required = true, paramLabel = "TEXT", description = "The prompt.")
    String prompt;

    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "200",
            description = "Longest answer (default: ${DEFAULT-VALUE}).")
    int maxTokens;

    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Map<String, String> environment;
    private final PrintStream out;
    private final PrintStream err;

    Probe(Map<String, String> environment, PrintStream out, PrintStream err) {
        this.environment = environment;
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.getenv(), System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 completed, 1 some failed, 2 wrong usage. */
    static int run(Map<String, String> environment, PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Probe(environment, out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("probe: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() throws Exception {
        if (maxTokens < 1) {
            err.println("probe: --max-tokens " + maxTokens + "; it takes a whole number from 1");
            return 2;
        }
        List<Model> models;
        try {
            var catalog = ModelCatalog.of(modelOptions, environment, ModelCatalog.Access.WITH_KEYS);
            catalog.notes().forEach(note -> err.println("probe: " + note));
            models = catalog.models();
        } catch (BadModel bad) {
            bad.problems().forEach(problem -> err.println("probe: " + problem));
            return 2;
        }
        var allCompleted = true;
        var cold = true;
        try (var client = new StreamClient(1, models, environment, Limits.DEFAULT)) {
            for (var model : models) {
                var body = model.body(Prompt.ofText("prompt", prompt, "--prompt"), new Sampling(maxTokens, 0, null), true);
                allCompleted &= print(model, client, body, cold) instanceof Outcome.Completed;
                cold = false;
            }
        }
        return allCompleted ? 0 : 1;
    }

    /** Prints the events while they come, on another thread than the one that measures them. */
    private Outcome print(Model model, StreamClient client, String body, boolean cold) throws Exception {
        var recording = new Recording();
        var exchange = new FutureTask<>(new Exchange(client, model, body, recording, () -> { })::run);
        Thread.startVirtualThread(exchange);
        var figures = new AnswerMetrics();
        out.printf("%s at %s%n%10s %10s %5s  %-9s %s%n", model.name(), model.server(), "elapsed_ms", "delay_ms", "read",
                "kind", "text");
        for (var over = false; !over; ) {
            var ended = exchange.isDone(); // asked before the events are taken, so none is missed
            over = recording.drain((elapsedMicros, read, kind, text) -> {
                var delay = figures.add(elapsedMicros, read, kind);
                out.printf("%10s %10s %5d  %-9s %s%n", AnswerMetrics.millis(elapsedMicros),
                        delay == AnswerMetrics.NONE ? "" : AnswerMetrics.millis(delay), read,
                        kind.word(), text == null ? "" : text.replace("\n", "\\n"));
            }) && ended;
            LockSupport.parkNanos(ended ? 0 : PERIOD_NANOS);
        }
        var ending = exchange.get();
        out.println(ending.outcome().words(model));
        if (figures.contentEvents() > 0) {
            out.printf("TTFT %s ms, ITL p50 %s ms, TTLT %s ms, total %s ms%s%n", AnswerMetrics.millis(figures.ttftMicros()),
                    AnswerMetrics.millis(figures.itlMicros(0.5)), AnswerMetrics.millis(figures.ttltMicros()),
                    AnswerMetrics.millis(ending.endMicros()), cold ? " (cold: the first request of this JVM)" : "");
        }
        return ending.outcome();
    }
}
