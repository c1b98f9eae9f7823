///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Mutation testing: how many small defects the tests notice
//JAVA 25+
//DEPS org.pitest:pitest-command-line:1.30.2
//DEPS org.pitest:pitest-junit5-plugin:1.2.3
//SOURCES ../AllTests.java

// Pit: lets PIT change the compiled classes of a room, one instruction at a time, and tells which changes no test notices.
//
// To run just:
//   jbang tests/tools/Pit.java                  all rooms that need no process and no browser; more than an hour
//   jbang tests/tools/Pit.java prompt api       these rooms
//
// A report of each room, with every mutant in its line, is written to results/pit/ROOM/index.html. tests/tools/survivors.txt lists
// the mutants that no test notices, with the reason of each; those that are not listed are printed, and the exit code is 1 then.

package stream.tools;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import javax.xml.parsers.DocumentBuilderFactory;

import org.pitest.mutationtest.commandline.MutationCoverageReport;
import org.w3c.dom.Element;
import stream.AllTests;
import stream.compare.StatisticsTest;

/** Runs PIT on one room after the other, and prints a table. */
public class Pit {

    /**
     * The tests of each room that are quick, since PIT runs those that reach a line for each mutant in it. No simulation is run.
     * Rooms that live in sockets, processes and pages are in Mutants.java.
     */
    private static final Map<String, String> TESTS = new LinkedHashMap<>();

    static {
        TESTS.put("prompt", "PromptsTest");
        TESTS.put("api", "EventsTest StreamDecoderTest StreamTableTest DialectsTest ErrorAnswerTest ThinkTagsTest ModelsTest "
                + "RequestBodyTest "
                + "ConnectionTest CostTest");
        TESTS.put("metric", "MetricsTest ImportedRunsTest CompareTest CaveatsTest");
        TESTS.put("plan", "PlanTest ShardTest CostTest");
        TESTS.put("record", "RunFilesTest JournalTest EventScannerTest RecordedRunTest GroupsTest ImportedRunsTest CostTest "
                + "CompareTest "
                + "CaveatsTest PairingTest ShardTest");
        TESTS.put("compare", "StatisticsTest VerdictTest GroupsTest ComparisonTest CompareTest CaveatsTest PairingTest HistoryTest "
                + "ImportedRunsTest CostTest ShardTest");
        TESTS.put("report", "ReportTest ImportedRunsTest CompareTest CaveatsTest ComparisonTest CostTest");
    }

    private static final Path LIST = Path.of("tests/tools/survivors.txt");

    /** What PIT changed, how often in that method, and why no test can notice or need notice it. */
    private static final Pattern LISTED = Pattern.compile("(?<change>\\S+ .+?)(?: x(?<times>\\d+))?: .+");

    private static final Path CLASSES = Path.of("results/pit/classes").toAbsolutePath();
    private static final Pattern TYPE =
            Pattern.compile("(?m)^(?:public |final |sealed |non-sealed |abstract )*(?:class|record|interface|enum) (\\w+)");
    private static final String COUNTS = "(?s).*Line Coverage[^:]*: (\\d+)/(\\d+).*Generated (\\d+) mutations Killed (\\d+).*"
            + "Mutations with no coverage (\\d+).*";

    public static void main(String... rooms) throws Exception {
        for (var room : rooms) {
            if (!TESTS.containsKey(room)) {
                System.err.println("pit: no such room: " + room + "; name some of " + String.join(" ", TESTS.keySet()));
                System.exit(2);
            }
        }
        var listed = listed();
        unpack(Path.of(System.getProperty("java.class.path").split(File.pathSeparator)[0]));
        System.out.printf("%-14s %7s %8s %8s %8s %10s %8s%n", "room", "lines", "covered", "mutants",
                "reached", "of these", "seconds");
        System.out.printf("%-14s %7s %8s %8s %8s %10s%n", "", "", "%", "", "", "killed, %");
        var unlisted = 0;
        for (var room : rooms.length == 0 ? TESTS.keySet() : Arrays.asList(rooms)) {
            run(room);
            for (var survivor : survivors(room).entrySet()) {
                var lines = survivor.getValue();
                if (lines.size() > listed.getOrDefault(survivor.getKey(), 0)) {
                    System.out.println("not listed: " + survivor.getKey() + " x" + lines.size() + ", lines " + lines);
                    unlisted++;
                }
            }
        }
        System.exit(unlisted == 0 ? 0 : 1);
    }

    /** Returns how many survivors each change has by the list. */
    private static Map<String, Integer> listed() throws IOException {
        var listed = new TreeMap<String, Integer>();
        for (var line : Files.readAllLines(LIST)) {
            if (!line.isBlank() && !line.startsWith("#")) {
                var entry = LISTED.matcher(line);
                if (!entry.matches()) {
                    System.err.println("pit: " + LIST + ": not 'Class.method change: reason': " + line);
                    System.exit(2);
                }
                listed.put(entry.group("change"), entry.group("times") == null ? 1 : Integer.parseInt(entry.group("times")));
            }
        }
        return listed;
    }

    /** Returns the lines in which PIT changed something that no test noticed, by the change. */
    private static Map<String, List<Integer>> survivors(String room) throws Exception {
        var mutants = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(report(room).resolve("mutations.xml").toFile())
                .getElementsByTagName("mutation");
        var survivors = new TreeMap<String, List<Integer>>();
        for (int i = 0; i < mutants.getLength(); i++) {
            var mutant = (Element) mutants.item(i);
            if (mutant.getAttribute("detected").equals("false")) {
                var change = text(mutant, "mutatedClass").replaceFirst("^stream\\.\\w+\\.", "")
                        + "." + text(mutant, "mutatedMethod").replaceFirst("^lambda\\$(\\w+)\\$\\d+$", "$1")
                        + " " + text(mutant, "description").replaceFirst(" for stream/.*", "");
                survivors.computeIfAbsent(change, absent -> new ArrayList<>()).add(Integer.parseInt(text(mutant, "lineNumber")));
            }
        }
        return survivors;
    }

    private static String text(Element element, String name) {
        return element.getElementsByTagName(name).item(0).getTextContent();
    }

    private static Path report(String room) {
        return Path.of("results/pit", room);
    }

    private static void run(String room) throws IOException {
        var startNanos = System.nanoTime();
        var log = new ByteArrayOutputStream();
        var out = System.out;
        var err = System.err;
        System.setOut(new PrintStream(log, true, StandardCharsets.UTF_8));
        System.setErr(System.out);
        try {
            MutationCoverageReport.main(arguments(room));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        var counts = Pattern.compile(COUNTS).matcher(log.toString(StandardCharsets.UTF_8));
        if (!counts.matches()) {
            System.err.println("pit: " + room + ": no result\n" + log.toString(StandardCharsets.UTF_8));
            System.exit(1);
        }
        var lines = Integer.parseInt(counts.group(2));
        var mutants = Integer.parseInt(counts.group(3));
        var reached = mutants - Integer.parseInt(counts.group(5));
        out.printf("%-14s %7d %8.0f %8d %8d %10.0f %8d%n", room, lines, 100.0 * Integer.parseInt(counts.group(1)) / lines, mutants,
                reached, 100.0 * Integer.parseInt(counts.group(4)) / reached, (System.nanoTime() - startNanos) / 1_000_000_000);
    }

    /** PIT finds no tests in a jar, which is what JBang makes. */
    private static void unpack(Path jar) throws IOException {
        try (var files = FileSystems.newFileSystem(jar)) {
            try (var classes = Files.walk(files.getPath("/"))) {
                for (var path : classes.filter(Files::isRegularFile).toList()) {
                    var copy = CLASSES.resolve(path.toString().substring(1));
                    Files.createDirectories(copy.getParent());
                    Files.copy(path, copy, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }

    private static String[] arguments(String room) throws IOException {
        var classPath = System.getProperty("java.class.path").split(File.pathSeparator);
        classPath[0] = CLASSES.toString();
        var classes = new ArrayList<String>();
        try (var files = Files.list(Path.of("src/stream", room))) {
            for (var file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                TYPE.matcher(Files.readString(file)).results().map(type -> "stream." + room + "." + type.group(1))
                        .forEach(name -> classes.addAll(List.of(name, name + "$*")));
            }
        }
        return new String[] {"--reportDir", report(room).toString(), "--timestampedReports", "false",
            "--targetClasses", String.join(",", classes),
            "--targetTests", Arrays.stream(TESTS.get(room).split(" ")).map(name -> AllTests.named(name).getName())
            .collect(Collectors.joining(",")),
            "--classPath", String.join(",", classPath), "--sourceDirs", "src,tests",
            "--threads", String.valueOf(Runtime.getRuntime().availableProcessors()), "--outputFormats", "HTML,XML",
            "--jvmArgs", "-XX:+UseSerialGC,-XX:TieredStopAtLevel=1", "--skipFailingTests", "true",
            "--verbosity", "QUIET", "--excludedGroups", StatisticsTest.SIMULATION, "--timeoutConst", "2000"};
    }
}
