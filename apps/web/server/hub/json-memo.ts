/** Objects that go to many clients, as JSON that is made once. They must not change: whoever has news makes a new one. */
export class JsonMemo {
  readonly #texts = new WeakMap<object, string>();

  of(value: object | null): string {
    if (value === null) return 'null';
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = JSON.stringify(value);
    this.#texts.set(value, text);
    return text;
  }
}
