package stream.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stream.Stream;
import stream.fixtures.Printed;
import stream.fixtures.TestRun;
import stream.terminal.Console;
import tools.jackson.databind.json.JsonMapper;

/** What Prometheus reads of a run while it goes on. */
class TelemetryTest {

    private static final Pattern NAME = Pattern.compile("\\b((?:stream|gen_ai_client)_\\w+)\\{");

    @TempDir
    Path folder;

    /** Returns the samples of a page by name and labels, as they are written. */
    private static Map<String, Double> samples(String address) throws Exception {
        var samples = new TreeMap<String, Double>();
        try (var page = URI.create(address).toURL().openStream()) {
            new String(page.readAllBytes(), StandardCharsets.UTF_8).lines().filter(line -> !line.startsWith("#")).forEach(line ->
                    samples.put(line.substring(0, line.lastIndexOf(' ')),
                    Double.valueOf(line.substring(line.lastIndexOf(' ') + 1))));
        }
        return samples;
    }

    /**
     * Two models that answer, one of which fails at each request and is tried again, and one that is silent until the run is read.
     */
    @Test
    void aRunThatGoesOnIsCountedAsItsFilesAre() throws Exception {
        var err = new ByteArrayOutputStream();
        var console = new Console("stream", InputStream.nullInputStream(), new PrintStream(new ByteArrayOutputStream()),
                new PrintStream(err, true, StandardCharsets.UTF_8), false, false, Map.of());
        var run = CompletableFuture.supplyAsync(() ->
                Stream.run(console, "--simulate", "-m", "a=sim-ttft5-itl2-n8,bad=sim-ttft1-itl1-n1+status-503,"
                + "silent=sim-ttft60000-itl1-n1", "-p", "Why is the sky blue?", "-n", "3", "-c", "9", "--retries", "1",
                "--timeout", "4", "--echo", "none",
                "--no-self-warmup", "--metrics-port", "0", "--results", folder.toString()));
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        var address = Pattern.compile("stream: metrics at (http://127\\.0\\.0\\.1:\\d+/metrics)\n");
        Map<String, Double> samples = Map.of();
        var page = "";
        while (samples.getOrDefault("stream_requests_failed_total{error_type=\"server_error\",model=\"bad\",status=\"failed\"}",
                0.0) < 3
                || samples.getOrDefault("stream_requests_completed_total{model=\"a\"}", 0.0) < 3) {
            assertTrue(System.nanoTime() < deadline, "the requests of a and bad end: " + samples + err);
            var found = address.matcher(err.toString(StandardCharsets.UTF_8));
            if (found.find()) {
                page = found.group(1);
                samples = samples(page);
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
        samples = samples(page); // a scrape is no snapshot: of a request that ended during the last one some figures may be missing
        assertFalse(run.isDone(), "the silent model goes on");
        assertNothingAnswersBeyondLoopback(URI.create(page).getPort());
        assertEquals(3, samples.get("stream_requests_in_flight{model=\"silent\"}"));
        assertEquals(0, samples.get("stream_requests_in_flight{model=\"a\"}"));
        assertEquals(6, samples.get("stream_attempts_started_total{model=\"bad\"}"));
        assertEquals(3, samples.get("stream_attempts_retried_total{model=\"bad\"}"));
        assertEquals(9, samples.get("stream_client_delay_seconds_count{model=\"a\"}")
                + samples.get("stream_client_delay_seconds_count{model=\"bad\"}"));
        var used = new HashSet<String>();
        samples.keySet().forEach(sample -> used.add(sample.replaceFirst("\\{.*", "")));
        assertDashboardShowsOnly(used);

        assertEquals(1, run.get(30, TimeUnit.SECONDS));
        var of = new TestRun(1, "", "", folder);
        var gaps = new TreeMap<Double, Integer>();
        var last = new TreeMap<String, Double>();
        for (var event : of.events()) {
            if (event.get("model").equals("a") && event.get("kind").equals("content")) {
                var at = Double.parseDouble(event.get("elapsed_ms"));
                var before = last.put(event.get("request_id"), at);
                if (before != null) {
                    gaps.merge(Math.round((at - before) * 1000) / 1e6, 1, Integer::sum);
                }
            }
        }
        for (var bound : new double[] {1.0E-4, 8.0E-4, 0.0016, 0.0032, 0.0064}) {
            var expected = gaps.headMap(bound, true).values().stream().mapToInt(count -> count).sum();
            assertEquals(expected, samples.get("stream_inter_token_latency_seconds_bucket{model=\"a\",le=\"" + bound + "\"}"),
                    "up to " + bound);
        }
        assertEquals(21, samples.get("stream_inter_token_latency_seconds_count{model=\"a\"}"));
        var labels = "{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"sim-ttft5-itl2-n8\",";
        var tokens = samples.entrySet().stream().filter(each -> each.getKey().startsWith("gen_ai_client_token_usage_sum" + labels)
                && each.getKey().contains("gen_ai_token_type=\"output\"")).findFirst().orElseThrow();
        assertEquals(24, tokens.getValue());
        var ttfts = of.requests().stream().filter(row -> row.get("model").equals("a"))
                .mapToDouble(row -> Double.parseDouble(row.get("ttft_ms"))).sum();
        var totals = of.requests().stream().filter(row -> row.get("model").equals("a"))
                .mapToDouble(row -> Double.parseDouble(row.get("total_ms"))).sum();
        assertEquals(totals / 1000, ofModelA(samples, "gen_ai_client_operation_duration_seconds_sum"), 1e-9);
        assertEquals(ttfts / 1000, samples.get("stream_time_to_first_token_seconds_sum{model=\"a\"}"), 1e-9);
        var firsts = of.events().stream().filter(event -> event.get("model").equals("a") && event.get("event").equals("0"))
                .mapToDouble(event -> Double.parseDouble(event.get("elapsed_ms"))).sum();
        var delays = of.events().stream().filter(event -> event.get("model").equals("a") && !event.get("delay_ms").isEmpty())
                .mapToDouble(event -> Double.parseDouble(event.get("delay_ms"))).sum();
        assertEquals(firsts / 1000, ofModelA(samples, "gen_ai_client_operation_time_to_first_chunk_seconds_sum"), 1e-9);
        assertEquals(delays / 1000, ofModelA(samples, "gen_ai_client_operation_time_per_output_chunk_seconds_sum"), 1e-9);
        var prompts = of.requests().stream().filter(row -> row.get("model").equals("a"))
                .mapToInt(row -> Integer.parseInt(row.get("prompt_tokens"))).sum();
        assertTrue(prompts > 3, "several tokens in each prompt");
        assertEquals(prompts, samples.entrySet().stream()
                .filter(each -> each.getKey().startsWith("gen_ai_client_token_usage_sum" + labels)
                && each.getKey().contains("gen_ai_token_type=\"input\"")).findFirst().orElseThrow().getValue());
    }

    private static double ofModelA(Map<String, Double> samples, String name) {
        return samples.entrySet().stream().filter(each -> each.getKey().startsWith(name + "{")
                && each.getKey().contains("gen_ai_request_model=\"sim-ttft5-itl2-n8\"")).findFirst().orElseThrow().getValue();
    }

    private static void assertNothingAnswersBeyondLoopback(int port) throws Exception {
        for (var network : java.util.Collections.list(java.net.NetworkInterface.getNetworkInterfaces())) {
            for (var address : java.util.Collections.list(network.getInetAddresses())) {
                if (!address.isLoopbackAddress() && address instanceof java.net.Inet4Address) {
                    assertThrows(java.net.ConnectException.class,
                            () -> new java.net.Socket(address, port).close(), address.toString());
                }
            }
        }
    }

    private static void assertDashboardShowsOnly(HashSet<String> used) throws Exception {
        var dashboard = JsonMapper.shared().readTree(Files.readString(Path.of("deploy/grafana.json")));
        var shown = 0;
        for (var panel : dashboard.get("panels")) {
            for (var target : panel.get("targets")) {
                for (var names = NAME.matcher(target.get("expr").stringValue()); names.find(); shown++) {
                    assertTrue(used.contains(names.group(1)), names.group(1) + " of " + panel.get("title"));
                }
            }
        }
        assertTrue(shown >= 12, "each panel shows a metric");
    }

    @Test
    void aPortThatIsTakenOrNotOneIsOneLineAndLeavesNothing() throws Exception {
        try (var taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            var port = String.valueOf(taken.getLocalPort());
            var refused = Printed.stream("--simulate", "-p", "Hi", "-m", "gpt-4", "-q", "--metrics-port", port, "--results",
                    folder.resolve("r").toString()).expect(2);
            assertTrue(refused.err().matches("stream: --metrics-port " + port
                    + ": cannot be opened \\(Address already in use\\); name another, or 0"
                    + " for any\n"), refused.err());
        }
        try (var inside = Files.list(Files.createDirectories(folder.resolve("r")))) {
            assertEquals(0, inside.count());
        }
        assertEquals("stream: --metrics-port 0 with --quiet: the port would not be shown; name one\n",
                Printed.stream("--simulate", "-p", "Hi", "-q",
                "--metrics-port", "0").expect(2).err());
        assertEquals("stream: --metrics-port 65536; must be from 0 to 65535\n",
                Printed.stream("--simulate", "-p", "Hi", "-q", "--metrics-port",
                "65536").expect(2).err().replaceAll("must be .*", "must be from 0 to 65535"));
    }
}
