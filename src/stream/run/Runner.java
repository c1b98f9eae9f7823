//JAVA 25+
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/Count.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java
//SOURCES ../terminal/Warning.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/EnvironmentProxies.java
//SOURCES ../api/Model.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/StreamClient.java
//SOURCES ../plan/EchoSettings.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/LoadSettings.java
//SOURCES ../plan/Plan.java
//SOURCES ../plan/RecordSettings.java
//SOURCES ../plan/RequestSettings.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../record/AnswerListener.java
//SOURCES ../record/AnswerReceiver.java
//SOURCES ../record/AttemptObserver.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../record/Journal.java
//SOURCES ../record/PlannedRun.java
//SOURCES ../record/RunFiles.java
//SOURCES ../record/RunLock.java
//SOURCES ../record/RunManifest.java
//SOURCES ../record/ShardEntry.java
//SOURCES ../record/Summary.java
//SOURCES ClosedLoop.java
//SOURCES Echo.java
//SOURCES RequestLoop.java
//SOURCES Resumption.java
//SOURCES ServerClocks.java
//SOURCES Stops.java
//SOURCES Telemetry.java
//SOURCES Watchdog.java
//COMPILE_OPTIONS -XDignore.symbol.file

package stream.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import stream.api.EnvironmentProxies;
import stream.api.Model;
import stream.client.ExchangeResult;
import stream.client.StreamClient;
import stream.metric.Metric;
import stream.metric.Metrics;
import stream.plan.Job;
import stream.plan.Plan;
import stream.plan.RunSettings;
import stream.prompt.Prompt;
import stream.record.AnswerListener;
import stream.record.AnswerReceiver;
import stream.record.AttemptObserver;
import stream.record.ClientOverhead;
import stream.record.Journal;
import stream.record.PlannedRun;
import stream.record.RunFiles;
import stream.record.RunLock;
import stream.record.RunManifest;
import stream.record.ShardEntry;
import stream.record.Summary;
import stream.terminal.Console;
import stream.terminal.Count;
import stream.terminal.OptionChecks;
import stream.terminal.UserError;
import stream.terminal.Warning;

/** One run: its folder, its requests in flight, its end. A failure of one request never ends the others. */
public final class Runner implements AutoCloseable {

    private static final int EXIT_INTERRUPTED = 130;

    private final RunSettings settings;
    private volatile RunManifest manifest;
    private final Path folder;
    private final Resumption resumption;
    private final RunLock lock;
    private final Console console;
    private final StreamClient client;
    private final AnswerListener listener;
    private final Telemetry telemetry; // null for none
    private final Journal journal;
    private final Stops stops = new Stops();
    private final Watchdog watchdog;
    private final RequestLoop requests;
    private final ClosedLoop loop;
    private final ServerClocks clocks = new ServerClocks();
    private final AtomicBoolean markedSimulated = new AtomicBoolean();
    private final AtomicInteger resent = new AtomicInteger();
    private final Thread interruption = new Thread(this::interrupt, "interruption");
    private volatile AnswerReceiver receiver = AnswerReceiver.NONE;
    private volatile boolean outputClosed;
    private Integer exitCode;

    private Runner(RunSettings settings, Plan plan, RunManifest manifest, Resumption resumption, RunLock lock, Console console,
            AnswerListener page) throws IOException {
        this.settings = settings;
        this.manifest = manifest;
        this.folder = settings.record().results().resolve(manifest.runId());
        this.resumption = resumption;
        this.lock = lock;
        this.console = console;
        this.client = new StreamClient(settings.load().concurrency(), plan.models(), console.environment(),
                settings.request().limits(), settings.connection());
        this.listener = page != null ? page
                : new Echo(settings.echo(), plan.models().size(), settings.ask() ? 1 : plan.jobs().size(),
                console, this::endQuietly);
        this.telemetry = settings.record().metricsPort() == null ? null : Telemetry.start(settings.record().metricsPort());
        this.journal = Journal.open(folder, manifest.runId(), plan.models().stream().map(Model::label).toList(),
                settings.record().csvSafe(), listener, telemetry == null ? AttemptObserver.NONE : telemetry,
                (job, text) -> receiver.answered(job, text));
        this.watchdog = new Watchdog(settings.request(), stops, journal::failed);
        this.requests = new RequestLoop(settings, client, resumption, stops, watchdog, journal,
                new Findings(), !settings.warmsUp(plan));
        this.loop = new ClosedLoop(settings.load().concurrency());
    }

    /** Begins: from here on the run can be interrupted, and is on disk. */
    private Runner begin() throws IOException {
        manifest.write(folder);
        listener.start(); // before it may be closed by an interruption
        Runtime.getRuntime().addShutdownHook(interruption);
        watchdog.start();
        if (telemetry != null && !settings.echo().quiet()) {
            listener.say("metrics at " + telemetry.address());
        }
        return this;
    }

    /**
     * Creates the folder and opens the files of a new run.
     *
     * @param shard null if the plan is the whole
     * @param page  listens instead of the echo; null for the echo
     * @throws UserError if the folder cannot be written, or the port of the metrics is taken; nothing is left of it then
     */
    public static Runner start(RunSettings settings, Plan plan, List<String> arguments, ClientOverhead overhead,
            ShardEntry shard, Console console,
                        AnswerListener page) {
        Path folder = null;
        try {
            var runId = PlannedRun.newRun(settings.record().results(), PlannedRun::newId);
            folder = settings.record().results().resolve(runId);
            var manifest = PlannedRun.manifest(runId, settings, plan, arguments, overhead, shard,
                    new EnvironmentProxies(console.environment()));
            return new Runner(settings, plan, manifest, Resumption.none(settings.request().retries()),
                    RunLock.take(folder), console,
                    page).begin();
        } catch (UserError e) {
            discard(folder);
            throw e;
        } catch (IOException e) {
            discard(folder);
            throw new UserError("--results " + settings.record().results() + ": cannot be written (" + e.getMessage()
                    + "); name another folder");
        }
    }

    /** Goes on with the rest of a run; {@code lock} is closed with it. */
    public static Runner resume(RunSettings settings, Plan rest, RunManifest manifest,
            Resumption resumption, ClientOverhead overhead,
                         RunLock lock, Console console) throws IOException {
        var failed = resumption.retriesFailed() ? 0 : resumption.failed();
        if (!settings.echo().quiet()) {
            console.say("--resume " + manifest.runId() + ": " + Count.of(rest.size(), "request") + " left"
                    + (failed == 0 ? "" : "; " + failed + " failed, add --retry-failed to send them again"));
        }
        return new Runner(settings, rest, manifest.resumedNow().withOverhead(overhead), resumption, lock, console, null).begin();
    }

    /** Deletes what a run that could not begin has written; null for nothing. */
    private static void discard(Path folder) {
        if (folder == null) {
            return;
        }
        for (var file : List.of(RunFiles.EVENTS, RunFiles.REQUESTS, RunFiles.MANIFEST + ".part", RunFiles.MANIFEST, ".lock", "")) {
            folder.resolve(file).toFile().delete();
        }
    }

    /** Sends all requests of the plan and waits until they are written and echoed. */
    public void execute(Plan plan) throws InterruptedException {
        execute(plan, AnswerReceiver.NONE);
    }

    /** The same; each answer is passed to who asked, when it is written. */
    public void execute(Plan plan, AnswerReceiver asker) throws InterruptedException {
        stops.forgetPostponed();
        receiver = asker;
        openAhead(plan);
        sendAll(plan);
    }

    /** Notes a question that was asked on the terminal, of which run.json keeps the text. */
    public void note(Prompt question) throws IOException {
        manifest = manifest.withPrompt(PlannedRun.question(question));
        manifest.write(folder);
    }

    /** The same in rounds, each of which begins when the one before has ended; ends before one that is not wanted. */
    public void executeInRounds(Plan plan, Predicate<Plan> isWanted) throws InterruptedException {
        openAhead(plan);
        for (var round : plan.rounds()) {
            if (isStopped() || !isWanted.test(round)) {
                return;
            }
            sendAll(round);
        }
    }

    private void openAhead(Plan plan) throws InterruptedException {
        if (settings.opensAhead(plan)) {
            client.openAhead(plan.models(), Math.min(settings.load().concurrency(), plan.size()));
        }
    }

    private void sendAll(Plan plan) throws InterruptedException {
        loop.send(plan.warmups(), this::cannotGoOn, requests::send);
        loop.send(plan.jobs(), this::cannotGoOn, requests::send);
        journal.settle();
        listener.settle();
    }

    public String runId() {
        return manifest.runId();
    }

    public Path folder() {
        return folder;
    }

    /** Whether the user has interrupted the run, or has closed its output. */
    public boolean isStopped() {
        return stops.areAllStopped();
    }

    private boolean cannotGoOn() {
        return isStopped() || journal.failed();
    }

    /** What is noted, and said to the user, while requests are sent. */
    private final class Findings implements RequestLoop.Listener {

        @Override
        public void received(Job job, ExchangeResult result) {
            clocks.add(job.model().server(), result.clock());
            if (result.simulated() && !manifest.simulated() && markedSimulated.compareAndSet(false, true)) {
                markSimulated();
            }
            if (result.form().streamedAs() != null) {
                journal.warn(Warning.MISNAMED.about(job.model().server(), result.form().streamedAs()));
            }
            if (result.form().encodedAs() != null) {
                journal.warn(Warning.COMPRESSED.about(job.model().server()));
            }
            if (result.resent()) {
                resent.incrementAndGet();
                detail(job, job.model().server()
                        + " lost the request; sent again on a new connection, as all further requests to it");
            }
        }

        @Override
        public void detail(Job job, String message) {
            if (settings.echo().verbose()) {
                listener.say(job.model().label() + ", " + job.prompt().id() + ": " + message);
            }
        }

        @Override
        public void postponed(Model model, long afterMillis) {
            listener.say(Warning.POSTPONED.about(model.label(), Math.ceilDiv(afterMillis, 1000),
                    OptionChecks.plain(settings.request().timeoutSeconds()), settings.ask() ? "Ask it again later"
                            : console.command("Stream.java", "--resume", folder.toString()) + " sends what is left"));
        }
    }

    /** A run against a simulator elsewhere is noted as simulated as soon as that is known. */
    private void markSimulated() {
        manifest = manifest.asSimulated();
        try {
            manifest.write(folder);
        } catch (IOException e) {
            // it is written again at the end, which reports it
        }
    }

    /** Ctrl-C: ends the streams and lets what was measured be written. A second one ends the process immediately. */
    private void interrupt() {
        // javac would warn of this class but for the compile option
        sun.misc.Signal.handle(new sun.misc.Signal("INT"), again -> Runtime.getRuntime().halt(EXIT_INTERRUPTED));
        stop();
        listener.drop();
        finish();
    }

    /** Nobody reads the answers any more, as with {@code | head}: ends as quietly as other programs do. */
    private void endQuietly() {
        outputClosed = true;
        stop();
    }

    /** Ends all streams; what was measured is written. */
    public void stop() {
        stops.stopAll();
        watchdog.cancelStopped();
    }

    /** Ends the streams of one model, which is not asked again; the others go on. */
    public void stop(String label) {
        stops.stop(label);
        watchdog.cancelStopped();
    }

    /** Waits for what is in flight, writes what is left, prints the summary; returns the exit code of the run. */
    public synchronized int finish() {
        if (exitCode != null) {
            return exitCode;
        }
        loop.awaitIdle();
        var interrupted = isStopped();
        stops.stopAll();
        journal.close();
        listener.close();
        client.close();
        if (telemetry != null) {
            telemetry.close();
        }
        var summary = journal.summary();
        exitCode = interrupted ? EXIT_INTERRUPTED : journal.failed() || summary.failed() > 0 ? 1 : 0;
        try {
            manifest.finishedNow(summary.requests(), summary.completed(), summary.failed(), resent.get(),
                    clocks.offsets()).write(folder);
        } catch (IOException e) {
            if (!journal.failed()) { // else it is reported already
                listener.say(folder.resolve(RunFiles.MANIFEST) + ": cannot be written (" + e.getMessage() + ")");
            }
            exitCode = interrupted ? EXIT_INTERRUPTED : 1;
        }
        lock.close();
        if (!outputClosed) {
            printEnd(summary, interrupted);
        }
        return exitCode;
    }

    private void printEnd(Summary summary, boolean interrupted) {
        if (interrupted) {
            listener.say("interrupted; what was measured until then is written"
                    + (settings.ask() ? "" : ", "
                    + console.command("Stream.java", "--resume", folder.toString()) + " runs the rest"));
        }
        if (!settings.echo().quiet()) {
            console.err().println();
            summary.print(console, manifest.simulated(), manifest.currencies());
            printOwnError(summary);
            manifest.models().stream().filter(model -> model.proxy() != null)
                    .collect(Collectors.groupingBy(RunManifest.ModelEntry::proxy, LinkedHashMap::new,
                            Collectors.mapping(RunManifest.ModelEntry::label, Collectors.joining(", "))))
                    .forEach((proxy, labels) -> console.tell("through the proxy " + proxy + ": " + labels));
            console.err().println("Written:\n  " + folder + (summary.completed() == 0 ? ""
                    : "\nTo compare:\n  " + console.command("Compare.java", folder.toString())));
        }
    }

    /** Prints the error of the client beside what it measured, and a warning if it is not small. */
    private void printOwnError(Summary summary) {
        if (requests.hasPausedRow() && manifest.selfWarmup()) {
            console.say(Warning.PAUSED.about(RunFiles.REQUESTS));
        }
        var overhead = manifest.clientOverhead();
        if (overhead == null) {
            return;
        }
        console.tell("error of the client, with " + settings.load().concurrency() + " in flight: TTFT "
                + errors(overhead.ttftP50Micros(), overhead.ttftP99Micros()) + ", ITL "
                + errors(overhead.itlP50Micros(), overhead.itlP99Micros()));
        for (var metric : List.of(Metric.TTFT, Metric.ITL)) {
            var median = overhead.medianMicros(metric);
            if (median != null && summary.hasMedianBelow(metric, 10 * median)) {
                console.say(Warning.OVERHEAD.about("--concurrency " + settings.load().concurrency()));
                return;
            }
        }
    }

    private static String errors(Double p50Micros, Double p99Micros) {
        return Metrics.millis(p50Micros) + " ms" + (p99Micros == null ? "" : " (p99 " + Metrics.millis(p99Micros) + ")");
    }

    @Override
    public void close() {
        finish();
        try {
            Runtime.getRuntime().removeShutdownHook(interruption);
        } catch (IllegalStateException e) {
            // the hook is running, and has called this
        }
    }
}
