/** Clients that nobody wants: malformed, oversized, flooding, and one that reads 1 KB/s. `toxic-process.ts <port>` */
import { connect } from 'node:net';
import { WebSocket } from 'ws';

const port = Number(process.argv[2]);
const url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`;

/** Comes back whenever it is shown out. */
function behave(badly: (socket: WebSocket) => void): void {
  const socket = new WebSocket(url);
  let timer: NodeJS.Timeout | undefined;
  socket.on('open', () => {
    socket.send('40{"protocol":1}');
    timer = setInterval(() => socket.readyState === WebSocket.OPEN && badly(socket), 50);
  });
  socket.on('message', (data: Buffer) => data.toString() === '2' && socket.send('3'));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(() => behave(badly), 500);
  });
}

for (let index = 0; index < 10; index += 1) {
  behave((socket) => socket.send('42["subscribe",{{{'));
  behave((socket) => socket.send(`42["subscribe",{"series":"${'x'.repeat(400_000)}"}]`));
  behave((socket) => {
    if (socket.bufferedAmount > 1_000_000) return;
    for (let message = 0; message < 200; message += 1) {
      socket.send(`42${message}["subscribe",{"series":[{"ticker":"NOPE${message}","resolution":"1m"}]}]`);
    }
  });
}

const slow = connect(port, '127.0.0.1');
slow.on('error', () => undefined);
slow.write(
  `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
);
function send(text: string): void {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126 ? [0x81, 0x80 | payload.length] : [0x81, 0xfe, payload.length >> 8, payload.length & 255];
  slow.write(Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]));
}
setTimeout(() => send('40{"protocol":1}'), 300);
setTimeout(() => {
  const series = Array.from({ length: 20 }, (_, index) => ({ ticker: `T${index + 1}`, resolution: '1m' }));
  send(`420${JSON.stringify(['subscribe', { series }])}`);
}, 600);
setTimeout(() => {
  slow.pause();
  setInterval(() => slow.read(100), 100);
}, 1_000);
process.once('disconnect', () => process.exit(0));
