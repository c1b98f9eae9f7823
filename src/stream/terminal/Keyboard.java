//JAVA 25+
//DEPS org.jline:jline-reader:4.5.0
//SOURCES Console.java

package stream.terminal;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** Asks the user for lines until there are no more. Not safe for use by several threads. */
public sealed interface Keyboard extends AutoCloseable {

    /** Returns one that edits lines, where standard input and both outputs are a terminal that can do so; else a plain one. */
    static Keyboard of(Console console) throws IOException {
        return console.isInteractive() ? new Editor() : new Plain(console);
    }

    /** Prints the prompt and returns the line without its end; null at the end of the input, or if the user interrupts it. */
    String line(String prompt) throws IOException;

    @Override
    default void close() throws IOException { }

    /** Reads lines from whatever standard input is. */
    final class Plain implements Keyboard {
        private final Console console;
        private final BufferedReader lines;

        Plain(Console console) {
            this.console = console;
            this.lines = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
        }

        @Override
        public String line(String prompt) throws IOException {
            console.err().print(prompt);
            console.err().flush();
            return lines.readLine();
        }
    }

    /** Lets the user edit the line, and fetch earlier ones with the arrow keys. */
    final class Editor implements Keyboard {
        private final Terminal terminal;
        private final LineReader reader;

        Editor() throws IOException {
            // The provider that calls stty needs no native code, of which Java would warn. JLine is to ask the terminal nothing:
            // over a slow line, or in tmux, its answer comes late and is taken for what the user types.
            terminal = TerminalBuilder.builder().system(true).provider("exec").nativeSignals(true).graphemeCluster(false).build();
            reader = LineReaderBuilder.builder().terminal(terminal).option(LineReader.Option.DISABLE_EVENT_EXPANSION, true).build();
        }

        @Override
        public String line(String prompt) {
            try {
                return reader.readLine(prompt);
            } catch (EndOfFileException | UserInterruptException e) {
                return null;
            }
        }

        @Override
        public void close() throws IOException {
            terminal.close();
        }
    }
}
