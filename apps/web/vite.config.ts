import adapter from '@sveltejs/adapter-node';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';

export default defineConfig(async ({ command }) => ({
  plugins: [
    tailwindcss(),
    sveltekit({
      adapter: adapter(),
      compilerOptions: { runes: true },
      // The only writes are REST's, which refuses them itself and in its own words.
      csrf: { trustedOrigins: ['*'] },
      csp: {
        directives: {
          'default-src': ['self'],
          'script-src': ['self'],
          // The chart library and floating overlays style their own elements.
          'style-src': ['self', 'unsafe-inline'],
          'img-src': ['self', 'data:'],
          'connect-src': ['self'],
          'object-src': ['none'],
          'base-uri': ['self'],
          'form-action': ['self'],
        },
      },
    }),
    // Only the dev server has a hub of its own: a build needs no database.
    command === 'serve' ? (await import('./server/dev-plugin.ts')).tapecastDev() : null,
  ],
}));
