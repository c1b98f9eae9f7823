//JAVA 25+

package stream.record;

/**
 * How far the clock of a server is ahead of that of this machine, in milliseconds: somewhere between these.
 *
 * @param server its base URL
 */
public record ClockOffset(String server, long leastMillis, long mostMillis) { }
