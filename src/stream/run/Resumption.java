//JAVA 25+
//SOURCES ../metric/RequestStatus.java
//SOURCES ../client/Outcome.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/Retries.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../record/ResumeState.java

package stream.run;

import stream.client.Outcome;
import stream.metric.RequestStatus;
import stream.plan.Job;
import stream.plan.RunSettings;
import stream.record.ResumeState;

/** Which requests of a plan need no further attempt, given what a cut-off run left on disk. */
public final class Resumption {

    private final ResumeState state;
    private final RunSettings settings;

    public Resumption(ResumeState state, RunSettings settings) {
        this.state = state;
        this.settings = settings;
    }

    public boolean isDone(Job job) {
        var last = state.lastAttempt(job.requestId());
        return last != null && last.status() != RequestStatus.CANCELLED && !isToRetry(last)
                && !(settings.retryFailed() && last.status() != RequestStatus.COMPLETED);
    }

    private boolean isToRetry(ResumeState.LastAttempt last) {
        return last.status() == RequestStatus.FAILED && last.number() <= settings.retries().most()
                && settings.retries().follow(new Outcome.Failed(last.errorType(), "", last.httpStatus()));
    }

    /** Returns the number of the last attempt at the request, 0 if there is none. */
    int attempts(Job job) {
        var last = state.lastAttempt(job.requestId());
        return last == null ? 0 : last.number();
    }

    /** Returns how many attempts count as retries; none where the user interrupted it, or wants it sent again. */
    int retries(Job job) {
        var last = state.lastAttempt(job.requestId());
        return last == null || last.status() == RequestStatus.CANCELLED || settings.retryFailed() ? 0 : last.number();
    }

    /** Returns how many requests ended without a complete answer, and are not sent again. */
    long failed() {
        return state.lastAttempts().values().stream().filter(last -> last.status() != RequestStatus.COMPLETED
                && last.status() != RequestStatus.CANCELLED && !isToRetry(last)).count();
    }
}
