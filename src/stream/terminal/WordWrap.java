//JAVA 25+
//SOURCES TextWidth.java

package stream.terminal;

/**
 * Breaks lines of a text that comes in pieces. A word whose rest does not fit any more is taken off the end of its line and written
 * again on the next. Not safe for use by several threads.
 */
public final class WordWrap {

    private static final int TAB = 8;

    private final int width;
    private final StringBuilder word = new StringBuilder(); // the part of the current word that is on the line
    private int wordColumns;
    private int column;

    /** {@code width} is that of the terminal, in columns; its last one stays free, since a full line moves the cursor. */
    public WordWrap(int width) {
        this.width = width - 1;
    }

    /** Forgets the line, since the cursor is at the beginning of another. */
    public void reset() {
        column = 0;
        endWord();
    }

    private void endWord() {
        word.setLength(0);
        wordColumns = 0;
    }

    /** Returns what to write so that the next piece of the text is on the terminal. */
    public String next(String piece) {
        var out = new StringBuilder();
        piece.codePoints().forEach(character -> {
            if (character == '\n') {
                out.append('\n');
                reset();
            } else if (Character.isWhitespace(character)) {
                addSpace(out, character);
            } else {
                addLetter(out, character);
            }
        });
        return out.toString();
    }

    private void addSpace(StringBuilder out, int character) {
        var columns = character == '\t' ? TAB - column % TAB : 1;
        endWord();
        if (column + columns > width) {
            out.append('\n'); // which stands for the space
            column = 0;
        } else {
            out.appendCodePoint(character);
            column += columns;
        }
    }

    private void addLetter(StringBuilder out, int character) {
        var columns = TextWidth.of(character);
        if (column + columns > width) {
            if (wordColumns > 0 && wordColumns < column) {
                out.append("\033[").append(wordColumns).append("D\033[K\n").append(word);
                column = wordColumns;
            } else {
                out.append('\n');
                reset();
            }
        }
        out.appendCodePoint(character);
        word.appendCodePoint(character);
        column += columns;
        wordColumns += columns;
    }
}
