'use strict';

// The page asks, and shows what the server has measured: no time here is measured by the browser, except the running
// clock.

const at = id => document.getElementById(id);
const tab = sessionStorage.getItem('tab') || crypto.randomUUID();
sessionStorage.setItem('tab', tab);
const key = localStorage.getItem('key') || '';
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const REDRAW_MS = 100;
const CLOCK_MS = 50;
const CALM_CLOCK_MS = 500;
const RETRY_MS = 1500;
const MOST_ANNOUNCEMENTS = 20;

let config;
let source; // of the events of the server
let shown = null; // the question on the page: id, question, lanes, ...
let watched = null; // its number
let asked = null; // the number of a question that was asked here and of which nothing has come yet
let asks = []; // the list of the session
let files = [];

const number = text => (text === '' || text === undefined ? null : Number(text));
const ordinal = n => n + (['th', 'st', 'nd', 'rd'][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] || 'th');
const median = values => {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return sorted.length === 0
    ? null
    : sorted.length % 2
      ? sorted[Math.floor(middle)]
      : (sorted[middle - 1] + sorted[middle]) / 2;
};

// Each announcement is a line of its own, so that none replaces another before it is read.
function announce(text) {
  at('announcement').append(el('p', {}, text));
  while (at('announcement').childElementCount > MOST_ANNOUNCEMENTS) at('announcement').firstChild.remove();
}

// ---- what the server sends

function showAnswers(message) {
  if (message.first) {
    shown = { ...message, lanes: message.question.models.map(label => new Lane(label, colourOf(label))) };
    at('lanes').replaceChildren(...shown.lanes.map(lane => lane.element));
    at('answers').hidden = false;
    at('question').textContent = message.title;
  }
  const wasEnded = shown.ended && !message.first;
  const isNews = !message.first || watched === asked; // else the page shows again what has been read out
  asked = null;
  Object.assign(shown, { ...message, lanes: shown.lanes, question: shown.question, isNews });
  message.lanes.forEach(update => shown.lanes[update.lane].update(update));
  const { round, rounds, ended } = shown;
  at('progress').hidden = rounds === 1;
  at('bar').max = rounds;
  at('bar').value = ended && !shown.stopped ? rounds : Math.max(0, round - 1);
  at('round').textContent =
    (ended ? 'ended after ' : 'round ') + round + ' of ' + rounds + (ended ? '' : ': ' + shown.prompt_id);
  at('sentence').textContent = shown.sentence || '';
  at('notes').replaceChildren(...shown.notes.map(note => el('li', {}, note)));
  at('stop').disabled = ended;
  at('again').disabled = !ended || shown.question.prompt === null;
  if (ended) {
    shown.lanes.forEach(lane => lane.showFigures());
    if (!wasEnded && isNews) announce(shown.sentence || 'All answers have ended.');
  }
  at('written').replaceChildren(...(ended && shown.run ? written() : []));
  if (shown.lanes.every(lane => !lane.streaming && (lane.result || shown.ended))) rank();
  shown.first = false;
  restOrWake();
}

const colourOf = label => config.models.findIndex(model => model.label === label);

function written() {
  return [
    'Written to ' + shown.folder + '. ',
    el(
      'a',
      { href: '/report/' + shown.run + '?key=' + encodeURIComponent(key), target: '_blank', rel: 'noopener' },
      'Report',
    ),
    '. To compare: ',
    el('code', {}, shown.command),
  ];
}

// Ranks are of completed answers, by what is shown; the first of each is marked.
function rank() {
  const known = (lane, column) => (lane.result?.status === 'completed' ? number(lane.result[column]) : null);
  for (const [name, column] of [
    ['TTFT', 'ttft_ms'],
    ['total', 'total_ms'],
  ]) {
    const all = shown.lanes.map(lane => known(lane, column)).filter(value => value !== null);
    for (const lane of shown.lanes) {
      const own = known(lane, column);
      const cell = lane.cells[name].value;
      if (own === null || all.length < 2 || cell.querySelector('small')) continue;
      const place = 1 + all.filter(value => value < own).length;
      cell.className = place === 1 ? 'first' : '';
      cell.append(' ', el('small', {}, ordinal(place)));
    }
  }
}

const entries = new Map(); // of the list, by the number of the question

function showSession(list) {
  asks = list;
  at('session').hidden = asks.length === 0;
  for (const ask of asks.toReversed()) {
    if (!entries.has(ask.id)) {
      const time = el('small', { class: 'soft' }, new Date(ask.started_ms).toLocaleTimeString() + '  ');
      const state = el('span', {});
      const button = el('button', { type: 'button' }, time, ask.title, state);
      button.addEventListener('click', () => watch(ask.id));
      entries.set(ask.id, { item: el('li', {}, button), button, state });
      at('history').prepend(entries.get(ask.id).item);
    }
    const { button, state } = entries.get(ask.id);
    state.textContent = ask.ended
      ? ''
      : ask.rounds > 1
        ? ' (round ' + ask.round + ' of ' + ask.rounds + ')'
        : ' (running)';
    button.setAttribute('aria-current', String(watched === ask.id));
  }
  for (const [id, { item }] of entries) {
    if (!asks.some(ask => ask.id === id)) {
      item.remove();
      entries.delete(id);
    }
  }
  restOrWake();
}

function watch(id) {
  if (location.hash !== '#' + id)
    location.hash = id; // connects
  else connect(id);
}

function connect(id) {
  watched = Number(id);
  source?.close();
  source = new EventSource(
    '/events?tab=' + encodeURIComponent(tab) + '&key=' + encodeURIComponent(key) + (id ? '&ask=' + id : ''),
  );
  source.addEventListener('hello', () => (at('connection').textContent = ''));
  source.addEventListener('session', event => showSession(JSON.parse(event.data)));
  source.addEventListener('answers', event => showAnswers(JSON.parse(event.data)));
  source.addEventListener('gone', () => {
    at('answers').hidden = true;
    at('connection').textContent =
      'This question is not in the memory of the server; its files are where it was written.';
  });
  source.addEventListener('end', () => {
    source.close();
    at('connection').textContent =
      'The server has ended. Start ./jbang Live.java again, and open the address that it prints.';
  });
  source.addEventListener('error', () => lost(id));
  entries.forEach(({ button }, number) => button.setAttribute('aria-current', String(watched === number)));
}

async function lost(id) {
  if (source.readyState !== EventSource.CLOSED) {
    at('connection').textContent = 'The connection to the server is lost; trying again.';
    return;
  }
  const refused = await fetch('/config', { headers: { 'X-Live-Key': key } }).then(
    response => response.status === 403,
    () => false,
  );
  at('connection').textContent = refused
    ? 'The server was started again; open the address that ./jbang Live.java has printed.'
    : 'The connection to the server is lost; trying again.';
  if (!refused) setTimeout(() => connect(id), RETRY_MS);
}

// A browser keeps six connections to a server. A tab that nobody sees gives its own back, unless a question of its own
// runs.
function restOrWake() {
  const runs = asks.some(ask => ask.tab === tab && !ask.ended) || (shown && !shown.ended);
  if (document.hidden && !runs) source?.close();
  else if (!document.hidden && source?.readyState === EventSource.CLOSED && !at('connection').textContent)
    connect(watched || '');
}

// ---- what the user asks

async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Live-Key': key },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error((await response.text()) || 'The server refuses it with status ' + response.status + '.');
  return response.status === 204 ? null : response.json();
}

async function submit(question) {
  at('problem').textContent = '';
  try {
    asked = (await post('/asks', { tab, ...question })).id;
    watch(asked);
  } catch (problem) {
    const lost = problem instanceof TypeError; // what fetch throws where there is no answer
    at('problem').textContent = lost ? 'The server does not answer; is ./jbang Live.java running?' : problem.message;
  }
}

const chosen = () => [...document.querySelectorAll('#models input:checked')].map(box => box.value);

at('ask').addEventListener('submit', event => {
  event.preventDefault();
  submit({
    prompt: at('prompt').value,
    files,
    system: at('system').value,
    temperature: Number(at('temperature').value),
    max_tokens: Number(at('max-tokens').value),
    models: chosen(),
    repeat: Number(at('repeat').value),
  });
});

at('prompt').addEventListener('keydown', event => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!event.repeat) at('ask').requestSubmit();
  }
});

document.addEventListener('keydown', event => {
  if (event.key === 'Escape' && !event.isComposing && !at('stop').disabled) at('stop').click();
});

// What is not valid is shown, also inside the closed settings.
at('ask').addEventListener(
  'invalid',
  event => {
    const around = event.target.closest('details');
    if (around) around.open = true;
  },
  true,
);

at('stop').addEventListener('click', () => post('/asks/' + shown.id + '/stop', {}));
at('again').addEventListener('click', () => submit({ ...shown.question, repeat: Number(at('repeat').value) }));
at('markdown').addEventListener('change', () => shown?.lanes.forEach(lane => lane.render()));

// ---- prompt files

async function addFiles(list) {
  at('problem').textContent = '';
  for (const file of list) {
    try {
      const url = await new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.onerror = () => reject(reader.error);
        reader.readAsDataURL(file);
      });
      const others = files.filter(other => other.name !== file.name);
      if (others.reduce((sum, other) => sum + other.size, file.size) > config.most_file_bytes) {
        throw new Error('the files have more than ' + config.most_file_bytes / 2 ** 20 + ' MB; use Stream.java');
      }
      files = [...others, { name: file.name, size: file.size, base64: url.slice(url.indexOf(',') + 1) }];
    } catch (problem) {
      at('problem').textContent = file.name + ': cannot be taken (' + problem.message + ')';
    }
  }
  showFiles();
}

function showFiles() {
  at('files').replaceChildren(
    ...files.map(file => {
      const remove = el('button', { type: 'button', 'aria-label': 'Remove ' + file.name }, '\u00d7');
      remove.addEventListener('click', () => {
        files = files.filter(other => other !== file);
        showFiles();
      });
      return el('li', {}, file.name, remove);
    }),
  );
  at('prompt').disabled = files.length > 0;
}

const hasFiles = event => event.dataTransfer.types.includes('Files');
document.addEventListener('dragover', event => {
  if (!hasFiles(event)) return; // a text goes where it is dropped
  event.preventDefault();
  at('ask').classList.add('dropping');
});
document.addEventListener('dragleave', event => event.relatedTarget || at('ask').classList.remove('dropping'));
document.addEventListener('drop', event => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  at('ask').classList.remove('dropping');
  addFiles(event.dataTransfer.files);
});
at('choose-files').addEventListener('change', event => {
  addFiles(event.target.files);
  event.target.value = '';
});

// ---- what goes on between the messages

function tick() {
  const now = performance.now();
  shown?.lanes.forEach(lane => lane.clock(now));
  setTimeout(tick, calm.matches ? CALM_CLOCK_MS : CLOCK_MS);
}

function type() {
  const delay = Number(at('typing-delay').value) || 0;
  shown?.lanes.forEach(lane => lane.type(delay > 0));
  setTimeout(type, delay > 0 ? delay : 16);
}

function redraw(all) {
  const stale = shown?.lanes.filter(lane => all === true || lane.changed) || [];
  if (stale.length) {
    const slowest = Math.max(
      ...shown.lanes.flatMap(lane =>
        lane
          .contents()
          .slice(-1)
          .map(piece => piece[0]),
      ),
      1,
    );
    const others = slowest !== shown.slowest;
    shown.slowest = slowest;
    (others ? shown.lanes : stale).forEach(lane => {
      lane.changed = false;
      lane.draw(slowest);
    });
  }
  shown?.lanes.filter(lane => lane.stale).forEach(lane => lane.keepingTheEnd(() => lane.render()));
}

async function begin() {
  const answer = await fetch('/config', { headers: { 'X-Live-Key': key } });
  if (!answer.ok) {
    at('problem').textContent = await answer.text();
    return;
  }
  config = await answer.json();
  at('simulated').hidden = !config.simulated;
  at('models').append(
    ...config.models.map((model, i) =>
      el(
        'label',
        { title: model.name + ' at ' + model.server },
        el('input', { type: 'checkbox', value: model.label, checked: '' }),
        ' ',
        swatch(i),
        model.label,
      ),
    ),
  );
  at('system').value = config.system || '';
  at('temperature').value = config.temperature;
  at('max-tokens').value = config.max_tokens;
  at('typing-delay').value = config.typing_delay_ms;
  at('repeat').max = config.most_repetitions;
  connect(location.hash.slice(1));
  addEventListener('hashchange', () => connect(location.hash.slice(1)));
  document.addEventListener('visibilitychange', restOrWake);
  tick();
  type();
  setInterval(redraw, REDRAW_MS);
  addEventListener('resize', () => redraw(true));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    shown?.lanes.forEach(lane => (lane.plotWidth = null));
    redraw(true);
  });
}

begin();
