//JAVA 25+
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/Count.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java
//SOURCES ../terminal/Warning.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/AcceptedForms.java
//SOURCES ../api/EnvironmentProxies.java
//SOURCES ../api/Model.java
//SOURCES ../api/RequestForm.java
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java
//SOURCES ../client/Exchange.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Outcome.java
//SOURCES ../client/Recording.java
//SOURCES ../client/StreamClient.java
//SOURCES ../plan/EchoSettings.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/LoadSettings.java
//SOURCES ../plan/Plan.java
//SOURCES ../plan/RecordSettings.java
//SOURCES ../plan/RequestSettings.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../record/AnswerListener.java
//SOURCES ../record/Attempt.java
//SOURCES ../record/AttemptObserver.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../record/ClockOffset.java
//SOURCES ../record/Journal.java
//SOURCES ../record/PlannedRun.java
//SOURCES ../record/RunFiles.java
//SOURCES ../record/RunLock.java
//SOURCES ../record/RunManifest.java
//SOURCES ../record/ShardEntry.java
//SOURCES ../record/Summary.java
//SOURCES Backoff.java
//SOURCES ClockBounds.java
//SOURCES ClosedLoop.java
//SOURCES Echo.java
//SOURCES PauseDetector.java
//SOURCES Resumption.java
//SOURCES Telemetry.java
//COMPILE_OPTIONS -XDignore.symbol.file

package stream.run;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import stream.api.AcceptedForms;
import stream.api.EnvironmentProxies;
import stream.api.Model;
import stream.api.RequestForm;
import stream.client.Exchange;
import stream.client.ExchangeResult;
import stream.client.Outcome;
import stream.client.Recording;
import stream.client.StreamClient;
import stream.metric.Metric;
import stream.metric.Metrics;
import stream.plan.Job;
import stream.plan.Plan;
import stream.plan.RunSettings;
import stream.prompt.Prompt;
import stream.record.AnswerListener;
import stream.record.Attempt;
import stream.record.AttemptObserver;
import stream.record.ClientOverhead;
import stream.record.ClockOffset;
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
    private static final long LOOK_MILLIS = 50;

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
    private final ClosedLoop loop;
    private final Backoff backoff;
    private final PauseDetector pauses = new PauseDetector(System.nanoTime(), System.currentTimeMillis());
    private final Map<Exchange, String> inFlight = new ConcurrentHashMap<>(); // with the label of the model
    private final Set<String> stoppedModels = ConcurrentHashMap.newKeySet();
    private final Set<String> postponedModels = ConcurrentHashMap.newKeySet(); // their other requests are left to --resume
    private final AcceptedForms forms = new AcceptedForms();
    private final AtomicBoolean nextIsCold;
    private final AtomicBoolean markedSimulated = new AtomicBoolean();
    private final AtomicInteger resent = new AtomicInteger();
    private final Map<String, ClockBounds> clocks = new ConcurrentHashMap<>(); // by server
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Thread interruption = new Thread(this::interrupt, "interruption");
    private volatile boolean outputClosed;
    private volatile boolean hasPausedRow;
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
                settings.request().limits(),
                settings.connection());
        this.listener = page != null ? page
                : new Echo(settings.echo(), plan.models().size(), settings.ask() ? 1 : plan.jobs().size(),
                console, this::endQuietly);
        this.telemetry = settings.record().metricsPort() == null ? null : Telemetry.start(settings.record().metricsPort());
        this.journal = Journal.open(folder, manifest.runId(), plan.models().stream().map(Model::label).toList(),
                settings.record().csvSafe(), listener, telemetry == null ? AttemptObserver.NONE : telemetry);
        this.loop = new ClosedLoop(settings.load().concurrency());
        this.backoff = new Backoff(settings.request().retries(), settings.request().timeoutSeconds() * 1000);
        this.nextIsCold = new AtomicBoolean(!settings.warmsUp(plan));
        manifest.write(folder);
        Runtime.getRuntime().addShutdownHook(interruption);
        Thread.ofVirtual().name("stall-detector").start(this::watch);
        if (telemetry != null && !settings.echo().quiet()) {
            listener.say("metrics at " + telemetry.address());
        }
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
                    page);
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
        return new Runner(settings, rest, manifest.resumedNow().withOverhead(overhead), resumption, lock, console, null);
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
        postponedModels.clear(); // another question may be asked after the time that a server wanted
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
        loop.send(plan.warmups(), this::cannotGoOn, this::send);
        loop.send(plan.jobs(), this::cannotGoOn, this::send);
        journal.settle();
        listener.settle();
    }

    /** Returns the last answer of each model, by its label, when {@link #execute} has returned. */
    public Map<String, String> outputs() {
        return listener.outputs();
    }

    public String runId() {
        return manifest.runId();
    }

    public Path folder() {
        return folder;
    }

    /** Whether the user has interrupted the run, or has closed its output. */
    public boolean isStopped() {
        return stopped.getCount() == 0;
    }

    private boolean cannotGoOn() {
        return isStopped() || journal.failed();
    }

    /** Sends one request, and again if that may help. Each attempt is recorded; waiting is part of none of them. */
    private void send(Job job, long slotFreeNanos, Runnable onSent) {
        var retries = resumption.retries(job);
        var readyNanos = slotFreeNanos;
        var wasResent = false;
        for (int number = resumption.attempts(job) + 1; !isLeftOut(job); number++) {
            for (long held; (held = backoff.heldMillis(job.model())) > 0; readyNanos = System.nanoTime()) {
                if (isStoppedWithin(job, held + ThreadLocalRandom.current().nextLong(1 + held / 4))) { // not all at one instant
                    return;
                }
            }
            var form = forms.of(job.model());
            var body = body(job, form);
            var attempt = new Attempt(job, number, Instant.now(), readyNanos, new Recording(), new AtomicReference<>());
            var result = exchange(attempt, body, onSent, !wasResent);
            wasResent |= result.resent();
            var wait = waitAfter(job, form, body, result, retries);
            var again = wait != null && !isStopped() && !isLeftOut(job);
            var isCold = nextIsCold.compareAndSet(true, false);
            var startNanos = attempt.recording().startNanos();
            var paused = pauses.during(startNanos, startNanos + result.endMicros() * 1000);
            if (!paused.isEmpty()) {
                hasPausedRow = true;
            }
            attempt.end().set(new Attempt.End(result, !again, taint(paused, attempt.recording(), isCold)));
            report(job, result);
            if (!again) {
                return;
            }
            retries += wait.isRetry() ? 1 : 0;
            backoff.slowDown(job.model(), result, wait.millis());
            sayIfVerbose(job, result.outcome().message(job.model()) + "; again in " + wait.millis() + " ms");
            if (isStoppedWithin(job, wait.millis())) {
                return;
            }
            readyNanos = System.nanoTime();
        }
    }

    /** How long to wait before the next attempt, and whether that counts as a retry. */
    private record Wait(long millis, boolean isRetry) { }

    /** Returns null if no attempt follows. */
    private Wait waitAfter(Job job, RequestForm form, String body, ExchangeResult result, int retries) {
        var accepted = acceptedForm(job, form, body, result.outcome());
        if (accepted != form) {
            forms.learn(job.model(), accepted);
            accepted.changesSince(form, job.model().label(), job.model().server()).forEach(journal::warn);
            return new Wait(0, false);
        }
        var loadingMillis = backoff.loadingMillis(job.model(), result);
        if (loadingMillis != null) {
            journal.warn(Warning.LOADING.about(job.model().label(), OptionChecks.plain(settings.request().timeoutSeconds())));
            return new Wait(loadingMillis, false);
        }
        if (backoff.asksTooMuch(result)) {
            postpone(job.model(), result);
        }
        var millis = backoff.waitMillis(job.model(), result, retries);
        return millis == null ? null : new Wait(millis, true);
    }

    private String body(Job job, RequestForm form) {
        var prompt = settings.request().uniquePrefix() ? job.prompt().beginningWith(uniqueLine()) : job.prompt();
        return job.model().body(prompt, settings.request().sampling(), form);
    }

    /** Leaves the rest of the requests of a model to a later run, because its server wants so. */
    private void postpone(Model model, ExchangeResult result) {
        if (postponedModels.add(model.label())) {
            listener.say(Warning.POSTPONED.about(model.label(), Math.ceilDiv(result.retryAfterMillis(), 1000),
                    OptionChecks.plain(settings.request().timeoutSeconds()), settings.ask() ? "Ask it again later"
                            : console.command("Stream.java", "--resume", folder.toString()) + " sends what is left"));
        }
    }

    /** Whether no request of the model is sent any more. */
    private boolean isLeftOut(Job job) {
        return stoppedModels.contains(job.model().label()) || postponedModels.contains(job.model().label());
    }

    private ExchangeResult exchange(Attempt attempt, String body, Runnable onSent, boolean mayResend) {
        var job = attempt.job();
        var exchange = new Exchange(client, job.model(), body, attempt.recording(), onSent, mayResend);
        inFlight.put(exchange, job.model().label());
        if (isStopped() || stoppedModels.contains(job.model().label())) {
            exchange.abort(Exchange.Abort.CANCEL);
        }
        journal.begin(attempt);
        var result = exchange.run();
        inFlight.remove(exchange);
        return result;
    }

    private void report(Job job, ExchangeResult result) {
        if (result.clock() != null) {
            clocks.computeIfAbsent(job.model().server(), absent -> new ClockBounds()).add(result.clock());
        }
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
            sayIfVerbose(job, job.model().server()
                    + " lost the request; sent again on a new connection, as all further requests to it");
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

    private void sayIfVerbose(Job job, String message) {
        if (settings.echo().verbose()) {
            listener.say(job.model().label() + ", " + job.prompt().id() + ": " + message);
        }
    }

    /** Returns a line with which no other prompt begins. It varies from its first letter, since a cache matches prefixes. */
    private static String uniqueLine() {
        return "[%016x]".formatted(ThreadLocalRandom.current().nextLong());
    }

    /** Returns the form in which the request may be sent next: the same, unless the server has refused a part of it by name. */
    private static RequestForm acceptedForm(Job job, RequestForm form, String body, Outcome outcome) {
        var isRefusal = outcome instanceof Outcome.Failed failed && failed.httpStatus() != null
                && (failed.httpStatus() == 400 || failed.httpStatus() == 422);
        var own = new HashSet<>(job.model().extra().keySet());
        own.addAll(job.prompt().extra().keySet());
        return isRefusal ? form.without(outcome.detail(), body, own) : form;
    }

    /** Returns the column tainted; null if nothing was noticed. */
    static String taint(List<String> pauses, Recording recording, boolean isCold) {
        var causes = new ArrayList<>(pauses);
        if (recording.wasHeldUp()) {
            causes.add("journal");
        }
        if (isCold) {
            causes.addFirst("cold");
        }
        return causes.isEmpty() ? null : String.join(" ", causes);
    }

    /** Waits; returns early if the run, or the model of the job, is stopped. */
    private boolean isStoppedWithin(Job job, long millis) {
        var deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long left; (left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())) > 0; ) {
            if (isLeftOut(job) || isStoppedWithin(Math.min(left, LOOK_MILLIS))) {
                return true;
            }
        }
        return isStopped() || isLeftOut(job);
    }

    private boolean isStoppedWithin(long millis) {
        try {
            return stopped.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return true;
        }
    }

    /** One thread watches the time of all exchanges; a timer for each read would delay each read. */
    private void watch() {
        var timeoutNanos = (long) (settings.request().timeoutSeconds() * 1e9);
        var stallNanos = (long) (settings.request().stallTimeoutSeconds() * 1e9);
        while (!isStoppedWithin(PauseDetector.PERIOD_MILLIS)) {
            var now = System.nanoTime();
            pauses.tick(now, System.currentTimeMillis());
            for (var exchange : inFlight.keySet()) {
                if (journal.failed()) {
                    exchange.abort(Exchange.Abort.CANCEL); // what it brings cannot be written
                } else if (exchange.ageNanos(now) > timeoutNanos) {
                    exchange.abort(Exchange.Abort.TIMEOUT);
                } else if (exchange.silenceNanos(now) > stallNanos) {
                    exchange.abort(Exchange.Abort.STALL);
                }
            }
        }
    }

    /** Ctrl-C: ends the streams and lets what was measured be written. A second one ends the process immediately. */
    private void interrupt() {
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
        stopped.countDown();
        inFlight.keySet().forEach(exchange -> exchange.abort(Exchange.Abort.CANCEL));
    }

    /** Ends the streams of one model, which is not asked again; the others go on. */
    public void stop(String label) {
        stoppedModels.add(label);
        inFlight.forEach((exchange, model) -> {
            if (model.equals(label)) {
                exchange.abort(Exchange.Abort.CANCEL);
            }
        });
    }

    /** Waits for what is in flight, writes what is left, prints the summary; returns the exit code of the run. */
    public synchronized int finish() {
        if (exitCode != null) {
            return exitCode;
        }
        loop.awaitIdle();
        var interrupted = isStopped();
        stopped.countDown();
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
                    clockOffsets()).write(folder);
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

    private List<ClockOffset> clockOffsets() {
        return clocks.entrySet().stream().map(each -> each.getValue().offset(each.getKey())).filter(Objects::nonNull).toList();
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
        if (hasPausedRow && manifest.selfWarmup()) {
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
