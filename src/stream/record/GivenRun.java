//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ImportedRequest.java
//SOURCES ReadProblems.java
//SOURCES RecordedAnswer.java
//SOURCES RecordedRun.java
//SOURCES RequestColumn.java
//SOURCES RunManifest.java

package stream.record;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;

import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.metric.RequestStatus;

/** A run whose requests are given in place of read, as a simulation of comparisons needs it. It has no events. */
public final class GivenRun extends RecordedRun {

    /** @param title what it is called; runs that are compared have different ones */
    public GivenRun(String title, List<String> models) {
        super(Path.of(title), title, RunManifest.ofTool("", Map.of(), models));
    }

    /**
     * Adds a request.
     *
     * @param startMillis since the epoch
     * @param millis      its times; those that it has
     */
    public void add(String model, String prompt, int repetition, RequestStatus status, double startMillis,
            Map<Metric, Double> millis) {
        var request = new ImportedRequest(String.join("|", prompt, model, String.valueOf(repetition)), model, status)
                .put(RequestColumn.PROMPT_ID, prompt).put(RequestColumn.REPETITION, repetition)
                .put(RequestColumn.STARTED_AT, Instant.ofEpochMilli((long) startMillis)).put(RequestColumn.START_MS, startMillis);
        millis.forEach((metric, value) -> request.put(RequestColumn.of(metric), value));
        add(request);
    }

    @Override
    public MetricDefinition definition(MetricDefinition asked) {
        return asked == null || asked == MetricDefinition.OURS ? MetricDefinition.OURS : null;
    }

    @Override
    public boolean isSuccess(RecordedAnswer answer, MetricDefinition definition) {
        return answer.completed();
    }

    @Override
    public boolean knowsPrompts() {
        return true;
    }

    @Override
    public void readEvents(List<EventReading> readings, ReadProblems problems, PrintStream progress) { }

    @Override
    public Map<String, String> outputs(Set<String> requestIds) {
        return Map.of();
    }
}
