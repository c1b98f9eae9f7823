///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Stream prompts through models and write the timing of every event to CSV
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-sse:5.5.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS org.apache.commons:commons-statistics-descriptive:1.2
//DEPS me.tongfei:progressbar:0.10.2
//SOURCES Prompts.java
//SOURCES Models.java
//SOURCES Probe.java
//SOURCES Results.java
//SOURCES Simulator.java
//SOURCES Calibrate.java
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
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The command line: what to ask, whom, how often, and where the results go. */
@Command(name = "stream", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        versionProvider = Stream.Version.class,
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

    private final Terminal terminal;
    private RunRecord resumed; // null if the run begins

    Stream(Terminal terminal) {
        this.terminal = terminal;
    }

    public static void main(String... args) {
        System.exit(run(Terminal.ofProcess(), args));
    }

    /** Runs the command; returns its exit code: 0 all completed, 1 some failed, 2 wrong usage, 130 interrupted. */
    static int run(Terminal terminal, String... args) {
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
            again.resumed = RunRecord.read(folder);
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
                SelfLoad.warmUp();
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
            var overhead = calibrates(plan) ? SelfLoad.calibrate(concurrency, CALIBRATION_ITL_MILLIS) : null;
            try (var run = resumed != null ? Run.resume(this, plan, resumed, remains, overhead, terminal)
                    : Run.start(this, plan, seedUsed, overhead, terminal)) {
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
    private Remains remains(Plan plan) throws WrongUsage {
        if (resumed == null) {
            return Remains.none();
        }
        if (ask) {
            throw new WrongUsage("--resume " + resumed.runId() + ": what was asked then is not known; begin a new run");
        }
        WrongUsage.throwIfAny(resumed.differences(plan.prompts(), plan.models()));
        try {
            return Remains.repair(resumed.folder(), retries, retryFailed);
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

    /** What {@code --version} prints. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"stream " + Prompts.VERSION + " (OkHttp " + okhttp3.OkHttp.VERSION + ", Java "
                    + Runtime.version() + ")"};
        }
    }
}

/** Wrong usage; each problem is one whole line for the user. */
final class WrongUsage extends Exception {

    private final List<String> problems;

    WrongUsage(String problem) {
        this(List.of(problem));
    }

    private WrongUsage(List<String> problems) {
        super(String.join("\n", problems), null, false, false);
        this.problems = List.copyOf(problems);
    }

    static void throwIfAny(List<String> problems) throws WrongUsage {
        if (!problems.isEmpty()) {
            throw new WrongUsage(problems);
        }
    }

    List<String> problems() {
        return problems;
    }
}

/** Where a run talks to its user: tokens go to out, all else to err. */
record Terminal(InputStream in, PrintStream out, PrintStream err, boolean outIsTerminal, boolean errIsTerminal,
                Map<String, String> environment) {

    static Terminal ofProcess() {
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        var err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        return new Terminal(System.in, out, err, isTerminal(1), isTerminal(2), System.getenv());
    }

    /** Linux shows what a descriptor is; elsewhere Java only knows of both at once. */
    private static boolean isTerminal(int descriptor) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString()
                    .matches("/dev/(pts/\\d+|tty\\w*|console)");
        } catch (IOException | UnsupportedOperationException e) {
            return System.console() != null && System.console().isTerminal();
        }
    }

    boolean coloured() {
        return outIsTerminal && environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !"dumb".equals(environment.get("TERM"));
    }

    void say(String line) {
        err.println("stream: " + line.replaceAll("\\p{Cntrl}+", " "));
    }

    PrintWriter outWriter() {
        return new PrintWriter(out, true);
    }
}

/** One run: its folder, its requests in flight, its end. Failures of one request never end the others. */
final class Run implements AutoCloseable {

    private static final DateTimeFormatter RUN_ID_TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private final Stream options;
    private final Overhead overhead;
    private final Terminal terminal;
    private final String runId;
    private final Path folder;
    private final RunRecord record;
    private final Remains remains;
    private final RunLock lock; // null if it is held outside
    private final StreamClient client;
    private final Echo echo;
    private final Journal journal;
    private final ClosedLoop loop;
    private final Strain strain;
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

    private Run(Stream options, Plan plan, RunRecord record, Remains remains, RunLock lock, Overhead overhead,
                Terminal terminal) throws IOException {
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
        this.strain = new Strain(System.nanoTime(), System.currentTimeMillis());
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
    static Run start(Stream options, Plan plan, long seed, Overhead overhead, Terminal terminal) throws WrongUsage {
        var runId = RUN_ID_TIME.format(Instant.now())
                + "-%04x".formatted(ThreadLocalRandom.current().nextInt(0x10000));
        var folder = options.results.resolve(runId);
        try {
            Files.createDirectories(folder);
            var record = RunRecord.begin(folder, runId, options.simulate, seed, options.arguments(), options.json(),
                    plan.models(), plan.prompts());
            record.set("client_overhead", JsonNodeFactory.instance.nullNode());
            record.set("planned_requests", IntNode.valueOf(plan.size()));
            record.set("self_warmup", BooleanNode.valueOf(options.warmsItself(plan)));
            return new Run(options, plan, record, Remains.none(), RunLock.take(folder), overhead, terminal);
        } catch (IOException e) {
            discard(folder);
            throw new WrongUsage("--results " + options.results + ": can't be written (" + e.getMessage()
                    + "); name another folder");
        }
    }

    /** Goes on with what is left of a run, whose lock somebody else holds. */
    static Run resume(Stream options, Plan plan, RunRecord record, Remains remains, Overhead overhead, Terminal terminal)
            throws IOException {
        record.resume();
        if (!options.quiet) {
            terminal.say("--resume " + record.runId() + ": " + plan.size() + " requests are left"
                    + (remains.failed() > 0 && !options.retryFailed ? "; " + remains.failed()
                            + " failed, add --retry-failed to send them again" : ""));
        }
        return new Run(options, plan, record, remains, null, overhead, terminal);
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

    private void sayRetry(Job job, Ending ending, long waitMillis) {
        if (options.verbose) {
            terminal.say(job.model().label() + ", " + job.prompt().id() + ": " + ending.outcome().words(job.model())
                    + "; again in " + waitMillis + " ms");
        }
    }

    /** One thread watches the time of all exchanges; a timer for each read would cost each read. */
    private void watch() {
        var timeoutNanos = (long) (options.timeoutSeconds * 1e9);
        var stallNanos = (long) (options.stallTimeoutSeconds * 1e9);
        while (!stoppedWithin(Strain.WATCH_MILLIS)) {
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
        return Figures.millis(p50Micros) + " ms" + (p99Micros == null ? "" : " (p99 " + Figures.millis(p99Micros) + ")");
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

/**
 * Shows the answers as they come, on a thread of its own, so that a slow terminal, a pipe or a typing delay holds up
 * nobody else. On a terminal it also keeps the progress bar below the text.
 */
final class Echo implements Journal.Audience, AutoCloseable {

    private static final String[] COLOURS = {"36", "33", "35", "32", "34", "31"};

    private final String mode;
    private final int delayMillis;
    private final Terminal terminal;
    private final Runnable onClosed;
    private final boolean headings;
    private final boolean prompts;
    private final ExecutorService printer = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("echo").factory());
    private final Map<Job, Line> lines = new HashMap<>();
    private final ProgressBar progress;
    private String status = "";
    private Job current;
    private boolean currentReasons;
    private volatile boolean dropped;

    /** The beginning of a line that has not ended yet. */
    private record Line(StringBuilder text, boolean reasoning) { }

    private Echo(Stream options, boolean headings, boolean prompts, int requests, Terminal terminal, Runnable onClosed) {
        this.onClosed = onClosed;
        this.mode = options.echo();
        this.delayMillis = options.typingDelayMillis;
        this.terminal = terminal;
        this.headings = headings;
        this.prompts = prompts;
        var tokensOnScreen = mode.equals("tokens") && terminal.outIsTerminal();
        this.progress = requests < 2 || options.quiet || !terminal.errIsTerminal() || tokensOnScreen ? null
                : new ProgressBarBuilder().setTaskName("requests").setInitialMax(requests)
                        .setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(200)
                        .setConsumer(new DelegatingProgressBarConsumer(this::showStatus, 79)).build();
    }

    /** {@code onClosed} is called when nobody reads the output any more. */
    static Echo of(Stream options, List<Model> models, int requests, Terminal terminal, Runnable onClosed) {
        var onScreen = terminal.outIsTerminal() && terminal.errIsTerminal() && !options.quiet;
        return new Echo(options, onScreen && (requests > 1 || models.size() > 1), requests > models.size(), requests,
                terminal, onClosed);
    }

    @Override
    public void content(Job job, String text) {
        if (!mode.equals("none")) {
            show(job, text, false);
        }
    }

    /** On a terminal that can dim a text reasoning is shown too; only the answer belongs to standard output. */
    @Override
    public void reasoning(Job job, String text) {
        if (!mode.equals("none") && terminal.coloured()) {
            show(job, text, true);
        }
    }

    private void show(Job job, String text, boolean reasoning) {
        print(mode.equals("tokens") ? () -> showToken(job, text, reasoning) : () -> showLines(job, text, reasoning));
    }

    @Override
    public void end(Job job, boolean last) {
        if (progress != null && last) {
            progress.step();
        }
        if (mode.equals("lines")) {
            print(() -> {
                endLine(job);
            });
        }
    }

    /** Waits until all is shown; a terminal gets a line end, so that the next question stands on its own line. */
    void settle() throws InterruptedException {
        var shown = new CountDownLatch(1);
        print(() -> {
            if (current != null && terminal.outIsTerminal()) {
                terminal.out().println();
                current = null;
            }
            terminal.out().flush();
            shown.countDown();
        });
        if (!dropped) {
            shown.await();
        }
    }

    /** Gives up what is not shown yet. */
    void drop() {
        dropped = true;
        printer.shutdownNow();
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
        }
        printer.close();
        terminal.out().flush();
    }

    /** On a terminal a line for the user starts a line of its own, also in the middle of an answer. */
    @Override
    public void say(String line) {
        if (!terminal.outIsTerminal() || !terminal.errIsTerminal()) {
            terminal.say(line);
            return;
        }
        try {
            printer.execute(() -> {
                if (current != null) {
                    terminal.out().println();
                    terminal.out().flush();
                    current = null;
                }
                terminal.err().print(status.isEmpty() ? "" : "\r\033[K");
                terminal.say(line);
            });
        } catch (RejectedExecutionException e) {
            terminal.say(line); // the echo was dropped; what went wrong is not
        }
    }

    private void print(Runnable action) {
        try {
            printer.execute(action);
        } catch (RejectedExecutionException e) {
            // dropped: the user has left
        }
    }

    private void showToken(Job job, String text, boolean reasoning) {
        if (job != current) {
            if (current != null) {
                terminal.out().print("\n\n");
            }
            terminal.out().flush();
            if (headings) {
                terminal.err().println(coloured(job, job.model().label()) + (prompts ? "  " + job.prompt().id() : ""));
            }
            current = job;
        } else if (currentReasons && !reasoning) {
            terminal.out().print("\n\n");
        }
        currentReasons = reasoning;
        terminal.out().print(styled(text, reasoning));
        flush();
        pause();
    }

    private void showLines(Job job, String text, boolean reasoning) {
        if (lines.containsKey(job) && lines.get(job).reasoning() != reasoning) {
            endLine(job);
        }
        var line = lines.computeIfAbsent(job, key -> new Line(new StringBuilder(), reasoning)).text().append(text);
        for (int end; (end = line.indexOf("\n")) >= 0; line.delete(0, end + 1)) {
            showLine(job, line.substring(0, end), reasoning);
        }
        pause();
    }

    private void endLine(Job job) {
        var rest = lines.remove(job);
        if (rest != null && !rest.text().isEmpty()) {
            showLine(job, rest.text().toString(), rest.reasoning());
        }
    }

    private String styled(String text, boolean reasoning) {
        return reasoning ? "\033[2m" + harmless(text) + "\033[0m" : harmless(text);
    }

    private void showLine(Job job, String line, boolean reasoning) {
        if (!status.isEmpty()) {
            terminal.err().print("\r\033[K");
        }
        var prompt = prompts ? " " + job.prompt().id() : "";
        terminal.out().println(coloured(job, job.model().label()) + prompt + " | " + styled(line, reasoning));
        flush();
        if (!status.isEmpty()) {
            terminal.err().print(status);
        }
    }

    private void flush() {
        if (terminal.out().checkError() && !dropped) { // it flushes first
            drop();
            onClosed.run();
        }
    }

    /** A model may say what a terminal would obey; a file gets it as it is. */
    private String harmless(String text) {
        return terminal.outIsTerminal() ? text.replaceAll("[\\p{Cntrl}&&[^\\n\\t]]", "\uFFFD") : text;
    }

    private void showStatus(String bar) {
        print(() -> {
            terminal.err().print("\r\033[K" + bar);
            status = bar;
        });
    }

    private String coloured(Job job, String text) {
        return !terminal.coloured() ? text
                : "\033[" + COLOURS[job.modelIndex() % COLOURS.length] + "m" + text + "\033[0m";
    }

    private void pause() {
        try {
            if (delayMillis > 0 && !dropped) {
                Thread.sleep(delayMillis);
            }
        } catch (InterruptedException e) {
            dropped = true;
        }
    }
}
