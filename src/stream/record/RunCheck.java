//JAVA 25+
//SOURCES ../metric/MetricDefinition.java
//SOURCES CsvRun.java
//SOURCES ReadProblems.java
//SOURCES RecordedRun.java

package stream.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import stream.metric.MetricDefinition;

/** Validates the files of a run. */
public final class RunCheck {

    private final Path folder;

    public RunCheck(Path folder) {
        this.folder = folder;
    }

    /** Returns one line for each damage, with its place; throws IOException if the folder is not that of a run. */
    public List<String> problems() throws IOException {
        var problems = new ReadProblems();
        var run = CsvRun.read(folder, problems);
        run.readEvents(List.of(new RecordedRun.EventReading(MetricDefinition.OURS, RecordedRun.EventVisitor.NONE)), problems, null);
        run.countEvents(problems);
        return problems.lines();
    }
}
