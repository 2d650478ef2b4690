/** Why a file was not imported. Each says what to do. */
import { type RowFault } from '@tapecast/db/ingest-runs';

/** The file cannot be read, or cannot be what it was taken for: nothing of it was judged row by row. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}

/** Rows of the file are bad, and nothing of it was kept. */
export class ImportRefusedError extends Error {
  override readonly name = 'ImportRefusedError';
  readonly faults: readonly RowFault[];
  readonly rejected: number;

  /** @param faults the first ones of `rejected` */
  constructor(faults: readonly RowFault[], rejected: number) {
    const lines = faults.slice(0, 20).map(({ row, column, message }) => `  row ${row}, column ${column}: ${message}`);
    const more = rejected > lines.length ? `\n  … and ${rejected - lines.length} more` : '';
    super(
      `Nothing was imported: ${rejected} ${rejected === 1 ? 'row is' : 'rows are'} bad.\n${lines.join('\n')}${more}\n` +
        'Mend the file, or keep the other rows with --keep-good.',
    );
    this.faults = faults;
    this.rejected = rejected;
  }
}
