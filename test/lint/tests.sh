#!/bin/bash
# tests.sh: every test file is one that runs, and every SQL file installs by plain CREATE
set -euo pipefail
cd "$(dirname "$0")/../.."

status=0
complain() { echo "$*"; status=1; }

for file in sql/*.sql; do
	[[ -e $file ]] || break
	name=$(basename "$file" .sql)
	[[ " $REGRESS " == *" $name "* ]] || complain "$file: no area of the Makefile begins its name, so it never runs"
	[[ -e expected/$name.out ]] || complain "$file: no expected/$name.out"
done
for file in image/sql/*.sql; do
	name=$(basename "$file" .sql)
	grep -Eq "^REGRESS .*\b$name( |\$)" image/Makefile || complain "$file: not in REGRESS of image/Makefile, so it never runs"
	[[ -e image/expected/$name.out ]] || complain "$file: no image/expected/$name.out"
done
for file in test/isolation/specs/*.spec; do
	[[ -e $file ]] || break
	name=$(basename "$file" .spec)
	[[ -e test/isolation/expected/$name.out ]] || complain "$file: no test/isolation/expected/$name.out"
done
# an attacker may own an object of that name before the extension comes
if grep -nEi '^[^-]*(OR REPLACE|IF NOT EXISTS)' src/*.sql image/*.sql; then
	complain "install scripts create, and never replace"
fi
exit $status
