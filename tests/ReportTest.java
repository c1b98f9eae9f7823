package stream;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page and the pictures: what is in them, and what a browser makes of them. */
class ReportTest {

    private static final String HOSTILE = "</script><img src=x onerror=\"window.owned=1\"><!--{{uplot-js}}$1\\u2028";

    @TempDir
    Path folder;

    private static String report(int exitCode, Object... args) {
        return Printed.compare(args).expect(exitCode).err();
    }

    /** Two models, of which the slower takes half as long again; a failure; and whatever a model may write. */
    private Path run(String name, int concurrency) {
        var run = new RunOnDisk(folder.resolve(name)).option("concurrency", concurrency);
        run.record().putObject("client_overhead").put("ttft_p50_ms", 4.0).put("ttft_p99_ms", 9.0).put("itl_p50_ms", 0.4);
        run.record().putArray("models").addObject().put("label", "quick").put("name", "quick");
        for (int i = 0; i < 12; i++) {
            run.answer("quick", "prompt-" + i, 1, 100 + i * 5 % 12, 20, 30, "output", HOSTILE);
            run.answer(HOSTILE, "prompt-" + i, 1, 150 + i * 5 % 12, 30, 30, "output", HOSTILE);
        }
        return run.failure("quick", HOSTILE, 1, HOSTILE).write();
    }

    private Path page(Path... runs) {
        var file = folder.resolve("report.html");
        var args = new ArrayList<Object>(List.of(runs));
        args.addAll(List.of("--export", file));
        report(0, args.toArray());
        return file;
    }

    @Test
    void thePageLoadsNothingAndNoTextOfAModelIsMarkupInIt() throws Exception {
        var html = Files.readString(page(run("r", 1)));
        assertAll(
                () -> assertFalse(html.contains("<img"), "markup of a model"),
                () -> assertTrue(html.contains("\\u003c/script>\\u003cimg src=x"), "it is there as data"),
                () -> assertTrue(html.contains("default-src 'none'")),
                () -> assertFalse(html.matches("(?s).*(src|href)=[\"']?(https?:|//).*"), "an address to load from"),
                () -> assertEquals(1, html.split("var uPlot=", -1).length - 1, "the charting library, once"));
    }

    @Test
    void aPictureIsWrittenByItsEnding() throws Exception {
        var run = run("r", 1);
        var svg = folder.resolve("ttft.svg");
        var png = folder.resolve("itl.png");
        report(0, run, "--export", svg);
        report(0, run, "--export", png);
        var root = DocumentBuilderFactory.newInstance();
        root.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
        assertEquals("svg", root.newDocumentBuilder().parse(new ByteArrayInputStream(Files.readAllBytes(svg)))
                .getDocumentElement().getTagName());
        var picture = ImageIO.read(png.toFile());
        assertEquals(880, picture.getWidth());
        assertTrue(IntStream.range(0, picture.getWidth()).map(x -> picture.getRGB(x, 200)).distinct().count() > 2,
                "something is drawn");
    }

    @Test
    void whatCantBeDrawnIsOneLine() {
        var run = run("r", 1);
        assertEquals("compare: --export " + folder.resolve("a.pdf") + "; must end with one of .txt, .md, .csv, .json, .html, .svg, .png\n",
                report(2, run, "--export", folder.resolve("a.pdf")));
        var broken = new RunOnDisk(folder.resolve("broken")).failure("m", "sky", 1, "down").write();
        assertEquals("compare: ttft.png: no completed request has a TTFT; there is nothing to draw\n",
                report(2, broken, "--export", folder.resolve("ttft.png")));
        assertFalse(Files.exists(folder.resolve("ttft.png")));
        report(0, broken, "--export", folder.resolve("broken.html"));
    }

    private static Chromium open(Path page, int width, String colorScheme) {
        assumeTrue(Chromium.installed() != null, Chromium.MISSING);
        return new Chromium(page.toUri().toString(), width, 900, colorScheme);
    }

    @Test
    void inABrowserTheChartsAreDrawnAndNothingIsComplainedAbout() throws Exception {
        try (var browser = open(page(run("r", 1), run("s", 8)), 1280, "dark")) {
            browser.await("document.body.dataset.charts");
            var drawn = browser.evaluate("""
                    [...document.querySelectorAll('canvas')].map(canvas => {
                      const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                      const colors = new Set();
                      for (let i = 0; i < pixels.length; i += 4) {
                        if (pixels[i + 3] > 200) colors.add(pixels[i] + ' ' + pixels[i + 1] + ' ' + pixels[i + 2]);
                      }
                      return colors.size;
                    })""");
            assertEquals(6, drawn.size(), "two of each of the two models, and two under load");
            drawn.forEach(colors -> assertTrue(colors.asInt() >= 4, "axes, grid and lines: " + drawn));
            assertEquals(List.of(), browser.complaints());
            assertEquals(List.of(), browser.requests());
            assertEquals("undefined", browser.evaluate("typeof window.owned").asString());
            assertEquals(0, browser.evaluate("document.querySelectorAll('img').length").asInt());
            assertTrue(browser.evaluate("document.body.innerText").asString().contains("</script><img src=x"), "shown as text");
            browser.shoot("report-1280-dark.png");
            var ground = "getComputedStyle(document.body).backgroundColor";
            assertEquals("rgb(13, 17, 23)", browser.evaluate(ground).asString());
            browser.evaluate("window.dispatchEvent(new Event('beforeprint'))");
            assertEquals("rgb(255, 255, 255)", browser.evaluate(ground).asString(), "paper is white");
        }
    }

    @Test
    void theRaceShowsEachTokenWhenItCameAndObeysTheKeyboard() throws Exception {
        try (var browser = open(page(run("r", 1)), 1280, "light")) {
            browser.await("document.querySelector('.lane')");
            var finished = browser.evaluate("[...document.querySelectorAll('.lane p')].map(p => p.textContent.length)");
            assertEquals("[180,180]", finished.toString(), "thirty times 'token ' in both lanes before it starts");
            browser.evaluate("document.querySelector('.controls button').focus()");
            var begin = browser.evaluate("performance.now()").asDouble();
            browser.press("Enter");
            assertEquals("Pause", browser.evaluate("document.querySelector('.controls button').textContent").asString());
            browser.await("document.querySelector('input[type=range]').value > 300");
            browser.press("Enter");
            var elapsed = browser.evaluate("performance.now()").asDouble() - begin;
            assertEquals("Play", browser.evaluate("document.querySelector('.controls button').textContent").asString());
            var at = browser.evaluate("Number(document.querySelector('input[type=range]').value)").asInt();
            assertTrue(at > 300 && at <= elapsed + 1 && at > elapsed / 3, "true speed: " + at + " ms in " + elapsed);
            // what is shown is what had come by then, to the token: the slider stands at whole milliseconds
            var wrong = browser.evaluate("""
                    (() => {
                      const race = JSON.parse(document.getElementById('data').textContent).sections[0].races[0].lanes;
                      return [...document.querySelectorAll('.lane p')].filter((p, i) => Math.abs(p.textContent.length / 6
                          - race[i].ms.filter(ms => ms <= %d).length) > 1).length;
                    })()""".formatted(at));
            assertEquals(0, wrong.asInt());
            assertTrue(browser.evaluate("document.querySelector('.lane p').textContent.length").asInt() < 180, "not all yet");
            browser.press("Tab");
            browser.press("Tab");
            assertEquals("range", browser.evaluate("document.activeElement.type").asString());
            var before = browser.evaluate("Number(document.activeElement.value)").asInt();
            browser.press("ArrowLeft");
            assertEquals(before - 1, browser.evaluate("Number(document.activeElement.value)").asInt());
            browser.evaluate("document.querySelector('[aria-label=Speed]').value = '10'");
            browser.evaluate("document.querySelector('.controls button').click()");
            browser.await("document.querySelector('.controls button').textContent === 'Again'");
            assertTrue(browser.evaluate("document.querySelector('[role=status]').textContent").asString()
                    .startsWith("quick was done after 0.6"), "the winner first");
            assertEquals(List.of(), browser.complaints());
        }
    }

    /** The race takes the answers that are nearest to the medians, so it ends as the headline says. */
    @Test
    void theRaceIsOfTypicalAnswersAndItsPromptCanBeChosen() throws Exception {
        var run = new RunOnDisk(folder.resolve("r"));
        for (int i = 0; i < 24; i++) {
            var unusual = i % 3 == 0; // the first repetition of each prompt
            run.answer("quick", "prompt-" + i / 3, i % 3 + 1, unusual ? 250 : 100 + i % 5, 5, 20);
            run.answer("slow", "prompt-" + i / 3, i % 3 + 1, unusual ? 150 : 300 + i % 5, 5, 20);
        }
        try (var browser = open(page(run.write()), 1280, "light")) {
            browser.await("document.querySelector('.lane')");
            var races = browser.evaluate("JSON.parse(document.getElementById('data').textContent).sections[0].races");
            assertEquals(8, races.size());
            for (var race : races) {
                var first = race.at("/lanes/0/ms/0").asDouble();
                var other = race.at("/lanes/1/ms/0").asDouble();
                assertTrue(race.at("/lanes/0/label").asString().equals("quick") && first < 110 && other > 290, race.toString());
            }
            assertTrue(browser.text("h1").startsWith("To the first token quick"), browser.text("h1"));
            assertEquals("quick", browser.evaluate("document.querySelector('.hero .name').textContent").asString().substring(0, 5), "the fastest first");
            browser.evaluate("document.querySelector('[aria-label=\"Prompt of the race\"]').selectedIndex = 3");
            browser.evaluate("document.querySelector('[aria-label=\"Prompt of the race\"]').dispatchEvent(new Event('change'))");
            assertEquals(2, browser.evaluate("document.querySelectorAll('.lane').length").asInt());
            assertEquals(List.of(), browser.complaints());
        }
    }

    @Test
    void tablesLeaveOutColumnsUntilTheyFitAndAButtonShowsAll() throws Exception {
        try (var browser = open(page(run("r", 1)), 1280, "light")) {
            browser.await("document.body.dataset.charts");
            for (var width : List.of(1280, 700, 390)) {
                browser.resize(width, 900);
                browser.await("document.documentElement.clientWidth === " + width);
                browser.await("[...document.querySelectorAll('.more')].map(more => more.parentElement.querySelector('.scroll'))"
                        + ".every(box => box.scrollWidth <= box.clientWidth)");
                assertTrue(browser.evaluate("document.documentElement.scrollWidth").asInt() <= width);
            }
            var shown = browser.evaluate("document.querySelectorAll('tbody tr:first-child td:not([hidden])').length").asInt();
            browser.evaluate("document.querySelector('.more').click()");
            assertTrue(browser.evaluate("document.querySelectorAll('tbody tr:first-child td:not([hidden])').length").asInt() > shown + 8);
            assertEquals("Main columns", browser.text(".more"));
        }
    }

    @Test
    void onAPhoneThePageFitsAndTheLabelsOfAScreenReaderAreThere() throws Exception {
        try (var browser = open(page(run("r", 1)), 390, "light")) {
            browser.await("document.body.dataset.charts");
            var width = browser.evaluate("document.documentElement.scrollWidth").asInt();
            assertTrue(width <= 390, "nothing hangs over the edge: " + width);
            assertEquals(0, browser.evaluate("[...document.querySelectorAll('[role=img]')]"
                    + ".filter(each => !each.getAttribute('aria-label')).length").asInt());
            assertEquals(0, browser.evaluate("[...document.querySelectorAll('figure')]"
                    + ".filter(each => !each.querySelector('table')).length").asInt(), "each chart is there as a table too");
            assertEquals(1, browser.evaluate("document.querySelectorAll('h1').length").asInt());
            browser.shoot("report-390-light.png");
            assertEquals(List.of(), browser.complaints());
        }
    }
}
