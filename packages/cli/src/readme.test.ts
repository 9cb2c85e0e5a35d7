import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { checkCommand } from './command/check.ts'
import { doctorCommand } from './command/doctor.ts'
import { generateComposeCommand } from './command/generate-compose.ts'
import { generateDashboardsCommand } from './command/generate-dashboards.ts'
import { generateDockerCommand } from './command/generate-docker.ts'
import { generateKubernetesCommand } from './command/generate-kubernetes.ts'
import { probeCommand } from './command/probe.ts'
import { verifyDrainCommand } from './command/verify-drain.ts'

const readRootFile = (name: string) => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8')

test('the README shows code that stands in the file it names', async () => {
  const readme = await readRootFile('packages/cli/README.md')
  const blocks = Array.from(readme.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm))
  expect(blocks).toHaveLength(1)
  for (const [, file = '', code = ''] of blocks) {
    const source = await readRootFile(file)
    for (const excerpt of code.split(/^\/\/ …\n/m)) expect(source, file).toContain(excerpt)
  }
})

test('the README names every option, and every cause', async () => {
  const readme = await readRootFile('packages/cli/README.md')
  const images = [generateComposeCommand, generateDockerCommand, generateKubernetesCommand]
  const generators = [...images, generateDashboardsCommand]
  const commands = [checkCommand, doctorCommand, ...generators, probeCommand, verifyDrainCommand]
  const options = commands.flatMap(({ options: table }) => Object.keys(table))
  for (const option of options) expect(readme).toContain(`--${option}`)
  const report = await readRootFile('packages/cli/src/verify/report.ts')
  const causes = Array.from(report.matchAll(/^ {2}\| '(\w+)'$/gm), ([, cause = '']) => cause)
  expect(causes.length).toBeGreaterThan(9)
  for (const cause of causes) expect(readme).toContain(`\`${cause}\``)
})
