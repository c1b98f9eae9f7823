//JAVA 25+
//SOURCES InputWorker.java
//SOURCES ReadClock.java
//SOURCES SocketInput.java

package stream.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * Waits for all sockets of a run in one thread, and reads each as soon as something has come, so that an event has its time
 * before anything else is done with it: however long it takes to parse, the next read is not late. Beside the read and its
 * time this thread does nothing.
 */
final class SocketReader implements AutoCloseable {

    private static final int MOST_BYTES = 64 * 1024;

    private final Selector selector;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(MOST_BYTES);
    private final List<InputWorker> workers;
    private int added;
    private volatile boolean closing;

    private SocketReader(Selector selector, List<InputWorker> workers) {
        this.selector = selector;
        this.workers = workers;
    }

    static SocketReader start() throws IOException {
        var workers = new ArrayList<InputWorker>();
        for (int i = 0; i < Math.max(1, Runtime.getRuntime().availableProcessors() / 2); i++) {
            workers.add(InputWorker.start());
        }
        var reader = new SocketReader(Selector.open(), workers);
        Thread.ofPlatform().name("sockets").daemon().start(reader::readAll);
        return reader;
    }

    /** Returns what a connected channel brings from now on, until it ends or is closed. */
    synchronized SocketInput read(SocketChannel channel, ReadClock clock) throws IOException {
        channel.configureBlocking(false);
        var input = new SocketInput(channel, selector, workers.get(added++ % workers.size()), clock);
        selector.wakeup();
        return input;
    }

    @Override
    public void close() {
        closing = true;
        selector.wakeup();
        workers.forEach(InputWorker::close);
    }

    private void readAll() {
        try (selector) {
            while (!closing) {
                selector.select(this::read);
                workers.forEach(InputWorker::wake);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read(SelectionKey key) {
        var input = (SocketInput) key.attachment();
        try {
            if (key.isReadable()) {
                buffer.clear();
                var count = ((SocketChannel) key.channel()).read(buffer);
                var nanos = System.nanoTime();
                if (count < 0) {
                    key.interestOpsAnd(~SelectionKey.OP_READ);
                    input.end(nanos);
                } else if (count > 0) {
                    var bytes = new byte[count];
                    buffer.flip().get(bytes);
                    input.add(bytes, nanos);
                }
            }
            if (key.isWritable()) {
                key.interestOpsAnd(~SelectionKey.OP_WRITE);
                input.letWrite();
            }
        } catch (CancelledKeyException e) {
            // closed by this side, which has told the input
        } catch (IOException e) {
            key.cancel();
            input.fail(e);
        } catch (OutOfMemoryError e) {
            key.cancel();
            input.fail(new IOException("there is no memory for what the server sends", e));
        }
    }
}
