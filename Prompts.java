///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Lists and checks a prompt set
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/Console.java
//SOURCES src/stream/Prompts.java

// Prompt sets: reads every format that people keep prompts in, lists what is there, and says which line is wrong.
//
// To run just:
//   jbang Prompts.java prompts/             every file in a folder, and in the folders below it
//   jbang Prompts.java 'evals/**/*.jsonl'   a glob
//   jbang Prompts.java -                    one prompt from standard input
//
// Formats, by the ending of the file: .txt .md .jsonl .json .csv .chatml; README.md describes each.
// It reads and checks; it sends nothing anywhere. Stream.java reads its prompts with this class.

package stream;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine;

/** The command that lists and checks a prompt set. */
@Command(name = "prompts", description = "Lists and checks a prompt set.", mixinStandardHelpOptions = true,
        sortOptions = false, version = Version.NUMBER)
public class Prompts implements Callable<Integer> {

    static final String VERSION = "0.1.0";

    @Parameters(paramLabel = "FILE|FOLDER|GLOB|-", arity = "0..*",
            description = "Prompt files, folders of them, globs; - is standard input (default: prompts/).")
    List<String> sources = List.of("prompts/");

    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;

    Prompts(InputStream in, PrintStream out, PrintStream err) {
        this.in = in;
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.in, System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 all prompts are good, 2 some are not. */
    static int run(InputStream in, PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Prompts(in, out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("prompts: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        var set = PromptSet.read(sources, in);
        for (var prompt : set.prompts()) {
            out.printf(Locale.ROOT, "%-32s %-9s %6d characters  %s%n", prompt.id(), shape(prompt), prompt.length(),
                    excerpt(prompt));
        }
        out.println(set.prompts().size() == 1 ? "1 prompt" : set.prompts().size() + " prompts");
        set.notes().forEach(note -> err.println("prompts: " + note));
        set.problems().forEach(problem -> err.println("prompts: " + problem));
        return set.problems().isEmpty() ? 0 : 2;
    }

    private static String shape(Prompt prompt) {
        return prompt.isPlain() ? "text" : prompt.messages().size() + " turns";
    }

    private static String excerpt(Prompt prompt) {
        var text = prompt.messages().getLast().content().replaceAll("\\s+", " ").strip();
        return text.codePointCount(0, text.length()) <= 60 ? text
                : text.substring(0, text.offsetByCodePoints(0, 57)) + "...";
    }
}
