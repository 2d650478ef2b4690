/** What the reader chose, remembered in this browser. The page's head applies it before the first paint. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export const COLOURS = ['teal-red', 'blue-orange', 'red-green'] as const;
export type Colours = (typeof COLOURS)[number];

export const COLOUR_NAMES: Record<Colours, string> = {
  'teal-red': 'Teal up, red down',
  'blue-orange': 'Blue up, orange down',
  'red-green': 'Red up, green down',
};

const KEY = 'tapecast:settings';

interface Held {
  theme?: unknown;
  colours?: unknown;
  panelFolded?: unknown;
}

export class Settings {
  theme = $state<Theme>('system');
  colours = $state<Colours>('teal-red');
  panelFolded = $state(false);

  /** Reads what is remembered; what makes no sense is left at its default. */
  load(storage: Storage): void {
    const held = read(storage);
    this.theme = THEMES.find((theme) => theme === held.theme) ?? 'system';
    this.colours = COLOURS.find((colours) => colours === held.colours) ?? 'teal-red';
    this.panelFolded = held.panelFolded === true;
  }

  save(storage: Storage): void {
    const { theme, colours, panelFolded } = this;
    try {
      storage.setItem(KEY, JSON.stringify({ theme, colours, panelFolded }));
    } catch {
      // A full or forbidden storage forgets the choice at the next visit; it holds until then.
    }
  }

  apply({ dataset }: HTMLElement): void {
    if (this.theme === 'system') delete dataset['theme'];
    else dataset['theme'] = this.theme;
    dataset['colours'] = this.colours;
    dataset['panel'] = this.panelFolded ? 'folded' : 'open';
  }

  /** To the other of light and dark, seen from what is shown now. */
  toggleTheme(systemIsDark: boolean): void {
    const dark = this.theme === 'dark' || (this.theme === 'system' && systemIsDark);
    this.theme = dark ? 'light' : 'dark';
  }
}

function read(storage: Storage): Held {
  try {
    const held: unknown = JSON.parse(storage.getItem(KEY) ?? '{}');
    return typeof held === 'object' && held !== null ? held : {};
  } catch {
    return {};
  }
}
