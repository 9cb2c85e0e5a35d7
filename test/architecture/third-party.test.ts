import { describe, expect, it } from 'vitest'
import { packageNames, sourcesOf } from './source-file.ts'

/**
 * Third-party packages whose values more than one file of a package imports, and why that is right. Anything else that could
 * be replaced has one file around it.
 */
const manyFiles: Readonly<Record<string, string>> = {
  'core @opentelemetry/api': 'it is the port to telemetry: traces and metrics each have a file',
  'core typebox': 'its validator, compiled and interpreted, and its formats are two subpaths, with a file for each use',
  'transport-grpc @grpc/grpc-js': 'it is the subject of the package: server, client and status codes each have a file',
  'transport-grpc @bufbuild/protobuf': 'it is the message format of the package',
  'auth jose': 'tokens are verified in one file, and made in another: a service that takes them makes none',
  'cli yaml': 'one file writes it, and another reads what others have written',
  'testing typebox': 'the cases of the conformance suite are written with its schemas',
}

/** The libraries whose values several files of a package import, each with those files. */
function spreadIn(name: string): readonly (readonly [library: string, files: readonly string[]])[] {
  const imports = sourcesOf(name).flatMap((file) =>
    file.imports
      .filter(({ specifier, isTypeOnly }) => !isTypeOnly && !/^(?:\.|node:|@tenon\/)/.test(specifier))
      .map(({ specifier }) => ({ library: packageOf(specifier), path: file.path })),
  )
  return [...Map.groupBy(imports, ({ library }) => library)]
    .map(([library, importers]) => [library, [...new Set(importers.map(({ path }) => path))]] as const)
    .filter(([, files]) => files.length > 1)
}

describe.each(packageNames())('%s', (name) => {
  it('imports the values of a third-party package in one file', () => {
    expect(spreadIn(name).filter(([library]) => !(`${name} ${library}` in manyFiles))).toEqual([])
  })
})

it('every exception is needed', () => {
  const spread = packageNames().flatMap((name) => spreadIn(name).map(([library]) => `${name} ${library}`))
  expect(Object.keys(manyFiles).filter((exception) => !spread.includes(exception))).toEqual([])
})

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
