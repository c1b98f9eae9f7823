//JAVA 25+
//SOURCES AnswerMetrics.java

package stream.metric;

/**
 * How much visible text of an answer has come, in Unicode code points: an emoji with a modifier, or a letter with a combining mark,
 * is two.
 */
public final class TextTimes {

    private static final int FIRST = 100;

    private long characters;
    private long firstMicros = AnswerMetrics.NONE;

    /** Adds a piece of text with so many code points. */
    public void add(int length, long elapsedMicros) {
        characters += length;
        if (firstMicros == AnswerMetrics.NONE && characters >= FIRST) {
            firstMicros = elapsedMicros;
        }
    }

    public long characters() {
        return characters;
    }

    /** Returns when the hundredth character came, in milliseconds; NaN if the text is shorter. */
    public double firstMillis() {
        return firstMicros == AnswerMetrics.NONE ? Double.NaN : firstMicros / 1e3;
    }
}
