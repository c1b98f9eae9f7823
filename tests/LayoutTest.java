package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import javax.tools.ToolProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The shape of the project: which part may use which, and what the documentation says of files, faults and tests. */
@Execution(ExecutionMode.CONCURRENT)
class LayoutTest {

    /** A part may use only the parts before it. */
    private static final List<String> ORDER = List.of("TextWidth", "Console", "WordWrap", "Echo", "Keyboard", "BadRecords", "Prompts", "Events", "ThinkTags", "EventParsers", "Dialects", "EnvironmentProxies", "RequestForm", "NamedModel", "Models", "AcceptedForms", "Metrics", "Outcome", "Sockets",
            "Http2Streams", "Client", "Shards", "Plan", "RunFiles", "Journal", "EventScanner", "RecordedRun", "ImportedRuns", "NamedRuns", "Telemetry", "Backoff", "Runner", "HttpConnection", "SimulatedTypes", "SimulatedAnswer",
            "SimulatedDialects", "SimulatedServer", "Calibration", "Statistics", "VerdictSimulation", "Groups", "ComparisonSettings", "Comparison", "Export", "Pictures", "History", "Report",
            "LiveSession", "LiveServer");

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

    @Test
    void everyTestIsRun() throws IOException {
        try (var files = Files.list(Path.of("tests"))) {
            assertEquals(new TreeSet<>(AllTests.CLASSES.stream().map(Class::getSimpleName).toList()),
                    files.map(path -> path.getFileName().toString()).filter(name -> name.endsWith("Test.java"))
                            .map(name -> name.replace(".java", "")).collect(Collectors.toCollection(TreeSet::new)));
        }
    }

    private static List<String> parts() {
        return ORDER;
    }

    @ParameterizedTest
    @MethodSource("parts")
    void aPartDeclaresOnlyPartsBeforeIt(String part) throws IOException {
        for (var used : directives("SOURCES", part)) {
            assertTrue(ORDER.subList(0, ORDER.indexOf(part)).contains(used.replace(".java", "")), part + " uses " + used);
        }
    }

    /**
     * What a part uses without declaring it, a part or a library, is a compile error. Each part is compiled once, against the classes of
     * the parts that it declares.
     */
    @Test
    void eachPartCompilesWithWhatItDeclares(@TempDir Path classes) throws IOException {
        var failures = new ArrayList<String>();
        for (var part : ORDER) {
            var sources = new TreeSet<String>();
            addSources(part, sources);
            var hidden = libraries(ORDER);
            hidden.removeAll(libraries(sources));
            // the libraries of the tests, without those of other parts; the tests' own classes would hide what is missing
            var classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                    .filter(path -> path.endsWith(".jar") && !path.contains("AllTests") && !hidden.contains(Path.of(path).getFileName().toString()))
                    .collect(Collectors.toCollection(ArrayList::new));
            sources.remove(part);
            sources.forEach(declared -> classPath.add(classes.resolve(declared).toString()));
            var printed = new ByteArrayOutputStream();
            if (ToolProvider.getSystemJavaCompiler().run(null, printed, printed, "-proc:none", "-implicit:none", "-sourcepath", "", "-d",
                    Files.createDirectories(classes.resolve(part)).toString(), "-cp", String.join(File.pathSeparator, classPath),
                    file(part).toString()) != 0) {
                failures.add(part + ": " + printed);
            }
        }
        assertEquals(List.of(), failures);
    }

    private static void addSources(String part, Set<String> sources) throws IOException {
        if (sources.add(part)) {
            for (var used : directives("SOURCES", part)) {
                addSources(used.replace(".java", ""), sources);
            }
        }
    }

    /** The names of the jars that parts declare, as in okhttp-jvm-5.5.1.jar. */
    private static Set<String> libraries(Collection<String> parts) throws IOException {
        var jars = new TreeSet<String>();
        for (var part : parts) {
            directives("DEPS", part).forEach(library -> jars.add(library.replaceFirst(".*?:", "").replace(':', '-') + ".jar"));
        }
        return jars;
    }

    private static List<String> directives(String name, String part) throws IOException {
        return Pattern.compile("(?m)^//" + name + " (\\S+)$").matcher(Files.readString(file(part))).results()
                .map(found -> found.group(1)).toList();
    }

    /** A command that was left behind by a change of the parts does not build. */
    @ParameterizedTest
    @ValueSource(strings = {"Stream.java", "Compare.java", "Simulator.java", "Live.java", "Bench.java", "tests/Fuzz.java"})
    @Timeout(120)
    void eachCommandBuilds(String script) throws Exception {
        var process = new ProcessBuilder("./jbang", "build", script).redirectErrorStream(true).start();
        var printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), printed);
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
    @CsvSource({"docs/failures.md, 20", "docs/dialects.md, 20", "tests/mutants.txt, 100", "tests/survivors.txt, 5"})
    void everyTestThatIsNamedExists(String file, int least) throws Exception {
        var named = Pattern.compile("\\b(\\w+Test)[.#](\\w+)").matcher(Files.readString(Path.of(file)));
        var rows = 0;
        for (; named.find(); rows++) {
            var name = named.group(2);
            assertTrue(Arrays.stream(Class.forName("stream." + named.group(1)).getDeclaredMethods())
                    .anyMatch(method -> method.getName().equals(name)), named.group());
        }
        assertTrue(rows > least, rows + " found");
    }

    @Test
    void everyDefectThatATestMustNoticeCanBePutIntoTheCode() throws Exception {
        var members = new SourceMembers(Path.of(""));
        for (var mutant : Mutant.readAll()) {
            assertNotNull(mutant.applied(members), "not once in " + mutant.place() + ": " + mutant.before());
        }
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
