/**
 * Frames as bytes, made once for all clients that are due the same. What a frame is made of (a change, a status, a
 * forecast) is stringified for the first client that is due it; a whole frame is kept for the others with the same dues.
 */
/** Engine.IO's packet type `message`, in front of Socket.IO's packet. */
const MESSAGE = '4';
const OPENING = { bars: '42["bars",[', forecasts: '42["forecasts",[', status: '42["status",[' } as const;
export type FrameEvent = keyof typeof OPENING;

const CLOSING = ']]';

/**
 * Those who are due the same are flushed close together, so few frames need to be kept; and where everyone is due something
 * else, frames that were kept for nothing would cost the garbage collector more than all else here.
 */
const KEPT_FRAMES = 64;
/** Kept frames are dropped together once so many were kept: a few of many bars would fill more than all others. */
const MOST_KEPT_BYTES = 1_024 * 1_024;

export class Frame {
  /**
   * The whole WebSocket frame, unmasked, a character for each byte: put together from strings and written as Latin-1, it
   * costs no buffer of its own.
   */
  readonly latin1: string;
  readonly #payloadStart: number;
  #bytes: Buffer | null = null;

  constructor(latin1: string, payloadStart: number) {
    this.latin1 = latin1;
    this.#payloadStart = payloadStart;
  }

  /** For Engine.IO, which hands it to the socket as it is. */
  get bytes(): Buffer {
    return (this.#bytes ??= Buffer.from(this.latin1, 'latin1'));
  }

  /** The Socket.IO packet as text, for transports that are no WebSocket. */
  get text(): string {
    return this.bytes.toString('utf8', this.#payloadStart);
  }
}

interface Part {
  id: number;
  /** A comma and its JSON in UTF-8, a character for each byte: whole, since each string that is put together costs. */
  json: string;
}

interface Kept {
  event: FrameEvent;
  items: readonly object[];
  frame: Frame;
}

export class FrameEncoder {
  /** Where an item carries its part: found faster than in a WeakMap, and not copied along when one is spread. */
  readonly #slot = Symbol('encoded');
  /** Each at a place that the ids of its parts lead to. */
  readonly #kept = new Array<Kept | undefined>(KEPT_FRAMES).fill(undefined);
  /** Since they were dropped; those that others took the places of count as well. */
  #keptBytes = 0;
  #nextId = 0;

  /** Items are told apart by identity: whoever changes one makes a new one, and leaves the list as it is. */
  encode(event: FrameEvent, items: readonly object[]): Frame {
    let hash = event.length;
    for (let index = 0; index < items.length; index += 1) {
      hash = (Math.imul(hash, 31) + this.#part(items[index] as object).id) | 0;
    }
    const place = (hash >>> 0) % KEPT_FRAMES;
    const kept = this.#kept[place];
    if (kept !== undefined && kept.event === event && same(kept.items, items)) return kept.frame;
    let payload: string = OPENING[event];
    for (let index = 0; index < items.length; index += 1) {
      const { json } = this.#part(items[index] as object);
      payload += index === 0 ? json.slice(1) : json;
    }
    payload += CLOSING;
    const header = headerOf(payload.length);
    const frame = new Frame(header + payload, header.length + MESSAGE.length);
    this.#keep(place, { event, items, frame });
    return frame;
  }

  #keep(place: number, kept: Kept): void {
    if (this.#keptBytes > MOST_KEPT_BYTES) {
      this.#kept.fill(undefined);
      this.#keptBytes = 0;
    }
    this.#kept[place] = kept;
    this.#keptBytes += kept.frame.latin1.length;
  }

  #part(item: object): Part {
    const known = (item as { [slot: symbol]: Part | undefined })[this.#slot];
    if (known !== undefined) return known;
    const json = Buffer.from(`,${JSON.stringify(item)}`).toString('latin1');
    const part = { id: (this.#nextId += 1), json };
    Object.defineProperty(item, this.#slot, { value: part });
    return part;
  }
}

function same(left: readonly object[], right: readonly object[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}

const SHORT = 125;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;

/** RFC 6455 §5.2: FIN and the opcode of text, then the length. */
function headerOf(length: number): string {
  if (length <= SHORT) return String.fromCharCode(0x81, length);
  // Nearly every frame; a buffer for it would cost more than the rest of the frame.
  if (length < 0x1_00_00) return String.fromCharCode(0x81, TWO_BYTES, length >>> 8, length & 0xff);
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x81;
  bytes[1] = EIGHT_BYTES;
  bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes.toString('latin1');
}
