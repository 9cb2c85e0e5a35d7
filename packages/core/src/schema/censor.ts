import type { JsonSchema } from './schema.ts'
import { isSecret } from './secret.ts'
import type { Violation } from '../error/service-error.ts'
import { SchemaDocument, type SchemaView } from './schema-view.ts'
import { isRecord } from './step.ts'

/** Takes out of violations what is secret in the value they are about. */
export type Censor = (violations: readonly Violation[], value: unknown) => readonly Violation[]

/** What a value is described by, where that is not the whole of a schema. */
interface CensoredPlace {
  readonly document: SchemaDocument
  readonly schemas: readonly JsonSchema[]
}

/**
 * Compiles the censor of a schema, or of a place in it. Of a secret field the words stay that come from the schema alone; what is wrong inside
 * it is told of the field as a whole, because even the names in there may be the caller's.
 */
export function compileCensor(root: JsonSchema, place?: CensoredPlace): Censor {
  if (!JSON.stringify(root).includes('"x-secret":true')) return (violations) => violations
  const { document, schemas } = place ?? { document: new SchemaDocument(root), schemas: [root] }
  return (violations, value) => {
    const texts = violations.some(({ rule }) => rule === 'custom') ? secretTexts(value, schemas, document) : []
    const censored = violations.map((violation) => {
      const field = secretField(violation.field, schemas, document)
      if (field !== undefined) return atSecret(violation, field)
      return texts.some((text) => violation.message.includes(text)) ? { ...violation, message: vague } : violation
    })
    return [...new Map(censored.map((one) => [`${one.field}\n${one.rule}\n${one.message}`, one])).values()]
  }
}

const vague = 'is not valid'

/** The rules whose words could show the value: a library's own, and a choice of which it is one. */
const tellingRules = new Set(['custom', 'const', 'enum'])

function atSecret({ field, rule, message }: Violation, secret: string): Violation {
  return { field: secret, rule, message: field === secret && !tellingRules.has(rule) ? message : vague }
}

/** The pointer to the secret value in which a pointer ends, or through which it goes. */
function secretField(pointer: string, whole: readonly JsonSchema[], document: SchemaDocument): string | undefined {
  const segments = pointer.split('/').slice(1)
  let schemas = whole
  for (let depth = 0; ; depth += 1) {
    const view = document.view(schemas)
    if (view.parts.some(isSecret)) return ['', ...segments.slice(0, depth)].join('/')
    const segment = segments[depth]
    if (segment === undefined) return undefined
    schemas = schemasAt(view, segment.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
}

/** The schemas of a field, an entry or an item. */
function schemasAt({ fields, patterns, others, prefix, items }: SchemaView, name: string): readonly JsonSchema[] {
  const matching = patterns.filter(({ form }) => form.test(name)).flatMap(({ schemas }) => schemas)
  const declared = [...(fields.get(name) ?? []), ...matching]
  const listed = /^\d+$/.test(name) ? (prefix[Number(name)] ?? items) : []
  return [...declared, ...(declared.length === 0 ? others : []), ...listed]
}

/** Every text that a secret part of the value could show itself as. */
function secretTexts(value: unknown, schemas: readonly JsonSchema[], document: SchemaDocument): readonly string[] {
  if (schemas.length === 0) return []
  const view = document.view(schemas)
  if (view.parts.some(isSecret)) return textsIn(value)
  if (!isRecord(value) && !Array.isArray(value)) return []
  return Object.entries(value).flatMap(([name, child]) => secretTexts(child, schemasAt(view, name), document))
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null) return Object.entries(value).flat().flatMap(textsIn)
  const text = String(value)
  // A message may also quote it as JSON does.
  return text === '' ? [] : [text, JSON.stringify(text).slice(1, -1)]
}
