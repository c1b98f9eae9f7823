//JAVA 25+
//DEPS org.knowm.xchart:xchart:4.0.3
//DEPS tools.jackson.core:jackson-databind:3.2.4
//DEPS org.webjars.npm:uplot:1.6.30
//DEPS de.erichseifert.vectorgraphics2d:VectorGraphics2D:0.13
//SOURCES Metrics.java
//SOURCES RecordedRun.java
//SOURCES Groups.java
//SOURCES Comparison.java

// Report

package stream;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What a report draws, as JSON. */
final class ReportCharts {

    private static final int POINTS = 200;
    private static final int MOST_ROWS = 60;
    private static final int SLOWEST = 10;
    private static final int MOST_LINES = 8;
    private static final int LONGEST_TEXT = 2_000;

    private final List<Section> sections;
    private final List<RecordedRun> runs;
    private final EventCollector events;

    ReportCharts(Comparison.Source source) {
        sections = source.sections();
        runs = source.runs();
        events = source.events();
    }

    /** Adds all to what a comparison says of itself; throws IOException if an answer's text can't be read. */
    void addTo(ObjectNode json) throws IOException {
        for (int i = 0; i < sections.size(); i++) {
            add(sections.get(i), (ObjectNode) json.get("sections").get(i));
        }
        runs.forEach(run -> metadata(json.withArray("recorded").addObject(), run));
        runs.forEach(run -> waterfall(json.withArray("waterfall"), run));
        load(json.putArray("load"));
        failures(json.putArray("failures"));
        slowest(json.putArray("slowest"));
    }

    /** Adds distributions, gaps by position and the race of a section. */
    void add(Section section, ObjectNode json) {
        for (var group : section.groups().stream().limit(MOST_LINES).toList()) {
            distribution(json.withArray("ttft").addObject().put("label", group.label()), group);
            var gaps = json.withArray("itl").addObject().put("label", group.label())
                    .put("error_ms", error("itl_p50_ms", group)).put("error_p99_ms", error("itl_p99_ms", group));
            group.positions().into(gaps.putArray("token"), gaps.putArray("ms"));
        }
        events.raceOf(section).forEach((group, answer) -> {
            var lane = json.withArray("race").addObject().put("label", group.label()).put("prompt", answer.promptId())
                    .put("repetition", answer.repetition()).put("total_ms", millis(answer, Metric.TOTAL));
            var times = lane.putArray("ms");
            var texts = lane.putArray("text");
            events.pieces(answer).forEach(piece -> {
                times.add(piece.elapsedMicros() / 1e3);
                texts.add(piece.text());
            });
        });
    }

    private void distribution(ObjectNode line, Group group) {
        var values = group.values(Metric.TTFT);
        line.put("error_ms", error("ttft_p50_ms", group)).put("error_p99_ms", error("ttft_p99_ms", group));
        var millis = line.putArray("ms");
        var shares = line.putArray("share");
        var points = Math.min(values.length, POINTS);
        for (int i = 0; i < points; i++) {
            var rank = points == values.length ? i : (int) Math.round(i * (values.length - 1.0) / (points - 1));
            millis.add(values[rank]);
            shares.add((rank + 1.0) / values.length);
        }
    }

    /** Returns the largest of what the runs of the group say of the tool's own error, milliseconds; null if none does. */
    private static Double error(String figure, Group group) {
        return group.byRun().keySet().stream().map(run -> run.record().path("client_overhead").path(figure))
                .map(error -> error.asDouble(Double.NaN)).filter(error -> !error.isNaN()).max(Double::compare).orElse(null);
    }

    private static void metadata(ObjectNode json, RecordedRun run) {
        json.put("run", run.name()).put("folder", run.folder().toString()).put("requests", run.answers().size());
        for (var key : List.of("started_at", "finished_at", "simulated", "client_overhead", "versions", "options", "models")) {
            if (run.record().hasNonNull(key)) {
                json.set(key, run.record().get(key));
            }
        }
    }

    private void waterfall(ArrayNode rows, RecordedRun run) {
        var first = run.answers().stream().filter(answer -> answer.startedAt() != null)
                .sorted(Comparator.comparing(RecordedAnswer::startedAt)).limit(Math.max(1, MOST_ROWS / runs.size())).toList();
        for (var answer : first) {
            var since = Duration.between(first.getFirst().startedAt(), answer.startedAt()).toMillis();
            var row = rows.addObject().put("run", run.name()).put("request_id", answer.requestId())
                    .put("model", answer.model()).put("status", answer.status()).put("start_ms", since);
            for (var measure : List.of(Metric.QUEUE, Metric.SENT, Metric.HEADERS, Metric.TTFT, Metric.TTLT, Metric.TOTAL)) {
                row.put(measure.column(), millis(answer, measure));
            }
        }
    }

    /** How much came out of a run, for how much at once was asked of it. */
    private void load(ArrayNode points) {
        for (var run : runs) {
            var byModel = run.answers().stream().filter(answer -> answer.completed() && answer.startedAt() != null
                    && answer.knows(Metric.TOTAL)).collect(Collectors.groupingBy(RecordedAnswer::model, LinkedHashMap::new,
                            Collectors.toList()));
            var options = run.record().path("options");
            byModel.forEach((model, answers) -> {
                var begin = answers.stream().map(RecordedAnswer::startedAt).min(Comparator.naturalOrder()).orElseThrow();
                var end = answers.stream().mapToDouble(answer -> Duration.between(begin, answer.startedAt()).toMillis()
                        + answer.get(Metric.TOTAL)).max().orElseThrow();
                var tokens = answers.stream().mapToDouble(answer -> answer.get(Metric.OUTPUT_TOKENS))
                        .filter(count -> !Double.isNaN(count)).sum();
                var ttfts = answers.stream().filter(answer -> answer.knows(Metric.TTFT))
                        .mapToDouble(answer -> answer.get(Metric.TTFT)).toArray();
                var point = points.addObject().put("run", run.name()).put("model", model)
                        .put("tokens_per_s", tokens / end * 1000).put("requests_per_s", answers.size() / end * 1000)
                        .put("ttft_p50_ms", AnswerMetrics.quantile(ttfts, 0.5));
                point.set("concurrency", options.path("concurrency").isNumber() ? options.get("concurrency") : null);
                point.set("rate", options.path("rate").isNumber() ? options.get("rate") : null);
            });
        }
    }

    private void failures(ArrayNode rows) {
        sections.stream().flatMap(section -> section.groups().stream()).flatMap(group -> group.failures().stream())
                .limit(MOST_ROWS).forEach(answer -> rows.addObject().put("request_id", answer.requestId())
                        .put("model", answer.model()).put("status", answer.status()).put("error", answer.error())
                        .put("total_ms", millis(answer, Metric.TOTAL)));
    }

    private void slowest(ArrayNode rows) throws IOException {
        var runOf = new IdentityHashMap<RecordedAnswer, RecordedRun>();
        sections.stream().flatMap(section -> section.groups().stream()).forEach(group -> group.byRun().forEach(
                (run, answers) -> answers.stream().filter(answer -> answer.knows(Metric.TOTAL))
                        .forEach(answer -> runOf.put(answer, run))));
        var slowest = runOf.keySet().stream().sorted(Comparator.comparingDouble((RecordedAnswer answer) -> answer.get(Metric.TOTAL))
                .reversed().thenComparing(RecordedAnswer::requestId)).limit(SLOWEST).toList();
        var texts = new IdentityHashMap<RecordedRun, Map<String, String>>();
        for (var run : runs) {
            var asked = slowest.stream().filter(answer -> runOf.get(answer) == run).map(RecordedAnswer::requestId)
                    .collect(Collectors.toSet());
            texts.put(run, asked.isEmpty() ? Map.of() : run.outputs(asked));
        }
        for (var answer : slowest) {
            var text = texts.get(runOf.get(answer)).getOrDefault(answer.requestId(), "");
            var row = rows.addObject().put("run", runOf.get(answer).name()).put("request_id", answer.requestId())
                    .put("model", answer.model());
            for (var measure : List.of(Metric.TTFT, Metric.TTLT, Metric.TOTAL, Metric.OUTPUT_TOKENS)) {
                row.put(measure.column(), millis(answer, measure));
            }
            row.put("text", text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + " [...]");
        }
    }

    private static Double millis(RecordedAnswer answer, Metric measure) {
        return answer.knows(measure) ? answer.get(measure) : null;
    }
}

/** The page, whose places in double braces are filled. */
final class ReportPage {

    static final String TEMPLATE = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy"
          content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
    <link rel="icon" href="data:,">
    <title>{{title}}</title>
    <style>
    {{uplot-css}}
    :root {
      color-scheme: light dark;
      --ground: #fff; --card: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4;
      --good: #116329; --bad: #a40e26; --wait: #8c959f; --head: #54aeff; --think: #d4a72c; --flow: #2da44e; --tail: #8250df;
      --c0: #0072b2; --c1: #d55e00; --c2: #00795a; --c3: #b0488f; --c4: #8a6100; --c5: #2b8cbe; --c6: #6a51a3; --c7: #555;
    }
    @media (prefers-color-scheme: dark) {
      :root:not(.paper) {
        --ground: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9aa4af; --line: #30363d;
        --good: #56d364; --bad: #ff7b72; --wait: #6e7681; --head: #388bfd; --think: #d29922; --flow: #3fb950; --tail: #a371f7;
        --c0: #58a6ff; --c1: #ff9d5c; --c2: #3ddc97; --c3: #f29bd4; --c4: #e3b341; --c5: #79c0ff; --c6: #c4a8ff; --c7: #bbb;
      }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
      overflow-wrap: anywhere; }
    main { max-width: 1120px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
    h1 { font-size: clamp(1.25rem, 1rem + 1.6vw, 1.9rem); line-height: 1.3; margin: .3rem 0 1rem; text-wrap: pretty; }
    h1.long { font-size: 1.15rem; }
    h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
    h3 { font-size: 1.02rem; margin: 1.8rem 0 .3rem; }
    p, li, figcaption { max-width: 75ch; }
    .soft, figcaption { color: var(--soft); font-size: .875rem; }
    p.soft { margin: .2rem 0 .5rem; }
    .badge { display: inline-block; padding: .1rem .6rem; border: 1px solid currentColor; border-radius: 1rem; color: var(--bad);
      font-size: .8rem; font-weight: 600; }
    .notes { padding-left: 1.1rem; margin: 0; font-size: .92rem; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
    th, td { padding: .3rem .65rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
    th { font-weight: 600; }
    tr > :first-child, .left { text-align: left; }
    thead tr:first-child th[colspan] { text-align: center; border-bottom: 0; padding-bottom: 0; color: var(--soft); }
    td.wrap { white-space: normal; text-align: left; overflow-wrap: anywhere; min-width: 14rem; }
    .swatch { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .45em; }
    .faster { color: var(--good); font-weight: 600; } .slower { color: var(--bad); font-weight: 600; }
    .forest { position: relative; width: 13rem; height: 1.1rem; }
    .forest i { position: absolute; top: 50%; height: 4px; margin-top: -2px; min-width: 2px; background: currentColor; border-radius: 2px; }
    .forest b { position: absolute; top: 50%; width: 9px; height: 9px; margin: -4.5px; border-radius: 50%; background: currentColor; }
    .forest u { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--soft); }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1.2rem; }
    figure { margin: 1rem 0 0; padding: .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; min-width: 0; }
    figure h3 { margin-top: 0; }
    .uplot { font-family: inherit; } .u-legend { font-size: .8rem; text-align: left; }
    .u-legend th, .u-legend td { border: 0;
      white-space: normal; }
    .u-legend .u-series { margin-right: .4rem; }
    details { margin-top: .5rem; font-size: .875rem; } summary { cursor: pointer; }
    pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; padding: .7rem; background: var(--card);
      border: 1px solid var(--line); border-radius: 6px; font: .82rem/1.45 ui-monospace, monospace; max-height: 16rem; overflow: auto; }
    .controls { display: flex; flex-wrap: wrap; gap: .7rem; align-items: center; margin: .7rem 0; }
    button, select { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 6px;
      padding: .3rem .9rem; min-height: 2.4rem; }
    button { min-width: 6rem; font-weight: 600; cursor: pointer; }
    input[type=range] { flex: 1 1 12rem; min-width: 8rem; accent-color: var(--c0); }
    :focus-visible { outline: 3px solid var(--c0); outline-offset: 2px; }
    .lanes { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: .8rem; }
    .lane { border: 1px solid var(--line); border-top: 4px solid; border-radius: 6px; padding: .6rem .8rem; background: var(--ground); }
    .lane header { display: flex; justify-content: space-between; gap: .5rem; font-weight: 600; font-variant-numeric: tabular-nums;
      overflow-wrap: anywhere; }
    .lane p { min-height: 6.2rem; max-height: 14rem; overflow: auto; margin: .4rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere;
      font-size: .9rem; }
    .fall { list-style: none; margin: 0; padding: 0; font-size: .75rem; }
    .fall li { display: grid; grid-template-columns: 15rem 1fr; gap: .6rem; align-items: center; max-width: none; height: 1.05rem; }
    .fall span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; direction: rtl; text-align: left; }
    .fall .axis { color: var(--soft); } .fall .axis bdi { white-space: nowrap; }
    .fall .axis small { position: absolute; transform: translateX(-50%); white-space: nowrap; }
    .fall .axis small:first-child { transform: none; } .fall .axis small:last-child { transform: translateX(-100%); }
    .track { position: relative; height: 100%; }
    .track i { position: absolute; top: 20%; height: 60%; min-width: 1px; }
    .track em { position: absolute; top: 0; font-style: normal; color: var(--bad); padding-left: .3rem; }
    .queue { background: var(--wait); } .headers { background: var(--head); } .think { background: var(--think); }
    .flow { background: var(--flow); } .tail { background: var(--tail); }
    .key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .8rem; margin: .3rem 0 .6rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .9rem; font-size: .875rem; margin: .4rem 0; }
    dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
    @media (max-width: 600px) {
      td.left { white-space: normal; min-width: 6rem; } td.wrap { min-width: 7rem; } th, td { padding: .3rem .4rem; }
      .fall li { grid-template-columns: 6.5rem 1fr; } .forest { width: 8rem; } dl { grid-template-columns: 1fr; }
      dd { margin-bottom: .4rem; }
    }
    @media print {
      .paper { color-scheme: light; } main { max-width: none; padding: 0; } .controls { display: none; }
      figure, .lane, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } .scroll { overflow: visible; }
      table { font-size: .68rem; } pre { max-height: none; }
      .lane p { max-height: none; } th, td { padding: .2rem .35rem; }
    }
    </style>
    </head>
    <body>
    <main id="page"><noscript>{{title}}. The charts need JavaScript.</noscript></main>
    <script type="application/json" id="data">{{data}}</script>
    <script>
    {{uplot-js}}
    </script>
    <script>
    'use strict';
    const data = JSON.parse(document.getElementById('data').textContent);
    const page = document.getElementById('page');

    // Builds an element; texts become text nodes, so nothing that a model wrote is ever markup.
    function el(name, attributes, ...children) {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(attributes || {})) {
        if (value !== null && value !== undefined) element.setAttribute(key, value);
      }
      element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== ''));
      return element;
    }

    const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const color = at => 'var(--c' + at % 8 + ')';
    const dashes = [[], [10, 5], [3, 3], [12, 4, 3, 4], [6, 2], [2, 6], [16, 6], [8, 3, 2, 3, 2, 3]];
    const ms = value => value === null || value === undefined ? '' : value >= 10000 ? (value / 1000).toFixed(1) + ' s'
        : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) + ' ms';
    const swatch = at => el('span', {class: 'swatch', style: 'background:' + color(at), 'aria-hidden': 'true'});

    function table(caption, heads, rows) {
      const cells = (cell, i) => cell instanceof HTMLTableCellElement ? cell : el(i ? 'td' : 'th', i ? {} : {scope: 'row'}, cell);
      return el('div', {}, el('p', {class: 'soft', 'aria-hidden': 'true'}, caption),
          el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
              el('table', {'aria-label': caption}, el('thead', {}, heads),
                  el('tbody', {}, rows.map(row => el('tr', {}, row.map(cells)))))));
    }

    // A name that begins with a low line heads a column of words.
    const head = (...names) => el('tr', {}, names.map(name => el('th',
        {scope: 'col', class: name.startsWith('_') ? 'left' : null}, name.replace('_', ''))));

    // ---- the answer

    page.append(
        data.simulated ? el('span', {class: 'badge'}, 'simulated') : '',
        el('h1', {class: data.headline.length > 240 ? 'long' : null}, data.headline));
    if (data.notes.length) {
      page.append(el('ul', {class: 'notes', 'aria-label': 'What to know before believing it'}, data.notes.map(note => el('li', {}, note))));
    }

    function figures(section) {
      const families = [];
      for (const column of data.columns) {
        const last = families[families.length - 1];
        if (last && column.family && last.family === column.family) last.span++;
        else families.push({family: column.family, span: 1});
      }
      return table('Completed requests; times in milliseconds. Blank: the sample is too small for it.', [
          el('tr', {}, el('td', {}), families.map(each => each.family ? el('th', {colspan: each.span, scope: 'colgroup'}, each.family)
              : el('td', {}))),
          head(data.by.replace('label:', ''), ...data.columns.map(column => column.heading))],
          section.groups.map((group, i) => [el('th', {scope: 'row'}, swatch(i), group.label), ...group.cells]));
    }

    function differences(section) {
      const rows = [];
      const measures = ['ttft', 'itl', 'tpot', 'ttlt', 'total'];
      const all = section.groups.flatMap(group => Object.values(group.against)).filter(each => each.ratio);
      const reach = 1.05 * Math.max(0.1, ...all.flatMap(each => [each.low || each.ratio, each.high || each.ratio])
          .map(ratio => Math.abs(Math.log(ratio))));
      const at = ratio => (50 + 50 * Math.log(ratio) / reach).toFixed(2) + '%';
      for (const measure of measures) {
        for (const group of section.groups) {
          const each = group.against[measure];
          if (!each) continue;
          const forest = el('div', {class: 'forest ' + each.verdict, 'aria-hidden': 'true'}, el('u', {style: 'left:50%'}));
          if (each.low) {
            forest.append(el('i', {style: 'left:' + at(each.low) + ';right:calc(100% - ' + at(each.high) + ')'}));
          }
          if (each.ratio) forest.append(el('b', {style: 'left:' + at(each.ratio)}));
          rows.push([measure === 'total' ? measure : measure.toUpperCase(),
            el('td', {class: 'left'}, group.label + ' / ' + each.baseline),
            each.ratio ? each.ratio.toFixed(2) + 'x' : '', el('td', {class: 'wrap ' + each.verdict}, each.verdict_words),
            each.low ? each.low.toFixed(2) + ' to ' + each.high.toFixed(2) : '', el('td', {}, forest)]);
        }
      }
      return rows.length ? [el('h3', {}, 'Is the difference real?'), table('Ratio of the medians, above 1 is slower. The interval holds the'
          + ' true ratio 95 times in 100; the middle line is 1x.',
          [head('', '_pair', 'ratio', '_verdict', '95 % interval', 'slower to the right')], rows)] : [];
    }

    // ---- charts

    const charts = [];

    function chart(title, words, label, options, values, alternative) {
      const box = el('div', {role: 'img', 'aria-label': title + '. ' + label});
      const figure = el('figure', {}, el('h3', {}, title), box, el('figcaption', {}, words),
          alternative ? el('details', {}, el('summary', {}, 'The same as a table'), alternative) : null);
      charts.push({box, options, values});
      return figure;
    }

    function draw() {
      for (const each of charts) {
        const width = Math.max(240, each.box.clientWidth);
        each.plot = new uPlot({width, height: 300, ...each.options}, each.values, each.box);
        new ResizeObserver(() => {
          const now = Math.max(240, each.box.clientWidth);
          if (now !== each.plot.width) each.plot.setSize({width: now, height: 300});
        }).observe(each.box);
      }
      document.body.dataset.charts = charts.length;
    }

    const axis = (label, values, size) => ({label, values, size: size || 50, stroke: () => css('--soft'), font: '12px system-ui',
      labelFont: '12px system-ui', grid: {stroke: () => css('--line'), width: 1}, ticks: {stroke: () => css('--line'), width: 1}});

    const serie = (label, i, more) => ({label, width: 2, stroke: () => css('--c' + i % 8), dash: dashes[i % 8], points: {show: false}, ...more});

    // The tool's own error, under the lines: what was measured is late by that much at most.
    function bands(errors, shift) {
      return {drawAxes: [plot => {
        const ink = plot.ctx;
        ink.save();
        ink.beginPath();
        ink.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
        ink.clip();
        errors.forEach((error, i) => {
          if (!error) return;
          ink.globalAlpha = 0.25;
          ink.fillStyle = css('--c' + i % 8);
          ink.beginPath();
          shift(plot, plot.data[0], plot.data[i + 1], error, ink);
          ink.fill();
        });
        ink.restore();
      }]};
    }

    const largest = (lines, key) => Math.max(...lines.map(line => line[key] || 0));
    const said = (lines, words) => largest(lines, 'error_ms') ? ' The shade is the tool’s own error, the median of it, '
        + largest(lines, 'error_ms').toFixed(3) + ' ms' + (largest(lines, 'error_p99_ms') ? ' (p99 '
        + largest(lines, 'error_p99_ms').toFixed(3) + ' ms)' : '') + ': ' + words : '';

    function distribution(section) {
      const lines = section.ttft || [];
      if (!lines.some(line => line.ms.length)) return null;
      const last = Math.max(...lines.flatMap(line => line.ms));
      const grid = [...new Set([0, ...lines.flatMap(line => line.ms), last * 1.02])].sort((a, b) => a - b);
      const values = lines.map(line => {
        let at = 0;
        return grid.map(x => {
          if (!line.ms.length) return null;
          while (at < line.ms.length && line.ms[at] <= x) at++;
          return at ? line.share[at - 1] : 0;
        });
      });
      const quantile = (line, share) => ms(line.ms[line.share.findIndex(each => each >= share - 1e-9)]);
      const errors = lines.map(line => line.error_ms);
      const shares = [0.1, 0.25, 0.5, 0.75, 0.9];
      return chart('Time to first token', 'How many of the requests had their first token by then; further left is faster.'
          + said(lines, 'the true curve lies within.'),
          lines.map(line => line.label + ': half by ' + quantile(line, 0.5) + ', nine of ten by ' + quantile(line, 0.9)).join('; '),
          {scales: {x: {time: false, range: (plot, from, to) => [0, to]}, y: {range: [0, 1.02]}},
           axes: [axis('ms'), axis('share of requests', (plot, splits) => splits.map(split => Math.round(split * 100) + ' %'), 56)],
           series: [{label: 'by', value: (plot, x) => x === null ? '--' : ms(x)}, ...lines.map((line, i) => serie(line.label, i,
               {paths: uPlot.paths.stepped({align: 1}), value: (plot, y) => y === null ? '--' : Math.round(y * 100) + ' %'}))],
           hooks: bands(errors, (plot, xs, ys, error, ink) => {
             for (let i = 1; i < xs.length; i++) {
               if (ys[i] > ys[i - 1]) {
                 const left = plot.valToPos(xs[i] - error, 'x', true);
                 const top = plot.valToPos(ys[i], 'y', true);
                 ink.rect(left, top, plot.valToPos(xs[i], 'x', true) - left, plot.valToPos(ys[i - 1], 'y', true) - top);
               }
             }
           })},
          [grid, ...values],
          table('Time by which a share of the requests had their first token', [head('', ...shares.map(share => share * 100 + ' %'))],
              lines.filter(line => line.ms.length).map(line => [line.label, ...shares.map(share => quantile(line, share))])));
    }

    function positions(section) {
      const lines = section.itl || [];
      if (!lines.some(line => line.token.length)) return null;
      const grid = [...new Set(lines.flatMap(line => line.token))].sort((a, b) => a - b);
      const values = lines.map(line => grid.map(token => {
        const at = line.token.indexOf(token);
        return at < 0 ? null : line.ms[at];
      }));
      const errors = lines.map(line => line.error_ms);
      const median = line => [...line.ms].sort((a, b) => a - b)[line.ms.length >> 1];
      const some = grid.filter((token, i) => i % Math.ceil(grid.length / 12) === 0);
      return chart('Inter-token latency along the answer', 'Median time since the token before, by its place in the answer: a line that'
          + ' rises slows down in long answers.' + said(lines, 'the true line lies within.'),
          lines.filter(line => line.ms.length).map(line => line.label + ': about ' + ms(median(line))).join('; '),
          {scales: {x: {time: false}, y: {range: (plot, from, to) => [0, Math.max(to * 1.1, 0.001)]}},
           axes: [axis('token'), axis('ms', null, 56)],
           series: [{label: 'token'}, ...lines.map((line, i) => serie(line.label, i, {spanGaps: true,
               value: (plot, y) => y === null ? '--' : ms(y)}))],
           hooks: bands(errors, (plot, xs, ys, error, ink) => {
             const known = xs.map((x, i) => i).filter(i => ys[i] !== null);
             known.forEach(i => ink.lineTo(plot.valToPos(xs[i], 'x', true), plot.valToPos(ys[i], 'y', true)));
             known.reverse().forEach(i => ink.lineTo(plot.valToPos(xs[i], 'x', true),
                 plot.valToPos(Math.max(0, ys[i] - error), 'y', true)));
           })},
          [grid, ...values],
          table('Median inter-token latency, milliseconds', [head('', ...some.map(token => 'token ' + token))],
              lines.map((line, i) => [line.label, ...some.map(token => {
                const value = values[i][grid.indexOf(token)];
                return value === null ? '' : value.toFixed(2);
              })])));
    }

    function loads() {
      const points = data.load || [];
      const by = new Set(points.map(point => point.rate)).size > 1 ? 'rate' : 'concurrency';
      const grid = [...new Set(points.map(point => point[by]).filter(x => x !== null))].sort((a, b) => a - b);
      if (grid.length < 2) return [];
      const order = data.by === 'model' ? data.sections[0].groups.map(group => group.label) : [];
      const models = [...new Set([...order, ...points.map(point => point.model)])].slice(0, 8);
      const name = by === 'rate' ? 'requests per second asked for' : 'requests in flight';
      const plot = (title, words, figure, unit) => {
        const values = models.map(model => grid.map(x => {
          const here = points.filter(point => point.model === model && point[by] === x && point[figure] !== null);
          return here.length ? here.reduce((sum, point) => sum + point[figure], 0) / here.length : null;
        }));
        return chart(title, words, models.map((model, i) => model + ': ' + grid.map((x, j) => values[i][j] === null ? null
            : values[i][j].toFixed(0) + ' ' + unit + ' at ' + x).filter(word => word).join(', ')).join('; '),
            {scales: {x: {time: false}, y: {range: (plot, from, to) => [0, to * 1.1]}}, axes: [axis(name), axis(unit, null, 64)],
             series: [{label: name}, ...models.map((model, i) => serie(model, i, {spanGaps: true, points: {show: true, size: 7}}))]},
            [grid, ...values], table(title, [head('', ...grid.map(x => by + ' ' + x))], models.map((model, i) =>
                [model, ...values[i].map(value => value === null ? '' : value.toFixed(1))])));
      };
      return [el('h2', {}, 'Under load'), el('div', {class: 'charts'},
          plot('Throughput', 'Output tokens of a model over the time from its first request to its last; models of one run share'
              + ' its requests in flight.', 'tokens_per_s', 'tokens/s'),
          plot('Time to first token under load', 'Median of the completed requests.', 'ttft_p50_ms', 'ms'))];
    }

    // ---- the race

    function race(section) {
      const lanes = (section.race || []).filter(lane => lane.ms.length);
      if (!lanes.length) return [];
      const end = Math.max(...lanes.map(lane => lane.total_ms || lane.ms[lane.ms.length - 1]));
      const play = el('button', {type: 'button'}, 'Play');
      const speed = el('select', {'aria-label': 'Speed'}, [0.1, 0.25, 0.5, 1, 2, 5, 10].map(x => el('option', {value: x,
        selected: x === 1 ? '' : null}, x === 1 ? 'true speed' : x + 'x')));
      const slider = el('input', {type: 'range', min: 0, max: Math.ceil(end), step: 1, value: Math.ceil(end), 'aria-label': 'Time in milliseconds'});
      const status = el('p', {role: 'status', class: 'soft'});
      for (const lane of lanes) {
        lane.done = lane.total_ms || lane.ms[lane.ms.length - 1];
        lane.clock = el('span', {});
        lane.words = el('p', {tabindex: 0, role: 'group', 'aria-label': 'Answer of ' + lane.label});
        lane.shown = 0;
      }
      let now = end;
      let last = null;

      function show() {
        for (const lane of lanes) {
          let upTo = lane.shown;
          if (upTo > 0 && lane.ms[upTo - 1] > now) {
            lane.words.textContent = '';
            lane.shown = upTo = 0;
          }
          while (upTo < lane.ms.length && lane.ms[upTo] <= now) upTo++;
          if (upTo > lane.shown) {
            lane.words.append(lane.text.slice(lane.shown, upTo).join(''));
            lane.words.scrollTop = lane.words.scrollHeight;
          }
          lane.shown = upTo;
          lane.clock.textContent = now >= lane.done ? 'done, ' + (lane.done / 1000).toFixed(2) + ' s'
              : upTo ? (now / 1000).toFixed(2) + ' s' : 'waiting, ' + (now / 1000).toFixed(2) + ' s';
        }
        slider.value = now;
        slider.setAttribute('aria-valuetext', (now / 1000).toFixed(1) + ' seconds');
      }

      function tick(time) {
        if (last === null) return;
        now = Math.min(end, now + Math.max(0, time - last) * speed.value);
        last = time;
        show();
        if (now < end) requestAnimationFrame(tick);
        else stop();
      }

      function stop() {
        last = null;
        play.textContent = now < end ? 'Play' : 'Again';
        if (now >= end) {
          status.textContent = [...lanes].sort((a, b) => a.done - b.done).map(lane => lane.label + ' was done after '
              + (lane.done / 1000).toFixed(2) + ' s').join(', ') + '.';
        }
      }

      play.addEventListener('click', () => {
        if (last !== null) return stop();
        if (now >= end) now = 0;
        status.textContent = '';
        play.textContent = 'Pause';
        last = performance.now();
        show();
        requestAnimationFrame(tick);
      });
      slider.addEventListener('input', () => {
        now = Math.min(end, Number(slider.value) >= Math.ceil(end) ? end : Number(slider.value));
        show();
        if (last === null) stop();
      });
      window.addEventListener('beforeprint', () => {
        now = end;
        show();
        stop();
      });
      show();
      const prompt = lanes[0].prompt + (lanes[0].repetition > 1 ? ', repetition ' + lanes[0].repetition : '');
      return [el('h3', {}, 'The race'), el('p', {class: 'soft'}, 'The recorded answers to one prompt (' + prompt
          + '), each token at the time at which it came.'), el('div', {class: 'controls'}, play, speed, slider),
          el('div', {class: 'lanes'}, lanes.map((lane, i) => el('article', {class: 'lane', style: 'border-top-color:'
              + color(section.groups.findIndex(group => group.label === lane.label))}, el('header', {}, el('span', {}, lane.label),
              lane.clock), lane.words))), status];
    }

    // ---- requests

    function waterfall() {
      const rows = data.waterfall || [];
      if (!rows.length) return [];
      const phases = {queue: 'waiting for the tool', headers: 'to the response headers', think: 'to the first token',
        flow: 'streaming', tail: 'to the end of the stream'};
      const end = Math.max(1, ...rows.map(row => row.start_ms + (row.total_ms || row.ttlt_ms || 0)));
      const percent = value => (100 * value / end).toFixed(3) + '%';
      return [el('h2', {}, 'Requests in time'),
        el('p', {class: 'soft'}, 'The first ' + rows.length + ' requests, each run from its own beginning.'),
        el('div', {class: 'key'}, Object.entries(phases).map(([name, words]) =>
            el('span', {}, el('span', {class: 'swatch ' + name}), words))),
        el('ol', {class: 'fall'}, timeAxis(end, percent), rows.flatMap((row, i) => [
          data.recorded.length > 1 && (i === 0 || rows[i - 1].run !== row.run)
              ? el('li', {class: 'axis'}, el('bdi', {}, row.run)) : null,
          bar(row, end, percent)]))];
    }

    function timeAxis(end, percent) {
      const unit = 10 ** Math.floor(Math.log10(end / 4));
      const step = [1, 2, 5, 10].map(factor => factor * unit).find(each => end / each <= 5);
      const ticks = [...Array(Math.floor(end / step) + 1).keys()].map(i => i * step);
      return el('li', {class: 'axis', 'aria-hidden': 'true'}, el('span', {}), el('div', {class: 'track'},
          ticks.map(tick => el('small', {style: 'left:' + percent(tick)}, end < 2000 ? tick + ' ms' : tick / 1000 + ' s'))));
    }

    function bar(row, end, percent) {
      const headers = row.headers_ms || 0;
      const edges = [['queue', -(row.queue_ms || 0), 0], ['headers', 0, row.headers_ms], ['think', headers, row.ttft_ms],
        ['flow', row.ttft_ms, row.ttlt_ms], ['tail', row.ttlt_ms || row.ttft_ms || headers, row.total_ms]];
      const known = edges.filter(([, from, to]) => from !== null && to !== null && to > from);
      const stop = row.start_ms + (row.total_ms || 0);
      const words = [['started at', row.start_ms], ['first token after', row.ttft_ms], ['last after', row.ttlt_ms],
        ['ended after', row.total_ms]].filter(each => each[1] !== null).map(each => each[0] + ' ' + ms(each[1])).join(', ')
          + ', ' + row.status;
      return el('li', {title: row.request_id + ': ' + words}, el('span', {}, el('bdi', {}, row.request_id)),
          el('div', {class: 'track', role: 'img', 'aria-label': words},
              known.map(([name, from, to]) => el('i', {class: name,
                style: 'left:' + percent(Math.max(0, row.start_ms + from)) + ';width:' + percent(to - from)})),
              row.status === 'completed' ? null
                  : el('em', {style: stop / end > 0.8 ? 'right:0' : 'left:' + percent(stop)}, row.status)));
    }

    function slowest() {
      const rows = data.slowest || [];
      return rows.length ? [el('h2', {}, 'Slowest requests'), rows.map(row => el('details', {}, el('summary', {},
          el('strong', {}, ms(row.total_ms)), ' ' + row.request_id + ' (first token ' + ms(row.ttft_ms) + (row.output_tokens === null ? ''
          : ', ' + row.output_tokens + ' tokens') + ')'), el('pre', {tabindex: 0}, row.text)))] : [];
    }

    function failures() {
      const rows = data.failures || [];
      return rows.length ? [el('h2', {}, 'Failures'), table('The first ' + rows.length + ' requests that failed in their last attempt',
          [head('request', '_status', 'after', '_why')], rows.map(row => [row.request_id, el('td', {class: 'left'}, row.status),
            ms(row.total_ms), el('td', {class: 'wrap'}, row.error)]))] : [];
    }

    function runs() {
      const listed = object => Object.entries(object || {}).filter(([, value]) => value !== null)
          .map(([key, value]) => key + ' ' + value).join(', ');
      const served = model => model.label + ' = ' + model.name + ' at ' + model.base_url + ' (' + model.api + ')';
      const recorded = data.recorded || [];
      return recorded.length ? [el('h2', {}, 'Runs'), recorded.map(run => {
        const facts = [['folder', run.folder], ['simulated', run.simulated ? 'yes' : 'no'], ['began', run.started_at],
          ['ended', run.finished_at || 'not yet'], ['requests', run.requests],
          ['models', Array.isArray(run.models) ? run.models.map(served).join(', ') : ''],
          ['options', listed(run.options)], ['versions', listed(run.versions)],
          ['own error', listed(run.client_overhead) || 'not measured']];
        const known = facts.filter(fact => fact[1] !== undefined && fact[1] !== '');
        return [el('h3', {}, run.run),
          el('dl', {}, known.flatMap(fact => [el('dt', {}, fact[0]), el('dd', {}, String(fact[1]))]))];
      })] : [];
    }

    for (const section of data.sections) {
      page.append(...[section.title ? el('h2', {}, section.title) : el('h2', {}, 'In figures'), figures(section), differences(section),
        el('div', {class: 'charts'}, distribution(section), positions(section)), race(section)].flat());
    }
    page.append(...[loads(), waterfall(), slowest(), failures(), runs()].flat(Infinity));
    draw();
    const redraw = () => charts.forEach(each => each.plot.redraw());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    window.addEventListener('beforeprint', () => {
      document.documentElement.classList.add('paper');
      document.querySelectorAll('details').forEach(each => each.open = true);
      redraw();
    });
    window.addEventListener('afterprint', () => {
      document.documentElement.classList.remove('paper');
      redraw();
    });
    </script>
    </body>
    </html>
    """;

    private ReportPage() { }
}

/** A picture of how a measure is distributed in each group. */
final class Picture {

    private static final int MOST_LINES = 8;
    private static final int POINTS = 200;
    private static final double HARDLY_ANY = 1e-4; // equal distances from 0 on would become the marks of the axis
    private static final Pattern DIGITS = Pattern.compile("([0-9]\\.[0-9])[0-9]+"); // text is drawn as outlines
    private static final List<Color> COLORS = List.of(new Color(0x0072b2), new Color(0xd55e00), new Color(0x00795a),
            new Color(0xb0488f), new Color(0x8a6100), new Color(0x2b8cbe), new Color(0x6a51a3), new Color(0x555555));
    private static final Map<Metric, String> TITLES = Map.of(Metric.TTFT, "Time to first token",
            Metric.ITL, "Inter-token latency, median of each request", Metric.TPOT, "Time per output token",
            Metric.TTLT, "Time to last token", Metric.TOTAL, "Time to the end of the stream");

    private final XYChart chart;

    private Picture(XYChart chart) {
        this.chart = chart;
    }

    /**
     * Draws the measure that the name of the file begins with, else TTFT; throws IOException with the words for the user if
     * there is nothing to draw, or nothing to write with.
     */
    static Picture named(String name, Comparison comparison) throws IOException {
        if (comparison.source() == null) {
            throw new IOException(name + ": a table of a comparison has no requests to draw; name the folders of the runs");
        }
        var measure = SectionResult.COMPARED.stream().filter(each -> name.toLowerCase(Locale.ROOT).startsWith(each.word())).findFirst()
                .orElse(Metric.TTFT);
        System.setProperty("java.awt.headless", "true");
        try {
            var chart = new XYChartBuilder().width(880).height(440).title(TITLES.get(measure)
                    + (comparison.terms().simulated() ? " (simulated)" : "")).xAxisTitle("ms")
                    .yAxisTitle("share of requests").build();
            style(chart);
            for (var section : comparison.source().sections()) {
                for (var group : section.groups()) {
                    if (group.values(measure).length > 0 && chart.getSeriesCollection().size() < MOST_LINES) {
                        add(chart, (section.title().isEmpty() ? "" : section.title() + ", ") + group.label(), group.values(measure));
                    }
                }
            }
            if (chart.getSeriesCollection().isEmpty()) {
                throw new IOException(name + ": no completed request has a " + measure.name() + "; there is nothing to draw");
            }
            return new Picture(chart);
        } catch (RuntimeException | LinkageError | InternalError e) {
            throw withoutFonts(name, e);
        }
    }

    private static IOException withoutFonts(String name, Throwable e) {
        return new IOException(name + ": Java can't draw text here (" + e + "); install a font, or write .html instead");
    }

    private static void style(XYChart chart) {
        var font = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
        var style = chart.getStyler();
        style.setDefaultSeriesRenderStyle(XYSeriesRenderStyle.Step);
        style.setBaseFont(font).setChartTitleFont(font.deriveFont(Font.BOLD, 16)).setLegendFont(font)
                .setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false).setChartTitleBoxVisible(false)
                .setLegendPosition(LegendPosition.OutsideS).setLegendBorderColor(Color.WHITE)
                .setLegendLayout(LegendLayout.Horizontal).setLocale(Locale.ROOT).setMarkerSize(0);
        style.setAxisTitleFont(font).setAxisTickLabelsFont(font).setPlotGridLinesColor(new Color(0xdddddd))
                .setYAxisMin(0.0).setYAxisMax(1.0).setXAxisMin(0.0).setYAxisDecimalPattern("#%").setPlotMargin(0);
    }

    private static void add(XYChart chart, String label, double[] sorted) {
        var points = Math.min(sorted.length, POINTS);
        var xs = new double[points + 1];
        var shares = new double[points + 1];
        xs[0] = sorted[0];
        shares[0] = HARDLY_ANY;
        for (int i = 0; i < points; i++) {
            var rank = points == sorted.length ? i : (int) Math.round(i * (sorted.length - 1.0) / (points - 1));
            xs[i + 1] = sorted[rank];
            shares[i + 1] = (rank + 1.0) / sorted.length;
        }
        var at = chart.getSeriesCollection().size();
        chart.addSeries(label, xs, shares).setMarker(SeriesMarkers.NONE).setLineColor(COLORS.get(at))
                .setLineStyle(new BasicStroke(2.5f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    }

    /** Returns the file's content, {@code svg} or {@code png}. */
    byte[] bytes(String format) throws IOException {
        try {
            var bytes = ChartEncoder.getBytes(chart, format);
            return format.equals("svg") ? DIGITS.matcher(new String(bytes, StandardCharsets.UTF_8)).replaceAll("$1")
                    .getBytes(StandardCharsets.UTF_8) : bytes;
        } catch (RuntimeException | LinkageError | InternalError e) {
            throw withoutFonts(chart.getTitle(), e);
        }
    }
}
