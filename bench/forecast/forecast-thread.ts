/** A thread of the forecast benchmark: calls what the worker calls, with its defaults, and never sees a test part. */
import { parentPort } from 'node:worker_threads';
import { forecastAll, MODELS } from '../../apps/forecaster/src/models/forecast.ts';
import { isRefusal } from '../../apps/forecaster/src/models/model.ts';
import { prepareSeries } from '../../apps/forecaster/src/models/series.ts';
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { type ForecastAnswer, type ForecastTask, type ThreadReply, type ThreadRequest } from './messages.ts';

const LEVELS = {
  lower: QUANTILE_LEVELS.indexOf(0.025),
  median: QUANTILE_LEVELS.indexOf(0.5),
  upper: QUANTILE_LEVELS.indexOf(0.975),
};

function answer(task: ForecastTask): ForecastAnswer {
  const fitMs = timeFits(task);
  const before = process.threadCpuUsage();
  const outcome = forecastAll({ ...task, levels: QUANTILE_LEVELS });
  const { user, system } = process.threadCpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  if (isRefusal(outcome)) return { shown: null, models: [], cpuMs, fitMs };
  const models = outcome.models.flatMap(({ model, outcome: rows }) => {
    if (isRefusal(rows)) return [];
    const at = (level: number): number[] => rows.map((row) => row[level] ?? Number.NaN);
    return [{ model, lower: at(LEVELS.lower), median: at(LEVELS.median), upper: at(LEVELS.upper) }];
  });
  return { shown: outcome.shown, models, cpuMs, fitMs };
}

/** One fit and forecast of each model alone. */
function timeFits({ closes, season, horizon }: ForecastTask): Record<string, number> {
  const logs = prepareSeries(closes);
  if (isRefusal(logs)) return {};
  return Object.fromEntries(
    MODELS.map((model) => {
      const before = process.threadCpuUsage();
      model.path(logs, season, horizon);
      const { user, system } = process.threadCpuUsage(before);
      return [model.name, (user + system) / 1_000];
    }),
  );
}

parentPort?.on('message', ({ index, task }: ThreadRequest) => {
  const reply: ThreadReply = { index, answer: answer(task) };
  parentPort?.postMessage(reply);
});
