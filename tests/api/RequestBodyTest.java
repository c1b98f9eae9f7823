package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.prompt.Prompt;

/** The JSON and the parameters that each API gets. */
@Execution(ExecutionMode.CONCURRENT)
class RequestBodyTest extends ModelCase {

    @Test
    void openAisOwnServerIsNotAskedForWhatItRefuses() throws Exception {
        assertEquals(UsageRequest.AT_THE_END, one("gpt-4", WITH_KEY).mostUsage());
        baseUrl = "http://localhost:1";
        assertEquals(UsageRequest.WITH_EACH_EVENT, one("gpt-4", WITH_KEY).mostUsage());
    }

    @Test
    void theBodyOfAChatRequest() throws Exception {
        var prompt = Prompt.ofText("p", "Hi \"you\"", "p").withSystem("Be short.");
        assertEquals("{\"model\":\"gpt-4\",\"stream\":true,\"messages\":[{\"role\":\"system\",\"content\":\"Be short.\"},"
                + "{\"role\":\"user\",\"content\":\"Hi \\\"you\\\"\"}],\"max_tokens\":200,\"temperature\":0.0,"
                + "\"stream_options\":{\"include_usage\":true}}",
                one("gpt-4", WITH_KEY).body(prompt, SAMPLING, UsageRequest.AT_THE_END));
    }

    @Test
    void theBodyOfACompletionsRequest() throws Exception {
        assertEquals("{\"model\":\"text-davinci-003\",\"stream\":true,\"prompt\":\"Hi\",\"max_tokens\":200,"
                + "\"temperature\":0.5,\"seed\":7}", one("text-davinci-003", WITH_KEY)
                .body(Prompt.ofText("p", "Hi", "p"), new Sampling(200, 0.5, 7L), UsageRequest.NONE));
    }

    @Test
    void theBodyOfAResponsesRequest() throws Exception {
        api = "responses";
        assertEquals("{\"model\":\"gpt-4\",\"stream\":true,\"input\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                + "\"max_output_tokens\":200,\"temperature\":0.0}", one("gpt-4", WITH_KEY)
                .body(Prompt.ofText("p", "Hi", "p"), SAMPLING, UsageRequest.AT_THE_END));
    }

    @Test
    void aConversationIsOneTextForACompletion() throws Exception {
        api = "completions";
        var chat = Prompt.ofTurns("p", List.of(new Prompt.Message("system", "Be short."), new Prompt.Message("user", "Hi"),
                new Prompt.Message("assistant", "Hello"), new Prompt.Message("user", "Bye")), "p");
        assertTrue(one("gpt-4", WITH_KEY).body(chat, SAMPLING, UsageRequest.NONE)
                .contains("\"prompt\":\"Be short.\\n\\nUser: Hi\\n\\nAssistant: Hello\\n\\nUser: Bye\\n\\nAssistant:\""));
    }

    @ParameterizedTest
    @CsvSource({"o1,true", "o3-mini,true", "gpt-5,true", "gpt-5-mini,true", "gpt-5.1,true", "gpt-4o,false", "o10,false",
            "gpt-50,false", "foo1,false"})
    void aReasoningModelIsKnownByItsName(String name, boolean isOne) throws Exception {
        assertEquals(isOne, one(name, WITH_KEY).body(Prompt.ofText("p", "Hi", "p"), SAMPLING, UsageRequest.NONE)
                .contains("max_completion_tokens"));
    }

    @Test
    void reasoningModelsGetTheParametersTheyAccept() throws Exception {
        assertEquals("{\"model\":\"o3-mini\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                + "\"max_completion_tokens\":200}", one("o3-mini", WITH_KEY)
                .body(Prompt.ofText("p", "Hi", "p"), SAMPLING, UsageRequest.NONE));
    }

    @Test
    void aNullInExtraTakesAFieldOut() throws Exception {
        var model = fromFile("[{\"name\":\"m\",\"extra\":{\"temperature\":null,\"n\":2}}]", WITH_KEY).getFirst();
        assertEquals("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                + "\"max_tokens\":200,\"n\":2}", model.body(Prompt.ofText("p", "Hi", "p"), SAMPLING, UsageRequest.NONE));
        var prompt = new Prompt("p", List.of(new Prompt.Message("user", "Hi")), null, null, null,
                new TreeMap<>(Map.of("n", 3, "top_p", 0.5)), Map.of(), "p");
        assertEquals("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":200,"
                + "\"n\":2,\"top_p\":0.5}",
                model.body(prompt, SAMPLING, UsageRequest.NONE), "the extra of the model counts more");
    }
}
