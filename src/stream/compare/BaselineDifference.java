//JAVA 25+
//SOURCES Difference.java

package stream.compare;

/**
 * How a metric of a group differs from that of another group.
 *
 * @param baseline label of the other group
 */
public record BaselineDifference(String baseline, Difference difference) { }
