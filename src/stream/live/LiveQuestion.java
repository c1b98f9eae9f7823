//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../prompt/PromptSet.java
//SOURCES ../api/Model.java
//SOURCES ../api/ModelSettings.java
//SOURCES ../api/Sampling.java
//SOURCES ../plan/Plan.java
//SOURCES ../plan/RequestSettings.java
//SOURCES ../plan/RunSettings.java
//SOURCES LiveSettings.java

package stream.live;

import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;

import stream.api.Model;
import stream.api.ModelSettings;
import stream.api.Sampling;
import stream.plan.Plan;
import stream.plan.RunSettings;
import stream.prompt.Prompt;
import stream.prompt.PromptSet;
import stream.terminal.OneLine;
import stream.terminal.OptionChecks;
import stream.terminal.UserError;
import tools.jackson.databind.JsonNode;

/**
 * A question of the page.
 *
 * @param tab    the tab that asks
 * @param title  the beginning of the prompt, or the names of the files
 * @param text   the prompt; null if prompts are from files
 * @param files  their names; empty if there are none
 * @param system null for none
 * @param models those that are to answer
 * @param repeat how often, from 1
 */
record LiveQuestion(String tab, String title, String text, List<String> files, List<Prompt> prompts, String system,
                    Sampling sampling, List<Model> models, int repeat) {

    private static final int LONGEST_TITLE = 100;

    /** Reads what the page sends; throws UserError, with a line for each problem, if it cannot be asked. */
    static LiveQuestion of(JsonNode json, LiveSettings settings) {
        var prompt = json.path("prompt").asString("").strip();
        var system = json.path("system").asString("").strip();
        var files = json.path("files");
        var labels = json.path("models").valueStream().map(label -> label.asString("")).collect(Collectors.toSet());
        var models = settings.models().stream().filter(model -> labels.contains(model.label())).toList();
        var repeat = json.path("repeat").asInt(1);
        var sampling = new Sampling(json.path("max_tokens").asInt(settings.run().request().sampling().maxTokens()),
                json.path("temperature").asDouble(settings.run().request().sampling().temperature()),
                settings.run().request().sampling().seed());
        new OptionChecks()
                .require(!prompt.isEmpty() || !files.isEmpty(), "the prompt is empty; write a question")
                .require(Math.max(prompt.length(), system.length()) <= LiveSettings.LONGEST_TEXT,
                        "the prompt has more than " + LiveSettings.LONGEST_TEXT + " characters; put it into a file for Stream.java")
                .require(!models.isEmpty(), "no model is chosen; choose one")
                .within("repetitions", repeat, 1, LiveSettings.MOST_REPETITIONS)
                .within("temperature", sampling.temperature(), 0, 2)
                .atLeast("token limit", sampling.maxTokens(), 1)
                .throwIfAny();
        var prompts = files.isEmpty() ? List.of(Prompt.ofText("prompt-1", prompt, "--prompt 1")) : promptsOf(files);
        new OptionChecks().require((long) prompts.size() * models.size() * repeat <= LiveSettings.MOST_REQUESTS,
                prompts.size() + " prompts, " + models.size() + " models and " + repeat + " repetitions are more than "
                        + LiveSettings.MOST_REQUESTS + " requests; repeat less, or use Stream.java").throwIfAny();
        var complete = prompts.stream().map(each -> system.isEmpty() || each.hasSystem() ? each : each.withSystem(system)).toList();
        var names = files.valueStream().map(file -> file.path("name").asString("")).toList();
        var title = OneLine.shortened(OneLine.of(names.isEmpty() ? prompt : String.join(", ", names)), LONGEST_TITLE);
        return new LiveQuestion(json.path("tab").asString(""), title, names.isEmpty() ? prompt : null, names, complete,
                system.isEmpty() ? null : system, sampling, models, repeat);
    }

    private static List<Prompt> promptsOf(JsonNode files) {
        var bytesByName = new LinkedHashMap<String, byte[]>();
        try {
            files.forEach(file -> bytesByName.put(file.path("name").asString(""),
                    Base64.getDecoder().decode(file.path("base64").asString(""))));
        } catch (IllegalArgumentException e) {
            throw new UserError("a file did not arrive as a whole; drop it again");
        }
        new OptionChecks().require(bytesByName.values().stream().mapToLong(bytes -> bytes.length)
                .sum() <= LiveSettings.MOST_FILE_BYTES,
                "the files have more than " + (LiveSettings.MOST_FILE_BYTES >> 20) + " MB; use Stream.java").throwIfAny();
        var set = PromptSet.ofFiles(bytesByName);
        UserError.throwIfAny(set.problems());
        return set.prompts();
    }

    /** Returns how the run of this question is to be done. */
    RunSettings settings(RunSettings session) {
        return session.forQuestion(system, sampling, new Plan.Order(repeat, 0, true,
                ThreadLocalRandom.current().nextLong(1_000_000_000)), models.size());
    }

    /** Returns the command line of Stream.java with which a run of this question can be resumed. */
    List<String> arguments(RunSettings settings, ModelSettings modelOptions) {
        var words = new ArrayList<String>();
        if (text != null) {
            words.add("--prompt=" + text);
        }
        words.addAll(modelOptions.arguments(models.stream().map(Model::label).toList()));
        words.addAll(settings.arguments());
        words.addAll(List.of("--echo", "none"));
        if (!files.isEmpty()) {
            words.add("--");
            words.addAll(files);
        }
        return words;
    }
}
