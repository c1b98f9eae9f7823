//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Prompts.java
//SOURCES Models.java
//SOURCES Metrics.java
//SOURCES Client.java
//SOURCES Plan.java
//SOURCES RunFiles.java
//SOURCES Journal.java
//SOURCES Calibration.java

// Runner

package stream;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

import com.sun.management.GarbageCollectorMXBean;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** One run: its folder, its requests in flight, its end. Failures of one request never end the others. */
final class Runner implements AutoCloseable {

    private static final DateTimeFormatter RUN_ID_TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private final Stream options;
    private final Overhead overhead;
    private final Console terminal;
    private final String runId;
    private final Path folder;
    private final RunManifest record;
    private final ResumeState remains;
    private final RunLock lock; // null if it is held outside
    private final StreamClient client;
    private final Echo echo;
    private final Journal journal;
    private final ClosedLoop loop;
    private final PauseDetector strain;
    private final Set<Exchange> inFlight = ConcurrentHashMap.newKeySet();
    private final Set<String> withoutUsage = ConcurrentHashMap.newKeySet();
    private final Backoff backoff;
    private final boolean startedCold;
    private final AtomicBoolean cold; // until the first row has said so
    private final AtomicInteger resent = new AtomicInteger();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile boolean left;
    private final Thread interruption = new Thread(this::interrupt, "interruption");
    private Integer exitCode;

    private Runner(Stream options, Plan plan, RunManifest record, ResumeState remains, RunLock lock, Overhead overhead,
                Console terminal) throws IOException {
        this.options = options;
        this.overhead = overhead;
        this.terminal = terminal;
        this.runId = record.runId();
        this.folder = record.folder();
        this.record = record;
        this.remains = remains;
        this.lock = lock;
        this.client = new StreamClient(options.concurrency, plan.models(), terminal.environment(), options.limits());
        this.echo = Echo.of(options, plan.models(), options.ask ? 1 : plan.jobs().size(), terminal, this::leave);
        this.journal = Journal.open(folder, runId, plan.models().stream().map(Model::label).toList(), options.csvSafe, echo);
        this.loop = new ClosedLoop(options.concurrency);
        this.strain = new PauseDetector(System.nanoTime(), System.currentTimeMillis());
        this.backoff = new Backoff(options.retries, options.timeoutSeconds * 1000);
        this.startedCold = !options.warmsItself(plan);
        this.cold = new AtomicBoolean(startedCold);
        if (overhead != null) {
            record.set("client_overhead", overhead.json());
        }
        record.write();
        Runtime.getRuntime().addShutdownHook(interruption);
        Thread.ofVirtual().name("watch").start(this::watch);
    }

    /** Makes the folder and opens the files; throws WrongUsage, and leaves nothing, if it can't. */
    static Runner start(Stream options, Plan plan, long seed, Overhead overhead, Console terminal) throws WrongUsage {
        var runId = RUN_ID_TIME.format(Instant.now())
                + "-%04x".formatted(ThreadLocalRandom.current().nextInt(0x10000));
        var folder = options.results.resolve(runId);
        try {
            Files.createDirectories(folder);
            var record = RunManifest.begin(folder, runId, options.simulate, seed, options.arguments(), options.json(),
                    plan.models(), plan.prompts());
            record.set("client_overhead", JsonNodeFactory.instance.nullNode());
            record.set("planned_requests", IntNode.valueOf(plan.size()));
            record.set("self_warmup", BooleanNode.valueOf(options.warmsItself(plan)));
            return new Runner(options, plan, record, ResumeState.none(), RunLock.take(folder), overhead, terminal);
        } catch (IOException e) {
            discard(folder);
            throw new WrongUsage("--results " + options.results + ": can't be written (" + e.getMessage()
                    + "); name another folder");
        }
    }

    /** Goes on with what is left of a run, whose lock somebody else holds. */
    static Runner resume(Stream options, Plan plan, RunManifest record, ResumeState remains, Overhead overhead, Console terminal)
            throws IOException {
        record.resume();
        if (!options.quiet) {
            terminal.say("--resume " + record.runId() + ": " + plan.size() + " requests are left"
                    + (remains.failed() > 0 && !options.retryFailed ? "; " + remains.failed()
                            + " failed, add --retry-failed to send them again" : ""));
        }
        return new Runner(options, plan, record, remains, null, overhead, terminal);
    }

    /** Nothing is left half written. */
    private static void discard(Path folder) {
        for (var file : List.of("events.csv", "requests.csv", "run.json.part", "run.json", ".lock", "")) {
            folder.resolve(file).toFile().delete();
        }
    }

    /** Sends all requests of the plan and waits until they are written and echoed. */
    void execute(Plan plan) throws InterruptedException {
        if (options.modelOptions.named() && plan.prompts().stream().anyMatch(prompt -> prompt.model() != null)) {
            terminal.say(Warning.MODEL_IN_PROMPT.about(String.join(", ", plan.prompts().stream()
                    .filter(prompt -> prompt.model() != null).map(Prompt::id).limit(3).toList())));
        }
        loop.send(plan.warmups(), this::mayNotGoOn, this::send);
        loop.send(plan.jobs(), this::mayNotGoOn, this::send);
        journal.settle();
        echo.settle();
    }

    /** Whether the user has interrupted the run, or has left. */
    boolean isStopped() {
        return stopped.getCount() == 0;
    }

    private boolean mayNotGoOn() {
        return isStopped() || journal.failed();
    }

    /** Sends one request, again if it may; each attempt is recorded, and waiting is inside none of them. */
    private void send(Job job, long readyNanos, Runnable onSent) {
        var server = job.model().server();
        var retries = remains.retries(job);
        for (int number = remains.attempts(job) + 1; ; number++) {
            for (long held; (held = backoff.heldMillis(job.model())) > 0; readyNanos = System.nanoTime()) {
                if (stoppedWithin(held + ThreadLocalRandom.current().nextLong(1 + held / 4))) { // not all in one instant
                    return;
                }
            }
            var askUsage = !withoutUsage.contains(server);
            var prompt = options.uniquePrefix ? job.prompt().beginningWith(nextPrefix()) : job.prompt();
            var attempt = new Attempt(job, number, Instant.now(), readyNanos, new Recording(), new AtomicReference<>());
            var exchange = new Exchange(client, job.model(), job.model().body(prompt, options.sampling(), askUsage),
                    attempt.recording(), onSent);
            inFlight.add(exchange);
            if (isStopped()) {
                exchange.abort(Exchange.Abort.CANCEL);
            }
            journal.begin(attempt);
            var ending = exchange.run();
            inFlight.remove(exchange);
            if (ending.resent()) {
                resent.incrementAndGet();
                sayResent(job);
            }
            var refusedUsage = askUsage && refusesStreamOptions(ending.outcome());
            var waitMillis = refusedUsage ? Long.valueOf(0) : backoff.waitMillis(job.model(), ending, retries);
            var again = waitMillis != null && !isStopped();
            var startNanos = attempt.recording().startNanos();
            attempt.end().set(new Attempt.Ended(ending, !again,
                    taint(attempt.recording(), startNanos, startNanos + ending.endMicros() * 1000)));
            if (ending.compressed()) {
                journal.warn(Warning.COMPRESSED.about(server));
            }
            if (refusedUsage) {
                withoutUsage.add(server);
                journal.warn(Warning.NO_USAGE.about(server));
            } else if (again) {
                retries++;
                backoff.slowDown(job.model(), ending, waitMillis);
                sayRetry(job, ending, waitMillis);
            }
            if (!again || stoppedWithin(waitMillis)) {
                return;
            }
            readyNanos = System.nanoTime();
        }
    }

    /** A line that no other request begins with. It varies from its first letter, since a cache matches beginnings. */
    private static String nextPrefix() {
        return "[%016x]".formatted(ThreadLocalRandom.current().nextLong());
    }

    private String taint(Recording recording, long fromNanos, long toNanos) {
        var causes = strain.during(fromNanos, toNanos);
        if (recording.wasHeldUp()) {
            causes.add("journal");
        }
        if (cold.compareAndSet(true, false)) {
            causes.addFirst("cold");
        }
        return causes.isEmpty() ? null : String.join(" ", causes);
    }

    private boolean stoppedWithin(long millis) {
        try {
            return stopped.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return true;
        }
    }

    private static boolean refusesStreamOptions(Outcome outcome) {
        return outcome instanceof Outcome.Failed failed && failed.httpStatus() != null
                && (failed.httpStatus() == 400 || failed.httpStatus() == 422)
                && failed.message().contains("stream_options");
    }

    private void sayResent(Job job) {
        if (options.verbose) {
            terminal.say(job.model().label() + ", " + job.prompt().id() + ": " + job.model().server()
                    + " closed the reused connection; sent again on a new one, as all further requests to it");
        }
    }

    private void sayRetry(Job job, ExchangeResult ending, long waitMillis) {
        if (options.verbose) {
            terminal.say(job.model().label() + ", " + job.prompt().id() + ": " + ending.outcome().words(job.model())
                    + "; again in " + waitMillis + " ms");
        }
    }

    /** One thread watches the time of all exchanges; a timer for each read would cost each read. */
    private void watch() {
        var timeoutNanos = (long) (options.timeoutSeconds * 1e9);
        var stallNanos = (long) (options.stallTimeoutSeconds * 1e9);
        while (!stoppedWithin(PauseDetector.WATCH_MILLIS)) {
            var now = System.nanoTime();
            strain.tick(now, System.currentTimeMillis());
            for (var exchange : inFlight) {
                if (journal.failed()) {
                    exchange.abort(Exchange.Abort.CANCEL); // what it brings can't be written
                } else if (exchange.ageNanos(now) > timeoutNanos) {
                    exchange.abort(Exchange.Abort.TIMEOUT);
                } else if (exchange.silenceNanos(now) > stallNanos) {
                    exchange.abort(Exchange.Abort.STALL);
                }
            }
        }
    }

    /** Ctrl-C: ends the streams, and lets what was measured be written. The JVM exits with 130 after it; twice means now. */
    private void interrupt() {
        sun.misc.Signal.handle(new sun.misc.Signal("INT"), again -> Runtime.getRuntime().halt(130));
        stop();
        echo.drop();
        finish();
    }

    /** Nobody reads the answers any more, as behind {@code | head}: ends as quietly as other programs do. */
    private void leave() {
        left = true;
        stop();
    }

    private void stop() {
        stopped.countDown();
        inFlight.forEach(exchange -> exchange.abort(Exchange.Abort.CANCEL));
    }

    /** Waits for what is in flight, writes what is left, prints the summary; returns the exit code of the run. */
    synchronized int finish() {
        if (exitCode != null) {
            return exitCode;
        }
        loop.awaitIdle();
        var interrupted = isStopped();
        stopped.countDown();
        journal.close();
        echo.close();
        client.close();
        var summary = journal.summary();
        exitCode = interrupted ? 130 : journal.failed() || summary.failed() > 0 ? 1 : 0;
        try {
            record.write(summary, resent.get());
        } catch (IOException e) {
            if (!journal.failed()) { // else it is said
                terminal.say(folder.resolve("run.json") + ": can't be written (" + e.getMessage() + ")");
            }
            exitCode = interrupted ? 130 : 1;
        }
        if (lock != null) {
            lock.close();
        }
        if (left) {
            return exitCode;
        }
        if (interrupted) {
            terminal.say("interrupted; what was measured until then is written"
                    + (options.ask ? "" : ", --resume " + runId + " runs the rest"));
        }
        if (!options.quiet) {
            terminal.err().println();
            summary.print(terminal.err(), options.simulate);
            sayOverhead(summary);
            terminal.err().println(folder.resolve("requests.csv") + "  " + folder.resolve("events.csv")
                    + "  compare: ./jbang Compare.java " + folder);
        }
        return exitCode;
    }

    /** The tool's own error beside what it measured, and a warning if it is no longer small. */
    private void sayOverhead(Summary summary) {
        if (strain.noticed() && !startedCold) {
            terminal.say(Warning.STRAIN.about("requests.csv"));
        }
        if (overhead == null) {
            return;
        }
        terminal.err().println("the tool's own error, with " + options.concurrency + " at once: TTFT "
                + errors(overhead.ttftP50Micros(), overhead.ttftP99Micros()) + ", ITL "
                + errors(overhead.itlP50Micros(), overhead.itlP99Micros()));
        if (summary.hasMedianBelow("ttft_ms", 10 * overhead.ttftP50Micros())
                || summary.hasMedianBelow("itl_p50_ms", 10 * overhead.itlP50Micros())) {
            terminal.say(Warning.OVERHEAD.about("--concurrency " + options.concurrency));
        }
    }

    private static String errors(Double p50Micros, Double p99Micros) {
        return AnswerMetrics.millis(p50Micros) + " ms" + (p99Micros == null ? "" : " (p99 " + AnswerMetrics.millis(p99Micros) + ")");
    }

    @Override
    public void close() {
        finish();
        try {
            Runtime.getRuntime().removeShutdownHook(interruption);
        } catch (IllegalStateException e) {
            // it is running: that is how we came here
        }
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
    Long waitMillis(Model model, ExchangeResult ending, int retriesSoFar) {
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
    void slowDown(Model model, ExchangeResult ending, long millis) {
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

/**
 * Notices when this process did not get to run: a thread that means to look every few milliseconds sees by how much it
 * is late. That covers collector pauses, a saturated CPU and a machine that slept.
 */
final class PauseDetector {

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
    PauseDetector(long nowNanos, long wallMillis) {
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
