//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2
//SOURCES Interval.java

package stream.compare;

import org.apache.commons.statistics.distribution.TDistribution;

/**
 * A mean of logarithms with its variance, and the degrees of freedom of that.
 *
 * @param degrees above 0; not used if the variance is 0
 */
record Estimate(double mean, double variance, double degrees) {

    /** A part of a variance, and its degrees of freedom. */
    record Part(double variance, double degrees) {

        /** Returns the degrees of freedom of a sum or difference of parts (Satterthwaite 1946). */
        static double degrees(double variance, Part... parts) {
            var squares = 0.0;
            for (var part : parts) {
                squares += part.variance * part.variance / part.degrees;
            }
            return variance * variance / squares;
        }

        Part plus(Part other) {
            var sum = variance + other.variance;
            return other.variance == 0 ? this : variance == 0 ? other : new Part(sum, degrees(sum, this, other));
        }
    }

    static Estimate of(double mean, Part part) {
        return new Estimate(mean, part.variance(), part.degrees());
    }

    Interval interval(double level) {
        return new Interval(end((1 - level) / 2), end((1 + level) / 2));
    }

    private double end(double level) {
        return Math.exp(variance == 0 ? mean
                : mean + TDistribution.of(degrees).inverseCumulativeProbability(level) * Math.sqrt(variance));
    }

    /** Returns the two-sided p value of a mean of 0 (Student's test). */
    double pValue() {
        return variance == 0 ? mean == 0 ? 1 : 0
                : Math.min(1, 2 * TDistribution.of(degrees).survivalProbability(Math.abs(mean) / Math.sqrt(variance)));
    }
}
