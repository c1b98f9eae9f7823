package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.Compare;
import stream.fixtures.Printed;
import stream.fixtures.TestRun;
import stream.fixtures.ToolProcess;
import stream.metric.GapHistogram;
import stream.metric.Metrics;
import stream.record.CsvRun;

/** What is said of recorded runs: figures, pairs, verdicts, caveats, limits. */
@Execution(ExecutionMode.CONCURRENT)
class CompareTest extends CompareCase {

    @Test
    void theTextIsTheAnswerThenTheFiguresThenTheRatiosThenTheCaveats() {
        var run = fastAndSlow("20261123T100000Z-0001").failure("slow", "prompt-9", 1, "overloaded");
        run.record().put("simulated", true);
        assertEquals(GOLDEN_TEXT, compare(0, run.write()).out());
    }

    /** statistics_figures.py prints its figures, ratios and intervals. */
    private static final String GOLDEN_TEXT = """
            To the first token fast is 1.45x faster than slow; to the last token fast is 1.56x faster than slow, in this run.

                                ---- TTFT ms ----  ----- ITL ms -----  ----------- p50 ms ----------  ---------- p50 ----------
            model    n  failed    p50    p95  p99   p50  p95  p99 all  TPOT   TTLT  total  100 chars  tokens/s  chars/s  tokens  coalesced  requests/s  all tokens/s
            fast *  24       0  111.5  121.9       5.00          5.00  5.00  206.5  207.5      191.5      96.9      581      20        0 %        0.52          10.4
            slow    25       1  161.5  171.9       8.50          9.00  8.50  323.0  324.0      297.5      61.9      372      20        0 %        0.52          10.4
            * faster to the first token than all others

            Ratios to fast, above 1 is slower: o, and - their 95 % intervals
            metric        ratio  95 % interval                       verdict
            TTFT    slow  1.45x   1.41 to 1.49           |     o-    slower
            ITL     slow  1.70x   1.67 to 1.73           |       -o  slower
            TPOT    slow  1.70x   1.67 to 1.73           |       -o  slower
            TTLT    slow  1.56x   1.55 to 1.58           |      o-   slower
            total   slow  1.56x   1.54 to 1.58           |      o-   slower

            note: simulated: the figures say nothing about the real models of these names
            note: slow: 1 of 25 failed and are not in the figures (failed, overloaded)
            Runs: 20261123T100000Z-0001
            """;

    @Test
    void aDifferenceWithinTheMarginOfTheUserHasNoWinner() {
        var run = fastAndSlow("r").write();
        assertTrue(compare(0, run).out().contains("fast *"));
        var same = compare(0, run, "--margin", "60%").out();
        assertTrue(same.startsWith("To the first token slow takes as long as fast within 60 %"), same);
        assertFalse(same.contains("*"), same);
    }

    @Test
    void theScreenOfATerminalOf80Columns() {
        var run = fastAndSlow("20261123T100000Z-0001").failure("slow", "prompt-9", 1, "overloaded");
        run.record().put("simulated", true);
        assertEquals(GOLDEN_SCREEN, Printed.of("compare", Compare::run, Map.of("COLUMNS", "80", "NO_COLOR", "1"),
                InputStream.nullInputStream(), true,
                run.write().toString()).expect(0).out());
    }

    private static final String GOLDEN_SCREEN = """
            To the first token fast is 1.45x faster than slow; to the last token fast is
            1.56x faster than slow, in this run.

                                -- TTFT ms -  - ITL ms   -- p50 ms -  -- p50 -
            model    n  failed    p50    p95   p50  p95  TPOT  total  tokens/s  all tokens/s
            fast *  24       0  111.5  121.9  5.00       5.00  207.5      96.9          10.4
            slow    25       1  161.5  171.9  8.50       8.50  324.0      61.9          10.4
            * faster to the first token than all others

            Ratios to fast, above 1 is slower: o, and - their 95 % intervals
            metric        ratio  95 % interval                       verdict
            TTFT    slow  1.45x   1.41 to 1.49           |     o-    slower
            ITL     slow  1.70x   1.67 to 1.73           |       -o  slower
            TPOT    slow  1.70x   1.67 to 1.73           |       -o  slower
            TTLT    slow  1.56x   1.55 to 1.58           |      o-   slower
            total   slow  1.56x   1.54 to 1.58           |      o-   slower

            note: simulated: the figures say nothing about the real models of these names
            note: slow: 1 of 25 failed and are not in the figures (failed, overloaded)
            Runs: 20261123T100000Z-0001
            """;

    @Test
    void onATerminalOf80ColumnsNoLineIsLongerAndTheWinnerAndFailuresHaveAColour() {
        var run = run("r");
        var names = List.of("a-model-with-a-name-of-forty-characters-1", "a-model-with-a-name-of-forty-characters-2", "short");
        for (int i = 0; i < 160; i++) {
            for (var name : names) {
                run.answer(name, "p" + i % 8, i / 8 + 1, 1000 * (1 + names.indexOf(name)) + i * 7 % 24, 5, 20);
            }
        }
        run.failure("short", "p9", 1, "overloaded").write();
        for (var columns : List.of("80", "120")) {
            var printed = Printed.of("compare", Compare::run, Map.of("COLUMNS", columns), InputStream.nullInputStream(), true,
                    folder.resolve("r").toString()).expect(0).out();
            var plain = printed.replaceAll("\033\\[[0-9;]*m", "");
            plain.lines().forEach(line -> assertTrue(line.length() <= Integer.parseInt(columns), line));
            assertTrue(plain.contains("a-model-with-") && plain.contains("characters-2"), "shortened in the middle: " + plain);
            assertTrue(printed.contains("\033[1;32ma-model") && !printed.contains("\033[1;32mshort"), printed);
            assertTrue(printed.contains("\033[31m1\033[0m"), "one failure: " + printed);
            assertTrue(printed.contains("\033[31mslower\033[0m") && !printed.contains("mfaster\033")
                    && !printed.contains("\033[31m0\033"), printed);
            assertEquals(columns.equals("120"), plain.lines().anyMatch(line -> line.matches("model .*TPOT.*")), plain);
        }
        var wide = Printed.of("compare", Compare::run, Map.of("COLUMNS", "80"), InputStream.nullInputStream(), true,
                folder.resolve("r").toString(), "--wide").expect(0).out();
        assertEquals(compare(0, folder.resolve("r")).out(), wide, "as in a pipe");
        assertTrue(Printed.of("compare", Compare::run, Map.of("COLUMNS", "120"), InputStream.nullInputStream(), true,
                folder.resolve("r").toString(),
                "--baseline", "short").out().contains("\033[1;32mfaster\033[0m"));
        assertFalse(Printed.of("compare", Compare::run, Map.of("COLUMNS", "80", "NO_COLOR", "1"),
                InputStream.nullInputStream(), true,
                folder.resolve("r").toString()).out().contains("\033"));
    }

    @Test
    void markdownHoldsTheSameAndNoNameBreaksItsTables() {
        var run = run("r_1");
        for (int i = 0; i < 6; i++) {
            run.answer("a|b", "sky", i + 1, 100 + i, 5, 3);
            run.answer("<c>", "sky", i + 1, 300 + i, 5, 3);
        }
        assertEquals(GOLDEN_MARKDOWN, compare(0, run.write(), "--format", "markdown").out());
    }

    private static final String GOLDEN_MARKDOWN = """
            **To the first token a\\|b is 2.95x faster than \\<c\\>; to the last token a\\|b is 2.78x faster than \\<c\\>, for this prompt \
            in this run only.**

            | model | n | failed | TTFT p50 ms | TTFT p95 ms | TTFT p99 ms | ITL p50 ms | ITL p95 ms | ITL p99 all ms \
            | TPOT p50 ms | TTLT p50 ms | total p50 ms | tokens/s p50 | chars/s p50 | tokens p50 | coalesced | requests/s | all tokens/s |
            | :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
            | a\\|b | 6 | 0 | 102.5 |  |  | 5.00 |  |  | 5.00 | 112.5 | 113.5 | 26.7 | 160 | 3 | 0 % | 0.59 | 1.8 |
            | \\<c\\> | 6 | 0 | 302.5 |  |  | 5.00 |  |  | 5.00 | 312.5 | 313.5 | 9.6 | 58 | 3 | 0 % | 0.58 | 1.7 |

            | metric |  | ratio | 95 % interval | verdict |
            | :--- | :--- | ---: | ---: | :--- |
            | TTFT | \\<c\\> / a\\|b | 2.95x | 2.91 to 2.99 | slower (for this prompt only) |
            | ITL | \\<c\\> / a\\|b | 1.00x | 1.00 to 1.00 | the same within 5 % (for this prompt only) |
            | TPOT | \\<c\\> / a\\|b | 1.00x | 1.00 to 1.00 | the same within 5 % (for this prompt only) |
            | TTLT | \\<c\\> / a\\|b | 2.78x | 2.75 to 2.81 | slower (for this prompt only) |
            | total | \\<c\\> / a\\|b | 2.76x | 2.73 to 2.79 | slower (for this prompt only) |

            Runs: r\\_1
            """;

    /** The expected figures are NumPy's (percentile, median) for the same formula. */
    @Test
    void figuresAreThoseOfNumPy() {
        var run = run("r");
        for (int i = 0; i < 120; i++) {
            for (var scale : new double[] {1, 1.5}) {
                var times = new double[12];
                times[0] = (100 + i * 37 % 101 + i * 7 % 13 / 8.0) * scale;
                for (int k = 0; k < 11; k++) {
                    times[k + 1] = times[k] + (5 + (i * 31 + k * 17) % 29 / 4.0) * scale;
                }
                run.answer(scale == 1 ? "one" : "half-more", "prompt-" + i / 4, i % 4 + 1, times);
            }
        }
        var groups = json(run.write()).get("sections").get(0).get("groups");
        assertFigures(groups.get(0), 149.75, 195.162, 199.358, 8.5, 12.0, 8.5, 243.562);
        assertFigures(groups.get(1), 224.625, 292.744, 299.036, 12.75, 18.0, 12.75, 365.344);
        var against = groups.get(1).get("against").get("ttft");
        assertEquals(1.5, against.get("ratio").asDouble(), 1e-5, "the files hold three decimals");
        assertEquals(120, against.get("size").asInt());
        assertEquals("slower", against.get("verdict").asString());
    }

    @Test
    void quantilesOfManyGapsAreExactToATenThousandth() {
        var gaps = new GapHistogram();
        var random = new SplittableRandom(7);
        var micros = new double[200_001];
        for (int i = 0; i < micros.length; i++) {
            var gap = Math.round(20_000 * Math.exp(random.nextGaussian()));
            micros[i] = gap;
            gaps.add(gap);
        }
        for (var fraction : new double[] {0.5, 0.95, 0.99}) {
            var exact = Metrics.quantile(micros.clone(), fraction) / 1e3;
            assertEquals(exact, gaps.quantileMillis(fraction), exact * 1e-4);
        }
    }

    @Test
    void quantilesThatTheSampleCantCarryAreBlank() {
        var figures = json(fastAndSlow("r").write()).get("sections").get(0).get("groups").get(0).get("figures");
        assertTrue(figures.has("ttft_p95_ms"), "24 requests carry a p95");
        assertFalse(figures.has("ttft_p99_ms"), "and no p99");
        assertTrue(figures.has("itl_p99_ms"), "456 gaps carry one");
        assertFalse(figures.has("itl_p95_ms"), "no request has 20 gaps");
    }

    @Test
    void answersWithoutTextAreComparedByTheFirstEventOfAnyKind() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("a", "p" + i, 1, new double[0], "ttft_any_ms", "1" + i + ".000", "tool_events", "3",
                    "itl_any_p50_ms", "5.000");
            run.answer("b", "p" + i, 1, new double[0], "ttft_any_ms", "2" + i + ".000", "tool_events", "3",
                    "itl_any_p50_ms", "5.000");
        }
        var text = compare(0, run.write()).out();
        assertTrue(text.startsWith("To the first event a is 1.76x faster than b, in this run.\n"), text);
        assertTrue(text.contains("\nTTFT any "), text);
    }

    @Test
    void theMetricsToCompareCanBeChosen() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("new", "p" + i, 1, 150 + i, 5, 10, "connection_reused", "false", "dns_ms", "10.000", "connect_ms", "15.000",
                    "tls_ms", "25.000");
            run.answer("kept", "p" + i, 1, 100 + i, 5, 10, "connection_reused", "true");
        }
        assertEquals("requests on a connection that was open already: new 0 %, kept 100 %; TTFT of the rest includes the handshake,"
                + " --metric ttft_net leaves it out", notes(run).getLast());
        var text = compare(0, run.write(), "--metric", "ttft_net,total").out();
        assertTrue(text.contains("\nTTFT net  kept  1.00x ") || text.contains("\nTTFT net  new  1.00x "), text);
        assertFalse(text.contains("\nTTLT "), text);
        assertEquals("compare: --metric 'speed'; must be one of ttft, itl, tpot, ttlt, total, ttft_any, itl_any, ttft_net, "
                + "first_100_chars\n",
                compare(2, run.write(), "--metric", "speed").err());
    }

    /** The interval is that of statistics_figures.py. */
    @Test
    void highQuantilesOfEnoughRequestsHaveIntervalsThatTheCsvKeeps() {
        var run = run("r");
        for (int i = 0; i < 120; i++) {
            run.answer("a", "p" + i, 1, 100 + i * 37 % 120, 5, 5);
            run.answer("b", "p" + i, 1, 200 + 2 * (i * 37 % 120), 5, 5);
        }
        var csv = folder.resolve("comparison.csv");
        var text = compare(0, run.write(), "--export", csv).out();
        assertTrue(text.contains("""

            tail            ms   95 % interval  ratio  95 % interval
            TTFT p95  a  213.1  208.0 to 218.0
            TTFT p95  b  426.1  416.0 to 436.0  2.00x   2.00 to 2.00
            """), text);
        assertEquals(text, compare(0, csv).out());
        var interval = json(run.write()).at("/sections/0/groups/0/intervals/ttft_p95_ms");
        assertEquals("208.0 218.0", interval.get("low").asDouble() + " " + interval.get("high").asDouble());
    }

    @Test
    void theRatioOfATailHasItsIntervalWithFewerPromptsThanTheTailItself() {
        var run = run("r");
        for (int i = 0; i < 120; i++) {
            run.answer("a", "p" + i % 12, i / 12 + 1, 100 + i * 37 % 120, 5, 5);
            run.answer("b", "p" + i % 12, i / 12 + 1, 200 + 2 * (i * 37 % 120), 5, 5);
        }
        var text = compare(0, run.write()).out();
        assertTrue(text.contains("""

            tail            ms  95 % interval  ratio  95 % interval
            TTFT p95  b  426.1                 2.00x   2.00 to 2.00
            """), text);
    }

    @Test
    void undecidedMayCountAsFailed() {
        var run = fastAndSlow("r").write();
        assertEquals(3, Printed.compare(run, "--fail-if", "ttft_p50 > 1.45x").exitCode());
        assertEquals(1, Printed.compare(run, "--fail-if", "ttft_p50 > 1.45x", "--fail-if-undecided").exitCode());
        assertEquals(1, Printed.compare(run, "--fail-if", "ttft_p50 > 1.45x", "--fail-if", "ttft_p50 > 1.2x").exitCode());
    }

    @Test
    void oneModelAloneGetsItsFiguresAndNoVerdict() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("m", "p" + i, 1, 100 + i, 5, 10);
        }
        var text = compare(0, run.write()).out();
        assertTrue(text.startsWith("Nothing to compare: there is only m.\n"), text);
        assertTrue(text.contains("103.5"), text);
        assertFalse(text.contains("medians"), text);
    }

    @Test
    void aModelThatCompletedNothingHasNoFiguresAndIsNamed() {
        var run = fastAndSlow("r").failure("broken", "prompt-1", 1, "overloaded");
        var text = compare(0, run.write()).out();
        assertTrue(text.startsWith("To the first token fast is 1.45x faster than slow; to the last token fast is 1.56x faster "
                + "than slow, in this run; broken completed nothing.\n"), text);
        assertTrue(text.lines().anyMatch(line -> line.matches("broken +1 +1")), text);
    }

    @Test
    void anEmptyRunIsOneLine() {
        assertEquals("compare: " + folder.resolve("r") + ": no measured requests in it yet; there is nothing to compare\n",
                compare(2, run("r").write()).err());
        var torn = run("torn").requestLine("torn").write();
        assertEquals("compare: " + torn.resolve("requests.csv")
                + ":2: 1 cells instead of 62; the row is left out; there is nothing to"
                + " compare\n", compare(2, torn).err().replace(torn + ": no measured requests in it yet; ", ""));
        var text = compare(0, folder.resolve("r"), fastAndSlow("s").write(), "--by", "model").out();
        assertTrue(text.contains("note: " + folder.resolve("r") + ": no measured requests in it yet\n"), text);
    }

    @Test
    void whatCouldNotBeReadIsInTheNotes() {
        var run = fastAndSlow("r").requestLine("torn").write();
        var text = compare(0, run).out();
        assertTrue(text.contains("note: " + run.resolve("requests.csv") + ":50: 1 cells instead of 62; the row is left out\n"),
                text);
    }

    @Test
    void aDamagedCellOfItsOwnCsvIsNamedByItsColumn() throws Exception {
        var csv = folder.resolve("before.csv");
        compare(0, fastAndSlow("r").write(), "--export", csv);
        var written = Files.readString(csv);
        Files.writeString(csv, written.replace(",0.05,", ",2,"));
        assertEquals("compare: " + csv + ":2: column margin '2'; must be a share such as 5%, above 0 and below 100%\n",
                compare(2, csv).err());
        Files.writeString(csv, written.replace(",model,ours,", ",colour,ours,"));
        assertEquals("compare: " + csv + ":2: column by 'colour'; must be one of model, run, prompt, base_url, shard, machine,"
                + " label:COLUMN\n", compare(2, csv).err());
    }

    @Test
    void itsOwnCsvIsReadBackAsItWas() {
        var run = fastAndSlow("r").requestLine("torn").failure("slow", "p9", 1, "one,\n\"two\"").write();
        var csv = folder.resolve("before.csv");
        var text = compare(0, run, "--export", csv).out();
        assertEquals(text, compare(0, csv).out());
        assertEquals(compare(0, run, "--format", "csv").out(), compare(0, csv, "--format", "csv").out());
        assertTrue(compare(0, csv, "--format", "html").out().contains("fast is 1.45x faster than slow"));
        assertTrue(compare(0, csv, "--margin", "60%").out().contains("the same within 60 %"));
        var apart = run("apart");
        for (int i = 0; i < 24; i++) {
            apart.answer(i < 12 ? "early" : "late", "p" + i % 6, i / 6 % 2 + 1, (i < 12 ? 100 : 130) + i % 5, 5, 5);
        }
        var sentence = compare(0, apart.write(), "--export", csv).out().lines().findFirst().orElseThrow();
        assertTrue(sentence.contains(", but not at the same time"), sentence);
        assertEquals(sentence, compare(0, csv).out().lines().findFirst().orElseThrow());
        assertEquals("compare: --by: " + csv + " is compared already; name the folders of the runs instead\n",
                compare(2, csv, "--by", "prompt").err());
        assertEquals("compare: ttft.svg: a table of a comparison has no requests to draw; name the folders of the runs\n",
                compare(2, csv, "--export", folder.resolve("ttft.svg")).err());
    }

    @Test
    void theCsvHasARowForEachGroupAndTheseColumns() {
        var lines = compare(0, fastAndSlow("r").write(), "--format", "csv").out().split("\r\n");
        assertEquals(GOLDEN_CSV_HEADER, lines[0]);
        assertEquals(3, lines.length);
    }

    private static final String GOLDEN_CSV_HEADER =
            "section,label,n,failed,ttft_p50_ms,ttft_p95_ms,ttft_p99_ms,itl_p50_ms,itl_p95_ms,"
            + "itl_p99_ms,tpot_p50_ms,ttlt_p50_ms,total_p50_ms,first_100_chars_p50_ms,tokens_per_s_p50,chars_per_s_p50,"
            + "output_tokens_p50,coalesced_share,tokens_per_event_p50,"
            + "ttft_any_p50_ms,itl_any_p50_ms,ttft_net_p50_ms,retries,requests_per_s,throughput_tokens_per_s,cost_per_answer,"
            + "cost_per_1000_answers,"
            + "ttst_p50_ms,icl_p50_ms,"
            + "ttft_baseline,ttft_unit,ttft_units,ttft_size,ttft_paired,ttft_ratio,ttft_low,ttft_high,ttft_same_low,"
            + "ttft_same_high,ttft_p,ttft_drifting,ttft_between_sd,ttft_within_sd,ttft_verdict,"
            + "itl_baseline,itl_unit,itl_units,itl_size,itl_paired,itl_ratio,itl_low,itl_high,itl_same_low,itl_same_high,itl_p,"
            + "itl_drifting,itl_between_sd,itl_within_sd,itl_verdict,"
            + "tpot_baseline,tpot_unit,tpot_units,tpot_size,tpot_paired,tpot_ratio,tpot_low,tpot_high,tpot_same_low,"
            + "tpot_same_high,tpot_p,tpot_drifting,tpot_between_sd,tpot_within_sd,tpot_verdict,"
            + "ttlt_baseline,ttlt_unit,ttlt_units,ttlt_size,ttlt_paired,ttlt_ratio,ttlt_low,ttlt_high,ttlt_same_low,"
            + "ttlt_same_high,ttlt_p,ttlt_drifting,ttlt_between_sd,ttlt_within_sd,ttlt_verdict,"
            + "total_baseline,total_unit,total_units,total_size,total_paired,total_ratio,total_low,total_high,total_same_low,"
            + "total_same_high,total_p,total_drifting,total_between_sd,total_within_sd,total_verdict,"
            + "ttft_any_baseline,ttft_any_unit,ttft_any_units,ttft_any_size,ttft_any_paired,ttft_any_ratio,ttft_any_low,"
            + "ttft_any_high,ttft_any_same_low,ttft_any_same_high,ttft_any_p,ttft_any_drifting,ttft_any_between_sd,"
            + "ttft_any_within_sd,ttft_any_verdict,"
            + "itl_any_baseline,itl_any_unit,itl_any_units,itl_any_size,itl_any_paired,itl_any_ratio,itl_any_low,itl_any_high,"
            + "itl_any_same_low,itl_any_same_high,itl_any_p,itl_any_drifting,itl_any_between_sd,itl_any_within_sd,itl_any_verdict,"
            + "ttft_net_baseline,ttft_net_unit,ttft_net_units,ttft_net_size,ttft_net_paired,ttft_net_ratio,ttft_net_low,"
            + "ttft_net_high,ttft_net_same_low,ttft_net_same_high,ttft_net_p,ttft_net_drifting,ttft_net_between_sd,"
            + "ttft_net_within_sd,ttft_net_verdict,"
            + "first_100_chars_baseline,first_100_chars_unit,first_100_chars_units,first_100_chars_size,first_100_chars_paired,"
            + "first_100_chars_ratio,first_100_chars_low,first_100_chars_high,first_100_chars_same_low,first_100_chars_same_high,"
            + "first_100_chars_p,first_100_chars_drifting,first_100_chars_between_sd,first_100_chars_within_sd,"
            + "first_100_chars_verdict,"
            + "ttft_p95_ratio,ttft_p95_low,ttft_p95_high,ttft_p95_ms_low,ttft_p95_ms_high,"
            + "ttft_p99_ratio,ttft_p99_low,ttft_p99_high,ttft_p99_ms_low,ttft_p99_ms_high,"
            + "baseline,headline_caveats,runs,by,as,currency,margin,simulated,notes,"
            + "ttft_only_prompts,ttft_only_runs,ttft_load_may_explain,"
            + "itl_only_prompts,itl_only_runs,itl_load_may_explain,"
            + "tpot_only_prompts,tpot_only_runs,tpot_load_may_explain,"
            + "ttlt_only_prompts,ttlt_only_runs,ttlt_load_may_explain,"
            + "total_only_prompts,total_only_runs,total_load_may_explain,"
            + "ttft_any_only_prompts,ttft_any_only_runs,ttft_any_load_may_explain,"
            + "itl_any_only_prompts,itl_any_only_runs,itl_any_load_may_explain,"
            + "ttft_net_only_prompts,ttft_net_only_runs,ttft_net_load_may_explain,"
            + "first_100_chars_only_prompts,first_100_chars_only_runs,first_100_chars_load_may_explain";

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "ttft_p50 > 1.2x;         1; slow has 1.45x of fast's 111.5 (1.41 to 1.49)",
        "ttft_p50 > 1.45x;        3; 'undecided, slow has 1.45x of fast''s 111.5 (1.41 to 1.49); more requests may tell'",
        "ttft_p50 > 1.5x;         0; ",
        "ttft_p50_ms >= 111.5 ms; 1; fast has 111.5",
        "total_p50<10;            0; ",
        "tokens_per_s_p50 < 0.9x; 1; slow has 0.64x of fast's 96.9",
        "failed > 3%;             1; slow has 1",
        "failed > 4.1 %;          0; ",
        "output_tokens_p50 > 20;  0; ",
        "output_tokens_p50 < 20;  0; ",
        "output_tokens_p50 <= 20; 1; fast has 20",
        "output_tokens_p50 <=19.9; 0; ",
        "failed > 0;              1; slow has 1",
        "ttft_p95 > 5x;           3; undecided, slow has 1.41x of fast's 121.9, too few for an interval",
        "ttft_p99 > 5x;           3; undecided, slow has too few completed requests for it, 24"
    })
    void aLimitFailsWhenItIsPassedOrCantBeChecked(String limit, int exitCode, String line) {
        var run = fastAndSlow("r").failure("slow", "p9", 1, "down").write();
        var err = compare(exitCode, run, "--fail-if", limit).err();
        assertEquals(line == null, err.isEmpty(), err);
        assertTrue(line == null || err.contains("compare: --fail-if '" + limit + "': " + line + "\n"), err);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "--fail-if;ttft_p95;must be a figure, a comparison and a limit, such as 'ttft_p95 > 1.2x'",
        "--fail-if;ttft > 1x;no figure ttft; there are n, failed, ttft_p50_ms",
        "--fail-if;failed > 3ms;failed is not a time",
        "--fail-if;ttft_p50 > 3%;ttft_p50_ms is not a share; for a ratio to the baseline write 1.2x",
        "--format;xml;must be one of text, markdown, csv, json, html",
        "--format;png;must be one of text, markdown, csv, json, html; --export FILE.png writes one",
        "--by;colour;must be one of model, run, prompt, base_url, shard, machine, label:COLUMN",
        "--margin;much;must be a share such as 5%",
        "--as;mine;must be one of ours, vllm, guidellm, aiperf"
    })
    void wrongUsageIsOneLineThatNamesOptionAndValue(String option, String value, String words) {
        var err = compare(2, fastAndSlow("r").write(), option, value).err();
        assertEquals(1, err.lines().count(), err);
        assertTrue(err.startsWith("compare: " + option + " '" + value + "'"), err);
        assertTrue(err.contains(words), err);
    }

    @Test
    void theTableOfAllDefinitionsAndTheCheckIgnoreNoOption() {
        var run = fastAndSlow("r").failure("slow", "p9", 1, "down").write();
        for (var mode : List.of(List.of("--as", "all"), List.of("--check"))) {
            for (var option : List.of(List.of("--fail-if", "failed > 0"), List.of("--export", folder.resolve("x.csv")),
                    List.of("--format", "json"))) {
                var args = new ArrayList<Object>(List.of(run));
                args.addAll(mode);
                args.addAll(option);
                assertTrue(compare(2, args.toArray()).err()
                        .contains("leave --fail-if, --export, --format, --metric and --baseline out"));
            }
        }
        assertTrue(compare(0, run, "--as", "all").out()
                .matches("(?s) +TTFT ms .*\nfast +vllm +24 +0 +1\\.0 .*\nnote: slow: 1 of 25 failed.*"));
        var narrow = Printed.of("compare", Compare::run, Map.of("COLUMNS", "80"), InputStream.nullInputStream(), true,
                run.toString(), "--as", "all").out()
                .replaceAll("\033\\[[0-9;]*m", "");
        assertTrue(narrow.lines().allMatch(line -> line.length() <= 80), narrow);
        assertTrue(narrow.contains("\nmodel  as         n  failed      p50     p50   TPOT   TTLT  total  tokens/s\n"),
                "TTST and ICL are left out: " + narrow);
    }

    @Test
    void nothingIsWrittenWhenTheUsageIsWrong() {
        var file = folder.resolve("out.md");
        compare(2, fastAndSlow("r").write(), "--export", file, "--export", folder.resolve("out.doc"));
        compare(2, folder.resolve("r"), "--export", "/");
        assertFalse(Files.exists(file));
        assertEquals("compare: --export " + folder.resolve("none/out.md") + ": cannot be written (NoSuchFileException); name a file"
                + " in a folder that exists\n", compare(2, folder.resolve("r"), "--export", folder.resolve("none/out.md")).err());
    }

    @Test
    void aRunJsonOfOddTypesIsNoAccident() throws Exception {
        var run = fastAndSlow("r").write();
        for (var odd : List.of("[]", "null", "{\"models\": \"x\", \"prompts\": [1, null, {\"id\": {}}], \"options\": [1]}",
                "{\"arguments\": [1, {}, null], \"client_overhead\": {\"ttft_p50_ms\": \"x\"}, \"prompts\": 5, \"run_id\": {}}")) {
            Files.writeString(run.resolve("run.json"), odd);
            for (var by : List.of("model", "run", "shard", "label:kind")) {
                compare(0, run, "--by", by, "--format", "html");
            }
        }
    }

    /** Of 21 requests whose own p95 is 10 to 30 ms. */
    @Test
    void itlQuantilesAreMediansOfThoseOfTheRequests() {
        var run = run("r");
        for (int i = 0; i < 21; i++) {
            run.answer("m", "p" + i, 1, 100, 5, 5, "itl_p95_ms", String.valueOf(10 + i), "itl_p50_ms", String.valueOf(5 + i));
        }
        var figures = json(run.write()).at("/sections/0/groups/0/figures");
        assertEquals("15.0 20.0", figures.get("itl_p50_ms").asDouble() + " " + figures.get("itl_p95_ms").asDouble());
    }

    @Test
    void aLimitOnARatioOfOneModelAloneIsUndecided() {
        var run = run("r");
        for (int i = 0; i < 8; i++) {
            run.answer("m", "p" + i, 1, 100 + i, 5, 10);
        }
        compare(3, run.write(), "--fail-if", "ttft_p50 > 1.2x");
        compare(1, run.write(), "--fail-if", "ttft_p50 > 1.2x", "--fail-if-undecided");
    }

    /** The newest of results/ is a shard, so the other shard of its plan belongs to it; the history is of all. */
    @Test
    void withoutRunsThoseOfTheFolderResultsAreMeant() throws Exception {
        for (int day = 1; day <= 4; day++) {
            var run = run("results/2026110" + day + "T060000Z-0000");
            for (int i = day == 4 ? 4 : 0; i < (day == 3 ? 4 : 8); i++) {
                run.answer("m", "p" + i, 1, 100 * day, 5, 5);
            }
            if (day > 2) {
                run.record().putObject("shard").put("index", day % 2).put("count", 2).put("plan", "p");
            }
            run.write();
        }
        assertTrue(inFolder().matches("(?s).*\nm +8 +0 .*\nRuns: 20261104T060000Z-0000 \\(2 shards\\)\n"), inFolder());
        assertTrue(inFolder("--history").startsWith("m, TTFT of 3 runs"), inFolder("--history"));
    }

    private String inFolder(String... arguments) throws Exception {
        var words = new ArrayList<>(List.of("stream.Compare"));
        words.addAll(List.of(arguments));
        var process = ToolProcess.of(List.of(), words.toArray(String[]::new)).directory(folder.toFile())
                .redirectErrorStream(true).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void otherFilesAreRefusedWithOneLine() throws Exception {
        var other = Files.writeString(folder.resolve("other.csv"), "model,latency\na,1\n");
        assertEquals("compare: " + other + ": not a comparison of this tool, it has no column section; name such a file or the"
                + " folder of a run\n", compare(2, other).err());
        var csv = folder.resolve("own.csv");
        compare(0, fastAndSlow("r").write(), "--export", csv);
        Files.writeString(csv, Files.readString(csv).replace("111.500", "NaN"));
        assertEquals("compare: " + csv + ":2: ttft_p50_ms 'NaN' is not a number, at least 0\n", compare(2, csv).err());
        compare(0, folder.resolve("r"), "--export", csv);
        Files.writeString(csv, Files.readString(csv).replace(",fast,24,0,", ",fast,,0,"));
        assertEquals("compare: " + csv + ":2: n or failed is blank\n", compare(2, csv).err());
        Files.writeString(csv, Files.readString(csv).lines().findFirst().get() + "\r\n");
        assertEquals("compare: " + csv + ": no groups in it; there is nothing to compare\n", compare(2, csv).err());
        Files.write(csv, new byte[] {0, 1, 2, '"', 3});
        assertEquals(1, compare(2, csv).err().lines().count());
    }

    @Test
    void figuresOfOthersAreSaidToBeTheirs() {
        var text = compare(0, fastAndSlow("r").write(), "--as", "vllm").out();
        assertTrue(text.contains("note: figures are counted as vllm counts them, not as this tool does\n"), text);
        assertTrue(text.contains("fast   vllm  24       0  1.0  1.0       5.00"), text); // the role at 1 ms
        var aiperf = json(folder.resolve("r"), "--as", "aiperf").get("sections").get(0).get("groups").get(1);
        assertFalse(aiperf.get("against").has("tpot"), "AIPerf has none");
    }

    @Test
    void theLastLineOfARunIsTheCommandThatComparesIt() {
        var run = TestRun.of(folder.resolve("runs"), "--simulate", "-m",
                "a=sim-ttft5-itl1-n8,b=sim-ttft300-itl1-n8", "-p", "Hi", "-n",
                "8", "--echo", "none", "--no-self-warmup");
        var lines = run.err().lines().toList();
        assertEquals(List.of("Written:", "  " + run.folder(), "To compare:"), lines.subList(lines.size() - 4, lines.size() - 1));
        var command = lines.getLast().strip().split(" ");
        assertEquals("./jbang Compare.java", command[0] + " " + command[1]);
        var text = compare(0, command[2]).out();
        assertTrue(text.startsWith("To the first token a is "), text);
        assertTrue(text.contains("\nnote: simulated: the figures say nothing about the real models of these names\n"), text);
    }

    @Test
    void theNewestRunIsTheOneThatBeganLastWhateverItsFolderIsCalled() throws Exception {
        var newest = fastAndSlow("20261123T100000Z-0002").write();
        var renamed = fastAndSlow("20261122T100000Z-0001");
        renamed.write();
        Files.move(folder.resolve("20261122T100000Z-0001"), folder.resolve("before"));
        assertEquals(List.of(folder.resolve("before"), newest), CsvRun.folders(List.of(folder)), "before is the baseline");
    }
}
