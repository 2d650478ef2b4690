// Container health: has this service been fit once, and does it still answer? Docker runs it every few seconds; no curl needed.
const url = `http://127.0.0.1:${process.env.METRICS_PORT ?? 9100}/startupz`;
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(12_000) });
  // Docker keeps what is printed: `docker inspect` tells the reasons.
  process.stdout.write(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${url}: ${error.cause ?? error}\n`);
  process.exitCode = 1;
}
