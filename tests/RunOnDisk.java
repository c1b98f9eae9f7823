package stream;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.apache.commons.csv.CSVFormat;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The files of a run whose every figure the test decides. */
final class RunOnDisk {

    /** The header of requests.csv, as docs/files.md has it. */
    static final String REQUESTS = "request_id,run_id,started_at,model,model_name,api,base_url,prompt_id,repetition,attempt,phase,status,"
            + "http_status,error_type,error,retry_after_ms,scheduled_ms,queue_ms,dns_ms,connect_ms,tls_ms,sent_ms,headers_ms,"
            + "first_event_ms,ttft_ms,ttft_reasoning_ms,ttlt_ms,total_ms,itl_mean_ms,itl_p50_ms,itl_p95_ms,itl_max_ms,tpot_ms,"
            + "output_tokens_per_s,events,content_events,coalesced_events,prompt_tokens,cached_prompt_tokens,output_tokens,token_source,"
            + "finish_reason,http_version,connection_reused,server_processing_ms,server_request_id,system_fingerprint,reported_model,"
            + "tainted,output,tokens_per_event,ttft_any_ms,reasoning_tokens,reasoning_events,tool_events,itl_any_mean_ms,itl_any_p50_ms,"
            + "output_chars,cost,resent,stream_end";

    /** The header of events.csv. */
    static final String EVENTS = "request_id,model,prompt_id,repetition,attempt,event,kind,elapsed_ms,delay_ms,read,text,tokens,empty_choice";

    static final Instant BEGIN = Instant.parse("2026-11-23T10:00:00Z");

    private final Path folder;
    private final ObjectNode record = JsonMapper.shared().createObjectNode();
    private final List<String> requests = new ArrayList<>();
    private final List<String> events = new ArrayList<>();

    RunOnDisk(Path folder) {
        this.folder = folder;
        record.put("run_id", folder.getFileName().toString()).put("simulated", false).put("finished_at", "2026-11-23T11:00:00Z");
        requests.add(REQUESTS);
        events.add(EVENTS);
    }

    /** What run.json holds. */
    ObjectNode record() {
        return record;
    }

    RunOnDisk option(String name, int value) {
        record.withObject("/options").put(name, value);
        return this;
    }

    /** Adds a model to run.json; without a price if the currency is null. */
    RunOnDisk model(String label, String currency) {
        var model = ((ArrayNode) record.withArray("/models")).addObject().put("label", label).put("name", label);
        if (currency != null) {
            model.putObject("price").put("input", 1).put("output", 1).put("currency", currency);
        }
        return this;
    }

    RunOnDisk prompt(String id, String digest, String label, String value) {
        var prompt = ((ArrayNode) record.withArray("/prompts")).addObject().put("id", id).put("digest", digest);
        prompt.putObject("labels").put(label, value);
        return this;
    }

    /** Adds an answer whose first token came after so long, and each further one after the same gap. */
    RunOnDisk answer(String model, String prompt, int repetition, double ttftMillis, double gapMillis, int tokens,
                     String... columns) {
        var times = new double[tokens];
        for (int i = 0; i < tokens; i++) {
            times[i] = ttftMillis + i * gapMillis;
        }
        return answer(model, prompt, repetition, times, columns);
    }

    /** Adds an answer with a role at 1 ms, these tokens, a finish reason and an end; further columns by name and value. */
    RunOnDisk answer(String model, String prompt, int repetition, double[] times, String... columns) {
        var cells = new HashMap<String, String>();
        var last = times.length == 0 ? 1 : times[times.length - 1];
        cells.putAll(Map.of("status", "completed", "ttlt_ms", millis(last), "total_ms", millis(last + 1), "ttft_ms",
                times.length == 0 ? "" : millis(times[0]), "events", String.valueOf(times.length + 3), "content_events",
                String.valueOf(times.length), "coalesced_events", "0", "output_tokens", String.valueOf(times.length),
                "token_source", "usage", "output", "token ".repeat(times.length)));
        if (times.length > 1) {
            var gaps = new double[times.length - 1];
            for (int i = 0; i < gaps.length; i++) {
                gaps[i] = times[i + 1] - times[i];
            }
            cells.put("itl_p50_ms", millis(Metrics.quantile(gaps, 0.5)));
            cells.put("tpot_ms", millis((last - times[0]) / gaps.length));
            cells.put("output_tokens_per_s", millis(times.length / last * 1000));
        }
        var id = request(model, prompt, repetition, cells, columns);
        var row = id + "," + model + "," + prompt + "," + repetition + ",1,";
        var event = 0;
        events.add(row + event++ + ",role,1.000,,1,,,");
        for (var time : times) {
            events.add(row + event++ + ",content," + millis(time) + ",," + event + ",token ,,");
        }
        events.add(row + event++ + ",finish," + millis(last) + ",," + event + ",stop,,");
        events.add(row + event + ",done," + millis(last + 1) + ",," + event + ",,,");
        return this;
    }

    /** Adds a request without an answer. */
    RunOnDisk failure(String model, String prompt, int repetition, String error) {
        request(model, prompt, repetition, new HashMap<>(Map.of("status", "failed", "error", error, "total_ms", "5.000")));
        return this;
    }

    private String request(String model, String prompt, int repetition, Map<String, String> cells, String... columns) {
        var id = prompt + "|" + model + "|" + repetition;
        cells.putAll(Map.of("request_id", id, "run_id", folder.getFileName().toString(), "started_at",
                BEGIN.plusSeconds(requests.size()).toString(), "model", model, "model_name", model, "api", "chat", "base_url",
                "http://localhost:1/v1", "prompt_id", prompt, "repetition", String.valueOf(repetition), "attempt", "1"));
        cells.put("phase", "measured");
        cells.putIfAbsent("cached_prompt_tokens", "0");
        for (int i = 0; i < columns.length; i += 2) {
            cells.put(columns[i], columns[i + 1]);
        }
        cells.putIfAbsent("stream_end", cells.get("status").equals("completed") ? "complete" : "other");
        requests.add(CSVFormat.RFC4180.format(Arrays.stream(REQUESTS.split(",")).map(column -> cells.getOrDefault(column, ""))
                .toArray()));
        return id;
    }

    /** Adds a line to events.csv as it is. */
    RunOnDisk event(String line) {
        events.add(line);
        return this;
    }

    /** Adds a line to requests.csv as it is. */
    RunOnDisk requestLine(String line) {
        requests.add(line);
        return this;
    }

    /** Writes the files; returns their folder. */
    Path write() {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("requests.csv"), String.join("\r\n", requests) + "\r\n");
            Files.writeString(folder.resolve("events.csv"), String.join("\r\n", events) + "\r\n");
            Files.writeString(folder.resolve("run.json"), record.toPrettyString());
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String millis(double millis) {
        return String.format(Locale.ROOT, "%.3f", millis);
    }
}
