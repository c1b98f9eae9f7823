package stream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A defect of the code, as tests/mutants.txt has it; Mutants.java says how.
 *
 * @param test   the test that must fail because of it
 * @param before parts of lines that follow each other
 * @param after  what stands there instead; fewer if the rest is taken out
 */
record Mutant(String file, String test, List<String> before, List<String> after) {

    static final Path LIST = Path.of("tests/mutants.txt");

    static List<Mutant> readAll() throws IOException {
        var mutants = new ArrayList<Mutant>();
        for (var line : Files.readAllLines(LIST)) {
            if (line.startsWith("- ")) {
                mutants.getLast().before.add(line.substring(2));
            } else if (line.startsWith("+ ")) {
                mutants.getLast().after.add(line.substring(2));
            } else if (!line.isBlank() && !line.startsWith("#")) {
                var words = line.split(" ");
                mutants.add(new Mutant(words[0], words[1], new ArrayList<>(), new ArrayList<>()));
            }
        }
        return mutants;
    }

    /** Returns the file's text with the defect; null if its lines are not there exactly once. */
    String applied(String text) {
        var lines = new ArrayList<>(Arrays.asList(text.split("\n", -1)));
        var found = -1;
        for (int at = 0; at <= lines.size() - before.size(); at++) {
            var here = true;
            for (int i = 0; i < before.size() && here; i++) {
                here = lines.get(at + i).contains(before.get(i));
            }
            if (here && found >= 0) {
                return null;
            }
            found = here ? at : found;
        }
        if (found < 0) {
            return null;
        }
        for (int i = 0; i < before.size(); i++) {
            lines.set(found + i, lines.get(found + i).replace(before.get(i), i < after.size() ? after.get(i) : ""));
        }
        return String.join("\n", lines);
    }

    @Override
    public String toString() {
        return test + " " + file + ": " + String.join(" ", after);
    }
}
