package stream.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.api.ConnectionSettings;
import stream.api.HttpVersion;
import stream.api.Model;
import stream.api.ModelCatalog;
import stream.api.ModelSettings;
import stream.api.Sampling;
import stream.client.Limits;
import stream.fixtures.TestModels;
import stream.metric.Phase;
import stream.prompt.Prompt;
import stream.terminal.UserError;

/** Settings of a run, and the requests that follow from them. */
@Execution(ExecutionMode.CONCURRENT)
class PlanTest {

    private static final Model A = TestModels.of("a", "chat", "http://localhost:1");
    private static final Model B = TestModels.of("b", "chat", "http://localhost:1");
    private static final Path RESULTS = Path.of("r");

    @TempDir
    Path folder;

    // Settings

    private static RunSettings defaults() {
        return new RunSettings(false,
                new RequestSettings(null, new Sampling(200, 0, null), false, 300, 60, Retries.DEFAULT, Limits.DEFAULT),
                new LoadSettings(new Plan.Order(1, 0, true, 1), 1, LoadSettings.SelfWarmup.BATCHES, false),
                ConnectionSettings.DEFAULT,
                new RecordSettings(RESULTS, false, null), EchoSettings.SILENT, false);
    }

    /** Each value differs from its default. */
    private static RunSettings others() {
        return new RunSettings(true,
                new RequestSettings("@home", new Sampling(9, 0.5, 7L), true, 6, 7, new Retries(8, true),
                new Limits(1 << 20, 2 << 20)),
                new LoadSettings(new Plan.Order(2, 3, false, 4), 5, LoadSettings.SelfWarmup.ALWAYS, true),
                new ConnectionSettings(false, HttpVersion.HTTP_2, null), new RecordSettings(RESULTS, true, 0),
                new EchoSettings(EchoMode.LINES, false, 10, true), true);
    }

    @Test
    void aCommandLineHoldsAllThatShapesTheRequests() {
        assertEquals("--max-tokens 200 --temperature 0.0 --timeout 300.0 --stall-timeout 60.0 --max-event-mb 16 --max-answer-mb 64"
                + " -n 1 --warmup 0 -c 1 --seed 1 --connection reuse", String.join(" ", defaults().arguments()));
        assertEquals("--system=@@home --max-tokens 9 --temperature 0.5 --seed-param 7 --timeout 6.0 --stall-timeout 7.0 --retries 8"
                + " --max-event-mb 1 --max-answer-mb 2 --unique-prefix -n 2 --warmup 3 -c 5 --seed 4 --connection new --http 2"
                + " --csv-safe --simulate", String.join(" ", others().arguments()));
        assertEquals("--system=Be brief.",
                defaults().forQuestion("Be brief.", new Sampling(1, 0, null), new Plan.Order(1, 0, true, 1), 1)
                .arguments().getFirst());
    }

    @Test
    void optionsHaveTheNamesOfRunJson() {
        assertEquals("{system=null, max_tokens=200, temperature=0.0, seed_param=null, timeout_s=300.0, stall_timeout_s=60.0, "
                + "retries=2,"
                + " retries_of_empty_streams=false, max_event_mb=16, max_answer_mb=64, unique_prefix=false, repeat=1, warmup=0,"
                + " concurrency=1, order=interleaved, connection=reuse, http=null, csv_safe=false, echo=none, typing_delay_ms=0,"
                + " ask=false}", defaults().options().toString());
        assertEquals("{system=@home, max_tokens=9, temperature=0.5, seed_param=7, timeout_s=6.0, stall_timeout_s=7.0, retries=8,"
                + " retries_of_empty_streams=true, max_event_mb=1, max_answer_mb=2, unique_prefix=true, repeat=2, warmup=3,"
                + " concurrency=5, order=by-model, connection=new, http=2, csv_safe=true, echo=lines, typing_delay_ms=10,"
                + " ask=true}", others().options().toString());
    }

    @Test
    void aResumedRunAndAQuestionChangeNothingElse() {
        var record = new RecordSettings(Path.of("s"), false, null);
        var resumed = others().resumed(record, EchoSettings.SILENT);
        assertEquals(List.of(record, EchoSettings.SILENT), List.of(resumed.record(), resumed.echo()));
        assertEquals(others(), resumed.resumed(others().record(), others().echo()));
        var own = others().forQuestion(null, defaults().request().sampling(), defaults().load().order(), 99);
        assertEquals("null " + defaults().request().sampling() + " " + defaults().load().order() + " 99",
                own.request().system() + " " + own.request().sampling() + " " + own.load().order() + " "
                + own.load().concurrency());
        assertEquals(others(), own.forQuestion("@home", others().request().sampling(), others().load().order(), 5));
    }

    /** Whether there is a warm-up of the JVM, whether connections are opened ahead, whether the error of the client is measured. */
    @ParameterizedTest
    @CsvSource({"BATCHES, false, 1, false false false", "BATCHES, false, 2, true true false", "BATCHES, false, 9, true true false",
        "BATCHES, false, 10, true true true", "BATCHES, true, 1, true false false", "NEVER, false, 2, false true false",
        "NEVER, true, 1, false false false",
        "ALWAYS, false, 1, true false false"})
    void whatIsDoneBeforeTheFirstRequestDependsOnTheNumberOfThem(LoadSettings.SelfWarmup selfWarmup, boolean ask,
            int repeat, String expected) {
        var usual = defaults();
        var settings = new RunSettings(false, usual.request(),
                new LoadSettings(new Plan.Order(repeat, 0, true, 1), 1, selfWarmup, false),
                usual.connection(), usual.record(), usual.echo(), ask);
        var plan = Plan.of(prompts("p"), List.of(A, B), settings.load().order());
        assertEquals(expected, settings.warmsUp(plan) + " " + settings.opensAhead(plan) + " " + settings.calibrates(plan));
        assertFalse(others().opensAhead(plan), "each request has a new connection");
        assertTrue(others().calibrates(plan), "whatever their number");
    }

    @Test
    void theSystemMessageIsATextOrThatOfAFile() throws Exception {
        var file = Files.writeString(folder.resolve("system.txt"), "  Be brief.\n");
        var options = new RequestOptions();
        for (var each : Map.of("Be kind.", "Be kind.", "@" + file, "Be brief.", "@@home", "@home").entrySet()) {
            options.system = each.getKey();
            assertEquals(each.getValue(), options.systemText());
        }
        options.system = null;
        assertNull(options.systemText());
        options.system = "@" + folder.resolve("nowhere");
        assertEquals("--system @" + folder.resolve("nowhere") + ": the file cannot be read as UTF-8 text; name another",
                assertThrows(UserError.class, options::systemText).getMessage());
    }

    @Test
    void eachValueOutOfItsRangeIsNamed() {
        var order = new Plan.Order(0, -1, true, 1);
        assertEquals("""
                --max-tokens 0; must be a whole number, at least 1
                --temperature 2.5; must be a number from 0 to 2
                --timeout 0; must be a number from 0.001 to 1000000
                --stall-timeout 1000001; must be a number from 0.001 to 1000000
                --retries -1; must be a whole number, at least 0
                --max-event-mb 0; must be a whole number, at least 1
                --max-answer-mb 0; must be a whole number, at least 1""", problems(() -> new RequestSettings(null,
                new Sampling(0, 2.5, null), false, 0, 1_000_001, new Retries(-1, true), new Limits(0, 0))));
        assertEquals("""
                --repeat 0; must be a whole number, at least 1
                --warmup -1; must be a whole number, at least 0
                --concurrency 0; must be a whole number, at least 1""",
                problems(() -> new LoadSettings(order, 0, LoadSettings.SelfWarmup.NEVER, false)));
        assertEquals("--metrics-port 65536; must be a number from 0 to 65535",
                problems(() -> new RecordSettings(RESULTS, false, 65_536)));
        assertEquals("--typing-delay -1; must be a whole number, at least 0",
                problems(() -> new EchoSettings(EchoMode.NONE, true, -1, false)));
        assertEquals("--echo 'loud'; must be one of tokens, lines, events, none", problems(() -> EchoMode.of("loud")));
    }

    private static String problems(Executable settings) {
        return assertThrows(UserError.class, settings).getMessage();
    }

    // Requests

    private static List<Prompt> prompts(String... ids) {
        return List.of(ids).stream().map(id -> Prompt.ofText(id, "What is " + id + "?", "test")).toList();
    }

    private static List<String> ids(List<Job> jobs) {
        return jobs.stream().map(Job::requestId).toList();
    }

    @Test
    void byModelOneModelComesAfterTheOther() {
        var plan = Plan.of(prompts("p", "q"), List.of(A, B), new Plan.Order(2, 3, false, 1));
        assertEquals(List.of("p|a|1", "q|a|1", "p|a|2", "q|a|2", "p|b|1", "q|b|1", "p|b|2", "q|b|2"), ids(plan.jobs()));
        assertEquals(List.of("p|a|warmup-1", "q|a|warmup-2", "p|a|warmup-3", "p|b|warmup-1", "q|b|warmup-2", "p|b|warmup-3"),
                ids(plan.warmups()));
        assertEquals(14, plan.size());
        var last = plan.jobs().getLast();
        assertEquals(new Job("q|b|2", Phase.MEASURED, plan.prompts().getLast(), B, 2, 1), last);
        assertEquals(new Speaker("q|b|2", "b", "q", 1), last.speaker());
        assertEquals(Phase.WARMUP, plan.warmups().getFirst().phase());
        assertEquals(List.of("p|a|warmup-1", "q|a|warmup-2", "r|a|warmup-3", "p|a|warmup-4"),
                ids(Plan.of(prompts("p", "q", "r"), List.of(A), new Plan.Order(1, 4, true, 1)).warmups()));
    }

    @Test
    void interleavedEachPromptAndRepetitionIsOneBlockOfAllModels() {
        var plan = Plan.of(prompts("p", "q"), List.of(A, B), new Plan.Order(3, 0, true, 5));
        for (int i = 0; i < 6; i++) {
            var block = List.of("p|%s|1", "q|%s|1", "p|%s|2", "q|%s|2", "p|%s|3", "q|%s|3").get(i);
            assertEquals(List.of(block.formatted("a"), block.formatted("b")),
                    ids(plan.jobs().subList(2 * i, 2 * i + 2)).stream().sorted().toList());
        }
        assertEquals(2, IntStream.range(0, 6).mapToObj(i -> plan.jobs().get(2 * i).model()).distinct().count(),
                "not always the same is first");
        assertEquals(ids(plan.jobs()),
                ids(Plan.of(prompts("p", "q"), List.of(A, B), new Plan.Order(3, 0, true, 4).withSeed(5)).jobs()));
    }

    @Test
    void promptsThatNameTheirModelAreForThatOneIfNoneIsNamedOtherwise() {
        var own = new Prompt("p", List.of(new Prompt.Message("user", "Hi")), null, null, "b", Map.of(), Map.of(), "test");
        var catalog = ModelCatalog.of(new ModelSettings(List.of("a,b"), null, "http://localhost:1", "chat", false, List.of()),
                Map.of(),
                ModelCatalog.Access.WITH_KEYS);
        var all = new ArrayList<>(List.of(own));
        all.addAll(prompts("q"));
        var plan = Plan.of(all, catalog, true, new Plan.Order(1, 1, false, 1));
        assertEquals(List.of("p|b|1", "q|b|1", "q|a|1"), ids(plan.jobs()), "models in the order in which they are met");
        assertEquals(List.of("p|b|warmup-1", "q|a|warmup-1"), ids(plan.warmups()));
        assertEquals(List.of("p|a|1", "q|a|1", "p|b|1", "q|b|1"),
                ids(Plan.of(all, catalog, false, new Plan.Order(1, 0, false, 1)).jobs()));
        assertEquals(2, Plan.of(List.of(), catalog, true, new Plan.Order(1, 1, false, 1)).models().size(),
                "what will be asked is not known");
    }

    @Test
    void eachModelMayHaveAPromptOfItsOwn() {
        var questions = new LinkedHashMap<Model, Prompt>();
        questions.put(B, prompts("p").getFirst());
        questions.put(A, prompts("q").getFirst());
        var plan = Plan.ofEach(questions, new Plan.Order(1, 0, false, 1));
        assertEquals(List.of("p|b|1", "q|a|1"), ids(plan.jobs()));
        assertEquals(List.of(B, A), plan.models());
    }

    @Test
    void aRoundIsAPromptAndARepetitionToAllModels() {
        var plan = Plan.of(prompts("p", "q"), List.of(A, B), new Plan.Order(2, 1, true, 1));
        assertEquals(List.of("[p|a|1, p|b|1]", "[q|a|1, q|b|1]", "[p|a|2, p|b|2]", "[q|a|2, q|b|2]"), plan.rounds().stream()
                .map(round -> ids(round.jobs()).stream().sorted().toList().toString()).toList());
        assertEquals(0, plan.rounds().getFirst().warmups().size());
        var once = Plan.of(prompts("p"), List.of(A), new Plan.Order(2, 0, true, 1));
        assertEquals(List.of("[p|a|1]", "[p|a|2]"), once.rounds().stream().map(round -> ids(round.jobs()).toString()).toList());
        assertEquals(List.of(), once.without(job -> true).rounds());
    }

    @Test
    void whatIsDoneIsLeftOutOfBothParts() {
        var plan = Plan.of(prompts("p"), List.of(A, B), new Plan.Order(1, 1, false, 1)).without(job -> job.model() == A);
        assertEquals(List.of("p|b|1"), ids(plan.jobs()));
        assertEquals(List.of("p|b|warmup-1"), ids(plan.warmups()));
    }

    @Test
    void aQuestionFollowsWhatWasSaidAndOneWithoutAnAnswerIsForgotten() {
        var conversation = new Conversation();
        assertEquals("[Message[role=user, content=One?]]", conversation.ask(A, "ask-1", "One?").messages().toString());
        conversation.answer("a", "1");
        conversation.ask(A, "ask-2", "Two?");
        conversation.answer("a", "");
        conversation.ask(A, "ask-3", "Three?");
        conversation.answer("a", null);
        var last = conversation.ask(A, "ask-4", "Four?");
        assertEquals(List.of("user One?", "assistant 1", "user Four?"),
                last.messages().stream().map(turn -> turn.role() + " " + turn.content()).toList());
        assertEquals("ask-4 --ask", last.id() + " " + last.source());
        assertEquals(1, conversation.ask(B, "ask-4", "Four?").messages().size());
    }

    // Dry run

    private String printed(Plan plan, int most) {
        var bytes = new ByteArrayOutputStream();
        plan.print(new PrintStream(bytes, true, StandardCharsets.UTF_8), new Sampling(200, 0, null), most);
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aDryRunListsTheRequestsIfTheyFit() {
        var plan = Plan.of(prompts("p", "q"), List.of(A, B), new Plan.Order(1, 1, false, 1));
        var totals = "6 requests, 2 of them warm-up; at most 1,200 output tokens; 60 characters of prompts; retries are extra; "
                + "nothing was sent\n";
        assertEquals(totals + """
                    1  warmup    a                         p, repetition 1
                    2  warmup    b                         p, repetition 1
                    3  measured  a                         p, repetition 1
                    4  measured  a                         q, repetition 1
                    5  measured  b                         p, repetition 1
                    6  measured  b                         q, repetition 1
                """, printed(plan, 6));
        assertEquals(totals + "2 prompts, 2 models; --verbose lists the requests\n", printed(plan, 5));
    }

    /** A letter of three bytes may be three tokens. */
    @Test
    void theUpperBoundOfACostCountsBytes() throws Exception {
        var file = Files.writeString(folder.resolve("models.json"),
                "[{\"name\":\"m\",\"price\":{\"input\":1,\"output\":1,\"currency\":\"USD\"}}]");
        var model = ModelCatalog.of(new ModelSettings(List.of(), file, "http://localhost:1", "chat", false, List.of()), Map.of(),
                ModelCatalog.Access.WITH_KEYS).models().getFirst();
        var costs = List.of("aaaaaaaaa", "日本語").stream()
                .map(text -> Bound.of(Plan.of(List.of(Prompt.ofText("p", text, "test")), List.of(model),
                new Plan.Order(1, 0, true, 1)).jobs().getFirst(), new Sampling(200, 0, null)).cost()).toList();
        assertEquals(costs.getFirst(), costs.getLast());
    }

    @Test
    void partsAreAsManyAsPromptsAndRepetitions() {
        assertEquals(6, Plan.of(prompts("p", "q"), List.of(A, B), new Plan.Order(3, 1, true, 1)).parts());
    }
}
