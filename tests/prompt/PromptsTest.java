package stream.prompt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.fixtures.Printed;
import stream.fixtures.TestRun;

/** Every format of prompt set, from real files. */
@Execution(ExecutionMode.CONCURRENT)
class PromptsTest {

    @TempDir
    Path folder;

    private PromptSet read(String name, String text) throws Exception {
        Files.createDirectories(folder.resolve(name).getParent());
        Files.writeString(folder.resolve(name), text);
        return PromptSet.read(List.of(folder.resolve(name).toString()), InputStream.nullInputStream(), List.of(), false);
    }

    private Prompt one(String name, String text) throws Exception {
        var set = read(name, text);
        assertEquals(List.of(), set.problems());
        assertEquals(1, set.prompts().size());
        return set.prompts().getFirst();
    }

    /** Holds the only problem against text in which FILE stands for the file. */
    private void assertProblem(String expected, String name, String text) throws Exception {
        var problems = read(name, text).problems();
        assertEquals(List.of(expected.replace("FILE", folder.resolve(name).toString())), problems);
    }

    private static String chat(Prompt prompt) {
        return prompt.messages().stream().map(message -> message.role() + ": " + message.content())
                .collect(Collectors.joining(" / "));
    }

    @Test
    void aTextFileIsOnePromptNamedAfterTheFile() throws Exception {
        var prompt = one("sky.txt", "Why is\nthe sky blue?\n\n");
        assertEquals("sky.txt", prompt.id());
        assertEquals("user: Why is\nthe sky blue?", chat(prompt));
        assertTrue(prompt.isPlain());
    }

    @Test
    void byteOrderMarkAndCarriageReturnsBelongToTheFile() throws Exception {
        assertEquals("user: a\nb", chat(one("a.txt", "\uFEFFa\r\nb\r\n")));
    }

    @Test
    void markdownIsOnePrompt() throws Exception {
        assertEquals("user: # Title\n\nText", chat(one("a.md", "# Title\n\nText\n")));
    }

    @Test
    void markdownHeadingsMakeAChat() throws Exception {
        assertEquals("system: Be short. / user: Hi\n## Other / assistant: Hello / user: Bye",
                chat(one("a.md", "## System\n\nBe short.\n\n## user\nHi\n## Other\n## assistant\nHello\n## user\nBye")));
    }

    @Test
    void frontMatterGivesIdSystemLimitsAndLabels() throws Exception {
        var prompt = one("a.md", "---\nid: capital\nsystem: Be short.\nmax_tokens: 60\ntemperature: 0.5\ntopic: geo\n---\nHi\n");
        assertEquals("capital", prompt.id());
        assertEquals("system: Be short. / user: Hi", chat(prompt));
        assertEquals(60, prompt.maxTokens());
        assertEquals(0.5, prompt.temperature());
        assertEquals(Map.of("topic", "geo"), prompt.labels());
    }

    @Test
    void batchLinesBringMessagesLimitsModelAndFurtherParameters() throws Exception {
        var prompt = one("a.jsonl", """
                {"custom_id":"q1","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":\
                [{"role":"system","content":"S"},{"role":"user","content":[{"type":"text","text":"U"}]}],\
                "max_tokens":9,"temperature":1,"top_p":0.5,"stream":false}}
                """);
        assertEquals("q1", prompt.id());
        assertEquals("system: S / user: U", chat(prompt));
        assertEquals(9, prompt.maxTokens());
        assertEquals(1.0, prompt.temperature());
        assertEquals("m", prompt.model());
        assertEquals("[top_p]", prompt.extra().keySet().toString());
        for (var limit : List.of("max_tokens", "max_completion_tokens", "max_output_tokens")) {
            var limited = one(limit + ".jsonl", "{\"custom_id\":\"q\",\"body\":{\"prompt\":\"x\",\"" + limit + "\":7}}");
            assertEquals("7 {}", limited.maxTokens() + " " + limited.extra(), limit);
        }
        assertEquals("user: old", chat(one("b.jsonl", "{\"custom_id\":\"q2\",\"body\":{\"prompt\":\"old\"}}")));
    }

    @Test
    void jsonLinesAreNamedAfterFileAndLineUnlessTheyBringAnId() throws Exception {
        var set = read("a.jsonl", "{\"prompt\":\"a\"}\n\n{\"prompt\":\"b\",\"id\":\"bee\"}\n\"c\"\n");
        assertEquals(List.of("a.jsonl:1", "bee", "a.jsonl:4"), set.prompts().stream().map(Prompt::id).toList());
    }

    @Test
    void aConversationIsReadUpToTheFirstAnswer() throws Exception {
        assertEquals("system: S / user: Q", chat(one("a.jsonl", """
                {"conversations":[{"from":"system","value":"S"},{"from":"human","value":"Q"},\
                {"from":"gpt","value":"A"},{"from":"human","value":"Q2"}]}""")));
    }

    @Test
    void jsonIsOneObjectOrAnArrayOfThemAndMayHoldComments() throws Exception {
        assertEquals("a.json", one("a.json", "{\"prompt\": \"x\"}").id());
        var oneLine = read("c.json", "[\"x\", \"y\"]");
        assertEquals(List.of("c.json:1", "c.json:1.2"), oneLine.prompts().stream().map(Prompt::id).toList());
        var set = read("b.json", "[\n  // first\n  {\"prompt\":\"x\"},\n  {\"prompt\":\"y\"},\n]");
        assertEquals(List.of("b.json:3", "b.json:4"), set.prompts().stream().map(Prompt::id).toList());
    }

    @Test
    void csvColumnsBecomeFieldsAndLabels() throws Exception {
        var set = read("a.csv", "id,prompt,system,max_tokens,temperature,topic\n"
                + "x,\"Two\nlines, \"\"quoted\"\"\",S,7,0.5,geo\n,plain,,,,\n");
        assertEquals(List.of(), set.problems());
        var first = set.prompts().getFirst();
        assertEquals("system: S / user: Two\nlines, \"quoted\"", chat(first));
        assertEquals(7, first.maxTokens());
        assertEquals(Map.of("topic", "geo"), first.labels());
        assertEquals("a.csv:4", set.prompts().getLast().id());
    }

    @Test
    void chatmlTurnsBecomeMessagesAndTheOpenOneIsLeftOut() throws Exception {
        assertEquals("system: S / user: U", chat(one("a.chatml",
                "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n")));
    }

    @Test
    void aChatForACompletionsModelBecomesText() throws Exception {
        var prompt = one("a.md", "## system\nBe short.\n## user\nHi\n## assistant\nHello\n## user\nBye");
        assertEquals("Be short.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye\n\nAssistant:", prompt.asText());
        assertEquals("Hi", Prompt.ofText("a", "Hi", "a").asText());
    }

    @Test
    void eachBadLineIsNamedByFileAndLine() throws Exception {
        assertProblem("FILE:2: not JSON: Unexpected character ('}' (code 125))", "a.jsonl", "{\"prompt\":\"a\"}\n{\"prompt\":}\n");
        assertProblem("FILE:1: none of prompt, messages, conversations, body.messages or body.prompt in it", "b.jsonl",
                "{\"x\":1}");
        assertProblem("FILE:1: prompt is not a text; write one prompt a line", "c.jsonl", "{\"prompt\":[\"a\",\"b\"]}");
        assertProblem("FILE:1: unknown role 'boss'; use system, user or assistant", "d.jsonl",
                "{\"messages\":[{\"role\":\"boss\",\"content\":\"x\"}]}");
        assertProblem("FILE:1: unknown role 'b ss'; use system, user or assistant", "m.jsonl",
                "{\"messages\":[{\"role\":\"b\\r\\nss\",\"content\":\"x\"}]}");
        assertProblem("FILE:1: a content part of type 'image_url'; only text can be streamed", "e.jsonl",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}");
        assertProblem("FILE:2: max_tokens is '0'; must be a whole number, at least 1", "f.csv", "prompt,max_tokens\nx,0\n");
        assertProblem("FILE:2: temperature is 'hot'; must be a number from 0 to 2", "g.csv", "prompt,temperature\nx,hot\n");
        assertProblem("FILE:3: 3 fields where the header has 2; quote a text that has commas", "h.csv",
                "id,prompt\na,b\nc,d, e\n");
        assertProblem("FILE:1: no column 'prompt' in the header; the first line names the columns", "i.csv", "a,b\n1,2\n");
        assertProblem("FILE:2: the front matter is not YAML: while parsing a flow node", "j.md", "---\nid: [\n---\nx\n");
        assertProblem("FILE:1: text before the first '## role' heading; move it below one", "k.md", "x\n## user\ny\n");
        assertProblem("FILE:3: ## user is empty", "l.md", "## system\nx\n## user\n\n");
        assertProblem("FILE:1: this turn has no <|im_end|>", "m.chatml", "<|im_start|>user\nx");
        assertProblem("FILE:3: this turn has no <|im_end|>", "q.chatml", "<|im_start|>user\nx<|im_end|>\n<|im_start|>user\nx");
        assertProblem("FILE:4: the prompt is empty", "r.md", "---\nid: x\n---\n\n");
        assertProblem("FILE: empty; write a prompt into it", "n.txt", " \n");
        assertProblem("FILE: no prompts in it", "o.jsonl", "\n");
        assertProblem("FILE: no prompts in it", "q.json", "\n");
        assertProblem("FILE:2: not JSON: Unexpected end-of-input in property name", "p.json", "[{\"prompt\":\"a\"},\n{\"pr");
    }

    @Test
    void nothingIsLostInSilence() throws Exception {
        assertProblem("FILE:1: more after the end of the array; put all into one array, or name the file .jsonl", "a.json",
                "[{\"prompt\":\"a\"}] [{\"prompt\":\"b\"}]");
        assertProblem("FILE:2: more after the end of the value; put all into one array, or name the file .jsonl", "l.json",
                "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}");
        assertProblem("FILE:1: not JSON: Duplicate Object property \"prompt\"", "b.jsonl", "{\"prompt\":\"x\",\"prompt\":\"y\"}");
        assertProblem("FILE:1: the front matter has no closing --- line", "c.md", "---\nid: x\ntext");
        assertProblem("FILE:1: content is empty", "d.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}");
        assertProblem("FILE:1: the id has a character that cannot be printed; give it another", "e.jsonl",
                "{\"id\":\"\\ud800\",\"prompt\":\"x\"}");
    }

    @Test
    void aKeyWithoutAValueIsNotGiven() throws Exception {
        var prompt = one("a.md", "---\nid:\nsystem:\n---\nHi");
        assertEquals("a.md user: Hi", prompt.id() + " " + chat(prompt));
        assertEquals("b.jsonl:1", one("b.jsonl", "{\"custom_id\":null,\"prompt\":\"x\"}").id());
    }

    @Test
    void aGlobThatIsNoneIsSaid() {
        assertEquals(List.of("[x: no such file, and not a glob: missing ']"),
                PromptSet.read(List.of("[x"), InputStream.nullInputStream(), List.of(), false).problems());
    }

    @Test
    void whatIsNoFileInAFolderIsLeftOut() throws Exception {
        Files.writeString(folder.resolve("good.txt"), "\uD83D\uDE00".repeat(80));
        Files.createSymbolicLink(folder.resolve("broken.txt"), folder.resolve("nowhere"));
        Files.createSymbolicLink(folder.resolve("loop.txt"), folder);
        var set = PromptSet.read(List.of(folder.toString()), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of("good.txt"), set.prompts().stream().map(Prompt::id).toList());
        assertEquals(2, set.notes().size());
    }

    @Test
    void idsFromFilesOfOneNameGetTheirPaths() throws Exception {
        for (var inner : List.of("a", "b")) {
            Files.writeString(Files.createDirectories(folder.resolve(inner)).resolve("x.json"), "[\"One?\", \"Two?\"]");
            Files.writeString(folder.resolve(inner).resolve("y.json"), "{\"prompt\": \"One?\"}");
        }
        var set = PromptSet.read(List.of(folder.toString()), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of(), set.problems());
        assertEquals(List.of("/a/x.json:1", "/a/x.json:1.2", "/a/y.json", "/b/x.json:1", "/b/x.json:1.2", "/b/y.json"),
                set.prompts().stream().map(prompt -> prompt.id().replace(folder.toString(), "")).toList());
    }

    @Test
    void oneBadFileDoesNotHideTheOthers() throws Exception {
        Files.write(folder.resolve("a.txt"), new byte[] {(byte) 0xff});
        Files.writeString(folder.resolve("b.txt"), "good");
        Files.writeString(folder.resolve("c.jsonl"), "{");
        var set = PromptSet.read(List.of(folder.toString()), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of("b.txt"), set.prompts().stream().map(Prompt::id).toList());
        assertEquals(folder.resolve("a.txt") + ": not UTF-8 text; convert it first", set.problems().getFirst());
        assertEquals(2, set.problems().size());
    }

    @Test
    void aFolderIsReadByNameWithoutReadmesAndHiddenFiles() throws Exception {
        for (var name : List.of("b.txt", "a.txt", "README.md", ".hidden.txt", "sub/c.txt", ".git/d.txt", "notes.pdf")) {
            Files.createDirectories(folder.resolve(name).getParent());
            Files.writeString(folder.resolve(name), name);
        }
        var set = PromptSet.read(List.of(folder.toString()), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of("a.txt", "b.txt", "c.txt"), set.prompts().stream().map(Prompt::id).toList());
        assertEquals(List.of(folder.resolve("notes.pdf")
                + ": left out, not a prompt file; they end in .chatml, .csv, .json, .jsonl, .md, .txt"), set.notes());
    }

    @Test
    void aGlobFindsFilesBelow() throws Exception {
        for (var name : List.of("a.txt", "a.md", "sub/b.txt")) {
            Files.createDirectories(folder.resolve(name).getParent());
            Files.writeString(folder.resolve(name), name);
        }
        var flat = PromptSet.read(List.of(folder + "/*.txt"), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of("a.txt"), flat.prompts().stream().map(Prompt::id).toList());
        var deep = PromptSet.read(List.of(folder + "/**.txt"), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of("a.txt", "b.txt"), deep.prompts().stream().map(Prompt::id).toList());
        var none = PromptSet.read(List.of(folder + "/*.csv"), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of(folder + "/*.csv: no prompt file matches"), none.problems());
    }

    @Test
    void filesOfTheSameNameAreToldApartAndGivenIdsMustBeUnique() throws Exception {
        read("x/a.txt", "one");
        read("y/a.txt", "two");
        read("z.jsonl", "{\"id\":\"i\",\"prompt\":\"a\"}\n{\"id\":\"i\",\"prompt\":\"b\"}");
        var set = PromptSet.read(List.of(folder.toString()), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of(folder + "/x/a.txt", folder + "/y/a.txt", "i"),
                set.prompts().stream().map(Prompt::id).toList());
        assertEquals(List.of(folder + "/z.jsonl:2: id 'i' is taken by " + folder + "/z.jsonl:1; ids must be unique"),
                set.problems());
    }

    @Test
    void lineIdsOfFilesOfTheSameNameAreToldApart() throws Exception {
        read("x/a.jsonl", "{\"prompt\":\"a\"}");
        read("y/a.jsonl", "{\"prompt\":\"b\"}");
        var set = PromptSet.read(List.of(folder.toString()), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of(folder + "/x/a.jsonl:1", folder + "/y/a.jsonl:1"),
                set.prompts().stream().map(Prompt::id).toList());
    }

    @Test
    void standardInputIsOnePrompt() {
        var set = PromptSet.read(List.of("-"), new ByteArrayInputStream("Hi\n".getBytes(StandardCharsets.UTF_8)), List.of(), false);
        assertEquals("stdin", set.prompts().getFirst().id());
        assertEquals("user: Hi", chat(set.prompts().getFirst()));
    }

    @Test
    void whatIsNotThereIsSaid() {
        var set = PromptSet.read(List.of("nowhere/x.txt"), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of("nowhere/x.txt: no such file or folder"), set.problems());
    }

    @Test
    void theSamplesHoldOneOfEachFormat() {
        var set = PromptSet.read(List.of("prompts"), InputStream.nullInputStream(), List.of(), false);
        assertEquals(List.of(), set.problems());
        assertEquals("[chatml, csv, json, jsonl, md, txt]", set.prompts().stream()
                .map(prompt -> prompt.source().replaceFirst(":\\d+$", "").replaceFirst(".*\\.", ""))
                .collect(Collectors.toCollection(java.util.TreeSet::new)).toString());
    }

    @Test
    void aDryRunChecksASetAndFailsOnABadOne() throws Exception {
        Files.writeString(folder.resolve("a.txt"), "Why is the sky blue?");
        var good = Printed.stream("--dry-run", folder.toString()).expect(0);
        assertTrue(good.out().startsWith("3 requests") && good.out().contains("a.txt"), good.out());
        Files.writeString(folder.resolve("b.jsonl"), "{");
        assertEquals("stream: " + folder + "/b.jsonl:1: not JSON: Unexpected end-of-input\n",
                Printed.stream("--dry-run", folder.toString()).expect(2).err());
    }

    @Test
    void aLongPlanIsListedOnRequest() {
        var plan = Printed.stream("--dry-run", "-p", "Hi", "-n", "20").expect(0).out();
        assertTrue(plan.startsWith("60 requests, 0 of them warm-up; "), plan);
        assertTrue(plan.endsWith("\n1 prompt, 3 models; --verbose lists the requests\n"), plan);
        assertEquals(61, Printed.stream("--dry-run", "-p", "Hi", "-n", "20", "-v").expect(0).out().lines().count());
    }

    @Test
    void aPromptKnowsItsLengthAndWhetherItInstructsTheModel() {
        var plain = Prompt.ofText("p", "Why?", "p");
        assertEquals(4, plain.length());
        assertFalse(plain.hasSystem());
        assertTrue(plain.withSystem("Be brief.").hasSystem());
        assertEquals(13, plain.withSystem("Be brief.").length());
        var turns = Prompt.ofTurns("t", List.of(new Prompt.Message("developer", "D"), new Prompt.Message("user", "U")), "t");
        assertTrue(turns.hasSystem());
        assertEquals("developer: line\nD / user: U", chat(turns.beginningWith("line")));
        assertEquals("t", turns.beginningWith("line").id());
    }

    @Test
    void limitsAreInclusive() throws Exception {
        assertEquals(1, one("a.md", "---\nmax_tokens: 1\ntemperature: 0\n---\nHi\n").maxTokens());
        assertEquals(2.0, one("b.md", "---\ntemperature: 2\n---\nHi\n").temperature());
        assertEquals(0.0, one("c.md", "---\ntemperature: 0\n---\nHi\n").temperature());
        assertProblem("FILE: max_tokens is '0'; must be a whole number, at least 1", "d.md", "---\nmax_tokens: 0\n---\nHi\n");
        assertProblem("FILE: temperature is '2.1'; must be a number from 0 to 2", "e.md", "---\ntemperature: 2.1\n---\nHi\n");
        assertProblem("FILE:2: the front matter is not 'key: value' lines", "f.md", "---\n- a\n---\nHi\n");
    }

    @Test
    void aMissingTurnIsNamedWithItsLine() throws Exception {
        assertProblem("FILE:5: ## user is empty", "a.md", "---\nid: x\n---\n\n## user\n\n## assistant\nA\n");
        assertEquals("user: Q", chat(one("b.jsonl", "{\"input\":[{\"role\":\"user\",\"content\":\"Q\"}]}")));
    }

    @Test
    void theFilesOfABrowserAreReadByTheirNames() {
        var set = PromptSet.ofFiles(new TreeMap<>(Map.of("folder/a.txt", bytes("A"), "b.jsonl", bytes("{\"prompt\":\"B\"}\n{"),
                "c.exe", bytes("C"), "/", bytes("D"))));
        assertEquals(List.of("/: not the name of a file; give it another",
                "c.exe: not a prompt file; they end in .chatml, .csv, .json, .jsonl, .md, .txt"),
                set.problems().stream().filter(problem -> !problem.startsWith("b.jsonl:2")).toList());
        assertEquals(3, set.problems().size());
        assertTrue(set.prompts().stream().anyMatch(prompt -> prompt.id().equals("a.txt") && chat(prompt).equals("user: A")),
                set.prompts().toString());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    // Records that cannot be used

    /** In this order: a record as its makers write it, what is said of it. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"instruction\":\"Translate\",\"input\":\"Hallo\",\"output\":\"Hello\"}|FILE:1: instruction and input are not put "
                + "together yet; write both into prompt",
        "{\"input\":\"Who?\",\"context\":\"A long text\",\"answers\":[\"He\"],\"_id\":\"7\"}|FILE:1: context and input are not "
        + "put together yet; write both into prompt",
        "{\"id\":7,\"input\":\"Hi\"}|FILE:1 (id 7): input is not read outside the body of a batch; call it prompt",
        "{\"custom_id\":\"e-1\",\"method\":\"POST\",\"url\":\"/v1/embeddings\",\"body\":{\"model\":\"m\",\"input\":\"Hi\"}}|"
        + "FILE:1 (id e-1): a request for /v1/embeddings, which does not stream; leave it out",
        "{\"id\":\"t\",\"messages\":[{\"role\":\"user\",\"content\":\"Weather?\"},{\"role\":\"assistant\",\"content\":null,"
        + "\"tool_calls\":[{\"id\":\"c\"}]}]}|FILE:1 (id t): turn 2 is a tool call or its result, which are not sent yet; leave "
        + "it out",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"tool\",\"content\":\"7\"}]}|FILE:1: turn 2 is a tool "
        + "call or its result, which are not sent yet; leave it out",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\"}}]}|"
        + "FILE:1: turn 2 is a tool call or its result, which are not sent yet; leave it out",
        "{\"prompt\":\"Hi\",\"tools\":[{}]}|FILE:1: tools is sent in the body of a batch alone; put it there, or into extra of a "
        + "--models file",
        "{\"prompt\":\"Hi\",\"response_format\":{}}|FILE:1: response_format is sent in the body of a batch alone; put it there, "
        + "or into extra of a --models file",
        "{\"prompt\":\"Hi\",\"score\":NaN}|FILE:1: not JSON: Non-standard token 'NaN'"})
    void aRecordThatWouldLoseAPartIsRefusedByItsPlaceAndId(String record, String problem) throws Exception {
        assertProblem(problem, "set.jsonl", record);
    }

    @Test
    void theBodiesOfABatchAreReadForEachPathThatStreams() throws Exception {
        for (var path : List.of("/v1/chat/completions", "/v1/completions", "/v1/responses")) {
            var body = path.endsWith("responses") ? "{\"input\":\"Hi\"}" : path.endsWith("chat/completions")
                    ? "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}" : "{\"prompt\":\"Hi\"}";
            assertEquals("user: Hi", chat(one("batch.jsonl",
                    "{\"custom_id\":\"a\",\"url\":\"" + path + "\",\"body\":" + body + "}")));
        }
    }

    @Test
    void ofManyBadRecordsFiveAreNamedAndTheOthersCounted() throws Exception {
        var file = folder.resolve("set.json");
        var records = new StringBuilder("[");
        for (int i = 1; i <= 9; i++) {
            records.append(i == 1 ? "" : ",")
                    .append(i == 3 ? "{\"id\":\"good\",\"prompt\":\"Hi\"}" : "{\"id\":\"r" + i + "\",\"prompt\":\"\"}");
        }
        assertEquals(List.of(file + ":1 (id r1): prompt is empty", file + ":1, record 2 (id r2): prompt is empty",
                file + ":1, record 4 (id r4): prompt is empty", file + ":1, record 5 (id r5): prompt is empty",
                file + ":1, record 6 (id r6): prompt is empty",
                file + ": 3 more records cannot be used; --skip-bad leaves all 8 out"),
                read("set.json", records + "]").problems());
        var skipped = PromptSet.read(List.of(file.toString()), InputStream.nullInputStream(), List.of(), true);
        assertEquals(List.of(), skipped.problems());
        assertEquals(List.of("good"), skipped.prompts().stream().map(Prompt::id).toList());
        assertEquals(List.of(file + ": 8 records left out; one is " + file + ":1 (id r1): prompt is empty"), skipped.notes());
    }

    @Test
    void whatIsWrongWithAFileAsAWholeIsNotSkipped() throws Exception {
        for (var text : List.of("[{\"prompt\":\"a\"},", "[{\"prompt\":\"\"}]", "[]")) {
            var file = Files.writeString(folder.resolve("set.json"), text);
            var set = PromptSet.read(List.of(file.toString()), InputStream.nullInputStream(), List.of(), true);
            assertEquals(1, set.problems().size(), text);
            assertEquals(List.of(), set.prompts());
        }
    }

    @Test
    void twoRecordsOfOneIdAreABadRecord() throws Exception {
        var file = Files.writeString(folder.resolve("set.csv"), "id,prompt\na,One\na,Two\nb,\n");
        assertEquals(List.of(file + ":4 (id b): prompt is empty",
                file + ":3: id 'a' is taken by " + file + ":2; ids must be unique"),
                PromptSet.read(List.of(file.toString()), InputStream.nullInputStream(), List.of(), false).problems());
        var skipped = PromptSet.read(List.of(file.toString()), InputStream.nullInputStream(), List.of(), true);
        assertEquals(List.of("user: One"), skipped.prompts().stream().map(PromptsTest::chat).toList());
    }

    @Test
    void conversationsThatEndWithTheAssistantAreNamedAndCounted() throws Exception {
        var turns = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Well,\"}]}\n";
        var set = read("set.jsonl", "{\"id\":\"a\"," + turns + "{\"id\":\"b\"," + turns
                + "{\"id\":\"c\",\"prompt\":\"Hi\"}\n{\"id\":\"d\"," + turns
                + "{\"id\":\"e\"," + turns);
        assertEquals(List.of(), set.problems());
        assertEquals(List.of(folder.resolve("set.jsonl")
                + ": 4 prompts (a, b, d, ...) with the assistant's turn last, which is sent as the beginning of the"
                + " answer"), set.notes());
    }

    @Test
    void theCommandLeavesBadRecordsOutIfThatIsWanted() throws Exception {
        var file = Files.writeString(folder.resolve("set.jsonl"), "{\"prompt\":\"Hi\"}\n{\"prompt\":\"\"}\n");
        var run = TestRun.of(folder.resolve("results"), file.toString(), "--simulate", "-m", "sim-ttft1-itl1-n2",
                "--skip-bad", "--echo", "none");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.err().startsWith("stream: " + file + ": 1 record left out; it is " + file + ":2: prompt is empty\n"),
                run.err());
        assertEquals(1, run.requests().size());
    }
}
