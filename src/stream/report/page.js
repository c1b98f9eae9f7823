'use strict';

// Builds an element; texts become text nodes, so nothing that a model wrote is ever markup.
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined) continue;
    if (key === 'style')
      element.style.cssText = value; // an attribute would be refused by the policy of the live page
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== ''));
  return element;
}

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const color = at => 'var(--c' + (at % 8) + ')';
const ms = value =>
  value === null || value === undefined
    ? ''
    : value >= 10000
      ? (value / 1000).toFixed(1) + ' s'
      : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) + ' ms';
const swatch = at => el('span', { class: 'swatch', style: 'background:' + color(at), 'aria-hidden': 'true' });
