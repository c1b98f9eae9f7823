//JAVA 25+

package stream.compare;

/**
 * The standard deviations of the logarithm of a ratio.
 *
 * @param between between prompts, without what repetitions explain; 0 if there is none
 * @param within  between the repetitions of a prompt
 */
public record Spread(double between, double within) { }
