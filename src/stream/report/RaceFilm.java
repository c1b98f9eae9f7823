//JAVA 25+
//SOURCES ../terminal/OneLine.java
//SOURCES ../metric/Metric.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/Race.java
//SOURCES ../compare/Section.java
//SOURCES Palette.java
//SOURCES PictureSettings.java
//SOURCES Svg.java

package stream.report;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadataNode;

import stream.compare.Comparison;
import stream.compare.Group;
import stream.compare.Race;
import stream.metric.Metric;
import stream.terminal.OneLine;

/**
 * The race of the recorded answers, as the report has it, as a film that begins again when it has ended.
 *
 * <p>It is SVG with real text; GIF is drawn from it.
 */
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
    private final Race race;
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
        var races = source == null ? List.<Race>of() : source.sections().getFirst().races();
        if (races.isEmpty()) {
            throw new IOException(name + ": there are no answers with text to race; name the folders of the runs");
        }
        race = races.getFirst();
        var labels = source.sections().getFirst().groups().stream().map(Group::label).toList();
        var columns = (int) ((laneWidth() - 24) / CHARACTER);
        race.lanes().forEach(lane -> lanes.add(new Lane(lane.label(), Palette.svg(labels.indexOf(lane.label()), settings.dark()),
                lane.answer().get(Metric.TTFT), lane.answer().get(Metric.TOTAL), placed(lane.pieces(), columns))));
        endMillis = lanes.stream().mapToDouble(Lane::totalMillis).max().orElseThrow();
        if (endMillis > LONGEST_MILLIS) {
            throw new IOException(name + ": the race lasts " + Math.round(endMillis / 1000) + " s, at most "
                    + Math.round(LONGEST_MILLIS / 1000)
                    + " fit into a film; write .html instead");
        }
    }

    private int inARow() {
        return Math.min(3, race.lanes().size());
    }

    private double laneWidth() {
        return (WIDTH - MARGIN * (inARow() + 1.0)) / inARow();
    }

    /** Breaks the whole text into lines, at the ends of words, and finds where each piece of it stands. */
    static List<Placed> placed(List<Race.Piece> pieces, int columns) {
        var text = pieces.stream().map(Race.Piece::text).collect(Collectors.joining());
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
                    placed.add(new Placed(piece.elapsedMicros() / 1e3, lineOf[from], columnOf[to - visible.length()],
                            visible.stripTrailing()));
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
        show(svg, x + 12 + SECOND_COLUMN * WIDTH_OF_SIZE * SMALL_SIZE, y + 46, SMALL_SIZE, settings.soft(), done,
                lane.totalMillis(), atMillis);
        for (var piece : lane.pieces()) {
            show(svg, x + 12 + piece.column() * CHARACTER, y + HEAD + piece.line() * LINE - 4, TEXT_SIZE,
                    settings.ink(), piece.text(),
                    piece.millis(), atMillis);
        }
    }

    private void show(Svg svg, double x, double y, int size, String fill, String text, double fromMillis, double atMillis) {
        var cycle = endMillis + PAUSE_MILLIS;
        if (atMillis < 0) {
            svg.mono(x, y, size, fill, text, String.format(Locale.ROOT, "<animate attributeName=\"opacity\" values=\"0;1\""
                    + " keyTimes=\"0;%.4f\" dur=\"%.0fms\" calcMode=\"discrete\" repeatCount=\"indefinite\"/>",
                    fromMillis / cycle, cycle));
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
