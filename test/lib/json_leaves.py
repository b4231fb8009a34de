"""json_leaves.py FILE...: the values in lines of JSON, in one line for each: KIND:NAME:VALUE, both in base64, numbers as they
are written; as Python's json module reads them"""
import base64
import json
import sys


class Number(str):
	pass


class Members(list):
	pass


def packed(text):
	return base64.b64encode(text.encode()).decode()


def leaves(name, value):
	if isinstance(value, Members):
		kind, text, inside = 'object', '', value
	elif isinstance(value, list):
		kind, text, inside = 'array', '', [(str(i), v) for i, v in enumerate(value)]
	elif isinstance(value, bool):
		kind, text, inside = 'boolean', str(value).lower(), []
	elif value is None:
		kind, text, inside = 'null', '', []
	else:
		kind, text, inside = 'number' if isinstance(value, Number) else 'string', value, []
	yield '%s:%s:%s' % (kind, packed(name), packed(text))
	for inner_name, inner in inside:
		yield from leaves(inner_name, inner)


def refuse(constant):
	raise ValueError('%s is no JSON' % constant)


for path in sys.argv[1:]:
	for line in open(path, 'rb').read().split(b'\n')[:-1]:
		value = json.loads(line.decode(), parse_int=Number, parse_float=Number, parse_constant=refuse, object_pairs_hook=Members)
		print(' '.join(leaves('', value)))
