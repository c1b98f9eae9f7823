//JAVA 25+
//SOURCES ../terminal/UserError.java

package stream.compare;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

import stream.terminal.UserError;

/**
 * What the groups of a comparison are.
 *
 * @param column the label of the prompts that {@link Kind#LABEL} groups by; null for the other kinds
 */
public record GroupBy(Kind kind, String column) {

    /** What the requests of a group have in common. */
    enum Kind {
        MODEL(true), RUN(true), PROMPT(true), BASE_URL(true), SHARD(false), MACHINE(false), LABEL(false);

        private final boolean paired;

        Kind(boolean paired) {
            this.paired = paired;
        }

        /** Whether a request has a counterpart in another group: the same prompt and repetition. */
        boolean isPaired() {
            return paired;
        }

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public static final GroupBy MODEL = new GroupBy(Kind.MODEL, null);
    static final GroupBy RUN = new GroupBy(Kind.RUN, null);

    private static final String LABEL_PREFIX = Kind.LABEL.word() + ":";

    /**
     * Reads what the user, or the file of a comparison, calls it.
     *
     * @param where the option or the column, for the message
     * @throws UserError if there are no such groups
     */
    public static GroupBy of(String where, String text) {
        if (text.startsWith(LABEL_PREFIX) && text.length() > LABEL_PREFIX.length()) {
            return new GroupBy(Kind.LABEL, text.substring(LABEL_PREFIX.length()));
        }
        return Arrays.stream(Kind.values()).filter(kind -> kind != Kind.LABEL && kind.word().equals(text)).findFirst()
                .map(kind -> new GroupBy(kind, null))
                .orElseThrow(() -> new UserError(where + " '" + text + "'; must be one of " + Arrays.stream(Kind.values())
                        .filter(kind -> kind != Kind.LABEL).map(Kind::word).collect(Collectors.joining(", ")) + ", label:COLUMN"));
    }

    boolean is(Kind other) {
        return kind == other;
    }

    /** Returns what {@link #of} reads. */
    public String word() {
        return column == null ? kind.word() : LABEL_PREFIX + column;
    }

    /** Returns the heading of a column of groups. */
    public String heading() {
        return column == null ? kind.word() : column;
    }
}
