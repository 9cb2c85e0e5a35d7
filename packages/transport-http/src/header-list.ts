/** What stands between the double quotes of an item: text in which `\` takes the next character as it is, or nothing but itself. */
export type QuotedForm = 'quoted-string' | 'entity-tag'

/**
 * The items of a list in a header, with their quotes; a comma between double quotes belongs to the item, and empty items do not
 * count. Takes time by length only, whatever a caller sends.
 *
 * @see RFC 9110 section 5.6.1.2, 5.6.4 and 8.8.3
 */
export function listItems(text: string, form: QuotedForm): readonly string[] {
  const items: string[] = []
  let start = 0
  let isQuoted = false
  const take = (end: number) => {
    const item = text.slice(start, end).trim()
    if (item !== '') items.push(item)
    start = end + 1
  }
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (character === '"') isQuoted = !isQuoted
    else if (character === '\\' && isQuoted && form === 'quoted-string') index += 1
    else if (character === ',' && !isQuoted) take(index)
  }
  take(text.length)
  return items
}

/** The text of an item, without the quotes it stands in. */
export function unquote(item: string): string {
  const isQuoted = item.length > 1 && item.startsWith('"') && item.endsWith('"')
  return isQuoted ? item.slice(1, -1).replaceAll(/\\(.)/g, '$1') : item
}
