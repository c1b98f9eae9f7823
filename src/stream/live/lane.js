'use strict';

// ---- one model's column

// What Markdown needs; everything else of a model stays outside the page.
const TAGS = [
  ...[
    'p',
    'br',
    'hr',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'strong',
    'em',
    'del',
    'code',
    'pre',
    'blockquote',
    'ul',
    'ol',
    'li',
  ],
  ...['a', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'sup', 'sub', '#text'],
];
const ATTRIBUTES = ['href', 'start', 'align'];
marked.use({ renderer: { checkbox: ({ checked }) => (checked ? '\u2611 ' : '\u2610 ') } });

class Lane {
  constructor(label, colour) {
    this.label = label;
    this.colour = colour;
    this.results = [];
    this.stop = el('button', { type: 'button', 'aria-label': 'Stop ' + label }, 'Stop');
    this.stop.addEventListener('click', () => post('/asks/' + shown.id + '/stop', { model: label }));
    this.state = el('p', { class: 'state' }, 'waiting');
    this.cells = {};
    const cell = name => {
      this.cells[name] = { title: el('dt', {}, name), value: el('dd', {}) };
      return el('div', {}, this.cells[name].title, this.cells[name].value);
    };
    const names = ['TTFT', 'tokens/s', 'total', 'tokens', 'ITL p50', 'coalesced'];
    this.text = el('div', { class: 'text', tabindex: 0, role: 'region', 'aria-label': 'Answer of ' + label });
    this.failure = el('p', { class: 'failure' });
    this.chart = el('div', { class: 'chart', role: 'img' });
    this.rounds = el('p', { class: 'soft rounds' });
    this.taint = el('p', { class: 'soft rounds' });
    this.rest = el('p', { class: 'soft rounds' });
    this.element = el(
      'article',
      { class: 'lane', style: '--lane:' + color(colour), 'aria-label': label },
      el('header', {}, el('h3', {}, swatch(colour), label), this.stop),
      this.state,
      el('dl', {}, names.map(cell)),
      this.text,
      this.failure,
      el(
        'figure',
        {},
        this.chart,
        el(
          'figcaption',
          {},
          'When each piece of text arrived, in ms; a ring: in the same socket read as the one before.',
        ),
      ),
      this.rest,
      this.taint,
      this.rounds,
    );
    this.begin();
  }

  begin() {
    this.pieces = [];
    this.pending = [];
    this.written = [];
    this.startedAt = null;
    this.result = null;
    this.text.replaceChildren();
    this.failure.textContent = '';
    Object.values(this.cells).forEach(cell => {
      cell.value.textContent = '';
      cell.value.className = '';
    });
    this.changed = true;
  }

  update(message) {
    if (message.restarted) {
      this.begin();
      this.startedAt = performance.now() - message.since_ms;
    }
    const had = this.pieces.length > 0;
    this.pieces.push(...message.pieces);
    this.pending.push(...message.pieces);
    this.results.push(...message.results);
    if (message.results.length) this.result = this.results.at(-1);
    this.streaming = message.streaming;
    this.stopped = message.stopped;
    this.cut = message.cut;
    this.failure.textContent = message.failure || '';
    this.changed = true;
    this.showFigures();
    if (shown.isNews && !had && this.pieces.length && this.streaming) {
      announce(this.label + ': first text after ' + ms(this.pieces[0][0]));
    }
    if (shown.isNews && message.results.length) {
      const total = ms(number(this.result.total_ms));
      announce(this.label + ': ' + this.result.status + ' after ' + total);
    }
  }

  contents() {
    return this.pieces.filter(piece => piece[2] === 'content');
  }

  put(name, text, title) {
    this.cells[name].value.textContent = text;
    if (title) this.cells[name].title.textContent = title;
  }

  showFigures() {
    const contents = this.contents();
    const stoppable = !shown.ended && !this.stopped && this.streaming;
    if (!stoppable && document.activeElement === this.stop) this.text.focus();
    this.stop.hidden = !stoppable;
    this.state.textContent = this.streaming
      ? this.failure.textContent
        ? 'trying again'
        : contents.length
          ? 'streaming'
          : this.pieces.length
            ? 'reasoning'
            : 'sent, waiting for the first token'
      : this.result
        ? this.result.status
        : this.stopped || shown.ended
          ? 'stopped'
          : 'waiting';
    if (this.result) {
      const result = this.result;
      this.put('TTFT', ms(number(result.ttft_ms)));
      this.put('total', ms(number(result.total_ms)));
      this.put('ITL p50', ms(number(result.itl_p50_ms)));
      this.put('coalesced', result.coalesced_events);
      this.put('tokens', result.output_tokens, result.token_source === 'events' ? 'events' : 'tokens');
      const speed = number(result.output_tokens_per_s);
      const unit = result.token_source === 'events' ? 'events/s' : 'tokens/s';
      this.put('tokens/s', speed === null ? '' : speed.toFixed(1), unit);
    } else if (contents.length) {
      const [first, last] = [contents[0][0], contents.at(-1)[0]];
      this.put('TTFT', ms(first));
      this.put(
        'tokens/s',
        last > first ? ((1000 * (contents.length - 1)) / (last - first)).toFixed(1) : '',
        'events/s',
      );
      this.put('tokens', String(contents.length), 'events');
    }
    const completed = this.results.filter(result => result.status === 'completed');
    const medianOf = (name, column) => {
      const known = completed.map(result => number(result[column])).filter(value => value !== null);
      return known.length ? ', median ' + name + ' ' + ms(median(known)) : '';
    };
    this.rest.textContent = this.cut ? 'This is the beginning; the whole answer is in ' + shown.folder : '';
    this.taint.textContent = this.result?.tainted ? 'its timing should not be trusted: ' + this.result.tainted : '';
    this.rounds.textContent =
      shown.rounds > 1
        ? completed.length + ' completed' + medianOf('TTFT', 'ttft_ms') + medianOf('total', 'total_ms')
        : '';
  }

  clock(now) {
    if (this.streaming && this.startedAt !== null) this.put('total', ((now - this.startedAt) / 1000).toFixed(1) + ' s');
  }

  // Shows the next pieces: all that are there, or one if they are paced.
  type(paced) {
    const next = this.pending.splice(0, paced ? 1 : this.pending.length);
    if (!next.length) return;
    this.written.push(...next);
    if (at('markdown').checked) this.stale = true;
    else this.keepingTheEnd(() => next.forEach(piece => this.append(piece)));
  }

  // Who reads the end of an answer goes on to do so.
  keepingTheEnd(change) {
    const follows = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 40;
    change();
    if (follows) this.text.scrollTop = this.text.scrollHeight;
  }

  append([, , kind, text]) {
    const last = this.text.lastElementChild;
    const target = last && last.dataset.kind === kind ? last : el('span', { 'data-kind': kind, class: kind });
    if (target !== last) this.text.append(...(last ? ['\n\n'] : []), target);
    target.append(text);
  }

  // Model output is markup here alone, and only what is harmless in it. Reasoning and tool calls stay text.
  render() {
    this.stale = false;
    this.text.replaceChildren();
    this.written.forEach(piece => this.append(piece));
    const rendered = at('markdown').checked;
    this.text.classList.toggle('rendered', rendered);
    if (!rendered) return;
    this.text.querySelectorAll('span.content').forEach(text => {
      const markup = el('div', {});
      markup.innerHTML = DOMPurify.sanitize(marked.parse(text.textContent), {
        ALLOWED_TAGS: TAGS,
        ALLOWED_ATTR: ATTRIBUTES,
      });
      text.replaceWith(markup);
    });
    this.text.querySelectorAll('a').forEach(link => {
      link.target = '_blank';
      link.rel = 'noopener noreferrer';
    });
  }

  draw(slowest) {
    const contents = this.contents();
    const together = contents.map((piece, i) => (i && contents[i - 1][1] === piece[1] ? piece[0] : null));
    const data = [contents.map((piece, i) => i + 1), contents.map(piece => piece[0]), together];
    this.chart.setAttribute(
      'aria-label',
      contents.length +
        ' pieces of text between ' +
        ms(contents[0]?.[0]) +
        ' and ' +
        ms(contents.at(-1)?.[0]) +
        ', ' +
        together.filter(value => value !== null).length +
        ' of them with the one before',
    );
    const width = Math.floor(this.chart.clientWidth);
    if (!this.plot || this.plotWidth !== width) {
      this.plot?.destroy();
      this.plotWidth = width;
      const axis = {
        stroke: css('--soft'),
        grid: { stroke: css('--line'), width: 1 },
        ticks: { show: false },
        font: '11px system-ui',
      };
      this.plot = new uPlot(
        {
          width,
          height: 110,
          legend: { show: false },
          cursor: { show: false },
          scales: { x: { time: false }, y: { range: () => [0, this.slowest || 1] } },
          axes: [
            {
              ...axis,
              size: 22,
              gap: 2,
              values: (plot, ticks) => ticks.map(tick => (Number.isInteger(tick) ? tick : '')),
            },
            { ...axis, size: 44, gap: 2 },
          ],
          series: [
            {},
            { stroke: css('--c' + (this.colour % 8)), width: 2, points: { show: false } },
            {
              stroke: css('--bad'),
              paths: () => null,
              points: { show: true, size: 6, fill: css('--card'), width: 1.5 },
            },
          ],
        },
        data,
        this.chart,
      );
    }
    this.slowest = slowest;
    this.plot.setData(data);
  }
}
