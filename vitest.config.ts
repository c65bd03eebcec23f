import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['tiphys-source', 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: ['tiphys-source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['libs/**/src/**/*.test.ts', 'apps/tiphys/src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
