package stream.live;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.Keys;
import stream.fixtures.Await;
import stream.fixtures.Chromium;
import stream.fixtures.Printed;
import stream.fixtures.ScriptedServer;
import stream.record.RunFiles;
import stream.record.RunManifest;
import tools.jackson.databind.json.JsonMapper;

/** The page of Live.java in a browser: what it shows, and what is written. */
class LiveTest extends LiveFixture {

    private static final String QUESTION = "Why is the sky blue?";
    private static Chromium browser;

    @AfterAll
    static void closeBrowser() {
        if (browser != null) {
            browser.close();
            browser = null;
        }
    }

    private static Chromium open(LiveServer server) {
        assumeTrue(Chromium.installed() != null, Chromium.MISSING);
        if (browser == null) {
            browser = new Chromium("about:blank", 1280, 900, "light");
        }
        browser.resize(1280, 900);
        browser.open(server.address());
        browser.await("document.querySelector('#models input')");
        browser.complaints();
        return browser;
    }

    private static Chromium ask(LiveServer server) {
        var page = open(server);
        page.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
        return page;
    }

    private static void awaitEnd(Chromium page) {
        page.await("document.querySelector('#written a') && shown.lanes.every(lane => lane.pending.length === 0)");
    }

    private static String lane(String label) {
        return "document.querySelector('.lane[aria-label=\"" + label + "\"]')";
    }

    private static String cell(Chromium page, String label, int number) {
        return page.evaluate(lane(label) + ".querySelectorAll('dd')[" + number + "].firstChild?.textContent ?? ''").asString();
    }

    private static String state(Chromium page, String label) {
        return page.evaluate(lane(label) + ".querySelector('.state').textContent").asString();
    }

    private static String answer(Chromium page, String label) {
        return page.evaluate(lane(label) + ".querySelector('.text').textContent").asString();
    }

    @Test
    void tokensAppearInAllColumnsBeforeTheAnswersEndInTheOrderOfTheFile() throws Exception {
        var page = ask(serve("gpt-4=sim-ttft600-itl20-n37,gpt-3.5-turbo=sim-ttft200-itl20-n37,"
                + "text-davinci-003=sim-ttft400-itl20-n37"));
        page.await("document.querySelectorAll('.lane .content').length === 3");
        assertEquals("3", page.evaluate(
                "[...document.querySelectorAll('.lane .state')].filter(p => p.textContent === 'streaming').length")
                .asString(), "all three before any has ended");
        page.shoot("live-1280-light-middle.png");
        awaitEnd(page);
        var rows = rows();
        assertEquals("gpt-3.5-turbo gpt-4 text-davinci-003", String.join(" ", rows.stream().map(row -> row.get("model")).toList()));
        for (var row : rows) {
            var label = row.get("model");
            var ttft = Double.parseDouble(row.get("ttft_ms"));
            assertEquals(String.format(Locale.ROOT, "%.0f ms", ttft), cell(page, label, 0).strip());
            assertEquals(row.get("output_tokens"), cell(page, label, 3));
            assertEquals(row.get("output"), answer(page, label));
            assertEquals(row.get("status"), state(page, label));
            assertEquals(ttft, page.evaluate("shown.lanes.find(lane => lane.label === '" + label + "').plot.data[1][0]").asDouble(),
                    0.0005,
                    "the chart begins with the first token");
            assertEquals(List.of("gpt-3.5-turbo", "text-davinci-003", "gpt-4").indexOf(label),
                    -1 + Integer.parseInt(page.evaluate(lane(label)
                    + ".querySelector('dd small').textContent").asString().substring(0, 1)), "the rank of the first token");
        }
        assertEquals("first", page.evaluate(lane("gpt-3.5-turbo") + ".querySelector('dd').className").asString());
        assertTrue(page.evaluate("[...document.querySelectorAll('.chart canvas')].length").asInt() == 3);
        assertEquals(List.of(), page.complaints());
        page.shoot("live-1280-light.png");
    }

    @Test
    void aSingleModelIsStoppedAndTheOthersGoOn() throws Exception {
        var page = ask(serve("one=sim-ttft50-itl20-n100000,two=sim-ttft50-itl20-n100000"));
        page.await("document.querySelectorAll('.lane .content').length === 2");
        page.evaluate(lane("one") + ".querySelector('button').click()");
        page.await(lane("one") + ".querySelector('.state').textContent === 'cancelled'");
        var length = answer(page, "two").length();
        page.await(lane("two") + ".querySelector('.text').textContent.length > " + (length + 50));
        assertEquals("streaming", state(page, "two"));
        page.press("Escape");
        awaitEnd(page);
        assertEquals(rows().get(0).get("output"), answer(page, "one"), "what came until then");
    }

    @Test
    void escapeStopsAllAndWhatCameIsWritten() throws Exception {
        var page = ask(serve("one=sim-ttft50-itl20-n100000,two=sim-ttft50-itl20-n100000"));
        page.await("document.querySelectorAll('.lane .content').length === 2");
        page.press("Escape");
        awaitEnd(page);
        for (var row : rows()) {
            assertEquals("cancelled", row.get("status"));
            assertFalse(row.get("output").isEmpty());
        }
    }

    @Test
    void aRetiredModelSaysSoInItsColumnWithTheSentenceOfTheCommandLine() throws Exception {
        var server = serve("gpt-4=sim-ttft20-itl5-n20,davinci=text-davinci-003+status-404");
        var page = ask(server);
        awaitEnd(page);
        var shown = page.evaluate(lane("davinci") + ".querySelector('.failure').textContent").asString();
        assertTrue(shown.startsWith("failed: 404 ")
                && shown.endsWith("is retired or unknown at 127.0.0.1, name another with --model"), shown);
        assertEquals("failed", state(page, "davinci"));
        assertEquals("", page.text("#notes"), "not said twice");
        assertEquals(0, page.evaluate("document.querySelectorAll('.lane dd small').length").asInt(),
                "a rank is among answers that are complete");
        assertEquals("completed", state(page, "gpt-4"));
    }

    @Test
    void whatAModelWritesIsTextUntilMarkdownIsChosenAndHarmlessThen() throws Exception {
        var hostile = "<img src=x onerror=\"window.owned=1\"></script><script>window.owned=1</script>\u001b[31m "
                + "[a](javascript:window.owned=1)"
                + " **bold** <a href=\"https://example.org\" style=\"position:fixed\">b</a><label for=\"again\">x</label><dialog "
                + "open>y</dialog>"
                + "<b role=\"alert\">z</b><p id=\"notes\">n</p><form action=\"/asks\"><input "
                + "name=\"q\"></form><style>body{display:none}</style>";
        try (var elsewhere = new MockWebServer()) {
            elsewhere.start();
            var chunk = JsonMapper.shared().createObjectNode();
            chunk.putArray("choices").addObject().put("index", 0).putObject("delta").put("content", hostile);
            elsewhere.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream")
                    .body("data: " + chunk + "\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"
                    + "\n\ndata: [DONE]\n\n").build());
            var page = ask(serve("m=m@" + elsewhere.url("/v1")));
            awaitEnd(page);
            assertEquals(hostile, answer(page, "m"));
            assertEquals(0, page.evaluate("document.querySelectorAll('.text img, .text script, .text a').length").asInt());
            page.find("#markdown").click();
            page.await("document.querySelector('.text strong')");
            assertEquals(0, page.evaluate("document.querySelectorAll('.text img, .text script, .text label, .text dialog, .text "
                    + "form, .text input, .text style,"
                    + " .text [style], .text [onerror], .text [role], .text [id]').length").asInt());
            assertEquals("[null,\"https://example.org\"]",
                    page.evaluate("[...document.querySelectorAll('.text a')].map(a => a.getAttribute('href'))")
                    .toString());
            assertEquals("undefined", page.evaluate("typeof window.owned").asString());
            page.find("#markdown").click();
            assertEquals(hostile, answer(page, "m"));
        }
    }

    /** What a column says of its answers is of those that completed; a mark of the last one is shown. */
    @Test
    void aColumnSaysWhatItsAnswersAre() throws Exception {
        var page = ask(serve("m=sim-ttft5-itl1-n5"));
        awaitEnd(page);
        assertFalse(page.evaluate("document.getElementById('simulated').hidden").asBoolean(), "the latencies are made up");
        var said = page.evaluate("""
                (() => {
                  const lane = shown.lanes[0];
                  const answer = (status, ttft, tainted) => ({ ...lane.result, status, ttft_ms: ttft, total_ms: '12345.678', tainted });
                  shown.rounds = 4;
                  lane.results = [answer('completed', '100', ''), answer('completed', '9', ''), answer('failed', '1', ''), answer('completed', '10', 'cpu:25ms')];
                  lane.result = lane.results.at(-1);
                  lane.showFigures();
                  return lane.rounds.textContent + '; ' + lane.taint.textContent;
                })()""").asString();
        assertEquals("3 completed, median TTFT 10.0 ms, median total 12.3 s; its timing should not be trusted: cpu:25ms", said);
    }

    /** Passes bytes on to a server, until its connections are cut. */
    private static final class Relay implements AutoCloseable {
        private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final List<Socket> sockets = new CopyOnWriteArrayList<>();
        private volatile boolean refuses;

        Relay(int target) throws IOException {
            Thread.startVirtualThread(() -> {
                try {
                    while (true) {
                        var from = listener.accept();
                        if (refuses) {
                            from.close();
                            continue;
                        }
                        var to = new Socket(InetAddress.getLoopbackAddress(), target);
                        sockets.addAll(List.of(from, to));
                        Thread.startVirtualThread(() -> pass(from, to));
                        Thread.startVirtualThread(() -> pass(to, from));
                    }
                } catch (IOException e) {
                    // closed
                }
            });
        }

        private static void pass(Socket from, Socket to) {
            try (from; to) {
                from.getInputStream().transferTo(to.getOutputStream());
            } catch (IOException e) {
                // cut
            }
        }

        int port() {
            return listener.getLocalPort();
        }

        void cut() throws IOException {
            refuses = true;
            for (var socket : sockets) {
                socket.close();
            }
        }

        void mend() {
            refuses = false;
        }

        @Override
        public void close() throws IOException {
            cut();
            listener.close();
        }
    }

    @Test
    void aLostConnectionShowsWhatIsKnownWhenItIsBack() throws Exception {
        var server = serve("m=sim-ttft50-itl20-n100000");
        assumeTrue(Chromium.installed() != null, Chromium.MISSING);
        try (var relay = new Relay(Integer.parseInt(base(server).replaceFirst(".*:", "")));
             var page = new Chromium(server.address().replace("127.0.0.1", "localhost"), 1280, 900, "light",
                     "--host-resolver-rules=MAP localhost 127.0.0.1:" + relay.port())) {
            page.await("document.querySelector('#models input')");
            page.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
            page.await("document.querySelector('.lane .content')?.textContent.length > 30");
            relay.cut();
            page.await("document.getElementById('connection').textContent.startsWith('The connection to the server is lost')");
            relay.mend();
            page.await("document.getElementById('connection').textContent === ''");
            assertEquals("streaming", state(page, "m"), "in the middle of the answer");
            page.press("Escape");
            awaitEnd(page);
            assertEquals(rows().getFirst().get("output"), answer(page, "m"), "each token once");
        }
    }

    @Test
    void aReloadedPageGoesOnWithItsQuestion() throws Exception {
        var page = ask(serve(500, "m=sim-ttft50-itl20-n80"));
        page.await("document.querySelector('.lane .content')?.textContent.length > 30");
        page.reload();
        awaitEnd(page);
        assertEquals("completed", rows().getFirst().get("status"));
        assertEquals(rows().getFirst().get("output"), answer(page, "m"));
    }

    @Test
    void aClosedTabCancelsItsRequestsAfterAWhile() throws Exception {
        var server = serve(300, "m=sim-ttft50-itl20-n100000");
        open(server);
        var first = browser.tab();
        browser.openTab(server.address());
        browser.await("document.querySelector('#models input')");
        browser.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
        browser.await("document.querySelector('.lane .content')");
        browser.closeTab(first);
        browser.await("document.querySelector('#history button') && !document.querySelector('#history "
                + "button').textContent.includes('running')");
        Await.until("the row is written", () -> !rows().isEmpty());
        assertEquals("cancelled", rows().getFirst().get("status"));
    }

    @Test
    void twoTabsAskAtTheSameTimeAndSeeTheSameSession() throws Exception {
        var server = serve("m=sim-ttft100-itl20-n50");
        var page = ask(server);
        var first = page.tab();
        var second = page.openTab(server.address());
        page.await("document.querySelector('#models input')");
        page.find("#prompt").sendKeys("Another question", Keys.ENTER);
        page.await("document.getElementById('question').textContent === 'Another question'");
        awaitEnd(page);
        page.switchTo(first);
        awaitEnd(page);
        assertEquals(QUESTION, page.text("#question"));
        page.await("document.querySelectorAll('#history button').length === 2"); // it connects again, now that it is seen
        page.evaluate("document.querySelector('#history button').click()");
        page.await("document.getElementById('question').textContent === 'Another question'");
        page.await("document.querySelector('.lane .content')");
        assertEquals(2, rows().size());
        page.switchTo(second);
        page.closeTab(first);
    }

    @Test
    void repeatedQuestionsEndWithTheSentenceOfCompareAndItsReport() throws Exception {
        var page = open(serve("quick=sim-ttft20-itl2-n5,slow=sim-ttft60-itl2-n5"));
        page.find("#repeat").clear();
        page.find("#repeat").sendKeys("7");
        page.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
        awaitEnd(page);
        page.await("document.getElementById('sentence').textContent");
        assertEquals(14, rows().size());
        assertEquals(Printed.compare(awaitFinished()).expect(0).out().lines().findFirst().orElseThrow(), page.text("#sentence"));
        assertTrue(page.text("#sentence").startsWith("To the first token quick is "), page.text("#sentence"));
        assertTrue(page.evaluate(lane("quick") + ".querySelector('.rounds:last-child').textContent").asString()
                .startsWith("7 completed, median TTFT"));
        assertEquals(rows().getFirst().get("output"), answer(page, "quick"), "that of the last round");
        assertTrue(page.text("#notes").contains("simulated: the figures say nothing about the real models of these names"),
                page.text("#notes"));
        assertEquals(List.of(), page.complaints());
        page.open(page.find("#written a").getAttribute("href"));
        page.await("document.body.dataset.charts");
        assertEquals(List.of(), page.complaints(), "its policy allows the scripts of the report, and no others");
    }

    @Test
    void aFileOfPromptsIsAskedWithProgressAndABadOneIsOneSentence() throws Exception {
        var prompts = Files.writeString(folder.resolve("set.jsonl"),
                "{\"prompt\": \"One?\"}\n{\"prompt\": \"Two?\", \"max_tokens\": 5}\n{\"prompt\": \"Three?\"}\n");
        var page = open(serve("m=sim-ttft100-itl20-n20"));
        page.find("#prompt").sendKeys("not asked");
        page.evaluate("document.querySelector('details').open = true");
        page.find("#choose-files").sendKeys(prompts.toString());
        page.await("document.querySelector('#files li')");
        Files.delete(prompts);
        page.find("button[type=submit]").click();
        page.await("document.getElementById('round').textContent.startsWith('round 2 of 3')");
        awaitEnd(page);
        assertEquals("3 3", page.evaluate("document.getElementById('bar').value").asString() + " " + rows().size());
        assertEquals("set.jsonl:1", rows().getFirst().get("prompt_id"));
        page.find("#files button").click();
        var bad = Files.writeString(folder.resolve("bad.jsonl"), "{\"prompt\": \"\"}\n");
        page.find("#choose-files").sendKeys(bad.toString());
        page.await("document.querySelector('#files li')");
        Files.delete(bad);
        page.find("button[type=submit]").click();
        page.await("document.getElementById('problem').textContent");
        assertTrue(page.text("#problem").startsWith("bad.jsonl:1: "), page.text("#problem"));
    }

    @Test
    void theKeyboardIsEnoughAndShiftEnterBreaksTheLine() throws Exception {
        var page = open(serve("one=sim-ttft20-itl2-n5,two=sim-ttft20-itl2-n5"));
        assertEquals("prompt", page.evaluate("document.activeElement.id").asString());
        page.type("first line");
        page.pressWithShift(Keys.ENTER);
        page.type("second line");
        page.press("Tab");
        page.press(" ");
        page.pressWithShift(Keys.TAB);
        page.press("Enter");
        awaitEnd(page);
        assertEquals(1, rows().size());
        assertEquals("two", rows().getFirst().get("model"), "the first box was unticked");
        assertEquals("first line second line", page.text("#question"));
        assertTrue(page.text("#announcement").matches("(?s).*two: completed after [0-9.]+ m?s.*All answers have ended\\..*"),
                "a screen reader is told the end: " + page.text("#announcement"));
        page.evaluate("document.getElementById('again').focus()");
        page.press("Enter");
        page.await("document.querySelectorAll('#history button').length === 2");
        awaitEnd(page);
        Await.until("asked again", () -> rows().size() == 2);
    }

    @Test
    void nothingHangsOverTheEdgeOfAPhone() throws Exception {
        var server = serve("a-label-that-is-rather-long-and-has-no-space-in-it=sim-ttft20-itl2-n40,two=sim-ttft20-itl2-n20");
        var page = open(server);
        page.resize(390, 844);
        page.find("#prompt").sendKeys("x".repeat(300), Keys.ENTER);
        awaitEnd(page);
        assertTrue(page.evaluate("document.documentElement.scrollWidth").asInt() <= 390);
        assertEquals(0, page.evaluate("[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 391"
                + " && !e.closest('.unseen, .chart')).length").asInt());
        page.shoot("live-390-light.png");
    }

    @Test
    void theEndOfTheServerIsVisible() throws Exception {
        var server = serve("m=sim-ttft20-itl2-n5");
        var page = open(server);
        page.await("source?.readyState === EventSource.OPEN");
        server.close();
        page.await("document.getElementById('connection').textContent.startsWith('The server has ended.')");
    }

    @Test
    void aModelThatWaitsToBeTriedAgainIsStoppedAtOnce() throws Exception {
        var page = ask(serve(60_000, "busy=gpt-4+busy,m=sim-ttft20-itl2-n5", 5));
        page.await(lane("busy") + "?.querySelector('.state').textContent === 'trying again'");
        page.evaluate(lane("busy") + ".querySelector('button').click()");
        awaitEnd(page);
        assertEquals("stopped", state(page, "busy"));
        var clock = cell(page, "busy", 2);
        page.await("performance.now() > " + (page.evaluate("performance.now()").asDouble() + 300));
        assertEquals(clock, cell(page, "busy", 2), "its clock stands");
    }

    @Test
    void anAnswerThatIsTooLongForThePageSaysWhereTheRestIs() throws Exception {
        var page = open(serve("m=sim-ttft5-itl0-n20001"));
        page.evaluate("document.querySelector('details').open = true");
        page.find("#max-tokens").clear();
        page.find("#max-tokens").sendKeys("30000");
        page.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
        awaitEnd(page);
        assertTrue(page.text(".lane").contains("This is the beginning; the whole answer is in " + folder),
                page.text(".lane .rounds"));
    }

    /** Ten pieces that came at once are shown one each 100 ms; the last of them after the answer has ended. */
    @Test
    void theTypingDelayPacesWhatIsShownAndNotWhatIsMeasured() throws Exception {
        var page = open(serve("m=sim-ttft5-itl0-n10"));
        page.evaluate("document.getElementById('typing-delay').value = '100'");
        page.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
        page.await("shown?.ended && shown.lanes[0].pending.length > 1");
        var begin = page.evaluate("[performance.now(), shown.lanes[0].pending.length]");
        page.await("shown.lanes[0].pending.length === 0");
        var millis = page.evaluate("performance.now()").asDouble() - begin.get(0).asDouble();
        assertTrue(millis >= 90 * (begin.get(1).asInt() - 1), begin.get(1) + " pieces in " + millis + " ms");
        assertEquals(rows().getFirst().get("output"), answer(page, "m"));
        assertTrue(Double.parseDouble(rows().getFirst().get("total_ms")) < 900, "ten times 100 ms are not in it");
    }

    @Test
    void settingsGoAlongWithTheQuestion() throws Exception {
        var page = open(serve("m=sim-ttft5-itl0-n10"));
        page.evaluate("document.querySelector('details').open = true");
        for (var setting : Map.of("#system", "Be brief.", "#temperature", "0.5", "#max-tokens", "7").entrySet()) {
            page.find(setting.getKey()).clear();
            page.find(setting.getKey()).sendKeys(setting.getValue());
        }
        page.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
        awaitEnd(page);
        assertEquals("7", rows().getFirst().get("output_tokens"));
        var arguments = String.join(" ", RunManifest.read(awaitFinished()).arguments());
        assertTrue(arguments.contains(" --system=Be brief. --max-tokens 7 --temperature 0.5 "), arguments);
        page.find("#again").click();
        Await.until("it is asked again", () -> rows().size() == 2);
        for (var run : RunFiles.runsIn(folder)) {
            assertEquals(arguments.replaceFirst("--seed \\d+", ""),
                    String.join(" ", RunManifest.read(run).arguments()).replaceFirst("--seed \\d+", ""),
                    "the same once more");
        }
    }

    /** The end of the stream comes 300 ms after the last token. */
    @Test
    void theTotalIsThatOfTheEndOfTheStream() throws Exception {
        try (var server = new ScriptedServer((request, out) -> {
            ScriptedServer.write(out, ScriptedServer.HEADERS
                    + ScriptedServer.chunk("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"));
            Thread.sleep(300);
            ScriptedServer.write(out, ScriptedServer.chunk(
                    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n") + "0\r\n\r\n");
        })) {
            var page = ask(serve("m=m@" + server.url()));
            awaitEnd(page);
            assertEquals(String.format(Locale.ROOT, "%.0f ms", Double.parseDouble(rows().getFirst().get("total_ms"))),
                    cell(page, "m", 2).strip());
        }
    }

    /** Reasoning is shown, also beside Markdown, and is no token for TTFT, tokens/s and the chart. */
    @Test
    void reasoningIsTextOfItsOwn() throws Exception {
        var page = ask(serve("m=sim-ttft20-itl5-n9+reasoning"));
        awaitEnd(page);
        var reasoning = page.text(".lane .reasoning");
        assertFalse(reasoning.isBlank());
        page.await("document.querySelector('.lane .chart').getAttribute('aria-label').startsWith('9 pieces of text')");
        page.find("#markdown").click();
        page.await("document.querySelector('.lane .text.rendered p')");
        assertEquals(reasoning, page.text(".lane .reasoning"));
    }

    @Test
    void promptFilesCanBeDroppedOntoThePage() throws Exception {
        var page = open(serve("m=sim-ttft5-itl0-n2"));
        page.evaluate("""
                (() => {
                  const dropped = new DataTransfer();
                  dropped.items.add(new File(['One?'], 'one.txt'));
                  document.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
                })()""");
        page.await("document.querySelector('#files li')");
        page.find("button[type=submit]").click();
        awaitEnd(page);
        assertEquals("one.txt", rows().getFirst().get("prompt_id"));
    }

    @Test
    void aQuestionThatIsNotInMemoryIsSaidSo() throws Exception {
        var page = open(serve("m=sim-ttft5-itl0-n10"));
        page.evaluate("location.hash = '99'");
        page.await("document.getElementById('connection').textContent.startsWith('This question is not in the memory of the "
                + "server')");
    }

    @Test
    void aSettingThatIsNotValidIsShownAndNothingIsAsked() throws Exception {
        var page = open(serve("m=sim-ttft20-itl2-n5"));
        page.evaluate("document.getElementById('temperature').value = '3'");
        page.find("#prompt").sendKeys(QUESTION, Keys.ENTER);
        page.await("document.querySelector('details').open");
        assertEquals("temperature", page.evaluate("document.activeElement.id").asString());
        assertEquals(0, rows().size());
    }
}
