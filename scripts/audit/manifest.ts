/** What this needs of a `package.json`. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** What npm runs on the machine of whoever installs a package. */
const installScripts = ['preinstall', 'install', 'postinstall', 'prepare']

/** The scripts of a package that would run where it is installed. */
export function scriptProblems({ name, scripts = {} }: Manifest): readonly string[] {
  return installScripts
    .filter((script) => Object.hasOwn(scripts, script))
    .map((script) => `${name} has a script ${script}`)
}
