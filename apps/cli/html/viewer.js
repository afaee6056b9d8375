// SPDX-License-Identifier: BSD-2-Clause
// The viewer: before and after on one canvas with a divider, zoom and pan by mouse, keyboard and touch, maps on top.
// Everything is in pixels of the result; a layer is a whole picture and sharper details that lie on it.
function makeViewer(shown) {
  const view = { x: shown.width / 2, y: shown.height / 2, zoom: 0, split: .5, before: 'bicubic', overlay: null,
    opacity: .45 };
  const canvas = make('canvas', {});
  const divider = make('div', { class: 'divider', role: 'slider', tabindex: 0, 'aria-label': 'Before and after',
    'aria-orientation': 'horizontal', 'aria-valuemin': 0, 'aria-valuemax': 100 });
  const tagBefore = make('div', { class: 'tag before' }), tagAfter = make('div', { class: 'tag after' });
  const status = make('div', { class: 'status', role: 'status' });
  const stage = make('div', { class: 'stage', tabindex: 0, role: 'application',
    'aria-label': 'Picture before and after. Plus and minus zoom, arrows move, 0 fits, 1 shows true pixels, B flips.' },
    canvas, tagBefore, tagAfter, divider, status);
  const legend = make('div', { class: 'legend' });
  const refreshers = [], images = [];
  let isQueued = false;

  for (const layer of Object.values(shown.layers)) layer.pieces.forEach(load);
  shown.overlays.forEach(load);
  function load(piece) {
    piece.image = new Image();
    images.push(piece.image);
    piece.image.onload = refresh;
    piece.image.src = piece.src;
  }

  // ---- geometry ----
  const width = () => stage.clientWidth, height = () => stage.clientHeight;
  const fitZoom = () => Math.min(width() / shown.width, height() / shown.height);
  let isFitted = true; // stays so when the stage changes its size
  const isZoomed = () => view.zoom > fitZoom() * 1.001;
  // From the whole picture, or true pixels where those are smaller, to 32 times true pixels.
  const bounded = zoom => Math.max(Math.min(fitZoom(), 1 / (window.devicePixelRatio || 1)),
    Math.min(32 / (window.devicePixelRatio || 1), zoom));
  const noteFit = () => { isFitted = Math.abs(view.zoom / fitZoom() - 1) < .001; };
  function settle() {
    view.zoom = isFitted ? fitZoom() : bounded(view.zoom);
    const spareX = width() / view.zoom / 2, spareY = height() / view.zoom / 2;
    view.x = spareX * 2 >= shown.width ? shown.width / 2 : Math.max(spareX, Math.min(shown.width - spareX, view.x));
    view.y = spareY * 2 >= shown.height ? shown.height / 2 : Math.max(spareY, Math.min(shown.height - spareY, view.y));
  }
  // Zoom so that the picture's point under (x, y) of the stage stays there.
  function zoomAt(x, y, times) {
    const before = view.zoom, dx = x - width() / 2, dy = y - height() / 2;
    view.zoom = bounded(before * times);
    noteFit();
    view.x += dx / before - dx / view.zoom;
    view.y += dy / before - dy / view.zoom;
    refresh();
  }
  function show(rect) {
    view.zoom = bounded(Math.min(width() / rect.w, height() / rect.h));
    noteFit();
    view.x = rect.x + rect.w / 2;
    view.y = rect.y + rect.h / 2;
    refresh();
  }

  // ---- drawing ----
  function place(context, rect, image, isSmooth) {
    if (!image.complete || !image.naturalWidth) return;
    context.imageSmoothingEnabled = isSmooth;
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, (rect.x - view.x) * view.zoom + width() / 2, (rect.y - view.y) * view.zoom + height() / 2,
      rect.w * view.zoom, rect.h * view.zoom);
  }
  function drawLayer(context, key, left, right) {
    const ratio = window.devicePixelRatio || 1;
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, height());
    context.clip();
    shown.layers[key].pieces.forEach((piece, i) => place(context, piece, piece.image,
      key === 'input' ? piece.w / piece.image.naturalWidth * view.zoom < 1
        : i === 0 && shown.whole_scale < 1 || view.zoom * ratio < 2));
    context.restore();
  }
  function draw() {
    isQueued = false;
    settle();
    const ratio = window.devicePixelRatio || 1, context = canvas.getContext('2d'), cut = view.split * width();
    if (canvas.width !== Math.round(width() * ratio) || canvas.height !== Math.round(height() * ratio)) {
      canvas.width = Math.round(width() * ratio);
      canvas.height = Math.round(height() * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width(), height());
    drawLayer(context, view.before, 0, cut);
    drawLayer(context, 'result', cut, width());
    const overlay = shown.overlays.find(o => o.key === view.overlay);
    if (overlay) {
      context.save();
      context.beginPath();
      context.rect(cut, 0, width() - cut, height());
      context.clip();
      context.beginPath();
      context.rect((0 - view.x) * view.zoom + width() / 2, (0 - view.y) * view.zoom + height() / 2,
        shown.width * view.zoom, shown.height * view.zoom);
      context.clip();
      context.globalAlpha = view.opacity;
      place(context, { x: 0, y: 0, w: overlay.w, h: overlay.h }, overlay.image, overlay.key !== 'provenance');
      context.restore();
    }
    describe(cut);
    refreshers.forEach(update => update());
  }
  function describe(cut) {
    const ratio = window.devicePixelRatio || 1, part = Math.round(view.split * 100);
    divider.style.left = cut + 'px';
    divider.setAttribute('aria-valuenow', part);
    divider.setAttribute('aria-valuetext', part + ' % ' + shown.layers[view.before].title + ', '
      + (100 - part) + ' % result');
    tagBefore.textContent = shown.layers[view.before].title;
    tagAfter.textContent = 'fovea ' + shown.layers.result.title;
    tagBefore.hidden = cut < 90;
    tagAfter.hidden = width() - cut < 90;
    status.textContent = Math.round(view.zoom * ratio * 100) + ' %';
    stage.classList.toggle('zoomed', isZoomed());
  }
  function refresh() {
    if (!isQueued) requestAnimationFrame(draw);
    isQueued = true;
  }
  function setSplit(value) {
    view.split = Math.max(0, Math.min(1, value));
    refresh();
  }

  // ---- mouse and touch: a drag moves the divider; zoomed in, it moves the picture ----
  const pointers = new Map();
  let drag = null, pinch = 0;
  const at = event => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { distance: Math.hypot(a.x - b.x, a.y - b.y) || 1, x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };
  stage.addEventListener('pointerdown', event => {
    if (event.button) return;
    const point = at(event);
    pointers.set(event.pointerId, point);
    stage.setPointerCapture(event.pointerId);
    drag = event.target === divider || !isZoomed() ? 'split' : 'pan';
    if (pointers.size === 2) {
      drag = 'pinch';
      pinch = spread();
    } else if (drag === 'split' && event.pointerType === 'mouse') {
      setSplit(point.x / width());
    }
    stage.classList.toggle('dragging', drag === 'pan');
    (event.target === divider ? divider : stage).focus({ preventScroll: true });
    event.preventDefault();
  });
  stage.addEventListener('pointermove', event => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const point = at(event);
    pointers.set(event.pointerId, point);
    if (drag === 'pinch' && pointers.size === 2) {
      const now = spread();
      view.x -= (now.x - pinch.x) / view.zoom;
      view.y -= (now.y - pinch.y) / view.zoom;
      zoomAt(now.x, now.y, now.distance / pinch.distance);
      pinch = now;
    } else if (drag === 'split') {
      setSplit(point.x / width());
    } else if (drag === 'pan') {
      view.x -= (point.x - last.x) / view.zoom;
      view.y -= (point.y - last.y) / view.zoom;
      refresh();
    }
  });
  const release = event => {
    pointers.delete(event.pointerId);
    if (drag === 'pinch') drag = pointers.size && isZoomed() ? 'pan' : null;
    else if (!pointers.size) drag = null;
    stage.classList.remove('dragging');
  };
  stage.addEventListener('pointerup', release);
  stage.addEventListener('pointercancel', release);
  stage.addEventListener('dblclick', event => zoomAt(at(event).x, at(event).y, event.shiftKey ? .5 : 2));
  // The wheel scrolls the page until the picture was chosen.
  stage.addEventListener('wheel', event => {
    if (!event.ctrlKey && !stage.contains(document.activeElement)) return;
    event.preventDefault();
    zoomAt(at(event).x, at(event).y, Math.exp(-event.deltaY * (event.deltaMode ? .05 : .002)));
  }, { passive: false });

  // ---- keyboard ----
  divider.addEventListener('keydown', event => {
    const step = event.shiftKey ? .1 : .02;
    const to = { ArrowLeft: view.split - step, ArrowDown: view.split - step, ArrowRight: view.split + step,
      ArrowUp: view.split + step, PageDown: view.split - .1, PageUp: view.split + .1, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    setSplit(to);
    event.preventDefault();
    event.stopPropagation();
  });
  stage.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60 / view.zoom, middle = [width() / 2, height() / 2];
    const act = { '+': () => zoomAt(...middle, 1.5), '=': () => zoomAt(...middle, 1.5),
      '-': () => zoomAt(...middle, 1 / 1.5), '0': fit, '1': truePixels, b: flip, B: flip,
      ArrowLeft: () => { view.x -= step; }, ArrowRight: () => { view.x += step; }, ArrowUp: () => { view.y -= step; },
      ArrowDown: () => { view.y += step; } }[event.key];
    if (!act || event.key.startsWith('Arrow') && !isZoomed()) return;
    act();
    refresh();
    event.preventDefault();
  });

  // ---- buttons ----
  function fit() {
    isFitted = true;
    refresh();
  }
  function truePixels() {
    zoomAt(width() / 2, height() / 2, 1 / (window.devicePixelRatio || 1) / view.zoom);
  }
  function flip() {
    setSplit(view.split > .5 ? 0 : 1);
  }
  function button(text, act, isOn, label) {
    const element = make('button', { type: 'button', 'aria-label': label || null, click: () => { act(); refresh(); } },
      text);
    if (isOn) refreshers.push(() => element.setAttribute('aria-pressed', String(Boolean(isOn()))));
    return element;
  }
  const group = (name, ...items) => make('div', { class: 'group', role: 'group', 'aria-label': name },
    make('span', { class: 'name', 'aria-hidden': 'true' }, name), items);
  function drawLegend() {
    const overlay = shown.overlays.find(o => o.key === view.overlay);
    legend.replaceChildren();
    if (!overlay) return;
    if (overlay.key === 'provenance') {
      overlay.legend.filter(entry => (report.tiles || {})[entry.name]).forEach(entry => legend.append(
        make('span', {}, swatch(entry.color), entry.name + ' ' + percent(report.tiles[entry.name] / shown.tiles))));
    } else {
      const ramp = make('span', { class: 'ramp', 'aria-hidden': 'true' });
      ramp.style.background = 'linear-gradient(to right, ' + overlay.legend.map(e => e.color).join(', ') + ')';
      legend.append(make('span', { class: 'scale' }, overlay.legend[0].name, ramp,
        overlay.legend[overlay.legend.length - 1].name));
    }
  }
  function toggle(key) {
    view.overlay = view.overlay === key ? null : key;
    drawLegend();
  }
  const opacity = make('input', { type: 'range', min: 5, max: 100, value: view.opacity * 100,
    'aria-label': 'Strength of the map', input: () => { view.opacity = opacity.value / 100; refresh(); } });
  refreshers.push(() => { opacity.disabled = !view.overlay; });

  new ResizeObserver(refresh).observe(stage);
  window.viewer = { view, refresh, images };
  return make('section', { class: 'panel viewer', 'aria-label': 'Before and after' }, stage,
    make('div', { class: 'tools' },
    group('Before', Object.keys(shown.layers).filter(key => key !== 'result').map(key =>
      button(shown.layers[key].title, () => { view.before = key; }, () => view.before === key))),
    group('Map', shown.overlays.map(o => button(o.title, () => toggle(o.key), () => view.overlay === o.key)),
      shown.overlays.length ? opacity : null),
    group('Zoom', button('−', () => zoomAt(width() / 2, height() / 2, 1 / 1.5), null, 'Zoom out'),
      button('+', () => zoomAt(width() / 2, height() / 2, 1.5), null, 'Zoom in'), button('Fit', fit),
      button('1:1', truePixels, null, 'True pixels')),
    shown.details.length ? group('Look at', shown.details.map((rect, i) => button(String(i + 1), () => show(rect), null,
      'Place with much fine structure, ' + (i + 1)))) : null,
    group('', button('Flip', flip, null, 'Flip between before and after'))),
    legend, make('p', { class: 'keys' }, 'Drag the line. Click the picture, then: wheel or ', make('kbd', {}, '+'), ' ',
      make('kbd', {}, '−'), ' zoom, arrows move, ', make('kbd', {}, '0'), ' fits, ', make('kbd', {}, '1'),
      ' shows true pixels, ', make('kbd', {}, 'B'), ' flips.'));
}
