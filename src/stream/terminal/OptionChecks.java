//JAVA 25+
//SOURCES UserError.java

package stream.terminal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** Collects what is wrong with the options of a command, so that the user is told of all of it. */
public final class OptionChecks {

    private final List<String> problems = new ArrayList<>();

    /** {@code least} is the smallest legal value. */
    public OptionChecks atLeast(String option, long value, long least) {
        return require(value >= least, option + " " + value + "; must be a whole number, at least " + least);
    }

    /** Both bounds are legal values; NaN is not. */
    public OptionChecks within(String option, double value, double least, double most) {
        return require(value >= least && value <= most,
                option + " " + plain(value) + "; must be a number from " + plain(least) + " to " + plain(most));
    }

    public OptionChecks oneOf(String option, String value, String... words) {
        return require(Arrays.asList(words).contains(value),
                option + " '" + value + "'; must be one of " + String.join(", ", words));
    }

    public OptionChecks require(boolean holds, String problem) {
        if (!holds) {
            problems.add(problem);
        }
        return this;
    }

    /** Returns settings that check themselves; null, with their problems noted, if a value is wrong. */
    public <T> T settings(Supplier<T> settings) {
        try {
            return settings.get();
        } catch (UserError e) {
            problems.addAll(e.problems());
            return null;
        }
    }

    /** Throws UserError if anything was wrong. */
    public void throwIfAny() {
        UserError.throwIfAny(problems);
    }

    /** Writes a number as a user would, without the decimals of a whole one. */
    public static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? String.valueOf((long) value) : String.valueOf(value);
    }
}
