//JAVA 25+
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/Phase.java
//SOURCES ReadProblems.java
//SOURCES RecordedAnswer.java
//SOURCES RequestColumn.java
//SOURCES Row.java
//SOURCES RunManifest.java
//SOURCES StartTimes.java

package stream.record;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import stream.metric.MetricDefinition;
import stream.metric.Phase;

/** A run that is read back: what is known of it, and its measured requests. */
public abstract class RecordedRun {

    /** Visits the events of the answers that count, in the order of the file. */
    public interface EventVisitor {
        /** Ignores everything. */
        EventVisitor NONE = new EventVisitor() { };

        /** Whether {@link #content} is to be called for an answer. */
        default boolean wantsContent(RecordedAnswer answer) {
            return false;
        }

        /** The next piece of visible text. */
        default void content(RecordedAnswer answer, long elapsedMicros, String text) { }

        /** The time between a token, counted from 0, and the one before. */
        default void gap(RecordedAnswer answer, int token, long micros) { }

        /** The answer with what its events tell, once they are read; not called for one whose events are not there. */
        default void measured(RecordedAnswer answer, RecordedAnswer withEvents) { }
    }

    /**
     * What is to be read from the events.
     *
     * @param definition one that {@link #definition} returned
     */
    public record EventReading(MetricDefinition definition, EventVisitor visitor) { }

    private final Path path;
    private final String title;
    private final RunManifest manifest;
    private final Map<String, String> currencies;
    private final Map<String, RecordedAnswer> answers = new LinkedHashMap<>();
    private final Map<String, String> texts = new HashMap<>();
    private final StartTimes starts = new StartTimes();

    RecordedRun(Path path, String title, RunManifest manifest) {
        this.path = path;
        this.title = title;
        this.manifest = manifest;
        this.currencies = manifest.currencies();
    }

    /** Adds a request if it was measured; of several attempts the last one counts. Throws BadRow if the row cannot be used. */
    final void add(Row row) {
        if (row.text(RequestColumn.PHASE).equals(Phase.MEASURED.word())) {
            var answer = new RecordedAnswer(row, starts, text -> texts.computeIfAbsent(text, absent -> absent));
            answers.merge(answer.requestId(), answer,
                    (before, after) -> after.attempt() >= before.attempt() ? after : before);
        }
    }

    /** Returns null if there is no such request. */
    final RecordedAnswer answer(String requestId) {
        return answers.get(requestId);
    }

    /** The last attempts of all measured requests, in the order in which they were written. */
    public final List<RecordedAnswer> answers() {
        return List.copyOf(answers.values());
    }

    /** Returns the folder of the run, or the file that another tool wrote. */
    public final Path path() {
        return path;
    }

    public final RunManifest manifest() {
        return manifest;
    }

    /** Returns the run's id, else its title. */
    public final String name() {
        return manifest.runId() == null ? title : manifest.runId();
    }

    /** What the folder or the file is called: the run's id, unless somebody gave it a better name. */
    public final String title() {
        return title;
    }

    /** Returns the machine that sent the requests; "unknown" if that is not recorded. */
    public final String machine() {
        return manifest.versions().get("machine") instanceof String name ? name : "unknown";
    }

    /** Returns the currency in which the requests of a model are priced; null if they are not. */
    public final String currency(String model) {
        return currencies.get(model);
    }

    /**
     * Returns whose definitions its figures have if the user asks for these.
     *
     * @param asked null for the run's own
     * @return null if the run cannot tell what they would be
     */
    public abstract MetricDefinition definition(MetricDefinition asked);

    /** Whether a request counts as a success. */
    public abstract boolean isSuccess(RecordedAnswer answer, MetricDefinition definition);

    /** Whether equal ids of prompts in several runs stand for the same prompt. */
    public abstract boolean knowsPrompts();

    /**
     * Reads all events of the answers once, for several visitors, each with a definition of its own.
     *
     * @param progress where progress is shown when it takes long; null for nowhere
     */
    public abstract void readEvents(List<EventReading> readings, ReadProblems problems, PrintStream progress) throws IOException;

    /** Reads the texts of some answers, by request id; those that are known. */
    public abstract Map<String, String> outputs(Set<String> requestIds) throws IOException;
}
