//JAVA 25+
//SOURCES OneLine.java

package stream.terminal;

import java.util.List;
import java.util.stream.Collectors;

/**
 * An error that the user can do something about. Each problem is one line: the option, file or server; the value; what to
 * do. It ends a command with exit code 2.
 */
public final class UserError extends RuntimeException {

    private final List<String> problems;

    public UserError(String problem) {
        this(List.of(problem));
    }

    private UserError(List<String> problems) {
        super(problems.stream().map(OneLine::of).collect(Collectors.joining("\n")), null, false, false);
        this.problems = problems.stream().map(OneLine::of).toList();
    }

    /** A problem at a place in a file, {@code file} or {@code file:line}. */
    public static UserError at(String place, String problem) {
        return new UserError(place + ": " + problem);
    }

    /** Throws all problems together; does nothing if there are none. */
    public static void throwIfAny(List<String> problems) {
        if (!problems.isEmpty()) {
            throw new UserError(problems);
        }
    }

    public List<String> problems() {
        return problems;
    }
}
