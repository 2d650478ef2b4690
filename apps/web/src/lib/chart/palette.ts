/** The stylesheet's colour tokens, resolved for the canvas: they differ by theme and by the reader's choice of colours. */

const TOKENS = ['up', 'down', 'text', 'muted', 'line', 'surface', 'forecast', 'accent', 'warn'] as const;

export type Palette = Record<(typeof TOKENS)[number], string>;

/** Computed where `element` stands. */
export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement('span');
  probe.hidden = true;
  element.append(probe);
  const entries = TOKENS.map((token) => {
    probe.style.color = `var(--${token})`;
    return [token, getComputedStyle(probe).color] as const;
  });
  probe.remove();
  return Object.fromEntries(entries) as Palette;
}

/** `rgb(r, g, b)` with an opacity. */
export function fade(colour: string, opacity: number): string {
  const [red, green, blue] = colour.match(/[\d.]+/g) ?? [];
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}
