//JAVA 25+

package stream.client;

/**
 * When the socket read returned whose bytes were taken last, and how many reads were taken; written by the one thread that takes.
 */
final class ReadClock {

    private volatile long lastReadNanos;
    private volatile int reads;

    /** Notes a read that has just returned; the end of the connection is one that brought nothing. */
    void read(long nanos, boolean broughtBytes) {
        lastReadNanos = nanos;
        reads += broughtBytes ? 1 : 0;
    }

    long lastReadNanos() {
        return lastReadNanos;
    }

    int reads() {
        return reads;
    }
}
