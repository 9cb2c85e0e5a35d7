import { createHash } from 'node:crypto'

/** A dashboard, as far as it is not the same for all. */
export interface Board {
  /** `queue`: the file's name. */
  readonly kind: string
  readonly title: string
  readonly panels: readonly Panel[]
}

/** Lines over time. */
export interface Panel {
  readonly title: string
  /** As Grafana names it: `s`, `bytes`, `percentunit`, `short`, `ops` for what happens in a second. */
  readonly unit: 's' | 'bytes' | 'percentunit' | 'short' | 'ops'
  readonly queries: readonly Query[]
}

export interface Query {
  readonly expr: string
  /** Names a line by its labels: `{{http_route}}`. */
  readonly legend: string
}

export interface BoardPlace {
  readonly service: string
  /** Which generator made it, for whoever finds the file. */
  readonly mark: string
}

/**
 * A dashboard as Grafana imports it. It asks for the data source of Prometheus by a variable, and has the same address whenever it is generated.
 *
 * @see Grafana: JSON model of dashboards
 */
export function boardText({ kind, title, panels }: Board, { service, mark }: BoardPlace): string {
  const board = {
    description: mark,
    uid: createHash('sha256').update(`tenon/${service}/${kind}`).digest('hex').slice(0, uidLength),
    title: `${service}: ${title}`,
    tags: ['tenon', service],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    time: { from: 'now-3h', to: 'now' },
    refresh: '30s',
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }] },
    panels: panels.map(toPanel),
  }
  return `${JSON.stringify(board, undefined, 2)}\n`
}

/** @see Grafana: a uid has at most 40 characters */
const uidLength = 32

function toPanel({ title, unit, queries }: Panel, index: number): object {
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    datasource,
    gridPos: {
      x: (index % panelsPerRow) * panelWidth,
      y: Math.floor(index / panelsPerRow) * panelHeight,
      w: panelWidth,
      h: panelHeight,
    },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expr, legend }, place) => ({
      refId: String.fromCodePoint(refIdOfFirst + place),
      datasource,
      expr,
      legendFormat: legend,
    })),
  }
}

const datasource = { type: 'prometheus', uid: '${datasource}' }
/** Of the 24 columns that Grafana has. */
const panelWidth = 8
const panelsPerRow = 3
const panelHeight = 8
/** `A` */
const refIdOfFirst = 65
