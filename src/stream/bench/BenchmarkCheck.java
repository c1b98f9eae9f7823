//JAVA 25+

package stream.bench;

/** Checks that a benchmark did its work. */
final class BenchmarkCheck {

    private BenchmarkCheck() {}

    /** Throws IllegalStateException with this message if it does not hold, so that JMH reports no figure. */
    static void must(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
