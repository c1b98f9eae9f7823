//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/Table.java
//SOURCES ../api/ConnectionSettings.java
//SOURCES ../api/Dialect.java
//SOURCES ../api/EnvironmentProxies.java
//SOURCES ../api/Model.java

package stream.client;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import okhttp3.OkHttpClient;
import okhttp3.Request;
import stream.api.ConnectionSettings;
import stream.api.EnvironmentProxies;
import stream.api.Model;
import stream.terminal.OneLine;
import stream.terminal.Table;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Asks servers which models they serve. */
public final class ModelListing {

    private static final long LONGEST_LIST_BYTES = 4_000_000;
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final String LISTED = "yes";

    private final OkHttpClient client;

    public ModelListing(Map<String, String> environment, ConnectionSettings connection) {
        client = connection.trusting(new OkHttpClient.Builder().proxySelector(new EnvironmentProxies(environment))
                .followRedirects(false).callTimeout(TIMEOUT)).build();
    }

    /** Prints a line for each model; returns whether the server of each lists it. */
    public boolean print(List<Model> models, PrintStream out) {
        var table = new Table();
        List.of("label", "name", "api", "server", "key", "listed").forEach(heading -> table.column(heading, true));
        var allListed = true;
        for (var model : models) {
            var answer = ask(model);
            allListed &= answer.equals(LISTED);
            table.row(List.of(model.label(), model.name(), model.dialect().word(), model.server(),
                    model.keyVariable() == null ? "none" : model.keyVariable(), answer));
        }
        out.print(table.text());
        return allListed;
    }

    private String ask(Model model) {
        var request = new Request.Builder().url(model.modelsUrl());
        model.authorise(request);
        try (var response = client.newCall(request.build()).execute()) {
            if (response.code() != 200) {
                return "not known, the server answers " + response.code();
            }
            for (var listed : JsonMapper.shared().readTree(response.peekBody(LONGEST_LIST_BYTES).string()).path("data")) {
                if (listed.path("id").asString("").equals(model.name())) {
                    return LISTED;
                }
            }
            return "not listed; name another with --model if the server refuses it";
        } catch (IOException | JacksonException e) {
            return "not known, " + OneLine.firstOf(String.valueOf(e.getMessage()));
        }
    }
}
