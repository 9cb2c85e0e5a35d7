import { Metadata } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { readMetadata, writeMetadata } from './grpc-metadata.ts'

test('text goes both ways, binary values are passed over', () => {
  const { metadata } = writeMetadata({ 'x-note': 'a, b', baggage: '' })
  metadata.set('x-raw-bin', Buffer.from([1]))
  expect(readMetadata(metadata)).toEqual({ 'x-note': 'a, b', baggage: '' })
  expect(readMetadata(new Metadata())).toEqual({})
})

test('what gRPC cannot carry is left out and named', () => {
  const entries = {
    'x-note': 'grün',
    'x-line': 'a\nb',
    'x!': 'a',
    ':path': '/x',
    'x-raw-bin': 'a',
    'grpc-timeout': '1S',
    connection: 'close',
    'x-good': 'a',
  }
  const { metadata, refused } = writeMetadata(entries)
  expect(metadata.getMap()).toEqual({ 'x-good': 'a' })
  expect(refused).toEqual(Object.keys(entries).slice(0, -1))
})
