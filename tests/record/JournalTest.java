package stream.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stream.api.EventKind;
import stream.api.Model;
import stream.api.StreamEvent;
import stream.api.Usage;
import stream.client.AnswerState;
import stream.client.ExchangeResult;
import stream.client.Network;
import stream.client.Outcome;
import stream.client.Recording;
import stream.fixtures.Printed;
import stream.fixtures.TestModels;
import stream.fixtures.TestRun;
import stream.metric.Phase;
import stream.plan.Job;
import stream.plan.Speaker;
import stream.prompt.Prompt;
import stream.simulator.SimulatedServer;
import tools.jackson.databind.json.JsonMapper;

/** What a run leaves on disk. */
class JournalTest {

    @TempDir
    Path folder;

    private static Model model() {
        return TestModels.of("gpt-4", "auto", "http://localhost:1/v1");
    }

    private static Attempt attempt(Phase phase, int number) {
        var job = new Job("sky|gpt-4|1", phase, Prompt.ofText("sky", "Why?", "sky.txt"), model(), 1, 0);
        return new Attempt(job, number, Instant.parse("2026-11-23T10:00:00.123Z"), 999_000_000L, new Recording(),
                new AtomicReference<>());
    }

    @Test
    void theFilesHaveTheContractsColumnsAndFormats() throws Exception {
        try (var journal = Journal.open(folder, "RUN", List.of("gpt-4"), false, AnswerListener.NONE,
                AttemptObserver.NONE, AnswerReceiver.NONE)) {
            var refused = attempt(Phase.MEASURED, 1);
            refused.recording().start(1_000_000_000L);
            journal.begin(refused);
            refused.end().set(new Attempt.End(new ExchangeResult(new Outcome.Failed("rate_limit_exceeded", "Slow, please", 429),
                    429, 2_000, 1500L, new Network(10L, 200L, null, 300L, 1_900L, "http/1.1", false),
                    new AnswerState(), "req-1", 1.5, ExchangeResult.BodyForm.USUAL, false, false, null), false, null));
            var answered = attempt(Phase.MEASURED, 2);
            var recording = answered.recording();
            recording.start(1_000_000_000L);
            journal.begin(answered);
            recording.add(1_100_000_499L, 1, EventKind.ROLE, null, StreamEvent.NO_COUNT);
            recording.add(1_200_000_500L, 2, EventKind.CONTENT, "Because, \"blue\"", StreamEvent.NO_COUNT);
            recording.add(1_210_000_000L, 3, EventKind.CONTENT, "\nüber ☀", StreamEvent.NO_COUNT);
            recording.add(1_240_000_000L, 4, EventKind.CONTENT, "=1+1", StreamEvent.NO_COUNT);
            recording.add(1_240_000_000L, 4, EventKind.FINISH, "stop", StreamEvent.NO_COUNT);
            recording.add(1_250_000_000L, 5, EventKind.DONE, null, StreamEvent.NO_COUNT);
            var state = new AnswerState();
            state.add(new StreamEvent(EventKind.FINISH, "stop",
                    new StreamEvent.About("stop", new Usage(7, 0, 5, null), null, "gpt-4-0613", "fp"), false));
            answered.end().set(new Attempt.End(new ExchangeResult(new Outcome.Completed(), 200, 250_000, null,
                    new Network(null, null, null, 250L, 90_000L, "h2", true), state, "req-2", null,
                    ExchangeResult.BodyForm.USUAL, false, false, null),
                    true, "cold cpu:31ms"));
        }
        assertEquals("""
                request_id,model,prompt_id,repetition,attempt,event,kind,elapsed_ms,delay_ms,read,text,tokens,empty_choice
                sky|gpt-4|1,gpt-4,sky,1,2,0,role,100.000,,1,,,
                sky|gpt-4|1,gpt-4,sky,1,2,1,content,200.001,100.001,2,"Because, ""blue""\",,
                sky|gpt-4|1,gpt-4,sky,1,2,2,content,210.000,9.999,3,"
                über ☀",,
                sky|gpt-4|1,gpt-4,sky,1,2,3,content,240.000,30.000,4,=1+1,,
                sky|gpt-4|1,gpt-4,sky,1,2,4,finish,240.000,0.000,4,stop,,
                sky|gpt-4|1,gpt-4,sky,1,2,5,done,250.000,10.000,5,,,
                """.replace("\n", "\r\n").replace("3,\"\r\nüber", "3,\"\nüber"), Files.readString(folder.resolve("events.csv")));
        assertEquals("""
                request_id,run_id,started_at,model,model_name,api,base_url,prompt_id,repetition,attempt,phase,status,\
                http_status,error_type,error,retry_after_ms,scheduled_ms,queue_ms,dns_ms,connect_ms,tls_ms,sent_ms,\
                headers_ms,first_event_ms,ttft_ms,ttft_reasoning_ms,ttlt_ms,total_ms,itl_mean_ms,itl_p50_ms,itl_p95_ms,\
                itl_max_ms,tpot_ms,output_tokens_per_s,events,content_events,coalesced_events,prompt_tokens,\
                cached_prompt_tokens,output_tokens,token_source,finish_reason,http_version,connection_reused,\
                server_processing_ms,server_request_id,system_fingerprint,reported_model,tainted,output,\
                tokens_per_event,ttft_any_ms,reasoning_tokens,reasoning_events,tool_events,itl_any_mean_ms,itl_any_p50_ms,output_chars,cost,resent,stream_end,start_ms
                sky|gpt-4|1,RUN,2026-11-23T10:00:00.123Z,gpt-4,gpt-4,chat,http://localhost:1/v1,sky,1,1,measured,failed,\
                429,rate_limit_exceeded,"Slow, please",1500.000,,1.000,0.010,0.200,,0.300,1.900,,,,,2.000,,,,,,,0,0,0,,,,,,\
                http/1.1,false,1.500,req-1,,,,,,,,0,0,,,0,,false,other,1.000
                sky|gpt-4|1,RUN,2026-11-23T10:00:00.123Z,gpt-4,gpt-4,chat,http://localhost:1/v1,sky,1,2,measured,completed,\
                200,,,,,1.000,,,,0.250,90.000,100.000,200.001,,240.000,250.000,20.000,20.000,,30.000,10.000,20.833,6,3,0,\
                7,0,5,usage,stop,h2,true,,req-2,fp,gpt-4-0613,cold cpu:31ms,"Because, ""blue""
                über ☀=1+1",,200.001,,0,0,20.000,20.000,26,,false,complete,1.000
                """.replace("\n", "\r\n").replace("\"\"blue\"\"\r\n", "\"\"blue\"\"\n"),
                Files.readString(folder.resolve("requests.csv")));
    }

    /** The first attempt was ready at 999 ms of a clock; a run that is resumed goes on where the wall clock is. */
    @Test
    void theTimeOfARunBeginsWithItsFirstRequestAndGoesOnWhenItIsResumed() {
        var first = attempt(Phase.MEASURED, 1);
        var second = attempt(Phase.MEASURED, 2);
        first.recording().start(1_000_000_000L);
        second.recording().start(3_000_000_000L);
        var clock = new RunClock();
        clock.begin(first);
        clock.begin(second);
        assertEquals("1000 2001000", clock.startMicros(first) + " " + clock.startMicros(second));
        var resumed = new RunClock();
        resumed.resume(Instant.parse("2026-11-23T09:00:00.623Z"), 500);
        resumed.resume(Instant.parse("2026-11-23T09:59:59.123Z"), 1);
        resumed.begin(second);
        assertEquals(3_600_000_000L + 2_001_000L, resumed.startMicros(second), "an hour after the first row of the run");
        var setBack = new RunClock();
        setBack.resume(Instant.parse("2026-11-23T11:00:00.000Z"), 0);
        setBack.begin(second);
        assertEquals(2_001_000L, setBack.startMicros(second), "never before the beginning of the run");
    }

    @Test
    void anObserverIsToldOfTheGapsBetweenVisibleTexts() throws Exception {
        var told = new ArrayList<String>();
        var observer = new AttemptObserver() {
            @Override
            public void event(Attempt attempt, EventKind kind, long elapsedMicros, long delayMicros, long gapMicros) {
                told.add(kind.word() + " " + elapsedMicros + " " + delayMicros + " " + gapMicros);
            }
        };
        try (var journal = Journal.open(folder, "RUN", List.of("gpt-4"), false, AnswerListener.NONE,
                observer, AnswerReceiver.NONE)) {
            var attempt = attempt(Phase.WARMUP, 1);
            attempt.recording().start(0);
            attempt.recording().add(10_000, 1, EventKind.CONTENT, "a", StreamEvent.NO_COUNT);
            attempt.recording().add(15_000, 2, EventKind.REASONING, "r", StreamEvent.NO_COUNT);
            attempt.recording().add(30_000, 3, EventKind.CONTENT, "b", StreamEvent.NO_COUNT);
            attempt.end().set(new Attempt.End(new ExchangeResult(new Outcome.Completed(), 200, 30, null,
                    new Network(null, null, null, null, null, null, null), new AnswerState(), null, null,
                    ExchangeResult.BodyForm.USUAL, false, false, null), true, null));
            journal.begin(attempt);
        }
        assertEquals(List.of("content 10 -1 -1", "reasoning 15 5 -1", "content 30 15 20"), told);
    }

    /**
     * A process may be killed between two writes, and a row of requests.csv without its events would be taken for a complete one.
     */
    @Test
    void theEventsOfAnAttemptAreOnDiskBeforeItsRow() throws Exception {
        var onDisk = new ArrayList<Integer>();
        var listener = new AnswerListener() {
            @Override
            public void end(Speaker speaker, boolean last, String failure, UnaryOperator<String> row) {
                try {
                    onDisk.add(Files.readAllLines(folder.resolve("events.csv")).size());
                } catch (IOException e) {
                    onDisk.add(-1);
                }
            }
        };
        try (var journal = Journal.open(folder, "RUN", List.of("gpt-4"), false, listener,
                AttemptObserver.NONE, AnswerReceiver.NONE)) {
            var attempt = attempt(Phase.MEASURED, 1);
            attempt.recording().start(0);
            attempt.recording().add(10_000, 1, EventKind.CONTENT, "a", StreamEvent.NO_COUNT);
            attempt.recording().add(20_000, 2, EventKind.DONE, null, StreamEvent.NO_COUNT);
            attempt.end().set(new Attempt.End(new ExchangeResult(new Outcome.Completed(), 200, 30, null,
                    new Network(null, null, null, null, null, null, null), new AnswerState(), null, null,
                    ExchangeResult.BodyForm.USUAL, false, false,
                    null), true, null));
            journal.begin(attempt);
        }
        assertEquals(List.of(3), onDisk, "the header and two events");
    }

    /** Times and reads depend on the machine, so they are replaced: digits with three decimals by T, reads by R. */
    @Test
    void aStreamedAnswerIsWrittenEventByEvent() throws Exception {
        try (var server = new MockWebServer()) {
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .addHeader("x-request-id", "req-9").addHeader("openai-processing-ms", "12")
                    .chunkedBody("""
                            data: {"model":"gpt-4-0613","system_fingerprint":"fp","choices":[{"delta":{"role":"assistant","content":""}}]}

                            data: {"choices":[{"delta":{"content":"Hello, "}}]}

                            data: {"choices":[{"delta":{"content":"wörld"}}]}

                            data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

                            data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}

                            data: [DONE]

                            """, 40).build());
            server.start();
            var run = TestRun.of(folder, "-p", "Hi", "-m", "gpt-4", "--base-url", server.url("/v1").toString());
            assertEquals(0, run.exitCode(), run.err());
            assertEquals("""
                    request_id,model,prompt_id,repetition,attempt,event,kind,elapsed_ms,delay_ms,read,text,tokens,empty_choice
                    prompt-1|gpt-4|1,gpt-4,prompt-1,1,1,0,role,T,,R,,,
                    prompt-1|gpt-4|1,gpt-4,prompt-1,1,1,1,content,T,T,R,"Hello, ",,
                    prompt-1|gpt-4|1,gpt-4,prompt-1,1,1,2,content,T,T,R,wörld,,
                    prompt-1|gpt-4|1,gpt-4,prompt-1,1,1,3,finish,T,T,R,stop,,
                    prompt-1|gpt-4|1,gpt-4,prompt-1,1,1,4,usage,T,T,R,,2,
                    prompt-1|gpt-4|1,gpt-4,prompt-1,1,1,5,done,T,T,R,,,
                    """.replace("\n", "\r\n"),
                    masked(run.file("events.csv")).replaceAll("T,(\\d+),", "T,R,").replaceAll("T,,(\\d+),", "T,,R,"));
            var row = run.file("requests.csv").split("\r\n")[1];
            assertEquals(("prompt-1|gpt-4|1,RUN,AT,gpt-4,gpt-4,chat,BASE,prompt-1,1,1,measured,completed,200,,,,,T,T,T,,T,T,T,T,,"
                    + "T,T,T,T,,T,T,T,6,2,C,3,,2,usage,stop,http/1.1,false,T,req-9,fp,gpt-4-0613,cold,\"Hello, "
                    + "wörld\",,T,,0,0,T,T,12,,false,complete,T")
                    .replace("BASE", server.url("/v1").toString()),
                    masked(row).replace(run.folder().getFileName().toString(), "RUN")
                            .replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:TZ", "AT").replaceAll(",6,2,\\d,", ",6,2,C,")
                            .replaceAll("complete,[0-9.]+$", "complete,T")
                            .replaceAll(",cold( (gc|cpu):\\w+)+,", ",cold,")); // this machine may have been busy
        }
    }

    /**
     * The columns kind and empty_choice of a chat: a role, a list without a choice, two empty deltas, one of them with token
     * counts.
     */
    @Test
    void anEmptyDeltaIsMarkedForToolsThatCountIt() throws Exception {
        try (var server = new MockWebServer()) {
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body("""
                    data: {"choices":[],"prompt_filter_results":[]}

                    data: {"choices":[{"delta":{"role":"assistant","content":""}}]}

                    data: {"choices":[{"delta":{"content":""}}]}

                    data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":3,"completion_tokens":0}}

                    data: {"choices":[{"index":1,"delta":{}}]}

                    data: {"choices":[{"delta":{"content":"Hi"}}]}

                    data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

                    data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}

                    data: [DONE]

                    """).build());
            server.start();
            var run = TestRun.of(folder, "-p", "Hi", "-m", "gpt-4", "--base-url", server.url("/v1").toString());
            assertEquals(List.of("other ", "role ", "other true", "usage true", "other ", "content ", "finish ", "usage ", "done "),
                    run.events().stream().map(row -> row.get("kind") + " " + row.get("empty_choice")).toList());
        }
    }

    private static String masked(String csv) {
        return csv.replaceAll("\\b\\d+\\.\\d{3}(?=,|Z)", "T").replaceAll("T\\b(?=Z)", "T");
    }

    @Test
    void everyNumberCanBeComputedAgain() throws Exception {
        try (var simulator = SimulatedServer.start(3)) {
            var run = TestRun.of(folder, "--base-url", simulator.baseUrl(), "-n", "2", "-c", "4", "--warmup", "1", "-m",
                    "gpt-3.5-turbo,short=sim-ttft5-itl1-n30,text-davinci-003,think=sim-ttft5-itl1-n30+reasoning,"
                            + "few=sim-ttft3-itl2-n40+merged,one=sim-ttft3-itl0-n1,busy=sim-ttft3-itl1-n9+busy-ms,"
                            + "cut=sim-ttft3-itl1-n30+cut", "prompts/sky.txt", "prompts/quiz.csv");
            assertEquals(1, run.exitCode(), run.err());
            var events = new LinkedHashMap<String, List<CSVRecord>>();
            for (var event : run.events()) {
                events.computeIfAbsent(event.get("request_id") + event.get("attempt"), key -> new ArrayList<>()).add(event);
            }
            for (var request : run.requests()) {
                assertRow(request, events.getOrDefault(request.get("request_id") + request.get("attempt"), List.of()));
            }
            assertTable(run);
        }
    }

    private static void assertRow(CSVRecord request, List<CSVRecord> events) {
        var where = request.get("request_id");
        var content = events.stream().filter(event -> event.get("kind").equals("content")).toList();
        assertEquals(String.valueOf(events.size()), request.get("events"), where);
        assertEquals(String.valueOf(content.size()), request.get("content_events"), where);
        var text = new StringBuilder();
        content.forEach(event -> text.append(event.get("text")));
        assertEquals(text.toString(), request.get("output"), where);
        for (int i = 0; i < events.size(); i++) {
            assertEquals(String.valueOf(i), events.get(i).get("event"), where);
            var delay = i == 0 ? "" : millis(elapsed(events.get(i)) - elapsed(events.get(i - 1)));
            assertEquals(delay, events.get(i).get("delay_ms"), where);
            assertTrue(i == 0 || elapsed(events.get(i)) >= elapsed(events.get(i - 1)), where);
        }
        assertEquals(events.isEmpty() ? "" : events.getFirst().get("elapsed_ms"), request.get("first_event_ms"), where);
        assertEquals(first(events, "reasoning"), request.get("ttft_reasoning_ms"), where);
        assertEquals(first(events, "content"), request.get("ttft_ms"), where);
        assertEquals(content.isEmpty() ? "" : content.getLast().get("elapsed_ms"), request.get("ttlt_ms"), where);
        assertEquals(first(events, "finish").isEmpty() ? "" : events.stream().filter(e -> e.get("kind").equals("finish"))
                .findFirst().orElseThrow().get("text"), request.get("finish_reason"), where);
        if (!first(events, "done").isEmpty()) {
            assertEquals(first(events, "done"), request.get("total_ms"), where);
        }
        var gaps = new double[Math.max(0, content.size() - 1)];
        var coalesced = 0;
        for (int i = 0; i < gaps.length; i++) {
            gaps[i] = elapsed(content.get(i + 1)) - elapsed(content.get(i));
            coalesced += content.get(i + 1).get("read").equals(content.get(i).get("read")) ? 1 : 0;
        }
        assertEquals(String.valueOf(coalesced), request.get("coalesced_events"), where);
        assertGenerated(request, events);
        java.util.Arrays.sort(gaps);
        assertMillis(gaps.length == 0 ? null : java.util.Arrays.stream(gaps).average().getAsDouble(), request, "itl_mean_ms");
        assertMillis(percentile(gaps, 0.5), request, "itl_p50_ms");
        assertMillis(gaps.length < 20 ? null : percentile(gaps, 0.95), request, "itl_p95_ms");
        assertMillis(gaps.length == 0 ? null : gaps[gaps.length - 1], request, "itl_max_ms");
        if (!content.isEmpty()) {
            var tokens = request.get("token_source").equals("events") ? content.size()
                    : Integer.parseInt(request.get("output_tokens"));
            assertEquals(String.valueOf(tokens), request.get("output_tokens"), where);
            var span = elapsed(content.getLast()) - elapsed(content.getFirst());
            var reasoning = request.get("reasoning_tokens").isEmpty() ? 0 : Integer.parseInt(request.get("reasoning_tokens"));
            var isKnown = first(events, "tool").isEmpty() && (first(events, "reasoning").isEmpty() || reasoning > 0);
            assertMillis(!isKnown || tokens - reasoning < 2 ? null : (double) span / (tokens - reasoning - 1), request, "tpot_ms");
            assertMillis(tokens / (elapsed(content.getLast()) / 1e6) * 1000, request, "output_tokens_per_s");
        }
    }

    private static void assertGenerated(CSVRecord request, List<CSVRecord> events) {
        var generated = events.stream().filter(event -> List.of("reasoning", "content", "tool").contains(event.get("kind")))
                .toList();
        var gaps = new double[Math.max(0, generated.size() - 1)];
        for (int i = 0; i < gaps.length; i++) {
            gaps[i] = elapsed(generated.get(i + 1)) - elapsed(generated.get(i));
        }
        java.util.Arrays.sort(gaps);
        assertEquals(generated.isEmpty() ? "" : generated.getFirst().get("elapsed_ms"), request.get("ttft_any_ms"));
        assertMillis(gaps.length == 0 ? null : java.util.Arrays.stream(gaps).average().getAsDouble(), request, "itl_any_mean_ms");
        assertMillis(percentile(gaps, 0.5), request, "itl_any_p50_ms");
        for (var kind : List.of("reasoning", "tool")) {
            var count = events.stream().filter(event -> event.get("kind").equals(kind)).count();
            assertEquals(String.valueOf(count), request.get(kind + "_events"));
        }
        assertEquals(String.valueOf(request.get("output").codePoints().count()), request.get("output_chars"));
    }

    /** Microseconds, which the three decimals of the CSV hold exactly. */
    private static long elapsed(CSVRecord event) {
        return Math.round(Double.parseDouble(event.get("elapsed_ms")) * 1000);
    }

    private static String millis(double micros) {
        return String.format(Locale.ROOT, "%.3f", micros / 1000);
    }

    private static void assertMillis(Double micros, CSVRecord row, String column) {
        if (micros == null) {
            assertEquals("", row.get(column), row + " " + column);
        } else {
            // half of the last digit, and a grain for the rounding of doubles
            assertEquals(micros / 1000, Double.parseDouble(row.get(column)), 0.000501, row.get("request_id") + " " + column);
        }
    }

    private static String first(List<CSVRecord> events, String kind) {
        return events.stream().filter(event -> event.get("kind").equals(kind)).findFirst()
                .map(event -> event.get("elapsed_ms")).orElse("");
    }

    /** Linear between closest ranks, as numpy.percentile does it by default; written out here by hand. */
    private static Double percentile(double[] sorted, double fraction) {
        if (sorted.length == 0) {
            return null;
        }
        var rank = fraction * (sorted.length - 1);
        var below = (int) Math.floor(rank);
        var above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
    }

    private static void assertTable(TestRun run) {
        var last = new LinkedHashMap<String, CSVRecord>();
        run.requests().stream().filter(row -> row.get("phase").equals("measured"))
                .forEach(row -> last.put(row.get("request_id"), row));
        var lines = run.err().lines().toList();
        var header = lines.stream().filter(line -> line.startsWith("model ")).findFirst().orElseThrow();
        for (var model : last.values().stream().map(row -> row.get("model")).distinct().toList()) {
            var rows = last.values().stream().filter(row -> row.get("model").equals(model)).toList();
            var completed = rows.stream().filter(row -> row.get("status").equals("completed")).toList();
            var cells = cells(header, lines.stream().filter(each -> each.startsWith(model + " ")).findFirst().orElseThrow());
            assertEquals(rows.size() + " " + (rows.size() - completed.size()), cells.get(1) + " " + cells.get(2));
            var quantiles = cells.subList(cells.size() - 6, cells.size()); // after a column for retries, if there are any
            assertCell(completed, "ttft_ms", 0.5, "%.1f", quantiles.get(0));
            assertCell(completed, "ttft_ms", 0.95, "%.1f", quantiles.get(1));
            assertCell(completed, "itl_p50_ms", 0.5, "%.2f", quantiles.get(2));
            assertCell(completed, "itl_p95_ms", 0.5, "%.2f", quantiles.get(3));
            assertCell(completed, "total_ms", 0.5, "%.1f", quantiles.get(4));
            assertCell(completed, "output_tokens_per_s", 0.5, "%.1f", quantiles.get(5));
            assertEquals(throughput(model, completed),
                    lines.stream().filter(each -> each.startsWith("throughput of " + model + ":")).toList());
        }
    }

    /** Of the time from the first start to the last end; of one answer nothing is said. */
    private static List<String> throughput(String model, List<CSVRecord> rows) {
        if (rows.size() < 2) {
            return List.of();
        }
        var start = rows.stream().mapToDouble(row -> Double.parseDouble(row.get("start_ms"))).min().getAsDouble();
        var seconds = (rows.stream().mapToDouble(row -> Double.parseDouble(row.get("start_ms"))
                + Double.parseDouble(row.get("total_ms"))).max().getAsDouble() - start) / 1000;
        var tokens = rows.stream().mapToDouble(row -> Double.parseDouble(row.get("output_tokens"))).sum();
        return List.of(String.format(Locale.ROOT, "throughput of %s: %.2f requests/s, %.1f tokens/s", model,
                rows.size() / seconds, tokens / seconds));
    }

    /** Numbers end where their headings end. */
    private static List<String> cells(String header, String line) {
        var cells = new ArrayList<String>();
        var heading = Pattern.compile("\\S+").matcher(header);
        for (int begin = 0; heading.find(); ) {
            var end = Math.clamp(cells.isEmpty() ? line.indexOf("  ") : heading.end(), begin, line.length());
            cells.add(line.substring(begin, end).strip());
            begin = end;
        }
        return cells;
    }

    private static void assertCell(List<CSVRecord> rows, String column, double fraction, String format, String shown) {
        var values = rows.stream().map(row -> row.get(column)).filter(text -> !text.isEmpty())
                .mapToDouble(Double::parseDouble).sorted().toArray();
        var expected = values.length < (fraction > 0.5 ? 20 : 1)
                ? "" : String.format(Locale.ROOT, format, percentile(values, fraction));
        assertEquals(expected, shown, column);
    }

    @Test
    void runJsonHoldsTheConfigurationAndNoKey() throws Exception {
        try (var simulator = SimulatedServer.start(3)) {
            var run = TestRun.of(folder, Map.of("OPENAI_API_KEY", "sk-very-secret"), "", "--base-url", simulator.baseUrl(),
                    "-m", "a=sim-ttft1-itl1-n3", "--seed", "42", "-n", "2", "prompts/quiz.csv");
            var json = JsonMapper.shared().readTree(run.file("run.json"));
            assertEquals(run.folder().getFileName().toString(), json.get("run_id").stringValue());
            assertEquals(42, json.get("seed").intValue());
            assertTrue(json.get("simulated").booleanValue());
            assertEquals("OPENAI_API_KEY", json.at("/models/0/api_key_env").stringValue());
            assertEquals("{\"topic\":\"maths\"}", json.at("/prompts/0/labels").toString());
            assertEquals("{\"requests\":4,\"completed\":4,\"failed\":0,\"resent\":0}", json.get("counts").toString());
            assertEquals(Runtime.version().toString(), json.at("/versions/java").stringValue());
            assertEquals(new String(new ProcessBuilder("uname", "-n").start().getInputStream().readAllBytes(),
                    StandardCharsets.UTF_8).strip(),
                    json.at("/versions/machine").stringValue());
            for (var file : List.of("run.json", "events.csv", "requests.csv")) {
                assertFalse(run.file(file).contains("very-secret"), file);
            }
        }
    }

    @Test
    void theCommandSaysWhereTheFilesDoNotAgree() throws Exception {
        try (var simulator = SimulatedServer.start(3)) {
            var run = TestRun.of(folder, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl1-n3", "-p", "Hi");
            var file = run.folder().resolve("events.csv");
            var text = Files.readString(file);
            Files.writeString(file, text.substring(0, text.length() - 3), StandardOpenOption.TRUNCATE_EXISTING);
            Files.writeString(file, text.substring(0, text.lastIndexOf("prompt-1|")));
            assertEquals(run.folder() + ": 1 problem\n  " + file
                    + ": 1 events missing for prompt-1|sim-ttft1-itl1-n3|1, attempt 1\n",
                    Printed.compare("--check", run.folder()).expect(1).out());
            Files.writeString(file, text.substring(text.indexOf("\n") + 1).lines().findFirst().get()
                    .replace("prompt-1|", "prompt-2|") + "\r\n",
                    StandardOpenOption.APPEND);
            assertTrue(Printed.compare("--check", run.folder()).expect(1).out().contains(
                    ": 1 events without a row in requests.csv for prompt-2|sim-ttft1-itl1-n3|1, attempt 1\n"));
        }
    }

    @Test
    void aRunThatWasCutOffIsReadAsFarAsItGoes() throws Exception {
        try (var simulator = SimulatedServer.start(3)) {
            var run = TestRun.of(folder, "--base-url", simulator.baseUrl(), "-m", "sim-ttft1-itl1-n3", "-p", "Hi", "-n", "2");
            for (var name : List.of("requests.csv", "events.csv")) {
                Files.writeString(run.folder().resolve(name), "cut,\"in a quo", StandardOpenOption.APPEND);
            }
            var printed = Printed.compare("--check", run.folder()).expect(1).out();
            assertEquals(run.folder() + ": 2 problems\n  " + run.folder()
                    + "/requests.csv:4: 2 cells instead of 62; the row is left out\n"
                    + "  " + run.folder() + "/events.csv:16: 2 cells instead of 13; the row is left out\n", printed);
            assertTrue(Printed.compare(run.folder()).expect(0).out().contains("sim-ttft1-itl1-n3  2       0"));
        }
    }

    @Test
    void halfACharacterDoesNotEndTheRun() throws Exception {
        try (var server = new MockWebServer()) {
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(
                    "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}\n\ndata: "
                    + "{\"choices\":[{\"delta\":{\"content\":\"\\ude00\"}}]}\n\n"
                    + "data: [DONE]\n\n").build());
            server.start();
            var run = TestRun.of(folder, "-p", "Hi", "-m", "m", "--base-url", server.url("/v1").toString());
            assertEquals("\uD83D\uDE00", run.request().get("output"));
            assertEquals("?", run.events().getFirst().get("text"));
        }
    }
}
