import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '../support/own-process.ts'

/** What vegeta tells of an attack. */
export interface LoadReport {
  readonly requests: number
  /** Share of requests that were answered 2xx or 3xx, from 0 to 1. */
  readonly success: number
  readonly status_codes: Readonly<Record<string, number>>
  readonly errors: readonly string[] | null
}

export interface OpenLoad {
  readonly url: string
  readonly perSecond: number
  /** Whether a connection serves many requests, or each request has one of its own. */
  readonly keepAlive: boolean
}

export interface RunningLoad extends AsyncDisposable {
  /** Sends no more, waits for the replies that are due, and tells what became of all requests. */
  finish(): Promise<LoadReport>
}

/**
 * Sends GETs and POSTs at a fixed rate, whatever becomes of those before, with vegeta. A POST that fails is never sent again:
 * neither vegeta nor Go's HTTP client does that.
 */
export async function startOpenLoad({ url, perSecond, keepAlive }: OpenLoad): Promise<RunningLoad> {
  const folder = await temporaryFolder()
  const [targets, body, results] = ['targets', 'body', 'results'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(body, JSON.stringify({ text: 'tea' }))
  await writeFile(targets, `GET ${url}/v1/items/i1\n\nPOST ${url}/v1/items\nContent-Type: application/json\n@${body}\n`)
  const attack = spawn(
    'vegeta',
    [
      'attack',
      `-targets=${targets}`,
      `-rate=${perSecond}`,
      '-duration=0',
      `-keepalive=${keepAlive}`,
      '-timeout=10s',
      `-output=${results}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = once(attack, 'exit')
  return {
    finish: async () => {
      attack.kill('SIGINT')
      await ended
      return reportOf(results)
    },
    [Symbol.asyncDispose]: async () => {
      attack.kill('SIGKILL')
      await ended
    },
  }
}

async function reportOf(results: string): Promise<LoadReport> {
  const report = spawn('vegeta', ['report', '-type=json', results], { stdio: ['ignore', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  for await (const chunk of report.stdout) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as LoadReport
}
