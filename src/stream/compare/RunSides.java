//JAVA 25+
//SOURCES ../terminal/OptionChecks.java

package stream.compare;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.terminal.OptionChecks;

/**
 * The runs that a user names, and the sides that they are on.
 *
 * @param sides empty if there are none
 */
public record RunSides(List<Path> all, Map<String, List<Path>> sides) {

    /**
     * Reads {@code A1 A2 -- B1 B2} or {@code before=A1 before=A2 after=B1}.
     *
     * @param words what the user wrote, without options
     * @param after how many of the words follow a lone {@code --}; 0 without one
     */
    public static RunSides of(List<String> words, int after) {
        var all = new ArrayList<Path>();
        var sides = new LinkedHashMap<String, List<Path>>();
        for (int i = 0; i < words.size(); i++) {
            var equals = words.get(i).indexOf('=');
            var isLabelled = equals > 0 && !Files.exists(Path.of(words.get(i)));
            var path = Path.of(isLabelled ? words.get(i).substring(equals + 1) : words.get(i));
            all.add(path);
            var side = isLabelled ? words.get(i).substring(0, equals) : after == 0 ? null : i < words.size() - after ? "A" : "B";
            if (side != null) {
                sides.computeIfAbsent(side, absent -> new ArrayList<>()).add(path);
            }
        }
        for (var path : all) {
            new OptionChecks().require(sides.values().stream().filter(side -> side.contains(path)).count() <= 1,
                    "RUN '" + path + "' is on both sides; name it on one").throwIfAny();
        }
        var onSides = sides.values().stream().mapToInt(List::size).sum();
        new OptionChecks().require(onSides == 0 || onSides == all.size(),
                "RUN '" + all.stream().filter(path -> sides.values().stream().noneMatch(side -> side.contains(path))).findFirst()
                        .map(Path::toString).orElse("") + "' has no label, others have; write LABEL=RUN for all").throwIfAny();
        return new RunSides(List.copyOf(all), sides);
    }
}
