//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/FileEnding.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/TextLayout.java
//SOURCES ../terminal/UserError.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/RunHistory.java
//SOURCES Card.java
//SOURCES ComparisonCsv.java
//SOURCES ComparisonJson.java
//SOURCES ComparisonText.java
//SOURCES DistributionChart.java
//SOURCES HistoryReport.java
//SOURCES PictureSettings.java
//SOURCES RaceFilm.java
//SOURCES ReportPage.java
//SOURCES Svg.java

package stream.report;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

import javax.imageio.ImageIO;

import stream.compare.Comparison;
import stream.compare.RunHistory;
import stream.terminal.FileEnding;
import stream.terminal.OptionChecks;
import stream.terminal.TextLayout;
import stream.terminal.UserError;

/** The formats that a comparison can be written in, each by its name or by the ending of a file. */
public enum OutputFormat {
    TEXT("text", "txt"), MARKDOWN("markdown", "md"), CSV("csv", "csv"), JSON("json", "json"), HTML("html", "html"),
    SVG("svg", "svg"), PNG("png", "png"), GIF("gif", "gif");

    private final String word;
    private final String ending;

    OutputFormat(String word, String ending) {
        this.word = word;
        this.ending = ending;
    }

    /** Returns the format of text with this name; throws UserError if no format has it. */
    public static OutputFormat ofName(String name) {
        return Arrays.stream(values()).filter(format -> !format.isPicture() && format.word.equals(name)).findFirst()
                .orElseThrow(() -> new UserError("--format '" + name + "'; must be one of " + Arrays.stream(values())
                        .filter(format -> !format.isPicture()).map(format -> format.word).collect(Collectors.joining(", "))));
    }

    /** Returns the format of a file by its ending; throws UserError if no format has it. */
    public static OutputFormat ofEnding(Path file) {
        return Arrays.stream(values()).filter(format -> format.ending.equals(FileEnding.of(file))).findFirst()
                .orElseThrow(() -> new UserError("--export " + file + "; must end with one of " + Arrays.stream(values())
                        .map(format -> "." + format.ending).collect(Collectors.joining(", "))));
    }

    boolean isPicture() {
        return this == SVG || this == PNG || this == GIF;
    }

    /** Whether a file is a film of the race; throws UserError if it is a GIF of something else. */
    private boolean isFilm(String name) {
        var isRace = name.startsWith("race.");
        new OptionChecks().require(this != GIF || isRace,
                "--export " + name + "; only race.gif is a film, pictures end with .svg or .png")
                .require(this != PNG || !isRace, "--export " + name + "; a film ends with .svg or .gif").throwIfAny();
        return isRace && isPicture();
    }

    /** Whether the settings of pictures concern a file. */
    public boolean isStyled(Path file) {
        var name = file.getFileName().toString();
        return isPicture() && (name.startsWith("card.") || isFilm(name));
    }

    /** Throws UserError, which begins with the option, if a history has no such form. */
    public void requireOfHistory(String option) {
        new OptionChecks().require(this == TEXT || this == MARKDOWN || this == CSV || this == HTML, option
                + ": a history is text, markdown, csv or html; name one of these").throwIfAny();
    }

    /** Returns a history in this form. */
    public byte[] bytes(RunHistory history, TextLayout layout) throws IOException {
        var report = new HistoryReport(history);
        var text = switch (this) {
            case MARKDOWN -> report.markdown();
            case CSV -> report.csv();
            case HTML -> report.html();
            default -> report.text(layout);
        };
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Returns the content of a file; the name of a picture tells what it shows: a card, the race, or a metric. */
    public byte[] bytes(Comparison comparison, Path file, PictureSettings settings) throws IOException {
        var name = file.getFileName().toString();
        if (!isStyled(file)) {
            return isPicture() ? drawn(DistributionChart.named(name, comparison).svg(), name, 1)
                    : text(comparison).getBytes(StandardCharsets.UTF_8);
        }
        if (isFilm(name)) {
            var film = new RaceFilm(name, comparison, settings);
            return this == GIF ? film.gif() : film.svg().getBytes(StandardCharsets.UTF_8);
        }
        return drawn(new Card(name, comparison, settings).svg(), name, settings.scale());
    }

    /** Returns a picture as SVG, or drawn as PNG. */
    private byte[] drawn(String svg, String name, int scale) throws IOException {
        if (this == SVG) {
            return svg.getBytes(StandardCharsets.UTF_8);
        }
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(Svg.draw(name, svg, scale), "png", bytes);
        return bytes.toByteArray();
    }

    private String text(Comparison comparison) throws IOException {
        return switch (this) {
            case TEXT -> ComparisonText.plain(comparison, TextLayout.WIDE).toString();
            case MARKDOWN -> ComparisonText.markdown(comparison).toString();
            case CSV -> ComparisonCsv.write(comparison);
            case JSON -> ComparisonJson.of(comparison).toPrettyString() + "\n";
            case HTML -> ReportPage.html(comparison);
            case SVG, PNG, GIF -> throw new IllegalStateException("a picture is not text");
        };
    }
}
