//JAVA 25+
//DEPS commons-io:commons-io:2.20.0
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../prompt/HandWrittenJson.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES AiperfFile.java
//SOURCES GuidellmFile.java
//SOURCES ImportedRun.java
//SOURCES ReadProblems.java
//SOURCES VllmFile.java

package stream.record;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.commons.io.input.BOMInputStream;
import stream.metric.MetricDefinition;
import stream.prompt.HandWrittenJson;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.databind.json.JsonMapper;

/** A file that another tool wrote. */
public abstract class ToolFile {

    private static final JsonMapper JSON = JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();
    private static final String OF_AIPERF = "profile_export.jsonl";
    private static final String MARK_AND_SPACES = "\u00ef\u00bb\u00bf \t\r\n"; // a byte-order mark, byte by byte

    private final Path path;
    private final MetricDefinition definition;

    ToolFile(Path path, MetricDefinition definition) {
        this.path = path;
        this.definition = definition;
    }

    /**
     * Returns the file if this is one that holds JSON, or a folder of AIPerf; null if it is something else.
     *
     * @throws IOException if it is JSON of no tool that is known
     */
    public static ToolFile in(Path given) throws IOException {
        var path = Files.isDirectory(given) && Files.isRegularFile(given.resolve(OF_AIPERF)) ? given.resolve(OF_AIPERF) : given;
        if (!Files.isRegularFile(path) || !beginsAsJson(path)) {
            return null;
        }
        var keys = keysOfFirstObject(path);
        if (keys.contains("num_prompts") && keys.contains("backend")) {
            return new VllmFile(path);
        } else if (keys.contains("metadata") && (keys.contains("metrics") || keys.contains("error"))) {
            return new AiperfFile(path);
        } else if (keys.contains("benchmarks")) {
            return new GuidellmFile(path);
        }
        throw new IOException(path + ": not a result of vLLM, AIPerf or GuideLLM; name such a file or the folder of a run");
    }

    private static boolean beginsAsJson(Path path) throws IOException {
        try (var in = new BufferedInputStream(Files.newInputStream(path))) {
            int letter;
            do {
                letter = in.read();
            } while (MARK_AND_SPACES.indexOf(letter) >= 0);
            return letter == '{';
        }
    }

    private static Set<String> keysOfFirstObject(Path path) throws IOException {
        var keys = new LinkedHashSet<String>();
        try (var json = JSON.createParser(path)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                keys.add(json.currentName());
                json.nextToken();
                json.skipChildren();
            }
        } catch (JacksonException e) {
            throw new IOException(path + ":" + HandWrittenJson.line(e) + ": not JSON: " + HandWrittenJson.problem(e));
        }
        return keys;
    }

    Path path() {
        return path;
    }

    /** Returns the runs in the file, in their order; throws IOException if it lacks what is needed. */
    final List<ImportedRun> runs(ReadProblems problems) throws IOException {
        var runs = new ArrayList<ImportedRun>();
        if (isLineByLine()) {
            readLines(runs, problems);
        } else {
            readObjects(runs, problems);
        }
        if (runs.isEmpty()) {
            throw lacks("any request", "there is nothing to compare");
        }
        return runs;
    }

    /** A line that is not JSON is left out. */
    private void readLines(List<ImportedRun> runs, ReadProblems problems) throws IOException {
        try (var lines = new BufferedReader(new InputStreamReader(BOMInputStream.builder().setPath(path).get(),
                StandardCharsets.UTF_8))) {
            String text;
            for (int line = 1; (text = lines.readLine()) != null; line++) {
                try {
                    if (!text.isBlank()) {
                        addTo(runs, JSON.readTree(text), line, problems);
                    }
                } catch (JacksonException e) {
                    problems.add(path, line, "not JSON");
                }
            }
        }
    }

    private void readObjects(List<ImportedRun> runs, ReadProblems problems) throws IOException {
        try (MappingIterator<JsonNode> objects = JSON.readerFor(JsonNode.class).readValues(path)) {
            for (int number = 1; objects.hasNextValue(); number++) {
                addTo(runs, objects.nextValue(), number, problems);
            }
        } catch (JacksonException e) {
            var at = path + ":" + HandWrittenJson.line(e) + ": not JSON: ";
            if (runs.isEmpty()) {
                throw new IOException(at + HandWrittenJson.problem(e));
            }
            problems.add(at + HandWrittenJson.problem(e) + "; what follows is not read");
        }
    }

    /** Whether each line of the file is an object of its own. */
    boolean isLineByLine() {
        return false;
    }

    /**
     * Adds what one object of the file tells: a run, or a request of the run that is there.
     *
     * @param line where it stands, from 1
     */
    abstract void addTo(List<ImportedRun> runs, JsonNode json, int line, ReadProblems problems) throws IOException;

    /** Returns a run without requests. */
    final ImportedRun run(String title, Map<String, Object> options, Set<String> models) {
        return new ImportedRun(path, title, definition, options, models);
    }

    /** Returns what the run is called if the file holds only one. */
    final String fileName() {
        return path.getFileName().toString();
    }

    /** Returns the name of one of several runs in the file; {@code number} from 1. */
    final String title(int number) {
        return number == 1 ? fileName() : fileName() + " #" + number;
    }

    /** Returns an exception that tells what the file lacks. */
    final IOException lacks(String what, String remedy) {
        return new IOException(path + ": a result of " + definition.tool() + " without " + what + "; " + remedy);
    }

    /** Returns NaN where there is no finite number. */
    static double number(JsonNode json, String name) {
        return number(json.path(name));
    }

    static double number(JsonNode json) {
        return json.isNumber() && Double.isFinite(json.doubleValue()) ? json.doubleValue() : Double.NaN;
    }

    /** Returns a time in ISO 8601 from seconds since 1970; null for NaN. */
    static String instant(double epochSeconds) {
        return Double.isNaN(epochSeconds) ? null
                : Instant.EPOCH.plus(Duration.ofNanos(BigDecimal.valueOf(epochSeconds).movePointRight(9).longValue())).toString();
    }
}
