//JAVA 25+
//SOURCES ../record/RecordedAnswer.java

package stream.compare;

import java.util.List;

import stream.record.RecordedAnswer;

/** The answers of several groups to one prompt, with their texts as they came. */
public record Race(String prompt, List<Lane> lanes) {

    /**
     * The answer of a group.
     *
     * @param label of the group
     */
    public record Lane(String label, RecordedAnswer answer, List<Piece> pieces) { }

    /** A piece of text, and when it came. */
    public record Piece(long elapsedMicros, String text) { }
}
