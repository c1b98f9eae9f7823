//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES Group.java
//SOURCES Race.java

package stream.compare;

import java.util.Comparator;
import java.util.List;

import stream.metric.Metric;

/**
 * Groups that are compared.
 *
 * @param title empty if there is no other section
 * @param races the streams that race each other, by prompt, the best race first
 */
public record Section(String title, List<Group> groups, List<Race> races) {

    /** Returns null for a label that no group has. */
    Group group(String label) {
        return groups.stream().filter(group -> group.label().equals(label)).findFirst().orElse(null);
    }

    /**
     * Returns the group with this label, else the one with the lowest median of the first of these metrics that any has. The times
     * of a buffered stream are those of the buffer, so its group is chosen only if all are buffered. Null if no group has such a
     * metric.
     */
    Group baseline(List<Metric> metrics, String label) {
        if (group(label) != null) {
            return group(label);
        }
        for (var metric : metrics) {
            var known = groups.stream().filter(group -> group.quantile(metric, 0.5) != null)
                    .min(Comparator.comparing(Group::isBuffered).thenComparing(group -> group.quantile(metric, 0.5)));
            if (known.isPresent()) {
                return known.get();
            }
        }
        return null;
    }
}
