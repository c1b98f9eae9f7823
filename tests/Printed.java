package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/** What a command printed, and its exit code. */
record Printed(int exitCode, String out, String err) {

    /** A command, as its static method {@code run}. */
    interface Command {
        int run(Console console, String... arguments);
    }

    static Printed of(String name, Command command, Map<String, String> environment, InputStream in, boolean onTerminal,
                      String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var console = new Console(name, in, new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8), onTerminal, onTerminal, environment);
        var exitCode = command.run(console, arguments);
        return new Printed(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    static Printed stream(String... arguments) {
        return of("stream", Stream::run, Map.of(), new ByteArrayInputStream(new byte[0]), false, arguments);
    }

    /** Runs the command that compares; any object is an argument by its text. */
    static Printed compare(Object... arguments) {
        return of("compare", Compare::run, Map.of(), InputStream.nullInputStream(), false,
                Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    }

    /** Fails with what was printed if the exit code is another. */
    Printed expect(int expected) {
        assertEquals(expected, exitCode, err);
        return this;
    }
}
