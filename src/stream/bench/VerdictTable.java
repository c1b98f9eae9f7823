//JAVA 25+
//SOURCES ../terminal/Table.java
//SOURCES ../compare/Difference.java
//SOURCES RunDesign.java
//SOURCES VerdictSimulation.java

package stream.bench;

import java.util.List;
import java.util.Locale;

import stream.terminal.Table;

/** The lines of the table, each with what Wilcoxon's test would say where it applies. */
final class VerdictTable {

    private final int dataSets;
    private final Table table = new Table().column("runs without a true difference", true).column("false verdicts", false)
            .column("Wilcoxon", false).column("caveat in the sentence", true);

    VerdictTable(int dataSets) {
        this.dataSets = dataSets;
    }

    String text() {
        withoutDifference();
        table.row(List.of("", "", "", ""));
        sameOrFound();
        table.row(List.of("", "", "", ""));
        limits();
        table.row(List.of("", "", "", ""));
        histories();
        return table.text();
    }

    private void withoutDifference() {
        var spread = RunDesign.of(8, 20, 0.2, 0.2);
        row("8 prompts x 20, each prompt and model with its own effect", spread, 1, "");
        row("the same with three models, any verdict", VerdictSimulation.shareOfMany(spread, 3, dataSets), null, "");
        for (var prompts : List.of(3, 1)) {
            row(prompts + " x 20, the same", VerdictSimulation.share(RunDesign.of(prompts, 20, 0.2, 0.2), 1, dataSets,
                    VerdictSimulation::isDifferent), null, prompts == 1 ? "for this prompt only" : "for these 3 prompts only");
        }
        row("30 x 2", RunDesign.of(30, 2, 0, 0.2), 1, "");
        row("60 x 1", RunDesign.of(60, 1, 0, 0.2), 1, "");
        row("30 x 2, heavy tails", RunDesign.of(30, 2, 0, 0.2).withHeavyTails(), 1, "");
        row("--order by-model, +20 % drift, 8 x 20", RunDesign.of(8, 20, 0, 0.2).oneAfterTheOther(0.2), 1, "not at the same time");
        for (var day : List.of(0.05, 0.1)) {
            var twoDays = RunDesign.of(8, 20, 0, 0.2).onTwoDays(day);
            row("before and after, one run each, 8 x 20, day effect " + day, twoDays, 1, "not at the same time");
            row("the same with three runs of each", VerdictSimulation.shareOfRuns(twoDays, 3, dataSets), null, "");
        }
        for (var correlation : List.of(0.8, 0.95)) {
            var loaded = RunDesign.of(8, 20, 0, 0.2).withLoad(0.1, correlation);
            row("8 x 20, each model with its own load, correlated by " + correlation, loaded, 1, "");
            row("of these without the caveat", VerdictSimulation.share(loaded, 1, dataSets,
                    difference -> VerdictSimulation.isDifferent(difference) && !difference.mayBeLoad()), null, "the load changed");
        }
    }

    private void sameOrFound() {
        var independent = RunDesign.of(60, 1, 0, 0.1);
        row("\"the same\" at a true ratio of 1.05, 60 x 1, spread 0.1",
                VerdictSimulation.share(independent, 1.05, dataSets, VerdictSimulation::isSame), null, "");
        row("the same, 200 x 1",
                VerdictSimulation.share(RunDesign.of(200, 1, 0, 0.1), 1.05, dataSets, VerdictSimulation::isSame), null, "");
        row("found to be the same: 60 x 1, spread 0.1",
                VerdictSimulation.share(independent, 1, dataSets, VerdictSimulation::isSame), null, "");
        row("found: 60 x 1, spread 0.1, true ratio 1.06", independent, 1.06, "");
        row("found: 60 x 1, heavy tails", independent.withHeavyTails(), 1.06, "");
        row("found: 8 x 20, own effects 0.2, true ratio 1.5", RunDesign.of(8, 20, 0.2, 0.2), 1.5, "");
        row("found: 6 x 5, own effects 0.2, true ratio 1.5", RunDesign.of(6, 5, 0.2, 0.2), 1.5, "");
    }

    private void limits() {
        var small = RunDesign.of(20, 1, 0, 0.2);
        for (var ratio : List.of(1.0, 1.1, 1.2, 1.5)) {
            row("--fail-if 'ttft_p50 > 1.2x', 20 x 1, true ratio " + ratio + ": fails",
                    VerdictSimulation.share(small, ratio, dataSets,
                    difference -> difference.lower95() > 1.2), null, "");
            row("undecided", VerdictSimulation.share(small, ratio, dataSets,
                    difference -> difference.lower95() <= 1.2 && difference.upper95() > 1.2), null, "");
        }
    }

    private void histories() {
        var few = Math.max(1, dataSets / 4); // each is tested with 2,000 random orders
        for (var runs : List.of(10, 24, 60)) {
            row("history of " + runs + " runs without a change, spread 0.05: a change is marked",
                    VerdictSimulation.shareOfHistories(runs, -1, 1, 0.05, 0, false, true, few), null, "");
        }
        row("the same with heavy tails, 24 runs", VerdictSimulation.shareOfHistories(24, -1, 1, 0.05, 0, true, true, few), null,
                "");
        for (var correlation : List.of(0.3, 0.5)) {
            row("the same, each run like the one before (" + correlation + "), 24 runs",
                    VerdictSimulation.shareOfHistories(24, -1, 1, 0.05, correlation, false, true, few), null,
                    "each run resembles the one before");
            row("of these without the caveat", VerdictSimulation.shareOfHistories(24, -1, 1, 0.05, correlation, false, false, few),
                    null, "");
        }
        for (var ratio : List.of(1.05, 1.1)) {
            row("found: 24 runs, from the 13th on " + ratio + "x, spread 0.05",
                    VerdictSimulation.shareOfHistories(24, 12, ratio, 0.05, 0, false, true, few), null, "");
        }
        row("found: 24 runs, from the 20th on 1.1x", VerdictSimulation.shareOfHistories(24, 19, 1.1, 0.05, 0, false, true, few),
                null, "");
        row("found without the caveat: 24 runs, from the 13th on 1.1x",
                VerdictSimulation.shareOfHistories(24, 12, 1.1, 0.05, 0, false, false, few), null, "");
    }

    private void row(String what, RunDesign design, double trueRatio, String caveat) {
        row(what, VerdictSimulation.share(design, trueRatio, dataSets, VerdictSimulation::isDifferent),
                VerdictSimulation.shareOfPairs(design, trueRatio, dataSets, VerdictSimulation::isDifferentByRanks), caveat);
    }

    private void row(String what, double share, Double byRanks, String caveat) {
        table.row(List.of(what, percent(share), byRanks == null ? "" : percent(byRanks), caveat));
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", share * 100);
    }
}
