///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Lists the runs on disk, checks them, and prints their tables
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES src/stream/Console.java
//SOURCES src/stream/Plan.java
//SOURCES src/stream/RunFiles.java
//SOURCES src/stream/Journal.java

// Results: what runs leave on disk: events.csv, requests.csv, run.json, and the table made of them; and what is left of a
// run that was cut off, once its files are repaired.
//
// To run just:
//   jbang Results.java                        the newest run under results/
//   jbang Results.java results/A results/B    the tables of two runs, one below the other
//
// It prints the table that the run itself printed, computed anew from requests.csv, and says where requests.csv and
// events.csv do not agree. It does not say whether a difference is real. Stream.java writes its files with this class.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The command that prints and checks runs. */
@Command(name = "results", mixinStandardHelpOptions = true, sortOptions = false, version = Version.NUMBER,
        description = "Lists the runs on disk, checks them, and prints their tables.")
public class Results implements Callable<Integer> {

    private static final CSVFormat WITH_HEADER =
            CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();

    @Parameters(paramLabel = "RUN", arity = "0..*", description = "Folders of runs (default: the newest in results/).")
    List<Path> runs = new ArrayList<>();

    private final PrintStream out;
    private final PrintStream err;

    Results(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 all is well, 1 a run is damaged, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Results(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("results: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        var exitCode = 0;
        try {
            if (runs.isEmpty()) {
                runs.add(newest(Path.of("results")));
            }
            for (var run : runs) {
                exitCode = Math.max(exitCode, print(run));
            }
            return exitCode;
        } catch (IOException e) {
            err.println("results: " + e.getMessage());
            return 2;
        }
    }

    private static Path newest(Path folder) throws IOException {
        var runs = Files.isDirectory(folder) ? RunManifest.inside(folder) : List.<Path>of();
        if (runs.isEmpty()) {
            throw new IOException(folder + ": no runs there; name the folder of one");
        }
        return runs.getLast();
    }

    private int print(Path run) throws IOException {
        var file = run.resolve("requests.csv");
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new IOException(run + ": no requests.csv in it; name the folder of a run");
        }
        var lastAttempts = new LinkedHashMap<String, CSVRecord>();
        var eventCounts = new HashMap<String, Long>();
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, WITH_HEADER)) {
            if (!rows.getHeaderNames().equals(List.of(Journal.REQUEST_COLUMNS))) {
                throw new IOException(file + ": not a requests.csv of this tool, its columns are others");
            }
            for (var row : rows) {
                if (row.isConsistent()) {
                    eventCounts.put(row.get("request_id") + "\n" + row.get("attempt"), Long.valueOf(row.get("events")));
                    if (row.get("phase").equals(Phase.MEASURED.word())) {
                        lastAttempts.put(row.get("request_id"), row);
                    }
                }
            }
        } catch (UncheckedIOException | IllegalArgumentException e) {
            err.println("results: " + file + ": damaged behind line " + lastAttempts.size() + "; the rows before it count");
        }
        var record = record(run);
        var labels = new ArrayList<String>();
        record.path("models").forEach(model -> labels.add(model.path("label").asString("")));
        var summary = new Summary(labels);
        try {
            lastAttempts.values().forEach(row -> summary.add(row::get));
        } catch (NumberFormatException e) {
            throw new IOException(file + ": damaged, not a number where there should be one (" + e.getMessage() + ")");
        }
        out.println(run);
        summary.print(out, record.path("simulated").asBoolean(false));
        return agrees(run.resolve("events.csv"), eventCounts) ? 0 : 1;
    }

    /** Returns run.json, or an empty object where there is none: the CSV files speak for themselves. */
    private static JsonNode record(Path run) {
        try {
            return JsonMapper.shared().readTree(Files.readString(run.resolve("run.json")));
        } catch (IOException | JacksonException e) {
            return JsonMapper.shared().createObjectNode();
        }
    }

    /** Holds the number of events in each request's row against the rows of events.csv. */
    private boolean agrees(Path file, Map<String, Long> counts) throws IOException {
        var left = new HashMap<>(counts);
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, WITH_HEADER)) {
            for (var row : rows) {
                if (row.isConsistent()) {
                    left.merge(row.get("request_id") + "\n" + row.get("attempt"), -1L, Long::sum);
                }
            }
        } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
            err.println("results: " + file + ": damaged or missing (" + e.getMessage() + ")");
            return false;
        }
        left.values().removeIf(count -> count == 0);
        left.forEach((request, count) -> err.println("results: " + file + ": " + Math.abs(count) + " events "
                + (count > 0 ? "missing" : "without a row in requests.csv") + " for " + request.replace("\n", ", attempt ")));
        return left.isEmpty();
    }
}
