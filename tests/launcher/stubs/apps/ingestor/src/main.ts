/** Stands for the ingestor where only the launcher is under test: says what it was given, and lives until it is told to stop. */
console.log(JSON.stringify({ level: 30, time: Date.now(), msg: 'up', source: process.env['PRICE_SOURCE'] }));
const keepAlive = setInterval(() => undefined, 60_000);
process.on('SIGTERM', () => clearInterval(keepAlive));
