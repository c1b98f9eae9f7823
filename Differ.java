///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Say whether two samples of times differ, or are the same, or can't be told apart
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES src/stream/Statistics.java

// Differ: holds two samples of times against each other: the ratio of their medians, how sure it is, and a verdict.
//
// To run just:
//   jbang Differ.java times.csv after before                two columns of a CSV file, the same row is a pair
//   jbang Differ.java --unpaired times.csv after before     the rows have nothing to do with each other
//
// Read it from the outside in: command line, difference, bootstrap. Compare.java asks it about each pair of models.
//
// It does not know what the times are, nor why they differ. It takes them as positive, and less as better. Pairs are taken
// as independent of each other: ten repetitions of two prompts say much about these two and little about others.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine;

/** The command that compares two columns of a file. */
@Command(name = "differ", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        description = "Says whether two samples of times differ, are the same, or can't be told apart.")
public class Differ implements Callable<Integer> {

    @Parameters(index = "0", paramLabel = "FILE", description = "CSV file with a header.")
    Path file;

    @Parameters(index = "1", paramLabel = "COLUMN", description = "The times in question.")
    String column;

    @Parameters(index = "2", paramLabel = "BASELINE", description = "The times that they are held against.")
    String baseline;

    @Option(names = "--unpaired", description = "The two values of a row have nothing to do with each other.")
    boolean unpaired;

    @Option(names = "--margin", paramLabel = "M", defaultValue = "5%",
            description = "How much may be called the same (default: ${DEFAULT-VALUE}).")
    String margin;

    private final PrintStream out;
    private final PrintStream err;

    Differ(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 it has an answer, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Differ(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("differ: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        try {
            var share = Difference.margin(margin);
            var values = new ArrayList<Double>();
            var others = new ArrayList<Double>();
            read(values, others);
            var difference = Difference.between(array(values), array(others), !unpaired);
            out.println(column + " / " + baseline + ": " + difference.words(share));
            return 0;
        } catch (IOException | IllegalArgumentException e) {
            err.println("differ: " + e.getMessage());
            return 2;
        }
    }

    private void read(List<Double> values, List<Double> others) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IOException(file + ": no such file; name a CSV file");
        }
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var name : List.of(column, baseline)) {
                if (!rows.getHeaderNames().contains(name)) {
                    throw new IOException(file + ": no column " + name + "; it has " + String.join(", ", rows.getHeaderNames()));
                }
            }
            for (var row : rows) {
                var value = row.get(column);
                var other = row.get(baseline);
                if (unpaired || !value.isBlank() && !other.isBlank()) {
                    add(values, value, row.getRecordNumber());
                    add(others, other, row.getRecordNumber());
                }
            }
        } catch (UncheckedIOException e) {
            throw new IOException(file + ": not a CSV file (" + e.getCause().getMessage() + ")");
        }
    }

    private void add(List<Double> values, String text, long row) throws IOException {
        if (text.isBlank()) {
            return;
        }
        try {
            var value = Double.parseDouble(text);
            if (value >= 0 && value < Double.POSITIVE_INFINITY) {
                values.add(value);
                return;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IOException(file + ": row " + row + ": '" + text + "' is not a time");
    }

    private static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
