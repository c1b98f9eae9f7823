//JAVA 25+
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Recording.java
//SOURCES ../plan/Job.java

package stream.record;

import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;

import stream.client.ExchangeResult;
import stream.client.Recording;
import stream.plan.Job;

/**
 * One attempt at a request of the plan. The thread that sends it sets its end, the journal writes it.
 *
 * @param number     from 1
 * @param readyNanos when its slot was free and nothing but this tool delayed it
 * @param end        null until the attempt has ended
 */
public record Attempt(Job job, int number, Instant startedAt, long readyNanos, Recording recording,
               AtomicReference<End> end) {

    /**
     * How it ended.
     *
     * @param last    whether no other attempt follows
     * @param tainted why its timing should not be trusted; null if nothing was noticed
     */
    public record End(ExchangeResult result, boolean last, String tainted) { }
}
