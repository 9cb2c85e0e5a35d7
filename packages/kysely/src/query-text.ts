/** Characters of a statement that are told. A guess: what is longer has hundreds of placeholders. */
const mostCharacters = 4_096

/**
 * The text of a statement with `?` for each literal, and without comments. Placeholders stay, and names do.
 *
 * @see OpenTelemetry semantic conventions, sanitization of `db.query.text`
 */
export function withoutValues(text: string, system: string): string {
  const token = system === 'mysql' || system === 'mariadb' ? mysqlToken : standardToken
  const shown = text.slice(0, mostCharacters).replace(token, (found, kept?: string) => kept ?? standIn(found))
  return text.length > mostCharacters ? `${shown}…` : shown
}

function standIn(found: string): string {
  return found.startsWith('--') || found.startsWith('/*') || found.startsWith('#') ? '' : '?'
}

// What has no end has been cut: it is taken for the rest.
const comment = String.raw`--[^\n]*|/\*[\s\S]*?(?:\*/|$)`
const number = String.raw`(?<![\w$@:])\d[\w.]*`
const placeholder = String.raw`[$@:]\w+(?![\w$])`

/** @see PostgreSQL, lexical structure; SQLite and SQL Server write the same */
const standardToken = new RegExp(
  String.raw`("(?:[^"]|"")*(?:"|$)|${placeholder})|${comment}|\b[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|\$(\w*)\$[\s\S]*?(?:\$\2\$|$)|${number}`,
  'g',
)

/** @see MySQL, string literals: in double quotes too, and with backslashes */
const mysqlToken = new RegExp(
  String.raw`(\`[^\`]*(?:\`|$)|${placeholder})|${comment}|#[^\n]*|'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|"(?:[^"\\]|\\[\s\S]|"")*(?:"|$)|${number}`,
  'g',
)
