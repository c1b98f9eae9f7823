//JAVA 25+

package stream.simulator;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What is unusual or wrong about an answer, each as some real server does it; selected by the name in lower case with hyphens. */
public enum Fault {
    NONE,
    // unusual but correct
    ROLE_NULL, USAGE_EARLY, OBFUSCATION, AZURE, COMMENTS, NO_DONE, REASONING, REASONING_ONLY, ODD_LINES, RETURN_LINES, PARTS,
    TOOLS, OPEN, FINISH_WITH_TEXT, MULTI_TOKEN, CONTENT_FILTER, INCOMPLETE,
    // unusual writes to the connection
    BYTES, MERGED, BURST, GZIP, FIREHOSE,
    // broken streams
    ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT, ERROR_FINISH, ERROR_CHOICE, CUT, CUT_LINE, RESET, STALL,
    // no stream at all
    NO_STREAM_OPTIONS, NO_USAGE_STATS, PLAIN_JSON, HTML, EMPTY, NOT_JSON, NO_ANSWER, STATUS_401, STATUS_403, STATUS_404, STATUS_500,
    STATUS_503,
    // a whole answer, then the connection ends although the server did not announce it
    CLOSE_AT_ONCE, CLOSE_LATE, CLOSE_ON_REQUEST, CLOSE_UNANSWERED,
    // refused at the first, third, ... request for the same answer
    BUSY, BUSY_MS, BUSY_DATE, BUSY_SILENT,
    // every twentieth request is one of those above that break, in turn
    MIXED;

    /** The faults of {@link #MIXED}, in turn: all that end by themselves or by a stall timeout. */
    private static final List<Fault> BREAKING = List.of(ERROR_OBJECT, ERROR_STRING, ERROR_VLLM, ERROR_FIELD, ERROR_EVENT,
            ERROR_FINISH, ERROR_CHOICE, CUT, CUT_LINE, RESET, STALL, PLAIN_JSON, HTML, EMPTY, NOT_JSON, STATUS_401,
            STATUS_403, STATUS_404, STATUS_500,
            STATUS_503, BUSY_MS);

    /** Returns the fault of the request of this number, from 1. */
    Fault ofRequest(int number) {
        return this != MIXED ? this : number % 20 == 0 ? BREAKING.get(number / 20 % BREAKING.size()) : NONE;
    }

    /** Returns null if there is no such fault. */
    static Fault ofWord(String word) {
        for (var fault : values()) {
            if (fault.word().equals(word)) {
                return fault;
            }
        }
        return null;
    }

    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Returns all but the first, separated by commas. */
    public static String words() {
        return Arrays.stream(values()).skip(1).map(Fault::word).collect(Collectors.joining(", "));
    }
}
