//JAVA 25+
//SOURCES ../terminal/UserError.java
//SOURCES ../metric/GapHistogram.java
//SOURCES ../metric/GapPositions.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../record/RecordedAnswer.java
//SOURCES ../record/RecordedRun.java
//SOURCES Counting.java
//SOURCES Group.java

package stream.compare;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import stream.metric.GapHistogram;
import stream.metric.GapPositions;
import stream.metric.MetricDefinition;
import stream.metric.RequestStatus;
import stream.record.RecordedAnswer;
import stream.record.RecordedRun;
import stream.terminal.UserError;

/** A group whose requests and events are being read. */
final class GroupBuilder {

    final String label;
    final Counting counting;
    MetricDefinition definition; // null until there is a request
    final Set<String> currencies = new TreeSet<>();
    final List<RecordedAnswer> completed = new ArrayList<>();
    final List<RecordedAnswer> failed = new ArrayList<>();
    final Map<RecordedAnswer, Asked> asked = new IdentityHashMap<>();
    final Map<RecordedRun, List<RecordedAnswer>> byRun = new LinkedHashMap<>();
    final Map<RecordedRun, List<RecordedAnswer>> byWhole = new LinkedHashMap<>();
    final GapHistogram gaps = new GapHistogram();
    final GapPositions positions = new GapPositions();
    int cancelled;
    int tainted;
    int leftOut;

    /**
     * Where a request stands in the comparison.
     *
     * @param whole the first shard of its run's plan; the run itself if it is the whole plan
     * @param pair  what it shares with its counterpart in another group; null if it has none
     */
    record Asked(RecordedRun whole, String pair) { }

    GroupBuilder(String label, Counting counting) {
        this.label = label;
        this.counting = counting;
    }

    /**
     * Adds a request.
     *
     * @param whole the first shard of the run's plan; the run itself if it is the whole plan
     * @param pair  what the request shares with its counterpart in another group; null if it has none
     * @throws UserError if the figures of the run have another definition than those of the others in the group
     */
    void add(RecordedRun run, RecordedRun whole, RecordedAnswer answer, String pair) {
        var ofRun = run.definition(counting.asked());
        if (definition != null && definition != ofRun) {
            throw new UserError("--by: " + label + " would have requests as " + definition.word() + " and as " + ofRun.word()
                    + " define the metrics; use --by run, or one definition for all with --as");
        }
        definition = ofRun;
        if (run.currency(answer.model()) != null) {
            currencies.add(run.currency(answer.model()));
        }
        if (answer.status() == RequestStatus.CANCELLED) {
            cancelled++; // by the user, not by the model
        } else if (counting.untainted() && answer.tainted()) {
            leftOut++;
        } else if (!run.isSuccess(answer, definition)) {
            failed.add(answer);
            asked.put(answer, new Asked(whole, pair));
        } else {
            completed.add(answer);
            byRun.computeIfAbsent(run, absent -> new ArrayList<>()).add(answer);
            byWhole.computeIfAbsent(whole, absent -> new ArrayList<>()).add(answer);
            tainted += answer.tainted() ? 1 : 0;
            asked.put(answer, new Asked(whole, pair));
        }
    }

    /** Whether it has a request that the user did not cancel. */
    boolean hasRequests() {
        return !completed.isEmpty() || !failed.isEmpty();
    }

    /** Adds the time between a token of a completed request and the one before. */
    void addGap(int token, long micros) {
        gaps.add(micros);
        positions.add(token, micros);
    }

    /**
     * Returns the group.
     *
     * @param measured the answers with what their events tell; one that is missing is as it was added
     */
    Group build(Map<RecordedAnswer, RecordedAnswer> measured) {
        return new Group(this, measured);
    }
}
