// arrow_read.js arrow|polars|polars-file FILE: the rows of an Arrow stream or file as lines of JSON, read by a library that nobody here wrote
//
// Numbers are strings, so that none is rounded. arrow: days, microseconds, unscaled decimals as the format has them, which is
// what SQL can say exactly; polars: the text that it casts to.
const fs = require('fs');
const [library, file, codec] = process.argv.slice(2);
const bytes = library === 'polars-write' ? null : fs.readFileSync(file);

// the unscaled integer in the words of a decimal
function decimal(words) {
	let value = 0n;

	for (let i = words.length - 1; i >= 0; i--)
		value = value << 32n | BigInt(words[i]);
	return String(BigInt.asIntN(32 * words.length, value));
}

function readArrow() {
	const { tableFromIPC, Type } = require('apache-arrow');

	// a value of one piece of a column
	function value(data, i) {
		const type = data.type;

		if (!data.getValid(i)) return null;
		switch (type.typeId) {
			case Type.Null: return null;
			case Type.Bool: return (data.values[(data.offset + i) >> 3] >> ((data.offset + i) & 7) & 1) === 1;
			case Type.Int: case Type.Date: case Type.Time: case Type.Timestamp: return String(data.values[i]);
			case Type.Float: return String(data.values[i]);
			case Type.Decimal: return decimal(data.values.subarray(i * type.bitWidth / 32, (i + 1) * type.bitWidth / 32));
			// months, days, and nanoseconds in two words
			case Type.Interval: {
				const words = data.values.subarray(i * 4, i * 4 + 4);
				return [words[0], words[1], BigInt(words[3]) << 32n | BigInt(words[2] >>> 0)].map(String);
			}
			case Type.FixedSizeBinary: return Buffer.from(data.values.subarray(i * type.byteWidth, (i + 1) * type.byteWidth)).toString('hex');
			case Type.Binary: return Buffer.from(data.values.subarray(data.valueOffsets[i], data.valueOffsets[i + 1])).toString('hex');
			case Type.Utf8: return Buffer.from(data.values.subarray(data.valueOffsets[i], data.valueOffsets[i + 1])).toString('utf8');
			case Type.Dictionary: return data.dictionary.get(Number(data.values[i]));
			case Type.List: {
				const list = [];
				for (let k = data.valueOffsets[i]; k < data.valueOffsets[i + 1]; k++) list.push(value(data.children[0], k));
				return list;
			}
			case Type.Struct: return Object.fromEntries(type.children.map((field, k) => [field.name, value(data.children[k], i)]));
			default: throw new Error(`type ${type}`);
		}
	}

	const table = tableFromIPC(bytes);
	for (const batch of table.batches) {
		for (let i = 0; i < batch.numRows; i++)
			console.log(JSON.stringify(Object.fromEntries(table.schema.fields.map((field, k) => [field.name, value(batch.data.children[k], i)]))));
	}
	console.log(JSON.stringify(table.schema.fields.map((field) => [field.name, String(field.type), field.metadata.get('ARROW:extension:name') ?? null])));
}

function readPolars() {
	const pl = require('nodejs-polars');
	const table = library === 'polars' ? pl.readIPCStream(bytes) : pl.readIPC(bytes);
	const isList = (name) => String(table.getColumn(name).dtype).includes('List');
	const text = table.columns.map((name) => isList(name) ? table.getColumn(name).toArray().map((list) => list && list.map((x) => x === null ? null : String(x)))
		: table.getColumn(name).cast(pl.Utf8).toArray());

	for (let i = 0; i < table.height; i++)
		console.log(JSON.stringify(Object.fromEntries(table.columns.map((name, k) => [name, text[k][i]]))));
}

// polars-write FILE CODEC: a file and a stream (FILE.stream) of Polars' own
function writePolars() {
	const pl = require('nodejs-polars');
	const table = pl.DataFrame({ n: [1, 2, null, 4], t: ['short', 'a text of more than twelve bytes', null, 'Grüße, and more'], f: [0.5, null, 2.5, -1], l: [[1, 2], [], null, [3]], b: [true, false, null, true] });

	table.writeIPC(file, { compression: codec });
	table.writeIPCStream(file + '.stream', { compression: codec });
}

({ arrow: readArrow, polars: readPolars, 'polars-file': readPolars, 'polars-write': writePolars })[library]();
