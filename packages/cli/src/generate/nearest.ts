import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The first folder from here on upwards that has the file. */
export function nearest(from: string, name: string): string | undefined {
  if (existsSync(join(from, name))) return from
  const parent = dirname(from)
  return parent === from ? undefined : nearest(parent, name)
}
