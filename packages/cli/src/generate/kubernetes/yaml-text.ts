import { Document, isNode, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'

/** A value with the reason for it, which stands as a comment above the value. */
class Noted {
  readonly value: unknown
  readonly note: string

  constructor(value: unknown, note: string) {
    this.value = value
    this.note = note
  }
}

/** A value whose reason is told in a comment; for a field the comment stands above its name. */
export function noted(value: unknown, note: string): unknown {
  return new Noted(value, note)
}

/** Objects as the documents of one YAML file behind the head, a comment. Fields that are undefined are left out. */
export function yamlText(head: readonly string[], ...objects: readonly object[]): string {
  const documents = objects.map((object) =>
    new Document(nodeOf(object)).toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false }),
  )
  return `${head.map((line) => `# ${line}\n`).join('')}${documents.join('---\n')}`
}

function nodeOf(value: unknown): Node {
  if (value instanceof Noted) return withComment(nodeOf(value.value), value.note)
  if (Array.isArray(value)) return seqOf(value)
  if (typeof value === 'object' && value !== null) return mapOf(value)
  return new Scalar(value)
}

function seqOf(values: readonly unknown[]): Node {
  const seq = new YAMLSeq<Node>()
  seq.items.push(...values.map(nodeOf))
  return seq
}

function mapOf(fields: object): Node {
  const map = new YAMLMap<Node, Node>()
  for (const [name, field] of Object.entries(fields)) {
    if (field === undefined) continue
    const key = new Scalar(name)
    const value = nodeOf(field instanceof Noted ? field.value : field)
    map.items.push(new Pair<Node, Node>(field instanceof Noted ? withComment(key, field.note) : key, value))
  }
  return map
}

function withComment(node: Node, note: string): Node {
  if (isNode(node)) node.commentBefore = note.replaceAll(/^/gm, ' ')
  return node
}
