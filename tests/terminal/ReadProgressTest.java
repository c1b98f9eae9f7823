package stream.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The line that tells how much of a file is read. */
@Execution(ExecutionMode.CONCURRENT)
class ReadProgressTest {

    private static final int MEGABYTE = 1 << 20;

    private final ByteArrayOutputStream shown = new ByteArrayOutputStream();

    private String shown() {
        return shown.toString(StandardCharsets.UTF_8);
    }

    @Test
    void theLineIsShownFiveTimesASecondAndIsGoneAtTheEnd() throws Exception {
        var nanos = new AtomicLong();
        var file = new ByteArrayInputStream(new byte[4 * MEGABYTE]);
        try (var progress = new ReadProgress(file, "events.csv", 4 * MEGABYTE, new PrintStream(shown), nanos::get)) {
            progress.read();
            progress.readNBytes(MEGABYTE - 1);
            assertEquals("", shown(), "nothing for a file that is read at once");
            nanos.set(200_000_000);
            progress.readNBytes(MEGABYTE);
            nanos.set(399_999_999);
            progress.readNBytes(MEGABYTE);
            assertEquals(1, shown().chars().filter(each -> each == '\r').count());
            nanos.set(400_000_000);
            progress.readNBytes(MEGABYTE);
            nanos.set(600_000_000);
            assertEquals(-1, progress.read());
        }
        var lines = shown().split("\r");
        assertEquals("events.csv: 4 of 4 MB, 100 %", lines[lines.length - 2]);
        assertEquals("\033[K", lines[lines.length - 1]);
    }
}
