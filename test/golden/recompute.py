#!/usr/bin/env python3
"""Hashes and frames without the server, from doc/image.md, doc/hash.md and doc/frame.md alone.

	recompute.py check           compare with the .tsv files beside this file, and with the documents' examples; prints TAP
	recompute.py rows            read lines "type TAB value TAB hash TAB hash64 TAB frame"; print what differs
	recompute.py mutate SEED N   read frames in hexadecimal, print N damaged ones whose checksum is right again
	recompute.py show            read frames in hexadecimal, print what they hold

Needs Python 3 and the programs xxhsum and zstd. A type is JSON: "int4", {"array": T}, {"row": [[name, T], ...], "name": qname},
{"enum": qname}, {"domain": qname, "over": T}, {"range": qname, "over": T}, {"multirange": qname, "over": T}; in hashes
{"strategy": qname}, whose value is the digest. A value is JSON too: see the functions put_... below.
"""

import datetime
import decimal
import ipaddress
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import uuid

from xxh3 import xxh3_64

HERE = os.path.dirname(os.path.abspath(__file__))
DAY0 = datetime.datetime(2000, 1, 1)

# --- image.md: tables

OIDS = {
	'bool': 16, 'bytea': 17, '"char"': 18, 'name': 19, 'int8': 20, 'int2': 21, 'int2vector': 22, 'int4': 23, 'regproc': 24, 'text': 25,
	'oid': 26, 'xid': 28, 'cid': 29, 'oidvector': 30, 'json': 114, 'xml': 142, 'point': 600, 'lseg': 601, 'path': 602, 'box': 603,
	'polygon': 604, 'line': 628, 'cidr': 650, 'float4': 700, 'float8': 701, 'circle': 718, 'macaddr8': 774,
	'money': 790, 'macaddr': 829, 'inet': 869, 'aclitem': 1033, 'bpchar': 1042, 'varchar': 1043, 'date': 1082,
	'time': 1083, 'timestamp': 1114, 'timestamptz': 1184, 'interval': 1186, 'timetz': 1266, 'bit': 1560,
	'varbit': 1562, 'numeric': 1700, 'regprocedure': 2202, 'regoper': 2203, 'regoperator': 2204, 'regclass': 2205,
	'regtype': 2206, 'uuid': 2950, 'pg_lsn': 3220, 'regconfig': 3734, 'regdictionary': 3769, 'jsonb': 3802,
	'int4range': 3904, 'numrange': 3906, 'tsrange': 3908, 'tstzrange': 3910, 'daterange': 3912, 'int8range': 3926,
	'jsonpath': 4072, 'regnamespace': 4089, 'regrole': 4096, 'regcollation': 4191, 'int4multirange': 4451,
	'nummultirange': 4532, 'tsmultirange': 4533, 'tstzmultirange': 4534, 'datemultirange': 4535,
	'int8multirange': 4536, 'xid8': 5069,
}
NAMES = {oid: name for name, oid in OIDS.items()}
SUBTYPES = {
	'int4range': 'int4', 'numrange': 'numeric', 'tsrange': 'timestamp', 'tstzrange': 'timestamptz',
	'daterange': 'date', 'int8range': 'int8',
}
for _range in list(SUBTYPES):
	SUBTYPES[_range.replace('range', 'multirange')] = _range

# format of struct; those of a fixed size in memory too
NUMBERS = {
	'int2': '<h', 'int4': '<i', 'int8': '<q', 'oid': '<I', 'xid': '<I', 'cid': '<I', 'xid8': '<Q', 'pg_lsn': '<Q',
	'money': '<q', 'float4': '<f', 'float8': '<d',
}
SIZES = {name: struct.calcsize(form) for name, form in NUMBERS.items()}
SIZES.update({'bool': 1, '"char"': 1, 'date': 4, 'time': 8, 'timestamp': 8, 'timestamptz': 8, 'uuid': 16, 'macaddr8': 8})
BY_TEXT = {name for name in OIDS if name.startswith('reg')} | {'aclitem', 'int2vector', 'oidvector'}
TEXTS = {'text', 'varchar', 'bpchar', 'xml', 'name', 'json'} | BY_TEXT
NEVER_SAMPLED = SIZES.keys() | BY_TEXT | {'macaddr', 'numeric'}


class Invalid(Exception):
	"""Bytes that are not what the documents say."""


# --- image.md: notation

def varint(n):
	out = bytearray()
	while n >= 0x80:
		out.append(n & 0x7f | 0x80)
		n >>= 7
	out.append(n)
	return bytes(out)


def sized(content):
	return varint(len(content)) + content


def name(text):
	return sized(text.encode())


def qname(text):
	return b''.join(name(part) for part in (text.split('.', 1) if text else ('', '')))


class Reader:
	def __init__(self, data):
		self.data = data
		self.at = 0

	def take(self, n):
		if n > len(self.data) - self.at:
			raise Invalid('too short')
		self.at += n
		return self.data[self.at - n:self.at]

	def byte(self):
		return self.take(1)[0]

	def varint(self):
		value = shift = 0
		while True:
			byte = self.byte()
			value |= (byte & 0x7f) << shift
			if byte < 0x80:
				if (byte == 0 and shift > 0) or value >> 64:
					raise Invalid('varint')
				return value
			shift += 7

	def sized(self):
		return self.take(self.varint())

	def name(self):
		return self.sized().decode()

	def qname(self):
		schema, own = self.name(), self.name()
		return schema + '.' + own if schema or own else ''

	def end(self):
		if self.at != len(self.data):
			raise Invalid('bytes left over')


# --- image.md: descriptors

def descriptor(type_, for_frame):
	if type_ == 'record':
		return b'\x09'
	if isinstance(type_, str):
		return b'\x01' + struct.pack('<H', OIDS[type_])
	if 'enum' in type_:
		return b'\x03' + qname(type_['enum'])
	if 'strategy' in type_:
		return b'\x0a' + qname(type_['strategy'])
	if 'range' in type_:
		return b'\x04' + qname(type_['range']) + descriptor(type_['over'], for_frame)
	if 'multirange' in type_:
		return b'\x05' + qname(type_['multirange']) + descriptor(type_['over'], for_frame)
	if 'domain' in type_:
		over = descriptor(type_['over'], for_frame)
		return b'\x06' + qname(type_['domain']) + over if for_frame else over
	if 'array' in type_:
		return b'\x07' + descriptor(type_['array'], for_frame)
	columns = type_['row']
	return (b'\x08' + qname(type_.get('name', '') if for_frame else '') + varint(len(columns)) +
			b''.join(name(column) + descriptor(part, for_frame) for column, part in columns))


def read_descriptor(reader):
	tag = reader.byte()
	if tag == 1:
		oid = struct.unpack('<H', reader.take(2))[0]
		if oid not in NAMES:
			raise Invalid('unknown OID %d' % oid)
		return NAMES[oid]
	if tag == 2:
		raise Invalid('base types are not known here')
	if tag == 3:
		return {'enum': reader.qname()}
	if tag in (4, 5, 6):
		own = reader.qname()
		return {{4: 'range', 5: 'multirange', 6: 'domain'}[tag]: own, 'over': read_descriptor(reader)}
	if tag == 7:
		return {'array': read_descriptor(reader)}
	if tag == 8:
		own = reader.qname()
		columns = [[reader.name(), read_descriptor(reader)] for _ in range(reader.varint())]
		return {'row': columns, 'name': own} if own else {'row': columns}
	if tag == 9:
		return 'record'
	raise Invalid('tag %d' % tag)


# --- image.md: built-in types. put_... is given the JSON of a value, read_... gives it

def put_number(type_, value):
	if isinstance(value, dict):		# {"bits": hexadecimal}, as they lie in the image
		return bytes.fromhex(value['bits'])
	return struct.pack(NUMBERS[type_], float(value) if type_.startswith('float') else value)


def read_number(type_, content):
	value = struct.unpack(NUMBERS[type_], content)[0]
	if not type_.startswith('float'):
		return value
	if value != value:
		canonical = struct.pack(NUMBERS[type_], float('nan'))
		return 'NaN' if content == canonical else {'bits': content.hex()}
	if value in (float('inf'), float('-inf')):
		return 'Infinity' if value > 0 else '-Infinity'
	return value


def put_time(type_, value):
	"""ISO 8601 without zone, "infinity" or "-infinity"."""
	form = '<i' if type_ == 'date' else '<q'
	limit = 1 << (31 if type_ == 'date' else 63)
	if value in ('infinity', '-infinity'):
		return struct.pack(form, limit - 1 if value == 'infinity' else -limit)
	if type_ == 'date':
		return struct.pack(form, (datetime.datetime.fromisoformat(value) - DAY0).days)
	if type_ == 'time':
		value = '2000-01-01 ' + value
	delta = datetime.datetime.fromisoformat(value) - DAY0
	return struct.pack(form, (delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds)


def read_time(type_, content):
	number = struct.unpack('<i' if type_ == 'date' else '<q', content)[0]
	limit = 1 << (31 if type_ == 'date' else 63)
	if type_ != 'time' and number in (limit - 1, -limit):
		return 'infinity' if number > 0 else '-infinity'
	if type_ == 'date':
		return (DAY0 + datetime.timedelta(days=number)).date().isoformat()
	moment = DAY0 + datetime.timedelta(microseconds=number)
	return moment.time().isoformat() if type_ == 'time' else moment.isoformat(' ')


def numeric_words(value):
	"""Of a string as SQL shows it."""
	special = {'NaN': 0xc000, 'Infinity': 0xd000, '-Infinity': 0xf000}
	if value in special:
		return struct.pack('<H', special[value])
	negative = value.startswith('-')
	whole, _, fraction = value.lstrip('-').partition('.')
	scale = len(fraction)
	weight = (len(whole) + 3) // 4 - 1
	whole = whole.rjust(4 * (weight + 1), '0')
	fraction = fraction.ljust((scale + 3) // 4 * 4, '0')
	digits = [int((whole + fraction)[i:i + 4]) for i in range(0, len(whole) + len(fraction), 4)]
	while digits and digits[0] == 0:
		del digits[0]
		weight -= 1
	while digits and digits[-1] == 0:
		del digits[-1]
	if not digits:
		weight, negative = 0, False
	if scale <= 63 and -64 <= weight <= 63:
		words = struct.pack('<H', 0x8000 | negative << 13 | scale << 7 | weight & 0x7f)
	else:
		words = struct.pack('<Hh', negative << 14 | scale, weight)
	return words + struct.pack('<%dH' % len(digits), *digits)


def read_numeric(content):
	words = struct.unpack('<%dH' % (len(content) // 2), content)
	special = {0xc000: 'NaN', 0xd000: 'Infinity', 0xf000: '-Infinity'}
	if words[0] in special:
		return special[words[0]]
	if words[0] & 0x8000:
		negative, scale, weight = words[0] >> 13 & 1, words[0] >> 7 & 0x3f, (words[0] & 0x3f) - (words[0] & 0x40)
		digits = words[1:]
	else:
		negative, scale, weight = words[0] >> 14, words[0] & 0x3fff, struct.unpack('<h', content[2:4])[0]
		digits = words[2:]
	with decimal.localcontext() as context:
		context.prec = 200000
		total = sum((decimal.Decimal(digit).scaleb(4 * (weight - i)) for i, digit in enumerate(digits)),
					decimal.Decimal(0))
		return '{:f}'.format((-total if negative else total).quantize(decimal.Decimal(1).scaleb(-scale)))


def jsonb_text(value):
	"""Of JSON in which numbers are decimal.Decimal, as the server prints it."""
	if isinstance(value, dict):
		pairs = sorted(((key.encode(), key, part) for key, part in value.items()), key=lambda x: (len(x[0]), x[0]))
		return '{' + ', '.join('%s: %s' % (jsonb_text(key), jsonb_text(part)) for _, key, part in pairs) + '}'
	if isinstance(value, list):
		return '[' + ', '.join(map(jsonb_text, value)) + ']'
	if isinstance(value, decimal.Decimal):
		return '{:f}'.format(value)
	return json.dumps(value, ensure_ascii=False)


def put_jsonb(value, for_frame):
	"""A string that is JSON."""
	parsed = json.loads(value, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
	return sized(b'\x02' + jsonb_root(parsed) if for_frame else b'\x01' + jsonb_text(parsed).encode())


def jsonb_root(value):
	return jsonb_node(value) if isinstance(value, (dict, list)) else jsonb_tree(5, 1, [value])


def jsonb_node(value):
	if isinstance(value, dict):
		pairs = sorted(value.items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode()))
		return jsonb_tree(2, len(pairs), [key for key, _ in pairs] + [part for _, part in pairs])
	return jsonb_tree(4, len(value), value)


def jsonb_tree(kind, count, parts):
	entries, contents = [], b''
	for i, part in enumerate(parts):
		start = len(contents)
		code, content = jsonb_content(part)
		if code in (1, 5):
			contents += bytes(-start % 4)
		contents += content
		entries.append(code << 28 | (len(contents) - start if i % 32 else 1 << 31 | len(contents)))
	return struct.pack('<%dI' % (1 + len(entries)), kind << 28 | count, *entries) + contents


def jsonb_content(value):
	"""(kind of entry, content without what aligns it)"""
	if isinstance(value, str):
		return 0, value.encode()
	if isinstance(value, decimal.Decimal):
		words = numeric_words('{:f}'.format(value))
		return 1, struct.pack('<I', 4 * (4 + len(words))) + words
	if isinstance(value, (dict, list)):
		return 5, jsonb_node(value)
	return {False: 2, True: 3, None: 4}[value], b''


def read_jsonb(content):
	if content[:1] == b'\x01':
		return content[1:].decode()
	if content[:1] != b'\x02':
		raise Invalid('form of jsonb')
	return jsonb_text(read_jsonb_tree(content[1:], True))


def read_jsonb_tree(tree, is_root=False):
	reader = Reader(tree)
	header = struct.unpack('<I', reader.take(4))[0]
	kind, count = header >> 28, header & 0xfffffff
	if kind not in (2, 4, 5) or kind == 5 and not (is_root and count == 1):
		raise Invalid('jsonb header')
	n = 2 * count if kind == 2 else count
	entries = struct.unpack('<%dI' % n, reader.take(4 * n))
	start = reader.at
	parts = []
	for i, entry in enumerate(entries):
		if (entry >> 31 == 1) != (i % 32 == 0):
			raise Invalid('jsonb stride')
		size = entry & 0xfffffff
		content = reader.take(size - (reader.at - start if i % 32 == 0 else 0))
		code = entry >> 28 & 7
		if code in (1, 5):
			padding = -(reader.at - len(content)) % 4
			if any(content[:padding]):
				raise Invalid('jsonb padding')
			content = content[padding:]
		parts.append(read_jsonb_part(code, content))
	reader.end()
	if kind == 5:
		if isinstance(parts[0], (dict, list)):
			raise Invalid('jsonb scalar')
		return parts[0]
	if kind == 4:
		return parts
	keys = [(len(key.encode()), key.encode()) for key in parts[:count] if isinstance(key, str)]
	if len(keys) != count or any(a >= b for a, b in zip(keys, keys[1:])):
		raise Invalid('jsonb keys')
	return dict(zip(parts[:count], parts[count:]))


def read_jsonb_part(code, content):
	if code == 0:
		if b'\0' in content:
			raise Invalid('jsonb string')
		return content.decode()
	if code == 1:
		value = read_numeric(content[4:])
		if struct.unpack('<I', content[:4])[0] != 4 * len(content) or numeric_words(value) != content[4:]:
			raise Invalid('jsonb number')
		return decimal.Decimal(value)
	if code == 5:
		return read_jsonb_tree(content)
	if code > 4 or content:
		raise Invalid('jsonb entry')
	return {2: False, 3: True, 4: None}[code]


def put_inet(type_, value):
	"""192.168.1.5/24"""
	address = ipaddress.ip_interface(value)
	packed = address.packed
	return sized(bytes([2 if address.version == 4 else 3, address.network.prefixlen, type_ == 'cidr', len(packed)]) + packed)


def read_inet(content):
	return '%s/%d' % (ipaddress.ip_address(content[4:]), content[1])


def put_bits(value):
	"""A string of 0 and 1."""
	padded = value + '0' * (-len(value) % 8)
	return sized(struct.pack('>i', len(value)) + bytes(int(padded[i:i + 8], 2) for i in range(0, len(padded), 8)))


def read_bits(content):
	n = struct.unpack('>i', content[:4])[0]
	return ''.join('{:08b}'.format(byte) for byte in content[4:])[:n]


def put_points(type_, value):
	"""A list of numbers; of a path, whether it is closed comes first."""
	head = b''
	if type_ == 'path':
		head, value = bytes([value[0]]), value[1:]
	if type_ in ('path', 'polygon'):
		head += struct.pack('>i', len(value) // 2)
	return sized(head + struct.pack('>%dd' % len(value), *value))


def read_points(type_, content):
	skip = {'path': 5, 'polygon': 4}.get(type_, 0)
	numbers = list(struct.unpack('>%dd' % ((len(content) - skip) // 8), content[skip:]))
	return [content[0] == 1] + numbers if type_ == 'path' else numbers


def put_builtin(type_, value, for_frame):
	if type_ in NUMBERS:
		return put_number(type_, value)
	if type_ == 'bool':
		return bytes([value])
	if type_ == '"char"':
		return bytes([value])
	if type_ in ('date', 'time', 'timestamp', 'timestamptz'):
		return put_time(type_, value)
	if type_ == 'uuid':
		return uuid.UUID(value).bytes
	if type_ in ('macaddr', 'macaddr8'):
		return bytes.fromhex(value.replace(':', ''))
	if type_ == 'bytea':
		return sized(bytes.fromhex(value))
	if type_ in TEXTS:
		return sized(value.encode())
	if type_ == 'numeric':
		return sized(numeric_words(value))
	if type_ == 'jsonb':
		return put_jsonb(value, for_frame)
	if type_ == 'jsonpath':
		return sized(b'\x01' + value.encode())
	if type_ == 'interval':
		months, days, microseconds = value
		return sized(struct.pack('>qii', microseconds, days, months))
	if type_ == 'timetz':
		return sized(struct.pack('>qi', *value))
	if type_ in ('inet', 'cidr'):
		return put_inet(type_, value)
	if type_ in ('bit', 'varbit'):
		return put_bits(value)
	return put_points(type_, value)


def read_builtin(reader, type_):
	if type_ in NUMBERS:
		return read_number(type_, reader.take(SIZES[type_]))
	if type_ == 'bool':
		return {0: False, 1: True}[reader.byte()]
	if type_ == '"char"':
		return reader.byte()
	if type_ in ('date', 'time', 'timestamp', 'timestamptz'):
		return read_time(type_, reader.take(SIZES[type_]))
	if type_ == 'uuid':
		return str(uuid.UUID(bytes=reader.take(16)))
	if type_ in ('macaddr', 'macaddr8'):
		return reader.take(6 if type_ == 'macaddr' else 8).hex(':')
	content = reader.sized()
	if type_ == 'bytea':
		return content.hex()
	if type_ in TEXTS:
		return content.decode()
	if type_ == 'numeric':
		return read_numeric(content)
	if type_ == 'jsonb':
		return read_jsonb(content)
	if type_ == 'jsonpath':
		return content[1:].decode()
	if type_ == 'interval':
		return list(reversed(struct.unpack('>qii', content)))
	if type_ == 'timetz':
		return list(struct.unpack('>qi', content))
	if type_ in ('inet', 'cidr'):
		return read_inet(content)
	if type_ in ('bit', 'varbit'):
		return read_bits(content)
	return read_points(type_, content)


# --- image.md: other types

def subtype(type_):
	"""Of a range the subtype, of a multirange the range, else None."""
	if isinstance(type_, str):
		return SUBTYPES.get(type_)
	return type_['over'] if 'range' in type_ or 'multirange' in type_ else None


def is_multirange(type_):
	return type_.endswith('multirange') if isinstance(type_, str) else 'multirange' in type_


class Writer:
	"""Images for hashes or frames, sampled or not."""

	def __init__(self, for_frame, sampling=None):
		self.for_frame = for_frame
		self.sampling = sampling		# threshold, samples

	def image(self, type_, value):
		if type_ == 'record':
			return self.record(value)
		if subtype(type_):
			return self.multirange(type_, value) if is_multirange(type_) else self.range(type_, value)
		if isinstance(type_, str):
			return self.builtin(type_, value)
		if 'enum' in type_:
			return sized(value.encode())
		if 'strategy' in type_:
			return uuid.UUID(value).bytes
		if 'domain' in type_:
			return self.image(type_['over'], value)
		if 'array' in type_:
			return self.array(type_['array'], value)
		return self.row([part for _, part in type_['row']], value)

	def builtin(self, type_, value):
		image = put_builtin(type_, value, self.for_frame)
		if self.sampling and type_ not in NEVER_SAMPLED:
			content = Reader(image).sized()
			if self.is_large(len(content) > 8 * self.sampling[0], len(content)):
				return self.sample(content)
		return image

	def range(self, type_, value):
		""""empty", or [lower, upper, "[)"]; an infinite bound is null."""
		if value == 'empty':
			return b'\x01'
		lower, upper, bounds = value
		flags = ((2 if bounds[0] == '[' else 0) | (4 if bounds[1] == ']' else 0) |
				 (8 if lower is None else 0) | (16 if upper is None else 0))
		return bytes([flags]) + b''.join(self.image(subtype(type_), x) for x in (lower, upper) if x is not None)

	def multirange(self, type_, value):
		return varint(len(value)) + b''.join(self.range(subtype(type_), part) for part in value)

	def row(self, types, value):
		"""A list of values."""
		bits = bitmap(value) or b'\0'
		return bits + b''.join(self.image(part, x) for part, x in zip(types, value) if x is not None)

	def record(self, value):
		"""{"type": row type, "value": list}"""
		return sized(descriptor(value['type'], self.for_frame)) + self.image(value['type'], value['value'])

	def array(self, element, value):
		"""A list, or {"dims": [...], "lower": [...], "items": list in row-major order}."""
		if isinstance(value, list):
			value = {'dims': [len(value)], 'lower': [1], 'items': value} if value else {'dims': [], 'lower': [], 'items': []}
		items = value['items']
		present = [x for x in items if x is not None]
		shape = varint(len(value['dims'])) + b''.join(
			varint(dim) + struct.pack('<i', lower) for dim, lower in zip(value['dims'], value['lower']))
		shape += b'\x01' + bitmap(items) if len(present) < len(items) else b'\x00'
		weight = 10 if element == 'record' or isinstance(element, dict) and 'row' in element else 1
		if self.sampling and len(present) * weight > self.sampling[0]:
			size = SIZES.get(element) if isinstance(element, str) else None
			if size and self.is_large(True, size * len(present)):
				return b'\x7f' + shape + self.sample(b''.join(self.image(element, x) for x in present))
			if not size and len(present) - 1000 > self.sampling[1]:
				return b'\x7f' + shape + varint(self.sampling[1]) + b''.join(
					self.image(element, present[i]) for i in sampled_elements(len(present), self.sampling[1]))
		return shape + b''.join(self.image(element, x) for x in present)

	# hash.md: sampled hashes

	def is_large(self, above_threshold, n):
		return above_threshold and n > 8192 + 1024 * self.sampling[1]

	def sample(self, content):
		n, samples = len(content), self.sampling[1]
		return (bytes.fromhex('ffffffff0f') + varint(n) + varint(samples) +
				b''.join(content[a:b] for a, b in sampled_parts(n, samples)))


def sampled_parts(n, samples):
	parts = [(0, 4096)]
	for i in range(1, samples + 1):
		at = 4096 + (n - 9216) * i // (samples + 1)
		parts.append((at, at + 1024))
	return parts + [(n - 4096, n)]


def sampled_elements(n, samples):
	between = {500 + (n - 1000) * i // samples for i in range(samples)}
	return [i for i in range(n) if i < 500 or i >= n - 500 or i in between]


def bitmap(values):
	bits = bytearray((len(values) + 7) // 8)
	for i, value in enumerate(values):
		if value is not None:
			bits[i // 8] |= 1 << i % 8
	return bytes(bits)


def read_bitmap(reader, n):
	bits = reader.take((n + 7) // 8)
	if n % 8 and bits[-1] >> n % 8:
		raise Invalid('bits behind a bitmap')
	return [bits[i // 8] >> i % 8 & 1 == 1 for i in range(n)]


def read_range(reader, type_):
	flags = reader.byte()
	if flags == 1:
		return 'empty'
	lower = None if flags & 8 else read_image(reader, subtype(type_))
	upper = None if flags & 16 else read_image(reader, subtype(type_))
	return [lower, upper, ('[' if flags & 2 else '(') + (']' if flags & 4 else ')')]


def read_row(reader, types):
	present = read_bitmap(reader, len(types))
	if not types:
		reader.take(1)
	return [read_image(reader, part) if there else None for part, there in zip(types, present)]


def read_array(reader, element):
	dims, lower = [], []
	for _ in range(reader.varint()):
		dims.append(reader.varint())
		lower.append(struct.unpack('<i', reader.take(4))[0])
	n = 1 if dims else 0
	for dim in dims:
		n *= dim
	has_nulls = reader.byte()
	present = read_bitmap(reader, n) if has_nulls else [True] * n
	items = [read_image(reader, element) if there else None for there in present]
	return items if lower == [1] or not dims else {'dims': dims, 'lower': lower, 'items': items}


def read_image(reader, type_):
	if type_ == 'record':
		own = read_descriptor(Reader(reader.sized()))
		return {'type': own, 'value': read_image(reader, own)}
	if subtype(type_):
		if is_multirange(type_):
			return [read_range(reader, subtype(type_)) for _ in range(reader.varint())]
		return read_range(reader, type_)
	if isinstance(type_, str):
		return read_builtin(reader, type_)
	if 'enum' in type_:
		return reader.sized().decode()
	if 'domain' in type_:
		return read_image(reader, type_['over'])
	if 'array' in type_:
		return read_array(reader, type_['array'])
	return read_row(reader, [part for _, part in type_['row']])


# --- hash.md

def canonical_form(type_, value, sampling=None):
	start = descriptor(type_, False)
	return start + (b'\x00' if value is None else b'\x01' + Writer(False, sampling).image(type_, value))


def xxhsum(algorithm, contents):
	"""One hexadecimal hash for each string of bytes."""
	with tempfile.TemporaryDirectory() as folder:
		paths = []
		for i, content in enumerate(contents):
			paths.append(os.path.join(folder, '%d.bin' % i))
			with open(paths[-1], 'wb') as file:
				file.write(content)
		hashes = []
		for i in range(0, len(paths), 1000):
			lines = subprocess.run(['xxhsum', algorithm] + paths[i:i + 1000], check=True, capture_output=True, text=True).stdout
			hashes += [re.search(r'(?:^|[= _])([0-9a-f]{16,32})(?= |$)', line)[1] for line in lines.splitlines()]
	return hashes


def hashes(forms):
	"""(uuid, hash64) of each canonical form."""
	def signed(text):
		number = int(text, 16)
		return number - (1 << 64) if number >> 63 else number
	return list(zip([str(uuid.UUID(x)) for x in xxhsum('-H2', forms)], [signed(x) for x in xxhsum('-H3', forms)]))


# --- hash.md: row sets

def digests(forms):
	return [bytes.fromhex(x) for x in xxhsum('-H2', forms)]


def item(type_, value):
	return b'\x00' if value is None else b'\x01' + Writer(False).image(type_, value)


def counted_sum(hashes_):
	total = sum(int.from_bytes(x, 'big') for x in hashes_) % (1 << 128)
	return struct.pack('<Q', len(hashes_)) + total.to_bytes(16, 'little')


def row_form(form, type_, value):
	"""The canonical form of a list of values; of {"bytes": size of the file, "items": list}; of a list of such."""
	start = descriptor(type_, False)
	if form == 'sampled tree':
		return b'\x0f' + start + counted_sum(digests([row_form('sampled table', type_, table_) for table_ in value]))
	number = len(value)
	if form == 'sampled table':
		number, value = value['bytes'], value['items']
	items = [item(type_, x) for x in value]
	if form == 'list' or form == 'sampled list' and len(items) <= 1000:
		return b'\x0b' + start + b''.join(items)
	if form == 'set' or form == 'sampled table' and len(items) <= 1000:
		return b'\x0c' + start + counted_sum(digests(items))
	tag = {'sampled list': b'\x0d', 'sampled table': b'\x0e'}[form]
	return tag + start + struct.pack('<Q', number) + b''.join(digests(items[:500] + items[-500:]))


# --- frame.md

def seal(head, rest):
	return head + xxh3_64(rest, int.from_bytes(head, 'little')).to_bytes(8, 'little') + rest


def frame(type_, value):
	"""With the codec none."""
	head = bytes.fromhex('f55301') + (b'\x80' if value is None else b'\x00')
	body = b'' if value is None else Writer(True).image(type_, value)
	return seal(head, sized(descriptor(type_, True)) + body)


def lz4_block(data, rawlen):
	reader, out = Reader(data), bytearray()

	def length(nibble):
		total = nibble
		while nibble == 15:
			more = reader.byte()
			total += more
			if more != 255:
				break
		return total
	while True:
		token = reader.byte()
		out += reader.take(length(token >> 4))
		if reader.at == len(data):
			break
		offset = struct.unpack('<H', reader.take(2))[0]
		if offset == 0 or offset > len(out):
			raise Invalid('lz4 offset')
		for _ in range(length(token & 15) + 4):
			out.append(out[-offset])
	if len(out) != rawlen:
		raise Invalid('lz4 length')
	return bytes(out)


def zstd_frame(data, rawlen):
	result = subprocess.run(['zstd', '-dcq'], input=data, capture_output=True, check=False)
	if result.returncode != 0 or len(result.stdout) != rawlen:
		raise Invalid('zstd')
	return result.stdout


def undo_rows(layout, laid):
	"""From columns to rows."""
	reader, laid = Reader(layout), Reader(laid)
	prologue, nrows, ncolumns = reader.varint(), reader.varint(), reader.varint()
	if ncolumns == 0:
		raise Invalid('columns')
	columns = [(reader.byte(), reader.byte(), reader.varint()) for _ in range(ncolumns)]
	reader.end()
	nbytes = (ncolumns + 7) // 8
	out = bytearray(laid.take(prologue))
	bitmaps = [laid.take(nbytes) for _ in range(nrows)]
	values = []
	for width, number, size in columns:
		if number > 7 or number == 4 or number and width != 1 << (number & 3):
			raise Invalid('filter of a column')
		values.append((width, Reader(undo_filter(number, laid.take(size)))))
	laid.end()
	for bitmap in bitmaps:
		out += bitmap
		for i, (width, column) in enumerate(values):
			if bitmap[i // 8] >> (i % 8) & 1:
				out += column.take(width) if width else sized(column.sized())
	for _, column in values:
		column.end()
	return bytes(out)


def undo_filter(number, data):
	"""Byte planes of 2, 4 or 8 bytes; plus 4: of differences, their sign in the lowest bit."""
	if number == 0:
		return data
	width = 1 << (number & 3)
	head, planes = data[:len(data) % width], data[len(data) % width:]
	n = len(planes) // width
	out, before = bytearray(head), 0
	for i in range(n):
		element = int.from_bytes(planes[i::n], 'little')
		if number & 4:
			before = element = (before + ((element >> 1) ^ -(element & 1))) % (1 << (8 * width))
		out += element.to_bytes(width, 'little')
	return bytes(out)


def open_frame(data):
	"""(descriptor, image or None)"""
	if len(data) < 13 or data[:2] != b'\xf5S':
		raise Invalid('magic')
	if seal(data[:4], data[12:]) != data:
		raise Invalid('checksum')
	if data[2] != 1:
		raise Invalid('version')
	if data[3] & 0x70 and (data[3] & 0x80 or not data[3] & 15):
		raise Invalid('a filter without a codec')
	reader = Reader(data)
	reader.at = 12
	type_ = reader.sized()
	if data[3] & 0x80:
		reader.end()
		return type_, None
	if data[3] & 15 == 0:
		return type_, data[reader.at:]
	unpack = {1: lz4_block, 2: zstd_frame}.get(data[3] & 15)
	if unpack is None:
		raise Invalid('codec')
	rawlen = reader.varint()
	if data[3] >> 4 == 4:
		layout = reader.sized()
		return type_, undo_rows(layout, unpack(data[reader.at:], rawlen))
	return type_, undo_filter(data[3] >> 4, unpack(data[reader.at:], rawlen))


def read_frame(data):
	"""(type, value)"""
	start, image = open_frame(data)
	reader = Reader(start)
	type_ = read_descriptor(reader)
	reader.end()
	if image is None:
		return type_, None
	reader = Reader(image)
	value = read_image(reader, type_)
	reader.end()
	return type_, value


# --- commands

def same(a, b):
	"""JSON values, where -0.0 is not 0.0."""
	return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def normal(type_, value):
	"""The value as the functions that read give it: jsonb in the server's spelling, blanks as in ISO 8601."""
	if value is None:
		return None
	reader = Reader(Writer(True).image(type_, value))
	return read_image(reader, type_)


def table(file):
	with open(os.path.join(HERE, file), encoding='utf-8') as lines:
		for line in lines:
			if line.strip() and not line.startswith('#'):
				yield line.rstrip('\n').split('\t')


class Tap:
	def __init__(self):
		self.count = self.failed = 0

	def ok(self, holds, what, got='', wanted=''):
		self.count += 1
		print('%s %d - %s' % ('ok' if holds else 'not ok', self.count, what))
		if not holds:
			self.failed += 1
			print('# got    %s\n# wanted %s' % (got, wanted))

	def is_equal(self, got, wanted, what):
		self.ok(got == wanted, what, got, wanted)


def check_xxh3(tap):
	noise = random.Random(1)
	samples = [noise.randbytes(n) for n in list(range(0, 300)) + [1023, 1024, 1025, 2048, 2049, 5000]]
	wanted = xxhsum('-H3', samples)
	wrong = [len(x) for x, hash_ in zip(samples, wanted) if '%016x' % xxh3_64(x) != hash_]
	tap.is_equal(wrong, [], 'XXH3-64 in Python is that of xxhsum')


def missed(n, samples, run):
	"""Chance of hash.md that a run is missed, and the true one."""
	gap = (n - 9216) / (samples + 1)
	stated = (2 * max(0, gap - run + 1) + (samples - 1) * max(0, gap - 1024 - run + 1)) / (n - run + 1)
	seen = bytearray(n)
	for a, b in sampled_parts(n, samples):
		seen[a:b] = b'\1' * (b - a)
	unseen = 0
	length = 0
	for byte in seen:
		length = 0 if byte else length + 1
		unseen += length >= run
	return stated, unseen / (n - run + 1)


def check_chances(tap):
	for n, samples, run in ((100000, 64, 1), (100000, 64, 1024), (1000000, 64, 1), (1000000, 64, 10000), (300000, 8, 1000),
							(90000, 64, 1397), (1000000, 64, 100000)):
		stated, true = missed(n, samples, run)
		tap.ok(abs(stated - true) < 0.0005, 'chance to miss %d of %d bytes with %d samples' % (run, n, samples), true, stated)


def check_hashes(tap):
	rows = [(line[0], json.loads(line[1]), json.loads(line[2]), line[3], int(line[4])) for line in table('hash.tsv')]
	found = hashes([canonical_form(type_, value) for _, type_, value, _, _ in rows])
	for row, got in zip(rows, found):
		tap.is_equal(got, row[3:], 'hash of ' + row[0])
	tap.is_equal(len({row[3] for row in rows}), len(rows), 'all hashes of values differ')


def check_sampled(tap):
	rows = [(line[0], json.loads(line[1]), eval_series(json.loads(line[2])), int(line[3]), int(line[4]), line[5])
			for line in table('sampled.tsv')]
	found = hashes([canonical_form(type_, value, (threshold, samples)) for _, type_, value, threshold, samples, _ in rows])
	for row, got in zip(rows, found):
		tap.is_equal(got[0], row[5], 'sampled hash of %s with %d, %d' % (row[0], row[3], row[4]))


def check_rows(tap):
	rows = [(line[0], line[1], json.loads(line[2]), eval_series(json.loads(line[3])), line[4]) for line in table('rows.tsv')]
	found = hashes([row_form(form, type_, value) for _, form, type_, value, _ in rows])
	for row, got in zip(rows, found):
		tap.is_equal(got[0], row[4], '%s: %s' % (row[1], row[0]))
	tap.is_equal(len({row[4] for row in rows}), len(rows), 'all hashes of row sets differ')


def eval_series(value):
	"""Large values, told in short."""
	if isinstance(value, dict) and 'lines' in value:
		first, last = value['lines']
		return [[i, str(i)] for i in range(first, last + 1)]
	if isinstance(value, dict) and 'items' in value:
		return {**value, 'items': eval_series(value['items'])}
	if isinstance(value, dict) and 'numbers' in value:
		return list(range(1, value['numbers'] + 1))
	if isinstance(value, dict) and 'pairs' in value:
		return [[i, str(i)] for i in range(1, value['pairs'] + 1)]
	if isinstance(value, dict) and 'texts' in value:
		return [str(i) for i in range(1, value['texts'] + 1)]
	if isinstance(value, dict) and 'text' in value:
		return ' '.join(str(i) for i in range(1, value['text'] + 1))
	if isinstance(value, list):
		return [eval_series(part) for part in value]
	return value


def check_frames(tap):
	lines = list(table('frames.tsv'))
	# older spellings are only read
	newest = {line[0]: line[3] for line in lines}
	for expression, type_, value, plain, packed in lines:
		type_, value = json.loads(type_), json.loads(value)
		value = normal(type_, value)
		tap.is_equal(frame(type_, value).hex(), newest[expression], 'frame of ' + expression)
		for codec, data in (('none', plain), ('compressed', packed)):
			got = read_frame(bytes.fromhex(data))
			tap.ok(same(got, [type_, value]), '%s frame of %s is read' % (codec, expression), got, (type_, value))


def check_documents(tap):
	"""The examples in the tables of hash.md and frame.md."""
	folder = os.path.join(HERE, '..', '..', 'doc')
	rows = {}
	for file in ('hash.md', 'frame.md'):
		with open(os.path.join(folder, file), encoding='utf-8') as lines:
			rows[file] = [match for match in (re.match(r'\| `(.*?)`.*? \| ((?:`[0-9a-f]+` ?)+) \|(?: `(\S+)`(?:, (-?\d+))? \|)?$', line)
											  for line in lines) if match]
	forms = [bytes.fromhex(re.sub('[` ]', '', row[2])) for row in rows['hash.md']]
	for row, got in zip(rows['hash.md'], hashes(forms)):
		tap.is_equal(got, (row[3], int(row[4]) if row[4] else got[1]), 'hash.md: ' + row[1])
	for row in rows['frame.md']:
		data = bytes.fromhex(re.sub('[` ]', '', row[2]))
		type_, value = read_frame(data)
		tap.ok(data[3] & 15 or frame(type_, value) == data, 'frame.md: ' + row[1])
	tap.ok(len(rows['hash.md']) > 5 and len(rows['frame.md']) > 4, 'the documents have examples')


def check_refusals(tap):
	good = frame('text', 'some text')
	for what, bad in (('foreign', b'x' + good[1:]), ('cut', good[:-1]), ('longer', good + b'x'), ('damaged', good[:-1] + b'x'),
					  ('newer', seal(b'\xf5S\x02\0', good[12:])), ('longer image', seal(good[:4], good[12:] + b'x'))):
		try:
			tap.ok(False, 'a frame that is %s is refused' % what, read_frame(bad), 'an error')
		except Invalid:
			tap.ok(True, 'a frame that is %s is refused' % what)


def check():
	tap = Tap()
	for step in (check_xxh3, check_chances, check_hashes, check_sampled, check_rows, check_frames, check_documents, check_refusals):
		step(tap)
	print('1..%d' % tap.count)
	return tap.failed == 0


def rows():
	lines = [line.rstrip('\n').split('\t') for line in sys.stdin]
	values = [(json.loads(line[0]), json.loads(line[1])) for line in lines]
	found = hashes([canonical_form(type_, value) for type_, value in values])
	wrong = 0
	for line, (type_, value), (hash_, hash64) in zip(lines, values, found):
		got = [hash_, str(hash64), frame(type_, value).hex()]
		if got != line[2:] or not same(read_frame(bytes.fromhex(line[4])), [type_, normal(type_, value)]):
			wrong += 1
			print('differs: %s\n    got: %s' % ('\t'.join(line), got))
	print('%d rows, %d differ' % (len(lines), wrong))
	return wrong == 0


def mutate(seed, count):
	"""Wrap a value into arrays, rows, records and variants; change the type or the image and put their lengths right; change
	any byte of what the frame stores; compress. A compressed body is changed before or after it is unpacked, so that
	what is within is reached too."""
	dice = random.Random(int(seed))
	frames = [(data, *open_frame(data)) for data in (bytes.fromhex(line.strip()) for line in sys.stdin)]
	for _ in range(int(count)):
		data, type_, image = dice.choice(frames)
		other, *other_parts = dice.choice(frames)
		if data[3] & 15 and dice.random() < 0.3:
			rest = bytearray(data[12:])
			changes(dice, rest, other[12:])
			head = data[:4]
		else:
			for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
				type_, image = wrap(dice, type_, image, other_parts)
			head, rest = stored(dice, type_, image, other[12:])
		if dice.random() < 0.05:
			head = data[:3] + bytes([dice.choice((0, 1, 2, 0x21, 0x80, 0x81, dice.randrange(256)))])
		print(seal(head, bytes(rest) or b'\0').hex())
	return True


def stored(dice, type_, image, other):
	"""The bytes of a frame behind its checksum, after some changes."""
	kind = dice.randrange(8)
	type_, image = bytearray(type_), image if image is None else bytearray(image)
	if kind == 0:
		changes(dice, type_, other)
	elif kind < 5 and image:
		changes(dice, image, other)
	if image is None:
		head, rest = b'\xf5S\x01\x80', bytearray(sized(type_))
	elif dice.random() < 0.2:
		size = len(image) if dice.random() < 0.9 else dice.choice((0, len(image) - 1, len(image) + 1, dice.getrandbits(40)))
		number = dice.choice((0, 0, 1, 2, 3, 5, 6, 7))
		head, rest = bytes((0xf5, 0x53, 1, 1 | number << 4)), bytearray(sized(type_) + varint(max(size, 0)) + literals(apply_filter(number, image)))
	else:
		head, rest = b'\xf5S\x01\0', bytearray(sized(type_) + image)
	if kind == 5:
		changes(dice, rest, other)
	return head, rest


def apply_filter(number, data):
	"""The opposite of undo_filter()."""
	if number == 0:
		return bytes(data)
	width = 1 << (number & 3)
	head, rest = data[:len(data) % width], data[len(data) % width:]
	elements = [int.from_bytes(rest[i:i + width], 'little') for i in range(0, len(rest), width)]
	if number & 4:
		steps = [(b - a) % (1 << 8 * width) for a, b in zip([0] + elements, elements)]
		elements = [(step << 1 ^ -(step >> 8 * width - 1)) % (1 << 8 * width) for step in steps]
	return bytes(head) + b''.join(bytes(e >> 8 * plane & 0xff for e in elements) for plane in range(width))


def literals(data):
	"""An LZ4 block that holds these bytes as they are."""
	if len(data) < 15:
		return bytes([len(data) << 4]) + data
	more, last = divmod(len(data) - 15, 255)
	return b'\xf0' + b'\xff' * more + bytes([last]) + data


def wrap(dice, type_, image, other):
	"""The (descriptor, image) of something that has this value in it."""
	kind = dice.randrange(6)
	if kind == 0 and type_[0] != 7:
		return b'\x07' + type_, array_of(dice, [image] * dice.choice((1, 1, 2, 3, 8, 9)))
	parts = [(type_, image), other] if dice.random() < 0.5 else [(type_, image)]
	row = b'\x08\0\0' + varint(len(parts)) + b''.join(name('f%d' % (i + 1)) + part[0] for i, part in enumerate(parts))
	value = bitmap([part[1] for part in parts]) + b''.join(part[1] or b'' for part in parts)
	if kind == 1:
		return row, value
	if kind == 2:
		return b'\x09', sized(row) + value
	if kind == 3:
		return b'\x07\x09', array_of(dice, [sized(row) + value, None])
	inner = seal(b'\xf5S\x01\x80', sized(type_)) if image is None else seal(b'\xf5S\x01\0', sized(type_) + image)
	if kind == 4:
		return b'\x02' + qname('stash.variant'), sized(inner)
	# the image of one type, the descriptor of another
	return (other[0], image) if dice.random() < 0.3 else (type_, image)


def array_of(dice, images):
	"""The image of an array of one or two dimensions."""
	shape = [(len(images), 1)] if dice.random() < 0.8 else [(1, dice.choice((-1, 0, 2 ** 31 - 3))), (len(images), 5)]
	nulls = bitmap(images) if None in images else b''
	return (varint(len(shape)) + b''.join(varint(dim) + struct.pack('<i', lower) for dim, lower in shape) +
			bytes([None in images]) + nulls + b''.join(image or b'' for image in images))


def changes(dice, rest, other):
	for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
		change(dice, rest, other)


def change(dice, rest, other):
	at = dice.randrange(len(rest)) if rest else 0
	kind = dice.randrange(9)
	if kind == 0 and rest:
		rest[at] ^= 1 << dice.randrange(8)
	elif kind == 1 and rest:
		rest[at] = dice.choice((0, 1, 2, 7, 8, 9, 0x7f, 0x80, 0xff, dice.randrange(256)))
	elif kind == 2 and rest:
		rest[at] = (rest[at] + dice.choice((-1, 1))) % 256
	elif kind == 3:
		del rest[at:]
	elif kind == 4:
		del rest[at:at + dice.randrange(1, 9)]
	elif kind == 5:
		rest[at:at] = dice.randbytes(dice.randrange(1, 9))
	elif kind == 6:
		rest[at:at] = rest[at:at + dice.randrange(1, 33)]
	elif kind == 7:
		start = dice.randrange(len(other))
		rest[at:at + 16] = other[start:start + dice.randrange(1, 33)]
	else:
		rest[at:at + 4] = dice.choice((b'\xff' * 4, b'\xff\xff\xff\x7f', b'\0\0\0\x80', b'\x80\x80\x80\x80', varint(dice.getrandbits(40))))


def show():
	for line in sys.stdin:
		try:
			type_, value = read_frame(bytes.fromhex(line.strip()))
			print(json.dumps(type_) + '\t' + json.dumps(value, ensure_ascii=False))
		except (Invalid, KeyError, ValueError, struct.error) as problem:
			print('invalid: %s' % problem)
	return True


if __name__ == '__main__':
	commands = {'check': check, 'rows': rows, 'mutate': mutate, 'show': show}
	if len(sys.argv) < 2 or sys.argv[1] not in commands:
		sys.exit(__doc__)
	sys.exit(0 if commands[sys.argv[1]](*sys.argv[2:]) else 1)
