#!/usr/bin/env python3
"""Writes images.tsv: small images of every kind, and the hashes that they must have.

The hashes come from the pixels that are drawn here and from README.md, never from the extension. PNG and GIF files
and simple JPEG files are made by hand; lossless WebP by libwebp's cwebp and img2webp. Only for real JPEG and lossy
WebP the pixels are those that djpeg and dwebp give. Needs xxhsum (Debian: xxhash, webp, libjpeg-turbo-progs).

	make_images.py > images.tsv        name, exact hash, sampled hash, file in hexadecimal
	make_images.py missed              how often a sampled hash misses a change, by simulation
"""

import os
import random
import struct
import subprocess
import sys
import tempfile
import uuid
import zlib

GRAY, GRAY_ALPHA, RGB, RGBA, CMYK = 1, 2, 3, 4, 5
CHANNELS = {GRAY: 1, GRAY_ALPHA: 2, RGB: 3, RGBA: 4, CMYK: 4}
NONE = '\\N'


# --- README.md: the canonical form. An image is a list of frames, a frame a list of rows, a row a list of tuples.

def number(value, bits):
	return value.to_bytes(bits // 8, 'little')


def put_pixels(frame, bits):
	return b''.join(number(channel, bits) for row in frame for pixel in row for channel in pixel)


def header(tag, mode, bits, frames):
	return tag + struct.pack('<BBIII', mode, bits, len(frames[0][0]), len(frames[0]), len(frames))


def exact_form(mode, bits, frames):
	return header(b'stash image 1', mode, bits, frames) + b''.join(put_pixels(frame, bits) for frame in frames)


def cell(i, size):
	start, end = i * size // 32, (i + 1) * size // 32
	return range(start, max(end, start + 1))


def mean(values):
	return (2 * sum(values) + len(values)) // (2 * len(values))


def sampled_form(mode, bits, frames):
	frame = frames[0]
	thumb = [[tuple(mean([frame[y][x][channel] for y in cell(j, len(frame)) for x in cell(i, len(frame[0]))])
					for channel in range(CHANNELS[mode])) for i in range(32)] for j in range(32)]
	return header(b'stash image sample 1', mode, bits, frames) + put_pixels(thumb, bits)


def xxh3_128(data):
	printed = subprocess.run(['xxhsum', '-H2'], input=data, capture_output=True, check=True).stdout
	return str(uuid.UUID(printed.split()[0].decode()))


def show(name, data, mode, frames, bits=8):
	assert all(len(pixel) == CHANNELS[mode] for frame in frames for row in frame for pixel in row)
	print(name, xxh3_128(exact_form(mode, bits, frames)), xxh3_128(sampled_form(mode, bits, frames)), data.hex(), sep='\t')


def show_unsupported(name, data):
	print(name, NONE, NONE, data.hex(), sep='\t')


# --- PNG

PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
COLOR_TYPES = {GRAY: 0, RGB: 2, GRAY_ALPHA: 4, RGBA: 6}
SIGNATURE = b'\x89PNG\r\n\x1a\n'


def chunk(kind, data=b''):
	return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def pack_row(row, depth):
	if depth == 16:
		return b''.join(struct.pack('>H', channel) for pixel in row for channel in pixel)
	bits = ''.join(format(channel, '0%db' % depth) for pixel in row for channel in pixel)
	bits += '0' * (-len(bits) % 8)
	return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a, b, c):
	p = a + b - c
	return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filter_row(kind, row, above, step):
	result = bytearray([kind])
	for i, byte in enumerate(row):
		a = row[i - step] if i >= step else 0
		b = above[i]
		c = above[i - step] if i >= step else 0
		result.append((byte - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) & 255)
	return bytes(result)


def png_rows(rows, depth, filters):
	data, above = b'', None
	step = max(1, len(rows[0][0]) * depth // 8)
	for y, row in enumerate(rows):
		packed = pack_row(row, depth)
		data += filter_row(filters[y % len(filters)], packed, above or bytes(len(packed)), step)
		above = packed
	return data


def png(rows, color, depth=8, filters=(0,), interlaced=False, level=9, parts=1, before=b'', after=b''):
	"""'rows' are as stored; 'before' are chunks before the pixels, 'after' after them."""
	if interlaced:
		data = b''.join(png_rows([row[x::dx] for row in rows[y::dy]], depth, filters)
						for x, y, dx, dy in PASSES if x < len(rows[0]) and y < len(rows))
	else:
		data = png_rows(rows, depth, filters)
	data = zlib.compress(data, level)
	size = -(-len(data) // parts)
	return (SIGNATURE + chunk(b'IHDR', struct.pack('>IIBBBBB', len(rows[0]), len(rows), depth, color, 0, 0, interlaced)) +
			before + b''.join(chunk(b'IDAT', data[i:i + size]) for i in range(0, len(data), size)) + after + chunk(b'IEND'))


def palette_of(rows):
	return sorted({pixel for row in rows for pixel in row})


def png_palette(rows, colors, depth=8, alpha=b'', **options):
	plte = chunk(b'PLTE', b''.join(bytes(color[:3]) for color in colors)) + (chunk(b'tRNS', alpha) if alpha else b'')
	return png([[(colors.index(pixel),) for pixel in row] for row in rows], 3, depth, before=plte, **options)


# --- GIF

def lzw(indexes, depth):
	clear = 1 << depth
	bits, width = [], 0
	table = {}

	def put(code):
		bits.extend(code >> i & 1 for i in range(width))

	def start():
		nonlocal table, width
		table = {(i,): i for i in range(clear)}
		width = depth + 1

	start()
	put(clear)
	used, run = clear + 2, ()
	for index in indexes:
		if run + (index,) in table:
			run += (index,)
			continue
		put(table[run])
		if used == 4096:
			put(clear)
			start()
			used = clear + 2
		else:
			table[run + (index,)] = used
			if used == 1 << width:
				width += 1
			used += 1
		run = (index,)
	put(table[run])
	if used == 1 << width and width < 12:
		width += 1
	put(clear + 1)
	bits += [0] * (-len(bits) % 8)
	data = bytes(sum(bit << i for i, bit in enumerate(bits[at:at + 8])) for at in range(0, len(bits), 8))
	return b''.join(bytes([len(data[at:at + 255])]) + data[at:at + 255] for at in range(0, len(data), 255)) + b'\0'


def color_table(colors):
	"""Three bytes a color, a power of two of them; and its exponent, less one."""
	depth = max(2, (len(colors) - 1).bit_length())
	return b''.join(bytes(color) for color in colors) + bytes(3 * ((1 << depth) - len(colors))), depth - 1


def gif(size, colors, frames, loop=None, comment=None):
	"""A frame is a dict: rows of color indexes, and perhaps at, disposal, transparent, delay, local, interlaced."""
	table, depth = color_table(colors)
	data = b'GIF89a' + struct.pack('<HHBBB', *size, 0xF0 | depth, 0, 0) + table
	if loop is not None:
		data += b'\x21\xff\x0bNETSCAPE2.0\x03\x01' + struct.pack('<H', loop) + b'\0'
	if comment is not None:
		data += b'\x21\xfe' + bytes([len(comment)]) + comment + b'\0'
	for frame in frames:
		rows, transparent = frame['rows'], frame.get('transparent')
		data += b'\x21\xf9\x04' + struct.pack('<BHBB', frame.get('disposal', 0) << 2 | (transparent is not None),
			frame.get('delay', 0), transparent or 0, 0)
		local, local_depth = color_table(frame['local']) if 'local' in frame else (b'', 0)
		flags = (0x80 | local_depth if local else 0) | (0x40 if frame.get('interlaced') else 0)
		data += b'\x2c' + struct.pack('<HHHHB', *frame.get('at', (0, 0)), len(rows[0]), len(rows), flags) + local
		if frame.get('interlaced'):
			rows = rows[0::8] + rows[4::8] + rows[2::4] + rows[1::2]
		code_size = (local_depth if local else depth) + 1
		data += bytes([code_size]) + lzw([index for row in rows for index in row], code_size)
	return data + b'\x3b'


def compose(size, colors, frames, mode):
	"""What a viewer shows, canvas after canvas."""
	nothing = (0, 0, 0, 0)
	canvas = [[nothing] * size[0] for _ in range(size[1])]
	shown = []
	for frame in frames:
		before = [list(row) for row in canvas]
		left, top = frame.get('at', (0, 0))
		for y, row in enumerate(frame['rows']):
			for x, index in enumerate(row):
				if index != frame.get('transparent'):
					canvas[top + y][left + x] = tuple(frame.get('local', colors)[index]) + (255,)
		shown.append([[pixel[:CHANNELS[mode]] for pixel in row] for row in canvas])
		if frame.get('disposal') == 2:
			for y, row in enumerate(frame['rows']):
				canvas[top + y][left:left + len(row)] = [nothing] * len(row)
		elif frame.get('disposal') == 3:
			canvas = before
	return shown


# --- JPEG of one block, each component of one value

def segment(marker, data):
	return b'\xff' + bytes([marker]) + struct.pack('>H', len(data) + 2) + data


def flat_scan(components, values):
	bits = ''
	for value in values:
		dc = 8 * (value - 128)
		size = abs(dc).bit_length()
		bits += format(size, '04b') + (format(dc if dc > 0 else dc + (1 << size) - 1, '0%db' % size) if size else '') + '0'
	bits += '1' * (-len(bits) % 8)
	data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)).replace(b'\xff', b'\xff\0')
	return segment(0xDA, bytes([len(components)]) + b''.join(bytes([i + 1, 0]) for i in components) + b'\0\x3f\0') + data


def jpeg_flat(values, adobe, scans=None):
	"""8 x 8 pixels; the mean of a block is all that it has. 'scans' are lists of components: all in one, unless said."""
	components = range(len(values))
	return (b'\xff\xd8' + (segment(0xEE, b'Adobe' + struct.pack('>HHHB', 100, 0, 0, 0)) if adobe else b'') +
			segment(0xDB, b'\0' + b'\1' * 64) +
			segment(0xC0, struct.pack('>BHHB', 8, 8, 8, len(values)) + b''.join(bytes([i + 1, 0x11, 0]) for i in components)) +
			# codes of 4 bits for sizes 0 to 11; one code of 1 bit for the end of the block
			segment(0xC4, b'\0' + bytes([0, 0, 0, 12]) + bytes(12) + bytes(range(12))) +
			segment(0xC4, b'\x10' + bytes([1]) + bytes(15) + b'\0') +
			b''.join(flat_scan(scan, [values[i] for i in scan]) for scan in scans or [components]) + b'\xff\xd9')


# --- other programs

def run(command, files, result):
	"""Run a program in a folder with 'files'; the bytes of the file 'result' there."""
	with tempfile.TemporaryDirectory() as folder:
		for name, data in files.items():
			with open(os.path.join(folder, name), 'wb') as file:
				file.write(data)
		subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
		with open(os.path.join(folder, result), 'rb') as file:
			return file.read()


def ppm(rows):
	magic = b'P6' if len(rows[0][0]) == 3 else b'P5'
	return magic + b' %d %d 255\n' % (len(rows[0]), len(rows)) + put_pixels(rows, 8)


def read_ppm(data):
	fields = data.split(None, 4)
	width, height = int(fields[1]), int(fields[2])
	channels = 3 if fields[0] == b'P6' else 1
	pixels = data[-width * height * channels:]
	return [[tuple(pixels[(y * width + x) * channels:][:channels]) for x in range(width)] for y in range(height)]


# --- pictures

def random_numbers(seed):
	while True:
		seed = (seed * 1103515245 + 12345) & 0x7fffffff
		yield seed >> 16


def picture(width, height, colors, seed=1):
	numbers = random_numbers(seed)
	return [[colors[next(numbers) % len(colors)] for _ in range(width)] for _ in range(height)]


def smooth(width, height):
	return [[(x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)) for x in range(width)]
			for y in range(height)]


def with_patch(rows, left, top, size, change):
	return [[change(pixel) if left <= x < left + size and top <= y < top + size else pixel
			 for x, pixel in enumerate(row)] for y, row in enumerate(rows)]


def indexes_of(rows, colors):
	return [[colors.index(pixel) for pixel in row] for row in rows]


def show_rgb():
	colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (120, 60, 30), (1, 2, 3), (254, 128, 7)]
	scene = picture(13, 9, colors)
	metadata = (chunk(b'gAMA', struct.pack('>I', 45455)) + chunk(b'sRGB', b'\0') + chunk(b'tEXt', b'Title\0a title') +
				chunk(b'iCCP', b'broken\0\0nothing') + chunk(b'bKGD', bytes(6)) + chunk(b'pHYs', struct.pack('>IIB', 1, 1, 1)))

	show('rgb png', png(scene, 2), RGB, [scene])
	show('rgb png filters', png(scene, 2, filters=(4, 1, 2, 3, 0)), RGB, [scene])
	show('rgb png interlaced', png(scene, 2, filters=(3, 4), interlaced=True), RGB, [scene])
	show('rgb png stored', png(scene, 2, level=0, parts=7), RGB, [scene])
	show('rgb png metadata', png(scene, 2, before=metadata, after=chunk(b'tIME', bytes(7)) + chunk(b'xyZz', b'own')), RGB, [scene])
	show('rgb png palette', png_palette(scene, palette_of(scene)), RGB, [scene])
	show('rgb png palette reordered', png_palette(scene, palette_of(scene)[::-1]), RGB, [scene])
	show('rgb png palette 4 bits', png_palette(scene, palette_of(scene), 4, interlaced=True), RGB, [scene])
	frames = chunk(b'acTL', struct.pack('>II', 2, 0)) + chunk(b'fcTL', struct.pack('>IIIIIHHBB', 0, 13, 9, 0, 0, 1, 10, 0, 0))
	second = chunk(b'fcTL', struct.pack('>IIIIIHHBB', 1, 13, 9, 0, 0, 1, 10, 0, 0)) + chunk(b'fdAT', bytes(20))
	show('rgb png animated', png(scene, 2, before=frames, after=second), RGB, [scene])
	show('rgb webp', run('cwebp -quiet -lossless -exact a.png -o a.webp', {'a.png': png(scene, 2)}, 'a.webp'), RGB, [scene])
	show('rgb gif', gif((13, 9), colors, [{'rows': indexes_of(scene, colors)}]), RGB, [scene])
	show('rgb gif interlaced', gif((13, 9), colors, [{'rows': indexes_of(scene, colors), 'interlaced': True}]), RGB, [scene])
	show('rgb gif local', gif((13, 9), [(9, 9, 9)], [{'rows': indexes_of(scene, colors), 'local': colors}]), RGB, [scene])

	# the same indexes under other colors
	swapped = {a: b for a, b in zip(palette_of(scene), palette_of(scene)[::-1])}
	other = [[swapped[pixel] for pixel in row] for row in scene]
	show('swapped png palette', png_palette(other, palette_of(scene)[::-1]), RGB, [other])
	show('swapped gif', gif((13, 9), colors[::-1], [{'rows': indexes_of(scene, colors)}]), RGB,
		 [[[colors[::-1][colors.index(pixel)] for pixel in row] for row in scene]])
	changed = with_patch(scene, 12, 8, 1, lambda pixel: (pixel[0], pixel[1], pixel[2] ^ 1))
	show('pixel png', png(changed, 2), RGB, [changed])


def show_shapes():
	pixels = picture(16, 1, [(r, g, b) for r in (0, 80) for g in (9, 99) for b in (7, 70)], 3)[0]
	for width, height in ((2, 8), (8, 2), (16, 1), (1, 16), (1, 1)):
		rows = [pixels[y * width:(y + 1) * width] for y in range(height)]
		show('size %dx%d png' % (width, height), png(rows, 2), RGB, [rows])


def show_gray():
	for depth in (1, 2, 4):
		stored = picture(11, 6, [(i,) for i in range(1 << depth)], depth)
		rows = [[(pixel[0] * 255 // ((1 << depth) - 1),) for pixel in row] for row in stored]
		show('gray%d png' % depth, png(stored, 0, depth), GRAY, [rows])
		show('gray%d png 8 bits' % depth, png(rows, 0), GRAY, [rows])
	rows = picture(11, 6, [(i,) for i in range(256)])
	show('gray png', png(rows, 0, interlaced=True), GRAY, [rows])
	as_rgb = [[pixel * 3 for pixel in row] for row in rows]
	show('gray as rgb png', png(as_rgb, 2), RGB, [as_rgb])
	as_16 = [[(pixel[0] * 257,) for pixel in row] for row in rows]
	show('gray as 16 bits png', png(as_16, 0, 16), GRAY, [as_16], 16)
	# the level that tRNS names is transparent
	level = rows[2][3][0]
	alpha = [[pixel + (0 if pixel[0] == level else 255,) for pixel in row] for row in rows]
	show('gray alpha png', png(alpha, 4), GRAY_ALPHA, [alpha])
	show('gray alpha png by color', png(rows, 0, before=chunk(b'tRNS', struct.pack('>H', level))), GRAY_ALPHA, [alpha])


def show_16_bits():
	numbers = random_numbers(5)
	for name, mode in (('gray', GRAY), ('gray alpha', GRAY_ALPHA), ('rgb', RGB), ('rgba', RGBA)):
		rows = [[tuple((next(numbers) << 1 | x & 1) & 65535 for _ in range(CHANNELS[mode])) for x in range(7)] for _ in range(5)]
		show('16 bits %s png' % name, png(rows, COLOR_TYPES[mode], 16, filters=(4, 2)), mode, [rows], 16)
		show('16 bits %s png interlaced' % name, png(rows, COLOR_TYPES[mode], 16, interlaced=True), mode, [rows], 16)


def show_alpha():
	colors = [(10, 20, 30, 0), (10, 20, 30, 255), (200, 100, 50, 128), (0, 0, 0, 0), (255, 255, 255, 1)]
	rows = picture(10, 12, colors, 7)
	show('rgba png', png(rows, 6, filters=(1, 4)), RGBA, [rows])
	show('rgba png palette', png_palette(rows, colors, alpha=bytes(color[3] for color in colors)), RGBA, [rows])
	show('rgba webp', run('cwebp -quiet -lossless -exact a.png -o a.webp', {'a.png': png(rows, 6)}, 'a.webp'), RGBA, [rows])
	opaque = [[pixel[:3] + (255,) for pixel in row] for row in rows]
	show('opaque rgba png', png(opaque, 6), RGBA, [opaque])
	named = [[pixel[:3] for pixel in row] for row in rows]
	alpha = [[pixel + (0 if pixel == (200, 100, 50) else 255,) for pixel in row] for row in named]
	show('rgba png by color', png(named, 2, before=chunk(b'tRNS', struct.pack('>HHH', 200, 100, 50))), RGBA, [alpha])
	# a transparent color of a GIF draws nothing, so nothing is seen of that color
	indexes = indexes_of(rows, colors)
	frames = [{'rows': indexes, 'transparent': 1}]
	table = [color[:3] for color in colors]
	shown = compose((10, 12), table, frames, RGBA)
	show('holes gif', gif((10, 12), table, frames), RGBA, shown)
	show('holes png', png(shown[0], 6), RGBA, shown)


def show_animations():
	colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 8, 7)]
	base = picture(12, 10, [0, 1, 2, 3], 11)
	small = picture(5, 4, [0, 1, 2, 3], 12)
	frames = [{'rows': base, 'delay': 10}, {'rows': small, 'at': (3, 2), 'delay': 20}, {'rows': small, 'at': (7, 6)}]
	size = (12, 10)

	show('film gif', gif(size, colors, frames), RGB, compose(size, colors, frames, RGB))
	slower = [dict(frame, delay=99) for frame in frames]
	show('film gif slower', gif(size, colors, slower, loop=3, comment=b'a comment'), RGB, compose(size, colors, frames, RGB))
	changed = [frames[0], dict(frames[1], rows=[[3 - i for i in row] for row in small]), frames[2]]
	show('film gif changed', gif(size, colors, changed), RGB, compose(size, colors, changed, RGB))
	show('film gif shorter', gif(size, colors, frames[:2]), RGB, compose(size, colors, frames[:2], RGB))
	undone = [frames[0], dict(frames[1], disposal=3), frames[2]]
	show('film gif undone', gif(size, colors, undone), RGB, compose(size, colors, undone, RGB))
	wiped = [frames[0], dict(frames[1], disposal=2), frames[2]]
	show('film gif wiped', gif(size, colors, wiped), RGBA, compose(size, colors, wiped, RGBA))
	first_undone = [dict(frames[0], disposal=3), frames[1]]
	show('film gif first undone', gif(size, colors, first_undone), RGBA, compose(size, colors, first_undone, RGBA))
	partial = [frames[1], dict(frames[2], transparent=2, disposal=2), frames[1]]
	show('film gif partial', gif(size, colors, partial), RGBA, compose(size, colors, partial, RGBA))
	ended = [frames[0], dict(frames[1], disposal=2)]
	show('film gif wiped at the end', gif(size, colors, ended), RGB, compose(size, colors, ended, RGB))

	shown = compose(size, colors, frames, RGBA)
	pngs = {'%d.png' % i: png(frame, 6) for i, frame in enumerate(shown)}
	show('film webp', run('img2webp -lossless -d 100 0.png 1.png 2.png -o a.webp', pngs, 'a.webp'), RGBA, shown)
	show('film gif as webp', run('gif2webp -quiet -m 0 a.gif -o a.webp', {'a.gif': gif(size, colors, wiped)}, 'a.webp'),
		 RGBA, compose(size, colors, wiped, RGBA))


def show_lossy():
	show('flat jpeg gray', jpeg_flat([77], False), GRAY, [[[(77,)] * 8] * 8])
	show('flat jpeg rgb', jpeg_flat([250, 3, 128], True), RGB, [[[(250, 3, 128)] * 8] * 8])
	show('flat jpeg rgb scans', jpeg_flat([250, 3, 128], True, [[0], [1], [2]]), RGB, [[[(250, 3, 128)] * 8] * 8])
	show('flat jpeg cmyk', jpeg_flat([1, 60, 127, 254], True), CMYK, [[[(1, 60, 127, 254)] * 8] * 8])
	show_unsupported('two channels jpeg', jpeg_flat([1, 2], False))
	rows = smooth(37, 27)
	gray = [[(pixel[1],) for pixel in row] for row in rows]
	for name, mode, source, options in (
			('jpeg rgb', RGB, rows, '-quality 75'), ('jpeg rgb 444', RGB, rows, '-quality 90 -sample 1x1'),
			('jpeg rgb progressive', RGB, rows, '-quality 75 -progressive'), ('jpeg gray', GRAY, gray, '-quality 80'),
			('jpeg rgb restarts', RGB, rows, '-quality 75 -restart 1')):
		file = run('cjpeg %s -outfile a.jpg a.ppm' % options, {'a.ppm': ppm(source)}, 'a.jpg')
		show(name, file, mode, [read_ppm(run('djpeg -dct int -outfile a.ppm a.jpg', {'a.jpg': file}, 'a.ppm'))])
	file = run('cwebp -quiet -q 60 a.png -o a.webp', {'a.png': png(rows, 2)}, 'a.webp')
	show('webp lossy', file, RGB, [read_ppm(run('dwebp -quiet -nodither -ppm a.webp -o a.ppm', {'a.webp': file}, 'a.ppm'))])


def show_large():
	rows = smooth(100, 70)
	show('large png', png(rows, 2, filters=(4,)), RGB, [rows])
	pixel = with_patch(rows, 50, 35, 1, lambda pixel: (pixel[0] + 1, pixel[1], pixel[2]))
	show('large pixel png', png(pixel, 2, filters=(4,)), RGB, [pixel])
	patch = with_patch(rows, 50, 35, 6, lambda pixel: (255 - pixel[0], pixel[1], pixel[2]))
	show('large patch png', png(patch, 2, filters=(4,)), RGB, [patch])


def missed(width, height, size, trials=10000):
	"""The share of changes that no mean shows: a square of one color, drawn onto a picture of random pixels."""
	count = 0
	for _ in range(trials):
		left, top = random.randrange(width - size + 1), random.randrange(height - size + 1)
		color = [random.randrange(256) for _ in range(3)]
		seen = False
		for i in range(left * 32 // width, (left + size - 1) * 32 // width + 1):
			for j in range(top * 32 // height, (top + size - 1) * 32 // height + 1):
				columns, rows = cell(i, width), cell(j, height)
				n = len(columns) * len(rows)
				inside = (len(range(max(left, columns.start), min(left + size, columns.stop))) *
						  len(range(max(top, rows.start), min(top + size, rows.stop))))
				for channel in range(3):
					old = sum(random.choices(range(256), k=inside))
					rest = random.randrange(n * 100, n * 155)
					seen |= (2 * (rest + old) + n) // (2 * n) != (2 * (rest + inside * color[channel]) + n) // (2 * n)
		count += not seen
	return 100 * count / trials


def show_missed():
	random.seed(1)
	for width, height in ((640, 480), (1920, 1080), (6000, 4000)):
		print('%d x %d:' % (width, height), ', '.join('%d x %d pixels %.1f %%' % (size, size, missed(width, height, size))
			for size in (1, 2, 4, 8, 16)))


def main():
	if sys.argv[1:] == ['missed']:
		show_missed()
		return
	show_rgb()
	show_shapes()
	show_gray()
	show_16_bits()
	show_alpha()
	show_animations()
	show_lossy()
	show_large()


main()
