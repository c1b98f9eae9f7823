'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const page = document.getElementById('page');
const dashes = [[], [10, 5], [3, 3], [12, 4, 3, 4], [6, 2], [2, 6], [16, 6], [8, 3, 2, 3, 2, 3]];

function table(caption, heads, rows) {
  const cells = (cell, i) =>
    cell instanceof HTMLTableCellElement ? cell : el(i ? 'td' : 'th', i ? {} : { scope: 'row' }, cell);
  return el(
    'div',
    {},
    el('p', { class: 'soft', 'aria-hidden': 'true' }, caption),
    el(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
      el(
        'table',
        { 'aria-label': caption },
        el('thead', {}, heads),
        el(
          'tbody',
          {},
          rows.map(row => el('tr', {}, row.map(cells))),
        ),
      ),
    ),
  );
}

// A name that begins with a low line heads a column of words.
const head = (...names) =>
  el(
    'tr',
    {},
    names.map(name => el('th', { scope: 'col', class: name.startsWith('_') ? 'left' : null }, name.replace('_', ''))),
  );

// ---- the answer

page.append(
  data.simulated ? el('span', { class: 'badge' }, 'simulated') : '',
  el('h1', { class: data.headline.length > 240 ? 'long' : null }, data.headline),
);
page.append(...(data.sections.length ? hero(data.sections[0]) : []));
if (data.notes.length) {
  page.append(
    el(
      'ul',
      { class: 'notes', 'aria-label': 'What to know before believing it' },
      data.notes.map(note => el('li', {}, note)),
    ),
  );
}

const fits = []; // what fits tables into the page, when its width changes

// One line for each group: to its first token, and on to its last; the fastest first.
function hero(section) {
  const known = section.groups
    .map((group, i) => ({
      label: group.label,
      i,
      n: group.figures.n,
      first: group.figures.ttft_p50_ms,
      last: group.figures.ttlt_p50_ms,
    }))
    .filter(each => each.first && each.last)
    .sort((one, other) => one.first - other.first);
  if (!known.length) return [];
  const end = Math.max(...known.map(each => each.last));
  const percent = value => ((100 * value) / end).toFixed(2) + '%';
  return [
    el(
      'div',
      {
        class: 'hero',
        role: 'img',
        'aria-label': known
          .map(each => each.label + ': first token after ' + ms(each.first) + ', last after ' + ms(each.last))
          .join('; '),
      },
      known.map(each =>
        el(
          'div',
          { class: 'row' },
          el('span', { class: 'name' }, swatch(each.i), each.label, el('small', {}, ' n ' + each.n)),
          el(
            'div',
            { class: 'bars', style: '--model:' + color(each.i) },
            el('i', { class: 'before', style: 'width:' + percent(each.first) }),
            el('i', { class: 'after', style: 'width:' + percent(each.last - each.first) }),
          ),
          el('span', { class: 'value' }, ms(each.first) + ', ' + ms(each.last)),
        ),
      ),
      el('p', { class: 'soft' }, 'Median time to the first token, then to the last, in ms; n requests.'),
    ),
  ];
}

function figures(section) {
  const families = [];
  for (const column of data.columns) {
    const last = families[families.length - 1];
    if (last && column.family && last.family === column.family) last.columns.push(column);
    else families.push({ family: column.family, columns: [column] });
  }
  const of = (column, cell) => {
    (column.cells ||= []).push(cell);
    return cell;
  };
  const heads = families.map(each => {
    each.head = each.family ? el('th', { scope: 'colgroup' }, each.family) : el('td', {});
    return each.head;
  });
  const found = table(
    'Completed requests; times in milliseconds. Blank: the sample is too small for it.',
    [
      el('tr', {}, el('td', {}), heads),
      el(
        'tr',
        {},
        el('th', { scope: 'col' }, data.by.replace('label:', '')),
        data.columns.map(column => of(column, el('th', { scope: 'col' }, column.heading))),
      ),
    ],
    section.groups.map((group, i) => [
      el('th', { scope: 'row' }, swatch(i), group.label),
      ...group.cells.map((cell, j) => of(data.columns[j], el('td', {}, cell))),
    ]),
  );
  const spans = () =>
    families.forEach(each => {
      const count = each.columns.filter(column => !column.hidden).length;
      each.head.hidden = count === 0;
      each.head.colSpan = Math.max(1, count);
    });
  return fitting(found, data.columns, spans);
}

// Leaves out, one after the other, the columns that matter least, until a table fits; a button shows them all.
function fitting(found, columns, changed) {
  const all = el('button', { type: 'button', class: 'more' }, 'All columns');
  const box = found.querySelector('.scroll');
  const order = columns.filter(column => column.optional !== null).sort((a, b) => a.optional - b.optional);
  const show = (column, shown) => {
    column.hidden = !shown;
    column.cells.forEach(cell => (cell.hidden = !shown));
    changed();
  };
  function fit() {
    columns.forEach(column => show(column, true));
    for (const column of order) {
      if (all.wanted || box.scrollWidth <= box.clientWidth) break;
      show(column, false);
    }
    all.textContent = all.wanted ? 'Main columns' : 'All columns';
    all.hidden = !all.wanted && columns.every(column => !column.hidden);
  }
  all.addEventListener('click', () => {
    all.wanted = !all.wanted;
    fit();
  });
  fits.push(fit);
  found.append(all);
  return found;
}

function differences(section) {
  const rows = [];
  const columns = {
    forest: { optional: 0, cells: [] },
    interval: { optional: 1, cells: [] },
    verdict: { optional: null, cells: [] },
  };
  const of = (name, cell) => {
    columns[name].cells.push(cell);
    return cell;
  };
  const tailOf = (group, tail) =>
    group.tails[tail.word] && {
      ...group.tails[tail.word],
      baseline: section.baseline,
      verdict: '',
      verdict_words: '',
    };
  const measures = [
    ...data.compared.map(metric => ({ title: metric.title, of: group => group.against[metric.word] })),
    ...data.tails.map(tail => ({ title: tail.title, of: group => tailOf(group, tail) })),
  ];
  const all = section.groups
    .flatMap(group => measures.map(measure => measure.of(group)))
    .filter(each => each && each.ratio);
  const reach =
    1.05 *
    Math.max(
      0.1,
      ...all.flatMap(each => [each.low || each.ratio, each.high || each.ratio]).map(ratio => Math.abs(Math.log(ratio))),
    );
  const at = ratio => (50 + (50 * Math.log(ratio)) / reach).toFixed(2) + '%';
  for (const measure of measures) {
    for (const group of section.groups) {
      const each = measure.of(group);
      if (!each) continue;
      const forest = el(
        'div',
        { class: 'forest ' + each.verdict, 'aria-hidden': 'true' },
        el('u', { style: 'left:50%' }),
      );
      if (each.low && each.high) {
        forest.append(el('i', { style: 'left:' + at(each.low) + ';right:calc(100% - ' + at(each.high) + ')' }));
      }
      if (each.ratio) forest.append(el('b', { style: 'left:' + at(each.ratio) }));
      rows.push([
        measure.title,
        el('td', { class: 'name' }, group.label),
        each.ratio ? each.ratio.toFixed(2) + 'x' : '',
        of('verdict', el('td', { class: 'wrap ' + each.verdict }, each.verdict_words)),
        of('interval', el('td', {}, each.low && each.high ? each.low.toFixed(2) + ' to ' + each.high.toFixed(2) : '')),
        of('forest', el('td', {}, forest)),
      ]);
    }
  }
  const heading = (name, words, left) => of(name, el('th', { scope: 'col', class: left ? 'left' : null }, words));
  return rows.length
    ? [
        el('h3', {}, 'Is the difference real?'),
        fitting(
          table(
            'Ratios to ' +
              section.baseline +
              ': geometric mean of the ratios of answers to the same prompt, above 1 is slower; of a tail the ratio' +
              ' of the quantiles. The interval contains the true ratio 95 times in 100; the middle line is 1x.',
            [
              el(
                'tr',
                {},
                el('th', { scope: 'col' }, ''),
                el('th', { scope: 'col', class: 'left' }, data.by.replace('label:', '')),
                el('th', { scope: 'col' }, 'ratio'),
                heading('verdict', 'verdict', true),
                heading('interval', '95 % interval'),
                heading('forest', 'slower to the right'),
              ),
            ],
            rows,
          ),
          Object.values(columns),
          () => {},
        ),
      ]
    : [];
}

// ---- requests

// In the order of the groups, so that a model has one colour in all of the page.
const models = [
  ...new Set([
    ...(data.by === 'model' ? data.sections.flatMap(section => section.groups.map(group => group.label)) : []),
    ...(data.waterfall || []).map(row => row.model),
  ]),
];

function waterfall() {
  const rows = data.waterfall || [];
  if (!rows.length) return [];
  const phases = {
    queue: 'waiting for the tool',
    headers: 'to the response headers',
    think: 'to the first token',
    flow: 'streaming, in the colour of the model',
    tail: 'to the end of the stream',
  };
  const end = Math.max(1, ...rows.map(row => row.start_ms + (row.total_ms || row.ttlt_ms || 0)));
  const percent = value => ((100 * value) / end).toFixed(3) + '%';
  return [
    el('h2', {}, 'Requests in time'),
    el('p', { class: 'soft' }, 'The first ' + rows.length + ' requests, each run from its own beginning.'),
    el(
      'div',
      { class: 'key' },
      Object.entries(phases).map(([name, words]) => el('span', {}, el('span', { class: 'swatch ' + name }), words)),
    ),
    el(
      'ol',
      { class: 'fall' },
      timeAxis(end, percent),
      rows.flatMap((row, i) => [
        data.recorded.length > 1 && (i === 0 || rows[i - 1].run !== row.run)
          ? el('li', { class: 'axis' }, el('bdi', {}, row.run))
          : null,
        bar(row, end, percent),
      ]),
    ),
  ];
}

function timeAxis(end, percent) {
  const unit = 10 ** Math.floor(Math.log10(end / 4));
  const step = [1, 2, 5, 10].map(factor => factor * unit).find(each => end / each <= 5);
  const ticks = [...Array(Math.floor(end / step) + 1).keys()].map(i => i * step);
  return el(
    'li',
    { class: 'axis', 'aria-hidden': 'true' },
    el('span', {}),
    el(
      'div',
      { class: 'track' },
      ticks.map(tick =>
        el('small', { style: 'left:' + percent(tick) }, end < 2000 ? tick + ' ms' : tick / 1000 + ' s'),
      ),
    ),
  );
}

function bar(row, end, percent) {
  const headers = row.headers_ms || 0;
  const edges = [
    ['queue', -(row.queue_ms || 0), 0],
    ['headers', 0, row.headers_ms],
    ['think', headers, row.ttft_ms],
    ['flow', row.ttft_ms, row.ttlt_ms],
    ['tail', row.ttlt_ms || row.ttft_ms || headers, row.total_ms],
  ];
  const known = edges.filter(([, from, to]) => from !== null && to !== null && to > from);
  const stop = row.start_ms + (row.total_ms || 0);
  const words =
    [
      ['started at', row.start_ms],
      ['first token after', row.ttft_ms],
      ['last after', row.ttlt_ms],
      ['ended after', row.total_ms],
    ]
      .filter(each => each[1] !== null)
      .map(each => each[0] + ' ' + ms(each[1]))
      .join(', ') +
    ', ' +
    row.status;
  return el(
    'li',
    { title: row.request_id + ': ' + words },
    el('span', {}, swatch(models.indexOf(row.model)), el('bdi', {}, row.request_id)),
    el(
      'div',
      { class: 'track', role: 'img', 'aria-label': words },
      known.map(([name, from, to]) =>
        el('i', {
          class: name,
          style:
            'left:' +
            percent(Math.max(0, row.start_ms + from)) +
            ';width:' +
            percent(to - from) +
            (name === 'flow' ? ';background:' + color(models.indexOf(row.model)) : ''),
        }),
      ),
      row.status === 'completed'
        ? null
        : el('em', { style: stop / end > 0.8 ? 'right:0' : 'left:' + percent(stop) }, row.status),
    ),
  );
}

function slowest() {
  const rows = data.slowest || [];
  return rows.length
    ? [
        el('h2', {}, 'Slowest requests'),
        rows.map(row =>
          el(
            'details',
            {},
            el(
              'summary',
              {},
              el('strong', {}, ms(row.total_ms)),
              ' ' +
                row.request_id +
                ' (first token ' +
                ms(row.ttft_ms) +
                (row.output_tokens === null ? '' : ', ' + row.output_tokens + ' tokens') +
                ')',
            ),
            el('pre', { tabindex: 0 }, row.text),
          ),
        ),
      ]
    : [];
}

function failures() {
  const rows = data.failures || [];
  return rows.length
    ? [
        el('h2', {}, 'Failures'),
        table(
          'The first ' + rows.length + ' requests that failed in their last attempt',
          [head('request', '_status', 'after', '_why')],
          rows.map(row => [
            row.request_id,
            el('td', { class: 'left' }, row.status),
            ms(row.total_ms),
            el('td', { class: 'wrap' }, row.error),
          ]),
        ),
      ]
    : [];
}

function runs() {
  const listed = object =>
    Object.entries(object || {})
      .filter(([, value]) => value !== null)
      .map(([key, value]) => key + ' ' + value)
      .join(', ');
  const served = model => model.label + ' = ' + model.name + ' at ' + model.base_url + ' (' + model.api + ')';
  const recorded = data.recorded || [];
  return recorded.length
    ? [
        el('h2', {}, 'Runs'),
        recorded.map(run => {
          const facts = [
            ['folder', run.folder],
            ['simulated', run.simulated ? 'yes' : 'no'],
            ['began', run.started_at],
            ['ended', run.finished_at || 'not yet'],
            ['requests', run.requests],
            ['models', Array.isArray(run.models) ? run.models.map(served).join(', ') : ''],
            ['options', listed(run.options)],
            ['versions', listed(run.versions)],
            ['error of the client', listed(run.client_overhead) || 'not measured'],
          ];
          const known = facts.filter(fact => fact[1] !== undefined && fact[1] !== '');
          return [
            el('h3', {}, run.run),
            el(
              'dl',
              {},
              known.flatMap(fact => [el('dt', {}, fact[0]), el('dd', {}, String(fact[1]))]),
            ),
          ];
        }),
      ]
    : [];
}

for (const section of data.sections) {
  page.append(
    ...[
      section.title ? el('h2', {}, section.title) : el('h2', {}, 'In figures'),
      section === data.sections[0] ? null : hero(section),
      figures(section),
      differences(section),
      el('div', { class: 'charts' }, distribution(section), positions(section)),
      races(section),
    ]
      .flat(Infinity)
      .filter(each => each !== null),
  );
}
page.append(...[loads(), waterfall(), slowest(), failures(), runs()].flat(Infinity));
draw();
const redraw = () => charts.forEach(each => each.plot.redraw());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
window.addEventListener('beforeprint', () => {
  document.documentElement.classList.add('paper');
  document.querySelectorAll('details').forEach(each => (each.open = true));
  redraw();
});
window.addEventListener('afterprint', () => {
  document.documentElement.classList.remove('paper');
  redraw();
});
