//JAVA 25+

package stream.terminal;

import java.nio.file.Path;
import java.util.Locale;

/** The kind of a file, by its name. */
public final class FileEnding {

    private FileEnding() { }

    /** Returns what follows the last dot of the name, in lower case; the whole name where there is no dot. */
    public static String of(Path file) {
        var name = String.valueOf(file.getFileName()); // the root has no name
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }
}
