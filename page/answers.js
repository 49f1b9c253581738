import { element } from './dom.js';

const percent = (share) => `${(share * 100).toFixed(1)} %`;

/** JSON with its lines, words as they are. */
export function writtenAnswer(text, form) {
  if (form !== 'json') return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text; // it was stopped
  }
}

/** Each question with a bar for each of its options. */
export function decidedAnswer(answers, questions) {
  return answers.map((answer, index) => {
    const asked = questions[index];
    const title = typeof asked === 'string' ? asked : asked.instructions;
    const notes = [
      ...(answer.type === 'score' ? [`Expected: ${answer.score.toFixed(2)} (the first level counts 1)`] : []),
      ...(answer.mass < 0.5 ? [`The options have ${percent(answer.mass)} of all that the model might say.`] : []),
    ];
    return element(
      'table',
      { className: 'decision' },
      element('caption', {}, title),
      element('tbody', {}, ...sharesOf(answer).map(([option, share]) => bar(option, share))),
      ...(notes.length === 0
        ? []
        : [element('tfoot', {}, element('tr', {}, element('td', { colSpan: 3 }, notes.join(' '))))]),
    );
  });
}

function bar(option, share) {
  const meter = element('meter', { min: 0, max: 1, value: share, 'aria-label': `${option}: ${percent(share)}` });
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, option),
    element('td', {}, meter),
    element('td', { className: 'number' }, percent(share)),
  );
}

/** [[option, probability]] in the order of the question. */
export function sharesOf({ type, probability, probabilities }) {
  if (type === 'predicate') return Object.entries({ yes: probability, no: 1 - probability });
  return probabilities.map(({ value, label, probability: share }) => [label ?? value, share]);
}

/** In a few words. */
export function decidedWords(answers) {
  const word = (answer) => {
    if (answer.type === 'predicate') return `yes ${percent(answer.probability)}`;
    return answer.type === 'choice' ? `${answer.choice} ${percent(answer.confidence)}` : answer.score.toFixed(2);
  };
  if (answers.length === 1) return word(answers[0]);
  return answers.map((answer, index) => `${answer.name ?? `q${index + 1}`}: ${word(answer)}`).join('; ');
}
