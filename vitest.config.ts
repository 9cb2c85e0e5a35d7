import { availableParallelism } from 'node:os'
import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { standardDecorators } from './packages/testing/src/vitest-plugin.ts'

/** The suite without outside servers: green on a laptop, and run on every supported Node. */
export default defineConfig({
  plugins: [standardDecorators()],
  resolve: { conditions: ['@tenon/source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['@tenon/source', ...defaultServerConditions] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'benchmarks/src/**/*.test.ts',
      'examples/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.integration.test.ts', 'test/package/**'],
    // A run with a seed is the same every time; importing fast-check in every file would slow down all others.
    setupFiles: process.env['TENON_SEED'] === undefined ? [] : ['test/seed.ts'],
    // Many tests wait for processes and sockets: three files for two cores, where vitest would leave a core free.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // What hangs is found as well; what waits for processes on a busy machine is not taken for it.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    passWithNoTests: true,
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.test-*.ts'],
      thresholds: { 'packages/core/src/**': { lines: 95 } },
    },
  },
})
