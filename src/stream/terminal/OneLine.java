//JAVA 25+
//SOURCES TextWidth.java

package stream.terminal;

/** Makes a text from outside fit into one line of a terminal or a CSV cell. */
public final class OneLine {

    private static final int LONGEST = 300;

    private static final String ELLIPSIS = "...";

    private OneLine() { }

    /** Replaces everything that would start a new line, or control a terminal, by a space. */
    public static String of(String text) {
        return text.replaceAll("[\\p{Cc}\\u2028\\u2029]+", " ");
    }

    /** Returns the first line of a message, at most 300 characters of it. */
    public static String firstOf(String message) {
        return shortened(of(message.strip().lines().findFirst().orElse("")).strip(), LONGEST);
    }

    /** Leaves out the middle of a name that takes more columns, since names often differ at their ends. */
    public static String withoutMiddle(String name, int mostColumns) {
        var left = (mostColumns - ELLIPSIS.length() + 1) / 2;
        return TextWidth.of(name) <= mostColumns ? name
                : TextWidth.first(name, left) + ELLIPSIS + TextWidth.last(name, mostColumns - ELLIPSIS.length() - left);
    }

    /** Breaks a sentence into lines of at most so many columns; all but the first are indented. */
    public static String wrapped(String sentence, int width, String indent) {
        var text = new StringBuilder();
        var line = new StringBuilder();
        var columns = 0; // of the line
        for (var word : sentence.split(" ")) {
            if (!line.isEmpty() && columns + 1 + TextWidth.of(word) > width) {
                text.append(line).append('\n');
                line.setLength(0);
                line.append(indent).append(word);
                columns = TextWidth.of(indent) + TextWidth.of(word);
            } else {
                columns += (line.isEmpty() ? 0 : 1) + TextWidth.of(word);
                line.append(line.isEmpty() ? "" : " ").append(word);
            }
        }
        return text.append(line).toString();
    }

    public static String shortened(String line, int longest) {
        return line.length() <= longest ? line : line.substring(0, longest - 3) + "...";
    }
}
