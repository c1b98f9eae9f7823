//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../metric/Metric.java
//SOURCES ../metric/Metrics.java

package stream.record;

import stream.metric.Metric;
import stream.metric.Metrics;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The error of the client: the difference between its times and those of a server that is known. In microseconds, null
 * where there are too few values for the quantile.
 */
public record ClientOverhead(int streams, int events, Double ttftP50Micros, Double ttftP99Micros, Double itlP50Micros,
                      Double itlP99Micros) {

    private static final String[] QUANTILES = {"ttft_p50_ms", "ttft_p99_ms", "itl_p50_ms", "itl_p99_ms"};

    static ClientOverhead of(JsonNode json) {
        return !json.isObject() ? null : new ClientOverhead(json.path("streams").asInt(0), json.path("events").asInt(0),
                micros(json, 0), micros(json, 1), micros(json, 2), micros(json, 3));
    }

    private static Double micros(JsonNode json, int quantile) {
        var millis = json.path(QUANTILES[quantile]);
        return millis.isNumber() ? Double.valueOf(millis.doubleValue() * 1000) : null;
    }

    ObjectNode json() {
        var json = JsonNodeFactory.instance.objectNode().put("streams", streams).put("events", events);
        var micros = new Double[] {ttftP50Micros, ttftP99Micros, itlP50Micros, itlP99Micros};
        for (int i = 0; i < micros.length; i++) {
            json.put(QUANTILES[i], micros[i] == null ? null : Double.valueOf(Metrics.millis(micros[i])));
        }
        return json;
    }

    /** Returns the median error of a metric; null if it is not known, or the metric is neither TTFT nor ITL. */
    public Double medianMicros(Metric metric) {
        return metric == Metric.TTFT ? ttftP50Micros : metric == Metric.ITL ? itlP50Micros : null;
    }
}
