import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerProblems, NoAudit, toFindings } from './finding.ts'
import { type Inventory, inventoryProblems, toProduction } from './inventory.ts'
import { licenceProblems } from './licence.ts'
import { type Manifest, scriptProblems } from './manifest.ts'
import { npm } from './npm.ts'

// What is installed here, judged: known findings, the bill of materials, licences, install scripts. Says what is wrong, and exits with 1.
const answersPath = 'docs/audit/findings.json'
const inventoryPath = 'dist/sbom.cdx.json'
const folders = globSync('packages/*')
const manifests = folders.map((folder) => readJson(join(folder, 'package.json')) as Manifest)

// Of the published packages alone: what is only measured against may be at odds with itself.
const whole = await npm(['sbom', '--sbom-format', 'cyclonedx', ...folders.map((folder) => `--workspace=${folder}`)])
const inventory = toProduction(whole as Inventory, manifests)
mkdirSync('dist', { recursive: true })
writeFileSync(inventoryPath, `${JSON.stringify(inventory, undefined, 2)}\n`)
console.log(`${inventoryPath}: ${inventory.components.length} components`)

const problems = [
  ...(await findingProblems()),
  ...inventoryProblems(inventory, manifests).map((problem) => `${inventoryPath}: ${problem}`),
  ...licenceProblems(inventory.components),
  ...manifests.flatMap(scriptProblems),
  // npm builds what has this file when it is installed, without any script.
  ...folders.filter((folder) => existsSync(join(folder, 'binding.gyp'))).map((folder) => `${folder} has a binding.gyp`),
]
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? 'nothing is wrong with what was looked at' : `${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1

async function findingProblems(): Promise<readonly string[]> {
  try {
    return answerProblems(toFindings(await npm(['audit'])), readJson(answersPath) as Record<string, string>)
  } catch (error) {
    if (!(error instanceof NoAudit)) throw error
    if (process.env['TENON_AUDIT_OFFLINE'] !== '1') return [`${error.message} (TENON_AUDIT_OFFLINE=1 goes on without)`]
    console.warn(`NOT LOOKED AT: known findings, for ${error.message}`)
    return []
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
