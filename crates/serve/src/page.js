'use strict';
(() => {
  const content = document.getElementById('content');
  const said = document.getElementById('said');
  const help = document.getElementById('help');
  const useKeys = document.getElementById('use-keys');
  const filters = { state: 'open', tenant: '*', type: '', order: 'unsure', page: 0 };
  let list = null;
  let record = null;
  let form = null;

  // All text goes in as text. Nothing of the evidence ever becomes markup.
  const h = (tag, attrs, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attrs || {})) {
      if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, '');
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  };
  const bdi = (text) => h('bdi', null, text);
  const drawn = (svg) => document.importNode(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement, true);
  const words = (column) => column.replaceAll('_', ' ');
  const many = (n, one, more) => n.toLocaleString('en') + ' ' + (n === 1 ? one : more || one + 's');

  let silence = 0;
  const say = (text) => {
    said.textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ''; }, 6000);
  };

  const ask = async (path, body) => {
    const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch('/api/' + path, options);
    const kind = response.headers.get('content-type') || '';
    const value = kind.includes('json') ? await response.json() : { error: await response.text() };
    if (!response.ok) throw new Error(value.error);
    if (value.progress) progress(value.progress);
    return value;
  };

  const progress = (of) => {
    document.getElementById('progress').textContent =
      many(of.open, 'record') + ' to answer, ' + of.answered.toLocaleString('en') + ' answered' +
      (of.unplanned ? ', ' + of.unplanned + ' not planned yet' : '');
  };

  const go = (hash) => { if (location.hash === hash) route(); else location.hash = hash; };
  const linkTo = (id) => '#/record/' + encodeURIComponent(id);

  // The queue.

  const load = async () => {
    const query = new URLSearchParams(filters);
    list = await ask('queue?' + query);
    document.getElementById('case').textContent = list.name;
  };

  const STATES = [['open', 'To answer'], ['answered', 'Answered'], ['restored', 'Restored'], ['left', 'Not rebuilt'], ['all', 'All']];
  const ORDERS = [['unsure', 'Least sure first'], ['sure', 'Surest first'], ['soon', 'Soonest first']];

  const refilter = (change) => {
    Object.assign(filters, { page: 0 }, change);
    go('#/queue');
    route();
  };

  const select = (label, value, choices, change) => h('label', null, label,
    h('select', { onchange: (event) => change(event.target.value) },
      choices.map(([key, name]) => h('option', { value: key, selected: key === value }, name))));

  const listPane = () => {
    const tabs = h('div', { class: 'tabs', role: 'group', 'aria-label': 'Which records' },
      STATES.map(([key, name]) => h('button', {
        type: 'button', 'aria-pressed': String(filters.state === key), onclick: () => refilter({ state: key }),
      }, name + ' ' + (list.states[key] || 0).toLocaleString('en'))));
    const tenants = [['*', 'All customers']].concat(
      list.tenants.map((of) => [of.key, of.name + ' (' + of.n.toLocaleString('en') + ')']));
    if (filters.tenant !== '*' && !list.tenants.some((of) => of.key === filters.tenant)) tenants.push([filters.tenant, filters.tenant + ' (0)']);
    const types = [['', 'All kinds']].concat(Object.entries(list.types).map(([name, n]) => [name, name + ' (' + n.toLocaleString('en') + ')']));
    const choose = h('div', { class: 'filters' },
      select('Customer', filters.tenant, tenants, (tenant) => refilter({ tenant })),
      select('Kind', filters.type, types, (type) => refilter({ type })),
      select('Order', filters.order, ORDERS, (order) => refilter({ order })));
    let tenant = null;
    const rows = [];
    for (const row of list.rows) {
      if (filters.order !== 'soon' && row.tenant !== tenant) {
        tenant = row.tenant;
        rows.push(h('li', { class: 'tenant' }, bdi(tenant)));
      }
      rows.push(h('li', null, rowLink(row)));
    }
    const pager = list.pages > 1 && h('div', { class: 'pager' },
      h('button', { type: 'button', disabled: list.page === 0, onclick: () => { filters.page = list.page - 1; route(); } }, 'Earlier'),
      h('span', { class: 'quiet' }, (list.first + 1).toLocaleString('en') + ' to ' + (list.first + list.rows.length).toLocaleString('en') + ' of ' + list.total.toLocaleString('en')),
      h('button', { type: 'button', disabled: list.page + 1 >= list.pages, onclick: () => { filters.page = list.page + 1; route(); } }, 'Later'));
    return h('section', { class: 'list', 'aria-label': 'Queue', tabindex: '0' },
      !record && h('h1', { class: 'unseen' }, 'Queue'), tabs, choose,
      list.rows.length ? h('ul', { class: 'rows' }, rows) : h('p', { class: 'quiet' }, 'Nothing here.'), pager);
  };

  const rowLink = (row) => h('a', { href: linkTo(row.id), 'data-id': row.id, 'aria-current': record && record.id === row.id ? 'true' : null },
    bdi(row.title), h('span', { class: 'sure', title: 'how sure' }, row.sure + ' %'),
    h('span', { class: 'why' }, (row.said ? row.said + ' · ' : '') + row.what + (row.changes ? ', change of a surviving row' : '') + (row.why ? ' · ' + row.why : '')));

  // A record.

  const recordPane = () => {
    if (!record) {
      return h('section', { class: 'pane', 'aria-label': 'Record' },
        h('p', { class: 'quiet' }, list.rows.length ? 'Choose a record, or press j.' : 'There is nothing to answer here.'));
    }
    const head = h('div', { class: 'head' },
      h('button', { type: 'button', class: 'plain return', onclick: () => go('#/queue') }, 'Back to the queue'),
      h('h1', { tabindex: '-1', id: 'title' }, bdi(record.title)),
      h('p', { class: 'quiet' }, record.what + ' · ' + record.sure + ' % sure · ', bdi(record.tenant), ' · times of ' + record.zone + ' · ', h('code', null, record.id)),
      h('p', null, h('span', { class: 'plan ' + record.planned.kind }, planWords()), record.said && h('span', { class: 'quiet' }, '  answered: ' + record.said)),
      record.surviving && h('p', { class: 'quiet' }, 'Changes the surviving row ' + record.surviving + ' of ' + record.table + '.'),
      record.reasons.length > 0 && h('ul', null, record.reasons.map((why) => h('li', null, bdi(why)))));
    const left = h('div', null, fieldsTable(), conflictsTable(), waterfall(), timeline(), decisions());
    const right = h('div', null, h('h2', null, 'Evidence (' + (record.items.length + record.more_items) + ')'),
      record.items.map(item), record.more_items > 0 && h('p', { class: 'quiet' }, 'and ' + record.more_items + ' more'));
    return h('section', { class: 'pane', 'aria-labelledby': 'title' }, h('div', { class: 'record' }, head, bar(), left, right));
  };

  const planWords = () => {
    const before = record.progress.unplanned ? 'in the last plan: ' : '';
    return before + record.planned.words;
  };

  const bar = () => {
    const button = (name, key, action, main) => h('button', { type: 'button', class: main ? 'main' : null, 'data-do': key, onclick: action }, name, h('kbd', { 'aria-hidden': 'true' }, key));
    return h('div', { class: 'bar' },
      h('div', { class: 'buttons', role: 'group', 'aria-label': 'Your answer' },
        button('Yes', 'y', () => decide({ answer: 'yes' }), true),
        button('No', 'n', () => decide({ answer: 'no' })),
        button('Don’t know', 'u', () => decide({ answer: 'unknown' })),
        button('Edit', 'e', () => open('edit')),
        button('Same as', 'm', () => open('same')),
        record.can_split && button('Split', 's', () => open('split')),
        record.can_undo && button('Take back', 'z', () => undo(record.can_undo))),
      formPane());
  };

  const open = (kind) => {
    if (kind === 'split' && !record.can_split) return;
    form = form === kind ? null : kind;
    show();
    const first = content.querySelector('.form input');
    if (first) first.focus();
  };

  const note = () => h('label', null, 'A note, if you like', h('input', { type: 'text', id: 'note', autocomplete: 'off' }));
  const noted = () => { const field = document.getElementById('note'); return field ? field.value : ''; };

  const formPane = () => {
    if (form === 'edit') {
      const disputed = record.conflicts.filter((of) => !of.editable)
        .map((of) => ({ column: of.column, was: of.kept, now: null }));
      const inputs = record.fields.concat(disputed).map((field) => h('label', null, words(field.column),
        h('input', { type: 'text', 'data-column': field.column, 'data-was': field.was, value: field.now === null ? field.was : field.now, autocomplete: 'off' })));
      return h('form', { class: 'form', 'aria-label': 'Edit', onsubmit: (event) => { event.preventDefault(); edit(event.target); } },
        h('p', null, 'Write what is right.'), h('div', { class: 'grid' }, inputs), note(), h('div', { class: 'actions' }, h('button', { class: 'main' }, 'Right with these changes'), cancel()));
    }
    if (form === 'same') {
      const alike = record.alike.map((other) => h('label', { class: 'choice' }, h('input', { type: 'radio', name: 'same', value: other.id }), ' ', bdi(other.title),
        h('span', { class: 'quiet' }, ' · ' + other.sure + ' % · shares ' + many(other.shares, 'value') + ' · ' + other.id)));
      return h('form', { class: 'form', 'aria-label': 'Merge', onsubmit: (event) => { event.preventDefault(); same(event.target); } },
        h('p', null, alike.length ? 'It is the same as:' : 'No other record shares a rare value. Name the one that it is the same as.'), alike,
        h('label', null, 'or the record of this name', h('input', { type: 'text', name: 'other', autocomplete: 'off' })), note(),
        h('div', { class: 'actions' }, h('button', { class: 'main' }, 'The same'), cancel()));
    }
    if (form === 'split') {
      const items = record.items.map((of, n) => h('label', { class: 'choice' }, h('input', { type: 'checkbox', value: of.id }), ' ' + (n + 1) + '. ' + (of.source || of.kind) + (of.at ? ', ' + of.at : '') + ': ', bdi(of.line || '')));
      return h('form', { class: 'form', 'aria-label': 'Split', onsubmit: (event) => { event.preventDefault(); split(event.target); } },
        h('p', null, record.what === 'customer' ? 'Mark all items of the reservations that are of another customer.' : 'Mark the evidence that is of another record.'), items, note(), h('div', { class: 'actions' }, h('button', { class: 'main' }, 'Two records'), cancel()));
    }
    return null;
  };
  const cancel = () => h('button', { type: 'button', onclick: () => { form = null; show(); } }, 'Cancel');

  const edit = (from) => {
    const corrections = {};
    for (const input of from.querySelectorAll('[data-column]')) {
      if (input.value.trim() !== input.dataset.was.trim()) corrections[input.dataset.column] = input.value.trim();
    }
    decide({ answer: 'corrected', corrections, note: noted() });
  };
  const same = (from) => {
    const picked = from.querySelector('input[type=radio]:checked');
    const typed = from.elements.other.value.trim();
    decide({ answer: 'same_as', same_as: typed || (picked ? picked.value : ''), note: noted() });
  };
  const split = (from) => {
    const items = Array.from(from.querySelectorAll('input[type=checkbox]:checked'), (box) => box.value);
    decide({ answer: 'split', items, note: noted() });
  };

  let busy = false;
  const decide = async (answer) => {
    if (busy || !record) return;
    busy = true;
    try {
      const at = list.rows.findIndex((row) => row.id === record.id);
      const title = record.title;
      await ask('decide', { candidate: record.id, ...answer });
      form = null;
      await load();
      const stays = list.rows.findIndex((row) => row.id === record.id);
      const next = list.rows[stays >= 0 ? stays + 1 : Math.max(at, 0)] || list.rows[list.rows.length - 1];
      say((answer.answer === 'same_as' ? 'same as another' : answer.answer === 'unknown' ? 'don’t know' : answer.answer) + ': ' + title + '. z takes it back.');
      if (next && next.id !== record.id) go(linkTo(next.id));
      else { record = await ask('record/' + encodeURIComponent(record.id)); show(); }
    } catch (error) {
      say(error.message);
    } finally {
      busy = false;
    }
  };

  const undo = async (candidate) => {
    if (busy) return;
    busy = true;
    try {
      const value = await ask('undo', candidate ? { candidate } : {});
      await load();
      say('Taken back.');
      if (value.id && !(record && record.id === value.id)) go(linkTo(value.id));
      else if (record) { record = await ask('record/' + encodeURIComponent(record.id)); show(); }
    } catch (error) {
      say(error.message);
    } finally {
      busy = false;
    }
  };

  const fieldsTable = () => record.fields.length > 0 && h('div', null, h('h2', null, 'What it says'),
    h('table', null, h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Field'), h('th', { scope: 'col' }, 'Value'), h('th', { scope: 'col', class: 'n' }, 'Sure'))),
      h('tbody', null, record.fields.map((field) => h('tr', null,
        h('th', { scope: 'row' }, bdi(words(field.column))),
        h('td', null,
          field.now !== null ? [h('del', null, bdi(field.value)), ' ', bdi(field.now)] : field.parent ? h('a', { href: linkTo(field.parent) }, bdi(field.value)) : field.value === '' ? h('span', { class: 'quiet' }, 'empty') : bdi(field.value),
          field.item && h('span', { class: 'words' }, h('a', { href: '#item-' + field.item, onclick: jump }, 'item ' + field.item), field.words && [': ', h('mark', null, bdi(field.words))])),
        h('td', { class: 'n' }, field.sure + ' %'))))));

  const conflictsTable = () => record.conflicts.length > 0 && h('div', null, h('h2', null, 'What contradicts itself'),
    h('table', null, h('thead', null, h('tr', null, ['Field', 'Kept', 'The other says', 'Why'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', null, record.conflicts.map((of) => h('tr', null, h('th', { scope: 'row' }, words(of.column)), h('td', null, bdi(of.kept)),
        h('td', null, bdi(of.other), of.item && h('span', { class: 'words' }, h('a', { href: '#item-' + of.item, onclick: jump }, 'item ' + of.item))),
        h('td', { class: 'quiet' }, of.reason))))));

  const jump = (event) => {
    event.preventDefault();
    const target = document.getElementById(event.currentTarget.getAttribute('href').slice(1));
    if (target) { target.scrollIntoView({ block: 'start' }); target.focus({ preventScroll: true }); }
  };

  const SVG = 'http://www.w3.org/2000/svg';
  const shape = (tag, attrs) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, value);
    return node;
  };

  const bits = (n) => (n < 0 ? '−' : '+') + Math.abs(n).toFixed(1);

  const stepsTable = (steps) => {
    const ends = steps.flatMap((step) => [step.from, step.to]);
    const low = Math.min(0, ...ends);
    const wide = Math.max(1, Math.max(...ends) - low);
    const x = (at) => (at - low) / wide * 200;
    const row = (step) => {
      const svg = shape('svg', { viewBox: '0 0 200 16', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
      svg.append(shape('line', { class: 'axis', x1: x(0), x2: x(0), y1: 0, y2: 16 }),
        shape('rect', { class: step.bits < 0 ? 'against' : 'for', x: x(Math.min(step.from, step.to)), width: Math.max(1, x(Math.max(step.from, step.to)) - x(Math.min(step.from, step.to))), y: 3, height: 10 }));
      return h('tr', null, h('th', { scope: 'row' }, bdi(step.comparison)), h('td', { class: 'n' }, bits(step.bits)), h('td', null, svg));
    };
    return h('table', { class: 'steps' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Compared'), h('th', { scope: 'col', class: 'n' }, 'Bits'), h('th', { scope: 'col' }, 'So far'))),
      h('tbody', null, steps.map(row)));
  };

  const itemLink = (n) => n ? h('a', { href: '#item-' + n, onclick: jump }, 'Item ' + n) : 'An item';

  const waterfall = () => record.links.length + record.rivals.length > 0 && h('div', null,
    h('h2', null, 'Why its evidence goes together'),
    h('p', { class: 'quiet' }, 'Each comparison in bits: one bit more makes it twice as likely.'),
    record.links.map((link) => [h('p', null, itemLink(link.item), ' belongs here: ' + bits(link.bits) + ' bits'), stepsTable(link.steps)]),
    record.rivals.length > 0 && h('h3', { class: 'lost' }, 'What lost'),
    record.rivals.map((rival) => h('details', { class: 'rival' },
      h('summary', null, (rival.item ? 'Item ' + rival.item : 'An item') + ' and ', bdi(rival.record), ': ' + bits(rival.bits) + ' bits; ', bdi(rival.reason)),
      rival.id && h('p', null, h('a', { href: linkTo(rival.id) }, 'Open that record')), stepsTable(rival.steps))));

  const timeline = () => h('div', null, h('h2', null, 'Its course'),
    h('ol', { class: 'time' }, record.timeline.map((event) => h('li', { class: event.kind }, h('time', null, event.at), bdi(event.what)))));

  const decisions = () => record.decisions.length > 0 && h('div', null, h('h2', null, 'What was said'),
    h('ul', null, record.decisions.map((of) => h('li', null, of.at + ', ', bdi(of.by), ': ' + of.said + (of.other ? ' (' + of.other + ')' : ''), of.note && [' · ', bdi(of.note)]))));

  const pieces = (of) => of.pieces.map((piece) => piece.marked ? h('mark', null, piece.text) : piece.text);
  const item = (of, n) => h('article', { class: 'item', id: 'item-' + (n + 1), tabindex: '-1', 'aria-label': 'Item ' + (n + 1) },
    h('header', null, h('h3', null, (n + 1) + '. ' + (of.source || of.kind || 'item')), of.at && h('span', { class: 'quiet' }, of.at)),
    h('pre', { tabindex: '0', dir: 'auto' }, pieces(of)), of.cut && h('p', { class: 'quiet' }, 'The rest of this item is not shown.'));

  const show = () => {
    content.replaceChildren(h('div', { class: 'desk', 'data-shows': record ? 'record' : 'list' }, listPane(), recordPane()));
    const current = content.querySelector('.rows [aria-current]');
    if (current) current.scrollIntoView({ block: 'nearest' });
  };

  // The course of the loss, and the plan.

  const overview = (of) => {
    const type = ([name, n]) => h('tr', null, h('th', { scope: 'row' }, name), h('td', { class: 'n' }, n.back.toLocaleString('en')), h('td', { class: 'n' }, n.waits.toLocaleString('en')), h('td', { class: 'n' }, n.out.toLocaleString('en')),
      h('td', { class: 'n' }, n.lost ? Math.round(n.lost.count).toLocaleString('en') + ' (' + Math.round(n.lost.low).toLocaleString('en') + ' to ' + Math.round(n.lost.high).toLocaleString('en') + ')' : 'not estimated'));
    const table = ([name, n]) => h('tr', null, h('th', { scope: 'row' }, name), ['inserts', 'updates', 'unchanged', 'held', 'rejected', 'merged'].map((key) => h('td', { class: 'n' }, n[key].toLocaleString('en'))));
    const heads = (...names) => h('thead', null, h('tr', null, names.map((name, n) => h('th', { scope: 'col', class: n ? 'n' : null }, name))));
    const again = (label, path, main) => h('button', { type: 'button', class: main ? 'main' : null, 'data-do': path, onclick: (event) => redo(event.target, path) }, label);
    content.replaceChildren(h('div', { class: 'narrow' },
      h('h1', { tabindex: '-1' }, 'Overview'),
      of.window && h('p', { class: 'quiet' }, 'The backup ends ' + of.window.from + ', the loss was ' + of.window.to + ' (UTC).'),
      of.completeness && h('figure', null, drawn(of.completeness.svg), h('figcaption', null, of.completeness.words)),
      h('h2', null, 'By week'),
      h('figure', null, drawn(of.weeks_svg), h('figcaption', null, h('span', { class: 'key back' }), 'in the plan', h('span', { class: 'key waits' }), 'waiting', h('span', { class: 'key out' }), 'left out. Reservations, by the week in which they were first heard of.',
        of.undated > 0 && ' Of ' + of.undated + ' nothing tells when.')),
      h('details', null, h('summary', null, 'The same as a table'), h('div', { class: 'scroll', tabindex: '0' }, h('table', null, heads('Week of', 'In the plan', 'Waiting', 'Left out'),
        h('tbody', null, of.weeks.map(([week, ...n]) => h('tr', null, h('th', { scope: 'row' }, week), n.map((one) => h('td', { class: 'n' }, one)))))))),
      h('h2', null, 'By source'),
      h('figure', null, drawn(of.map_svg), h('figcaption', null, 'What each source saw by week: the stronger the colour the more, and filled as far as it came back.')),
      h('details', null, h('summary', null, 'The same as a table'), h('div', { class: 'scroll', tabindex: '0' }, h('table', null, heads('Source', ...of.weeks.map(([week]) => week)),
        h('tbody', null, of.sources.map((source) => h('tr', null, h('th', { scope: 'row' }, source.name), source.cells.map((cell) => h('td', { class: 'n' }, cell)))))))),
      h('h2', null, 'By kind'),
      h('div', { class: 'scroll', tabindex: '0' }, h('table', null, heads('Records', 'In the plan', 'Waiting', 'Left out', 'Lost'), h('tbody', null, Object.entries(of.types).map(type)))),
      h('h2', { id: 'plan' }, 'The plan'),
      h('p', null, many(of.plan.inserts, 'row') + ' to insert, ' + of.plan.updates.toLocaleString('en') + ' to change, ' + of.plan.held.toLocaleString('en') + ' held back, ' + many(of.plan.conflicts, 'contradiction') + ' left to reviewers.'),
      of.progress.unplanned > 0 && h('p', null, h('strong', null, many(of.progress.unplanned, 'answer') + ' came since. ')),
      h('div', { class: 'actions' }, again('Make the plan again', 'plan', true), again('Rebuild, then plan', 'rebuild')),
      h('p', { class: 'quiet' }, 'A plan takes in yes, no, edits and merges. What is split or merged is put together anew when the records are rebuilt. Nothing is written to a database here.'),
      h('div', { class: 'scroll', tabindex: '0' }, h('table', null, heads('Table', 'Insert', 'Change', 'Stand already', 'Held', 'Rejected', 'Merged'), h('tbody', null, Object.entries(of.plan.tables).map(table)))),
      h('p', { class: 'quiet' }, 'Digest ', h('code', { id: 'digest' }, of.plan.digest)),
      of.plan.unrehearsed && h('p', { class: 'quiet' }, 'The database was not asked whether it would take the rows: ' + of.plan.unrehearsed)));
  };

  const redo = async (button, path) => {
    if (busy) return;
    busy = true;
    for (const one of content.querySelectorAll('.actions button')) one.disabled = true;
    say(path === 'plan' ? 'The plan is being made.' : 'Records are being rebuilt.');
    try {
      overview(await ask(path, {}));
      record = null;
      say(path === 'plan' ? 'The plan is made.' : 'The records are rebuilt and the plan is made.');
    } catch (error) {
      for (const one of content.querySelectorAll('.actions button')) one.disabled = false;
      say(error.message);
    } finally {
      busy = false;
    }
  };

  // Search.

  const search = async (query) => {
    const found = query ? await ask('search?' + new URLSearchParams({ q: query })) : null;
    const hit = (of) => h('li', null, h('span', { class: 'quiet' }, [of.source, of.at].filter(Boolean).join(', ')), ' ', h('a', { href: '#/evidence/' + of.id }, bdi(of.line || of.id)),
      of.records.length > 0 && h('ul', null, of.records.map((row) => h('li', null, h('a', { href: linkTo(row.id) }, bdi(row.title)), h('span', { class: 'quiet' }, ' · ' + row.what + ', ' + row.sure + ' %')))));
    content.replaceChildren(h('div', { class: 'narrow' }, h('h1', { tabindex: '-1' }, 'Search'),
      h('form', { role: 'search', onsubmit: (event) => { event.preventDefault(); go('#/search/' + encodeURIComponent(event.target.elements.q.value.trim())); } },
        h('label', null, 'Words, or how they begin', h('input', { type: 'search', name: 'q', id: 'q', value: query, autocomplete: 'off' }))),
      found && h('p', { class: 'quiet' }, many(found.total, 'item') + ' of ' + found.items.toLocaleString('en') + (found.total > found.hits.length ? '; the first ' + found.hits.length + ' are shown' : '') + '.' + (found.cut ? ' Of ' + many(found.cut, 'long item') + ' only the first words are found.' : '')),
      found && h('ul', { class: 'hits' }, found.hits.map(hit))));
    if (!query) document.getElementById('q').focus();
  };

  const evidence = async (id) => {
    const of = await ask('evidence/' + encodeURIComponent(id));
    content.replaceChildren(h('div', { class: 'narrow' }, h('h1', { tabindex: '-1' }, bdi(of.line || 'Evidence')),
      h('p', { class: 'quiet' }, [of.source, of.at].filter(Boolean).join(', '), ' · ', h('code', null, of.id)),
      h('div', { class: 'item' }, h('pre', { tabindex: '0', dir: 'auto' }, pieces(of)))));
  };

  // Pages and keys.

  const TITLES = { queue: 'Queue', record: 'Record', overview: 'Overview', search: 'Search', evidence: 'Evidence' };
  const route = async () => {
    const [, page = 'queue', ...rest] = location.hash.split('/');
    const argument = decodeURIComponent(rest.join('/'));
    for (const link of document.querySelectorAll('.top nav a')) {
      const is = link.dataset.page === (page === 'record' ? 'queue' : page === 'evidence' ? 'search' : page);
      if (is) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
    }
    document.title = 'restitch: ' + (TITLES[page] || 'review').toLowerCase();
    try {
      if (page === 'overview') overview(await ask('overview'));
      else if (page === 'search') await search(argument);
      else if (page === 'evidence') await evidence(argument);
      else {
        const isNew = !record || record.id !== argument;
        if (!list || page !== 'record') await load();
        if (page === 'record' && argument) {
          if (isNew) form = null;
          record = await ask('record/' + encodeURIComponent(argument));
        } else record = null;
        show();
        if (record && isNew) {
          window.scrollTo(0, 0);
          document.getElementById('title').focus({ preventScroll: true });
        }
      }
    } catch (error) {
      content.replaceChildren(h('h1', { tabindex: '-1' }, 'That did not work'), h('p', null, error.message));
    }
    document.body.dataset.ready = location.hash || '#/queue';
  };

  const step = async (by) => {
    if (!list) return;
    const at = record ? list.rows.findIndex((row) => row.id === record.id) : -1;
    const next = list.rows[at < 0 ? 0 : at + by];
    if (next) go(linkTo(next.id));
    else if (by > 0 && list.page + 1 < list.pages) { filters.page = list.page + 1; await load(); if (list.rows[0]) go(linkTo(list.rows[0].id)); }
  };

  const KEYS = {
    j: () => step(1), k: () => step(-1), q: () => go('#/queue'), o: () => go('#/overview'), '/': () => go('#/search'),
    '?': () => help.showModal(), z: () => undo(),
    y: () => decide({ answer: 'yes' }), n: () => decide({ answer: 'no' }), u: () => decide({ answer: 'unknown' }),
    e: () => record && open('edit'), m: () => record && open('same'), s: () => record && open('split'),
  };
  useKeys.checked = localStorage.getItem('keys') !== 'off';
  useKeys.addEventListener('change', () => localStorage.setItem('keys', useKeys.checked ? 'on' : 'off'));
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === 'Escape' && form) { form = null; show(); return; }
    if (!useKeys.checked || event.target.closest('input, select, textarea')) return;
    const onRecord = 'ynuems'.includes(event.key);
    if (KEYS[event.key] && (!onRecord || (record && location.hash.startsWith('#/record')))) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });
  document.getElementById('keys').addEventListener('click', () => help.showModal());
  document.getElementById('skip').addEventListener('click', (event) => { event.preventDefault(); content.focus(); });
  addEventListener('hashchange', route);
  route();
})();
