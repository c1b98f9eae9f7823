//JAVA 25+

package stream.record;

import java.util.Arrays;
import java.util.Locale;

/** A column of a CSV file. */
public interface Column {
    String name();

    /** Its name in the header. */
    default String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns the header of a file with these columns. */
    static String[] header(Column[] columns) {
        return Arrays.stream(columns).map(Column::word).toArray(String[]::new);
    }
}
