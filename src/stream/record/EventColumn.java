//JAVA 25+
//SOURCES Column.java

package stream;

/** The columns of events.csv, one row per server-sent event. */
enum EventColumn implements Column {
    REQUEST_ID, MODEL, PROMPT_ID, REPETITION, ATTEMPT, EVENT, KIND, ELAPSED_MS, DELAY_MS, READ, TEXT, TOKENS, EMPTY_CHOICE
}
