/** What an image stands on. */
export interface ImageBase {
  readonly image: string
  /** The command that runs a file: there is no shell that would look for it. */
  readonly node: string
}

/** The image in which packages are installed and built; it has the same system libraries as those that run. */
export const buildImage = 'node:24-bookworm-slim'

/** By what `--base` calls them. */
export const imageBases: Readonly<Record<string, ImageBase>> = {
  'bookworm-slim': { image: buildImage, node: 'node' },
  distroless: { image: 'gcr.io/distroless/nodejs24-debian12:nonroot', node: '/nodejs/bin/node' },
}
