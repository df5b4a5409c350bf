(() => {
  'use strict';
  const form = document.querySelector('form');
  const button = document.getElementById('save');
  const done = document.getElementById('done');
  const text = document.getElementById('text');
  const plain = (value) => value.replace(/\r\n?/g, '\n').trim();
  const read = (card) => {
    const field = (name) => card.querySelector('[data-part="' + name + '"]');
    const picked = card.querySelector('input[type=radio]:checked');
    const corrections = {};
    for (const input of card.querySelectorAll('[data-column]')) {
      if (plain(input.value) !== plain(input.dataset.was)) {
        corrections[input.dataset.column] = plain(input.value);
      }
    }
    return {
      candidate: card.dataset.id,
      answer: picked ? picked.value : '',
      same_as: plain(field('same').value),
      note: plain(field('note').value),
      corrections,
    };
  };
  const cards = Array.from(document.querySelectorAll('article'));
  const before = new Map(cards.map((card) => [card, JSON.stringify(read(card))]));
  const changed = () => cards.map((card) => [card, read(card)])
    .filter(([card, said]) => JSON.stringify(said) !== before.get(card))
    .map(([, said]) => said);
  let saved = '[]';
  for (const id of ['save', 'who']) document.getElementById(id).hidden = false;
  form.addEventListener('submit', (event) => event.preventDefault());
  button.addEventListener('click', () => {
    const answers = changed();
    done.hidden = false;
    if (answers.length === 0) {
      done.firstElementChild.textContent = button.dataset.nothing;
      text.hidden = true;
      return;
    }
    const all = {
      format: 'restitch-review-1',
      language: document.documentElement.lang,
      zone: form.dataset.zone,
      reviewer: plain(document.getElementById('reviewer').value),
      answers,
    };
    text.value = JSON.stringify(all, null, 1);
    text.hidden = false;
    done.firstElementChild.textContent = button.dataset.saved;
    saved = JSON.stringify(answers);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text.value + '\n'], { type: 'application/json' }));
    link.download = form.dataset.file;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  });
  addEventListener('beforeunload', (event) => {
    if (JSON.stringify(changed()) !== saved) event.preventDefault();
  });
})();
