package stream.api;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import okio.Buffer;
import okio.ForwardingSource;
import okio.Source;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.DecodedStream;
import stream.prompt.PromptSet;

/**
 * Inputs that nobody would write: pieces of right ones, cut, doubled, swapped and spoiled. Nothing but the documented
 * exceptions may come, and all must end. Each seed makes the same inputs again; a failure prints its own.
 */
@Execution(ExecutionMode.CONCURRENT)
class FuzzTest {

    /** More with {@code STREAM_FUZZ=1000000 ./jbang tests/AllTests.java FuzzTest}. */
    private static final int CASES = Integer.parseInt(System.getenv().getOrDefault("STREAM_FUZZ", "3000"));

    private static final List<String> STREAMS = new ArrayList<>(List.of(
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
            "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "
            + "tök🌊en\"},\"finish_reason\":null}],\"usage\":null}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":12,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":1}}}\r\n\r\n",
            "event: error\ndata: {\"message\":\"no\"}\n\n", "error: {\"code\":500}\n\n", ": comment\n\n", "data: [DONE]\n\n",
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\\\"\\u00e9\"}\n\n",
            "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"usage\":{\"output_tokens\":1e99}}}"
            + "\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n\n",
            "data: {\"error\":{\"message\":null,\"code\":7,\"type\":[]}}\n\n", "data:\ndata: {\ndata: }\nid: \0\nretry: x\n\n",
            "\uFEFFdata: {\"choices\":[{\"text\":\"x\"}]}\n\n"));

    static {
        StreamTableTest.CASES.forEach(stream -> STREAMS.addAll(List.of(stream.body().split("(?<=\n\n)"))));
    }

    private static final List<String> PROMPTS = List.of(
            "---\nid: x\nmax_tokens: 3\nlabels: [a, {b: c}]\n---\n## system\nBe brief.\n## user\nWhy?\n",
            "{\"custom_id\":\"1\",\"body\":{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"top_p\":0.5}}"
            + "\n{\"prompt\":\"ü🌊\"}\n\"text\"\n",
            "[{\"prompt\":\"a\",\"max_tokens\":1e3}, // comment\n {\"conversations\":[{\"from\":\"human\",\"value\":\"x\"}]}]",
            "prompt,id,system,max_tokens\n\"a\nb\",1,s,5\nc,2,,\n",
            "<|im_start|>system\nx<|im_end|>\n<|im_start|>user\ny<|im_end|>\n",
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"temperature\":-1}",
            "\uFEFFtext");

    private static final String SPICE = "{}[]\",:\\/\n\r\t \0-+0123456789eE.#|<>&*!%@`'~äé日🌊\uFEFF\uD800";

    /** Cuts, doubles, swaps and spoils pieces of the seeds. */
    private static byte[] spoiled(Random random, List<String> seeds) {
        var text = new StringBuilder();
        for (int i = random.nextInt(4); i >= 0; i--) {
            text.append(seeds.get(random.nextInt(seeds.size())));
        }
        for (int i = random.nextInt(6); i > 0 && !text.isEmpty(); i--) {
            var at = random.nextInt(text.length());
            var end = Math.min(text.length(), at + random.nextInt(20));
            switch (random.nextInt(5)) {
                case 0 -> text.delete(at, end);
                case 1 -> text.insert(at, text.substring(at, end));
                case 2 -> text.setLength(at);
                case 3 -> text.insert(at, ("" + SPICE.charAt(random.nextInt(SPICE.length()))).repeat(1 + random.nextInt(3)));
                default -> text.insert(at, "[{".repeat(random.nextInt(600)));
            }
        }
        var bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        if (bytes.length > 0 && random.nextInt(4) == 0) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }

    /** What came of the bytes if each read brings so many of them, and the fields are read so. */
    private static List<StreamEvent> decoded(byte[] bytes, int perRead, EventFields fields, Dialect dialect) {
        return DecodedStream.of(new ForwardingSource((Source) new Buffer().write(bytes)) {
            @Override
            public long read(Buffer sink, long byteCount) throws IOException {
                return super.read(sink, Math.min(byteCount, perRead));
            }
        }, fields, dialect);
    }

    @Test
    @Timeout(3600)
    void anyBytesDecodeToEventsHoweverTheyAreSplitAndNothingIsThrown() {
        for (int seed = 0; seed < CASES; seed++) {
            var bytes = spoiled(new Random(seed), STREAMS);
            var number = seed;
            var dialect = Dialect.ALL.get(seed % Dialect.ALL.size());
            assertTimeoutPreemptively(Duration.ofSeconds(20),
                    () -> Assertions.assertEquals(decoded(bytes, 8192, EventFields.OKHTTP, dialect),
                    decoded(bytes, 1 + number % 7, EventFields.LINES, dialect)),
                    "seed " + seed + ": " + new String(bytes, StandardCharsets.UTF_8));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"txt", "md", "jsonl", "json", "csv", "chatml"})
    @Timeout(3600)
    void anyPromptFileIsReadOrRefusedWithALine(String ending, @TempDir Path folder) throws Exception {
        var file = folder.resolve("prompts." + ending);
        for (int seed = 0; seed < CASES / 3; seed++) {
            Files.write(file, spoiled(new Random(seed), PROMPTS));
            var number = seed;
            Assertions.assertAll("seed " + number, () -> {
                var set = assertTimeoutPreemptively(Duration.ofSeconds(20),
                        () -> PromptSet.read(List.of(file.toString()), System.in, List.of(), false));
                for (var problem : set.problems()) {
                    Assertions.assertEquals(1, problem.lines().count(), "seed " + number + ": " + problem);
                    Assertions.assertTrue(problem.contains(file.toString()), "seed " + number + ": " + problem);
                }
                Assertions.assertFalse(set.prompts().isEmpty() && set.problems().isEmpty(),
                        "seed " + number + ": neither read nor refused");
            });
        }
    }
}
