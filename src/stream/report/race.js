'use strict';

// ---- the race

function races(section) {
  const all = (section.races || []).filter(each => each.lanes.some(lane => lane.ms.length));
  if (!all.length) return [];
  const place = el('div', {}, race(section, all[0]));
  const picker = el(
    'select',
    { 'aria-label': 'Prompt of the race' },
    all.map((each, i) => el('option', { value: i }, each.prompt)),
  );
  picker.addEventListener('change', () => place.replaceChildren(...race(section, all[picker.value])));
  return [
    el('h3', {}, 'The race'),
    el(
      'p',
      { class: 'soft' },
      'Of each, the answer to one prompt that is nearest to its own median TTFT and total; each piece of text when it' +
        ' arrived.',
    ),
    el('p', { class: 'controls' }, all.length > 1 ? ['Prompt ', picker] : 'Prompt ' + all[0].prompt),
    place,
  ];
}

function race(section, { lanes: all }) {
  const lanes = all.filter(lane => lane.ms.length);
  const end = Math.max(...lanes.map(lane => lane.total_ms || lane.ms[lane.ms.length - 1]));
  const play = el('button', { type: 'button' }, 'Play');
  const speed = el(
    'select',
    { 'aria-label': 'Speed' },
    [0.1, 0.25, 0.5, 1, 2, 5, 10].map(x =>
      el('option', { value: x, selected: x === 1 ? '' : null }, x === 1 ? 'true speed' : x + 'x'),
    ),
  );
  const slider = el('input', {
    type: 'range',
    min: 0,
    max: Math.ceil(end),
    step: 1,
    value: Math.ceil(end),
    'aria-label': 'Time in milliseconds',
  });
  const status = el('p', { role: 'status', class: 'soft' });
  for (const lane of lanes) {
    lane.done = lane.total_ms || lane.ms[lane.ms.length - 1];
    lane.clock = el('span', {});
    lane.words = el('p', { tabindex: 0, role: 'group', 'aria-label': 'Answer of ' + lane.label });
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
      lane.clock.textContent =
        now >= lane.done
          ? 'done, ' + (lane.done / 1000).toFixed(2) + ' s'
          : upTo
            ? (now / 1000).toFixed(2) + ' s'
            : 'waiting, ' + (now / 1000).toFixed(2) + ' s';
    }
    slider.value = now;
    slider.setAttribute('aria-valuetext', (now / 1000).toFixed(1) + ' seconds');
  }

  // The time that the browser hands over is that of the frame, which may be ahead of the clock that started the race.
  function tick() {
    if (last === null) return;
    const time = performance.now();
    now = Math.min(end, now + (time - last) * speed.value);
    last = time;
    show();
    if (now < end) requestAnimationFrame(tick);
    else stop();
  }

  function stop() {
    last = null;
    play.textContent = now < end ? 'Play' : 'Again';
    if (now >= end) {
      status.textContent =
        [...lanes]
          .sort((a, b) => a.done - b.done)
          .map(lane => lane.label + ' was done after ' + (lane.done / 1000).toFixed(2) + ' s')
          .join(', ') + '.';
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
  return [
    el('div', { class: 'controls' }, play, speed, slider),
    el(
      'div',
      { class: 'lanes' },
      lanes.map((lane, i) =>
        el(
          'article',
          {
            class: 'lane',
            style: 'border-top-color:' + color(section.groups.findIndex(group => group.label === lane.label)),
          },
          el('header', {}, el('span', {}, lane.label), lane.clock),
          lane.words,
        ),
      ),
    ),
    status,
  ];
}
