// SPDX-License-Identifier: BSD-2-Clause
// What all pages share: the data, making elements (text is always text, never markup), numbers as people read them.
'use strict';
const report = JSON.parse(document.getElementById('report').textContent);
const pictures = JSON.parse(document.getElementById('pictures').textContent) || {};
const page = document.getElementById('page');

// An element: attributes by name ("class", "aria-label" ...), functions as listeners; children: elements, text, lists.
function make(tag, attributes, ...children) {
  const svg = tag.startsWith('svg:');
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  return element;
}

const missing = '–';
function known(value) {
  return typeof value === 'number' && isFinite(value);
}
function fixed(value, digits) {
  return known(value) ? value.toFixed(digits) : missing;
}
function count(value) {
  return known(value) ? value.toLocaleString('en') : missing;
}
function percent(share, digits) {
  return known(share) ? (100 * share).toFixed(digits === undefined ? 1 : digits) + ' %' : missing;
}
// 99.9993 % must not read as 100 %.
function percentDown(share) {
  return known(share) ? (Math.floor(share * 10000) / 100).toFixed(2) + ' %' : missing;
}
function duration(ms) {
  if (!known(ms)) return missing;
  if (ms >= 60000) return Math.floor(ms / 60000) + ' min ' + Math.round(ms % 60000 / 1000) + ' s';
  if (ms >= 1000) return (ms / 1000).toFixed(ms >= 10000 ? 1 : 2) + ' s';
  return ms.toFixed(ms >= 10 ? 0 : 1) + ' ms';
}
function megabytes(bytes) {
  return known(bytes) ? (bytes / 1e6).toFixed(1) + ' MB' : missing;
}
function baseName(path) {
  return String(path || '').split('/').pop();
}
function factor(value) {
  return known(value) ? '×' + parseFloat(value.toFixed(4)) : missing;
}

function brand(text) {
  return make('div', { class: 'brand' }, make('svg:svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true' },
    make('svg:circle', { cx: 10, cy: 10, r: 8.5, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5,
      opacity: .45 }),
    make('svg:circle', { cx: 10, cy: 10, r: 5, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5,
      opacity: .75 }),
    make('svg:circle', { cx: 10, cy: 10, r: 2.2, fill: 'currentColor' })), text);
}
// A verdict that does not lean on colour: good, warn, bad, or nothing to say.
function mark(verdict) {
  const signs = { good: ['✓', 'good'], warn: ['!', 'worth a look'], bad: ['✗', 'failed'] };
  const [sign, meaning] = signs[verdict] || ['–', 'no verdict'];
  return make('span', { class: 'mark ' + (verdict || ''), role: 'img', 'aria-label': meaning }, sign);
}
function card(title, figure, unit, note, verdict) {
  return make('div', { class: 'card' }, make('h3', {}, verdict ? mark(verdict) : null, title),
    make('div', { class: 'figure' }, figure, unit ? make('small', {}, ' ' + unit) : null), make('p', {}, note));
}
function panel(title, lead, ...children) {
  return make('section', { class: 'panel' }, make('h2', {}, title), lead ? make('p', { class: 'lead' }, lead) : null,
    ...children);
}
// head: [text, is number]; rows: lists of cells, of which the first is the row's head.
function table(head, rows, caption) {
  const numeric = head.map(([, isNumber]) => isNumber ? 'number' : null);
  const cell = (tag, content, i) => content instanceof Element && content.tagName === 'TD' ? content
    : make(tag, { class: numeric[i], scope: tag === 'th' ? 'row' : null }, content);
  const frame = make('div', { class: 'scroll', role: 'group', 'aria-label': caption || 'Table' },
    make('table', {}, caption ? make('caption', {}, caption) : null,
    make('thead', {}, make('tr', {}, head.map(([text], i) => make('th', { class: numeric[i], scope: 'col' }, text)))),
    make('tbody', {}, rows.map(row => make('tr', {}, row.map((content, i) => cell(i ? 'td' : 'th', content, i)))))));
  // What can be scrolled must be reached by keyboard.
  new ResizeObserver(() => { frame.tabIndex = frame.scrollWidth > frame.clientWidth ? 0 : -1; }).observe(frame);
  return frame;
}
function definitions(pairs) {
  return make('dl', {}, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}
function meter(share) {
  const bar = make('span', {});
  bar.style.width = Math.max(0, Math.min(100, 100 * share)) + '%';
  return make('td', { class: 'wide', 'aria-hidden': 'true' }, make('span', { class: 'meter' }, bar));
}
function swatch(color) {
  const element = make('span', { class: 'swatch', 'aria-hidden': 'true' });
  element.style.background = color;
  return element;
}
// The command as a block with a button that copies it.
function commandBlock(line) {
  const button = make('button', { type: 'button', click: () => navigator.clipboard.writeText(line).then(
    () => { button.textContent = 'Copied'; }, () => { button.textContent = 'Select it by hand'; }) }, 'Copy');
  return [make('pre', {}, make('code', {}, line)), make('p', {}, navigator.clipboard ? button : null)];
}
function rawData() {
  return make('section', { class: 'panel' }, make('details', {}, make('summary', {}, 'Everything as JSON'),
    make('pre', {}, JSON.stringify(report, null, 2))));
}
function foot() {
  return make('footer', {}, 'Made by fovea ' + (report.version || '') + (report.date ? ' on '
    + report.date.replace('T', ' ').replace('Z', ' UTC') : '')
    + '. This page is one file and asks no network for anything.');
}
