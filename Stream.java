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
//SOURCES Simulator.java
//RUNTIME_OPTIONS -XX:+UseSerialGC

// Stream: reads prompts, streams each through each model, echoes the tokens live, and writes the timing of every
// server-sent event to CSV.
//
// To run just:
//   jbang Stream.java --simulate                            the sample prompts, three simulated models, no key
//   jbang Stream.java -p "Why is the sky blue?" -m gpt-4    OPENAI_API_KEY holds the key
//   jbang Stream.java --base-url http://localhost:8000/v1 -m llama -n 10 -c 4 prompts/
//
// Read it from the outside in, the way the data flows: command line, plan, run, one exchange with a server, the
// clock at its socket, what an event means, the record of it, CSV, echo, summary.
//
// It does not measure quality, and it does not tell the network's part of a delay from the server's; an event is
// not always a token. README.md says what each number means, results/README.md what each column holds.

package stream;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.SSLException;

import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

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

    @Option(names = "--dry-run", description = "Print the plan and the most it can cost, send nothing.")
    boolean dryRun;

    @Option(names = {"-q", "--quiet"}, description = "No progress, no summary.")
    boolean quiet;

    @Option(names = {"-v", "--verbose"}, description = "Say more: retries, warnings in full, stack traces.")
    boolean verbose;

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
            var access = simulate ? ModelCatalog.simulated(simulator == null ? null : simulator.baseUrl())
                    : dryRun ? ModelCatalog.Access.WITHOUT_KEYS : ModelCatalog.Access.WITH_KEYS;
            var catalog = ModelCatalog.of(modelOptions, terminal.environment(), access);
            var plan = Plan.of(set.prompts(), catalog, this, seedUsed);
            if (dryRun) {
                plan.print(terminal.out(), sampling());
                return 0;
            }
            try (var run = Run.start(this, plan, seedUsed, terminal)) {
                if (ask) {
                    askAndAnswer(run, catalog, seedUsed);
                } else {
                    run.execute(plan);
                }
                return run.finish();
            }
        }
    }

    private void check() throws WrongUsage {
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
        }
        if (sources.isEmpty() && prompts.isEmpty() && !ask) {
            if (Files.isDirectory(Path.of("prompts"))) {
                sources.add("prompts");
            } else {
                ask = true;
            }
        }
        var set = PromptSet.read(sources, terminal.in());
        set.notes().forEach(terminal::say);
        WrongUsage.throwIfAny(set.problems());
        var all = new ArrayList<>(set.prompts());
        for (int i = 0; i < prompts.size(); i++) {
            all.add(Prompt.ofText("prompt-" + (i + 1), prompts.get(i), "--prompt " + (i + 1)));
        }
        return new PromptSet(all, set.notes(), List.of());
    }

    private void askAndAnswer(Run run, ModelCatalog catalog, long seedUsed) throws Exception {
        var keyboard = new BufferedReader(new InputStreamReader(terminal.in(), StandardCharsets.UTF_8));
        for (int asked = 1; ; asked++) {
            terminal.err().print("Ask a question: ");
            terminal.err().flush();
            var question = keyboard.readLine();
            if (question == null || question.isBlank()) {
                return;
            }
            var prompt = Prompt.ofText("ask-" + asked, question.strip(), "--ask");
            run.execute(Plan.of(List.of(prompt), catalog, this, seedUsed + asked));
        }
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
        var out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, StandardCharsets.UTF_8);
        var err = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.err), true, StandardCharsets.UTF_8);
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
        err.println("stream: " + line);
    }

    java.io.PrintWriter outWriter() {
        return new java.io.PrintWriter(out, true);
    }
}

/** Whether a request counts. */
enum Phase {
    WARMUP, MEASURED;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

/**
 * One request of the plan.
 *
 * @param requestId  prompt, model and repetition; the same in a later run of the same plan
 * @param repetition from 1
 * @param modelIndex place of the model among those of the run, from 0
 */
record Job(String requestId, Phase phase, Prompt prompt, Model model, int repetition, int modelIndex) { }

/** All requests of a run, in the order in which they are sent. */
record Plan(List<Prompt> prompts, List<Model> models, List<Job> warmups, List<Job> jobs) {

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
            jobs.sort(java.util.Comparator.comparingInt(Job::modelIndex));
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
