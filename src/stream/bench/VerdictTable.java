//JAVA 25+
//SOURCES ../terminal/Table.java
//SOURCES ../compare/Difference.java
//SOURCES ../compare/QuantileRatio.java
//SOURCES HistorySimulation.java
//SOURCES RunDesign.java
//SOURCES VerdictSimulation.java

package stream.bench;

import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

import stream.terminal.Table;

/** The table of Bench.java verdicts: what is said of equal models, and of models that differ, under the designs that people use. */
final class VerdictTable {

    /** A line of equal models. */
    record Equal(String design, RunDesign drawn, String caveat) { }

    /** A line of models that differ. */
    record Different(String design, RunDesign drawn) { }

    private final int dataSets;

    VerdictTable(int dataSets) {
        this.dataSets = dataSets;
    }

    /** What the documentation says that people should do; false verdicts are at most 5 %. */
    static List<Equal> documented() {
        return List.of(
                new Equal("8 prompts x 20, each prompt and model with its own effect", RunDesign.of(8, 20, 0.2, 0.2), ""),
                new Equal("the same with three models, any verdict", RunDesign.of(8, 20, 0.2, 0.2).models(3), ""),
                new Equal("the same with eight models, any verdict", RunDesign.of(8, 20, 0.2, 0.2).models(8), ""),
                new Equal("30 x 2", RunDesign.of(30, 2, 0, 0.2), ""),
                new Equal("60 x 1", RunDesign.of(60, 1, 0, 0.2), ""),
                new Equal("60 x 1, first and last token independent", RunDesign.of(60, 1, 0, 0.2).twoMetrics(), ""),
                new Equal("30 x 2, heavy tails", RunDesign.of(30, 2, 0, 0.2).heavyTails(), ""),
                new Equal("sides ABABAB, day effect 0.1", RunDesign.of(8, 5, 0, 0.2).sides("ABABAB", 0.1), ""),
                new Equal("the same, each prompt and side with its own effect 0.2", RunDesign.of(8, 5, 0.2, 0.2)
                        .sides("ABABAB", 0.1), ""),
                new Equal("sides of 2 and 10 runs in turns", RunDesign.of(8, 5, 0, 0.2).sides("BBBABBBBBABB", 0.1), ""),
                new Equal("--by model over 3 runs, each day and model with its own effect 0.1",
                        RunDesign.of(8, 5, 0, 0.2).days(3, 0.1), ""));
    }

    /** What limits a verdict, and is said with it. */
    static List<Equal> limited() {
        return List.of(
                new Equal("3 x 20, own effects 0.2", RunDesign.of(3, 20, 0.2, 0.2), "for these 3 prompts"),
                new Equal("1 x 20, own effects 0.2", RunDesign.of(1, 20, 0.2, 0.2), "for this prompt"),
                new Equal("--order by-model, drift +20 %", RunDesign.of(8, 20, 0, 0.2).oneAfterTheOther().drift(0.2), "time"),
                new Equal("the same with one retry at the end",
                        RunDesign.of(8, 20, 0, 0.2).oneAfterTheOther().drift(0.2).oneLate(), "time"),
                new Equal("before and after, one run each, day effect 0.1", RunDesign.of(8, 20, 0, 0.2).sides("AB", 0.1), "time"),
                new Equal("sides AAABBB, each side on one day, 0.1",
                        RunDesign.of(8, 5, 0, 0.2).sides("AAABBB", 0.1).sidesOnOneDayEach(), "time"),
                new Equal("sides AAABBB, drift +20 %", RunDesign.of(8, 5, 0, 0.2).sides("AAABBB", 0).drift(0.2), "time"),
                new Equal("sides ABABAB over 1 prompt, own effects 0.2", RunDesign.of(1, 20, 0.2, 0.2).sides("ABABAB", 0.05),
                        "for this prompt"),
                new Equal("sides ABABAB over 2 prompts, own effects 0.2", RunDesign.of(2, 20, 0.2, 0.2).sides("ABABAB", 0.05),
                        "for these 2 prompts"),
                new Equal("--by model over 1 run, each day and model 0.1", RunDesign.of(8, 5, 0, 0.2).days(1, 0.1), "in this run"),
                new Equal("--by model over 2 runs, the same", RunDesign.of(8, 5, 0, 0.2).days(2, 0.1), "in these 2 runs"),
                new Equal("5 of the 60 slowest timed out", RunDesign.of(60, 1, 0, 0.2).timedOut(5), "failures"),
                new Equal("5 of the 200 slowest timed out", RunDesign.of(200, 1, 0, 0.2).timedOut(5), "failures"),
                new Equal("own load 0.2, correlated by 0.8, 8 x 1", RunDesign.of(8, 1, 0, 0.2).load(0.2, 0.8), "load"),
                new Equal("the same, 12 x 1", RunDesign.of(12, 1, 0, 0.2).load(0.2, 0.8), "load"),
                new Equal("the same, 15 x 1", RunDesign.of(15, 1, 0, 0.2).load(0.2, 0.8), "load"),
                new Equal("the same, 20 x 1", RunDesign.of(20, 1, 0, 0.2).load(0.2, 0.8), "load"),
                new Equal("the same, 60 x 1", RunDesign.of(60, 1, 0, 0.2).load(0.2, 0.8), "load"),
                new Equal("own load 0.1, correlated by 0.8, 60 x 1", RunDesign.of(60, 1, 0, 0.2).load(0.1, 0.8), "load"),
                new Equal("the same, 8 x 20", RunDesign.of(8, 20, 0, 0.2).load(0.1, 0.8), "load"),
                new Equal("own load 0.1, correlated by 0.95, 8 x 20", RunDesign.of(8, 20, 0, 0.2).load(0.1, 0.95), "load"),
                new Equal("own load 0.2, correlated by 0.98, 8 x 20", RunDesign.of(8, 20, 0, 0.2).load(0.2, 0.98), "load"),
                new Equal("own load 0.2, correlated by 0.995, 8 x 20",
                RunDesign.of(8, 20, 0, 0.2).load(0.2, 0.995), "load; in this run"),
                new Equal("39 and 1 repetitions, own effects 0.2", RunDesign.ofUnequal(0, 0.2, 39, 1), "for these 2 prompts"),
                new Equal("20, 20 and 1 repetitions", RunDesign.ofUnequal(0, 0.2, 20, 20, 1), "for these 3 prompts"));
    }

    static List<Different> different() {
        return List.of(new Different("60 x 1, noise 0.1, ratio 1.06", RunDesign.of(60, 1, 0, 0.1).ratio(1.06)),
                new Different("the same with heavy tails", RunDesign.of(60, 1, 0, 0.1).ratio(1.06).heavyTails()),
                new Different("8 x 20, own effects 0.2, ratio 1.5", RunDesign.of(8, 20, 0.2, 0.2).ratio(1.5)),
                new Different("6 x 5, own effects 0.2, ratio 1.5", RunDesign.of(6, 5, 0.2, 0.2).ratio(1.5)),
                new Different("sides ABABAB, day effect 0.05, ratio 1.2",
                RunDesign.of(8, 5, 0, 0.2).sides("ABABAB", 0.05).ratio(1.2)),
                new Different("--by model over 3 runs, day effect 0.05, ratio 1.2",
                RunDesign.of(8, 5, 0, 0.2).days(3, 0.05).ratio(1.2)));
    }

    String text() {
        var text = new StringBuilder();
        var equal = new Table().column("equal models", true).column("false verdicts", false).column("without caveat", false)
                .column("interval holds 1", false).column("caveat", true);
        documented().forEach(line -> row(equal, line));
        limited().forEach(line -> row(equal, line));
        text.append(equal.markdown()).append('\n');
        var different = new Table().column("models that differ", true).column("found", false).column("without caveat", false)
                .column("Wilcoxon", false);
        different().forEach(line -> {
            var said = VerdictSimulation.said(line.drawn(), dataSets);
            different.row(List.of(line.design(), percent(share(said, VerdictSimulation.Said::isDifferent)),
                    percent(share(said, VerdictSimulation.Said::isDifferentWithoutCaveat)),
                    line.drawn().hasSides() || line.design().startsWith("--by") ? ""
                            : percent(VerdictSimulation.shareByRanks(line.drawn(), dataSets))));
        });
        for (var table : List.of(different, tails(), same(), histories())) {
            text.append(table.markdown()).append('\n');
        }
        return text.toString();
    }

    private void row(Table table, Equal line) {
        var said = VerdictSimulation.said(line.drawn(), dataSets);
        table.row(List.of(line.design(), percent(share(said, VerdictSimulation.Said::isDifferent)),
                percent(share(said, withoutCaveat(line))), percent(share(said, VerdictSimulation.Said::holdsOne)), line.caveat()));
    }

    /** Each run is one of a day, which is said of every run: that counts as a caveat only where it is the one that matters. */
    static Predicate<VerdictSimulation.Said> withoutCaveat(Equal line) {
        return line.caveat().contains("in th") ? VerdictSimulation.Said::isDifferentOnAnyDay
                : VerdictSimulation.Said::isDifferentWithoutCaveat;
    }

    private static double share(List<VerdictSimulation.Said> said, Predicate<VerdictSimulation.Said> predicate) {
        return said.stream().filter(predicate).count() / (double) said.size();
    }

    static List<Equal> withTails() {
        return List.of(new Equal("8 x 20, own effects 0.2", RunDesign.of(8, 20, 0.2, 0.2), ""),
                new Equal("60 x 2", RunDesign.of(60, 2, 0, 0.2), ""),
                new Equal("200 x 1, heavy tails", RunDesign.of(200, 1, 0, 0.2).heavyTails(), ""),
                new Equal("8 x 20, eight models", RunDesign.of(8, 20, 0.2, 0.2).models(8), ""),
                new Equal("80 x 2, own load 0.1, correlated by 0.8", RunDesign.of(80, 2, 0, 0.2).load(0.1, 0.8), ""),
                new Equal("80 x 2, own load 0.2, correlated by 0.9", RunDesign.of(80, 2, 0, 0.2).load(0.2, 0.9), ""),
                new Equal("80 x 2, own load 0.2, correlated by 0.98", RunDesign.of(80, 2, 0, 0.2).load(0.2, 0.98), ""),
                new Equal("sides ABAB, day effect 0.1", RunDesign.of(80, 1, 0, 0.2).sides("ABAB", 0.1), ""));
    }

    private Table tails() {
        var table = new Table().column("ratio of p95 of equal models", true).column("interval shown", false)
                .column("of these it holds 1", false).column("'ttft_p95 > 1.2x' fails", false).column("note of a tail", false);
        withTails().forEach(line -> {
            var said = VerdictSimulation.said(line.drawn(), dataSets);
            var shown = said.stream().map(VerdictSimulation.Said::tail)
                    .filter(tail -> tail != null && tail.lower() != null).toList();
            var holds = shown.stream().filter(tail -> tail.lower() <= 1 && 1 <= tail.upper()).count();
            table.row(List.of("p95: " + line.design(), percent(shown.size() / (double) said.size()),
                    shown.isEmpty() ? "" : percent(holds / (double) shown.size()),
                    percent(shown.stream().filter(tail -> tail.lower() > 1.2).count() / (double) said.size()),
                    percent(share(said, VerdictSimulation.Said::hasTailNote))));
        });
        return table;
    }

    private Table same() {
        var table = new Table().column("\"the same\" within 5 %", true).column("said", false);
        for (var ratio : List.of(1.0, 1.05, 1 / 1.05)) {
            for (var prompts : List.of(60, 200)) {
                table.row(List.of(String.format(Locale.ROOT, "%d x 1, noise 0.1, ratio %.3f", prompts, ratio),
                        percent(VerdictSimulation.share(RunDesign.of(prompts, 1, 0, 0.1).ratio(ratio), dataSets,
                                VerdictSimulation.Said::isSame))));
            }
        }
        for (var ratio : List.of(1.0, 1.1, 1.2, 1.5)) {
            table.row(List.of("--fail-if 'ttft_p50 > 1.2x' fails, 20 x 1, noise 0.2, ratio " + ratio,
                    percent(VerdictSimulation.share(RunDesign.of(20, 1, 0, 0.2).ratio(ratio), dataSets,
                            said -> said.differences().getFirst().lower95() > 1.2))));
        }
        return table;
    }

    private Table histories() {
        var table = new Table().column("histories", true).column("change marked", false).column("without caveat", false);
        var few = Math.max(1, dataSets / 4); // each is tested with 2,000 random orders
        for (var runs : List.of(10, 12, 24, 60)) {
            row(table, runs + " runs without a change, spread 0.05", HistorySimulation.of(runs, 0.05), few);
        }
        row(table, "24 runs, heavy tails", HistorySimulation.of(24, 0.05).withHeavyTails(), few);
        for (var runs : List.of(12, 24)) {
            for (var correlation : List.of(0.5, 0.8)) {
                row(table, runs + " runs, each like the one before (" + correlation + ")",
                        HistorySimulation.of(runs, 0.05).correlated(correlation), few);
            }
        }
        for (var drift : List.of(0.1, 0.2)) {
            row(table, "24 runs, linear drift of " + drift, HistorySimulation.of(24, 0.05).drifting(drift), few);
        }
        for (var ratio : List.of(1.05, 1.1)) {
            row(table, "found: 24 runs, from the 13th on " + ratio + "x", HistorySimulation.of(24, 0.05).changed(12, ratio), few);
        }
        row(table, "found: 24 runs, from the 20th on 1.1x", HistorySimulation.of(24, 0.05).changed(19, 1.1), few);
        for (var last : List.of(1, 2, 3)) {
            row(table, "found: 24 runs, the last " + last + " 1.5x", HistorySimulation.of(24, 0.05).changed(24 - last, 1.5), few);
        }
        return table;
    }

    private static void row(Table table, String design, HistorySimulation simulated, int histories) {
        var marked = simulated.marked(histories);
        table.row(List.of(design, percent(marked.share()), percent(marked.withoutCaveat())));
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", share * 100);
    }
}
