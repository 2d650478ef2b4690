/** The WebSocket of a load generator: text frames over a plain socket, so that as little as possible is its own cost. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';

export interface Frames {
  /** Bytes that came, all together. */
  readonly bytes: number;
  /** At most 64 KB of ASCII. */
  send(text: string): void;
  close(): void;
  /** As a network does it: a reset, without a word. */
  cut(): void;
}

export interface FramesOptions {
  port: number;
  path: string;
  /** permessage-deflate, each message by itself. */
  compressed?: boolean;
  hear(text: string): void;
  onOpen(): void;
  /** Also when it could not be opened; not after `close` or `cut`. */
  onLost?(): void;
}

const EMPTY = Buffer.alloc(0);
const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

export function openFrames({ port, path, compressed, hear, onOpen, onLost }: FramesOptions): Frames {
  const socket = connect(port, '127.0.0.1');
  let ended = false;
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (!ended) onLost?.();
  });
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...(compressed === true ? [DEFLATE] : []),
      '\r\n',
    ].join('\r\n'),
  );
  let open = false;
  let rest: Buffer = EMPTY;
  socket.on('data', (bytes) => {
    let data = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    if (!open) {
      const end = data.indexOf('\r\n\r\n');
      if (end === -1) return void (rest = data);
      open = true;
      data = data.subarray(end + 4);
      onOpen();
    }
    let at = 0;
    for (;;) {
      const frame = frameAt(data, at);
      if (frame === null) break;
      at = frame.end;
      if (frame.text) hear(data.toString('latin1', frame.start, frame.end));
      else if (frame.deflated) {
        hear(inflated(data.subarray(frame.start, frame.end)));
      }
    }
    rest = at === data.length ? EMPTY : data.subarray(at);
  });
  return {
    get bytes() {
      return socket.bytesRead;
    },
    send: (text) => socket.write(masked(text)),
    close() {
      ended = true;
      socket.destroy();
    },
    cut() {
      ended = true;
      socket.resetAndDestroy();
    },
  };
}

/** RFC 7692 §7.2.1: a message ends with an empty block, of which senders leave the last bytes away. */
function inflated(message: Buffer): string {
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  return inflateRawSync(Buffer.concat([message, TAIL]), options).toString('latin1');
}

const TEXT = 0x81;
const DEFLATED_TEXT = 0xc1;

/** Unmasked, as servers send; null when it is not all there. */
function frameAt(data: Buffer, at: number): { text: boolean; deflated: boolean; start: number; end: number } | null {
  if (data.length < at + 2) return null;
  let length = data[at + 1] ?? 0;
  let start = at + 2;
  if (length === 126) {
    if (data.length < at + 4) return null;
    length = data.readUInt16BE(start);
    start += 2;
  } else if (length === 127) {
    if (data.length < at + 10) return null;
    length = Number(data.readBigUInt64BE(start));
    start += 8;
  }
  const end = start + length;
  if (data.length < end) return null;
  return { text: data[at] === TEXT, deflated: data[at] === DEFLATED_TEXT, start, end };
}

/** Clients must mask; a mask of zeros leaves the text as it is. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text);
  const short = payload.length < 126;
  const head = Buffer.alloc(short ? 6 : 8);
  head[0] = TEXT;
  head[1] = 0x80 | (short ? payload.length : 126);
  if (!short) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
