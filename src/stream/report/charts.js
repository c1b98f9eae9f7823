'use strict';

// ---- charts

const charts = [];

function chart(title, words, label, options, values, alternative) {
  const box = el('div', { role: 'img', 'aria-label': title + '. ' + label });
  const figure = el(
    'figure',
    {},
    el('h3', {}, title),
    box,
    el('figcaption', {}, words),
    alternative ? el('details', {}, el('summary', {}, 'The same as a table'), alternative) : null,
  );
  charts.push({ box, options, values });
  return figure;
}

function draw() {
  for (const each of charts) {
    const width = Math.max(240, each.box.clientWidth);
    each.plot = new uPlot({ width, height: 300, legend: { live: false }, ...each.options }, each.values, each.box);
    new ResizeObserver(() => {
      const now = Math.max(240, each.box.clientWidth);
      if (now !== each.plot.width) each.plot.setSize({ width: now, height: 300 });
    }).observe(each.box);
  }
  fits.forEach(fit => fit());
  addEventListener('resize', () => fits.forEach(fit => fit()));
  document.body.dataset.charts = charts.length;
}

const axis = (label, values, size) => ({
  label,
  values,
  size: size || 50,
  stroke: () => css('--soft'),
  font: '12px system-ui',
  labelFont: '12px system-ui',
  grid: { stroke: () => css('--line'), width: 1 },
  ticks: { stroke: () => css('--line'), width: 1 },
});

const serie = (label, i, more) => ({
  label,
  width: 2,
  stroke: () => css('--c' + (i % 8)),
  dash: dashes[i % 8],
  points: { show: false },
  ...more,
});

// The error of the client, drawn below the lines: what was measured is late by at most that much.
function bands(errors, shift) {
  return {
    drawAxes: [
      plot => {
        const ink = plot.ctx;
        ink.save();
        ink.beginPath();
        ink.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
        ink.clip();
        errors.forEach((error, i) => {
          if (!error) return;
          ink.globalAlpha = 0.25;
          ink.fillStyle = css('--c' + (i % 8));
          ink.beginPath();
          shift(plot, plot.data[0], plot.data[i + 1], error, ink);
          ink.fill();
        });
        ink.restore();
      },
    ],
  };
}

const counts = section => 'n: ' + section.groups.map(group => group.label + ' ' + group.figures.n).join(', ') + '.';
const largest = (lines, key) => Math.max(...lines.map(line => line[key] || 0));
const said = (lines, words) =>
  largest(lines, 'error_ms')
    ? ' The shade is the error of the client, its median, ' +
      largest(lines, 'error_ms').toFixed(3) +
      ' ms' +
      (largest(lines, 'error_p99_ms') ? ' (p99 ' + largest(lines, 'error_p99_ms').toFixed(3) + ' ms)' : '') +
      ': ' +
      words
    : '';

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
  return chart(
    'Time to first token',
    'How many of the requests had their first token by then; further left is faster. ' +
      counts(section) +
      said(lines, 'the true curve lies within.'),
    lines
      .map(line => line.label + ': half by ' + quantile(line, 0.5) + ', nine of ten by ' + quantile(line, 0.9))
      .join('; '),
    {
      scales: { x: { time: false, range: (plot, from, to) => [0, to] }, y: { range: [0, 1.02] } },
      axes: [
        axis('ms'),
        axis('share of requests', (plot, splits) => splits.map(split => Math.round(split * 100) + ' %'), 56),
      ],
      series: [
        { label: 'by', value: (plot, x) => (x === null ? '--' : ms(x)) },
        ...lines.map((line, i) =>
          serie(line.label, i, {
            paths: uPlot.paths.stepped({ align: 1 }),
            value: (plot, y) => (y === null ? '--' : Math.round(y * 100) + ' %'),
          }),
        ),
      ],
      hooks: bands(errors, (plot, xs, ys, error, ink) => {
        for (let i = 1; i < xs.length; i++) {
          if (ys[i] > ys[i - 1]) {
            const left = plot.valToPos(xs[i] - error, 'x', true);
            const top = plot.valToPos(ys[i], 'y', true);
            ink.rect(left, top, plot.valToPos(xs[i], 'x', true) - left, plot.valToPos(ys[i - 1], 'y', true) - top);
          }
        }
      }),
    },
    [grid, ...values],
    table(
      'Time by which a share of the requests had their first token',
      [head('', ...shares.map(share => share * 100 + ' %'))],
      lines.filter(line => line.ms.length).map(line => [line.label, ...shares.map(share => quantile(line, share))]),
    ),
  );
}

function positions(section) {
  const lines = section.itl || [];
  if (!lines.some(line => line.token.length)) return null;
  const grid = [...new Set(lines.flatMap(line => line.token))].sort((a, b) => a - b);
  const values = lines.map(line =>
    grid.map(token => {
      const at = line.token.indexOf(token);
      return at < 0 ? null : line.ms[at];
    }),
  );
  const errors = lines.map(line => line.error_ms);
  const median = line => [...line.ms].sort((a, b) => a - b)[line.ms.length >> 1];
  const some = grid.filter((token, i) => i % Math.ceil(grid.length / 12) === 0);
  return chart(
    'Inter-token latency along the answer',
    'Median time since the token before, by its place in the answer: a line that' +
      ' rises slows down in long answers. ' +
      counts(section) +
      said(lines, 'the true line lies within.'),
    lines
      .filter(line => line.ms.length)
      .map(line => line.label + ': about ' + ms(median(line)))
      .join('; '),
    {
      scales: { x: { time: false }, y: { range: (plot, from, to) => [0, Math.max(to * 1.1, 0.001)] } },
      axes: [
        axis('token', (plot, splits) => splits.map(split => (Number.isInteger(split) ? split : ''))),
        axis('ms', null, 56),
      ],
      series: [
        { label: 'token' },
        ...lines.map((line, i) =>
          serie(line.label, i, { spanGaps: true, value: (plot, y) => (y === null ? '--' : ms(y)) }),
        ),
      ],
      hooks: bands(errors, (plot, xs, ys, error, ink) => {
        const known = xs.map((x, i) => i).filter(i => ys[i] !== null);
        known.forEach(i => ink.lineTo(plot.valToPos(xs[i], 'x', true), plot.valToPos(ys[i], 'y', true)));
        known
          .reverse()
          .forEach(i =>
            ink.lineTo(plot.valToPos(xs[i], 'x', true), plot.valToPos(Math.max(0, ys[i] - error), 'y', true)),
          );
      }),
    },
    [grid, ...values],
    table(
      'Median inter-token latency, milliseconds',
      [head('', ...some.map(token => 'token ' + token))],
      lines.map((line, i) => [
        line.label,
        ...some.map(token => {
          const value = values[i][grid.indexOf(token)];
          return value === null ? '' : value.toFixed(2);
        }),
      ]),
    ),
  );
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
    const values = models.map(model =>
      grid.map(x => {
        const here = points.filter(point => point.model === model && point[by] === x && point[figure] !== null);
        return here.length ? here.reduce((sum, point) => sum + point[figure], 0) / here.length : null;
      }),
    );
    return chart(
      title,
      words,
      models
        .map(
          (model, i) =>
            model +
            ': ' +
            grid
              .map((x, j) => (values[i][j] === null ? null : values[i][j].toFixed(0) + ' ' + unit + ' at ' + x))
              .filter(word => word)
              .join(', '),
        )
        .join('; '),
      {
        scales: { x: { time: false }, y: { range: (plot, from, to) => [0, to * 1.1] } },
        axes: [axis(name), axis(unit, null, 64)],
        series: [
          { label: name },
          ...models.map((model, i) => serie(model, i, { spanGaps: true, points: { show: true, size: 7 } })),
        ],
      },
      [grid, ...values],
      table(
        title,
        [head('', ...grid.map(x => by + ' ' + x))],
        models.map((model, i) => [model, ...values[i].map(value => (value === null ? '' : value.toFixed(1)))]),
      ),
    );
  };
  return [
    el('h2', {}, 'Under load'),
    el(
      'div',
      { class: 'charts' },
      plot(
        'Throughput',
        'Output tokens of a model over the time from its first request to its last; models of one run share' +
          ' its requests in flight.',
        'tokens_per_s',
        'tokens/s',
      ),
      plot('Time to first token under load', 'Median of the completed requests.', 'ttft_p50_ms', 'ms'),
    ),
  ];
}
