package stream.live;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import stream.api.ConnectionSettings;
import stream.api.ModelCatalog;
import stream.api.ModelSettings;
import stream.api.Sampling;
import stream.client.Limits;
import stream.fixtures.Await;
import stream.fixtures.TestRun;
import stream.plan.EchoSettings;
import stream.plan.LoadSettings;
import stream.plan.Plan;
import stream.plan.RecordSettings;
import stream.plan.RequestSettings;
import stream.plan.Retries;
import stream.plan.RunSettings;
import stream.record.CsvRows;
import stream.record.RunFiles;
import stream.record.RunManifest;
import stream.simulator.SimulatedServer;
import stream.terminal.Console;

/** What tests of the live page share: a server in this process, the files of its runs, and requests as the page sends them. */
abstract class LiveFixture {

    @TempDir
    Path folder;

    final List<AutoCloseable> toClose = new ArrayList<>();
    final OkHttpClient client = new OkHttpClient.Builder().readTimeout(Duration.ofSeconds(10)).build();

    @AfterEach
    void close() throws Exception {
        for (var each : toClose.reversed()) {
            each.close();
        }
    }

    /** Serves the page; the models answer in the simulator, unless they name a server. */
    LiveServer serve(long graceMillis, String models) throws Exception {
        return serve(graceMillis, models, 0);
    }

    LiveServer serve(long graceMillis, String models, int retries) throws Exception {
        var nowhere = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        var console = new Console("live", InputStream.nullInputStream(), nowhere, nowhere, false, false, Map.of());
        var server = LiveServer.start(settings(graceMillis, models, retries), 0, console);
        toClose.add(server);
        return server;
    }

    LiveSettings settings(long graceMillis, String models, int retries) throws Exception {
        var simulator = SimulatedServer.start(1);
        toClose.add(simulator);
        var named = new ModelSettings(List.of(models), null, simulator.baseUrl(), "chat", false, List.of());
        var run = new RunSettings(true,
                new RequestSettings(null, new Sampling(200, 0, null), false, 30, 30, new Retries(retries, false),
                Limits.DEFAULT), new LoadSettings(new Plan.Order(1, 0, true, 1), 1, LoadSettings.SelfWarmup.NEVER, false),
                ConnectionSettings.DEFAULT, new RecordSettings(folder, false, null), EchoSettings.SILENT, false);
        return new LiveSettings(run, ModelCatalog.of(named, Map.of(), ModelCatalog.Access.WITH_KEYS).models(), named, graceMillis);
    }

    LiveServer serve(String models) throws Exception {
        return serve(60_000, models);
    }

    /** The rows of all runs, by model. */
    List<CSVRecord> rows() throws Exception {
        var rows = new ArrayList<CSVRecord>();
        try (var runs = Files.list(folder)) {
            for (var run : runs.filter(RunFiles::isRun).sorted().toList()) {
                try (var file = CSVParser.parse(run.resolve(RunFiles.REQUESTS), StandardCharsets.UTF_8, TestRun.CSV)) {
                    rows.addAll(file.getRecords());
                }
            }
        }
        rows.sort(Comparator.comparing(row -> row.get("model")));
        return rows;
    }

    void awaitFirstEvents() throws Exception {
        Await.until("events are written", () -> !RunFiles.runsIn(folder).isEmpty()
                && Files.readAllLines(RunFiles.runsIn(folder).getFirst().resolve(RunFiles.EVENTS)).size() > 2);
    }

    /** Waits until the first run has written an event that came so much later than its last one now. */
    static void awaitFurtherEvents(Path results, double millis) throws Exception {
        Await.until("a run begins", () -> Files.isDirectory(results) && !RunFiles.runsIn(results).isEmpty());
        var begin = lastEventMillis(results);
        Await.until("the answer goes on for " + millis + " ms", () -> lastEventMillis(results) >= begin + millis);
    }

    private static double lastEventMillis(Path results) throws IOException {
        var last = new double[1];
        CsvRows.forEach(RunFiles.runsIn(results).getFirst().resolve(RunFiles.EVENTS),
                row -> last[0] = Double.parseDouble(row.get("elapsed_ms")));
        return last[0];
    }

    /** Returns the folder of the first run, once it is complete. */
    Path awaitFinished() throws Exception {
        return awaitFinished(1);
    }

    /** Returns the folder of the run with this number, from 1, once it is complete. */
    Path awaitFinished(int number) throws Exception {
        Await.until("run " + number + " has ended", () -> {
            var runs = RunFiles.runsIn(folder);
            return runs.size() >= number && Files.exists(runs.get(number - 1).resolve(RunFiles.MANIFEST))
                    && RunManifest.read(runs.get(number - 1)).finishedAt() != null;
        });
        return RunFiles.runsIn(folder).get(number - 1);
    }

    String base(LiveServer server) {
        return server.address().replaceFirst("/\\?.*", "");
    }

    /** Returns the headers that the token is exchanged for: the cookie, and the key that the page keeps for its origin. */
    String[] admission(LiveServer server) throws Exception {
        return admission(server.address());
    }

    String[] admission(String address) throws Exception {
        try (var response = client.newCall(new Request.Builder().url(address).build()).execute()) {
            assertEquals(200, response.code());
            var header = response.header("Set-Cookie");
            assertTrue(header.endsWith("; Path=/; HttpOnly; SameSite=Strict"), header);
            return new String[] {"Cookie", header.substring(0, header.indexOf(';')),
                "X-Live-Key", response.body().string().replaceFirst("(?s).*data-key=\"([^\"]+)\".*", "$1")};
        }
    }

    static String[] with(String[] headers, String... more) {
        var all = new ArrayList<>(List.of(headers));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    /** Asks as the page does. */
    void ask(LiveServer server, String json) throws Exception {
        try (var response = post(server, "/asks", json, with(admission(server), "Origin", base(server)))) {
            assertEquals(202, response.code());
        }
    }

    Response get(LiveServer server, String path, String... headers) throws Exception {
        var request = new Request.Builder().url(base(server) + path);
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return client.newCall(request.build()).execute();
    }

    Response post(LiveServer server, String path, String json, String... headers) throws Exception {
        return post(base(server), path, json, headers);
    }

    Response post(String base, String path, String json, String... headers) throws Exception {
        var request = new Request.Builder().url(base + path).post(RequestBody.create(json, MediaType.get("application/json")));
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return client.newCall(request.build()).execute();
    }
}
