//JAVA 25+
//SOURCES ../terminal/BadRecords.java
//SOURCES ../terminal/Count.java
//SOURCES ../terminal/UserError.java
//SOURCES Prompt.java
//SOURCES PromptFiles.java
//SOURCES PromptReader.java
//SOURCES UserFile.java

package stream.prompt;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import stream.terminal.BadRecords;
import stream.terminal.Count;
import stream.terminal.UserError;

/**
 * The prompts of a list of files, folders, globs and {@code -}.
 *
 * @param prompts  in the order of the sources, files of a folder by name
 * @param notes    what the reader should know though it can be used, a line each
 * @param problems what cannot be used, a line each: {@code file:line: what is wrong}
 */
public record PromptSet(List<Prompt> prompts, List<String> notes, List<String> problems) {

    /** Where prompts come from. */
    private interface PromptSource {
        /** Adds prompts; throws UserError if there is none because of the source as a whole. */
        void read(List<Prompt> prompts) throws IOException;
    }

    /**
     * Reads all sources; a problem in one does not stop the others from being read.
     *
     * @param more     prompts from elsewhere, which follow the others
     * @param skipsBad whether records that cannot be used are left out; else each is a problem
     */
    public static PromptSet read(List<String> sources, InputStream in, List<Prompt> more, boolean skipsBad) {
        var reading = new Reading(skipsBad, true);
        for (var source : sources) {
            reading.read(source, prompts -> {
                if (source.equals("-")) {
                    prompts.add(PromptReader.plainText("stdin", "stdin", UserFile.decode("stdin", in.readAllBytes())));
                    return;
                }
                for (var file : PromptFiles.of(source, reading.notes)) {
                    reading.read(file.toString(), ofFile -> ofFile.addAll(new PromptReader(file, reading.bad(file)).read()));
                }
            });
        }
        reading.prompts.addAll(more);
        return reading.result();
    }

    /**
     * Reads files that a browser has sent.
     *
     * @param files their bytes by their names, whose endings tell the formats
     */
    public static PromptSet ofFiles(Map<String, byte[]> files) {
        var reading = new Reading(false, false);
        files.forEach((name, bytes) -> reading.read(name, prompts -> {
            var file = PromptFiles.named(name);
            prompts.addAll(new PromptReader(file, reading.bad(file)).read(bytes));
        }));
        return reading.result();
    }

    /** What has been read so far. */
    private static final class Reading {

        private final boolean skipsBad;
        private final boolean maySkip;
        private final List<Prompt> prompts = new ArrayList<>();
        private final List<String> notes = new ArrayList<>();
        private final List<String> problems = new ArrayList<>();
        private final Map<String, BadRecords> bad = new LinkedHashMap<>(); // by file

        /** {@code maySkip} tells whether the user has the option to leave bad records out. */
        Reading(boolean skipsBad, boolean maySkip) {
            this.skipsBad = skipsBad;
            this.maySkip = maySkip;
        }

        BadRecords bad(Object file) {
            return bad.computeIfAbsent(file.toString(), BadRecords::new);
        }

        void read(String name, PromptSource source) {
            try {
                source.read(prompts);
            } catch (UserError e) {
                problems.addAll(e.problems());
            } catch (IOException | InvalidPathException e) {
                problems.add(name + ": cannot be read (" + e.getMessage() + ")");
            }
        }

        PromptSet result() {
            var unique = withUniqueIds();
            bad.values().stream().filter(records -> !records.isEmpty()).forEach(records -> {
                if (skipsBad) {
                    notes.add(records.note());
                } else {
                    problems.addAll(records.problems(maySkip));
                }
            });
            if (skipsBad && unique.isEmpty() && problems.isEmpty()) {
                problems.add("--skip-bad leaves no prompt: " + String.join("; ", notes));
                notes.clear();
            }
            noteOpenAnswers(unique);
            return new PromptSet(unique, notes, problems);
        }

        /** Files of the same name in two folders are told apart by their path; an id that was given twice is a bad record. */
        private List<Prompt> withUniqueIds() {
            var uses = new HashMap<String, Integer>();
            prompts.forEach(prompt -> uses.merge(prompt.id(), 1, Integer::sum));
            var unique = new LinkedHashMap<String, Prompt>();
            for (var prompt : prompts) {
                var named = uses.get(prompt.id()) > 1 ? withPath(prompt) : prompt;
                if (!prompt.id().codePoints().allMatch(PromptSet::isPrintable)) {
                    bad(file(prompt)).add(prompt.source() + ": the id has a character that cannot be printed; give it another");
                } else if (unique.putIfAbsent(named.id(), named) != null) {
                    bad(file(prompt)).add(named.source() + ": id '" + named.id() + "' is taken by "
                            + unique.get(named.id()).source()
                            + "; ids must be unique");
                }
            }
            return List.copyOf(unique.values());
        }

        /** Servers differ in what they make of a conversation whose last turn is the assistant's. */
        private void noteOpenAnswers(List<Prompt> all) {
            var open = all.stream().filter(prompt -> prompt.messages().getLast().role().equals("assistant"))
                    .collect(Collectors.groupingBy(Reading::file, LinkedHashMap::new, Collectors.toList()));
            open.forEach((file, ofFile) ->
                    notes.add(file + ": " + Count.of(ofFile.size(), "prompt") + " (" + ofFile.stream().limit(3)
                    .map(Prompt::id).collect(Collectors.joining(", ")) + (ofFile.size() > 3 ? ", ..." : "")
                    + ") with the assistant's turn last, which is sent as the beginning of the answer"));
        }

        private static String file(Prompt prompt) {
            return prompt.source().replaceFirst(":\\d+$", "");
        }
    }

    /** Puts the path before an id that was made from the file name; any other id stays. */
    private static Prompt withPath(Prompt prompt) {
        var file = Reading.file(prompt);
        var name = Path.of(file).getFileName().toString();
        var place = prompt.id().startsWith(name) ? prompt.id().substring(name.length()) : null;
        return place != null && place.matches("(:\\d+(\\.\\d+)?)?") ? prompt.withId(file + place) : prompt;
    }

    private static boolean isPrintable(int character) {
        var type = Character.getType(character);
        return type != Character.CONTROL && type != Character.SURROGATE;
    }
}
