import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { aligned } from '../../command/help.ts'
import { UsageError } from '../../command/command.ts'

/** Size and layers of an image that was built. */
export interface ImageReport {
  readonly image: string
  readonly sizeBytes: number
  readonly user: string
  /** From the first to the last; those without a size only set something. */
  readonly layers: readonly ImageLayer[]
}

export interface ImageLayer {
  /** As Docker tells it: `122MB`. */
  readonly size: string
  /** What made it. */
  readonly by: string
}

/** @throws UsageError where Docker is not there, or does not have the image */
export async function imageReport(image: string): Promise<ImageReport> {
  const inspected = await docker('image', 'inspect', '--format', '{{.Size}} {{.Config.User}}', image)
  const [size = '', user = ''] = inspected.trim().split(' ')
  const history = await docker('history', '--no-trunc', '--format', '{{.Size}}\t{{.CreatedBy}}', image)
  const layers = history
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [layerSize = '', by = ''] = line.split('\t')
      return { size: layerSize, by: by.replace(/\s+/g, ' ').replace(/ # buildkit$/, '') }
    })
  return { image, sizeBytes: Number(size), user, layers: layers.toReversed() }
}

/** The report for people: what has no size is left out, and long commands are cut. */
export function imageReportText({ image, sizeBytes, user, layers }: ImageReport): string {
  const rows = layers.filter(({ size }) => size !== '0B').map(({ size, by }) => [size, by.slice(0, 100)])
  return [`${image}: ${(sizeBytes / 1e6).toFixed(1)} MB, user ${user || 'root'}`, ...aligned(rows)].join('\n')
}

async function docker(...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('docker', args)
    return stdout
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`--report: docker does not tell of it: ${told.trim()}`, { cause })
  }
}
