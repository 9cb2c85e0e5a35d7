import { defineConfig } from 'vitest/config'

/** Packs the packages and uses them from a fresh folder outside the repo, the way users meet them. Needs a build. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
