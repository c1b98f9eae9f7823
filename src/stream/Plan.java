//JAVA 25+
//SOURCES Console.java
//SOURCES Echo.java
//SOURCES Prompts.java
//SOURCES Models.java
//SOURCES Metrics.java
//SOURCES Client.java
//SOURCES Outcome.java
//SOURCES Shards.java

// Plan: the settings of a run, and its requests in the order in which they are sent.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.zip.CRC32;

import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** The options that say how prompts are asked, the same in every command that asks any. */
final class RequestOptions {

    @Option(names = "--system", paramLabel = "TEXT|@FILE",
            description = "System message where the prompt has none; @@TEXT begins with one @.")
    String system;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "200",
            description = "Limit of the answer where neither prompt nor model sets one (default: ${DEFAULT-VALUE}).")
    int maxTokens;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
            description = "0 to 2, where neither prompt nor model sets one (default: ${DEFAULT-VALUE}).")
    double temperature;

    @Option(names = "--seed-param", paramLabel = "N", description = "Seed to send to the model (default: none).")
    Long seedParam;

    @Option(names = "--timeout", paramLabel = "S", defaultValue = "300",
            description = "Seconds for a whole request (default: ${DEFAULT-VALUE}).")
    double timeoutSeconds;

    @Option(names = "--stall-timeout", paramLabel = "S", defaultValue = "60",
            description = "Longest silence between two events, in seconds (default: ${DEFAULT-VALUE}).")
    double stallTimeoutSeconds;

    @Option(names = "--retries", paramLabel = "N", description = "How often a request is sent again after 429, 408, 409, 5xx or a"
            + " connection failure before the answer begins (default: " + Retries.USUAL + "). If it is given, also after an answer of status"
            + " 200 without an event, which may have been generated.")
    Integer retries;

    @Option(names = {"-o", "--results"}, paramLabel = "DIR", defaultValue = "results",
            description = "Where runs are written, as DIR/RUN_ID/ (default: ${DEFAULT-VALUE}).")
    Path results;

    @Option(names = "--csv-safe", description = "Put a quote before texts that a spreadsheet would take for formulas.")
    boolean csvSafe;

    @Option(names = "--max-event-mb", paramLabel = "N", defaultValue = "16",
            description = "Largest event in megabytes; a larger one is a failure (default: ${DEFAULT-VALUE}).")
    int maxEventMegabytes;

    @Option(names = "--max-answer-mb", paramLabel = "N", defaultValue = "64",
            description = "Memory that one answer may take; one that takes more is a failure (default: ${DEFAULT-VALUE}).")
    int maxAnswerMegabytes;

    @Option(names = "--typing-delay", paramLabel = "MS", defaultValue = "0",
            description = "Paces the echo, never the measurement (default: ${DEFAULT-VALUE}).")
    int typingDelayMillis;

    @Option(names = "--unique-prefix", description = "Begin each prompt with a short unique line, so that no prompt cache"
            + " can match.")
    boolean uniquePrefix;

    Sampling sampling() {
        return new Sampling(maxTokens, temperature, seedParam);
    }

    Retries retries() {
        return retries == null ? Retries.DEFAULT : new Retries(retries, true);
    }

    Limits limits() {
        return new Limits((long) maxEventMegabytes << 20, (long) maxAnswerMegabytes << 20);
    }

    /** Returns the system message of the run; null for none. */
    String systemText() {
        if (system == null || !system.startsWith("@")) {
            return system;
        }
        if (system.startsWith("@@")) {
            return system.substring(1);
        }
        try {
            return Files.readString(Path.of(system.substring(1))).strip();
        } catch (IOException e) {
            throw new UserError("--system " + system + ": the file cannot be read as UTF-8 text; name another");
        }
    }
}

/**
 * When a request is sent again, and counted.
 *
 * @param most           how often, at least 0
 * @param ofEmptyStreams whether also after an answer of status 200 that brought no event, which may have been generated and paid for
 */
record Retries(int most, boolean ofEmptyStreams) {

    static final int USUAL = 2;

    /** What applies if the user does not say. */
    static final Retries DEFAULT = new Retries(USUAL, false);

    /** Whether another attempt may be made after such a failure, if not too many were. */
    boolean follow(Outcome.Failed failure) {
        return failure.isRetryable() || ofEmptyStreams && failure.mayHaveBeenGenerated();
    }
}

/**
 * How a run is to be done, checked.
 *
 * @param simulate            whether the built-in simulator answers
 * @param ask                 whether the prompts are asked for on the terminal
 * @param system              system message for prompts without one; null for none
 * @param order               how often each prompt is sent, and in which order
 * @param concurrency         requests in flight, at least 1
 * @param timeoutSeconds      for a whole request, 0.001 to 1,000,000
 * @param stallTimeoutSeconds longest silence between two events, 0.001 to 1,000,000
 * @param retries             when a request is sent again
 * @param retryFailed         whether a resumed run sends failed requests again
 * @param results             where runs are written, as DIR/RUN_ID/
 * @param limits              what one answer may take of the memory
 * @param connection          how connections are made
 * @param uniquePrefix        whether each prompt begins with a line of its own
 * @param csvSafe             whether texts that a spreadsheet would take for formulas are guarded
 * @param selfWarmup          when the JVM is warmed up first
 * @param calibrate           whether even a small batch measures the error of the client first
 * @param verbose             whether retries are reported
 * @param metricsPort         where Prometheus metrics are, 0 for any free port; null for nowhere
 */
record RunSettings(boolean simulate, boolean ask, String system, Sampling sampling, Plan.Order order, int concurrency,
                   double timeoutSeconds, double stallTimeoutSeconds, Retries retries, boolean retryFailed, Path results,
                   Limits limits, ConnectionSettings connection, EchoSettings echo, boolean uniquePrefix, boolean csvSafe,
                   SelfWarmup selfWarmup, boolean calibrate, boolean verbose, Integer metricsPort) {

    /** When the JVM is warmed up by streaming simulated events to this process. */
    enum SelfWarmup {
        NEVER,
        /** Before runs of more than one request to each model, and while the user types. */
        BATCHES,
        /** Once, by a process that goes on to other runs. */
        ALWAYS
    }

    /** From this number of requests on the error of the client is measured first. */
    private static final int CALIBRATED_BATCH = 20;

    /** @throws UserError if a value is not in its range */
    RunSettings {
        new OptionChecks()
                .atLeast("--max-tokens", sampling.maxTokens(), 1)
                .within("--temperature", sampling.temperature(), 0, 2)
                .atLeast("--repeat", order.repeat(), 1)
                .atLeast("--warmup", order.warmup(), 0)
                .atLeast("--concurrency", concurrency, 1)
                .within("--timeout", timeoutSeconds, 0.001, 1e6)
                .within("--stall-timeout", stallTimeoutSeconds, 0.001, 1e6)
                .atLeast("--retries", retries.most(), 0)
                .atLeast("--max-event-mb", limits.eventBytes() >> 20, 1)
                .atLeast("--max-answer-mb", limits.answerBytes() >> 20, 1)
                .oneOf("--echo", echo.mode(), "tokens", "lines", "events", "none")
                .atLeast("--typing-delay", echo.delayMillis(), 0)
                .within("--metrics-port", metricsPort == null ? 0 : metricsPort, 0, 65_535)
                .throwIfAny();
    }

    /** Returns the same run with what may be chosen again when it is resumed. */
    RunSettings resumed(boolean retryFailedNow, Path resultsNow, EchoSettings echoNow, boolean verboseNow) {
        return new RunSettings(simulate, ask, system, sampling, order, concurrency, timeoutSeconds, stallTimeoutSeconds,
                retries, retryFailedNow, resultsNow, limits, connection, echoNow, uniquePrefix, csvSafe, selfWarmup, calibrate,
                verboseNow, metricsPort);
    }

    /** Returns the settings of one question among several of a session. */
    RunSettings forQuestion(String systemOfIt, Sampling samplingOfIt, Plan.Order orderOfIt, int concurrencyOfIt) {
        return new RunSettings(simulate, ask, systemOfIt, samplingOfIt, orderOfIt, concurrencyOfIt, timeoutSeconds, stallTimeoutSeconds,
                retries, retryFailed, results, limits, connection, echo, uniquePrefix, csvSafe, selfWarmup, calibrate, verbose,
                metricsPort);
    }

    /** Whether the JVM is warmed up first: a single request to each model is not worth the wait, its row is marked cold. */
    boolean warmsUp(Plan plan) {
        return selfWarmup == SelfWarmup.ALWAYS || selfWarmup == SelfWarmup.BATCHES && (ask || plan.size() > plan.models().size());
    }

    /** Whether connections are opened before the first request; a single request to each model may open its own. */
    boolean opensAhead(Plan plan) {
        return connection.reuse() && !ask && plan.size() > plan.models().size();
    }

    boolean calibrates(Plan plan) {
        return calibrate || plan.size() >= CALIBRATED_BATCH;
    }

    /** Returns the words of a command line that shape the requests, but for prompts and models; without certificates to trust. */
    List<String> arguments() {
        var words = new ArrayList<String>();
        var values = new LinkedHashMap<String, Object>();
        if (system != null) {
            words.add("--system=" + (system.startsWith("@") ? "@" : "") + system);
        }
        values.put("--max-tokens", sampling.maxTokens());
        values.put("--temperature", sampling.temperature());
        if (sampling.seed() != null) {
            values.put("--seed-param", sampling.seed());
        }
        values.put("-n", order.repeat());
        values.put("--warmup", order.warmup());
        values.put("-c", concurrency);
        values.put("--seed", order.seed());
        values.put("--timeout", timeoutSeconds);
        values.put("--stall-timeout", stallTimeoutSeconds);
        if (!retries.equals(Retries.DEFAULT)) {
            values.put("--retries", retries.most());
        }
        values.put("--max-event-mb", limits.eventBytes() >> 20);
        values.put("--max-answer-mb", limits.answerBytes() >> 20);
        values.put("--connection", connection.reuse() ? "reuse" : "new");
        if (connection.httpVersion() != null) {
            values.put("--http", connection.httpVersion());
        }
        values.forEach((option, value) -> words.addAll(List.of(option, String.valueOf(value))));
        if (simulate) {
            words.add("--simulate");
        }
        if (uniquePrefix) {
            words.add("--unique-prefix");
        }
        if (csvSafe) {
            words.add("--csv-safe");
        }
        return words;
    }

    /** Returns the options by the names that they have in run.json. */
    Map<String, Object> options() {
        var options = new LinkedHashMap<String, Object>();
        options.put("system", system);
        options.put("max_tokens", sampling.maxTokens());
        options.put("temperature", sampling.temperature());
        options.put("seed_param", sampling.seed());
        options.put("repeat", order.repeat());
        options.put("warmup", order.warmup());
        options.put("concurrency", concurrency);
        options.put("order", order.interleaved() ? "interleaved" : "by-model");
        options.put("timeout_s", timeoutSeconds);
        options.put("stall_timeout_s", stallTimeoutSeconds);
        options.put("retries", retries.most());
        options.put("echo", echo.mode());
        options.put("typing_delay_ms", echo.delayMillis());
        options.put("connection", connection.reuse() ? "reuse" : "new");
        options.put("http", connection.httpVersion());
        options.put("unique_prefix", uniquePrefix);
        options.put("ask", ask);
        options.put("csv_safe", csvSafe);
        options.put("max_event_mb", limits.eventBytes() >> 20);
        options.put("max_answer_mb", limits.answerBytes() >> 20);
        options.put("retries_of_empty_streams", retries.ofEmptyStreams());
        return options;
    }
}

/**
 * One request of the plan.
 *
 * @param requestId  prompt, model and repetition; the same in a later run of the same plan
 * @param repetition from 1
 * @param modelIndex place of the model among those of the run, from 0
 */
record Job(String requestId, Phase phase, Prompt prompt, Model model, int repetition, int modelIndex) {

    /** Returns what the echo shows of it. */
    Speaker speaker() {
        return new Speaker(requestId, model.label(), prompt.id(), modelIndex);
    }
}

/** What a user has asked and each model has answered, in their order. Not safe for use by several threads. */
final class Conversation {

    private final Map<String, List<Prompt.Message>> turns = new HashMap<>(); // by the label of the model

    /** Returns the next question to a model, after what was said before. */
    Prompt ask(Model model, String id, String question) {
        var messages = turns.computeIfAbsent(model.label(), absent -> new ArrayList<>());
        messages.add(new Prompt.Message("user", question));
        return Prompt.ofTurns(id, List.copyOf(messages), "--ask");
    }

    /** Keeps what a model has answered; a question without an answer is forgotten. */
    void answer(String label, String text) {
        var messages = turns.get(label);
        if (text == null || text.isEmpty()) {
            messages.removeLast();
        } else {
            messages.add(new Prompt.Message("assistant", text));
        }
    }
}

/** All requests of a run, in the order in which they are sent. */
record Plan(List<Prompt> prompts, List<Model> models, List<Job> warmups, List<Job> jobs) {

    private static final MathContext UPWARDS = new MathContext(4, RoundingMode.CEILING);

    /**
     * How often each prompt is sent, and in which order.
     *
     * @param repeat      measured repetitions of each prompt and model, from 1
     * @param warmup      unmeasured requests of each model, from 0
     * @param interleaved whether the models are shuffled inside each prompt and repetition
     */
    record Order(int repeat, int warmup, boolean interleaved, long seed) {

        Order withSeed(long other) {
            return new Order(repeat, warmup, interleaved, other);
        }
    }

    /** A prompt and the models that are to answer it. */
    private record Question(Prompt prompt, List<Model> models) { }

    /**
     * Plans the requests; throws UserError if a prompt names a model that cannot be called.
     *
     * @param ownModels whether a prompt that names a model is sent to that one only
     */
    static Plan of(List<Prompt> prompts, ModelCatalog catalog, boolean ownModels, Order order) {
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
        return of(prompts, questions, models, order);
    }

    private static Plan of(List<Prompt> prompts, List<Question> questions, List<Model> models, Order order) {
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

    /** Interleaving lets drift of the network or the machine over time affect all models equally. */
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

    /** Plans one request to each model, each with a prompt of its own. */
    static Plan ofEach(Map<Model, Prompt> prompts, Order order) {
        var questions = prompts.entrySet().stream().map(each -> new Question(each.getValue(), List.of(each.getKey()))).toList();
        return of(List.copyOf(prompts.values()), questions, List.copyOf(prompts.keySet()), order);
    }

    /** Plans the requests of these models to all prompts, whatever model a prompt names. */
    static Plan of(List<Prompt> prompts, List<Model> models, Order order) {
        return of(prompts, prompts.stream().map(prompt -> new Question(prompt, models)).toList(), models, order);
    }

    /** Returns the requests without the warm-up in parts: each prompt and repetition to all its models. */
    List<Plan> rounds() {
        var rounds = new ArrayList<Plan>();
        var round = new ArrayList<Job>();
        for (var job : jobs) {
            if (!round.isEmpty() && !(job.prompt() == round.getFirst().prompt() && job.repetition() == round.getFirst().repetition())) {
                rounds.add(new Plan(prompts, models, List.of(), List.copyOf(round)));
                round.clear();
            }
            round.add(job);
        }
        if (!round.isEmpty()) {
            rounds.add(new Plan(prompts, models, List.of(), List.copyOf(round)));
        }
        return rounds;
    }

    /** Returns the part that is not done. */
    Plan without(Predicate<Job> isDone) {
        return new Plan(prompts, models, warmups.stream().filter(isDone.negate()).toList(),
                jobs.stream().filter(isDone.negate()).toList());
    }

    /**
     * Returns a part of the plan, with the warm-up requests of the models in it. A prompt and repetition goes to one part with all its models, so that
     * their answers are compared on one machine; the parts have as many of these as each other, or one more, and their share of each
     * prompt. Which part it is depends on ids alone, not on the order of the run.
     */
    Plan part(Shard shard) {
        var models = new HashMap<String, Set<String>>();
        jobs.forEach(job -> models.computeIfAbsent(block(job), absent -> new TreeSet<>()).add(job.model().label()));
        var blocks = new TreeMap<String, String>(); // by what orders them
        jobs.forEach(job -> blocks.put(String.join("\n", String.join("|", models.get(block(job))), hash(job.prompt().id()), hash(block(job)),
                block(job)), block(job)));
        var own = new HashSet<String>();
        var number = 0;
        for (var block : blocks.values()) {
            if (number++ % shard.count() == shard.index()) {
                own.add(block);
            }
        }
        var ownJobs = jobs.stream().filter(job -> own.contains(block(job))).toList();
        var ownModels = ownJobs.stream().map(job -> job.model().label()).collect(Collectors.toSet());
        return new Plan(prompts, this.models, warmups.stream().filter(job -> ownModels.contains(job.model().label())).toList(), ownJobs);
    }

    /** Returns into how many parts it can be cut. */
    int parts() {
        return (int) jobs.stream().map(Plan::block).distinct().count();
    }

    private static String block(Job job) {
        return job.prompt().id() + "|" + job.repetition();
    }

    private static String hash(String text) {
        var sum = new CRC32();
        sum.update(text.getBytes(StandardCharsets.UTF_8));
        return "%08x".formatted(sum.getValue());
    }

    int size() {
        return warmups.size() + jobs.size();
    }

    /**
     * Prints what would be sent: first the totals with the upper bounds of tokens and cost, then the requests.
     *
     * @param mostRequests how many requests are listed; if there are more, a line tells how to see them
     */
    void print(PrintStream out, Sampling sampling, int mostRequests) {
        var all = all();
        var totals = totals(sampling);
        out.println(totals.getFirst() + "; retries are extra; nothing was sent");
        totals.stream().skip(1).forEach(out::println);
        if (all.size() > mostRequests) {
            out.println(Count.of(prompts.size(), "prompt") + ", " + Count.of(models.size(), "model")
                    + "; --verbose lists the requests");
            return;
        }
        for (int i = 0; i < all.size(); i++) {
            var job = all.get(i);
            out.printf("%5d  %-8s  %-24s  %s, repetition %d%n", i + 1, job.phase().word(), job.model().label(),
                    job.prompt().id(), job.repetition());
        }
    }

    private List<Job> all() {
        return java.util.stream.Stream.concat(warmups.stream(), jobs.stream()).toList();
    }

    /** Returns how many requests there are, and the upper bounds of tokens and cost, in one or two lines. */
    List<String> totals(Sampling sampling) {
        var bounds = all().stream().map(job -> Bound.of(job, sampling)).toList();
        var isBounded = bounds.stream().allMatch(bound -> bound.outputTokens() != null);
        var lines = new ArrayList<String>();
        lines.add(String.format(Locale.ROOT, "%s, %d of them warm-up; %s output tokens; %,d characters of prompts", Count.of(size(), "request"),
                warmups.size(), !isBounded ? "no limit of"
                        : String.format(Locale.ROOT, "at most %,d", bounds.stream().mapToLong(Bound::outputTokens).sum()),
                all().stream().mapToLong(job -> job.prompt().length()).sum()));
        addCost(lines, bounds);
        return lines;
    }

    private static void addCost(List<String> lines, List<Bound> bounds) {
        var most = new TreeMap<String, BigDecimal>();
        bounds.stream().filter(bound -> bound.cost() != null).forEach(bound ->
                most.merge(bound.model().price().currency(), bound.cost(), BigDecimal::add));
        if (!most.isEmpty()) {
            lines.add("cost: at most " + most.entrySet().stream().map(each -> Price.plain(each.getValue().round(UPWARDS)) + " " + each.getKey())
                    .collect(Collectors.joining(" and ")) + " without retries, counting each byte of a request as a token"
                    + models("; no price for ", bounds, bound -> bound.model().price() == null)
                    + models("; no limit of tokens for ", bounds, bound -> bound.model().price() != null && bound.outputTokens() == null));
        }
    }

    private static String models(String what, List<Bound> bounds, Predicate<Bound> isMeant) {
        var labels = bounds.stream().filter(isMeant).map(bound -> bound.model().label()).distinct().toList();
        return labels.isEmpty() ? "" : what + String.join(", ", labels);
    }
}

/**
 * The most that a request can bring.
 *
 * @param outputTokens null if its body has no limit
 * @param cost         null if the model has no price, or there is no limit
 */
record Bound(Model model, Long outputTokens, BigDecimal cost) {

    /** A token of the prompt stands for at least one byte of the request, whose JSON is longer than what a chat template adds. */
    static Bound of(Job job, Sampling sampling) {
        var model = job.model();
        var body = model.body(job.prompt(), sampling, model.mostUsage());
        var tokens = model.mostOutputTokens(JsonMapper.shared().readTree(body));
        return new Bound(model, tokens, model.price() == null || tokens == null ? null
                : model.price().most(body.getBytes(StandardCharsets.UTF_8).length, tokens));
    }
}
