import type { ConformanceCase, ConformanceHarness, TestFunction } from '@tenon/testing/conformance'

type Verdict = 'passes' | 'fails' | 'lacks' | 'not run'

const marks: Readonly<Record<Verdict, string>> = { passes: '✓', fails: '✗', lacks: '–', 'not run': '?' }

/** What became of every case on every transport. */
export class Matrix {
  readonly #harnesses: readonly ConformanceHarness[]
  readonly #verdicts = new Map<string, Verdict>()
  readonly #titles = new Set<string>()

  constructor(harnesses: readonly ConformanceHarness[]) {
    this.#harnesses = harnesses
  }

  /** The `test` of a runner, which writes down what becomes of the cases of a transport. */
  recording({ name }: ConformanceHarness, test: TestFunction): TestFunction {
    const record = (title: string, verdict: Verdict) => {
      this.#titles.add(title)
      this.#verdicts.set(`${name} ${title}`, verdict)
    }
    const recorded = (title: string, run: ConformanceCase['run']) => {
      record(title, 'not run')
      test(title, async () => {
        record(title, 'fails')
        await run()
        record(title, 'passes')
      })
    }
    const skip = (skipped: string, run: ConformanceCase['run']) => {
      record(skipped.replace(/ \(lacks .*\)$/, ''), 'lacks')
      test.skip(skipped, run)
    }
    return Object.assign(recorded, { skip })
  }

  /** Case × transport, and what each transport lacks. */
  toMarkdown(): string {
    const names = this.#harnesses.map(({ name }) => name)
    const rows = [...this.#titles].map((title) => [title, ...this.#marksOf(title)])
    return [
      '# What every transport does alike',
      '',
      'Checked by `test/conformance/transports.test.ts` against what it finds, and written by `npx vitest run test/conformance -u`.',
      '✓ does so, – lacks what the case needs. [What a case is](../../docs/conformance.md).',
      '',
      toRow(['case', ...names]),
      toRow(['---', ...names.map(() => ':-:')]),
      ...rows.map(toRow),
      '',
      '## What a transport lacks',
      '',
      ...this.#harnesses.flatMap(({ name, lacks = {} }) => [
        `- **${name}**`,
        ...Object.entries(lacks).map(([feature, reason]) => `  - \`${feature}\`: ${reason}`),
      ]),
      '',
    ].join('\n')
  }

  /** The same for a terminal. */
  toText(): string {
    const titles = [...this.#titles]
    const widths = this.#harnesses.map(({ name }) => name.length + 2)
    const longest = Math.max(...titles.map((title) => title.length))
    const toLine = (title: string, cells: readonly string[]) =>
      `${title.padEnd(longest)}${cells.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('')}`
    const head = toLine(
      'case',
      this.#harnesses.map(({ name }) => name),
    )
    return [head, ...titles.map((title) => toLine(title, this.#marksOf(title)))].join('\n')
  }

  #marksOf(title: string): readonly string[] {
    return this.#harnesses.map(({ name }) => marks[this.#verdicts.get(`${name} ${title}`) ?? 'not run'])
  }
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\u0000', '\\0')).join(' | ')} |`
}
