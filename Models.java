///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Lists the configured models and asks their servers whether they serve them
//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES src/stream/Console.java
//SOURCES src/stream/Models.java

// Models: which ones, on which server, through which endpoint, with which key, and what a request to them says.
//
// To run just:
//   jbang Models.java                                     the defaults, on OpenAI's server or OPENAI_BASE_URL
//   jbang Models.java -m a=llama@http://localhost:8000/v1
//   jbang Models.java --models models.json
//
// It lists what Stream.java would call with the same options, and asks each server for its list of models, which
// costs nothing. A key is read from the environment, sent to its own server alone, and never printed.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

import okhttp3.OkHttpClient;
import okhttp3.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** The command that lists the configured models and asks their servers for them. */
@Command(name = "models", mixinStandardHelpOptions = true, sortOptions = false, version = Version.NUMBER,
        description = "Lists the configured models and asks their servers whether they serve them.")
public class Models implements Callable<Integer> {

    private static final long MODEL_LIST_BYTES = 4_000_000;

    @Mixin
    ModelOptions options = new ModelOptions();

    private final Map<String, String> environment;
    private final PrintStream out;
    private final PrintStream err;

    Models(Map<String, String> environment, PrintStream out, PrintStream err) {
        this.environment = environment;
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.getenv(), System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 all are listed, 1 some are not, 2 wrong usage. */
    static int run(Map<String, String> environment, PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Models(environment, out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("models: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        List<Model> models;
        try {
            var catalog = ModelCatalog.of(options, environment, ModelCatalog.Access.WITH_KEYS);
            catalog.notes().forEach(note -> err.println("models: " + note));
            models = catalog.models();
        } catch (BadModel bad) {
            bad.problems().forEach(problem -> err.println("models: " + problem));
            return 2;
        }
        var client = new OkHttpClient.Builder().proxySelector(new EnvironmentProxies(environment))
                .followRedirects(false).callTimeout(Duration.ofSeconds(20)).build();
        var allServed = true;
        for (var model : models) {
            var answer = ask(client, model);
            allServed &= answer.equals("served");
            out.printf("%-24s %-24s %-11s %-40s %-18s %s%n", model.label(), model.name(), model.api().word(),
                    model.server(), model.keyVariable() == null ? "no key" : model.keyVariable(), answer);
        }
        return allServed ? 0 : 1;
    }

    private static String ask(OkHttpClient client, Model model) {
        var request = new Request.Builder().url(model.modelsUrl());
        model.authorise(request);
        try (var response = client.newCall(request.build()).execute()) {
            if (response.code() != 200) {
                return "can't say, the server answers " + response.code();
            }
            for (var served : JsonMapper.shared().readTree(response.peekBody(MODEL_LIST_BYTES).string()).path("data")) {
                if (served.path("id").asString("").equals(model.name())) {
                    return "served";
                }
            }
            return "not listed; name another with --model if it is refused";
        } catch (IOException | JacksonException e) {
            return "can't say, " + e.getMessage().lines().findFirst().orElse("no answer");
        }
    }
}
