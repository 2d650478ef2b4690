import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** DESIGN: apps never import each other; apps → ingest, queue → db, calendar → contracts; runtime imports nothing of ours. */
const LAYERS = {
  'packages/contracts': [],
  'packages/calendar': ['contracts'],
  'packages/runtime': [],
  'packages/client': ['contracts'],
  'packages/db': ['contracts'],
  'packages/queue': ['contracts', 'db'],
  'packages/ingest': ['calendar', 'contracts', 'db'],
  'packages/backup': ['db'],
  'apps/ingestor': ['contracts', 'db', 'ingest', 'queue', 'runtime'],
  'apps/forecaster': ['calendar', 'contracts', 'db', 'queue', 'runtime'],
  'apps/web': ['calendar', 'contracts', 'client', 'db', 'runtime'],
  'apps/backup': ['backup', 'db', 'runtime'],
  'apps/cli': ['backup', 'contracts', 'client', 'db', 'ingest', 'queue', 'runtime'],
  'apps/board': ['contracts', 'queue', 'runtime'],
  'apps/local': ['db', 'queue', 'runtime'],
};
const layerRules = Object.entries(LAYERS).map(([folder, allowed]) => ({
  files: [`${folder}/**/*.{ts,svelte}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^@tapecast/(?!(${[...allowed, '$'].join('|')})/)`,
            message: `${folder} may import of ours only: ${allowed.join(', ') || 'nothing'}`,
          },
          { regex: '\\.\\./(packages|apps)/', message: 'import other rooms by their package name' },
          ...(folder === 'packages/queue' ? [] : [{ regex: '^bullmq', message: 'only packages/queue imports bullmq' }]),
        ],
      },
    ],
  },
}));

export default ts.config(
  { ignores: ['**/node_modules/', '**/build/', '**/.svelte-kit/', '.tapecast/', 'test-results/'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.node } } },
  {
    files: ['apps/web/src/**', 'packages/client/**', '**/*.svelte'],
    languageOptions: { globals: { ...globals.browser } },
  },
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      'no-restricted-syntax': ['error', { selector: 'TSEnumDeclaration', message: 'no enum: use a union of literals' }],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  { files: ['bench/**', 'run.mjs', 'apps/local/**', 'tests/support/**', '.ci/**'], rules: { 'no-console': 'off' } },
  ...layerRules,
);
