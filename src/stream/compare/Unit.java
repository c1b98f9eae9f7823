//JAVA 25+
//SOURCES ../terminal/Count.java

package stream;

import java.util.Arrays;

/** What is independent in a comparison, and therefore counted. */
enum Unit {
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

    String word() {
        return noun + "s";
    }

    /** Returns a number of them in words. */
    String count(long number) {
        return Count.of(number, noun);
    }

    /** Throws IllegalArgumentException if there is no such unit. */
    static Unit of(String word) {
        return Arrays.stream(values()).filter(unit -> unit.word().equals(word)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown unit '" + word + "'"));
    }
}
