//JAVA 25+
//SOURCES Prompts.java
//SOURCES Models.java
//SOURCES RunFiles.java

// Plan

package stream;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;

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

    /**
     * How often each prompt is sent, and in which order.
     *
     * @param repeat      measured repetitions of each prompt and model, from 1
     * @param warmup      unmeasured requests of each model, from 0
     * @param interleaved whether the models are shuffled inside each prompt and repetition
     */
    record Order(int repeat, int warmup, boolean interleaved, long seed) { }

    /** A prompt and the models that are to answer it. */
    private record Question(Prompt prompt, List<Model> models) { }

    /**
     * Plans the requests; throws BadModel if a prompt names a model that can't be called.
     *
     * @param ownModels whether a prompt that names a model goes to that one alone
     */
    static Plan of(List<Prompt> prompts, ModelCatalog catalog, boolean ownModels, Order order) throws BadModel {
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

    /** Returns the part that is not done. */
    Plan without(ResumeState remains) {
        return new Plan(prompts, models, warmups.stream().filter(job -> !remains.isDone(job)).toList(),
                jobs.stream().filter(job -> !remains.isDone(job)).toList());
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
