//JAVA 25+
//SOURCES ../client/Exchange.java
//SOURCES ../plan/RequestSettings.java
//SOURCES PauseDetector.java
//SOURCES Stops.java

package stream.run;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

import stream.client.Exchange;
import stream.plan.RequestSettings;

/**
 * Watches what is in flight: requests that take too long or fall silent, and pauses of this process. One thread watches all, since
 * a timer for each read would delay each read.
 */
final class Watchdog {

    private final long timeoutNanos;
    private final long stallNanos;
    private final Stops stops;
    private final BooleanSupplier isUnwritable;
    private final PauseDetector pauses = new PauseDetector(System.nanoTime(), System.currentTimeMillis());
    private final Map<Exchange, String> inFlight = new ConcurrentHashMap<>(); // with the label of the model

    /**
     * @param isUnwritable whether what exchanges bring cannot be written any more
     */
    Watchdog(RequestSettings settings, Stops stops, BooleanSupplier isUnwritable) {
        this.timeoutNanos = (long) (settings.timeoutSeconds() * 1e9);
        this.stallNanos = (long) (settings.stallTimeoutSeconds() * 1e9);
        this.stops = stops;
        this.isUnwritable = isUnwritable;
    }

    /** Watches until all requests are stopped. */
    void start() {
        Thread.ofVirtual().name("watchdog").start(() -> {
            while (!stops.areStoppedWithin(PauseDetector.PERIOD_MILLIS)) {
                look(System.nanoTime(), System.currentTimeMillis());
            }
        });
    }

    /** Looks once, at the time that both clocks show. */
    void look(long nowNanos, long wallMillis) {
        pauses.tick(nowNanos, wallMillis);
        for (var exchange : inFlight.keySet()) {
            if (isUnwritable.getAsBoolean()) {
                exchange.abort(Exchange.Abort.CANCEL);
            } else if (exchange.ageNanos(nowNanos) > timeoutNanos) {
                exchange.abort(Exchange.Abort.TIMEOUT);
            } else if (exchange.silenceNanos(nowNanos) > stallNanos) {
                exchange.abort(Exchange.Abort.STALL);
            }
        }
    }

    /** Watches an exchange that is about to begin; ends it at once if its model is stopped. */
    void begin(Exchange exchange, String model) {
        inFlight.put(exchange, model);
        if (stops.isStopped(model)) {
            exchange.abort(Exchange.Abort.CANCEL);
        }
    }

    void end(Exchange exchange) {
        inFlight.remove(exchange);
    }

    /** Ends what is in flight to the models that are stopped. */
    void cancelStopped() {
        inFlight.forEach((exchange, model) -> {
            if (stops.isStopped(model)) {
                exchange.abort(Exchange.Abort.CANCEL);
            }
        });
    }

    /** Returns the pauses in this time, each with its length. */
    List<String> pausesDuring(long fromNanos, long toNanos) {
        return pauses.during(fromNanos, toNanos);
    }
}
