# as json_leaves.py, with numbers as jq has them: jq -r -f json_leaves.jq FILE
def leaves($name): type as $kind
	| "\($kind):\($name | @base64):\(if $kind == "object" or $kind == "array" or $kind == "null" then "" elif $kind == "string" then @base64 else tojson | @base64 end)",
	(if $kind == "object" then keys_unsorted[] as $key | .[$key] | leaves($key)
	elif $kind == "array" then range(length) as $i | .[$i] | leaves($i | tostring)
	else empty end);
[leaves("")] | join(" ")
