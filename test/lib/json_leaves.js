// json_leaves.js FILE: as json_leaves.py, by DuckDB
const { DuckDBInstance } = require('@duckdb/node-api');
const kinds = { OBJECT: 'object', ARRAY: 'array', VARCHAR: 'string', BOOLEAN: 'boolean', NULL: 'null' };
const packed = (text) => Buffer.from(text).toString('base64');

(async () => {
	const connection = await (await DuckDBInstance.create(':memory:')).connect();
	await connection.run(`CREATE TABLE line AS SELECT row_number() OVER () AS n, json FROM read_json_objects('${process.argv[2]}', format = 'newline_delimited', maximum_object_size = 100000000)`);
	// "atom" is null for null and what has members
	const result = await connection.runAndReadAll(`SELECT n, key, type, CASE WHEN atom IS NOT NULL THEN value ->> '$' END FROM line, json_tree(json) ORDER BY n, id`);
	const lines = [];

	for (const [n, name, type, value] of result.getRows())
		(lines[Number(n) - 1] ??= []).push(`${kinds[type] ?? 'number'}:${packed(String(name ?? ''))}:${packed(value ?? '')}`);
	for (const line of lines)
		console.log(line.join(' '));
})();
