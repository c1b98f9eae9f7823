#!/usr/bin/env python3
"""Prints the figures that StatisticsTest expects, computed with NumPy and SciPy from the definitions in docs/comparing.md.

Run: tests/tools/statistics_figures.py   (needs SciPy: apt-get install python3-scipy)
"""

import math
import pathlib
import re

import numpy
from scipy import optimize, stats

TEST = (pathlib.Path(__file__).parents[1] / "compare/StatisticsTest.java").read_text(encoding="utf-8")
WAVES, ALLOWANCE, FEWEST_VALUES = 8, 1.3, 16


def constant(name):
    """Returns an array of StatisticsTest."""
    return numpy.array([float(value) for value in re.search(name + r" = \{(.*?)\}", TEST, re.S)[1].split(",")])


VALUES, BASELINE = constant("VALUES"), constant("BASELINE")
RATIOS = numpy.log(VALUES / BASELINE)


def dependence(series):
    """Returns variance of the sum, excess and p value of TimeDependence."""
    size, variance = len(series), numpy.dot(series, series)
    most = variance * (inflation(size, largest_share(series, variance)) - 1)
    if size < FEWEST_VALUES:
        return variance, 0, 1, most, 0
    time = numpy.arange(size) + 0.5
    waves = [2 * numpy.dot(series, numpy.cos(math.pi * wave * time / size)) ** 2 for wave in range(1, WAVES + 1)]
    excess = ALLOWANCE * max(0, numpy.mean(waves) - variance)
    return (variance, excess, stats.chi2.sf(sum(waves) / variance, WAVES), max(excess, most),
            math.sqrt(max(0, sum(waves) - WAVES * variance)))


def largest_share(series, variance):
    """Returns the upper end of the share of lasting load: least squares of the first autocorrelations on 0.8, 0.8^2, ..."""
    size, lags = len(series), numpy.arange(1, 5)
    alike = numpy.array([numpy.dot(series[lag:], series[:-lag]) / variance for lag in lags]) + (1 - lags / size) / size
    decay = 0.8 ** lags
    return min(1, max(0, numpy.dot(decay, alike) / numpy.dot(decay, decay) + 40 / size / math.sqrt(size * numpy.dot(decay, decay))))


def inflation(size, share):
    """Returns the variance of the mean by that of independent values of the same sample variance, from the covariance matrix."""
    covariance = share * 0.8 ** abs(numpy.subtract.outer(numpy.arange(size), numpy.arange(size))) + (1 - share) * numpy.eye(size)
    of_mean = covariance.sum() / size ** 2
    return of_mean / ((numpy.trace(covariance) - size * of_mean) / (size - 1) / size)


def pairs(ratios, prompts):
    """Returns the figures of Difference.ofPairs: ratio, 95 % and 90 % interval, p value; spreads between and within; p of drift."""
    own = [ratios[prompts == prompt] for prompt in sorted(set(prompts))]
    means, count, repeated = numpy.array([each.mean() for each in own]), len(own), len(ratios) > len(own)
    mean = means.mean()
    within = sum(((each - each.mean()) ** 2).sum() for each in own) / (len(ratios) - count) if repeated else 0
    between = means.var(ddof=1) if count > 1 else 0
    size = {prompt: (prompts == prompt).sum() for prompt in set(prompts)}
    average = {prompt: ratios[prompts == prompt].mean() for prompt in set(prompts)}
    series = [(ratio - (average[prompt] if repeated else mean)) / count / size[prompt]
              * math.sqrt((size[prompt] / (size[prompt] - 1) if size[prompt] > 1 else 1) if repeated else len(ratios) / (len(ratios) - 1))
              for ratio, prompt in zip(ratios, prompts)]
    _, excess, drift, _, _ = dependence(numpy.array(series))
    if count >= 6:
        variance, degrees = between / count, count - 1
    else:
        few = min(len(each) for each in own) < 6
        variance = sum((within if few else each.var(ddof=1)) / len(each) for each in own) / count ** 2
        degrees = len(ratios) - count
    total = variance + excess
    degrees = degrees if excess == 0 else total ** 2 / (variance ** 2 / degrees + excess ** 2 / WAVES)
    ends = [math.exp(mean + stats.t.ppf(level, degrees) * math.sqrt(total)) for level in (0.025, 0.975, 0.05, 0.95)]
    spread = math.sqrt(max(0, between - within * numpy.mean([1 / len(each) for each in own]))), math.sqrt(within if repeated else between)
    return [math.exp(mean), *ends, 2 * stats.t.sf(abs(mean) / math.sqrt(total), degrees)], spread, drift


def welch(values, baseline):
    """Returns ratio and 95 % interval."""
    test = stats.ttest_ind(values, baseline, equal_var=False)
    interval = test.confidence_interval(0.95)
    return [math.exp(each) for each in (values.mean() - baseline.mean(), interval.low, interval.high)], test.pvalue


def sides(values, baseline):
    """Returns ratio, 95 % interval and p value of two sides as run by prompt, and the variance and degrees of freedom."""
    counts = len(values), len(baseline)
    degrees, per_run = sum(counts) - 2, 1 / counts[0] + 1 / counts[1]
    runs = sum(side.mean(axis=1).var(ddof=1) * (len(side) - 1) for side in (values, baseline)) / degrees * per_run
    rest = [side - side.mean(axis=1, keepdims=True) - side.mean(axis=0) + side.mean() for side in (values, baseline)]
    columns = values.shape[1]
    cells = sum((each ** 2).sum() for each in rest) / (degrees * (columns - 1)) * per_run / columns
    prompts = (values.mean(axis=0) - baseline.mean(axis=0)).var(ddof=1) / columns
    return crossed(values.mean() - baseline.mean(), (runs, degrees), (prompts, columns - 1), (cells, degrees * (columns - 1)))


def runs_in_pairs(ratios):
    """Returns the same for ratios as run by prompt."""
    count, columns = ratios.shape
    rest = ratios - ratios.mean(axis=1, keepdims=True) - ratios.mean(axis=0) + ratios.mean()
    degrees = (count - 1) * (columns - 1)
    return crossed(ratios.mean(), (ratios.mean(axis=1).var(ddof=1) / count, count - 1),
                   (ratios.mean(axis=0).var(ddof=1) / columns, columns - 1), ((rest ** 2).sum() / degrees / count / columns, degrees))


def crossed(mean, runs, prompts, cells):
    """Returns the figures of a crossed layout: variance of runs and prompts less that of cells, degrees after Satterthwaite."""
    variance, degrees = max(runs, prompts)
    if prompts[1] < 5:
        variance, degrees = runs
    elif runs[0] + prompts[0] - cells[0] > variance:
        variance = runs[0] + prompts[0] - cells[0]
        degrees = variance ** 2 / sum(part ** 2 / of for part, of in (runs, prompts, cells))
    ends = [math.exp(mean + stats.t.ppf(level, degrees) * math.sqrt(variance)) for level in (0.025, 0.975, 0.05, 0.95)]
    return math.exp(mean), *ends, 2 * stats.t.sf(abs(mean) / math.sqrt(variance), degrees)


def quantile_interval(values, prompts, fraction):
    """Returns the values at the ends of QuantileInterval."""
    order = numpy.argsort(values, kind="stable")
    values, prompts = values[order], prompts[order]
    size, names = len(values), sorted(set(prompts))
    rank = math.ceil(fraction * size)
    share = rank / size
    excess = [sum((1 if i < rank else 0) - share for i in range(size) if prompts[i] == name) for name in names]
    count = len(names)
    variance = count / (count - 1) * sum(each ** 2 for each in excess) / size ** 2
    wider = stats.t.ppf(0.025, count - 1) / stats.t.ppf(0.025, size - 1)
    independent = min(size, size * share * (1 - share) / ((size - 1) * variance * wider ** 2))
    lower, upper = (optimize.brentq(lambda middle: stats.beta.cdf(fraction, middle, independent - middle + 1) - level, 1e-9, independent + 1 - 1e-9)
                    for level in (0.975, 0.025))
    each = size / independent
    return independent, lower, upper, values[math.floor(lower * each) - 1], values[min(size, math.ceil(upper * each)) - 1]


def at_level(p_value, level, low, high):
    """Returns the factor at which a p value that falls with it passes a level."""
    return optimize.brentq(lambda factor: p_value(factor) - level, low, high)


def correlation(series):
    """Returns the estimate of runsResemble for a series without a change."""
    rest = series - series.mean()
    return numpy.dot(rest[1:], rest[:-1]) / numpy.dot(rest, rest) + 1 / len(series)


if __name__ == "__main__":
    index = numpy.arange(24)
    for name, ratios, prompts in (("24 prompts", RATIOS, index), ("8 prompts", RATIOS, index % 8), ("2 prompts", RATIOS, index % 2),
                                  ("8 of unequal size", RATIOS, numpy.minimum(index % 10, 7)),
                                  ("9, one asked once", RATIOS, numpy.where(index == 23, 8, index % 8)),
                                  ("3 of unequal size", RATIOS, numpy.minimum(index % 4, 2)),
                                  ("2 that differ", numpy.sort(RATIOS), index // 12),
                                  ("24, sorted", numpy.sort(RATIOS), index), ("8, sorted", numpy.sort(RATIOS), index % 8),
                                  ("2, sorted", numpy.sort(RATIOS), index % 2)):
        print(name, *pairs(ratios, prompts))
    print("Welch, 5 and 7", *welch(numpy.log(VALUES[:5]), numpy.log(BASELINE[:7])))
    print("dependence", dependence(numpy.sort(RATIOS)), dependence(RATIOS), dependence(RATIOS[:16]))
    print("dependence of 15", dependence(RATIOS[:15]))
    table = numpy.log(VALUES).reshape(4, 6)
    others = numpy.log(BASELINE).reshape(4, 6)
    shift = numpy.arange(4)[:, None] * 0.1
    print("sides of 4 and 2 runs", *sides(table + shift, others[:2]))
    print("sides of 4 and 4 runs of 6 prompts that differ", *sides(table + numpy.arange(6) * 0.2, others))
    print("sides of 4 and 4 runs of 5 prompts", *sides(table[:, :5] + shift, others[:, :5]))
    print("4 runs in pairs", *runs_in_pairs(table - others + shift))
    print("4 runs in pairs of prompts that differ", *runs_in_pairs(table - others + shift + numpy.arange(6) * 0.2))
    print("4 runs in pairs of 5 prompts", *runs_in_pairs((table - others + shift)[:, :5]))
    print("trend of 1 % in", at_level(lambda slope: stats.linregress(index, RATIOS + slope * index).pvalue, 0.01, 0, 0.1))
    print("machines of 1 %", at_level(lambda shift: stats.f_oneway(RATIOS[:8], RATIOS[8:16], RATIOS[16:] + shift).pvalue, 0.01, 0, 2))
    level = numpy.concatenate((RATIOS[:12], RATIOS[12:] + 1))
    print("change", *welch(level[12:], level[:12]))
    print("resemblance at 24", 0.84 / math.sqrt(24), "passed at", at_level(
        lambda weight: correlation(weight * numpy.sort(RATIOS) + RATIOS) - 0.84 / math.sqrt(24), 0, 0, 1))
    for prompts in (8, 30):
        print("bootstrap", prompts, [stats.norm.cdf(stats.t.ppf(level, prompts - 1) * math.sqrt(prompts / (prompts - 1))) * 999
                                     for level in (0.025, 0.975, 0.05, 0.95)])
    tail, prompts = numpy.arange(400) * 7919 % 1009 + 1.0, numpy.arange(400) % 40
    print("p95 of 40 prompts", quantile_interval(tail, prompts, 0.95))
    print("p90 of prompts that differ", quantile_interval(tail + 300 * (prompts % 3), prompts, 0.9))
    print("p50 of 8 prompts", quantile_interval(tail + 100 * (prompts % 8), prompts % 8, 0.5))

    print("CompareTest: fastAndSlow")
    index = numpy.arange(24)
    fast, slow, gap = 100 + index * 7 % 24, 150 + index * 5 % 24, 8 + index % 2
    for name, ratios in (("TTFT", slow / fast), ("ITL, TPOT", gap / 5), ("TTLT", (slow + 19 * gap) / (fast + 19 * 5)),
                         ("total", (slow + 19 * gap + 1) / (fast + 19 * 5 + 1))):
        print(name, *("%.2f" % each for each in pairs(numpy.log(ratios), index // 3)[0][:3]))
    for name, ttft, itl in (("fast", fast, 5), ("slow", slow, gap)):
        ttlt = ttft + 19 * itl
        print(name, *("%.2f" % numpy.median(each) for each in (ttft, itl, ttlt, ttlt + 1, ttft + 16 * itl, 20 / ttlt * 1000, 120 / ttlt * 1000)),
              "p95 %.2f" % numpy.quantile(ttft, 0.95))
    index = numpy.arange(120)
    print("TTFT p95, a", quantile_interval(100.0 + index * 37 % 120, index % 12, 0.95))
