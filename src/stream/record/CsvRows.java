//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1

package stream.record;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** Reads the whole rows of a CSV file of a run, of which the last one may be torn. */
public final class CsvRows {

    /** Receives a whole row. */
    public interface RowConsumer {
        void row(CSVRecord row) throws IOException;
    }

    private CsvRows() { }

    /** Passes on all rows that are whole; what follows a damaged place is not read. */
    public static void forEach(Path file, RowConsumer consumer) throws IOException {
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
        CSVRecord last = null; // only the row after it tells that a row is whole
        var lastIsTorn = !endsWithLineEnd(file);
        try (var rows = CSVParser.parse(file, StandardCharsets.UTF_8, format)) {
            for (var row : rows) {
                pass(last, consumer);
                last = row;
            }
        } catch (UncheckedIOException e) {
            lastIsTorn = false; // the torn row ends inside its quotes, and was not read
        }
        if (!lastIsTorn) {
            pass(last, consumer);
        }
    }

    private static void pass(CSVRecord row, RowConsumer consumer) throws IOException {
        if (row != null && row.isConsistent()) {
            consumer.row(row);
        }
    }

    private static boolean endsWithLineEnd(Path file) throws IOException {
        try (var bytes = FileChannel.open(file)) {
            var last = ByteBuffer.allocate(2);
            return bytes.size() >= 2 && bytes.read(last, bytes.size() - 2) == 2 && last.get(0) == '\r' && last.get(1) == '\n';
        }
    }
}
