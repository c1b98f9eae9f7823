package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.StreamRunCase;
import stream.fixtures.TestRun;
import stream.fixtures.ToolProcess;
import tools.jackson.databind.json.JsonMapper;

/** Questions on a terminal, one after the other. */
class AskTest extends StreamRunCase {

    /** The answers of each model go to that model alone; a question that got none is forgotten. */
    /** Whether it is shown or not: an answer goes back to who asked. */
    @ParameterizedTest
    @ValueSource(strings = {"tokens", "none"})
    void aChatTellsEachModelWhatItSaidBefore(String echo) throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            for (var answer : List.of("Blue.", "", "Because.")) {
                server.enqueue(answer.isEmpty() ? new MockResponse.Builder().code(400).build() : new MockResponse.Builder()
                        .addHeader("Content-Type", "text/event-stream")
                        .body("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + answer
                                + "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n").build());
            }
            TestRun.of(results, Map.of(), "Colour?\nSure?\nWhy?\n", "--base-url", server.url("/v1").toString(),
                    "-m", "m", "--ask", "--chat", "--echo", echo,
                    "--system", "Be brief.");
            var asked = new ArrayList<String>();
            for (int i = 0; i < 3; i++) {
                var messages = JsonMapper.shared().readTree(server.takeRequest().getBody().utf8()).get("messages");
                asked.add(messages.valueStream().map(each -> each.get("role").asString() + " " + each.get("content").asString())
                        .collect(Collectors.joining(", ")));
            }
            assertEquals(List.of("system Be brief., user Colour?",
                    "system Be brief., user Colour?, assistant Blue., user Sure?",
                    "system Be brief., user Colour?, assistant Blue., user Why?"), asked);
        }
    }

    @Test
    void askingGoesOnUntilAnEmptyLine() {
        var run = run(Map.of(), "First?\nSecond?\n\nnever\n", "-m", QUICK, "--ask");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(List.of("ask-1", "ask-2"), column(run.requests(), "prompt_id"));
        var prompts = JsonMapper.shared().readTree(run.file("run.json")).path("prompts");
        assertEquals(List.of("ask-1 First?", "ask-2 Second?"),
                prompts.valueStream().map(prompt -> prompt.path("id").asString("") + " "
                + prompt.path("text").asString("")).toList(), "the questions are in no other file");
        assertEquals(3, run.err().split("Ask a question: ", -1).length - 1);
    }

    @Test
    void withoutATerminalWhatIsSentIsSaidAndNotAsked() {
        var run = TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl1-n2", "--echo", "none");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.err().startsWith(
                "stream: the prompts of prompts/ to sim-ttft1-itl1-n2: 8 requests, 0 of them warm-up; at most "), run.err());
        assertFalse(run.err().contains("[y/N]"));
        results = results.resolve("quiet");
        assertEquals("", TestRun.of(results, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl1-n2",
                "--echo", "none", "-q").err());
    }

    @Test
    void askingNothingLeavesNoRun() {
        assertEquals("Ask a question: ", run(Map.of(), "", "--ask").err());
        assertEquals(0, results.toFile().list().length);
    }

    @Test
    void interruptedWhileItAnswersItDoesNotAskAgain() throws Exception {
        var process = ToolProcess.of(List.of(), "stream.Stream", "--base-url", simulator.baseUrl(), "-m",
                "sim-ttft1-itl20-n10000", "--max-tokens", "10000", "--ask", "--no-self-warmup", "-q", "--results",
                results.toString()).start();
        try {
            process.getOutputStream().write("First?\nSecond?\n".getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
            process.getInputStream().read(); // the first token is on the screen
            ToolProcess.interrupt(process);
            assertTrue(process.waitFor(20, TimeUnit.SECONDS), "still running");
            var said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(2, said.split("Ask a question: ", -1).length, said);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void askingEndsWithTheInput() {
        assertEquals(List.of("ask-1"), column(run(Map.of(), "First?\n", "-m", QUICK, "--ask").requests(), "prompt_id"));
    }
}
