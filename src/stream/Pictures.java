//JAVA 25+
//DEPS com.github.weisj:jsvg:2.1.0
//SOURCES Console.java
//SOURCES Metrics.java
//SOURCES RecordedRun.java
//SOURCES Groups.java
//SOURCES Comparison.java

// Pictures: a comparison as one picture, and its race as a film, to be published. Both are SVG with real text; PNG and GIF are
// drawn from it.

package stream;

import java.awt.Component;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadataNode;

import com.github.weisj.jsvg.parser.LoaderContext;
import com.github.weisj.jsvg.parser.SVGLoader;
import com.github.weisj.jsvg.view.ViewBox;

/** Colours of the lines of charts, in pages and pictures alike; all are readable on white. */
final class Palette {

    static final List<Integer> COLOURS =
            List.of(0x0072b2, 0xd55e00, 0x00795a, 0xb0488f, 0x8a6100, 0x2b8cbe, 0x6a51a3, 0x555555);

    /** The same on black. */
    private static final List<Integer> ON_BLACK =
            List.of(0x58a6ff, 0xff9d5c, 0x3ddc97, 0xf29bd4, 0xe3b341, 0x79c0ff, 0xc4a8ff, 0xbbbbbb);

    private Palette() { }

    /** Returns the colours as CSS variables {@code --c0} and so on. */
    static String css() {
        return IntStream.range(0, COLOURS.size()).mapToObj(i -> "  --c" + i + ": #%06x;".formatted(COLOURS.get(i)))
                .collect(Collectors.joining("\n", ":root {\n", "\n}\n"));
    }

    /** Returns the colour of a group, as SVG writes it. */
    static String svg(int group, boolean onBlack) {
        return "#%06x".formatted((onBlack ? ON_BLACK : COLOURS).get(group % COLOURS.size()));
    }
}

/**
 * How a picture looks.
 *
 * @param scale how many pixels a unit has, from 1 to 4
 * @param dark  whether it is light on dark
 * @param title null for the sentence of the comparison
 */
record PictureSettings(int scale, boolean dark, String title) {

    static final PictureSettings DEFAULT = new PictureSettings(1, false, null);

    String ground() {
        return dark ? "#0d1117" : "#ffffff";
    }

    String ink() {
        return dark ? "#e6edf3" : "#1b1f24";
    }

    String soft() {
        return dark ? "#9aa4af" : "#57606a";
    }

    String line() {
        return dark ? "#30363d" : "#d8dee4";
    }
}

/** An SVG that is being written. */
final class Svg {

    private static final String SANS = "system-ui, 'DejaVu Sans', sans-serif";
    private static final String MONO = "ui-monospace, 'DejaVu Sans Mono', monospace";

    private final int width;
    private final int height;
    private final StringBuilder elements = new StringBuilder();

    Svg(int width, int height, String description, String ground) {
        this.width = width;
        this.height = height;
        elements.append("<title>").append(escaped(description)).append("</title>\n");
        rectangle(0, 0, width + 1, height + 1, ground, 1); // no edge is left when it is scaled
    }

    /** Returns text as XML has it, without characters that it may not have. */
    static String escaped(String text) {
        return text.replaceAll("[\\p{Cntrl}&&[^\\n\\t]]", "\uFFFD").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    void rectangle(double x, double y, double w, double h, String fill, double opacity) {
        elements.append(String.format(Locale.ROOT, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"%s/>%n", x, y, w, h, fill,
                opacity == 1 ? "" : " opacity=\"" + opacity + "\""));
    }

    void line(double x1, double y1, double x2, double y2, String stroke, double thickness) {
        elements.append(String.format(Locale.ROOT, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%.1f\"/>%n",
                x1, y1, x2, y2, stroke, thickness));
    }

    void circle(double x, double y, double radius, String fill, double opacity) {
        elements.append(String.format(Locale.ROOT, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" opacity=\"%.2f\"/>%n", x, y, radius, fill,
                opacity));
    }

    /** {@code anchor} is start, middle or end. */
    void text(double x, double y, int size, String fill, boolean bold, String anchor, String text) {
        elements.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\" text-anchor=\"%s\"%s>%s</text>%n", x, y,
                size, fill, anchor, bold ? " font-weight=\"bold\"" : "", escaped(text)));
    }

    /** Text of which each character has the same width; {@code animation} is empty, or an element that animates it. */
    void mono(double x, double y, int size, String fill, String text, String animation) {
        elements.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\" font-family=\"%s\""
                + " xml:space=\"preserve\"", x, y, size, fill, MONO)).append(animation.isEmpty() ? ">" : " opacity=\"0\">").append(escaped(text)).append(animation)
                .append("</text>\n");
    }

    @Override
    public String toString() {
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " "
                + height + "\" font-family=\"" + SANS + "\" role=\"img\">\n" + elements + "</svg>\n";
    }

    /** Draws an SVG; throws IOException with a message for the user if Java cannot draw text here. */
    static BufferedImage draw(String name, String svg, int scale) throws IOException {
        System.setProperty("java.awt.headless", "true");
        try {
            var named = svg.replace(SANS, "SansSerif").replace(MONO, "Monospaced"); // as Java calls them
            var document = Objects.requireNonNull(new SVGLoader().load(new ByteArrayInputStream(named.getBytes(StandardCharsets.UTF_8)), null,
                    LoaderContext.createDefault()));
            var size = document.size();
            var image = new BufferedImage(Math.round(size.width * scale), Math.round(size.height * scale), BufferedImage.TYPE_INT_RGB);
            var graphics = image.createGraphics();
            graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            document.render((Component) null, graphics, new ViewBox(image.getWidth(), image.getHeight()));
            graphics.dispose();
            return image;
        } catch (RuntimeException | LinkageError | InternalError e) {
            throw new IOException(name + ": Java cannot draw text here (" + e + "); install a font, or write .svg instead");
        }
    }
}

/** One picture of a comparison: the sentence, the distribution of TTFT with its medians, the total, and where it is from. */
final class Card {

    private static final int WIDTH = 960;
    private static final int MARGIN = 36;
    private static final int ROW = 64;
    private static final int AXIS_LEFT = 250;
    private static final int AXIS_RIGHT = 720;
    private static final int TITLE_SIZE = 24;
    private static final int TITLE_CHARACTERS = 62; // of a line, in any usual font
    private static final int LABEL_CHARACTERS = 24;
    private static final int MOST_ROWS = 8;
    private static final int MOST_DOTS = 60;

    private final String name;
    private final Comparison comparison;
    private final PictureSettings settings;

    Card(String name, Comparison comparison, PictureSettings settings) {
        this.name = name;
        this.comparison = comparison;
        this.settings = settings;
    }

    /** Returns it as SVG; throws IOException with a message for the user if there is nothing to draw. */
    String svg() throws IOException {
        if (comparison.source() == null) {
            throw new IOException(name + ": a table of a comparison has no requests to draw; name the folders of the runs");
        }
        var section = comparison.source().sections().getFirst();
        var groups = section.groups().stream().limit(MOST_ROWS).filter(group -> group.values(Metric.TTFT).length > 0).toList();
        if (groups.isEmpty()) {
            throw new IOException(name + ": no completed request has a TTFT; there is nothing to draw");
        }
        var sentence = settings.title() != null ? settings.title() : comparison.headline();
        var title = List.of(OneLine.wrapped(sentence, TITLE_CHARACTERS, "").split("\n"));
        var top = MARGIN + title.size() * (TITLE_SIZE + 8) + 40;
        var svg = new Svg(WIDTH, top + groups.size() * ROW + 92, comparison.headline(), settings.ground());
        for (int i = 0; i < title.size(); i++) {
            svg.text(MARGIN, MARGIN + TITLE_SIZE + i * (TITLE_SIZE + 8), TITLE_SIZE, settings.ink(), true, "start", title.get(i));
        }
        svg.text(AXIS_LEFT, top - 14, 14, settings.soft(), false, "start", "time to first token, and its median");
        svg.text(WIDTH - MARGIN, top - 14, 14, settings.soft(), false, "end", "median total");
        var end = groups.stream().flatMapToDouble(group -> Arrays.stream(group.values(Metric.TTFT))).max().orElseThrow();
        axis(svg, top, top + groups.size() * ROW, end);
        for (int i = 0; i < groups.size(); i++) {
            row(svg, groups.get(i), Palette.svg(section.groups().indexOf(groups.get(i)), settings.dark()), top + i * ROW, end);
        }
        svg.text(MARGIN, top + groups.size() * ROW + 66, 14, settings.soft(), false, "start", origin(groups));
        return svg.toString();
    }

    private void axis(Svg svg, int top, int bottom, double end) {
        var step = step(end);
        for (double at = 0; at <= end; at += step) {
            svg.line(x(at, end), top, x(at, end), bottom, settings.line(), 1);
            var label = String.format(Locale.ROOT, "%,.0f", at) + (at == 0 ? " ms" : "");
            svg.text(x(at, end), bottom + 20, 13, settings.soft(), false, "middle", label);
        }
    }

    /** Returns a round number of which three to six fit. */
    private static double step(double end) {
        var unit = Math.pow(10, Math.floor(Math.log10(end)));
        return end / unit < 1.5 ? unit / 4 : end / unit < 3 ? unit / 2 : end / unit < 6 ? unit : 2 * unit;
    }

    private static double x(double millis, double end) {
        return AXIS_LEFT + millis / end * (AXIS_RIGHT - AXIS_LEFT);
    }

    private void row(Svg svg, Group group, String colour, int top, double end) {
        var middle = top + ROW / 2;
        svg.rectangle(MARGIN, middle - 7, 12, 12, colour, 1);
        svg.text(MARGIN + 20, middle + 5, 16, settings.ink(), true, "start", OneLine.withoutMiddle(OneLine.of(group.definition().labelled(group.label())), LABEL_CHARACTERS));
        var values = group.values(Metric.TTFT);
        var dots = Math.min(MOST_DOTS, values.length);
        for (int i = 0; i < dots; i++) { // quantiles, so that many requests look like few
            svg.circle(x(values[(int) ((i + 0.5) * values.length / dots)], end), middle + 6 + i % 3 * 5 - 5, 4, colour, 0.4);
        }
        var median = group.quantile(Metric.TTFT, 0.5);
        svg.rectangle(x(median, end) - 1.5, top + 14, 3, ROW - 24, colour, 1);
        svg.text(x(median, end) + 6, top + 16, 14, settings.ink(), true, "start", Aggregate.TTFT_P50.cell(median) + " ms");
        var total = group.quantile(Metric.TOTAL, 0.5);
        svg.text(WIDTH - MARGIN, middle + 5, 16, settings.ink(), false, "end", (total == null ? "" : Aggregate.TOTAL_P50.cell(total) + " ms"));
    }

    private String origin(List<Group> groups) {
        var least = groups.stream().mapToInt(group -> group.completed().size()).min().orElseThrow();
        var most = groups.stream().mapToInt(group -> group.completed().size()).max().orElseThrow();
        var days = comparison.source().runs().stream().map(run -> run.manifest().startedAt()).filter(Objects::nonNull)
                .map(time -> time.substring(0, Math.min(10, time.length()))).sorted().toList();
        return "n = " + (least == most ? String.valueOf(least) : least + " to " + most) + " requests each"
                + (days.isEmpty() ? "" : "  |  " + days.getFirst()) + "  |  stream " + Version.NUMBER
                + (comparison.terms().simulated() ? "  |  simulated" : "");
    }
}

/** The race of the recorded answers, as the report has it, as a film that begins again when it has ended. */
final class RaceFilm {

    private static final int WIDTH = 960;
    private static final int MARGIN = 24;
    private static final int TEXT_SIZE = 15;
    private static final int SMALL_SIZE = 13;
    private static final int SECOND_COLUMN = 22; // characters before it
    private static final double WIDTH_OF_SIZE = 0.602; // of a character in usual monospaced fonts
    private static final double CHARACTER = WIDTH_OF_SIZE * TEXT_SIZE;
    private static final int LINE = 21;
    private static final int LINES = 7;
    private static final int HEAD = 78;
    private static final double PAUSE_MILLIS = 2_000;
    private static final int FRAME_MILLIS = 80;
    private static final double LONGEST_MILLIS = 30_000;

    private final String name;
    private final Comparison comparison;
    private final PictureSettings settings;
    private final EventCollector.Race race;
    private final List<Lane> lanes = new ArrayList<>();
    private final double endMillis;

    /** A model, its colour, and its text as it is placed. */
    private record Lane(String label, String colour, double firstMillis, double totalMillis, List<Placed> pieces) { }

    /** A piece of text on its line, from 0, after so many characters of it. */
    record Placed(double millis, int line, int column, String text) { }

    /** Throws IOException with a message for the user if there is nothing to show. */
    RaceFilm(String name, Comparison comparison, PictureSettings settings) throws IOException {
        this.name = name;
        this.comparison = comparison;
        this.settings = settings;
        var source = comparison.source();
        var races = source == null ? List.<EventCollector.Race>of() : source.events().racesOf(source.sections().getFirst());
        if (races.isEmpty()) {
            throw new IOException(name + ": there are no answers with text to race; name the folders of the runs");
        }
        race = races.getFirst();
        var groups = source.sections().getFirst().groups();
        var columns = (int) ((laneWidth() - 24) / CHARACTER);
        race.answers().forEach((group, answer) -> lanes.add(new Lane(group.label(), Palette.svg(groups.indexOf(group), settings.dark()),
                answer.get(Metric.TTFT), answer.get(Metric.TOTAL), placed(source.events().pieces(answer), columns))));
        endMillis = lanes.stream().mapToDouble(Lane::totalMillis).max().orElseThrow();
        if (endMillis > LONGEST_MILLIS) {
            throw new IOException(name + ": the race lasts " + Math.round(endMillis / 1000) + " s, at most " + Math.round(LONGEST_MILLIS / 1000)
                    + " fit into a film; write .html instead");
        }
    }

    private int inARow() {
        return Math.min(3, race.answers().size());
    }

    private double laneWidth() {
        return (WIDTH - MARGIN * (inARow() + 1.0)) / inARow();
    }

    /** Breaks the whole text into lines, at the ends of words, and finds where each piece of it stands. */
    static List<Placed> placed(List<EventCollector.Piece> pieces, int columns) {
        var text = pieces.stream().map(EventCollector.Piece::text).collect(Collectors.joining());
        var lineOf = new int[text.length()];
        var columnOf = new int[text.length()];
        var line = 0;
        var column = 0;
        for (int at = 0; at < text.length(); at++) {
            var wordEnd = at;
            while (wordEnd < text.length() && !Character.isWhitespace(text.charAt(wordEnd))) {
                wordEnd++;
            }
            var beginsWord = at == 0 || Character.isWhitespace(text.charAt(at - 1));
            var isSpace = wordEnd == at; // which may stand beyond the end of a line, but not at the beginning of the next
            if (!isSpace && (column >= columns || beginsWord && column > 0 && column + wordEnd - at > columns)) {
                line++;
                column = 0;
            }
            lineOf[at] = line;
            columnOf[at] = column++;
            if (text.charAt(at) == '\n') {
                line++;
                column = 0;
            }
        }
        var placed = new ArrayList<Placed>();
        var at = 0;
        for (var piece : pieces) {
            var end = at + piece.text().length();
            for (int from = at, to; from < end && lineOf[from] < LINES; from = to) {
                for (to = from + 1; to < end && lineOf[to] == lineOf[from]; ) {
                    to++;
                }
                var visible = text.substring(from, to).stripLeading(); // SVG does not draw leading spaces
                if (!visible.isEmpty()) {
                    placed.add(new Placed(piece.elapsedMicros() / 1e3, lineOf[from], columnOf[to - visible.length()], visible.stripTrailing()));
                }
            }
            at = end;
        }
        return placed;
    }

    /** Returns it as an SVG that plays without a script. */
    String svg() {
        return svg(-1);
    }

    /** {@code atMillis} is negative for all of the film, else the time of a frame. */
    private String svg(double atMillis) {
        var rows = (lanes.size() + inARow() - 1) / inARow();
        var laneHeight = HEAD - 22 + LINES * LINE + 12;
        var title = settings.title() != null ? settings.title() : "The same prompt (" + race.prompt() + "), as each answer arrived"
                + (comparison.terms().simulated() ? ", simulated" : "");
        var svg = new Svg(WIDTH, 56 + rows * (laneHeight + MARGIN), title, settings.ground());
        svg.text(MARGIN, 36, 18, settings.ink(), true, "start", OneLine.shortened(OneLine.of(title), 90));
        for (int i = 0; i < lanes.size(); i++) {
            var x = MARGIN + i % inARow() * (laneWidth() + MARGIN);
            lane(svg, lanes.get(i), x, 56 + i / inARow() * (laneHeight + MARGIN), laneHeight, atMillis);
        }
        return svg.toString();
    }

    private void lane(Svg svg, Lane lane, double x, double y, int height, double atMillis) {
        svg.rectangle(x, y, laneWidth(), height, settings.line(), 0.35);
        svg.rectangle(x, y, laneWidth(), 4, lane.colour(), 1);
        svg.text(x + 12, y + 26, 16, settings.ink(), true, "start", OneLine.withoutMiddle(OneLine.of(lane.label()), 26));
        var first = String.format(Locale.ROOT, "first token %.2f s", lane.firstMillis() / 1000);
        var done = String.format(Locale.ROOT, "done %.2f s", lane.totalMillis() / 1000);
        show(svg, x + 12, y + 46, SMALL_SIZE, settings.soft(), first, lane.firstMillis(), atMillis);
        show(svg, x + 12 + SECOND_COLUMN * WIDTH_OF_SIZE * SMALL_SIZE, y + 46, SMALL_SIZE, settings.soft(), done, lane.totalMillis(), atMillis);
        for (var piece : lane.pieces()) {
            show(svg, x + 12 + piece.column() * CHARACTER, y + HEAD + piece.line() * LINE - 4, TEXT_SIZE, settings.ink(), piece.text(),
                    piece.millis(), atMillis);
        }
    }

    private void show(Svg svg, double x, double y, int size, String fill, String text, double fromMillis, double atMillis) {
        var cycle = endMillis + PAUSE_MILLIS;
        if (atMillis < 0) {
            svg.mono(x, y, size, fill, text, String.format(Locale.ROOT, "<animate attributeName=\"opacity\" values=\"0;1\""
                    + " keyTimes=\"0;%.4f\" dur=\"%.0fms\" calcMode=\"discrete\" repeatCount=\"indefinite\"/>", fromMillis / cycle, cycle));
        } else if (fromMillis <= atMillis) {
            svg.mono(x, y, size, fill, text, "");
        }
    }

    /** Returns it as an animated GIF. */
    byte[] gif() throws IOException {
        var bytes = new ByteArrayOutputStream();
        var writer = ImageIO.getImageWritersByFormatName("gif").next();
        try (var output = ImageIO.createImageOutputStream(bytes)) {
            writer.setOutput(output);
            writer.prepareWriteSequence(null);
            for (double at = 0; at < endMillis + FRAME_MILLIS; at += FRAME_MILLIS) {
                var isLast = at + FRAME_MILLIS >= endMillis + FRAME_MILLIS;
                var frame = Svg.draw(name, svg(isLast ? endMillis : at), settings.scale());
                writeFrame(writer, frame, isLast ? (int) PAUSE_MILLIS : FRAME_MILLIS);
            }
            writer.endWriteSequence();
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    private static void writeFrame(ImageWriter writer, BufferedImage image, int millis) throws IOException {
        var parameters = writer.getDefaultWriteParam();
        parameters.setCompressionMode(ImageWriteParam.MODE_COPY_FROM_METADATA);
        var metadata = writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(image), parameters);
        var root = (IIOMetadataNode) metadata.getAsTree(metadata.getNativeMetadataFormatName());
        var control = child(root, "GraphicControlExtension");
        control.setAttribute("disposalMethod", "none");
        control.setAttribute("userInputFlag", "FALSE");
        control.setAttribute("transparentColorFlag", "FALSE");
        control.setAttribute("transparentColorIndex", "0");
        control.setAttribute("delayTime", String.valueOf(millis / 10)); // in hundredths of a second
        var extension = new IIOMetadataNode("ApplicationExtension");
        extension.setAttribute("applicationID", "NETSCAPE");
        extension.setAttribute("authenticationCode", "2.0");
        extension.setUserObject(new byte[] {1, 0, 0}); // begins again for ever
        child(root, "ApplicationExtensions").appendChild(extension);
        metadata.setFromTree(metadata.getNativeMetadataFormatName(), root);
        writer.writeToSequence(new IIOImage(image, null, metadata), parameters);
    }

    private static IIOMetadataNode child(IIOMetadataNode root, String name) {
        for (int i = 0; i < root.getLength(); i++) {
            if (root.item(i).getNodeName().equals(name)) {
                return (IIOMetadataNode) root.item(i);
            }
        }
        var child = new IIOMetadataNode(name);
        root.appendChild(child);
        return child;
    }
}
