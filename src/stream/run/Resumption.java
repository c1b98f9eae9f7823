//JAVA 25+
//SOURCES ../metric/RequestStatus.java
//SOURCES ../client/Outcome.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/Retries.java
//SOURCES ../record/ResumeState.java

package stream.run;

import stream.client.Outcome;
import stream.metric.RequestStatus;
import stream.plan.Job;
import stream.plan.Retries;
import stream.record.ResumeState;

/** Which requests of a plan need no further attempt, given what a cut-off run left on disk. */
public final class Resumption {

    private final ResumeState state;
    private final Retries retries;
    private final boolean retriesFailed;

    /**
     * @param retriesFailed whether failed requests are sent again, however often they were
     */
    public Resumption(ResumeState state, Retries retries, boolean retriesFailed) {
        this.state = state;
        this.retries = retries;
        this.retriesFailed = retriesFailed;
    }

    /** Returns that of a run that begins. */
    public static Resumption none(Retries retries) {
        return new Resumption(ResumeState.NONE, retries, false);
    }

    boolean retriesFailed() {
        return retriesFailed;
    }

    public boolean isDone(Job job) {
        var last = state.lastAttempt(job.requestId());
        return last != null && last.status() != RequestStatus.CANCELLED && !isToRetry(last)
                && !(retriesFailed && last.status() != RequestStatus.COMPLETED);
    }

    private boolean isToRetry(ResumeState.LastAttempt last) {
        return last.status() == RequestStatus.FAILED && last.number() <= retries.most()
                && retries.follow(new Outcome.Failed(last.errorType(), "", last.httpStatus()));
    }

    /** Returns the number of the last attempt at the request, 0 if there is none. */
    int attempts(Job job) {
        var last = state.lastAttempt(job.requestId());
        return last == null ? 0 : last.number();
    }

    /** Returns how many attempts count as retries; none where the user interrupted it, or wants it sent again. */
    int retries(Job job) {
        var last = state.lastAttempt(job.requestId());
        return last == null || last.status() == RequestStatus.CANCELLED || retriesFailed ? 0 : last.number();
    }

    /** Returns how many requests ended without a complete answer, and are not sent again. */
    long failed() {
        return state.lastAttempts().values().stream().filter(last -> last.status() != RequestStatus.COMPLETED
                && last.status() != RequestStatus.CANCELLED && !isToRetry(last)).count();
    }
}
