package stream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** One run of Stream's command line, inside this JVM: what it printed and what it wrote. */
record TestRun(int exitCode, String out, String err, Path results) {

    static final CSVFormat CSV = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();

    /** An argument for a run that warms itself up, which takes a second; others do not. */
    static final String WARM = "warm";

    static TestRun of(Path results, String... args) {
        return of(results, Map.of(), "", args);
    }

    static TestRun of(Path results, Map<String, String> environment, String typed, String... args) {
        return of(results, environment, new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)), false, args);
    }

    static TestRun of(Path results, Map<String, String> environment, InputStream in, boolean onTerminal, String... args) {
        var all = new ArrayList<>(List.of(args));
        all.addAll(List.of("--results", results.toString()));
        var isWarm = all.remove(WARM);
        if (!isWarm && !all.contains("--resume") && !all.contains("--no-self-warmup")) {
            all.add("--no-self-warmup");
        }
        var printed = Printed.of("stream", Stream::run, environment, in, onTerminal, all.toArray(String[]::new));
        return new TestRun(printed.exitCode(), printed.out(), printed.err(), results);
    }

    /** The folder of the run; there must be exactly one. */
    Path folder() {
        try (var inside = Files.list(results)) {
            var folders = inside.toList();
            if (folders.size() != 1) {
                throw new AssertionError("runs in " + results + ": " + folders + "\n" + err);
            }
            return folders.getFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<CSVRecord> requests() {
        return rows("requests.csv");
    }

    List<CSVRecord> events() {
        return rows("events.csv");
    }

    private List<CSVRecord> rows(String name) {
        try (var rows = CSVParser.parse(folder().resolve(name), StandardCharsets.UTF_8, CSV)) {
            return rows.getRecords();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The only row of requests.csv. */
    CSVRecord request() {
        var rows = requests();
        if (rows.size() != 1) {
            throw new AssertionError(rows.size() + " rows: " + rows + "\n" + err);
        }
        return rows.getFirst();
    }

    String file(String name) {
        try {
            return Files.readString(folder().resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
