import { Document, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'

/** What a generated YAML file is made of. A field that is undefined is left out. */
export type YamlValue = YamlPlain | Noted

export type YamlPlain = string | number | boolean | readonly YamlValue[] | YamlFields

export interface YamlFields {
  readonly [name: string]: YamlValue | undefined
}

/** A value and the reason for it, which is written beside it, or above what takes several lines. */
export class Noted {
  readonly value: YamlPlain
  readonly note: string

  constructor(value: YamlPlain, note: string) {
    this.value = value
    this.note = note
  }
}

export function noted(value: YamlPlain, note: string): Noted {
  return new Noted(value, note)
}

/** The text of a YAML file, with `head` as the comment at its top. The same values give the same text. */
export function yamlText(fields: YamlFields, head: string): string {
  const document = new Document<Node>(undefined, { compat: 'yaml-1.1' })
  document.contents = toMap(fields, 0)
  document.commentBefore = toComment(head)
  return document.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false })
}

function toNode(value: YamlValue, depth: number): Node {
  if (value instanceof Noted) return withNote(toNode(value.value, depth), value.note)
  if (typeof value !== 'object') return new Scalar(value)
  return isList(value) ? toSequence(value, depth) : toMap(value, depth)
}

/** On one line, where it has words only. */
function toSequence(values: readonly YamlValue[], depth: number): Node {
  const sequence = new YAMLSeq()
  sequence.items = values.map((value) => toNode(value, depth + 1))
  sequence.flow = values.every((value) => typeof value !== 'object')
  return sequence
}

function toMap(fields: YamlFields, depth: number): Node {
  const map = new YAMLMap<Scalar<string>, Node>()
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const [key, node] = [new Scalar(name), toNode(value, depth + 1)]
    // Beside a key that several lines follow there is no room.
    key.commentBefore = node.commentBefore ?? null
    node.commentBefore = null
    key.spaceBefore = depth < spacedDepth && map.items.length > 0 && node instanceof YAMLMap && node.items.length > 0
    map.items.push(new Pair(key, node))
  }
  return map
}

/** Of the two outermost levels, parts are set apart by an empty line. */
const spacedDepth = 2

function withNote(node: Node, note: string): Node {
  const isLine = node instanceof Scalar || (node instanceof YAMLSeq && node.flow === true)
  node[isLine ? 'comment' : 'commentBefore'] = toComment(note)
  return node
}

function toComment(text: string): string {
  return text.replace(/^(?=.)/gm, ' ')
}

/** `Array.isArray` does not narrow lists that cannot be written to. */
function isList(value: readonly YamlValue[] | YamlFields): value is readonly YamlValue[] {
  return Array.isArray(value)
}
