//JAVA 25+
//SOURCES EventKind.java
//SOURCES StreamEvent.java

package stream.api;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Reads thoughts at the beginning of the visible text of an answer as reasoning. An answer may begin with the opening tag, or,
 * where the chat template has put that into the prompt, have the closing tag alone. As long as it is not known whether an event is
 * a thought it is held, with its time; {@link #end} passes on what is held. Not safe for use by several threads.
 */
public final class ThinkTags {

    private static final String OPENING = "<think>";
    private static final String CLOSING = "</think>";

    /** Receives the events in their order, each with its time and its read. */
    public interface EventConsumer {
        void event(long atNanos, int read, StreamEvent event);
    }

    /** Where in the answer the next event is. */
    private enum Place {
        /** At the beginning: it may be a thought. */
        UNKNOWN, IN_THOUGHTS,
        /** After the closing tag, before any visible text. */
        BEFORE_TEXT, IN_TEXT
    }

    private record Held(long atNanos, int read, StreamEvent event) {

        boolean isContent() {
            return event.kind() == EventKind.CONTENT;
        }
    }

    private final EventConsumer consumer;
    private final Deque<Held> held = new ArrayDeque<>();
    // since the beginning; in thoughts the last characters, which may begin a tag
    private final StringBuilder text = new StringBuilder();
    private Place place = Place.UNKNOWN;
    private boolean hasThought; // a text other than space
    private boolean mayOpen = true; // whether the text may begin with the opening tag

    public ThinkTags(EventConsumer consumer) {
        this.consumer = consumer;
    }

    /** Whether a visible text has thoughts in it, as far as its tags tell. */
    public static boolean areIn(String visibleText) {
        var opening = visibleText.indexOf(OPENING);
        var closing = visibleText.indexOf(CLOSING);
        return visibleText.stripLeading().startsWith(OPENING) || closing >= 0 && (opening < 0 || opening > closing);
    }

    /** Takes the next event. */
    public void add(long atNanos, int read, StreamEvent event) {
        var next = new Held(atNanos, read, event);
        if (place == Place.UNKNOWN) {
            held.add(next);
            if (next.isContent()) {
                text.append(event.text());
                decide(event.text().length());
            } else if (text.isEmpty()) {
                end();
            }
        } else if (next.isContent()) {
            passOn(next, event.text());
        } else {
            consumer.event(atNanos, read, event);
        }
    }

    /** Passes on what is held; to be called after the last event. */
    public void end() {
        for (Held each; (each = held.poll()) != null; ) {
            consumer.event(each.atNanos(), each.read(), each.event());
        }
    }

    /** Looks for a tag in the text, whose last event has so many characters. */
    private void decide(int newCharacters) {
        if (mayOpen) {
            var begun = text.toString().stripLeading();
            if (begun.startsWith(OPENING)) {
                enterThoughts(EventKind.OTHER, begun.substring(OPENING.length()));
                return;
            }
            mayOpen = OPENING.startsWith(begun);
        }
        var from = Math.max(0, text.length() - newCharacters - CLOSING.length());
        var opening = text.indexOf(OPENING, from);
        var closing = text.indexOf(CLOSING, from);
        if (opening >= 0 && (closing < 0 || opening < closing)) {
            end(); // what comes before an opening tag is no thought, so the tags are quoted
            place = Place.IN_TEXT;
        } else if (closing >= 0) {
            enterThoughts(EventKind.REASONING, text.substring(closing));
        }
    }

    /** Passes on what is held, its visible text as another kind; of the last event the rest is in the thoughts, or after them. */
    private void enterThoughts(EventKind kind, String rest) {
        place = Place.IN_THOUGHTS;
        hasThought = kind == EventKind.REASONING;
        text.setLength(0);
        var last = held.removeLast();
        for (Held each; (each = held.poll()) != null; ) {
            consumer.event(each.atNanos(), each.read(),
                    each.isContent() ? as(kind, each.event().text(), each.event()) : each.event());
        }
        if (kind == EventKind.OTHER && rest.isBlank()) {
            consumer.event(last.atNanos(), last.read(), as(kind, last.event().text(), last.event()));
        } else {
            passOn(last, rest);
        }
    }

    /** Passes on an event with visible text, of which this much is at the current place. */
    private void passOn(Held next, String rest) {
        var after = rest;
        if (place == Place.IN_THOUGHTS) {
            after = afterThoughts(rest);
            place = after == null ? Place.IN_THOUGHTS : Place.BEFORE_TEXT;
        }
        var event = next.event();
        var isVisible = after != null && (place == Place.IN_TEXT || !after.isBlank());
        if (isVisible && place == Place.BEFORE_TEXT) {
            place = Place.IN_TEXT;
            event = as(EventKind.CONTENT, after.stripLeading(), event);
        } else if (!isVisible) {
            var isThought = !isTagAlone(event.text());
            hasThought |= isThought;
            event = as(isThought ? EventKind.REASONING : EventKind.OTHER, event.text(), event);
        }
        consumer.event(next.atNanos(), next.read(), event);
    }

    /** Returns what follows the closing tag, of which the end of the text before may be a part; null if it has not come. */
    private String afterThoughts(String next) {
        text.append(next);
        var closing = text.indexOf(CLOSING);
        if (closing >= 0) {
            return text.substring(closing + CLOSING.length());
        }
        text.delete(0, Math.max(0, text.length() - CLOSING.length() + 1));
        return null;
    }

    /** Whether an event brings no thought: the closing tag, the space after it, or the space before the first thought. */
    private boolean isTagAlone(String eventText) {
        var word = eventText.strip();
        return word.equals(CLOSING) || word.isEmpty() && (place == Place.BEFORE_TEXT || !hasThought);
    }

    private static StreamEvent as(EventKind kind, String text, StreamEvent event) {
        return new StreamEvent(kind, text, event.about(), event.last());
    }
}
