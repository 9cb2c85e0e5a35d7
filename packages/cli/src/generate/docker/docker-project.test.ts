import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FaultError } from '../../command/command.ts'
import { dockerProject } from './docker-project.ts'

/** Writes files, JSON unless they are text, into a folder of the test's own. */
async function projectOf(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-docker-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

const emptyLock = { lockfileVersion: 3, packages: {} }
const build = { scripts: { build: 'tsc' } }
const simple = {
  'src/service.ts': '',
  'src/main.ts': '',
  'package-lock.json': emptyLock,
  'package.json': { name: 'a', ...build },
}

const linked = (folders: Readonly<Record<string, string>>) => ({
  lockfileVersion: 3,
  packages: Object.fromEntries(
    Object.entries(folders).map(([name, resolved]) => [`node_modules/${name}`, { resolved, link: true }]),
  ),
})

const workspace = {
  'package.json': { workspaces: ['packages/*', 'services/*'] },
  'package-lock.json': linked({
    '@a/user': 'services/user',
    '@a/core': 'packages/core',
    '@a/http': 'packages/http',
    '@a/testing': 'packages/testing',
    '@a/extra': 'packages/extra',
    '@a/other': 'packages/other',
  }),
  'scripts/bundle.js': '',
  'services/user/src/main.ts': '',
  'services/user/src/service.ts': '',
  'services/user/package.json': {
    name: '@a/user',
    ...build,
    exports: { '.': { '@a/source': './src/service.ts', types: './dist/service.d.ts', default: './dist/service.js' } },
    dependencies: { '@a/http': '1', fastify: '5' },
    devDependencies: { '@a/testing': '1' },
  },
  'packages/core/package.json': {
    name: '@a/core',
    files: ['dist/**/*.js', 'proto/', '!**/*.tsbuildinfo'],
    exports: './dist/index.js',
    scripts: { build: 'tsc && node ../../scripts/bundle.js ../../absent.js' },
  },
  'packages/http/package.json': {
    name: '@a/http',
    main: 'index.js',
    peerDependencies: { '@a/core': '1', '@a/extra': '1' },
    peerDependenciesMeta: { '@a/extra': { optional: true } },
  },
  'packages/testing/package.json': { name: '@a/testing', dependencies: { '@a/core': '1' } },
  'packages/extra/package.json': { name: '@a/extra' },
  'packages/other/package.json': { name: '@a/other' },
}

describe('dockerProject', () => {
  it('finds a project that is one package, and what its build makes of the file that runs it', async () => {
    const root = await projectOf(simple)
    expect(await dockerProject({ file: join(root, 'src/service.ts') })).toEqual({
      root,
      isWorkspace: false,
      entry: 'dist/main.js',
      installed: [''],
      archives: [],
      packages: [{ folder: '', hasBuild: true, outputs: ['dist'], contents: ['dist'], buildFiles: [] }],
    })
  })

  it('leaves to the build the sources that lie beside an export', async () => {
    const exports = { './user.proto': './src/proto/user.proto', './schema.json': './schema.json' }
    const root = await projectOf({ ...simple, 'package.json': { name: 'a', ...build, exports, bin: './bin/p.js' } })
    const { packages } = await dockerProject({ file: join(root, 'src/service.ts') })
    expect(packages[0]).toMatchObject({ outputs: ['dist'], contents: ['src', 'schema.json', 'bin', 'dist'] })
  })

  it('takes JavaScript as it is', async () => {
    const root = await projectOf({
      'service.js': '',
      'start.js': '',
      'package-lock.json': emptyLock,
      'package.json': { main: 'service.js' },
    })
    const { entry, packages } = await dockerProject({ file: join(root, 'service.js'), entry: 'start.js' })
    expect({ entry, packages }).toEqual({
      entry: 'start.js',
      packages: [{ folder: '', hasBuild: false, outputs: [], contents: ['.'], buildFiles: [] }],
    })
  })

  it('knows the packages that are files of the project', async () => {
    const resolved = { a: 'file:vendor/a-1.0.0.tgz', b: 'https://registry.example/b-1.0.0.tgz' }
    const packages = Object.entries(resolved).map(([name, from]) => [`node_modules/${name}`, { resolved: from }])
    const root = await projectOf({
      ...simple,
      'package-lock.json': { ...emptyLock, packages: Object.fromEntries(packages) },
    })
    expect((await dockerProject({ file: join(root, 'src/service.ts') })).archives).toEqual(['vendor/a-1.0.0.tgz'])
  })

  it('finds of a workspace what the service needs at run time, each behind what it needs, and nothing else', async () => {
    const root = await projectOf(workspace)
    const { isWorkspace, packages, installed } = await dockerProject({
      file: join(root, 'services/user/src/service.ts'),
    })
    expect(isWorkspace).toBe(true)
    expect(packages).toEqual([
      {
        folder: 'packages/core',
        hasBuild: true,
        outputs: ['packages/core/dist'],
        contents: ['packages/core/dist', 'packages/core/proto'],
        buildFiles: ['scripts/bundle.js'],
      },
      { folder: 'packages/http', hasBuild: false, outputs: [], contents: ['packages/http'], buildFiles: [] },
      {
        folder: 'services/user',
        hasBuild: true,
        outputs: ['services/user/dist'],
        contents: ['services/user/dist'],
        buildFiles: [],
      },
    ])
    // The build installs what packages are developed with, so npm must know those too.
    expect(installed).toEqual(['packages/core', 'packages/extra', 'packages/http', 'packages/testing', 'services/user'])
  })

  it.each([
    ['no lock', { 'package-lock.json': undefined }, 'package.json: expected a package-lock.json beside it or above'],
    [
      'pnpm',
      { 'package-lock.json': undefined, 'pnpm-lock.yaml': '' },
      'pnpm-lock.yaml is of pnpm: images are built with npm',
    ],
    ['Yarn', { 'package-lock.json': undefined, 'yarn.lock': '' }, 'yarn.lock is of Yarn'],
    [
      'an old lock',
      { 'package-lock.json': { lockfileVersion: 1 } },
      'package-lock.json: expected lockfileVersion 2 or 3, found 1',
    ],
    ['a lock that is none', { 'package-lock.json': '{' }, 'package-lock.json cannot be read'],
    ['no build', { 'package.json': {} }, 'package.json: expected a script "build", for src/main.ts is TypeScript'],
    [
      'no file that runs it',
      { 'src/main.ts': undefined },
      'src/main.ts is not there: expected the file that runs the service; --entry',
    ],
    [
      'exports of TypeScript',
      { 'package.json': { ...build, exports: './src/index.ts' } },
      'package.json: Node would load src/index.ts; expected a script "build", and exports whose "default" is what it makes',
    ],
    [
      'a link to elsewhere',
      { 'package-lock.json': linked({ far: '../far' }) },
      'package-lock.json names ../far, which no image built here can hold; expected it below',
    ],
    [
      'a path that would be several arguments',
      { 'package.json': { ...build, files: ['dist', 'my files'] } },
      'my files: a Dockerfile can name it by letters',
    ],
    [
      'a package that is not there',
      { 'package-lock.json': linked({ gone: 'packages/gone' }) },
      join('packages/gone/package.json'),
    ],
  ])('names the file, and what was expected: %s', async (_what, changes, message) => {
    const files = Object.entries({ ...simple, ...changes }).filter(([, content]) => content !== undefined)
    const root = await projectOf(Object.fromEntries(files))
    const found = dockerProject({ file: join(root, 'src/service.ts') })
    await expect(found).rejects.toThrow(FaultError)
    await expect(found).rejects.toThrow(`${root}/`)
    await expect(found).rejects.toThrow(message)
  })

  it('refuses a package that the lock does not know', async () => {
    const root = await projectOf({ ...workspace, 'package-lock.json': emptyLock })
    await expect(dockerProject({ file: join(root, 'services/user/src/service.ts') })).rejects.toThrow(
      'package-lock.json knows no workspace services/user',
    )
  })
})
