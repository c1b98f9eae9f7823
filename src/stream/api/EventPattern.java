//JAVA 25+
//SOURCES StreamEvent.java

package stream.api;

import java.util.Arrays;

/** The JSON of an event, with the places at which the next event may differ from it and still mean the same otherwise. */
final class EventPattern {

    private static final int MOST_PLACES = 4;
    private static final int MOST_DIGITS = 9;

    /** What stands at a place that may differ. */
    enum Variable { TEXT, OUTPUT_TOKENS, REASONING_TOKENS, TOTAL_TOKENS }

    private final Variable[] variables = new Variable[MOST_PLACES];
    private final int[] starts = new int[MOST_PLACES];
    private final int[] ends = new int[MOST_PLACES];
    private int places;
    private boolean unusable;
    private String data;
    private StreamEvent event;

    /** Notes a place; {@code end} is that of the first character after it. */
    void put(Variable variable, int start, int end) {
        if (places == MOST_PLACES || Arrays.asList(variables).subList(0, places).contains(variable)) {
            unusable = true; // a name that an object has twice
            return;
        }
        var at = places++;
        for (; at > 0 && starts[at - 1] > start; at--) {
            variables[at] = variables[at - 1];
            starts[at] = starts[at - 1];
            ends[at] = ends[at - 1];
        }
        variables[at] = variable;
        starts[at] = start;
        ends[at] = end;
    }

    /** Forgets the counts, of which only the last that an event has are used. */
    void removeCounts() {
        places = 0;
    }

    /** Returns this pattern of an event and its data, in which the places are; null if there can be none. */
    EventPattern of(String eventData, StreamEvent meaning) {
        data = eventData;
        event = meaning;
        return unusable ? null : this;
    }

    /** Notes that something stands there twice. */
    void setUnusable() {
        unusable = true;
    }

    /** Returns what the next event means; null if it differs at another place, or is not written as it reads. */
    StreamEvent match(String next) {
        var text = (String) null;
        var output = StreamEvent.NO_COUNT;
        var reasoning = StreamEvent.NO_COUNT;
        var at = 0;
        var from = 0;
        for (int i = 0; i < places; i++) {
            var same = starts[i] - from;
            if (!next.regionMatches(at, data, from, same)) {
                return null;
            }
            at += same;
            var end = variables[i] == Variable.TEXT ? endOfText(next, at) : endOfCount(next, at);
            if (end <= at) {
                return null;
            }
            switch (variables[i]) {
                case TEXT -> text = next.substring(at, end);
                case OUTPUT_TOKENS -> output = Integer.parseInt(next, at, end, 10);
                case REASONING_TOKENS -> reasoning = Integer.parseInt(next, at, end, 10);
                case TOTAL_TOKENS -> { }
            }
            at = end;
            from = ends[i];
        }
        var rest = data.length() - from;
        return next.length() - at == rest && next.regionMatches(at, data, from, rest)
                ? new StreamEvent(event.kind(), text, about(output, reasoning), event.last()) : null;
    }

    private StreamEvent.About about(int output, int reasoning) {
        return event.about() == null || output == StreamEvent.NO_COUNT && reasoning == StreamEvent.NO_COUNT ? event.about()
                : event.about().withCounts(output, reasoning);
    }

    /** Returns where a string ends; -1 if it has escapes. */
    private static int endOfText(String next, int start) {
        for (int i = start; i < next.length(); i++) {
            var letter = next.charAt(i);
            if (letter == '"') {
                return i;
            }
            if (letter == '\\' || letter < ' ') {
                return -1;
            }
        }
        return -1;
    }

    /** Returns where the digits end; -1 if they are not a whole number that fits. */
    private static int endOfCount(String next, int start) {
        var end = start;
        while (end < next.length() && next.charAt(end) >= '0' && next.charAt(end) <= '9') {
            end++;
        }
        return end - start > MOST_DIGITS || end - start > 1 && next.charAt(start) == '0' ? -1 : end;
    }
}
