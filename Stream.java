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
// that are measured; a young generation this small is collected often and briefly, and what lives on is not copied twice.
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
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
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
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
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

    private static final int CALIBRATED_BATCH = 20;
    private static final double CALIBRATION_ITL_MILLIS = 20; // 50 tokens a second, a usual pace

    private final Terminal terminal;

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
        check();
        var set = readPrompts();
        var seedUsed = seed != null ? seed : ThreadLocalRandom.current().nextLong(1_000_000_000);
        try (var simulator = simulate && !dryRun ? SimulatedServer.start(seedUsed) : null) {
            var access = simulator != null ? ModelCatalog.Access.toSimulator(simulator.baseUrl())
                    : dryRun ? ModelCatalog.Access.WITHOUT_KEYS : ModelCatalog.Access.WITH_KEYS;
            var catalog = ModelCatalog.of(modelOptions, terminal.environment(), access);
            var plan = Plan.of(set.prompts(), catalog, this, seedUsed);
            if (dryRun) {
                plan.print(terminal.out(), sampling());
                return 0;
            }
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
            try (var run = Run.start(this, plan, seedUsed, overhead, terminal)) {
                if (!ask) {
                    run.execute(plan);
                }
                for (int asked = 1; question != null; asked++) {
                    var prompt = Prompt.ofText("ask-" + asked, question, "--ask");
                    run.execute(Plan.of(List.of(prompt), catalog, this, seedUsed + asked));
                    question = question(keyboard);
                }
                return run.finish();
            }
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

/** All requests of a run, in the order in which they are sent. */
record Plan(List<Prompt> prompts, List<Model> models, List<Job> warmups, List<Job> jobs) {

    private static final long MOST_REQUESTS = 5_000_000;

    /** A prompt and the models that are to answer it. */
    private record Question(Prompt prompt, List<Model> models) { }

    /** Throws BadModel if a prompt names a model that can't be called. */
    static Plan of(List<Prompt> prompts, ModelCatalog catalog, Stream options, long seed)
            throws BadModel, WrongUsage {
        var system = options.systemText();
        var models = new ArrayList<Model>();
        var questions = new ArrayList<Question>();
        for (var prompt : prompts) {
            var asked = system == null || prompt.hasSystem() ? prompt : prompt.withSystem(system);
            var ownModel = prompt.model() != null && !options.modelOptions.named();
            questions.add(new Question(asked, ownModel ? List.of(catalog.named(prompt.model())) : catalog.models()));
            questions.getLast().models().stream().filter(model -> !models.contains(model)).forEach(models::add);
        }
        if (prompts.isEmpty()) {
            models.addAll(catalog.models());
        }
        var size = questions.stream().mapToLong(question -> question.models().size()).sum() * options.repeat;
        if (size > MOST_REQUESTS) {
            throw new WrongUsage("--repeat " + options.repeat + " makes " + size + " requests; more than " + MOST_REQUESTS
                    + " are no plan, repeat less");
        }
        var repetitions = new ArrayList<List<Job>>();
        for (int repetition = 1; repetition <= options.repeat; repetition++) {
            for (var question : questions) {
                var block = new ArrayList<Job>();
                for (var model : question.models()) {
                    block.add(job(Phase.MEASURED, question.prompt(), model, repetition, models.indexOf(model)));
                }
                repetitions.add(block);
            }
        }
        return new Plan(prompts, List.copyOf(models), warmups(questions, models, options.warmup),
                ordered(repetitions, options.order.equals("interleaved"), seed));
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

/** What a user should know about a run, each with its cause and the next step. */
enum Warning {
    COMPRESSED("%s sends compressed streams; their timing is the compressor's. Ask for it to be turned off."),
    NO_USAGE("%s refuses stream_options; output tokens are counted from events. A newer server can do it."),
    OVERHEAD("the tool's own error is more than a tenth of what was measured with %s. Use a larger machine, or less."),
    STRAIN("this process was held up while it measured; the column tainted of %s says where. Leave the machine alone."),
    MODEL_IN_PROMPT("%s; the prompts' own models are ignored since --model names others. Leave --model out to use them.");

    private final String pattern;

    Warning(String pattern) {
        this.pattern = pattern;
    }

    String about(String what) {
        return "warning: " + pattern.formatted(what);
    }
}

/** One run: its folder, its requests in flight, its end. Failures of one request never end the others. */
final class Run implements AutoCloseable {

    private static final DateTimeFormatter RUN_ID_TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final double BACKOFF_MILLIS = 500;
    private static final double LONGEST_BACKOFF_MILLIS = 30_000;

    private final Stream options;
    private final Overhead overhead;
    private final Terminal terminal;
    private final String runId;
    private final Path folder;
    private final RunRecord record;
    private final StreamClient client;
    private final Echo echo;
    private final Journal journal;
    private final ClosedLoop loop;
    private final Strain strain;
    private final Set<Exchange> inFlight = ConcurrentHashMap.newKeySet();
    private final Set<String> withoutUsage = ConcurrentHashMap.newKeySet();
    private final Set<String> unreachable = ConcurrentHashMap.newKeySet();
    private final boolean startedCold;
    private final AtomicBoolean cold; // until the first row has said so
    private final AtomicInteger prefixes = new AtomicInteger();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Thread interruption = new Thread(this::interrupt, "interruption");
    private Integer exitCode;

    private Run(Stream options, Plan plan, long seed, Overhead overhead, Terminal terminal, String runId, Path folder)
            throws IOException {
        this.options = options;
        this.overhead = overhead;
        this.terminal = terminal;
        this.runId = runId;
        this.folder = folder;
        this.client = new StreamClient(options.concurrency, plan.models(), terminal.environment());
        this.echo = Echo.of(options, plan.models(), options.ask ? 1 : plan.jobs().size(), terminal);
        this.journal = Journal.open(folder, runId, plan.models().stream().map(Model::label).toList(), echo);
        this.record = new RunRecord(folder, runId, options, plan, seed, overhead);
        this.loop = new ClosedLoop(options.concurrency);
        this.strain = new Strain();
        this.startedCold = !options.warmsItself(plan);
        this.cold = new AtomicBoolean(startedCold);
    }

    /** Makes the folder and opens the files; throws WrongUsage, and leaves nothing, if it can't. */
    static Run start(Stream options, Plan plan, long seed, Overhead overhead, Terminal terminal) throws WrongUsage {
        var runId = RUN_ID_TIME.format(Instant.now())
                + "-%04x".formatted(ThreadLocalRandom.current().nextInt(0x10000));
        var folder = options.results.resolve(runId);
        try {
            Files.createDirectories(folder);
            var run = new Run(options, plan, seed, overhead, terminal, runId, folder);
            run.record.write(null);
            Runtime.getRuntime().addShutdownHook(run.interruption);
            Thread.ofVirtual().name("watch").start(run::watch);
            return run;
        } catch (IOException e) {
            discard(folder);
            throw new WrongUsage("--results " + options.results + ": can't be written (" + e.getMessage()
                    + "); name another folder");
        }
    }

    /** Nothing is left half written. */
    private static void discard(Path folder) {
        for (var file : List.of("events.csv", "requests.csv", "run.json.part", "")) {
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

    private boolean isStopped() {
        return stopped.getCount() == 0;
    }

    private boolean mayNotGoOn() {
        return isStopped() || journal.failed();
    }

    /** Sends one request, again if it may; each attempt is recorded, and waiting is inside none of them. */
    private void send(Job job, long readyNanos, Runnable onSent) {
        var server = job.model().server();
        var retries = 0;
        for (int number = 1; ; number++) {
            var askUsage = !withoutUsage.contains(server);
            var prompt = options.uniquePrefix
                    ? job.prompt().beginningWith("[" + runId + " " + prefixes.incrementAndGet() + "]")
                    : job.prompt();
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
            var refusedUsage = askUsage && refusesStreamOptions(ending.outcome());
            var waitMillis = refusedUsage ? Long.valueOf(0) : waitMillis(ending, server, retries);
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
                sayRetry(job, ending, waitMillis);
            }
            if (!again || stoppedWithin(waitMillis)) {
                return;
            }
            readyNanos = System.nanoTime();
        }
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

    /** Returns how long to wait before the next attempt, in milliseconds; null if there is to be none. */
    private Long waitMillis(Ending ending, String server, int retries) {
        if (!(ending.outcome() instanceof Outcome.Failed failed) || !failed.mayPass()) {
            unreachable.remove(server);
            return null;
        }
        var noAnswer = failed.httpStatus() == null;
        if (retries == options.retries || noAnswer && unreachable.contains(server)) {
            if (noAnswer) {
                unreachable.add(server); // the next requests to it do not wait for it again
            }
            return null;
        }
        if (ending.retryAfterMillis() != null) {
            return ending.retryAfterMillis() <= options.timeoutSeconds * 1000 ? ending.retryAfterMillis() : null;
        }
        var most = Math.min(LONGEST_BACKOFF_MILLIS, BACKOFF_MILLIS * Math.pow(2, retries));
        return Math.round(ThreadLocalRandom.current().nextDouble() * most);
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
            strain.tick(now);
            for (var exchange : inFlight) {
                if (exchange.ageNanos(now) > timeoutNanos) {
                    exchange.abort(Exchange.Abort.TIMEOUT);
                } else if (exchange.silenceNanos(now) > stallNanos) {
                    exchange.abort(Exchange.Abort.STALL);
                }
            }
        }
    }

    /** Ctrl-C: ends the streams, and lets what was measured be written. The JVM exits with 130 after it. */
    private void interrupt() {
        stopped.countDown();
        inFlight.forEach(exchange -> exchange.abort(Exchange.Abort.CANCEL));
        echo.drop();
        finish();
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
            record.write(summary);
        } catch (IOException e) {
            terminal.say(folder.resolve("run.json") + ": can't be written (" + e.getMessage() + ")");
            exitCode = interrupted ? 130 : 1;
        }
        if (interrupted) {
            terminal.say("interrupted; what was measured until then is written");
        }
        if (!options.quiet) {
            terminal.err().println();
            summary.print(terminal.err(), options.simulate);
            sayOverhead(summary);
            terminal.err().println(folder.resolve("requests.csv") + "  " + folder.resolve("events.csv")
                    + "  compare: ./jbang Results.java " + folder);
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

/** The configuration and the outcome of a run, as run.json. It never holds a key. */
final class RunRecord {

    private final Path file;
    private final ObjectNode json;

    RunRecord(Path folder, String runId, Stream options, Plan plan, long seed, Overhead overhead) {
        this.file = folder.resolve("run.json");
        this.json = JsonMapper.shared().createObjectNode().put("run_id", runId)
                .put("started_at", Instant.now().toString()).put("simulated", options.simulate).put("seed", seed);
        json.putObject("versions").put("stream", Prompts.VERSION).put("java", Runtime.version().toString())
                .put("okhttp", okhttp3.OkHttp.VERSION)
                .put("os", System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                        + System.getProperty("os.arch"))
                .put("cpus", Runtime.getRuntime().availableProcessors());
        json.putObject("options").put("system", options.system).put("max_tokens", options.maxTokens)
                .put("temperature", options.temperature).put("seed_param", options.seedParam)
                .put("repeat", options.repeat).put("warmup", options.warmup).put("concurrency", options.concurrency)
                .put("order", options.order).put("timeout_s", options.timeoutSeconds)
                .put("stall_timeout_s", options.stallTimeoutSeconds).put("retries", options.retries)
                .put("echo", options.echo()).put("typing_delay_ms", options.typingDelayMillis)
                .put("unique_prefix", options.uniquePrefix).put("ask", options.ask);
        var models = json.putArray("models");
        for (var model : plan.models()) {
            var entry = models.addObject().put("label", model.label()).put("name", model.name())
                    .put("api", model.api().word()).put("base_url", model.server())
                    .put("api_key_env", model.keyVariable()).put("max_tokens", model.maxTokens())
                    .put("temperature", model.temperature());
            entry.set("extra", JsonMapper.shared().<JsonNode>valueToTree(model.extra()));
        }
        var prompts = json.putArray("prompts");
        for (var prompt : plan.prompts()) {
            var entry = prompts.addObject().put("id", prompt.id()).put("source", prompt.source());
            entry.set("labels", JsonMapper.shared().<JsonNode>valueToTree(prompt.labels()));
        }
        json.put("planned_requests", plan.size()).put("self_warmup", options.warmsItself(plan));
        json.set("client_overhead", overhead(overhead));
    }

    /** In milliseconds; null if it was not measured. */
    private static JsonNode overhead(Overhead overhead) {
        return overhead == null ? JsonNodeFactory.instance.nullNode() : JsonNodeFactory.instance.objectNode()
                .put("streams", overhead.streams()).put("events", overhead.events())
                .put("ttft_p50_ms", millis(overhead.ttftP50Micros())).put("ttft_p99_ms", millis(overhead.ttftP99Micros()))
                .put("itl_p50_ms", millis(overhead.itlP50Micros())).put("itl_p99_ms", millis(overhead.itlP99Micros()));
    }

    private static Double millis(Double micros) {
        return micros == null ? null : Double.valueOf(Figures.millis(micros));
    }

    /** Writes the whole file anew; the summary is null while the run goes on. */
    void write(Summary summary) throws IOException {
        if (summary != null) {
            json.put("finished_at", Instant.now().toString());
            json.putObject("counts").put("requests", summary.requests()).put("completed", summary.completed())
                    .put("failed", summary.failed());
        }
        var part = file.resolveSibling("run.json.part");
        Files.writeString(part, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
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
    private final boolean headings;
    private final boolean prompts;
    private final ExecutorService printer = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("echo").factory());
    private final Map<Job, StringBuilder> lines = new HashMap<>();
    private final ProgressBar progress;
    private String status = "";
    private Job current;
    private volatile boolean dropped;

    private Echo(Stream options, boolean headings, boolean prompts, int requests, Terminal terminal) {
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

    static Echo of(Stream options, List<Model> models, int requests, Terminal terminal) {
        var onScreen = terminal.outIsTerminal() && terminal.errIsTerminal() && !options.quiet;
        return new Echo(options, onScreen && (requests > 1 || models.size() > 1), requests > models.size(), requests,
                terminal);
    }

    @Override
    public void content(Job job, String text) {
        if (!mode.equals("none")) {
            print(mode.equals("tokens") ? () -> showToken(job, text) : () -> showLines(job, text));
        }
    }

    @Override
    public void end(Job job, boolean last) {
        if (progress != null && last) {
            progress.step();
        }
        if (mode.equals("lines")) {
            print(() -> {
                var rest = lines.remove(job);
                if (rest != null && !rest.isEmpty()) {
                    showLine(job, rest.toString());
                }
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

    private void showToken(Job job, String text) {
        if (job != current) {
            if (current != null) {
                terminal.out().print("\n\n");
            }
            terminal.out().flush();
            if (headings) {
                terminal.err().println(coloured(job, job.model().label()) + (prompts ? "  " + job.prompt().id() : ""));
            }
            current = job;
        }
        terminal.out().print(harmless(text));
        terminal.out().flush();
        pause();
    }

    private void showLines(Job job, String text) {
        var line = lines.computeIfAbsent(job, key -> new StringBuilder()).append(text);
        for (int end; (end = line.indexOf("\n")) >= 0; line.delete(0, end + 1)) {
            showLine(job, line.substring(0, end));
        }
        pause();
    }

    private void showLine(Job job, String line) {
        if (!status.isEmpty()) {
            terminal.err().print("\r\033[K");
        }
        var prompt = prompts ? " " + job.prompt().id() : "";
        terminal.out().println(coloured(job, job.model().label()) + prompt + " | " + harmless(line));
        terminal.out().flush();
        if (!status.isEmpty()) {
            terminal.err().print(status);
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
