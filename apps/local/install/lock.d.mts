export function tryLock(path: string): { taken: true; release: () => void } | { taken: false; owner: number };
export function lock(path: string, onWait?: (owner: number) => void): Promise<() => void>;
