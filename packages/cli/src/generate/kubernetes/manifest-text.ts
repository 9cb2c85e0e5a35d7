import { yamlText } from '../yaml-text.ts'

/** Objects of Kubernetes as one file. */
export function manifestText(head: readonly string[], objects: readonly object[]): string {
  return yamlText(objects, { head, notes: 'above' })
}
