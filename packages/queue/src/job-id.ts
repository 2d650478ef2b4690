/** Job ids name the work, so that planning the same work twice adds nothing. */
import { InvalidJobIdError } from './errors.ts';

/** `jobId('forecast', '^GSPC', '1h', 1732183200)` → `forecast-~5EGSPC-1h-1732183200`; distinct parts give distinct ids. */
export function jobId(kind: string, ...parts: (string | number)[]): string {
  return [kind, ...parts].map((part) => encodePart(String(part))).join('-');
}

export function assertJobId(id: string): void {
  if (id === '' || id.includes(':') || /^\d+$/.test(id)) throw new InvalidJobIdError(id);
}

/** Everything but letters, digits, `.` and `_` as `~` and hex: colons are refused by the queue, dashes separate parts. */
function encodePart(part: string): string {
  return part.replace(/[^A-Za-z0-9._]/gu, (character) => {
    const bytes = Buffer.from(character, 'utf8');
    return `~${bytes.toString('hex').toUpperCase()}`;
  });
}
