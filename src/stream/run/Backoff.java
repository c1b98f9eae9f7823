//JAVA 25+
//SOURCES ../api/Model.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Outcome.java
//SOURCES ../plan/Retries.java

package stream.run;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

import stream.api.Model;
import stream.client.ExchangeResult;
import stream.client.Outcome;
import stream.plan.Retries;

/**
 * How long to wait before a request is tried again, and how long a whole model waits when its server says 429, or that it is
 * loading the model. All waiting is between attempts, never part of one. Safe for use by several threads.
 */
final class Backoff {

    private static final double FIRST_MILLIS = 500;
    private static final double LONGEST_MILLIS = 30_000;
    private static final long LONGEST_BETWEEN_LOOKS_MILLIS = 5_000;
    private static final int LOOKS_EACH_TIME_GROWS = 4; // by a quarter of what the model has taken so far

    private final Retries retries;
    private final double longestAskedMillis;
    private final Set<String> unreachable = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> heldUntilNanos = new ConcurrentHashMap<>(); // by the label of the model
    private final Map<String, Long> loadingSinceNanos = new ConcurrentHashMap<>(); // likewise

    /**
     * @param retries            when a request is sent again
     * @param longestAskedMillis the longest wait that a server may ask for, in milliseconds
     */
    Backoff(Retries retries, double longestAskedMillis) {
        this.retries = retries;
        this.longestAskedMillis = longestAskedMillis;
    }

    /**
     * Returns how long to wait before the next attempt, in milliseconds; null if there is to be none. What the server
     * asks for is used instead of the exponential backoff with full jitter.
     *
     * @param retriesSoFar how many of the allowed retries are used up
     */
    Long waitMillis(Model model, ExchangeResult result, int retriesSoFar) {
        var server = model.server();
        if (!(result.outcome() instanceof Outcome.Failed failed) || !retries.follow(failed)) {
            unreachable.remove(server);
            return null;
        }
        var noAnswer = failed.httpStatus() == null;
        if (retriesSoFar >= retries.most() || noAnswer && unreachable.contains(server)) {
            if (noAnswer) {
                unreachable.add(server); // the next requests to it do not wait for it again
            }
            return null;
        }
        if (result.retryAfterMillis() != null) {
            return asksTooMuch(result) ? null : result.retryAfterMillis();
        }
        return Math.round(ThreadLocalRandom.current().nextDouble()
                * Math.min(LONGEST_MILLIS, FIRST_MILLIS * Math.pow(2, retriesSoFar)));
    }

    /**
     * Returns how long to wait before the next look whether the server has loaded the model, in milliseconds; null if it does not
     * say that it is loading, or has said so for longer than a request may take. Such an attempt counts as no retry.
     */
    Long loadingMillis(Model model, ExchangeResult result) {
        if (!(result.outcome() instanceof Outcome.Failed failed) || !failed.isLoading()) {
            loadingSinceNanos.remove(model.label());
            return null;
        }
        var now = System.nanoTime();
        var since = loadingSinceNanos.putIfAbsent(model.label(), now);
        var soFarMillis = since == null ? 0 : TimeUnit.NANOSECONDS.toMillis(now - since);
        if (soFarMillis > longestAskedMillis) {
            return null;
        }
        return asksTooMuch(result) || result.retryAfterMillis() == null
                ? Long.valueOf(Math.clamp(soFarMillis / LOOKS_EACH_TIME_GROWS, (long) FIRST_MILLIS, LONGEST_BETWEEN_LOOKS_MILLIS))
                : Long.valueOf(Math.max((long) FIRST_MILLIS, result.retryAfterMillis()));
    }

    /** Whether the server asks to wait for longer than a request may take, so that no request of the model is worth sending. */
    boolean asksTooMuch(ExchangeResult result) {
        return result.outcome() instanceof Outcome.Failed failed && failed.isRetryable() && result.retryAfterMillis() != null
                && result.retryAfterMillis() > longestAskedMillis;
    }

    /** Holds all requests of a model for so long, if its server said 429 or is loading it: the others would be refused, too. */
    void slowDown(Model model, ExchangeResult result, long millis) {
        if (result.outcome() instanceof Outcome.Failed failed
                && (Integer.valueOf(429).equals(failed.httpStatus()) || failed.isLoading())) {
            var untilNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
            heldUntilNanos.merge(model.label(), untilNanos, (one, other) -> other - one > 0 ? other : one);
        }
    }

    /** Returns for how long requests of the model are held, in milliseconds; 0 if they may be sent. */
    long heldMillis(Model model) {
        var untilNanos = heldUntilNanos.get(model.label());
        return untilNanos == null ? 0 : Math.max(0, TimeUnit.NANOSECONDS.toMillis(untilNanos - System.nanoTime() + 999_999));
    }
}
