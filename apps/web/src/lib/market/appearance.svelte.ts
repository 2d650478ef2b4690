/** How the page looks: the reader's settings, applied and remembered, and what the system prefers. */
import { onMount } from 'svelte';
import { Settings } from './settings.svelte.ts';

export class Appearance {
  readonly settings = new Settings();
  #systemIsDark = $state(false);
  #loaded = $state(false);

  /** Changes whenever the colour tokens may have. */
  get look(): string {
    return `${this.settings.theme} ${this.settings.colours} ${this.#systemIsDark}`;
  }

  /** To the other of light and dark, seen from what is shown now. */
  toggleTheme(): void {
    this.settings.toggleTheme(this.#systemIsDark);
  }

  /** For as long as the page lives; called while its component is made. */
  attach(): void {
    onMount(() => {
      this.settings.load(localStorage);
      this.#loaded = true;
      const dark = matchMedia('(prefers-color-scheme: dark)');
      const onScheme = () => (this.#systemIsDark = dark.matches);
      onScheme();
      dark.addEventListener('change', onScheme);
      return () => dark.removeEventListener('change', onScheme);
    });
    // Before the children's effects: charts read the colours that this sets.
    $effect.pre(() => {
      if (!this.#loaded) return;
      this.settings.apply(document.documentElement);
      this.settings.save(localStorage);
    });
  }
}
