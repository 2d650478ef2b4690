/** `tapecast jobs list|retry`: what the services have to do, what failed and why, and trying it again. */
import { ALL_QUEUES } from '@tapecast/contracts/jobs';
import { JOB_STATES, type JobState, type JobSummary } from '@tapecast/queue/job-book';
import { connectQueues, type Queues } from '@tapecast/queue/queues';
import { type CommandContext } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { findQueue } from '../find-database.ts';
import { table } from '../terminal.ts';

export interface JobsListOptions {
  queue?: string;
  state: string;
  limit: string;
}

export interface JobsRetryOptions {
  queue?: string;
  all?: boolean;
}

type ListedJob = JobSummary & { queue: string };

const MOST_LISTED = 10_000;

/** @throws {UsageError | QueueUnavailableError} */
export async function listJobs(options: JobsListOptions, context: CommandContext): Promise<ExitCode> {
  const states = parseStates(options.state);
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED) {
    throw new UsageError(`--limit is a whole number from 1 to ${MOST_LISTED}, not "${options.limit}".`);
  }
  const names = parseQueue(options.queue);
  const jobs = await withQueues(context, (queues) => list(queues, names, states, limit));
  const rows = jobs.map(({ queue, id, state, attempts, finishedAt, addedAt, progress, reason }) => ({
    queue,
    id,
    state,
    attempts: String(attempts),
    since: new Date(finishedAt ?? addedAt).toISOString().slice(0, 19).replace('T', ' '),
    progress: progress === null ? '' : JSON.stringify(progress),
    reason: firstLine(reason),
  }));
  context.terminal.result(jobs, rows.length === 0 ? `No job is ${states.join(' or ')}.` : table(rows));
  return states.includes('failed') && jobs.some(({ state }) => state === 'failed') ? EXIT.findings : EXIT.ok;
}

/** @throws {UsageError | QueueUnavailableError} */
export async function retryJobs(
  ids: readonly string[],
  options: JobsRetryOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const all = options.all === true;
  if (all === ids.length > 0)
    throw new UsageError('Name the jobs to try again, or say --all; tapecast jobs list shows them.');
  const names = parseQueue(options.queue);
  const { retried, missing } = await withQueues(context, async (queues) => {
    const wanted = all ? await list(queues, names, ['failed'], MOST_LISTED) : crossed(names, ids);
    const done: { queue: string; id: string }[] = [];
    for (const { queue, id } of wanted) if (await queues.jobs(queue).retry(id)) done.push({ queue, id });
    return { retried: done, missing: ids.filter((id) => !done.some((job) => job.id === id)) };
  });
  if (missing.length > 0) {
    const others = retried.length > 0 ? ` ${retried.length} others are tried again.` : '';
    throw new UsageError(
      `${missing.join(', ')}: no such job has failed; tapecast jobs list shows those that have.${others}`,
    );
  }
  context.terminal.result(
    { retried },
    retried.length === 0 ? 'No job has failed.' : `${retried.length} jobs wait to be tried again.`,
  );
  return EXIT.ok;
}

async function list(
  queues: Queues,
  names: readonly string[],
  states: readonly JobState[],
  limit: number,
): Promise<ListedJob[]> {
  const jobs: ListedJob[] = [];
  for (const queue of names) {
    for (const job of await queues.jobs(queue).list(states, limit)) jobs.push({ queue, ...job });
  }
  return jobs;
}

/** An id does not tell its queue. */
function crossed(names: readonly string[], ids: readonly string[]): { queue: string; id: string }[] {
  return ids.flatMap((id) => names.map((queue) => ({ queue, id })));
}

async function withQueues<T>(context: CommandContext, work: (queues: Queues) => Promise<T>): Promise<T> {
  const url = await findQueue(context.env, context.database);
  // What is wrong with the connection is told by the command that waited for it in vain.
  const queues = connectQueues({ url, onError: () => undefined, closeTimeoutMs: 500 });
  try {
    return await work(queues);
  } finally {
    await queues.close();
  }
}

function parseQueue(name: string | undefined): readonly string[] {
  if (name === undefined) return ALL_QUEUES;
  const known = ALL_QUEUES.find((each) => each === name);
  if (known === undefined) throw new UsageError(`"${name}" is no queue: ${ALL_QUEUES.join(', ')}.`);
  return [known];
}

function parseStates(text: string): JobState[] {
  return text.split(',').map((each) => {
    const state = JOB_STATES.find((known) => known === each.trim());
    if (state === undefined) throw new UsageError(`"${each}" is no state of a job: ${JOB_STATES.join(', ')}.`);
    return state;
  });
}

function firstLine(reason: string | null): string {
  const [line = ''] = (reason ?? '').split('\n');
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
