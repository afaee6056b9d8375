// SPDX-License-Identifier: BSD-2-Clause
// The report on one picture.
const tiles = report.tiles || {}, tileTotal = Object.values(tiles).reduce((a, b) => a + b, 0);
const consistency = report.consistency || {}, routing = report.routing || {};
const pathColors = Object.fromEntries(((pictures.overlays || []).find(o => o.key === 'provenance') || { legend: [] })
  .legend.map(entry => [entry.name, entry.color]));

function header() {
  const same = report.scale[0] === report.scale[1];
  return make('header', {}, brand('fovea report'),
    make('h1', {}, baseName(report.input), make('span', { class: 'arrow', 'aria-label': 'became' }, ' → '),
      baseName(report.output)),
    make('ul', { class: 'facts' }, [
      `${report.in.width} × ${report.in.height} → ${report.out.width} × ${report.out.height} pixels`,
      same ? factor(report.scale[0]) : factor(report.scale[0]) + ' by ' + factor(report.scale[1]),
      'method ' + report.method + (report.settings.method === 'auto' ? ', ' + report.settings.preset : ''),
      duration(report.total_ms),
    ].map(text => make('li', {}, text))));
}

function consistencyCard() {
  const title = 'Agrees with the input';
  if (!known(consistency.rms))
    return card(title, 'not measured', '', 'Consistency was off for this method: nothing held the result to its input.');
  const verdict = consistency.rms <= .5 && consistency.within_2 >= .995 ? 'good' : 'warn';
  return card(title, fixed(consistency.rms, 3), 'levels RMS', 'Reduced again, the result gives the input back: '
    + percentDown(consistency.within_2) + ' of the samples are within 2 levels of 255.', verdict);
}
function checksCard() {
  return card('Tiles that failed a check', count(tiles.fallback), tileTotal ? 'of ' + count(tileTotal) : '',
    tiles.fallback ? 'They fell back to the plain enlargement; the map shows where.'
      : 'No tile was out of range, drifted in mean or colour, or held a number that is none.',
    tiles.fallback ? 'warn' : 'good');
}
function routingCard() {
  if (report.settings.method !== 'auto') return null;
  return card('Work that routing saved', percent(routing.saved_network_share, 0), '', 'of the network\'s work'
    + (routing.saved_ms > 0 ? ', ' + duration(routing.saved_ms) + ' at this run\'s own speed' : '')
    + ', for a predicted loss of ' + fixed(routing.predicted_loss_db, 3) + ' dB.');
}
function timeCard() {
  const megapixels = report.out.width * report.out.height / 1e6;
  return card('Time', duration(report.total_ms), '', fixed(megapixels / report.total_ms * 1000, 2)
    + ' megapixels of result per second, ' + report.settings.threads + (report.settings.threads === 1 ? ' thread' : ' threads')
    + ', at most ' + megabytes(report.peak_bytes) + ' of memory.');
}

function tilesPanel() {
  if (!tileTotal) return null;
  const used = Object.entries(tiles).filter(([, n]) => n);
  const stack = make('div', { class: 'stack', 'aria-hidden': 'true' }, used.map(([name, n]) => {
    const part = make('span', {});
    part.style.flex = n + ' 0 0';
    part.style.background = pathColors[name];
    return part;
  }));
  const meanings = { classic: 'plain enlargement', filter: 'trained filter, no network', tiny: 'smallest network',
    small: 'small network', medium: 'medium network', large: 'large network',
    network: 'network from a file', fallback: 'failed a check, plain enlargement' };
  return panel('How the tiles were made', 'Tiles of 16 × 16 input pixels. Flat ones need no network.', stack,
    table([['Path'], ['What it is'], ['Tiles', 1], ['Share', 1]], used.map(([name, n]) =>
      [[swatch(pathColors[name]), name], meanings[name] || '', count(n), percent(n / tileTotal)])));
}
function stagesPanel() {
  const stages = Object.entries(report.stages_ms || {}).filter(([, ms]) => ms >= .05);
  const most = Math.max(...stages.map(([, ms]) => ms), 1e-9);
  return panel('Where the time went', 'Wall time of each stage. Reading and writing run beside the others where they can.',
    table([['Stage'], [''], ['Time', 1], ['Share', 1]], stages.map(([name, ms]) =>
      [name, meter(ms / most), duration(ms), percent(ms / report.total_ms, 0)])));
}
function consistencyPanel() {
  const rows = [['Steps of back-projection', consistency.steps ? count(consistency.steps) : 'off'],
    ['RMS difference', known(consistency.rms) ? fixed(consistency.rms, 4) + ' of 255' : null],
    ['Largest difference', known(consistency.max) ? fixed(consistency.max, 2) + ' of 255' : null],
    ['Samples within 2 levels', known(consistency.within_2) ? percentDown(consistency.within_2) : null],
    ['Predicted loss of routing', report.settings.method === 'auto' ? fixed(routing.predicted_loss_db, 4) + ' dB of '
      + routing.max_loss + ' dB allowed' : null],
    ['Input pixels through a network', count(report.network_px)],
    ['Memory at most', megabytes(report.peak_bytes)], ['Note', report.note]];
  return panel('Consistency and cost', 'An enlargement that is reduced again must give the picture that it was made from. '
    + 'This says how nearly it does, measured on the result as it was written.', definitions(rows));
}
function modelsPanel() {
  const models = report.models || [];
  return panel('Models', models.length ? 'The trained coefficients that made this picture, by their hash.'
    : 'No trained coefficients were used: this is a classical method.', models.map(model => make('details', {},
    make('summary', {}, `${model.method} ×${model.scale} · ${model.hash}`), definitions([
      ['Parameters', count(model.parameters)], ['Work', known(model.kmac_per_px) ? fixed(model.kmac_per_px, 2)
        + ' thousand multiply-adds per input pixel' : null], ['Layers', model.layers], ['Added to', model.base],
      ['Trained on', model.sources], ['Terms', model.licence], ['Made by', model.command]]))));
}
function repeatPanel() {
  const settings = Object.entries(report.settings || {}).filter(([, value]) => value !== null);
  return panel('Repeat this run', 'The same command with the same input and version gives the same bytes.',
    commandBlock(report.command || ''), make('details', {}, make('summary', {}, 'All settings'),
      definitions(settings.map(([name, value]) => [name.replace('_', ' '), String(value)]).concat(
        [['input', report.input], ['output', report.output], ['version', report.version]]))));
}

document.title = baseName(report.output) + ' – fovea report';
pictures.tiles = tileTotal;
page.replaceChildren(header(),
  make('section', { class: 'cards' }, consistencyCard(), checksCard(), routingCard(), timeCard()),
  makeViewer(pictures),
  make('div', { class: 'columns' }, make('div', {}, tilesPanel(), consistencyPanel(), modelsPanel()),
    make('div', {}, stagesPanel(), repeatPanel())),
  rawData(), foot());
