import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// `tenon verify drain` on both services of the example, with data of its own. Arguments are passed on: `npm run verify:drain -- --restarts 5`.
const services = ['user', 'order'].map((name) => `examples/user-order/${name}/src/service.ts`)
const samples = ['--samples', 'examples/user-order/src/drain-samples.ts']
const folder = mkdtempSync(join(tmpdir(), 'tenon-drain-'))
const { status } = spawnSync(
  process.execPath,
  [
    '--conditions=@tenon/source',
    'packages/cli/src/main.ts',
    'verify',
    'drain',
    ...services,
    ...samples,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: { DATA_DIR: folder, ...process.env } },
)
rmSync(folder, { recursive: true })
process.exitCode = status ?? 2
