//JAVA 25+
//SOURCES RunManifest.java

package stream.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** The files of a run, by their names. */
public final class RunFiles {

    public static final String EVENTS = "events.csv";
    public static final String REQUESTS = "requests.csv";
    public static final String MANIFEST = "run.json";

    private RunFiles() { }

    /** Whether a folder is that of a run. */
    public static boolean isRun(Path folder) {
        return Files.isRegularFile(folder.resolve(REQUESTS));
    }

    /** Returns the folders of the runs in a folder, in the order in which the runs began. */
    public static List<Path> runsIn(Path folder) throws IOException {
        try (var inside = Files.list(folder)) {
            return inside.filter(RunFiles::isRun)
                    .sorted(Comparator.comparing(RunFiles::runId).thenComparing(Path::getFileName)).toList();
        }
    }

    /** Run ids begin with the time, and stay in run.json if the folder is renamed. */
    private static String runId(Path folder) {
        try {
            return RunManifest.read(folder).runId();
        } catch (IOException e) {
            return folder.getFileName().toString();
        }
    }
}
