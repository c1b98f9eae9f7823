//JAVA 25+
//DEPS org.apache.commons:commons-statistics-inference:1.2

package stream.compare;

import java.util.Arrays;

import org.apache.commons.statistics.distribution.ChiSquaredDistribution;

/**
 * How much the sum of a series in the order of time varies beyond what independent values would. The series is compared with
 * slow cosine waves: the values of a series without dependence go with them as with any other (Lazarus, Lewis, Stock and Watson
 * 2018, HAR Inference: Recommendations for Practice, the equal-weighted cosine estimator).
 *
 * @param variance   of the sum, if the values are independent
 * @param excess     what the dependence adds; 0 if there is none
 * @param pValue     of independence
 * @param mostExcess what dependence adds that is as strong as the series allows, if each value is correlated by 0.8 with the next
 *                   but for noise of its own
 * @param slowSpread standard deviation of what changes as slowly as the waves, in the unit of the sum
 */
record TimeDependence(double variance, double excess, double pValue, double mostExcess, double slowSpread) {

    /** More of them would see faster changes only, fewer would give an uncertain estimate. */
    static final int WAVES = 8;

    /**
     * The estimate is too small where the dependence lasts about as long as the shortest wave; chosen by simulation, so that load
     * that is correlated by 0.8 from request to request leaves a false verdict in 20 comparisons.
     */
    private static final double ALLOWANCE = 1.3;

    private static final int FEWEST_VALUES = 16;
    private static final double LASTING = 0.8;
    private static final int LAGS = 4;

    /**
     * By how many standard errors the share of the dependence may be above its estimate, times the number of values: few values
     * allow much. Chosen by simulation, so that at most 7 % of the verdicts under such a load are false without a caveat.
     */
    private static final double ALLOWED_ERRORS = 40;

    static TimeDependence of(double[] series) {
        var variance = Arrays.stream(series).map(value -> value * value).sum();
        if (variance == 0) {
            return new TimeDependence(0, 0, 1, 0, 0);
        }
        var most = variance * (inflation(series.length, largestShare(series, variance)) - 1);
        if (series.length < FEWEST_VALUES) {
            return new TimeDependence(variance, 0, 1, most, 0);
        }
        var slow = 0.0;
        for (int wave = 1; wave <= WAVES; wave++) {
            var along = 0.0;
            for (int i = 0; i < series.length; i++) {
                along += series[i] * Math.cos(Math.PI * wave * (i + 0.5) / series.length);
            }
            slow += 2 * along * along;
        }
        var excess = ALLOWANCE * Math.max(0, slow / WAVES - variance);
        return new TimeDependence(variance, excess, ChiSquaredDistribution.of(WAVES).survivalProbability(slow / variance),
                Math.max(excess, most), Math.sqrt(Math.max(0, slow - WAVES * variance)));
    }

    /** Returns the largest share of the variance that may be of lasting load: its estimate from the first lags and its error. */
    private static double largestShare(double[] series, double variance) {
        var size = series.length;
        var products = 0.0;
        var weights = 0.0;
        for (int lag = 1; lag <= Math.min(LAGS, size - 1); lag++) {
            var alike = 0.0;
            for (int i = lag; i < size; i++) {
                alike += series[i] * series[i - lag];
            }
            var weight = Math.pow(LASTING, lag);
            products += weight * (alike / variance + (1 - lag / (double) size) / size); // values less their mean are less alike
            weights += weight * weight;
        }
        return Math.clamp(products / weights + ALLOWED_ERRORS / size / Math.sqrt(size * weights), 0, 1);
    }

    /** Returns how many times the variance of the mean is what independent values of the same spread would give. */
    private static double inflation(int size, double share) {
        var common = (double) size;
        for (int lag = 1; lag < size; lag++) {
            common += 2 * (size - lag) * Math.pow(LASTING, lag);
        }
        var ofMean = share * common / size / size + (1 - share) / size;
        return ofMean * (size - 1) / (1 - ofMean);
    }
}
