//JAVA 25+
//SOURCES ../terminal/OneLine.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/FailureKind.java
//SOURCES ../api/StreamEvent.java
//SOURCES ../api/Usage.java
//SOURCES Outcome.java

package stream.client;

import stream.api.EventKind;
import stream.api.FailureKind;
import stream.api.StreamEvent;
import stream.api.Usage;
import stream.terminal.OneLine;

/** What the events of a stream have told about the whole answer; a later event overrides an earlier one. */
public final class AnswerState {

    private Usage usage = Usage.UNKNOWN; // of whatever an event has
    private Usage usageOfFirst = Usage.UNKNOWN; // where an event has the first of several choices alone
    private Usage usageOfAll = Usage.UNKNOWN; // where it has none, or several
    private int countsOfFirst;
    private int countsOfOthers;
    private boolean hasOtherChoices;
    private String finishReason;
    private String reportedModel;
    private String fingerprint;
    private Outcome.Failed serverError;
    private String notUnderstood;
    private boolean generated;
    private long bytes;
    private boolean done;

    public void add(StreamEvent event) {
        var about = event.about();
        if (about != null) {
            addUsage(about.usage(), about.choices());
            hasOtherChoices |= about.choices().hasOthers();
            finishReason = about.finishReason() != null ? about.finishReason() : finishReason;
            reportedModel = about.model() != null ? about.model() : reportedModel;
            fingerprint = about.fingerprint() != null ? about.fingerprint() : fingerprint;
        }
        done |= event.last();
        generated |= event.kind().isGenerated();
        if (event.kind() == EventKind.ERROR) {
            serverError = new Outcome.Failed(OneLine.firstOf(about.errorType()), OneLine.firstOf(event.text()), 200);
        } else if (event.kind() == EventKind.CONTENT) {
            bytes += 2L * event.text().length() + Long.BYTES;
        }
    }

    private void addUsage(Usage counted, StreamEvent.Choices choices) {
        if (counted == null) {
            return;
        }
        usage = usage.with(counted);
        switch (choices) {
            case FIRST -> {
                usageOfFirst = usageOfFirst.with(counted);
                countsOfFirst++;
            }
            case OTHERS -> countsOfOthers++;
            case NONE, ALL -> usageOfAll = usageOfAll.with(counted);
        }
    }

    /** Whether each of several choices has a count of its own: some servers put one for all into the last event of a choice. */
    private boolean tellsChoicesApart() {
        return countsOfFirst > 1 || countsOfFirst == 1 && countsOfOthers > 0;
    }

    /** Marks the answer as failed if it takes more memory than it may. */
    void limit(long mostBytes) {
        if (bytes > mostBytes) {
            serverError = new Outcome.Failed(FailureKind.ENDLESS_ANSWER, "the answer grew beyond --max-answer-mb", 200);
        }
    }

    /** Whether the API's last event has come. */
    boolean isDone() {
        return done;
    }

    /** Whether the answer has its end. */
    boolean isComplete() {
        return done || finishReason != null;
    }

    /** Whether the model generated anything: text, reasoning, or a tool call. */
    public boolean hasGenerated() {
        return generated;
    }

    /** Keeps the first event without a meaning for this tool: one line of it. */
    void setNotUnderstood(String line) {
        notUnderstood = line;
    }

    /** Returns that event; null if all had a meaning. */
    public String notUnderstood() {
        return notUnderstood;
    }

    /** Returns the error inside the stream; null if there was none. */
    Outcome.Failed serverError() {
        return serverError;
    }

    /** Returns the token counts of the measured choice if the server tells them apart, else those of all choices. */
    public Usage usage() {
        return hasOtherChoices && tellsChoicesApart()
                ? usage.withCounts(usageOfFirst.outputTokens(), usageOfFirst.reasoningTokens()) : usage;
    }

    /** Whether the token counts are those of several choices together, of which only one is measured. */
    public boolean countsSeveralChoices() {
        return hasOtherChoices && !tellsChoicesApart() && usage.outputTokens() != null;
    }

    /** Returns the token counts that are paid for: of all choices; null if only those of one are known. */
    public Usage billedUsage() {
        return !hasOtherChoices || !tellsChoicesApart() ? usage : usageOfAll.outputTokens() == null ? null : usageOfAll;
    }

    public String finishReason() {
        return finishReason;
    }

    public String reportedModel() {
        return reportedModel;
    }

    public String fingerprint() {
        return fingerprint;
    }
}
