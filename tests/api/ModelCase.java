package stream.api;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import okhttp3.Request;
import org.junit.jupiter.api.io.TempDir;
import stream.terminal.UserError;

/** Models of a command line and an environment. */
abstract class ModelCase {

    static final Map<String, String> WITH_KEY = Map.of("OPENAI_API_KEY", "sk-secret");

    static final Sampling SAMPLING = new Sampling(200, 0, null);

    @TempDir
    Path folder;

    List<String> specs = List.of();

    Path file;

    String baseUrl;

    String api = "auto";

    boolean insecureHttp;

    List<String> headers = List.of();

    List<Model> models(Map<String, String> environment) {
        return ModelCatalog.of(new ModelSettings(specs, file, baseUrl, api, insecureHttp, headers), environment,
                ModelCatalog.Access.WITH_KEYS).models();
    }

    Model one(String spec, Map<String, String> environment) {
        specs = List.of(spec);
        return models(environment).getFirst();
    }

    List<String> problems(Map<String, String> environment) {
        return assertThrows(UserError.class, () -> models(environment)).problems();
    }

    List<Model> fromFile(String json, Map<String, String> environment) throws Exception {
        file = Files.writeString(folder.resolve("models.json"), json);
        return models(environment);
    }

    static Map<String, String> headers(Model model) {
        var request = new Request.Builder().url(model.url());
        model.authorise(request);
        var headers = new TreeMap<String, String>();
        request.build().headers().forEach(header -> headers.put(header.getFirst(), header.getSecond()));
        return headers;
    }
}
