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
      'mode ' + report.settings.mode + (report.settings.strength === 1 ? '' : ', strength ' + report.settings.strength),
      duration(report.total_ms),
    ].map(text => make('li', {}, text))));
}

function consistencyCard() {
  const title = 'Agrees with the input';
  if (!known(consistency.rms))
    return card(title, 'not measured', '', 'Consistency was off for this method: '
      + 'nothing held the result to its input.');
  const verdict = consistency.rms <= .5 && consistency.within_2 >= .995 ? 'good' : 'warn';
  return card(title, fixed(consistency.rms, 3), 'levels RMS', 'Reduced again, the result gives the input back: '
    + percentDown(consistency.within_2) + ' of the samples are within 2 levels of 255.', verdict);
}
// Why tiles fell back: "drift 2, energy 1".
const causeNames = { not_finite: 'not a number', range: 'out of range', drift: 'the mean drifted',
  energy: 'more than the input lets expect', nothing: 'nothing in spite of detail' };
const causes = () => Object.entries(report.fallbacks || {}).filter(([, n]) => n)
  .map(([cause, n]) => (causeNames[cause] || cause) + ' ' + count(n)).join(', ');
function checksCard() {
  return card('Tiles that failed a check', count(tiles.fallback), tileTotal ? 'of ' + count(tileTotal) : '',
    tiles.fallback ? 'They fell back to the plain enlargement (' + causes() + '); the map shows where.'
      : 'No tile was out of range, drifted in its mean, held a number that is none, or got much more detail or much '
      + 'less than the input lets expect.',
    tiles.fallback ? 'warn' : 'good');
}
// What is known of the quality: against the reference, else by the self-test.
function qualityCard() {
  const r = report.reference, t = report.selftest;
  if (r && known(r.result.psnr_y)) {
    const gain = r.result.psnr_y - r.bicubic.psnr_y;
    return card('Against the reference', fixed(r.result.psnr_y, 2), 'dB PSNR-Y', (gain < 0 ? 'Worse' : 'Better')
      + ` than bicubic by ${fixed(Math.abs(gain), 2)} dB; SSIM-Y ${fixed(r.result.ssim_y, 4)}.`,
    gain < 0 ? 'warn' : 'good');
  }
  const own = t && t.crops && t.methods[t.method], plain = own && t.methods.bicubic;
  if (!own || !plain || own === plain) return null;
  const gain = own.psnr_y - plain.psnr_y;
  return card('Self-test', (gain < 0 ? '−' : '+') + fixed(Math.abs(gain), 2), 'dB over bicubic', 'The input, reduced '
    + `by ${t.scale} and enlarged again by this method: ${fixed(own.psnr_y, 2)} dB.`, gain < 0 ? 'warn' : 'good');
}
function expectedCard() {
  if (!known(report.added_rms)) return null;
  return card('Added to bicubic', fixed(report.added_rms, 1), 'levels RMS', known(report.predicted_rms_error)
    ? `Expected error against the unknown truth: ${fixed(report.predicted_rms_error, 1)} levels of luma.`
    : 'Luma that filter and networks put in.');
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
    + ' megapixels of result per second, ' + report.settings.threads
    + (report.settings.threads === 1 ? ' thread' : ' threads')
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
  return panel('Where the time went', 'Wall time of each stage. Reading '
    + 'and writing run beside the others where they can.',
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
    ['Expected error of a tile', report.uncertainty ? `half of them up to ${fixed(report.uncertainty.p50, 1)} levels, `
      + `nine in ten up to ${fixed(report.uncertainty.p90, 1)}` : null],
    ['Detail of mode vivid', report.detail ? fixed(report.detail.rms, 2) + ' levels RMS, predicted cost '
      + fixed(report.detail.predicted_cost_db, 3) + ' dB' : null],
    ['Input pixels through a network', count(report.network_px)],
    ['Memory at most', megabytes(report.peak_bytes)], ['Note', report.note]];
  return panel('Consistency and cost', 'An enlargement that is reduced again must give the picture that it was '
    + 'made from. '
    + 'This says how nearly it does, measured on the result as it was written.', definitions(rows));
}
const figureNames = { psnr_y: ['PSNR-Y, dB', 2], ssim_y: ['SSIM-Y', 4], psnr: ['PSNR, dB', 2], ms_ssim: ['MS-SSIM', 4],
  fsim: ['FSIM', 4], fsimc: ['FSIMc', 4], gmsd: ['GMSD', 4, 1], ergas: ['ERGAS', 3, 1], sam: ['SAM, °', 3, 1],
  delta_e: ['ΔE00', 3, 1] };
function referencePanel() {
  const r = report.reference;
  if (!r) return null;
  const keys = Object.keys(figureNames).filter(key => known(r.result[key]) || known(r.bicubic[key]));
  const cell = (key, own, other) => {
    const isBetter = figureNames[key][2] ? own[key] < other[key] : own[key] > other[key];
    return make('td', { class: 'number' + (isBetter ? ' best' : '') }, fixed(own[key], figureNames[key][1]));
  };
  return panel('Against the reference', `${baseName(r.file)}; ${r.border} pixels at each border are left out of `
    + 'PSNR and SSIM. The better value is bold.',
  r.result.identical ? make('p', {}, 'The result is identical to the reference.')
    : null, table([['Figure'], ['Result', 1], ['Bicubic', 1], ['Better is']], keys.map(key => [figureNames[key][0],
    cell(key, r.result, r.bicubic), cell(key, r.bicubic, r.result), figureNames[key][2] ? 'lower' : 'higher'])));
}
function selfTestPanel() {
  const t = report.selftest;
  if (!t || !t.crops) return null;
  return panel('Self-test', `Without a reference: the input, reduced by ${t.scale}, enlarged again by each method and `
    + 'compared with itself' + (t.share < .999 ? ', on ' + (t.crops === 1 ? 'one part that stands' : t.crops
      + ' parts that stand') + ' for the whole' : '') + '. It says '
    + 'which method suits this picture, not how far the result is from the truth.',
  table([['Method'], ['PSNR-Y, dB', 1], ['SSIM-Y', 1],
    ['FSIM', 1], ['Time', 1]], Object.entries(t.methods).map(([name, m]) => [baseName(name) + (name === t.method
      ? ' (this run)' : ''), make('td', { class: 'number' + (name === t.best ? ' best' : '') }, fixed(m.psnr_y, 2)),
    fixed(m.ssim_y, 4), fixed(m.fsim, 4), duration(m.ms)])));
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
  make('section', { class: 'cards' }, consistencyCard(), checksCard(), qualityCard(), expectedCard(),
    routingCard(), timeCard()),
  makeViewer(pictures),
  make('div', { class: 'columns' }, make('div', {}, referencePanel(), selfTestPanel(), tilesPanel(),
    consistencyPanel()),
    make('div', {}, stagesPanel(), modelsPanel(), repeatPanel())),
  rawData(), foot());
