//JAVA 25+
//SOURCES Console.java

package stream;

/**
 * How text is laid out.
 *
 * @param width  characters of a line; tables leave columns out, or shorten labels, to keep to it
 * @param styled whether the terminal has colours
 */
record TextLayout(int width, boolean styled) {
    /** Of a file or a pipe. */
    static final TextLayout WIDE = new TextLayout(Console.UNLIMITED, false);
}
