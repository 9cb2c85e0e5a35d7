import { Document, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'

/** What a generated YAML file is made of. A field that is undefined is left out. */
export type YamlValue = YamlPlain | Noted

export type YamlPlain = string | number | boolean | readonly YamlValue[] | YamlFields

export interface YamlFields {
  readonly [name: string]: YamlValue | undefined
}

/** A value and the reason for it, which is written as a comment. */
class Noted {
  readonly value: unknown
  readonly note: string

  constructor(value: unknown, note: string) {
    this.value = value
    this.note = note
  }
}

export type { Noted }

export function noted(value: unknown, note: string): Noted {
  return new Noted(value, note)
}

/** What a file looks like. */
export interface YamlLook {
  /** Lines of the comment at its top. */
  readonly head: readonly string[]
  /**
   * Where reasons stand: `above` what they are for, or `beside` what is one line, where words are listed on one line too and the parts of
   * the two outermost levels are set apart.
   */
  readonly notes: 'above' | 'beside'
}

/** The text of a YAML file of one or more documents. The same values give the same text; what YAML 1.1 reads as something else is quoted. */
export function yamlText(documents: readonly object[], { head, notes }: YamlLook): string {
  const writer = new Writer(notes === 'beside')
  const top = head.map((line) => `# ${line}\n`).join('')
  return `${top}${notes === 'beside' ? '\n' : ''}${documents.map((each) => writer.write(each)).join('---\n')}`
}

/** Of the two outermost levels, parts are set apart by an empty line. */
const spacedDepth = 2

class Writer {
  readonly #isBeside: boolean

  constructor(isBeside: boolean) {
    this.#isBeside = isBeside
  }

  write(fields: object): string {
    const document = new Document<Node>(undefined, { compat: 'yaml-1.1' })
    document.contents = this.#toMap(fields, 0)
    return document.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false })
  }

  #toNode(value: unknown, depth: number): Node {
    if (value instanceof Noted) return this.#withNote(this.#toNode(value.value, depth), value.note)
    if (Array.isArray(value)) return this.#toSequence(value, depth)
    return typeof value === 'object' && value !== null ? this.#toMap(value, depth) : new Scalar(value)
  }

  #toSequence(values: readonly unknown[], depth: number): Node {
    const sequence = new YAMLSeq()
    sequence.items = values.map((value) => this.#toNode(value, depth + 1))
    sequence.flow = this.#isBeside && values.every((value) => typeof value !== 'object')
    return sequence
  }

  #toMap(fields: object, depth: number): Node {
    const map = new YAMLMap<Scalar<string>, Node>()
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue
      const [key, node] = [new Scalar(name), this.#toNode(value, depth + 1)]
      // Beside a key that several lines follow there is no room.
      key.commentBefore = node.commentBefore ?? null
      node.commentBefore = null
      key.spaceBefore = this.#isBeside && depth < spacedDepth && map.items.length > 0 && isPart(node)
      map.items.push(new Pair(key, node))
    }
    return map
  }

  #withNote(node: Node, note: string): Node {
    const isLine = node instanceof Scalar || (node instanceof YAMLSeq && node.flow === true)
    node[this.#isBeside && isLine ? 'comment' : 'commentBefore'] = note.replace(/^(?=.)/gm, ' ')
    return node
  }
}

function isPart(node: Node): boolean {
  return node instanceof YAMLMap && node.items.length > 0
}
