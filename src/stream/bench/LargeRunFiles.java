//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../record/CsvRun.java
//SOURCES ../record/NamedRuns.java
//SOURCES ../record/ReadProblems.java
//SOURCES ../record/RecordedRun.java
//SOURCES ../compare/Counting.java
//SOURCES ../compare/EventCollector.java
//SOURCES ../compare/Group.java
//SOURCES ../compare/GroupBy.java
//SOURCES ../compare/Grouping.java
//SOURCES ../compare/Section.java
//SOURCES ../compare/SectionBuilder.java
//SOURCES BenchmarkCheck.java

package stream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

import stream.compare.Counting;
import stream.compare.EventCollector;
import stream.compare.GroupBy;
import stream.compare.Grouping;
import stream.metric.Metric;
import stream.metric.MetricDefinition;
import stream.record.CsvRun;
import stream.record.NamedRuns;
import stream.record.ReadProblems;
import stream.record.RecordedRun;

/** A run of three models with known times, in a temporary folder. */
record LargeRunFiles(Path folder) implements AutoCloseable {

    private static final int EVENTS_OF_ONE = 100;
    private static final int AT_ONCE = 30;

    /** Writes a run with so many events to a temporary folder. */
    static LargeRunFiles write(int rows) throws IOException {
        var folder = Files.createTempDirectory("large-run");
        Files.writeString(folder.resolve("run.json"), "{\"run_id\": \"large\", \"finished_at\": \"now\"}");
        var random = new SplittableRandom(1);
        try (var requests = Files.newBufferedWriter(folder.resolve("requests.csv"));
             var events = Files.newBufferedWriter(folder.resolve("events.csv"))) {
            requests.write("request_id,model,prompt_id,repetition,attempt,phase,status,ttft_ms,events,content_events\r\n");
            events.write("request_id,model,prompt_id,repetition,attempt,event,kind,elapsed_ms,delay_ms,read,text\r\n");
            for (int first = 0; first < rows / EVENTS_OF_ONE; first += AT_ONCE) {
                var elapsed = new double[AT_ONCE];
                for (int event = 0; event < EVENTS_OF_ONE; event++) {
                    for (int i = 0; i < AT_ONCE; i++) {
                        var model = "model-" + i % 3;
                        var name = "prompt-" + (first + i) / 3 + "|" + model + "|1," + model + ",prompt-"
                                + (first + i) / 3 + ",1,1,";
                        elapsed[i] += (event == 0 ? 200 : 10) * (1 + i % 3) * (0.5 + random.nextDouble());
                        var millis = String.format(Locale.ROOT, "%.3f", elapsed[i]);
                        events.write(name + event + ",content," + millis + ",," + event + ", token\r\n");
                        if (event == 0) {
                            requests.write(name + "measured,completed," + millis + "," + EVENTS_OF_ONE + "," + EVENTS_OF_ONE
                                    + "\r\n");
                        }
                    }
                }
            }
        }
        return new LargeRunFiles(folder);
    }

    @Override
    public void close() throws IOException {
        for (var name : List.of("run.json", "requests.csv", "events.csv")) {
            Files.delete(folder.resolve(name));
        }
        Files.delete(folder);
    }

    /** Returns p50, p95 and p99 of TTFT and ITL of each model, as Compare has them. */
    List<Double> figures() throws IOException {
        var problems = new ReadProblems();
        var run = CsvRun.read(folder, problems);
        var sections = Grouping.of(GroupBy.MODEL, new NamedRuns(List.of(run), Map.of(run, run)), Map.of())
                .sections(List.of(run), new Counting(MetricDefinition.OURS, false, false, false), problems);
        var events = new EventCollector(sections);
        run.readEvents(List.of(new RecordedRun.EventReading(MetricDefinition.OURS, events)), problems, null);
        var figures = new ArrayList<Double>();
        for (var group : events.sections().getFirst().groups()) {
            for (var fraction : List.of(0.5, 0.95, 0.99)) {
                figures.add(group.quantile(Metric.TTFT, fraction));
            }
            for (var fraction : List.of(0.5, 0.95, 0.99)) {
                figures.add(group.gaps(fraction)); // of all gaps
            }
        }
        return checked(figures);
    }

    /** Throws if the figures are not those of what was written: a model's times are so many times those of the first. */
    static List<Double> checked(List<Double> figures) {
        BenchmarkCheck.must(figures.size() == 18, figures + "");
        for (int i = 0; i < 18; i++) {
            var expected = (i % 6 < 3 ? 200 : 10) * (1 + i / 6) * List.of(1.0, 1.45, 1.49).get(i % 3);
            BenchmarkCheck.must(Math.abs(figures.get(i) / expected - 1) < 0.02,
                    "figure " + i + " is " + figures.get(i) + ", not " + expected);
        }
        return figures;
    }
}
