/** One job: the run's row says what to do, and gets what came of it. Safe to run twice, and at the same time as itself. */
import { createHash } from 'node:crypto';
import { type Database } from '@tapecast/db/database';
import { beginLabRun, failLabRun, finishLabRun, moveLabRun } from '@tapecast/db/lab-runs';
import { z } from 'zod';
import { readLabBars } from './read-bars.ts';
import { LabRefusedError, runLab } from './run-lab.ts';
import { verdictOf } from './statistics.ts';

/** Crosses from the worker thread to the service. `gone`: cancelled, or finished by another. */
export const LabJobResult = z.object({ outcome: z.enum(['done', 'refused', 'gone']), verdict: z.string().nullable() });
export type LabJobResult = z.infer<typeof LabJobResult>;

class RunEndedError extends Error {
  override readonly name = 'RunEndedError';
}

/** Progress is written as often as this: a person cannot follow more. */
const TELL_EVERY_MS = 150;
/** Far more than the largest run needs; beyond this something is wrong. */
const LONGEST_MS = 15 * 60_000;

/** @throws {DatabaseUnavailableError} when the job should be tried again */
export async function workOnRun(
  db: Database,
  run: number,
  options: { now?: () => number; longestMs?: number } = {},
): Promise<LabJobResult> {
  const { now = Date.now, longestMs = LONGEST_MS } = options;
  const gone: LabJobResult = { outcome: 'gone', verdict: null };
  const task = await beginLabRun(db, run);
  if (task === null) return gone;
  const [begun, told] = [now(), { at: -Infinity }];
  const report = async (progress: number, stage: string): Promise<void> => {
    if (now() - begun > longestMs) {
      throw new LabRefusedError(
        `It took longer than ${Math.round(longestMs / 60_000)} minutes and was ended. Use fewer bars, folds or features, or no tuning.`,
      );
    }
    if (now() - told.at < TELL_EVERY_MS) return;
    told.at = now();
    if (!(await moveLabRun(db, run, progress, stage))) throw new RunEndedError();
  };
  try {
    const data = await readLabBars(db, task.settings, now() / 1_000);
    const result = await runLab({ ...data, settings: task.settings, seed: task.seed, report });
    const verdict = verdictOf(result, task.attempt);
    const resultHash = createHash('sha256').update(JSON.stringify(result)).digest('hex');
    const { epoch, revision, hash: dataHash } = data;
    const kept = await finishLabRun(db, run, { epoch, revision, dataHash, result, resultHash, verdict });
    return kept ? { outcome: 'done', verdict } : gone;
  } catch (error) {
    if (error instanceof RunEndedError) return gone;
    if (!(error instanceof LabRefusedError)) throw error;
    await failLabRun(db, run, error.message);
    return { outcome: 'refused', verdict: null };
  }
}
