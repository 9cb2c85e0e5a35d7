/** Everything that is reached, each once and behind what it leads to itself; where things lead to each other, the first stands last. */
export function closure(from: readonly string[], leadsTo: (each: string) => readonly string[]): readonly string[] {
  const [visited, ordered] = [new Set<string>(), new Array<string>()]
  const visit = (each: string): void => {
    if (visited.has(each)) return
    visited.add(each)
    for (const next of leadsTo(each)) visit(next)
    ordered.push(each)
  }
  for (const each of from) visit(each)
  return ordered
}
