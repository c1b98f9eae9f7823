//JAVA 25+

package stream.compare;

/**
 * The value of a metric for one request.
 *
 * @param run   identity of the run; of a plan in shards that of the whole
 * @param pair  what the request shares with its counterpart in another group; null if it has none
 * @param time  when it was asked, in any unit; only the order counts
 * @param value at least 0
 */
record Measurement(Object run, String prompt, String pair, double time, double value) { }
