//JAVA 25+

package stream.client;

/**
 * What one answer may take before it is a failure, so that no server can fill the memory.
 *
 * @param eventBytes  of one event, as it comes, from 1
 * @param answerBytes of the text and the times of one answer, as they are kept: two a character and eight an event
 */
public record Limits(long eventBytes, long answerBytes) {
    /** An answer of a hundred thousand tokens in one event is well below the first, one of four million below both. */
    public static final Limits DEFAULT = new Limits(16 << 20, 64 << 20);
}
