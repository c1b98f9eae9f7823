//JAVA 25+
//SOURCES ../client/ExchangeResult.java
//SOURCES ../record/ClockOffset.java
//SOURCES ClockBounds.java

package stream.run;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

import stream.client.ExchangeResult;
import stream.record.ClockOffset;

/** What the responses of a run tell of the clocks of its servers. Safe for use by several threads. */
final class ServerClocks {

    private final Map<String, ClockBounds> bounds = new ConcurrentHashMap<>();

    /** {@code clock} is null if the response does not tell it. */
    void add(String server, ExchangeResult.ServerClock clock) {
        if (clock != null) {
            bounds.computeIfAbsent(server, absent -> new ClockBounds()).add(clock);
        }
    }

    /** Returns how far each clock is from the one of this machine; without those that contradict themselves. */
    List<ClockOffset> offsets() {
        return bounds.entrySet().stream().map(each -> each.getValue().offset(each.getKey())).filter(Objects::nonNull).toList();
    }
}
