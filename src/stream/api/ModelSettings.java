//JAVA 25+
//SOURCES NamedModel.java

package stream.api;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Which models the user asks for.
 *
 * @param specs        each NAME, LABEL=NAME or LABEL=NAME@BASE_URL, or several separated by commas
 * @param file         models as JSON; null for none
 * @param baseUrl      null for OPENAI_BASE_URL, else OpenAI's server
 * @param api          a word of {@link Dialect#words}
 * @param insecureHttp whether a key may be sent over http:// to another machine
 * @param headers      further headers for the run's server, each as the user wrote it
 * @param thinkTags    whether thoughts between think tags in a visible text are read as reasoning, of all models
 * @param withoutKey   whether no key is sent, though one is set
 */
public record ModelSettings(List<String> specs, Path file, String baseUrl, String api, boolean insecureHttp, List<String> headers,
                     boolean thinkTags, boolean withoutKey) {

    /** Models that are called as their names tell. */
    public ModelSettings(List<String> specs, Path file, String baseUrl, String api, boolean insecureHttp, List<String> headers) {
        this(specs, file, baseUrl, api, insecureHttp, headers, false, false);
    }

    /** Whether the user named any model; else the defaults are called. */
    public boolean namesModels() {
        return !specs.isEmpty() || file != null;
    }

    /** Returns the options that name the models with these labels, of those of a file all. */
    public List<String> arguments(List<String> labels) {
        var words = new ArrayList<String>();
        var chosen = specs.stream().flatMap(list -> NamedModel.split(list).stream())
                .filter(spec -> NamedModel.of(spec) != null && labels.contains(NamedModel.of(spec).labelOrName())).toList();
        if (!chosen.isEmpty() || !namesModels()) {
            words.addAll(List.of("-m", String.join(",", namesModels() ? chosen : labels)));
        }
        if (file != null) {
            words.addAll(List.of("--models", file.toString()));
        }
        if (baseUrl != null) {
            words.addAll(List.of("--base-url", baseUrl));
        }
        if (!api.equals("auto")) {
            words.addAll(List.of("--api", api));
        }
        if (insecureHttp) {
            words.add("--insecure-http");
        }
        if (thinkTags) {
            words.add("--think-tags");
        }
        if (withoutKey) {
            words.add("--no-key");
        }
        headers.forEach(header -> words.addAll(List.of("--header", header)));
        return words;
    }
}
