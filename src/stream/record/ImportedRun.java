//JAVA 25+
//SOURCES ../metric/MetricDefinition.java
//SOURCES ImportedRequest.java
//SOURCES ReadProblems.java
//SOURCES RecordedAnswer.java
//SOURCES RecordedRun.java
//SOURCES RequestColumn.java
//SOURCES RunManifest.java

package stream.record;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import stream.metric.MetricDefinition;

/** A run of another tool. */
final class ImportedRun extends RecordedRun {

    private final MetricDefinition own;
    private final Map<String, MetricDefinition.Times> times = new HashMap<>();
    private final Map<String, long[]> gapsMicros = new HashMap<>();
    private final Map<String, String> texts = new HashMap<>();

    /**
     * Creates a run without requests.
     *
     * @param title what it is called: the name of the file, and which of several runs in it
     */
    ImportedRun(Path file, String title, MetricDefinition own, Map<String, Object> options, Set<String> models) {
        super(file, title, RunManifest.ofTool(own.tool(), options, List.copyOf(models)));
        this.own = own;
    }

    /**
     * Adds a request.
     *
     * @param found   its times as its tool defines them
     * @param gaps    those between its tokens, in microseconds; empty where the tool does not tell them
     * @param text    its answer; null if that is not known
     */
    void add(ImportedRequest request, MetricDefinition.Times found, long[] gaps, String text) {
        for (int again = 2; times.containsKey(request.id()); again++) { // an id that is there twice is another request
            request.put(RequestColumn.REQUEST_ID, request.id().replaceFirst(" #\\d+$", "") + " #" + again);
        }
        add(request);
        times.put(request.id(), found);
        gapsMicros.put(request.id(), gaps);
        if (text != null) {
            texts.put(request.id(), text);
        }
    }

    @Override
    public MetricDefinition definition(MetricDefinition asked) {
        return asked == null || asked == own ? own : null;
    }

    @Override
    public boolean isSuccess(RecordedAnswer answer, MetricDefinition definition) {
        return answer.completed(); // as the tool says
    }

    @Override
    public boolean knowsPrompts() {
        return false;
    }

    @Override
    public void readEvents(List<EventReading> readings, ReadProblems problems, PrintStream progress) {
        for (var answer : answers()) {
            var measured = answer.with(times.get(answer.requestId()));
            var gaps = gapsMicros.get(answer.requestId());
            for (var reading : readings) {
                for (int i = 0; i < gaps.length; i++) {
                    reading.visitor().gap(answer, i + 1, gaps[i]);
                }
                reading.visitor().measured(answer, measured);
            }
        }
    }

    @Override
    public Map<String, String> outputs(Set<String> requestIds) {
        var outputs = new HashMap<String, String>();
        requestIds.stream().filter(texts::containsKey).forEach(id -> outputs.put(id, texts.get(id)));
        return outputs;
    }
}
