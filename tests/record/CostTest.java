package stream.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.api.Price;
import stream.api.Usage;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.fixtures.TestRun;
import tools.jackson.databind.json.JsonMapper;

/** Prices of models, and what answers cost. */
@Execution(ExecutionMode.CONCURRENT)
class CostTest {

    @TempDir
    Path folder;

    private final List<String> problems = new ArrayList<>();

    private Price price(String json) {
        return Price.of(JsonMapper.shared().readTree(json), problems::add);
    }

    /** Worked out by hand: 0.1 and 0.2 have no exact double. */
    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "1000000, 0,      0,       0.1",
        "3,       0,      0,       0.0000003",
        "3,       -,      1,       0.0000007",
        "3,       2,      1,       0.00000054",
        "3,       5,      0,       0.00000006", // more in the cache than there was: no less than the price of the cache
        "-,       0,      5,       -",
        "7,       0,      -,       -"
    })
    void theCostOfAnAnswerIsExact(Integer prompt, Integer cached, Integer output, BigDecimal expected) {
        var cost = price("{\"input\": 0.1, \"cached_input\": 0.02, \"output\": 0.4, \"currency\": \"USD\"}")
                .cost(new Usage(prompt, cached, output, null));
        if (expected == null) {
            assertNull(cost);
        } else {
            assertEquals(0, expected.compareTo(cost), expected + " and " + cost);
        }
    }

    @Test
    void withoutAPriceOfTheCacheItsTokensCostWhatOthersDo() {
        assertEquals(new BigDecimal("0.00002"), price("{\"input\": 2, \"output\": 0, \"currency\": \"EUR\"}")
                .cost(new Usage(10, 9, 1, null))
                .stripTrailingZeros());
    }

    @Test
    void aPriceThatIsNotValidIsNamedWithWhatToWrite() {
        assertNull(price("{\"input\": -1, \"output\": \"10\", \"curency\": \"USD\"}"));
        assertEquals(List.of("price has an unknown key 'curency'; there are input, cached_input, output, currency",
                "price.input is -1; must be a number, at least 0: what a million tokens cost",
                "price.output is \"10\"; must be a number, at least 0: what a million tokens cost",
                "price.currency is ''; must be a code of ISO 4217, such as USD"), problems);
        problems.clear();
        assertNull(price("{\"input\": 1, \"currency\": \"DOLLARS\"}"));
        assertEquals(List.of("price.output is missing; must be a number, at least 0: what a million tokens cost",
                "price.currency is 'DOLLARS'; must be a code of ISO 4217, such as USD"), problems);
        problems.clear();
        assertNull(price("2.5"));
        assertEquals(List.of("price is 2.5; write {\"input\": 1.25, \"output\": 10, \"currency\": \"USD\"}"), problems);
    }

    private String models(String... entries) throws Exception {
        return Files.writeString(folder.resolve("models.json"), "[" + String.join(",", entries) + "]").toString();
    }

    private static String model(String label, String currency) {
        return "{\"label\":\"" + label
                + "\",\"name\":\"gpt-4\",\"price\":{\"input\":2,\"cached_input\":1,\"output\":10,\"currency\":\"" + currency
                + "\"}}";
    }

    /** An answer of 20 prompt tokens, of which 8 were cached, and 5 output tokens: 12 x 2 + 8 x 1 + 5 x 10 = 82 millionths. */
    private static MockResponse answer(String usage) {
        return new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body("""
                data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}

                data: {"choices":[],"usage":%s}

                data: [DONE]

                """.formatted(usage)).build();
    }

    @Test
    void theCostOfEachAnswerIsInItsRowAndTheirMeanInTheTables() throws Exception {
        try (var server = new MockWebServer()) {
            server.enqueue(answer("{\"prompt_tokens\":20,\"completion_tokens\":5,"
                    + "\"prompt_tokens_details\":{\"cached_tokens\":8}}"));
            server.enqueue(answer("{\"prompt_tokens\":20,\"completion_tokens\":5}"));
            server.enqueue(answer("null"));
            server.enqueue(answer("{\"prompt_tokens\":20,\"completion_tokens\":0}")); // beside a text that is not believed
            server.start();
            var run = TestRun.of(folder.resolve("runs"), "-p", "Hi", "-n", "4", "--models",
                    models(model("m", "USD")), "--echo", "none",
                    "--base-url", server.url("/v1").toString(), "--no-self-warmup");
            assertEquals(0, run.exitCode(), run.err());
            assertEquals(List.of("0.000082", "0.00009", "", ""), run.requests().stream().map(row -> row.get("cost")).toList());
            assertTrue(run.err().contains(
                    "cost of m: 0.000086 USD per answer, 0.086 USD per 1,000 answers, of the 2 of 4 answers whose"
                    + " tokens the server counted\n"), run.err());
            var text = Printed.compare(run.folder()).expect(0).out();
            assertTrue(text.contains("  cost/answer  ") && text.contains("0.000086 USD  0.086 USD\n"), text);
            assertTrue(text.contains("note: m: 2 answers without the token counts of the server, not in the cost\n"), text);
            assertEquals("{\"input\":2,\"cached_input\":1,\"output\":10,\"currency\":\"USD\"}",
                    JsonMapper.shared().readTree(run.file("run.json")).at("/models/0/price").toString());
        }
    }

    @Test
    void currenciesAreNeitherAddedUpNorConverted() throws Exception {
        try (var server = new MockWebServer()) {
            for (int i = 0; i < 2; i++) {
                server.enqueue(answer("{\"prompt_tokens\":20,\"completion_tokens\":5}"));
            }
            server.start();
            var run = TestRun.of(folder.resolve("runs"), "-p", "Hi", "--models",
                    models(model("a", "USD"), model("b", "EUR")), "--echo",
                    "none", "--base-url", server.url("/v1").toString(), "--no-self-warmup");
            var byModel = Printed.compare(run.folder()).expect(0).out();
            assertTrue(byModel.contains("0.09 USD") && byModel.contains("0.09 EUR") && !byModel.contains("are priced in"), byModel);
            assertTrue(byModel.contains("note: costs are in different currencies, EUR and USD, which are not converted\n"),
                    byModel);
            var byServer = Printed.compare(run.folder(), "--by", "base_url").expect(0).out();
            assertTrue(!byServer.contains("cost/answer") && !byServer.contains("different currencies")
                    && byServer.contains("its requests are priced in EUR and USD, which are not added up"),
                    byServer);
        }
    }

    @Test
    void aDryRunPrintsAnUpperBoundForEachCurrency() throws Exception {
        var prompt = "x".repeat(1000);
        var run = TestRun.of(folder.resolve("runs"), "--dry-run", "-p", prompt, "--max-tokens", "100", "--models",
                models(model("a", "USD"), model("b", "EUR"), "{\"name\":\"free\"}"));
        assertEquals(0, run.exitCode(), run.err());
        var line = run.out().lines().filter(each -> each.startsWith("cost: ")).findFirst().orElseThrow();
        assertTrue(line.matches("cost: at most 0\\.003\\d+ EUR and 0\\.003\\d+ USD without retries, counting each byte of a "
                + "request as a token;"
                + " no price for free"), line);
        // 1000 bytes of text and less than 250 of JSON around it, at 2 and 10 a million
        var bound = new BigDecimal(line.replaceFirst("cost: at most ([0-9.]+) EUR.*", "$1"));
        assertTrue(bound.compareTo(new BigDecimal("0.003")) > 0 && bound.compareTo(new BigDecimal("0.0035")) < 0, line);
    }

    /** What a model's extra puts into the body counts, and so does the number of answers; without a limit there is no bound. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "{\"max_tokens\":50000};                     at most 50,000; at most 0.5",
        "{\"max_completion_tokens\":50000};          at most 50,000; at most 0.5",
        "{\"n\":4};                                  at most 400;    at most 0.004",
        "{\"n\":2,\"best_of\":3};                    at most 300;    at most 0.003",
        "{\"max_tokens\":null};                      no limit of;    -"
    })
    void theUpperBoundIsOfWhatIsReallySent(String extra, String tokens, String cost) throws Exception {
        var run = TestRun.of(folder.resolve("runs"), "--dry-run", "-p", "Hi", "--max-tokens", "100", "--models", models(
                "{\"name\":\"m\",\"price\":{\"input\":0,\"output\":10,\"currency\":\"USD\"},\"extra\":" + extra + "}"));
        assertTrue(run.out().contains("; " + tokens + " output tokens; "), run.out());
        assertEquals(!cost.equals("-"), run.out().contains("cost: " + cost + " USD without retries, "), run.out());
    }

    @Test
    void aBoundNamesTheModelsThatItLeavesOut() throws Exception {
        var run = TestRun.of(folder.resolve("runs"), "--dry-run", "-p", "Hi", "--max-tokens", "100",
                "--models", models(model("a", "USD"),
                model("b", "USD").replace("{\"label\"", "{\"extra\":{\"max_tokens\":null},\"label\""),
                "{\"name\":\"c\",\"extra\":{\"max_tokens\":null}}"));
        assertTrue(run.out().contains("counting each byte of a request as a token; no price for c; no limit of tokens for b\n"),
                run.out());
    }

    @Test
    void aLimitOnCostsOfDifferentCurrenciesOrWithoutAPriceIsUndecided() throws Exception {
        var run = new RunOnDisk(folder.resolve("r")).answer("a", "p", 1, 100, 5, 3, "cost", "0.001").answer("b", "p", 1, 100, 5, 3);
        run.record().putArray("models").addObject().put("label", "a").putObject("price").put("input", 1)
                .put("output", 1).put("currency", "USD");
        assertEquals("compare: --fail-if 'cost_per_answer > 1': undecided, b has no such figure\n",
                Printed.compare(run.write(), "--fail-if", "cost_per_answer > 1").expect(3).err());
        run.record().withArray("models").addObject().put("label", "b").putObject("price").put("input", 1)
                .put("output", 1).put("currency", "EUR");
        run.answer("b", "q", 1, 100, 5, 3, "cost", "0.001");
        assertEquals("compare: --fail-if 'cost_per_answer > 1': undecided, costs are in different currencies\n",
                Printed.compare(run.write(), "--fail-if", "cost_per_answer > 1").expect(3).err());
    }

    @Test
    void anUpperBoundIsRoundedUp() throws Exception {
        var run = TestRun.of(folder.resolve("runs"), "--dry-run", "-p", "Hi", "--max-tokens", "1000000", "--models",
                models("{\"name\":\"m\",\"price\":{\"input\":0,\"output\":1.2341,\"currency\":\"USD\"}}"));
        assertTrue(run.out().contains("cost: at most 1.235 USD without retries, "), run.out());
    }

    @Test
    void aPriceThatHasChangedIsNotMixedIntoARun() throws Exception {
        var run = TestRun.of(folder.resolve("runs"), "--simulate", "-p", "Hi", "--models",
                models(model("m", "USD")), "--echo", "none",
                "--no-self-warmup");
        models(model("m", "EUR"));
        var resumed = TestRun.of(folder.resolve("runs"), "--resume", run.folder().getFileName().toString());
        assertEquals(2, resumed.exitCode());
        assertEquals("stream: model m has another price than when the run began; restore it, or begin a new run\n", resumed.err());
    }
}
