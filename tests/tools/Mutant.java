package stream.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A defect of the code, as tests/tools/mutants.txt has it; Mutants.java says how.
 *
 * @param place  where its lines are: TYPE.MEMBER of Java code, else a file
 * @param test   the test that must fail because of it
 * @param before parts of lines that follow each other
 * @param after  what stands there instead; fewer if the rest is taken out
 */
public record Mutant(String place, String test, List<String> before, List<String> after) {

    static final Path LIST = Path.of("tests/tools/mutants.txt");

    /** A file with a defect in it. */
    record Changed(Path file, String text) {}

    public static List<Mutant> readAll() throws IOException {
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

    /** Returns the file with the defect; null if its lines are not at its place exactly once. */
    public Changed applied(SourceMembers members) throws IOException {
        Changed changed = null;
        for (var lines : members.at(place)) {
            var all = new ArrayList<>(Files.readAllLines(lines.file()));
            for (int at = lines.first(); at <= lines.last() + 1 - before.size(); at++) {
                if (isAt(all, at)) {
                    if (changed != null) {
                        return null;
                    }
                    var defect = new ArrayList<>(all);
                    for (int i = 0; i < before.size(); i++) {
                        defect.set(at + i, all.get(at + i).replace(before.get(i), i < after.size() ? after.get(i) : ""));
                    }
                    changed = new Changed(lines.file(), String.join("\n", defect) + "\n");
                }
            }
        }
        return changed;
    }

    private boolean isAt(List<String> lines, int first) {
        for (int i = 0; i < before.size(); i++) {
            if (!lines.get(first + i).contains(before.get(i))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return test + " " + place + ": " + String.join(" ", after);
    }
}
