//JAVA 25+
//SOURCES ../terminal/Count.java

package stream.record;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.terminal.Count;

/** What could not be read, with its place; a limited number of lines for each file. */
public final class ReadProblems {

    private static final int MOST_PER_FILE = 3;

    private final Map<Path, Integer> counts = new LinkedHashMap<>();
    private final List<String> lines = new ArrayList<>();

    /** Notes a row that is left out. */
    void add(Path file, long line, String why) {
        if (counts.merge(file, 1, Integer::sum) <= MOST_PER_FILE) {
            lines.add(file + ":" + line + ": " + why + "; the row is left out");
        }
    }

    /** Notes anything else. */
    public void add(String line) {
        lines.add(line);
    }

    /** Returns a line for each, and one for those beyond the limit of a file. */
    public List<String> lines() {
        var all = new ArrayList<>(lines);
        counts.forEach((file, count) -> {
            if (count > MOST_PER_FILE) {
                all.add(file + ": " + Count.of(count - MOST_PER_FILE, "more row")
                        + (count == MOST_PER_FILE + 1 ? " is" : " are") + " left out");
            }
        });
        return all;
    }
}
