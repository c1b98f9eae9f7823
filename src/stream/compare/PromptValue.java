//JAVA 25+

package stream.compare;

/**
 * A value and the prompt that it belongs to.
 *
 * @param value infinite for an answer that never came
 */
record PromptValue(String prompt, double value) { }
