//JAVA 25+

package stream.terminal;

/** A number of things, in words. */
public final class Count {

    private Count() { }

    /** Returns the number with the noun, in its plural unless the number is 1. */
    public static String of(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }
}
