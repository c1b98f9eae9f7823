//JAVA 25+
//SOURCES ../terminal/Count.java

package stream.compare;

import java.util.Arrays;

import stream.terminal.Count;

/** What is independent in a comparison, and therefore counted. */
public enum Unit {
    /** Prompts: the verdict holds for prompts like these. */
    PROMPTS("prompt"),
    /** Repetitions of few prompts: the verdict holds for these prompts only. */
    REPETITIONS("repetition"),
    /** Runs: the verdict holds for runs at other times, too. */
    RUNS("run");

    private final String noun;

    Unit(String noun) {
        this.noun = noun;
    }

    public String word() {
        return noun + "s";
    }

    /** Returns a number of them in words. */
    String count(long number) {
        return Count.of(number, noun);
    }

    /** Throws IllegalArgumentException if there is no such unit. */
    public static Unit of(String word) {
        return Arrays.stream(values()).filter(unit -> unit.word().equals(word)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown unit '" + word + "'"));
    }
}
