import { Metadata } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { readMetadata, writeMetadata } from './grpc-metadata.ts'

test('text goes both ways, and so do bytes as base64', () => {
  const entries = { 'x-note': 'a, b', baggage: '', 'x-raw-bin': 'AP/+', 'x-short-bin': 'AQ==', 'x-empty-bin': '' }
  const { metadata, refused } = writeMetadata(entries)
  expect(refused).toEqual([])
  expect(metadata.get('x-raw-bin')).toEqual([Buffer.from([0, 255, 254])])
  expect(readMetadata(metadata)).toEqual(entries)
  expect(readMetadata(writeMetadata({ 'x-short-bin': 'AQ' }).metadata)).toEqual({ 'x-short-bin': 'AQ==' })
  expect(readMetadata(new Metadata())).toEqual({})
})

test('what gRPC cannot carry is left out and named', () => {
  const entries = {
    'x-note': 'grün',
    'x-line': 'a\nb',
    'x!': 'a',
    ':path': '/x',
    'x-raw-bin': 'a',
    'x-text-bin': 'gr\u00fcn',
    'x-odd-bin': 'AQ=',
    'grpc-timeout': '1S',
    'grpc-trace-bin': 'AQ==',
    connection: 'close',
    'tenon-input-end': 'whole',
    'x-good': 'a',
  }
  const { metadata, refused } = writeMetadata(entries)
  expect(metadata.getMap()).toEqual({ 'x-good': 'a' })
  expect(refused).toEqual(Object.keys(entries).slice(0, -1))
})

test('the size of a download is left out without a word', () => {
  const { metadata, refused } = writeMetadata({ 'content-length': '3', 'content-range': 'bytes 0-2/9' })
  expect([metadata.getMap(), refused]).toEqual([{ 'content-range': 'bytes 0-2/9' }, []])
})

test('what would make the headers larger than peers take is left out and named', () => {
  const entries = {
    'x-large': 'a'.repeat(8_200),
    'x-first': 'a'.repeat(8_000),
    'x-second': 'a'.repeat(200),
    'x-small': 'a',
  }
  const { metadata, refused } = writeMetadata(entries)
  expect(refused).toEqual(['x-large', 'x-second'])
  expect(Object.keys(metadata.getMap())).toEqual(['x-first', 'x-small'])
})
