/** `getUser` → `GetUser`, `line-items` → `LineItems`. */
export function pascalCase(name: string): string {
  return words(name)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** `userId` → `user_id`. @see Protocol Buffers style guide, field names */
export function protoFieldName(name: string): string {
  return words(name).join('_').toLowerCase()
}

/** The message that stands for one entry of a map field: `unit_prices` → `UnitPricesEntry`. @see Protocol Buffers, maps */
export function mapEntryName(fieldName: string): string {
  return `${pascalCase(fieldName)}Entry`
}

/** `inTransit` → `IN_TRANSIT`. @see Protocol Buffers style guide, enum values */
export function screamingSnakeCase(name: string): string {
  return words(name).join('_').toUpperCase()
}

function words(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
}
