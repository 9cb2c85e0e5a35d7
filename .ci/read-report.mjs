// read-report.mjs REPORT FAILURES: prints how many tests of vitest's JSON report passed and failed, and appends what failed, and why,
// to the file FAILURES.
import { appendFileSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [, , report, failures] = process.argv
/** Of a failure's message: the end of a run's output may be all that is kept of it. */
const mostLines = 8

const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
for (const { name, status, message, assertionResults } of testResults) {
  const file = relative('.', name)
  const failed = assertionResults.filter((test) => test.status === 'failed')
  for (const { fullName, failureMessages } of failed) tell(`${file}: ${fullName}`, failureMessages.join('\n'))
  if (status === 'failed' && failed.length === 0) tell(file, message)
}
console.log(numPassedTests, numFailedTests)

function tell(what, why = '') {
  const lines = why.split('\n').slice(0, mostLines)
  appendFileSync(failures, [what, ...lines.map((line) => `    ${line}`), ''].join('\n'))
}
