package stream.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.fixtures.PageData;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.metric.MetricDefinition;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Files that other tools wrote, compared as runs. The fixtures have the keys that their writers give them; MetricDefinition names
 * these.
 */
@Execution(ExecutionMode.CONCURRENT)
class ImportedRunsTest {

    /** Two answers; a refusal without a reason phrase, which has neither times nor an error; a broken connection. */
    private static final String VLLM = """
            {"date": "20260920-120010", "endpoint_type": "openai-chat", "backend": "openai-chat", "label": null, "model_id": "m",\
             "tokenizer_id": "m", "num_prompts": 4, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 2, "duration": 10.0,\
             "completed": 2, "failed": 2, "total_input_tokens": 26, "total_output_tokens": 7, "request_throughput": 0.2,\
             "request_goodput": null, "output_throughput": 0.7, "total_token_throughput": 3.3, "input_lens": [13, 13, 13, 13],\
             "output_lens": [4, 3, 0, 0], "ttfts": [0.1, 0.3, 0.0, 0.25], "itls": [[0.02, 0.04, 0.06], [0.01, 0.03], [], [0.01]],\
             "latencies": [0.22, 0.34, 0.0, 0.0], "start_times": [5000.5, 5001.0, 5001.5, 5002.0],\
             "generated_texts": ["one two", "\\ud83d\\ude00 e\\u0301", "", ""],\
             "errors": ["", "", "", "Traceback (most recent call last):\\n  File \\"x.py\\"\\nConnectionResetError: gone\\n"],\
             "max_output_tokens_per_s": 4.0, "max_concurrent_requests": 2, "median_ttft_ms": 200.0, "median_tpot_ms": 30.0}""";

    /** A warm-up, two answers, a failure, a cancellation. */
    private static final String AIPERF = """
            {"metadata":{"session_num":0,"x_request_id":"w","request_start_ns":1759813206000000000,"request_end_ns":1759813207000000000,\
            "worker_id":"a","record_processor_id":"b","benchmark_phase":"warmup","was_cancelled":false},"metrics":{"request_latency":\
            {"value":9000,"unit":"ms"},"time_to_first_token":{"value":9000,"unit":"ms"}}}
            {"metadata":{"session_num":0,"x_request_id":"1","request_start_ns":1759813207000000000,"request_end_ns":1759813208000000000,\
            "worker_id":"a","record_processor_id":"b","benchmark_phase":"profiling","was_cancelled":false},"metrics":{"time_to_first_token":\
            {"value":100.5,"unit":"ms"},"time_to_second_token":{"value":5.25,"unit":"ms"},"request_latency":{"value":130.5,"unit":"ms"},\
            "output_sequence_length":{"value":4,"unit":"tokens"},"inter_token_latency":{"value":10.0,"unit":"ms"},"inter_chunk_latency":\
            {"value":[5.25,14.75,10.0],"unit":"ms"},"e2e_output_token_throughput":{"value":30.651,"unit":"tokens/sec/user"}}}
            {"metadata":{"session_num":1,"x_request_id":"2","request_start_ns":1759813208000000000,"request_end_ns":1759813209000000000,\
            "worker_id":"a","record_processor_id":"b","benchmark_phase":"profiling","was_cancelled":false},"metrics":{"time_to_first_token":\
            {"value":0.2005,"unit":"sec"},"request_latency":{"value":200.5,"unit":"ms"},"output_sequence_length":{"value":1,"unit":"tokens"}}}
            {"metadata":{"session_num":2,"x_request_id":"3","request_start_ns":1759813209000000000,"request_end_ns":1759813209500000000,\
            "worker_id":"a","record_processor_id":"b","benchmark_phase":"profiling","was_cancelled":false},"metrics":{},"error":{"code":503,\
            "type":"Service Unavailable","message":"overloaded"}}
            {"metadata":{"session_num":3,"x_request_id":"4","request_start_ns":1759813210000000000,"request_end_ns":1759813210500000000,\
            "worker_id":"a","record_processor_id":"b","benchmark_phase":"profiling","was_cancelled":true},"metrics":{},"error":{"code":499,\
            "type":"RequestCancellationError","message":"cancelled"}}
            """;

    @TempDir
    Path folder;

    private Path file(String name, String text) {
        try {
            return Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A report with a benchmark for each of these lists of successful requests, one failure and one that was cut off. */
    private static String guidellm(String... successful) {
        var benchmarks = new StringBuilder();
        for (var list : successful) {
            benchmarks.append(benchmarks.isEmpty() ? "" : ",").append("""
                    {"type_":"generative_benchmark","config":{"strategy":{"type_":"concurrent","streams":2},"backend":{"model":"m"}},
                     "scheduler_metrics":{"requests_made":{"successful":9,"errored":1,"incomplete":1,"total":11}},
                     "start_time":1764090001.0,"end_time":1764090003.0,
                     "requests":{"successful":[%s],
                      "errored":[{"request_id":"e","request_start_time":1764090002.0,"request_end_time":1764090002.1,"request_latency":null,
                       "output_tokens":null,"time_to_first_token_ms":null,"info":{"error":"HTTPStatusError('500')","timings":{}}}],
                      "incomplete":[{"request_id":"i","request_start_time":1764090002.9,"request_end_time":1764090003.0,
                       "request_latency":null,"info":{"error":"Request was cancelled","timings":{}}}],
                      "total":null}}""".formatted(list));
        }
        return "{\"metadata\":{\"version\":2,\"guidellm_version\":\"0.8.0\"},\"config\":{},\"benchmarks\":[" + benchmarks + "]}";
    }

    /** A request that began so many seconds after 1764090000, whose five tokens came at even distances. */
    private static String request(String id, double begin, double ttftMillis, double gapMillis) {
        var last = ttftMillis + 4 * gapMillis;
        return """
                {"request_id":"%s","output":"a b c d e","request_start_time":%s,"request_end_time":%s,"request_latency":%s,"output_tokens":5,
                 "time_to_first_token_ms":%s,"inter_token_latency_ms":%s,"time_per_output_token_ms":%s,"output_tokens_per_second":%s,
                 "info":{"status":"completed","error":null,"timings":{"request_start":%s,"last_token_iteration":%s}}}"""
                .formatted(id, 1764090000 + begin, 1764090000 + begin + (last + 10) / 1000, (last + 10) / 1000,
                ttftMillis, gapMillis, last / 5,
                        5000 / (last + 10), 1764090000 + begin, 1764090000 + begin + last / 1000);
    }

    private static JsonNode json(Object... arguments) {
        var all = new java.util.ArrayList<>(List.of(arguments));
        all.addAll(List.of("--format", "json"));
        return JsonMapper.shared().readTree(Printed.compare(all.toArray()).expect(0).out());
    }

    private static void assertFigures(JsonNode group, String... expected) {
        for (var each : expected) {
            var name = each.substring(0, each.indexOf(' '));
            var figure = group.path("figures").path(name);
            assertEquals(each, name + " "
                    + (figure.isMissingNode() ? "-" : figure.decimalValue().stripTrailingZeros().toPlainString()));
        }
    }

    private static List<String> notes(JsonNode json) {
        return json.get("notes").valueStream().map(JsonNode::stringValue).toList();
    }

    /** The medians are those of the file itself; ITL is pooled: 10, 20, 30, 40 and 60 ms. */
    @Test
    void aResultOfVllmReadsBackToItsFigures() {
        var json = json(file("vllm.json", VLLM));
        var group = json.at("/sections/0/groups/0");
        assertEquals("m vllm", group.get("label").stringValue() + " " + group.get("as").stringValue());
        assertFigures(group, "n 4", "failed 2", "ttft_p50_ms 200", "itl_p50_ms 30", "tpot_p50_ms 30", "ttlt_p50_ms 280",
                "total_p50_ms 280", "output_tokens_p50 3.5", "tokens_per_s_p50 13.503", "chars_per_s_p50 -", "itl_p99_ms -");
        assertEquals(List.of("vllm takes the first chunk for a token: TTFT of a chat ends with the role, before any text",
                "figures are counted as vllm counts them, not as this tool does",
                "vllm.json: a result of vLLM, which does not tell which prompts are the same; each request counts as one of its "
                + "own",
                "m: 2 of 4 failed and are not in the figures (mostly: failed, the tool does not say why)"), notes(json));
    }

    /** What begins before or after the benchmark is its warm-up and its cool-down. */
    @Test
    void requestsOutsideTheTimeOfTheBenchmarkAreLeftOut() {
        var requests = String.join(",", request("before", 0.5, 50, 5), request("inside", 1.5, 200, 5),
                request("after", 3.5, 60, 5));
        for (var version : List.of("1", "2")) {
            assertFigures(json(file("v" + version + ".json", guidellm(requests).replace("\"version\":2", "\"version\":" + version)))
                    .at("/sections/0/groups/0"),
                    "ttft_p50_ms 200");
        }
    }

    @Test
    void resultsThatVllmAppendedToAFileAreRunsOfTheirOwn() {
        var json = json(file("runs.json", VLLM + "\n" + VLLM.replace("0.1, 0.3", "0.2, 0.6")));
        assertEquals("[\"runs.json\",\"runs.json #2\"]", json.get("runs").toString());
        assertFigures(json.at("/sections/0/groups/1"), "n 4", "ttft_p50_ms 400", "itl_p50_ms 30");
        assertEquals("false", json.at("/sections/0/groups/1/against/ttft/paired").toString(),
                "the third request may be another prompt");
    }

    @Test
    void whatIsTornAfterTheFirstOfSeveralRunsIsSaid() {
        var json = json(file("runs.json", VLLM + "\n" + VLLM.substring(0, 300)));
        assertEquals("[\"runs.json\"]", json.get("runs").toString());
        assertTrue(notes(json).stream()
                .anyMatch(note -> note.contains("runs.json:2: not JSON: ") && note.endsWith("; what follows is not read")),
                notes(json).toString());
    }

    @Test
    void aProfileOfAiperfReadsBackToItsFigures() {
        var json = json(file("profile_export.jsonl", AIPERF));
        var group = json.at("/sections/0/groups/0");
        assertEquals("profile_export.jsonl aiperf", group.get("label").stringValue() + " " + group.get("as").stringValue());
        assertFigures(group, "n 3", "failed 1", "ttft_p50_ms 150.5", "itl_p50_ms 10", "ttst_p50_ms 5.25", "icl_p50_ms 10",
                "total_p50_ms 165.5", "tpot_p50_ms -", "output_tokens_p50 2.5", "tokens_per_s_p50 30.651");
        assertTrue(notes(json).contains("profile_export.jsonl: 1 cancelled before their end, left out"), notes(json).toString());
        assertEquals(group, json(folder).at("/sections/0/groups/0"), "the folder that AIPerf wrote");
        var figures = json(file("ends.jsonl",
                AIPERF.replace("\"request_end_ns\":1759813209000000000", "\"request_end_ns\":1759813208300000000")))
                .at("/sections/0/groups/0/figures");
        assertEquals(2 / 1.2005, figures.get("requests_per_s").asDouble(), 0.001, "from the first start to the end of the second");
    }

    /** Two values have the lower one as their median: GuideLLM does not interpolate. ITL is weighted with four tokens each. */
    @Test
    void aReportOfGuidellmReadsBackToItsFigures() {
        var json = json(file("benchmarks.json", guidellm(request("warm-up", 0, 900, 9) + "," + request("1", 1, 100, 50) + ","
                + request("2", 2, 150, 100), request("3", 1.5, 70, 10))));
        assertEquals("[\"benchmarks.json\",\"benchmarks.json #2\"]", json.get("runs").toString());
        var group = json.at("/sections/0/groups/0");
        assertEquals("benchmarks.json guidellm", group.get("label").stringValue() + " " + group.get("as").stringValue());
        assertFigures(group, "n 3", "failed 1", "ttft_p50_ms 100", "itl_p50_ms 50", "tpot_p50_ms 60", "total_p50_ms 310",
                "ttlt_p50_ms 300", "output_tokens_p50 5", "tokens_per_s_p50 8.929");
        assertFigures(json.at("/sections/0/groups/1"), "n 2", "ttft_p50_ms 70");
        assertTrue(notes(json).contains("benchmarks.json: GuideLLM wrote 3 of its 9 successful requests (sample_size)"),
                notes(json).toString());
    }

    /** Twenty-one requests: the p95 is the twentieth value, where interpolation gives 119.0. */
    @Test
    void aPercentileOfGuidellmIsTheFirstValueThatReachesIt() {
        var requests = new StringBuilder(request("0", 1, 100, 5));
        for (int i = 1; i <= 20; i++) {
            requests.append(',').append(request(String.valueOf(i), 1, i == 20 ? 1000 : 100 + i, 5));
        }
        assertFigures(json(file("b.json", guidellm(requests.toString()))).at("/sections/0/groups/0"),
                "ttft_p50_ms 110", "ttft_p95_ms 119");
        var run = new RunOnDisk(folder.resolve("r"));
        for (int i = 0; i <= 20; i++) {
            run.answer("m", "p" + i, 1, i == 20 ? 1000 : 100 + i, 5, 5);
        }
        assertFigures(json(run.write(), "--as", "guidellm").at("/sections/0/groups/0"), "ttft_p50_ms 110", "ttft_p95_ms 119");
        assertFigures(json(folder.resolve("r")).at("/sections/0/groups/0"), "ttft_p95_ms 119");
    }

    /**
     * As AIPerf counts our own recording: the second token 10 ms after the first, the gaps of both answers 10, 10, 30 and 30 ms.
     */
    @Test
    void theSecondTokenAndTheGapsBetweenChunksAreThoseOfAiperf() {
        var run = new RunOnDisk(folder.resolve("r")).answer("m", "a", 1, 100, 10, 3).answer("m", "b", 1, 100, 30, 3).write();
        assertFigures(json(run, "--as", "aiperf").at("/sections/0/groups/0"), "ttst_p50_ms 20", "icl_p50_ms 20", "itl_p50_ms 20");
        assertFigures(json(run).at("/sections/0/groups/0"), "ttst_p50_ms -", "icl_p50_ms -");
    }

    /** What each tool makes of streams without an end: closed in order after a token, ended by an error event, cut off. */
    @ParameterizedTest
    @CsvSource({"ours, 3", "vllm, 1", "guidellm, 2", "aiperf, 2"})
    void eachToolHasItsOwnSuccess(String definition, int failed) {
        var run = new RunOnDisk(folder.resolve("r")).answer("m", "whole", 1, 100, 10, 3)
                .answer("m", "closed", 1, 100, 10, 3, "status", "truncated", "stream_end", "closed_early")
                .answer("m", "error", 1, 100, 10, 3, "status", "failed", "stream_end", "error_event")
                .answer("m", "cut", 1, 100, 10, 3, "status", "truncated").write();
        assertFigures(json(run, "--as", definition).at("/sections/0/groups/0"), "n 4", "failed " + failed);
    }

    @Test
    void anErrorBeforeTheFirstTokenAndAnUnreadableEventAreFailuresForAll() {
        var run = new RunOnDisk(folder.resolve("r"))
                .answer("m", "error", 1, new double[0], "status", "failed", "stream_end", "error_event", "events", "1")
                .answer("m", "bad", 1, 100, 10, 3, "status", "failed", "error_type", "bad_event", "http_status", "200")
                .answer("m", "refused", 1, new double[0], "status", "failed", "error_type", "server_error",
                "http_status", "503").write();
        for (var definition : MetricDefinition.values()) {
            assertFigures(json(run, "--as", definition.word()).at("/sections/0/groups/0"), "n 3", "failed 3");
        }
    }

    private RunOnDisk ours() {
        var run = new RunOnDisk(folder.resolve("ours"));
        for (int i = 0; i < 8; i++) {
            run.answer("m", "p" + i, 1, 210 + i, 20, 4);
        }
        return run;
    }

    /** Eight requests whose first chunk came after 2 to 9 ms. */
    private static String vllm() {
        var ttfts = new java.util.ArrayList<String>();
        for (int i = 0; i < 8; i++) {
            ttfts.add("0.00" + (2 + i));
        }
        return VLLM.replace("[0.1, 0.3, 0.0, 0.25]", ttfts.toString()).replaceFirst("\"itls\": .*?\\]\\]",
                        "\"itls\": [" + "[0.1, 0.02, 0.02], ".repeat(7) + "[0.1, 0.02, 0.02]]")
                .replace("[4, 3, 0, 0]", "[4, 4, 4, 4, 4, 4, 4, 4]").replaceFirst("\"errors\": .*?\\]",
                        "\"errors\": [\"\", \"\", \"\", \"\", \"\", \"\", \"\", \"\"]");
    }

    @Test
    void figuresOfDifferentDefinitionsAreShownAndNotCompared() {
        var ours = ours().write();
        var vllm = file("vllm.json", vllm());
        var own = Printed.compare(vllm, ours).expect(0).out();
        assertTrue(own.startsWith("Nothing is compared: the figures have different definitions.\n"), own);
        assertTrue(own.contains("\nvllm.json  vllm  8       0    5.5") && own.contains("\nours       ours  8       0  213.5"), own);
        assertFalse(own.contains("Ratios to"), own);
        assertTrue(own.contains("note: figures have the definitions of their tools, and are not compared with each other: ours "
                + "ours;"
                + " vllm.json vllm; --as vllm gives all the same\n"), own);

        var common = json(vllm, ours, "--as", "vllm");
        assertEquals("prompts false", common.at("/sections/0/groups/1/against/ttft/unit").stringValue() + " "
                + common.at("/sections/0/groups/1/against/ttft/paired"));
        assertFigures(common.at("/sections/0/groups/1"), "ttft_p50_ms 1");

        var all = Printed.compare(vllm, ours, "--as", "all").expect(0).out();
        assertEquals(List.of("ours ours", "ours vllm", "ours guidellm", "ours aiperf", "vllm.json vllm"),
                all.lines().filter(line -> line.startsWith("m, "))
                .map(line -> line.replaceFirst("m, (\\S+) +(\\S+).*", "$1 $2")).toList());
    }

    @Test
    void aLimitOnARatioOfDifferentDefinitionsIsUndecided() {
        var printed = Printed.compare(file("vllm.json", vllm()), ours().write(), "--fail-if", "ttft_p50 > 1.2x").expect(3);
        assertEquals("compare: --fail-if 'ttft_p50 > 1.2x': m: undecided, ours and vllm.json have different definitions; one for "
                + "both with"
                + " --as\n", printed.err());
    }

    @Test
    void theSentenceAndThePicturesNameTheDefinition() throws Exception {
        var card = folder.resolve("card.svg");
        var json = json(file("a.json", vllm()), file("b.json", vllm().replace("0.00", "0.0")), "--export", card);
        assertTrue(json.get("headline").stringValue().startsWith("As vLLM defines it, m: to the first token a.json is "),
                json.get("headline").stringValue());
        assertFalse(json.get("notes").toString().contains("prompts and repetitions in common"), "its prompts are not known");
        assertTrue(Files.readString(card).contains(">a.json (vLLM)<"), Files.readString(card));
        var report = folder.resolve("report.html");
        Printed.compare(folder.resolve("a.json"), "--export", report).expect(0);
        var data = PageData.of(report);
        assertEquals("as", data.at("/columns/0/heading").asString());
        var cells = data.at("/sections/0/groups/0/cells");
        assertEquals("vllm 8", cells.get(0).asString() + " " + cells.get(1).asString());
        assertEquals(data.get("columns").size(), cells.size());
    }

    /** Each in a file of several requests, the first of which is valid; the others count, and no message is a stack trace. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "[0.02, 0.04, 0.06]; [0.02, null, 0.06]", "[0.02, 0.04, 0.06]; [0.02, -0.1]", "[0.02, 0.04, 0.06]; [\"0.02\"]",
        "[0.02, 0.04, 0.06]; {}", "[0.02, 0.04, 0.06]; [Infinity]", "[0.1, 0.3; [null, 0.3",
        "[0.1, 0.3; [NaN, 0.3", "[4, 3,; [\"4\", 3,"
    })
    void aRequestOfVllmThatCannotBeReadIsNamedAndTheOthersCount(String from, String to) {
        var json = json(file("vllm.json", VLLM.replace(from, to)));
        assertFigures(json.at("/sections/0/groups/0"), "n 3", "ttft_p50_ms 300");
        assertTrue(notes(json).contains(
                "vllm.json: ttfts, itls or output_lens of request 1 are not numbers, at least 0; it is left out"),
                notes(json).toString());
    }

    @Test
    void timesThatAreNotFiniteAreNotKnown() {
        assertFigures(json(file("vllm.json", VLLM.replace("5000.5", "Infinity"))).at("/sections/0/groups/0"),
                "n 4", "requests_per_s -");
        assertFigures(json(file("a.jsonl", AIPERF.replace("\"value\":10.0,", "\"value\":Infinity,"))).at("/sections/0/groups/0"),
                "n 3",
                "itl_p50_ms -");
        var json = json(file("g.json", guidellm(request("1", 1, 100, 50) + "," + request("2", 2, 100, 50).replace(
                "\"request_start_time\":1.764090002E9", "\"request_start_time\":NaN"))));
        assertTrue(notes(json).contains("g.json: request 2 has no request_start_time; it is left out"), notes(json).toString());
    }

    @Test
    void requestsWithTheSameIdAreDifferentRequests() {
        var json = json(file("g.json", guidellm(request("1", 1, 100, 50) + "," + request("1", 2, 300, 50))));
        assertFigures(json.at("/sections/0/groups/0"), "n 3", "failed 1", "ttft_p50_ms 100");
    }

    @Test
    void aFileBeginsWithAMarkOrIsNotRead() {
        assertFigures(json(file("v.json", "\uFEFF" + VLLM)).at("/sections/0/groups/0"), "n 4");
        assertFigures(json(file("a.jsonl", "\uFEFF" + AIPERF)).at("/sections/0/groups/0"), "n 3");
        var file = file("v.json", VLLM);
        assertEquals("compare: --check " + file + ": a file of another tool; name the folders of runs of this one\n",
                Printed.compare("--check", file).expect(2).err());
    }

    /** What has failed has no characters per second, and no metric that its definition does not have. */
    @Test
    void failuresAreTheWorstOfWhatTheDefinitionHas() {
        var run = new RunOnDisk(folder.resolve("r")).failure("m", "a", 1, "x").failure("m", "b", 1, "x").write();
        assertFigures(json(run, "--failures", "worst").at("/sections/0/groups/0"), "tokens_per_s_p50 0",
                "chars_per_s_p50 -", "ttst_p50_ms -",
                "output_tokens_p50 -");
        var text = Printed.compare(file("profile_export.jsonl", AIPERF), "--failures", "worst").expect(0).out();
        assertFalse(text.contains("never  ") && text.contains("TPOT  never"), text);
        assertFigures(json(folder.resolve("profile_export.jsonl"), "--failures", "worst").at("/sections/0/groups/0"),
                "tpot_p50_ms -");
        assertEquals(1, Printed.compare("--failures", "worst", run, "--fail-if", "tokens_per_s_p50 < 10").exitCode());
    }

    @Test
    void aGroupHasOneDefinition() {
        var refused = Printed.compare(file("vllm.json", vllm()), ours().write(), "--by", "model").expect(2);
        assertEquals("compare: --by: m would have requests as vllm and as ours define the metrics; use --by run, or one "
                + "definition for all"
                + " with --as\n", refused.err());
    }

    /** The message follows the name of the file. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "vllm; {\"backend\":\"openai\",\"num_prompts\":1,\"mean_ttft_ms\":1.0}; ': a result of vLLM without ttfts; run vllm "
                + "bench serve with"
                + " --save-result --save-detailed'",
        "vllm; {\"backend\":\"openai\",\"num_prompts\":1,\"ttfts\":[1.0],\"itls\":[],\"output_lens\":[1],\"errors\":[\"\"]};"
                + " ': a result of vLLM without an entry in itls for each of its 1 ttfts; save it again'",
        "aiperf; {\"metadata\":{\"timestamp_ns\":1},\"metrics\":{}}; ': a result of AIPerf without metadata.request_start_ns; it "
        + "is of a"
                + " version before December 2025; profile again with a newer one'",
        "guidellm; {\"benchmarks\":[]}; ': a result of GuideLLM without a metadata.version of 1 or 2; versions before 0.5"
                + " define their figures otherwise, later ones are not known'",
        "guidellm; {\"metadata\":{\"version\":2},\"benchmarks\":[{}]}; ': a result of GuideLLM without "
        + "benchmarks[].requests.successful;"
                + " write the report with all requests (sample_size)'",
        "none; {\"a\":1}; ': not a result of vLLM, AIPerf or GuideLLM; name such a file or the folder of a run'",
        "none; '{\"a\":\n1,,'; ':2: not JSON: Unexpected character ('','' (code 44))'"
    })
    void aFileWithoutWhatIsNeededIsOneLine(String tool, String text, String message) {
        var file = file(tool + ".json", text);
        assertEquals("compare: " + file + message + "\n", Printed.compare(file).expect(2).err());
    }

    @Test
    void aDefinitionThatAFileCannotTellIsRefused() {
        var file = file("vllm.json", VLLM);
        assertEquals("compare: --as ours: " + file
                + " is a result of vLLM, which lacks the times of the events; leave --as out, or use --as"
                + " vllm\n", Printed.compare(file, "--as", "ours").expect(2).err());
        assertEquals(Printed.compare(file, "--as", "ours").err(),
                Printed.compare("--history", file, "--as", "ours").expect(2).err());
    }

    @Test
    void aLineThatIsTornIsNamedAndTheOthersCount() {
        var file = file("profile_export.jsonl", AIPERF + "{\"metadata\":{\"session");
        var json = json(file);
        assertFigures(json.at("/sections/0/groups/0"), "n 3", "failed 1");
        assertTrue(notes(json).contains(file + ":6: not JSON; the row is left out"), notes(json).toString());
        var inside = file("inside.jsonl", AIPERF.replaceFirst("\n", "\ngarbage\n"));
        assertFigures(json(inside).at("/sections/0/groups/0"), "n 3", "failed 1");
    }

    @Test
    void theReportOfAResultOfAnotherToolIsWritten() throws Exception {
        var report = folder.resolve("report.html");
        Printed.compare(file("vllm.json", VLLM), "--export", report).expect(0);
        assertTrue(Files.readString(report).contains("ConnectionResetError: gone"));
    }
}
