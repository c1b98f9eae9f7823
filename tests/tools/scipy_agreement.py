#!/usr/bin/env python3
"""Computes the differences in TTFT and TTLT of runs with SciPy, and compares them with what Compare.java says.

Run: tests/tools/scipy_agreement.py results/RUN_ID...   (needs SciPy: apt-get install python3-scipy)

Each run has several models and at least six prompts. Read from requests.csv: the geometric mean of the ratios of pairs, Student's
interval over the means of the prompts, the correction for load that lasts, and p values after Holm, which both metrics share.
"""

import collections
import csv
import json
import math
import pathlib
import subprocess
import sys

import numpy

import statistics_figures

ROOT = pathlib.Path(__file__).resolve().parents[2]


METRICS = ("ttft", "ttlt")


def answers(run, metric):
    """Returns a metric and the start by model, then by prompt and repetition."""
    by_model = collections.defaultdict(dict)
    with open(run / "requests.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["phase"] == "measured" and row["status"] == "completed" and row[f"{metric}_ms"]:
                by_model[row["model"]][row["prompt_id"], row["repetition"]] = float(row[f"{metric}_ms"]), float(row["start_ms"])
    return by_model


def difference(own, other):
    """Returns ratio, ends of the 95 % interval, and p before Holm."""
    pairs = sorted((own[key][1], key[0], math.log(own[key][0] / other[key][0])) for key in own if key in other)
    figures = statistics_figures.pairs(numpy.array([ratio for *_, ratio in pairs]), numpy.array([prompt for _, prompt, _ in pairs]))[0]
    return (*figures[:3], figures[-1])


def holm(p_values, family):
    """Returns the corrected p values in the same order."""
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1, p_values[place] * (family - rank)))
        corrected[place] = least
    return corrected


def main():
    disagreements = 0
    for run in map(pathlib.Path, sys.argv[1:]):
        output = subprocess.run([ROOT / "jbang", ROOT / "Compare.java", run, "--format", "json"], capture_output=True, check=True)
        section = json.loads(output.stdout)["sections"][0]
        groups = [group for group in section["groups"] if group["label"] != section["baseline"]]
        compared = [(group, metric) for metric in METRICS for group in groups]
        by_metric = {metric: answers(run, metric) for metric in METRICS}
        expected = [difference(by_metric[metric][group["label"]], by_metric[metric][section["baseline"]]) for group, metric in compared]
        models = len(section["groups"])
        p_values = holm([each[3] for each in expected], len(METRICS) * models * (models - 1) // 2)
        for (group, metric), figures, p_value in zip(compared, expected, p_values):
            found = group["against"][metric]
            for name, ours, scipy in zip(("ratio", "low", "high", "p"), (found["ratio"], found["low"], found["high"], found["p"]),
                                         (*figures[:3], p_value)):
                agrees = math.isclose(ours, scipy, rel_tol=1e-9, abs_tol=1e-15)
                disagreements += not agrees
                print(f"{run.name} {group['label']} {metric}: {name} {ours:.9g}, SciPy {scipy:.9g}{'' if agrees else '  DIFFERENT'}")
    sys.exit(1 if disagreements else 0)


main()
