//JAVA 25+
//SOURCES Scope.java
//SOURCES Unit.java

package stream.compare;

/**
 * What a difference is estimated from.
 *
 * @param unit   what is counted
 * @param units  how many: prompts, or runs of the smaller side
 * @param size   pairs of answers, or answers of the smaller side
 * @param paired whether answers to the same questions were compared
 */
public record Sample(Unit unit, int units, int size, boolean paired, Scope scope) { }
