/** A place in an object of Kubernetes, whether something stands there or not. Never throws, whatever was written. */
export class Field {
  /** `Deployment/user` */
  readonly object: string
  /** `spec.template.spec.containers[0].image`; empty for the object itself. */
  readonly path: string
  readonly value: unknown

  constructor(object: string, path: string, value: unknown) {
    this.object = object
    this.path = path
    this.value = value
  }

  /** What stands below this, by names of fields. */
  at(...names: readonly string[]): Field {
    return names.reduce<Field>((field, name) => field.#below(joined(field.path, name), name), this)
  }

  /** The items of a list; none where it is no list. */
  get items(): readonly Field[] {
    if (!Array.isArray(this.value)) return []
    return this.value.map((item: unknown, index) => new Field(this.object, `${this.path}[${index}]`, item))
  }

  /** What stands below this, by name; empty where it is no map. */
  get entries(): ReadonlyMap<string, Field> {
    if (!isMap(this.value)) return new Map()
    return new Map(Object.keys(this.value).map((name) => [name, this.at(name)]))
  }

  /** Whether anything was written there. */
  get isSet(): boolean {
    return this.value !== undefined && this.value !== null
  }

  get text(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined
  }

  get number(): number | undefined {
    return typeof this.value === 'number' && Number.isFinite(this.value) ? this.value : undefined
  }

  /** Text, and what YAML takes for a number or a boolean, as text. */
  get shown(): string | undefined {
    return ['string', 'number', 'boolean'].includes(typeof this.value) ? String(this.value) : undefined
  }

  /** The texts of a map, by name. */
  get labels(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.entries, ([name, field]) => [name, field.shown ?? '']))
  }

  #below(path: string, name: string): Field {
    const value: unknown = isMap(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined
    return new Field(this.object, path, value)
  }
}

function joined(path: string, name: string): string {
  const step = /^[\w-]+$/.test(name) ? name : `["${name}"]`
  if (path === '') return step
  return step.startsWith('[') ? `${path}${step}` : `${path}.${step}`
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
