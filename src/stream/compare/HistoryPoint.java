//JAVA 25+
//SOURCES ChangePoints.java
//SOURCES Group.java

package stream.compare;

import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/**
 * One run in the history of a model.
 *
 * @param ratio  of the run to the mean of all, over the prompts that all have (geometric means); null if it has no value, or is
 *               alone
 * @param lower  of its 95 % interval, Student's over the prompts, which tells how exact the run is and not how runs vary; null with
 *               one prompt
 * @param change the change that begins with this run; null if none does
 */
public record HistoryPoint(Group group, Double ratio, Double lower, Double upper, ChangePoints.Change change) {

    private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm").withZone(ZoneOffset.UTC);

    /** Returns when the first request was sent, in UTC; empty if that is not known. */
    public String began() {
        return group.firstStart() == null ? "" : MINUTE.format(group.firstStart());
    }
}
