import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidJobIdError } from './errors.ts';
import { assertJobId, jobId } from './job-id.ts';

test('names the work readably', () => {
  expect(jobId('forecast', 'MSFT', '1h', 1_732_183_200)).toBe('forecast-MSFT-1h-1732183200');
  expect(jobId('forecast', 'EURUSD=X', '1d', 1)).toBe('forecast-EURUSD~3DX-1d-1');
  expect(jobId('forecast', 'BRK-B', '1d', 1)).not.toBe(jobId('forecast', 'BRK', 'B', '1d', 1));
});

test('any parts make an id that the queue takes, and different parts different ids', () => {
  const parts = fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      assertJobId(jobId('kind', ...a));
      if (JSON.stringify(a) !== JSON.stringify(b)) expect(jobId('kind', ...a)).not.toBe(jobId('kind', ...b));
    }),
  );
});

test('refuses ids that the queue would misread', () => {
  for (const id of ['', '12', 'a:b']) expect(() => assertJobId(id)).toThrow(InvalidJobIdError);
});
