//JAVA 25+

package stream;

/**
 * The standard deviations of the logarithm of a ratio.
 *
 * @param between between prompts, without what repetitions explain; 0 if there is none
 * @param within  between the repetitions of a prompt
 */
record Spread(double between, double within) { }
