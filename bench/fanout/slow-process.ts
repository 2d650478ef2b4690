/** One client of one series that reads 1 KB/s, or as fast as it can: `slow-process.ts <port> <ticker> slow|quick` */
import { connect } from 'node:net';

const [port, ticker, pace] = process.argv.slice(2);
const socket = connect(Number(port), '127.0.0.1');
socket.on('error', () => undefined);
socket.write(
  `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
);

/** Short texts only, under a mask of zeros. */
function send(text: string): void {
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
}
setTimeout(() => send('40{"protocol":1}'), 300);
setTimeout(() => send(`420["subscribe",{"series":[{"ticker":"${ticker ?? ''}","resolution":"1m"}]}]`), 600);
// It reads late, but lives: heartbeats that it has not read yet are answered too.
setInterval(() => send('3'), 2_000);
if (pace === 'slow') setTimeout(() => setInterval(() => socket.read(100), 100), 1_000);
else socket.resume();
process.once('disconnect', () => process.exit(0));
