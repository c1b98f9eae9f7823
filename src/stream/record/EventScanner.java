//JAVA 25+
//SOURCES ../api/EventKind.java
//SOURCES Column.java
//SOURCES CsvFile.java
//SOURCES EventCells.java
//SOURCES EventColumn.java

package stream.record;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

import stream.api.EventKind;

/**
 * The rows of events.csv, one at a time: the values are those of the row that {@link #next} has read last. Not safe for use by
 * several threads.
 *
 * <p>It knows only rows as this tool writes them, without an object for each cell; at the first one that is otherwise it stops, and
 * tells where, so that a CSV parser can go on. FastCSV 4.1.0 takes 1.8 times as long for the same four cells of three million rows
 * (0.90 s against 0.49 s, medians of six in turns, two cores) and allocates 2,085 MB against 4 MB.
 */
final class EventScanner implements EventCells {

    private static final int FIRST_BYTES = 1 << 20;
    private static final int MOST_BYTES = 1 << 28; // of one row
    private static final int MOST_COLUMNS = 64;
    private static final int MOST_DIGITS = 9;
    private static final int IDS = 1 << 12; // of requests whose events are side by side
    private static final byte[] MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};
    private static final EventKind[] KINDS = EventKind.values();
    private static final byte[][] KIND_WORDS = Arrays.stream(KINDS).map(kind -> kind.word().getBytes(StandardCharsets.US_ASCII))
            .toArray(byte[][]::new);

    private final InputStream in;
    private byte[] buffer = new byte[FIRST_BYTES];
    private int from; // the next row
    private int to; // the end of the bytes that are read
    private boolean isEnded;
    private long offset; // of the next row in the file
    private long line; // of the next row, from 0
    private long lineOfRow;
    private List<String> columns; // null if nothing can be scanned
    private int requestIdAt;
    private int attemptAt;
    private int kindAt;
    private int elapsedAt;
    private int textAt; // -1 where the file has no such column
    private int emptyChoiceAt;
    private final int[] starts = new int[MOST_COLUMNS];
    private final int[] ends = new int[MOST_COLUMNS];
    private final boolean[] isEscaped = new boolean[MOST_COLUMNS]; // whether a cell has quotes inside
    private int linesInside; // line ends inside the cells of the row
    private final byte[][] idBytes = new byte[IDS][];
    private final String[] ids = new String[IDS];
    private String requestId;
    private int attempt;
    private EventKind kind;
    private long elapsedMicros;

    /** Reads the header; the stream begins with that, or with a byte-order mark before it. */
    EventScanner(InputStream in) throws IOException {
        this.in = in;
        readMore();
        if (to >= MARK.length && Arrays.equals(buffer, 0, MARK.length, MARK, 0, MARK.length)) {
            advance(MARK.length, 0);
        }
        var end = from;
        while (end < to && buffer[end] != '\n') {
            end++;
        }
        var header = new String(buffer, from, end - from, StandardCharsets.UTF_8).replaceFirst("\r$", "");
        var names = List.of(header.split(",", -1));
        if (end < to && header.matches("[a-z_,]+") && names.size() <= MOST_COLUMNS
                && names.stream().distinct().count() == names.size()
                && names.containsAll(List.of(EventColumn.REQUEST_ID.word(), EventColumn.ATTEMPT.word(), EventColumn.KIND.word(),
                        EventColumn.ELAPSED_MS.word()))) {
            columns = names;
            requestIdAt = names.indexOf(EventColumn.REQUEST_ID.word());
            attemptAt = names.indexOf(EventColumn.ATTEMPT.word());
            kindAt = names.indexOf(EventColumn.KIND.word());
            elapsedAt = names.indexOf(EventColumn.ELAPSED_MS.word());
            textAt = names.indexOf(EventColumn.TEXT.word());
            emptyChoiceAt = names.indexOf(EventColumn.EMPTY_CHOICE.word());
            advance(end + 1, 1);
        }
    }

    /** Reads the next row; returns false at the end, or before a row that a CSV parser must read. */
    boolean next() throws IOException {
        var end = columns == null ? -1 : scan();
        if (end < 0 || !readValues()) {
            return false;
        }
        lineOfRow = line;
        advance(end, linesInside + 1);
        return true;
    }

    /** Whether all rows were read. */
    boolean isAtEnd() {
        return columns != null && isEnded && from == to;
    }

    /** Returns the names in the header; null if none of its rows can be scanned. */
    List<String> columns() {
        return columns;
    }

    /** Returns where the next row begins, in bytes from the beginning of the file. */
    long offset() {
        return offset;
    }

    /** Returns how many lines there are before the next row. */
    long line() {
        return line;
    }

    /** Returns how many lines there are before the row that was read last. */
    long lineOfRow() {
        return lineOfRow;
    }

    private void advance(int position, int lineEnds) {
        offset += position - from;
        line += lineEnds;
        from = position;
    }

    /** Reads what fits behind the bytes of the row that is incomplete; returns false at the end of the file. */
    private boolean readMore() throws IOException {
        if (isEnded || to - from >= MOST_BYTES) {
            return false;
        }
        if (from > 0) {
            System.arraycopy(buffer, from, buffer, 0, to - from);
            to -= from;
            from = 0;
        } else if (to == buffer.length) {
            buffer = Arrays.copyOf(buffer, buffer.length * 2);
        }
        var count = in.readNBytes(buffer, to, buffer.length - to);
        isEnded = count < buffer.length - to;
        to += count;
        return count > 0;
    }

    /** Finds the cells of the next row; returns where it ends, -1 if it is not as this tool writes it. */
    private int scan() throws IOException {
        do {
            linesInside = 0;
            var at = from;
            for (int column = 0; at < to; ) {
                at = buffer[at] == '"' ? quoted(column, at + 1) : plain(column, at);
                if (at < 0) {
                    return -1;
                }
                column++;
                if (at + 1 >= to && !(at < to && buffer[at] == '\n')) {
                    at = to; // what follows is not read yet
                } else if (buffer[at] == ',' && column < columns.size()) {
                    at++;
                } else {
                    var end = buffer[at] == '\r' ? at + 1 : at;
                    return buffer[end] == '\n' && column == columns.size() ? end + 1 : -1;
                }
            }
        } while (readMore());
        return -1;
    }

    /** Returns where a cell without quotes ends, which is the end of what is read if that is not known; -1 for a quote inside. */
    private int plain(int column, int start) {
        var at = start;
        for (; at < to; at++) {
            var letter = buffer[at];
            if (letter == ',' || letter == '\n' || letter == '\r') {
                break;
            }
            if (letter == '"') {
                return -1;
            }
        }
        starts[column] = start;
        ends[column] = at;
        isEscaped[column] = false;
        return at;
    }

    /** Returns where a cell ends behind its closing quote, which is the end of what is read if that is not known. */
    private int quoted(int column, int start) {
        starts[column] = start;
        isEscaped[column] = false;
        for (int at = start; at < to; at++) {
            var letter = buffer[at];
            if (letter == '"') {
                if (at + 1 < to && buffer[at + 1] == '"') {
                    isEscaped[column] = true;
                    at++;
                } else {
                    ends[column] = at;
                    return at + 1;
                }
            } else if (letter == '\r' || letter == '\n' && buffer[at - 1] != '\r') { // as CSVParser counts lines
                linesInside++;
            }
        }
        return to;
    }

    /** Reads the cells that are needed; returns false if one is not as this tool writes it. */
    private boolean readValues() {
        kind = kindOf(starts[kindAt], ends[kindAt], emptyChoiceAt >= 0 && ends[emptyChoiceAt] > starts[emptyChoiceAt]);
        if (kind == null || isEscaped[requestIdAt] || !readAttempt(starts[attemptAt], ends[attemptAt])
                || !readElapsed(starts[elapsedAt], ends[elapsedAt])) {
            return false;
        }
        readId(starts[requestIdAt], ends[requestIdAt]);
        return true;
    }

    private EventKind kindOf(int start, int end, boolean hasEmptyChoice) {
        for (int i = 0; i < KINDS.length; i++) {
            if (KINDS[i].hasEmptyChoice() == hasEmptyChoice
                    && Arrays.equals(buffer, start, end, KIND_WORDS[i], 0, KIND_WORDS[i].length)) {
                return KINDS[i];
            }
        }
        return null;
    }

    private boolean readAttempt(int start, int end) {
        attempt = 0;
        for (int at = start; at < end; at++) {
            if (buffer[at] < '0' || buffer[at] > '9') {
                return false;
            }
            attempt = attempt * 10 + buffer[at] - '0';
        }
        return end > start && end - start <= MOST_DIGITS;
    }

    /** Reads milliseconds with three decimals, as they are written. */
    private boolean readElapsed(int start, int end) {
        var point = end - 4;
        if (buffer[start] == '0' && point > start + 1 || point <= start || point - start > MOST_DIGITS || buffer[point] != '.') {
            return false;
        }
        var micros = 0L;
        for (int at = start; at < end; at++) {
            if (at != point) {
                if (buffer[at] < '0' || buffer[at] > '9') {
                    return false;
                }
                micros = micros * 10 + buffer[at] - '0';
            }
        }
        elapsedMicros = micros;
        return true;
    }

    private void readId(int start, int end) {
        var hash = 0;
        for (int at = start; at < end; at++) {
            hash = 31 * hash + buffer[at];
        }
        var place = (hash ^ hash >>> 12) & IDS - 1;
        if (idBytes[place] == null || !Arrays.equals(buffer, start, end, idBytes[place], 0, idBytes[place].length)) {
            idBytes[place] = Arrays.copyOfRange(buffer, start, end);
            ids[place] = CsvFile.unguarded(new String(buffer, start, end - start, StandardCharsets.UTF_8));
        }
        requestId = ids[place];
    }

    @Override
    public String requestId() {
        return requestId;
    }

    @Override
    public double attempt() {
        return attempt;
    }

    @Override
    public EventKind kind() {
        return kind;
    }

    @Override
    public long elapsedMicros() {
        return elapsedMicros;
    }

    @Override
    public String text() {
        return CsvFile.unguarded(cell(textAt));
    }

    @Override
    public int textLength() {
        if (textAt < 0) {
            return 0;
        }
        var length = 0;
        for (int at = starts[textAt]; at < ends[textAt]; at++) {
            if (buffer[at] < 0 || buffer[at] == '"' || buffer[at] == '\'') { // more bytes than code points, or more quotes
                var text = text();
                return text.codePointCount(0, text.length());
            }
            length++;
        }
        return length;
    }

    @Override
    public String written(EventColumn column) {
        return cell(columns.indexOf(column.word()));
    }

    private String cell(int at) {
        if (at < 0) {
            return "";
        }
        var text = new String(buffer, starts[at], ends[at] - starts[at], StandardCharsets.UTF_8);
        return isEscaped[at] ? text.replace("\"\"", "\"") : text;
    }
}
