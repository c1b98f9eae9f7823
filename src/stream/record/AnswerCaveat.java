//JAVA 25+
//SOURCES ../terminal/Warning.java
//SOURCES ../api/ThinkTags.java
//SOURCES ../metric/AnswerMetrics.java
//SOURCES ../metric/TokenSource.java
//SOURCES RequestColumn.java

package stream.record;

import java.util.EnumSet;
import java.util.Set;
import java.util.function.Function;

import stream.api.ThinkTags;
import stream.metric.AnswerMetrics;
import stream.metric.TokenSource;
import stream.terminal.Warning;

/** What limits the figures of a completed answer, as its row in requests.csv tells. */
public enum AnswerCaveat {
    /** It has no visible text. */
    REASONING_ALONE(Warning.REASONING_ALONE),
    /** The server's count of its tokens cannot be right. */
    COUNT_CONTRADICTED(Warning.COUNT_CONTRADICTED),
    /** The server's count is that of several choices. */
    SEVERAL_CHOICES(Warning.SEVERAL_CHOICES),
    /** Its visible text has a think tag. */
    THOUGHTS_IN_TEXT(Warning.THOUGHTS_IN_TEXT);

    private final Warning warning;

    AnswerCaveat(Warning warning) {
        this.warning = warning;
    }

    /** Returns what the user is told of so many answers with it. */
    public Warning warning() {
        return warning;
    }

    /**
     * Reads a row.
     *
     * @param row returns the text of a column; empty for blank, and for a column that the file lacks
     * @throws NumberFormatException if a number is not one
     */
    static Set<AnswerCaveat> of(Function<RequestColumn, String> row) {
        var found = EnumSet.noneOf(AnswerCaveat.class);
        var source = row.apply(RequestColumn.TOKEN_SOURCE);
        if (row.apply(RequestColumn.TTFT_MS).isEmpty() && !row.apply(RequestColumn.TTFT_REASONING_MS).isEmpty()) {
            found.add(REASONING_ALONE);
        }
        if (source.equals(TokenSource.USAGE_OF_ALL_CHOICES.word())) {
            found.add(SEVERAL_CHOICES);
        } else if (source.equals(TokenSource.USAGE.word())
                && AnswerMetrics.contradictCount(number(row, RequestColumn.CONTENT_EVENTS)
                + number(row, RequestColumn.REASONING_EVENTS), number(row, RequestColumn.OUTPUT_TOKENS))) {
            found.add(COUNT_CONTRADICTED);
        }
        if (row.apply(RequestColumn.TTFT_REASONING_MS).isEmpty() && ThinkTags.areIn(row.apply(RequestColumn.OUTPUT))) {
            found.add(THOUGHTS_IN_TEXT);
        }
        return found;
    }

    private static double number(Function<RequestColumn, String> row, RequestColumn column) {
        return row.apply(column).isEmpty() ? 0 : Double.parseDouble(row.apply(column));
    }
}
