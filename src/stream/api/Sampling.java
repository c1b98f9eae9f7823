//JAVA 25+

package stream.api;

/**
 * What a request contains besides the prompt, where neither the prompt nor the model says otherwise.
 *
 * @param maxTokens   limit of the answer in tokens, from 1
 * @param temperature from 0 to 2
 * @param seed        null for none
 */
public record Sampling(int maxTokens, double temperature, Long seed) { }
