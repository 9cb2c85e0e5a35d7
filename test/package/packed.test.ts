import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, type Ended, tryCommand } from './command.ts'
import { type FreshFolder, freshFolder } from './fresh-folder.ts'
import { startHello } from './hello-process.ts'

let folder: FreshFolder

beforeAll(async () => {
  folder = await freshFolder()
})
afterAll(async () => {
  await folder?.[Symbol.asyncDispose]()
})

describe('the packed packages, installed in a fresh folder', () => {
  it('hold their build and their sources, and no test', () => {
    for (const [name, files] of folder.packed) {
      expect(files, name).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'src/index.ts']))
      expect(
        files.filter((file) => /\.test(-d)?\.|tsbuildinfo/.test(file)),
        name,
      ).toEqual([])
    }
  })

  // No third party's declaration is at fault today. One that is gets named here, and nothing else is tolerated.
  it('type-check strictly together with all they depend on, skipLibCheck off', async () => {
    expect(await compile('tsconfig.test.json')).toEqual(clean)
  })

  it('run a decorated class under vitest and vite 8 with the plugin of @tenon/testing', async () => {
    expect(await command(folder.path, ['npx', 'vitest', 'run', 'hello.spec.ts'])).toContain('1 passed')
  })

  it("run the conformance suite on an outside author's transport in ten lines, and say what it lacks", async () => {
    const lines = (await readFile(join(folder.path, 'conformance/line.spec.ts'), 'utf8')).trim().split('\n')
    expect(lines.length).toBeLessThanOrEqual(10)
    const printed = await command(folder.path, ['npx', 'vitest', 'run', 'conformance', '--reporter=verbose'])
    expect(printed).toContain('✓ conformance/line.spec.ts > access: one of the roles is enough')
    expect(printed).toContain(
      '✓ conformance/line.spec.ts > flow: a caller that does not read holds back the handler of a server stream',
    )
    expect(printed).toContain('(lacks stream.input: a call is one line)')
    expect(printed).not.toMatch(/\d+ failed/)
  })

  it('bring the command tenon, which finds the loader that a decorated service needs', async () => {
    const sound = 'fine  hello could start'
    const tenon = (...args: readonly string[]) => command(folder.path, ['npx', 'tenon', ...args])
    expect(await tenon('check', 'src/class-service.ts')).toContain(sound)
    expect(await tenon('describe', 'src/function-service.ts', '--json')).toContain('"name":"hello"')
    expect(await tryCommand(folder.path, ['npx', 'tenon', 'probe', 'ready', '--port', '1'])).toMatchObject({
      exitCode: 1,
    })
  })

  it('run the conformance suite with the test runner of Node', async () => {
    const printed = await command(folder.path, [process.execPath, '--test', 'conformance/memory.node.ts'])
    expect(printed).toMatch(/pass [1-9]\d\d/)
    expect(printed).toMatch(/fail 0/)
  })
})

const clean: Ended = { output: '', exitCode: 0 }

const forms = [
  { name: 'a decorated class as tsc output', main: ['dist/class-main.js'], client: ['dist/client-main.js'] },
  { name: 'functions as tsc output', main: ['dist/function-main.js'], client: ['dist/client-main.js'] },
  { name: 'a decorated class under tsx', main: tsx('src/class-main.ts'), client: tsx('src/client-main.ts') },
  { name: 'functions under tsx', main: tsx('src/function-main.ts'), client: tsx('src/client-main.ts') },
  { name: "functions under Node's type stripping", main: ['src/function-main.ts'], client: ['src/client-main.ts'] },
]

describe('a hello service written there', () => {
  beforeAll(async () => {
    expect(await compile('tsconfig.json')).toEqual(clean)
  })

  it.each(forms)('answers over HTTP, gRPC and the queue: $name', async ({ main, client }) => {
    await using hello = await startHello(folder.path, main)
    const http = `http://${hello.address('http')}`

    expect(await getJson(`${http}/v1/greetings/Ada`)).toEqual({
      status: 200,
      body: { text: 'Hello, Ada', transport: 'http' },
    })
    expect(await getJson(`${http}/v1/greetings/nobody`)).toMatchObject({ status: 404, body: { code: 'not_found' } })

    const greeted = await command(folder.path, [process.execPath, ...client, hello.address('grpc'), 'Ada', 'nobody'])
    expect(jsonLines(greeted)).toEqual([
      { text: 'Hello, Ada', transport: 'grpc' },
      { code: 'not_found', message: 'nobody is there' },
    ])

    // The format is the service's own, registered with its own TypeBox.
    expect(await postJson(`${http}/v1/notes`, { noteId: 'first', text: 'remember' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: '/noteId', rule: 'format' }] },
    })
    expect(await postJson(`${http}/v1/notes`, { noteId: 'n1', text: 'remember' })).toMatchObject({ status: 201 })
    const notes = [{ noteId: 'n1', text: 'remember', keptBy: 'queue' }]
    await expect.poll(() => getJson(`${http}/v1/notes`), { timeout: 10_000 }).toMatchObject({ body: { notes } })

    expect(await hello.terminate()).toBe(0)
  })

  it('may be announced in each registry, and find others there', async () => {
    const printed = await command(folder.path, [process.execPath, 'dist/registry-main.js'])
    const found = (name: string, isRegistered: boolean) => ({ name, ok: true, problems: [], isRegistered })
    expect(jsonLines(printed)).toEqual([
      found('consul', true),
      found('etcd', true),
      found('kubernetes', false),
      found('dns', false),
      found('static', false),
    ])
  })

  it('finds out who calls by a token or a key', async () => {
    const printed = await command(folder.path, [process.execPath, 'dist/auth-main.js'])
    expect(jsonLines(printed)).toEqual([
      { status: 401, challenge: 'Bearer' },
      { status: 401, challenge: 'Bearer error="invalid_token"', reason: 'invalid_token' },
      { status: 200, challenge: null, id: 'ada' },
    ])
  })

  it('says what to install for a service that is to be observed, which the SDK of the line before serves too', async () => {
    // Lines of log come when they are written, which may be later.
    const observe = async () =>
      jsonLines(await command(folder.path, [process.execPath, 'dist/observed-main.js'])).find(
        (line) => !('level' in (line as object)),
      )
    const { message = '', problems } = (await observe()) as { message?: string; problems?: object }
    expect(problems).toMatchObject([{ code: 'config.package' }])
    const [, install = ''] = /run `npm install ([^`]+)`/.exec(message) ?? []
    const packages = install.split(' ')
    expect(packages).toHaveLength(9)
    const isExperimental = (name: string) => /-otlp-|sdk-logs$/.test(name)
    const versions = packages.map((name) => `${name}@${isExperimental(name) ? '0.223.0' : '2.12.0'}`)
    await command(folder.path, ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...versions])
    expect(await observe()).toEqual({ sdk: '2', hasLines: true, hasMetrics: true })
  })

  it('stops with a server that terminus looks after', async () => {
    await using hello = await startHello(folder.path, ['dist/terminus-main.js'])
    expect(await hello.terminate()).toBe(0)
  })
})

function compile(project: string): Promise<Ended> {
  return tryCommand(folder.path, [join(folder.path, 'node_modules/.bin/tsc'), '-p', project])
}

function tsx(file: string): string[] {
  return ['--import', 'tsx', file]
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

async function getJson(url: string): Promise<Reply> {
  const response = await fetch(url)
  return { status: response.status, body: await response.json() }
}

async function postJson(url: string, value: object): Promise<Reply> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(value) })
  return { status: response.status, body: await response.json() }
}

/** The lines of an output that are JSON; Node prints warnings among them. */
function jsonLines(output: string): readonly unknown[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line))
}
