/** `tapecast repairs list|show|undo|scan`: bars that cannot be right, and what was made of them. */
import { NativeResolution, NATIVE_RESOLUTIONS } from '@tapecast/contracts/resolution';
import { type Database } from '@tapecast/db/database';
import { listRepairs, readRepair, STANDING, undoRepair, type RepairCase } from '@tapecast/db/repair-cases';
import { listTickers } from '@tapecast/db/tickers';
import { scanSeries, type ScanResult } from '@tapecast/ingest/bar-repair/scan';
import { type CommandContext, withDatabase } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { count, table } from '../terminal.ts';
import { parseTickers } from './tickers.ts';

export interface RepairListOptions {
  all?: boolean;
}

export async function listAllRepairs(
  names: readonly string[],
  options: RepairListOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const states = options.all === true ? {} : { states: STANDING };
  const found = await withDatabase(context, async (db) => {
    const wanted = names.length === 0 ? [undefined] : parseTickers(names);
    return (await Promise.all(wanted.map((ticker) => listRepairs(db, { ticker, ...states })))).flat();
  });
  context.terminal.result(
    found,
    table(
      found.map(({ id, ticker, resolution, time, state, rule, old, new: made }) => ({
        id: String(id),
        ticker,
        bar: `${resolution} ${moment(time)}`,
        state,
        rule,
        'close as it came': String(old[3]),
        'close now': made === null ? '' : String(made[3]),
      })),
    ),
  );
  return EXIT.ok;
}

export async function showRepair(id: string, context: CommandContext): Promise<ExitCode> {
  const found = await withDatabase(context, (db) => readRepair(db, parseId(id)));
  if (found === null) throw new UsageError(`There is no repair ${id}: tapecast repairs list shows them.`);
  context.terminal.result(found, inWords(found));
  return EXIT.ok;
}

/** @throws {RepairNotStandingError} at the first that cannot be undone; those before it are */
export async function undoOne(ids: readonly string[], context: CommandContext): Promise<ExitCode> {
  const wanted = ids.map(parseId);
  const undone: RepairCase[] = [];
  await withDatabase(context, async (db) => {
    for (const id of wanted) undone.push(await undoRepair(db, id));
  });
  context.terminal.result(undone, undone.map(inWords).join('\n\n'));
  return EXIT.ok;
}

export async function scanBars(
  names: readonly string[],
  options: { resolution?: string },
  context: CommandContext,
): Promise<ExitCode> {
  const resolutions = options.resolution === undefined ? NATIVE_RESOLUTIONS : [parseResolution(options.resolution)];
  const wanted = names.length === 0 ? null : parseTickers(names);
  const totals = { bars: 0, found: 0, changed: 0 };
  const scan = async (db: Database, report: (line: string) => void) => {
    const known = (await listTickers(db)).map(({ ticker }) => ticker);
    const unknown = wanted?.filter((ticker) => !known.includes(ticker)) ?? [];
    if (unknown.length > 0)
      throw new UsageError(`${unknown.join(', ')}: not in the database. tapecast tickers list shows what is.`);
    for (const ticker of wanted ?? known) {
      for (const resolution of resolutions) {
        const { bars, found, changed } = await scanSeries(db, { ticker, resolution, signal: context.signal });
        totals.bars += bars;
        totals.found += found;
        totals.changed += changed;
        report(`${ticker} ${resolution}: ${count(bars)} bars, ${found} doubtful`);
      }
    }
  };
  await context.terminal.during('Judging stored bars', (report) => withDatabase(context, (db) => scan(db, report)));
  context.terminal.result(totals, describeScan(totals));
  return totals.found > 0 ? EXIT.findings : EXIT.ok;
}

/** A bar that was doubtful before may be repaired now: more can be repaired than found. */
export function describeScan({ bars, found, changed }: ScanResult): string {
  const outcome = `${count(bars)} bars judged: ${count(found)} doubtful, ${count(changed)} repaired`;
  return found + changed === 0 ? `${outcome}.` : `${outcome} (tapecast repairs list).`;
}

function parseResolution(text: string): NativeResolution {
  const parsed = NativeResolution.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--resolution ${text}: use ${NATIVE_RESOLUTIONS.join(', ')}`);
}

function parseId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`"${text.slice(0, 40)}" is no number of a repair: tapecast repairs list shows them.`);
}

function moment(time: number): string {
  return new Date(time * 1_000).toISOString().replace('T00:00:00.000Z', '').replace(':00.000Z', 'Z');
}

function inWords(found: RepairCase): string {
  const { id, ticker, resolution, time, rule, state, reason, old, changedAt, changedBy, oldSource, foundAt } = found;
  const prices = (values: readonly number[], volume: number | null) =>
    `open ${values[0]}, high ${values[1]}, low ${values[2]}, close ${values[3]}, volume ${volume ?? 'unknown'}`;
  return [
    `Repair ${id}: ${ticker} ${resolution} ${moment(time)}`,
    `  ${state} (${rule}): ${reason}`,
    `  as it came from ${oldSource}: ${prices(old, found.oldVolume)}`,
    ...(found.new === null ? [] : [`  as repaired: ${prices(found.new, found.newVolume)}`]),
    `  found ${moment(foundAt)}, ${state} since ${moment(changedAt)} by ${changedBy}`,
  ].join('\n');
}
