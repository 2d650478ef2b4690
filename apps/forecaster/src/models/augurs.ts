/** The augurs library (Rust in WebAssembly), made ready in Node, where it finds its own bytes only with help. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as ets from '@bsull/augurs/ets';
import * as mstl from '@bsull/augurs/mstl';
import { type Refusal } from './model.ts';

const { resolve } = createRequire(import.meta.url);

/** Libraries that are ready in this thread: each is compiled once, when a model first asks for it. */
const ready = new Set<string>();

export function autoEts(): typeof ets {
  if (!ready.has('ets')) ets.initSync({ module: wasmOf('ets') });
  ready.add('ets');
  return ets;
}

export function mstlEts(): typeof mstl {
  if (!ready.has('mstl')) mstl.initSync({ module: wasmOf('mstl') });
  ready.add('mstl');
  return mstl;
}

function wasmOf(name: string): Uint8Array {
  return readFileSync(resolve(`@bsull/augurs/${name}`).replace(/\.js$/, '_bg.wasm'));
}

interface AugursModel {
  fit(y: Float64Array): void;
  predict(horizon: number): { point: number[] };
  free(): void;
}

/** Fits on the newest `window` values; whatever goes wrong inside is a refusal, never an exception or a NaN. */
export function fitPath(
  create: () => AugursModel,
  logs: Float64Array,
  window: number,
  horizon: number,
): Float64Array | Refusal {
  // Around zero and about one wide: the library's starting values and tolerances are made for such numbers.
  const recent = logs.slice(-window);
  const last = recent[recent.length - 1] ?? Number.NaN;
  const spread = Math.max(...recent) - Math.min(...recent) || 1;
  let model: AugursModel | undefined;
  try {
    model = create();
    model.fit(recent.map((log) => (log - last) / spread));
    const { point } = model.predict(horizon);
    if (point.length === horizon && point.every(Number.isFinite)) {
      return Float64Array.from(point, (value) => last + value * spread);
    }
    return { refused: 'model-failed', message: 'the model answered with something that is no number' };
  } catch (error) {
    return { refused: 'model-failed', message: error instanceof Error ? error.message : String(error) };
  } finally {
    model?.free();
  }
}
