import { mergeConfig } from 'vite'
import unit from './vitest.config.ts'

/** Tests against real servers. Files run three at a time: they share the servers, and each has topics, groups and ports of its own. */
export default mergeConfig(
  { ...unit, test: { ...unit.test, include: [], exclude: [] } },
  {
    test: {
      include: [
        'packages/*/src/**/*.integration.test.ts',
        'examples/**/*.integration.test.ts',
        'test/**/*.integration.test.ts',
      ],
      exclude: ['**/node_modules/**', '**/dist/**'],
      maxWorkers: 3,
      testTimeout: 60_000,
      hookTimeout: 60_000,
    },
  },
)
