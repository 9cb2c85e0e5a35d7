import { parseAllDocuments } from 'yaml'
import { UsageError } from '../../command/command.ts'
import { type Manifest, manifestsIn } from './manifest.ts'

/**
 * The objects in a text of YAML or JSON: several documents, and lists.
 *
 * @param source Names the text in messages.
 * @throws UsageError that names the line where it is no YAML
 */
export function parseManifests(text: string, source: string): readonly Manifest[] {
  const documents = parseAllDocuments(text, { stringKeys: true })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error === undefined) return manifestsIn(document.toJS())
    const hint = text.includes('{{')
      ? '; a template of Helm has to be rendered: helm template … | tenon doctor <service.ts> -'
      : ''
    throw new UsageError(`${source} is no YAML: ${error.message.split('\n')[0]}${hint}`)
  })
}
