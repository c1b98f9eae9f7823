//JAVA 25+
//SOURCES ../metric/RequestStatus.java
//SOURCES Column.java
//SOURCES RequestColumn.java

package stream.record;

import java.time.DateTimeException;
import java.time.Instant;

import stream.metric.RequestStatus;

/** The cells of a request or an event. */
interface Row {

    /** Returns the empty text where there is no such column, or nothing in it. */
    String text(Column column);

    /** Returns NaN for blank; throws BadRow if it is not a number, at least 0. */
    default double number(Column column) {
        var text = text(column);
        if (text.isEmpty()) {
            return Double.NaN;
        }
        try {
            var number = Double.parseDouble(text);
            if (number >= 0 && number < Double.POSITIVE_INFINITY) {
                return number;
            }
        } catch (NumberFormatException e) {
            // reported below
        }
        throw new BadRow(column.word() + " '" + text + "' is not a number, at least 0");
    }

    /** Throws BadRow if there is no such status. */
    default RequestStatus status() {
        var status = RequestStatus.of(text(RequestColumn.STATUS));
        if (status == null) {
            throw new BadRow("unknown status '" + text(RequestColumn.STATUS) + "'");
        }
        return status;
    }

    /** Returns null for blank; throws BadRow if it is not a time. */
    default Instant time(Column column) {
        try {
            return text(column).isEmpty() ? null : Instant.parse(text(column));
        } catch (DateTimeException e) {
            throw new BadRow(column.word() + " '" + text(column) + "' is not a time");
        }
    }
}

/** A row that cannot be used; the message tells why. */
final class BadRow extends RuntimeException {
    BadRow(String message) {
        super(message, null, false, false);
    }
}
