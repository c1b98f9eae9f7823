//JAVA 25+
//SOURCES Console.java

package stream.terminal;

/**
 * How text is laid out.
 *
 * @param width  characters of a line; tables leave columns out, or shorten labels, to keep to it
 * @param styled whether the terminal has colours
 */
public record TextLayout(int width, boolean styled) {
    /** Of a file or a pipe. */
    public static final TextLayout WIDE = new TextLayout(Console.UNLIMITED, false);
}
