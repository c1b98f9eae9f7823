//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//SOURCES ../metric/RequestStatus.java
//SOURCES Column.java
//SOURCES CsvFile.java
//SOURCES CsvRows.java
//SOURCES EventColumn.java
//SOURCES RequestColumn.java
//SOURCES RunFiles.java

package stream.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

import org.apache.commons.csv.CSVRecord;
import stream.metric.RequestStatus;

/** What a run that was cut off left on disk: the last attempt at each request, once the files are repaired. */
public final class ResumeState {

    /** Of a run that begins. */
    public static final ResumeState NONE = new ResumeState();

    /**
     * The last attempt at a request.
     *
     * @param number     from 1
     * @param errorType  empty if it did not fail
     * @param httpStatus null if there was no response
     */
    public record LastAttempt(int number, RequestStatus status, String errorType, Integer httpStatus) { }

    /** An attempt with a row in requests.csv: how many events it had, and how many of them are in events.csv. */
    private static final class EventCount {
        private final long expected;
        private long found;

        EventCount(long expected) {
            this.expected = expected;
        }
    }

    private final Map<String, LastAttempt> attempts = new HashMap<>();

    /**
     * Removes from both files what is torn or has no counterpart in the other, and reads what is left. Of an attempt that
     * was cut off while it streamed nothing is left.
     */
    public static ResumeState repair(Path folder) throws IOException {
        var requests = folder.resolve(RunFiles.REQUESTS);
        var events = folder.resolve(RunFiles.EVENTS);
        var counts = new HashMap<String, EventCount>();
        CsvRows.forEach(requests, row ->
                counts.put(attempt(row), new EventCount(Long.parseLong(row.get(RequestColumn.EVENTS.word())))));
        CsvRows.forEach(events, row -> {
            if (counts.containsKey(attempt(row))) {
                counts.get(attempt(row)).found++;
            }
        });
        counts.values().removeIf(count -> count.expected != count.found);
        keep(requests, RequestColumn.values(), counts.keySet());
        keep(events, EventColumn.values(), counts.keySet());
        var state = new ResumeState();
        CsvRows.forEach(requests, state::add);
        return state;
    }

    private static String attempt(CSVRecord row) {
        return row.get(RequestColumn.REQUEST_ID.word()) + "\n" + row.get(RequestColumn.ATTEMPT.word());
    }

    private void add(CSVRecord row) {
        var httpStatus = row.get(RequestColumn.HTTP_STATUS.word());
        attempts.put(CsvFile.unguarded(row.get(RequestColumn.REQUEST_ID.word())),
                new LastAttempt(Integer.parseInt(row.get(RequestColumn.ATTEMPT.word())),
                        RequestStatus.of(row.get(RequestColumn.STATUS.word())), row.get(RequestColumn.ERROR_TYPE.word()),
                        httpStatus.isEmpty() ? null : Integer.valueOf(httpStatus)));
    }

    /** Returns null if the request has not been sent. */
    public LastAttempt lastAttempt(String requestId) {
        return attempts.get(requestId);
    }

    public Map<String, LastAttempt> lastAttempts() {
        return Map.copyOf(attempts);
    }

    /** Writes the file again with the rows of these attempts only. */
    private static void keep(Path file, Column[] columns, Set<String> attempts) throws IOException {
        var part = file.resolveSibling(file.getFileName() + ".part");
        Files.deleteIfExists(part);
        try (var kept = new CsvFile(part, columns, false)) {
            CsvRows.forEach(file, row -> {
                if (attempts.contains(attempt(row))) {
                    kept.row(Arrays.stream(columns).map(Column::word) // a run of an earlier version lacks the newest ones
                            .map(column -> row.isMapped(column) ? row.get(column) : "").toArray());
                }
            });
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
