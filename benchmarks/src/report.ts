import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Spread } from './statistic.ts'

/** One line of the result. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly spread: Spread
  /** The figure to stay at or below. */
  readonly target?: number
}

const resultFolder = new URL('../result/', import.meta.url)

/** Prints the figures and keeps them as JSON. Gives whether every target was reached. */
export function report(figures: readonly Figure[]): boolean {
  const rows = figures.map(({ name, unit, spread: { median, min, max, roundCount }, target }) => ({
    figure: name,
    median: `${round(median)} ${unit}`,
    spread: `${round(min)} – ${round(max)}`,
    rounds: roundCount,
    target: target === undefined ? '' : `≤ ${target}`,
    reached: target === undefined ? '' : median <= target ? 'yes' : 'NO',
  }))
  console.table(rows)
  mkdirSync(resultFolder, { recursive: true })
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: cpus().length,
  }
  writeFileSync(
    new URL('latest.json', resultFolder),
    `${JSON.stringify({ measuredAt: new Date().toISOString(), machine, figures }, undefined, 2)}\n`,
  )
  return figures.every(({ spread, target }) => target === undefined || spread.median <= target)
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
