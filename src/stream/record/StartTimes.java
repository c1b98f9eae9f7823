//JAVA 25+

package stream.record;

import java.time.Instant;

/**
 * When the requests of a run began, in milliseconds since the epoch. Inside a run the distances are those of the monotonic clock,
 * whatever was done to the wall clock meanwhile.
 */
final class StartTimes {

    private double originMillis = Double.NaN;

    /**
     * Returns when a request began; NaN if that is not known.
     *
     * @param startedAt   by the wall clock; null if it is not known
     * @param startMillis since the beginning of the run; NaN if it is not known
     */
    double millis(Instant startedAt, double startMillis) {
        if (startedAt == null) {
            return Double.NaN;
        }
        var wallMillis = startedAt.toEpochMilli();
        if (Double.isNaN(startMillis)) {
            return wallMillis;
        }
        if (Double.isNaN(originMillis)) {
            originMillis = wallMillis - startMillis;
        }
        return originMillis + startMillis;
    }
}
