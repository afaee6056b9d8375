// SPDX-License-Identifier: BSD-2-Clause
// The review of many results: those that failed, those to look at with the worst first, and all the others.
const results = report.results;
// Limits of figures that nothing was measured of would promise too much.
const limits = report.review.limits.filter(l => results.some(r => r.review && known(r.review.figures[l.check])));
const failures = results.filter(r => r.error !== undefined);
const made = results.filter(r => r.review);
const left = results.filter(r => !r.review && r.error === undefined); // up to date, or skipped
const flagged = made.filter(r => r.review.flagged).sort((a, b) => b.review.severity - a.review.severity);
const others = made.filter(r => !r.review.flagged).sort((a, b) => b.review.severity - a.review.severity);

const isShare = check => ['within2', 'fallback'].includes(check);
function shownValue(check, value) {
  if (isShare(check)) return check === 'within2' ? percentDown(value) : percent(value, 2);
  return fixed(value, ['psnr', 'energy', 'uncertainty'].includes(check) ? 1 : 3);
}
function shownLimit(limit) {
  return (limit.is_least ? 'at least ' : 'at most ') + shownValue(limit.check, limit.limit)
    + (limit.unit ? ' ' + limit.unit : '');
}

function header() {
  const total = results.reduce((sum, r) => sum + (r.total_ms || 0), 0);
  const title = flagged.length || failures.length
    ? `${flagged.length + failures.length} of ${results.length - left.length} results need a look`
    : made.length ? `All ${made.length} results pass` : 'Nothing was made';
  return [make('header', {}, brand('fovea review'), make('h1', {}, title)),
    make('section', { class: 'cards' },
      card('Past a limit', String(flagged.length), `of ${made.length}`, flagged.length
        ? 'Listed below, the worst first.' : 'No figure of any result is past its limit.',
      flagged.length ? 'warn' : 'good'),
      card('Not made', String(failures.length), `of ${results.length - left.length}`, failures.length
        ? 'The reasons are listed below.' : 'No input failed.', failures.length ? 'bad' : 'good'),
      left.length ? card('Left as they were', String(left.length), `of ${results.length}`,
        'They were there before; this run measured nothing of them.') : null,
      card('Time', duration(total), '', 'for all results together.'))];
}
function failurePanel() {
  return failures.length ? panel('Not made', '', table([['Input'], ['Reason']], failures.map(r => [r.input, r.error])))
    : null;
}
function leftPanel() {
  return left.length ? make('section', { class: 'panel' }, make('details', {}, make('summary', {},
    `${left.length} results that were there before`), table([['Result'], ['Why it was left']],
    left.map(r => [baseName(r.output), r.status === 'skipped' ? 'it exists' : 'an earlier run made it']))))
    : null;
}
function picture(layer, i, caption) {
  const piece = layer && layer.pieces[i];
  return piece ? make('figure', {}, make('img', { src: piece.src, alt: caption }),
    make('figcaption', {}, caption)) : null;
}
function entry(r) {
  const shown = pictures[r.output], detail = shown && shown.details.length && shown.whole_scale < 1 ? 1 : 0;
  return make('section', { class: 'panel entry' }, make('div', {}, make('h3', {}, baseName(r.output)),
    make('p', { class: 'quiet small' }, `${r.in.width} × ${r.in.height} → `
      + `${r.out.width} × ${r.out.height}, ${r.method}`),
    make('ul', {}, r.review.failed.map(f => {
      const limit = limits.find(l => l.check === f.check);
      return make('li', {}, mark('warn'), make('span', {}, make('strong', {}, shownValue(f.check, f.value)), ' '
        + limit.title, make('br', {}), make('span', { class: 'quiet' }, shownLimit(limit))));
    }))), shown ? make('div', { class: 'figures' }, detail ? picture(shown.layers.result, 0, 'the result') : null,
    picture(shown.layers.bicubic, detail, detail ? 'its finest part, bicubic' : 'bicubic'),
    picture(shown.layers.result, detail, detail ? 'the same part of the result' : 'the result'))
    : make('p', { class: 'quiet small' }, 'No pictures: enough others are shown.'));
}
const checks = [...new Set(made.flatMap(r => Object.keys(r.review.figures)))];
const columnNames = { rms: 'RMS', within2: 'Within 2 levels', fallback: 'Fallbacks', energy: 'Added',
  uncertainty: 'Expected error', psnr: 'Self-test PSNR-Y', ssim: 'Self-test SSIM-Y' };
const head = [['Result'], ['Severity', 1]].concat(checks.map(c => [columnNames[c] || c, 1]));
function row(r) {
  return [baseName(r.output), fixed(r.review.severity, 2)].concat(checks.map(c => shownValue(c, r.review.figures[c])));
}

document.title = 'fovea review: ' + flagged.length + ' of ' + made.length;
page.replaceChildren(...[header(), failurePanel(), flagged.map(entry),
  limits.length ? panel('The limits', 'A result past one of them is listed above. Severity 1 is just at a limit, 2 is '
    + 'twice as far.', table([['Figure'], ['Limit']], limits.map(l => [l.title, shownLimit(l)]))) : null,
  others.length ? make('section', { class: 'panel' }, make('details', {}, make('summary', {},
    `The other ${others.length} results, all within the limits`), table(head, others.map(row)))) : null, leftPanel(),
  panel('Repeat this run', '', commandBlock(report.command || '')), rawData(), foot()].flat(Infinity).filter(Boolean));
