//JAVA 25+
//SOURCES ../metric/Phase.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../metric/TokenSource.java
//SOURCES Column.java
//SOURCES RequestColumn.java
//SOURCES Row.java

package stream.record;

import java.util.EnumMap;
import java.util.Map;

import stream.metric.Phase;
import stream.metric.RequestStatus;
import stream.metric.TokenSource;

/** A request of another tool, with the cells that it would have in requests.csv. */
final class ImportedRequest implements Row {

    private final Map<RequestColumn, String> cells = new EnumMap<>(RequestColumn.class);

    /** Creates one that was measured and has a prompt of its own. */
    ImportedRequest(String id, String model, RequestStatus status) {
        put(RequestColumn.REQUEST_ID, id);
        put(RequestColumn.MODEL, model);
        put(RequestColumn.MODEL_NAME, model);
        put(RequestColumn.PROMPT_ID, id);
        put(RequestColumn.REPETITION, 1);
        put(RequestColumn.ATTEMPT, 1);
        put(RequestColumn.PHASE, Phase.MEASURED.word());
        put(RequestColumn.STATUS, status.word());
    }

    String id() {
        return cells.get(RequestColumn.REQUEST_ID);
    }

    /** Null and numbers that are not finite are blank. */
    ImportedRequest put(RequestColumn column, Object value) {
        if (value != null && !(value instanceof Double number && !Double.isFinite(number))) {
            cells.put(column, String.valueOf(value));
        }
        return this;
    }

    /** Notes the output tokens as counted by the server or a tokenizer. */
    ImportedRequest putTokens(double outputTokens) {
        return put(RequestColumn.OUTPUT_TOKENS, outputTokens).put(RequestColumn.TOKEN_SOURCE, TokenSource.USAGE.word());
    }

    @Override
    public String text(Column column) {
        return column instanceof RequestColumn of ? cells.getOrDefault(of, "") : "";
    }
}
