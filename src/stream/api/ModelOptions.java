//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES ModelSettings.java
//SOURCES RequestHeader.java

package stream.api;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import picocli.CommandLine.Option;

/** The options that say which models to call, the same in every command that calls any. */
public final class ModelOptions {

    @Option(names = {"-m", "--model"}, paramLabel = "LIST",
            description = "Models, comma separated or repeated; LABEL=NAME@BASE_URL gives one its own label and server"
                    + " (default: gpt-4,gpt-3.5-turbo,text-davinci-003).")
    List<String> specs = List.of();

    @Option(names = "--models", paramLabel = "FILE",
            description = "The same as JSON, comments allowed: [{\"label\", \"name\", \"base_url\", \"api\","
                    + " \"api_key_env\", \"max_tokens\", \"temperature\", \"headers\", \"price\", \"think_tags\", \"extra\"}].")
    Path file;

    @Option(names = "--base-url", paramLabel = "URL",
            description = "Server (default: OPENAI_BASE_URL, else OpenAI's own).")
    String baseUrl;

    @Option(names = "--api", paramLabel = "auto|chat|completions|responses|anthropic", defaultValue = "auto",
            description = "Which endpoint; auto sends instruct and davinci-style names to completions, all others to chat"
                    + " (default: ${DEFAULT-VALUE}).")
    String api;

    @Option(names = "--header", paramLabel = "'NAME: VALUE'",
            description = "A header for the run's server; $${NAME} in the value is"
            + " read from the environment; repeatable.")
    public List<String> headers = List.of();

    @Option(names = "--insecure-http",
            description = "Send a key over http:// to a host that is not this machine.")
    boolean insecureHttp;

    @Option(names = "--think-tags",
            description = "Read what stands between <think> and </think> in the text of an answer as reasoning,"
            + " with times of its own.")
    boolean thinkTags;

    @Option(names = "--no-key", description = "Send no key, to servers that need none, though one may be set.")
    boolean noKey;

    public ModelSettings settings() {
        return new ModelSettings(specs, file, baseUrl, api, insecureHttp, headers, thinkTags, noKey);
    }

    /** Replaces the headers whose value is not known by those given now, in a run that is resumed. */
    public void giveAgain(List<String> headersNow) {
        var all = new ArrayList<>(headersNow);
        var names = headersNow.stream().map(RequestHeader::name).toList();
        headers.stream().filter(header -> !names.contains(RequestHeader.name(header))).forEach(all::add);
        headers = List.copyOf(all);
    }
}
