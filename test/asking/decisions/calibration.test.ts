import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type LabelledReading,
  atTemperature,
  calibrate,
  reliability,
} from '../../../src/asking/decisions/calibration.ts';

/** Answers that are right as often as they say, then made too sure: their logarithms times `factor`. */
function tooSure(count: number, factor: number): LabelledReading[] {
  let state = 12345;
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  return Array.from({ length: count }, () => {
    const share = 0.02 + 0.96 * random();
    return { probabilities: atTemperature([share, 1 - share], 1 / factor), right: random() < share ? 0 : 1 };
  });
}

test('the temperature that was put in is found again, and calibration is better by it', () => {
  for (const factor of [0.5, 1, 3]) {
    const { temperature, before, after } = calibrate(tooSure(4000, factor));
    assert.ok(Math.abs(temperature / factor - 1) < 0.1, `${temperature} for ${factor}`);
    assert.ok(after.error < 0.03 && after.error <= before.error + 0.01, `${before.error} ${after.error}`);
  }
});

test('a few right answers make no model certain, and many of one that is too sure of itself still cool it', () => {
  const allRight = Array.from({ length: 30 }, (): LabelledReading => ({ probabilities: [0.95, 0.05], right: 0 }));
  const { temperature, after } = calibrate(allRight);
  const [sure] = atTemperature([0.95, 0.05], temperature);
  assert.ok(temperature <= 1 && sure! < 0.99, `${temperature}: ${sure}`);
  assert.ok(after.error <= 0.05);
  const nearlySure = allRight.map((reading) => ({ ...reading, probabilities: [0.9999, 0.0001] }));
  assert.ok(Math.abs(calibrate(nearlySure).temperature - 1) < 0.05);
  const wrongInTen = nearlySure.map((reading, index) => ({ ...reading, right: [3, 11, 24].includes(index) ? 1 : 0 }));
  assert.ok(calibrate(wrongInTen).temperature > 3);
});

test('accuracy, area under the curve and calibration error are those of their definitions', () => {
  const readings = [0.9, 0.8, 0.7, 0.6, 0.4, 0.3].map((share, index): LabelledReading => ({
    probabilities: [share, 1 - share],
    right: [0, 0, 1, 0, 1, 1][index]!,
  }));
  const { accuracy, auroc } = calibrate(readings);
  assert.equal(accuracy, 5 / 6);
  assert.equal(auroc, 8 / 9); // of nine pairs one is the wrong way round
  // 0.6 right, 0.6 right; 0.7 wrong, 0.7 right; 0.8 right; 0.9 right: in bins 0.6, 0.7, 0.8, 0.9
  const expected = (Math.abs(1.2 - 2) + Math.abs(1.4 - 1) + Math.abs(0.8 - 1) + Math.abs(0.9 - 1)) / 6;
  assert.ok(Math.abs(reliability(readings).error - expected) < 1e-9);
});

test('what a fit has seen of a picture is no proof that it holds for others: its examples are held back together', () => {
  // Five pictures, each asked about forty times: the model is sure of all, and wrong about one.
  const lines = Array.from({ length: 200 }, (_, index): LabelledReading => {
    const picture = Math.floor(index / 40);
    return { probabilities: [0.95, 0.05], right: picture === 2 ? 1 : 0, about: [`picture ${picture}`] };
  });
  const together = calibrate(lines);
  assert.deepEqual([together.groups, together.examples, together.temperature], [5, 200, 1]);
  const apart = calibrate(lines.map((line, index) => ({ ...line, about: [`picture ${index}`] })));
  assert.equal(apart.groups, 200);
  assert.ok(apart.temperature > 1.5, `${apart.temperature}`); // as if each fold had not seen the picture
});

test('about one picture alone nothing is found, however often it was asked about', () => {
  const readings = tooSure(200, 3).map((reading) => ({ ...reading, about: ['the same'] }));
  const { temperature, groups, before, after } = calibrate(readings);
  assert.deepEqual({ temperature, groups, after }, { temperature: 1, groups: 1, after: before });
  assert.notEqual(calibrate(tooSure(200, 3)).temperature, 1);
});

test('where all answers are the same there is no curve', () => {
  assert.equal(calibrate(tooSure(50, 1).map((reading) => ({ ...reading, right: 0 }))).auroc, undefined);
});

test('probabilities of 0 and 1 stay what they are, at any temperature', () => {
  for (const temperature of [0.05, 1, 20]) assert.deepEqual(atTemperature([1, 0], temperature), [1, 0]);
});
