//JAVA 25+
//SOURCES Column.java

package stream.record;

/** The columns of events.csv, one row per server-sent event. */
public enum EventColumn implements Column {
    REQUEST_ID, MODEL, PROMPT_ID, REPETITION, ATTEMPT, EVENT, KIND, ELAPSED_MS, DELAY_MS, READ, TEXT, TOKENS, EMPTY_CHOICE
}
