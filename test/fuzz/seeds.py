"""seeds.py FOLDER: what fuzz targets begin with: the golden frames, and some values in the form that each target takes"""

import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'golden'))
sys.dont_write_bytecode = True
import recompute

WORDS = 'the same dozen words again, Grüße, 世界 😀 '
VALUES = {
	'text': ['text', WORDS * 20],
	'int4s': [{'array': 'int4'}, list(range(300))],
	'int8s': [{'array': 'int8'}, [10**12 + 1000 * i for i in range(100)]],
	'floats': [{'array': 'float8'}, [i / 7 for i in range(100)]],
	'nulls': [{'array': 'int4'}, [None if i % 3 else i for i in range(100)]],
	'texts': [{'array': 'text'}, ['word %d' % i for i in range(60)]],
	'rows': [{'array': {'row': [['a', 'int4'], ['b', 'text']]}}, [[i, str(i)] for i in range(40)]],
}


def write(folder, name, data):
	with open(os.path.join(sys.argv[1], folder, name), 'wb') as file:
		file.write(data)


def main():
	for folder in ('frame', 'codec', 'filter', 'arrow'):
		os.makedirs(os.path.join(sys.argv[1], folder))
	for number, (_, _, _, plain, packed) in enumerate(recompute.table('frames.tsv')):
		write('frame', '%d' % number, bytes.fromhex(plain))
		if plain != packed:
			packed = bytes.fromhex(packed)
			write('frame', '%d_packed' % number, packed)
			# a block to decompress, with the size that it claims
			reader = recompute.Reader(packed[12:])
			reader.sized()
			size = reader.varint()
			write('codec', '%d_packed' % number, struct.pack('<BHB', 0x80 | size >> 16, size & 0xffff, 0) + reader.data[reader.at:])
	for name, (type_, value) in VALUES.items():
		frame = recompute.frame(type_, value)
		_, image = recompute.open_frame(frame)
		write('frame', name, frame)
		write('filter', name, bytes([len(image) % 8]) + image)
		write('filter', name + '_long', bytes([0xf8 | len(image) % 8]) + image)
		write('codec', name, b'\0\0\0\0' + image)
		write('codec', name + '_small', struct.pack('<BHB', 0x20, len(image) // 2, 0) + image)
		write('codec', name + '_damaged', b'\xa0\x41\0\x01' + image)
		write('codec', name + '_long', b'\x40\0\0\x20' + image)
	for name, _, _, data in recompute.table('arrow.tsv'):
		write('arrow', name, bytes.fromhex(data))


main()
