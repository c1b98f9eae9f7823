#!/usr/bin/env bash
# JSVG 2.1.0 draws a text that begins with a space as if it began with its first letter, although xml:space="preserve" is set; Chromium
# and SVG 1.1, section 10.15, keep the space. A word whose piece begins with its space joins the word before it in a picture.
#
# Draws "  I" with and without its spaces, and prints in which column the first dark pixel is. Needs a JDK 17 and Maven.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mvn -q dependency:copy -Dartifact=com.github.weisj:jsvg:2.1.0 -DoutputDirectory=.

cat >Draw.java <<'JAVA'
import com.github.weisj.jsvg.parser.LoaderContext;
import com.github.weisj.jsvg.parser.SVGLoader;
import com.github.weisj.jsvg.view.ViewBox;
import java.awt.Component;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;

public class Draw {
    static int firstDarkColumn(String text) throws Exception {
        var svg = "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='40'><text x='10' y='30' font-size='20'"
                + " font-family='Monospaced' xml:space='preserve'>" + text + "</text></svg>";
        var document = new SVGLoader().load(new ByteArrayInputStream(svg.getBytes()), null, LoaderContext.createDefault());
        var image = new BufferedImage(200, 40, BufferedImage.TYPE_INT_ARGB);
        document.render((Component) null, image.createGraphics(), new ViewBox(200, 40));
        for (int x = 0; x < 200; x++) {
            for (int y = 0; y < 40; y++) {
                if (image.getRGB(x, y) >>> 24 > 64) {
                    return x;
                }
            }
        }
        return -1;
    }

    public static void main(String... args) throws Exception {
        System.setProperty("java.awt.headless", "true");
        System.out.println("without spaces: column " + firstDarkColumn("I"));
        System.out.println("with two spaces: column " + firstDarkColumn("  I"));
    }
}
JAVA
java -cp "$(echo *.jar)" Draw.java | tee seen
echo "JSVG 2.1.0, $(java -version 2>&1 | head -n 1)"
[ "$(sed -n 's/.*column //p' seen | sort -u | wc -l)" -eq 1 ] || { echo "changed: the spaces are drawn now" >&2; exit 1; }
echo "as found: both begin in the same column, so the spaces are lost"
