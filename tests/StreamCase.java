package stream;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A stream in tests/streams, and what it means; chat.txt tells the form. */
record StreamCase(String api, String name, String meaning, String body) {

    /** Returns the streams of all APIs. */
    static List<StreamCase> all() {
        return Dialect.ALL.stream().flatMap(dialect -> of(dialect.word()).stream()).toList();
    }

    private static List<StreamCase> of(String api) {
        try {
            var cases = new ArrayList<StreamCase>();
            for (var part : Files.readString(Path.of("tests/streams", api + ".txt")).split("(?m)^=== ")) {
                var lines = part.lines().toList();
                var meaning = lines.stream().filter(line -> line.startsWith("> ")).map(line -> line.substring(2)).toList();
                var body = part.replaceAll("(?m)^> .*\\n", "").replaceFirst(".*\\n", "");
                if (!meaning.isEmpty()) {
                    cases.add(new StreamCase(api, lines.getFirst(), String.join("\n", meaning), body));
                }
            }
            return cases;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return api + ": " + name;
    }
}
