import { mergeConfig } from 'vite'
import unit from './vitest.config.ts'

/** Tests against real servers. Files run one after another: they share the servers. */
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
      fileParallelism: false,
      testTimeout: 60_000,
      hookTimeout: 60_000,
    },
  },
)
