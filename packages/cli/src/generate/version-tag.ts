/** A version as label of Kubernetes and as tag of an image, neither of which may have a `+`. */
export function tagOf(version: string): string {
  return version
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, '')
}
