//JAVA 25+
//SOURCES ../api/EventKind.java
//SOURCES EventColumn.java

package stream.record;

import stream.api.EventKind;

/** What a row of events.csv tells, as far as a run that is read back needs it. */
interface EventCells {

    /** Returns it as it was before it was guarded from spreadsheets. */
    String requestId();

    double attempt();

    /** Returns null if there is no such kind. */
    EventKind kind();

    /** Throws BadRow if it is not a number of milliseconds. */
    long elapsedMicros();

    String text();

    /** Returns how many Unicode code points the text has. */
    int textLength();

    /** Returns a cell as it is written. */
    String written(EventColumn column);
}
