package stream.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.Simulator;
import stream.fixtures.Printed;

/**
 * A simulated server with limits saturates at the load that they give. What is compared are the times at which tokens were due, of
 * which each chunk tells; they are bounds, since a token is never sent before.
 */
class CapacityTest {

    private static final Pattern DUE = Pattern.compile("\"content\":\"[^\"]+\".*?\"due_ns\":(\\d+)");

    private static CompletableFuture<HttpResponse<String>> ask(HttpClient client, SimulatedServer server,
            String model, String prompt) {
        return client.sendAsync(HttpRequest.newBuilder(URI.create(server.baseUrl() + "/chat/completions"))
                .POST(HttpRequest.BodyPublishers.ofString("{\"model\":\"" + model + "\",\"stream\":true,\"messages\":"
                + "[{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}")).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** When the tokens were due, in milliseconds since each request was received. */
    private static List<Double> due(String body) {
        return DUE.matcher(body).results().map(found -> Long.parseLong(found.group(1)) / 1e6).toList();
    }

    private static List<List<Double>> together(Capacity.Limits limits, int requests, String model, String prompt) throws Exception {
        try (var server = SimulatedServer.start("127.0.0.1", 0, 1, limits); var client = HttpClient.newHttpClient()) {
            var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
            for (int i = 0; i < requests; i++) {
                answers.add(ask(client, server, model, prompt));
            }
            var due = new ArrayList<List<Double>>();
            for (var answer : answers) {
                due.add(due(answer.get().body()));
            }
            return due;
        }
    }

    /** Each takes 20 + 9 * 50 = 470 ms, so the last of three has waited for two of them, less the time between the arrivals. */
    @Test
    void aRequestWaitsForASlot() throws Exception {
        var firsts = together(new Capacity.Limits(1, Double.POSITIVE_INFINITY, 0), 3, "sim-ttft20-itl50-n10", "Hi").stream()
                .map(List::getFirst).sorted().toList();
        assertTrue(firsts.get(0) >= 20 && firsts.get(1) >= 20, firsts.toString());
        assertTrue(firsts.get(2) - firsts.get(0) >= 470, firsts.toString());
        var free = together(new Capacity.Limits(3, Double.POSITIVE_INFINITY, 0), 3, "sim-ttft20-itl5-n10", "Hi");
        free.forEach(due -> assertEquals(45, due.getLast() - due.getFirst(), 1e-6));
    }

    /** Alone an answer has its own pace of 2 ms; four of them share 400 tokens per second, so each has one in 10 ms. */
    @Test
    void answersShareTheTokensPerSecond() throws Exception {
        var limits = new Capacity.Limits(Integer.MAX_VALUE, 400, 0);
        var alone = together(limits, 1, "sim-ttft1-itl3-n20", "Hi").getFirst();
        assertEquals(19 * 3, alone.getLast() - alone.getFirst(), 1e-6);
        var four = together(limits, 4, "sim-ttft50-itl3-n80", "Hi");
        var gaps = four.stream().flatMap(due -> java.util.stream.IntStream.range(1, 80).mapToObj(i -> due.get(i) - due.get(i - 1)))
                .sorted().toList();
        assertEquals(10, gaps.get(gaps.size() / 2), 1e-6, "the median gap");
        assertEquals(10, gaps.getLast(), 1e-6, "no gap is longer");
    }

    @Test
    void thePromptTakesTime() throws Exception {
        var limits = new Capacity.Limits(Integer.MAX_VALUE, Double.POSITIVE_INFINITY, 4);
        var words = together(limits, 1, "sim-ttft10-itl1-n2", "one two three four five").getFirst();
        assertEquals(10 + 5 * 4, words.getFirst(), 1e-6);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--slots|0|--slots 0; must be a whole number, at least 1",
        "--capacity|0|--capacity 0; must be more than 0 tokens per second",
        "--capacity|NaN|--capacity NaN; must be more than 0 tokens per second",
        "--prompt-token-ms|-1|--prompt-token-ms -1; must be a number of milliseconds, at least 0"})
    void aLimitThatIsNotOneIsNamed(String option, String value, String message) {
        assertEquals("simulator: " + message + "\n",
                Printed.of("simulator", Simulator::run, Map.of(), InputStream.nullInputStream(),
                false, option, value).expect(2).err());
    }
}
