import type { JsonSchema } from '@tenon/core/contract'
import { SchemaDocument } from '@tenon/core/transport'
import { shapeEnum } from './enum-shape.ts'
import type { FieldShape, FieldType, MessageForm, MessageShape } from './message-shape.ts'
import { protoFieldName, pascalCase } from './proto-name.ts'
import { repeatedNames } from './repeated-name.ts'
import { type Form, type Placed, SchemaForms } from './form/schema-form.ts'
import { alternativeNames } from './union-name.ts'

/** Where the message of a whole input or output is declared, and who is told what it cannot have. */
export interface MessagePlace {
  readonly name: string
  /** Full name of what encloses the message. */
  readonly scope: string
  readonly report: Report
}

/** @param advice What to do about it. @defaultValue a type that protobuf has */
type Report = (path: string, found: string, advice?: string) => void

/** The message for an input or an output, with all that it is made of. What cannot be expressed is reported and left out. */
export function shapeMessage(schema: JsonSchema, { name, scope, report }: MessagePlace): MessageShape {
  const document = new SchemaDocument(schema)
  const builder = { document, forms: new SchemaForms(document), report, made: new Map() }
  const form = builder.forms.formOf({ schema, path: '' })
  const place: Place = { name, scope, declare: () => undefined, ...builder }
  const whole = shapeWhole(form, place)
  return whole ?? wrap(form, place)
}

/** What of one document is known. */
interface Builder {
  readonly document: SchemaDocument
  readonly forms: SchemaForms
  readonly report: Report
  /** The messages of recursive schemas, by schema and by what was made of it. */
  readonly made: Map<JsonSchema, Map<string, MessageShape>>
}

/** Where in the messages the walk is. */
interface Place extends Builder {
  readonly name: string
  readonly scope: string
  /** Declares a type in what encloses it. */
  readonly declare: (type: Exclude<FieldType, { kind: 'scalar' | 'known' }>) => void
}

/** A message while its fields are found. */
interface Draft extends MessageShape {
  readonly fields: FieldShape[]
  readonly messages: MessageShape[]
  readonly enums: Extract<FieldType, { kind: 'enum' }>['shape'][]
}

/** The message of a form that is one; undefined for every other. */
function shapeWhole(form: Form, place: Place): MessageShape | undefined {
  if (form.isNullable && form.kind !== 'json') return shapeNullable(form, place)
  if (form.kind === 'object') return shapeObject(form, place)
  if (form.kind === 'union') return shapeUnion(form, place)
  if (form.kind === 'list' || form.kind === 'record') return wrap(form, place)
  return undefined
}

interface DraftInit {
  readonly form: MessageForm
  readonly oneof?: string
  /** The schema that is the same when it comes again. */
  readonly schema: JsonSchema
  /** What is made of the schema, of which there may be several. */
  readonly key: string
  readonly path: string
}

/** Declares a message and fills it, or finds the one that was made of the same recursive schema. */
function draft(init: DraftInit, place: Place, fill: (message: Draft, inside: Place) => void): MessageShape {
  const known = place.made.get(init.schema)?.get(init.key)
  if (known) return known
  const fullName = `${place.scope}.${place.name}`
  const { form, oneof, path } = init
  const message: Draft = { fullName, name: place.name, form, oneof, fields: [], messages: [], enums: [] }
  if (place.forms.isRecursive(init.schema)) {
    const made = place.made.get(init.schema) ?? new Map<string, MessageShape>()
    place.made.set(init.schema, made.set(init.key, message))
  }
  place.declare({ kind: 'message', shape: message })
  const declare: Place['declare'] = (type) => {
    if (type.kind === 'message') message.messages.push(type.shape)
    else message.enums.push(type.shape)
  }
  fill(message, { ...place, scope: fullName, declare })
  for (const repeated of repeatedNames(message))
    place.report(path, `an object with two parts that protobuf would both call ${repeated}`, 'rename one of them')
  return message
}

type ObjectForm = Form & { readonly kind: 'object' }

/** @param mark The field that a union around the object tells. */
function shapeObject({ core, fields, path }: ObjectForm, place: Place, mark?: string): MessageShape {
  const form = { kind: 'object' } as const
  return draft({ form, schema: core, key: `object ${mark ?? ''}`, path }, place, (message, inside) => {
    for (const field of fields) {
      if (field.name === mark) continue
      if (!isFieldName(field.name)) inside.report(field.path, 'a field whose name protobuf cannot have', fieldAdvice)
      const type = shapeField(field, { ...inside, name: pascalCase(field.name) })
      const { name, isRequired } = field
      const facts = { name, protoName: protoFieldName(name), number: message.fields.length + 1, isRequired }
      if (type) message.fields.push({ ...single, ...type, ...facts, ...remarksOf(field.schema) })
    }
  })
}

/** Letters, digits and separators, beginning with a letter, and nothing that every JavaScript object has already. */
function isFieldName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(name) && !(name in Object.prototype)
}

const fieldAdvice = 'rename it: a letter, then ASCII letters, digits, _ and -, and no member of every JavaScript object'

type UnionForm = Form & { readonly kind: 'union' }

function shapeUnion({ whole, mark, alternatives, path }: UnionForm, place: Place): MessageShape {
  const names = alternativeNames(
    mark,
    alternatives.map(({ constant }) => constant),
  )
  if (names === undefined)
    place.report(
      path,
      `a union whose "${mark}" gives no distinct protobuf names`,
      distinctAdvice(`constants of "${mark}"`),
    )
  const oneof = names?.some(({ protoName }) => protoName === 'kind') ? 'kind_of' : 'kind'
  const form = { kind: 'union', mark } as const
  return draft({ form, oneof, schema: whole, key: 'union', path }, place, (message, inside) => {
    for (const [index, { constant, form: alternative }] of alternatives.entries()) {
      const name = names?.[index]
      if (name === undefined) continue
      const shape = shapeObject(alternative, { ...inside, name: name.message }, mark)
      const { jsonName, protoName } = name
      const type = { kind: 'message', shape } as const
      message.fields.push({ ...single, name: jsonName, protoName, number: index + 1, type, constant })
    }
  })
}

function distinctAdvice(what: string): string {
  return `use ${what} with ASCII letters or digits, that stay apart without case and separators`
}

function shapeNullable(form: Form, place: Place): MessageShape {
  const init = {
    form: { kind: 'nullable' },
    oneof: 'kind',
    schema: form.whole,
    key: 'nullable',
    path: form.path,
  } as const
  return draft(init, place, (message, inside) => {
    const nothing = { kind: 'known', known: 'null' } as const
    message.fields.push({ ...single, name: 'nullValue', protoName: 'null_value', number: 1, type: nothing })
    const type = shapeType({ ...form, isNullable: false }, { ...inside, name: 'Value' })
    if (type) message.fields.push({ ...single, name: 'value', protoName: 'value', number: 2, type })
  })
}

/** A message around a list, a record, or what else is no message. */
function wrap(form: Form, place: Place): MessageShape {
  const kind = form.kind === 'list' || form.kind === 'record' ? form.kind : 'single'
  const name = { list: 'items', record: 'entries', single: 'value' }[kind]
  return draft({ form: { kind }, schema: form.core, key: kind, path: form.path }, place, (message, inside) => {
    const type = shapeLabelled(form, { ...inside, name: pascalCase(name) })
    if (type) message.fields.push({ ...single, ...type, name, protoName: name, number: 1, isRequired: true })
  })
}

const single = {
  label: 'optional',
  isRequired: false,
  isNullable: false,
  constant: undefined,
  description: '',
  isDeprecated: false,
} as const

/** @see JSON Schema 2020-12, validation, sections 9.1 and 9.3 */
function remarksOf({ description, deprecated }: JsonSchema): Pick<FieldShape, 'description' | 'isDeprecated'> {
  return { description: typeof description === 'string' ? description : '', isDeprecated: deprecated === true }
}

type Typed = Pick<FieldShape, 'type' | 'label'>

const maybeAbsent = 'a list or record that may be absent, which protobuf cannot tell from an empty one'
const absentAdvice = 'make it required and without a default, give it an empty default, or let it be null'

function shapeField(
  { isRequired, ...field }: Placed & { readonly isRequired: boolean },
  place: Place,
): (Typed & Pick<FieldShape, 'isNullable'>) | undefined {
  const form = place.forms.formOf(field)
  const owner = place.document.defaultOwner([field.schema])
  const mayBeAbsent = !isRequired || owner !== undefined
  const isSeveral = form.kind === 'list' || form.kind === 'record'
  const isNullable = form.isNullable && !isSeveral && form.kind !== 'json' && !mayBeAbsent
  const typed = shapeLabelled(isNullable ? { ...form, isNullable: false } : form, place)
  if (typed === undefined) return undefined
  if (typed.label !== 'optional' && mayBeAbsent && !isEmpty(owner?.['default']))
    place.report(field.path, maybeAbsent, absentAdvice)
  return { ...typed, isNullable }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** The type of a field, which may also be a list or a record. */
function shapeLabelled(form: Form, place: Place): Typed | undefined {
  if (form.isNullable || (form.kind !== 'list' && form.kind !== 'record')) {
    const type = shapeType(form, place)
    return type && { type, label: 'optional' }
  }
  const type = shapeType(place.forms.formOf(form.inside), place)
  return type && { type, label: form.kind === 'list' ? 'repeated' : 'map' }
}

/** The type of one value. */
function shapeType(form: Form, place: Place): FieldType | undefined {
  const shape = shapeWhole(form, place)
  if (shape) return { kind: 'message', shape }
  if (form.kind === 'scalar') return { kind: 'scalar', scalar: form.scalar }
  if (form.kind === 'timestamp') return { kind: 'known', known: 'timestamp' }
  if (form.kind === 'enum') return shapeChoice(form, place)
  if (form.kind === 'json' && form.native === undefined) return { kind: 'known', known: 'value' }
  if (form.kind === 'json')
    place.report(form.path, `${form.found} with ${form.native} in it, which no JSON value of protobuf has`)
  if (form.kind === 'unfit') place.report(form.path, form.found)
  return undefined
}

function shapeChoice({ texts, path }: Form & { readonly kind: 'enum' }, place: Place): FieldType | undefined {
  const shape = shapeEnum(texts, place)
  if (shape === undefined) {
    place.report(
      path,
      `a choice of texts that give no distinct protobuf names: ${texts.join(', ')}`,
      distinctAdvice('texts other than unspecified'),
    )
    return undefined
  }
  const type = { kind: 'enum', shape } as const
  place.declare(type)
  return type
}
