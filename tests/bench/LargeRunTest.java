package stream.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** What the benchmark of large runs reads, in small. */
class LargeRunTest {

    @Test
    void theFiguresOfALargeRunAreThoseThatWereWritten() throws Exception {
        try (var run = LargeRunFiles.write(300_000)) {
            assertEquals(18, run.figures().size());
        }
    }
}
