//JAVA 25+

package stream.plan;

/**
 * How answers are echoed.
 *
 * @param mode        tokens, lines, events or none
 * @param delayMillis pause after each piece of text, at least 0; paces the echo, never the measurement
 * @param quiet       whether headings, latencies and the line of the progress are left out
 */
public record EchoSettings(String mode, int delayMillis, boolean quiet) { }
