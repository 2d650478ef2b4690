/** The viewer's clock, a tick a second. Null on the server, which does not know the viewer's zone. */
export class Clock {
  /** Unix seconds. */
  now = $state<number | null>(null);

  start(): () => void {
    const tick = () => (this.now = Math.floor(Date.now() / 1_000));
    tick();
    const timer = setInterval(tick, 1_000);
    return () => clearInterval(timer);
  }
}
