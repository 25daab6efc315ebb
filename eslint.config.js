import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** A room may import the ones behind it in this list, and none before it. */
const engineRooms = ['workers', 'scheduling', 'inference', 'tiling', 'model', 'devices'];
const message = 'src/README.md says which rooms may import which.';

/** @param {readonly string[]} group */
const without = (group, paths = ['sharp', 'onnxruntime-node']) => ({
  'no-restricted-imports': [
    'error',
    {
      patterns: group.length > 0 ? [{ group: [...group], message }] : [],
      paths: paths.map((name) => ({ name, message })),
    },
  ],
});

export default defineConfig(
  globalIgnores(['dist', '.tap', '.gpu', '**/*_pb.ts', 'src/client/api.ts']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      eqeqeq: 'error',
    },
  },
  {
    // tap's assertions return booleans and test bodies may be async without awaiting.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**'],
    rules: without([
      '**/engine/**',
      '!**/engine/index.ts',
      '!**/engine/types.ts', // without what paints
      '**/cli/**',
    ]),
  },
  // What runs in browsers too.
  { files: ['src/client/**'], rules: without(['../*']) },
  { files: ['src/page/**'], rules: without(['../*', '!../client', '!../client/index.ts']) },
  { files: ['src/imaging/**'], rules: without(['**/engine/**', '**/http/**', '**/routes/**'], []) },
  { files: ['src/engine/*.ts'], rules: without([]) },
  ...engineRooms.map((room, at) => ({
    files: [`src/engine/${room}/**`],
    rules: without([
      '**/engine.ts',
      '**/index.ts',
      ...engineRooms.slice(0, at).map((above) => `**/${above}/**`),
    ]),
  })),
  // The one file that knows the runtime.
  { files: ['src/engine/inference/onnxruntime.ts'], rules: { 'no-restricted-imports': 'off' } },
);
