//JAVA 25+
//SOURCES Count.java

package stream.terminal;

import java.util.ArrayList;
import java.util.List;

/**
 * The records of one file that cannot be used: some are named, the others counted, so that a large file does not fill the screen.
 */
public final class BadRecords {

    private static final int MOST_NAMED = 5;

    private final String file;
    private final List<String> named = new ArrayList<>();
    private int count;

    public BadRecords(String file) {
        this.file = file;
    }

    /** Adds a record; the line names its place and what is wrong. */
    public void add(String line) {
        count++;
        if (named.size() < MOST_NAMED) {
            named.add(line);
        }
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /**
     * Returns a line for each record that is named, and one for the others, with the option that leaves them out if there is one.
     */
    public List<String> problems(boolean maySkip) {
        var lines = new ArrayList<>(named);
        if (count > named.size()) {
            lines.add(file + ": " + Count.of(count - named.size(), "more record") + " cannot be used"
                    + (maySkip ? "; --skip-bad leaves all " + count + " out" : ""));
        }
        return lines;
    }

    /** Returns one line for all of them, if they are left out. */
    public String note() {
        return file + ": " + Count.of(count, "record") + " left out; " + (count == 1 ? "it is " : "one is ") + named.getFirst();
    }
}
