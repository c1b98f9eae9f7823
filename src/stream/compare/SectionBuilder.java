//JAVA 25+
//SOURCES Counting.java
//SOURCES GroupBuilder.java

package stream.compare;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A section whose groups are being read. */
public final class SectionBuilder {

    private final String title;
    private final Map<String, GroupBuilder> groups = new LinkedHashMap<>();

    SectionBuilder(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }

    /** Returns the group with this label, which is created if it is new. */
    GroupBuilder open(String label, Counting counting) {
        return groups.computeIfAbsent(label, absent -> new GroupBuilder(label, counting));
    }

    void removeEmpty() {
        groups.values().removeIf(group -> !group.hasRequests());
    }

    List<GroupBuilder> groups() {
        return List.copyOf(groups.values());
    }
}
