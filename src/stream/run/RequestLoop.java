//JAVA 25+
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/Warning.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/AcceptedForms.java
//SOURCES ../api/Model.java
//SOURCES ../api/RequestForm.java
//SOURCES ../client/Exchange.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Outcome.java
//SOURCES ../client/Recording.java
//SOURCES ../client/StreamClient.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/RequestSettings.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../record/Attempt.java
//SOURCES ../record/Journal.java
//SOURCES Backoff.java
//SOURCES Resumption.java
//SOURCES Stops.java
//SOURCES Watchdog.java

package stream.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

import stream.api.AcceptedForms;
import stream.api.Model;
import stream.api.RequestForm;
import stream.client.Exchange;
import stream.client.ExchangeResult;
import stream.client.Outcome;
import stream.client.Recording;
import stream.client.StreamClient;
import stream.plan.Job;
import stream.plan.RunSettings;
import stream.record.Attempt;
import stream.record.Journal;
import stream.terminal.OptionChecks;
import stream.terminal.Warning;

/**
 * Sends one request to its end: its attempts, the waits between them, and what a server accepts in a request. Safe for use by
 * several threads, each with a request of its own.
 */
final class RequestLoop {

    /** Is told of what happens, by the thread that sends the request. */
    interface Listener {

        /** An attempt has ended. */
        void received(Job job, ExchangeResult result);

        /** A line for those who want to know of every retry. */
        void detail(Job job, String message);

        /** A server wants the other requests of a model later than a request may take; they are left to a later run. */
        void postponed(Model model, long afterMillis);
    }

    private final RunSettings settings;
    private final StreamClient client;
    private final Resumption resumption;
    private final Stops stops;
    private final Watchdog watchdog;
    private final Journal journal;
    private final Listener listener;
    private final Backoff backoff;
    private final AcceptedForms forms = new AcceptedForms();
    private final AtomicBoolean nextIsCold;
    private volatile boolean hasPausedRow;

    /**
     * @param isCold whether the JVM has not been warmed up, so that the first request is slower than others
     */
    RequestLoop(RunSettings settings, StreamClient client, Resumption resumption, Stops stops, Watchdog watchdog, Journal journal,
            Listener listener, boolean isCold) {
        this.settings = settings;
        this.client = client;
        this.resumption = resumption;
        this.stops = stops;
        this.watchdog = watchdog;
        this.journal = journal;
        this.listener = listener;
        this.backoff = new Backoff(settings.request().retries(), settings.request().timeoutSeconds() * 1000);
        this.nextIsCold = new AtomicBoolean(isCold);
    }

    /** Whether a pause of this process touched any attempt. */
    boolean hasPausedRow() {
        return hasPausedRow;
    }

    /**
     * Sends one request, and again if that may help. Each attempt is recorded; waiting is part of none of them.
     *
     * @param slotFreeNanos when its slot was free
     * @param onSent        called when the first attempt is written to its socket
     */
    void send(Job job, long slotFreeNanos, Runnable onSent) {
        var label = job.model().label();
        var retries = resumption.retries(job);
        var readyNanos = slotFreeNanos;
        var wasResent = false;
        for (int number = resumption.attempts(job) + 1; !stops.isLeftOut(label); number++) {
            for (long held; (held = backoff.heldMillis(job.model())) > 0; readyNanos = System.nanoTime()) {
                // not all at one instant
                if (stops.isLeftOutWithin(label, held + ThreadLocalRandom.current().nextLong(1 + held / 4))) {
                    return;
                }
            }
            var form = forms.of(job.model());
            var body = body(job, form);
            var attempt = new Attempt(job, number, Instant.now(), readyNanos, new Recording(), new AtomicReference<>());
            var result = exchange(attempt, body, onSent, !wasResent);
            wasResent |= result.resent();
            var wait = waitAfter(job, form, body, result, retries);
            var again = wait != null && !stops.isLeftOut(label);
            var isCold = nextIsCold.compareAndSet(true, false);
            var startNanos = attempt.recording().startNanos();
            var paused = watchdog.pausesDuring(startNanos, startNanos + result.endMicros() * 1000);
            if (!paused.isEmpty()) {
                hasPausedRow = true;
            }
            attempt.end().set(new Attempt.End(result, !again, taint(paused, attempt.recording(), isCold)));
            listener.received(job, result);
            if (!again) {
                return;
            }
            retries += wait.isRetry() ? 1 : 0;
            backoff.slowDown(job.model(), result, wait.millis());
            listener.detail(job, result.outcome().message(job.model()) + "; again in " + wait.millis() + " ms");
            if (stops.isLeftOutWithin(label, wait.millis())) {
                return;
            }
            readyNanos = System.nanoTime();
        }
    }

    /** How long to wait before the next attempt, and whether that counts as a retry. */
    private record Wait(long millis, boolean isRetry) { }

    /** Returns null if no attempt follows. */
    private Wait waitAfter(Job job, RequestForm form, String body, ExchangeResult result, int retries) {
        var accepted = acceptedForm(job, form, body, result.outcome());
        if (accepted != form) {
            forms.learn(job.model(), accepted);
            accepted.changesSince(form, job.model().label(), job.model().server()).forEach(journal::warn);
            return new Wait(0, false);
        }
        var loadingMillis = backoff.loadingMillis(job.model(), result);
        if (loadingMillis != null) {
            journal.warn(Warning.LOADING.about(job.model().label(), OptionChecks.plain(settings.request().timeoutSeconds())));
            return new Wait(loadingMillis, false);
        }
        if (backoff.asksTooMuch(result) && stops.postpone(job.model().label())) {
            listener.postponed(job.model(), result.retryAfterMillis());
        }
        var millis = backoff.waitMillis(job.model(), result, retries);
        return millis == null ? null : new Wait(millis, true);
    }

    private String body(Job job, RequestForm form) {
        var prompt = settings.request().uniquePrefix() ? job.prompt().beginningWith(uniqueLine()) : job.prompt();
        return job.model().body(prompt, settings.request().sampling(), form);
    }

    private ExchangeResult exchange(Attempt attempt, String body, Runnable onSent, boolean mayResend) {
        var model = attempt.job().model();
        var exchange = new Exchange(client, model, body, attempt.recording(), onSent, mayResend);
        watchdog.begin(exchange, model.label());
        journal.begin(attempt);
        var result = exchange.run();
        watchdog.end(exchange);
        return result;
    }

    /** Returns a line with which no other prompt begins. It varies from its first letter, since a cache matches prefixes. */
    private static String uniqueLine() {
        return "[%016x]".formatted(ThreadLocalRandom.current().nextLong());
    }

    /** Returns the form in which the request may be sent next: the same, unless the server has refused a part of it by name. */
    private static RequestForm acceptedForm(Job job, RequestForm form, String body, Outcome outcome) {
        var isRefusal = outcome instanceof Outcome.Failed failed && failed.httpStatus() != null
                && (failed.httpStatus() == 400 || failed.httpStatus() == 422);
        var own = new HashSet<>(job.model().extra().keySet());
        own.addAll(job.prompt().extra().keySet());
        return isRefusal ? form.without(outcome.detail(), body, own) : form;
    }

    /** Returns the column tainted; null if nothing was noticed. */
    static String taint(List<String> pauses, Recording recording, boolean isCold) {
        var causes = new ArrayList<>(pauses);
        if (recording.wasHeldUp()) {
            causes.add("journal");
        }
        if (isCold) {
            causes.addFirst("cold");
        }
        return causes.isEmpty() ? null : String.join(" ", causes);
    }
}
