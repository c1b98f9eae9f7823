//JAVA 25+
//SOURCES ../client/ExchangeResult.java
//SOURCES ../record/ClockOffset.java

package stream.run;

import java.util.concurrent.atomic.LongAccumulator;

import stream.client.ExchangeResult;
import stream.record.ClockOffset;

/**
 * What responses tell of a server's clock: each narrows the bounds, since the header Date has whole seconds. Safe for use by
 * several threads, which do not wait for each other.
 */
public final class ClockBounds {

    private final LongAccumulator least = new LongAccumulator(Math::max, Long.MIN_VALUE);
    private final LongAccumulator most = new LongAccumulator(Math::min, Long.MAX_VALUE);

    public void add(ExchangeResult.ServerClock clock) {
        least.accumulate(clock.serverMillis() - clock.receivedMillis());
        most.accumulate(clock.serverMillis() + 999 - clock.sentMillis());
    }

    /** Returns null if the responses contradict each other, as when one of the clocks was set. */
    public ClockOffset offset(String server) {
        return least.get() > most.get() ? null : new ClockOffset(server, least.get(), most.get());
    }
}
