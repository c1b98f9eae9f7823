//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES Counting.java
//SOURCES Group.java

package stream.compare;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import stream.metric.Metric;

/** Groups that are compared. */
public final class Section {

    private final String title;
    private final Map<String, Group> groups = new LinkedHashMap<>();

    Section(String title) {
        this.title = title;
    }

    /** Empty if there is no other section. */
    public String title() {
        return title;
    }

    Group open(String label, Counting counting) {
        return groups.computeIfAbsent(label, absent -> new Group(label, counting));
    }

    /** Removes groups without requests. */
    void removeEmpty() {
        groups.values().removeIf(group -> group.requests() == 0);
    }

    public List<Group> groups() {
        return List.copyOf(groups.values());
    }

    /** Returns null for a label that no group has. */
    Group group(String label) {
        return groups.get(label);
    }

    /**
     * Returns the group with this label, else the one with the lowest median of the first of these metrics that any has. The times
     * of a buffered stream are those of the buffer, so its group is chosen only if all are buffered. Null if no group has such a
     * metric.
     */
    Group baseline(List<Metric> metrics, String label) {
        if (label != null && groups.containsKey(label)) {
            return groups.get(label);
        }
        for (var metric : metrics) {
            var known = groups.values().stream().filter(group -> group.quantile(metric, 0.5) != null)
                    .min(Comparator.comparing(Group::isBuffered).thenComparing(group -> group.quantile(metric, 0.5)));
            if (known.isPresent()) {
                return known.get();
            }
        }
        return null;
    }
}
