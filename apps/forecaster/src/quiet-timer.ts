/** A timer that rings once things have been quiet for a while, or have gone on for too long. */

export interface QuietTimer {
  /** Something happened: rings after the quiet. */
  touch(): void;
  /** Rings after so many milliseconds, or earlier if it was to. */
  ringIn(milliseconds: number): void;
  /** Resolves when it rings, or when the signal is aborted. */
  wait(signal: AbortSignal): Promise<void>;
}

/** @param options.longestMs rings so long after the first touch, however many follow */
export function createQuietTimer(options: { quietMs: number; longestMs: number; now: () => number }): QuietTimer {
  const { quietMs, longestMs, now } = options;
  let firstTouch = Number.POSITIVE_INFINITY;
  let quietAt = Number.POSITIVE_INFINITY;
  let setTo = Number.POSITIVE_INFINITY;
  let rearm: (() => void) | undefined;

  return {
    touch() {
      firstTouch = Math.min(firstTouch, now());
      quietAt = Math.min(now() + quietMs, firstTouch + longestMs);
      rearm?.();
    },
    ringIn(milliseconds) {
      setTo = Math.min(setTo, now() + milliseconds);
      rearm?.();
    },
    wait(signal) {
      return new Promise((resolve) => {
        let timeout: NodeJS.Timeout | undefined;
        const finish = (): void => {
          clearTimeout(timeout);
          signal.removeEventListener('abort', finish);
          rearm = undefined;
          firstTouch = quietAt = setTo = Number.POSITIVE_INFINITY;
          resolve();
        };
        const arm = (): void => {
          clearTimeout(timeout);
          const left = Math.min(quietAt, setTo) - now();
          if (left <= 0) finish();
          else if (left < Number.POSITIVE_INFINITY) timeout = setTimeout(arm, left);
        };
        signal.addEventListener('abort', finish, { once: true });
        rearm = arm;
        if (signal.aborted) finish();
        else arm();
      });
    },
  };
}
