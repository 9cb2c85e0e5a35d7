import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface KubectlOptions {
  /** What it reads from standard input. */
  readonly input?: string
  /** Ends it early. */
  readonly signal?: AbortSignal
}

/** What kubectl printed. @throws Error with what it complained of */
export async function kubectl(args: readonly string[], { input = '', signal }: KubectlOptions = {}): Promise<string> {
  const child = spawn('kubectl', args, { stdio: 'pipe', ...(signal && { signal }) })
  const chunks = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (chunks.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (chunks.err += text))
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return chunks.out
  throw new Error(`kubectl ${args.join(' ')}: ${chunks.err || chunks.out}`)
}

/** Commands of one namespace, which is deleted with all that is in it. */
export class Namespace implements AsyncDisposable {
  readonly name: string

  private constructor(name: string) {
    this.name = name
  }

  static async create(name: string): Promise<Namespace> {
    await kubectl(['create', 'namespace', name])
    return new Namespace(name)
  }

  run(args: readonly string[], options?: KubectlOptions): Promise<string> {
    return kubectl(['--namespace', this.name, ...args], options)
  }

  /** A value of an object by its JSONPath, such as `.spec.clusterIP`. */
  read(object: string, path: string): Promise<string> {
    return this.run(['get', object, '-o', `jsonpath={${path}}`])
  }

  async list<Item>(args: readonly string[]): Promise<readonly Item[]> {
    const text = await this.run(['get', ...args, '-o', 'json'])
    return (JSON.parse(text) as { readonly items: readonly Item[] }).items
  }

  /** What pods wrote and what became of them, for who has to find out why a test failed. */
  async tell(): Promise<string> {
    const parts = [
      ['get', 'pods', '-o', 'wide'],
      ['get', 'events', '--sort-by=.lastTimestamp'],
      ['logs', '--all-pods', '--tail=40', 'deployment/user'],
      ['logs', '--all-pods', '--tail=40', 'deployment/order'],
    ]
    const texts = await Promise.all(parts.map((args) => this.run(args).catch((error: unknown) => String(error))))
    return texts.join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await kubectl(['delete', 'namespace', this.name, '--wait=true', '--timeout=120s'])
  }
}
