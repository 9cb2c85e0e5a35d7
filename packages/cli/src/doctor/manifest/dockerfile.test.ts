import { expect, it } from 'vitest'
import { imageVariablesOf } from './dockerfile.ts'

it('knows what the last stage sets, and the stages that it begins with', () => {
  const variables = imageVariablesOf(`
# ENV A=comment
FROM --platform=linux/amd64 node:24 AS base
ENV TENON_HOST=0.0.0.0 \\
    NODE_ENV="production"
FROM base AS build
ENV NODE_ENV=development ONLY_HERE=1
FROM base
env LEGACY of two words
COPY --from=build /app /app
`)
  expect(Object.fromEntries(variables)).toEqual({
    TENON_HOST: '0.0.0.0',
    NODE_ENV: 'production',
    LEGACY: 'of two words',
  })
})

it('knows nothing of an image that the file does not make', () => {
  expect(imageVariablesOf('FROM node:24\nCMD ["node", "main.js"]').size).toBe(0)
})
