interface Taken {
  release(): void;
  lend(pid: number): void;
}
export function tryLock(path: string): ({ taken: true } & Taken) | { taken: false; owner: number };
export function lock(path: string, onWait?: (owner: number) => void): Promise<Taken>;
