//JAVA 25+
//SOURCES ../terminal/OptionChecks.java

package stream.plan;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import stream.terminal.OptionChecks;

/**
 * Where a run is written, and what else is told of it.
 *
 * @param results     where runs are written, as DIR/RUN_ID/
 * @param csvSafe     whether texts that a spreadsheet would take for formulas are guarded
 * @param metricsPort where Prometheus metrics are, 0 for any free port; null for nowhere
 */
public record RecordSettings(Path results, boolean csvSafe, Integer metricsPort) {

    /** @throws UserError if a value is not in its range */
    public RecordSettings {
        new OptionChecks().within("--metrics-port", metricsPort == null ? 0 : metricsPort, 0, 65_535).throwIfAny();
    }

    /** Returns the words of a command line that set the same of the files. */
    List<String> arguments() {
        return csvSafe ? List.of("--csv-safe") : List.of();
    }

    /** Returns the settings by the names that they have in run.json. */
    Map<String, Object> options() {
        return Map.of("csv_safe", csvSafe);
    }
}
