//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Dialect.java
//SOURCES ErrorReport.java
//SOURCES EventKind.java
//SOURCES EventParser.java
//SOURCES EventPattern.java
//SOURCES FailureKind.java
//SOURCES StreamEvent.java

package stream.api;

import tools.jackson.core.JacksonException;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;

/**
 * Decodes the events of one stream, in their order. Not safe for use by several threads.
 *
 * <p>Most servers send the same JSON again and again with another text and other token counts in it. An event that differs from
 * the previous one in nothing else means the same with these, and is not parsed.
 */
public final class StreamDecoder {

    private static final StreamEvent DONE = new StreamEvent(EventKind.DONE, null, null, true);
    private static final StreamEvent NOTHING = new StreamEvent(EventKind.OTHER, null, null, false);
    /** Few buffers are in use at the same time; one for each thread would be one for each stream. */
    private static final JsonFactory JSON =
            JsonFactory.builder().recyclerPool(JsonRecyclerPools.newConcurrentDequePool()).build();

    private final Dialect dialect;
    private EventPattern pattern; // of the event before; null if the next one cannot be like it

    public StreamDecoder(Dialect dialect) {
        this.dialect = dialect;
    }

    /**
     * Returns what an event means; data that is not JSON is an event of kind error or other. Never throws.
     *
     * @param type the event's type, null if it has none
     * @param data the event's data, without the field names
     */
    public StreamEvent decode(String type, String data) {
        var isError = "error".equals(type);
        if (!data.startsWith("{")) {
            var stripped = data.strip();
            return stripped.startsWith("{") ? decode(type, stripped) : decodeOther(isError, stripped);
        }
        var event = isError || pattern == null ? null : pattern.match(data);
        return event == null ? parse(isError, data) : event;
    }

    /** Decodes what is not a JSON object. */
    private static StreamEvent decodeOther(boolean isError, String data) {
        if (data.equals("[DONE]")) {
            return DONE;
        }
        var isArray = data.startsWith("[") && data.contains("\"error\"");
        return isError || isArray ? ErrorReport.of(data).event() : NOTHING;
    }

    /** Whether data is {@code [DONE]} or JSON with its end, so that an event that has lost its empty line can be used. */
    public static boolean isWhole(String data) {
        var stripped = data.strip();
        if (!stripped.startsWith("{")) {
            return stripped.equals("[DONE]");
        }
        try (var json = JSON.createParser(ObjectReadContext.empty(), stripped)) {
            json.nextToken();
            json.skipChildren();
            return json.nextToken() == null;
        } catch (JacksonException e) {
            return false;
        }
    }

    private StreamEvent parse(boolean isError, String data) {
        pattern = null;
        try (var json = JSON.createParser(ObjectReadContext.empty(), data)) {
            json.nextToken();
            var parser = dialect.eventParser(json);
            parser.parse();
            if (isError || parser.reportsError()) {
                return ErrorReport.of(data).orElse(parser.failure()).event();
            }
            var event = parser.event();
            pattern = parser.pattern(data, event);
            return event;
        } catch (JacksonException e) {
            return StreamEvent.error(FailureKind.BAD_EVENT.word(),
                    "an event that is not JSON: " + data.substring(0, Math.min(80, data.length())));
        }
    }
}
