import type { JsonSchema } from '@tenon/core/contract'
import type { SchemaDocument } from '@tenon/core/transport'
import type { ScalarName } from '../message-shape.ts'
import { choiceOf, scalarOf } from './scalar-form.ts'
import { mergeObject } from './schema-merge.ts'
import { isSchema, type Placed, type Variants, variantsOf } from './schema-variant.ts'
import { containsItself, nativeInside } from './schema-walk.ts'

export type { Placed } from './schema-variant.ts'

/** What protobuf makes of a schema, one level deep. */
export type Form = FormFacts & FormKind

interface FormFacts {
  /** JSON pointer into the schema. */
  readonly path: string
  /** The schema without references: the same object wherever it comes again. */
  readonly whole: JsonSchema
  /** The one alternative beside null that it has, or else the whole. */
  readonly core: JsonSchema
  readonly isNullable: boolean
}

type FormKind =
  | { readonly kind: 'scalar'; readonly scalar: ScalarName }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'enum'; readonly texts: readonly string[] }
  | { readonly kind: 'list' | 'record'; readonly inside: Placed }
  | { readonly kind: 'object'; readonly fields: readonly FieldForm[] }
  | { readonly kind: 'union'; readonly mark: string; readonly alternatives: readonly AlternativeForm[] }
  /** What only `google.protobuf.Value` can be; with `native` in it not even that. */
  | { readonly kind: 'json'; readonly found: string; readonly native: string | undefined }
  | { readonly kind: 'unfit'; readonly found: string }

export interface FieldForm extends Placed {
  readonly name: string
  readonly isRequired: boolean
}

export interface AlternativeForm {
  readonly constant: unknown
  readonly form: Extract<Form, { kind: 'object' }>
}

/** The forms of the schemas of one document. */
export class SchemaForms {
  readonly #document: SchemaDocument
  readonly #recursive = new Map<JsonSchema, boolean>()

  constructor(document: SchemaDocument) {
    this.#document = document
  }

  formOf(placed: Placed): Form {
    const variants = variantsOf(placed, this.#document)
    const facts = { path: variants.path, whole: variants.whole, core: variants.whole, isNullable: variants.isNullable }
    if (variants.unfit !== undefined) return { ...facts, kind: 'unfit', found: variants.unfit }
    const choice = choiceOf(variants.others.map(({ schema }) => schema))
    if (choice) return { ...facts, ...choice }
    const [only, ...more] = variants.others
    if (only === undefined || more.length > 0) return { ...facts, ...this.#union(variants) }
    return { ...facts, core: only.origin, ...this.#single(only) }
  }

  /** Whether a schema contains itself. */
  isRecursive(schema: JsonSchema): boolean {
    const known = this.#recursive.get(schema) ?? containsItself(schema, this.#document)
    this.#recursive.set(schema, known)
    return known
  }

  #single({ schema, path }: Placed): FormKind {
    const scalar = scalarOf(schema)
    if (scalar) return scalar
    if (schema['type'] === 'array') return this.#list({ schema, path })
    const merged = mergeObject({ schema, path }, this.#document)
    if (typeof merged === 'string') return this.#json({ schema, path }, merged)
    if (merged.entry === undefined) return { kind: 'object', fields: merged.fields }
    if (merged.fields.length > 0) return this.#json({ schema, path }, 'an object that is also a record')
    return { kind: 'record', inside: merged.entry }
  }

  #list({ schema, path }: Placed): FormKind {
    const { items } = schema
    if ('prefixItems' in schema || Array.isArray(items)) return this.#json({ schema, path }, 'a tuple')
    if (items === false || 'allOf' in schema) return this.#json({ schema, path }, 'a list that is also a combination')
    return { kind: 'list', inside: { schema: isSchema(items) ? items : anything, path: `${path}/items` } }
  }

  #union({ whole, others, path }: Variants): FormKind {
    const given = { schema: whole, path }
    const [known, ...more] = this.#document.alternatives([whole])
    if (known === undefined || more.length > 0 || known.byConstant.size !== others.length)
      return this.#json(given, others.length === 0 ? 'null alone' : 'a union')
    const alternatives = [...known.byConstant].flatMap(([constant, variant]): AlternativeForm[] => {
      const found = others.find((other) => other.given === variant)
      const form = found && this.formOf({ schema: variant, path: found.path })
      return form?.kind === 'object' && !form.isNullable ? [{ constant, form }] : []
    })
    if (alternatives.length < others.length) return this.#json(given, 'a union')
    return { kind: 'union', mark: known.name, alternatives }
  }

  #json(placed: Placed, found: string): FormKind {
    return { kind: 'json', found, native: nativeInside(placed, this.#document) }
  }
}

const anything: JsonSchema = {}
