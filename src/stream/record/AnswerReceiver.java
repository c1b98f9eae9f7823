//JAVA 25+
//SOURCES ../plan/Job.java

package stream.record;

import stream.plan.Job;

/** Gets the answers to what it asked. */
public interface AnswerReceiver {

    /** Ignores all answers. */
    AnswerReceiver NONE = (job, text) -> { };

    /**
     * The last attempt at a request has ended and is written. Called by the thread that writes, so it must not wait.
     *
     * @param text the visible text; null if the answer is not complete
     */
    void answered(Job job, String text);
}
