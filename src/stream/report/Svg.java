//JAVA 25+
//DEPS com.github.weisj:jsvg:2.1.0

package stream.report;

import java.awt.Component;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;

import com.github.weisj.jsvg.parser.LoaderContext;
import com.github.weisj.jsvg.parser.SVGLoader;
import com.github.weisj.jsvg.view.ViewBox;

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

    /** Returns a round number of which three to six fit into the length of an axis; 1 if that is 0. */
    static double step(double end) {
        if (end == 0) {
            return 1;
        }
        var unit = Math.pow(10, Math.floor(Math.log10(end)));
        return end / unit < 1.5 ? unit / 4 : end / unit < 3 ? unit / 2 : end / unit < 6 ? unit : 2 * unit;
    }

    /** Returns the label of a mark of an axis, with as many decimals as its step needs. */
    static String number(double value, double step) {
        var decimals = step >= 10 || step == Math.rint(step) ? 0 : step >= 1 ? 1 : (int) Math.ceil(-Math.log10(step)) + 1;
        return String.format(Locale.ROOT, "%,." + decimals + "f", value);
    }

    void rectangle(double x, double y, double w, double h, String fill, double opacity) {
        elements.append(String.format(Locale.ROOT, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"%s/>%n",
                x, y, w, h, fill,
                opacity == 1 ? "" : " opacity=\"" + opacity + "\""));
    }

    void line(double x1, double y1, double x2, double y2, String stroke, double thickness) {
        elements.append(String.format(Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%.1f\"/>%n",
                x1, y1, x2, y2, stroke, thickness));
    }

    /** {@code commands} are those of the attribute d. */
    void path(String commands, String stroke, double thickness) {
        elements.append(String.format(Locale.ROOT,
                "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\" stroke-linejoin=\"round\"/>%n",
                commands, stroke, thickness));
    }

    void circle(double x, double y, double radius, String fill, double opacity) {
        elements.append(String.format(Locale.ROOT, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" opacity=\"%.2f\"/>%n", x,
                y, radius, fill,
                opacity));
    }

    /** {@code anchor} is start, middle or end. */
    void text(double x, double y, int size, String fill, boolean bold, String anchor, String text) {
        elements.append(String.format(Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\" text-anchor=\"%s\"%s>%s</text>%n", x, y,
                size, fill, anchor, bold ? " font-weight=\"bold\"" : "", escaped(text)));
    }

    /** Text of which each character has the same width; {@code animation} is empty, or an element that animates it. */
    void mono(double x, double y, int size, String fill, String text, String animation) {
        elements.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\" font-family=\"%s\""
                + " xml:space=\"preserve\"", x, y, size, fill, MONO)).append(animation.isEmpty()
                ? ">" : " opacity=\"0\">").append(escaped(text)).append(animation)
                .append("</text>\n");
    }

    @Override
    public String toString() {
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height
                + "\" viewBox=\"0 0 " + width + " "
                + height + "\" font-family=\"" + SANS + "\" role=\"img\">\n" + elements + "</svg>\n";
    }

    /** Draws an SVG; throws IOException with a message for the user if Java cannot draw text here. */
    static BufferedImage draw(String name, String svg, int scale) throws IOException {
        System.setProperty("java.awt.headless", "true");
        try {
            var named = svg.replace(SANS, "SansSerif").replace(MONO, "Monospaced"); // as Java calls them
            var document = Objects.requireNonNull(new SVGLoader()
                    .load(new ByteArrayInputStream(named.getBytes(StandardCharsets.UTF_8)), null,
                    LoaderContext.createDefault()));
            var size = document.size();
            var image = new BufferedImage(Math.round(size.width * scale), Math.round(size.height * scale),
                    BufferedImage.TYPE_INT_RGB);
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
