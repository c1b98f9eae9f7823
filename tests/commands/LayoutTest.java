package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.TestOrder;
import stream.record.Column;
import stream.record.EventColumn;
import stream.record.RequestColumn;
import stream.simulator.Fault;
import stream.tools.Mutant;
import stream.tools.SourceMembers;
import stream.tools.SourceUses;

/** The shape of the project: which part may use which, and what the documentation says of files, faults and tests. */
@Execution(ExecutionMode.CONCURRENT)
@Order(TestOrder.FIRST)
class LayoutTest {

    /** A room may use only the rooms before it. */
    private static final List<String> ROOMS = List.of("terminal", "prompt", "api", "metric", "client", "plan",
            "record", "simulator", "run",
            "compare", "report", "live", "bench");

    private static final Path PARTS = Path.of("src/stream");

    /** Groups of libraries of which a part names no class: files of pages, and a driver that the JDK finds. */
    private static final Pattern UNNAMED = Pattern.compile("(org\\.webjars|org\\.duckdb).*");

    private static SourceUses uses;

    @BeforeAll
    static void resolveNames() throws IOException {
        uses = SourceUses.in(parts());
    }

    private static List<Path> parts() throws IOException {
        try (var files = Files.walk(PARTS)) {
            return files.filter(path -> path.toString().endsWith(".java")).toList();
        }
    }

    private static String room(Path part) {
        return PARTS.relativize(part).getName(0).toString();
    }

    @Test
    void everyRoomIsInTheOrder() throws IOException {
        try (var rooms = Files.list(PARTS)) {
            assertEquals(new TreeSet<>(ROOMS),
                    rooms.map(path -> path.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new)));
        }
    }

    @Test
    void aRoomUsesOnlyRoomsBeforeIt() {
        var wrong = new ArrayList<String>();
        uses.files().forEach((part, files) -> files.stream().filter(used -> ROOMS.indexOf(room(used)) > ROOMS.indexOf(room(part)))
                .forEach(used -> wrong.add(part + " uses " + used)));
        assertEquals(List.of(), wrong);
    }

    /** So each part builds alone, and what it names is what a reader has to know. */
    @Test
    void aPartDeclaresTheSourcesThatItUses() throws IOException {
        var wrong = new ArrayList<String>();
        for (var part : parts()) {
            var declared = directives("SOURCES", part).stream().map(source -> part.resolveSibling(source).normalize()).toList();
            differences(part, "//SOURCES", Set.copyOf(declared), uses.files().get(part), wrong);
        }
        assertEquals(List.of(), wrong);
    }

    /** A library that another one brings is not declared; what brings it is. */
    @Test
    void aPartDeclaresTheLibrariesThatItUses() throws IOException {
        var wrong = new ArrayList<String>();
        var known = new TreeSet<String>();
        for (var part : parts()) {
            directives("DEPS", part).forEach(library -> known.add(jar(library)));
        }
        for (var part : parts()) {
            var used = new TreeSet<>(uses.libraries().get(part));
            var declared = directives("DEPS", part).stream()
                    .filter(library -> !UNNAMED.matcher(library).matches()).map(LayoutTest::jar)
                    .collect(Collectors.toCollection(TreeSet::new));
            if (!known.containsAll(used)) {
                declared.retainAll(used); // one of the others brings what nobody declares
            }
            used.retainAll(known);
            differences(part, "//DEPS", declared, used, wrong);
        }
        assertEquals(List.of(), wrong);
    }

    private static void differences(Path part, String directive, Set<?> declared, Set<?> used, List<String> wrong) {
        used.stream().filter(each -> !declared.contains(each))
                .forEach(each -> wrong.add(part + " needs " + directive + " " + each));
        declared.stream().filter(each -> !used.contains(each))
                .forEach(each -> wrong.add(part + " does not need " + directive + " " + each));
    }

    /** Returns the name of a library's jar, as in okhttp-jvm-5.5.1.jar. */
    private static String jar(String library) {
        return library.replaceFirst(".*?:", "").replace(':', '-') + ".jar";
    }

    private static List<String> directives(String name, Path part) throws IOException {
        return Pattern.compile("(?m)^//" + name + " (\\S+)$").matcher(Files.readString(part)).results()
                .map(found -> found.group(1)).toList();
    }

    @Test
    void aFileHasTheNameOfItsType() throws IOException {
        for (var part : parts()) {
            var name = part.getFileName().toString().replace(".java", "");
            assertTrue(Pattern.compile("(?m)^[a-z -]*(class|record|interface|enum) " + name + "\\b")
                    .matcher(Files.readString(part)).find(), name);
        }
    }

    /**
     * The launcher keeps no command in which JBang has quoted an option, as it does one with a comma; each start would take longer.
     */
    @ParameterizedTest
    @ValueSource(strings = {"Stream.java", "Compare.java", "Simulator.java", "Live.java"})
    void theOptionsOfTheJvmNeedNoQuotes(String script) throws IOException {
        var options = Pattern.compile("(?m)^//RUNTIME_OPTIONS (.*)$").matcher(Files.readString(Path.of(script)));
        assertTrue(options.find() && options.group(1).matches("[A-Za-z0-9:=+. -]+"), script);
    }

    /** A command that was left behind by a change of the parts does not build. */
    @ParameterizedTest
    @ValueSource(strings = {"Stream.java", "Compare.java", "Simulator.java", "Live.java", "Bench.java", "tests/tools/Fuzz.java"})
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
        var starts = Files.readString(PARTS.resolve("bench/SimulatorProcess.java"));
        var started = Pattern.compile("\"stream\\.([A-Z]\\w+)\"").matcher(starts).results().map(found -> found.group(1)).toList();
        assertTrue(started.contains("Simulator"), started.toString());
        started.forEach(command -> assertTrue(bench.contains("\n//SOURCES " + command + ".java\n"), command));
    }

    /** Returns the files of the project whose names end so: commands, parts, pages and tests. */
    private static List<Path> files(String endings) throws IOException {
        var all = new ArrayList<Path>();
        for (var folder : Map.of(".", 1, "src", 3, "tests", 3).entrySet()) {
            try (var files = Files.walk(Path.of(folder.getKey()), folder.getValue())) {
                files.filter(path -> path.toString().matches(".*\\.(" + endings + ")")).forEach(all::add);
            }
        }
        return all;
    }

    @Test
    void noFileHasMoreThanSixHundredLines() throws IOException {
        for (var path : files("java|js|css|html")) {
            assertTrue(Files.readAllLines(path).size() <= 600, path.toString());
        }
    }

    /**
     * As .editorconfig has it: 132 columns, in scripts and styles of pages 120. Longer are directives, and text blocks, which show
     * what another program writes.
     */
    @Test
    void noLineIsLongerThanEditorsAreTold() throws IOException {
        var wrong = new ArrayList<String>();
        for (var path : files("java|js|css")) {
            var most = path.toString().endsWith(".java") ? 132 : 120;
            var code = Files.readString(path).replaceAll("(?s)\"{3}\\n.*?\"{3}", "").replaceAll("(?m)^//RUNTIME_.*", "");
            code.lines().filter(line -> line.length() > most).forEach(line -> wrong.add(path + ": " + line.strip()));
        }
        assertEquals(List.of(), wrong);
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
    @CsvSource({"docs/failures.md, 20", "docs/dialects.md, 20", "tests/tools/mutants.txt, 100", "tests/tools/survivors.txt, 5"})
    void everyTestThatIsNamedExists(String file, int least) throws Exception {
        var named = Pattern.compile("\\b(\\w+Test)[.#](\\w+)").matcher(Files.readString(Path.of(file)));
        var rows = 0;
        for (; named.find(); rows++) {
            var name = named.group(2);
            assertTrue(Arrays.stream(AllTests.named(named.group(1)).getDeclaredMethods())
                    .anyMatch(method -> method.getName().equals(name)),
                    named.group());
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
