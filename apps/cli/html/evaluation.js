// SPDX-License-Identifier: BSD-2-Clause
// The benchmark's page: for each scale the table, quality against time, and the worst pictures side by side.
const scales = report.scales || [report];
const figureNames = { psnr_y: ['PSNR-Y', 'dB', 2, 1], ssim_y: ['SSIM-Y', '', 4, 1], psnr: ['PSNR', 'dB', 2, 1],
  ms_ssim: ['MS-SSIM', '', 4, 1], fsim: ['FSIM', '', 4, 1], fsimc: ['FSIMc', '', 4, 1], gmsd: ['GMSD', '', 4, -1],
  ergas: ['ERGAS', '', 3, -1], sam: ['SAM', '°', 3, -1], delta_e: ['ΔE00', '', 3, -1] };

function bestOf(entries, key, sign) {
  return Math.max(...entries.map(([, m]) => m[key]).filter(known).map(v => sign * v));
}
function methodTable(scale) {
  const entries = Object.entries(scale.methods);
  const keys = Object.keys(figureNames).filter(key => entries.some(([, m]) => m[key] !== undefined));
  const head = [['Method']].concat(keys.map(key => [figureNames[key][0]
    + (figureNames[key][1] ? ' ' + figureNames[key][1] : ''), 1]),
  [['ms', 1], ['ms per megapixel', 1], ['Consistency', 1]]);
  const best = Object.fromEntries(keys.map(key => [key, bestOf(entries, key, figureNames[key][3])]));
  const cell = (m, key) => figureNames[key][3] * m[key] === best[key]
    ? make('td', { class: 'number best' }, fixed(m[key], figureNames[key][2])) : fixed(m[key], figureNames[key][2]);
  return table(head, entries.map(([name, m]) => [baseName(name)].concat(keys.map(key => cell(m, key)),
    [fixed(m.ms, 1), fixed(m.ms_per_mp, 0), m.consistency_steps ? m.consistency_steps + ' steps' : 'off'])),
  'Means over the pictures; times are medians, in memory, without decoding and encoding. Best values are bold.');
}

// Quality against time: time on a logarithmic axis, the methods that no faster one equals joined by a line.
function plot(scale) {
  const points = (scale.curve || []).filter(p => known(p.ms_per_mp) && known(p.psnr_y) && p.ms_per_mp > 0);
  if (!points.length) return null;
  const isNarrow = window.innerWidth < 640; // as in page.css: words stay as large as the rest
  const w = isNarrow ? 360 : 760, h = isNarrow ? 280 : 340, left = 44, right = 92, top = 24, bottom = 46;
  const logs = points.map(p => Math.log10(p.ms_per_mp)), values = points.map(p => p.psnr_y);
  const x0 = Math.min(...logs) - .12, x1 = Math.max(Math.max(...logs) + .12, x0 + .6);
  const ticks = [...Array(16).keys()].flatMap(e => [1, 2, 5].map(d => d * 10 ** (e - 6)))
    .filter(t => Math.log10(t) >= x0 && Math.log10(t) <= x1);
  const span = Math.max(Math.max(...values) - Math.min(...values), .2);
  const step = [.05, .1, .2, .5, 1, 2, 5, 10, 20].find(s => span / s <= 6) || 50;
  const y0 = Math.floor((Math.min(...values) - .15 * span) / step) * step;
  const y1 = Math.ceil((Math.max(...values) + .15 * span) / step) * step;
  const x = ms => left + (Math.log10(ms) - x0) / (x1 - x0) * (w - left - right);
  const y = db => h - bottom - (db - y0) / (y1 - y0) * (h - top - bottom);
  const line = (a, b, c, d) => make('svg:line', { class: 'grid', x1: a, y1: b, x2: c, y2: d });
  const text = (content, px, py, anchor, name) => make('svg:text', { x: px, y: py, 'text-anchor': anchor, class: name },
    content);
  const parts = [];
  for (let v = y0; v <= y1 + step / 2; v += step)
    parts.push(line(left, y(v), w - right, y(v)),
      text(v.toFixed(step < .1 ? 2 : step < 1 ? 1 : 0), left - 8, y(v) + 4, 'end'));
  for (const t of ticks)
    parts.push(line(x(t), top, x(t), h - bottom), text(String(parseFloat(t.toPrecision(3))), x(t), h - bottom + 18,
      'middle'));
  parts.push(text('milliseconds per megapixel of result', (left + w - right) / 2, h - 8, 'middle'),
    text('PSNR-Y, dB', left, top - 10, 'start'));
  parts.push(make('svg:polyline', { class: 'curve', points: points.filter(p => p.best).map(p => x(p.ms_per_mp) + ','
    + y(p.psnr_y)).join(' ') }));
  // A name stands beside its dot, below or above it: where no other name or dot is.
  const taken = points.map(p => ({ x0: x(p.ms_per_mp) - 7, x1: x(p.ms_per_mp) + 7, y0: y(p.psnr_y) - 7,
    y1: y(p.psnr_y) + 7 }));
  const isFree = box => box.x0 >= 0 && box.x1 <= w && box.y1 < h - bottom && taken.every(other => box.x1 < other.x0
    || box.x0 > other.x1 || box.y1 < other.y0 || box.y0 > other.y1);
  for (const p of points) {
    const px = x(p.ms_per_mp), py = y(p.psnr_y), name = baseName(p.method), length = 7.5 * name.length;
    const places = [[px + 10, py + 4, 'start'], [px - 10, py + 4, 'end'], [px, py + 20, 'middle'],
      [px, py - 11, 'middle'], ...[1, 2, 3, 4].flatMap(i => [[px + 10, py + 4 + 14 * i, 'start'],
        [px - 10, py + 4 + 14 * i, 'end']])];
    const boxes = places.map(([lx, ly, anchor]) => {
      const x0 = lx - (anchor === 'end' ? length : anchor === 'middle' ? length / 2 : 0);
      return { x0, x1: x0 + length, y0: ly - 10, y1: ly + 2 };
    });
    const at = Math.max(boxes.findIndex(isFree), 0);
    taken.push(boxes[at]);
    parts.push(make('svg:circle', { class: p.best ? 'dot' : 'dot other', cx: px, cy: py, r: 6 },
      make('svg:title', {}, `${p.method}: ${fixed(p.psnr_y, 2)} dB, ${fixed(p.ms_per_mp, 1)} ms per megapixel`)),
      text(name, ...places[at], 'label'));
  }
  return make('svg:svg', { class: 'plot', viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label':
    'Quality against time. ' + points.map(p => `${baseName(p.method)}: ${fixed(p.psnr_y, 2)} dB in `
      + `${fixed(p.ms_per_mp, 1)} milliseconds per megapixel`).join('; ') }, parts);
}

function worstCase(shown) {
  return make('div', {}, make('h3', {}, shown.name,
    make('span', { class: 'quiet small' }, ` · ${shown.width} × ${shown.height}`)),
    make('div', { class: 'figures' }, shown.pieces.map(piece => make('figure', {}, make('img', { class: 'pixels',
      src: piece.src, alt: `${shown.name}, ${piece.title}` }), make('figcaption', {}, baseName(piece.title),
      known(piece.psnr_y) ? ` · ${fixed(piece.psnr_y, 2)} dB` : '')))));
}
function pictureTable(scale) {
  const names = Object.keys(scale.methods);
  if (!names.length) return null;
  const rows = scale.methods[names[0]].pictures.map((p, i) => [p.name, `${p.width} × ${p.height}`].concat(
    names.map(name => fixed(scale.methods[name].pictures[i].psnr_y, 2))));
  return make('details', {}, make('summary', {}, 'Each picture'), table([['Picture'], ['Size', 1]].concat(
    names.map(name => [baseName(name), 1])), rows, 'PSNR-Y in dB.'));
}
function scaleSection(scale) {
  const worst = (pictures.worst || []).filter(w => w.scale === scale.scale);
  return [panel(`Enlarging ×${scale.scale}`, `Each picture is reduced exactly by ${scale.scale}, enlarged by each `
    + `method, and compared with itself; ${scale.scale} pixels at each border are left out.`,
  methodTable(scale), pictureTable(scale)),
  panel('Quality against time', 'Up and to the left is better. Joined: no faster method is as good.', plot(scale)),
  worst.length ? panel('The worst pictures', `Where ${baseName(worst[0].method)} scores lowest, cut out around its `
    + 'largest error.', make('div', { class: 'pairs' }, worst.map(worstCase))) : null];
}

document.title = 'fovea evaluation of ' + baseName(report.folder);
page.replaceChildren(...[make('header', {}, brand('fovea evaluation'),
  make('h1', {}, baseName(report.folder.replace(/\/+$/, ''))),
  make('ul', { class: 'facts' }, [report.folder, `${report.images} pictures`, scales.map(s => '×' + s.scale).join(', '),
    `${Object.keys(scales[0].methods).length} methods`, `${report.threads} threads`].map(t => make('li', {}, t)))),
scales.map(scaleSection), panel('Repeat this run', '', commandBlock(report.command || '')), rawData(), foot()]
  .flat(Infinity).filter(Boolean));
