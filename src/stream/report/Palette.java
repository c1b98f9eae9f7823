//JAVA 25+

package stream.report;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Colours of the lines of charts, in pages and pictures alike; all are readable on white. */
public final class Palette {

    static final List<Integer> COLOURS =
            List.of(0x0072b2, 0xd55e00, 0x00795a, 0xb0488f, 0x8a6100, 0x2b8cbe, 0x6a51a3, 0x555555);

    /** The same on black. */
    private static final List<Integer> ON_BLACK =
            List.of(0x58a6ff, 0xff9d5c, 0x3ddc97, 0xf29bd4, 0xe3b341, 0x79c0ff, 0xc4a8ff, 0xbbbbbb);

    private Palette() { }

    /** Returns the colours as CSS variables {@code --c0} and so on. */
    public static String css() {
        return IntStream.range(0, COLOURS.size()).mapToObj(i -> "  --c" + i + ": #%06x;".formatted(COLOURS.get(i)))
                .collect(Collectors.joining("\n", ":root {\n", "\n}\n"));
    }

    /** Returns the colour of a group, as SVG writes it. */
    static String svg(int group, boolean onBlack) {
        return "#%06x".formatted((onBlack ? ON_BLACK : COLOURS).get(group % COLOURS.size()));
    }
}
