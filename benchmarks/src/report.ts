import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { type Figure, isReached, type Report } from './figure.ts'

const resultFolder = new URL('../result/', import.meta.url)

/** Prints the figures and keeps them as JSON. */
export function report(figures: readonly Figure[]): Report {
  const rows = figures.map((figure) => {
    const { name, unit, spread, target } = figure
    return {
      figure: name,
      median: `${round(spread.median)} ${unit}`,
      spread: `${round(spread.min)} – ${round(spread.max)}`,
      rounds: spread.roundCount,
      target: target === undefined ? '' : `≤ ${round(target)}`,
      reached: target === undefined ? '' : isReached(figure) ? 'yes' : 'NO',
    }
  })
  console.table(rows)
  const machine = { node: process.version, platform: `${process.platform} ${process.arch}`, cores: cpus().length }
  const result: Report = { measuredAt: new Date().toISOString(), machine, figures }
  mkdirSync(resultFolder, { recursive: true })
  writeFileSync(new URL('latest.json', resultFolder), toJson(result))
  return result
}

/** A report as it is kept. */
export function toJson(result: Report): string {
  return `${JSON.stringify(result, undefined, 2)}\n`
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
