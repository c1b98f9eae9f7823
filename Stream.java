///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Stream prompts through models and write the timing of every event to CSV
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/terminal/Console.java
//SOURCES src/stream/terminal/Keyboard.java
//SOURCES src/stream/terminal/OptionChecks.java
//SOURCES src/stream/terminal/UserError.java
//SOURCES src/stream/terminal/Warning.java
//SOURCES src/stream/prompt/Prompt.java
//SOURCES src/stream/prompt/PromptSet.java
//SOURCES src/stream/api/ConnectionOptions.java
//SOURCES src/stream/api/Model.java
//SOURCES src/stream/api/ModelCatalog.java
//SOURCES src/stream/api/ModelOptions.java
//SOURCES src/stream/api/ModelSettings.java
//SOURCES src/stream/client/ModelListing.java
//SOURCES src/stream/plan/Conversation.java
//SOURCES src/stream/plan/EchoMode.java
//SOURCES src/stream/plan/EchoSettings.java
//SOURCES src/stream/plan/Job.java
//SOURCES src/stream/plan/LoadOptions.java
//SOURCES src/stream/plan/LoadSettings.java
//SOURCES src/stream/plan/Plan.java
//SOURCES src/stream/plan/RecordOptions.java
//SOURCES src/stream/plan/RecordSettings.java
//SOURCES src/stream/plan/RequestOptions.java
//SOURCES src/stream/plan/RequestSettings.java
//SOURCES src/stream/plan/RunSettings.java
//SOURCES src/stream/plan/Shard.java
//SOURCES src/stream/plan/StartTime.java
//SOURCES src/stream/record/AnswerReceiver.java
//SOURCES src/stream/record/ClientOverhead.java
//SOURCES src/stream/record/PlannedRun.java
//SOURCES src/stream/record/ResumeState.java
//SOURCES src/stream/record/RunFiles.java
//SOURCES src/stream/record/RunLock.java
//SOURCES src/stream/record/RunManifest.java
//SOURCES src/stream/record/ShardEntry.java
//SOURCES src/stream/simulator/SimulatedServer.java
//SOURCES src/stream/run/LoopbackLoad.java
//SOURCES src/stream/run/Resumption.java
//SOURCES src/stream/run/Runner.java
//RUNTIME_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseParallelGC -XX:-UseAdaptiveSizePolicy -Xmn20m -XX:SurvivorRatio=3 -XX:MaxTenuringThreshold=1 -Xlog:disable -Xlog:all=error:stderr -Xlog:cds=off:stderr -Xlog:aot=off:stderr
//CDS

// Stream: reads prompts, streams each through each model, echoes the tokens live, and writes the timing of every server-sent
// event to CSV.
//
// To run just:
//   jbang Stream.java --simulate                            the sample prompts, three simulated models, no key
//   jbang Stream.java -p "Why is the sky blue?" -m gpt-4    OPENAI_API_KEY holds the key
//   jbang Stream.java --base-url http://localhost:8000/v1 -m llama -n 10 -c 4 prompts/
//
// Here are the options and their validation; what they lead to is in src/stream/: plan/Plan.java, then run/Runner.java,
// client/Exchange.java and record/Journal.java.
//
// The runtime options were measured one by one. The second compiler uses a core in the very seconds that are measured. The size
// of the young generation is a compromise: at a thousand streams a smaller one pauses for a shorter time, at five thousand it
// delays the first requests. Concurrent collectors pause less, for two to three times the memory and a slower start. The log of the
// class archive is off: an archive that does not fit the jar any more, as after jbang --fresh, is ignored, which needs no message
// at each start.

package stream;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stream.api.ConnectionOptions;
import stream.api.Model;
import stream.api.ModelCatalog;
import stream.api.ModelOptions;
import stream.client.ModelListing;
import stream.plan.Conversation;
import stream.plan.EchoMode;
import stream.plan.EchoSettings;
import stream.plan.LoadOptions;
import stream.plan.Plan;
import stream.plan.RecordOptions;
import stream.plan.RecordSettings;
import stream.plan.RequestOptions;
import stream.plan.RunSettings;
import stream.plan.Shard;
import stream.plan.StartTime;
import stream.prompt.Prompt;
import stream.prompt.PromptSet;
import stream.record.AnswerReceiver;
import stream.record.PlannedRun;
import stream.record.ResumeState;
import stream.record.RunFiles;
import stream.record.RunLock;
import stream.record.RunManifest;
import stream.record.ShardEntry;
import stream.run.LoopbackLoad;
import stream.run.Resumption;
import stream.run.Runner;
import stream.simulator.SimulatedServer;
import stream.terminal.Console;
import stream.terminal.Keyboard;
import stream.terminal.OptionChecks;
import stream.terminal.UserError;
import stream.terminal.Warning;

/** The command that runs prompts through models. */
@Command(name = "stream", description = "Streams prompts through models and writes the timing of every event to CSV.")
public class Stream implements Callable<Integer> {

    @Parameters(paramLabel = "FILE|FOLDER|GLOB|-", arity = "0..*",
            description = "Prompt files, folders of them, globs; - is standard input"
                    + " (default: prompts/ if it exists, else ask).")
    private List<String> sources = List.of();

    @Option(names = {"-p", "--prompt"}, paramLabel = "TEXT", description = "A prompt; repeatable.")
    private List<String> prompts = List.of();

    @Option(names = "--skip-bad", description = "Leave out records of prompt files that cannot be used, and say how many.")
    private boolean skipBad;

    @Option(names = "--ask", description = "Ask on the terminal, again after each answer; end with an empty line"
            + " or Ctrl-D.")
    private boolean ask;

    @Option(names = "--chat", description = "With --ask: what was asked and answered before goes along with each question.")
    private boolean chat;

    @Mixin
    private ModelOptions modelOptions = new ModelOptions();

    @Mixin
    private ConnectionOptions connectionOptions = new ConnectionOptions();

    @Mixin
    private RequestOptions requestOptions = new RequestOptions();

    @Mixin
    private LoadOptions loadOptions = new LoadOptions();

    @Mixin
    private RecordOptions recordOptions = new RecordOptions();

    @Option(names = "--list-models", description = "Ask the configured servers which models they serve, and report whether"
            + " each configured one is among them.")
    private boolean listModels;

    @Option(names = "--simulate", description = "Start the built-in simulator and stream from it; no key, no cost.")
    private boolean simulate;

    @Option(names = "--shard", paramLabel = "I/N|auto|auto/N", description = "Run the I-th of N equal parts of the plan, I from 0."
            + " auto takes them from the engine that starts this: a Slurm array; with /N also a Kubernetes Indexed Job or GNU "
            + "parallel.")
    private String shard;

    @Option(names = "--resume-shard",
            description = "With --shard: complete the run of this shard in the results folder if there is one, else"
            + " begin it; for engines that start a process again.")
    private boolean resumeShard;

    @Option(names = "--start-at", paramLabel = "TIME", description = "Send the first request at this time, such as"
            + " 2026-11-25T18:30:00Z, so that several machines begin together.")
    private String startAt;

    @Option(names = "--metrics-port", paramLabel = "PORT",
            description = "Expose Prometheus metrics on this port of the loopback address while"
            + " the run goes on; 0 is any free port.")
    private Integer metricsPort;

    @Option(names = "--resume", paramLabel = "RUN_ID", description = "Complete an interrupted run, given its id or folder:"
            + " what is complete is kept, the rest is run.")
    private String resume;

    @Option(names = "--retry-failed", description = "With --resume: also send the requests again that failed.")
    private boolean retryFailed;

    @Option(names = "--echo", paramLabel = "tokens|lines|events|none",
            description = "Echo on standard output; events prints one event per line: time, delay, socket read, kind, text"
                    + " (default: tokens for one request at a time, lines for several).")
    private String echo;

    @Option(names = "--dry-run", description = "Check prompts and models, print the plan and the upper bound of tokens, send"
            + " nothing.")
    private boolean dryRun;

    @Option(names = "--yes", description = "Do not ask before the prompts of prompts/ are sent, if no others are named.")
    private boolean yes;

    @Option(names = {"-q", "--quiet"}, description = "No progress, no summary.")
    private boolean quiet;

    @Option(names = {"-v", "--verbose"}, description = "Report retries, list all requests of a dry run, print stack traces.")
    private boolean verbose;

    private static final long MOST_REQUESTS = 5_000_000;
    private static final int ONE_SCREEN = 24;
    private static final int EXIT_DECLINED = 130; // as if it was interrupted
    private static final int MOST_RESUMABLE = 5;

    /** The options that may be given again when a run is resumed. */
    private static final Set<String> WITH_RESUME =
            Set.of("--resume", "--retry-failed", "--metrics-port", "--results", "--header", "--echo",
            "--typing-delay", "--quiet", "--verbose");

    @Spec
    private CommandSpec spec;

    private final Console console;

    public Stream(Console console) {
        this.console = console;
    }

    public static void main(String... args) {
        System.exit(run(Console.ofProcess("stream"), args));
    }

    /** Runs the command; returns its exit code: 0 all completed, 1 some failed, 2 wrong usage, 130 interrupted. */
    public static int run(Console console, String... args) {
        return console.run(new Stream(console), args);
    }

    @Override
    public Integer call() throws Exception {
        if (resume != null) {
            return resume();
        }
        new OptionChecks().require(!retryFailed || resumeShard,
                "--retry-failed goes with --resume RUN_ID; name the run whose failed requests"
                + " are to be sent again").throwIfAny();
        if (listModels) {
            return listModels();
        }
        return run(settings(), null);
    }

    private int listModels() throws IOException {
        try (var simulator = simulate ? SimulatedServer.start(1) : null) {
            var catalog = ModelCatalog.of(modelOptions.settings(), console.environment(), simulator == null
                    ? ModelCatalog.Access.WITH_KEYS : ModelCatalog.Access.toSimulator(simulator.baseUrl()));
            catalog.notes().forEach(console::say);
            return new ModelListing(console.environment(), connectionOptions.settings())
                    .print(catalog.models(), console.out()) ? 0 : 1;
        }
    }

    // Validation

    private RunSettings settings() {
        var checks = new OptionChecks()
                .require(!simulate || modelOptions.settings().baseUrl() == null,
                        "--simulate and --base-url name two servers; leave one out")
                .require(!ask || sources.isEmpty() && prompts.isEmpty(),
                        "--ask takes its prompts from the terminal; leave out the others")
                .require(!chat || asks(), "--chat goes with --ask; add it, or leave --chat out")
                .require(!quiet || metricsPort == null || metricsPort != 0,
                        "--metrics-port 0 with --quiet: the port would not be shown; name one")
                .require(shard != null || !resumeShard,
                        "--resume-shard goes with --shard; add it, or name the run with --resume RUN_ID")
                .require(shard == null || !asks(), "--shard goes with prompts that are known; name them, or leave it out")
                .require(!asks() || !dryRun, "--dry-run: what will be asked is not known; name prompts, or give them with -p");
        var request = checks.settings(requestOptions::settings);
        var load = checks.settings(loadOptions::settings);
        var record = checks.settings(() -> new RecordSettings(recordOptions.results, recordOptions.csvSafe, metricsPort));
        var shown = checks.settings(this::echoSettings);
        checks.throwIfAny();
        return new RunSettings(simulate, request, load, connectionOptions.settings(), record, shown, asks());
    }

    private EchoSettings echoSettings() {
        var mode = echo != null ? EchoMode.of(echo) : loadOptions.concurrency == 1 ? EchoMode.TOKENS : EchoMode.LINES;
        return new EchoSettings(mode, quiet, recordOptions.typingDelayMillis, verbose);
    }

    private boolean namesPrompts() {
        return !sources.isEmpty() || !prompts.isEmpty();
    }

    /** Whether the prompts come from the terminal, because the user wants it or names none. */
    private boolean asks() {
        return ask || !namesPrompts() && !Files.isDirectory(Path.of("prompts"));
    }

    /** Says what is about to be sent though nobody has named it; returns whether the user, if there is one to ask, wants that. */
    private boolean isWanted(Plan plan, RunSettings settings) throws IOException {
        var asks = !yes && plan.size() > plan.models().size() && console.canAsk();
        if (asks || !settings.echo().quiet()) {
            console.clearStatus();
            console.say("the prompts of prompts/ to " + plan.models().stream().map(Model::label)
                    .collect(Collectors.joining(", ")) + ": "
                    + String.join("; ", plan.totals(settings.request().sampling())));
        }
        if (!asks) {
            return true;
        }
        console.err().print("Send them? [y/N] ");
        console.err().flush();
        var answer = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8)).readLine();
        if (answer != null && answer.strip().matches("(?i)y(es)?")) {
            return true;
        }
        console.say("nothing was sent; name prompts, or add --yes");
        return false;
    }

    private List<Prompt> readPrompts(RunSettings settings) {
        var ofCommandLine = new ArrayList<Prompt>();
        for (int i = 0; i < prompts.size(); i++) {
            new OptionChecks()
                    .require(!prompts.get(i).isBlank(), "--prompt '" + prompts.get(i) + "' is empty; write the question there")
                    .require(!prompts.get(i).contains("\uFFFD"), "--prompt " + (i + 1) + ": not UTF-8 text; set LC_ALL=C.UTF-8")
                    .throwIfAny();
            ofCommandLine.add(Prompt.ofText("prompt-" + (i + 1), prompts.get(i), "--prompt " + (i + 1)));
        }
        var defaultSources = !namesPrompts() && !settings.ask() ? List.of("prompts") : sources;
        var set = PromptSet.read(defaultSources, console.in(), ofCommandLine, skipBad);
        set.notes().forEach(console::say);
        UserError.throwIfAny(set.problems());
        return set.prompts();
    }

    private Plan plan(RunSettings settings, List<Prompt> prompts, ModelCatalog catalog, long seed) {
        var requests = (long) prompts.size() * Math.max(1, catalog.models().size()) * settings.load().order().repeat();
        new OptionChecks().require(requests <= MOST_REQUESTS, "--repeat " + settings.load().order().repeat() + " makes " + requests
                + " requests; at most " + MOST_REQUESTS + " are possible, repeat less").throwIfAny();
        var complete = prompts.stream().map(prompt -> settings.request().system() == null || prompt.hasSystem() ? prompt
                : prompt.withSystem(settings.request().system())).toList();
        return Plan.of(complete, catalog, !modelOptions.settings().namesModels(), settings.load().order().withSeed(seed));
    }

    // The run

    /** A run that is resumed: what its files tell, and whether requests that failed are sent again. */
    private record Resumed(RunManifest manifest, Path folder, RunLock lock, boolean retriesFailed) { }

    /** Completes a run with the command line that began it. */
    private int resume() throws Exception {
        var given = spec.commandLine().getParseResult();
        if (!given.matchedPositionals().isEmpty()
                || given.matchedOptions().stream().anyMatch(option -> !WITH_RESUME.contains(option.longestName()))) {
            throw new UserError("--resume " + resume + " takes its plan from the run; only these options may be added: "
                    + String.join(", ", WITH_RESUME.stream().sorted().toList()));
        }
        var folder = Files.exists(Path.of(resume, RunFiles.MANIFEST)) ? Path.of(resume) : recordOptions.results.resolve(resume);
        new OptionChecks().require(Files.exists(folder.resolve(RunFiles.MANIFEST)),
                "--resume " + resume + ": no such run (" + folder
                + "); " + resumable(recordOptions.results)).throwIfAny();
        return complete("--resume " + resume, folder);
    }

    /** Runs what is left of a run; {@code option} begins the messages. */
    private int complete(String option, Path folder) throws Exception {
        try (var lock = RunLock.take(folder)) {
            var manifest = RunManifest.read(folder);
            if (manifest.lacksSecret()) {
                throw new IOException("it was begun with a secret in a URL, which run.json does not keep");
            }
            var begun = new Stream(console);
            Console.parser(begun).parseArgs(manifest.arguments().toArray(String[]::new));
            begun.modelOptions.giveAgain(modelOptions.headers);
            begun.loadOptions.seed = manifest.seed();
            begun.startAt = null;
            begun.resumeShard = false;
            begun.metricsPort = metricsPort;
            begun.shard = manifest.shard() == null ? null : manifest.shard().shard().word();
            var settings = begun.settings();
            var before = settings.echo();
            var echoNow = new EchoSettings(echo != null ? EchoMode.of(echo) : before.mode(), quiet || before.quiet(),
                    recordOptions.typingDelayMillis > 0 ? recordOptions.typingDelayMillis : before.delayMillis(),
                    verbose || before.verbose());
            var recordNow = new RecordSettings(folder.toAbsolutePath().getParent(), settings.record().csvSafe(), metricsPort);
            return begun.run(settings.resumed(recordNow, echoNow), new Resumed(manifest, folder, lock, retryFailed));
        } catch (IOException e) {
            throw new UserError(option + ": " + e.getMessage() + " (" + folder + ")" + (resume == null ? "; wait for it, or stop it"
                    : "; name a run that was interrupted, and its folder with --results"));
        }
    }

    /** Returns which runs of a folder can be resumed, as part of a sentence. */
    private static String resumable(Path results) {
        var ids = new ArrayList<String>();
        try {
            for (var run : Files.isDirectory(results) ? RunFiles.runsIn(results) : List.<Path>of()) {
                if (RunManifest.read(run).isIncomplete()) {
                    ids.add(run.getFileName().toString());
                }
            }
        } catch (IOException e) {
            // a folder without a run.json cannot be resumed
        }
        return ids.isEmpty() ? "none in " + results + " is incomplete; name its folder with --results"
                : "incomplete are " + String.join(", ", ids.subList(Math.max(0, ids.size() - MOST_RESUMABLE), ids.size()));
    }

    /** {@code resumed} is null for a new run. */
    private int run(RunSettings settings, Resumed resumed) throws Exception {
        if (!settings.ask() && !dryRun) {
            status(!settings.echo().quiet(), "starting");
        }
        var set = readPrompts(settings);
        try (var simulator = simulate && !dryRun ? SimulatedServer.start(settings.load().order().seed()) : null) {
            var catalog = ModelCatalog.of(modelOptions.settings(), console.environment(),
                    simulator != null ? ModelCatalog.Access.toSimulator(simulator.baseUrl())
                            : dryRun ? ModelCatalog.Access.WITHOUT_KEYS : ModelCatalog.Access.WITH_KEYS);
            catalog.notes().forEach(console::say);
            var whole = plan(settings, set, catalog, settings.load().order().seed());
            warnOfIgnoredModels(set);
            var part = shard == null ? null : PlannedRun.shard(Shard.of(shard, console.environment()), settings, whole);
            var own = part == null ? whole : part(whole, part.shard());
            var before = resumeShard ? runOf(part) : null;
            if (before != null && !dryRun) {
                return resumeShard(part, before);
            }
            var start = startAt == null ? null : StartTime.of(startAt, Instant.now());
            if (dryRun) {
                own.print(console.out(), settings.request().sampling(), verbose ? Integer.MAX_VALUE : ONE_SCREEN);
                return 0;
            }
            if (resumed == null && !simulate && !settings.ask() && !namesPrompts() && !isWanted(own, settings)) {
                return EXIT_DECLINED;
            }
            var resumption = resumption(settings, resumed, own);
            return execute(settings, catalog, own.without(resumption::isDone), new Beginning(part, start), resumption, resumed);
        }
    }

    /** Returns the folder of the last run of a shard; null if it has not been begun. */
    private Path runOf(ShardEntry part) throws IOException {
        Path found = null;
        for (var run : Files.isDirectory(recordOptions.results) ? RunFiles.runsIn(recordOptions.results) : List.<Path>of()) {
            try {
                found = part.equals(RunManifest.read(run).shard()) ? run : found;
            } catch (IOException e) {
                // another run, whose run.json is damaged
            }
        }
        return found;
    }

    /** Completes a shard that was begun before; returns what its exit code was, or is now. */
    private int resumeShard(ShardEntry part, Path before) throws Exception {
        var manifest = RunManifest.read(before);
        if (manifest.isIncomplete() || retryFailed) {
            return complete("--resume-shard", before);
        }
        var failed = manifest.counts().failed();
        console.say("--resume-shard: shard " + part.shard().word() + " is complete in " + before
                + (failed == 0 ? "" : "; " + failed + " of its requests failed, add --retry-failed to send them again"));
        return failed == 0 ? 0 : 1;
    }

    /** What a run on several machines begins with; null where there is only one, or no time is given. */
    private record Beginning(ShardEntry shard, Instant start) { }

    private static Plan part(Plan whole, Shard shard) {
        var most = whole.parts();
        new OptionChecks().require(shard.count() <= most, "--shard " + shard.word() + ": the plan has only " + most
                + " prompts and repetitions;"
                + " use at most as many shards").throwIfAny();
        return whole.part(shard);
    }

    private void warnOfIgnoredModels(List<Prompt> prompts) {
        var named = prompts.stream().filter(prompt -> prompt.model() != null).map(Prompt::id).limit(3).toList();
        if (modelOptions.settings().namesModels() && !named.isEmpty()) {
            console.say(Warning.MODEL_IN_PROMPT.about(String.join(", ", named)));
        }
    }

    /** Returns what is left of a run, once it is sure that prompts and models are the same. */
    private Resumption resumption(RunSettings settings, Resumed resumed, Plan plan) {
        if (resumed == null) {
            return Resumption.none(settings.request().retries());
        }
        var runId = resumed.manifest().runId();
        new OptionChecks().require(!settings.ask(), "--resume " + runId
                + ": what was asked then is not known; begin a new run").throwIfAny();
        PlannedRun.requireSame(resumed.manifest(), plan);
        try {
            return new Resumption(ResumeState.repair(resumed.folder()), settings.request().retries(), resumed.retriesFailed());
        } catch (IOException | RuntimeException e) {
            throw new UserError("--resume " + runId + ": its CSV files cannot be read (" + e.getMessage()
                    + "); see " + console.command("Compare.java", "--check", resumed.folder().toString()));
        }
    }

    private int execute(RunSettings settings, ModelCatalog catalog, Plan plan, Beginning beginning,
            Resumption resumption, Resumed resumed)
            throws Exception {
        var warmUp = new FutureTask<>(() -> {
            LoopbackLoad.warmUp(settings.load().concurrency());
            return null;
        });
        if (settings.warmsUp(plan)) {
            Thread.ofPlatform().daemon().name("warm-up").start(warmUp); // while the user types
        }
        var shows = !settings.echo().quiet();
        try (var keyboard = settings.ask() ? Keyboard.of(console) : null) {
            if (settings.ask() && shows && console.errIsTerminal()) {
                console.err().println("An empty line or Ctrl-D ends it.");
            }
            var question = settings.ask() ? question(keyboard) : null;
            if (settings.ask() && question == null) {
                return 0;
            }
            if (settings.warmsUp(plan)) {
                status(shows && !settings.ask(), "warming up");
                warmUp.get();
            }
            status(shows && settings.calibrates(plan), "measuring the client's own error");
            var overhead = settings.calibrates(plan) ? LoopbackLoad.calibrate(settings.load().concurrency()) : null;
            if (beginning.start() != null) {
                status(shows, "waiting until " + beginning.start());
                var late = StartTime.await(beginning.start());
                if (late.isPositive()) {
                    console.say(Warning.LATE.about(Math.ceilDiv(late.toMillis(), 1000)));
                }
            }
            if (shows) {
                console.clearStatus();
            }
            try (var runner = resumed == null
                    ? Runner.start(settings, plan, spec.commandLine().getParseResult().originalArgs(), overhead,
                            beginning.shard(), console, null)
                    : Runner.resume(settings, plan, resumed.manifest(), resumption, overhead, resumed.lock(), console)) {
                if (settings.ask()) {
                    converse(settings, catalog, question, keyboard, runner);
                } else {
                    runner.execute(plan);
                }
                return runner.finish();
            }
        }
    }

    /** Asks until the user has no more questions. */
    private void converse(RunSettings settings, ModelCatalog catalog, String first, Keyboard keyboard, Runner runner)
            throws Exception {
        var conversation = new Conversation();
        var question = first;
        for (int asked = 1; question != null; asked++) {
            var prompts = new LinkedHashMap<Model, Prompt>();
            for (var model : catalog.models()) {
                var prompt = chat ? conversation.ask(model, "ask-" + asked, question)
                        : Prompt.ofText("ask-" + asked, question, "--ask");
                prompts.put(model, settings.request().system() == null ? prompt : prompt.withSystem(settings.request().system()));
            }
            runner.note(Prompt.ofText("ask-" + asked, question, "--ask"));
            runner.execute(Plan.ofEach(prompts, settings.load().order().withSeed(settings.load().order().seed() + asked)),
                    chat ? (job, text) -> conversation.answer(job.model().label(), text) : AnswerReceiver.NONE);
            question = runner.isStopped() ? null : question(keyboard);
        }
    }

    private void status(boolean shows, String text) {
        if (shows) {
            console.showStatus(text);
        }
    }

    /** Returns what the user asks; null at the end. */
    private static String question(Keyboard keyboard) throws IOException {
        var question = keyboard.line("Ask a question: ");
        return question == null || question.isBlank() ? null : question.strip();
    }
}
