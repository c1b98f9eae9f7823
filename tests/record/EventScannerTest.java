package stream.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stream.fixtures.Await;
import stream.fixtures.RunOnDisk;

/** Rows of events.csv read from their bytes: the same as a CSV parser reads, or none. */
@Execution(ExecutionMode.CONCURRENT)
class EventScannerTest {

    private static final String HEADER = RunOnDisk.EVENTS + "\r\n";
    private static final String ROW = "r1,m,p,1,1,0,content,1.500,,1,hi,,\r\n";
    private static final int FIRST_READ = 1 << 20;

    private static EventScanner scanner(String file) throws IOException {
        return new EventScanner(new ByteArrayInputStream(file.getBytes(StandardCharsets.UTF_8)));
    }

    private static String values(EventScanner scanner) {
        return String.join("|", scanner.requestId(), String.valueOf((int) scanner.attempt()), scanner.kind().name(),
                String.valueOf(scanner.elapsedMicros()), scanner.text(), String.valueOf(scanner.textLength()),
                scanner.lineOfRow() + ":");
    }

    private static List<String> all(EventScanner scanner) throws IOException {
        var rows = new ArrayList<String>();
        while (scanner.next()) {
            rows.add(values(scanner));
        }
        return rows;
    }

    @Test
    void rowsHaveTheirValuesAndPlaces() throws Exception {
        var file = HEADER + ROW + "\"r,2\",m,p,1,12,1,role,0.001,,1,,,\r\n"
                + "r3,m,p,1,1,2,other,123456789.012,,1,\"two\r\nlines\nand \"\"quotes\"\"\",,true\r\n"
                + "'=r,m,p,1,1,3,usage,0.000,,1,'=é🗼,5,true\n" + "r5,m,p,1,999999999,4,done,10.000,,1,\"\",,\r\n"
                + "r6,m,p,1,10,5,tool,11.000,,1,é🗼,,\r\n";
        var scanner = scanner(file);
        assertEquals(HEADER.length(), scanner.offset());
        assertEquals(1, scanner.line());
        assertEquals(List.of("r1|1|CONTENT|1500|hi|2|1:", "r,2|12|ROLE|1||0|2:",
                "r3|1|EMPTY_CHOICE|123456789012|two\r\nlines\nand \"quotes\"|23|3:",
                "=r|1|EMPTY_CHOICE_WITH_USAGE|0|=é🗼|3|6:", "r5|999999999|DONE|10000||0|7:",
                "r6|10|TOOL|11000|é🗼|2|8:"), all(scanner));
        assertTrue(scanner.isAtEnd());
        assertEquals(9, scanner.line());
        assertEquals(file.getBytes(StandardCharsets.UTF_8).length, scanner.offset());
    }

    /** CR, LF and CRLF inside a cell are one line end each, as Commons CSV counts them. */
    @Test
    void lineEndsInsideACellAreCounted() throws Exception {
        var scanner = scanner(HEADER + ROW.replace("hi", "\"a\rb\nc\r\nd\n\re\"") + ROW);
        assertTrue(scanner.next());
        assertEquals(1, scanner.lineOfRow());
        assertTrue(scanner.next());
        assertEquals(7, scanner.lineOfRow());
    }

    @Test
    void cellsAreAvailableAsTheyAreWritten() throws Exception {
        var scanner = scanner(HEADER + ROW.replace("hi", "\"a \"\"b\"\"\""));
        assertTrue(scanner.next());
        assertEquals("m 0 1.500 a \"b\" ", String.join(" ", scanner.written(EventColumn.MODEL), scanner.written(EventColumn.EVENT),
                scanner.written(EventColumn.ELAPSED_MS), scanner.written(EventColumn.TEXT), scanner.written(EventColumn.TOKENS)));
        var few = scanner("kind,elapsed_ms,attempt,request_id\ncontent,1.000,1,r\n");
        assertTrue(few.next());
        assertEquals("r|1|CONTENT|1000||0|1:", values(few));
        assertEquals("", few.written(EventColumn.TEXT));
        assertEquals("content", few.written(EventColumn.KIND));
    }

    @Test
    void aByteOrderMarkIsNotPartOfTheHeader() throws Exception {
        var scanner = scanner("\uFEFF" + HEADER + ROW);
        assertEquals(13, scanner.columns().size());
        assertEquals(1, all(scanner).size());
        assertTrue(scanner.isAtEnd());
        assertEquals(3 + HEADER.length() + ROW.length(), scanner.offset());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "request_id,attempt,kind,elapsed_ms", "request_id,attempt,kind\n", "attempt,kind,elapsed_ms\n",
            "request_id,kind,elapsed_ms\n",
        "request_id,attempt,elapsed_ms\n", "request_id,attempt,kind,elapsed_ms,Text\n",
        "request_id,attempt,kind,elapsed_ms,\"text\"\n",
        "request_id,attempt,kind,elapsed_ms,kind\n"})
    void aHeaderThatIsNotOfThisToolIsLeftToAParser(String header) throws Exception {
        var scanner = scanner(header + "r,1,content,1.000,x\n");
        assertNull(scanner.columns());
        assertFalse(scanner.next());
        assertFalse(scanner.isAtEnd());
        assertEquals("0 0", scanner.offset() + " " + scanner.line());
    }

    /** Each of these rows stands between two whole ones: the first is read, and the place of the second is told. */
    @ParameterizedTest
    @ValueSource(strings = {
        "r,m,p,1,1,0,strange,1.500,,1,hi,,\r\n", "r,m,p,1,1,0,content,1.5,,1,hi,,\r\n", "r,m,p,1,1,0,content,1.5000,,1,hi,,\r\n",
        "r,m,p,1,1,0,content,01.500,,1,hi,,\r\n", "r,m,p,1,1,0,content,-1.500,,1,hi,,\r\n", "r,m,p,1,1,0,content,.500,,1,hi,,\r\n",
        "r,m,p,1,1,0,content,1x.500,,1,hi,,\r\n", "r,m,p,1,1,0,content,1.5/0,,1,hi,,\r\n", "r,m,p,1,1,0,content,1.:00,,1,hi,,\r\n",
        "r,m,p,1,1,0,content,1234567890.500,,1,hi,,\r\n", "r,m,p,1,1,0,content,,,1,hi,,\r\n",
        "r,m,p,1,1,0,content,1,500,1,hi,,\r\n",
        "r,m,p,1,,0,content,1.500,,1,hi,,\r\n", "r,m,p,1,x,0,content,1.500,,1,hi,,\r\n", "r,m,p,1,1:,0,content,1.500,,1,hi,,\r\n",
        "r,m,p,1,/1,0,content,1.500,,1,hi,,\r\n", "r,m,p,1,1234567890,0,content,1.500,,1,hi,,\r\n",
        "\"r\"\"\",m,p,1,1,0,content,1.500,,1,hi,,\r\n",
        "r,m,p,1,1,0,content,1.500,,1,h\"i,,\r\n", "r,m,p,1,1,0,content,1.500,,1,\"h\"i,,\r\n",
        "r,m,p,1,1,0,content,1.500,,1,hi,\r\n",
        "r,m,p,1,1,0,content,1.500,,1,hi,,,\r\n", "r,m,p,1,1,0,content,1.500,,1,hi,,\r\r\n",
        "r,m,p,1,1,0,content,1.500,,1,hi,,\r", "\r\n"})
    void aRowThatIsOtherwiseIsLeftToAParser(String row) throws Exception {
        var scanner = scanner(HEADER + ROW + row + ROW);
        assertEquals(List.of("r1|1|CONTENT|1500|hi|2|1:"), all(scanner));
        assertFalse(scanner.isAtEnd());
        assertEquals(HEADER.length() + ROW.length() + " " + 2, scanner.offset() + " " + scanner.line());
        assertFalse(scanner.next(), "nor is what follows read");
    }

    @ParameterizedTest
    @ValueSource(strings = {"r", "r,m,p,1,1,0,content,1.500,,1,hi,,", "r,m,p,1,1,0,content,1.500,,1,hi,,\r",
            "r,m,p,1,1,0,content,1.500,,1,\"hi",
        "r,m,p,1,1,0,content,1.500,,1,\"hi\"", "r,m,p,1,1,0,content,1.500,,1,\"hi\"\""})
    void aTornEndIsNoRow(String torn) throws Exception {
        var scanner = scanner(HEADER + ROW + torn);
        assertEquals(1, all(scanner).size());
        assertFalse(scanner.isAtEnd());
        assertEquals(HEADER.length() + ROW.length(), scanner.offset());
    }

    private static List<String> parsed(String file) throws IOException {
        var rows = new ArrayList<String>();
        try (var parser = CSVParser.parse(file, CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get())) {
            for (var row : parser) {
                var text = row.get("text");
                rows.add(String.join("|", row.get("request_id"), row.get("attempt"), row.get("kind").toUpperCase(),
                        row.get("elapsed_ms").replace(".", "")
                        .replaceFirst("^0+(?=.)", ""), text, String.valueOf(text.codePointCount(0, text.length()))));
            }
        }
        return rows;
    }

    private static List<String> withoutPlaces(EventScanner scanner) throws IOException {
        return all(scanner).stream().map(row -> row.substring(0, row.lastIndexOf('|'))).toList();
    }

    /** The reads of the file end at any place of a row, between the bytes of a letter, too. */
    @Test
    void rowsAreTheSameWhereverAReadEnds() throws Exception {
        var rows = "r1,m,p,1,1,0,content,1.500,,1,\"a \"\"b\"\",\r\né🗼\",,\r\nr2,m,p,1,1,1,finish,2.000,,1,stop,,\r\n";
        var bytes = (HEADER + ROW + rows).getBytes(StandardCharsets.UTF_8).length;
        var expected = parsed(HEADER + ROW + rows);
        for (int cut = 1; cut <= bytes - HEADER.length() - ROW.length() + 2; cut++) {
            var padding = FIRST_READ - HEADER.length() - ROW.length() - cut;
            var file = HEADER + ROW.replace("hi", "x".repeat(padding + 2)) + rows;
            var scanner = scanner(file);
            var found = withoutPlaces(scanner);
            assertEquals(3, found.size(), "cut at " + cut);
            assertEquals(expected.subList(1, 3), found.subList(1, 3), "cut at " + cut);
            assertTrue(scanner.isAtEnd());
        }
    }

    @Test
    void aRowMayBeLongerThanSeveralReads() throws Exception {
        var text = "abcdefgé".repeat(400_000);
        var scanner = scanner(HEADER + ROW.replace("hi", text) + ROW);
        assertTrue(scanner.next());
        assertEquals(text, scanner.text());
        assertEquals(text.length(), scanner.textLength());
        assertTrue(scanner.next() && !scanner.next() && scanner.isAtEnd());
    }

    /** Random rows, with what CSV quotes, against Commons CSV. */
    @Test
    void rowsAreThoseOfCommonsCsv() throws Exception {
        var random = new SplittableRandom(7);
        var file = new StringBuilder(HEADER);
        var letters = List.of("a", "b", " ", ",", "\"", "\r\n", "\n", "é", "🗼", "'", "=", "-", "");
        for (int i = 0; i < 5_000; i++) {
            var text = new StringBuilder();
            for (int j = random.nextInt(8); j > 0; j--) {
                text.append(letters.get(random.nextInt(letters.size())));
            }
            var id = "p-" + random.nextInt(9_000) + "|m|" + random.nextInt(3); // more than are remembered
            file.append(CSVFormat.RFC4180.format(id, "m", "p", 1, 1 + random.nextInt(3), i,
            random.nextBoolean() ? "content" : "tool",
                    random.nextInt(5_000) + ".%03d".formatted(random.nextInt(1_000)), "", 1, "x" + text, "", "")).append("\r\n");
        }
        var scanner = scanner(file.toString());
        assertEquals(parsed(file.toString()), withoutPlaces(scanner));
        assertTrue(scanner.isAtEnd());
    }

    // Batches

    private static String manyRows(int count) {
        var file = new StringBuilder(HEADER);
        for (int i = 0; i < count; i++) {
            file.append("r").append(i % 3).append(",m,p,1,2,").append(i).append(",content,").append(i).append(".250,,1,t")
                    .append(i).append(",,\r\n");
        }
        return file.toString();
    }

    @Test
    void batchesHaveAllRowsInTheirOrderAndTheTextsThatAreWanted() throws Exception {
        var rows = 0;
        try (var batches = new EventBatches(scanner(manyRows(20_000)), Set.of("r1"))) {
            for (EventBatch batch; (batch = batches.next()) != null; ) {
                for (int at = 0; at < batch.size(); at++, rows++) {
                    batch.move(at);
                    assertEquals("r" + rows % 3 + " 2.0 CONTENT " + (rows * 1000L + 250) + " " + (rows + 1) + " "
                            + (1 + String.valueOf(rows).length()) + " "
                            + (rows % 3 == 1 ? "t" + rows : null),
                            String.join(" ", batch.requestId(), String.valueOf(batch.attempt()),
                            batch.kind().name(), String.valueOf(batch.elapsedMicros()), String.valueOf(batch.line()),
                            String.valueOf(batch.textLength()), batch.text()));
                }
                batch.move(0);
                assertTrue(batch.written(EventColumn.ELAPSED_MS).endsWith(".250"));
                assertEquals("content", batch.written(EventColumn.KIND));
            }
        }
        assertEquals(20_000, rows);
        try (var none = new EventBatches(scanner(HEADER), Set.of())) {
            assertNull(none.next());
        }
    }

    @Test
    void aFileThatCannotBeReadAnyFurtherIsAFailureOfTheCaller() throws Exception {
        var broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("the disk is gone");
            }
        };
        var readable = new ByteArrayInputStream(manyRows(60_000).getBytes(StandardCharsets.UTF_8)); // more than is read at first
        try (var batches = new EventBatches(new EventScanner(new SequenceInputStream(readable, broken)), Set.of())) {
            assertEquals("the disk is gone", assertThrows(IOException.class, () -> {
                while (batches.next() != null) {
                    // the rows until then
                }
            }).getMessage());
        }
    }

    @Test
    void closingEndsTheThreadThatScansAhead() throws Exception {
        var reader = new AtomicReference<Thread>();
        var file = new FilterInputStream(new ByteArrayInputStream(manyRows(60_000).getBytes(StandardCharsets.UTF_8))) {
            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                reader.set(Thread.currentThread());
                return super.read(bytes, offset, length);
            }
        };
        var batches = new EventBatches(new EventScanner(file), Set.of());
        Await.until("a thread of its own reads on", () -> {
            batches.next();
            return reader.get() != Thread.currentThread();
        });
        batches.close();
        assertFalse(reader.get().isAlive());
    }
}
