///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Measures what this tool itself adds to the times that it measures, on this machine
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES Results.java
//SOURCES Simulator.java

// Calibrate: how exact is this tool, here and now? It streams from the built-in simulator, whose tokens say when they
// were sent, and holds its own times against them.
//
// To run just:
//   jbang Calibrate.java                  1, 64, 256 and 1000 streams at once
//   jbang Calibrate.java -c 16 --itl 10   16 streams, a token each 10 ms
//   jbang Calibrate.java results/RUN_ID   the error of a run of Stream.java with a model such as
//                                         sim-ttft200-itl20-n64-clock, whose server had a process of its own
//
// Server and client share this JVM and this machine, so each figure is an upper bound of what the client adds. It does
// not measure the network. Stream.java warms itself up, and calibrates each batch, with the same load. The plan of a
// batch, the slots it is sent through and the waits between attempts are here too, since both send through them.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

import com.sun.management.GarbageCollectorMXBean;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The command that prints the tool's own error. */
@Command(name = "calibrate", mixinStandardHelpOptions = true, sortOptions = false, version = Prompts.VERSION,
        description = "Measures what this tool itself adds to the times that it measures, on this machine.")
public class Calibrate implements Callable<Integer> {

    @Parameters(paramLabel = "RUN", arity = "0..*", description = "Runs of a -clock model to take instead of streaming.")
    List<Path> runs = List.of();

    @Option(names = {"-c", "--concurrency"}, split = ",", paramLabel = "N", defaultValue = "1,64,256,1000",
            description = "Streams at once (default: ${DEFAULT-VALUE}).")
    List<Integer> concurrency;

    @Option(names = "--itl", paramLabel = "MS", defaultValue = "20",
            description = "Milliseconds between two tokens of a stream (default: ${DEFAULT-VALUE}).")
    double itlMillis;

    private final PrintStream out;
    private final PrintStream err;

    Calibrate(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 done, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Calibrate(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("calibrate: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        for (var streams : concurrency) {
            if (streams < 1 || !(itlMillis >= 0 && itlMillis <= 60_000)) {
                err.println("calibrate: --concurrency " + streams + " --itl " + itlMillis
                        + "; they take whole numbers from 1, and 0 to 60000 ms");
                return 2;
            }
        }
        if (runs.isEmpty()) {
            SelfLoad.warmUp();
        }
        out.printf("%8s %8s %14s %14s %14s %14s%n", "streams", "events", "TTFT p50 ms", "TTFT p99 ms", "ITL p50 ms",
                "ITL p99 ms");
        for (var run : runs) {
            try {
                print(SelfLoad.overhead(SelfLoad.times(run.resolve("events.csv"))));
            } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
                err.println("calibrate: " + run + ": not a whole run of a -clock model (" + e.getMessage() + ")");
                return 2;
            }
        }
        for (var streams : runs.isEmpty() ? concurrency : List.<Integer>of()) {
            print(SelfLoad.calibrate(streams, itlMillis));
        }
        return 0;
    }

    private void print(Overhead overhead) {
        out.printf("%8d %8d %14s %14s %14s %14s%n", overhead.streams(), overhead.events(),
                Figures.millis(overhead.ttftP50Micros()), Figures.millis(overhead.ttftP99Micros()),
                Figures.millis(overhead.itlP50Micros()), Figures.millis(overhead.itlP99Micros()));
    }
}

/**
 * What the tool adds to what it measures, in microseconds: the difference between its times and the server's. Null
 * where the sample can't carry the percentile.
 */
record Overhead(int streams, int events, Double ttftP50Micros, Double ttftP99Micros, Double itlP50Micros,
                Double itlP99Micros) {

    /** As it stands in run.json, in milliseconds. */
    ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("streams", streams).put("events", events)
                .put("ttft_p50_ms", millis(ttftP50Micros)).put("ttft_p99_ms", millis(ttftP99Micros))
                .put("itl_p50_ms", millis(itlP50Micros)).put("itl_p99_ms", millis(itlP99Micros));
    }

    private static Double millis(Double micros) {
        return micros == null ? null : Double.valueOf(Figures.millis(micros));
    }
}

/** All requests of a run, in the order in which they are sent. */
record Plan(List<Prompt> prompts, List<Model> models, List<Job> warmups, List<Job> jobs) {

    /**
     * How often each prompt is sent, and in which order.
     *
     * @param repeat      measured repetitions of each prompt and model, from 1
     * @param warmup      unmeasured requests of each model, from 0
     * @param interleaved whether the models are shuffled inside each prompt and repetition
     */
    record Order(int repeat, int warmup, boolean interleaved, long seed) { }

    /** A prompt and the models that are to answer it. */
    private record Question(Prompt prompt, List<Model> models) { }

    /**
     * Plans the requests; throws BadModel if a prompt names a model that can't be called.
     *
     * @param ownModels whether a prompt that names a model goes to that one alone
     */
    static Plan of(List<Prompt> prompts, ModelCatalog catalog, boolean ownModels, Order order) throws BadModel {
        var models = new ArrayList<Model>();
        var questions = new ArrayList<Question>();
        for (var prompt : prompts) {
            var own = ownModels && prompt.model() != null;
            questions.add(new Question(prompt, own ? List.of(catalog.named(prompt.model())) : catalog.models()));
            questions.getLast().models().stream().filter(model -> !models.contains(model)).forEach(models::add);
        }
        if (prompts.isEmpty()) {
            models.addAll(catalog.models());
        }
        var repetitions = new ArrayList<List<Job>>();
        for (int repetition = 1; repetition <= order.repeat(); repetition++) {
            for (var question : questions) {
                var block = new ArrayList<Job>();
                for (var model : question.models()) {
                    block.add(job(Phase.MEASURED, question.prompt(), model, repetition, models.indexOf(model)));
                }
                repetitions.add(block);
            }
        }
        return new Plan(prompts, List.copyOf(models), warmups(questions, models, order.warmup()),
                ordered(repetitions, order.interleaved(), order.seed()));
    }

    /** Interleaved, drift of the network or the machine over time hits all models alike. */
    private static List<Job> ordered(List<List<Job>> blocks, boolean interleaved, long seed) {
        var random = new Random(seed);
        var jobs = new ArrayList<Job>();
        for (var block : blocks) {
            if (interleaved) {
                Collections.shuffle(block, random);
            }
            jobs.addAll(block);
        }
        if (!interleaved) {
            jobs.sort(Comparator.comparingInt(Job::modelIndex));
        }
        return List.copyOf(jobs);
    }

    private static List<Job> warmups(List<Question> questions, List<Model> models, int count) {
        var jobs = new ArrayList<Job>();
        for (int i = 0; i < models.size(); i++) {
            var model = models.get(i);
            var own = questions.stream().filter(question -> question.models().contains(model)).toList();
            for (int repetition = 1; repetition <= count && !own.isEmpty(); repetition++) {
                jobs.add(job(Phase.WARMUP, own.get((repetition - 1) % own.size()).prompt(), model, repetition, i));
            }
        }
        return List.copyOf(jobs);
    }

    private static Job job(Phase phase, Prompt prompt, Model model, int repetition, int modelIndex) {
        var number = phase == Phase.WARMUP ? "warmup-" + repetition : String.valueOf(repetition);
        return new Job(prompt.id() + "|" + model.label() + "|" + number, phase, prompt, model, repetition, modelIndex);
    }

    /** Returns the part that is not done. */
    Plan without(Remains remains) {
        return new Plan(prompts, models, warmups.stream().filter(job -> !remains.isDone(job)).toList(),
                jobs.stream().filter(job -> !remains.isDone(job)).toList());
    }

    int size() {
        return warmups.size() + jobs.size();
    }

    /** Prints what would be sent, and the upper bound of what the answers can cost. */
    void print(PrintStream out, Sampling sampling) {
        long outputTokens = 0;
        long characters = 0;
        int number = 0;
        for (var job : java.util.stream.Stream.concat(warmups.stream(), jobs.stream()).toList()) {
            out.printf("%5d  %-8s  %-24s  %s, repetition %d%n", ++number, job.phase().word(), job.model().label(),
                    job.prompt().id(), job.repetition());
            outputTokens += job.model().answerLimit(job.prompt(), sampling);
            characters += job.prompt().length();
        }
        out.printf(Locale.ROOT, "%d requests, %d of them warm-up; at most %,d output tokens; %,d characters of prompts;"
                + " retries come on top; nothing was sent%n", size(), warmups.size(), outputTokens, characters);
    }
}

/** Sends jobs as soon as one of a number of slots is free. */
final class ClosedLoop {

    /** How long the next start waits for the last one to be on its way, in microseconds. */
    private static final long LONGEST_SPACING_MICROS = 1000;

    /** Sends one job; runs on a virtual thread of its own. */
    interface Sender<T> {
        /**
         * @param readyNanos when the slot was free
         * @param onSent     to be called when the request is written
         */
        void send(T job, long readyNanos, Runnable onSent);
    }

    private final int slots;
    private final Semaphore free;

    ClosedLoop(int slots) {
        this.slots = slots;
        this.free = new Semaphore(slots);
    }

    /** Sends all jobs and waits for their ends; begins no more once it is to stop. */
    <T> void send(List<T> jobs, BooleanSupplier stop, Sender<T> sender) throws InterruptedException {
        for (var job : jobs) {
            free.acquire();
            var readyNanos = System.nanoTime();
            if (stop.getAsBoolean()) {
                free.release();
                break;
            }
            var sent = new CountDownLatch(1);
            Thread.startVirtualThread(() -> {
                try {
                    sender.send(job, readyNanos, sent::countDown);
                } finally {
                    sent.countDown();
                    free.release();
                }
            });
            // In a burst of starts each would wait for a processor inside its own time; so each is let go first.
            sent.await(LONGEST_SPACING_MICROS, TimeUnit.MICROSECONDS);
        }
        awaitIdle();
    }

    /** Waits until nothing is in flight. */
    void awaitIdle() {
        free.acquireUninterruptibly(slots);
        free.release(slots);
    }
}

/**
 * How long to wait before a request is tried again, and how long a whole model waits when its server says that it is
 * too much. All waiting is between attempts, never inside one.
 */
final class Backoff {

    private static final double FIRST_MILLIS = 500;
    private static final double LONGEST_MILLIS = 30_000;

    private final int retries;
    private final double longestAskedMillis;
    private final Set<String> unreachable = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> heldUntilNanos = new ConcurrentHashMap<>();

    /**
     * @param retries            how often a request is tried again, from 0
     * @param longestAskedMillis the longest wait that a server may ask for, in milliseconds
     */
    Backoff(int retries, double longestAskedMillis) {
        this.retries = retries;
        this.longestAskedMillis = longestAskedMillis;
    }

    /**
     * Returns how long to wait before the next attempt, in milliseconds; null if there is to be none. What the server
     * asks for goes before our own exponential backoff with full jitter.
     *
     * @param retriesSoFar attempts before this one
     */
    Long waitMillis(Model model, Ending ending, int retriesSoFar) {
        var server = model.server();
        if (!(ending.outcome() instanceof Outcome.Failed failed) || !failed.mayPass()) {
            unreachable.remove(server);
            return null;
        }
        var noAnswer = failed.httpStatus() == null;
        if (retriesSoFar >= retries || noAnswer && unreachable.contains(server)) {
            if (noAnswer) {
                unreachable.add(server); // the next requests to it do not wait for it again
            }
            return null;
        }
        if (ending.retryAfterMillis() != null) {
            return ending.retryAfterMillis() <= longestAskedMillis ? ending.retryAfterMillis() : null;
        }
        return Math.round(ThreadLocalRandom.current().nextDouble()
                * Math.min(LONGEST_MILLIS, FIRST_MILLIS * Math.pow(2, retriesSoFar)));
    }

    /** Holds all requests of a model for so long, if its server said 429: the others would be told the same. */
    void slowDown(Model model, Ending ending, long millis) {
        if (ending.outcome() instanceof Outcome.Failed failed && Integer.valueOf(429).equals(failed.httpStatus())) {
            var untilNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
            heldUntilNanos.merge(model.label(), untilNanos, (one, other) -> other - one > 0 ? other : one);
        }
    }

    /** Returns for how long requests of the model are held, in milliseconds; 0 if they may go. */
    long heldMillis(Model model) {
        var untilNanos = heldUntilNanos.get(model.label());
        return untilNanos == null ? 0 : Math.max(0, TimeUnit.NANOSECONDS.toMillis(untilNanos - System.nanoTime() + 999_999));
    }
}

/** Streams simulated answers to this very tool, through the path that real ones take, files included. */
final class SelfLoad {

    /** Enough for the compilers to have seen what counts, in well under a second. */
    private static final int WARMUP_TOKENS = 1000;
    private static final int WARMUP_STREAMS = 32;
    private static final int CALIBRATION_TOKENS = 25;
    private static final int CALIBRATION_SAMPLES = 100;

    private SelfLoad() { }

    /** Lets the JVM compile and load what the first real requests would otherwise wait for. */
    static void warmUp() throws IOException, InterruptedException {
        run(8, WARMUP_STREAMS, "sim-ttft1-itl0-n" + WARMUP_TOKENS, times -> { });
        run(256, 256, "sim-ttft5-itl2-n20", times -> { });
    }

    /** Measures the tool's own error with that many streams at once, each token so many milliseconds after the last. */
    static Overhead calibrate(int concurrency, double itlMillis) throws IOException, InterruptedException {
        var streams = Math.max(concurrency, Math.min(CALIBRATION_SAMPLES, concurrency * 4));
        var overhead = new Overhead[1];
        run(concurrency, streams, "sim-ttft50-itl" + itlMillis + "-n" + CALIBRATION_TOKENS + "-clock",
                times -> overhead[0] = overhead(times));
        return overhead[0];
    }

    /** Takes, for each stream, the time of arrival and of sending of each token, in turn, in microseconds. */
    interface Taker {
        void take(List<List<Double>> streams);
    }

    private static void run(int concurrency, int streams, String modelName, Taker taker)
            throws IOException, InterruptedException {
        try (var server = SimulatedServer.start(1)) {
            stream(server.baseUrl(), concurrency, streams, modelName, taker);
        }
    }

    /** Streams from a simulator that is there already; throws IllegalStateException if a stream does not complete. */
    static void stream(String baseUrl, int concurrency, int streams, String modelName, Taker taker)
            throws IOException, InterruptedException {
        var folder = Files.createTempDirectory("stream-self");
        var model = model(baseUrl, modelName);
        var prompt = Prompt.ofText("self", "Warm up", "self");
        var body = model.body(prompt, new Sampling(1_000_000_000, 0, null), true);
        try (var client = new StreamClient(concurrency, List.of(), Map.of(), Limits.DEFAULT)) {
            try (var journal = Journal.open(folder, "self", List.of(), false, Journal.Audience.NOBODY)) {
                var jobs = new ArrayList<Job>();
                for (int i = 1; i <= streams; i++) {
                    jobs.add(new Job("self|" + i, Phase.MEASURED, prompt, model, i, 0));
                }
                new ClosedLoop(concurrency).send(jobs, journal::failed, (job, readyNanos, onSent) -> {
                    var attempt = new Attempt(job, 1, Instant.now(), readyNanos, new Recording(), new AtomicReference<>());
                    var exchange = new Exchange(client, model, body, attempt.recording(), onSent);
                    journal.begin(attempt);
                    attempt.end().set(new Attempt.Ended(exchange.run(), true, null));
                });
                journal.close();
                if (journal.summary().completed() != streams) {
                    throw new IllegalStateException(journal.summary().failed() + " of " + streams
                            + " simulated streams did not complete");
                }
            }
            if (modelName.endsWith("-clock")) {
                taker.take(times(folder.resolve("events.csv")));
            }
        } finally {
            try (var files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
    }

    static Model model(String baseUrl, String name) {
        var options = new ModelOptions();
        options.api = "chat";
        options.specs = List.of(name);
        try {
            return ModelCatalog.of(options, Map.of(), ModelCatalog.Access.toSimulator(baseUrl)).models().getFirst();
        } catch (BadModel e) {
            throw new IllegalStateException(e);
        }
    }

    /** Each token is the time when it was sent. */
    static List<List<Double>> times(Path file) throws IOException {
        var streams = new HashMap<String, List<Double>>();
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var row : rows) {
                if (row.get("kind").equals(EventKind.CONTENT.word())) {
                    var times = streams.computeIfAbsent(row.get("request_id"), id -> new ArrayList<>());
                    times.add(Double.parseDouble(row.get("elapsed_ms")) * 1000);
                    times.add(Long.parseLong(row.get("text").strip()) / 1000.0);
                }
            }
        }
        return List.copyOf(streams.values());
    }

    /** Returns the errors of all streams together. */
    static Overhead overhead(List<List<Double>> streams) {
        var ttft = new ArrayList<Double>();
        var itl = new ArrayList<Double>();
        for (var times : streams) {
            ttft.add(times.get(0) - times.get(1));
            for (int i = 2; i < times.size(); i += 2) {
                itl.add(Math.abs(times.get(i) - times.get(i - 2) - (times.get(i + 1) - times.get(i - 1))));
            }
        }
        return new Overhead(streams.size(), ttft.size() + itl.size(), quantile(ttft, 0.5), quantile(ttft, 0.99),
                quantile(itl, 0.5), quantile(itl, 0.99));
    }

    private static Double quantile(List<Double> values, double fraction) {
        return Figures.quantile(values.stream().mapToDouble(Double::doubleValue).toArray(), fraction);
    }
}

/**
 * Notices when this process did not get to run: a thread that means to look every few milliseconds sees by how much it
 * is late. That covers collector pauses, a saturated CPU and a machine that slept.
 */
final class Strain {

    /** How often the clock is to be looked at. */
    static final long WATCH_MILLIS = 20;

    /** Less than this is what a busy desktop does all the time, in nanoseconds. */
    private static final long NOTICED_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long CLOCK_JUMP_MILLIS = 1000;

    private record Pause(long fromNanos, long toNanos, String cause) { }

    private final List<Pause> pauses = new CopyOnWriteArrayList<>();
    private long lastNanos;
    private long lastWallMillis;

    /** Takes what both clocks show now. */
    Strain(long nowNanos, long wallMillis) {
        lastNanos = nowNanos;
        lastWallMillis = wallMillis;
    }

    /** To be called every {@link #WATCH_MILLIS}, by one thread, with what both clocks show. */
    void tick(long nowNanos, long wallMillis) {
        var lateNanos = nowNanos - lastNanos - TimeUnit.MILLISECONDS.toNanos(WATCH_MILLIS);
        if (Math.abs(wallMillis - lastWallMillis - (nowNanos - lastNanos) / 1_000_000) > CLOCK_JUMP_MILLIS) {
            pauses.add(new Pause(lastNanos, nowNanos, "clock"));
        } else if (lateNanos > NOTICED_NANOS) {
            pauses.add(new Pause(nowNanos - lateNanos, nowNanos,
                    (collectedWithin(lateNanos / 1_000_000) ? "gc:" : "cpu:") + lateNanos / 1_000_000 + "ms"));
        }
        lastNanos = nowNanos;
        lastWallMillis = wallMillis;
    }

    /** Whether a collection took most of the last so many milliseconds; asked only after a pause, since asking is slow. */
    private static boolean collectedWithin(long millis) {
        var uptimeMillis = ManagementFactory.getRuntimeMXBean().getUptime();
        for (var collector : ManagementFactory.getPlatformMXBeans(GarbageCollectorMXBean.class)) {
            var last = collector.getLastGcInfo();
            if (last != null && last.getEndTime() >= uptimeMillis - millis && last.getDuration() > millis / 2) {
                return true;
            }
        }
        return false;
    }

    /** Returns what was noticed in this time, each cause with its length. */
    List<String> during(long fromNanos, long toNanos) {
        var causes = new ArrayList<String>();
        for (var pause : pauses) {
            if (pause.toNanos() - fromNanos > 0 && toNanos - pause.fromNanos() > 0) {
                causes.add(pause.cause());
            }
        }
        return causes;
    }

    boolean noticed() {
        return !pauses.isEmpty();
    }
}
