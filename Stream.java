///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Stream prompts through models and write the timing of every event to CSV
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES src/stream/Console.java
//SOURCES src/stream/Prompts.java
//SOURCES src/stream/Models.java
//SOURCES src/stream/Client.java
//SOURCES src/stream/Plan.java
//SOURCES src/stream/RunFiles.java
//SOURCES src/stream/Runner.java
//SOURCES src/stream/SimulatedServer.java
//SOURCES src/stream/Calibration.java
//COMPILE_OPTIONS -XDignore.symbol.file
//RUNTIME_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmn40m -XX:SurvivorRatio=3 -XX:MaxTenuringThreshold=1 -Xlog:disable -Xlog:all=error:stderr
//CDS

// Stream: reads prompts, streams each through each model, echoes the tokens live, and writes the timing of every
// server-sent event to CSV.
//
// To run just:
//   jbang Stream.java --simulate                            the sample prompts, three simulated models, no key
//   jbang Stream.java -p "Why is the sky blue?" -m gpt-4    OPENAI_API_KEY holds the key
//   jbang Stream.java --base-url http://localhost:8000/v1 -m llama -n 10 -c 4 prompts/
//
// Read it from the outside in, the way the data flows: command line, plan, run, run.json, echo. Prompts come from
// Prompts.java, models from Models.java; one exchange with a server, and its clock, is in Probe.java; the CSV files and
// the table at the end are in Results.java.
//
// The runtime options were each measured (README.md, Accuracy): the second compiler takes a core in the very seconds
// that are measured; the serial collector takes the least memory and pauses the least at a thousand streams, with survivor
// spaces that hold what these keep while they wait. The compile option keeps javac from warning of sun.misc.Signal.
//
// It does not measure quality, nor tell the network's part of a delay from the server's; an event is not always a
// token. README.md says what each number means, results/README.md what each column holds.

package stream;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The command line: what to ask, whom, how often, and where the results go. */
@Command(name = "stream", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        versionProvider = Version.class,
        description = "Streams prompts through models and writes the timing of every event to CSV.")
public class Stream implements Callable<Integer> {

    @Parameters(paramLabel = "FILE|FOLDER|GLOB|-", arity = "0..*",
            description = "Prompt files, folders of them, globs; - is standard input"
                    + " (default: prompts/ if there is one, else ask).")
    List<String> sources = new ArrayList<>();

    @Option(names = {"-p", "--prompt"}, paramLabel = "TEXT", description = "A prompt; repeatable.")
    List<String> prompts = new ArrayList<>();

    @Option(names = "--ask", description = "Ask on the terminal, again after each answer; end with an empty line"
            + " or Ctrl-D.")
    boolean ask;

    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(names = "--simulate", description = "Start the built-in simulator and stream from it; no key, no cost.")
    boolean simulate;

    @Option(names = "--system", paramLabel = "TEXT|@FILE", description = "System message where the prompt brings none.")
    String system;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "200",
            description = "Longest answer where neither prompt nor model says (default: ${DEFAULT-VALUE}).")
    int maxTokens;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
            description = "0 to 2, where neither prompt nor model says (default: ${DEFAULT-VALUE}).")
    double temperature;

    @Option(names = "--seed-param", paramLabel = "N", description = "Seed to send to the model (default: none).")
    Long seedParam;

    @Option(names = {"-n", "--repeat"}, paramLabel = "N", defaultValue = "1",
            description = "Measured repetitions of each prompt x model (default: ${DEFAULT-VALUE}).")
    int repeat;

    @Option(names = "--warmup", paramLabel = "N", defaultValue = "0",
            description = "Unmeasured requests per model first (default: ${DEFAULT-VALUE}).")
    int warmup;

    @Option(names = {"-c", "--concurrency"}, paramLabel = "N", defaultValue = "1",
            description = "Requests in flight (default: ${DEFAULT-VALUE}).")
    int concurrency;

    @Option(names = "--order", paramLabel = "interleaved|by-model", defaultValue = "interleaved",
            description = "interleaved shuffles the models inside each prompt x repetition (default: ${DEFAULT-VALUE}).")
    String order;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of that shuffle and of the simulator"
            + " (default: random, and recorded).")
    Long seed;

    @Option(names = "--timeout", paramLabel = "S", defaultValue = "300",
            description = "Seconds for a whole request (default: ${DEFAULT-VALUE}).")
    double timeoutSeconds;

    @Option(names = "--stall-timeout", paramLabel = "S", defaultValue = "60",
            description = "Longest silence between two events, in seconds (default: ${DEFAULT-VALUE}).")
    double stallTimeoutSeconds;

    @Option(names = "--retries", paramLabel = "N", defaultValue = "2",
            description = "On 429, 408, 409, 5xx and connection failures before the first event"
                    + " (default: ${DEFAULT-VALUE}).")
    int retries;

    @Option(names = {"-o", "--results"}, paramLabel = "DIR", defaultValue = "results",
            description = "Where runs land, as DIR/RUN_ID/ (default: ${DEFAULT-VALUE}).")
    Path results;

    @Option(names = "--resume", paramLabel = "RUN_ID", description = "Finish a run that was cut off: what is complete is"
            + " kept, the rest is run.")
    String resume;

    @Option(names = "--retry-failed", description = "With --resume: send the requests that failed again, too.")
    boolean retryFailed;

    @Option(names = "--csv-safe", description = "Put a quote before texts that a spreadsheet would take for formulas.")
    boolean csvSafe;

    @Option(names = "--max-event-mb", paramLabel = "N", defaultValue = "16",
            description = "Largest event in megabytes; a larger one is a failure (default: ${DEFAULT-VALUE}).")
    int maxEventMegabytes;

    @Option(names = "--max-answer-mb", paramLabel = "N", defaultValue = "64",
            description = "Memory that one answer may take; one that takes more is a failure (default: ${DEFAULT-VALUE}).")
    int maxAnswerMegabytes;

    @Option(names = "--echo", paramLabel = "tokens|lines|none",
            description = "Echo on standard output (default: tokens when one request at a time, lines when several).")
    String echo;

    @Option(names = "--typing-delay", paramLabel = "MS", defaultValue = "0",
            description = "Paces the echo alone, never the measurement (default: ${DEFAULT-VALUE}).")
    int typingDelayMillis;

    @Option(names = "--unique-prefix", description = "Begin each prompt with a short unique line, so that no server's"
            + " prompt cache can match.")
    boolean uniquePrefix;

    @Option(names = "--no-self-warmup", description = "Do not let batches warm up the JVM by streaming simulated events"
            + " to itself first.")
    boolean noSelfWarmup;

    @Option(names = "--calibrate", description = "Measure the tool's own error first; batches of 20 and more always do.")
    boolean calibrate;

    @Option(names = "--dry-run", description = "Print the plan and the most it can cost, send nothing.")
    boolean dryRun;

    @Option(names = {"-q", "--quiet"}, description = "No progress, no summary.")
    boolean quiet;

    @Option(names = {"-v", "--verbose"}, description = "Say more: retries, warnings in full, stack traces.")
    boolean verbose;

    private static final long MOST_REQUESTS = 5_000_000;
    private static final int CALIBRATED_BATCH = 20;
    private static final double CALIBRATION_ITL_MILLIS = 20; // 50 tokens a second, a usual pace

    /** What may be said anew of a run that goes on. */
    private static final Set<String> WITH_RESUME =
            Set.of("--resume", "--retry-failed", "--results", "--echo", "--typing-delay", "--quiet", "--verbose");

    @Spec
    CommandSpec spec;

    private final Console terminal;
    private RunManifest resumed; // null if the run begins

    Stream(Console terminal) {
        this.terminal = terminal;
    }

    public static void main(String... args) {
        System.exit(run(Console.ofProcess(), args));
    }

    /** Runs the command; returns its exit code: 0 all completed, 1 some failed, 2 wrong usage, 130 interrupted. */
    static int run(Console terminal, String... args) {
        var stream = new Stream(terminal);
        return new CommandLine(stream)
                .setOut(terminal.outWriter())
                .setExpandAtFiles(false) // --system @FILE is ours
                .setParameterExceptionHandler((problem, words) -> {
                    terminal.say(problem.getMessage().lines().findFirst().orElse("wrong usage") + "; see --help");
                    return 2;
                })
                .setExecutionExceptionHandler((problem, command, words) -> stream.report(problem))
                .execute(args);
    }

    /** The one mapping from exceptions to words and exit codes. */
    private int report(Exception problem) {
        if (verbose) {
            problem.printStackTrace(terminal.err());
        }
        switch (problem) {
            case WrongUsage usage -> usage.problems().forEach(terminal::say);
            case BadModel bad -> bad.problems().forEach(terminal::say);
            case InterruptedException interrupted -> {
                return 130;
            }
            default -> {
                terminal.say("unexpected: " + problem + (verbose ? "" : "; -v shows where"));
                return 1;
            }
        }
        return 2;
    }

    @Override
    public Integer call() throws Exception {
        return resume != null ? goOn() : stream();
    }

    /** Takes up a run where it was cut off, with the command line that began it. */
    private int goOn() throws Exception {
        var given = spec.commandLine().getParseResult();
        if (!given.matchedPositionals().isEmpty()
                || given.matchedOptions().stream().anyMatch(option -> !WITH_RESUME.contains(option.longestName()))) {
            throw new WrongUsage("--resume " + resume + " takes its plan from the run; give nothing beside it but "
                    + String.join(", ", WITH_RESUME.stream().sorted().toList()));
        }
        var folder = Files.exists(Path.of(resume, "run.json")) ? Path.of(resume) : results.resolve(resume);
        var again = new Stream(terminal);
        RunLock lock;
        try {
            again.resumed = RunManifest.read(folder);
            lock = RunLock.take(folder);
        } catch (IOException e) {
            throw new WrongUsage("--resume " + resume + ": " + e.getMessage() + " (" + folder
                    + "); name a run that was cut off, and its folder with --results");
        }
        try (lock) {
            new CommandLine(again).setExpandAtFiles(false).parseArgs(again.resumed.arguments().toArray(String[]::new));
            again.results = folder.toAbsolutePath().getParent();
            again.echo = echo != null ? echo : again.echo;
            again.retryFailed = retryFailed;
            again.typingDelayMillis = typingDelayMillis > 0 ? typingDelayMillis : again.typingDelayMillis;
            again.quiet |= quiet;
            again.verbose |= verbose;
            return again.stream();
        }
    }

    private int stream() throws Exception {
        check();
        var set = readPrompts();
        var seedUsed = resumed != null ? resumed.seed() : seed != null ? seed
                : ThreadLocalRandom.current().nextLong(1_000_000_000);
        try (var simulator = simulate && !dryRun ? SimulatedServer.start(seedUsed) : null) {
            var access = simulator != null ? ModelCatalog.Access.toSimulator(simulator.baseUrl())
                    : dryRun ? ModelCatalog.Access.WITHOUT_KEYS : ModelCatalog.Access.WITH_KEYS;
            var catalog = ModelCatalog.of(modelOptions, terminal.environment(), access);
            catalog.notes().forEach(terminal::say);
            var whole = plan(set.prompts(), catalog, seedUsed);
            if (dryRun) {
                whole.print(terminal.out(), sampling());
                return 0;
            }
            var remains = remains(whole);
            var plan = whole.without(remains);
            var warmUp = new FutureTask<>(() -> {
                LoopbackLoad.warmUp();
                return null;
            });
            if (warmsItself(plan)) {
                Thread.ofPlatform().daemon().name("warm-up").start(warmUp); // while the user types
            }
            var keyboard = new BufferedReader(new InputStreamReader(terminal.in(), StandardCharsets.UTF_8));
            var question = ask ? question(keyboard) : null;
            if (ask && question == null) {
                return 0;
            }
            if (warmsItself(plan)) {
                warmUp.get();
            }
            var overhead = calibrates(plan) ? LoopbackLoad.calibrate(concurrency, CALIBRATION_ITL_MILLIS) : null;
            try (var run = resumed != null ? Runner.resume(this, plan, resumed, remains, overhead, terminal)
                    : Runner.start(this, plan, seedUsed, overhead, terminal)) {
                if (!ask) {
                    run.execute(plan);
                }
                for (int asked = 1; question != null; asked++) {
                    var prompt = Prompt.ofText("ask-" + asked, question, "--ask");
                    run.execute(plan(List.of(prompt), catalog, seedUsed + asked));
                    question = run.isStopped() ? null : question(keyboard);
                }
                return run.finish();
            }
        }
    }

    private Plan plan(List<Prompt> prompts, ModelCatalog catalog, long seedUsed) throws BadModel, WrongUsage {
        var system = systemText();
        var asked = prompts.stream()
                .map(prompt -> system == null || prompt.hasSystem() ? prompt : prompt.withSystem(system)).toList();
        var most = (long) prompts.size() * Math.max(1, catalog.models().size()) * repeat;
        if (most > MOST_REQUESTS) {
            throw new WrongUsage("--repeat " + repeat + " makes " + most + " requests; more than " + MOST_REQUESTS
                    + " are no plan, repeat less");
        }
        return Plan.of(asked, catalog, !modelOptions.named(),
                new Plan.Order(repeat, warmup, order.equals("interleaved"), seedUsed));
    }

    /** Returns what is left of the run that is to go on, once it is sure that it is the same. */
    private ResumeState remains(Plan plan) throws WrongUsage {
        if (resumed == null) {
            return ResumeState.none();
        }
        if (ask) {
            throw new WrongUsage("--resume " + resumed.runId() + ": what was asked then is not known; begin a new run");
        }
        WrongUsage.throwIfAny(resumed.differences(plan.prompts(), plan.models()));
        try {
            return ResumeState.repair(resumed.folder(), retries, retryFailed);
        } catch (IOException | RuntimeException e) {
            throw new WrongUsage("--resume " + resumed.runId() + ": its CSV files can't be read (" + e.getMessage()
                    + "); look at them with Results.java");
        }
    }

    /** A one-liner is not worth the wait; its first row is marked cold instead. */
    boolean warmsItself(Plan plan) {
        return !noSelfWarmup && (ask || plan.size() > plan.models().size());
    }

    /** Whether the tool's own error is measured first. */
    private boolean calibrates(Plan plan) {
        return calibrate || plan.size() >= CALIBRATED_BATCH;
    }

    private void check() throws WrongUsage {
        systemText();
        var problems = new ArrayList<String>();
        atLeast(problems, "--max-tokens", maxTokens, 1);
        atLeast(problems, "--repeat", repeat, 1);
        atLeast(problems, "--warmup", warmup, 0);
        atLeast(problems, "--concurrency", concurrency, 1);
        atLeast(problems, "--retries", retries, 0);
        atLeast(problems, "--typing-delay", typingDelayMillis, 0);
        atLeast(problems, "--max-event-mb", maxEventMegabytes, 1);
        atLeast(problems, "--max-answer-mb", maxAnswerMegabytes, 1);
        within(problems, "--temperature", temperature, 0, 2);
        within(problems, "--timeout", timeoutSeconds, 0.001, 1e6);
        within(problems, "--stall-timeout", stallTimeoutSeconds, 0.001, 1e6);
        oneOf(problems, "--order", order, "interleaved", "by-model");
        oneOf(problems, "--echo", echo(), "tokens", "lines", "none");
        if (simulate && modelOptions.baseUrl != null) {
            problems.add("--simulate and --base-url name two servers; leave one out");
        }
        if (ask && dryRun) {
            problems.add("--ask and --dry-run: what will be asked is not known; give prompts instead");
        }
        if (retryFailed && resumed == null) {
            problems.add("--retry-failed goes with --resume RUN_ID; name the run whose failed requests are to be sent again");
        }
        if (ask && !(sources.isEmpty() && prompts.isEmpty())) {
            problems.add("--ask takes its prompts from the terminal; leave out the others");
        }
        WrongUsage.throwIfAny(problems);
    }

    private static void atLeast(List<String> problems, String option, int value, int least) {
        if (value < least) {
            problems.add(option + " " + value + "; it takes a whole number from " + least);
        }
    }

    private static void within(List<String> problems, String option, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            problems.add(option + " " + value + "; it takes a number from " + least + " to " + most);
        }
    }

    private static void oneOf(List<String> problems, String option, String value, String... words) {
        if (!List.of(words).contains(value)) {
            problems.add(option + " '" + value + "'; it takes one of " + String.join(", ", words));
        }
    }

    private PromptSet readPrompts() throws WrongUsage {
        for (int i = 0; i < prompts.size(); i++) {
            if (prompts.get(i).isBlank()) {
                throw new WrongUsage("--prompt '" + prompts.get(i) + "' is empty; write the question there");
            }
            if (prompts.get(i).contains("\uFFFD")) {
                throw new WrongUsage("--prompt " + (i + 1) + ": not UTF-8 text; set LC_ALL=C.UTF-8");
            }
        }
        if (sources.isEmpty() && prompts.isEmpty() && !ask) {
            if (Files.isDirectory(Path.of("prompts"))) {
                sources.add("prompts");
            } else {
                ask = true;
            }
        }
        var more = new ArrayList<Prompt>();
        for (int i = 0; i < prompts.size(); i++) {
            more.add(Prompt.ofText("prompt-" + (i + 1), prompts.get(i), "--prompt " + (i + 1)));
        }
        var set = PromptSet.read(sources, terminal.in(), more);
        set.notes().forEach(terminal::say);
        WrongUsage.throwIfAny(set.problems());
        return set;
    }

    /** Returns what the user asks, null at the end. */
    private String question(BufferedReader keyboard) throws IOException {
        terminal.err().print("Ask a question: ");
        terminal.err().flush();
        var question = keyboard.readLine();
        return question == null || question.isBlank() ? null : question.strip();
    }

    /** Returns the system message of the run, null for none. */
    String systemText() throws WrongUsage {
        if (system == null || !system.startsWith("@")) {
            return system;
        }
        try {
            return Files.readString(Path.of(system.substring(1))).strip();
        } catch (IOException e) {
            throw new WrongUsage("--system " + system + ": the file can't be read as UTF-8 text");
        }
    }

    Sampling sampling() {
        return new Sampling(maxTokens, temperature, seedParam);
    }

    Limits limits() {
        return new Limits((long) maxEventMegabytes << 20, (long) maxAnswerMegabytes << 20);
    }

    /** The command line as it was given. */
    List<String> arguments() {
        return spec.commandLine().getParseResult().originalArgs();
    }

    /** What the command line comes to, for run.json. */
    ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("system", system).put("max_tokens", maxTokens)
                .put("temperature", temperature).put("seed_param", seedParam).put("repeat", repeat).put("warmup", warmup)
                .put("concurrency", concurrency).put("order", order).put("timeout_s", timeoutSeconds)
                .put("stall_timeout_s", stallTimeoutSeconds).put("retries", retries).put("echo", echo())
                .put("typing_delay_ms", typingDelayMillis).put("unique_prefix", uniquePrefix).put("ask", ask)
                .put("csv_safe", csvSafe).put("max_event_mb", maxEventMegabytes).put("max_answer_mb", maxAnswerMegabytes);
    }

    String echo() {
        return echo != null ? echo : concurrency == 1 ? "tokens" : "lines";
    }
}
