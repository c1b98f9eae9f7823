//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/Count.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/Model.java
//SOURCES ../api/ModelCatalog.java
//SOURCES ../api/Price.java
//SOURCES ../api/Sampling.java
//SOURCES ../metric/Phase.java
//SOURCES Job.java
//SOURCES Shard.java

package stream.plan;

import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
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

import stream.api.Model;
import stream.api.ModelCatalog;
import stream.api.Price;
import stream.api.Sampling;
import stream.metric.Phase;
import stream.prompt.Prompt;
import stream.terminal.Count;
import tools.jackson.databind.json.JsonMapper;

/** All requests of a run, in the order in which they are sent. */
public record Plan(List<Prompt> prompts, List<Model> models, List<Job> warmups, List<Job> jobs) {

    private static final MathContext UPWARDS = new MathContext(4, RoundingMode.CEILING);

    /**
     * How often each prompt is sent, and in which order.
     *
     * @param repeat      measured repetitions of each prompt and model, from 1
     * @param warmup      unmeasured requests of each model, from 0
     * @param interleaved whether the models are shuffled inside each prompt and repetition
     */
    public record Order(int repeat, int warmup, boolean interleaved, long seed) {

        public Order withSeed(long other) {
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
    public static Plan of(List<Prompt> prompts, ModelCatalog catalog, boolean ownModels, Order order) {
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
    public static Plan ofEach(Map<Model, Prompt> prompts, Order order) {
        var questions = prompts.entrySet().stream().map(each -> new Question(each.getValue(), List.of(each.getKey()))).toList();
        return of(List.copyOf(prompts.values()), questions, List.copyOf(prompts.keySet()), order);
    }

    /** Plans the requests of these models to all prompts, whatever model a prompt names. */
    public static Plan of(List<Prompt> prompts, List<Model> models, Order order) {
        return of(prompts, prompts.stream().map(prompt -> new Question(prompt, models)).toList(), models, order);
    }

    /** Returns the requests without the warm-up in parts: each prompt and repetition to all its models. */
    public List<Plan> rounds() {
        var rounds = new ArrayList<Plan>();
        var round = new ArrayList<Job>();
        for (var job : jobs) {
            if (!round.isEmpty() && !(job.prompt() == round.getFirst().prompt()
                    && job.repetition() == round.getFirst().repetition())) {
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
    public Plan without(Predicate<Job> isDone) {
        return new Plan(prompts, models, warmups.stream().filter(isDone.negate()).toList(),
                jobs.stream().filter(isDone.negate()).toList());
    }

    /**
     * Returns a part of the plan, with the warm-up requests of the models in it. A prompt and repetition goes to one part with all
     * its models, so that their answers are compared on one machine; the parts have as many of these as each other, or one more,
     * and their share of each prompt. Which part it is depends on ids alone, not on the order of the run.
     */
    public Plan part(Shard shard) {
        var models = new HashMap<String, Set<String>>();
        jobs.forEach(job -> models.computeIfAbsent(block(job), absent -> new TreeSet<>()).add(job.model().label()));
        var blocks = new TreeMap<String, String>(); // by what orders them
        jobs.forEach(job -> blocks.put(String.join("\n", String.join("|", models.get(block(job))),
                hash(job.prompt().id()), hash(block(job)),
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
        return new Plan(prompts, this.models, warmups.stream().filter(job -> ownModels.contains(job.model().label())).toList(),
                ownJobs);
    }

    /** Returns into how many parts it can be cut. */
    public int parts() {
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

    public int size() {
        return warmups.size() + jobs.size();
    }

    /**
     * Prints what would be sent: first the totals with the upper bounds of tokens and cost, then the requests.
     *
     * @param mostRequests how many requests are listed; if there are more, a line tells how to see them
     */
    public void print(PrintStream out, Sampling sampling, int mostRequests) {
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
    public List<String> totals(Sampling sampling) {
        var bounds = all().stream().map(job -> Bound.of(job, sampling)).toList();
        var isBounded = bounds.stream().allMatch(bound -> bound.outputTokens() != null);
        var lines = new ArrayList<String>();
        lines.add(String.format(Locale.ROOT, "%s, %d of them warm-up; %s output tokens; %,d characters of prompts",
                Count.of(size(), "request"),
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
            lines.add("cost: at most " + most.entrySet().stream()
                    .map(each -> Price.plain(each.getValue().round(UPWARDS)) + " " + each.getKey())
                    .collect(Collectors.joining(" and ")) + " without retries, counting each byte of a request as a token"
                    + models("; no price for ", bounds, bound -> bound.model().price() == null)
                    + models("; no limit of tokens for ", bounds, bound -> bound.model().price() != null
                    && bound.outputTokens() == null));
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
