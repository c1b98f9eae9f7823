///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Run openai-java against the simulator
//JAVA 25+
//DEPS com.openai:openai-java:4.101.0

// OpenAiJava: the official client library for Java, which validates each answer, against the simulator at the given URL.
//
// To run just:
//   tests/tools/clients.sh

import java.util.List;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.RequestOptions;
import com.openai.core.http.StreamResponse;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseStreamEvent;

/** Ends with 1 if anything is not as it should be. */
public class OpenAiJava {

    private static final String MODEL = "sim-ttft5-itl1-n12";
    private static final String PROMPT = "Why is the sky blue?";
    private static final String TEXT = "Sunlight is a mix of all colours. Air molecules";

    public static void main(String... args) {
        var client = OpenAIOkHttpClient.builder().baseUrl(args[0]).apiKey("none").responseValidation(true).maxRetries(0).build();
        models(client);
        chat(client);
        completions(client);
        for (var suffix : List.of("", "+reasoning", "+tools", "+incomplete")) {
            responses(client, suffix);
        }
        errors(client);
        client.close();
        System.out.println("openai-java: passed");
    }

    private static void require(boolean holds, Object found) {
        if (!holds) {
            throw new IllegalStateException("openai-java found " + found);
        }
    }

    private static void models(OpenAIClient client) {
        var names = client.models().list().data().stream().map(model -> model.validate().id()).toList();
        require(names.contains("gpt-4"), names);
        require(client.models().retrieve("gpt-4").validate().id().equals("gpt-4"), "another model");
    }

    private static void chat(OpenAIClient client) {
        var params = ChatCompletionCreateParams.builder().model(MODEL).addUserMessage(PROMPT).build();
        var whole = client.chat().completions().create(params).validate();
        require(whole.choices().getFirst().message().content().orElse("").equals(TEXT), whole);
        var accumulator = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params)) {
            stream.stream().forEach(chunk -> accumulator.accumulate(chunk.validate()));
        }
        require(accumulator.chatCompletion().choices().getFirst().message().content().orElse("").equals(TEXT),
                accumulator.chatCompletion());
    }

    private static void completions(OpenAIClient client) {
        var params = CompletionCreateParams.builder().model(MODEL).prompt(PROMPT).build();
        require(client.completions().create(params).validate().choices().getFirst().text().equals(TEXT), "another text");
        var text = new StringBuilder();
        // the library refuses a finish_reason of null, which OpenAI sends in every chunk of a stream but the last
        var lenient = RequestOptions.builder().responseValidation(false).build();
        try (var stream = client.completions().createStreaming(params, lenient)) {
            stream.stream().forEach(chunk -> chunk.choices().forEach(choice -> text.append(choice.text())));
        }
        require(text.toString().equals(TEXT), text);
    }

    private static void responses(OpenAIClient client, String suffix) {
        var params = ResponseCreateParams.builder().model(MODEL + suffix).input(PROMPT).build();
        var whole = client.responses().create(params).validate();
        var accumulator = ResponseAccumulator.create();
        try (StreamResponse<ResponseStreamEvent> stream = client.responses().createStreaming(params)) {
            stream.stream().forEach(event -> accumulator.accumulate(event.validate()));
        }
        var streamed = accumulator.response().validate();
        require(streamed.output().size() == whole.output().size(), streamed);
        require(suffix.equals("+tools") || streamed.output().getLast().asMessage().content().getFirst().asOutputText().text()
                .equals(TEXT), streamed);
    }

    private static void errors(OpenAIClient client) {
        try {
            client.chat().completions().create(ChatCompletionCreateParams.builder().model(MODEL + "+status-401")
                    .addUserMessage(PROMPT).build());
            require(false, "no error");
        } catch (UnauthorizedException e) {
            require(e.getMessage().contains("Incorrect API key"), e);
        }
    }
}
