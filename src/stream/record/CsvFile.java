//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES ../api/EventKind.java
//SOURCES ../api/StreamEvent.java
//SOURCES ../metric/AnswerMetrics.java
//SOURCES ../metric/Metrics.java
//SOURCES Column.java

package stream.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.regex.Pattern;

import okio.BufferedSink;
import okio.ByteString;
import okio.Okio;
import org.apache.commons.csv.CSVFormat;
import stream.api.EventKind;
import stream.api.StreamEvent;
import stream.metric.AnswerMetrics;
import stream.metric.Metrics;

/** A CSV file that is written while a run goes on. */
public final class CsvFile implements AutoCloseable {

    private static final CSVFormat FORMAT = CSVFormat.RFC4180;

    /** What a spreadsheet takes for a formula, unless it is a number. */
    private static final Pattern FORMULA = Pattern.compile("[=+\\-@\t\r](?!\\d+(\\.\\d+)?$).*", Pattern.DOTALL);

    private final BufferedSink out;
    private final boolean guarded;
    private StringBuilder cell = new StringBuilder();

    /** Creates the file and writes its header, or appends to one that exists. */
    public CsvFile(Path file, Column[] columns, boolean guarded) throws IOException {
        this.guarded = guarded;
        var isNew = Files.notExists(file);
        out = Okio.buffer(Okio.sink(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
        if (isNew) {
            row((Object[]) Column.header(columns));
            flush();
        }
    }

    /** Puts a quote before a text that a spreadsheet would take for a formula, if that is wanted. */
    private Object guarded(Object value) {
        return guarded && value instanceof String text && FORMULA.matcher(text).matches() ? "'" + text : value;
    }

    /** The text as it was before it was guarded. */
    static String unguarded(String text) {
        return text.startsWith("'") && FORMULA.matcher(text.substring(1)).matches() ? text.substring(1) : text;
    }

    /** Returns the cells with which a row begins, quoted where they must be. */
    public ByteString cells(Object... values) {
        return ByteString.encodeUtf8(FORMAT.format(Arrays.stream(values).map(this::guarded).toArray()));
    }

    /** Adds a row; null is blank. */
    void row(Object... values) throws IOException {
        FORMAT.printRecord(new Cells(), Arrays.stream(values).map(this::guarded).toArray());
    }

    /** Where Commons CSV prints to; an answer of megabytes is not copied once more on its way. */
    private final class Cells implements Appendable {
        @Override
        public Appendable append(CharSequence text) throws IOException {
            return append(text, 0, text.length());
        }

        @Override
        public Appendable append(CharSequence text, int start, int end) throws IOException {
            out.writeUtf8(text.toString(), start, end);
            return this;
        }

        @Override
        public Appendable append(char letter) throws IOException {
            out.writeUtf8CodePoint(letter);
            return this;
        }
    }

    /**
     * Adds the row of an event, in the order of {@link EventColumn}. Only its text may need quotes: numbers and kinds never
     * do, and the cells with which all rows of an attempt begin are quoted once, by {@link #cells}. Half a character, as some
     * servers stream it, becomes a question mark.
     *
     * @param delayMicros {@link AnswerMetrics#NONE} on the first event
     * @param tokens      {@link StreamEvent#NO_COUNT} if they are not known
     */
    public void eventRow(ByteString start, int number, EventKind kind, long elapsedMicros, long delayMicros, int read,
                  String text, int tokens) throws IOException {
        var row = out.getBuffer();
        row.write(start).writeByte(',').writeDecimalLong(number).writeByte(',').writeUtf8(kind.word()).writeByte(',');
        Metrics.writeMillis(row, elapsedMicros);
        row.writeByte(',');
        if (delayMicros != AnswerMetrics.NONE) {
            Metrics.writeMillis(row, delayMicros);
        }
        row.writeByte(',').writeDecimalLong(read);
        var bytesBefore = row.size();
        FORMAT.print(guarded(text), cell, false);
        row.writeUtf8(cell.toString());
        // a builder that has held an emoji stays twice as wide, and is slow
        cell = row.size() - bytesBefore == cell.length() ? cell.delete(0, cell.length()) : new StringBuilder();
        row.writeByte(',');
        if (tokens != StreamEvent.NO_COUNT) {
            row.writeDecimalLong(tokens);
        }
        row.writeByte(',');
        if (kind.hasEmptyChoice()) {
            row.writeUtf8("true");
        }
        row.writeByte('\r').writeByte('\n');
        out.emitCompleteSegments();
    }

    /** Writes all rows to the file. */
    void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
