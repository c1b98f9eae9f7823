//JAVA 25+

package stream.record;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a second process from writing to a run. The system releases it when this process ends, however it ends. */
public final class RunLock implements AutoCloseable {

    private final Path file;
    private final FileChannel channel;

    private RunLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Throws IOException, with a message for the user, if another process has it. */
    public static RunLock take(Path folder) throws IOException {
        var file = folder.resolve(".lock");
        var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return new RunLock(file, channel);
            }
        } catch (OverlappingFileLockException e) {
            // this process has it
        }
        channel.close();
        throw new IOException("another process is still running it");
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
            channel.close();
        } catch (IOException e) {
            // the folder is gone, and the lock with it
        }
    }
}
