"""XXH3-64 with a seed, in Python alone.

The program xxhsum knows no seeds, and the checksum of a frame has one. Written from the specification of
XXH3; recompute.py compares it with xxhsum for the seed 0 and every branch of the algorithm.
"""

MASK = (1 << 64) - 1
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
PRIME_MX1, PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25

SECRET = bytes.fromhex(
	'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221'
	'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8'
	'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb'
	'170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e')


def u32(data, at):
	return int.from_bytes(data[at:at + 4], 'little')


def u64(data, at):
	return int.from_bytes(data[at:at + 8], 'little')


def rotate(x, bits):
	return ((x << bits) | (x >> (64 - bits))) & MASK


def fold(a, b):
	product = a * b
	return (product ^ (product >> 64)) & MASK


def avalanche(x):
	x ^= x >> 37
	x = x * PRIME_MX1 & MASK
	return x ^ (x >> 32)


def avalanche64(x):
	x ^= x >> 33
	x = x * P64_2 & MASK
	x ^= x >> 29
	x = x * P64_3 & MASK
	return x ^ (x >> 32)


def mix16(data, at, secret, place, seed):
	return fold(u64(data, at) ^ (u64(secret, place) + seed & MASK),
				u64(data, at + 8) ^ (u64(secret, place + 8) - seed & MASK))


def hash_0_to_16(data, seed):
	n = len(data)
	if n == 0:
		return avalanche64(seed ^ u64(SECRET, 56) ^ u64(SECRET, 64))
	if n <= 3:
		combined = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
		return avalanche64(combined ^ ((u32(SECRET, 0) ^ u32(SECRET, 4)) + seed & MASK))
	if n <= 8:
		seed ^= int.from_bytes((seed & 0xffffffff).to_bytes(4, 'little'), 'big') << 32
		x = u32(data, n - 4) + (u32(data, 0) << 32)
		x ^= (u64(SECRET, 8) ^ u64(SECRET, 16)) - seed & MASK
		x ^= rotate(x, 49) ^ rotate(x, 24)
		x = x * PRIME_MX2 & MASK
		x ^= (x >> 35) + n & MASK
		x = x * PRIME_MX2 & MASK
		return x ^ (x >> 28)
	low = u64(data, 0) ^ ((u64(SECRET, 24) ^ u64(SECRET, 32)) + seed & MASK)
	high = u64(data, n - 8) ^ ((u64(SECRET, 40) ^ u64(SECRET, 48)) - seed & MASK)
	swapped = int.from_bytes(low.to_bytes(8, 'little'), 'big')
	return avalanche(n + swapped + high + fold(low, high) & MASK)


def hash_17_to_128(data, seed):
	n = len(data)
	acc = n * P64_1 & MASK
	for i in reversed(range((n - 1) // 32 + 1)):
		acc += mix16(data, 16 * i, SECRET, 32 * i, seed)
		acc += mix16(data, n - 16 * (i + 1), SECRET, 32 * i + 16, seed)
	return avalanche(acc & MASK)


def hash_129_to_240(data, seed):
	n = len(data)
	acc = n * P64_1 & MASK
	for i in range(8):
		acc += mix16(data, 16 * i, SECRET, 16 * i, seed)
	acc = avalanche(acc & MASK)
	for i in range(8, n // 16):
		acc += mix16(data, 16 * i, SECRET, 16 * (i - 8) + 3, seed)
	return avalanche(acc + mix16(data, n - 16, SECRET, 136 - 17, seed) & MASK)


def accumulate(acc, data, at, secret, place):
	for i in range(8):
		value = u64(data, at + 8 * i)
		key = value ^ u64(secret, place + 8 * i)
		acc[i ^ 1] = acc[i ^ 1] + value & MASK
		acc[i] = acc[i] + (key & 0xffffffff) * (key >> 32) & MASK


def hash_long(data, seed):
	n = len(data)
	secret = b''.join(
		(u64(SECRET, at) + (seed if at % 16 == 0 else -seed) & MASK).to_bytes(8, 'little')
		for at in range(0, 192, 8))
	acc = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
	blocks = (n - 1) // 1024
	for block in range(blocks):
		for stripe in range(16):
			accumulate(acc, data, 1024 * block + 64 * stripe, secret, 8 * stripe)
		for i in range(8):
			acc[i] = ((acc[i] ^ (acc[i] >> 47)) ^ u64(secret, 128 + 8 * i)) * P32_1 & MASK
	for stripe in range((n - 1 - 1024 * blocks) // 64):
		accumulate(acc, data, 1024 * blocks + 64 * stripe, secret, 8 * stripe)
	accumulate(acc, data, n - 64, secret, 128 - 7)
	result = n * P64_1 & MASK
	for i in range(4):
		result += fold(acc[2 * i] ^ u64(secret, 11 + 16 * i), acc[2 * i + 1] ^ u64(secret, 19 + 16 * i))
	return avalanche(result & MASK)


def xxh3_64(data, seed=0):
	"""The hash of some bytes, as a number."""
	n = len(data)
	if n <= 16:
		return hash_0_to_16(data, seed)
	if n <= 128:
		return hash_17_to_128(data, seed)
	if n <= 240:
		return hash_129_to_240(data, seed)
	return hash_long(data, seed)
