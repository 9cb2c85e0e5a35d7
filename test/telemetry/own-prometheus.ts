import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type OwnProcess, run, temporaryFolder } from '../support/own-process.ts'

/** A Prometheus of the test's own. */
export interface OwnPrometheus extends AsyncDisposable {
  /** What its API answers. */
  ask(path: string, query: Readonly<Record<string, string>>): Promise<unknown>
}

/** Starts one that scrapes `/metrics` of a service each second, and keeps exemplars. */
export async function startPrometheus(target: string): Promise<OwnPrometheus> {
  const folder = await temporaryFolder()
  const config = join(folder, 'prometheus.yml')
  const job = { job_name: 'note', static_configs: [{ targets: [target] }] }
  await writeFile(config, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [job] }))
  const started: OwnProcess = run('prometheus', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    '--web.listen-address=127.0.0.1:0',
    '--enable-feature=exemplar-storage',
  ])
  await started.printed('Server is ready to receive web requests')
  const [, address] = /msg="Listening on" address=(\S+)/.exec(started.output()) ?? []
  return {
    ask: async (path, query) => {
      const response = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(query).toString()}`)
      return ((await response.json()) as { data: unknown }).data
    },
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}
