import { expect, it } from 'vitest'
import { type FamilyType, toLabelName, toMetricName } from './metric-name.ts'

it.each<[string, string, FamilyType, string]>([
  ['http.server.request.duration', 's', 'histogram', 'http_server_request_duration_seconds'],
  ['queue.size', 'By', 'gauge', 'queue_size_bytes'],
  ['queue.size.bytes', 'By', 'gauge', 'queue_size_bytes'],
  ['tenon.client.picks', '{call}', 'counter', 'tenon_client_picks'],
  ['jobs_total', '{job}', 'counter', 'jobs'],
  ['jobs_total', '{job}', 'gauge', 'jobs_total'],
  ['jobs.seconds_total', 's', 'counter', 'jobs_seconds'],
  ['heap.use', '1', 'gauge', 'heap_use_ratio'],
  ['tries', '1', 'counter', 'tries'],
  ['speed', 'By/s', 'gauge', 'speed_bytes_per_second'],
  ['rate', '{call}/s', 'gauge', 'rate_per_second'],
  ['wait', 'ms', 'histogram', 'wait_milliseconds'],
  ['odd--näme..x', 'foot/{step}', 'gauge', 'odd_n_me_x_foot'],
  ['2nd', '', 'gauge', '_2nd'],
])('names %s in %s as %s %s', (name, unit, type, family) => {
  expect(toMetricName(name, unit, type).family).toBe(family)
})

it('says of a unit only what stands at the end of the name', () => {
  for (const [unit, type] of [
    ['s', 'histogram'],
    ['By/s', 'gauge'],
    ['{call}', 'gauge'],
  ] as const) {
    const { family, unit: word } = toMetricName('a', unit, type)
    expect(family.endsWith(word)).toBe(true)
  }
})

it('makes labels of attributes, without the colon that metrics may have', () => {
  expect(['http.route', 'a:b', '1st', '__x'].map(toLabelName)).toEqual(['http_route', 'a_b', '_1st', '_x'])
})
