/** A database that is set back under connected clients: revisions that they hold mean other bars now. */
import { makeBackup } from '@tapecast/backup/make-backup';
import { restoreInPlace } from '@tapecast/backup/restore-backup';
import { dropDatabase } from '@tapecast/db/archive/databases';
import { readEpoch } from '@tapecast/db/epoch';
import { expect, it, vi } from 'vitest';
import { createPlace } from './backup-world.ts';
import { createWorld, expectClientsEqualRows, T0, watch } from './hub-world.ts';

it('clients that were connected before a restore get a snapshot, not a wrong resume', async () => {
  const world = await createWorld();
  const place = await createPlace();
  try {
    const { url } = world.database;
    await world.write('1m', 'MSFT', [
      [T0, 100],
      [T0 + 60, 101],
    ]);
    const archive = await makeBackup({ url, storage: place.storage });
    // What the restore takes back: a bar that changes, and one that is new.
    await world.write('1m', 'MSFT', [[T0 + 60, 999]]);
    await world.write('1m', 'MSFT', [[T0 + 120, 102]]);
    const watched = watch(world.client(), 'MSFT', '1m');
    await vi.waitFor(() => expect(watched.bars()).toHaveLength(3), { timeout: 20_000 });
    const before = await readEpoch(world.db);
    const [snapshots, held] = [watched.snapshots, watched.revision];
    expect(held).toBe(3);

    const { aside } = await restoreInPlace({ storage: place.storage, archive, url });
    // The revisions rise again, past those that the client holds, with other bars: a resume from there would look right.
    for (const close of [201, 202, 203]) {
      await vi.waitFor(() => world.write('1m', 'MSFT', [[T0 + 180, close]]), { timeout: 20_000 });
    }
    await vi.waitFor(() => expect(watched.snapshots).toBeGreaterThan(snapshots), { timeout: 60_000 });
    await expectClientsEqualRows(world, [watched], 'MSFT', '1m', 60_000);
    expect(watched.bars().map(([time, , , , close]) => [time - T0, close])).toEqual([
      [0, 100],
      [60, 101],
      [180, 203],
    ]);
    expect(await readEpoch(world.db)).not.toBe(before);
    await dropDatabase(url, aside);
  } finally {
    await world.close();
    await place.remove();
  }
}, 180_000);
