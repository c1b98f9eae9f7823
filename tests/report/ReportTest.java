package stream.report;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataNode;
import javax.xml.parsers.DocumentBuilderFactory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import stream.compare.Race;
import stream.fixtures.Chromium;
import stream.fixtures.PageData;
import stream.fixtures.Printed;
import stream.fixtures.RunOnDisk;
import stream.fixtures.TestRun;
import tools.jackson.databind.JsonNode;

/** The page and the pictures: what is in them, and what a browser makes of them. */
@Execution(ExecutionMode.CONCURRENT)
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

    private Path page(Object... runs) {
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
                () -> assertTrue(ReportPage.policy(html).matches("default-src 'none'; script-src( 'sha256-[\\w+/]{43}=')+; .*"),
                "as it is served: no other script"),
                () -> assertFalse(html.matches("(?s).*(src|href)=[\"']?(https?:|//).*"), "an address to load from"),
                () -> assertTrue(html.contains("<meta property=\"og:image\" content=\"card.png\">"), "its preview, if it is there"),
                () -> assertEquals(1, html.split("var uPlot=", -1).length - 1, "the charting library, once"));
    }

    /** What the page draws: four answers of one model and two of another, one failure; two requests a second. */
    @Test
    void theDataOfThePageIsThatOfTheFiles() throws Exception {
        var run = new RunOnDisk(folder.resolve("r")).option("concurrency", 2);
        run.record().putObject("client_overhead").put("ttft_p50_ms", 0.25).put("ttft_p99_ms", 0.5)
                .put("itl_p50_ms", 0.125).put("itl_p99_ms", 0.75);
        for (int i = 0; i < 4; i++) {
            run.answer("quick", "p" + i, 1, new double[] {100 + 10 * i, 120 + 10 * i, 150 + 10 * i}, "started_at",
                    at(500 * i), "queue_ms", "7.000");
        }
        run.answer("slow", "p0", 1, new double[] {400, 500}, "started_at", at(2000))
                .answer("slow", "p1", 1, new double[] {300}, "started_at", at(2500),
                "output", "x".repeat(2001)).failure("slow", "p2", 1, "overloaded");
        var other = new RunOnDisk(folder.resolve("other")).answer("slow", "p0", 1, new double[] {350},
                "output", "of the other run");
        other.record().putObject("client_overhead").put("ttft_p50_ms", 0.5).put("ttft_p99_ms", 0.25);
        var data = PageData.of(page(run.write(), other.write(), "--by", "model"));

        assertEquals("[p0|quick|1 0, p1|quick|1 500, p2|quick|1 1000, p3|quick|1 1500, p0|slow|1 2000, p1|slow|1 2500, p2|slow|1 "
                + "7000, p0|slow|1 0]",
                rows(data.get("waterfall"), "request_id", "start_ms"), "each run from its first start on");
        assertEquals("[7.0 100.0 150.0 151.0, 7.0 110.0 160.0 161.0]",
                rows(data.get("waterfall"), "queue_ms", "ttft_ms", "ttlt_ms", "total_ms")
                .replaceFirst("(, 7\\.0 120\\.0).*", "]"));
        assertEquals("[p2|slow|1 failed overloaded 5.0]", rows(data.get("failures"), "request_id", "status", "error", "total_ms"));
        assertEquals("[p0|slow|1 501.0, p0|slow|1 351.0, p1|slow|1 301.0, p3|quick|1 181.0, p2|quick|1 171.0, p1|quick|1 161.0, "
                + "p0|quick|1 151.0]",
                rows(data.get("slowest"), "request_id", "total_ms"), "the slowest first");
        assertEquals(List.of("token token ", "of the other run", "x".repeat(2000) + " [...]"), IntStream.range(0, 3).mapToObj(i ->
                data.at("/slowest/" + i + "/text").asString()).toList());

        // from the first start to the last end: 1.5 s + 181 ms for quick
        assertEquals("2 " + 12 / 1681.0 * 1000 + " " + 4 / 1681.0 * 1000 + " 115.0",
                rows(data.get("load"), "concurrency", "tokens_per_s", "requests_per_s",
                "ttft_p50_ms").replaceAll("^\\[|,.*", ""));
        var section = data.at("/sections/0");
        assertEquals("quick 0.25 0.5 [100.0,110.0,120.0,130.0] [0.25,0.5,0.75,1.0]",
                row(section.at("/ttft/0"), "label", "error_ms", "error_p99_ms", "ms",
                "share"));
        assertEquals("slow 0.5 0.5", row(section.at("/ttft/1"), "label", "error_ms", "error_p99_ms"),
                "the largest error of its runs");
        var gaps = section.at("/itl/0");
        assertEquals("quick 0.125 0.75 [2,3]", row(gaps, "label", "error_ms", "error_p99_ms", "token"),
                "the first gap is that of the second token");
        assertEquals(20, gaps.at("/ms/0").asDouble(), 0.01);
        assertEquals(30, gaps.at("/ms/1").asDouble(), 0.01);
        assertEquals("[100.0,120.0,150.0] [\"token \",\"token \",\"token \"]", row(section.at("/races/0/lanes/0"), "ms", "text"));
        assertEquals(List.of("r", "other"),
                IntStream.range(0, 2).mapToObj(i -> data.at("/recorded/" + i + "/run").asString()).toList());
    }

    private static String at(int millis) {
        return RunOnDisk.BEGIN.plusMillis(millis).toString();
    }

    private static String rows(JsonNode rows, String... names) {
        return rows.valueStream().map(row -> row(row, names)).toList().toString();
    }

    private static String row(JsonNode row, String... names) {
        return String.join(" ", Arrays.stream(names)
                .map(name -> row.get(name).isValueNode() ? row.get(name).asString() : row.get(name).toString()).toList());
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
        assertEquals(picture(run, "itl-of-today.svg"), picture(run, "itl.svg"), "the beginning of the name is the metric");
        assertNotEquals(picture(run, "ttft.svg"), picture(run, "itl.svg"));
        assertEquals(picture(run, "ttft.svg"), picture(run, "any.svg"));
    }

    private String picture(Path run, String name) throws IOException {
        report(0, run, "--export", folder.resolve(name));
        return Files.readString(folder.resolve(name));
    }

    /** Not more than 200 points, the first and the last among them, each with the share up to it. */
    @Test
    void aDistributionIsThinnedFromEndToEnd() {
        var points = Distribution.points(IntStream.rangeClosed(1, 1000).asDoubleStream().toArray());
        assertEquals(200, points.size());
        assertEquals(new Distribution.Point(1, 0.001), points.getFirst());
        assertEquals(new Distribution.Point(1000, 1), points.getLast());
        points.forEach(point -> assertEquals(point.value() / 1000, point.share(), 1e-12));
    }

    /** The axis ends with the slowest of 200 requests; its dot is near the end, and no more than 60 are drawn. */
    @Test
    void theDotsOfACardAreOfTheWholeDistribution() throws Exception {
        var run = new RunOnDisk(folder.resolve("many"));
        for (int i = 0; i < 200; i++) {
            run.answer("m", "p" + i, 1, 100 + i, 5, 5);
        }
        report(0, run.write(), "--export", folder.resolve("card.svg"));
        var circles = xml(folder.resolve("card.svg")).getElementsByTagName("circle");
        var places = IntStream.range(0, circles.getLength())
                .mapToDouble(i -> Double.parseDouble(((Element) circles.item(i)).getAttribute("cx"))).sorted().toArray();
        assertEquals(60, places.length);
        assertEquals(298 / 101.0, (places[59] - 250) / (places[0] - 250), 0.01, "298 and 101 ms, from the beginning of the axis");
    }

    /** A run in which quick is faster in every answer. */
    private Path raced() {
        var run = new RunOnDisk(folder.resolve("raced"));
        for (int i = 0; i < 16; i++) {
            run.answer("quick", "p" + i % 8, i / 8 + 1, 100 + i % 5, 5, 20);
            run.answer("slow & <steady>", "p" + i % 8, i / 8 + 1, 300 + i % 5, 10, 20);
        }
        run.record().put("simulated", true).put("started_at", "2026-11-23T10:00:00Z");
        return run.write();
    }

    private static Document xml(Path file) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
    }

    @Test
    void theCardIsSvgWithRealTextAndPngAtAScale() throws Exception {
        var svg = folder.resolve("card.svg");
        var png = folder.resolve("card.png");
        report(0, raced(), "--export", svg, "--export", png, "--scale", "2", "--theme", "dark", "--title", "Which is faster?");
        var texts = new ArrayList<String>();
        var nodes = xml(svg).getElementsByTagName("text");
        IntStream.range(0, nodes.getLength()).forEach(i -> texts.add(nodes.item(i).getTextContent()));
        assertEquals("Which is faster?", texts.getFirst());
        assertTrue(texts.containsAll(List.of("quick", "slow & <steady>", "102.0 ms", "302.0 ms", "median total")),
                texts.toString());
        assertTrue(texts.getLast().matches("n = 16 requests each  \\|  2026-11-23  \\|  stream .*  \\|  simulated"),
                texts.toString());
        assertTrue(Files.size(svg) < 60_000);
        var picture = ImageIO.read(png.toFile());
        assertEquals(1920, picture.getWidth());
        assertEquals(0xff0d1117, picture.getRGB(3, picture.getHeight() - 2), "the ground of the dark theme, to the edge");
        assertTrue(IntStream.range(0, 1920).map(x -> picture.getRGB(x, 110)).distinct().count() > 5, "text is drawn");
    }

    @Test
    void aSpaceStandsBeyondTheEndOfALineAndNotAtTheBeginningOfTheNext() {
        var pieces = List.of("abcd", " efgh", " ij k").stream().map(text -> new Race.Piece(0, text)).toList();
        assertEquals(List.of("0 0 abcd", "1 0 efgh", "2 0 ij k"), RaceFilm.placed(pieces, 4).stream()
                .map(placed -> placed.line() + " " + placed.column() + " " + placed.text()).toList());
    }

    /**
     * SVG leaves out the spaces at the beginning of a text, so a piece must not begin with one, and has to stand where its first
     * letter is.
     */
    @Test
    void thePiecesOfTheRaceMakeUpItsWordsAndNoLineBeginsWithASpace() throws Exception {
        var run = TestRun.of(folder.resolve("results"), "--simulate", "-m",
                "a=sim-ttft5-itl1-n40,b=sim-ttft5-itl1-n40,c=sim-ttft5-itl1-n40", "-p", "How deep is the ocean?", "--echo", "none");
        var svg = folder.resolve("race.svg");
        report(0, run.folder(), "--export", svg);
        var nodes = xml(svg).getElementsByTagName("text");
        var lines = new TreeMap<Double, StringBuilder>();
        for (int i = 0; i < nodes.getLength(); i++) {
            var attributes = nodes.item(i).getAttributes();
            var y = Double.parseDouble(attributes.getNamedItem("y").getNodeValue());
            var x = Double.parseDouble(attributes.getNamedItem("x").getNodeValue());
            // below the times, in the first of three lanes
            if (attributes.getNamedItem("xml:space") != null && y > 120 && x < 320) {
                var text = nodes.item(i).getFirstChild().getNodeValue();
                assertEquals(text.strip(), text);
                var column = (int) Math.round((x - 36) / (0.602 * 15));
                var line = lines.computeIfAbsent(y, absent -> new StringBuilder());
                line.append(" ".repeat(Math.max(0, column - line.length()))).append(text);
            }
        }
        assertTrue(lines.size() > 1, lines.toString());
        assertEquals(run.requests().getFirst().get("output").strip(), String.join(" ", lines.values()));
    }

    @Test
    void theRaceIsAFilmInWhichEachPieceOfTextComesWhenItCame() throws Exception {
        var svg = folder.resolve("race.svg");
        var gif = folder.resolve("race.gif");
        report(0, raced(), "--export", svg, "--export", gif);
        assertTrue(Files.size(svg) < 60_000);
        var animations = xml(svg).getElementsByTagName("animate");
        var first = new TreeMap<String, Double>();
        var last = 0.0;
        for (int i = 0; i < animations.getLength(); i++) {
            var attributes = animations.item(i).getAttributes();
            var share = Double.parseDouble(attributes.getNamedItem("keyTimes").getNodeValue().split(";")[1]);
            var millis = share * Double.parseDouble(attributes.getNamedItem("dur").getNodeValue().replace("ms", ""));
            var text = animations.item(i).getParentNode().getTextContent();
            first.put(text, millis);
            last = text.startsWith("token") ? Math.max(last, millis) : last;
        }
        assertEquals(0.1, first.get("first token 0.10 s") / 1000, 0.006);
        assertEquals(0.3, first.get("first token 0.30 s") / 1000, 0.006);
        assertTrue(first.get("done 0.20 s") < first.get("done 0.49 s"), first.toString());
        assertEquals(490, last, 10, "the last piece of the slower answer, at true speed");
        var reader = ImageIO.getImageReadersByFormatName("gif").next();
        try (var input = ImageIO.createImageInputStream(gif.toFile())) {
            reader.setInput(input);
            var frames = reader.getNumImages(true);
            assertTrue(frames >= 5 && frames <= 9, "one each 80 ms of half a second: " + frames);
            assertEquals("8 200", delay(reader, 0) + " " + delay(reader, frames - 1),
                    "hundredths of a second; it pauses at its end");
            var changed = 0;
            for (int i = 1; i < frames; i++) {
                changed += IntStream.range(0, 960 * 100).anyMatch(new FramesDiffer(reader.read(i - 1), reader.read(i))) ? 1 : 0;
            }
            assertTrue(changed >= 4, "the frames differ: " + changed);
        }
    }

    private static String delay(ImageReader reader, int frame) throws IOException {
        var root = (IIOMetadataNode) reader.getImageMetadata(frame).getAsTree("javax_imageio_gif_image_1.0");
        return ((Element) root.getElementsByTagName("GraphicControlExtension").item(0)).getAttribute("delayTime");
    }

    /** Whether two pictures differ at a place, counted in their first 100 lines. */
    private record FramesDiffer(BufferedImage one, BufferedImage other) implements IntPredicate {
        @Override
        public boolean test(int at) {
            return one.getRGB(at % 960, 60 + at / 960) != other.getRGB(at % 960, 60 + at / 960);
        }
    }

    @Test
    void whatIsNoFilmAndWhatHasNoSettingsIsOneLine() {
        var run = raced();
        assertEquals("compare: --export ttft.gif; only race.gif is a film, pictures end with .svg or .png\n",
                report(2, run, "--export", folder.resolve("ttft.gif")));
        report(2, run, "--export", folder.resolve("card.png"), "--export", folder.resolve("ttft.gif"));
        assertFalse(Files.exists(folder.resolve("card.png")), "nothing half written");
        assertEquals("compare: --export race.png; a film ends with .svg or .gif\n",
                report(2, run, "--export", folder.resolve("race.png")));
        assertEquals("compare: --scale, --theme and --title go with --export card.png or race.gif; add one\n",
                report(2, run, "--title", "x", "--export", folder.resolve("ttft.png")));
        assertEquals("compare: --scale 9; must be a number from 1 to 4\n",
                report(2, run, "--scale", "9", "--export", folder.resolve("card.png")));
    }

    @Test
    void whatCantBeDrawnIsOneLine() {
        var run = run("r", 1);
        assertEquals("compare: --export " + folder.resolve("a.pdf")
                + "; must end with one of .txt, .md, .csv, .json, .html, .svg, .png, .gif\n",
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
            assertEquals(browser.evaluate("JSON.parse(document.getElementById('data').textContent).notes").toString(),
                    browser.evaluate("[...document.querySelectorAll('.notes li')].map(note => note.textContent)").toString());
            assertEquals(2, browser.evaluate(
                    "document.querySelectorAll('table[aria-label*=\"requests that failed\"] tbody tr').length").asInt());
            browser.shoot("report-1280-dark.png");
            var ground = "getComputedStyle(document.body).backgroundColor";
            assertEquals("rgb(13, 17, 23)", browser.evaluate(ground).asString());
            browser.evaluate("window.dispatchEvent(new Event('beforeprint'))");
            assertEquals("rgb(255, 255, 255)", browser.evaluate(ground).asString(), "paper is white");
        }
    }

    /** Of the two beside the baseline b is slower, so on the right of the middle, and c is faster. */
    @Test
    void aDifferenceIsDrawnOnItsSideWithItsRatioAndVerdict() throws Exception {
        var run = new RunOnDisk(folder.resolve("r"));
        for (int i = 0; i < 8; i++) {
            run.answer("a", "p" + i, 1, 100 + i, 10, 3).answer("b", "p" + i, 1, 200 + 3 * i, 10, 3)
                    .answer("c", "p" + i, 1, 50 + i, 10, 3);
        }
        try (var browser = open(page(run.write(), "--baseline", "a"), 1280, "light")) {
            browser.await("document.querySelector('.forest b')");
            var shown = browser.evaluate("""
                    [...document.querySelectorAll('.forest b')].map(b => {
                      const cells = b.closest('tr').cells;
                      return [cells[0], cells[1], cells[2]].map(cell => cell.textContent).join(' ') + ' ' + cells[3].textContent
                          + (parseFloat(b.style.left) > 50 ? ' right' : ' left');
                    })""").valueStream().map(JsonNode::asString).filter(row -> row.startsWith("TTFT ")).toList();
            assertEquals(List.of("TTFT b 2.03x slower right", "TTFT c 0.52x faster left"),
                    shown.stream().limit(2).toList(), shown.toString());
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
            assertEquals("quick", browser.evaluate("document.querySelector('.hero .name').textContent").asString().substring(0, 5),
                    "the fastest first");
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
            assertTrue(browser.evaluate("document.querySelectorAll('tbody tr:first-child td:not([hidden])').length").asInt() > shown
                    + 8);
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
