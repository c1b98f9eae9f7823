//JAVA 25+

package stream.simulator;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Pattern;

/**
 * How long a simulated model takes. The times are lognormal around their medians.
 *
 * @param ttftMillis median time to the first token
 * @param itlMillis  median time between two tokens
 * @param ttftSpread sigma of the logarithm of the time to the first token; 0 makes it exact
 * @param itlSpread  the same for the time between two tokens
 * @param tokens     length of each answer; 0 for as long as its text is
 * @param clock      whether each token is the time when it was sent, in nanoseconds since the request was received
 */
record LatencyProfile(double ttftMillis, double itlMillis, double ttftSpread, double itlSpread, int tokens, boolean clock) {

    static final Map<String, LatencyProfile> PROFILES = Map.of(
            "gpt-4", new LatencyProfile(400, 20, 0.25, 0.35, 0, false),
            "gpt-3.5-turbo", new LatencyProfile(180, 8, 0.25, 0.35, 0, false),
            "text-davinci-003", new LatencyProfile(260, 12, 0.25, 0.35, 0, false));
    private static final LatencyProfile ANY_OTHER = new LatencyProfile(200, 10, 0.25, 0.35, 0, false);

    private static final Pattern IN_NAME =
            Pattern.compile("sim-ttft(\\d+(?:\\.\\d+)?)-itl(\\d+(?:\\.\\d+)?)-n(\\d{1,9})(-clock)?");

    static LatencyProfile ofModel(String name) {
        var named = IN_NAME.matcher(name);
        if (named.matches()) {
            return new LatencyProfile(Double.parseDouble(named.group(1)), Double.parseDouble(named.group(2)), 0, 0,
                    Integer.parseInt(named.group(3)), named.group(4) != null);
        }
        return PROFILES.getOrDefault(name, ANY_OTHER);
    }

    long nextTtftNanos(SplittableRandom random) {
        return nanos(ttftMillis, ttftSpread, random);
    }

    long nextItlNanos(SplittableRandom random) {
        return nanos(itlMillis, itlSpread, random);
    }

    private static long nanos(double medianMillis, double spread, SplittableRandom random) {
        return Math.round(medianMillis * 1e6 * (spread == 0 ? 1 : Math.exp(spread * random.nextGaussian())));
    }
}
