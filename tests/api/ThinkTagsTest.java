package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.Compare;
import stream.fixtures.Printed;
import stream.fixtures.TestRun;

/** Thoughts that stand in the visible text of an answer, as models write them whose server does not take them out. */
@Execution(ExecutionMode.CONCURRENT)
class ThinkTagsTest {

    @TempDir
    Path folder;

    /** In this order: the texts of the events, separated by |, and what each is. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
        "<think>|Hm|.|</think>|NL|42; other:<think>|reasoning:Hm|reasoning:.|other:</think>|other:NL|content:42",
        "<think>NL|Hm|</think>NLNL|42|NL|!; other:<think>NL|reasoning:Hm|other:</think>NLNL|content:42|content:NL|content:!",
        "Hm|, so|</think>|42; reasoning:Hm|reasoning:, so|other:</think>|content:42",
        "Hm|so</think>NL|42; reasoning:Hm|reasoning:so</think>NL|content:42",
        "Hm</|think|>42|!; reasoning:Hm</|reasoning:think|content:42|content:!",
        "<|think|>|Hm|</|think|>|42; other:<|other:think|other:>|reasoning:Hm|reasoning:</|reasoning:think|reasoning:>|content:42",
        "NL|<think>Hm|</think>42; other:NL|reasoning:<think>Hm|content:42",
        "<think>Hm</think>42; content:42",
        "<think>|NL|Hm|</think>; other:<think>|other:NL|reasoning:Hm|other:</think>",
        "<think>|NL|</think>|NL|Hi; other:<think>|other:NL|other:</think>|other:NL|content:Hi",
        "The| answer; content:The| content: answer",
        "<b>|bold; content:<b>|content:bold",
        "<thinking>|Hm; content:<thinking>|content:Hm",
        "42|</think|; content:42|content:</think",
        "Sure: |<think>|a|</think>|Blue; content:Sure: |content:<think>|content:a|content:</think>|content:Blue",
        "Use <thi|nk> and </think>.|Or not; content:Use <thi|content:nk> and </think>.|content:Or not",
        "</think>|42|<think>|!|</think>; other:</think>|content:42|content:<think>|content:!|content:</think>"})
    void eachEventIsAThoughtOrVisibleTextOrATag(String texts, String expected) {
        var seen = new ArrayList<String>();
        var tags = new ThinkTags((nanos, read, event) ->
                seen.add(event.kind().word() + ":" + event.text() + " at " + nanos + " by " + read));
        tags.add(1, 1, new StreamEvent(EventKind.ROLE, null, null, false));
        assertEquals(List.of("role:null at 1 by 1"), seen, "nothing is held before the first text");
        var pieces = texts.strip().replace("NL", "\n").split("\\|");
        for (int i = 0; i < pieces.length; i++) {
            tags.add(100 + i, 2 + i, new StreamEvent(EventKind.CONTENT, pieces[i], null, false));
        }
        tags.add(200, 99, new StreamEvent(EventKind.DONE, null, null, true));
        tags.end();
        var meanings = expected.strip().replace("NL", "\n").split("\\| ?");
        var all = new ArrayList<>(List.of("role:null at 1 by 1"));
        for (int i = 0; i < meanings.length; i++) {
            all.add(meanings[i] + " at " + (100 + i) + " by " + (2 + i));
        }
        all.add("done:null at 200 by 99");
        assertEquals(all, seen);
    }

    @Test
    void aVisibleTextHasThoughtsIfATagIsWhereOneIsWritten() {
        assertTrue(ThinkTags.areIn(" \n<think>Hm"));
        assertTrue(ThinkTags.areIn("Hm</think>42"));
        assertTrue(ThinkTags.areIn("Hm</think>Write <think>"));
        assertFalse(ThinkTags.areIn("Use the <think> tag and </think>."));
        assertFalse(ThinkTags.areIn("Models write <think> first"));
        assertFalse(ThinkTags.areIn(""));
    }

    private TestRun thinking(String... arguments) throws IOException {
        try (var server = new MockWebServer()) {
            var body = new StringBuilder();
            for (var text : List.of("<think>", "Hm", "</think>", "42", "!")) {
                body.append("data: {\"choices\":[{\"delta\":{\"content\":\"").append(text).append("\"}}]}\n\n");
            }
            for (int i = 0; i < 2; i++) {
                server.enqueue(new MockResponse.Builder().setHeader("Content-Type", "text/event-stream")
                        .chunkedBody(body + "data: [DONE]\n\n", 30).build());
            }
            server.start();
            var all = new ArrayList<>(List.of("--base-url", server.url("/v1").toString(), "-p", "Hi", "-n", "2", "--echo", "none"));
            all.addAll(List.of(arguments));
            return TestRun.of(folder.resolve("results" + arguments.length), all.toArray(String[]::new));
        }
    }

    @Test
    void thoughtsInTheTextAreSaidInTheTableAndByCompare() throws IOException {
        var run = thinking("-m", "m");
        assertEquals("<think>Hm</think>42!", run.requests().getFirst().get("output"));
        assertTrue(run.err().contains(
                "\nwarning: m: 2 completed answers with thoughts inside the visible text, so that TTFT is that of the first"
                + " thought. --think-tags reads them as reasoning.\n"), run.err());
        var compared = Printed.of("compare", Compare::run, Map.of(), InputStream.nullInputStream(), false, run.folder().toString());
        assertTrue(compared.out().contains("m: 2 answers with thoughts inside the visible text"), compared.out());
    }

    /** The option is for all models, the key of the file for its own. */
    @Test
    void theyAreReadAsReasoningIfThatIsWanted() throws IOException {
        var models = Files.writeString(folder.resolve("models.json"), "[{\"name\": \"m\", \"think_tags\": true}]");
        for (var run : List.of(thinking("-m", "m", "--think-tags"), thinking("--models", models.toString()))) {
            var row = run.requests().getFirst();
            assertEquals("42!", row.get("output"));
            assertEquals("1 2", row.get("reasoning_events") + " " + row.get("content_events"));
            assertFalse(row.get("ttft_reasoning_ms").isEmpty());
            assertEquals(List.of("other", "reasoning", "other", "content", "content", "done"),
                    run.events().stream().limit(6).map(event -> event.get("kind")).toList());
            assertFalse(run.err().contains("thoughts"), run.err());
        }
    }
}
