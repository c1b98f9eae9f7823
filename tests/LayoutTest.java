package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The shape of the project: which part may use which, and what the documentation says of files, faults and tests. */
class LayoutTest {

    /** A part may use only the parts before it. */
    private static final List<String> ORDER = List.of("Console", "Prompts", "Events", "Dialects", "Models", "Metrics", "Sockets",
            "Client", "Plan", "RunFiles", "Journal", "RecordedRun", "Runner", "HttpConnection", "SimulatedAnswer",
            "SimulatedServer", "Calibration", "Statistics", "Groups", "Comparison", "Export", "Report");

    private static Path file(String part) {
        return Path.of("src/stream/" + part + ".java");
    }

    @Test
    void everyPartIsInTheOrder() throws IOException {
        try (var files = Files.list(Path.of("src/stream"))) {
            assertEquals(new TreeSet<>(ORDER), files.map(path -> path.getFileName().toString()).filter(name -> name.endsWith(".java"))
                    .map(name -> name.replace(".java", "")).collect(Collectors.toCollection(TreeSet::new)));
        }
    }

    private static List<String> parts() {
        return ORDER;
    }

    @ParameterizedTest
    @MethodSource("parts")
    void aPartDeclaresOnlyPartsBeforeIt(String part) throws IOException {
        var source = Pattern.compile("(?m)^//SOURCES (\\w+)\\.java$").matcher(Files.readString(file(part)));
        while (source.find()) {
            assertTrue(ORDER.indexOf(source.group(1)) < ORDER.indexOf(part), part + " uses " + source.group(1));
        }
    }

    /** What a part uses without declaring it is a compile error here; so is a command that was left behind. */
    @Test
    @Timeout(300)
    void eachPartAndEachCommandBuildsAlone() throws Exception {
        var scripts = new ArrayList<>(ORDER.stream().map(part -> file(part).toString()).toList());
        scripts.addAll(List.of("Stream.java", "Compare.java", "Simulator.java", "Bench.java", "tests/Fuzz.java"));
        var failed = new ArrayList<String>();
        for (var script : scripts) {
            var process = new ProcessBuilder("./jbang", "build", script).redirectErrorStream(true).start();
            var printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            if (process.exitValue() != 0) {
                failed.add(script + ": " + printed);
            }
        }
        assertEquals(List.of(), failed);
    }

    /** Bench.java starts commands as processes, by their class names, which javac does not see. */
    @Test
    void theClassesThatTheBenchmarksStartAreAmongTheirSources() throws IOException {
        var bench = Files.readString(Path.of("Bench.java"));
        var started = Pattern.compile("\"stream\\.([A-Z]\\w+)\"").matcher(bench).results().map(found -> found.group(1)).toList();
        assertTrue(started.contains("Simulator"), started.toString());
        started.forEach(command -> assertTrue(bench.contains("\n//SOURCES " + command + ".java\n"), command));
    }

    @Test
    void noFileHasMoreThanAThousandLines() throws IOException {
        for (var folder : List.of(".", "src/stream", "tests")) {
            try (var files = Files.list(Path.of(folder))) {
                for (var path : files.filter(each -> each.toString().matches(".*\\.(java|js|css|html)")).toList()) {
                    assertTrue(Files.readAllLines(path).size() <= 1000, path.toString());
                }
            }
        }
    }

    /** A row of docs/files.md may describe several columns. */
    private static List<String> documented(String heading) throws IOException {
        var section = Files.readString(Path.of("docs/files.md")).split("\n## " + Pattern.quote(heading), 2)[1].split("\n## ")[0];
        var columns = new ArrayList<String>();
        var row = Pattern.compile("(?m)^\\| ([a-z_0-9, ]+) \\| ").matcher(section);
        while (row.find()) {
            columns.addAll(List.of(row.group(1).split(", ")));
        }
        columns.remove("column");
        return columns;
    }

    @Test
    void theDataDictionaryHasTheColumnsOfTheFilesInTheirOrder() throws IOException {
        assertEquals(List.of(Column.header(EventColumn.values())), documented("events.csv"));
        assertEquals(List.of(Column.header(RequestColumn.values())), documented("requests.csv"));
    }

    @Test
    void theSimulatorsDocumentationNamesEveryFault() throws IOException {
        var documented = Files.readString(Path.of("docs/simulator.md"));
        var missing = Arrays.stream(Fault.values()).filter(fault -> fault != Fault.NONE)
                .map(Fault::word).filter(word -> !documented.contains("`" + word + "`")).toList();
        assertEquals(List.of(), missing);
    }

    @ParameterizedTest
    @ValueSource(strings = {"docs/failures.md", "docs/dialects.md"})
    void everyTestThatTheDocumentationNamesExists(String page) throws Exception {
        var named = Pattern.compile("`(\\w+Test)\\.(\\w+)`").matcher(Files.readString(Path.of(page)));
        var rows = 0;
        for (; named.find(); rows++) {
            var name = named.group(2);
            assertTrue(Arrays.stream(Class.forName("stream." + named.group(1)).getDeclaredMethods())
                    .anyMatch(method -> method.getName().equals(name)), named.group());
        }
        assertTrue(rows > 20, rows + " found");
    }

    /** Links inside the documentation lead to files that exist. */
    @Test
    void linksLeadToFiles() throws IOException {
        var pages = new ArrayList<>(List.of(Path.of("README.md"), Path.of("CONTRIBUTING.md"), Path.of("results/README.md")));
        try (var docs = Files.list(Path.of("docs"))) {
            docs.filter(path -> path.toString().endsWith(".md")).forEach(pages::add);
        }
        var dead = new ArrayList<String>();
        for (var page : pages) {
            var link = Pattern.compile("\\]\\((?!https?:|#)([^)#]+)").matcher(Files.readString(page));
            while (link.find()) {
                if (Files.notExists(page.toAbsolutePath().resolveSibling(link.group(1)))) {
                    dead.add(page + ": " + link.group(1));
                }
            }
        }
        assertEquals(List.of(), dead);
    }

    @Test
    void theReadmeFitsOnAFewScreens() throws IOException {
        assertTrue(Files.readAllLines(Path.of("README.md")).size() <= 200);
        assertEquals(Set.of(), Pattern.compile("OWNER/REPO").matcher(Files.readString(Path.of("README.md"))).results()
                .map(found -> found.group()).collect(Collectors.toSet()));
    }
}
