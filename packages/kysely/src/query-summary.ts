import { AliasNode, type OperationNode, type RootOperationNode, TableNode } from 'kysely'

/** What a statement is about, as few words as its span has for a name. */
export interface QuerySummary {
  /** `SELECT`, `CREATE TABLE`; undefined for a statement that is text, which nobody reads here. */
  readonly operation: string | undefined
  /** With their schema, where the statement says it. */
  readonly tables: readonly string[]
}

/** What Kysely knows of a statement without its text. */
export function summaryOf(query: RootOperationNode): QuerySummary {
  if (query.kind === 'RawNode') return { operation: undefined, tables: [] }
  const words = query.kind.replace(/(?:Query)?Node$/, '').replace(/\B[A-Z]/g, ' $&')
  return { operation: words.toUpperCase(), tables: sourcesOf(query).flatMap(tableOf) }
}

function sourcesOf(query: RootOperationNode): readonly OperationNode[] {
  const sources: OperationNode[] = []
  if ('into' in query && query.into) sources.push(query.into)
  if ('table' in query && query.table) sources.push(query.table)
  if ('from' in query && query.from) sources.push(...query.from.froms)
  if ('joins' in query && query.joins) sources.push(...query.joins.map(({ table }) => table))
  return sources
}

/** Nothing for what is no table, such as a query within. */
function tableOf(node: OperationNode): readonly string[] {
  if (AliasNode.is(node)) return tableOf(node.node)
  if (!TableNode.is(node)) return []
  const { schema, identifier } = node.table
  return [schema === undefined ? identifier.name : `${schema.name}.${identifier.name}`]
}
