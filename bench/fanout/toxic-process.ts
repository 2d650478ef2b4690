/** Clients that nobody wants: malformed, oversized, flooding. `toxic-process.ts <port>` */
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

process.once('disconnect', () => process.exit(0));
