//JAVA 25+

package stream.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Whether two groups were measured at the same time, so that what changes with time changes both. */
final class Simultaneity {

    /** A request, from its start to its end; in any unit. */
    record Flight(double start, double end) { }

    /** The share of the requests of either group that must have one of the other nearby; chosen by simulation of a drift. */
    private static final double LEAST_SHARE = 0.9;

    /** With many requests, a retry or a late start may separate two that belong together by this many. */
    private static final int NEARBY = 3;
    private static final int MANY = 20;

    /** How far from one half the share of run pairs may be in which the run of the one side came first. */
    private static final double ALTERNATING = 0.25;

    private final Collection<List<Flight>> runs;
    private final Collection<List<Flight>> otherRuns;

    /** Takes the requests of two groups, run by run. */
    Simultaneity(Collection<List<Flight>> runs, Collection<List<Flight>> otherRuns) {
        this.runs = runs;
        this.otherRuns = otherRuns;
    }

    /**
     * Whether their requests, or their runs where these are compared, were sent at the same time or in turns.
     *
     * @param byRuns whether each run counts as one value
     */
    boolean isGiven(boolean byRuns) {
        return share() >= LEAST_SHARE || byRuns && alternate();
    }

    /** Returns the smaller of the two shares of requests with one of the other group nearby: in flight, or next in order. */
    double share() {
        var own = inOrder(runs);
        var other = inOrder(otherRuns);
        var reach = Math.min(own.size(), other.size()) < MANY ? 1 : NEARBY;
        return Math.min(share(own, other, reach), share(other, own, reach));
    }

    private static List<Flight> inOrder(Collection<List<Flight>> runs) {
        return runs.stream().flatMap(List::stream).sorted(Comparator.comparingDouble(Flight::start)).toList();
    }

    private static double share(List<Flight> own, List<Flight> other, int reach) {
        var starts = other.stream().mapToDouble(Flight::start).toArray();
        var latestEnds = other.stream().mapToDouble(Flight::end).toArray();
        Arrays.parallelPrefix(latestEnds, Math::max);
        var accompanied = 0;
        for (int i = 0; i < own.size(); i++) {
            var begun = begun(starts, own.get(i).end());
            var isInFlight = begun > 0 && latestEnds[begun - 1] >= own.get(i).start();
            accompanied += isInFlight || isNext(own, i, starts, reach) ? 1 : 0;
        }
        return accompanied / (double) own.size();
    }

    /** Returns how many have begun until then. */
    private static int begun(double[] starts, double time) {
        var at = Arrays.binarySearch(starts, time);
        while (at >= 0 && at + 1 < starts.length && starts[at + 1] == time) {
            at++;
        }
        return at >= 0 ? at + 1 : -at - 1;
    }

    /** Whether one of the others is among the next requests before or after it. */
    private static boolean isNext(List<Flight> own, int at, double[] starts, int reach) {
        var before = begun(starts, own.get(at).start());
        var last = own.get(Math.min(own.size() - 1, at + reach));
        var first = own.get(Math.max(0, at - reach));
        return before < starts.length && (at + reach >= own.size() || starts[before] <= last.start())
                || before > 0 && (at - reach < 0 || starts[before - 1] >= first.start());
    }

    /**
     * Whether neither side came first: of all pairs of runs about half have the run of the one side first (Mann and Whitney 1947).
     */
    private boolean alternate() {
        var first = 0.0;
        for (var run : begins(runs)) {
            for (var other : begins(otherRuns)) {
                first += run < other ? 1 : run == other ? 0.5 : 0;
            }
        }
        return Math.abs(first / runs.size() / otherRuns.size() - 0.5) <= ALTERNATING;
    }

    private static List<Double> begins(Collection<List<Flight>> runs) {
        var begins = new ArrayList<Double>();
        runs.forEach(run -> begins.add(run.stream().mapToDouble(Flight::start).min().orElseThrow()));
        return begins;
    }
}
