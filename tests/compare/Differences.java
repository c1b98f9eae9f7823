package stream.compare;

/** Differences as a test needs them. */
final class Differences {

    private Differences() { }

    static Difference ofMeans(double[] values, double[] baseline) {
        var fewest = Math.min(values.length, baseline.length);
        return Difference.ofMeans(values, baseline, new Sample(Unit.PROMPTS, fewest, fewest, false, new Scope(0, 0)));
    }

    /** Creates one; null ends are those of no interval, and a spread makes it one of pairs. */
    static Difference of(Unit unit, int units, int size, Double ratio, Double lower95, Double upper95,
            Double lower90, Double upper90,
            Double pValue, boolean loadIsSeen, Spread spread) {
        return new Difference(new Sample(unit, units, size, spread != null, new Scope(unit == Unit.REPETITIONS ? units : 0, 0)),
                ratio,
                lower95 == null ? null : new Interval(lower95, upper95),
                lower90 == null ? null : new Interval(lower90, upper90), pValue,
                LoadCheck.of(loadIsSeen, loadIsSeen), spread);
    }
}
