//JAVA 25+
//SOURCES SocketInput.java

package stream.client;

import java.util.ArrayList;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread that lets the consumers of many inputs take their turns. It is woken only if it has nothing to do, and rests for a
 * millisecond after work, so that a thousand streams do not need a thousand wake-ups: what it takes has its time already.
 */
final class InputWorker implements AutoCloseable {

    private static final long REST_NANOS = 1_000_000;

    private final Queue<SocketInput> ready = new ConcurrentLinkedQueue<>();
    private volatile boolean idle;
    private volatile boolean closing;
    private Thread thread;

    static InputWorker start() {
        var worker = new InputWorker();
        worker.thread = Thread.ofPlatform().name("events").daemon().unstarted(worker::run);
        worker.thread.start();
        return worker;
    }

    /** Gives an input a turn; {@link #wake} is to be called after one or more of these. */
    void add(SocketInput input) {
        ready.add(input);
    }

    /** Wakes the thread if it has nothing to do and now has. */
    void wake() {
        if (idle && !ready.isEmpty()) {
            idle = false;
            LockSupport.unpark(thread);
        }
    }

    @Override
    public void close() {
        closing = true;
        LockSupport.unpark(thread);
    }

    private void run() {
        var again = new ArrayList<SocketInput>();
        while (!closing) {
            var worked = false;
            for (SocketInput input; (input = ready.poll()) != null; worked = true) {
                if (input.giveTurn()) {
                    again.add(input);
                }
            }
            if (worked) {
                again.forEach(SocketInput::askForTurn);
                again.clear();
                LockSupport.parkNanos(REST_NANOS);
            } else {
                idle = true;
                if (ready.isEmpty() && !closing) {
                    LockSupport.park(this);
                }
                idle = false;
            }
        }
    }
}
