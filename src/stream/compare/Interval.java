//JAVA 25+

package stream.compare;

/** The ends of an interval of a ratio. */
public record Interval(double lower, double upper) { }
