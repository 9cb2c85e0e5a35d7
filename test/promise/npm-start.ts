import { type OwnProcess, run } from '../support/own-process.ts'
import { embedded, freePort, freePorts } from './shop.ts'

/** `npm start` once it is ready: a process for each service. */
export interface NpmStart extends OwnProcess {
  /** `http://127.0.0.1:12345` of a service. */
  readonly http: (service: string) => string
  readonly admin: (service: string) => string
  readonly processId: (service: string) => number
}

/** Lets both services listen wherever there is room; the order service must know the user service's port before both start. */
export async function npmStart(environment: Readonly<Record<string, string>>): Promise<NpmStart> {
  const userGrpcPort = String(await freePort())
  const npm = run('npm', ['start'], { ...freePorts, ...embedded, USER_GRPC_PORT: userGrpcPort, ...environment })
  await npm.printed('Try:')
  const lineOf = (service: string) => new RegExp(`^${service} +http .*$`, 'm').exec(npm.output())?.[0] ?? ''
  return {
    ...npm,
    http: (service) => / http (http:\/\/\S+)/.exec(lineOf(service))?.[1] ?? '',
    admin: (service) => / admin (http:\/\/\S+)/.exec(lineOf(service))?.[1] ?? '',
    processId: (service) => Number(/ process (\d+)$/.exec(lineOf(service))?.[1]),
  }
}
