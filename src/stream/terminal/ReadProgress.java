//JAVA 25+
//SOURCES Console.java

package stream.terminal;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** A file that is read, with a line on the terminal that tells how much of it. The line is gone when the file is closed. */
public final class ReadProgress extends FilterInputStream {

    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final int MEGABYTE = 1 << 20;

    private final String task;
    private final long size;
    private final PrintStream out;
    private final LongSupplier clock;
    private long read;
    private long shownNanos;
    private boolean isShown;

    /**
     * @param size  bytes of the file
     * @param clock tells the nanoseconds, as {@link System#nanoTime} does
     */
    ReadProgress(InputStream in, String task, long size, PrintStream out, LongSupplier clock) {
        super(in);
        this.task = task;
        this.size = size;
        this.out = out;
        this.clock = clock;
        this.shownNanos = clock.getAsLong();
    }

    /** Begins to read a file of so many bytes. */
    public static InputStream of(InputStream in, String task, long size, PrintStream out) {
        return new ReadProgress(in, task, size, out, System::nanoTime);
    }

    @Override
    public int read() throws IOException {
        var next = super.read();
        add(next < 0 ? 0 : 1);
        return next;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        var count = super.read(bytes, offset, length);
        add(Math.max(0, count));
        return count;
    }

    private void add(int count) {
        read += count;
        var nanos = clock.getAsLong();
        if (nanos - shownNanos >= PERIOD_NANOS) {
            shownNanos = nanos;
            isShown = true;
            out.print("\r" + task + ": " + read / MEGABYTE + " of " + size / MEGABYTE + " MB, "
                    + read * 100 / Math.max(1, size) + " %");
            out.flush();
        }
    }

    @Override
    public void close() throws IOException {
        super.close();
        if (isShown) {
            isShown = false;
            out.print(Console.CLEAR_LINE);
            out.flush();
        }
    }
}
