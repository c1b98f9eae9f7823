//JAVA 25+

package stream.api;

import java.util.Locale;

/** What a server-sent event is, in the column kind. */
public enum EventKind {
    /** Opens the answer; no text yet. */
    ROLE,
    /** Reasoning of the model, before the answer. */
    REASONING,
    /** Visible text, not empty. */
    CONTENT,
    /** Part of a tool call. */
    TOOL,
    /** Says why the answer ended. */
    FINISH,
    /** Token counts alone. */
    USAGE,
    /** The server reports that it failed. */
    ERROR,
    /** {@code [DONE]}. */
    DONE,
    /** Anything else; never a token. */
    OTHER,
    /** A choice without any text, which some tools count as a token; of kind other for the user. */
    EMPTY_CHOICE("other"),
    /** The same with token counts; of kind usage for the user. */
    EMPTY_CHOICE_WITH_USAGE("usage");

    private static final EventKind[] KINDS = values();

    private final String word;

    EventKind() {
        word = name().toLowerCase(Locale.ROOT);
    }

    EventKind(String word) {
        this.word = word;
    }

    /**
     * Returns the kind that is written so; null if there is no such word.
     *
     * @param word           in the column kind
     * @param hasEmptyChoice the column empty_choice
     */
    public static EventKind of(String word, boolean hasEmptyChoice) {
        for (var kind : KINDS) {
            if (kind.word.equals(word) && kind.hasEmptyChoice() == hasEmptyChoice) {
                return kind;
            }
        }
        return null;
    }

    /** Whether it has a choice without text, reasoning, tool call, role and finish reason. */
    public boolean hasEmptyChoice() {
        return this == EMPTY_CHOICE || this == EMPTY_CHOICE_WITH_USAGE;
    }

    /** Whether the model generated it: reasoning, visible text, or a part of a tool call. */
    public boolean isGenerated() {
        return this == REASONING || this == CONTENT || this == TOOL;
    }

    public String word() {
        return word;
    }
}
