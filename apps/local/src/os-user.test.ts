import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closedFolder } from './os-user.ts';

it('finds the outermost folder that another user may not enter', () => {
  const top = mkdtempSync(join(tmpdir(), 'tapecast-closed-'));
  const path = join(top, 'home', 'project');
  mkdirSync(path, { recursive: true });
  const stranger = { uid: 54_321, gid: 54_321 };
  chmodSync(top, 0o755);
  expect(closedFolder(path, stranger)).toBeNull();
  chmodSync(join(top, 'home'), 0o700);
  expect(closedFolder(path, stranger)).toBe(join(top, 'home'));
  chmodSync(join(top, 'home'), 0o711);
  expect(closedFolder(path, stranger)).toBeNull();
  rmSync(top, { recursive: true });
});
