//JAVA 25+
//DEPS org.jline:jline-reader:4.5.0

package stream.terminal;

import org.jline.utils.WCWidth;

/** Widths of texts on a terminal, where a character of a Chinese word, or an emoji, takes two columns and a combining mark none. */
public final class TextWidth {

    /** Below that each character takes one column; most texts have no others, and need no table of them. */
    private static final int FIRST_UNUSUAL = 0x300;

    private TextWidth() { }

    /** Returns the columns of a code point, from 0. */
    static int of(int character) {
        return character < FIRST_UNUSUAL ? 1 : Math.max(0, WCWidth.wcwidth(character));
    }

    /** Returns the columns of a text of one line. */
    public static int of(String text) {
        return text.codePoints().map(TextWidth::of).sum();
    }

    /** Returns the longest beginning of a text that takes at most so many columns. */
    static String first(String text, int columns) {
        var taken = 0;
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            taken += of(text.codePointAt(at));
            if (taken > columns) {
                return text.substring(0, at);
            }
        }
        return text;
    }

    /** Returns the longest end of a text that takes at most so many columns. */
    static String last(String text, int columns) {
        var taken = 0;
        for (int at = text.length(); at > 0; ) {
            var character = text.codePointBefore(at);
            taken += of(character);
            if (taken > columns) {
                return text.substring(at);
            }
            at -= Character.charCount(character);
        }
        return text;
    }
}
