package stream.live;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import okhttp3.Response;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import stream.Live;
import stream.Stream;
import stream.fixtures.Await;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.fixtures.ScriptedServer;
import stream.fixtures.TestOrder;
import stream.fixtures.TestRun;
import stream.fixtures.ToolProcess;
import stream.record.ClientOverhead;
import stream.record.RunFiles;
import stream.record.RunManifest;
import stream.run.LoopbackLoad;
import stream.terminal.Console;
import tools.jackson.databind.json.JsonMapper;

/** The server of Live.java without a browser: who may use it, what it refuses, and what becomes of the questions. */
@Order(TestOrder.LAST)
class LiveServerTest extends LiveFixture {

    @Test
    void aRowIsThereWhenItsRequestHasEnded() throws Exception {
        var server = serve("endless=sim-ttft50-itl20-n100000,quick=sim-ttft5-itl0-n5");
        ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"endless\",\"quick\"],\"max_tokens\":100000}");
        Await.until("the row of the quick one is in the file while the other goes on", () -> rows().size() == 1);
        assertEquals("quick", rows().getFirst().get("model"));
    }

    @Test
    void whatCameUntilTheServerEndsIsWritten() throws Exception {
        var server = serve("m=sim-ttft50-itl20-n100000");
        ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"max_tokens\":100000}");
        awaitFirstEvents();
        server.close();
        assertEquals("cancelled", rows().getFirst().get("status"));
        assertFalse(rows().getFirst().get("output").isEmpty());
    }

    // Who may use it

    @Test
    void withoutTheTokenNothingIsServed() throws Exception {
        var server = serve("m=sim-ttft20-itl2-n5");
        for (var path : List.of("/", "/?token=wrong", "/config", "/events?tab=t", "/assets/live.js", "/report/x")) {
            try (var response = get(server, path)) {
                assertEquals("403 open the address that ./jbang Live.java has printed; it has a token",
                        response.code() + " " + response.body().string(), path);
            }
        }
        var admission = admission(server);
        for (var headers : List.of(new String[] {"Cookie", admission[1] + "x", "X-Live-Key", admission[3]},
                new String[] {"Cookie", admission[1]}, new String[] {"Cookie", admission[1], "X-Live-Key", admission[3] + "x"})) {
            try (var response = get(server, "/config", headers)) {
                assertEquals(403, response.code(), "a cookie goes to every server of this machine, so it is not enough");
            }
        }
        try (var response = get(server, "/config", admission)) {
            assertEquals(200, response.code());
            assertAll(
                    () -> assertEquals("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
                    + "'self' data:; base-uri 'none';"
                            + " form-action 'none'; frame-ancestors 'none'", response.header("Content-Security-Policy")),
                    () -> assertEquals("nosniff", response.header("X-Content-Type-Options")),
                    () -> assertEquals("no-referrer", response.header("Referrer-Policy")),
                    () -> assertEquals("no-store", response.header("Cache-Control")));
        }
    }

    @Test
    void eachServerHasSecretsOfItsOwn() throws Exception {
        var secrets = new HashSet<String>();
        for (int i = 0; i < 2; i++) {
            var server = serve("m=sim-ttft20-itl2-n5");
            secrets.addAll(List.of(server.address().replaceFirst(".*token=", ""),
                    admission(server)[1].replaceFirst(".*?=", ""), admission(server)[3]));
        }
        assertEquals(6, secrets.size(), "a token, a cookie and a key of each, none of which is another: " + secrets);
    }

    @Test
    void thePageGetsNoSecretOfTheAddressOfAModel() throws Exception {
        var server = serve("m=m@http://me:s3cr3t@localhost:1/v1?token=s3cr3t");
        try (var response = get(server, "/config", admission(server))) {
            var config = response.body().string();
            assertTrue(config.contains("\"http://localhost:1/v1"), config);
            assertFalse(config.contains("s3cr3t"), config);
        }
    }

    /** All of 127.0.0.0/8 is this machine, but a server of 127.0.0.1 is at no other address of it. */
    @Test
    void itListensOnTheLoopbackAddressAlone() throws Exception {
        var port = Integer.parseInt(base(serve("m=sim-ttft20-itl2-n5")).replaceFirst(".*:", ""));
        new Socket("127.0.0.1", port).close();
        assertThrows(ConnectException.class, () -> new Socket("127.0.0.2", port).close());
    }

    @Test
    void otherHostsAndOriginsAreRefused() throws Exception {
        var server = serve("m=sim-ttft20-itl2-n5");
        var admission = admission(server);
        var question = "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"]}";
        for (var host : List.of("evil.example", "evil.example:" + base(server).replaceFirst(".*:", ""), "127.0.0.1")) {
            try (var response = get(server, "/", with(admission, "Host", host))) {
                assertEquals(403, response.code(), host);
            }
        }
        for (var origin : List.of("http://evil.example", "null", base(server) + ".evil.example",
                "https" + base(server).substring(4))) {
            try (var response = post(server, "/asks", question, with(admission, "Origin", origin))) {
                assertEquals("403 only the page of this server may ask", response.code() + " " + response.body().string(), origin);
            }
        }
        try (var response = post(server, "/asks", question, admission)) {
            assertEquals(403, response.code(), "a browser always tells the origin of a post");
        }
        assertEquals(0, rows().size());
        try (var response = post(server, "/asks", question, with(admission, "Origin", base(server)))) {
            assertEquals(202, response.code());
        }
        Await.until("it was asked", () -> rows().size() == 1);
    }

    @Test
    void onlyRunsOfThisSessionHaveAReport() throws Exception {
        var server = serve("m=sim-ttft20-itl2-n5");
        new RunOnDisk(folder.resolve("another")).answer("m", "sky", 1, 100, 5, 5).write();
        for (var run : List.of("another", "%2e%2e%2fsecret")) {
            try (var response = get(server, "/report/" + run, admission(server))) {
                assertEquals(404, response.code(), run);
            }
        }
    }

    @Test
    void whatIsTooMuchIsRefusedWithOneSentence() throws Exception {
        var server = serve("m=sim-ttft50-itl20-n100000");
        var headers = with(admission(server), "Origin", base(server));
        var refused = Map.of(
                "{\"tab\":\"t\",\"prompt\":\" \",\"models\":[\"m\"]}", "the prompt is empty; write a question",
                "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[]}", "no model is chosen; choose one",
                "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"repeat\":101}",
                "repetitions 101; must be a number from 1 to 100",
                "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"temperature\":3}",
                "temperature 3; must be a number from 0 to 2",
                "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"max_tokens\":0}",
                "token limit 0; must be a whole number, at least 1",
                "{\"tab\":\"t\",\"prompt\":\"Hi\",\"system\":\"" + "x".repeat(200_001) + "\",\"models\":[\"m\"]}",
                "the prompt has more than 200000 characters; put it into a file for Stream.java",
                withFile("{\"prompt\":\"Hi\"}\n".repeat(101), 100),
                "101 prompts, 1 models and 100 repetitions are more than 10000 requests;"
                        + " repeat less, or use Stream.java",
                withFile(" ".repeat((8 << 20) + 1), 1), "the files have more than 8 MB; use Stream.java",
                "{\"tab\":\"t\",\"prompt\":\"" + "x".repeat(200_001) + "\",\"models\":[\"m\"]}",
                "the prompt has more than 200000 characters; put it into a file for Stream.java",
                "not json", "not JSON");
        for (var each : refused.entrySet()) {
            try (var response = post(server, "/asks", each.getKey(), headers)) {
                assertEquals("400 " + each.getValue(), response.code() + " " + response.body().string());
            }
        }
        try (var response = post(server, "/asks", "x".repeat(17 << 20), headers)) {
            assertEquals(413, response.code());
        } catch (IOException e) {
            // the server may close the connection while the rest is being sent
        }
        var question = "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"]}";
        for (int i = 0; i < LiveSettings.MOST_QUESTIONS; i++) {
            post(server, "/asks", question, headers).close();
        }
        try (var response = post(server, "/asks", question, headers)) {
            assertEquals("400 4 questions are being answered; wait for one to end, or stop it",
                    response.code() + " " + response.body().string());
        }
        try (var response = post(server, "/asks/1/stop", "{}", headers)) {
            assertEquals(204, response.code());
        }
        Await.until("a place is free", () -> {
            try (var response = post(server, "/asks", question, headers)) {
                return response.code() == 202;
            }
        });
        try (var response = post(server, "/asks/99/stop", "{}", headers)) {
            assertEquals(404, response.code());
        }
    }

    private static String withFile(String content, int repeat) {
        return "{\"tab\":\"t\",\"models\":[\"m\"],\"repeat\":" + repeat + ",\"files\":[{\"name\":\"set.jsonl\",\"base64\":\""
                + Base64.getEncoder().encodeToString(content.getBytes(StandardCharsets.UTF_8)) + "\"}]}";
    }

    @Test
    void atMost32AnswersAreAskedForAtTheSameTime() throws Exception {
        var labels = IntStream.range(0, 17).mapToObj(i -> "m" + i).toList();
        var server = serve(String.join(",", labels.stream().map(label -> label + "=sim-ttft50-itl20-n100000").toList()));
        var headers = with(admission(server), "Origin", base(server));
        var ofAll = "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"" + String.join("\",\"", labels) + "\"]}";
        post(server, "/asks", ofAll, headers).close();
        try (var response = post(server, "/asks", ofAll, headers)) {
            assertEquals("400 34 answers at the same time are too many, at most 32 are possible; choose fewer models",
                    response.code() + " " + response.body().string());
        }
        try (var response = post(server, "/asks", ofAll.replace("\"m0\",\"m1\",", ""), headers)) {
            assertEquals(202, response.code(), "32 are possible");
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aTabIsSentItsChanges25TimesASecondHoweverManyThereAre() throws Exception {
        var server = serve("m=sim-ttft5-itl1-n100000");
        ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"max_tokens\":100000}");
        try (var tab = get(server, "/events?tab=t&ask=1", admission(server))) {
            var messages = 0;
            var lines = tab.body().source();
            var startNanos = System.nanoTime();
            while (System.nanoTime() - startNanos < 1_000_000_000) {
                messages += lines.readUtf8LineStrict().startsWith("event") ? 1 : 0;
            }
            // two at the beginning are of the connection and the list of questions, whose round changes once
            var most = 25 * (System.nanoTime() - startNanos) / 1e9 + 4;
            assertTrue(messages > 4 && messages <= most, messages + " messages, at most " + most);
        }
    }

    /** A tab that never reads fills the buffers of its connection; the run must end as if nobody watched. */
    @Test
    void aTabThatDoesNotReadHoldsNothingUp() throws Exception {
        var server = serve("m=sim-ttft5-itl0-n20000");
        ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"max_tokens\":20000,\"repeat\":10}");
        var admission = admission(server);
        try (var socket = new Socket("127.0.0.1", Integer.parseInt(base(server).replaceFirst(".*:", "")))) {
            socket.setReceiveBufferSize(4096);
            socket.getOutputStream().write(("GET /events?tab=t&ask=1 HTTP/1.1\r\nHost: " + base(server).substring(7)
                    + "\r\nCookie: " + admission[1]
                    + "\r\nX-Live-Key: " + admission[3] + "\r\nAccept: text/event-stream\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            awaitFinished();
            assertEquals(10, rows().size());
            for (var row : rows()) {
                assertEquals("completed 20000", row.get("status") + " " + row.get("output_tokens"));
                assertFalse(row.get("tainted").contains("journal"), "the journal was not held up");
            }
        }
    }

    /**
     * The error of both is some tenths of a millisecond. What holds a reading thread up, such as a lock that a tab holds, or a
     * tab's turn on its processor, costs a millisecond and more, each time. What another program costs is in both errors or, if it
     * comes and goes, not in each of three attempts.
     */
    @Test
    void timesOfThePageAreAsExactAsThoseOfStream() throws Exception {
        LoopbackLoad.warmUp(); // as both do
        var models = "a=sim-ttft50-itl10-n20-clock,b=sim-ttft50-itl10-n20-clock,c=sim-ttft50-itl10-n20-clock";
        var stream = TestRun.of(folder.resolve("stream"), "--simulate", "-m", models, "-p", "Hi", "-n", "6", "-c",
                "3", "--echo", "none", "-q");
        var ofStream = LoopbackLoad.overhead(LoopbackLoad.tokenTimes(stream.folder().resolve(RunFiles.EVENTS)));
        var server = serve(models);
        var ofPage = new ArrayList<ClientOverhead>();
        do {
            ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"a\",\"b\",\"c\"],\"repeat\":6}");
            var ask = ofPage.size() + 1;
            for (int i = 0; i < 3; i++) {
                var tab = get(server, "/events?tab=t&ask=" + ask, admission(server));
                Thread.startVirtualThread(() -> readAll(tab));
            }
            ofPage.add(LoopbackLoad.overhead(LoopbackLoad.tokenTimes(awaitFinished(ask).resolve(RunFiles.EVENTS))));
            assertEquals(ofStream.events(), ofPage.getLast().events());
        } while (!isAsExact(ofPage.getLast(), ofStream) && ofPage.size() < 3);
        assertTrue(isAsExact(ofPage.getLast(), ofStream), ofPage + " and " + ofStream);
    }

    private static boolean isAsExact(ClientOverhead page, ClientOverhead stream) {
        return page.ttftP50Micros() <= 2 * stream.ttftP50Micros() + 1000 && page.itlP50Micros() <= 2 * stream.itlP50Micros() + 1000;
    }

    private static void readAll(Response response) {
        try (response) {
            while (!response.body().source().exhausted()) {
                response.body().source().skip(response.body().source().getBuffer().size());
            }
        } catch (IOException e) {
            // the end of the test
        }
    }

    @Test
    void aRunOfThePageIsResumedByItsCommandLineWithTheSameSettings() throws Exception {
        var server = serve("m=sim-ttft20-itl2-n5,n=sim-ttft50-itl20-n100000");
        ask(server, "{\"tab\":\"t\",\"prompt\":\"-5 + 7 = "
                + "?\",\"system\":\"@notes.txt\",\"models\":[\"n\"],\"repeat\":3,\"temperature\":1}");
        awaitFirstEvents();
        post(server, "/asks/1/stop", "{}", with(admission(server), "Origin", base(server))).close();
        var run = awaitFinished();
        var arguments = RunManifest.read(run).arguments();
        assertEquals(List.of("--prompt=-5 + 7 = ?", "-m", "n=sim-ttft50-itl20-n100000"), arguments.subList(0, 3));
        var words = String.join(" ", arguments);
        assertTrue(words.contains(" --system=@@notes.txt --max-tokens 200 --temperature 1.0 --timeout 30.0 --stall-timeout 30.0"
                + " --retries 0 "), words);
        assertTrue(words.contains(" -n 3 --warmup 0 -c 1 --seed "), words);
        var begun = new Stream(null);
        Console.parser(begun).parseArgs(arguments.toArray(String[]::new));
    }

    @Test
    void ifNothingHasEndedByItselfTheReportAndCompareSaySoInOneSentence() throws Exception {
        var server = serve("m=sim-ttft50-itl20-n100000");
        ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"repeat\":2}");
        awaitFirstEvents();
        var admission = admission(server);
        post(server, "/asks/1/stop", "{}", with(admission, "Origin", base(server))).close();
        var run = awaitFinished();
        var sentence = run + ": no request in it has ended by itself; there is nothing to compare";
        assertEquals("compare: " + sentence + "\n", Printed.compare(run).expect(2).err());
        try (var response = get(server, "/report/" + run.getFileName(), admission)) {
            assertEquals("404 " + sentence, response.code() + " " + response.body().string());
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aTabThatComesBackInTimeKeepsItsQuestionHoweverOftenItWasAway() throws Exception {
        var server = serve(600, "m=sim-ttft50-itl20-n100000");
        var admission = admission(server);
        ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"]}");
        for (int i = 0; i < 4; i++) { // each time for half of the grace, and away again when that of the time before ends
            try (var tab = get(server, "/events?tab=t&ask=1", admission)) {
                tab.body().source().require(1);
                Thread.sleep(200);
            }
            Thread.sleep(300);
        }
        try (var tab = get(server, "/events?tab=t&ask=1", admission)) {
            tab.body().source().require(1);
            assertTrue(rows().isEmpty(), "not stopped");
        }
    }

    /** As when it was closed while its question was being sent. */
    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aQuestionOfATabThatNeverConnectsIsStopped() throws Exception {
        var server = serve(300, "m=sim-ttft50-itl20-n100000");
        ask(server, "{\"tab\":\"gone\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"max_tokens\":100000}");
        Await.until("the question is stopped", () -> !rows().isEmpty());
        assertEquals("cancelled", rows().getFirst().get("status"));
    }

    /** The first three are forgotten, which a tab that asks for one of them is told; they are in their folders. */
    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void theLast50QuestionsAreKept() throws Exception {
        var server = serve("m=sim-ttft1-itl0-n1");
        for (int i = 1; i <= LiveSettings.MOST_KEPT + 3; i++) {
            Await.until("it may be asked", () -> {
                try (var response = post(server, "/asks", "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"]}",
                        with(admission(server), "Origin", base(server)))) {
                    return response.code() == 202;
                }
            });
            awaitFinished(i);
        }
        for (int id : List.of(3, 4)) {
            try (var response = post(server, "/asks/" + id + "/stop", "{}", with(admission(server), "Origin", base(server)))) {
                assertEquals(id == 3 ? 404 : 204, response.code(), "question " + id);
            }
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void aTabThatConnectsTwiceIsClosedWhenBothConnectionsAre() throws Exception {
        var server = serve(200, "m=sim-ttft50-itl20-n100000");
        var admission = admission(server);
        try (var one = get(server, "/events?tab=t", admission)) {
            one.body().source().require(1);
            ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"],\"max_tokens\":100000}");
            awaitFirstEvents();
            try (var other = get(server, "/events?tab=t&ask=1", admission)) {
                other.body().source().require(1);
            }
            // the server sees it with the next message, 40 ms later, and would stop the question 200 ms after that
            awaitFurtherEvents(folder, 600);
            assertTrue(rows().isEmpty(), "one connection is left");
        }
        Await.until("the question is stopped", () -> !rows().isEmpty());
        assertEquals("cancelled", rows().getFirst().get("status"));
    }

    /** A browser of a shell script, which notes what it was given, and who may read it. */
    @Test
    @Execution(ExecutionMode.CONCURRENT) // it waits more than it computes
    void theCommandServesThePageAndOpensItByAFileThatOnlyItsOwnerCanRead() throws Exception {
        var opened = folder.resolve("opened");
        var browserScript = folder.resolve("xdg-open");
        Files.writeString(browserScript, "#!/bin/sh\n{ echo \"$1\"; stat -c %a \"$1\"; cat \"$1\"; } >" + opened
                + ".part; mv " + opened + ".part "
                + opened + "\n");
        Files.setPosixFilePermissions(browserScript, PosixFilePermissions.fromString("rwx------"));
        var port = ScriptedServer.freePort();
        var temporary = Files.createDirectory(folder.resolve("temporary"));
        var builder = ToolProcess.of(List.of("-Djava.io.tmpdir=" + temporary), "stream.Live", "--simulate", "-m",
                "m=sim-ttft50-itl20-n100000",
                "--max-tokens", "100000", "--open", "--csv-safe", "--port", String.valueOf(port), "--timeout",
                "70", "--stall-timeout", "50",
                "--results", folder.resolve("results").toString());
        builder.environment().merge("PATH", folder.toString(), (path, first) -> first + ":" + path);
        builder.environment().remove("OPENAI_API_KEY");
        var process = builder.redirectError(folder.resolve("err").toFile()).start();
        try (var out = process.inputReader()) {
            Await.until("it streams to itself, to be warm", () -> {
                try (var inside = Files.list(temporary)) {
                    return inside.anyMatch(path -> path.getFileName().toString().startsWith("stream-self"));
                }
            });
            var address = out.readLine();
            assertTrue(address.matches("http://127\\.0\\.0\\.1:" + port + "/\\?token=[\\w-]{32}"), address);
            Await.until("the browser is opened", () -> Files.exists(opened));
            var lines = Files.readAllLines(opened);
            assertFalse(lines.getFirst().contains("token"), "arguments can be read by others: " + lines.getFirst());
            assertEquals("600", lines.get(1), "the mode of the file");
            assertTrue(lines.getLast().contains("url=" + address + "\""), lines.getLast());
            var page = "http://127.0.0.1:" + port;
            try (var asked = post(page, "/asks", "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"m\"]}",
                    with(admission(address), "Origin", page))) {
                assertEquals(202, asked.code());
            }
            var runs = folder.resolve("results");
            awaitFurtherEvents(runs, 1_000); // a tab that is not connected keeps its question for ten seconds
            var run = new TestRun(0, "", "", runs);
            assertEquals(List.of(), run.requests());
            ToolProcess.interrupt(process);
            assertTrue(process.waitFor(20, TimeUnit.SECONDS), "Ctrl-C ends it");
            assertEquals("cancelled", run.request().get("status"));
            assertFalse(run.request().get("tainted").startsWith("cold"), run.request().get("tainted"));
            var options = RunManifest.read(run.folder()).options();
            assertEquals("70.0 50.0 true false", options.get("timeout_s") + " " + options.get("stall_timeout_s") + " "
                    + options.get("csv_safe") + " "
                    + options.get("unique_prefix"));
            assertFalse(Files.exists(Path.of(lines.getFirst())), "the file is gone");
            assertEquals("live: the page is at this address until Ctrl-C; it is for this machine alone\n",
                    Files.readString(folder.resolve("err")));
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void theCommandRefusesWhatItCannotServe() throws IOException {
        assertEquals("live: --port 70000; must be a number from 0 to 65535\n", live("--simulate", "--port", "70000"));
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertEquals("live: --port " + taken.getLocalPort()
                    + ": cannot listen there (Address already in use); choose another\n",
                    live("--simulate", "-m", "sim-ttft1-itl1-n1", "--port", String.valueOf(taken.getLocalPort())));
        }
        assertEquals("live: --simulate and --base-url name two servers; leave one out\n",
                live("--simulate", "--base-url", "http://localhost:1/v1"));
        assertEquals("live: no key for api.openai.com; set OPENAI_API_KEY, or send none with --no-key, or try it without a "
                + "server, with --simulate\n", live("-m", "gpt-4"));
    }

    private static String live(String... args) {
        return Printed.of("live", Live::run, Map.of(), InputStream.nullInputStream(), false, args).expect(2).err();
    }

    @Test
    void theSystemMessageIsForPromptsWithoutOne() throws Exception {
        var question = JsonMapper.shared().readTree(withFile("""
                {"messages": [{"role": "system", "content": "Its own."}, {"role": "user", "content": "One?"}]}
                {"prompt": "Two?"}
                """, 1).replaceFirst("\\{", "{\"system\":\"Be brief.\","));
        var prompts = LiveQuestion.of(question, settings(0, "m=sim-ttft5-itl0-n10", 0)).prompts();
        assertEquals(List.of("Its own.", "Be brief."),
                prompts.stream().map(prompt -> prompt.messages().getFirst().content()).toList());
    }

    /** The other model has three rounds, the stopped one has what it had. */
    @Test
    void aStoppedModelDoesNotEndTheRoundsOfTheOthers() throws Exception {
        var server = serve("one=sim-ttft50-itl20-n100000,two=sim-ttft20-itl2-n5");
        ask(server, "{\"tab\":\"t\",\"prompt\":\"Hi\",\"models\":[\"one\",\"two\"],\"repeat\":3,\"max_tokens\":100000}");
        awaitFirstEvents();
        post(server, "/asks/1/stop", "{\"model\":\"one\"}", with(admission(server), "Origin", base(server))).close();
        awaitFinished();
        assertEquals(3, rows().stream().filter(row -> row.get("model").equals("two") && row.get("status").equals("completed"))
                .count());
    }
}
