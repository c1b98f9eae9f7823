//JAVA 25+
//SOURCES ../metric/MetricDefinition.java

package stream.compare;

import stream.metric.MetricDefinition;

/**
 * How the requests of a group are counted.
 *
 * @param asked            whose definitions of the metrics; null for those of each run
 * @param untainted        whether requests whose timing should not be trusted are left out
 * @param failuresAreWorst whether failed requests count as infinitely slow
 * @param runsAreUnits     whether each run counts as one value where a group has several
 */
public record Counting(MetricDefinition asked, boolean untainted, boolean failuresAreWorst, boolean runsAreUnits) { }
