//JAVA 25+
//SOURCES ../api/EventKind.java
//SOURCES ../metric/Metrics.java
//SOURCES EventCells.java
//SOURCES EventColumn.java
//SOURCES EventScanner.java

package stream.record;

import java.io.IOException;
import java.util.Set;

import stream.api.EventKind;
import stream.metric.Metrics;

/**
 * Some rows that a scanner has read, with their values in columns; {@link #move} chooses the row whose values the methods return.
 */
final class EventBatch implements EventCells {

    private static final int MOST = 4096;

    private final String[] requestIds = new String[MOST];
    private final int[] attempts = new int[MOST];
    private final EventKind[] kinds = new EventKind[MOST];
    private final long[] elapsedMicros = new long[MOST];
    private final int[] textLengths = new int[MOST];
    private final String[] texts = new String[MOST]; // null where nobody wants it
    private final long[] lines = new long[MOST];
    private int size;
    private int at;

    /** Reads as many rows as there is room for; returns false at the end of the file. */
    boolean fill(EventScanner scanner, Set<String> idsWithText) throws IOException {
        size = 0;
        while (size < MOST && scanner.next()) {
            requestIds[size] = scanner.requestId();
            attempts[size] = (int) scanner.attempt();
            kinds[size] = scanner.kind();
            elapsedMicros[size] = scanner.elapsedMicros();
            textLengths[size] = scanner.textLength();
            texts[size] = idsWithText.contains(requestIds[size]) ? scanner.text() : null;
            lines[size++] = scanner.lineOfRow();
        }
        return size > 0;
    }

    int size() {
        return size;
    }

    void move(int row) {
        at = row;
    }

    /** Returns how many lines there are before the row. */
    long line() {
        return lines[at];
    }

    @Override
    public String requestId() {
        return requestIds[at];
    }

    @Override
    public double attempt() {
        return attempts[at];
    }

    @Override
    public EventKind kind() {
        return kinds[at];
    }

    @Override
    public long elapsedMicros() {
        return elapsedMicros[at];
    }

    @Override
    public String text() {
        return texts[at];
    }

    @Override
    public int textLength() {
        return textLengths[at];
    }

    @Override
    public String written(EventColumn column) {
        return column == EventColumn.ELAPSED_MS ? Metrics.millis(elapsedMicros[at]) : kinds[at].word();
    }
}
